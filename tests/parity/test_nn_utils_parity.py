"""nn.utils against PyTorch: the older weight and spectral norm, layers fused, gradients clipped, parameters as a vector."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402

LIBRARIES = [(ag, nn), (torch, torch.nn)]

pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm. is deprecated:FutureWarning")


def close(mine, theirs, tolerance=1e-9):
    np.testing.assert_allclose(mine.detach().numpy(), theirs.detach().numpy(), tolerance, tolerance)


def take_state(mine, theirs):
    assert list(mine.state_dict()) == list(theirs.state_dict())
    mine.load_state_dict({k: ag.tensor(v.detach().numpy()) for k, v in theirs.state_dict().items()})


def agree(mine, theirs, shape, tolerance=1e-9):
    x = np.random.default_rng(0).standard_normal(shape)
    found = []
    for library, module in ((ag, mine), (torch, theirs)):
        out = module(library.tensor(x))
        wanted = [p for p in module.parameters() if p.requires_grad]
        found.append([out, *(library.autograd.grad((out**2).sum(), wanted, materialize_grads=True) if wanted else ())])
    for a, b in zip(*found, strict=True):
        close(a, b, tolerance)


LAYERS = [
    ("Linear(3, 4)", (2, 3), {}),
    ("Linear(3, 4)", (2, 3), {"dim": None}),
    ("Conv1d(2, 4, 3)", (2, 2, 5), {}),
    ("Conv2d(2, 4, 3)", (2, 2, 5, 4), {"dim": 1}),
    ("ConvTranspose2d(2, 4, 3)", (2, 2, 5, 4), {}),
]


@pytest.mark.parametrize(("text", "shape", "settings"), LAYERS)
@pytest.mark.parametrize("kind", ["weight_norm", "spectral_norm"])
def test_the_older_norms(kind, settings, text, shape):
    made = [getattr(lib.utils, kind)(eval(f"lib.{text}", {"lib": lib}).double(), **settings) for _, lib in LIBRARIES]
    take_state(*made)
    for training in (True, True, False):
        for module in made:
            module.train(training)
        agree(*made, shape)
        for a, b in zip(made[0].state_dict().values(), made[1].state_dict().values(), strict=True):
            close(a, b)
    for (_, lib), module in zip(LIBRARIES, made, strict=True):
        assert getattr(lib.utils, f"remove_{kind}")(module) is module
    assert [n for n, _ in made[0].named_parameters()] == [n for n, _ in made[1].named_parameters()]
    agree(*made, shape)


@pytest.mark.parametrize("kind", ["weight_norm", "spectral_norm"])
def test_errors_of_the_older_norms(kind):
    raised = []
    for _, lib in LIBRARIES:
        on, off = getattr(lib.utils, kind), getattr(lib.utils, f"remove_{kind}")
        cases = [
            lambda on=on, lib=lib: on(on(lib.Linear(2, 2))), lambda off=off, lib=lib: off(lib.Linear(2, 2)),
            lambda on=on, off=off, lib=lib: off(on(lib.Linear(2, 2)), "bias"),
            lambda on=on, lib=lib: on(lib.Linear(2, 2), "nothing"),
            lambda on=on, lib=lib: on(lib.Linear(2, 2), n_power_iterations=0),
        ]  # fmt: skip
        for case in cases:
            with pytest.raises((ValueError, RuntimeError, KeyError, AttributeError, TypeError)) as caught:
                case()
            raised.append(caught.type.__name__)
    assert raised[: len(raised) // 2] == raised[len(raised) // 2 :]


# ---------------------------------------------------------------------- fusion


def trained(lib, library, layer, norm):
    made = lib.Sequential(eval(f"lib.{layer}", {"lib": lib}), eval(f"lib.{norm}", {"lib": lib})).double()
    return made.eval()


FUSED = [
    ("Conv1d(2, 4, 3)", "BatchNorm1d(4)", (2, 2, 6), {}),
    ("Conv2d(2, 4, 3, bias=False, groups=2)", "BatchNorm2d(4)", (2, 2, 6, 5), {}),
    ("Conv2d(2, 4, 3)", "BatchNorm2d(4, affine=False)", (2, 2, 6, 5), {}),
    ("Conv3d(1, 2, 2)", "BatchNorm3d(2)", (1, 1, 3, 3, 3), {}),
    ("ConvTranspose2d(2, 4, 3)", "BatchNorm2d(4)", (2, 2, 3, 4), {"transpose": True}),
    ("Linear(3, 4)", "BatchNorm1d(4)", (5, 3), None),
    ("Linear(3, 4, bias=False)", "BatchNorm1d(4)", (5, 3), None),
]


@pytest.mark.parametrize(("layer", "norm", "shape", "settings"), FUSED)
def test_layers_fused_for_evaluation(layer, norm, shape, settings):
    pairs = [trained(lib, library, layer, norm) for library, lib in LIBRARIES]
    rng = np.random.default_rng(0)
    state = {
        k: np.array(3) if "num_batches" in k else (np.abs if "var" in k else np.asarray)(rng.standard_normal(tuple(v.shape)))
        for k, v in pairs[1].state_dict().items()
    }
    made = []
    for (library, lib), both in zip(LIBRARIES, pairs, strict=True):
        both.load_state_dict({k: library.tensor(v) for k, v in state.items()})
        before = {k: v.clone() for k, v in both.state_dict().items()}
        fuse = lib.utils.fuse_linear_bn_eval if settings is None else lib.utils.fuse_conv_bn_eval
        made.append(fuse(*both, **(settings or {})))
        assert made[-1] is not both[0]
        assert all((v == before[k]).all() for k, v in both.state_dict().items())
    agree(*made, shape)
    assert [p.requires_grad for p in made[0].parameters()] == [p.requires_grad for p in made[1].parameters()]
    x = ag.tensor(rng.standard_normal(shape))
    np.testing.assert_allclose(made[0](x).detach().numpy(), pairs[0](x).detach().numpy(), 1e-9, 1e-9)


def test_what_cannot_be_fused():
    for _, lib in LIBRARIES:
        for wrong in (
            lambda lib=lib: lib.utils.fuse_conv_bn_eval(lib.Conv1d(1, 1, 1), lib.BatchNorm1d(1).eval()),
            lambda lib=lib: lib.utils.fuse_linear_bn_eval(lib.Linear(1, 1).eval(), lib.BatchNorm1d(1)),
            lambda lib=lib: lib.utils.fuse_conv_bn_eval(lib.Conv1d(1, 1, 1).eval(), lib.BatchNorm1d(1, track_running_stats=False).eval()),
            lambda lib=lib: lib.utils.fuse_linear_bn_eval(lib.Linear(1, 3).eval(), lib.BatchNorm1d(2).eval()),
        ):
            with pytest.raises(AssertionError):
                wrong()


# ---------------------------------------------------------------------- gradients and vectors


def gradients(library, lib, arrays):
    parameters = [lib.Parameter(library.tensor(a)) for a in arrays]
    for p, a in zip(parameters, arrays, strict=True):
        p.grad = library.tensor(a)
    return [*parameters, lib.Parameter(library.ones(2))]


NORMS = [0.0, 0.5, 1, 2, 2.0, 3.0, float("inf"), -float("inf"), "inf"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("foreach", [None, True, False])
@pytest.mark.parametrize("norm_type", NORMS)
def test_norms_and_clipping(norm_type, foreach, dtype):
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((3, 4)).astype(dtype), np.array(rng.standard_normal(), dtype), rng.standard_normal(5).astype(dtype)]
    tolerance = 1e-9 if dtype == "float64" else 1e-5
    made = []
    for library, lib in LIBRARIES:
        parameters = gradients(library, lib, arrays)
        grads = [p.grad for p in parameters[:-1]]
        found = [lib.utils.get_total_norm(grads, norm_type, foreach=foreach), lib.utils.get_total_norm(grads[0], norm_type)]
        found.append(lib.utils.clip_grad_norm_(iter(parameters), 0.7, norm_type, foreach=foreach))
        found.append(lib.utils.clip_grad_norm_(parameters[0], 100.0, norm_type, foreach=foreach))
        lib.utils.clip_grads_with_norm_(parameters, 0.1, library.tensor(2.0), foreach=foreach)
        found += grads
        lib.utils.clip_grad_value_(parameters, 0.01, foreach=foreach)
        made.append(found + [g.clone() for g in grads])
    for a, b in zip(*made, strict=True):
        assert str(a.dtype) == str(b.dtype).removeprefix("torch.")
        assert a.shape == tuple(b.shape)
        close(a, b, tolerance)


@pytest.mark.parametrize(
    "dtypes", [("float32", "float64"), ("float64", "float32"), ("float16", "float32"), ("float16",), ("complex64", "float32")]
)
@pytest.mark.parametrize("norm_type", [1.0, 2.0, float("inf")])
def test_norms_of_other_and_several_dtypes(norm_type, dtypes):
    rng = np.random.default_rng(0)
    arrays = [(rng.standard_normal(4) * (1 + 1j if d[0] == "c" else 1)).astype(d) for d in dtypes]
    mine, theirs = (lib.utils.get_total_norm([library.tensor(a) for a in arrays], norm_type) for library, lib in LIBRARIES)
    assert str(mine.dtype) == str(theirs.dtype).removeprefix("torch.")
    close(mine, theirs, 1e-3)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # NumPy's, for the NaN that comes of it
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_norms_that_are_not_finite(value):
    made = []
    for library, lib in LIBRARIES:
        parameters = gradients(library, lib, [np.array([value, 1.0]), np.ones(3)])
        with pytest.raises(RuntimeError, match="non-finite"):
            lib.utils.clip_grad_norm_(parameters, 1.0, error_if_nonfinite=True)
        with pytest.raises(RuntimeError, match="non-finite"):
            lib.utils.get_total_norm([parameters[0].grad], error_if_nonfinite=True)
        assert parameters[1].grad.tolist() == [1, 1, 1]
        made.append([lib.utils.clip_grad_norm_(parameters, 1.0), *[p.grad for p in parameters[:2]]])
    for a, b in zip(*made, strict=True):
        close(a, b)


def test_no_gradients_at_all():
    for library, lib in LIBRARIES:
        assert lib.utils.clip_grad_norm_([], 1.0).item() == 0
        assert lib.utils.clip_grad_norm_([lib.Parameter(library.ones(2))], 1.0).item() == 0
        assert lib.utils.get_total_norm([]).item() == 0


def test_vectors_of_parameters():
    rng = np.random.default_rng(0)
    start, new = rng.standard_normal((3, 2)), rng.standard_normal(8)
    made = []
    for library, lib in LIBRARIES:
        layer = lib.Linear(2, 3).double()
        layer.weight.data, layer.bias.data = library.tensor(start), library.zeros(3, dtype=library.float64)
        vector = lib.utils.parameters_to_vector(layer.parameters())
        (gradient,) = library.autograd.grad((vector**2).sum(), [layer.weight])
        lib.utils.vector_to_parameters(library.tensor(rng.standard_normal(9) * 0 + 2), layer.parameters())
        assert layer.weight.requires_grad
        with pytest.raises(RuntimeError):
            lib.utils.vector_to_parameters(library.tensor(new), layer.parameters())
        with pytest.raises(TypeError):
            lib.utils.vector_to_parameters([1.0] * 9, layer.parameters())
        made.append([vector, gradient, layer.bias])
    for a, b in zip(*made, strict=True):
        close(a, b)


NAMES = """
    weight_norm remove_weight_norm spectral_norm remove_spectral_norm fuse_conv_bn_eval fuse_linear_bn_eval fuse_conv_bn_weights
    fuse_linear_bn_weights clip_grad_norm_ clip_grad_value_ clip_grads_with_norm_ get_total_norm parameters_to_vector vector_to_parameters
"""


@pytest.mark.parametrize("name", NAMES.split())
def test_signatures(name):
    functions = [getattr(lib.utils, name) for _, lib in LIBRARIES]
    listed = [[(p.name, p.kind, p.default) for p in inspect.signature(f).parameters.values()] for f in functions]
    assert listed[0] == listed[1]
