"""How operations are done for many examples at once: rules of `vmap`, by kind of operation.

A rule is called with the operation, its arguments (`wholes`: with all examples along the first dimension where `marks` says
so, else the same for all), its settings, and the number of examples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from math import prod
from typing import Any

import numpy as np

from . import dtypes
from .ops import shape as shapes
from .ops.index import getitem, put
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
    missing = rank - (whole.ndim - 1)
    return shapes.expand_dims(whole, axis=tuple(range(1, 1 + missing))) if missing > 0 else whole


def rank_of(whole: Any, mark: bool) -> int:
    return whole.array.ndim - mark if isinstance(whole, Tensor) else np.ndim(whole)


def everywhere(wholes: Sequence[Any], marks: Sequence[bool], size: int) -> list[Any]:
    """All of them batched: those that are not repeated (without copying), but for plain numbers."""
    return [
        w if mark or not is_array(w) else shapes.broadcast_to(shapes.expand_dims(w, axis=0), target=(size, *w.shape))
        for w, mark in zip(wholes, marks)
    ]


def is_array(value: Any) -> bool:
    return isinstance(value, Tensor | np.ndarray)


def aligned(op: Any, wholes: Sequence[Any], marks: Sequence[bool], settings: dict[str, Any], size: int) -> Any:
    """Element by element, or on the last axes, with all axes before them for as many examples."""
    rank = max(rank_of(w, mark) for w, mark in zip(wholes, marks))
    return op.call(*[lead(w, rank) if mark else w for w, mark in zip(wholes, marks)], **settings)


def shifted(axis: Any, rank: int) -> Any:
    """An axis (or several) of an example, as one of the whole."""
    if isinstance(axis, tuple):
        return tuple([shifted(a, rank) for a in axis])
    return axis % rank + 1 if rank else axis


def for_all(settings: dict[str, Any], size: int, **changed: Any) -> dict[str, Any]:
    """Settings of one example as those of the whole: changed as said, and a `shape` with one axis more."""
    return {**settings, **changed, **({"shape": (size, *settings["shape"])} if "shape" in settings else {})}


def over_axes(op: Any, wholes: Sequence[Any], marks: Sequence[bool], settings: dict[str, Any], size: int) -> Any:
    """With an `axis` (or `axes`), None meaning all of them, that counts the axes of the argument, or of `shape` if there is one."""
    name = "axis" if "axis" in settings else "axes"
    axis, rank = settings[name], len(settings["shape"]) if "shape" in settings else rank_of(wholes[0], True)
    axes = tuple(range(1, rank + 1)) if axis is None else shifted(axis, rank)
    return op.call(*wholes, **for_all(settings, size, **{name: axes}))


def over_one_axis(op: Any, wholes: Sequence[Any], marks: Sequence[bool], settings: dict[str, Any], size: int) -> Any:
    """With one `axis`; for None the examples are laid flat. A 0-d example has none, though it may be named."""
    rank = max(rank_of(w, mark) for w, mark in zip(wholes, marks))
    if settings["axis"] is None and not settings.get("keepdims"):
        flat = shapes.reshape(wholes[0], shape=(size, prod(wholes[0].shape[1:])))
        out = op.call(flat, **{**settings, "axis": 1})
        return shapes.reshape(out, shape=tuple(wholes[0].shape)) if op is shapes.roll.op else out
    if settings["axis"] is None or any(is_array(w) and not rank_of(w, mark) for w, mark in zip(wholes, marks)):
        return looped(op, wholes, marks, settings, size)
    given = [lead(w, rank) if is_array(w) else w for w in everywhere(wholes, marks, size)]
    return op.call(*given, **for_all(settings, size, axis=shifted(settings["axis"], rank)))


def each_with_its_own(op: Any, wholes: Sequence[Any], marks: Sequence[bool], settings: dict[str, Any], size: int) -> Any:
    """On the last axes, as matrices with vectors: whatever their ranks, the axes before those are the same."""
    return op.call(*everywhere(wholes, marks, size), **settings)


def at_rows(op: Any, wholes: Sequence[Any], marks: Sequence[bool], settings: dict[str, Any], size: int) -> Any:
    """With an array of indices along one axis, the same for all examples or one for each; those below zero are left to fail one by one."""
    axis, (x, index) = settings["axis"], wholes
    if not rank_of(x, marks[0]) or (marks[1] and (type(index) is not Tensor or index.array.min(initial=0) < 0)):
        return looped(op, wholes, marks, settings, size)
    if not marks[1]:
        return op.call(x, index, **for_all(settings, size, axis=axis + 1))
    x, index = everywhere((x, index), marks, size)[0], index.array
    place = (np.arange(size).reshape(size, *(1,) * (index.ndim - 1)), index)
    if "shape" in settings:
        n, *others = moved_to_front(settings["shape"], axis)
        back = put(front(x, axis, index.ndim - 1), index=place, shape=(size, n, *others))
        return behind(back, axis, 1)
    return behind(getitem(front(x, axis, 1), index=place), axis, index.ndim - 1)


def moved_to_front(items: Sequence[Any], k: int, count: int = 1) -> tuple[Any, ...]:
    return (*items[k : k + count], *items[:k], *items[k + count :])


def front(whole: Any, axis: int, count: int) -> Any:
    """The whole with some axes of its examples, from this one on, as their first."""
    return shapes.transpose(whole, axes=(0, *moved_to_front(range(1, whole.ndim), axis, count)))


def behind(whole: Any, axis: int, count: int) -> Any:
    """The reverse: the first axes of the examples back in their place."""
    order = moved_to_front(range(1, whole.ndim), axis, count)
    return shapes.transpose(whole, axes=(0, *[order.index(k) + 1 for k in range(1, whole.ndim)]))


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


def at_index(op: Any, wholes: Sequence[Any], marks: Sequence[bool], settings: dict[str, Any], size: int) -> Any:
    """With an `index` of integers, slices, None, ..., and arrays side by side; arrays apart, whose axes NumPy puts first, go one by one."""
    index = settings["index"] if isinstance(settings["index"], tuple) else (settings["index"],)
    arrays = any(isinstance(part, np.ndarray) for part in index)
    places = [k for k, part in enumerate(index) if isinstance(part, np.ndarray | int | np.integer)]
    if any(isinstance(part, list | bool | np.bool_) for part in index) or (arrays and len(places) <= places[-1] - places[0]):
        return looped(op, wholes, marks, settings, size)
    if len(wholes) == 2:  # a value to be written
        rank = rank_of(wholes[0], marks[0])
        wholes = everywhere(wholes, marks, size)
        place = np.broadcast_to(np.zeros(()), (1,) * rank if not rank else tuple(wholes[0].shape)[1:])[tuple(index)]
        wholes = [wholes[0], lead(wholes[1], place.ndim)]
    return op.call(*wholes, **for_all(settings, size, index=(slice(None), *index)))


def squeezed(op: Any, wholes: Sequence[Any], marks: Sequence[bool], settings: dict[str, Any], size: int) -> Any:
    shape, axis = tuple(wholes[0].shape)[1:], settings["axis"]
    axes = tuple(k for k, n in enumerate(shape) if n == 1) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return op.call(*wholes, axis=shifted(axes, len(shape)))


def in_rows(op: Any, wholes: Sequence[Any], marks: Sequence[bool], settings: dict[str, Any], size: int) -> Any:
    """x @ weightᵀ + bias, each of them batched or not. Weights come first, so that their gradient is no transposed view, to be copied."""
    x, weight, *bias = [lead(w, rank) if mark else w for w, mark, rank in zip(wholes, marks, (2, 2, 1))]
    out = shapes.mT(weight @ shapes.mT(x)) if marks[1] else x @ shapes.mT(weight)
    return out + (lead(bias[0], 2) if marks[2] else bias[0]) if bias else out


KINDS: dict[Rule, str] = {  # by operation, as module.name
    aligned: """
        arithmetic.power arithmetic.round arithmetic.nan_to_num arithmetic.addcmul arithmetic.addcdiv choices.clamp choices.masked_fill
        activation.leaky_relu activation.elu activation.softplus dropout.dropout
        shape.tril shape.triu shape.astype
        bessel.bessel_j bessel.bessel_y bessel.bessel_i bessel.bessel_ie bessel.bessel_k bessel.bessel_ke gamma.polygamma
        limits.logit limits.sinc_derivative limits.spherical_bessel_j0 special.erfcx_integral fourier.frames fourier.overlap_add
        solving.inv solving.solve triangular.solve_triangular solving.pinv solving.det
        decompositions.cholesky decompositions.svd decompositions.eigh decompositions.hermitian_eigenvalues decompositions.mirrored
        decompositions.to_triangle decompositions.first_columns decompositions.pad_columns decompositions.first_of decompositions.phase_free
        pool.max_pool pool.mean_pool pool.spread pool.columns pool.overlap resample.resample border.border border.add_border
    """,
    over_axes: """
        reduce.sum reduce.mean reduce.var reduce.std reduce.amax reduce.amin reduce.largest reduce.smallest reduce.logsumexp
        reduce.euclidean_norm reduce.p_norm reduce.count_nonzero reduce.all reduce.any
        shape.flip shape.diagonal shape.diagonal_embed fourier.fftn fourier.ifftn
    """,
    over_one_axis: """
        reduce.argmax reduce.argmin softmax.softmax softmax.log_softmax linalg.cross
        shape.crop shape.embed shape.roll shape.windows shape.overlap_add fourier.rfft fourier.irfft fourier.weighted
        index.gather index.scatter_add index.scatter index.last_at index.scatter_extreme index.scatter_prod
        order.argsort order.argtopk order.argkth order.argmedian order.median order.argmode
        scan.cumsum scan.cumprod scan.logcumsumexp scan.recurrence scan.moved scan.argcummax scan.argcummin
    """,
    each_with_its_own: """
        order.searchsorted triangular.permuted triangular.permuted_back decompositions.determined decompositions.of_distinct
        decompositions.over_gaps decompositions.over_values decompositions.inverse_of_eigenvectors
        pool.into_largest pool.from_largest pool.largest_places
    """,
    at_rows: "index.index_select index.index_add",
    into("shape"): "shape.reshape",
    into("target"): "shape.broadcast_to shape.repeat_to shape.sum_to",
    transposed: "shape.transpose",
    with_new_axes: "shape.expand_dims",
    squeezed: "shape.squeeze",
    joined: "shape.concat",
    padded: "shape.pad",
    contracted: "linalg.contract",
    at_index: "index.getitem index.put index.overwrite index.put_back",
    in_rows: "linalg.linear_rows linalg.linear_rows_without_bias",
}


def found(name: str) -> Any:
    module, _, attribute = name.partition(".")
    return getattr(import_module(f".ops.{module}", __package__), attribute).op


RULES: dict[Any, Rule] = {found(name): rule for rule, names in KINDS.items() for name in names.split()}


def rule_of(op: Any) -> Rule:
    """How to do an operation for many examples: without settings it works element by element or on the last axes."""
    return RULES.get(op, looped if op.settings else aligned)
