"""optim against PyTorch: trajectories of fifty steps for every option, state, printed form, errors."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402
import optim  # noqa: E402

STEPS = 50

OPTIONS = [
    ("SGD", {}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "maximize": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1, "maximize": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1, "maximize": True}),
    ("Adam", {}),
    ("Adam", {"lr": 0.1, "betas": (0.7, 0.9), "eps": 1e-3}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.1, "maximize": True}),
    ("Adam", {"lr": 0.1, "amsgrad": True}),
    ("Adam", {"lr": 0.1, "amsgrad": True, "weight_decay": 0.1, "maximize": True}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("Adam", {"lr": 0.1, "betas": (0.0, 0.0)}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.2}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.2, "amsgrad": True, "maximize": True}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.05, "alpha": 0.7, "eps": 1e-3}),
    ("RMSprop", {"lr": 0.05, "momentum": 0.8}),
    ("RMSprop", {"lr": 0.05, "centered": True}),
    ("RMSprop", {"lr": 0.05, "weight_decay": 0.1, "maximize": True}),
    ("RMSprop", {"lr": 0.05, "centered": True, "momentum": 0.5, "weight_decay": 0.1, "maximize": True}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1}),
    ("Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-3}),
    ("Adagrad", {"lr": 0.1, "weight_decay": 0.1, "maximize": True}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.5, "eps": 1e-3}),
    ("Adadelta", {"weight_decay": 0.1, "maximize": True}),
    ("Adamax", {}),
    ("Adamax", {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-3}),
    ("Adamax", {"lr": 0.1, "weight_decay": 0.1, "maximize": True}),
    ("NAdam", {}),
    ("NAdam", {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-3, "momentum_decay": 0.1}),
    ("NAdam", {"lr": 0.1, "weight_decay": 0.1}),
    ("NAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}),
    ("RAdam", {}),
    ("RAdam", {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-3}),
    ("RAdam", {"lr": 0.1, "betas": (0.8, 0.9), "weight_decay": 0.1}),
    ("RAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}),
    ("ASGD", {}),
    ("ASGD", {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 10}),
    ("ASGD", {"lr": 0.1, "t0": 0, "weight_decay": 0.1, "maximize": True}),
    ("Rprop", {}),
    ("Rprop", {"lr": 0.1, "etas": (0.3, 1.5), "step_sizes": (1e-3, 0.5)}),
    ("Rprop", {"maximize": True}),
    ("Adafactor", {}),
    ("Adafactor", {"lr": 0.1, "beta2_decay": -0.5, "eps": (1e-4, 1e-2), "d": 2.0}),
    ("Adafactor", {"lr": 0.1, "weight_decay": 0.1, "maximize": True}),
]
ELEMENTWISE = [o for o in OPTIONS if o[0] != "Adafactor"]
FIRST = {name: k for k, (name, _) in reversed(list(enumerate(OPTIONS)))}  # where the options of each begin
LAST = {name: k for k, (name, _) in enumerate(OPTIONS)}
SHAPES = [(), (5,), (3, 4), (2, 3, 2, 2), (3,)]


def gradients(step, arrays):
    """Some gradients that change from step to step: all are small now and then, one is missing at first, a fifth one always."""
    rng = np.random.default_rng(step)
    found = [
        np.asarray(rng.standard_normal(a.shape) * (step % 4 != 3) + 0.1 * rng.standard_normal(a.shape)).astype(a.dtype) for a in arrays
    ]
    if step < 3:
        found[1] = None
    if len(found) > 4:
        found[4] = None
    return found


def run(mine, theirs, made, steps=STEPS, arrays=None, first=0):
    for step in range(first, first + steps):
        for p, q, g in zip(mine, theirs, gradients(step, arrays), strict=True):
            p.grad = None if g is None else ag.tensor(g)
            q.grad = None if g is None else torch.tensor(g)
        for optimizer in made:
            optimizer.step()


def both(name, settings, arrays):
    mine, theirs = [nn.Parameter(ag.tensor(a)) for a in arrays], [torch.nn.Parameter(torch.tensor(a)) for a in arrays]
    return mine, theirs, getattr(optim, name)(mine, **settings), getattr(torch.optim, name)(theirs, **settings)


def compare(mine, theirs, tolerance):
    for p, q in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), tolerance, tolerance)


def arrays_of(rng, dtype=np.float64, shapes=SHAPES):
    return [np.asarray(rng.standard_normal(shape)).astype(dtype) for shape in shapes]


@pytest.mark.parametrize(("name", "settings"), OPTIONS)
def test_trajectories(name, settings, rng):
    arrays = arrays_of(rng)
    mine, theirs, ours, other = both(name, settings, arrays)
    run(mine, theirs, (ours, other), arrays=arrays)
    compare(mine, theirs, 1e-12)


@pytest.mark.parametrize(("name", "settings"), OPTIONS)
def test_trajectories_in_float32(name, settings, rng):
    arrays = arrays_of(rng, np.float32)
    mine, theirs, ours, other = both(name, settings, arrays)
    run(mine, theirs, (ours, other), arrays=arrays)
    compare(mine, theirs, 1e-5)
    assert all(p.dtype == np.float32 for p in mine)


@pytest.mark.parametrize(("name", "settings"), [o for o in ELEMENTWISE if not o[1].get("amsgrad")])
def test_complex_trajectories(name, settings, rng):
    arrays = [a + 1j * b for a, b in zip(arrays_of(rng), arrays_of(rng), strict=True)]
    mine, theirs, ours, other = both(name, settings, arrays)
    run(mine, theirs, (ours, other), steps=10, arrays=arrays)
    compare(mine, theirs, 1e-12)


@pytest.mark.parametrize(("name", "settings"), [OPTIONS[0], *[OPTIONS[k] for k in LAST.values()]])
def test_parameters_of_many_blocks(name, settings, rng):
    """Sizes around those where work is cut up and shared among threads."""
    arrays = arrays_of(rng, np.float64, [(513,), (32769,), (65536,), (150, 1001)])
    mine, theirs, ours, other = both(name, settings, arrays)
    run(mine, theirs, (ours, other), steps=3, arrays=arrays)
    compare(mine, theirs, 1e-11)


@pytest.mark.parametrize(("name", "settings"), [OPTIONS[0], *[OPTIONS[k] for k in LAST.values()]])
def test_parameters_and_gradients_whose_elements_do_not_lie_in_order(name, settings, rng):
    base = [rng.standard_normal((40, 30)), rng.standard_normal((400, 500)), rng.standard_normal((6, 5, 4))]
    arrays = [base[0].T, base[1].T, base[2].transpose(1, 2, 0)]
    mine = [nn.Parameter(ag.from_numpy(a.copy(order="K"))) for a in arrays]
    theirs = [torch.nn.Parameter(torch.tensor(a)) for a in arrays]
    assert not any(p.is_contiguous() for p in mine)
    ours, other = getattr(optim, name)(mine, **settings), getattr(torch.optim, name)(theirs, **settings)
    for step in range(3):
        for p, q, g in zip(mine, theirs, gradients(step + 3, arrays), strict=True):
            q.grad = torch.tensor(g)
            p.grad = ag.from_numpy(np.asfortranarray(g) if step == 1 else g)
        ours.step()
        other.step()
    compare(mine, theirs, 1e-9)


@pytest.mark.parametrize(("name", "settings"), OPTIONS)
def test_state_has_the_same_names_shapes_and_numbers(name, settings, rng):
    arrays = arrays_of(rng)
    mine, theirs, ours, other = both(name, settings, arrays)
    run(mine, theirs, (ours, other), steps=5, arrays=arrays)
    a, b = ours.state_dict(), other.state_dict()
    assert list(a) == list(b)
    assert a["param_groups"] == b["param_groups"]
    assert {k: list(v) for k, v in a["state"].items()} == {k: list(v) for k, v in b["state"].items()}
    for k, entries in a["state"].items():
        for key, value in entries.items():
            expected = b["state"][k][key].numpy()
            assert value.numpy().dtype == expected.dtype
            np.testing.assert_allclose(value.numpy(), expected, 1e-12, 1e-12)


def handed_over(source, target, lib):
    """Load the state of one library's optimizer into the other's."""
    saved = source.state_dict()
    state = {k: {n: lib.tensor(v.numpy()) for n, v in entries.items()} for k, entries in saved["state"].items()}
    target.load_state_dict({"state": state, "param_groups": saved["param_groups"]})


@pytest.mark.parametrize(("name", "settings"), OPTIONS)
def test_state_saved_by_pytorch_goes_on_here(name, settings, rng):
    arrays = arrays_of(rng)
    mine, theirs, ours, other = both(name, settings, arrays)
    run(mine, theirs, (other,), steps=7, arrays=arrays)
    handed_over(other, ours, ag)
    for p, q in zip(mine, theirs, strict=True):
        p.data = ag.tensor(q.detach().numpy())
    run(mine, theirs, (ours, other), steps=10, arrays=arrays, first=7)
    compare(mine, theirs, 1e-12)


@pytest.mark.parametrize(("name", "settings"), OPTIONS)
def test_state_saved_here_goes_on_in_pytorch(name, settings, rng):
    arrays = arrays_of(rng)
    mine, theirs, ours, other = both(name, settings, arrays)
    run(mine, theirs, (ours,), steps=7, arrays=arrays)
    handed_over(ours, other, torch)
    with torch.no_grad():
        for p, q in zip(mine, theirs, strict=True):
            q.copy_(torch.tensor(p.detach().numpy()))
    run(mine, theirs, (ours, other), steps=10, arrays=arrays, first=7)
    # PyTorch goes on with the product of NAdam's momenta in the parameter's dtype, as no run without a break does
    compare(mine, theirs, 1e-6 if name == "NAdam" else 1e-12)


@pytest.mark.parametrize(("name", "settings"), [OPTIONS[k] for k in LAST.values()])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-9), (np.float32, 1e-4)])
def test_training_a_network_takes_the_same_path(name, settings, dtype, tolerance, rng):
    """Here gradients depend on where the steps led; two groups have settings of their own, one parameter takes no part."""
    arrays = arrays_of(rng, dtype, [(), (5,), (3, 5), (2, 1, 2, 2), (4,)])
    data, target = rng.standard_normal((10, 3)).astype(dtype), rng.standard_normal(10).astype(dtype)
    ends = []
    for lib, module, optimizers in ((ag, nn, optim), (torch, torch.nn, torch.optim)):
        s, b, w, k, unused = params = [module.Parameter(lib.tensor(a)) for a in arrays]
        x, y = lib.tensor(data), lib.tensor(target)
        groups = [{"params": params[:2], "lr": 0.003}, {"params": params[2:]}]
        optimizer = getattr(optimizers, name)(groups, **{**settings, "lr": 0.01, "maximize": False})
        losses = []
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss = ((((x @ w).tanh() + b).sum(1) * s + (k * k).sum() * 0.1 - y) ** 2).mean()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        ends.append((losses, [p.detach().numpy() for p in params]))
    np.testing.assert_allclose(ends[0][0], ends[1][0], tolerance)
    for p, q in zip(ends[0][1], ends[1][1], strict=True):
        np.testing.assert_allclose(p, q, tolerance, tolerance)


class TestMuon:
    """PyTorch orthogonalizes in bfloat16, whose rounding is coarse: with it the paths are close, without it they are the same."""

    options = pytest.mark.parametrize(
        "settings",
        [
            {},
            {"lr": 0.1, "weight_decay": 0.2, "momentum": 0.7},
            {"lr": 0.1, "nesterov": False, "ns_steps": 3},
            {"lr": 0.1, "adjust_lr_fn": "match_rms_adamw", "eps": 1e-2},
            {"lr": 0.1, "adjust_lr_fn": "original", "ns_coefficients": (3.0, -3.2, 1.2)},
        ],
        ids=str,
    )
    shapes = [(3, 4), (6, 2), (5, 5), (1, 3), (2, 2)]

    @options
    def test_trajectories(self, settings, rng, monkeypatch):
        monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
        for dtype, tolerance in ((np.float64, 1e-9), (np.float32, 1e-4)):
            arrays = arrays_of(rng, dtype, self.shapes)
            mine, theirs, ours, other = both("Muon", settings, arrays)
            run(mine, theirs, (ours, other), arrays=arrays)
            compare(mine, theirs, tolerance)
            handed_over(other, ours, ag)
            handed_over(ours, other, torch)
            run(mine, theirs, (ours, other), steps=5, arrays=arrays, first=STEPS)
            compare(mine, theirs, tolerance)
        a, b = ours.state_dict(), other.state_dict()
        assert a["param_groups"] == b["param_groups"]
        assert {k: list(v) for k, v in a["state"].items()} == {k: list(v) for k, v in b["state"].items()}

    @options
    def test_rounding_apart_one_step_is_pytorchs(self, settings, rng):
        arrays = arrays_of(rng, np.float32, self.shapes)
        mine, theirs, ours, other = both("Muon", settings, arrays)
        run(mine, theirs, (ours, other), steps=1, arrays=arrays, first=3)
        compare(mine, theirs, 0.03 * settings.get("lr", 1e-3) * 2)


def test_groups_have_settings_of_their_own(rng):
    arrays = arrays_of(rng)
    mine, theirs, _, _ = both("SGD", {}, arrays)
    groups = lambda p: [{"params": p[:2], "lr": 0.2}, {"params": p[2], "momentum": 0.5}]
    ours, other = optim.SGD(groups(mine), lr=0.1), torch.optim.SGD(groups(theirs), lr=0.1)
    for optimizer, params in ((ours, mine), (other, theirs)):
        optimizer.add_param_group({"params": params[3], "weight_decay": 0.5})
    run(mine, theirs, (ours, other), steps=5, arrays=arrays)
    for optimizer in (ours, other):
        optimizer.param_groups[0]["lr"] = 0.01
    run(mine, theirs, (ours, other), steps=5, arrays=arrays, first=5)
    compare(mine, theirs, 1e-12)
    assert repr(ours) == repr(other)


def test_learning_rates_may_be_tensors(rng):
    arrays = arrays_of(rng)
    mine, theirs, _, _ = both("SGD", {}, arrays)
    ours = optim.Adam(mine, lr=ag.tensor(0.25), betas=(ag.tensor(0.5), ag.tensor(0.75)))
    other = torch.optim.Adam(theirs, lr=0.25, betas=(0.5, 0.75))
    run(mine, theirs, (ours, other), steps=5, arrays=arrays)
    compare(mine, theirs, 1e-12)


@pytest.mark.parametrize("name", [*FIRST, "Muon"])
def test_arguments_are_named_ordered_and_preset_as_in_pytorch(name):
    made = [inspect.signature(getattr(lib, name)).parameters.values() for lib in (optim, torch.optim)]
    mine, theirs = [[(p.name, p.kind, p.default) for p in parameters] for parameters in made]
    assert mine == theirs


REFUSED = [
    ("SGD", {"lr": -1.0}),
    ("SGD", {"momentum": -0.1}),
    ("SGD", {"weight_decay": -0.1}),
    ("SGD", {"nesterov": True}),
    ("SGD", {"nesterov": True, "momentum": 0.9, "dampening": 0.1}),
    ("Adam", {"lr": -1.0}),
    ("Adam", {"lr": float("nan")}),
    ("Adam", {"eps": -1.0}),
    ("Adam", {"betas": (1.0, 0.9)}),
    ("Adam", {"betas": (0.9, -0.1)}),
    ("Adam", {"weight_decay": -1.0}),
    ("Adam", {"fused": True, "foreach": True}),
    ("AdamW", {"lr": -1.0}),
    *[(name, {"lr": -1.0}) for name in FIRST],
    *[(name, {"weight_decay": -1.0}) for name in FIRST if name != "Rprop"],
    *[(name, {"eps": -1.0}) for name in ("RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam")],
    *[(name, {"betas": (1.0, 0.9)}) for name in ("Adamax", "NAdam", "RAdam")],
    *[(name, {"betas": (0.9, 1.0)}) for name in ("Adamax", "NAdam", "RAdam")],
    ("RMSprop", {"momentum": -1.0}),
    ("RMSprop", {"alpha": -1.0}),
    ("Adagrad", {"lr_decay": -1.0}),
    ("Adagrad", {"initial_accumulator_value": -1.0}),
    ("Adagrad", {"fused": True, "foreach": True}),
    ("Adadelta", {"rho": 1.5}),
    ("NAdam", {"momentum_decay": -1.0}),
    ("Rprop", {"etas": (0.0, 1.2)}),
    ("Rprop", {"etas": (0.5, 0.9)}),
    ("Adafactor", {"beta2_decay": 0.5}),
    ("Adafactor", {"eps": (-1.0, 1e-3)}),
    ("Adafactor", {"eps": (None, -1.0)}),
    ("Adafactor", {"d": 0.5}),
    *[(name, {"lr": "0.1"}) for name in FIRST],
    *[(name, {"lr": None}) for name in FIRST],
    ("SGD", {"momentum": "0.9"}),
    ("Adam", {"weight_decay": "0.1"}),
    ("Muon", {"lr": -1.0}),
    ("Muon", {"momentum": -1.0}),
    ("Muon", {"weight_decay": -1.0}),
    ("Muon", {"adjust_lr_fn": "none"}),
]


@pytest.mark.parametrize(("name", "settings"), REFUSED)
def test_settings_out_of_range_are_refused_as_in_pytorch(name, settings):
    refusals = []
    for lib, param in ((optim, nn.Parameter(ag.ones(2, 2))), (torch.optim, torch.nn.Parameter(torch.ones(2, 2)))):
        with pytest.raises((ValueError, RuntimeError, TypeError)) as caught:
            getattr(lib, name)([param], **settings)
        refusals.append(type(caught.value))
    assert refusals[0] is refusals[1]


def test_learning_rates_of_several_numbers_are_refused_as_in_pytorch():
    for lib, module, optimizers in ((ag, nn, optim), (torch, torch.nn, torch.optim)):
        for name in [*FIRST, "Muon", "LBFGS"]:
            with pytest.raises(ValueError):  # noqa: PT011 - the words are each library's own
                getattr(optimizers, name)([module.Parameter(lib.ones(2, 2))], lr=lib.ones(2))


def test_what_muon_and_adafactor_do_not_optimize_is_refused_as_in_pytorch():
    for lib, module, optimizers in ((ag, nn, optim), (torch, torch.nn, torch.optim)):
        for shape in ((), (2,), (2, 2, 2)):
            with pytest.raises(ValueError, match=r"2D|matrices"):
                optimizers.Muon([module.Parameter(lib.ones(*shape) if shape else lib.tensor(1.0))])
        for make in (optimizers.Muon, optimizers.Adafactor):
            p, q = module.Parameter(lib.ones(2, 2)), module.Parameter(lib.ones(2, 2, dtype=lib.complex64))
            p.grad, q.grad = lib.ones(2, 2), lib.ones(2, 2, dtype=lib.complex64)
            with pytest.raises(RuntimeError, match="complex"):
                make([{"params": [p]}, {"params": [q]}]).step()
            assert lib is torch or (p == 1).all()


@pytest.mark.parametrize("name", FIRST)
def test_parameters_that_share_memory_are_refused_as_in_pytorch(name):
    for lib, module, optimizers in ((ag, nn, optim), (torch, torch.nn, torch.optim)):
        p = module.Parameter(lib.ones(1).expand(3))
        p.grad = lib.ones(3)
        optimizer = getattr(optimizers, name)([p])
        with pytest.raises(RuntimeError, match="memory"):
            optimizer.step()


def test_adamw_loads_the_state_of_adam_as_in_pytorch():
    for lib, module, optimizers in ((ag, nn, optim), (torch, torch.nn, torch.optim)):
        first, second = (getattr(optimizers, name)([module.Parameter(lib.ones(2))]) for name in ("Adam", "AdamW"))
        second.load_state_dict(first.state_dict())
        assert second.param_groups[0]["decoupled_weight_decay"] is True


def cases(lib, tensors):
    p, q = lib.Parameter(tensors.ones(2)), lib.Parameter(tensors.ones(2))
    return [
        p,
        [],
        {p},
        [p, 3],
        [p * 2],
        [[p]],
        [{"params": {p}}],
        [{"params": [p]}, {"params": [p]}],
        [{"params": [p]}, p],
        [("a", p), q],
        [{"params": [("a", p)]}, {"params": [q]}],
    ]


@pytest.mark.parametrize("k", range(len(cases(nn, ag))))
def test_parameters_that_cannot_be_optimized_are_refused_as_in_pytorch(k):
    kinds = []
    for lib, tensors, optimizers in ((nn, ag, optim), (torch.nn, torch, torch.optim)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                optimizers.SGD(cases(lib, tensors)[k], lr=0.1)
                kinds.append(None)
            except Exception as error:
                kinds.append(type(error))
    assert kinds[0] is kinds[1]
