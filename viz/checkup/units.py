"""What activations do to the examples of a batch, counted: units that are dead, gates and attention that are saturated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_core.autograd.graph import Packed
from autograd_core.graph import Node
from autograd_core.ops.attention import attention_weights

from ..graph.arguments import given_to
from .passes import Pass

SLOPE = 0.01  # a gate is saturated where its slope is less than this share of the steepest
MANY = 1 << 22  # attention weights that are computed again; of more, those of the first examples

RECURRENT = ("lstm", "gru", "rnn")
ATTENTION = ("scaled_dot_product_attention", "attention_weights")
PRODUCTS = ("linear", "matmul", "convolution", "transposed_convolution")
CHANNELS = {"convolution", "transposed_convolution", "batch_norm", "group_norm", "max_pool", "mean_pool"}  # (N, C, ...)
FEATURES = {"linear", "matmul", "layer_norm", "rms_norm", "embedding", "lstm", "gru", "rnn", "scaled_dot_product_attention"}  # (..., F)


@dataclass(frozen=True)
class Units:
    """What an activation does to the examples of a batch: how many of its units are dead, or its elements saturated."""

    id: str  # of the vertex
    where: str
    kind: str  # "dead" or "saturated"
    count: int
    of: int
    each: str  # what is counted
    examples: int  # how many there are of each unit
    gate: str = ""  # of a recurrent layer: which
    layer: str = ""  # and of which: all its steps are called so

    @property
    def share(self) -> float:
        return self.count / self.of if self.of else 0.0


def units(seen: Pass) -> Iterator[Units]:
    """The dead units and saturated elements of every operation that can have some, oldest first."""
    for node in seen.order:
        if node.plan is None:
            continue
        name, where, id = node.plan.op.name, seen.called(node), seen.ids[node]
        value = seen.values.get(node)
        settings = getattr(node, "settings", {})
        if name in RECURRENT:
            yield from gates(seen, node, where)
        elif name in ATTENTION:
            yield from attention(seen, node, where)
        elif value is None or isinstance(value, tuple) or not np.size(value) or value.dtype.kind != "f":
            continue
        elif name == "relu" or (name == "hardtanh" and settings.get("low") == 0):
            dead = zeros(seen, node)
            yield Units(id, where, "dead", int(dead.sum()), dead.size, "units", value.size // dead.size)
        elif name in ("sigmoid", "tanh"):
            yield Units(id, where, "saturated", flat(value, name), value.size, "elements", value.size)
        elif name == "hardtanh":
            ends = (value <= settings["low"]) | (value >= settings["high"])
            yield Units(id, where, "saturated", int(ends.sum()), value.size, "elements", value.size)
        elif name == "softmax":
            source = seen.values.get(node.parents[0])
            allowed = np.isfinite(source) if source is not None else np.ones(value.shape, bool)
            yield from decided(id, where, value, allowed, settings.get("axis", -1))


def zeros(seen: Pass, node: Node) -> Any:
    """Which units of a ReLU, or of a recurrent layer with one, are zero for all examples."""
    if node.plan.op.name in RECURRENT:
        extra = kept(seen, node)
        return (extra[3][extra[4][0] :] == 0).all(0)
    value = np.asarray(seen.values[node])
    axis = unit_axis(node)
    return (value == 0).all(tuple(k for k in range(value.ndim) if k != axis))


def flat(value: Any, kind: str) -> int:
    """How many results of sigmoid or tanh lie where the curve has less than a hundredth of its steepest slope."""
    slope = 4 * value * (1 - value) if kind == "sigmoid" else 1 - value * value
    return int((slope < SLOPE).sum())


def unit_axis(node: Node) -> int:
    """The axis along which an activation's units lie: the second of images, the last of anything else."""
    if len(node.shape) <= 2:
        return len(node.shape) - 1
    at = node
    for _ in range(32):
        name = "" if at.plan is None else at.plan.op.name
        if name in ("convolution", "transposed_convolution"):
            kernel = given_to(at)[1]
            dims = len(kernel.parent.shape) if kernel.parent is not None else np.ndim(kernel.now)
            return max(len(node.shape) - dims + 1, 0)
        if name in CHANNELS:
            return 1
        if name in FEATURES or not at.parents:
            break
        at = at.parents[0]
    return len(node.shape) - 1


def gates(seen: Pass, node: Node, where: str) -> Iterator[Units]:
    """Of a recurrent layer, which is one operation: its gates, as it keeps them for the way back."""
    extra = kept(seen, node)
    if extra is None:
        return
    name, id = node.plan.op.name, seen.ids[node]
    if name == "rnn":
        states, (sizes, nonlinearity) = extra[3], extra[4:6]
        states = states[sizes[0] :]
        if nonlinearity == "tanh":
            yield Units(id, where, "saturated", flat(states, "tanh"), states.size, "states", states.size)
        else:
            dead = zeros(seen, node)
            yield Units(id, where, "dead", int(dead.sum()), dead.size, "units", len(states))
        return
    called = ("input gate", "forget gate", "output gate", "candidate") if name == "lstm" else ("reset gate", "update gate", "candidate")
    values = extra[4] if name == "lstm" else extra[3]
    for what, gate in zip(called, values, strict=True):
        count = flat(gate, "tanh" if what == "candidate" else "sigmoid")
        yield Units(id, f"{what} of {where}", "saturated", count, gate.size, "elements", gate.size, what, seen.simply(node))


def kept(seen: Pass, node: Node) -> Any:
    """What the kernel of a fused operation keeps; computed again where it was freed or packed, None where that cannot be."""
    if node.saved and not any(isinstance(value, Packed) for value in node.saved):
        return node.saved[2:]
    known = given(seen, node)
    if any(known[a.name] is None and not a.absent for a in given_to(node)):
        return None
    settings = getattr(node, "settings", {})
    return node.plan.op.forward(*known.values(), **settings, needs=(True,) * len(known))[1]


def given(seen: Pass, node: Node) -> dict[str, Any]:
    """The arrays that an operation was given, by argument; None for what was left out or is not known."""
    found = {a.name: seen.values.get(a.parent) if a.parent is not None else a.value for a in given_to(node)}
    return {name: value if isinstance(value, np.ndarray) else None for name, value in found.items()}


def attention(seen: Pass, node: Node, where: str) -> Iterator[Units]:
    """The rows of attention in which one place gets nearly all the weight, of those that may look at several."""
    known, settings = given(seen, node), getattr(node, "settings", {})
    q, k, mask = known.get("q"), known.get("k"), known.get("mask")
    if q is None or k is None or "scale" not in settings:
        return
    mask = np.asarray(0.0 if mask is None else mask)
    if q.ndim > 3:
        first = max(1, MANY // max(1, int(np.prod(q.shape[1:-1])) * k.shape[-2]))
        mask = mask[:first] if mask.ndim == q.ndim and len(mask) > 1 else mask
        q, k = q[:first], k[:first]
    causal = settings.get("causal", False)
    with np.errstate(all="ignore"):
        weights = attention_weights.op.forward(
            q, k, mask.astype(q.dtype) if mask.dtype.kind == "f" else mask, scale=settings["scale"], causal=causal
        )
    allowed = np.broadcast_to(mask if mask.dtype.kind == "b" else mask > -np.inf, weights.shape)
    if causal:
        allowed = allowed & np.tri(*weights.shape[-2:]).astype(bool)
    yield from decided(seen.ids[node], where, weights, allowed, -1)


def decided(id: str, where: str, weights: Any, allowed: Any, axis: int) -> Iterator[Units]:
    """Rows of a softmax whose largest entry has less than a hundredth of the steepest slope; of those with a choice."""
    choice = allowed.sum(axis) > 1
    if choice.any():
        largest = weights.max(axis)[choice]
        yield Units(id, where, "saturated", int((4 * largest * (1 - largest) < SLOPE).sum()), largest.size, "rows", largest.size)
