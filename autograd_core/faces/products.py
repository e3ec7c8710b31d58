"""PyTorch's products of vectors and matrices, and distances."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from ..errors import ShapeError
from ..ops import elementwise, linalg, reduce, shape
from ..ops.complex import conj
from ..tensor import Tensor
from .arguments import need_tensor, one_dim

METHODS = "mm bmm mv vdot inner ger kron addmm addmv addr addbmm baddbmm cross dist trace"
FUNCTIONS = "tensordot cdist chain_matmul"
IN_PLACE = "addmm addmv addr addbmm baddbmm"


def ranks(name: str, *given: tuple[Any, int]) -> list[Tensor]:
    """The arguments as tensors. Raises ShapeError unless they have these numbers of dimensions."""
    tensors = [need_tensor(name, x) for x, _ in given]
    if any(t.ndim != n for t, (_, n) in zip(tensors, given, strict=True)):
        kinds = ", ".join(("vector", "matrix", "batch of matrices")[n - 1] for _, n in given)
        raise ShapeError(f"{name}: needs {kinds}; got shapes {', '.join(str(tuple(t.shape)) for t in tensors)}")
    return tensors


def summed(x: Tensor, axis: int, keepdims: bool = False) -> Tensor:
    """A sum in the dtype of x, whole numbers too."""
    out = reduce.sum(x, axis=axis, keepdims=keepdims)
    return out if out.dtype == x.dtype else shape.astype(out, dtype=x.dtype)


def mm(input: Any, mat2: Any) -> Tensor:
    """The product of two matrices."""
    if input.ndim != 2 or mat2.ndim != 2:
        raise ShapeError(f"mm: needs two matrices, got {tuple(input.shape)} and {tuple(mat2.shape)}; use matmul for batches")
    return linalg.matrix_product(input, mat2)


def bmm(input: Any, mat2: Any) -> Tensor:
    """The products of two batches of matrices."""
    if input.ndim != 3 or mat2.ndim != 3 or input.shape[0] != mat2.shape[0]:
        raise ShapeError(f"bmm: needs two batches of as many matrices, got {tuple(input.shape)} and {tuple(mat2.shape)}")
    return linalg.matrix_product(input, mat2)


def mv(input: Any, vec: Any) -> Tensor:
    """A matrix times a vector."""
    if input.ndim != 2 or vec.ndim != 1:
        raise ShapeError(f"mv: needs a matrix and a vector, got {tuple(input.shape)} and {tuple(vec.shape)}")
    return linalg.matmul(input, vec)


def vdot(input: Any, other: Any) -> Tensor:
    """The inner product of two vectors, the first conjugated."""
    input, other = ranks("vdot", (input, 1), (other, 1))
    return linalg.dot(conj(input) if input.is_complex() else input, other)


def inner(input: Any, other: Any) -> Tensor:
    """Sums of products over both last dimensions, for all of the others; a number multiplies."""
    input, other = need_tensor("inner", input), need_tensor("inner", other)
    if not input.ndim or not other.ndim:
        return elementwise.mul(input, other)
    if input.shape[-1] != other.shape[-1]:
        raise ShapeError(f"inner: {tuple(input.shape)} and {tuple(other.shape)}: the last lengths must agree")
    return tensordot(input, other, ([-1], [-1]))


def ger(input: Any, vec2: Any) -> Tensor:
    """All products of two vectors' entries: outer."""
    return linalg.outer(*ranks("ger", (input, 1), (vec2, 1)))


def tensordot(a: Any, b: Any, dims: Any = 2) -> Tensor:
    """Sums of products over the last `dims` dimensions of a and the first of b, or over the dims that two lists name in pairs."""
    a, b = need_tensor("tensordot", a), need_tensor("tensordot", b)
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, Sequence):
        left, right = ([d] if isinstance(d, int) else list(d) for d in dims)
    else:
        if not 0 <= dims <= min(a.ndim, b.ndim):
            raise ShapeError(f"tensordot: dims={dims} for tensors of shapes {tuple(a.shape)} and {tuple(b.shape)}")
        left, right = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    left, right = [one_dim("tensordot", a.ndim, d) for d in left], [one_dim("tensordot", b.ndim, d) for d in right]
    if len(left) != len(right):
        raise ShapeError(f"tensordot: {len(left)} dims of a and {len(right)} of b; they are summed in pairs")
    if len(set(left)) < len(left) or len(set(right)) < len(right):
        raise ShapeError(f"tensordot: a dim appears twice in {left} or {right}")
    for j, k in zip(left, right, strict=True):
        m, n = a.shape[j], b.shape[k]
        if m != n and 1 not in (m, n):
            raise ShapeError(f"tensordot: {tuple(a.shape)} over {left} and {tuple(b.shape)} over {right}: {m} and {n} must agree")
        if m != n:  # a length of one counts as repeated
            a, b = (summed(a, j, True), b) if n == 1 else (a, summed(b, k, True))
    rows = [k for k in range(a.ndim) if k not in left]
    columns = [k for k in range(b.ndim) if k not in right]
    x, y = shape.transpose(a, axes=tuple(rows + left)), shape.transpose(b, axes=tuple(right + columns))
    m, n = tuple(a.shape[k] for k in rows), tuple(b.shape[k] for k in columns)
    inner = prod(a.shape[k] for k in left)
    out = linalg.matrix_product(shape.reshape(x, shape=(prod(m), inner)), shape.reshape(y, shape=(inner, prod(n))))
    return shape.reshape(out, shape=m + n)


def kron(input: Any, other: Any) -> Tensor:
    """Kronecker's product: each entry of input times all of other, in blocks."""
    input, other = need_tensor("kron", input), need_tensor("kron", other)
    n = max(input.ndim, other.ndim)
    a, b = ((1,) * (n - x.ndim) + tuple(x.shape) for x in (input, other))
    apart = shape.reshape(input, shape=tuple(k for m in a for k in (m, 1)))
    blocks = elementwise.mul(apart, shape.reshape(other, shape=tuple(k for m in b for k in (1, m))))
    return shape.reshape(blocks, shape=tuple(i * j for i, j in zip(a, b, strict=True)))


def trace(input: Any) -> Tensor:
    """The sum of a matrix's diagonal."""
    (input,) = ranks("trace", (input, 2))
    return reduce.sum(shape.diagonal(input, offset=0, axes=(0, 1)))


def chain_matmul(*matrices: Any) -> Tensor:
    """The product of several matrices, in the order that costs least; PyTorch's older name of linalg.multi_dot."""
    from .matrices import multi_dot

    return multi_dot(ranks("chain_matmul", *[(m, 2) for m in matrices])) if len(matrices) > 1 else shape.clone(matrices[0])


# ---------------------------------------------------------------------- β · input + α · product


def weighted(name: str, input: Any, product: Tensor, beta: Any, alpha: Any) -> Tensor:
    """beta · input + alpha · product; with beta 0 the input is not read, be it NaN. Raises ShapeError where it does not fit."""
    input = need_tensor(name, input)
    if product.dtype.kind in "biu" and (isinstance(beta, float) or isinstance(alpha, float)):
        beta, alpha = int(beta), int(alpha)  # as PyTorch does
    target = product.shape
    if len(input.shape) > len(target) or any(n not in (1, m) for n, m in zip(input.shape[::-1], target[::-1], strict=False)):
        raise ShapeError(f"{name}: input {tuple(input.shape)} does not broadcast to the product's {tuple(target)}")
    if alpha != 1:
        product = product * alpha
    if beta == 0:
        return product
    return elementwise.add(input if beta == 1 else input * beta, product)


def addmm(input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """beta · input + alpha · mat1 @ mat2."""
    return weighted("addmm", input, linalg.matrix_product(*ranks("addmm", (mat1, 2), (mat2, 2))), beta, alpha)


def addmv(input: Any, mat: Any, vec: Any, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """beta · input + alpha · mat @ vec."""
    return weighted("addmv", input, linalg.matmul(*ranks("addmv", (mat, 2), (vec, 1))), beta, alpha)


def addr(input: Any, vec1: Any, vec2: Any, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """beta · input + alpha · outer(vec1, vec2)."""
    return weighted("addr", input, linalg.outer(*ranks("addr", (vec1, 1), (vec2, 1))), beta, alpha)


def addbmm(input: Any, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """beta · input + alpha · the sum of the products of two batches of matrices."""
    product = bmm(*ranks("addbmm", (batch1, 3), (batch2, 3)))
    return weighted("addbmm", input, summed(product, 0), beta, alpha)


def baddbmm(input: Any, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """beta · input + alpha · the products of two batches of matrices."""
    return weighted("baddbmm", input, bmm(*ranks("baddbmm", (batch1, 3), (batch2, 3))), beta, alpha)


# ---------------------------------------------------------------------- in space


def cross(input: Any, other: Any, dim: int | None = None) -> Tensor:
    """The cross product of vectors of length 3 along `dim`; left out, it is the first dimension of length 3."""
    input, other = need_tensor("cross", input), need_tensor("cross", other)
    if input.ndim != other.ndim:
        raise ShapeError(f"cross: needs as many dimensions on both sides, got {tuple(input.shape)} and {tuple(other.shape)}")
    if dim is None:
        dim = next((k for k, n in enumerate(input.shape) if n == 3), None)
        if dim is None:
            raise ShapeError(f"cross: no dimension of {tuple(input.shape)} has length 3")
    axis = one_dim("cross", input.ndim, dim)
    if not input.ndim or input.shape[axis] != 3 or other.shape[axis] != 3:
        raise ShapeError(f"cross: dimension {dim} of both {tuple(input.shape)} and {tuple(other.shape)} must have length 3")
    return linalg.cross(input, other, axis=axis)


def dist(input: Any, other: Any, p: float = 2) -> Tensor:
    """The p-norm of the difference."""
    from .norms import vector_norm

    return vector_norm(elementwise.sub(need_tensor("dist", input), other), p)


MODES = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")


def cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: str | None = None) -> Tensor:
    """The p-norms of the differences of all rows of x1 (..., n, d) and all of x2 (..., m, d): (..., n, m).

    Of many points Euclid's distances are computed by a product of matrices, unless `compute_mode` is
    "donot_use_mm_for_euclid_dist"; that is faster, and less exact for points that are near to each other. Where a distance is zero its
    gradient is.
    """
    from .norms import vector_norm

    x1, x2 = need_tensor("cdist", x1), need_tensor("cdist", x2)
    mode = compute_mode or MODES[0]
    if mode not in MODES:
        raise ValueError(f"cdist: {compute_mode!r} is not a compute_mode; it is one of {', '.join(MODES)}")
    if x1.ndim < 2 or x2.ndim < 2 or x1.shape[-1] != x2.shape[-1]:
        raise ShapeError(f"cdist: needs rows of one length, got {tuple(x1.shape)} and {tuple(x2.shape)}")
    if p < 0 or p != p:
        raise RuntimeError(f"cdist: p must not be negative, got {p}")
    if not x1.dtype.kind == x2.dtype.kind == "f":
        raise RuntimeError(f"cdist: needs floating-point tensors, got {x1.dtype} and {x2.dtype}")
    many = max(x1.shape[-2], x2.shape[-2]) > 25
    if p == 2 and (mode == MODES[1] or (many and mode == MODES[0])):
        return linalg.distances(x1, x2)
    if not x1.shape[-1]:
        return linalg.matrix_product(x1, shape.mT(x2))  # zeros of the right shape
    return vector_norm(shape.expand_dims(x1, axis=-2) - shape.expand_dims(x2, axis=-3), p, -1)
