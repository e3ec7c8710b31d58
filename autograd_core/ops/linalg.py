"""Matrix products."""

from __future__ import annotations

from math import prod

import numpy as np

from ..errors import ShapeError
from ..primitive import primitive
from ..tensor import Tensor
from .complex import conj
from .elementwise import where
from .reduce import sum
from .shape import broadcast_to, diagonal, expand_dims, mT, reshape, squeeze


def mismatch(a, b):
    sign = f"{np.shape(a)} @ {np.shape(b)}"
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return f"matmul: {sign}: both sides need at least one dimension; multiply by a number with *"
    inner, outer = np.shape(a)[-1], np.shape(b)[-2 if np.ndim(b) > 1 else -1]
    if inner != outer:
        return f"matmul: {sign}: {inner} and {outer} must agree (the last dimension of the left, the last but one of the right)"
    return f"matmul: {sign}: the batch dimensions {np.shape(a)[:-2]} and {np.shape(b)[:-2]} do not broadcast"


@primitive(lambda g, b: product(g, mT(b)), lambda g, a: product(mT(a), g), name="matmul", complain=mismatch)
def matrix_product(a, b):
    """a @ b for arrays of at least two dimensions; the others broadcast."""
    return product(a, b)


def product(a, b):
    """a @ b, of arrays quickly and exactly.

    float16 is multiplied in float32: a long sum of rounded terms would be far off, and BLAS has none. A batch of columns
    times rows has no sums, and is several times as fast as a product element by element.
    """
    if type(a) is np.ndarray:
        if a.itemsize == 2 and a.dtype.char == b.dtype.char == "e":
            return (a.astype(np.float32) @ b.astype(np.float32)).astype(np.float16)
        if a.ndim > 2 and a.shape[-1] == 1 == b.shape[-2]:
            return a * b
    return a @ b


def matmul(input, other):
    """The matrix product, of vectors too, as `@` in NumPy and PyTorch. Raises ShapeError when the inner lengths differ."""
    a = input.array.ndim if isinstance(input, Tensor) else np.ndim(input)
    b = other.array.ndim if isinstance(other, Tensor) else np.ndim(other)
    if a == b == 2:
        return matrix_product(input, other)
    if a == 0 or b == 0:
        raise ShapeError(mismatch(input, other))
    if (b == 1 and input.shape[-1] != other.shape[0]) or (a == 1 and input.shape[0] != other.shape[-min(b, 2)]):
        return matrix_product(input, other)  # which says what is wrong
    if b == 1:
        return squeeze(matmul(input, expand_dims(other, axis=-1)), axis=-1)
    if a == 1:
        return squeeze(matmul(expand_dims(input, axis=0), other), axis=-2)
    if b == 2:  # one large product instead of many small ones
        rows = reshape(input, shape=(prod(input.shape[:-1]), input.shape[-1]))
        return reshape(matrix_product(rows, other), shape=(*input.shape[:-1], other.shape[-1]))
    return matrix_product(input, other)


def bar(x):
    """The complex conjugate; of real numbers themselves."""
    return conj(x) if x.dtype.kind == "c" else x


@primitive(lambda g: mH(g), view=True, promotes="no", holomorphic=False)
def mH(x):
    """The matrices transposed and conjugated."""
    return np.conj(x.swapaxes(-1, -2)) if x.dtype.kind == "c" else x.swapaxes(-1, -2)


def unfit(x, weight, bias=None):
    told = f"linear: input {np.shape(x)}, weight {np.shape(weight)}"
    if np.shape(x)[-1:] != np.shape(weight)[1:]:
        return f"{told}: the input's last dimension must be {np.shape(weight)[-1]}, the number of in_features"
    return f"{told}, bias {np.shape(bias)}: the bias must have one entry for each of the {np.shape(weight)[0]} out_features"


@primitive(lambda g, weight: product(g, weight), lambda g, x: product(mT(g), x), lambda g: g, name="linear", complain=unfit)
def linear_rows(x, weight, bias):
    """x @ weightᵀ + bias for rows x."""
    out = product(x, weight.T)
    if bias.shape != out.shape[-1:]:
        raise ValueError("bias")
    out += bias
    return out


@primitive(lambda g, weight: product(g, weight), lambda g, x: product(mT(g), x), name="linear", complain=unfit)
def linear_rows_without_bias(x, weight):
    return product(x, weight.T)


def linear(input, weight, bias=None):
    """input @ weightᵀ + bias, with weight (out_features, in_features) and input (..., in_features).

    Raises ShapeError when they do not fit.
    """
    if isinstance(input, Tensor) and input.array.ndim == 2:
        return linear_rows_without_bias(input, weight) if bias is None else linear_rows(input, weight, bias)
    if not isinstance(input, Tensor | np.ndarray):
        raise TypeError(f"linear: the input must be a Tensor, got {'None' if input is None else 'a ' + type(input).__name__}")
    rows = reshape(input, shape=(prod(input.shape[:-1]), input.shape[-1])) if input.ndim not in (0, 2) else input
    out = linear_rows_without_bias(rows, weight) if bias is None else linear_rows(rows, weight, bias)
    return out if input.ndim == 2 else reshape(out, shape=(*input.shape[:-1], weight.shape[0]))


# ---------------------------------------------------------------------- einsum


@primitive(lambda g, i, terms, shapes, result, xs: einsum_back(g, i, terms, shapes, result, xs), view=True, name="einsum")
def contract(*xs, terms, result):
    """Σ over the letters that are not in `result`; each term's letters differ from one another."""
    if len(xs) == 1:
        x, term = summed(xs[0], terms[0], result)
        return x.transpose([term.index(c) for c in result])
    todo = list(zip(xs, terms, strict=True))
    for places in np.einsum_path(",".join(terms) + "->" + result, *xs, optimize="greedy")[0][1:] if len(xs) > 2 else [(0, 1)]:
        (x, term), *others = [todo.pop(k) for k in sorted(places, reverse=True)][::-1]
        for k, (y, other) in enumerate(others):
            later = [result, *[t for _, t in todo], *[t for _, t in others[k + 1 :]]]
            last = len(later) == 1
            kept = result if last else "".join(c for c in dict.fromkeys(term + other) if any(c in t for t in later))
            x, term = contracted(x, term, y, other, kept), kept
        todo.append((x, term))
    return np.asarray(todo[0][0], order="C")  # elements in order, as PyTorch's: `view` counts on it


def contracted(a, left, b, right, result):
    """Two operands contracted, as a product of matrices where a letter is summed over: BLAS is many times as fast as loops."""
    a, left = summed(a, left, right + result)
    b, right = summed(b, right, left + result)
    both = [c for c in left if c in right]
    if all(c in result for c in both):
        return np.einsum(f"{left},{right}->{result}", a, b)
    batch = [c for c in result if c in both]
    if next((c in right for c in result if c not in batch), False):  # so that the rows of the product come first in the result
        a, left, b, right = b, right, a, left
    rows, columns = [c for c in result if c not in right], [c for c in result if c not in left]
    inner = [c for c in left if c in right and c not in result]
    x = a.transpose([left.index(c) for c in batch + rows + inner])
    y = b.transpose([right.index(c) for c in batch + inner + columns])
    out = product(folded(x, len(batch), len(rows)), folded(y, len(batch), len(inner)))
    if len(rows) != 1 or len(columns) != 1:
        out = out.reshape(x.shape[: len(batch) + len(rows)] + y.shape[len(batch) + len(inner) :])
    order = batch + rows + columns
    return out if order == list(result) else out.transpose([order.index(c) for c in result])


def folded(x, batch, rows):
    """x as matrices: after its `batch` axes the next `rows` as one, and those that are left as one."""
    if rows == 1 and x.ndim == batch + 2:
        return x
    return x.reshape(x.shape[:batch] + (prod(x.shape[batch : batch + rows]), prod(x.shape[batch + rows :])))


def summed(x, term, wanted):
    """x summed over the letters that nobody wants, and the letters left."""
    axes = tuple(k for k, c in enumerate(term) if c not in wanted)
    left = "".join(c for c in term if c in wanted)
    if len(axes) == 1 and x.shape[axes[0]] <= MANY and x.flags.c_contiguous and x.dtype.kind in "fc" and x.dtype.char != "e":
        (k,) = axes  # a product with ones: several times as fast as a sum, and over so few as exact
        part = x.reshape(prod(x.shape[:k]), x.shape[k], prod(x.shape[k + 1 :]))
        ones = np.ones(x.shape[k], x.dtype)
        return (part[:, :, 0] @ ones if k + 1 == x.ndim else ones @ part).reshape(x.shape[:k] + x.shape[k + 1 :]), left
    if axes:
        wide = np.float32 if x.dtype.char == "e" else x.dtype
        x = np.add.reduce(x, axis=axes, dtype=wide).astype(x.dtype, copy=False)
    return x, left


MANY = 1 << 14


def einsum_back(g, i, terms, shapes, result, xs):
    """The gradient of operand i: the others and g contracted to its letters; letters of its own were summed, so repeat."""
    others = [(t, x) for k, (t, x) in enumerate(zip(terms, xs, strict=True)) if k != i]
    available = set(result).union(*[t for t, _ in others])
    present = "".join(c for c in terms[i] if c in available)
    part = contract(g, *[x for _, x in others], terms=(result, *[t for t, _ in others]), result=present)
    for k, c in enumerate(terms[i]):
        if c not in available:
            part = expand_dims(part, axis=k)
    return broadcast_to(part, target=shapes[i])


def einsum(equation, *operands):
    """Einstein's summation: `einsum("bij,bjk->bik", a, b)`, or with numbers for letters `einsum(a, [0, 1], b, [1, 2], [0, 2])`.

    Ellipses, repeated letters (diagonals) and an implicit result are understood. Raises ShapeError when lengths of one
    letter differ, and when the equation does not fit the operands.
    """
    if not isinstance(equation, str):
        equation, *operands = lettered(equation, *operands)
    tensors = list(operands[0] if len(operands) == 1 and isinstance(operands[0], list | tuple) else operands)
    terms, result = parsed(equation, [x.ndim for x in tensors])
    lengths: dict[str, int] = {}
    broadcasts = False
    for k, term in enumerate(terms):
        if len(set(term)) < len(term):
            tensors[k], terms[k] = without_repeats(equation, tensors[k], term)
        for letter, n in zip(terms[k], tensors[k].shape, strict=True):
            known = lengths.setdefault(letter, n)
            if known != n:
                if n != 1 and known != 1:
                    shapes = ", ".join(str(tuple(x.shape)) for x in tensors)
                    raise ShapeError(f"einsum {equation!r} of {shapes}: {letter!r} is both {known} and {n}")
                broadcasts = True
                lengths[letter] = n if known == 1 else known
    if broadcasts:
        pairs = [without_broadcast(x, term, lengths) for x, term in zip(tensors, terms, strict=True)]
        tensors, terms = [x for x, _ in pairs], [term for _, term in pairs]
    return contract(*tensors, terms=tuple(terms), result=result)


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def lettered(*given):
    """The equation and the operands of `einsum(a, [0, 1], b, [1, 2], [0, 2])`. Raises TypeError where it is not of this form."""
    operands, lists = list(given[0 : len(given) - len(given) % 2 : 2]), list(given[1::2])
    lists += given[-1:] if len(given) % 2 else []
    if not all(isinstance(x, Tensor | np.ndarray) for x in operands) or not all(isinstance(sub, list | tuple) for sub in lists):
        kinds = ", ".join(type(x).__name__ for x in given)
        raise TypeError(
            f"einsum: the first argument is the equation, a string, or operands are each followed by a list of numbers; got {kinds}"
        )
    for number in (n for sub in lists for n in sub if n is not Ellipsis):
        if not 0 <= number < len(LETTERS):
            raise ValueError(f"einsum: the numbers that stand for letters are from 0 to {len(LETTERS) - 1}, got {number}")
    terms = ["".join("..." if n is Ellipsis else LETTERS[n] for n in sub) for sub in lists]
    return ",".join(terms[: len(operands)]) + ("->" + terms[-1] if len(given) % 2 else ""), *operands


def parsed(equation, ranks):
    """The letters of each operand and of the result, ellipses spelt out. Raises ShapeError where the equation does not fit."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise ShapeError(f"einsum {equation!r}: {len(terms)} terms for {len(ranks)} operands")
    spare = [c for c in LETTERS if c not in equation]
    longest = max((rank - len(t) + 3 for t, rank in zip(terms, ranks, strict=True) if "..." in t), default=0)
    dots = "".join(spare[:longest])
    for k, (term, rank) in enumerate(zip(terms, ranks, strict=True)):
        n = rank - len(term) + 3 if "..." in term else 0
        terms[k] = term.replace("...", dots[longest - n :] if n > 0 else "")
        if len(terms[k]) != rank or n < 0 or not set(terms[k]) <= set(LETTERS):
            raise ShapeError(f"einsum {equation!r}: the term {term!r} does not fit operand {k}, which has {rank} dimensions")
    if arrow:
        result = right.replace("...", dots)
    else:
        every = "".join(terms)
        result = dots + "".join(c for c in sorted(set(every)) if every.count(c) == 1 and c not in dots)
    if len(set(result)) != len(result) or not set(result) <= set("".join(terms)):
        raise ShapeError(f"einsum {equation!r}: the result {right!r} may name each letter of the operands once")
    return terms, result


def without_repeats(equation, x, term):
    """Take diagonals until no letter of the term stands twice. Raises ShapeError where a diagonal's two lengths differ."""
    while len(set(term)) < len(term):
        letter = next(c for c in term if term.count(c) > 1)
        first = term.index(letter)
        second = term.index(letter, first + 1)
        if x.shape[first] != x.shape[second]:
            raise ShapeError(f"einsum {equation!r} of {tuple(x.shape)}: {letter!r} is both {x.shape[first]} and {x.shape[second]}")
        x = diagonal(x, offset=0, axes=(first, second))
        term = term[:first] + term[first + 1 : second] + term[second + 1 :] + letter
    return x, term


def without_broadcast(x, term, lengths):
    """Drop the letters along which x has length 1 and others more: there it is the same for all of them."""
    axes = tuple(k for k, letter in enumerate(term) if x.shape[k] != lengths[letter])
    return (squeeze(x, axis=axes) if axes else x), "".join(letter for k, letter in enumerate(term) if k not in axes)


def outer(input, vec2):
    """All products of two vectors' entries. Raises ShapeError unless both are 1-d."""
    if input.ndim != 1 or vec2.ndim != 1:
        raise ShapeError(f"outer: needs two vectors, got {tuple(input.shape)} and {tuple(vec2.shape)}")
    return expand_dims(input, axis=1) * expand_dims(vec2, axis=0)


def dot(input, tensor):
    """The inner product of two vectors. Raises ShapeError unless both are 1-d and equally long."""
    if input.ndim != 1 or tensor.ndim != 1 or input.shape != tensor.shape:
        raise ShapeError(f"dot: needs two vectors of one length, got {tuple(input.shape)} and {tuple(tensor.shape)}")
    return matmul(input, tensor)


@primitive(lambda g, b, axis: cross(b, g, axis=axis), lambda g, a, axis: cross(g, a, axis=axis))
def cross(a, b, *, axis):
    """The cross product of vectors along an axis of length 3."""
    a, b = np.broadcast_arrays(a, b)
    next, after = (np.take(x, (1, 2, 0), axis) for x in (a, b)), (np.take(x, (2, 0, 1), axis) for x in (a, b))
    (a1, b1), (a2, b2) = next, after
    return a1 * b2 - a2 * b1


@primitive(
    lambda g, x, y, out: apart(g, out, x, y),
    lambda g, x, y, out: apart(mT(g), mT(out), y, x),
    name="cdist",
)
def distances(x, y):
    """Euclid's distances of all rows of x and all of y, by |x|² + |y|² - 2 x y."""
    squares = np.square(x).sum(-1)[..., :, None] + np.square(y).sum(-1)[..., None, :] - 2 * product(x, y.swapaxes(-1, -2))
    return np.sqrt(np.maximum(squares, 0))


def apart(g, out, x, y):
    """The gradient by x: each point is drawn along the straight lines to the others; where it lies on one, not at all."""
    pull = where(out == 0, 0, g) / where(out == 0, 1, out)
    return x * sum(pull, axis=-1, keepdims=True) - product(pull, y)
