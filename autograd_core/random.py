"""Random numbers: one stream per thread, seeded by `manual_seed`, and `Generator`s of one's own.

A thread that never seeded its stream draws from a seed of the system's randomness, so that no two threads draw the same. A
seed is that of the calling thread only: what it draws is the same however many threads run beside it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .device import CPU, Device
from .graph import thread
from .tensor import Tensor, constant


class Generator:
    """A stream of random numbers with a state that can be saved and set (PyTorch's torch.Generator, on NumPy's PCG64)."""

    def __init__(self, device: Any = "cpu"):
        Device(device)
        self._numpy: np.random.Generator | None = None
        self._seed: int | None = None

    @property
    def device(self) -> Device:
        return CPU

    @property
    def numpy(self) -> np.random.Generator:
        """NumPy's generator; made when first used, for loading NumPy's random numbers takes a while."""
        if self._numpy is None:
            self._numpy = np.random.default_rng(self.initial_seed())
        return self._numpy

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream again from this seed, of 64 bits: a negative one counts from 2⁶⁴ down.

        Raises TypeError unless it is an integer, ValueError if it is below -2⁶³ or not below 2⁶⁴.
        """
        if isinstance(seed, bool) or not hasattr(seed, "__index__"):
            raise TypeError(f"manual_seed: the seed is an integer, got a {type(seed).__name__}")
        if not -(2**63) <= seed.__index__() < 2**64:
            raise ValueError(f"manual_seed: the seed is from -2**63 to 2**64 - 1, got {seed}")
        self._seed = seed.__index__() % 2**64
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

    def get_state(self) -> Tensor:
        """Where the stream stands, as a uint8 tensor: a header with the format's version, the numbers of PCG64, the seed."""
        pcg = self.numpy.bit_generator.state
        numbers = (pcg["state"]["state"], pcg["state"]["inc"], pcg["has_uint32"], pcg["uinteger"], self.initial_seed())
        text = HEADER + b"".join(n.to_bytes(length, "little") for n, length in zip(numbers, LENGTHS, strict=True))
        return constant(np.frombuffer(text, np.uint8).copy())

    def set_state(self, new_state: Tensor) -> Generator:
        """Go where `get_state` was called. Raises TypeError unless it is a uint8 tensor, RuntimeError unless `get_state` made it."""
        if not isinstance(new_state, Tensor) or new_state.dtype != np.uint8:
            what = new_state.dtype if isinstance(new_state, Tensor) else type(new_state).__name__
            raise TypeError(f"set_state: a state is a uint8 tensor, as get_state gives, got {what}")
        text = new_state.array.tobytes()
        if len(text) != len(HEADER) + sum(LENGTHS) or not text.startswith(HEADER):
            raise RuntimeError(f"set_state: this tensor of shape {tuple(new_state.shape)} is not a state that get_state made")
        numbers = []
        at = len(HEADER)
        for length in LENGTHS:
            numbers.append(int.from_bytes(text[at : at + length], "little"))
            at += length
        state, increment, has_half, half, seed = numbers
        if increment % 2 == 0 or has_half > 1:
            raise RuntimeError("set_state: the state was changed since get_state made it")
        self.numpy.bit_generator.state = {
            "bit_generator": "PCG64",
            "state": {"state": state, "inc": increment},
            "has_uint32": has_half,
            "uinteger": half,
        }
        self._seed = seed
        return self

    def clone_state(self) -> Generator:
        """Another generator that stands where this one does."""
        return Generator().set_state(self.get_state())


HEADER = b"agPCG64\x01"  # the last byte is the format's version
LENGTHS = (16, 16, 1, 4, 8)  # bytes of the state, the increment, whether half of a draw is left over, that half, the seed


class _Streams(threading.local):
    def __init__(self) -> None:
        self.generator = Generator()


_streams = _Streams()


def own_generator() -> Generator:
    """This thread's stream."""
    return _streams.generator


def manual_seed(seed: int) -> Generator:
    """Start this thread's stream again from `seed`."""
    return own_generator().manual_seed(seed)


def seed() -> int:
    """Start this thread's stream again from a seed of the system's randomness, which is returned."""
    return own_generator().seed()


def initial_seed() -> int:
    """The seed that this thread's stream was started from."""
    return own_generator().initial_seed()


def get_rng_state() -> Tensor:
    """The state of this thread's stream, a uint8 tensor."""
    return own_generator().get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Set the state of this thread's stream. Errors as of `Generator.set_state`."""
    own_generator().set_state(new_state)


@contextmanager
def fork_rng(devices: Iterable[Any] | None = None, enabled: bool = True, device_type: str = "cpu") -> Iterator[None]:
    """A block (or decorated function) after which this thread's stream goes on from where it stood before.

    `devices` names further devices in PyTorch; here there are none, so it must be empty or the CPU.
    """
    for device in (device_type, *(devices or ())):
        Device(device)
    if not enabled:
        yield
        return
    before = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(before)


# ---------------------------------------------------------------------- drawing arrays


def stream(generator: Generator | None) -> np.random.Generator:
    """NumPy's generator behind a Generator, or behind this thread's stream for None. Raises TypeError for anything else."""
    if thread.batch is not None and thread.batch.randomness == "error":
        raise RuntimeError("vmap: random numbers inside; say with randomness='same' or 'different' what is meant")
    if generator is None:
        return _streams.generator.numpy
    if not isinstance(generator, Generator):
        raise TypeError(f"generator: must be an autograd_core.Generator or None, got a {type(generator).__name__}")
    return generator.numpy


def drawn_in(dtype: Any) -> Any:
    """The dtype NumPy draws in for a result of this one: float32 draws are cheaper where they are enough."""
    return np.float32 if np.dtype(dtype).itemsize <= 4 else np.float64


def parts(name: str, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of the parts of complex numbers, or a floating-point dtype itself. Raises RuntimeError for others."""
    if dtype.kind not in "fc":
        raise RuntimeError(f"{name}: a continuous distribution cannot be drawn in {dtype}; take a floating-point dtype")
    return np.dtype(f"f{dtype.itemsize // 2}") if dtype.kind == "c" else dtype


def uniforms(name: str, shape: Any, dtype: np.dtype[Any], generator: Generator | None) -> np.ndarray[Any, Any]:
    """Uniform in [0, 1), also after rounding to the dtype; of complex numbers both parts."""
    random, real = stream(generator), parts(name, dtype)
    shape = tuple(shape) if dtype is real else (*shape, 2)
    if real == np.float16:
        return np.asarray(random.integers(0, 2048, shape, np.uint16).astype(np.float16) / np.float16(2048))
    drawn = np.asarray(random.random(shape, real.type))
    return drawn if dtype is real else drawn.view(dtype)[..., 0]


def normals(name: str, shape: Any, dtype: np.dtype[Any], generator: Generator | None) -> np.ndarray[Any, Any]:
    """Normal of mean 0 and variance 1, in the dtype or one that is wider; of complex numbers each part has half of the variance."""
    random, real = stream(generator), parts(name, dtype)
    shape = tuple(shape) if dtype is real else (*shape, 2)
    drawn = np.asarray(random.standard_normal(shape, drawn_in(real)))
    if dtype is real:
        return drawn
    drawn *= 0.5**0.5
    return drawn.view(dtype)[..., 0]


def whole_numbers(name: str, low: Any, high: Any, shape: Any, dtype: np.dtype[Any], generator: Generator | None) -> np.ndarray[Any, Any]:
    """Integers from low up to, not including, high. Raises TypeError, or RuntimeError for an empty range or one beyond the dtype's."""
    for bound in (low, high):
        if isinstance(bound, bool) or not hasattr(bound, "__index__"):
            raise TypeError(f"{name}: the bounds are integers, got {bound!r}")
    low, high = low.__index__(), high.__index__()
    if high <= low:
        raise RuntimeError(f"{name}: high must be above low, got {low} and {high}")
    if dtype.kind == "b":
        least, most = 0, 1
    else:
        limits = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
        least, most = max(int(limits.min), -(2**63)), min(int(limits.max), 2**63 - 1)
    if low < least or high - 1 > most:
        raise RuntimeError(f"{name}: integers from {low} to {high - 1} do not fit into {dtype}")
    return np.asarray(stream(generator).integers(low, high, shape)).astype(dtype, copy=False)
