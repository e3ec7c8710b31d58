"""Recurrent layers and cells against PyTorch: from the same weights, outputs, gradients and double gradients; and the same errors."""

from __future__ import annotations

import inspect
import warnings
from itertools import product

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402
from tests.parity.agreement import flat  # noqa: E402

KINDS = ["LSTM", "GRU", "RNN", "RNN relu"]
LIBRARIES = {"ours": (ag, nn), "theirs": (torch, torch.nn)}


def settings_of(kind, **settings):
    name, _, nonlinearity = kind.partition(" ")
    return name, settings | ({"nonlinearity": nonlinearity} if nonlinearity else {})


def pair_of(kind, *sizes, dtype="float64", **settings):
    """The same module in both libraries, with PyTorch's weights, and ours loaded into another one of PyTorch's."""
    name, settings = settings_of(kind, **settings)
    theirs = getattr(torch.nn, name)(*sizes, dtype=getattr(torch, dtype), **settings)
    ours = getattr(nn, name)(*sizes, dtype=getattr(ag, dtype), **settings)
    state = theirs.state_dict()
    assert [(k, tuple(v.shape)) for k, v in ours.state_dict().items()] == [(k, tuple(v.shape)) for k, v in state.items()]
    ours.load_state_dict({k: ag.tensor(v.numpy()) for k, v in state.items()})
    again = getattr(torch.nn, name)(*sizes, dtype=getattr(torch, dtype), **settings)
    again.load_state_dict({k: torch.tensor(v.numpy()) for k, v in ours.state_dict().items()})
    return ours, again


def pair(array):
    return ag.tensor(array, requires_grad=True), torch.tensor(array, requires_grad=True)


def agree(ours, theirs, inputs, modules, which, tolerance, double=True):
    """Results, plain gradients, recorded ones and, if `double`, gradients of these agree, by all inputs and parameters."""
    mine, other = flat(ours), flat(theirs)
    for o, t in zip(mine, other, strict=True):
        assert tuple(o.shape) == tuple(t.shape)
        assert str(o.dtype) == str(t.dtype).removeprefix("torch.")
        np.testing.assert_allclose(o.detach().numpy(), t.detach().numpy(), tolerance, tolerance)
    rng = np.random.default_rng(1)
    weights = [rng.standard_normal(tuple(mine[k].shape)).astype(str(mine[k].dtype)) for k in which]
    by = [[i[0] for i in inputs] + list(modules[0].parameters()), [i[1] for i in inputs] + list(modules[1].parameters())]
    first = []
    for library, results, sources in ((ag, mine, by[0]), (torch, other, by[1])):
        given = [library.tensor(w) for w in weights]
        found = [library.autograd.grad([results[k] for k in which], sources, given, retain_graph=True, materialize_grads=True)]
        found.append(
            library.autograd.grad([results[k] for k in which], sources, given, create_graph=True, materialize_grads=True) if double else ()
        )
        first.append(found)
    for ours_found, their_found in zip(*first, strict=True):
        for o, t in zip(ours_found, their_found, strict=True):
            np.testing.assert_allclose(o.detach().numpy(), t.detach().numpy(), tolerance, tolerance)
    if double:
        second = [
            library.autograd.grad(sum((g * g).sum() for g in found[1]), sources, materialize_grads=True)
            for library, found, sources in ((ag, first[0], by[0]), (torch, first[1], by[1]))
        ]
        for o, t in zip(*second, strict=True):
            np.testing.assert_allclose(o.numpy(), t.numpy(), tolerance * 10, tolerance * 10)


def called(kind, module, x, states):
    """With one state, or an LSTM's two, or none."""
    if states is None:
        return module(x)
    return module(x, tuple(states) if kind == "LSTM" else states[0])


def shapes_of(layout, steps, batch, features):
    return {"time first": (steps, batch, features), "batch first": (batch, steps, features), "one": (steps, features)}[layout]


# ---------------------------------------------------------------------- layers

CASES = [
    {},
    {"bias": False},
    {"num_layers": 2},
    {"bidirectional": True},
    {"num_layers": 2, "bidirectional": True, "bias": False},
    {"num_layers": 3, "bidirectional": True},
]
PROJECTED = [{"proj_size": 2, **case} for case in CASES[::2]]
MODULES = [(kind, case) for kind, case in product(KINDS, CASES)] + [("LSTM", case) for case in PROJECTED]


@pytest.mark.parametrize("given", [True, False], ids=["states", "no states"])
@pytest.mark.parametrize("layout", ["time first", "batch first", "one"])
@pytest.mark.parametrize(("kind", "case"), MODULES, ids=str)
def test_layer(kind, case, layout, given, rng):
    modules = pair_of(kind, 3, 4, batch_first=layout != "time first", **case)
    x = pair(rng.standard_normal(shapes_of(layout, 4, 2, 3)))
    rows = case.get("num_layers", 1) * (1 + case.get("bidirectional", False))
    widths = [case.get("proj_size", 4), 4][: 2 if kind == "LSTM" else 1]
    states = [pair(rng.standard_normal((rows, *((2,) if layout != "one" else ()), width))) for width in widths] if given else []
    results = [called(kind, m, x[k], [s[k] for s in states] or None) for k, m in enumerate(modules)]
    agree(*results, [x, *states], modules, range(len(flat(results[0]))), 1e-9, double=layout == "time first" and not case.get("bias", True))


@pytest.mark.parametrize("which", [[0], [1], [2], [0, 2]], ids=str)
@pytest.mark.parametrize("case", [{}, {"num_layers": 2, "bidirectional": True}, {"proj_size": 2}], ids=str)
def test_backward_from_some_of_the_results(case, which, rng):
    modules = pair_of("LSTM", 3, 4, **case)
    x = pair(rng.standard_normal((4, 2, 3)))
    agree(modules[0](x[0]), modules[1](x[1]), [x], modules, which, 1e-9)


@pytest.mark.parametrize("steps", [1, 2, 17])
@pytest.mark.parametrize("kind", KINDS)
def test_float32(kind, steps, rng):
    modules = pair_of(kind, 5, 8, num_layers=2, bidirectional=True, dtype="float32")
    x = pair(rng.standard_normal((steps, 3, 5)).astype(np.float32))
    results = [m(i) for m, i in zip(modules, x, strict=True)]
    agree(*results, [x], modules, range(len(flat(results[0]))), 1e-4, double=False)


@pytest.mark.parametrize("kind", KINDS)
def test_many_rows_that_are_shared_among_threads(kind, rng):
    modules = pair_of(kind, 6, 64)
    x = pair(rng.standard_normal((64, 40, 6)))
    results = [m(i) for m, i in zip(modules, x, strict=True)]
    agree(*results, [x], modules, range(len(flat(results[0]))), 1e-9, double=False)


@pytest.mark.parametrize("kind", KINDS)
def test_no_sequences(kind):
    ours, theirs = pair_of(kind, 3, 4)
    for o, t in zip(flat(ours(ag.zeros(5, 0, 3, dtype=ag.float64))), flat(theirs(torch.zeros(5, 0, 3).double())), strict=True):
        assert tuple(o.shape) == tuple(t.shape)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_complex_numbers(kind, rng):
    modules = pair_of(kind, 2, 3, dtype="complex128")
    x = pair(rng.standard_normal((3, 2, 2)) + 1j * rng.standard_normal((3, 2, 2)))
    results = [m(i) for m, i in zip(modules, x, strict=True)]
    losses = [(flat(r)[0].abs() ** 2).sum() for r in results]
    by = [[x[k], *modules[k].parameters()] for k in (0, 1)]
    for o, t in zip(ag.autograd.grad(losses[0], by[0]), torch.autograd.grad(losses[1], by[1]), strict=True):
        np.testing.assert_allclose(o.numpy(), t.resolve_conj().numpy(), 1e-9, 1e-9)


def test_dropout_between_layers(rng):
    """All or nothing dropped can be compared; evaluation drops nothing."""
    x = rng.standard_normal((3, 2, 3))
    for kind in KINDS:
        ours, theirs = pair_of(kind, 3, 4, num_layers=2, dropout=1.0)
        np.testing.assert_allclose(flat(ours(ag.tensor(x)))[0].detach().numpy(), flat(theirs(torch.tensor(x)))[0].detach().numpy(), 1e-9)
        ours.eval()
        theirs.eval()
        np.testing.assert_allclose(flat(ours(ag.tensor(x)))[0].detach().numpy(), flat(theirs(torch.tensor(x)))[0].detach().numpy(), 1e-9)


# ---------------------------------------------------------------------- cells

CELLS = ["LSTMCell", "GRUCell", "RNNCell", "RNNCell relu"]


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("shape", [(2, 3), (3,), (0, 3)], ids=str)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", CELLS)
def test_cell(kind, bias, shape, given, rng):
    modules = pair_of(kind, 3, 4, bias=bias)
    x = pair(rng.standard_normal(shape))
    states = [pair(rng.standard_normal((*shape[:-1], 4))) for _ in range(2 if "LSTM" in kind else 1)] if given else []
    results = [called(kind.removesuffix("Cell"), m, x[k], [s[k] for s in states] or None) for k, m in enumerate(modules)]
    agree(*results, [x, *states], modules, range(len(flat(results[0]))), 1e-9, double=0 not in shape)


def test_cells_step_by_step_are_the_layer(rng):
    layer, cell = nn.LSTM(3, 4, dtype=ag.float64), nn.LSTMCell(3, 4, dtype=ag.float64)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in layer.state_dict().items()})
    x = ag.tensor(rng.standard_normal((5, 2, 3)))
    states, outputs = None, []
    for step in x:
        states = cell(step, states)
        outputs.append(states[0])
    output, (h, c) = layer(x)
    np.testing.assert_allclose(ag.stack(outputs).detach().numpy(), output.detach().numpy(), 1e-12)
    np.testing.assert_allclose(states[1].detach().numpy(), c[0].detach().numpy(), 1e-12)


# ---------------------------------------------------------------------- what is printed, preset and refused


@pytest.mark.parametrize("name", ["RNNBase", "RNNCellBase", "RNNCell", "LSTMCell", "GRUCell"])
def test_arguments_are_pytorchs(name):
    def arguments(c):
        return [(p.name, p.default) for p in list(inspect.signature(c.__init__).parameters.values())]

    assert arguments(getattr(nn, name)) == arguments(getattr(torch.nn, name))


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("LSTM", (3, 4, 2, False, True, 0.3, True, 2)),
        ("GRU", (3, 4, 2, False, True, 0.3, True)),
        ("RNN", (3, 4, 2, "relu", False, True, 0.3, True)),
        ("RNN", (3, 4)),
        ("LSTM", (3, 4, 1, True, True)),
        ("LSTMCell", (3, 4, False)),
        ("GRUCell", (3, 4)),
        ("RNNCell", (3, 4, False, "relu")),
    ],
)
def test_positional_arguments_and_text(kind, arguments):
    ours, theirs = getattr(nn, kind)(*arguments), getattr(torch.nn, kind)(*arguments)
    assert repr(ours) == repr(theirs)
    assert [(k, tuple(v.shape)) for k, v in ours.state_dict().items()] == [(k, tuple(v.shape)) for k, v in theirs.state_dict().items()]
    if "Cell" not in kind:
        assert [[tuple(w.shape) for w in ws] for ws in ours.all_weights] == [[tuple(w.shape) for w in ws] for ws in theirs.all_weights]
        for name in "mode input_size hidden_size num_layers bias batch_first dropout bidirectional proj_size".split():
            assert getattr(ours, name) == getattr(theirs, name)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell"])
def test_first_weights_are_distributed_alike(kind):
    ours, theirs = getattr(nn, kind)(30, 500), getattr(torch.nn, kind)(30, 500)
    for o, t in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert np.abs(o.detach().numpy()).max() <= 500**-0.5 * (1 + 1e-6)
        np.testing.assert_allclose(o.detach().numpy().std(), t.detach().numpy().std(), rtol=0.25)


BAD = {
    "hidden_size 0": lambda L, nn: nn.LSTM(3, 0),
    "input_size 0": lambda L, nn: nn.GRU(0, 3),
    "negative hidden_size": lambda L, nn: nn.RNN(3, -1),
    "no layers": lambda L, nn: nn.LSTM(3, 4, 0),
    "a fraction of a layer": lambda L, nn: nn.LSTM(3, 4, 1.5),
    "input_size text": lambda L, nn: nn.LSTM("a", 4),
    "hidden_size a fraction": lambda L, nn: nn.LSTM(3, 4.5),
    "dropout 2": lambda L, nn: nn.LSTM(3, 4, dropout=2),
    "dropout True": lambda L, nn: nn.LSTM(3, 4, dropout=True),
    "dropout text": lambda L, nn: nn.LSTM(3, 4, dropout="a"),
    "negative proj_size": lambda L, nn: nn.LSTM(3, 4, proj_size=-1),
    "proj_size not smaller": lambda L, nn: nn.LSTM(3, 4, proj_size=4),
    "proj_size of a GRU": lambda L, nn: nn.GRU(3, 4, proj_size=2),
    "proj_size of an RNN": lambda L, nn: nn.RNN(3, 4, proj_size=2),
    "nonlinearity": lambda L, nn: nn.RNN(3, 4, nonlinearity="sigmoid"),
    "mode": lambda L, nn: nn.RNNBase("FOO", 3, 4),
    "mode twice": lambda L, nn: nn.RNN(3, 4, mode="RNN_TANH"),
    "too few arguments": lambda L, nn: nn.LSTM(3),
    "unknown argument": lambda L, nn: nn.LSTM(3, 4, foo=1),
    "features": lambda L, nn: nn.LSTM(3, 4)(L.zeros(5, 2, 7)),
    "one dimension": lambda L, nn: nn.GRU(3, 4)(L.zeros(5)),
    "four dimensions": lambda L, nn: nn.RNN(3, 4)(L.zeros(1, 5, 2, 3)),
    "batch of h_0": lambda L, nn: nn.GRU(3, 4)(L.zeros(5, 2, 3), L.zeros(1, 3, 4)),
    "batch of c_0": lambda L, nn: nn.LSTM(3, 4)(L.zeros(5, 2, 3), (L.zeros(1, 2, 4), L.zeros(1, 3, 4))),
    "width of h_0": lambda L, nn: nn.RNN(3, 4)(L.zeros(5, 2, 3), L.zeros(1, 2, 5)),
    "layers of h_0": lambda L, nn: nn.RNN(3, 4)(L.zeros(5, 2, 3), L.zeros(2, 2, 4)),
    "h_0 with a batch": lambda L, nn: nn.GRU(3, 4)(L.zeros(5, 3), L.zeros(1, 2, 4)),
    "h_0 without a batch": lambda L, nn: nn.GRU(3, 4)(L.zeros(5, 2, 3), L.zeros(1, 4)),
    "states with a batch": lambda L, nn: nn.LSTM(3, 4)(L.zeros(5, 3), (L.zeros(1, 2, 4), L.zeros(1, 2, 4))),
    "float64 input": lambda L, nn: nn.LSTM(3, 4)(L.zeros(5, 2, 3, dtype=L.float64)),
    "integer input": lambda L, nn: nn.LSTM(3, 4)(L.zeros(5, 2, 3, dtype=L.int64)),
    "float64 states": lambda L, nn: nn.GRU(3, 4)(L.zeros(5, 2, 3), L.zeros(1, 2, 4, dtype=L.float64)),
    "no steps": lambda L, nn: nn.RNN(3, 4)(L.zeros(0, 2, 3)),
    "features of a cell": lambda L, nn: nn.LSTMCell(3, 4)(L.zeros(2, 5)),
    "three dimensions for a cell": lambda L, nn: nn.GRUCell(3, 4)(L.zeros(5, 2, 3)),
    "no dimension for a cell": lambda L, nn: nn.RNNCell(3, 4)(L.zeros(())),
    "three dimensions of a cell's state": lambda L, nn: nn.RNNCell(3, 4)(L.zeros(2, 3), L.zeros(1, 2, 4)),
    "batch of a cell's state": lambda L, nn: nn.GRUCell(3, 4)(L.zeros(2, 3), L.zeros(1, 4)),
    "width of a cell's state": lambda L, nn: nn.RNNCell(3, 4)(L.zeros(2, 3), L.zeros(2, 5)),
    "width of a cell's c": lambda L, nn: nn.LSTMCell(3, 4)(L.zeros(2, 3), (L.zeros(2, 4), L.zeros(2, 5))),
    "a tensor for a pair": lambda L, nn: nn.LSTMCell(3, 4)(L.zeros(2, 3), L.zeros(2, 4)),
    "one state of two": lambda L, nn: nn.LSTMCell(3, 4)(L.zeros(2, 3), (L.zeros(2, 4),)),
    "float64 for a cell": lambda L, nn: nn.GRUCell(3, 4)(L.zeros(2, 3, dtype=L.float64)),
    "a cell's nonlinearity": lambda L, nn: nn.RNNCell(3, 4, nonlinearity="sigmoid")(L.zeros(2, 3)),
}


@pytest.mark.parametrize("name", BAD)
def test_what_pytorch_refuses_is_refused_with_its_type(name):
    raised = []
    for libraries in LIBRARIES.values():
        with pytest.raises((RuntimeError, ValueError, TypeError)) as error:
            BAD[name](*libraries)
        raised.append(error.type)
    assert issubclass(*raised), raised


def test_the_warning_of_dropout_with_one_layer():
    told = []
    for _, library in LIBRARIES.values():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            library.LSTM(3, 4, dropout=0.5)
        told.append([(w.category, str(w.message)) for w in caught])
    assert told[0] == told[1]
