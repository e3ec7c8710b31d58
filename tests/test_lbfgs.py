"""Minimizers of a whole loss: LBFGS, its line search, and the bridge to SciPy's."""

from __future__ import annotations

import builtins
import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
import nn
import optim
from autograd_core.errors import MissingExtraError
from optim.line_search import C1, C2, Point, strong_wolfe


def valley(x):
    """Rosenbrock's function, with its minimum of 0 at ones."""
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def start(dtype=ag.float64):
    return nn.Parameter(ag.tensor([-1.2, 1.0, 0.7], dtype=dtype))


def closure_of(optimizer, loss):
    def closure():
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    return closure


def test_the_valley_has_a_bottom():
    x = start()
    optimizer = optim.LBFGS([x], max_iter=100, line_search_fn="strong_wolfe")
    first = optimizer.step(closure_of(optimizer, lambda: valley(x)))
    assert first.item() == pytest.approx(valley(start()).item())
    np.testing.assert_allclose(x.detach().numpy(), 1, atol=1e-5)
    assert optimizer.state[x]["n_iter"] <= 100
    assert optimizer.step(closure_of(optimizer, lambda: valley(x))).item() < 1e-10


@pytest.mark.parametrize("line_search", [None, "strong_wolfe"])
@pytest.mark.parametrize("through", [lambda d: d, copy.deepcopy, lambda d: pickle.loads(pickle.dumps(d))], ids=["dict", "copy", "pickle"])
def test_it_goes_on_to_the_bit_after_loading(line_search, through):
    def make(x):
        return optim.LBFGS([x], lr=0.01 if line_search is None else 1, max_iter=4, history_size=3, line_search_fn=line_search)

    x = start()
    optimizer = make(x)
    for _ in range(3):
        optimizer.step(closure_of(optimizer, lambda: valley(x)))
    y = nn.Parameter(x.detach().clone())
    resumed = make(y)
    resumed.load_state_dict(through(optimizer.state_dict()))
    for _ in range(3):
        optimizer.step(closure_of(optimizer, lambda: valley(x)))
        resumed.step(closure_of(resumed, lambda: valley(y)))
        assert (x == y).all()


def test_parameters_of_other_dtypes_stay_what_they_are():
    x, y = start(ag.float32), nn.Parameter(ag.ones(2, 2, dtype=ag.float64))
    optimizer = optim.LBFGS([x, y], line_search_fn="strong_wolfe")
    for _ in range(5):
        optimizer.step(closure_of(optimizer, lambda: valley(x) + (y**2).sum()))
    assert (x.dtype, y.dtype) == (np.float32, np.float64)
    np.testing.assert_allclose(x.detach().numpy(), 1, atol=1e-2)
    np.testing.assert_allclose(y.detach().numpy(), 0, atol=1e-2)


def test_steps_do_not_record_and_are_noted():
    x = start()
    optimizer = optim.LBFGS([x], max_iter=2)
    array, node = x.array, x.node
    before = valley(x)
    optimizer.step(closure_of(optimizer, lambda: valley(x)))
    assert x.array is array
    assert x.node is node
    with pytest.raises(RuntimeError, match=r"LBFGS\.step"):
        before.backward()


def test_a_closure_that_fails_in_the_line_search_leaves_the_parameters():
    x = start()
    optimizer = optim.LBFGS([x], line_search_fn="strong_wolfe")
    calls = []

    def closure():
        calls.append(1)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return closure_of(optimizer, lambda: valley(x))()

    with pytest.raises(KeyboardInterrupt):
        optimizer.step(closure)
    assert (x == start()).all()
    assert optimizer.step(closure_of(optimizer, lambda: valley(x))).item() > 0


@pytest.mark.parametrize("line_search", [None, "strong_wolfe"])
def test_complex_parameters_go_on_to_the_bit_after_loading(line_search):
    """What is kept of them are pairs of real numbers."""
    p = nn.Parameter(ag.tensor([1 + 0.5j, 2 - 1j], dtype=ag.complex128))
    loss = lambda p: ((p - (1 + 2j)).abs() ** 4).sum()
    make = lambda p: optim.LBFGS([p], lr=0.1, max_iter=4, line_search_fn=line_search)
    optimizer = make(p)
    optimizer.step(closure_of(optimizer, lambda: loss(p)))
    q = nn.Parameter(p.detach().clone())
    resumed = make(q)
    resumed.load_state_dict(optimizer.state_dict())
    for _ in range(2):
        optimizer.step(closure_of(optimizer, lambda: loss(p)))
        resumed.step(closure_of(resumed, lambda: loss(q)))
        assert (p == q).all()


@pytest.mark.parametrize("line_search", [None, "strong_wolfe"])
@pytest.mark.parametrize("gradient", [[float("inf"), 1.0], [1e300, 2.0], [float("nan"), 1.0]], ids=str)
def test_overflows_do_not_warn_but_in_the_closure(line_search, gradient):
    x = nn.Parameter(ag.tensor([1e300, 2.0], dtype=ag.float64))
    optimizer = optim.LBFGS([x], lr=1e10, line_search_fn=line_search)
    seen = []

    def closure():
        x.grad = ag.tensor(gradient, dtype=ag.float64)
        seen.append(np.geterr()["over"])
        return float("inf")

    with np.errstate(over="call"):
        optimizer.step(closure)
    assert set(seen) == {"call"}


def test_no_iterations_are_an_evaluation():
    x = start()
    optimizer = optim.LBFGS([x], max_iter=0)
    optimizer.step(closure_of(optimizer, lambda: valley(x)))
    assert optimizer.state[x] == {"func_evals": 1, "n_iter": 0}
    assert (x == start()).all()


def test_parameters_whose_elements_share_memory_are_refused():
    pytest.importorskip("scipy", reason="science extra not installed")
    x, y = start(), nn.Parameter(ag.ones(1, dtype=ag.float64).expand(3))
    loss = lambda: valley(x) + (y**2).sum()
    optimizer = optim.LBFGS([x, y])
    with pytest.raises(RuntimeError, match="share memory"):
        optimizer.step(closure_of(optimizer, loss))
    with pytest.raises(RuntimeError, match="share memory"):
        optim.scipy_minimize(loss, [x, y])
    assert (x == start()).all()


def test_hooks_and_one_group_only():
    x, seen = start(), []
    optimizer = optim.LBFGS([x])
    optimizer.register_step_post_hook(lambda *_: seen.append(1))
    optimizer.step(closure_of(optimizer, lambda: valley(x)))
    assert seen == [1]
    with pytest.raises(ValueError, match="groups"):
        optimizer.add_param_group({"params": [start()]})
    assert len(optimizer.param_groups) == 1
    with pytest.raises(ValueError, match="another optimizer"):
        optimizer.load_state_dict(optim.SGD([x]).state_dict())


def test_no_reference_cycle_is_left(assert_no_cycles):
    def run():
        x = start()
        optimizer = optim.LBFGS([x], line_search_fn="strong_wolfe")
        optimizer.step(closure_of(optimizer, lambda: valley(x)))

    assert_no_cycles(run)


# ---------------------------------------------------------------------- the line search


@given(
    c=st.lists(st.floats(-3, 3), min_size=4, max_size=4),
    t=st.floats(1e-3, 20),
    waves=st.floats(0, 5),
)
def test_what_the_line_search_finds_satisfies_the_strong_wolfe_conditions(c, t, waves):
    """On functions that fall at 0 and rise in the end."""

    def at(t):
        f = 0.1 * t**4 + c[0] * t**3 / 10 + c[1] * t**2 - (abs(c[2]) + 0.1) * t + c[3] * np.cos(waves * t)
        slope = 0.4 * t**3 + 0.3 * c[0] * t**2 + 2 * c[1] * t - (abs(c[2]) + 0.1) - c[3] * waves * np.sin(waves * t)
        return Point(t, float(f), np.array([slope]), np.float64(slope))

    first = at(0.0)
    point, count = strong_wolfe(at, first, t, 1.0, 1e-12, 100)
    assert point.loss <= first.loss + C1 * point.t * first.slope + 1e-12
    assert abs(point.slope) <= -C2 * first.slope + 1e-6
    assert 1 <= count <= 101


def test_the_line_search_keeps_to_its_limit():
    calls = []

    def at(t):
        calls.append(t)
        return Point(t, -float(t), np.array([-1.0]), np.float64(-1.0))  # falls for ever

    point, count = strong_wolfe(at, at(0.0), 1.0, 1.0, 1e-9, 7)
    assert count == 8 == len(calls) - 1
    assert point.t == max(calls)


# ---------------------------------------------------------------------- SciPy

METHODS = "CG BFGS Newton-CG L-BFGS-B SLSQP trust-constr trust-ncg trust-exact trust-krylov TNC Nelder-Mead Powell COBYQA".split()


@pytest.mark.parametrize("method", METHODS)
def test_scipy_minimizes(method):
    pytest.importorskip("scipy", reason="science extra not installed")
    x, s = start(), nn.Parameter(ag.tensor(0.5, dtype=ag.float64))
    unused = nn.Parameter(ag.tensor([3.0], dtype=ag.float64))
    params = [x, s] if method in ("Nelder-Mead", "Powell", "COBYQA", "trust-exact") else [x, s, unused]
    more = {"options": {"maxfun": 1000}} if method == "TNC" else {}
    result = optim.scipy_minimize(lambda: valley(x) + (s - x.sum()) ** 2, params, method, **more)
    np.testing.assert_allclose(x.detach().numpy(), 1, atol=0.02)
    np.testing.assert_allclose(s.item(), 3, atol=0.05)
    assert unused.item() == 3
    np.testing.assert_array_equal(result.x[:4], [*x.tolist(), s.item()])
    assert result.fun == pytest.approx((valley(x) + (s - x.sum()) ** 2).item(), abs=1e-12)
    assert x.grad is None
    assert x.is_leaf


def test_scipy_trains_a_module():
    pytest.importorskip("scipy", reason="science extra not installed")
    ag.manual_seed(0)
    x, y = ag.randn(40, 2), ag.randn(40, 1)
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    loss = lambda: nn.functional.mse_loss(model(x), y)
    before = loss().item()
    result = optim.scipy_minimize(loss, model.parameters(), "L-BFGS-B", options={"maxiter": 50})
    assert loss().item() == pytest.approx(result.fun, rel=1e-5)
    assert result.fun < 0.9 * before
    assert all(p.dtype == np.float32 for p in model.parameters())


def test_scipy_gets_bounds_and_callbacks():
    pytest.importorskip("scipy", reason="science extra not installed")
    x, seen = start(), []
    optim.scipy_minimize(lambda: valley(x), [x], "L-BFGS-B", bounds=[(None, 0.5)] * 3, callback=seen.append)
    assert (x <= 0.5).all()
    assert x[0].item() == pytest.approx(0.5)
    assert seen


@pytest.mark.parametrize("method", ["BFGS", "Newton-CG", "Nelder-Mead"])
def test_scipy_minimizes_where_nothing_is_recorded(method):
    pytest.importorskip("scipy", reason="science extra not installed")
    x = nn.Parameter(ag.ones(2, dtype=ag.float64))
    with ag.no_grad():
        optim.scipy_minimize(lambda: ((x - 3) ** 2).sum(), [x], method)
    np.testing.assert_allclose(x.detach().numpy(), 3, atol=1e-3)


@pytest.mark.parametrize("jac", [None, "2-point", False])
def test_scipy_takes_differences_if_asked_to(jac):
    pytest.importorskip("scipy", reason="science extra not installed")
    x = nn.Parameter(ag.ones(2, dtype=ag.float64))
    optim.scipy_minimize(lambda: ((x - 3) ** 2).sum(), [x], jac=jac)
    np.testing.assert_allclose(x.detach().numpy(), 3, atol=1e-3)


def test_scipy_takes_a_minimizer_of_ones_own():
    from_scipy = pytest.importorskip("scipy.optimize", reason="science extra not installed")
    x = nn.Parameter(ag.ones(2, dtype=ag.float64))

    def newton(fun, x0, args, jac, **options):
        return from_scipy.OptimizeResult(x=x0 - jac(x0) / 2, fun=0.0)

    optim.scipy_minimize(lambda: ((x - 3) ** 2).sum(), [x], newton)
    assert x.tolist() == [3, 3]


def test_second_derivatives_are_exact():
    pytest.importorskip("scipy", reason="science extra not installed")
    from optim.minimize import Problem

    x, w = start(), nn.Parameter(ag.ones(2, dtype=ag.float64))
    problem = Problem(lambda: valley(x) + 3 * w.sum(), [x, w])
    at = np.array([0.3, -0.4, 0.2, 1.0, 1.0])
    wanted = np.zeros((5, 5))
    wanted[:3, :3] = ag.autograd.functional.hessian(valley, ag.tensor(at[:3])).numpy()
    np.testing.assert_allclose(problem.hessian(at), wanted, 1e-12)
    linear = Problem(lambda: 3 * w.sum(), [w])
    np.testing.assert_array_equal(linear.hessian(np.ones(2)), np.zeros((2, 2)))


def test_what_scipy_cannot_minimize_is_refused_and_nothing_changed():
    pytest.importorskip("scipy", reason="science extra not installed")
    x = start()
    calls = []

    def failing():
        calls.append(1)
        if len(calls) > 3:
            raise ZeroDivisionError
        return valley(x)

    with pytest.raises(ZeroDivisionError):
        optim.scipy_minimize(failing, [x])
    assert (x == start()).all()
    for closure in (lambda: x * 2, lambda: 3.0):
        with pytest.raises(ValueError, match="one number"):
            optim.scipy_minimize(closure, [x])
    with pytest.raises(ValueError, match="no parameters"):
        optim.scipy_minimize(lambda: valley(x), [])
    with pytest.raises(ValueError, match="leaves"):
        optim.scipy_minimize(lambda: valley(x), [x * 2])
    with pytest.raises(ValueError, match="leaves"):
        optim.scipy_minimize(lambda: valley(x), [x.detach()])
    for wrong in (3, np.ones(2), nn.Parameter(ag.ones(2, dtype=ag.complex64))):
        with pytest.raises(TypeError, match="real"):
            optim.scipy_minimize(lambda: valley(x), [wrong])
    with pytest.raises(ValueError, match="Unknown solver"):
        optim.scipy_minimize(lambda: valley(x), [x], "downhill")
    assert (x == start()).all()


def test_without_scipy_the_extra_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("scipy"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match="science"):
        optim.scipy_minimize(lambda: None, [])
