"""All findings of a pass, each cause once: what is the consequence of another finding is told with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from autograd_core.graph import Node
from autograd_core.writes import owner

from .activations import DEAD, of_units, unproven
from .depth import Layer, norm, of_depth, through_time
from .findings import Finding, shortened
from .nonfinite import how_many, wrong
from .parameters import Standing, of_parameters
from .passes import Pass
from .signal import of_signal, of_sizes
from .units import Units
from .waiting import any_of, waiting
from .weights import BOUNDED, TINY, behind_huge, fed_by, used_inside, users_of, weights_of

WAITING = -1  # stands for a parameter that is still zero, which is no finding
NATURAL = -2  # and for data that is zero, as a first state, and a gradient that is too small for its dtype already


def findings(
    seen: Pass, origins: list[Finding], along: dict[Node, Layer], counts: list[Units], rows: list[Standing], still: set[Node]
) -> list[Finding]:
    """What was found, the worst first.

    Of NaN and infinity the `origins` are known; `along` are the layers, `rows` the parameters, `still` is what is zero until these learn.
    """
    known = _Known(seen, still, [*of_sizes(seen), *of_signal(seen), *of_units(seen, counts, used_inside(seen))])
    known.saturated_by_size()
    for finding in through_time(seen):
        known.add(finding)
    origins = [known.behind(origin) for origin in _together(seen, origins)]
    for cause, finding in of_depth(seen, along, known.cause, known.waits):
        if cause is None:
            known.add(finding)
        else:
            known.follows(cause, f"{finding.where} {finding.said}", finding.numbers)
    known.same_by_size()
    known.zeros = known.all_zero()
    without, rest = known.without_gradient([row for row in rows if row.state in ("zero", "starved")])
    for cause, held in without.items():
        if cause != WAITING:
            known.follows(cause, f"no gradient for {shortened([row.name for row in held])}", {})
    for cause, alike in known.zero_alike(counts).items():
        more = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
        known.follows(cause, f"all examples are the same to {alike[0].where}{more}, of which many units are zero", {})
    others = [row for row in rows if row.state not in ("zero", "starved")]
    found = [*origins, *known.alone(), *of_parameters([*others, *rest])]
    return sorted(found, key=lambda f: f.rank)


def _together(seen: Pass, origins: list[Finding]) -> list[Finding]:
    """Origins that are one: of one operation, fed by the same weights; views of the same data; all parameters, which updates wrote."""
    fed = fed_by(seen)
    groups: dict[Any, list[Finding]] = {}
    for origin in origins:
        v = seen.found.by_id[origin.vertices[0]]
        of: Any = v.id
        if v.kind == "data" and v.value is not None:
            of = id(owner(v.value.array))
        elif v.kind == "operation" and seen.node(v.id) in fed:
            of = v.operation, fed[seen.node(v.id)]
        elif v.kind == "parameter" and wrong(seen.values.get(seen.node(v.id))):
            of = v.kind
        groups.setdefault(of, []).append(origin)
    return [_one(seen, group) for group in groups.values()]


def _one(seen: Pass, group: list[Finding]) -> Finding:
    """Several origins, told as one."""
    first, *rest = group
    if not rest:
        return first
    kind, ids = seen.found.by_id[first.vertices[0]].kind, tuple(id for f in group for id in f.vertices)
    if kind == "parameter":
        values = [seen.values[seen.node(id)] for id in ids]
        said = f"hold {wrong(values)} in {how_many(values)} before anything is computed"
        numbers = {"count": sum(f.numbers["count"] for f in group), "parameters": float(len(group))}
        return replace(first, where=shortened([f.where for f in group]), said=said, vertices=ids, numbers=numbers)
    also = "it is also" if kind == "data" else "so did"
    return replace(first, said=f"{first.said}; {also} {shortened([f.where for f in rest])}", vertices=ids)


class _Known:
    """Findings about operations, by number, and what they explain."""

    def __init__(self, seen: Pass, still: set[Node], found: Iterable[Finding]):
        self.seen, self.still = seen, still
        self.found: list[Finding] = []
        self.told: set[int] = set()  # those that are told with others
        self.owner: dict[Node, int] = {}
        for finding in found:
            self.add(finding)
        self.layers = users_of(weights_of(seen), seen)
        self.huge = behind_huge(seen, {node for node, k in self.owner.items() if self.found[k].kind == "exploding"})
        self.zeros = self.all_zero()

    def add(self, finding: Finding) -> None:
        for id in finding.vertices:
            self.owner.setdefault(self.seen.node(id), len(self.found))
        self.found.append(finding)

    def follows(self, cause: int, said: str, numbers: dict[str, float]) -> None:
        """Tell a consequence with its cause."""
        f = self.found[cause]
        self.found[cause] = replace(f, therefore=(*f.therefore, said), numbers={**f.numbers, **numbers})

    def waits(self, node: Node) -> bool:
        return waiting(self.seen, self.still, node)

    def alone(self) -> list[Finding]:
        return [f for k, f in enumerate(self.found) if k not in self.told]

    def saturated_by_size(self) -> None:
        """What is saturated because a layer before it is huge is told there."""
        for k, f in enumerate(self.found):
            layer = self.huge.get(self.seen.node(f.vertices[0])) if f.kind == "saturated" else None
            if layer is not None:
                self.follows(self.owner[layer], f"{f.where}: {f.said}", {})
                self.told.add(k)
                self.owner.update(dict.fromkeys(map(self.seen.node, f.vertices), self.owner[layer]))

    def same_by_size(self) -> None:
        """What makes all examples the same because an operation before it makes them tiny, with their gradient, is told there."""
        vanishing = [(self.seen.node(f.vertices[0]), k, f.numbers) for k, f in enumerate(self.found) if f.kind == "vanishing"]
        shrinks = {node: k for node, k, numbers in vanishing if "passes" in numbers}
        same = {node: k for node, k, numbers in vanishing if numbers.get("gain", 0) > TINY}
        leaving: dict[Node, int] = {}
        for node in self.seen.order if shrinks and same else ():
            before = next((leaving[parent] for parent in node.parents if parent in leaving), None)
            if node in same and before is not None:
                self.follows(before, f"{self.found[same[node]].where} {self.found[same[node]].said}", {})
                self.told.add(same[node])
                self.owner[node] = before
            at = shrinks.get(node, None if node in self.layers else before)
            if at is not None:
                leaving[node] = at

    def behind(self, origin: Finding) -> Finding:
        """An origin; what overflowed, with the huge layer before it, if there is one."""
        overflowed = self.seen.found.by_id[origin.vertices[0]].kind == "operation" and origin.note == "inf arose here"
        layer = self.huge.get(self.seen.node(origin.vertices[0])) if overflowed else None
        if layer is None:
            return origin
        self.told.add(self.owner[layer])
        large = self.found[self.owner[layer]]
        return replace(origin, said=f"{origin.said}. Before it stands {large.where}: {large.said}")

    def cause(self, node: Node, kind: str) -> int | None:
        """What explains that an operation lets a gradient vanish or explode."""
        if kind == "exploding":
            id, product = self.seen.ids[node], len(node.parents) > 1 and node not in self.layers
            known = next((k for k, f in enumerate(self.found) if f.kind == kind and id in f.vertices), None)
            return self.owner[self.huge[node]] if known is None and product and node in self.huge else known
        known = self.owner.get(node)
        if node in self.layers and known is not None and self.found[known].kind == "exploding":  # that stops nothing
            known = None
        if known is None and node not in self.layers:  # a product with what is saturated, or zero
            owners = [self.owner[parent] for parent in node.parents if parent in self.owner and parent not in self.layers]
            factors = [k for k in owners if self.found[k].kind != "vanishing"]
            known = next(iter((*factors, *self._zeros_given(node))), None)
        if known is None and node.plan.op.name in BOUNDED and node in self.huge:
            known = self.owner[self.huge[node]]
        return known

    def all_zero(self) -> dict[Node, int]:
        """Operations whose results are all zero because those of an operation that is known are, with the number of that finding."""
        zeros: dict[Node, int] = {}
        several: dict[Node, int] = {}  # operations of several results, which have nodes of their own
        for node in self.seen.order if self.owner else ():
            before = next((found[n] for n in node.parents for found in (zeros, several) if n in found), None)
            known, value = self.owner.get(node, before), self.seen.values.get(node)
            if known is not None and isinstance(value, tuple):
                several[node] = known
            elif known is not None and isinstance(value, np.ndarray) and not value.any():
                zeros[node] = known
        return zeros

    def zero_alike(self, counts: list[Units]) -> dict[int, list[Units]]:
        """By finding, what has many units that are zero for all examples because, behind what it is about, these are the same."""
        many = {self.seen.node(u.id): u for u in counts if u.kind == "dead" and u.count >= DEAD * u.of and unproven(self.seen, u)}
        behind: dict[Node, int] = {}
        found: dict[int, list[Units]] = {}
        for node in self.seen.order if many else ():
            known = self.owner.get(node)
            if known is None:
                known = next((behind[parent] for parent in node.parents if parent in behind), None)
            if known is not None:
                behind[node] = known
                if node in many:
                    found.setdefault(known, []).append(many[node])
        return found

    def without_gradient(self, rows: list[Standing]) -> tuple[dict[int, list[Standing]], list[Standing]]:
        """By finding, the parameters among these that get a gradient of zero for what it is about; and the rest, with where it stops."""
        stopped: dict[Node, set[int | Node]] = {}  # by node, what keeps gradients from it
        explained: dict[int, list[Standing]] = {}
        rest = []
        for node in reversed(self.seen.order) if rows else ():
            arrives, parts = any_of(self.seen.gradient(node)), self.seen.parts(node)
            for k, parent in enumerate(node.parents):
                if k >= len(parts) or not any_of(parts[k]):
                    stopped.setdefault(parent, set()).update({self._stopper(node)} if arrives else stopped.get(node, ()))
        for row in rows:
            reasons = stopped.get(self.seen.node(row.id), set()) if row.id is not None else set()
            unknown = sorted((n for n in reasons if isinstance(n, Node)), key=lambda n: -n.time)
            known = [k for k in reasons if isinstance(k, int) and k != NATURAL]
            if known and not unknown:
                explained.setdefault(max(known), []).append(row)
            else:
                more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
                rest.append(replace(row, why=f"{self.seen.called(unknown[0])}{more} hands on nothing but zeros" if unknown else ""))
        return explained, rest

    def _zeros_given(self, node: Node) -> list[int]:
        return [self.zeros[parent] for parent in node.parents if parent in self.zeros]

    def _stopper(self, node: Node) -> int | Node:
        known = self.cause(node, "vanishing")
        if known is None:
            known = next(iter(self._zeros_given(node)), None)
        if known is not None or self.waits(node):
            return WAITING if known is None else known
        data = [self.seen.found.by_id[edge.source] for edge in self.seen.vertex(node).inputs]
        natural = any(v.kind == "data" and v.value is not None and not np.any(v.value.array) for v in data)
        return NATURAL if natural or _underflows(self.seen.gradient(node)) else node


def _underflows(gradient: Any) -> bool:
    """Whether a gradient is so small that its dtype has lost digits of it."""
    return isinstance(gradient, np.ndarray) and gradient.dtype.kind in "fc" and norm(gradient) < np.finfo(gradient.dtype).tiny
