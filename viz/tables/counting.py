"""What a forward pass costs: the multiply-adds of its operations, and the memory of what they make and keep.

A multiply-add is a multiplication whose product is added to a sum. Counted are

    matmul, linear           rows · columns · inner length
    convolution              results · kernel elements · channels of a group
    transposed_convolution   inputs · kernel elements · channels of a group
    einsum                   the product of all sizes that its letters stand for, for each operand after the first
    attention                queries · keys · (features of a key + features of a value), for each batch and head; masks save nothing
    rnn, gru, lstm           rows of all steps · elements of the weights
    normalisation            one for each element for the statistics, where they are computed, one for normalising, one for a weight

and nothing else: sums, products and functions element by element, pooling and embedding have no such sums.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd_core import writes
from autograd_core.graph import Node, thread
from autograd_core.tensor import Tensor


def _convolution(shapes: Sequence[tuple[int, ...]], result: tuple[int, ...]) -> int:
    return math.prod(result) * math.prod(shapes[1][1:])


def _transposed(shapes: Sequence[tuple[int, ...]], result: tuple[int, ...]) -> int:
    return math.prod(shapes[0]) * math.prod(shapes[1][1:])


def _inner(shapes: Sequence[tuple[int, ...]], result: tuple[int, ...]) -> int:
    return math.prod(result) * shapes[0][-1]


def _attention(shapes: Sequence[tuple[int, ...]], result: tuple[int, ...]) -> int:
    queries, keys, values = shapes[:3]
    return math.prod(queries[:-1]) * keys[-2] * (queries[-1] + values[-1])


def _attention_weights(shapes: Sequence[tuple[int, ...]], result: tuple[int, ...]) -> int:
    return math.prod(shapes[0]) * shapes[1][-2]


def _recurrent(first: int) -> Callable[..., int]:
    return lambda shapes, result: shapes[0][0] * sum(math.prod(s) for s in shapes[first:] if len(s) == 2)


def _norm(passes: int) -> Callable[..., int]:
    return lambda shapes, result: math.prod(result) * (passes + (len(shapes[1]) > 0))


RULES: dict[str, Callable[[Sequence[tuple[int, ...]], tuple[int, ...]], int]] = {  # of the arguments' shapes and the result's
    "matmul": _inner,
    "linear": _inner,
    "convolution": _convolution,
    "transposed_convolution": _transposed,
    "scaled_dot_product_attention": _attention,
    "attention_weights": _attention_weights,
    "rnn": _recurrent(2),
    "gru": _recurrent(2),
    "lstm": _recurrent(3),
    "layer_norm": _norm(2),
    "rms_norm": _norm(2),
    "batch_norm": _norm(2),
    "group_norm": _norm(2),
    "scale_shift": lambda shapes, result: math.prod(result),
}


def multiply_adds(op: Any, arrays: Sequence[Any], result: np.ndarray[Any, Any], node: Node | None) -> int:
    """The multiply-adds of one call. Of an einsum that nothing recorded the letters are not known: it counts as 0."""
    shapes = [np.shape(a) for a in arrays]
    if op.name == "einsum":
        return 0 if node is None else _einsum(node.settings, shapes)
    rule = RULES.get(op.name)
    return 0 if rule is None else rule(shapes, result.shape)


def _einsum(settings: dict[str, Any], shapes: Sequence[tuple[int, ...]]) -> int:
    sizes: dict[Any, int] = {}
    for letters, shape in zip(settings["terms"], shapes, strict=True):
        for letter, size in zip(letters, shape, strict=True):
            sizes[letter] = max(size, sizes.get(letter, 1))
    return math.prod(sizes.values()) * (len(shapes) - 1)


class Counter:
    """Told of every operation of a forward pass; `at` is where its costs are counted."""

    def __init__(self, known: Iterable[Tensor]) -> None:
        self.at = Cost()
        self.known = {id(writes.owner(t.array)) for t in known}  # parameters, buffers, inputs: there before
        self.kept: dict[int, Any] = {}
        self.latest: Any = None  # the arguments of the latest call: they are the same for each of several results

    def __call__(self, op: Any, arrays: Sequence[Any], result: np.ndarray[Any, Any], node: Node | None) -> None:
        if arrays is not self.latest:
            self.at.multiply_adds += multiply_adds(op, arrays, result, node)
        self.latest = arrays
        memory = writes.owner(result)
        if not any(isinstance(a, np.ndarray) and writes.owner(a) is memory for a in arrays):
            self.at.made += result.nbytes
        for array in () if node is None else arrays_in((node.saved, node.call.saved)):
            memory = writes.owner(array)
            if id(memory) not in self.known and id(memory) not in self.kept:
                self.kept[id(memory)] = memory
                self.at.kept += memory.nbytes


class Cost:
    """What a part of a forward pass costs: multiply-adds, bytes of results, bytes kept for the way back."""

    def __init__(self) -> None:
        self.multiply_adds = self.made = self.kept = 0


def arrays_in(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    """The arrays in nested tuples, lists and dicts."""
    todo = [value]
    while todo:
        value = todo.pop()
        if isinstance(value, np.ndarray):
            yield value
        elif isinstance(value, Tensor):
            yield value.array
        elif isinstance(value, tuple | list):
            todo += value
        elif isinstance(value, dict):
            todo += value.values()


@contextmanager
def counted(known: Iterable[Tensor]) -> Iterator[Counter]:
    """A block in which every operation of this thread is counted. `known` are tensors that were there before."""
    counter, outer = Counter(known), thread.watch

    def watch(*call: Any) -> None:
        counter(*call)
        if outer is not None:
            outer(*call)

    writes.watch(+1)
    thread.watch = watch
    try:
        yield counter
    finally:
        thread.watch = outer
        writes.watch(-1)
