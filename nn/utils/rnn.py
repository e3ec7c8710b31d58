"""Sequences of different lengths as one tensor: padded to the longest, or packed without padding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd_core.creation import full
from autograd_core.errors import ShapeError
from autograd_core.faces.joining import unbind
from autograd_core.ops import index, shape
from autograd_core.tensor import Tensor, constant

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class _Packed(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Packed):
    """Sequences, longest first, without padding: `data` (rows, ...) holds the first entries of all, then the second entries, ...

    `batch_sizes` says how many sequences have an entry at each step. `sorted_indices` is where each of them stood before sorting,
    None if they were in order, `unsorted_indices` the inverse. Made by pack_sequence and pack_padded_sequence.
    """

    def __new__(
        cls, data: Any, batch_sizes: Any = None, sorted_indices: Tensor | None = None, unsorted_indices: Tensor | None = None
    ) -> PackedSequence:
        if batch_sizes is None:
            if not isinstance(data, tuple | list) or len(data) != 2:
                raise ValueError("PackedSequence: without batch_sizes, data must be the pair (data, batch_sizes)")
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """With `data` converted, as Tensor.to does; itself if nothing changes."""
        data = self.data.to(*args, **kwargs)
        return self if data is self.data else type(self)(data, *self[1:])

    def double(self) -> PackedSequence:
        """With float64 data."""
        return self.to(np.float64)

    def float(self) -> PackedSequence:
        """With float32 data."""
        return self.to(np.float32)

    def half(self) -> PackedSequence:
        """With float16 data."""
        return self.to(np.float16)

    def long(self) -> PackedSequence:
        """With int64 data."""
        return self.to(np.int64)

    def int(self) -> PackedSequence:
        """With int32 data."""
        return self.to(np.int32)

    def short(self) -> PackedSequence:
        """With int16 data."""
        return self.to(np.int16)

    def char(self) -> PackedSequence:
        """With int8 data."""
        return self.to(np.int8)

    def byte(self) -> PackedSequence:
        """With uint8 data."""
        return self.to(np.uint8)

    def cpu(self) -> PackedSequence:
        """Itself: everything is on the CPU."""
        return self

    @property
    def is_cuda(self) -> bool:
        """False: everything is on the CPU."""
        return False


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes this one (None: None)."""
    if permutation is None:
        return None
    if not isinstance(permutation, Tensor):
        raise TypeError(f"invert_permutation: expected a Tensor, got a {type(permutation).__name__}")
    inverse = np.empty(permutation.shape, np.int64)
    inverse[permutation.array] = np.arange(len(inverse))
    return constant(inverse)


# ---------------------------------------------------------------------- packing


def pack_padded_sequence(input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True) -> PackedSequence:
    """Pack (T, B, ...), or with `batch_first` (B, T, ...), whose sequences have these lengths.

    They must be sorted by length, longest first, unless not `enforce_sorted`. Raises RuntimeError for lengths that are not, that
    are not positive or longer than T, or not one for each sequence; IndexError unless there are two dimensions.
    """
    if not isinstance(input, Tensor):
        raise TypeError(f"pack_padded_sequence: input must be a Tensor, got a {type(input).__name__}")
    if input.ndim < 2:
        raise IndexError(f"pack_padded_sequence: input must be (T, B, ...), got {tuple(input.shape)}")
    if not input.array.size and 0 in input.array.shape:
        raise RuntimeError("pack_padded_sequence: Cannot pack empty tensors.")
    steps, batch = input.array.shape[:2][:: -1 if batch_first else 1]
    counts = lengths_of("pack_padded_sequence", lengths)
    if len(counts) != batch:
        raise ShapeError(
            f"pack_padded_sequence: Expected `len(lengths)` to be equal to batch_size, but got {len(counts)} (batch_size={batch})"
        )
    if counts.max() > steps:
        raise ShapeError(f"pack_padded_sequence: a sequence of length {counts.max()} does not fit into {tuple(input.shape)}, {steps} long")
    strides = (1, steps) if batch_first else (batch, 1)  # of a step and of a sequence, among the rows
    rows = shape.reshape(input, shape=(steps * batch, *input.array.shape[2:]))
    return packed("pack_padded_sequence", rows, counts, np.arange(batch) * strides[1], strides[0], enforce_sorted)


def pack_sequence(sequences: Iterable[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack tensors (L, ...) of different lengths.

    They must be sorted by length, longest first, unless not `enforce_sorted`. Raises RuntimeError where they are not, for an
    empty one or an empty list, ShapeError for other dimensions that differ.
    """
    rows, counts = joined("pack_sequence", sequences)
    return packed("pack_sequence", rows, counts, np.cumsum(counts) - counts, 1, enforce_sorted)


def packed(operation: str, rows: Tensor, counts: Any, firsts: Any, stride: int, enforce_sorted: bool) -> PackedSequence:
    """Pack sequences of which number b lies in the rows firsts[b], firsts[b] + stride, ..."""
    if counts.min() <= 0:
        raise RuntimeError(
            f"{operation}: Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0: "
            f"{counts.tolist()}"
        )
    order = None
    if not enforce_sorted:
        order = np.argsort(-counts, kind="stable")
        counts, firsts = counts[order], firsts[order]
    elif (np.diff(counts) > 0).any():
        raise RuntimeError(
            f"{operation}: lengths must be sorted in decreasing order when `enforce_sorted` is True, got {counts.tolist()}; "
            "with enforce_sorted=False they are sorted here"
        )
    sizes = (counts[:, None] > np.arange(counts[0])).sum(0)
    places = np.concatenate([firsts[:n] + t * stride for t, n in enumerate(sizes)])
    data = index.index_select(rows, constant(places), axis=0)
    return PackedSequence(data, constant(sizes), None if order is None else constant(order))


def lengths_of(operation: str, lengths: Any) -> Any:
    """Lengths, a list or a tensor, as an array of int64. Raises RuntimeError unless it has one dimension."""
    counts = np.asarray(lengths.array if isinstance(lengths, Tensor) else lengths).astype(np.int64)
    if counts.ndim != 1:
        raise RuntimeError(f"{operation}: 'lengths' should be 1D, but got {counts.ndim}D")
    return counts


def joined(operation: str, sequences: Iterable[Tensor] | Tensor) -> tuple[Tensor, Any]:
    """The entries of all sequences one after the other, in the dtype of the first; and their lengths."""
    if isinstance(sequences, Tensor):
        sequences = unbind(sequences)
    if not isinstance(sequences, Iterable):
        raise RuntimeError(f"{operation}: Expected iterable for input sequences, but got arg of type: {type(sequences)}")
    listed: list[Any] = list(sequences)
    if not listed:
        raise RuntimeError(f"{operation}: received an empty list of sequences")
    for k, s in enumerate(listed):
        if not isinstance(s, Tensor):
            raise TypeError(f"{operation}: sequence {k} must be a Tensor, got a {type(s).__name__}")
        if not s.ndim or s.array.shape[1:] != listed[0].array.shape[1:]:
            raise ShapeError(
                f"{operation}: sequences are (length, ...) and agree but for their lengths, got {tuple(listed[0].shape)} and "
                f"{tuple(s.shape)}"
            )
    rows = shape.concat(*[s.to(listed[0].dtype) for s in listed], axis=0)
    return rows, np.array([s.array.shape[0] for s in listed])


# ---------------------------------------------------------------------- padding


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """What was packed, padded to the longest or to `total_length`: (T, B, ...), or (B, T, ...), and the lengths.

    The sequences are in the order in which they stood before they were packed. Raises ValueError for a total_length below the
    longest, TypeError unless it is a PackedSequence.
    """
    if not isinstance(sequence, PackedSequence):
        raise TypeError(f"pad_packed_sequence: expected a PackedSequence, got a {type(sequence).__name__}")
    data, batch_sizes, _, unsorted = sequence
    sizes = batch_sizes.array
    longest = len(sizes)
    if total_length is not None and total_length < longest:
        raise ValueError(
            "pad_packed_sequence: Expected total_length to be at least the length of the longest sequence in input, but got "
            f"total_length={total_length} and max sequence length being {longest}"
        )
    lengths = (sizes[:, None] > np.arange(sizes[0])).sum(0)
    order = np.arange(sizes[0]) if unsorted is None else unsorted.array
    starts = np.cumsum(sizes) - sizes
    places = np.full((longest if total_length is None else total_length, len(order)), -1)
    places[:longest] = np.where(np.arange(longest)[:, None] < lengths[order], starts[:, None] + order, -1)
    return padded(data, places.T if batch_first else places, padding_value), constant(lengths[order])


def pad_sequence(
    sequences: Iterable[Tensor] | Tensor, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Tensors (L, ...) of different lengths as one, (T, B, ...) or with `batch_first` (B, T, ...), padded on one side.

    Raises RuntimeError for an empty list or a side other than "left" and "right", ShapeError for other dimensions that differ.
    """
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"pad_sequence: Expected padding_side to be one of left or right, but got {padding_side}.")
    if isinstance(padding_value, bool) or not isinstance(padding_value, int | float | complex | np.number):
        raise TypeError(f"pad_sequence: padding_value must be a number, got a {type(padding_value).__name__}")
    rows, counts = joined("pad_sequence", sequences)
    longest = counts.max()
    steps = np.arange(longest)[:, None] - (0 if padding_side == "right" else longest - counts)
    places = np.where((steps >= 0) & (steps < counts), np.cumsum(counts) - counts + steps, -1)
    return padded(rows, places.T if batch_first else places, padding_value)


def padded(rows: Tensor, places: Any, value: Any) -> Tensor:
    """The rows at these places, and the value where the place is -1."""
    if (places < 0).any():
        padding = full((1, *rows.array.shape[1:]), value, dtype=rows.dtype)
        places = np.where(places < 0, rows.array.shape[0], places)
        rows = shape.concat(rows, padding, axis=0)
    return index.index_select(rows, constant(np.ascontiguousarray(places)), axis=0)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False) -> list[Tensor]:
    """The sequences of (T, B, ...), or with `batch_first` (B, T, ...), without what is beyond their lengths."""
    each = unbind(padded_sequences, 0 if batch_first else 1)
    return [sequence[:n] for sequence, n in zip(each, lengths_of("unpad_sequence", lengths).tolist(), strict=True)]


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences that were packed, in their order before."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences))
