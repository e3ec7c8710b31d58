"""All findings of a pass, each cause once: what is the consequence of another finding is told with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from autograd_core.graph import Node
from autograd_core.writes import owner

from .activations import DEAD, of_units, unproven
from .depth import Layer, norm, of_depth, through_time, waiting
from .findings import Finding
from .parameters import Standing, listed, of_parameters
from .passes import Pass
from .signal import of_signal, of_sizes
from .units import Units
from .weights import BOUNDED, behind_huge, fed_by, used_inside, users_of, weights_of

WAITING = -1  # stands for a parameter that is still zero, which is no finding
NATURAL = -2  # and for data that is zero, as a first state, and a gradient that is too small for its dtype already


def findings(seen: Pass, origins: list[Finding], along: dict[Node, Layer], counts: list[Units], rows: list[Standing]) -> list[Finding]:
    """What was found, the worst first. Of NaN and infinity the `origins` are known; `along` are the layers, `rows` the parameters."""
    known = _Known(seen, [*of_sizes(seen), *of_signal(seen), *of_units(seen, counts, used_inside(seen))])
    known.saturated_by_size()
    origins = [known.behind(origin) for origin in _together(seen, origins)]
    for cause, finding in of_depth(seen, along, known.cause):
        if cause is None:
            known.add(finding)
        else:
            known.follows(cause, f"{finding.where} {finding.said}", finding.numbers)
    for finding in through_time(seen):
        known.add(finding)
    without = known.without_gradient([row for row in rows if row.state in ("zero", "starved")])
    for cause, held in without.items():
        if cause != WAITING:
            known.follows(cause, f"no gradient for {listed(held)}", {})
    for cause, alike in known.zero_alike(counts).items():
        more = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
        known.follows(cause, f"all examples are the same to {alike[0].where}{more}, of which many units are zero", {})
    explained = {row.id for held in without.values() for row in held}
    found = [*origins, *known.alone(), *of_parameters([row for row in rows if row.id is None or row.id not in explained])]
    return sorted(found, key=lambda f: f.rank)


def _together(seen: Pass, origins: list[Finding]) -> list[Finding]:
    """Origins with those of the same operation that are fed by the same weights, and data with other views of it, told as one."""
    fed = fed_by(seen)
    groups: dict[Any, list[Finding]] = {}
    for origin in origins:
        v = seen.found.by_id[origin.vertices[0]]
        of: Any = v.id
        if v.kind == "data" and v.value is not None:
            of = id(owner(v.value.array))
        elif v.kind == "operation" and seen.node(v.id) in fed:
            of = v.operation, fed[seen.node(v.id)]
        groups.setdefault(of, []).append(origin)
    told = []
    for first, *rest in groups.values():
        others = ", ".join(f.where for f in rest[:3]) + (f" and {len(rest) - 3} more" if len(rest) > 3 else "")
        also = "it is also" if seen.found.by_id[first.vertices[0]].kind == "data" else "so did"
        ids = tuple(id for f in (first, *rest) for id in f.vertices)
        told.append(replace(first, said=f"{first.said}; {also} {others}" if rest else first.said, vertices=ids))
    return told


class _Known:
    """Findings about operations, by number, and what they explain."""

    def __init__(self, seen: Pass, found: Iterable[Finding]):
        self.seen = seen
        self.found: list[Finding] = []
        self.told: set[int] = set()  # those that are told with others
        self.owner: dict[Node, int] = {}
        for finding in found:
            self.add(finding)
        self.layers = users_of(weights_of(seen), seen)
        self.huge = behind_huge(seen, {node for node, k in self.owner.items() if self.found[k].kind == "exploding"})
        self.zeros = self._zeros()

    def add(self, finding: Finding) -> None:
        for id in finding.vertices:
            self.owner.setdefault(self.seen.node(id), len(self.found))
        self.found.append(finding)

    def follows(self, cause: int, said: str, numbers: dict[str, float]) -> None:
        """Tell a consequence with its cause."""
        f = self.found[cause]
        self.found[cause] = replace(f, therefore=(*f.therefore, said), numbers={**f.numbers, **numbers})

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
        known = self.owner.get(node)
        if kind == "exploding":
            return known if known is not None and self.found[known].kind == kind else None
        if known is None and node not in self.layers:  # a product with what is saturated, or zero
            owners = [self.owner[parent] for parent in node.parents if parent in self.owner and parent not in self.layers]
            factors = [k for k in owners if self.found[k].kind != "vanishing"]
            known = next(iter((*factors, *self._zeros_given(node))), None)
        if known is None and node.plan.op.name in BOUNDED and node in self.huge:
            known = self.owner[self.huge[node]]
        return known

    def _zeros(self) -> dict[Node, int]:
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

    def without_gradient(self, rows: list[Standing]) -> dict[int, list[Standing]]:
        """By finding, the parameters among these that get a gradient of zero for what it is about."""
        stopped: dict[Node, set[int | None]] = {}  # by node, what keeps gradients from it; None for what nobody knows of
        explained: dict[int, list[Standing]] = {}
        for node in reversed(self.seen.order) if rows else ():
            arrives, parts = _any(self.seen.gradient(node)), self.seen.parts(node)
            for k, parent in enumerate(node.parents):
                if k >= len(parts) or not _any(parts[k]):
                    stopped.setdefault(parent, set()).update({self._stopper(node)} if arrives else stopped.get(node, ()))
        for row in rows:
            reasons = stopped.get(self.seen.node(row.id), set()) if row.id is not None else set()
            known = [k for k in reasons if k is not None and k != NATURAL]
            if known and None not in reasons:
                explained.setdefault(max(known), []).append(row)
        return explained

    def _zeros_given(self, node: Node) -> list[int]:
        return [self.zeros[parent] for parent in node.parents if parent in self.zeros]

    def _stopper(self, node: Node) -> int | None:
        known = self.cause(node, "vanishing")
        if known is None:
            known = next(iter(self._zeros_given(node)), None)
        if known is not None or waiting(self.seen, node):
            return WAITING if known is None else known
        data = [self.seen.found.by_id[edge.source] for edge in self.seen.vertex(node).inputs]
        natural = any(v.kind == "data" and v.value is not None and not np.any(v.value.array) for v in data)
        return NATURAL if natural or _underflows(self.seen.gradient(node)) else None


def _underflows(gradient: Any) -> bool:
    """Whether a gradient is so small that its dtype has lost digits of it."""
    return isinstance(gradient, np.ndarray) and gradient.dtype.kind in "fc" and norm(gradient) < np.finfo(gradient.dtype).tiny


def _any(gradient: Any) -> bool:
    """Whether a gradient, or one of several, is not all zero."""
    if isinstance(gradient, list | tuple):
        return any(map(_any, gradient))
    return gradient is not None and bool(np.any(gradient))
