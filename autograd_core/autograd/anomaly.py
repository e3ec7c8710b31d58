"""Anomaly detection: which operation, called at which line of the program, made the first NaN.

`thread.watch` shows each operation, `thread.observer` each step of a backward pass. In a forward pass inf is often
meant (a mask of -inf), so it is only remembered, and told of where a NaN comes of it; NaN in a recorded value is an error
at once. In a backward pass NaN is an error at once, and inf when it arrives in a leaf.
"""

from __future__ import annotations

import linecache
import os
import sys
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np

from .. import writes
from ..graph import Node, Scope, pullback, thread
from ..tensor import Tensor

HERE = Path(__file__).parent.parent
OURS = tuple(f"{HERE.parent / name}{os.sep}" for name in (HERE.name, "nn", "optim", "viz"))


class AnomalyError(RuntimeError):
    """A NaN or an inf, and where it began."""


# ---------------------------------------------------------------------- the modes


class _State(threading.local):
    current: Anomaly | None = None


_state = _State()


def is_anomaly_enabled() -> bool:
    """Whether anomaly detection is on in this thread."""
    return _state.current is not None


def is_anomaly_check_nan_enabled() -> bool:
    """Whether it looks for NaN, too."""
    return _state.current is not None and _state.current.check_nan


def active() -> Anomaly | None:
    """What watches in this thread."""
    return _state.current


def switch(current: Anomaly | None) -> None:
    """Make this the one that watches, or (None) have none."""
    writes.watch((current is not None) - (_state.current is not None))
    _state.current = current


class set_detect_anomaly:
    """Switch anomaly detection on or off in this thread: at once, and back again when used as a context manager."""

    def __init__(self, mode: bool, check_nan: bool = True):
        self.before = thread.watch, thread.observer, _state.current
        if mode:
            anomaly = Anomaly(check_nan, outside(thread.watch), outside(thread.observer))
            thread.watch, thread.observer = anomaly.on_operation, anomaly
            switch(anomaly)
        else:
            thread.watch, thread.observer = outside(thread.watch), outside(thread.observer)
            switch(None)

    def __enter__(self) -> None: ...

    def __exit__(self, *exception: Any) -> None:
        thread.watch, thread.observer, before = self.before
        switch(before)


def outside(watcher: Any) -> Any:
    """The watcher around an Anomaly's, if it is one."""
    anomaly = getattr(watcher, "__self__", watcher)
    if not isinstance(anomaly, Anomaly):
        return watcher
    return anomaly.outer_observer if watcher is anomaly else anomaly.outer_watch


class detect_anomaly:
    """Inside the block, find where NaN begins: the error names the operation, the line that called it, and the module.

    A recorded operation that makes NaN from arguments without any raises AnomalyError, a RuntimeError; so does the backward
    pass at a rule that makes NaN, and at a leaf whose gradient would be infinite. With `check_nan=False` only the lines
    are remembered, which errors about in-place writes then name. Slow: for finding mistakes only.
    """

    def __init__(self, check_nan: bool = True):
        self.check_nan = check_nan
        self.inside: list[set_detect_anomaly] = []

    def __enter__(self) -> None:
        self.inside.append(set_detect_anomaly(True, self.check_nan))

    def __exit__(self, *exception: Any) -> None:
        self.inside.pop().__exit__(*exception)


# ---------------------------------------------------------------------- where


@dataclass(frozen=True)
class Line:
    """A line of the program, and the module that was running."""

    file: str
    number: int
    module: str

    def __str__(self) -> str:
        text = linecache.getline(self.file, self.number).strip()
        return f"{self.file}:{self.number}" + (f", `{text}`" if text else "") + (f", in {self.module}" if self.module else "")


def calling_line() -> Line:
    """The innermost line that is being run outside this package, nn, optim and viz."""
    frame: Any = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(OURS):
        frame = frame.f_back
    return Line(frame.f_code.co_filename, frame.f_lineno, module_path(thread.scope))


def in_backward() -> bool:
    """Whether a rule of a backward pass is what runs."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if frame.f_code is pullback.__code__:
            return True
        frame = frame.f_back
    return False


def module_path(scope: Scope | None) -> str:
    """The module that runs, as the outermost one calls it: `Net.layers.0 (Linear)`."""
    if scope is None:
        return ""
    names = []
    inner = scope
    while inner.parent is not None:
        around = inner.parent.owner
        known = () if around is None else around.named_modules()
        names.append(next((name for name, module in known if module is inner.owner), inner.kind))
        inner = inner.parent
    return ".".join([inner.kind, *reversed(names)]) + (f" ({scope.kind})" if names else "")


@dataclass(frozen=True)
class Origin:
    """Where something not finite began."""

    what: str  # "NaN" or "inf"
    how: str  # such as "made by exp"
    line: Line | None

    def __str__(self) -> str:
        return f"{self.what} was {self.how}, at {self.line or UNKNOWN}"


UNKNOWN = "a line that is not known, for it was not called under detect_anomaly"


# ---------------------------------------------------------------------- watching


class Anomaly:
    """Watches the operations and the backward passes of a thread."""

    def __init__(self, check_nan: bool, outer_watch: Any, outer_observer: Any):
        self.check_nan = check_nan
        self.outer_watch = outer_watch
        self.outer_observer = outer_observer
        self.arrays: dict[int, tuple[Any, Origin]] = {}  # what is not finite: id -> weak reference, and why
        self.forward: WeakKeyDictionary[Node, Origin] = WeakKeyDictionary()  # the same by the node of the value
        self.backward: WeakKeyDictionary[Node, Origin] = WeakKeyDictionary()  # by the node whose gradient is not finite

    def on_operation(self, op: Any, arrays: Sequence[Any], result: Any, node: Node | None) -> None:
        """Called for each operation. Raises AnomalyError where a recorded one makes NaN."""
        if self.outer_watch is not None:
            self.outer_watch(op, arrays, result, node)
        if self is not _state.current:
            return
        line = calling_line()
        if node is not None:
            node.line = line
            node.call.line = line
        if not self.check_nan or finite(result) or in_backward():
            return
        given = [a for a in arrays if not finite(a)]
        known = [self.origin_of(a) for a in given] + [self.forward.get(p) for p in (node.parents if node is not None else ())]
        origin = next((found for found in known if found is not None), None)
        nan = np.isnan(result).any()
        if nan and not any(np.isnan(a).any() for a in given):
            if node is not None:
                raise AnomalyError(
                    f"{op.name}: its result has NaN, " + ("from inf among its arguments" if given else "from finite arguments")
                    + f". It was called at {line}" + (f".\nThe {origin}" if origin else "") + "."
                )  # fmt: skip
            origin = Origin("NaN", f"made by {op.name}", line)
        if origin is None:
            what = "NaN" if nan else "inf"
            origin = Origin(what, f"given to {op.name}" if given else f"made by {op.name}", line)
        self.remember(result, origin)
        if node is not None:
            self.forward[node] = origin
            self.forward[node.call] = origin

    def remember(self, array: Any, origin: Origin) -> None:
        key, known = id(array), self.arrays
        known[key] = ref(array, lambda _: known.pop(key, None)), origin

    def origin_of(self, array: Any) -> Origin | None:
        entry = self.arrays.get(id(array))
        return entry[1] if entry is not None and entry[0]() is array else None

    def __call__(self, node: Node, gradient: Any, contributions: tuple[Any, ...]) -> None:
        """Called for each step of a backward pass. Raises AnomalyError for NaN, and for inf at a leaf."""
        if self.outer_observer is not None:
            self.outer_observer(node, gradient, contributions)
        if self is not _state.current or not self.check_nan:
            return
        if node.plan is None:
            self.at_leaf(node, gradient)
            return
        for k, part in enumerate(contributions):
            if all(finite(a) for a in parts_of(part)):
                continue
            if any(np.isnan(a).any() for a in parts_of(part)):
                self.complain(node, gradient, k)
            if all(finite(a) for a in parts_of(gradient)):
                origin: Origin | None = Origin("inf", f"made by the backward of {node.op.name}", line_of(node))
            else:
                origin = self.backward.get(node)
            if origin is not None:
                self.backward.setdefault(node.parents[k], origin)

    def at_leaf(self, node: Node, gradient: Any) -> None:
        if all(finite(a) for a in parts_of(gradient)):
            return
        what = "NaN" if any(np.isnan(a).any() for a in parts_of(gradient)) else "inf"
        raise AnomalyError(f"backward: the gradient of a leaf of shape {node.shape} has {what}{self.because(self.backward.get(node))}")

    def complain(self, node: Node, gradient: Any, k: int) -> None:
        """Raise AnomalyError for the NaN in contribution k of this node."""
        arrays = list(parts_of(gradient))
        came = (
            "NaN, as it came to it" if any(np.isnan(a).any() for a in arrays)
            else "finite" if all(finite(a) for a in arrays) else "infinite"
        )  # fmt: skip
        origin = self.backward.get(node) or self.forward.get(node)
        raise AnomalyError(
            f"{node.op.name}: its backward returned nan values for input {k}; the gradient of its result was {came}. "
            f"It was called at {line_of(node) or UNKNOWN}{self.because(origin)}"
        )

    def because(self, origin: Origin | None) -> str:
        return f".\nThe {origin}." if origin is not None else "."


def line_of(node: Node) -> Line | None:
    return getattr(node, "line", None)  # a node made outside the mode has none


def finite(value: Any) -> bool:
    """Whether a number, or all of an array's, are neither NaN nor inf."""
    array = np.asarray(value)
    return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())


def parts_of(gradient: Any) -> Iterable[Any]:
    """The arrays of a gradient: several for the results of one operation, Tensors in a recorded pass."""
    for part in gradient if isinstance(gradient, list) else (gradient,):
        array = part.array if isinstance(part, Tensor) else part
        if isinstance(array, np.ndarray | np.generic):  # inside vmap there are none
            yield array
