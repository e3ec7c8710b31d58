"""Special functions: values against 50 digits, special points, derivatives of higher order, dtypes, errors."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.check import gradcheck
from autograd_core.ops.special import BLOCK
from viz.graph.formulas import formula

nan, inf, pi = np.nan, np.inf, np.pi
S = ag.special

POINTS = {  # name: (x, the value, computed in 50 digits)
    "erf": [
        (1e-300, 1.1283791670955126e-300),
        (1e-09, 1.1283791670955127e-09),
        (0.5, 0.5204998778130465),
        (0.999, 0.8422852702064969),
        (1.001, 0.8431154854780762),
        (3.0, 0.9999779095030014),
        (-5.5, -0.9999999999999927),
    ],
    "erfc": [
        (-3.0, 1.9999779095030015),
        (1e-20, 1.0),
        (0.4999, 0.4795880048386134),
        (0.5001, 0.4794122483231193),
        (1.0, 0.15729920705028513),
        (2.0, 0.004677734981047266),
        (5.0, 1.537459794428035e-12),
        (10.0, 2.088487583762545e-45),
        (20.0, 5.395865611607901e-176),
        (26.0, 5.663192408856143e-296),
        (26.54, 2.6455581744685104e-308),
    ],
    "erfcx": [
        (-20.0, 1.0442939379528289e174),
        (-1.0, 5.008980080762283),
        (0.1, 0.8964569799691267),
        (2.0, 0.25539567631050575),
        (100.0, 0.005641613782989433),
        (100000000.0, 5.641895835477562e-09),
    ],
    "ndtr": [
        (-37.5, 4.605353009581955e-308),
        (-10.0, 7.619853024160525e-24),
        (-1.0, 0.15865525393145705),
        (-0.5, 0.3085375387259869),
        (1e-09, 0.5000000003989423),
        (0.8, 0.7881446014166034),
        (8.0, 0.9999999999999993),
    ],
    "log_ndtr": [
        (-200.0, -20006.21728089819),
        (-20.0, -203.91715537109727),
        (-1.1, -1.997558846986297),
        (-0.9, -1.6924928065613383),
        (0.5, -0.3689464152886564),
        (5.0, -2.866516129637636e-07),
        (9.0, -1.1285884059538405e-19),
        (30.0, -4.906713927148187e-198),
    ],
    "erfinv": [
        (1e-300, 8.86226925452758e-301),
        (1e-05, 8.862269254759594e-06),
        (0.3, 0.2724627147267543),
        (-0.9, -1.1630871536766743),
        (0.9965, 2.0647715607126025),
        (0.9967, 2.077703486165099),
        (0.9999999990686774, 4.328028275800946),
        (-0.9999999999999999, -5.8635847487551676),
    ],
    "ndtri": [
        (5e-324, -38.467405617144344),
        (1e-300, -37.0470962993612),
        (1e-20, -9.262340089798407),
        (0.001, -3.0902323061678136),
        (0.3, -0.5244005127080408),
        (0.4999999, -2.5066282747031063e-07),
        (0.75, 0.6744897501960817),
        (0.9999999999999999, 8.209536151601387),
    ],
    "lgamma": [
        (1e-300, 690.7755278982137),
        (0.1, 2.252712651734206),
        (0.999999, 5.772164873855652e-07),
        (1.0000001, -5.772155829918507e-08),
        (1.5, -0.12078223763524522),
        (1.9999999, -4.2278430309861296e-08),
        (2.0000001, 4.227843666532498e-08),
        (2.0001, 4.2281658112919945e-05),
        (3.0, 0.6931471805599453),
        (7.9, 8.32426586800881),
        (8.1, 8.72738826343204),
        (100.5, 361.4355404677776),
        (10000000000.0, 220258509288.81058),
        (1e300, 6.897755278982137e302),
        (-0.5, 1.2655121234846454),
        (-1e-10, 23.025850929998178),
        (-1.5, 0.860047015376481),
        (-10.25, -14.20399790093109),
        (-1000.1, -5910.499920113594),
    ],
    "digamma": [
        (1e-10, -10000000000.577215),
        (0.3, -3.502524222200133),
        (1.0, -0.5772156649015329),
        (1.4616321449683622, -9.241265521729427e-17),
        (1.4616321449683625, 1.2245374622004068e-16),
        (1.4616, -3.110625123034165e-05),
        (2.0, 0.42278433509846713),
        (5.5, 1.6110931485817512),
        (8.5, 2.08009081757942),
        (10000000000.0, 23.025850929890456),
        (-1e-05, 99999.42276788563),
        (-0.25, 2.9141391202135276),
        (-7.3, 4.33730730551005),
    ],
    "polygamma1": [
        (1e-10, 1e20),
        (0.5, 4.934802200544679),
        (1.0, 1.6449340668482264),
        (10.0, 0.10516633568168575),
        (100000.0, 1.0000050000166667e-05),
        (1e200, 1e-200),
        (-0.3, 13.945160267805722),
        (-5.7, 14.918469917911349),
    ],
    "polygamma2": [
        (0.01, -2000002.340398677),
        (1.0, -2.4041138063191885),
        (10.0, -0.011049834970802067),
        (300.0, -1.1148209876314589e-05),
        (-0.3, 67.63908119988317),
        (-5.7, -68.8633915900959),
    ],
    "polygamma7": [
        (0.3, 76818182.99849322),
        (1.0, 5060.54987523764),
        (20.0, 6.674755818176071e-07),
        (-2.4, 7990964.336796697),
    ],
    "zeta1.5": [
        (0.2, 13.459632324391384),
        (1.0, 2.612375348685488),
        (9.0, 0.6856986689786074),
        (10000.0, 0.0200005000125),
    ],
    "zeta3": [
        (0.2, 125.73901805721795),
        (1.0, 1.2020569031595942),
        (9.0, 0.006896659597883887),
        (-0.5, 0.41439832211716),
        (-3.25, -61.97760551971101),
    ],
    "zeta300": [
        (0.9, 53363851653770.68),
        (1.0, 1.0),
        (7.5, 3.031244601502944e-263),
    ],
    "logit": [
        (1e-300, -690.7755278982137),
        (0.1, -2.197224577336219),
        (0.3, -0.8472978603872037),
        (0.4999999999, -4.000000330961484e-10),
        (0.5000001, 3.99999999789463e-07),
        (0.7, 0.8472978603872034),
        (0.9, 2.1972245773362196),
        (0.9999999999999999, 36.7368005696771),
    ],
    "sinc": [
        (1e-09, 1.0),
        (0.5, 0.6366197723675814),
        (0.999999999, 9.999999727180685e-10),
        (1.5, -0.2122065907891938),
        (1000000.25, 2.2507902276952083e-07),
    ],
}
CALLS = {
    "polygamma1": lambda x: ag.polygamma(1, x),
    "polygamma2": lambda x: ag.polygamma(2, x),
    "polygamma7": lambda x: ag.polygamma(7, x),
    "zeta1.5": lambda x: S.zeta(1.5, x),
    "zeta3": lambda x: S.zeta(3, x),
    "zeta300": lambda x: S.zeta(300, x),
    "lgamma": ag.lgamma,
    "sinc": ag.sinc,
}


def call_of(name):
    return CALLS.get(name) or getattr(S, name)


def leaf(*values, dtype=ag.float64):
    return ag.tensor(values, dtype=dtype, requires_grad=True)


def derivatives(function, x, count):
    """The function's value at x and its derivatives up to an order."""
    found = [function(x)]
    for _ in range(count):
        found += ag.autograd.grad(found[-1].sum(), x, create_graph=True)
    return [f.detach().numpy() for f in found]


# ---------------------------------------------------------------------- values


@pytest.mark.parametrize("name", POINTS)
def test_values_to_a_few_units_in_the_last_place(name):
    x, exact = np.array(POINTS[name]).T
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # none of these overflows, nor divides by zero
        found = call_of(name)(ag.tensor(x)).numpy()
    np.testing.assert_allclose(found, exact, rtol=2e-15 if "7" not in name else 6e-15, atol=0)


@pytest.mark.parametrize("name", [n for n in POINTS if "zeta" not in n])
def test_values_in_float32(name):
    x, _ = np.array(POINTS[name]).T
    x = x[(np.abs(x) > 1e-30) & (np.abs(x) < 1e9) & (name not in ("erfc", "erfcx") or np.abs(x) < 9) & (x > -9)].astype(np.float32)
    with np.errstate(divide="ignore"):  # 1 - 1e-16 is 1
        exact = call_of(name)(ag.tensor(x.astype(np.float64))).numpy()
        found = call_of(name)(ag.tensor(x))
    assert found.dtype == ag.float32
    np.testing.assert_allclose(found.numpy(), exact, rtol=1e-6, atol=1e-37)


@pytest.mark.parametrize("name", [*POINTS, "entr", "xlogy"])
def test_float16_is_computed_in_float32(name):
    x = np.array([0.15, 0.3, 0.7, 0.9], np.float16)
    call = call_of(name) if name != "xlogy" else lambda t: ag.xlogy(t, t)
    with np.errstate(over="ignore"):
        found, exact = call(ag.tensor(x)), call(ag.tensor(x.astype(np.float64))).numpy()
        assert found.dtype == ag.float16
        np.testing.assert_array_equal(found.numpy(), exact.astype(np.float16))


SPECIAL = {  # name: (x, the value there)
    "erf": ([inf, -inf, nan], [1, -1, nan]),
    "erfc": ([inf, -inf, nan, 27.5, -30], [0, 2, nan, 0, 2]),
    "erfcx": ([inf, -inf, nan, 1e200, -27], [0, inf, nan, 5.641895835477563e-201, inf]),
    "erfinv": ([1, -1, 1.1, -2, 0, nan], [inf, -inf, nan, nan, 0, nan]),
    "ndtr": ([inf, -inf, nan], [1, 0, nan]),
    "log_ndtr": ([inf, -inf, nan, -1e10], [0, -inf, nan, -5e19]),
    "ndtri": ([0, 1, 0.5, -0.1, 1.1, nan], [-inf, inf, 0, nan, nan, nan]),
    "lgamma": (
        [0.0, -0.0, -1, -2, inf, -inf, nan, 1, 2, 1e306, -1e300, -(2.0**53)],
        [inf, inf, inf, inf, inf, inf, nan, 0, 0, inf, inf, inf],
    ),
    "digamma": ([0.0, -0.0, -1, -2, inf, -inf, nan], [-inf, inf, nan, nan, inf, nan, nan]),
    "polygamma1": ([0.0, -0.0, -1, inf, nan], [inf, inf, inf, 0, nan]),
    "polygamma2": ([0.0, -0.0, -1, inf, nan], [-inf, -inf, -inf, 0, nan]),
    "zeta3": ([0.0, -1, nan, inf], [inf, inf, nan, 0]),
    "zeta1.5": ([0.0, -1, -0.5, nan], [inf, inf, nan, nan]),
    "logit": ([0, 1, -0.1, 1.1, 0.5, nan], [-inf, inf, nan, nan, 0, nan]),
    "sinc": ([0, -0.0, 1, -7, 1e15, 1e300, nan], [1, 1, 0, 0, 0, 0, nan]),
    "entr": ([0, -1, 1, inf, nan], [0, -inf, 0, -inf, nan]),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", SPECIAL)
def test_special_points(name):
    x, value = SPECIAL[name]
    np.testing.assert_allclose(call_of(name)(ag.tensor(x, dtype=ag.float64)).numpy(), value, rtol=1e-15)


def test_zeta_where_the_sum_does_not_converge():
    s, q = ag.tensor([1.0, 0.5, -2.0]), ag.tensor([3.0, 3.0, 3.0])
    np.testing.assert_array_equal(S.zeta(s, q).numpy(), [inf, nan, nan])


def test_xlogy_is_zero_at_zero():
    x = ag.tensor([0.0, 0.0, 0.0, 0.0, 0.0, 2.0, nan])
    y = ag.tensor([0.0, -1.0, inf, nan, 2.0, 1.0, 0.5])
    np.testing.assert_array_equal(ag.xlogy(x, y).numpy(), [0, 0, 0, nan, 0, 0, nan])
    np.testing.assert_array_equal(S.xlog1py(x, y - 1).numpy(), [0, 0, 0, nan, 0, 0, nan])


@pytest.mark.parametrize("size", [BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_blocks_do_not_show(size):
    x = np.linspace(-20.1, 20.2, size)
    for name in ("erf", "erfcx", "lgamma", "digamma", "sinc"):
        whole = call_of(name)(ag.tensor(x)).numpy()
        parts = np.concatenate([call_of(name)(ag.tensor(part)).numpy() for part in np.array_split(x, 7)])
        np.testing.assert_array_equal(whole, parts)
    big = ag.tensor(x.reshape(-1, 1))
    assert S.zeta(ag.tensor([2.0, 3.0], dtype=ag.float64), big).shape == (size, 2)


# ---------------------------------------------------------------------- derivatives


def test_lgamma_has_derivatives_of_all_orders():
    exact = [0.2846828704729192, 0.7031566406452432, 0.49035775610023485, -0.2362040516417274, 0.22390584881725206, -0.3137559995067314]
    found = derivatives(ag.lgamma, leaf(2.5), 5)
    np.testing.assert_allclose(np.ravel(found), exact, rtol=3e-15)


@pytest.mark.parametrize("x", [0.0, 1e-12, 1e-5, 0.2, 0.9, 3.7, -0.4])
def test_sinc_has_derivatives_of_all_orders(x):
    t = np.polynomial.legendre.leggauss(40)
    for n, found in enumerate(derivatives(ag.sinc, leaf(x), 6)):  # sinc x = ∫ cos πxt dt over 0 < t < 1
        node, weight = (t[0] + 1) / 2, t[1] / 2
        exact = np.sum(weight * (pi * node) ** n * np.cos(pi * x * node + n * pi / 2))
        np.testing.assert_allclose(found, [exact], rtol=1e-12, atol=1e-14 * pi**n)


def test_sinc_slope_near_zero_is_relatively_exact():
    x = np.array([1e-300, 1e-12, 1e-6, 1e-3])
    _, slope = derivatives(ag.sinc, leaf(*x), 1)
    np.testing.assert_allclose(slope, -(pi**2) * x / 3 * (1 - (pi * x) ** 2 / 10), rtol=1e-12)


def test_spherical_bessel_j0_is_smooth_at_zero():
    np.testing.assert_allclose(np.ravel(derivatives(S.spherical_bessel_j0, leaf(0.0), 4)), [1, 0, -1 / 3, 0, 1 / 5], atol=1e-16)


def test_far_out_the_derivatives_of_erfcx_and_log_ndtr_do_not_cancel():
    _, first, second = derivatives(S.erfcx, leaf(1e6), 2)
    np.testing.assert_allclose([first[0], second[0]], [-5.6418958354691e-13, 1.1283791670921275e-18], rtol=1e-13)
    _, first, second = derivatives(S.log_ndtr, leaf(-1e6, -30.0), 2)
    np.testing.assert_allclose(first, [1000000.000001, 30.033259667433676], rtol=1e-14)
    np.testing.assert_allclose(second, [-0.999999999999, -0.9988962284881099], rtol=1e-13)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = derivatives(S.log_ndtr, leaf(200.0, 1e4), 2)
    assert not np.any(found)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_gradients_at_special_points():
    for call, x, gradient in (
        (ag.erfinv, [0.0, 1.0, -1.0], [np.sqrt(pi) / 2, inf, inf]),
        (S.ndtri, [0.5, 0.0, 1.0], [np.sqrt(2 * pi), inf, inf]),
        (ag.erfc, [30.0, -30.0, 0.0], [0.0, 0.0, -2 / np.sqrt(pi)]),
        (S.entr, [0.0, 1.0], [inf, -1.0]),
        (ag.logit, [0.0, 1.0, -0.1, 0.5], [inf, inf, nan, 4.0]),
        (lambda t: ag.logit(t, 0.1), [0.0, 1.0, 0.05, 0.5, nan], [0.0, 0.0, 0.0, 4.0, nan]),
        (lambda t: ag.logit(t, 0.0), [0.0, 1.0, -0.1], [inf, inf, 0.0]),
        (lambda t: ag.logit(t, 0.6), [0.0, 0.5, 1.0], [0.0, 0.0, 0.0]),
        (lambda t: ag.xlogy(t, ag.tensor([0.0, 2.0, -1.0, inf])), [0.0, 0.0, 0.0, 0.0], [0.0, np.log(2), 0.0, inf]),
        (lambda t: S.xlog1py(t, ag.tensor([-1.0, 1.0, -2.0])), [0.0, 0.0, 0.0], [0.0, np.log(2), 0.0]),
        (S.i0, [0.0], [0.0]),
        (S.i1, [0.0], [0.5]),
        (S.i0e, [0.0], [0.0]),
        (S.i1e, [0.0], [0.5]),
        (S.bessel_j1, [0.0], [0.5]),
    ):
        t = leaf(*x)
        call(t).sum().backward()
        np.testing.assert_allclose(t.grad.numpy(), gradient, rtol=1e-6 if call is not ag.erfinv else 1e-15)


def test_bessel_functions_have_derivatives_at_zero():
    np.testing.assert_allclose(np.ravel(derivatives(S.i1, leaf(0.0), 4)), [0, 0.5, 0, 3 / 8, 0], atol=1e-16)
    np.testing.assert_allclose(np.ravel(derivatives(S.bessel_j0, leaf(0.0), 4)), [1, 0, -0.5, 0, 3 / 8], atol=1e-16)


def test_bessel_functions_solve_their_equations():
    x = leaf(0.7, 1.9, 3.3)
    for call, n, sign in ((S.bessel_j0, 0, 1), (S.bessel_j1, 1, 1), (S.bessel_y0, 0, 1), (S.bessel_y1, 1, 1), (S.i0, 0, -1), (S.i1, 1, -1)):
        f, f1, f2 = derivatives(call, x, 2)
        t = x.detach().numpy()
        np.testing.assert_allclose(t**2 * f2 + t * f1 + (sign * t**2 - n**2) * f, 0, atol=1e-12)
    for call, n in ((S.modified_bessel_k0, 0), (S.modified_bessel_k1, 1)):
        f, f1, f2 = derivatives(call, x, 2)
        np.testing.assert_allclose(t**2 * f2 + t * f1 - (t**2 + n**2) * f, 0, atol=1e-12)
    f, _, f2 = derivatives(S.airy_ai, x, 2)
    np.testing.assert_allclose(f2, t * f, rtol=1e-12)


@pytest.mark.parametrize("a", [0.5, 1.0, 3.0])
def test_igamma_by_its_second_argument(a):
    gradcheck(lambda x: ag.igamma(ag.tensor(a, dtype=ag.float64), x), leaf(0.2, 1.0, 4.0))
    x = leaf(0.0)
    with np.errstate(divide="ignore"):
        ag.igamma(ag.tensor(a, dtype=ag.float64), x).backward(ag.ones(1, dtype=ag.float64))
    assert x.grad.item() == {0.5: inf, 1.0: 1.0, 3.0: 0.0}[a]


@pytest.mark.parametrize("call", [ag.igamma, ag.igammac, S.zeta], ids=lambda call: call.__name__)
def test_no_derivative_by_the_parameter_is_an_error(call):
    a, x = leaf(2.0), leaf(1.5)
    with pytest.raises(RuntimeError, match=f"{call.__name__}: there is no derivative by the first argument"):
        call(a, x).backward(ag.ones(1, dtype=ag.float64))
    call(a.detach(), x).backward(ag.ones(1, dtype=ag.float64))
    assert x.grad is not None


# ---------------------------------------------------------------------- arguments, dtypes, errors

INTEGERS = ["erf", "erfc", "erfinv", "lgamma", "digamma", "logit", "sinc", "i0", "i0e", "ndtr", "log_ndtr", "entr", "erfcx", "bessel_j0"]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool"])
@pytest.mark.parametrize("name", INTEGERS)
def test_integers_are_computed_in_the_default_dtype(name, dtype):
    found = call_of(name)(ag.tensor([0, 1, 1], dtype=dtype))
    assert found.dtype == ag.float32
    np.testing.assert_array_equal(found.numpy(), call_of(name)(ag.tensor([0.0, 1.0, 1.0])).numpy())


@pytest.mark.parametrize("name", "erf erfc erfinv lgamma digamma logit sinc i0".split())
def test_in_place(name):
    x = ag.tensor([0.25, 0.5])
    expected = getattr(ag, name)(x)
    assert getattr(x, name + "_")() is x
    assert x.tolist() == expected.tolist() == getattr(ag.tensor([0.25, 0.5]), name)().tolist()
    w = leaf(0.25, 0.5)
    (y,) = ag.autograd.grad(getattr(ag, name)(w).sum(), w)
    getattr(w * 1, name + "_")().sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), y.numpy())
    with pytest.raises(RuntimeError, match="cannot be stored"), np.errstate(all="ignore"):
        getattr(ag.tensor([1, 2]), name + "_")()


def test_in_place_with_arguments():
    assert ag.tensor([2.5]).polygamma_(1).item() == ag.polygamma(1, ag.tensor([2.5])).item()
    assert ag.tensor([2.5]).mvlgamma_(2).item() == ag.mvlgamma(ag.tensor([2.5]), 2).item()
    assert ag.tensor([2.5]).xlogy_(3.0).item() == ag.xlogy(ag.tensor([2.5]), 3.0).item()
    assert ag.tensor([2.5]).igamma_(ag.tensor([1.0])).item() == ag.igamma(ag.tensor([2.5]), ag.tensor([1.0])).item()
    assert ag.tensor([0.05]).logit_(0.1).item() == ag.logit(ag.tensor([0.1])).item()


def test_mvlgamma_is_a_sum_of_lgamma():
    x = leaf(1.7, 3.2)
    expected = ag.lgamma(x) + ag.lgamma(x - 0.5) + ag.lgamma(x - 1) + 1.5 * np.log(pi)
    np.testing.assert_allclose(ag.mvlgamma(x, 3).detach().numpy(), expected.detach().numpy(), rtol=1e-14)
    gradcheck(lambda t: S.multigammaln(t, 3), x)
    assert ag.mvlgamma(ag.tensor([3, 4]), p=2).dtype == ag.float32


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: ag.polygamma(-1, ag.ones(1)), RuntimeError, "at least 0"),
        (lambda: ag.polygamma(1.0, ag.ones(1)), TypeError, "n must be an integer"),
        (lambda: ag.ones(1).polygamma(True), TypeError, "n must be an integer"),
        (lambda: ag.mvlgamma(ag.ones(1), 0), RuntimeError, "at least 1"),
        (lambda: ag.mvlgamma(ag.ones(1), 2.0), TypeError, "p must be an integer"),
        (lambda: ag.mvlgamma(ag.tensor([True]), 1), RuntimeError, "boolean"),
        (lambda: ag.lgamma(ag.tensor([1j])), RuntimeError, "lgamma: complex numbers are not supported"),
        (lambda: ag.erf(ag.tensor([1j])), RuntimeError, "erf: complex numbers are not supported"),
        (lambda: ag.xlogy(ag.ones(2), ag.ones(3)), RuntimeError, r"xlogy: shapes \(2,\) and \(3,\)"),
        (lambda: ag.lgamma([1.0]), TypeError, "lgamma"),
    ],
)
def test_errors(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("name", ["i0", "i1e", "bessel_j0", "airy_ai"])
def test_without_scipy_the_error_names_the_extra(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ImportError, match=r"autograd-core\[science\]"):
        getattr(S, name)(ag.ones(1))
    assert ag.lgamma(ag.ones(1)).item() == 0  # these need none
    assert S.ndtri(ag.tensor([0.5])).item() == 0


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (2, 0)], ids=str)
def test_empty_and_0d(shape):
    x = ag.full(shape, 0.5, dtype=ag.float64, requires_grad=True)
    for name in INTEGERS:
        result = call_of(name)(x)
        assert result.shape == shape
        (g,) = ag.autograd.grad(result.sum(), x)
        assert g.shape == shape
    assert ag.mvlgamma(x + 2, 3).shape == shape


def test_arrays_give_arrays():
    assert isinstance(S.erfc(np.array([1, 2])), np.ndarray)
    np.testing.assert_array_equal(S.erf(np.array([1, 2])), S.erf(np.array([1.0, 2.0])))


def test_complex_sinc():
    z = np.array([0, 0.3 + 0.4j, -2 + 1j, 1e-9j])
    np.testing.assert_allclose(ag.sinc(ag.tensor(z)).numpy(), np.sinc(z), rtol=1e-14)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (ag.lgamma, "g · digamma(in)"),
        (ag.digamma, "g · polygamma(in, n=1)"),
        (lambda x: ag.polygamma(2, x), "g · polygamma(in, n=3)"),
        (ag.sinc, "g · sinc_derivative(in, n=1)"),
        (ag.i0, "g · bessel_i(in, n=1)"),
        (lambda x: ag.xlogy(x, 3.0), "g · log(3)"),
        (lambda x: ag.erfc(x), "−g · exp(−in²) · 1.128"),
    ],
)
def test_formulas(call, text):
    assert formula(call(leaf(0.5, 0.25)).node, 0) == text


def test_bessel_functions_at_infinity():
    x = ag.tensor([inf, -inf, 1.0], dtype=ag.float64, requires_grad=True)
    for function in (S.i0e, S.i1e, S.spherical_bessel_j0):
        out = function(x)
        (g,) = ag.autograd.grad(out, x, ag.ones_like(out), create_graph=True)
        (h,) = ag.autograd.grad(g, x, ag.ones_like(g))
        assert out[:2].tolist() == g[:2].tolist() == h[:2].tolist() == [0, 0]
        assert g[2].item() != 0
    with np.errstate(invalid="ignore"):
        assert S.zeta(ag.tensor([inf, inf, 2.0]), ag.tensor([-3.0, -2.5, 1.0]))[2].item() == pytest.approx(pi**2 / 6)
