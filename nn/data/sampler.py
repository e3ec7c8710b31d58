"""In which order samples come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any

import numpy as np

from autograd_core.random import Generator, stream
from autograd_core.tensor import Tensor


class Sampler:
    """Indices, anew with each iteration: a subclass defines `__iter__`."""

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError("abstract: a Sampler defines __iter__")

    def __class_getitem__(cls, item: Any) -> type[Sampler]:
        """`Sampler[int]`, as annotations write it."""
        return cls


class OrderSampler(Sampler):
    """A Sampler that knows the whole order beforehand: a subclass defines `order`."""

    def order(self) -> np.ndarray[Any, Any]:
        """The indices, in order."""
        raise NotImplementedError("abstract: an OrderSampler defines order")

    def __iter__(self) -> Iterator[int]:
        return iter(self.order().tolist())


class SequentialSampler(OrderSampler):
    """0, 1, 2, ..."""

    def __init__(self, data_source: Sized):
        self.data_source = data_source

    def order(self) -> np.ndarray[Any, Any]:
        return np.arange(len(self.data_source))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(OrderSampler):
    """All indices shuffled, or `num_samples` of them, drawn from `generator` or this thread's stream.

    With `replacement` an index may come several times; without, more samples than there are come in several rounds.
    Raises ValueError unless num_samples is positive, TypeError where arguments are of another kind.
    """

    def __init__(self, data_source: Sized, replacement: bool = False, num_samples: int | None = None, generator: Generator | None = None):
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        if num_samples is not None and (not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0):
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={num_samples}")
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator

    @property
    def num_samples(self) -> int:
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def order(self) -> np.ndarray[Any, Any]:
        n, random = len(self.data_source), stream(self.generator)
        if self.replacement:
            return random.integers(0, n, self.num_samples)
        rounds = -(-self.num_samples // n) if n else 0
        return np.concatenate([random.permutation(n) for _ in range(rounds)] or [np.zeros(0, np.int64)])[: self.num_samples]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(OrderSampler):
    """These indices, shuffled."""

    def __init__(self, indices: Sequence[int], generator: Generator | None = None):
        self.indices = indices
        self.generator = generator

    def order(self) -> np.ndarray[Any, Any]:
        return np.asarray(self.indices)[stream(self.generator).permutation(len(self.indices))]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(OrderSampler):
    """`num_samples` indices, each drawn with probability proportional to its weight.

    Raises ValueError for weights that are no vector or sum to nothing, and for more samples than weights that are not
    zero without `replacement`.
    """

    def __init__(self, weights: Any, num_samples: int, replacement: bool = True, generator: Generator | None = None):
        if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={num_samples}")
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement should be a boolean value, but got replacement={replacement}")
        self.weights = np.asarray(weights.array if isinstance(weights, Tensor) else weights, np.float64)
        if self.weights.ndim != 1 or not (self.weights >= 0).all() or not 0 < self.weights.sum() < np.inf:
            raise ValueError(f"weights should be a vector of non-negative numbers, not all zero, but got shape {self.weights.shape}")
        if not replacement and num_samples > np.count_nonzero(self.weights):
            raise ValueError(f"without replacement, {num_samples} samples need as many weights that are not zero")
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def order(self) -> np.ndarray[Any, Any]:
        chances = self.weights / self.weights.sum()
        return stream(self.generator).choice(len(chances), self.num_samples, self.replacement, chances)

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """Lists of `batch_size` indices of another sampler; the last, shorter one is left out if `drop_last`. Raises ValueError."""

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool):
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        batch = []
        for index in self.sampler:
            batch.append(index)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        n = len(self.sampler)  # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)
