"""Making random tensors. Where a tensor of probabilities or means records, so does the sample: its gradient is zero, as in PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..creation import order
from ..dtypes import int64
from ..errors import ShapeError
from ..factory import dtype_of, factory, length_of, number, size_of
from ..random import Generator, normals, stream, uniforms, whole_numbers
from ..tensor import Tensor, constant
from .arguments import need_tensor
from .inplace import replaced

METHODS = "bernoulli multinomial"
FUNCTIONS = "normal poisson rand rand_like randint randint_like randn randn_like randperm"


@factory
def rand(*sizes: Any, size: Any = None, generator: Generator | None = None, dtype: Any = None) -> Any:
    """Uniform in [0, 1); of complex numbers both parts are."""
    return uniforms("rand", size_of("rand", sizes, size), dtype_of("rand", dtype, kinds="fc"), generator)


@factory
def randn(*sizes: Any, size: Any = None, generator: Generator | None = None, dtype: Any = None) -> Any:
    """Normal with mean 0 and variance 1; of complex numbers each part has variance 1/2."""
    found = dtype_of("randn", dtype, kinds="fc")
    return normals("randn", size_of("randn", sizes, size), found, generator).astype(found, copy=False)


@factory
def rand_like(input: Tensor, *, generator: Generator | None = None, dtype: Any = None, memory_format: Any = None) -> Any:
    """As `rand`, of the input's shape, and of its dtype unless given."""
    input = like("rand_like", input, memory_format)
    return uniforms("rand_like", input.shape, dtype_of("rand_like", dtype, input.dtype, kinds="fc"), generator)


@factory
def randn_like(input: Tensor, *, generator: Generator | None = None, dtype: Any = None, memory_format: Any = None) -> Any:
    """As `randn`, of the input's shape, and of its dtype unless given."""
    input = like("randn_like", input, memory_format)
    found = dtype_of("randn_like", dtype, input.dtype, kinds="fc")
    return normals("randn_like", input.shape, found, generator).astype(found, copy=False)


@factory
def randint(
    *bounds: Any, low: Any = None, high: Any = None, size: Any = None, generator: Generator | None = None, dtype: Any = None
) -> Any:
    """Integers from low (0 unless given) up to, not including, high: `randint(high, size)`, `randint(low, high, size)`.

    int64 unless another dtype is given, which may be a floating-point one. Raises RuntimeError if high is not above low, or a
    number is out of the dtype's range.
    """
    given = list(bounds)
    size = given.pop() if size is None and given else size
    high = given.pop() if high is None and given else high
    low = given.pop() if low is None and given else low or 0
    if given or size is None or high is None:
        raise TypeError(f"randint: takes (high, size) or (low, high, size), got {bounds}")
    return whole_numbers("randint", low, high, size_of("randint", (size,)), dtype_of("randint", dtype, int64, kinds="biuf"), generator)


@factory
def randint_like(
    input: Tensor,
    *bounds: Any,
    low: Any = None,
    high: Any = None,
    generator: Generator | None = None,
    dtype: Any = None,
    memory_format: Any = None,
) -> Any:
    """As `randint`, of the input's shape, and of its dtype unless given: `randint_like(input, high)`, `randint_like(input, low, high)`."""
    input = like("randint_like", input, memory_format)
    given = list(bounds)
    high = given.pop() if high is None and given else high
    low = given.pop() if low is None and given else low or 0
    if given or high is None:
        raise TypeError(f"randint_like: takes (input, high) or (input, low, high), got {bounds}")
    found = dtype_of("randint_like", dtype, input.dtype, kinds="biuf")
    return whole_numbers("randint_like", low, high, tuple(input.shape), found, generator)


def like(name: str, input: Any, memory_format: Any) -> Tensor:
    """The input checked."""
    order(name, memory_format)
    return need_tensor(name, input)


@factory
def randperm(n: int, *, generator: Generator | None = None, dtype: Any = None) -> Any:
    """The integers below n in random order, int64 unless given. Raises RuntimeError if they do not all fit into the dtype."""
    n, found = length_of("randperm", "n", n), dtype_of("randperm", dtype, int64, kinds="iuf")
    largest = 2 ** (np.finfo(found).nmant + 1) if found.kind == "f" else np.iinfo(found).max
    if n > largest + 1:
        raise RuntimeError(f"randperm: the integers below {n} do not fit into {found}")
    return stream(generator).permutation(n).astype(found, copy=False)


def normal(
    mean: Any,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **place: Any,
) -> Tensor:
    """Normal with these means and standard deviations: tensors, which broadcast, or one of them a number; or two numbers and a size.

    The dtype is that of the means if they are a tensor, else of the deviations; for two numbers, `dtype` or the default float.
    Raises RuntimeError for negative deviations, ShapeError for shapes that do not broadcast.
    """
    if size is not None:
        mean, std = number("normal", "mean", mean), number("normal", "std", std)
        return drawn_normal(size, mean, std, generator, dtype=dtype, device=device, requires_grad=requires_grad, **place)
    tensors = [v for v in (mean, std) if isinstance(v, Tensor)]
    if not tensors:
        raise TypeError("normal: two numbers need a size: normal(mean, std, size)")
    if dtype is not None or device is not None or requires_grad or place:
        raise TypeError("normal: dtype, device and requires_grad go with two numbers and a size only")
    found = dtype_of("normal", tensors[0].dtype, kinds="fc")
    mu, sigma = (v.array if isinstance(v, Tensor) else number("normal", "a moment", v) for v in (mean, std))
    if np.iscomplexobj(sigma):
        raise RuntimeError("normal: the standard deviation must be real")
    if not np.all(np.asarray(sigma) >= 0):
        raise RuntimeError("normal: the standard deviation must not be negative")
    try:
        shape = np.broadcast_shapes(np.shape(mu), np.shape(sigma))
    except ValueError:
        raise ShapeError(f"normal: shapes {np.shape(mu)} and {np.shape(sigma)} do not broadcast") from None
    sample = constant(np.asarray(normals("normal", shape, found, generator) * sigma + mu).astype(found, copy=False))
    for t in tensors:
        sample = recorded(t, sample)
    return sample


@factory
def drawn_normal(size: Any, mean: Any, std: Any, generator: Generator | None, *, dtype: Any = None) -> Any:
    if not std >= 0:
        raise RuntimeError(f"normal: the standard deviation must not be negative, got {std}")
    found = dtype_of("normal", dtype, kinds="fc")
    return (normals("normal", size_of("normal", (size,)), found, generator) * std + mean).astype(found, copy=False)


def recorded(input: Tensor, sample: Tensor) -> Tensor:
    """The sample as a function of the input that is flat everywhere."""
    if not input.requires_grad:
        return sample
    return replaced(input.expand(sample.shape), sample)


def bernoulli(input: Tensor, p: Any = None, *, generator: Generator | None = None) -> Tensor:
    """1 with the probability that the input says, else 0, in its dtype; with the number `p`, with that probability everywhere.

    Raises RuntimeError for probabilities outside [0, 1], and for a probability tensor that is not floating-point.
    """
    if not isinstance(input, Tensor):
        raise TypeError(f"bernoulli: expected a Tensor, got a {type(input).__name__}")
    if p is not None:
        return input.detach().clone().bernoulli_(number("bernoulli", "p", p), generator=generator)
    dtype_of("bernoulli", input.dtype, kinds="f")
    return recorded(input, input.detach().clone().bernoulli_(input.detach(), generator=generator))


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Poisson-distributed counts with these rates, in their dtype. Raises RuntimeError for negative rates."""
    if not isinstance(input, Tensor):
        raise TypeError(f"poisson: expected a Tensor, got a {type(input).__name__}")
    dtype_of("poisson", input.dtype, kinds="f")
    if not np.all(input.array >= 0):
        raise RuntimeError("poisson: rates must not be negative")
    try:
        drawn = stream(generator).poisson(input.array)
    except ValueError as error:
        raise RuntimeError(f"poisson: {error}") from None
    return recorded(input, constant(np.asarray(drawn, input.dtype)))


def multinomial(input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None) -> Tensor:
    """Indices of categories drawn in proportion to their weights, int64: ([n,] categories) -> ([n,] num_samples).

    Without replacement each is drawn at most once, in the order of drawing: the categories whose exponential waiting times, of
    rates their weights, end first. A category of weight 0 is never drawn. Raises RuntimeError for weights that are negative, not
    finite or all 0, and where there are fewer categories of positive weight than are to be drawn.
    """
    if not isinstance(input, Tensor):
        raise TypeError(f"multinomial: expected a Tensor, got a {type(input).__name__}")
    if input.ndim not in (1, 2):
        raise RuntimeError(f"multinomial: weights are a vector or a matrix, got shape {tuple(input.shape)}")
    dtype_of("multinomial", input.dtype, kinds="f")
    count = length_of("multinomial", "num_samples", num_samples)
    if count == 0:
        raise RuntimeError("multinomial: num_samples must be positive")
    weights = input.array.astype(np.float64)
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise RuntimeError("multinomial: weights must be finite and not negative")
    positive = (weights > 0).sum(-1).min(initial=weights.shape[-1])
    if positive < (1 if replacement else count):
        raise RuntimeError(
            "multinomial: the weights of a row are all 0"
            if replacement or not positive
            else f"multinomial: {count} categories are to be drawn without replacement, but a row has only {positive} of positive weight"
        )
    random = stream(generator)
    if replacement:
        return constant(drawn_again(weights, count, random))
    with np.errstate(divide="ignore"):  # logarithms, for a quotient might overflow
        times = np.log(random.standard_exponential(weights.shape)) - np.log(weights)
    if count == 1:
        return constant(times.argmin(-1, keepdims=True))
    return constant(times.argsort(-1, kind="stable")[..., :count].copy())


def drawn_again(weights: np.ndarray[Any, Any], count: int, random: np.random.Generator) -> np.ndarray[Any, Any]:
    """Indices drawn with replacement: where uniform numbers fall among the sums of the weights so far.

    The rows' sums, each ending in 1, are laid end to end, so that one search serves all rows.
    """
    rows = weights.reshape(-1, weights.shape[-1])
    n, categories = rows.shape
    if n == 0:
        return np.empty((*weights.shape[:-1], count), np.int64)
    sums = (rows / rows.max(-1, keepdims=True)).cumsum(-1)
    sums /= sums[:, -1:]
    row = np.arange(n)[:, None]
    found = (sums + row).ravel().searchsorted(random.random((n, count)) + row, "right") - row * categories
    last = categories - 1 - (rows[:, ::-1] > 0).argmax(-1)  # where rounding reaches the end of the row
    return np.minimum(found, last[:, None]).reshape(*weights.shape[:-1], count)
