"""Distributions against PyTorch's: properties, log_prob, cdf, icdf, entropy, kl, and their gradients by all parameters."""

import itertools
import math
import warnings

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import distributions as ours

torch = pytest.importorskip("torch", reason="parity extra not installed")
theirs = torch.distributions

A = np.array([[0.5, -1.0, 2.0], [0.0, 0.25, -3.0]])
S = np.array([0.5, 1.5, 2.0])
P = np.array([[0.1, 0.5, 0.75], [0.3, 0.9, 0.2]])
W = np.array([[0.2, 0.3, 0.5], [2.0, 1.0, 1.0]])
VALUE = np.array([[0.3, 1.0, 2.5], [0.1, 4.0, 0.7]])
COUNT = np.array([[0.0, 1.0, 2.0], [5.0, 0.0, 3.0]])
YES = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
U = np.array([[0.1, 0.5, 0.9], [0.25, 0.75, 0.6]])

# name of a case: family, parameters, a value in the support
CASES = {
    "Normal": ("Normal", {"loc": A, "scale": S}, VALUE),
    "LogNormal": ("LogNormal", {"loc": A, "scale": S}, VALUE),
    "HalfNormal": ("HalfNormal", {"scale": S}, VALUE),
    "Uniform": ("Uniform", {"low": np.full((2, 3), -1.0), "high": S + 4}, VALUE),
    "Exponential": ("Exponential", {"rate": S}, VALUE),
    "Laplace": ("Laplace", {"loc": A, "scale": S}, VALUE),
    "Cauchy": ("Cauchy", {"loc": A, "scale": S}, VALUE),
    "Gumbel": ("Gumbel", {"loc": A, "scale": S}, VALUE),
    "Bernoulli probs": ("Bernoulli", {"probs": P}, YES),
    "Bernoulli logits": ("Bernoulli", {"logits": A}, YES),
    "Geometric probs": ("Geometric", {"probs": P}, COUNT),
    "Geometric logits": ("Geometric", {"logits": A}, COUNT),
    "Poisson": ("Poisson", {"rate": S}, COUNT),
    "Categorical probs": ("Categorical", {"probs": W}, np.array([2.0, 0.0])),
    "Categorical logits": ("Categorical", {"logits": A}, np.array([2.0, 0.0])),
    "OneHotCategorical probs": ("OneHotCategorical", {"probs": W}, np.eye(3)[[2, 0]]),
    "OneHotCategorical logits": ("OneHotCategorical", {"logits": A}, np.eye(3)[[2, 0]]),
}


def made(library, package, name, requires_grad=True, **settings):
    family, parameters, value = CASES[name]
    tensors = {k: library.tensor(v, requires_grad=requires_grad) for k, v in parameters.items()}
    return getattr(package, family)(**tensors, **settings), tensors, library.tensor(value)


def pairs(name, **settings):
    return made(ag, ours, name, **settings), made(torch, theirs, name, **settings)


def array(t):
    return t.detach().numpy()


def like(value, numbers):
    """The numbers as a tensor of the same library."""
    return torch.tensor(numbers) if isinstance(value, torch.Tensor) else ag.tensor(numbers)


def gradients(library, result, tensors, order=2):
    """Of the sum of result's squares, and of the sum of these gradients' squares, by the parameters that it depends on."""
    out = []
    for _ in range(order):
        if not result.requires_grad:
            return out
        loss = (result * result).sum()
        grads = library.autograd.grad(loss, list(tensors), create_graph=True, allow_unused=True)
        out.append([None if g is None else array(g) for g in grads])
        result = sum((g * g).sum() for g in grads if g is not None)
    return out


def same(mine, their, name=""):
    if their is None or mine is None:  # not used, or used with gradient zero
        assert all(g is None or not g.any() for g in (mine, their)), name
        return
    assert tuple(mine.shape) == tuple(their.shape), name
    assert str(mine.dtype) == str(their.dtype).removeprefix("torch."), name
    np.testing.assert_allclose(mine, their, rtol=1e-9, atol=1e-12, err_msg=name)


def compare(compute, name, order=2):
    (mine, mine_by, value), (their, their_by, their_value) = pairs(name)
    a, b = compute(mine, value), compute(their, their_value)
    same(array(a), array(b), name)
    for ours_, theirs_ in itertools.zip_longest(
        gradients(ag, a, mine_by.values(), order), gradients(torch, b, their_by.values(), order), fillvalue=()
    ):
        for x, y in itertools.zip_longest(ours_, theirs_):
            same(x, y, name)


@pytest.mark.parametrize("name", CASES)
def test_log_prob(name):
    compare(lambda d, value: d.log_prob(value), name)


@pytest.mark.parametrize("name", [n for n in CASES if "Poisson" not in n])
def test_entropy(name):
    compare(lambda d, value: d.entropy(), name)
    compare(lambda d, value: d.perplexity(), name, order=1)


CONTINUOUS = ["Normal", "LogNormal", "HalfNormal", "Uniform", "Exponential", "Laplace", "Cauchy"]


@pytest.mark.parametrize("name", CONTINUOUS)
def test_cdf_and_icdf(name):
    compare(lambda d, value: d.cdf(value), name)
    compare(lambda d, value: d.icdf(like(value, U)), name, order=1)


def test_gumbel_cdf_and_icdf():
    (mine, _, value), (their, _, their_value) = pairs("Gumbel")
    np.testing.assert_allclose(array(mine.cdf(value)), array(their.cdf(their_value)), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(array(mine.icdf(ag.tensor(U))), array(their.icdf(torch.tensor(U))), rtol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_properties(name):
    (mine, _, _), (their, _, _) = pairs(name)
    assert tuple(mine.batch_shape) == tuple(their.batch_shape)
    assert tuple(mine.event_shape) == tuple(their.event_shape)
    assert mine.has_rsample == their.has_rsample
    assert mine.has_enumerate_support == their.has_enumerate_support
    assert mine.arg_constraints.keys() == their.arg_constraints.keys()
    for attribute in (
        "mean",
        "mode",
        "variance",
        "stddev",
        *(("probs", "logits", "param_shape") if "probs" in their.arg_constraints else ()),
    ):
        if hasattr(their, attribute):
            a, b = getattr(mine, attribute), getattr(their, attribute)
            assert tuple(a) == tuple(b) if attribute == "param_shape" else same(array(a), array(b), attribute) is None
    assert mine.support.is_discrete == their.support.is_discrete
    assert mine.support.event_dim == their.support.event_dim


@pytest.mark.parametrize("name", CASES)
def test_expand(name):
    (mine, _, value), (their, _, their_value) = pairs(name)
    shape = (4, *value.shape[: value.ndim - len(their.event_shape)])
    mine, their = mine.expand(shape), their.expand(shape)
    assert tuple(mine.batch_shape) == tuple(their.batch_shape) == shape
    assert tuple(mine.event_shape) == tuple(their.event_shape)
    same(array(mine.log_prob(value)), array(their.log_prob(their_value)))
    assert tuple(mine.sample((5,)).shape) == tuple(their.sample((5,)).shape)
    assert type(mine).__name__ == type(their).__name__


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("shape", [(), (2,), (3, 1), (0,)])
def test_samples(name, shape):
    (mine, _, _), (their, _, _) = pairs(name)
    if shape == (0,) and "Categorical" in name:
        for d in (mine, their):
            with pytest.raises(RuntimeError):
                d.sample(shape)
        return
    a, b = mine.sample(shape), their.sample(shape)
    assert tuple(a.shape) == tuple(b.shape)
    assert str(a.dtype) == str(b.dtype).removeprefix("torch.")
    assert not a.requires_grad
    if their.has_rsample:
        a, b = mine.rsample(shape), their.rsample(shape)
        assert tuple(a.shape) == tuple(b.shape)
        assert a.requires_grad
    else:
        with pytest.raises(NotImplementedError):
            mine.rsample(shape)


@pytest.mark.parametrize("name", [n for n in CASES if "Categorical" in n or "Bernoulli" in n])
@pytest.mark.parametrize("expand", [True, False])
def test_enumerate_support(name, expand):
    (mine, _, _), (their, _, _) = pairs(name)
    same(array(mine.enumerate_support(expand)), array(their.enumerate_support(expand)))


NUMBERS = {
    "Normal": (0, 1.5),
    "Uniform": (0, 1),
    "Exponential": (2,),
    "Laplace": (0.0, 1),
    "Gumbel": (0, 2.0),
    "Cauchy": (1, 2),
    "HalfNormal": (2.0,),
    "LogNormal": (0, 1),
    "Bernoulli": (0.3,),
    "Geometric": (0.3,),
    "Poisson": (2.0,),
}


@pytest.mark.parametrize("family", NUMBERS)
def test_parameters_that_are_numbers(family):
    mine, their = getattr(ours, family)(*NUMBERS[family]), getattr(theirs, family)(*NUMBERS[family])
    assert tuple(mine.batch_shape) == tuple(their.batch_shape) == ()
    assert str(mine.sample().dtype) == str(their.sample().dtype).removeprefix("torch.")
    assert tuple(mine.sample((2, 3)).shape) == (2, 3)
    value = 1.0 if family in ("Bernoulli", "Geometric", "Poisson") else 0.5
    np.testing.assert_allclose(array(mine.log_prob(ag.tensor(value))), array(their.log_prob(torch.tensor(value))), rtol=1e-5)
    np.testing.assert_allclose(array(mine.mean), array(their.mean), rtol=1e-6)


KL = [
    *((name, name) for name in CASES),
    ("Bernoulli probs", "Bernoulli logits"),
    ("Bernoulli probs", "Poisson"),
    ("Exponential", "Gumbel"),
    ("Exponential", "Normal"),
    ("Exponential", "Uniform"),
    ("Gumbel", "Normal"),
    ("Gumbel", "Exponential"),
    ("Gumbel", "Uniform"),
    ("Laplace", "Normal"),
    ("Laplace", "Exponential"),
    ("Laplace", "Uniform"),
    ("Normal", "Exponential"),
    ("Normal", "Gumbel"),
    ("Normal", "Laplace"),
    ("Normal", "Uniform"),
    ("Poisson", "Bernoulli probs"),
    ("Uniform", "Exponential"),
    ("Uniform", "Gumbel"),
    ("Uniform", "Normal"),
    ("Categorical probs", "Categorical logits"),
    ("OneHotCategorical probs", "OneHotCategorical logits"),
]


@pytest.mark.parametrize(("p", "q"), KL)
def test_kl(p, q):
    results = []
    for library, package in ((ag, ours), (torch, theirs)):
        first, by, _ = made(library, package, p)
        second, by_too, _ = made(library, package, q)
        if p == q:  # of one family, with other parameters
            family, parameters, _ = CASES[q]
            by_too = {
                k: library.tensor(v * 0.9 + (0.05 if k in ("probs", "scale", "rate") else 0.1), requires_grad=True)
                for k, v in parameters.items()
            }
            if family == "Uniform":
                by_too["low"] = library.tensor(np.full((2, 3), -2.0), requires_grad=True)
                by_too["high"] = library.tensor(np.full(3, 9.0), requires_grad=True)
            second = getattr(package, family)(**by_too)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # log of the negative ends of intervals, which where() does not choose
            out = package.kl_divergence(first, second)
            grads = gradients(library, out, (*by.values(), *by_too.values())) if bool(np.isfinite(array(out)).all()) else []
        results.append((array(out), grads))
    (mine, grads), (their, their_grads) = results
    np.testing.assert_allclose(mine, np.broadcast_to(their, mine.shape), rtol=1e-9, atol=1e-12)
    assert mine.shape == their.shape or np.isinf(their).all()  # where it is infinite, PyTorch's has the shape of p alone
    assert len(grads) == len(their_grads)
    for a, b in zip(grads, their_grads, strict=True):
        for x, y in zip(a, b, strict=True):
            if x is None or y is None:
                same(x, y)
            else:
                np.testing.assert_allclose(x, y, rtol=1e-7, atol=1e-9)


def test_kl_where_something_never_happens():
    for p, q in itertools.product([0.0, 0.5, 1.0], repeat=2):
        mine = ours.kl_divergence(ours.Bernoulli(p), ours.Bernoulli(q)).item()
        assert mine == pytest.approx(theirs.kl_divergence(theirs.Bernoulli(p), theirs.Bernoulli(q)).item(), abs=1e-6)
    for p, q in itertools.product([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]], repeat=2):
        mine = ours.kl_divergence(ours.Categorical(ag.tensor(p)), ours.Categorical(ag.tensor(q))).item()
        assert mine == pytest.approx(
            theirs.kl_divergence(theirs.Categorical(torch.tensor(p)), theirs.Categorical(torch.tensor(q))).item(), abs=1e-6
        )


def test_kl_of_uniforms_that_do_not_overlap():
    for package in (ours, theirs):
        assert package.kl_divergence(package.Uniform(0.0, 2.0), package.Uniform(1.0, 3.0)).item() == math.inf
        assert package.kl_divergence(package.Uniform(-1.0, 2.0), package.Exponential(1.0)).item() == math.inf


@pytest.mark.parametrize("dims", [0, 1, 2])
def test_independent(dims):
    results = []
    for library, package in ((ag, ours), (torch, theirs)):
        base, by, value = made(library, package, "Normal")
        d = package.Independent(base, dims)
        other = package.Independent(package.Normal(library.tensor(A + 1), library.tensor(S)), dims)
        assert tuple(d.expand((5, *d.batch_shape)).sample().shape) == (5, 2, 3)
        assert d.has_rsample
        results.append(
            [
                tuple(d.batch_shape),
                tuple(d.event_shape),
                *(array(t) for t in (d.log_prob(value), d.entropy(), package.kl_divergence(d, other), d.mean, d.variance, d.stddev)),
            ]
        )
        assert d.support.event_dim == dims
        assert bool(d.support.check(value).all())
    for mine, their in zip(*results, strict=True):
        np.testing.assert_allclose(mine, their)


# Each raises in PyTorch, and here the same kind of error.
ERRORS = {
    "scale 0": lambda t, d: d.Normal(0.0, 0.0),
    "scale negative": lambda t, d: d.Normal(t.zeros(2), t.tensor([1.0, -1.0])),
    "loc nan": lambda t, d: d.Normal(math.nan, 1.0),
    "scale nan": lambda t, d: d.Normal(0.0, math.nan),
    "text": lambda t, d: d.Normal("a", 1.0),
    "none": lambda t, d: d.Normal(None, 1.0),
    "shapes": lambda t, d: d.Normal(t.zeros(2), t.ones(3)),
    "value nan": lambda t, d: d.Normal(0.0, 1.0).log_prob(t.tensor(math.nan)),
    "value a number": lambda t, d: d.Normal(0.0, 1.0).log_prob(0.5),
    "value's shape": lambda t, d: d.Normal(t.zeros(3), 1.0).log_prob(t.zeros(2)),
    "uniform reversed": lambda t, d: d.Uniform(1.0, 0.0),
    "uniform empty": lambda t, d: d.Uniform(1.0, 1.0),
    "uniform outside": lambda t, d: d.Uniform(0.0, 1.0).log_prob(t.tensor(2.0)),
    "uniform cdf outside": lambda t, d: d.Uniform(0.0, 1.0).cdf(t.tensor(2.0)),
    "probs above 1": lambda t, d: d.Bernoulli(1.5),
    "probs below 0": lambda t, d: d.Bernoulli(t.tensor([0.5, -0.1])),
    "neither": lambda t, d: d.Bernoulli(),
    "both": lambda t, d: d.Bernoulli(0.5, 0.5),
    "bernoulli value": lambda t, d: d.Bernoulli(0.5).log_prob(t.tensor(0.5)),
    "bernoulli cdf": lambda t, d: d.Bernoulli(0.5).cdf(t.tensor(1.0)),
    "bernoulli rsample": lambda t, d: d.Bernoulli(0.5).rsample(),
    "categorical neither": lambda t, d: d.Categorical(),
    "categorical both": lambda t, d: d.Categorical(t.ones(2), t.ones(2)),
    "categorical 0-d": lambda t, d: d.Categorical(t.tensor(1.0)),
    "categorical negative": lambda t, d: d.Categorical(t.tensor([0.5, -0.5, 1.0])),
    "categorical nan": lambda t, d: d.Categorical(logits=t.tensor([math.nan, 1.0])),
    "categorical value": lambda t, d: d.Categorical(t.ones(3)).log_prob(t.tensor(3)),
    "categorical value's shape": lambda t, d: d.Categorical(t.ones(4, 3)).log_prob(t.zeros(3)),
    "one-hot value": lambda t, d: d.OneHotCategorical(t.ones(3)).log_prob(t.tensor([1.0, 1.0, 0.0])),
    "one-hot shape": lambda t, d: d.OneHotCategorical(t.ones(3)).log_prob(t.tensor([1.0, 0.0])),
    "rate": lambda t, d: d.Exponential(-1.0),
    "exponential value": lambda t, d: d.Exponential(1.0).log_prob(t.tensor(-1.0)),
    "geometric 0": lambda t, d: d.Geometric(0.0),
    "geometric value": lambda t, d: d.Geometric(0.5).log_prob(t.tensor(0.5)),
    "poisson": lambda t, d: d.Poisson(-1.0),
    "poisson value": lambda t, d: d.Poisson(1.0).log_prob(t.tensor(-1.0)),
    "lognormal value": lambda t, d: d.LogNormal(0.0, 1.0).log_prob(t.tensor(0.0)),
    "half normal value": lambda t, d: d.HalfNormal(1.0).log_prob(t.tensor(-1.0)),
    "independent dims": lambda t, d: d.Independent(d.Normal(0.0, 1.0), 1),
    "independent kl": lambda t, d: d.kl_divergence(
        d.Independent(d.Normal(t.zeros(2), 1.0), 1), d.Independent(d.Normal(t.zeros(2), 1.0), 0)
    ),
    "no kl": lambda t, d: d.kl_divergence(d.Normal(0.0, 1.0), d.Bernoulli(0.5)),
    "expand": lambda t, d: d.Normal(t.zeros(3), 1.0).expand((2,)),
    "default": lambda t, d: d.Distribution.set_default_validate_args("yes"),
    "uniform enumerate": lambda t, d: d.Uniform(0.0, 1.0).enumerate_support(),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    with pytest.raises(Exception) as their:  # noqa: PT011
        ERRORS[name](torch, theirs)
    with pytest.raises((ValueError, RuntimeError, TypeError, NotImplementedError)) as mine:
        ERRORS[name](ag, ours)
    kinds = (NotImplementedError, ValueError, RuntimeError, TypeError)
    assert any(isinstance(mine.value, k) and isinstance(their.value, k) for k in kinds), (mine.value, their.value)


@pytest.mark.parametrize("name", ["Normal", "Exponential", "Laplace", "Bernoulli probs", "Categorical probs", "Uniform"])
def test_without_checks(name):
    (mine, _, value), (their, _, their_value) = pairs(name, validate_args=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if "Categorical" not in name:
            value, their_value = value - 0.5, their_value - 0.5
        same(array(mine.log_prob(value)), array(their.log_prob(their_value)))
