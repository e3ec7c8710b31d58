"""Transforms of functions: from a function of tensors to its gradient, its Jacobian, its batched form.

Each transform runs the function on tensors of its own and differentiates by them. What else records (outer transforms, or
tensors with requires_grad that the function uses) goes on recording: then the pass itself is recorded, else it is plain.
Arguments may be nested tuples, lists and dicts of tensors. Names and meaning are those of torch.func.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

import numpy as np

from .autograd import grad as autograd_grad
from .batch import Batched, batched
from .functional_call import functional_call, stack_module_state
from .graph import ancestors, thread
from .ops import shape as shapes
from .tensor import Tensor, constant
from .tree import flatten, leaves_as_in, tree_map
from .vectorize import vmap
from .writes import tick

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "stack_module_state",
    "value_and_grad",
    "vjp",
    "vmap",
]


# ---------------------------------------------------------------------- what the transforms have in common


def fresh(tensor: Any, what: str) -> Tensor:
    """The same numbers at a new place in the graph, to differentiate by. Raises TypeError for what has no gradient."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{what}: differentiates by tensors, got a {type(tensor).__name__}; say with argnums which arguments are meant")
    if tensor.dtype.kind not in "fc":
        raise RuntimeError(f"{what}: only floating-point and complex tensors have gradients, got {tensor.dtype}")
    return at_new_place(tensor if thread.batch is None else thread.batch.own(tensor))


def at_new_place(tensor: Tensor) -> Tensor:
    if tensor.node is not None:
        return shapes.alias(tensor)
    if isinstance(tensor, Batched):
        return batched(at_new_place(tensor.whole), tensor.level)
    return constant(tensor.array).requires_grad_()


@contextmanager
def always_recording() -> Iterator[None]:
    """Record in any case, in inference_mode too: what is recorded is the transform's own."""
    before = thread.grad, thread.inference
    thread.grad, thread.inference = True, False
    try:
        yield
    finally:
        thread.grad, thread.inference = before


class Pulled:
    """One run of a function on fresh tensors, ready to be differentiated."""

    def __init__(self, what: str, function: Callable[..., Any], trees: Sequence[Any], call: Callable[[list[Any]], Any], has_aux: bool):
        self.what = what
        start = tick()
        with always_recording():
            leaves, build = flatten(list(trees))
            self.inputs = [fresh(leaf, what) for leaf in leaves]
            result = call(build(self.inputs))
            self.aux = None
            if has_aux:
                if not isinstance(result, tuple) or len(result) != 2:
                    raise RuntimeError(f"{what}: with has_aux=True the function must return (output, aux)")
                result, self.aux = result
        self.trees = build
        self.outputs, self.build = flatten(result)
        for output in self.outputs:
            if not isinstance(output, Tensor):
                raise TypeError(f"{what}: the function must return tensors, got a {type(output).__name__}")
        nodes = [o.node for o in self.outputs if o.node is not None]
        own = {i.node for i in self.inputs}
        self.outer = any(node.time < start for node in ancestors(nodes) if node not in own)  # does anything else record?
        self.recorded = self.outer and thread.grad
        self.aux = self.aux if self.recorded else tree_map(outside, self.aux)

    def pull(self, weights: Sequence[Any], retain: bool = False, create_graph: bool | None = None) -> list[Tensor]:
        """The gradients of the inputs, for these of the outputs."""
        recording = [(o, w) for o, w in zip(self.outputs, weights, strict=True) if o.node is not None]
        if not recording:
            return [zeros_of(i) for i in self.inputs]
        found = autograd_grad(
            [o for o, _ in recording],
            self.inputs,
            [w for _, w in recording],
            retain_graph=retain or None,
            create_graph=self.recorded if create_graph is None else create_graph,
            materialize_grads=True,
        )
        return list(found)  # type: ignore[arg-type]

    def value(self) -> Any:
        """What the function returned, outside of this transform."""
        leaves = [o if self.recorded else outside(o) for o in self.outputs]
        return self.build(leaves)


def outside(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value


def zeros_of(tensor: Tensor) -> Tensor:
    return constant(np.zeros(tensor.array.shape, tensor.dtype))


def ones_of(tensor: Tensor) -> Tensor:
    return constant(np.ones(tensor.array.shape, tensor.dtype))


def chosen(what: str, argnums: int | tuple[int, ...], args: tuple[Any, ...]) -> list[int]:
    numbers = [argnums] if isinstance(argnums, int) else list(argnums)
    for n in numbers:
        if not isinstance(n, int) or not -len(args) <= n < len(args):
            raise RuntimeError(f"{what}: argnums={argnums!r}, but the function was called with {len(args)} positional arguments")
    found = [n % len(args) for n in numbers]
    if not found or len(set(found)) < len(found):
        raise RuntimeError(f"{what}: argnums={argnums!r} must name at least one argument, and none twice")
    return found


def run(what: str, function: Callable[..., Any], argnums: Any, args: tuple[Any, ...], kwargs: dict[str, Any], has_aux: bool) -> Pulled:
    """The function on fresh tensors for the chosen arguments."""
    numbers = chosen(what, argnums, args)

    def call(trees: list[Any]) -> Any:
        given = list(args)
        for n, tree in zip(numbers, trees, strict=True):
            given[n] = tree
        return function(*given, **kwargs)

    return Pulled(what, function, [args[n] for n in numbers], call, has_aux)


# ---------------------------------------------------------------------- gradients


def grad_and_value(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that gives `(gradient, value)` of a scalar function; with `has_aux` `(gradient, (value, aux))`.

    `argnums` says by which positional arguments; several give a tuple of gradients. Raises RuntimeError when the result is
    not a scalar.
    """

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        pulled = run("grad", func, argnums, args, kwargs, has_aux)
        if len(pulled.outputs) != 1 or pulled.outputs[0].ndim != 0:
            shapes_of = [tuple(o.shape) for o in pulled.outputs]
            raise RuntimeError(f"grad: the function must return one scalar, got {len(shapes_of)} tensors of shapes {shapes_of}")
        if pulled.outputs[0].is_complex():
            raise RuntimeError("grad: the function must return a real number, got a complex one; use vjp")
        gradients = pulled.trees(pulled.pull([ones_of(pulled.outputs[0])]))
        gradient = gradients[0] if isinstance(argnums, int) else tuple(gradients)
        value = pulled.value()
        return gradient, (value, pulled.aux) if has_aux else value

    return wrapper


def value_and_grad(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """As grad_and_value, the other way round: `(value, gradient)`, with `has_aux` `((value, aux), gradient)`."""
    both = grad_and_value(func, argnums, has_aux)

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[::-1]

    return wrapper


def grad(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that gives the gradient of a scalar function (with `has_aux`: `(gradient, aux)`).

    >>> import autograd_core as ag
    >>> slope = ag.func.grad(lambda x: x**3)
    >>> slope(ag.tensor(2.0)), ag.func.grad(slope)(ag.tensor(2.0))
    (tensor(12.), tensor(12.))
    """
    both = grad_and_value(func, argnums, has_aux)

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        gradient, value = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapper


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """`(output, vjp_fn)`, where `vjp_fn(cotangents)` gives a tuple, for each primal the product of cotangents and Jacobian.

    With `has_aux` the function returns `(output, aux)`, and so `(output, vjp_fn, aux)`.
    """
    pulled = run("vjp", func, tuple(range(len(primals))), primals, {}, has_aux)

    def vjp_fn(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> tuple[Any, ...]:
        weights = leaves_as_in(cotangents, pulled.build(pulled.outputs), "vjp_fn: the cotangents")
        records = any(isinstance(w, Tensor) and w.node is not None for w in weights) and thread.grad
        return tuple(
            pulled.trees(pulled.pull(weights, retain_graph, (pulled.recorded or records) if create_graph is None else create_graph))
        )

    output = pulled.value()
    return (output, vjp_fn, pulled.aux) if has_aux else (output, vjp_fn)


def jvp(func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """`(output, tangent)`: the function's value and its derivative in the direction of the tangents (forward mode).

    Computed as the derivative of the vector-Jacobian product by its vector, in which it is linear: about three passes.
    With `has_aux` also the function's aux. With `strict` an output that does not depend on the primals is a RuntimeError.
    """
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple) or len(primals) != len(tangents):
        raise RuntimeError("jvp: primals and tangents are tuples of one length")
    pulled = run("jvp", func, tuple(range(len(primals))), primals, {}, has_aux)
    if strict and any(o.node is None for o in pulled.outputs):
        raise RuntimeError("jvp: an output does not depend on the primals, which strict=True does not allow")
    directions = leaves_as_in(tangents, primals, "jvp: the tangents")
    check_like("jvp: tangent", directions, pulled.inputs)
    found = pulled.build(pushed(pulled)(directions))
    return (pulled.value(), found, pulled.aux) if has_aux else (pulled.value(), found)


def check_like(what: str, given: Sequence[Any], models: Sequence[Tensor]) -> None:
    if len(given) != len(models):
        raise RuntimeError(f"{what}s: {len(given)} for {len(models)} tensors")
    for g, model in zip(given, models, strict=True):
        if not isinstance(g, Tensor) or tuple(g.shape) != tuple(model.shape):
            told = tuple(g.shape) if isinstance(g, Tensor) else type(g).__name__
            raise RuntimeError(f"{what} {told} does not fit the tensor of shape {tuple(model.shape)}")


def pushed(pulled: Pulled, batched_directions: bool = False) -> Callable[[Sequence[Tensor]], list[Tensor]]:
    """The function that takes the inputs' tangents to the outputs': the graph of the product with a vector `u`, walked back to `u`."""
    recording = [o for o in pulled.outputs if o.node is not None]
    with always_recording():
        us = [fresh(ones_of(o), "jvp") for o in recording]
        products = autograd_grad(recording, pulled.inputs, us, create_graph=True, materialize_grads=True) if recording else ()

    def forward(directions: Sequence[Tensor]) -> list[Tensor]:
        outer = pulled.recorded or (thread.grad and any(d.node is not None for d in directions))
        kept = [(p, d) for p, d in zip(products, directions) if p.node is not None]  # type: ignore[union-attr]
        found: Any = [None] * len(us)
        if kept:
            found = autograd_grad(
                [p for p, _ in kept],  # type: ignore[misc]
                us,
                [d for _, d in kept],
                retain_graph=True,
                create_graph=outer,
                allow_unused=True,
                is_grads_batched=batched_directions,
            )
        rest = iter(found)
        size = (directions[0].shape[0],) if batched_directions else ()
        parts = []
        for o in pulled.outputs:
            part = next(rest) if o.node is not None else None
            parts.append(constant(np.zeros((*size, *o.array.shape), o.dtype)) if part is None else part)
        return parts

    return forward


# ---------------------------------------------------------------------- Jacobians


def units(inputs: Sequence[Tensor]) -> tuple[list[Tensor], list[int]]:
    """For all elements of all tensors together the unit vectors, as one batched tensor for each; and how many belong to each."""
    sizes = [int(np.prod(i.array.shape)) for i in inputs]
    total, start, found = sum(sizes), 0, []
    for i, n in zip(inputs, sizes, strict=True):
        unit = np.zeros((total, n), i.dtype)
        unit[start : start + n] = np.eye(n, dtype=i.dtype)
        found.append(constant(unit.reshape(total, *i.array.shape)))
        start += n
    return found, sizes


def cut(tensor: Tensor, sizes: Sequence[int]) -> list[Tensor]:
    """The parts along the first dimension."""
    starts = np.cumsum([0, *sizes])
    return [shapes.crop(tensor, axis=0, start=int(s), length=n) for s, n in zip(starts, sizes)]


def jacrev(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False, chunk_size: int | None = None
) -> Callable[..., Any]:
    """The function that gives the Jacobian, one backward pass for each element of the output, all of them batched.

    For an output of shape S and an argument of shape X its shape is S + X. `chunk_size` says how many rows are computed at
    a time, to save memory. Nested outputs and arguments give a tree of arguments in a tree of outputs.
    """

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        pulled = run("jacrev", func, argnums, args, kwargs, has_aux)
        weights, sizes = units(pulled.outputs)
        rows = in_chunks(weights, chunk_size, lambda ws: vmap(lambda *w: tuple(pulled.pull(w, retain=True)))(*ws))
        blocks = []
        for k, output in enumerate(pulled.outputs):
            parts = [
                shapes.reshape(cut(row, sizes)[k], shape=(*output.array.shape, *i.array.shape))
                for row, i in zip(rows, pulled.inputs, strict=True)
            ]
            trees = pulled.trees(parts)
            blocks.append(trees[0] if isinstance(argnums, int) else tuple(trees))
        jacobian = pulled.build(blocks)
        return (jacobian, pulled.aux) if has_aux else jacobian

    return wrapper


def jacfwd(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable[..., Any]:
    """The Jacobian as jacrev's, by forward mode: one pass for each element of the arguments, all of them batched."""

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        pulled = run("jacfwd", func, argnums, args, kwargs, has_aux)
        directions, sizes = units(pulled.inputs)
        columns = pushed(pulled, batched_directions=True)(directions)
        blocks = []
        for output, column in zip(pulled.outputs, columns, strict=True):
            rank = output.array.ndim
            parts = []
            for part, i in zip(cut(column, sizes), pulled.inputs, strict=True):
                last = shapes.transpose(part, axes=(*range(1, rank + 1), 0))
                parts.append(shapes.reshape(last, shape=(*output.array.shape, *i.array.shape)))
            trees = pulled.trees(parts)
            blocks.append(trees[0] if isinstance(argnums, int) else tuple(trees))
        jacobian = pulled.build(blocks)
        return (jacobian, pulled.aux) if has_aux else jacobian

    return wrapper


def hessian(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The function that gives the second derivatives: jacfwd of jacrev."""
    return jacfwd(jacrev(func, argnums), argnums)


def in_chunks(batch: Sequence[Tensor], chunk_size: int | None, function: Callable[[list[Tensor]], Sequence[Tensor]]) -> list[Tensor]:
    """The function of batched tensors, `chunk_size` examples at a time, the results joined."""
    n = batch[0].array.shape[0] if batch else 0
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"chunk_size: must be positive, got {chunk_size}")
    if chunk_size is None or chunk_size >= n:
        return list(function(list(batch)))
    parts = []
    for start in range(0, n, chunk_size):
        length = min(chunk_size, n - start)
        parts.append(function([shapes.crop(b, axis=0, start=start, length=length) for b in batch]))
    return [shapes.concat(*columns, axis=0) for columns in zip(*parts, strict=True)]
