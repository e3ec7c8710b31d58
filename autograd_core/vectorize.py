"""`vmap`: a function of one example made into a function of many. What happens inside stands in `batch.py`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from .batch import Batch, Batched, batched
from .batch_rules import take
from .graph import thread
from .ops import shape as shapes
from .tensor import Tensor
from .tree import flatten, spread_over


def vmap(
    func: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error", *, chunk_size: int | None = None
) -> Callable[..., Any]:
    """The function for many examples at once: `func` is written for one, and its operations are done for all together.

    `in_dims` says for each argument along which dimension the examples lie (None: the argument is the same for all),
    `out_dims` where they are to lie in the results. The function runs once, on tensors that look like one example; most
    operations cost one call for all examples, the few that cannot be batched are done one by one. Composes with grad, vjp,
    jvp, jacrev, jacfwd and itself: `vmap(grad(loss), (None, 0, 0))` gives the gradients of single examples, in the memory
    of as many copies of the parameters. The function must not look at numbers (item(), if), nor write in place. Keyword
    arguments are the same for all examples.

    `randomness`: "error" refuses random numbers, "same" draws them once for all examples, "different" runs the function
    example by example. `chunk_size`: at most so many examples at a time. Raises ValueError when the lengths differ.
    """
    if randomness not in ("error", "same", "different"):
        raise RuntimeError(f"vmap: randomness is 'error', 'same' or 'different', got {randomness!r}")

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        leaves, build = flatten(list(args))
        dims = spread_over(listed(in_dims, args), list(args), "vmap: in_dims")
        fronted, sizes = [], set()
        for leaf, dim in zip(leaves, dims, strict=True):
            if dim is None:
                fronted.append(leaf)
                continue
            if not isinstance(leaf, Tensor):
                raise ValueError(f"vmap: in_dims={dim} for a {type(leaf).__name__}; only tensors have dimensions, use None")
            if not -leaf.ndim <= dim < leaf.ndim:
                raise ValueError(f"vmap: in_dims={dim} is out of range for a tensor of shape {tuple(leaf.shape)}")
            fronted.append(moved(leaf, dim % leaf.ndim, 0))
            sizes.add(fronted[-1].array.shape[0])
        if not sizes:
            raise ValueError("vmap: at least one argument must have a dimension to map over")
        if len(sizes) > 1:
            raise ValueError(f"vmap: the arguments' lengths along in_dims differ: {sorted(sizes)}")
        (size,) = sizes
        if chunk_size is not None and chunk_size <= 0:
            raise ValueError(f"vmap: chunk_size must be positive, got {chunk_size}")
        one = randomness == "different" and size > 0
        step = 1 if one else chunk_size or size
        runs = []
        for start in range(0, max(size, 1), max(step, 1)):
            length = min(step, size - start)
            part = (
                [f if d is None else shapes.crop(f, axis=0, start=start, length=length) for f, d in zip(fronted, dims)]
                if step < size
                else fronted
            )
            runs.append(alone(func, part, dims, build, kwargs) if one else together(func, part, dims, build, kwargs, length, randomness))
        found, mapped, rebuild = runs[0]
        if len(runs) > 1:
            found = [shapes.concat(*columns, axis=0) for columns in zip(*[run[0] for run in runs], strict=True)]
        return placed(found, mapped, rebuild, out_dims)

    return wrapper


def listed(in_dims: Any, args: tuple[Any, ...]) -> Any:
    if isinstance(in_dims, int) or in_dims is None:
        return [in_dims] * len(args)
    if not isinstance(in_dims, tuple | list):
        raise ValueError(f"vmap: in_dims is an integer, None or a tuple of one entry for each argument, got {in_dims!r}")
    if len(in_dims) != len(args):
        raise ValueError(f"vmap: {len(in_dims)} in_dims for {len(args)} arguments")
    return list(in_dims)


def together(
    func: Callable[..., Any], leaves: list[Any], dims: list[Any], build: Any, kwargs: dict[str, Any], size: int, randomness: str
) -> tuple[list[Tensor], list[bool], Any]:
    """The results of one run, each with the examples along its first dimension; whether they differ; and what puts them in their places."""
    with Batch(size, randomness, thread.batch) as batch:
        given = build([leaf if dim is None else batched(leaf, batch.level) for leaf, dim in zip(leaves, dims, strict=True)])
        results, rebuild = tensors(func(*given, **kwargs))
        return [batch.owned(r) for r in results], [type(r) is Batched and r.level == batch.level for r in results], rebuild


def alone(
    func: Callable[..., Any], leaves: list[Any], dims: list[Any], build: Any, kwargs: dict[str, Any]
) -> tuple[list[Tensor], list[bool], Any]:
    """The same for one example, without batching."""
    results, rebuild = tensors(
        func(*build([leaf if dim is None else take(leaf, 0) for leaf, dim in zip(leaves, dims, strict=True)]), **kwargs)
    )
    return [shapes.expand_dims(r, axis=0) for r in results], [True] * len(results), rebuild


def tensors(result: Any) -> tuple[list[Tensor], Any]:
    results, rebuild = flatten(result)
    for r in results:
        if not isinstance(r, Tensor):
            raise ValueError(f"vmap: the function must return tensors, got a {type(r).__name__}")
    return results, rebuild


def placed(results: list[Tensor], mapped: list[bool], build: Any, out_dims: Any) -> Any:
    """The results with their examples along `out_dims`."""
    tree = build(results)
    if isinstance(out_dims, tuple | list) and len(out_dims) == 1 and isinstance(tree, Tensor):
        (out_dims,) = out_dims
    found = []
    for result, differs, dim in zip(results, mapped, spread_over(out_dims, tree, "vmap: out_dims"), strict=True):
        if dim is None and differs:
            raise ValueError("vmap: out_dims is None for a result that is not the same for all examples; say where they are to lie")
        if dim is not None and not isinstance(dim, int):
            raise ValueError(f"vmap: out_dims are integers or None, got {dim!r}")
        if dim is not None and not -result.ndim <= dim < result.ndim:
            raise IndexError(f"vmap: out_dims={dim} is out of range for a result of shape {tuple(result.shape)}")
        found.append(take(result, 0) if dim is None else moved(result, 0, dim % result.ndim))
    return build(found)


def moved(tensor: Tensor, source: int, target: int) -> Tensor:
    if source == target:
        return tensor
    order = [d for d in range(tensor.array.ndim) if d != source]
    order.insert(target, source)
    return shapes.transpose(tensor, axes=tuple(order))
