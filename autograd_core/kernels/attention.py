"""Attention in blocks of rows: beyond arguments and results there is one block of scores on each thread.

The backward pass computes the scores again, from what the forward pass kept of the sums (arXiv:2205.14135).

Arrays have five axes: q is (A, K, G, L, E), where each of K heads of keys and values serves G heads of queries; k is
(A, K, S, E), v (A, K, S, V); a mask has the five axes of the scores (A, K, G, L, S), or 1 where it repeats.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from .scratch import scratch
from .threads import in_parallel, number, pieces

Array = np.ndarray[Any, Any]
Part = tuple[slice, slice, slice]  # of A, K and L

BLOCK = 1 << 17  # scores worked on at a time, those of several heads if they are few: they stay near the processor
ROWS = 128  # of the scores of one head: thinner matrices are multiplied slowly
SHARED = 1 << 17  # scores from which on threads are worth it
SMALL = 30.0  # scores up to this size need no shift: neither their exponentials nor the sums of these leave the range of floats


def forward(
    q: Array, k: Array, v: Array, mask: Array | None, *, scale: float, causal: bool, dropped: Dropped | None = None
) -> tuple[Array, Array]:
    """softmax(scale · q kᵀ + mask) v, (A, K, G, L, V), and for each row two numbers that say what its softmax divides by.

    They are what its scores are shifted by, and the logarithm of the sum of exponentials then: their sum would lose the logarithm
    where the shift is large. A row that may look at nothing is zero.
    """
    A, K, G, L, _ = q.shape
    S, V = v.shape[-2:]
    out = heads_apart((A, K, G, L, V), v.dtype)
    sums = np.zeros((A, K, G, L, 2), v.dtype)

    def work(part: Part) -> None:
        a, h, rows = part
        block, _, s = scores(q, k, part, scale, causal)
        columns = block.shape[-1]
        if mask is not None and mask.dtype.kind != "b":
            block += cut(mask, part, columns)
        small = s.min() > -SMALL and s.max() < SMALL
        hide(block, mask, part, causal)
        if not small:
            shift = s.max(axis=-1, keepdims=True)
            shift[shift == -np.inf] = 0
            s -= shift
            sums[a, h, :, rows, :1] = shift.reshape(*block.shape[:-1], 1)
        np.exp(s, out=s)
        totals = s @ np.ones((columns, 1), s.dtype)
        totals[totals == 0] = 1
        sums[a, h, :, rows, 1:] = np.log(totals).reshape(*block.shape[:-1], 1)
        if dropped is not None:
            block *= dropped.kept(part, q.shape, S)[..., :columns]
            totals *= 1 - dropped.p
        (product,) = scratch(1, (*s.shape[:-1], V), s.dtype, "attention, product")
        np.matmul(s, v[a, h, :columns], out=product)
        product = product.reshape(*block.shape[:-1], V)
        np.divide(product, totals.reshape(*block.shape[:-1], 1), out=out[a, h, :, rows])

    parts = [(a, h, rows) for a, h, row_blocks in blocks(A, K, G, L, S, causal) for rows in row_blocks]
    with np.errstate(invalid="ignore"):  # infinite scores make NaN, as in PyTorch
        in_parallel(work, parts, A * K * G * L * S >= SHARED)
    return out, sums


def backward(
    g: Array,
    q: Array,
    k: Array,
    v: Array,
    mask: Array | None,
    out: Array,
    sums: Array,
    *,
    scale: float,
    causal: bool,
    dropped: Dropped | None = None,
    needs: Sequence[bool] = (True, True, True, True),
) -> tuple[Array | None, Array | None, Array | None, Array | None]:
    """The gradients of q, k, v and of the mask, None where they are not needed; `out` and `sums` are what `forward` gave."""
    A, K, G, L, E = q.shape
    S, V = v.shape[-2:]
    of_q = heads_apart(q.shape, q.dtype) if needs[0] else None
    of_k = heads_apart((A, K, 1, S, E), q.dtype)[:, :, 0] if needs[1] else None
    of_v = heads_apart((A, K, 1, S, V), q.dtype)[:, :, 0] if needs[2] else None
    of_mask = np.zeros(mask.shape, q.dtype) if needs[3] and mask is not None else None

    def work(part: tuple[slice, slice, list[slice]]) -> None:
        a, h, row_blocks = part
        for turn, rows in enumerate(reversed(row_blocks)):  # the last rows first: a causal one of them sees all that others see
            block, scaled, s = scores(q, k, (a, h, rows), scale, causal)
            columns = block.shape[-1]
            if mask is not None and mask.dtype.kind != "b":
                block += cut(mask, (a, h, rows), columns)
            hide(block, mask, (a, h, rows), causal)
            shift, log = sums[a, h, :, rows, :1], sums[a, h, :, rows, 1:]
            if shift.any():
                block -= shift
            block -= log
            np.exp(block, out=block)
            upper = g[a, h, :, rows]
            inner = np.einsum("...i,...i->...", upper, out[a, h, :, rows])[..., None]
            upper = np.reshape(upper, (*s.shape[:-1], V))
            (change,) = scratch(1, s.shape, s.dtype, "attention, gradients")
            weights = s
            if dropped is not None:
                kept = dropped.kept((a, h, rows), q.shape, S)[..., :columns]
                (weights,) = scratch(1, s.shape, s.dtype, "attention, weights")
                np.multiply(block, kept, out=weights.reshape(block.shape))
                upper = upper / (1 - dropped.p)
            if of_v is not None:
                put(of_v[a, h], mT(weights), upper, turn)
            if of_q is None and of_k is None and of_mask is None:
                continue
            np.matmul(upper, mT(v[a, h, :columns]), out=change)
            wide = change.reshape(block.shape)
            if dropped is not None:
                wide *= kept
            wide -= inner
            wide *= block
            if of_mask is not None:
                below = cut(of_mask, (a, h, rows), columns)
                below += wide.sum(tuple([i for i, n in enumerate(of_mask.shape) if n == 1]), keepdims=True)
            if of_q is not None:
                (product,) = scratch(1, scaled.shape, s.dtype, "attention, product")
                np.matmul(change, k[a, h, :columns], out=product)
                np.multiply(product.reshape(*block.shape[:-1], E), scale, out=of_q[a, h, :, rows])
            if of_k is not None:
                put(of_k[a, h], mT(change), scaled, turn)

    with np.errstate(invalid="ignore"):
        pays = of_mask is None and A * K * G * L * S >= SHARED  # else all parts add to the mask's gradient
        in_parallel(work, list(blocks(A, K, G, L, S, causal)), pays)
    return of_q, of_k, of_v, of_mask


class Dropped:
    """Which weights dropout leaves out: drawn from a seed, block by block, the same however the blocks are cut."""

    def __init__(self, seed: int, p: float):
        self.seed = seed
        self.p = p

    def kept(self, part: Part, shape: Sequence[int], columns: int) -> Array:
        """1 for each weight of a block that stays, and 0."""
        (a, h, rows), (_, K, G, L, _) = part, shape
        width = columns + columns % 2  # two numbers are made of one step of the generator
        size = (a.stop - a.start, h.stop - h.start, G, rows.stop - rows.start, width)
        drawn, kept = scratch(2, size, np.float32, "attention, dropout")
        steps = np.random.PCG64(self.seed)
        generator = np.random.Generator(steps)
        at = 0
        for i in range(size[0]):
            for j in range(size[1]):
                for n in range(G):
                    place = ((((a.start + i) * K + h.start + j) * G + n) * L + rows.start) * width // 2
                    if place != at:
                        steps.advance(place - at)
                    generator.random(out=drawn[i, j, n], dtype=np.float32)
                    at = place + size[3] * width // 2
        np.greater_equal(drawn, np.float32(self.p), out=kept)
        return kept[..., :columns]


# ---------------------------------------------------------------------- blocks


def blocks(A: int, K: int, G: int, L: int, S: int, causal: bool) -> Iterator[tuple[slice, slice, list[slice]]]:
    """(slice of A, slice of K, slices of L): the scores of the first two, at the rows of one of the third, are one block.

    In causal attention the fewer rows a block has, the more is left out of it.
    """
    rows = min(ROWS, max(ROWS // 4, L // 4)) if causal else ROWS
    height = max(1, rows // G)
    count = max(1, min(BLOCK // (G * min(L, height) * S), -(-A * K // number())))
    for a in pieces(A, count // K):
        for h in pieces(K, count):
            yield a, h, pieces(L, height)


def scores(q: Array, k: Array, part: Part, scale: float, causal: bool) -> tuple[Array, Array, Array]:
    """A block of scores with five axes; the scaled queries and the same scores as matrices, the heads of one key together."""
    a, h, rows = part
    columns = min(k.shape[2], rows.stop) if causal else k.shape[2]
    queries = q[a, h, :, rows]
    A, K, G, R, E = queries.shape
    (scaled,) = scratch(1, queries.shape, q.dtype, "attention, queries")
    np.multiply(queries, scale, out=scaled)
    scaled = scaled.reshape(A, K, G * R, E)
    (s,) = scratch(1, (A, K, G * R, columns), q.dtype, "attention, scores")
    np.matmul(scaled, mT(k[a, h, :columns]), out=s)
    return s.reshape(A, K, G, R, columns), scaled, s


def hide(block: Array, mask: Array | None, part: Part, causal: bool) -> None:
    """-∞ in the place of the scores that a boolean mask says not to look at, and of later columns."""
    *_, R, columns = block.shape
    if mask is not None and mask.dtype.kind == "b":
        np.copyto(block, -np.inf, where=~cut(mask, part, columns))
    start = part[2].start
    if causal and start < columns:  # fmin, unlike minimum, hides NaN, too; where NaN may be seen it becomes ∞, which the softmax makes NaN
        np.fmin(block[..., start:], triangle(R, columns - start, block.dtype), out=block[..., start:])


@lru_cache(maxsize=8)
def triangle(rows: int, columns: int, dtype: Any) -> Array:
    """∞ on and below the diagonal, -∞ above."""
    return np.where(np.tri(rows, columns, dtype=bool), np.inf, -np.inf).astype(dtype)


def cut(mask: Array, part: Part, columns: int) -> Array:
    """What of a mask lies over a block."""
    a, h, rows = part
    return mask[tuple([one if n > 1 else slice(None) for one, n in zip((a, h, slice(None), rows, slice(columns)), mask.shape)])]


def heads_apart(shape: tuple[int, ...], dtype: Any) -> Array:
    """Memory for (A, K, G, L, E) in which the heads of one position lie together, as the layers around attention have them."""
    A, K, G, L, E = shape
    return np.empty((A, L, K, G, E), dtype).transpose(0, 2, 3, 1, 4)


def put(whole: Array, a: Array, b: Array, turn: int) -> None:
    """The product of matrices into the first rows of the whole: the first one (turn 0) as it is, the others added."""
    rows = a.shape[-2]
    if not turn:
        np.matmul(a, b, out=whole[:, :, :rows])
        whole[:, :, rows:] = 0
        return
    (product,) = scratch(1, (*a.shape[:-1], b.shape[-1]), whole.dtype, "attention, product")
    np.matmul(a, b, out=product)
    whole[:, :, :rows] += product


def mT(x: Array) -> Array:
    return x.swapaxes(-1, -2)
