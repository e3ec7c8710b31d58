"""Normalisation against PyTorch: functions and modules over many arguments, running statistics, what is refused."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402
from tests.parity.agreement import close, functions_agree, modules_agree, same_state, states_agree  # noqa: E402

F, TF = nn.functional, torch.nn.functional
DTYPES = ["float64", "float32"]
NAMES = "batch_norm layer_norm group_norm instance_norm rms_norm local_response_norm normalize".split()
CLASSES = (
    "BatchNorm1d BatchNorm2d BatchNorm3d InstanceNorm1d InstanceNorm2d InstanceNorm3d LayerNorm GroupNorm RMSNorm LocalResponseNorm".split()
)


def numbers(*shape, seed=3):
    return np.random.default_rng(seed).standard_normal(shape) * 2 + 0.5


@pytest.mark.parametrize(
    ("mine", "theirs"), [(getattr(F, n), getattr(TF, n)) for n in NAMES] + [(getattr(nn, n), getattr(torch.nn, n)) for n in CLASSES]
)
def test_arguments_are_named_ordered_and_preset_as_in_pytorch(mine, theirs):
    listed = [[(p.name, p.kind, p.default) for p in inspect.signature(f).parameters.values()] for f in (mine, theirs)]
    assert listed[0] == listed[1]


# ---------------------------------------------------------------------- functions

LAYERS = [((4, 5), 1), ((2, 3, 4, 5), 2), ((3,), 1), ((0, 3), 1), ((2, 400), 1), ((3, 2, 5), 3), ((5, 1), 1)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("given", [0, 1, 2])
@pytest.mark.parametrize(("shape", "dims"), LAYERS)
def test_layer_norm(shape, dims, given, dtype):
    sizes = shape[-dims:]
    arrays = [numbers(*shape), numbers(*sizes, seed=4), numbers(*sizes, seed=5)][: 1 + given]
    functions_agree(lambda x, *p: F.layer_norm(x, sizes, *p, eps=1e-3), lambda x, *p: TF.layer_norm(x, sizes, *p, eps=1e-3), arrays, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("eps", [None, 1e-3])
@pytest.mark.parametrize("given", [0, 1])
@pytest.mark.parametrize(("shape", "dims"), LAYERS)
def test_rms_norm(shape, dims, given, eps, dtype):
    sizes = shape[-dims:]
    arrays = [numbers(*shape), numbers(*sizes, seed=4)][: 1 + given]
    functions_agree(lambda x, *p: F.rms_norm(x, sizes, *p, eps=eps), lambda x, *p: TF.rms_norm(x, sizes, *p, eps=eps), arrays, dtype)


def test_bias_without_weight():
    arrays = [numbers(4, 5), numbers(5, seed=4)]
    functions_agree(lambda x, b: F.layer_norm(x, (5,), None, b), lambda x, b: TF.layer_norm(x, (5,), None, b), arrays, orders=1)
    alone = lambda x, b: TF.group_norm(x, 5) + b[:, None]  # PyTorch's own backward pass fails without a weight
    functions_agree(lambda x, b: F.group_norm(x, 5, None, b), alone, [numbers(4, 5, 3), arrays[1]])
    batch = lambda f: lambda x, b: f.batch_norm(x, None, None, None, b, training=True)
    functions_agree(batch(F), batch(TF), arrays, orders=1)


CHANNELS = [(4, 6), (3, 6, 5), (2, 6, 3, 4), (2, 6, 9, 9), (1, 6, 2, 2, 3), (5, 6, 400)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("given", [0, 1, 2])
@pytest.mark.parametrize("shape", CHANNELS)
def test_batch_norm_in_training(shape, given, dtype):
    arrays = [numbers(*shape), numbers(6, seed=4), numbers(6, seed=5)][: 1 + given]
    call = lambda f: lambda x, *p: f.batch_norm(x, None, None, *p, training=True, eps=1e-3)
    functions_agree(call(F), call(TF), arrays, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("given", [0, 1, 2])
@pytest.mark.parametrize("shape", [*CHANNELS, (0, 6, 2), (1, 6)])
def test_batch_norm_in_evaluation(shape, given, dtype):
    arrays = [numbers(*shape), numbers(6, seed=4), numbers(6, seed=5)][: 1 + given]
    statistics = numbers(6).astype(dtype), numbers(6).astype(dtype) ** 2
    call = lambda f, make: lambda x, *p: f.batch_norm(x, *map(make, statistics), *p, eps=1e-3)
    functions_agree(call(F, ag.tensor), call(TF, torch.tensor), arrays, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("given", [0, 1, 2])
@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("shape", CHANNELS)
def test_group_norm(shape, groups, given, dtype):
    if len(shape) == 2 and groups == 6:
        pytest.skip("every group has one value: its variance is 0, and its gradient rounding alone")
    arrays = [numbers(*shape), numbers(6, seed=4), numbers(6, seed=5)][: 1 + given]
    functions_agree(lambda x, *p: F.group_norm(x, groups, *p), lambda x, *p: TF.group_norm(x, groups, *p), arrays, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("given", [0, 1, 2])
@pytest.mark.parametrize("shape", CHANNELS[1:])
def test_instance_norm(shape, given, dtype):
    arrays = [numbers(*shape), numbers(6, seed=4), numbers(6, seed=5)][: 1 + given]
    functions_agree(lambda x, *p: F.instance_norm(x, None, None, *p), lambda x, *p: TF.instance_norm(x, None, None, *p), arrays, dtype)
    statistics = numbers(6).astype(dtype), numbers(6).astype(dtype) ** 2
    call = lambda f, make: lambda x, *p: f.instance_norm(x, *map(make, statistics), *p, use_input_stats=False)
    functions_agree(call(F, ag.tensor), call(TF, torch.tensor), arrays, dtype)


@pytest.mark.parametrize("momentum", [0.1, 0.0, 1.0])
@pytest.mark.parametrize("name", ["batch_norm", "instance_norm"])
@pytest.mark.parametrize("shape", [(4, 3, 5), (2, 3, 4, 4), (0, 3, 5)])
def test_running_statistics_move(shape, name, momentum):
    x, mean, variance = numbers(*shape), numbers(3), numbers(3) ** 2
    kept = [[make(a) for a in (mean, variance)] for make in (ag.tensor, torch.tensor)]
    settings = {"training": True} if name == "batch_norm" else {}
    out = getattr(F, name)(ag.tensor(x), *kept[0], momentum=momentum, **settings)
    expected = getattr(TF, name)(torch.tensor(x), *kept[1], momentum=momentum, **settings)
    close(out, expected)
    if x.size:  # PyTorch makes NaN of the statistics of nothing
        for mine, theirs in zip(*kept, strict=True):
            close(mine, theirs)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("settings", [(1,), (2, 0.3, 0.6, 1.5), (3, 1.0), (9, 0.5, 2.0, 0.7)])
@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 6, 3, 4), (0, 3, 2), (2, 1, 2, 2, 2)])
def test_local_response_norm(shape, settings, dtype):
    functions_agree(lambda x: F.local_response_norm(x, *settings), lambda x: TF.local_response_norm(x, *settings), [numbers(*shape)], dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("settings", [{}, {"p": 1.0}, {"p": 3, "dim": 0}, {"p": float("inf"), "dim": -1}, {"dim": (0, 1)}, {"eps": 4.0}])
def test_normalize(settings, dtype):
    functions_agree(lambda x: F.normalize(x, **settings), lambda x: TF.normalize(x, **settings), [numbers(4, 5)], dtype)


def test_normalize_out_and_complex():
    z = numbers(3, 4) + 1j * numbers(3, 4, seed=4)
    close(F.normalize(ag.tensor(z)), TF.normalize(torch.tensor(z)))
    x, out = ag.tensor(numbers(3, 4), requires_grad=True), ag.empty(3, 4, dtype=ag.float64)
    assert F.normalize(x, out=out) is out
    assert not out.requires_grad
    close(out, TF.normalize(torch.tensor(numbers(3, 4))))


@pytest.mark.parametrize("name", ["layer_norm", "rms_norm", "group_norm", "batch_norm", "instance_norm"])
def test_half_precision_is_computed_in_float32(name):
    x, w = numbers(4, 6, 5) * 100, numbers(6)
    call = {
        "layer_norm": lambda f, x, w: f.layer_norm(x, (6, 5)),
        "rms_norm": lambda f, x, w: f.rms_norm(x, (6, 5)),
        "group_norm": lambda f, x, w: f.group_norm(x, 3, w),
        "batch_norm": lambda f, x, w: f.batch_norm(x, None, None, w, training=True),
        "instance_norm": lambda f, x, w: f.instance_norm(x, None, None, w),
    }[name]
    mine = call(F, ag.tensor(x).half(), ag.tensor(w).half())
    theirs = call(TF, torch.tensor(x).half(), torch.tensor(w).half())
    close(mine, theirs, 5e-3)


def test_half_precision_with_parameters_of_float32():
    x, w = numbers(4, 6, 5), numbers(6)
    for name, call in {
        "group": lambda f, x, w: f.group_norm(x, 3, w, w),
        "batch": lambda f, x, w: f.batch_norm(x, None, None, w, w, training=True),
        "evaluation": lambda f, x, w: f.batch_norm(x, w.detach(), w.detach() ** 2 + 1, w, w),
        "layer": lambda f, x, w: f.layer_norm(x.transpose(1, 2), (6,), w, w),
    }.items():
        h, p = ag.tensor(x).half().requires_grad_(), ag.tensor(w).float().requires_grad_()
        g, q = torch.tensor(x).half().requires_grad_(), torch.tensor(w).float().requires_grad_()
        mine, theirs = call(F, h, p), call(TF, g, q)
        close(mine, theirs, 5e-3)
        mine.float().square().sum().backward()
        theirs.float().square().sum().backward()
        assert (h.grad.dtype, p.grad.dtype) == (np.float16, np.float32), name
        close(p.grad, q.grad, 5e-3)


# ---------------------------------------------------------------------- modules

MODULES = [
    ("BatchNorm1d", (3,), {}, (4, 3)),
    ("BatchNorm1d", (3,), {"momentum": None}, (4, 3, 5)),
    ("BatchNorm1d", (3,), {"affine": False}, (4, 3, 5)),
    ("BatchNorm1d", (3,), {"bias": False}, (4, 3)),
    ("BatchNorm2d", (3,), {"eps": 1e-3, "momentum": 0.3}, (4, 3, 2, 5)),
    ("BatchNorm2d", (3,), {"track_running_stats": False}, (4, 3, 2, 5)),
    ("BatchNorm2d", (3, 1e-5, 0.1, False, False), {}, (4, 3, 2, 5)),
    ("BatchNorm3d", (3,), {}, (2, 3, 2, 2, 3)),
    ("InstanceNorm1d", (3,), {}, (4, 3, 5)),
    ("InstanceNorm1d", (3,), {"affine": True}, (3, 5)),
    ("InstanceNorm1d", (3,), {"track_running_stats": True, "affine": True}, (4, 3, 5)),
    ("InstanceNorm2d", (3,), {"track_running_stats": True, "momentum": None}, (4, 3, 5, 2)),
    ("InstanceNorm2d", (3,), {"track_running_stats": True}, (3, 5, 2)),
    ("InstanceNorm3d", (3,), {"affine": True, "bias": False}, (2, 3, 2, 2, 3)),
    ("LayerNorm", (5,), {}, (2, 3, 5)),
    ("LayerNorm", ((3, 5),), {"eps": 1e-2}, (2, 3, 5)),
    ("LayerNorm", ([5],), {"elementwise_affine": False}, (5,)),
    ("LayerNorm", (5,), {"bias": False}, (2, 5)),
    ("GroupNorm", (2, 6), {}, (3, 6, 4)),
    ("GroupNorm", (6, 6, 1e-3), {"affine": False}, (3, 6, 4, 2)),
    ("GroupNorm", (1, 6), {"bias": False}, (3, 6)),
    ("RMSNorm", (5,), {}, (2, 3, 5)),
    ("RMSNorm", ((3, 5), 1e-2), {}, (2, 3, 5)),
    ("RMSNorm", (5,), {"elementwise_affine": False}, (2, 5)),
    ("LocalResponseNorm", (2,), {"alpha": 0.4}, (2, 6, 4)),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "args", "settings", "shape"), MODULES)
def test_modules(name, args, settings, shape, dtype):
    mine, theirs = (getattr(lib, name)(*args, **settings) for lib in (nn, torch.nn))
    assert repr(mine) == repr(theirs)
    states_agree(mine, theirs)
    modules_agree(mine, theirs, [numbers(*shape)], dtype)
    for seed in (8, 9):  # the statistics of several batches
        modules_agree(mine, theirs, [numbers(*shape, seed=seed)], dtype, load=False, orders=1)
    modules_agree(mine.eval(), theirs.eval(), [numbers(*shape)], dtype, load=False)
    mine.train().reset_parameters() if name != "LocalResponseNorm" else None
    theirs.train().reset_parameters() if name != "LocalResponseNorm" else None
    states_agree(mine, theirs)


def test_dtype_and_device_arguments():
    for name, args in (("BatchNorm1d", (3,)), ("LayerNorm", (3,)), ("GroupNorm", (1, 3)), ("RMSNorm", (3,))):
        mine = getattr(nn, name)(*args, device="cpu", dtype=ag.float64)
        theirs = getattr(torch.nn, name)(*args, device="cpu", dtype=torch.float64)
        states_agree(mine, theirs)
        states_agree(mine.half(), theirs.half())


def test_statistics_of_a_whole_training_agree():
    mine, theirs = (
        lib.Sequential(lib.Linear(4, 3), lib.BatchNorm1d(3, momentum=None), lib.ReLU(), lib.LayerNorm(3)) for lib in (nn, torch.nn)
    )
    same_state(mine, theirs)
    for seed in range(5):
        x = numbers(6, 4, seed=seed)
        for model, make in ((mine, ag.tensor), (theirs, torch.tensor)):
            model.zero_grad()
            (model(make(x)) ** 2).sum().backward()
            for p in model.parameters():
                p.data.add_(p.grad, alpha=-0.1)
    states_agree(mine, theirs, 1e-8)


# ---------------------------------------------------------------------- what is refused

x23, x45, w3 = "L.ones(2, 3)", "L.ones(4, 5)", "L.ones(3)"
REFUSED = [
    f"F.layer_norm({x23}, (2,))",
    f"F.layer_norm({x23}, 3)",
    f"F.layer_norm({x23}, ())",
    f"F.layer_norm({x23}, (3,), L.ones(2))",
    f"F.layer_norm({x23}, (3,), {w3}.double())",
    f"F.layer_norm({x23}, (3,), {w3}, {w3}.double())",
    f"F.layer_norm({x23}.double(), (3,), {w3})",
    f"F.layer_norm({x23}.long(), (3,))",
    "F.layer_norm([1.0, 2.0], (2,))",
    f"F.rms_norm({x23}, (2,))",
    f"F.rms_norm({x23}, 3)",
    f"F.rms_norm({x23}, ())",
    f"F.rms_norm({x23}, (3,), L.ones(2))",
    f"F.rms_norm({x23}.long(), (3,))",
    f"F.batch_norm({x23}, None, None)",
    f"F.batch_norm({x23}, {w3}, None)",
    f"F.batch_norm({x23}, None, {w3})",
    f"F.batch_norm({x23}[:1], None, None, training=True)",
    f"F.batch_norm({x23}, L.ones(2), L.ones(2))",
    f"F.batch_norm({x23}, L.ones(2), L.ones(2), training=True)",
    f"F.batch_norm({x23}, {w3}, {w3}, L.ones(2))",
    f"F.batch_norm({x23}, {w3}, {w3}, {w3}, L.ones(2))",
    f"F.batch_norm({x23}, {w3}, {w3}, {w3}.double())",
    f"F.batch_norm({x23}.double(), {w3}, {w3})",
    f"F.batch_norm({x23}.long(), {w3}, {w3})",
    f"F.batch_norm({x23}.to(L.complex64), {w3}, {w3})",
    f"F.batch_norm({w3}, {w3}, {w3})",
    f"F.batch_norm({x23}, {w3}, None, training=True)",
    f"F.batch_norm({x23}, {w3}, {w3} * 1, training=True, eps=0)",
    f"F.batch_norm({x23}, {w3}, {w3}, eps=-1)",
    f"F.group_norm({x45}, 3)",
    f"F.group_norm({x45}, -1)",
    f"F.group_norm({x45}[0], 5)",
    f"F.group_norm({x45}[:1], 5)",
    f"F.group_norm({x45}, 5, L.ones(4))",
    f"F.group_norm({x45}, 5, L.ones(5).double())",
    f"F.group_norm({x45}.long(), 1)",
    f"F.instance_norm({x23})",
    "F.instance_norm(L.ones(2, 3, 1))",
    "F.instance_norm(L.ones(2, 3, 4), use_input_stats=False)",
    "F.instance_norm(L.ones(2, 3, 4), L.ones(3))",
    "F.instance_norm(L.ones(2, 3, 4), L.ones(2), L.ones(2))",
    "F.instance_norm(L.ones(2, 3, 4), None, None, L.ones(2))",
    "F.instance_norm(L.ones(2, 3, 4), None, None, L.ones(3).double())",
    "F.instance_norm(L.ones(2, 3, 4).long())",
    f"F.local_response_norm({x23}, 2)",
    "F.local_response_norm(L.ones(2, 3, 4), 0)",
    f"F.normalize({x23}.long())",
    f"F.normalize({x23}, dim=4)",
    f"N.BatchNorm1d(3)({w3})",
    "N.BatchNorm1d(3)(L.ones(4, 2))",
    f"N.BatchNorm2d(3)({x23})",
    "N.BatchNorm2d(3)(L.ones(1, 3, 1, 1))",
    "N.BatchNorm3d(3)(L.ones(1, 3, 2, 2))",
    "N.BatchNorm2d(3).eval()(L.ones(1, 4, 2, 2))",
    "N.BatchNorm1d(-3)",
    "N.InstanceNorm1d(3, affine=True)(L.ones(4, 2, 5))",
    "N.InstanceNorm1d(3, affine=True)(L.ones(4, 5))",
    "N.InstanceNorm2d(3)(L.ones(4, 5))",
    "N.InstanceNorm3d(3)(L.ones(4, 5, 2))",
    "N.GroupNorm(3, 4)",
    f"N.GroupNorm(2, 4)({x45})",
]


@pytest.mark.parametrize("call", REFUSED)
def test_what_pytorch_refuses_is_refused_with_its_exception(call):
    with pytest.raises(Exception) as theirs:  # noqa: PT011 - whichever PyTorch raises
        eval(call, {"L": torch, "F": TF, "N": torch.nn})
    with pytest.raises((RuntimeError, ValueError, TypeError, IndexError)) as mine:
        eval(call, {"L": ag, "F": F, "N": nn})
    kind = RuntimeError if theirs.type is NotImplementedError else theirs.type  # of dtypes there is no kernel for
    assert isinstance(mine.value, kind), f"{mine.value!r}, PyTorch {theirs.value!r}"


def test_a_size_that_does_not_matter_warns():
    for lib, tensors in ((nn, ag), (torch.nn, torch)):
        with pytest.warns(UserWarning, match="does not match num_features"):
            lib.InstanceNorm1d(3)(tensors.ones(4, 2, 5))


def test_nothing_is_counted_after_an_error():
    module = nn.BatchNorm1d(3)
    with warnings.catch_warnings(), pytest.raises(RuntimeError):
        module(ag.ones(4, 2))
    assert module.num_batches_tracked.item() == 0
    states_agree(module, torch.nn.BatchNorm1d(3))
