"""PyTorch's functions of square matrices: determinants, inverses, equations, powers, exponentials."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..graph import thread
from ..ops import elementwise, linalg, shape, solving, triangular
from ..tensor import Tensor, constant
from .arguments import need_tensor, one_dim
from .products import cross as cross_of_any_dim
from .shapes import movedim

METHODS = "det slogdet logdet inverse matrix_exp matrix_power"

slogdet_result = namedtuple("slogdet_result", ("sign", "logabsdet"))
inv_ex_result = namedtuple("inv_ex_result", ("inverse", "info"))


def matrices(name: str, A: Any) -> Tensor:
    """A as a Tensor. Raises ShapeError for vectors, RuntimeError for dtypes that LAPACK has not."""
    A = need_tensor(name, A)
    if A.ndim < 2:
        raise ShapeError(f"{name}: needs a matrix or a batch of them, at least two dimensions, got {tuple(A.shape)}")
    if A.dtype.kind not in "fc" or A.dtype.itemsize < 4:
        raise RuntimeError(f"{name}: needs float32, float64 or complex matrices, got {A.dtype}; convert first, e.g. t.float()")
    return A


def square(name: str, A: Any) -> Tensor:
    """The same, of square matrices."""
    A = matrices(name, A)
    if A.shape[-1] != A.shape[-2]:
        raise ShapeError(f"{name}: needs square matrices, got {tuple(A.shape)}")
    return A


def recording(*tensors: Tensor) -> bool:
    return thread.grad and any(t.requires_grad for t in tensors)


# ---------------------------------------------------------------------- determinants and inverses


def det(A: Any) -> Tensor:
    """The determinants. Their derivatives of all orders hold at singular matrices, too."""
    return solving.det(square("linalg.det", A))


def slogdet(A: Any) -> Any:
    """`(sign, logabsdet)` of the determinants: for singular matrices 0 and -inf, and no gradient (LinAlgError)."""
    return slogdet_result(*solving.slogdet(square("linalg.slogdet", A)))


def logdet(input: Any) -> Tensor:
    """The logarithms of the determinants: NaN for negative ones of real matrices, -inf for singular ones."""
    sign, size = solving.slogdet(square("logdet", input))
    if input.is_complex():
        with np.errstate(divide="ignore"):
            return size + elementwise.log(sign)
    return elementwise.where(elementwise.eq(sign, -1), np.nan, size)


def inv(A: Any) -> Tensor:
    """The inverses. Raises LinAlgError for singular matrices."""
    return solving.inv(square("linalg.inv", A))


def inverse(input: Any) -> Tensor:
    """The inverses: linalg.inv."""
    return solving.inv(square("inverse", input), of="inverse")


def inv_ex(A: Any, *, check_errors: bool = False) -> Any:
    """`(inverse, info)`: info is not 0 for singular matrices, whose inverse then is NaN; `check_errors` raises LinAlgError for them."""
    A = square("linalg.inv_ex", A)
    bad = np.asarray(solving.singular(A.array))
    if check_errors or not bad.any():
        return inv_ex_result(solving.inv(A, of="linalg.inv_ex"), constant(bad.astype(np.int32)))
    bad_here = constant(bad[..., None, None])
    eye = constant(np.broadcast_to(np.eye(A.shape[-1], dtype=A.dtype), A.shape))
    inverse = solving.inv(elementwise.where(bad_here, eye, A), of="linalg.inv_ex")
    return inv_ex_result(elementwise.where(bad_here, np.nan, inverse), constant(bad.astype(np.int32)))


# ---------------------------------------------------------------------- equations


def solve(A: Any, B: Any, *, left: bool = True) -> Tensor:
    """The X of A X = B (of X A = B, if not `left`), for square A and B of matrices, or of vectors where its shape is (*, n).

    Raises LinAlgError for singular matrices, ShapeError where A and B do not fit.
    """
    name = "linalg.solve"
    A, B = square(name, A), need_tensor(name, B)
    vectors = B.ndim == 1 or (A.ndim - 1 == B.ndim and A.shape[:-1] == B.shape)
    if vectors and not left:
        raise RuntimeError(f"{name}: left=False is for matrices B, got {tuple(B.shape)}")
    if vectors:
        B = shape.expand_dims(B, axis=-1)
    fits(name, A, B, left)
    if left:
        out = solving.solve(A, B, of=name)
        return shape.squeeze(out, axis=-1) if vectors else out
    return shape.mT(solving.solve(shape.mT(A), shape.mT(B), of=name))


def fits(name: str, A: Tensor, B: Tensor, left: bool) -> None:
    if B.dtype.kind not in "fc":
        raise RuntimeError(f"{name}: needs floating-point or complex numbers, got {B.dtype}; convert first, e.g. t.float()")
    if B.ndim < 2:
        raise ShapeError(f"{name}: B needs at least two dimensions, got {tuple(B.shape)}; for one vector, B.unsqueeze(-1)")
    n, m = A.shape[-1], B.shape[-2 if left else -1]
    told = f"{name}: A {tuple(A.shape)} and B {tuple(B.shape)}"
    if n != m:
        raise ShapeError(f"{told}: the {'rows' if left else 'columns'} of B must be {n}")
    try:
        np.broadcast_shapes(A.shape[:-2], B.shape[:-2])
    except ValueError:
        raise ShapeError(f"{told}: their batches {tuple(A.shape[:-2])} and {tuple(B.shape[:-2])} do not broadcast") from None


def solve_triangular(A: Any, B: Any, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """The X of A X = B (of X A = B, if not `left`) for triangular A, of which the other triangle is not read.

    `unitriangular` takes the diagonal for ones. A zero on the diagonal gives infinities. Written in NumPy, by halves, which is
    products of matrices for the most part; it needs no SciPy.
    """
    name = "linalg.solve_triangular"
    A, B = square(name, A), need_tensor(name, B)
    fits(name, A, B, left)
    if left:
        return triangular.solve_triangular(A, B, upper=bool(upper), unit=bool(unitriangular))
    return shape.mT(triangular.solve_triangular(shape.mT(A), shape.mT(B), upper=not upper, unit=bool(unitriangular)))


def tensorsolve(A: Any, B: Any, dims: Any = None) -> Tensor:
    """The X of tensordot(A, X, X.ndim) = B; `dims` of A are moved to its end first."""
    name = "linalg.tensorsolve"
    A, B = need_tensor(name, A), need_tensor(name, B)
    if dims is not None:
        A = movedim(A, list(dims), list(range(A.ndim - len(dims), A.ndim)))
    of_x = tuple(A.shape[B.ndim :])
    if prod(of_x) != B.numel() or prod(A.shape[: B.ndim]) != B.numel():
        raise ShapeError(
            f"{name}: A {tuple(A.shape)} and B {tuple(B.shape)}: the first {B.ndim} lengths of A, and the others, must make {B.numel()}"
        )
    flat = shape.reshape(A, shape=(B.numel(), B.numel()))
    return shape.reshape(solve(flat, shape.reshape(B, shape=(B.numel(),))), shape=of_x)


def tensorinv(A: Any, ind: int = 2) -> Tensor:
    """The inverse of A as a map from its last dimensions to its first `ind`."""
    name = "linalg.tensorinv"
    A = need_tensor(name, A)
    if ind <= 0:
        raise RuntimeError(f"{name}: ind must be positive, got {ind}")
    first, last = tuple(A.shape[:ind]), tuple(A.shape[ind:])
    if prod(first) != prod(last):
        raise ShapeError(f"{name}: {tuple(A.shape)} with ind={ind}: {prod(first)} and {prod(last)} entries must agree")
    flat = square(name, shape.reshape(A, shape=(prod(first), prod(last))))
    return shape.reshape(solving.inv(flat, of=name), shape=last + first)


# ---------------------------------------------------------------------- powers, the exponential, products


def matrix_exp(A: Any) -> Tensor:
    """Σ Aᵏ / k!"""
    return solving.matrix_exp(square("linalg.matrix_exp", A))


def matrix_power(A: Any, n: int) -> Tensor:
    """A @ ... @ A, n times, by squaring; for negative n of the inverse, for 0 the identity."""
    name = "linalg.matrix_power"
    A = need_tensor(name, A)
    if not isinstance(n, int) or isinstance(n, bool):
        raise TypeError(f"{name}: n must be an integer, got {n!r}")
    if A.ndim < 2 or A.shape[-1] != A.shape[-2]:
        raise ShapeError(f"{name}: needs square matrices, got {tuple(A.shape)}")
    if n < 0:
        A, n = solving.inv(square(name, A), of=name), -n
    if n == 0:
        return elementwise.where(constant(np.array(True)), constant(np.eye(A.shape[-1], dtype=A.dtype)), A)  # be A NaN or infinite
    out: Tensor | None = None
    while n:
        if n & 1:
            out = A if out is None else linalg.matrix_product(out, A)
        n >>= 1
        if n:
            A = linalg.matrix_product(A, A)
    return shape.clone(A) if out is A else out  # type: ignore[return-value]


def multi_dot(tensors: Sequence[Any]) -> Tensor:
    """The product of two or more matrices, in the order that costs least; the first and the last may be vectors."""
    name = "linalg.multi_dot"
    parts = [need_tensor(name, t) for t in tensors]
    if len(parts) < 2:
        raise RuntimeError(f"{name}: needs at least two tensors, got {len(parts)}")
    row, column = parts[0].ndim == 1, parts[-1].ndim == 1
    if row:
        parts[0] = shape.expand_dims(parts[0], axis=0)
    if column:
        parts[-1] = shape.expand_dims(parts[-1], axis=1)
    told = ", ".join(str(tuple(t.shape)) for t in tensors)
    if any(t.ndim != 2 for t in parts):
        raise ShapeError(f"{name}: takes matrices, and a vector first or last; got {told}")
    if any(a.shape[1] != b.shape[0] for a, b in pairwise(parts)):
        raise ShapeError(f"{name}: the shapes {told} do not fit each other")
    out = multiplied(parts, cheapest([parts[0].shape[0], *[t.shape[1] for t in parts]]), 0, len(parts) - 1)
    gone = tuple(k for k, vector in enumerate((row, column)) if vector)
    return shape.squeeze(out, axis=gone) if gone else out


def cheapest(sizes: list[int]) -> dict[tuple[int, int], int]:
    """Where to part each stretch of a chain of matrices: Cormen et al., Introduction to Algorithms, section 14.2."""
    n = len(sizes) - 1
    cost = {(i, i): 0 for i in range(n)}
    part = {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            options = {k: cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1] for k in range(i, j)}
            part[i, j] = min(options, key=lambda k: options[k])
            cost[i, j] = options[part[i, j]]
    return part


def multiplied(parts: list[Tensor], part: dict[tuple[int, int], int], i: int, j: int) -> Tensor:
    if i == j:
        return parts[i]
    k = part[i, j]
    return linalg.matrix_product(multiplied(parts, part, i, k), multiplied(parts, part, k + 1, j))


def vander(x: Any, N: int | None = None) -> Tensor:
    """The powers 0 to N - 1 (as many as entries, unless given) of vectors' entries, one column each."""
    x = need_tensor("linalg.vander", x)
    if not x.ndim:
        raise ShapeError("linalg.vander: needs at least one dimension")
    n = x.shape[-1] if N is None else N
    if n <= 1:
        raise RuntimeError(f"linalg.vander: N must be greater than 1, got {n}")
    powers = [constant(np.ones(tuple(x.shape), np.int64 if x.dtype.kind in "bui" else x.dtype)), x]
    while len(powers) < n:
        powers.append(powers[-1] * x)
    return shape.concat(*[shape.expand_dims(p, axis=-1) for p in powers[:n]], axis=-1)


def cross(input: Any, other: Any, *, dim: int = -1) -> Tensor:
    """The cross product of vectors of length 3 along `dim`."""
    return cross_of_any_dim(input, other, dim)


def diagonal(A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices, as the last dimension."""
    A = need_tensor("linalg.diagonal", A)
    axes = tuple(one_dim("linalg.diagonal", A.ndim, d) for d in (dim1, dim2))
    if A.ndim < 2 or axes[0] == axes[1]:
        raise RuntimeError(f"linalg.diagonal: dim1={dim1} and dim2={dim2} must be two dimensions of {tuple(A.shape)}")
    return shape.diagonal(A, offset=offset, axes=axes)
