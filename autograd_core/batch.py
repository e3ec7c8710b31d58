"""What runs inside `vmap`: a tensor that looks like one example and stands for many, and how operations treat it.

A `Batched` holds all examples in one tensor, `whole`, along its first dimension. The function that is mapped sees the
shape of one example. An operation on it is done on the whole at once where a rule below says how, and else example by
example: slower, never wrong. The whole is an ordinary Tensor, so what is recorded is an ordinary graph, and a backward
pass through it is batched without further ado. Batches nest: a whole may itself be Batched, by the vmap around.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NoReturn

import numpy as np

from . import writes
from .graph import thread
from .ops import shape as shapes
from .tensor import Tensor


@lru_cache
def zero(dtype: Any) -> Any:
    return np.zeros((), dtype)


OF_SHAPES = {np.shape, np.ndim, np.size, np.empty_like, np.zeros_like, np.ones_like, np.full_like, np.reshape, np.may_share_memory}


class Example:
    """The array of a Batched tensor: what one example looks like, with nothing in it to look at."""

    __slots__ = ("dtype", "shape")
    base = None
    flags = np.broadcast_to(0, (1,)).flags  # in order, and not to be written
    __array_ufunc__ = None

    def __init__(self, shape: tuple[int, ...], dtype: Any):
        self.shape = shape
        self.dtype = dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @property
    def strides(self) -> tuple[int, ...]:
        return tuple(int(np.prod(self.shape[k + 1 :])) * self.itemsize for k in range(self.ndim))

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self.size * self.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __array_function__(self, function: Any, types: Any, args: Any, settings: Any) -> Any:
        """What NumPy tells of shapes and dtypes alone it tells of an array of zeros that takes no memory."""
        if function not in OF_SHAPES:
            self._refuse()
        return function(*[np.broadcast_to(zero(a.dtype), a.shape) if isinstance(a, Example) else a for a in args], **settings)

    def _refuse(self, *args: Any, **settings: Any) -> NoReturn:
        raise RuntimeError(
            "vmap: this needs the numbers of a batched tensor (in item(), bool(), an index, a shape, a loop, or an in-place write); "
            "inside vmap only operations that are the same for every example can be used, e.g. where() instead of if"
        )

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__") and name != "__array_interface__":  # asked for by whoever looks for memory
            raise AttributeError(name)
        self._refuse()

    __array__ = __getitem__ = __setitem__ = __iter__ = __bool__ = __float__ = __int__ = __index__ = __complex__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = __rpow__ = _refuse
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __neg__ = __invert__ = __and__ = __or__ = _refuse  # type: ignore[assignment]
    __hash__ = object.__hash__


class Batched(Tensor):
    """Many tensors as one: `whole` has them along its first dimension. `level` counts the vmaps around."""

    __slots__ = ("level", "whole")
    whole: Tensor
    level: int

    def __repr__(self) -> str:
        return f"batched({self.whole!r})"

    def detach(self) -> Tensor:
        return batched(self.whole.detach(), self.level)

    @property
    def data(self) -> Tensor:
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        raise RuntimeError("vmap: .data cannot be replaced inside vmap; use a new tensor")

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        raise RuntimeError("vmap: requires_grad_() inside vmap; use func.grad or func.vjp, which differentiate by their arguments")

    def backward(self, *args: Any, **settings: Any) -> None:
        raise RuntimeError("vmap: backward() inside vmap has no .grad to fill; use func.grad, func.vjp or autograd.grad")

    def register_hook(self, hook: Callable[..., Any]) -> Any:
        raise RuntimeError("vmap: a hook inside vmap would be given the gradients of all examples at once; change the gradient outside")

    def retain_grad(self) -> None:
        raise RuntimeError("vmap: retain_grad() inside vmap has no .grad to fill; use func.grad, func.vjp or autograd.grad")


def batched(whole: Tensor, level: int) -> Batched:
    """The whole, seen as one of its examples."""
    result = Batched.__new__(Batched)
    result.whole = whole
    result.level = level
    result.array = Example(tuple(whole.shape)[1:], whole.dtype)  # type: ignore[assignment]
    result.node = whole.node
    result._grad = result._view = None
    return result


class Batch:
    """One running vmap: how many examples, and the vmap around it."""

    def __init__(self, size: int, randomness: str, around: Batch | None):
        self.size = size
        self.randomness = randomness
        self.around = around
        self.level: int = 1 if around is None else around.level + 1

    def __enter__(self) -> Batch:
        thread.batch = self
        writes.watch(+1)
        return self

    def __exit__(self, *exception: Any) -> None:
        writes.watch(-1)
        thread.batch = self.around

    def owned(self, tensor: Tensor) -> Tensor:
        """The whole of a tensor that this vmap maps over; if it does not, repeated (without copying)."""
        if type(tensor) is Batched and tensor.level == self.level:
            return tensor.whole
        return shapes.broadcast_to(shapes.expand_dims(tensor, axis=0), target=(self.size, *tensor.array.shape))

    def own(self, tensor: Tensor) -> Batched:
        """The tensor, mapped over by this vmap and by all those around, so that each example has one of its own."""
        whole = self.owned(tensor)
        return batched(whole if self.around is None else self.around.own(whole), self.level)

    def size_at(self, level: int) -> int:
        return self.size if level == self.level else self.around.size_at(level)  # type: ignore[union-attr]

    @staticmethod
    def indexed(x: Any, index: tuple[Any, ...]) -> Any:
        """x[index] with Batched tensors among the index."""
        return indexed(x, index)

    @staticmethod
    def meets(args: Sequence[Any]) -> bool:
        """Whether an operation on these arguments is to be done batched."""
        return any(type(a) is Batched for a in args)

    @staticmethod
    def call(op: Any, args: Sequence[Any], settings: dict[str, Any]) -> Any:
        """An operation of which at least one argument is Batched."""
        if op.backward is not None and op not in rules.RULES:
            return op.reference(*args, **{**op.settings, **settings})
        level = max(a.level for a in args if type(a) is Batched)
        marks = [type(a) is Batched and a.level == level for a in args]
        wholes = [a.whole if mark else a for a, mark in zip(args, marks)]
        size = rules.len_of(next(w for w, mark in zip(wholes, marks) if mark))
        wholes = rules.promoted(op, args, wholes)
        out = rules.rule_of(op)(op, wholes, marks, {**op.settings, **settings}, size)
        return tuple([batched(o, level) for o in out]) if isinstance(out, tuple) else batched(out, level)


# ---------------------------------------------------------------------- gradients


def bottom(tensor: Any) -> tuple[Any, list[int]]:
    """The tensor in which all examples of all levels lie, and the levels of its first dimensions."""
    levels: list[int] = []
    while type(tensor) is Batched:
        levels.append(tensor.level)
        tensor = tensor.whole
    return tensor, levels[::-1]


def gradients(
    grad: Callable[..., Any], outputs: Sequence[Tensor], inputs: Sequence[Tensor], weights: Sequence[Any], settings: dict[str, Any]
) -> tuple[Any, ...]:
    """autograd.grad with Batched tensors among its arguments: on what they hold, for all examples at once."""
    batch = thread.batch
    roots, of_roots = zip(*[bottom(o) for o in outputs], strict=True)
    sources, of_sources = zip(*[bottom(i) for i in inputs], strict=True)
    within = {level for levels in of_roots for level in levels}
    for k, levels in enumerate(of_sources):
        if not within <= set(levels) and inputs[k].node is not None:
            raise RuntimeError(
                f"grad: input {k} is the same for all examples of a vmap that the outputs depend on, so each example has its own "
                "gradient; use func.grad, or map over the input too"
            )
    seeds = []
    for root, levels, output, weight in zip(roots, of_roots, outputs, weights, strict=True):
        if weight is None:
            if output.array.size != 1:
                raise RuntimeError(f"grad: a gradient can be made up only for a scalar, this tensor has shape {output.array.shape}")
            seeds.append(Tensor(np.ones(root.array.shape)).to(root.dtype))
        else:
            if tuple(weight.shape) != tuple(output.shape):
                raise RuntimeError(f"grad: the gradient has shape {tuple(weight.shape)}, but the tensor {output.array.shape}")
            seeds.append(seen_from(weight, levels, batch))
    found = grad(list(roots), list(sources), seeds, **settings)
    return tuple([None if g is None else gathered(g, levels) for g, levels in zip(found, of_sources, strict=True)])


def seen_from(weight: Any, levels: list[int], batch: Batch) -> Tensor:
    """A tensor of one example, of these levels, as what holds all of them; levels that it has beyond these stay Batched."""
    held, own = bottom(weight)
    beyond = [level for level in own if level not in levels]
    missing = [level for level in levels if level not in own]
    order = [own.index(level) for level in beyond + [x for x in levels if x in own]]
    held = shapes.transpose(held, axes=(*order, *range(len(own), held.array.ndim)))
    if missing:
        places = tuple(len(beyond) + levels.index(level) for level in missing)
        held = shapes.expand_dims(held, axis=places)
        sizes = list(held.array.shape)
        for place, level in zip(places, missing, strict=True):
            sizes[place] = batch.size_at(level)
        held = shapes.broadcast_to(held, target=tuple(sizes))
    for level in beyond:
        held = batched(held, level)
    return held


def gathered(gradient: Tensor, levels: list[int]) -> Tensor:
    """The reverse: a gradient of what holds all examples of these levels (maybe Batched by others), as that of one example."""
    held, beyond = bottom(gradient)
    now = beyond + levels
    every = sorted(now)
    held = shapes.transpose(held, axes=(*[now.index(level) for level in every], *range(len(now), held.array.ndim)))
    for level in every:
        held = batched(held, level)
    return held


def with_batched_weights(grad: Callable[..., Any], weights: Sequence[Any], settings: dict[str, Any]) -> tuple[Any, ...]:
    """autograd.grad for many gradients of the outputs at once (`is_grads_batched`)."""
    sizes = {w.array.shape[0] for w in weights if w is not None and w.array.ndim}
    if len(sizes) != 1 or any(w is not None and not w.array.ndim for w in weights):
        raise RuntimeError("grad: with is_grads_batched, all grad_outputs have a first dimension of one length")
    with Batch(sizes.pop(), "error", thread.batch) as batch:
        found = grad(grad_outputs=[None if w is None else batched(w, batch.level) for w in weights], **settings)
        return tuple([None if g is None else batch.owned(g) for g in found])


# ---------------------------------------------------------------------- functions of the user's, and indexing


def example_by_example(call: Callable[..., Any], args: Sequence[Any]) -> Any:
    """A function of tensors that is no operation."""
    level = max(a.level for a in args if type(a) is Batched)
    marks = [type(a) is Batched and a.level == level for a in args]
    wholes = [a.whole if mark else a for a, mark in zip(args, marks)]
    size = rules.len_of(next(w for w, mark in zip(wholes, marks) if mark))
    out = rules.one_by_one(call, wholes, marks, size)
    return tuple([batched(o, level) for o in out]) if isinstance(out, tuple) else batched(out, level)


MASKS = {np.dtype(np.bool_), np.dtype(np.uint8)}


def indexed(x: Any, index: tuple[Any, ...]) -> Any:
    """x[index], Batched tensors among the index."""
    if any(type(p) is Batched and p.dtype in MASKS for p in index):
        raise RuntimeError("vmap: a mask as index picks another number of elements for each example; use where() or masked_fill()")
    level = max(a.level for a in (x, *index) if type(a) is Batched)
    whole = x.whole if type(x) is Batched and x.level == level else None
    parts = [p.whole if type(p) is Batched and p.level == level else p for p in index]
    size = rules.len_of(whole if whole is not None else next(p for p, q in zip(parts, index) if p is not q))
    if all(isinstance(p, Tensor | np.ndarray | int) and not isinstance(p, bool) and getattr(p, "dtype", None) not in MASKS for p in parts):
        marks = [p is not q for p, q in zip(parts, index)]
        rank = max(rules.rank_of(p, mark) if isinstance(p, Tensor) else np.ndim(p) for p, mark in zip(parts, marks))
        parts = [rules.lead(p, rank) if mark else p for p, mark in zip(parts, marks)]
        if whole is None:
            return batched(x[tuple(parts)], level)
        return batched(whole[(np.arange(size).reshape(size, *(1,) * rank), *parts)], level)
    single = []
    for i in range(size):
        at = tuple([rules.take(p, i) if p is not q else p for p, q in zip(parts, index)])
        single.append((x if whole is None else rules.take(whole, i))[at])
    return batched(rules.stacked(single), level)


from . import batch_rules as rules  # noqa: E402 - they lean on nothing here, but are needed last
