"""Matrix products."""

from __future__ import annotations

from math import prod

import numpy as np

from ..errors import ShapeError
from ..primitive import primitive
from ..tensor import Tensor
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


@primitive(lambda g, b: g @ mT(b), lambda g, a: mT(a) @ g, name="matmul", complain=mismatch)
def matrix_product(a, b):
    """a @ b for arrays of at least two dimensions; the others broadcast."""
    return a @ b


def matmul(input, other):
    """The matrix product, of vectors too, as `@` in NumPy and PyTorch. Raises ShapeError when the inner lengths differ."""
    a = input.array.ndim if isinstance(input, Tensor) else np.ndim(input)
    b = other.array.ndim if isinstance(other, Tensor) else np.ndim(other)
    if a == b == 2:
        return matrix_product(input, other)
    if a == 0 or b == 0 or (b == 1 and input.shape[-1] != other.shape[0]) or (a == 1 and input.shape[0] != other.shape[-min(b, 2)]):
        return matrix_product(input, other)  # which says what is wrong
    if b == 1:
        return squeeze(matmul(input, expand_dims(other, axis=-1)), axis=-1)
    if a == 1:
        return squeeze(matmul(expand_dims(input, axis=0), other), axis=-2)
    if b == 2:  # one large product instead of many small ones
        rows = reshape(input, shape=(prod(input.shape[:-1]), input.shape[-1]))
        return reshape(matrix_product(rows, other), shape=(*input.shape[:-1], other.shape[-1]))
    return matrix_product(input, other)


def unfit(x, weight, bias=None):
    told = f"linear: input {np.shape(x)}, weight {np.shape(weight)}"
    if np.shape(x)[-1:] != np.shape(weight)[1:]:
        return f"{told}: the input's last dimension must be {np.shape(weight)[-1]}, the number of in_features"
    return f"{told}, bias {np.shape(bias)}: the bias must have one entry for each of the {np.shape(weight)[0]} out_features"


@primitive(lambda g, weight: g @ weight, lambda g, x: mT(g) @ x, lambda g: g, name="linear", complain=unfit)
def linear_rows(x, weight, bias):
    """x @ weightᵀ + bias for rows x."""
    out = x @ weight.T
    if bias.shape != out.shape[-1:]:
        raise ValueError("bias")
    out += bias
    return out


@primitive(lambda g, weight: g @ weight, lambda g, x: mT(g) @ x, name="linear", complain=unfit)
def linear_rows_without_bias(x, weight):
    return x @ weight.T


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
    out = np.einsum(",".join(terms) + "->" + result, *xs, optimize=len(xs) > 2 or "greedy")
    return out if len(xs) == 1 else np.asarray(out, order="C")  # elements in order, as PyTorch's: `view` counts on it


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
    """Einstein's summation, in NumPy's and PyTorch's string form: `einsum("bij,bjk->bik", a, b)`.

    Ellipses, repeated letters (diagonals) and an implicit result are understood. Raises ShapeError when lengths of one
    letter differ, ValueError when the equation does not fit the operands.
    """
    if not isinstance(equation, str):
        raise TypeError(f"einsum: the first argument is the equation, a string, got a {type(equation).__name__}")
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


def parsed(equation, ranks):
    """The letters of each operand and of the result, ellipses spelt out."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise ValueError(f"einsum {equation!r}: {len(terms)} terms for {len(ranks)} operands")
    spare = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if c not in equation]
    longest = max((rank - len(t) + 3 for t, rank in zip(terms, ranks, strict=True) if "..." in t), default=0)
    dots = "".join(spare[:longest])
    for k, (term, rank) in enumerate(zip(terms, ranks, strict=True)):
        n = rank - len(term) + 3 if "..." in term else 0
        terms[k] = term.replace("...", dots[longest - n :] if n > 0 else "")
        if len(terms[k]) != rank or n < 0 or (rank and not terms[k].isalpha()):
            raise ValueError(f"einsum {equation!r}: the term {term!r} does not fit operand {k}, which has {rank} dimensions")
    if arrow:
        result = right.replace("...", dots)
    else:
        every = "".join(terms)
        result = dots + "".join(c for c in sorted(set(every)) if every.count(c) == 1 and c not in dots)
    if len(set(result)) != len(result) or not set(result) <= set("".join(terms)):
        raise ValueError(f"einsum {equation!r}: the result {right!r} may name each letter of the operands once")
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
    """All products of two vectors' entries."""
    return expand_dims(input, axis=1) * expand_dims(vec2, axis=0)


def dot(input, tensor):
    """The inner product of two vectors. Raises ShapeError unless both are 1-d and equally long."""
    if input.ndim != 1 or tensor.ndim != 1 or input.shape != tensor.shape:
        raise ShapeError(f"dot: needs two vectors of one length, got {tuple(input.shape)} and {tuple(tensor.shape)}")
    return sum(input * tensor)
