"""Packed and padded sequences against PyTorch, and recurrent layers on them."""

from __future__ import annotations

import inspect
from itertools import product

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402
from tests.parity.test_recurrent_parity import KINDS, agree, called, flat, pair, pair_of  # noqa: E402

R, TR = nn.utils.rnn, torch.nn.utils.rnn
BOTH = ((ag, R), (torch, TR))
LENGTHS = {"sorted": [5, 3, 3, 1], "unsorted": [3, 1, 5, 3], "all as long": [5, 5, 5, 5]}


def same(ours, theirs):
    """Equal results: tensors, None, and lists and tuples of them."""
    assert (ours is None) == (theirs is None)
    if isinstance(theirs, torch.Tensor):
        assert tuple(ours.shape) == tuple(theirs.shape)
        assert str(ours.dtype) == str(theirs.dtype).removeprefix("torch.")
        np.testing.assert_array_equal(ours.detach().numpy(), theirs.detach().numpy())
    elif theirs is not None:
        for o, t in zip(ours, theirs, strict=True):
            same(o, t)


def packed(rng, how, batch_first=False, features=(3,), gradient=False):
    """The same sequences, packed in both libraries, with the tensors they were packed from."""
    lengths = LENGTHS[how]
    array = rng.standard_normal(((len(lengths), 5) if batch_first else (5, len(lengths))) + features)
    tensors = pair(array) if gradient else (ag.tensor(array), torch.tensor(array))
    return tensors, [m.pack_padded_sequence(x, lengths, batch_first, how != "unsorted") for (_, m), x in zip(BOTH, tensors, strict=True)]


@pytest.mark.parametrize("name", [n for n in R.__all__ if n != "PackedSequence"])
def test_arguments_are_pytorchs(name):
    ours, theirs = (inspect.signature(getattr(m, name)).parameters.values() for m in (R, TR))
    assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in theirs]


@pytest.mark.parametrize("features", [(), (3,), (2, 3)], ids=str)
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("how", LENGTHS)
def test_pack_and_pad(how, batch_first, features, rng):
    _, (ours, theirs) = packed(rng, how, batch_first, features)
    same(ours, theirs)
    for settings in ({}, {"batch_first": True}, {"padding_value": 7.5}, {"total_length": 9, "batch_first": True}):
        same(R.pad_packed_sequence(ours, **settings), TR.pad_packed_sequence(theirs, **settings))
    same(R.unpack_sequence(ours), TR.unpack_sequence(theirs))


@pytest.mark.parametrize("enforce_sorted", [True, False])
def test_lengths_as_a_tensor(enforce_sorted, rng):
    x = rng.standard_normal((4, 3, 2))
    lengths = [4, 2, 1] if enforce_sorted else [2, 4, 1]
    same(*[m.pack_padded_sequence(L.tensor(x), L.tensor(lengths), enforce_sorted=enforce_sorted) for L, m in BOTH])


@pytest.mark.parametrize(("batch_first", "value", "side"), list(product([False, True], [0.0, 2.5], ["left", "right"])))
def test_pad_sequence(batch_first, value, side, rng):
    arrays = [rng.standard_normal((n, 2, 3)) for n in (2, 4, 1, 0)]
    same(*[m.pad_sequence([L.tensor(a) for a in arrays], batch_first, value, side) for L, m in BOTH])
    whole = [m.pad_sequence([L.tensor(a) for a in arrays[:3]], batch_first) for L, m in BOTH]
    same(*[m.unpad_sequence(w, L.tensor([2, 4, 1]), batch_first) for (L, m), w in zip(BOTH, whole, strict=True)])


def test_pad_sequence_of_other_things():
    same(*[m.pad_sequence(L.ones(3, 2)) for L, m in BOTH])
    same(*[m.pad_sequence(iter([L.ones(2), L.ones(3)])) for L, m in BOTH])
    same(*[m.pad_sequence([L.ones(2, dtype=L.int64), L.ones(3)], padding_value=1.5) for L, m in BOTH])
    same(*[m.pad_sequence([L.ones(2), L.ones(3, dtype=L.float64)]) for L, m in BOTH])


def test_pack_sequence(rng):
    arrays = [rng.standard_normal((n, 2)) for n in (2, 4, 1)]
    ours, theirs = [m.pack_sequence([L.tensor(a) for a in arrays], enforce_sorted=False) for L, m in BOTH]
    same(ours, theirs)
    same(R.unpack_sequence(ours), TR.unpack_sequence(theirs))
    same(*[m.pack_sequence([L.tensor(arrays[k]) for k in (1, 0, 2)]) for L, m in BOTH])


def test_invert_permutation():
    same(*[m.invert_permutation(L.tensor([2, 0, 3, 1])) for L, m in BOTH])
    assert R.invert_permutation(None) is None


def test_a_packed_sequence_made_and_converted(rng):
    x = rng.standard_normal((3, 2)).astype(np.float32)
    same(*[m.PackedSequence(L.tensor(x), L.tensor([2, 1])) for L, m in BOTH])
    same(*[m.PackedSequence((L.tensor(x), L.tensor([2, 1]))) for L, m in BOTH])
    same(*[m.PackedSequence(L.tensor(x), L.tensor([2, 1]), L.tensor([1, 0])) for L, m in BOTH])
    same(*[m.PackedSequence(L.tensor(x), L.tensor([2, 1]), None, L.tensor([1, 0])) for L, m in BOTH])
    for name in "double float half long int short char byte cpu".split():
        same(*[getattr(m.PackedSequence(L.tensor(x), L.tensor([2, 1])), name)() for L, m in BOTH])
    ours = R.PackedSequence(ag.tensor(x), ag.tensor([2, 1]))
    assert ours.to(ag.float32) is ours
    assert ours.to(ag.float64).data.dtype == ag.float64
    assert not ours.is_cuda


# ---------------------------------------------------------------------- layers

CASES = [(kind, case) for kind in KINDS for case in ({}, {"num_layers": 2, "bidirectional": True}, {"bias": False})]
CASES += [("LSTM", {"proj_size": 2, "bidirectional": True}), ("LSTM", {"proj_size": 2, "num_layers": 2, "bias": False})]


@pytest.mark.parametrize("given", [True, False], ids=["states", "no states"])
@pytest.mark.parametrize("how", LENGTHS)
@pytest.mark.parametrize(("kind", "case"), CASES, ids=str)
def test_layer(kind, case, how, given, rng):
    modules = pair_of(kind, 3, 4, **case)
    x, sequences = packed(rng, how, gradient=True)
    rows = case.get("num_layers", 1) * (1 + case.get("bidirectional", False))
    widths = [case.get("proj_size", 4), 4][: 2 if kind == "LSTM" else 1]
    states = [pair(rng.standard_normal((rows, 4, width))) for width in widths] if given else []
    results = [called(kind, m, sequences[k], [s[k] for s in states] or None) for k, m in enumerate(modules)]
    for o, t in zip(results[0][0][1:], results[1][0][1:], strict=True):
        same(o, t)
    both = [(result[0].data, *flat(result[1])) for result in results]
    agree(*both, [x, *states], modules, range(len(both[0])), 1e-9, double=given and not case.get("bias", True))


@pytest.mark.parametrize("kind", KINDS)
def test_float32_and_back_to_padded(kind, rng):
    modules = pair_of(kind, 3, 8, bidirectional=True, dtype="float32")
    array = rng.standard_normal((4, 5, 3)).astype(np.float32)
    x = pair(array)
    results = []
    for (_, m), module, i in zip(BOTH, modules, x, strict=True):
        output, last = module(m.pack_padded_sequence(i, [2, 5, 1, 4], batch_first=True, enforce_sorted=False))
        results.append((m.pad_packed_sequence(output, batch_first=True)[0], *flat(last)))
    agree(*results, [x], modules, range(len(results[0])), 1e-4, double=False)


# ---------------------------------------------------------------------- what is refused

BAD = {
    "lengths that are not sorted": lambda L, R: R.pack_padded_sequence(L.zeros(4, 3, 2), [2, 4, 1]),
    "a length of 0": lambda L, R: R.pack_padded_sequence(L.zeros(4, 3, 2), [4, 2, 0]),
    "a negative length": lambda L, R: R.pack_padded_sequence(L.zeros(4, 3, 2), [-1, 3, 3], enforce_sorted=False),
    "too few lengths": lambda L, R: R.pack_padded_sequence(L.zeros(4, 3, 2), [4, 2]),
    "no lengths": lambda L, R: R.pack_padded_sequence(L.zeros(4, 3, 2), []),
    "lengths in two dimensions": lambda L, R: R.pack_padded_sequence(L.zeros(4, 3, 2), L.tensor([[4, 2, 1]])),
    "one length": lambda L, R: R.pack_padded_sequence(L.zeros(4, 3, 2), 3),
    "a vector": lambda L, R: R.pack_padded_sequence(L.zeros(4), [4]),
    "no steps": lambda L, R: R.pack_padded_sequence(L.zeros(0, 3, 2), [1, 1, 1]),
    "no sequences": lambda L, R: R.pack_padded_sequence(L.zeros(4, 0, 2), []),
    "text for a tensor": lambda L, R: R.pack_padded_sequence("a", [1]),
    "total_length too short": lambda L, R: R.pad_packed_sequence(R.pack_sequence([L.zeros(3)]), total_length=2),
    "nothing to pad": lambda L, R: R.pad_sequence([]),
    "other dimensions": lambda L, R: R.pad_sequence([L.zeros(2, 3), L.zeros(4, 2)]),
    "dimensions that would broadcast": lambda L, R: R.pad_sequence([L.zeros(2, 1), L.zeros(3)]),
    "padding side": lambda L, R: R.pad_sequence([L.zeros(2)], padding_side="up"),
    "a number to pad": lambda L, R: R.pad_sequence(5),
    "numbers to pad": lambda L, R: R.pad_sequence([1, 2]),
    "numbers without dimension": lambda L, R: R.pad_sequence([L.zeros(()), L.zeros(())]),
    "padding value": lambda L, R: R.pad_sequence([L.zeros(2), L.zeros(3)], padding_value="a"),
    "nothing to pack": lambda L, R: R.pack_sequence([]),
    "sequences that are not sorted": lambda L, R: R.pack_sequence([L.zeros(1), L.zeros(3)]),
    "an empty sequence": lambda L, R: R.pack_sequence([L.zeros(0), L.zeros(3)], enforce_sorted=False),
    "a list for a permutation": lambda L, R: R.invert_permutation([1, 0]),
}


@pytest.mark.parametrize("name", BAD)
def test_what_pytorch_refuses_is_refused_with_its_type(name):
    raised = []
    for libraries in BOTH:
        with pytest.raises((RuntimeError, ValueError, TypeError, IndexError)) as error:
            BAD[name](*libraries)
        raised.append(error.type)
    assert issubclass(*raised), raised


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_layers_refuse(kind):
    for L, m, library in ((ag, R, nn), (torch, TR, torch.nn)):
        module = getattr(library, kind)(3, 4)
        sequence = m.pack_sequence([L.zeros(3, 3), L.zeros(2, 3)])
        state = L.zeros(1, 3, 4)
        with pytest.raises(RuntimeError):
            module(sequence, (state, state) if kind == "LSTM" else state)
        if L is ag or kind != "LSTM":  # whose kernel takes it, in PyTorch
            with pytest.raises(RuntimeError):
                module(m.pack_sequence([L.zeros(3, 5)]))
