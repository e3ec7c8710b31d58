"""A graph as plain data: operations, what they use, module calls, formulas, numbers. `viz.trace` makes it, everything else reads it.

Numbers and formulas are worked out when they are first asked for, so that what a picture leaves out costs nothing; `to_dict`
asks for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from ..render.files import spelled
from .digits import number

FEW = 12  # elements that are still written out


def plain(value: Any) -> Any:
    """A description as dicts, lists, strings and numbers (JSON-serialisable)."""
    if isinstance(value, Quantity | Edge):
        return {key: plain(getattr(value, key)) for key in value.said}
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    return [plain(part) for part in value] if isinstance(value, tuple | list) else value


def listed(array: Any) -> str:
    """An array as nested lists of numbers."""
    return f"[{', '.join(map(listed, array))}]" if array.ndim else number(array)


class Quantity:
    """An array as the picture shows it: its shape, its norm, and its elements when they are few or all the same."""

    said = ("shape", "norm", "values", "same")

    def __init__(self, array: Any) -> None:
        self.array = np.asarray(array)
        self.shape: tuple[int, ...] = self.array.shape

    def let_go(self) -> None:
        """Keep what is said, and no longer the memory of an array that is large, or part of a large one."""
        if self.values is not None:
            self.array = self.array if self.array.base is None else self.array.copy()
        elif "array" in self.__dict__:
            _ = self.norm, self.same, self.written
            del self.array

    @cached_property
    def norm(self) -> float:
        """The square root of the sum of squares, in double precision and scaled where the array's own precision is not enough."""
        flat = self.array.ravel()
        with np.errstate(all="ignore"):
            if flat.dtype.kind in "fc" and flat.dtype.itemsize > 2:
                square = float(np.vdot(flat, flat).real)
                if 1e-30 < square < 1e30 or not np.isfinite(flat).all():
                    return float(np.sqrt(square))
            flat = flat.astype(np.result_type(flat, np.float64))
            largest = float(np.abs(flat).max(initial=0.0))
            return largest * float(np.linalg.norm(flat / largest)) if 0 < largest < np.inf else largest

    @cached_property
    def values(self) -> tuple[float, ...] | None:
        """The elements in order, when they are few."""
        return tuple(float(v) for v in self.array.ravel()) if self.array.size <= FEW and self.array.dtype.kind != "c" else None

    @cached_property
    def same(self) -> float | None:
        """What all elements are, where they are more than four and all the same."""
        a = self.array
        if a.size <= 4 or a.dtype.kind == "c":
            return None
        first = a.flat[0]
        alike = np.isnan(a) if first != first else a == first if first == a.flat[-1] else np.False_
        return float(first) if alike.all() else None

    @cached_property
    def written(self) -> str:
        """`2.5`, `[[1, 2], [3, 4]]` or `all 0`; "" for elements that are many and not the same."""
        if self.same is not None:
            return f"all {number(self.array.flat[0])}"
        return "" if self.values is None else listed(self.array)

    @property
    def nested(self) -> bool:
        """Whether what is written shows the shape too."""
        return self.written.startswith("[")

    def text(self, name: str = "") -> str:
        """`name = 2.5`, `name = [[1, 2], [3, 4]]`, `name = all 0` or `‖name‖ = 0.013`."""
        return f"{name} = {self.written}".lstrip() if self.written else f"‖{name or '·'}‖ = {number(self.norm)}"

    def __add__(self, other: Quantity) -> Quantity:
        with np.errstate(all="ignore"):
            return Quantity(self.array + other.array)


class Rule(Protocol):
    """How a gradient comes back along an edge."""

    def told(self) -> tuple[str, tuple[str, ...]]: ...  # the formula, and what names in it mean
    def numbers(self) -> str: ...
    def pull(self, gradient: Any) -> Any: ...
    def push(self, change: Any) -> Any: ...
    def kept(self) -> bool: ...


class Edge:
    """One use of a value by an operation."""

    __slots__ = ("_numbers", "_told", "argument", "part", "rule", "source", "uses")
    said = ("source", "argument", "formula", "meanings", "part", "uses")

    def __init__(
        self, source: str, argument: str, formula: str = "", part: Quantity | None = None, rule: Rule | None = None, uses: int = 1
    ) -> None:
        self.source = source  # the vertex whose value is used
        self.argument = argument  # as which argument
        self.part = part  # the gradient that comes back, if a pass is known
        self.rule = rule  # of one operation; None for data, and of closed boxes
        self.uses = uses  # of a closed box: how many uses inside it stands for
        self._told: tuple[str, tuple[str, ...]] | None = None if rule is not None else (formula, ())
        self._numbers = None if rule is not None else ""

    @property
    def formula(self) -> str:
        """Of the gradient that comes back, "" where none does."""
        return self._rule_told()[0]

    @property
    def meanings(self) -> tuple[str, ...]:
        """What names in the formula mean that are not the program's: "P = softmax(q @ kᵀ)"."""
        return self._rule_told()[1]

    def _rule_told(self) -> tuple[str, tuple[str, ...]]:
        if self._told is None:
            self._told = self.rule.told() if self.rule is not None else ("", ())
        return self._told

    @property
    def numbers(self) -> str:
        """The formula with the numbers in it, "" where they are not few or not known."""
        if self._numbers is None:
            self._numbers = self.rule.numbers() if self.rule is not None else ""
        return self._numbers

    def without_graph(self, part: Quantity | None) -> Edge:
        """The same with this gradient, and with what the rule says written down: it keeps nothing of the graph alive."""
        made = Edge(self.source, self.argument, part=part, uses=self.uses)
        made._told, made._numbers = self._rule_told(), self.numbers
        return made

    @property
    def pull(self) -> Callable[[Any], Any] | None:
        """What any gradient of the result becomes, as a function; None where what that needs is not kept."""
        return self.rule.pull if self.rule is not None and self.rule.kept() else None

    @property
    def push(self) -> Callable[[Any], Any] | None:
        """What any change of the argument becomes in the result, to first order: the transpose of `pull`."""
        return self.rule.push if self.rule is not None and self.rule.kept() else None


@dataclass(frozen=True, eq=False)
class Vertex:
    """An operation, a leaf that collects a gradient, data that does not, or a closed box that stands for many."""

    id: str
    kind: str  # "operation", "parameter" (a leaf), "data" or "closed"
    name: str  # the name it has in the program, or ""; the label of a closed box
    operation: str  # for operations: the name, with settings that matter
    shape: tuple[int, ...]
    dtype: str
    value: Quantity | None
    gradient: Quantity | None
    scope: str | None  # id of the call it belongs to
    inputs: tuple[Edge, ...] = ()
    order: int = 0  # 0: of the program; 1: of a backward pass that was itself recorded, and so on
    line: str = ""  # where in the program it was made, `file:line`, if that is known
    saved: int = 0  # bytes kept for the way back
    inside: tuple[str, ...] = ()  # of a closed box: the vertices it stands for
    given: bool = False  # of a leaf or data: did the program hand it to its modules? Not their own parameters, masks and the like
    spark: tuple[float, ...] = ()  # of a closed repeat or part of one: the gradient's norm at the end of each step, the first first


@dataclass(frozen=True)
class Call:
    """A box around vertices: one call of a module, a fused operation opened, what repeats, or a part of a long graph."""

    id: str
    label: str
    parent: str | None
    kind: str = "module"  # or "reference" (an operation opened), "backward" (a recorded backward pass), "repeat", "step" of one, "part"
    times: int = 1  # of "repeat": how many equal steps follow each other inside
    path: str = ""  # the module's place in the outermost one, "blocks.3.attention"; "" for what has none

    @property
    def of_operations(self) -> bool:
        """Is it but a row of operations, which the program did not call as one thing?"""
        return self.kind in ("part", "step") or (self.kind == "repeat" and self.label == "step")


@dataclass(frozen=True, eq=False)
class Trace:
    """A graph, oldest vertex first."""

    root: str
    vertices: tuple[Vertex, ...]
    calls: tuple[Call, ...]
    state: str  # of the gradients; see as_drawing.STATES
    hooked: int  # how many tensors have hooks that the gradients shown have not gone through
    hidden: tuple[Vertex, ...] = field(default=())  # vertices that closed boxes stand for
    notes: tuple[str, ...] = field(default=())  # what the reader of a picture has to be told

    @cached_property
    def by_id(self) -> dict[str, Vertex]:
        """Vertices by id, hidden ones too."""
        return {v.id: v for v in (*self.vertices, *self.hidden)}

    def changed(self, edges: Iterable[Edge]) -> dict[str, Quantity]:
        """For each vertex whose recorded gradient is not what these edges bring, that: hooks changed it, or another pass added to it."""
        came: dict[str, Quantity] = {}
        for edge in edges:
            if edge.part is not None:
                came[edge.source] = came[edge.source] + edge.part if edge.source in came else edge.part
        return {id: total for id, total in came.items() if not _alike(self.by_id[id].gradient, total)}

    @cached_property
    def shown(self) -> dict[str, str]:
        """For each vertex the one that is seen: itself, or the closed box that stands for it."""
        seen = {v.id: v.id for v in self.vertices}
        for v in self.vertices:
            seen.update(dict.fromkeys(v.inside, v.id))
        return seen

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, strings and numbers (JSON-serialisable); what is not finite is written "nan" or "inf"."""
        made: dict[str, Any] = spelled(plain(self))
        return made


def _alike(gradient: Quantity | None, total: Quantity) -> bool:
    """Whether a gradient is, but for rounding, this sum; nothing is known of those of several results."""
    if gradient is None or gradient.shape != total.shape:
        return True
    return np.allclose(gradient.array, total.array, rtol=1e-5, equal_nan=True)
