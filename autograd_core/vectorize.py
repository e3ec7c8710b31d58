"""`vmap`: a function of one example made into a function of many. What happens inside stands in `batch.py`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from .batch import Batch, batched
from .batch_rules import take
from .graph import thread
from .ops import shape as shapes
from .tensor import Tensor
from .tree import flatten, spread_over, tree_map


def vmap(
    func: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error", *, chunk_size: int | None = None
) -> Callable[..., Any]:
    """The function for many examples at once: `func` is written for one, and its operations are done for all together.

    `in_dims` says for each argument along which dimension the examples lie (None: the argument is the same for all),
    `out_dims` where they are to lie in the results. The function runs once, on tensors that look like one example; most
    operations cost one call for all examples, the few that cannot be batched are done one by one. Composes with grad, vjp,
    jvp, jacrev, jacfwd and itself: `vmap(grad(loss), (None, 0, 0))` gives the gradients of single examples, in the memory
    of as many copies of the parameters. The function must not look at numbers (item(), if), nor write in place.

    `randomness`: "error" refuses random numbers, "same" draws them once for all examples, "different" runs the function
    example by example. `chunk_size`: at most so many examples at a time. Raises ValueError when the lengths differ.
    """
    if randomness not in ("error", "same", "different"):
        raise RuntimeError(f"vmap: randomness is 'error', 'same' or 'different', got {randomness!r}")

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        leaves, build = flatten(list(args))
        dims = (
            [0] * len(leaves)
            if in_dims == 0 and isinstance(in_dims, int)
            else spread_over(listed(in_dims, args), list(args), "vmap: in_dims")
        )
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
        named = {key: tree_map(lambda t: moved(t, 0, 0) if isinstance(t, Tensor) else t, value) for key, value in kwargs.items()}
        step = 1 if randomness == "different" else chunk_size
        if step is not None and step <= 0:
            raise ValueError(f"vmap: chunk_size must be positive, got {step}")
        if step is None or step >= size:
            return placed(*mapped(func, fronted, dims, build, named, size, randomness), out_dims)
        runs = []
        for start in range(0, size, step):
            length = min(step, size - start)
            part = [f if d is None else shapes.crop(f, axis=0, start=start, length=length) for f, d in zip(fronted, dims)]
            runs.append(mapped(func, part, dims, build, named, length, randomness))
        joined = [shapes.concat(*columns, axis=0) for columns in zip(*[found for found, _ in runs], strict=True)]
        return placed(joined, runs[0][1], out_dims)

    return wrapper


def listed(in_dims: Any, args: tuple[Any, ...]) -> Any:
    if isinstance(in_dims, int) or in_dims is None:
        return [in_dims] * len(args)
    if not isinstance(in_dims, tuple | list):
        raise ValueError(f"vmap: in_dims is an integer, None or a tuple of one entry for each argument, got {in_dims!r}")
    if len(in_dims) != len(args):
        raise ValueError(f"vmap: {len(in_dims)} in_dims for {len(args)} arguments")
    return list(in_dims)


def mapped(
    func: Callable[..., Any], leaves: list[Any], dims: list[Any], build: Any, named: dict[str, Any], size: int, randomness: str
) -> tuple[list[Tensor], Any]:
    """The results of one run, each with the examples along its first dimension, and the function that puts them in their places."""
    with Batch(size, randomness, thread.batch) as batch:
        given = build([leaf if dim is None else batched(leaf, batch.level) for leaf, dim in zip(leaves, dims, strict=True)])
        keywords = {key: tree_map(lambda t: batched(t, batch.level) if isinstance(t, Tensor) else t, value) for key, value in named.items()}
        results, rebuild = flatten(func(*given, **keywords))
        found = []
        for r in results:
            if not isinstance(r, Tensor):
                raise ValueError(f"vmap: the function must return tensors, got a {type(r).__name__}")
            found.append(batch.owned(r))
    return found, rebuild


def placed(results: list[Tensor], build: Any, out_dims: Any) -> Any:
    """The results with their examples along `out_dims`."""
    if isinstance(out_dims, int):
        dims = [out_dims] * len(results)
    else:
        tree = build(results)
        dims = spread_over(out_dims if isinstance(tree, tuple | list | dict) else out_dims[0], tree, "vmap: out_dims")
    return build([take(r, 0) if d is None else moved(r, 0, d % r.ndim) for r, d in zip(results, dims, strict=True)])


def moved(tensor: Tensor, source: int, target: int) -> Tensor:
    if source == target:
        return tensor
    order = [d for d in range(tensor.array.ndim) if d != source]
    order.insert(target, source)
    return shapes.transpose(tensor, axes=tuple(order))
