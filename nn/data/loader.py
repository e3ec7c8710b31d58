"""`DataLoader`: a data set in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from autograd_core.random import Generator
from autograd_core.tensor import Tensor, constant

from .collate import default_collate
from .dataset import IterableDataset, Subset, TensorDataset
from .sampler import BatchSampler, OrderSampler, RandomSampler, SequentialSampler


class DataLoader:
    """The samples of a data set in batches; every iteration is a new pass over them, shuffled anew if `shuffle`.

    `sampler` says in which order, `batch_sampler` which indices make a batch, `collate_fn` how samples become one;
    `batch_size=None` gives single samples. `generator` (without it this thread's stream) draws the shuffles. Batches of a
    TensorDataset, or a Subset of one, are cut out of its tensors as wholes. Loading is done in this process: `num_workers`
    must be 0. Raises ValueError for arguments that exclude one another.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ):
        if num_workers != 0:
            raise ValueError(f"DataLoader: loads in this process, so num_workers must be 0, got {num_workers}")
        if timeout or prefetch_factor is not None or persistent_workers or multiprocessing_context is not None:
            raise ValueError("DataLoader: timeout, prefetch_factor, persistent_workers and multiprocessing_context need workers")
        if isinstance(dataset, IterableDataset):
            if shuffle or sampler is not None or batch_sampler is not None:
                raise ValueError("DataLoader: an IterableDataset has its own order; shuffle, sampler and batch_sampler are for others")
        elif sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError("batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last")
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")
        elif batch_size is not None and (not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0):
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
        self.dataset = dataset
        self.num_workers = 0
        self.pin_memory = pin_memory
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.generator = generator
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.iterable = isinstance(dataset, IterableDataset)
        if sampler is None and not self.iterable:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        self.sampler: Any = sampler
        if batch_sampler is None and batch_size is not None and not self.iterable:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)  # type: ignore[arg-type]
        self.batch_sampler: Any = batch_sampler
        batched = batch_size is not None or batch_sampler is not None
        self.collate_fn = collate_fn if collate_fn is not None else default_collate if batched else single

    def __iter__(self) -> Iterator[Any]:
        if self.iterable:
            return self._of_iterable()
        if self.batch_sampler is None:
            return (self.collate_fn(self.dataset[i]) for i in self.sampler)
        wholes = tensors_of(self.dataset) if self.collate_fn is default_collate else None
        if wholes is not None:
            tensors, places = wholes
            return (cut(tensors, indices if places is None else places[indices]) for indices in self._index_arrays())
        return (self.collate_fn([self.dataset[i] for i in indices]) for indices in self.batch_sampler)

    def _of_iterable(self) -> Iterator[Any]:
        if self.batch_size is None:
            yield from (self.collate_fn(sample) for sample in self.dataset)
        else:
            for samples in BatchSampler(self.dataset, self.batch_size, self.drop_last):
                yield self.collate_fn(samples)

    def _index_arrays(self) -> Iterator[np.ndarray[Any, Any]]:
        """The indices of each batch."""
        batches = self.batch_sampler
        if type(batches) is BatchSampler and isinstance(batches.sampler, OrderSampler):
            order, size = batches.sampler.order(), batches.batch_size
            stop = len(order) // size * size if batches.drop_last else len(order)
            return (order[k : k + size] for k in range(0, stop, size))
        return (np.asarray(indices) for indices in batches)

    def __len__(self) -> int:
        if self.iterable:
            n = len(self.dataset)
            if self.batch_size is None:
                return n
            return n // self.batch_size if self.drop_last else -(-n // self.batch_size)
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)


def single(sample: Any) -> Any:
    """What becomes of a sample where there are no batches: arrays become Tensors."""
    if isinstance(sample, np.ndarray):
        return constant(sample)
    if isinstance(sample, tuple | list):
        return [single(part) for part in sample]
    return {key: single(part) for key, part in sample.items()} if isinstance(sample, dict) else sample


def tensors_of(dataset: Any) -> tuple[tuple[Tensor, ...], np.ndarray[Any, Any] | None] | None:
    """The tensors behind a TensorDataset, or a Subset of one, and where in them its samples stand (None: everywhere)."""
    if type(dataset) is TensorDataset:
        return dataset.tensors, None
    if type(dataset) is Subset:
        inner = tensors_of(dataset.dataset)
        if inner is not None:
            places = np.asarray(dataset.indices, np.int64)
            return inner[0], places if inner[1] is None else inner[1][places]
    return None


def cut(tensors: tuple[Tensor, ...], indices: np.ndarray[Any, Any]) -> list[Tensor]:
    """The entries with these indices of each tensor."""
    return [t[constant(indices)] if t.requires_grad else constant(np.take(t.array, indices, 0)) for t in tensors]
