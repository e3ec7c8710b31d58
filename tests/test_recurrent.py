"""Recurrent layers: fast forms against their references, shapes, errors, memory; packed sequences."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag
import nn
import optim
import viz
from autograd_core.func import functional_call, grad, vmap
from autograd_core.kernels import recurrent as kernels
from autograd_core.ops import recurrent
from nn.utils import rnn

KINDS = ["rnn tanh", "rnn relu", "gru", "lstm", "lstm projected"]
LAYERS = ["LSTM", "GRU", "RNN"]


def arguments_of(kind, sizes, features, hidden, bias, scale=1.0):
    """An operation with numbers to call it on."""
    rng = np.random.default_rng(0)
    name, _, variant = kind.partition(" ")
    gates = {"rnn": 1, "gru": 3, "lstm": 4}[name]
    width = max(1, hidden - 1) if variant == "projected" else hidden

    def leaf(*shape):
        return ag.tensor(rng.standard_normal(shape) * scale, requires_grad=True)

    args = [leaf(sum(sizes), features), leaf(sizes[0], width)]
    args += [leaf(sizes[0], hidden)] if name == "lstm" else []
    args += [leaf(gates * hidden, features), leaf(gates * hidden, width)]
    args += [leaf(gates * hidden), leaf(gates * hidden)] if bias else [None, None]
    args += [leaf(width, hidden) if variant == "projected" else None] if name == "lstm" else []
    return getattr(recurrent, name), args, {"sizes": tuple(sizes)} | ({"nonlinearity": variant} if name == "rnn" else {})


def derivatives(results, by, which, order):
    rng = np.random.default_rng(1)
    weights = [ag.tensor(rng.standard_normal(tuple(r.shape)), dtype=r.dtype) for r in results]
    chosen = [results[k] for k in which]
    first = ag.autograd.grad(chosen, by, [weights[k] for k in which], create_graph=order > 1, retain_graph=True, materialize_grads=True)
    return first if order == 1 else ag.autograd.grad(sum((g * g).sum() for g in first), by, materialize_grads=True)


def compare(kind, sizes, features=2, hidden=3, bias=True, which=None, orders=(1, 2)):
    call, args, given = arguments_of(kind, sizes, features, hidden, bias)
    by = [a for a in args if a is not None]
    fast, slow = call(*args, **given), call.op.reference(*args, **given)
    for f, s in zip(fast, slow, strict=True):
        np.testing.assert_allclose(f.detach().numpy(), s.detach().numpy(), 1e-12, 1e-13)
    for order in orders:
        for f, s in zip(*[derivatives(r, by, which or range(len(fast)), order) for r in (fast, slow)], strict=True):
            np.testing.assert_allclose(f.numpy(), s.numpy(), 1e-10, 1e-11)


SIZES = [(3, 3, 3), (1,), (4, 2), (3, 3, 2, 1, 1), (1, 1)]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_fast_form_is_its_reference(kind, sizes, bias):
    compare(kind, sizes, bias=bias)


@pytest.mark.parametrize("which", [[0], [1], [-1]], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_from_one_of_the_results(kind, which):
    compare(kind, (3, 2, 2), which=which)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(KINDS), st.lists(st.integers(1, 4), min_size=1, max_size=5), st.integers(1, 4), st.integers(1, 4), st.booleans())
def test_any_shape(kind, sizes, features, hidden, bias):
    compare(kind, tuple(sorted(sizes, reverse=True)), features, hidden, bias, orders=(1,))


@pytest.mark.parametrize("kind", KINDS)
def test_many_small_blocks_on_several_threads(kind, monkeypatch):
    monkeypatch.setattr(kernels, "BLOCK", 16)
    monkeypatch.setattr(kernels, "SHARED", 0)
    compare(kind, (4, 4, 4, 4, 4, 3, 3, 3, 3, 2, 2, 2, 2, 2, 1, 1), orders=(1,))


@pytest.mark.parametrize("kind", KINDS)
def test_float32_is_accurate(kind):
    call, args, given = arguments_of(kind, (5,) * 20, 4, 16, True, scale=0.2)
    by = [a for a in args if a is not None]
    single = [None if a is None else a.detach().float().requires_grad_() for a in args]
    exact, found = call(*args, **given), call(*single, **given)
    for e, f in zip(exact, found, strict=True):
        assert f.dtype == ag.float32
        np.testing.assert_allclose(f.detach().numpy(), e.detach().numpy(), 1e-5, 1e-6)
    for e, f in zip(derivatives(exact, by, [0], 1), derivatives(found, [s for s in single if s is not None], [0], 1), strict=True):
        np.testing.assert_allclose(f.numpy(), e.numpy(), 1e-4, 1e-5)


def test_gates_far_out_are_exact():
    """Saturated gates: no overflow, no NaN, and a forget gate of one keeps what it has."""
    cell = nn.LSTMCell(1, 1, dtype=ag.float64)
    with ag.no_grad():
        for p in cell.parameters():
            p.zero_()
        cell.bias_ih[:] = ag.tensor([-800.0, 800.0, 3.0, 800.0], dtype=ag.float64)
    h, c = cell(ag.zeros(1, 1, dtype=ag.float64), (ag.zeros(1, 1, dtype=ag.float64), ag.full((1, 1), 0.7, dtype=ag.float64)))
    assert c.item() == 0.7
    np.testing.assert_allclose(h.item(), np.tanh(0.7), 1e-15)


@pytest.mark.parametrize("kind", KINDS)
def test_layout_does_not_matter(kind):
    call, args, given = arguments_of(kind, (3, 3, 2), 2, 4, True)
    turned = [None if a is None else ag.from_numpy(np.asfortranarray(a.detach().numpy()[..., ::-1].copy()[..., ::-1])) for a in args]
    for a, b in zip(call(*args, **given), call(*turned, **given), strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.numpy(), 1e-12)


# ---------------------------------------------------------------------- recording


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_is_needed_is_kept_and_computed(kind):
    call, args, given = arguments_of(kind, (3, 2), 2, 3, True)
    plain = [None if a is None else a.detach() for a in args]
    assert not any(r.requires_grad for r in call(*plain, **given))
    assert call.op.forward(*[None if a is None else a.array for a in plain], **given, needs=(False,) * len(args))[1] == ()
    by = [a for a in args if a is not None]
    full = derivatives(call(*args, **given), by, [0], 1)
    for k, a in enumerate(args):
        if a is not None:
            one = [args[j] if j == k else p for j, p in enumerate(plain)]
            (g,) = derivatives(call(*one, **given), [a], [0], 1)
            np.testing.assert_allclose(g.numpy(), full[[b is a for b in by].index(True)].numpy(), 1e-12, 1e-13)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_write_into_the_output_is_noticed(layer):
    model = getattr(nn, layer)(2, 3)
    output, _ = model(ag.ones(4, 1, 2))
    loss = (output * output).sum()
    with ag.no_grad():
        output.mul_(2)
    with pytest.raises(RuntimeError, match="in-place"):
        loss.backward()


@pytest.mark.parametrize("layer", LAYERS)
def test_two_passes_with_retain_graph(layer):
    model = getattr(nn, layer)(2, 3, num_layers=2)
    loss = model(ag.ones(4, 1, 2))[0].sum()
    loss.backward(retain_graph=True)
    once = [p.grad.clone() for p in model.parameters()]
    loss.backward()
    for p, o in zip(model.parameters(), once, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), 2 * o.numpy(), 1e-6)
    with pytest.raises(RuntimeError):
        loss.backward()


@pytest.mark.parametrize("layer", LAYERS)
def test_nothing_waits_for_the_garbage_collector(layer, assert_no_cycles):
    def run():
        model = getattr(nn, layer)(3, 4, num_layers=2, bidirectional=True)
        packed = rnn.pack_sequence([ag.ones(2, 3), ag.ones(4, 3)], enforce_sorted=False)
        output, _ = model(packed)
        rnn.pad_packed_sequence(output)[0].sum().backward()

    assert_no_cycles(run)


def test_what_was_kept_goes_with_the_loss():
    model = nn.LSTM(3, 4)
    output, _ = model(ag.ones(5, 2, 3))
    kept = weakref.ref(output.array)
    gc.disable()
    try:
        output.sum().backward()
        del output
        assert kept() is None
    finally:
        gc.enable()


def test_per_example_gradients_by_vmap():
    model = nn.LSTM(2, 3, bidirectional=True, dtype=ag.float64)
    parameters = dict(model.named_parameters())
    x = ag.randn(4, 5, 2, dtype=ag.float64)

    def loss(parameters, x):
        return (functional_call(model, parameters, (x,))[0] ** 2).sum()

    together = vmap(grad(loss), (None, 0))(parameters, x)
    for k in range(4):
        for name, g in grad(loss)(parameters, x[k]).items():
            np.testing.assert_allclose(together[name][k].detach().numpy(), g.detach().numpy(), 1e-9, 1e-12)


def test_a_picture_shows_the_layer_and_its_results():
    model = nn.LSTM(2, 3)
    output, (h, _) = model(ag.ones(2, 1, 2))
    told = str(viz.draw(output.sum() + h.sum()).to_dict())
    assert "weight_ih_l0" in told
    assert "Σₜ δₜᵀ @ inₜ" in told


# ---------------------------------------------------------------------- modules


@pytest.mark.parametrize("layer", [*LAYERS, "LSTMCell", "GRUCell", "RNNCell"])
def test_copies_and_pickles(layer):
    model = getattr(nn, layer)(3, 4)
    x = ag.ones(2, 3)
    expected = model(x)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        found = twin(x)
        for e, f in zip(
            expected if isinstance(expected, tuple) else [expected], found if isinstance(found, tuple) else [found], strict=True
        ):
            for a, b in zip(*(v if isinstance(v, tuple) else (v,) for v in (e, f)), strict=True):
                np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


@pytest.mark.parametrize("layer", LAYERS)
def test_dropout_is_between_layers_and_in_training_only(layer):
    model = getattr(nn, layer)(3, 4, num_layers=2, dropout=0.5)
    x = ag.randn(6, 5, 3)
    ag.manual_seed(0)
    first = model(x)[0]
    assert not np.array_equal(first.detach().numpy(), model(x)[0].detach().numpy())
    ag.manual_seed(0)
    np.testing.assert_array_equal(first.detach().numpy(), model(x)[0].detach().numpy())
    model.eval()
    np.testing.assert_array_equal(model(x)[0].detach().numpy(), model(x)[0].detach().numpy())


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_learns(layer):
    """To say at the end whether the first number was positive."""
    ag.manual_seed(0)
    model, head = getattr(nn, layer)(1, 8), nn.Linear(8, 1)
    x = ag.randn(3, 32, 1)
    y = (x[0] > 0).float()
    optimizer = optim.Adam([*model.parameters(), *head.parameters()], lr=0.05)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(head(model(x)[0][-1]), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_flatten_parameters_and_base():
    model = nn.RNNBase("GRU", 3, 4)
    model.flatten_parameters()
    assert repr(model) == "RNNBase(3, 4)"
    assert tuple(model(ag.ones(2, 1, 3))[0].shape) == (2, 1, 4)


def mixed(model, name):
    """The model with one of its weights in float64."""
    setattr(model, name, nn.Parameter(getattr(model, name).detach().double()))
    return model


WRONG = {
    "a list for input": (lambda: nn.LSTM(3, 4)([1.0]), TypeError, "must be a Tensor or a PackedSequence"),
    "a tensor for a pair": (lambda: nn.LSTM(3, 4)(ag.ones(2, 3), ag.ones(1, 4)), TypeError, "pair of Tensors"),
    "one state for a pair": (lambda: nn.LSTM(3, 4)(ag.ones(2, 3), (ag.ones(1, 4),)), TypeError, "pair of Tensors"),
    "a pair for one state": (lambda: nn.GRU(3, 4)(ag.ones(2, 3), (ag.ones(1, 4),) * 2), TypeError, "a Tensor, h_0"),
    "features": (lambda: nn.GRU(3, 4)(ag.ones(2, 5)), ValueError, r"Expected 3, got 5 in \(2, 5\)"),
    "a list for a cell's input": (lambda: nn.GRUCell(3, 4)([1.0]), TypeError, "input must be a Tensor"),
    "a pair for a GRU cell's state": (lambda: nn.GRUCell(3, 4)(ag.ones(3), (ag.ones(4),)), TypeError, "must be a Tensor, got a tuple"),
    "lengths beyond the tensor": (lambda: rnn.pack_padded_sequence(ag.ones(4, 2), [5, 1]), RuntimeError, "length 5 does not fit"),
    "a tensor for a packed sequence": (lambda: rnn.pad_packed_sequence(ag.ones(4, 2)), TypeError, "expected a PackedSequence"),
    "packed rows of two dimensions": (
        lambda: nn.LSTM(3, 4)(rnn.pack_sequence([ag.ones(2, 3, 3)])),
        RuntimeError,
        r"holds \(rows, features\)",
    ),
    "half a packed sequence": (lambda: rnn.PackedSequence(ag.ones(3)), ValueError, "pair"),
    "states of packed sequences": (
        lambda: nn.GRU(3, 4)(rnn.pack_sequence([ag.ones(1, 3), ag.ones(2, 3)], enforce_sorted=False), ag.ones(1, 1, 4)),
        RuntimeError,
        r"Expected hidden size \(1, 2, 4\), got \[1, 1, 4\]",
    ),
    "weights of two dtypes": (lambda: mixed(nn.LSTM(3, 4), "weight_hh_l0")(ag.ones(2, 3)), RuntimeError, "float32.*float64"),
    "a bias of another dtype": (lambda: mixed(nn.GRU(3, 4, 2), "bias_ih_l1")(ag.ones(2, 3)), RuntimeError, "float32.*float64"),
    "a cell's weights of two dtypes": (lambda: mixed(nn.RNNCell(3, 4), "bias_hh")(ag.ones(3)), RuntimeError, "float32.*float64"),
    "a packed sequence on a device": (lambda: rnn.pack_sequence([ag.ones(1)]).to("cuda"), RuntimeError, "cuda"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name):
    call, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        call()


# ---------------------------------------------------------------------- packed sequences


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.booleans(), st.integers(0, 2))
def test_packing_and_unpacking_give_back_what_was_given(lengths, batch_first, more):
    sequences = [ag.tensor(np.arange(n * 2.0).reshape(n, 2) + 100 * k) for k, n in enumerate(lengths)]
    packed = rnn.pack_sequence(sequences, enforce_sorted=False)
    assert packed.data.shape[0] == sum(lengths)
    for given_, back in zip(sequences, rnn.unpack_sequence(packed), strict=True):
        np.testing.assert_array_equal(given_.numpy(), back.numpy())
    padded, counts = rnn.pad_packed_sequence(packed, batch_first, -1.0, max(lengths) + more)
    assert counts.tolist() == lengths
    expected = rnn.pad_sequence(sequences, batch_first, -1.0)
    found = padded[:, : max(lengths)] if batch_first else padded[: max(lengths)]
    np.testing.assert_array_equal(found.numpy(), expected.numpy())
    again = rnn.pack_padded_sequence(expected, lengths, batch_first, enforce_sorted=False)
    np.testing.assert_array_equal(again.data.numpy(), packed.data.numpy())


@pytest.mark.parametrize("layer", LAYERS)
def test_packed_sequences_are_each_on_its_own(layer):
    model = getattr(nn, layer)(2, 3, num_layers=2, bidirectional=True, dtype=ag.float64)
    sequences = [ag.randn(n, 2, dtype=ag.float64) for n in (2, 5, 1, 3)]
    output, last = model(rnn.pack_sequence(sequences, enforce_sorted=False))
    for k, (sequence, found) in enumerate(zip(sequences, rnn.unpack_sequence(output), strict=True)):
        alone, last_alone = model(sequence)
        np.testing.assert_allclose(found.detach().numpy(), alone.detach().numpy(), 1e-12, 1e-15)
        for all_, one in zip(*(v if isinstance(v, tuple) else (v,) for v in (last, last_alone)), strict=True):
            np.testing.assert_allclose(all_[:, k].detach().numpy(), one.detach().numpy(), 1e-12, 1e-15)


def test_gradients_go_through_packing_and_padding():
    x = ag.randn(3, 2, dtype=ag.float64).requires_grad_()
    y = ag.randn(1, 2, dtype=ag.float64).requires_grad_()

    def call(x, y):
        packed = rnn.pack_sequence([y, x], enforce_sorted=False)
        return rnn.pad_packed_sequence(packed, padding_value=3.0)[0] ** 2

    ag.autograd.gradcheck(call, [x, y])
    ag.autograd.gradgradcheck(call, [x, y])


def test_packed_sequences_are_copied_and_pickled():
    packed = rnn.pack_sequence([ag.ones(1, 2), ag.ones(3, 2)], enforce_sorted=False)
    for twin in (copy.deepcopy(packed), pickle.loads(pickle.dumps(packed))):
        assert type(twin) is rnn.PackedSequence
        for a, b in zip(packed, twin, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())
