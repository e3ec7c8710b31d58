"""Distributions: that samples have the moments that are stated, and derivatives of all orders, by all parameters.

The statistical tests have fixed seeds and wide bounds: they say the same on every run.
"""

import math
import subprocess
import sys

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import distributions as D

N = 100_000
LOC, SCALE = [[0.5, -1.0, 2.0], [0.0, 0.25, -3.0]], [0.5, 1.5, 2.0]
PROBS = [[0.1, 0.5, 0.75], [0.3, 0.9, 0.2]]


def t(values, requires_grad=False):
    return ag.tensor(values, dtype=ag.float64, requires_grad=requires_grad)


# name: family, parameters, a value of the support
CASES = {
    "Normal": (D.Normal, {"loc": LOC, "scale": SCALE}, 0.7),
    "LogNormal": (D.LogNormal, {"loc": LOC, "scale": [0.5, 0.3, 0.6]}, 0.7),
    "HalfNormal": (D.HalfNormal, {"scale": SCALE}, 0.7),
    "Uniform": (D.Uniform, {"low": LOC, "high": [3.0, 4.0, 5.0]}, 2.5),
    "Exponential": (D.Exponential, {"rate": SCALE}, 0.7),
    "Laplace": (D.Laplace, {"loc": LOC, "scale": SCALE}, 0.7),
    "Gumbel": (D.Gumbel, {"loc": LOC, "scale": SCALE}, 0.7),
    "Cauchy": (D.Cauchy, {"loc": LOC, "scale": SCALE}, 0.7),
    "Bernoulli": (D.Bernoulli, {"probs": PROBS}, 1.0),
    "Bernoulli logits": (D.Bernoulli, {"logits": LOC}, 0.0),
    "Geometric": (D.Geometric, {"probs": PROBS}, 3.0),
    "Geometric logits": (D.Geometric, {"logits": LOC}, 3.0),
    "Poisson": (D.Poisson, {"rate": SCALE}, 3.0),
    "Categorical": (D.Categorical, {"probs": PROBS}, 2.0),
    "Categorical logits": (D.Categorical, {"logits": LOC}, 1.0),
    "OneHotCategorical": (D.OneHotCategorical, {"probs": PROBS}, [0.0, 0.0, 1.0]),
    "OneHotCategoricalStraightThrough": (D.OneHotCategoricalStraightThrough, {"logits": LOC}, [1.0, 0.0, 0.0]),
}


def made(name, requires_grad=False):
    family, parameters, value = CASES[name]
    return family(**{k: t(v, requires_grad) for k, v in parameters.items()}), t(value)


@pytest.mark.parametrize("name", [n for n in CASES if n != "Cauchy" and not n.startswith("Categorical")])
def test_moments(name):
    ag.manual_seed(0)
    d, _ = made(name)
    x = d.sample((N,)).numpy()
    spread = d.variance.numpy()
    fourth = ((x - x.mean(0)) ** 4).mean(0)
    assert (np.abs(x.mean(0) - d.mean.numpy()) <= 6 * np.sqrt(spread / N)).all()
    assert (np.abs(x.var(0) - spread) <= 8 * np.sqrt((fourth - spread**2) / N)).all()
    assert np.allclose(d.stddev.numpy() ** 2, spread)


CONTINUOUS = ["Normal", "LogNormal", "HalfNormal", "Uniform", "Exponential", "Laplace", "Gumbel", "Cauchy"]


@pytest.mark.parametrize("name", CONTINUOUS)
def test_quantiles(name):
    ag.manual_seed(0)
    d, _ = made(name)
    for q in (0.1, 0.25, 0.5, 0.9):
        value = d.icdf(t(q))
        assert np.allclose(d.cdf(value).numpy(), q)
        below = (d.sample((N,)) <= value).numpy().mean(0)
        assert (np.abs(below - q) <= 6 * (q * (1 - q) / N) ** 0.5).all()


@pytest.mark.parametrize("name", CONTINUOUS)
def test_the_density_is_the_slope_of_the_cumulative_function(name):
    d, value = made(name)
    x = value.expand(d.batch_shape).clone().requires_grad_()
    (slope,) = ag.autograd.grad(d.cdf(x).sum(), x)
    assert np.allclose(slope.numpy(), d.log_prob(x).exp().detach().numpy())


@pytest.mark.parametrize("name", [n for n in CASES if "Poisson" not in n])
def test_entropy_is_the_mean_of_the_negative_log_prob(name):
    ag.manual_seed(0)
    d, _ = made(name)
    surprise = -d.log_prob(d.sample((N,))).numpy()
    assert (np.abs(surprise.mean(0) - d.entropy().numpy()) <= 8 * surprise.std(0) / N**0.5 + 1e-9).all()
    assert np.allclose(d.perplexity().numpy(), np.exp(d.entropy().numpy()))


def test_categorical():
    ag.manual_seed(0)
    d = D.Categorical(t([[1.0, 2.0, 0.0, 1.0], [0.0, 0.0, 3.0, 1.0]]))
    assert np.allclose(d.probs.numpy(), [[0.25, 0.5, 0, 0.25], [0, 0, 0.75, 0.25]])
    x = d.sample((N,)).numpy()
    assert x.dtype == np.int64
    counts = np.stack([np.bincount(column, minlength=4) for column in x.T]) / N
    assert not counts[d.probs.numpy() == 0].any()
    assert np.abs(counts - d.probs.numpy()).max() < 6 * 0.5 / N**0.5
    assert d.mode.tolist() == [1, 2]
    assert d.mean.isnan().all()
    assert d.sample().shape == (2,)


PAIRS = [
    *(
        (n, n)
        for n in ("Normal", "Exponential", "Laplace", "Bernoulli", "Geometric", "Poisson", "Categorical", "Gumbel", "Cauchy", "HalfNormal")
    ),
    ("Exponential", "Gumbel"),
    ("Exponential", "Normal"),
    ("Gumbel", "Normal"),
    ("Laplace", "Normal"),
    ("Normal", "Gumbel"),
    ("Normal", "Laplace"),
    ("Uniform", "Gumbel"),
    ("Uniform", "Normal"),
]


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_kl_is_the_mean_difference_of_log_probs(p, q):
    ag.manual_seed(0)
    first, _ = made(p)
    family, parameters, _ = CASES[q]
    second = family(**{k: t(v) * 0.8 + 0.15 for k, v in parameters.items()})
    kl = D.kl_divergence(first, second).numpy()
    x = first.expand(kl.shape).sample((N,))
    gain = (first.log_prob(x) - second.log_prob(x)).numpy()
    assert (np.abs(gain.mean(0) - kl) <= 8 * gain.std(0) / N**0.5 + 1e-9).all()
    assert (kl >= -1e-12).all()
    assert np.allclose(D.kl_divergence(first, first).numpy() if p == q else 0, 0, atol=1e-12)


def by_parameters(name, compute):
    """A function of the parameters, and these."""
    family, parameters, value = CASES[name]
    return lambda *given: compute(family(**dict(zip(parameters, given, strict=True))), t(value)), [t(v, True) for v in parameters.values()]


@pytest.mark.parametrize("name", CASES)
def test_derivatives_of_log_prob(name):
    function, parameters = by_parameters(name, lambda d, value: d.log_prob(value))
    assert ag.autograd.gradcheck(function, parameters)
    assert ag.autograd.gradgradcheck(function, parameters)


@pytest.mark.parametrize("name", [n for n in CASES if "Poisson" not in n])
def test_derivatives_of_entropy(name):
    function, parameters = by_parameters(name, lambda d, value: d.entropy())
    assert ag.autograd.gradcheck(function, parameters)
    assert ag.autograd.gradgradcheck(function, parameters)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_derivatives_of_samples(name):
    def drawn(d, value):
        ag.manual_seed(1)
        return d.rsample((2,))

    function, parameters = by_parameters(name, drawn)
    assert ag.autograd.gradcheck(function, parameters)
    assert ag.autograd.gradgradcheck(function, parameters)


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_derivatives_of_kl(p, q):
    (family_p, first, _), (family_q, second, _) = CASES[p], CASES[q]

    def kl(*given):
        a = family_p(**dict(zip(first, given, strict=False)))
        b = family_q(**{k: v * 0.8 + 0.15 for k, v in zip(second, given[len(first) :], strict=True)})
        return D.kl_divergence(a, b)

    parameters = [t(v, True) for v in (*first.values(), *second.values())]
    assert ag.autograd.gradcheck(kl, parameters)


def test_sample_does_not_record_and_rsample_does():
    loc = t(1.0, True)
    d = D.Normal(loc, 2.0)
    assert not d.sample((3,)).requires_grad
    d.rsample((3,)).sum().backward()
    assert loc.grad.item() == 3
    with pytest.warns(FutureWarning, match="sample_n"):
        assert d.sample_n(4).shape == (4,)


def test_logits_computed_in_no_grad_still_record():
    probs = t([0.3, 0.6], True)
    d = D.Bernoulli(probs)
    with ag.no_grad():
        _ = d.logits
    d.log_prob(t([1.0, 0.0])).sum().backward()
    assert np.allclose(probs.grad.numpy(), [1 / 0.3, -1 / 0.4])


def test_straight_through():
    ag.manual_seed(0)
    logits = t(LOC, True)
    d = D.OneHotCategoricalStraightThrough(logits=logits)
    x = d.rsample()
    assert np.allclose(np.sort(x.detach().numpy(), -1), [0, 0, 1])
    (ours,) = ag.autograd.grad((x * t(LOC)).sum(), logits, retain_graph=True)
    (expected,) = ag.autograd.grad((d.probs * t(LOC)).sum(), logits)
    assert np.allclose(ours.numpy(), expected.numpy())


def test_reinforce_estimates_the_gradient():
    ag.manual_seed(0)
    logits = ag.zeros(3, dtype=ag.float64, requires_grad=True)
    reward = t([1.0, 2.0, 6.0])
    d = D.Categorical(logits=logits)
    action = d.sample((N,))
    (d.log_prob(action) * reward[action]).mean().backward()
    assert np.abs(logits.grad.numpy() - np.array([-2, -1, 3]) / 3).max() < 0.05


def test_repr():
    assert repr(D.Normal(0, 1.5)) == "Normal(loc: 0.0, scale: 1.5)"
    assert repr(D.Normal(ag.zeros(2, 3), 1.0)) == "Normal(loc: autograd_core.Size([2, 3]), scale: autograd_core.Size([2, 3]))"
    assert repr(D.Independent(D.Normal(ag.zeros(2), 1.0), 1)).startswith("Independent(Normal(loc: ")
    assert repr(D.Uniform(0.0, 1.0).support) == "Interval(lower_bound=0.0, upper_bound=1.0)"
    assert repr(D.constraints.real) == "Real()"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: D.Normal(0.0, -1.0), r"Normal: the parameter scale, of shape \(\), must satisfy GreaterThan\(lower_bound=0.0\), got -1.0"),
        (lambda: D.Normal("a", 1.0), "Normal: parameters are numbers and Tensors, got a str"),
        (lambda: D.Normal(ag.zeros(2), ag.ones(3)), r"Normal: shapes \(2,\), \(3,\) do not broadcast"),
        (lambda: D.Normal(0.0, 1.0).log_prob(1.0), "Normal: the value must be a Tensor, got a float"),
        (lambda: D.Bernoulli(), "Bernoulli: give probs or logits, one of them"),
        (
            lambda: D.Bernoulli(0.5).log_prob(ag.tensor(2.0)),
            r"Bernoulli: the value, of shape \(\), must be in the support Boolean\(\), got 2.0",
        ),
        (lambda: D.Categorical(ag.tensor(1.0)), "Categorical: probs needs a dimension of classes"),
        (lambda: D.Normal(ag.zeros(3), 1.0).log_prob(ag.zeros(2)), r"Normal: shape \(2,\) does not broadcast with \(3,\)"),
        (lambda: D.OneHotCategorical(ag.ones(3)).log_prob(ag.ones(2)), r"does not end in the event_shape \(3,\)"),
        (lambda: D.Geometric(0.0), "Geometric: probs must be positive"),
        (lambda: D.Independent(D.Normal(0.0, 1.0), 1), "reinterpreted_batch_ndims is from 0 to 0 here, got 1"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_what_a_family_lacks():
    for lacking in (lambda: D.Bernoulli(0.5).rsample(), lambda: D.Poisson(1.0).entropy(), lambda: D.Normal(0.0, 1.0).enumerate_support()):
        with pytest.raises(NotImplementedError, match="has no"):
            lacking()
    with pytest.raises(NotImplementedError, match="no formula for Normal and Bernoulli"):
        D.kl_divergence(D.Normal(0.0, 1.0), D.Bernoulli(0.5))


def test_checks_can_be_turned_off():
    D.Normal(0.0, -1.0, validate_args=False)
    D.Distribution.set_default_validate_args(False)
    try:
        D.Normal(0.0, -1.0)
        with pytest.raises(ValueError, match="must satisfy"):
            D.Normal(0.0, -1.0, validate_args=True)
    finally:
        D.Distribution.set_default_validate_args(True)
    with pytest.raises(ValueError, match="must satisfy"):
        D.Normal(0.0, -1.0)


def test_a_family_of_ones_own():
    class Triangular(D.Distribution):
        arg_constraints = {"width": D.constraints.positive}
        support = D.constraints.real

        def __init__(self, width, validate_args=None):
            self.width = width
            super().__init__(width.shape, validate_args=validate_args)

        def log_prob(self, value):
            self._validate_sample(value)
            return ((1 - value.abs() / self.width) / self.width).log()

    class Narrow(Triangular):
        pass

    @D.register_kl(Triangular, Triangular)
    def kl(p, q):
        return p.width / q.width

    try:
        d = Narrow(ag.ones(3)).expand((2, 3))
        assert d.log_prob(ag.zeros(3)).shape == (2, 3)
        assert D.kl_divergence(d, Triangular(ag.full((3,), 2.0))).tolist() == [[0.5] * 3] * 2
        with pytest.raises(ValueError, match="parameter width"):
            Triangular(-ag.ones(2))
        with pytest.raises(NotImplementedError, match="Triangular: has no mean"):
            _ = Triangular(ag.ones(2)).mean
    finally:
        del D.kl.FORMULAS[Triangular, Triangular]
    with pytest.raises(TypeError, match="register_kl"):
        D.register_kl(int, Triangular)


def test_extremes():
    d = D.Bernoulli(logits=t([-1000.0, 1000.0, 50.0]))
    assert np.allclose(d.log_prob(t([0.0, 1.0, 1.0])).numpy(), [0, 0, -math.exp(-50)], rtol=1e-12, atol=1e-30)
    assert np.allclose(d.log_prob(t([1.0, 0.0, 0.0])).numpy(), [-1000, -1000, -50])
    assert (D.Geometric(1.0).sample((5,)) == 0).all()
    assert D.Geometric(1.0).log_prob(ag.tensor(0.0)).item() == 0
    assert D.Uniform(0.0, 1.0).log_prob(ag.tensor(1.0)).item() == -math.inf
    assert D.Categorical(t([1.0, 0.0])).entropy().item() == pytest.approx(0, abs=1e-12)
    assert D.Normal(t([]), t([])).sample((2,)).shape == (2, 0)


def test_importing_the_engine_does_not_import_it():
    code = "import sys, autograd_core; assert 'autograd_core.distributions' not in sys.modules; assert 'numpy.random' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
