"""One element's gradient, written out: what each element of a result hands back to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.description import Edge

SHOWN = 6  # products that are written out of each use
USES = 3  # of a parameter that are written out
LIMIT = 1 << 21  # elements of a result up to which the local derivatives by one element are worked out
UNITS = 128  # the same, where they have to be asked for one by one


@dataclass(frozen=True, slots=True)
class Product:
    """∂loss/∂out[k] · ∂out[k]/∂w[i] at one element k of a result."""

    result: str  # what it is called
    place: tuple[int, ...]  # k
    arriving: float
    local: float

    @property
    def value(self) -> float:
        """What it adds to the gradient."""
        with np.errstate(all="ignore"):
            return float(np.multiply(self.arriving, self.local))


@dataclass(frozen=True, slots=True)
class Entries:
    """What one use of a parameter hands back to one element of it: a sum over the elements of the use's result."""

    operation: str
    result: str  # what the operation's result is called; of several together "(h, c)"
    size: int  # how many elements it has
    depending: int  # how many of these depend on the parameter's element
    largest: tuple[Product, ...]
    more: int  # products besides, that are not zero
    rest: float  # what they add up to
    total: float


@dataclass(frozen=True, slots=True)
class Uses:
    """The sum over all uses of a parameter: those that hand back most, and what the others do together."""

    largest: tuple[Entries, ...]
    more: int
    rest: float
    total: float


@dataclass(frozen=True, slots=True)
class Result:
    """What an operation gave, and what arrives there."""

    name: str
    arriving: Any
    part_of: Edge | None = None  # from there to the operation, where that has several results


@dataclass(frozen=True, slots=True)
class Used:
    """One use of a parameter: the operation, its results, the edge from it to the parameter, and what comes back along that."""

    name: str  # of the results
    operation: str
    results: Sequence[Result]
    edge: Edge
    part: Any


def uses(used: Sequence[Used], index: tuple[int, ...]) -> tuple[Uses, list[str]]:
    """The sum over the uses, those that hand back most element by element; and why one of these was left out, where one was."""
    with np.errstate(all="ignore"):
        parts = [float(u.part[index]) for u in used]
    told: dict[int, Entries] = {}
    missing: dict[str, None] = {}
    for k in _largest(np.array(parts), USES) or [0]:
        made = _entries(used[k], index, parts[k])
        if isinstance(made, Entries):
            told[k] = made
        else:
            missing[made] = None
    left = [part for k, part in enumerate(parts) if k not in told]
    total = float(sum(parts))
    return Uses(tuple(told.values()), len(left), float(sum(left)), total), list(missing)


def _entries(used: Used, index: tuple[int, ...], total: float) -> Entries | str:
    """What one use hands back, element by element; or why that is not known."""
    arriving = [r.arriving for r in used.results]
    size = sum(a.size for a in arriving)
    if used.edge.push is None:
        return "element by element it is told before backward() only, which frees what the local derivatives are computed from"
    if any(array.dtype.kind != "f" for array in arriving):
        return "element by element only real gradients are told"
    if size > LIMIT:
        return f"{used.name} has {size:,} elements: too many to tell what each of them hands back"
    missing = f"the rule of {used.operation} does not say how single elements of its result depend on the parameter"
    for derivatives in (_pushed, _one_by_one)[: 1 + (size <= UNITS)]:
        try:
            local = derivatives(used, index)
        except Exception:  # the program's own rule may raise anything when it is given Tensors that record, or zeros
            continue
        made = entries(used.operation, used.name, [r.name for r in used.results], arriving, local)
        if _adds_up(made, total, arriving, local):
            return made
        missing = f"what {used.operation} handed back is no sum over the elements of its result: not linear, or changed by hooks"
    return missing


def _pushed(used: Used, index: tuple[int, ...]) -> list[Any]:
    """The derivatives of all elements of the results by one of the parameter. Raises what a rule raises that cannot be recorded."""
    assert used.edge.push is not None
    changed = used.edge.push(_unit(used.part, index))
    local = []
    for result in used.results:
        change = changed
        if result.part_of is not None and changed is not None:
            assert result.part_of.push is not None
            change = result.part_of.push(changed)
        local.append(np.zeros_like(result.arriving) if change is None else np.asarray(change))
    return local


def _one_by_one(used: Used, index: tuple[int, ...]) -> list[Any]:
    """The same by asking the rule what it does to the gradient of each element of the results."""
    assert used.edge.pull is not None
    local = []
    for result in used.results:
        derivative = np.zeros_like(result.arriving)
        for place in np.ndindex(derivative.shape):
            gradient = _unit(derivative, place)
            if result.part_of is not None:
                assert result.part_of.pull is not None
                gradient = result.part_of.pull(gradient)
            derivative[place] = used.edge.pull(gradient)[index]
        local.append(derivative)
    return local


def _unit(like: Any, place: tuple[int, ...]) -> Any:
    """Zeros but for one place."""
    made = np.zeros_like(like)
    made[place] = 1
    return made


def _adds_up(made: Entries, total: float, arriving: Sequence[Any], local: Sequence[Any]) -> bool:
    """Whether the products are what the use handed back, but for rounding: the rule is linear in the gradient, and has not changed."""
    with np.errstate(all="ignore"):
        scale = sum(float(np.abs(np.multiply(g, d, dtype=np.float64)).sum()) for g, d in zip(arriving, local, strict=True))
        rounding = max(float(np.sqrt(np.finfo(d.dtype).eps)) for d in (*arriving, *local))
    return not np.isfinite(total) or abs(made.total - total) <= scale * rounding


def entries(operation: str, result: str, names: Sequence[str], arriving: Sequence[Any], local: Sequence[Any]) -> Entries:
    """The sum of products of what arrives at an operation's results and their derivatives by one element."""
    with np.errstate(all="ignore"):
        products = [np.asarray(np.multiply(g, d, dtype=np.float64)) for g, d in zip(arriving, local, strict=True)]
        flat = products[0].ravel() if len(products) == 1 else np.concatenate([p.ravel() for p in products])
        total = float(flat.sum())
        largest = []
        for at in _largest(flat, SHOWN):
            which = 0
            while at >= products[which].size:
                at -= products[which].size
                which += 1
            place = tuple(int(k) for k in np.unravel_index(at, products[which].shape))
            largest.append(Product(names[which], place, float(arriving[which][place]), float(local[which][place])))
            products[which][place] = 0
        more, rest = sum(int(np.count_nonzero(p)) for p in products), float(sum(p.sum() for p in products))
    depending = sum(int(np.count_nonzero(d)) for d in local)
    return Entries(operation, result, flat.size, depending, tuple(largest), more, rest, total)


def _largest(flat: Any, count: int) -> list[int]:
    """The places of the few largest that are not zero, the largest first, of equals those that come first."""
    size = np.where(np.isnan(flat), np.inf, np.abs(flat))
    least = np.partition(size, -count)[-count] if size.size > count else 0.0
    above = np.flatnonzero(size > least)
    equal = np.flatnonzero(size == least) if least else above[:0]
    found = np.concatenate([above, equal])[:count]
    return [int(at) for at in found[np.lexsort((found, -size[found]))]]
