"""Parametrizations against PyTorch: names, values, gradients, assignment and removal, from the same state."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import torch.nn.utils.parametrizations as their_kinds  # noqa: E402
from torch.nn.utils import parametrize as theirs  # noqa: E402

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402
from nn.utils import parametrizations as our_kinds  # noqa: E402
from nn.utils import parametrize as ours  # noqa: E402
from tests.parity.agreement import close  # noqa: E402

LIBRARIES = [(ag, nn, ours, our_kinds), (torch, torch.nn, theirs, their_kinds)]


def take_state(mine, other):
    mine.load_state_dict({k: ag.tensor(v.detach().numpy()) for k, v in other.state_dict().items()})


def agree(mine, other, twice=True):
    """Keys, values and the derivatives of first (and second) order of a loss of the output."""
    assert [(k, tuple(v.shape)) for k, v in mine.state_dict().items()] == [(k, tuple(v.shape)) for k, v in other.state_dict().items()]
    assert repr(mine) == repr(other)
    x = np.random.default_rng(0).standard_normal((7, mine.in_features))
    found = []
    for library, module in ((ag, mine), (torch, other)):
        out = module(library.tensor(x))
        parameters = [p for p in module.parameters() if p.requires_grad]
        first = library.autograd.grad((out**3).sum(), parameters, create_graph=True)
        second = library.autograd.grad(sum((g * g).sum() for g in first), parameters, materialize_grads=True)
        found.append([out, *first, *(second if twice else ())])
    for a, b in zip(*found, strict=True):
        close(a, b)


KINDS = [
    *[("weight_norm", {"dim": dim}, (3, 4)) for dim in (0, 1, None)],
    ("spectral_norm", {}, (3, 4)),
    ("spectral_norm", {"dim": 1, "n_power_iterations": 3}, (4, 3)),
    *[
        ("orthogonal", {"orthogonal_map": kind, "use_trivialization": trivial}, shape)
        for kind in (None, "matrix_exp", "cayley", "householder")
        for trivial in (True, False)
        for shape in ((3, 3), (3, 5), (5, 3))
    ],
]


@pytest.mark.parametrize(("name", "settings", "shape"), KINDS)
def test_the_three_kinds(name, settings, shape):
    torch.manual_seed(0)
    mine, other = (getattr(kinds, name)(lib.Linear(*shape).double(), **settings) for _, lib, _, kinds in LIBRARIES)
    assert ours.is_parametrized(mine)
    take_state(mine, other)
    # PyTorch's kernel for dim 0 and the last takes the norms for constants in its second derivative: its gradgradcheck fails.
    twice = name != "weight_norm" or settings["dim"] is None
    agree(mine, other, twice)
    mine.eval()
    other.eval()
    agree(mine, other, twice)
    for removal in (ours, theirs):
        module = mine if removal is ours else other
        before = module.weight.detach().numpy().copy()
        removal.remove_parametrizations(module, "weight")
        np.testing.assert_allclose(module.weight.detach().numpy(), before, 1e-12)
    agree(mine, other)
    assert type(mine) is nn.Linear


@pytest.mark.parametrize("name", ["weight_norm", "orthogonal"])
@pytest.mark.parametrize("shape", [(4, 4), (4, 2)])
def test_assigning_sets_the_originals(name, shape):
    values = np.linalg.qr(np.random.default_rng(0).standard_normal((shape[1], shape[0])).T)[0].T
    made = []
    for library, lib, _, kinds in LIBRARIES:
        module = getattr(kinds, name)(lib.Linear(*shape).double())
        with library.no_grad():
            module.weight = library.tensor(values)
        np.testing.assert_allclose(module.weight.detach().numpy(), values, 1e-9, 1e-9)
        made.append({k: v for k, v in module.state_dict().items() if "bias" not in k and "base" not in k})
    for (k, a), (_, b) in zip(made[0].items(), made[1].items(), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), 1e-9, 1e-9, err_msg=k)


def test_kernels_of_convolutions_are_split_as_in_pytorch():
    rng = np.random.default_rng(0)
    kernel = rng.standard_normal((4, 3, 2, 2))
    for name, settings in (("weight_norm", {}), ("weight_norm", {"dim": 2}), ("spectral_norm", {}), ("spectral_norm", {"dim": 1})):
        made = []
        for library, lib, _, kinds in LIBRARIES:
            module = lib.Module()
            module.weight = lib.Parameter(library.tensor(kernel))
            made.append(getattr(kinds, name)(module, **settings))
        take_state(*made)
        assert [tuple(v.shape) for v in made[0].state_dict().values()] == [tuple(v.shape) for v in made[1].state_dict().values()]
        close(made[0].weight, made[1].weight)


def test_states_of_the_older_weight_norm_can_be_loaded():
    older = torch.nn.utils.weight_norm
    with pytest.warns(FutureWarning):
        other = older(torch.nn.Linear(3, 2))
    mine = our_kinds.weight_norm(nn.Linear(3, 2))
    take_state(mine, other)
    close(mine(ag.ones(3)), other(torch.ones(3)), 1e-6)


def custom(library, lib):
    class Symmetric(lib.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).mT

        def right_inverse(self, x):
            return x.triu()

    class Scaled(lib.Module):
        def __init__(self):
            super().__init__()
            self.scale = lib.Parameter(library.tensor(2.0, dtype=library.float64))

        def forward(self, x):
            return x * self.scale

        def right_inverse(self, x):
            return x / self.scale

    class LowRank(lib.Module):
        def forward(self, a, b):
            return a @ b

        def right_inverse(self, x):
            u, s, v = library.linalg.svd(x)
            return (u * s)[:, :2], v[:2]

    class Padded(lib.Module):
        def forward(self, x):
            return library.cat([x, x[:, :1]], 1)

    class Doubled(lib.Module):
        def forward(self, x):
            return x.double()

    return Symmetric, Scaled, LowRank, Padded, Doubled


@pytest.mark.parametrize("chain", [[0], [1], [2], [0, 1], [1, 0], [2, 1]])
def test_parametrizations_of_the_users_own_and_chains_of_them(chain):
    start = np.random.default_rng(0).standard_normal((3, 3))
    made = []
    for library, lib, place, _ in LIBRARIES:
        module = lib.Linear(3, 3).double()
        module.weight.data = library.tensor(start)
        for k in chain:
            assert place.register_parametrization(module, "weight", custom(library, lib)[k]()) is module
        made.append(module)
    take_state(*made)
    agree(*made)
    values = np.random.default_rng(1).standard_normal((3, 3))
    values += values.T
    for module, (library, *_) in zip(made, LIBRARIES, strict=True):
        module.weight = library.tensor(values)
    close(made[0].weight, made[1].weight)
    if chain != [2, 1] and chain != [2]:
        for module, (_, _, place, _) in zip(made, LIBRARIES, strict=True):
            place.remove_parametrizations(module, "weight", leave_parametrized=False)
        agree(*made)


def test_buffers_and_frozen_parameters():
    for library, lib, place, _ in LIBRARIES:
        Symmetric, *_ = custom(library, lib)
        module = lib.Module()
        module.register_buffer("cov", library.ones(2, 2))
        module.fixed = lib.Parameter(library.ones(2, 2), requires_grad=False)
        place.register_parametrization(module, "cov", Symmetric())
        place.register_parametrization(module, "fixed", Symmetric())
        assert [n for n, _ in module.named_buffers()] == ["parametrizations.cov.original"]
        assert [(n, p.requires_grad) for n, p in module.named_parameters()] == [("parametrizations.fixed.original", False)]
        assert place.type_before_parametrizations(module) is lib.Module
        place.remove_parametrizations(module, "cov")
        assert place.is_parametrized(module, "fixed")
        assert not place.is_parametrized(module, "cov")
        place.remove_parametrizations(module, "fixed")
        assert type(module) is lib.Module
        assert list(module._modules) == []
        assert [n for n, _ in module.named_buffers()] == ["cov"]
        assert [n for n, _ in module.named_parameters()] == ["fixed"]


def wrong(library, lib, place, kinds):
    Symmetric, _, LowRank, Padded, Doubled = custom(library, lib)
    return [
        lambda: place.register_parametrization(lib.Linear(2, 2), "nothing", Symmetric()),
        lambda: place.register_parametrization(lib.Linear(2, 2), "weight", Padded()),
        lambda: place.register_parametrization(lib.Linear(2, 2), "weight", Doubled()),
        lambda: place.remove_parametrizations(lib.Linear(2, 2), "weight"),
        lambda: place.remove_parametrizations(
            place.register_parametrization(lib.Linear(3, 3).double(), "weight", LowRank()), "weight", leave_parametrized=False
        ),
        lambda: setattr(place.register_parametrization(lib.Linear(2, 2), "weight", Padded(), unsafe=True), "weight", library.ones(2, 2)),
        lambda: setattr(kinds.orthogonal(lib.Linear(2, 2)), "weight", library.ones(3, 3)),
        lambda: kinds.orthogonal(lib.Linear(2, 2), "bias"),
        lambda: kinds.orthogonal(lib.Linear(2, 2), orthogonal_map="qr"),
        lambda: kinds.orthogonal(lib.Linear(2, 2), "nothing"),
        lambda: kinds.spectral_norm(lib.Linear(2, 2), n_power_iterations=0),
        lambda: kinds.spectral_norm(lib.Linear(2, 2), "nothing"),
        lambda: kinds.spectral_norm(lib.Linear(2, 2), dim=2),
        lambda: place.ParametrizationList([], lib.Parameter(library.ones(1))),
        lambda: setattr(
            kinds.orthogonal(lib.Linear(2, 2), orthogonal_map="cayley", use_trivialization=False), "weight", library.ones(2, 2)
        ),
    ]


@pytest.mark.parametrize("case", range(15))
def test_errors_are_pytorchs(case):
    raised = []
    for libraries in LIBRARIES:
        with pytest.raises((ValueError, RuntimeError, IndexError, NotImplementedError)) as caught:
            wrong(*libraries)[case]()
        raised.append(caught.type.__name__)
    assert raised[0] == raised[1]


@pytest.mark.parametrize(
    ("mine", "other"),
    [
        *[(getattr(ours, n), getattr(theirs, n)) for n in ours.__all__],
        *[(getattr(our_kinds, n), getattr(their_kinds, n)) for n in our_kinds.__all__],
    ],
)
def test_signatures(mine, other):
    listed = [[(p.name, p.kind, p.default) for p in inspect.signature(f).parameters.values()] for f in (mine, other)]
    assert listed[0] == listed[1]


LAYERS = [
    ("LSTM(3, 4)", "weight_hh_l0", (5, 2, 3)),
    ("GRU(3, 4, bidirectional=True)", "weight_ih_l0_reverse", (5, 2, 3)),
    ("LSTMCell(3, 4)", "weight_hh", (2, 3)),
    ("MultiheadAttention(4, 2)", "in_proj_weight", (5, 2, 4)),
    ("TransformerEncoderLayer(4, 2, 8, dropout=0.0)", "self_attn.in_proj_weight", (5, 2, 4)),
    ("BatchNorm1d(3)", "weight", (5, 3)),
    ("LayerNorm(3)", "weight", (4, 3)),
    ("Conv2d(2, 3, 2)", "weight", (1, 2, 4, 4)),
    ("ConvTranspose1d(2, 3, 2)", "weight", (1, 2, 4)),
    ("Embedding(5, 3)", "weight", None),
    ("EmbeddingBag(5, 3)", "weight", None),
    ("Bilinear(3, 3, 2)", "weight", (4, 3)),
    ("PReLU(3)", "weight", (4, 3)),
]


@pytest.mark.filterwarnings("ignore:.*weight_norm. is deprecated:FutureWarning")
@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize(("text", "name", "shape"), LAYERS)
def test_the_weights_of_every_kind_of_layer_can_be_parametrized(text, name, shape, older):
    made = []
    for _, lib, _, kinds in LIBRARIES:
        module = eval(f"lib.{text}", {"lib": lib}).double()
        path, _, weight = name.rpartition(".")
        (lib.utils.weight_norm if older else kinds.weight_norm)(module.get_submodule(path), weight)
        made.append(module)
    take_state(*made)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 5, (2, 3)) if shape is None else rng.standard_normal(shape)
    found = []
    for (library, *_), module in zip(LIBRARIES, made, strict=True):
        inputs = [library.tensor(x)] * {"MultiheadAttention": 3, "Bilinear": 2}.get(text.split("(")[0], 1)
        out = module(*inputs)
        out = out[0] if isinstance(out, tuple) else out
        found.append([out, *library.autograd.grad((out**2).sum(), list(module.parameters()), materialize_grads=True)])
    for a, b in zip(*found, strict=True):
        close(a, b, 1e-8)
