"""How operations are done for many examples at once: rules of `vmap`, by kind of operation.

A rule is called with the operation, its arguments (`wholes`: with all examples along the first dimension where `marks` says
so, else the same for all), its settings, and the number of examples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from . import dtypes
from .ops import shape as shapes
from .tensor import Tensor


def len_of(whole: Tensor) -> int:
    return whole.array.shape[0]


def promoted(op: Any, args: Sequence[Any], wholes: list[Any]) -> list[Any]:
    """The wholes in the dtypes that single examples would be brought to: a number from each example is as weak as a number."""
    if op.promotes == "no" or len(args) < 2:
        return wholes
    stand_ins = tuple([np.zeros((1,) * a.array.ndim, a.dtype) if isinstance(a, Tensor) else a for a in args])
    wanted = dtypes.promote(op.promotes, stand_ins)
    return [
        shapes.astype(w, dtype=s.dtype) if isinstance(w, Tensor) and w.dtype != s.dtype else w for w, s in zip(wholes, wanted, strict=True)
    ]


Rule = Callable[..., Any]


def looped(op: Any, wholes: Sequence[Any], marks: Sequence[bool], settings: dict[str, Any], size: int) -> Any:
    """Example by example."""
    return one_by_one(lambda *given: op.call(*given, **settings), wholes, marks, size)


def one_by_one(call: Callable[..., Any], wholes: Sequence[Any], marks: Sequence[bool], size: int) -> Any:
    if not size:
        raise ValueError("vmap: this cannot be done for no examples, as nobody knows the shape of the result")
    parts = [call(*[take(w, i) if mark else w for w, mark in zip(wholes, marks)]) for i in range(size)]
    if isinstance(parts[0], tuple):
        return tuple([stacked(part) for part in zip(*parts, strict=True)])
    return stacked(parts)


def take(whole: Tensor, i: int) -> Tensor:
    return shapes.squeeze(shapes.crop(whole, axis=0, start=i, length=1), axis=0)


def stacked(parts: Sequence[Tensor]) -> Tensor:
    return shapes.concat(*[shapes.expand_dims(p, axis=0) for p in parts], axis=0)


def lead(whole: Tensor, rank: int) -> Tensor:
    """The whole with axes put behind the first one, so that its examples have this rank."""
    missing = rank - (whole.array.ndim - 1)
    return shapes.expand_dims(whole, axis=tuple(range(1, 1 + missing))) if missing > 0 else whole


def rank_of(whole: Any, mark: bool) -> int:
    return whole.array.ndim - mark if isinstance(whole, Tensor) else np.ndim(whole)


def everywhere(wholes: Sequence[Any], marks: Sequence[bool], size: int) -> list[Tensor]:
    """All of them batched: those that are not repeated (without copying)."""
    return [w if mark else shapes.broadcast_to(shapes.expand_dims(w, axis=0), target=(size, *w.shape)) for w, mark in zip(wholes, marks)]


def aligned(op: Any, wholes: Sequence[Any], marks: Sequence[bool], settings: dict[str, Any], size: int) -> Any:
    """Element by element, or on the last axes, with all axes before them for as many examples."""
    rank = max(rank_of(w, mark) for w, mark in zip(wholes, marks))
    return op.call(*[lead(w, rank) if mark else w for w, mark in zip(wholes, marks)], **settings)


def shifted(axis: Any, rank: int) -> Any:
    """An axis (or several) of an example, as one of the whole."""
    if isinstance(axis, tuple):
        return tuple([shifted(a, rank) for a in axis])
    return axis % rank + 1 if rank else axis


def over_axes(op: Any, wholes: Sequence[Any], marks: Sequence[bool], settings: dict[str, Any], size: int) -> Any:
    """With an `axis` (or `axes`), None meaning all of them."""
    name = "axis" if "axis" in settings else "axes"
    rank, axis = rank_of(wholes[0], True), settings[name]
    return op.call(*wholes, **{**settings, name: tuple(range(1, rank + 1)) if axis is None else shifted(axis, rank)})


def over_one_axis(op: Any, wholes: Sequence[Any], marks: Sequence[bool], settings: dict[str, Any], size: int) -> Any:
    """With one `axis`; for None the examples are laid flat."""
    if settings["axis"] is None and rank_of(wholes[0], True) != 1:
        return looped(op, wholes, marks, settings, size)
    rank = rank_of(wholes[0], marks[0])
    given = {**settings, "axis": shifted(settings["axis"] or 0, rank)}
    if "shape" in given:
        given["shape"] = (size, *given["shape"])
    return op.call(*everywhere(wholes, marks, size), **given)


def into(name: str) -> Rule:
    """With a setting that is the shape of the result."""

    def rule(op: Any, wholes: Sequence[Any], marks: Sequence[bool], settings: dict[str, Any], size: int) -> Any:
        target = settings[name]
        rank = max(len(target), rank_of(wholes[0], True))
        if op is shapes.reshape.op:
            return op.call(*wholes, shape=(size, *target))
        out = op.call(lead(wholes[0], rank), **{name: (size, *(1,) * (rank - len(target)), *target)})
        return out if rank == len(target) else shapes.reshape(out, shape=(size, *target))

    return rule


def transposed(op: Any, wholes: Sequence[Any], marks: Sequence[bool], settings: dict[str, Any], size: int) -> Any:
    return op.call(*wholes, axes=(0, *shifted(tuple(settings["axes"]), rank_of(wholes[0], True))))


def with_new_axes(op: Any, wholes: Sequence[Any], marks: Sequence[bool], settings: dict[str, Any], size: int) -> Any:
    axes = settings["axis"] if isinstance(settings["axis"], tuple) else (settings["axis"],)
    return op.call(*wholes, axis=shifted(axes, rank_of(wholes[0], True) + len(axes)))


def joined(op: Any, wholes: Sequence[Any], marks: Sequence[bool], settings: dict[str, Any], size: int) -> Any:
    return op.call(*everywhere(wholes, marks, size), axis=shifted(settings["axis"], max(1, rank_of(wholes[0], marks[0]))))


def padded(op: Any, wholes: Sequence[Any], marks: Sequence[bool], settings: dict[str, Any], size: int) -> Any:
    return op.call(*wholes, **{**settings, "widths": ((0, 0), *settings["widths"])})


def contracted(op: Any, wholes: Sequence[Any], marks: Sequence[bool], settings: dict[str, Any], size: int) -> Any:
    """Einstein's summation with one letter more."""
    letters = {*"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"} - {c for term in settings["terms"] for c in term}
    new = min(letters)
    terms = tuple([new + term if mark else term for term, mark in zip(settings["terms"], marks)])
    return op.call(*wholes, terms=terms, result=new + settings["result"])


def at_basic_index(op: Any, wholes: Sequence[Any], marks: Sequence[bool], settings: dict[str, Any], size: int) -> Any:
    """With an `index` of integers, slices, None and ...; arrays go example by example."""
    index = settings["index"] if isinstance(settings["index"], tuple) else (settings["index"],)
    if any(isinstance(part, np.ndarray | list | bool | np.bool_) for part in index):
        return looped(op, wholes, marks, settings, size)
    given = {**settings, "index": (slice(None), *index)}
    if "shape" in given:
        given["shape"] = (size, *given["shape"])
    if len(wholes) == 2:  # a value to be written
        rank = rank_of(wholes[0], marks[0])
        wholes = everywhere(wholes, marks, size)
        place = np.broadcast_to(np.zeros(()), (1,) * rank if not rank else tuple(wholes[0].shape)[1:])[tuple(index)]
        wholes = [wholes[0], lead(wholes[1], place.ndim)]
    return op.call(*wholes, **given)


def squeezed(op: Any, wholes: Sequence[Any], marks: Sequence[bool], settings: dict[str, Any], size: int) -> Any:
    shape, axis = tuple(wholes[0].shape)[1:], settings["axis"]
    axes = tuple(k for k, n in enumerate(shape) if n == 1) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return op.call(*wholes, axis=shifted(axes, len(shape)))


def in_rows(op: Any, wholes: Sequence[Any], marks: Sequence[bool], settings: dict[str, Any], size: int) -> Any:
    """x @ weightᵀ + bias, each of them batched or not."""
    rank = [2, 2, 1]
    x, weight, *bias = [lead(w, rank[k]) if mark else w for k, (w, mark) in enumerate(zip(wholes, marks))]
    out = x @ shapes.mT(weight)
    return out + (lead(bias[0], 2) if marks[2] else bias[0]) if bias else out


KINDS: dict[Rule, str] = {  # by operation, as module.name
    aligned: """
        arithmetic.power arithmetic.round arithmetic.nan_to_num choices.clamp choices.masked_fill
        activation.leaky_relu activation.elu activation.softplus
        shape.tril shape.triu shape.astype
    """,
    over_axes: "reduce.sum reduce.mean reduce.var reduce.std reduce.amax reduce.amin reduce.logsumexp reduce.euclidean_norm reduce.p_norm "
    "reduce.all reduce.any shape.flip shape.diagonal",
    over_one_axis: "reduce.argmax reduce.argmin softmax.softmax softmax.log_softmax shape.crop shape.embed index.gather index.scatter_add",
    into("shape"): "shape.reshape",
    into("target"): "shape.broadcast_to shape.repeat_to shape.sum_to",
    transposed: "shape.transpose",
    with_new_axes: "shape.expand_dims",
    squeezed: "shape.squeeze",
    joined: "shape.concat",
    padded: "shape.pad",
    contracted: "linalg.contract",
    at_basic_index: "index.getitem index.put index.overwrite index.put_back",
    in_rows: "linalg.linear_rows linalg.linear_rows_without_bias",
}


def found(name: str) -> Any:
    module, _, attribute = name.partition(".")
    return getattr(import_module(f".ops.{module}", __package__), attribute).op


RULES: dict[Any, Rule] = {found(name): rule for rule, names in KINDS.items() for name in names.split()}


def rule_of(op: Any) -> Rule:
    """How to do an operation for many examples: without settings it works element by element or on the last axes."""
    return RULES.get(op, looped if op.settings else aligned)
