"""Random numbers: one stream per thread for everything, seeded by `manual_seed`, and `Generator`s of one's own."""

from __future__ import annotations

import os
import threading
from typing import Any

import numpy as np


class Generator:
    """A stream of random numbers with a state that can be saved and set (PyTorch's torch.Generator, on NumPy's PCG64)."""

    def __init__(self, device: Any = "cpu"):
        self._numpy: np.random.Generator | None = None
        self._seed: int | None = None

    @property
    def numpy(self) -> np.random.Generator:
        """NumPy's generator; made when first used, for loading NumPy's random numbers takes a while."""
        if self._numpy is None:
            self._numpy = np.random.default_rng(self.initial_seed() % 2**64)
        return self._numpy

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream again from this seed. Raises TypeError unless it is an integer."""
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
            raise TypeError(f"manual_seed: the seed is an integer, got a {type(seed).__name__}")
        self._seed = int(seed)
        self._numpy = None
        return self

    def seed(self) -> int:
        """Start the stream again from a seed of the system's randomness, which is returned."""
        self._numpy = self._seed = None
        return self.initial_seed()

    def initial_seed(self) -> int:
        """The seed that the stream was started from; drawn from the system's randomness if none was given."""
        if self._seed is None:
            self._seed = int.from_bytes(os.urandom(8), "little")
        return self._seed

    def get_state(self) -> Any:
        return self.numpy.bit_generator.state

    def set_state(self, state: Any) -> Generator:
        self.numpy.bit_generator.state = state
        return self


class _Streams(threading.local):
    def __init__(self) -> None:
        self.generator = Generator()


_streams = _Streams()


def default_generator() -> Generator:
    """This thread's stream."""
    return _streams.generator


def manual_seed(seed: int) -> Generator:
    """Start this thread's stream again from `seed`."""
    return default_generator().manual_seed(seed)


def stream(generator: Generator | None) -> np.random.Generator:
    """NumPy's generator behind a Generator, or behind this thread's stream for None. Raises TypeError for anything else."""
    if generator is None:
        return _streams.generator.numpy
    if not isinstance(generator, Generator):
        raise TypeError(f"generator: must be an autograd_core.Generator or None, got a {type(generator).__name__}")
    return generator.numpy


def drawn_in(dtype: Any) -> Any:
    """The dtype NumPy draws in for a result of this one: float32 draws are cheaper where they are enough."""
    return np.float32 if np.dtype(dtype).itemsize <= 4 else np.float64


def get_rng_state() -> Any:
    """The state of this thread's stream."""
    return default_generator().get_state()


def set_rng_state(state: Any) -> None:
    default_generator().set_state(state)
