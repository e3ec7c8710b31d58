"""Memory that a thread uses again and again: fresh pages would cost more than the arithmetic done in them."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np


def scratch(count: int, shape: tuple[int, ...], dtype: Any, purpose: str = "") -> list[np.ndarray[Any, Any]]:
    """`count` arrays of this shape and dtype, holding anything: this thread's, until it next asks for the same purpose.

    None of them may be handed out, nor be kept beyond the call that asked. Kernels that call each other name different purposes.
    """
    n = math.prod(shape)
    buffer = _memory.buffers.get((purpose, dtype))
    if buffer is None or buffer.size < count * n:
        _memory.buffers[purpose, dtype] = buffer = np.empty(count * n, dtype)
    return [buffer[k * n : (k + 1) * n].reshape(shape) for k in range(count)]


class _Memory(threading.local):
    def __init__(self) -> None:
        self.buffers: dict[tuple[str, Any], np.ndarray[Any, Any]] = {}


_memory = _Memory()
