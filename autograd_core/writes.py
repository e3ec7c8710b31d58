"""The log of in-place writes, by which a backward pass sees that a saved array was overwritten.

Views share their buffer's fate: what counts is the array that owns the memory. A write costs one dictionary entry; an
operation that came after the last write (all of a usual training step) costs one comparison.
"""

from __future__ import annotations

from itertools import count
from threading import RLock
from typing import Any
from weakref import ref

import numpy as np

from .errors import InplaceError, called_at

tick = count(1).__next__  # the clock of the graph: creation times order nodes and writes
latest = 0  # time of the newest write of any kind
latest_recorded = 0  # time of the newest write that changed what a tensor is a function of
careful = 0  # how many reasons there are to leave the short ways of calling operations: recorded writes, watchers, batches
_log: dict[int, tuple[int, str, Any]] = {}  # id of the owner -> time, operation, weak reference
_recorded: dict[int, tuple[int, Any]] = {}
_counting = RLock()  # a garbage collector may call _forget inside note_recorded


def owner(array: Any) -> Any:
    """The array that owns the memory which `array` looks into."""
    while True:
        base = getattr(array, "base", None)
        if base is None or not hasattr(base, "__array_interface__"):
            return array
        array = base


def note(array: np.ndarray, operation: str) -> None:
    """Log that `operation` has written into `array`."""
    global latest
    latest = tick()
    buffer = owner(array)
    key = id(buffer)
    entry = _log.get(key)
    _log[key] = (latest, operation, ref(buffer, lambda _: _log.pop(key, None)) if entry is None else entry[2])


def note_recorded(array: np.ndarray, time: int) -> None:
    """Log that what lies in `array`'s memory became, at `time`, another function of the leaves: older views are stale."""
    global latest_recorded, careful
    buffer = owner(array)
    key = id(buffer)
    with _counting:
        latest_recorded = max(time, latest_recorded)
        careful += not _recorded
        _recorded[key] = (time, ref(buffer, lambda _: _forget(key)))


def _forget(key: int) -> None:
    """The buffer is gone; with the last of them, operations need not look here any more."""
    global latest_recorded, careful
    with _counting:
        if _recorded.pop(key, None) is not None and not _recorded:
            latest_recorded = 0
            careful -= 1


def watch(more: int) -> None:
    """Count one more (or, with -1, one less) reason to call operations with care."""
    global careful
    with _counting:
        careful += more


def written_since(array: np.ndarray, time: int) -> bool:
    """Whether an in-place operation wrote into `array`'s memory after `time`."""
    entry = _log.get(id(owner(array)))
    return entry is not None and entry[0] > time


def changed_function_since(array: np.ndarray, time: int) -> bool:
    entry = _recorded.get(id(owner(array)))
    return entry is not None and entry[0] > time


def check(node: Any) -> None:
    """Raise InplaceError when something that `node` saved was written after it was saved."""
    for value in node.saved or ():
        for array in value if type(value) is tuple else (value,):
            if isinstance(array, np.ndarray):
                entry = _log.get(id(owner(array)))
                if entry is not None and entry[0] > node.time:
                    raise InplaceError(
                        f"{node.op.name}: a value it saved for its gradient, of shape {array.shape}, was changed afterwards by the "
                        f"in-place operation {entry[1]}. Make that operation out-of-place, or give it a clone()."
                        f"{called_at(node) or ' Inside autograd.detect_anomaly() this error names the line.'}"
                    )
