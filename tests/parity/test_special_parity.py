"""Special functions against PyTorch: names, values and gradients over wide ranges, special points, dtypes, errors."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import autograd_core as ag

torch = pytest.importorskip("torch", reason="parity extra not installed")

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
nan, inf = np.nan, np.inf

WIDE = np.concatenate([np.linspace(-6.03, 6.01, 61), [1e-8, -1e-8, 1e-3, 12.3, 25.5, -12.3]])
POSITIVE = np.concatenate([np.geomspace(1e-6, 1e3, 40), [1.0, 2.0, 1.4616321]])
UNIT = np.concatenate([np.linspace(0.001, 0.999, 51), [1e-9, 1 - 1e-9, 0.5]])
SIGNED_UNIT = np.concatenate([2 * UNIT - 1, [1e-9, 0.0]])
EDGES = np.array([0.0, -0.0, 1.0, -1.0, 2.0, -2.0, inf, -inf, nan])

UNARY = {  # of torch.special: (where it is compared, special points that are compared, how many derivatives PyTorch has)
    "erf": (WIDE, EDGES, 2),
    "erfc": (WIDE, EDGES, 2),
    "erfcx": (WIDE, EDGES, 2),
    "erfinv": (SIGNED_UNIT, EDGES, 2),
    "ndtr": (WIDE, EDGES, 2),
    "log_ndtr": (WIDE, EDGES, 2),
    "ndtri": (UNIT, EDGES, 2),
    "gammaln": (np.concatenate([WIDE, POSITIVE]), EDGES, 2),
    "digamma": (np.concatenate([WIDE, POSITIVE]), EDGES, 2),
    "psi": (POSITIVE, EDGES, 2),
    "entr": (POSITIVE, EDGES, 2),
    "expit": (WIDE, EDGES, 2),
    "logit": (UNIT, EDGES, 2),
    "sinc": (WIDE, np.array([0.0, -0.0, inf, nan]), 1),
    "i0": (WIDE, np.array([0.0, -0.0, 1.0, nan]), 2),
    "i0e": (WIDE, EDGES, 2),
    "i1": (WIDE, np.array([0.0, -0.0, 1.0, nan]), 2),
    "i1e": (WIDE, EDGES, 2),
    "bessel_j0": (WIDE, np.array([0.0, nan]), 0),
    "bessel_j1": (WIDE, np.array([0.0, nan]), 0),
    "bessel_y0": (POSITIVE[POSITIVE < 99], np.array([0.0, -1.0, nan]), 0),
    "bessel_y1": (POSITIVE[POSITIVE < 99], np.array([0.0, -1.0, nan]), 0),
    "modified_bessel_i0": (WIDE, np.array([0.0, nan]), 0),
    "modified_bessel_i1": (WIDE, np.array([0.0, nan]), 0),
    "modified_bessel_k0": (POSITIVE, np.array([0.0, -1.0, nan, inf]), 0),
    "modified_bessel_k1": (POSITIVE, np.array([0.0, -1.0, nan, inf]), 0),
    "scaled_modified_bessel_k0": (POSITIVE, np.array([0.0, -1.0, nan, inf]), 0),
    "scaled_modified_bessel_k1": (POSITIVE, np.array([0.0, -1.0, nan, inf]), 0),
    "spherical_bessel_j0": (WIDE, np.array([0.0, nan]), 0),
    "airy_ai": (WIDE[np.abs(WIDE) < 6], np.array([0.0, nan]), 0),
}
ROUGH = ("bessel_j0", "bessel_j1", "airy_ai")  # there right to six digits only


def test_names():
    missing = {n for n in dir(torch.special) if not n.startswith("_")} - set(ag.special.__all__)
    modules_own = {"Tensor", "torch", "common_args", "multi_dim_common"}
    assert all("polynomial" in name for name in missing - modules_own), missing
    assert set(ag.special.__all__) <= set(dir(torch.special))


@pytest.mark.parametrize("name", "erf erfc erfinv lgamma digamma polygamma mvlgamma igamma igammac logit sinc xlogy i0".split())
def test_functions_methods_and_in_place_forms(name):
    for ours, theirs in ((ag, torch), (ag.Tensor, torch.Tensor)):
        assert hasattr(ours, name) == hasattr(theirs, name)
    assert hasattr(ag.Tensor, name + "_") == hasattr(torch.Tensor, name + "_")


def derivatives(library, call, x, count):
    x = library.tensor(x, dtype=library.float64, requires_grad=True)
    found = [call(x)]
    for k in range(count):
        found += library.autograd.grad(found[-1].sum(), x, create_graph=k + 1 < count)
    return [f.detach().numpy() for f in found]


@pytest.mark.parametrize("name", UNARY)
def test_values_and_derivatives(name):
    x, _, orders = UNARY[name]
    ours = derivatives(ag, getattr(ag.special, name), x, orders)
    theirs = derivatives(torch, getattr(torch.special, name), x, orders)
    for o, t in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(o, t, rtol=1e-7, atol=2e-6 if name in ROUGH else 1e-7)


@pytest.mark.parametrize("name", UNARY)
def test_special_points(name):
    _, x, orders = UNARY[name]
    ours = derivatives(ag, getattr(ag.special, name), x, 0)
    theirs = derivatives(torch, getattr(torch.special, name), x, 0)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool", "float32", "float16"])
@pytest.mark.parametrize("name", UNARY)
def test_dtypes(name, dtype):
    x = np.array([1, 1, 1]).astype(dtype)
    try:
        theirs = getattr(torch.special, name)(torch.tensor(x))
    except NotImplementedError:
        return  # some have no float16 there
    ours = getattr(ag.special, name)(ag.tensor(x))
    assert str(theirs.dtype).removeprefix("torch.") == str(ours.dtype)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=2e-3 if dtype == "float16" else 3e-6, atol=1e-7)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 6])
def test_polygamma(n):
    x = np.concatenate([np.linspace(0.1, 20, 50), np.linspace(-4.03, -0.07, 23)])
    ours = derivatives(ag, lambda t: ag.polygamma(n, t), x, 1)
    theirs = derivatives(torch, lambda t: torch.polygamma(n, t), x, 1)
    for o, t in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(o, t, rtol=1e-9)  # PyTorch's trigamma is no more exact
    np.testing.assert_allclose(ag.tensor(x).polygamma(n).numpy(), torch.tensor(x).polygamma(n).numpy(), rtol=1e-9)


@pytest.mark.parametrize("eps", [None, -1.0, 0.0, 1e-3, 0.6])
def test_logit_with_eps(eps):
    x = [0.0, 1.0, -0.1, 1.1, nan, 0.5, 0.999, 0.001, 0.2]
    for o, t in zip(
        derivatives(ag, lambda t: ag.logit(t, eps), x, 1), derivatives(torch, lambda t: torch.logit(t, eps), x, 1), strict=True
    ):
        np.testing.assert_allclose(o, t, rtol=1e-12, atol=1e-15)
    assert ag.logit(ag.tensor([0.2]), eps=0.3).item() == pytest.approx(torch.logit(torch.tensor([0.2]), eps=0.3).item())


@pytest.mark.parametrize("name", ["xlogy", "xlog1py"])
def test_xlogy_at_all_pairs_of_special_points(name):
    points = np.array([0.0, 1.0, -1.0, -2.0, 0.5, inf, -inf, nan])
    x, y = (a.ravel() for a in np.meshgrid(points, points))
    found = []
    for library in (ag, torch):
        a, b = (library.tensor(v, requires_grad=True) for v in (x, y))
        result = getattr(library.special, name)(a, b)
        result.sum().backward()
        found.append([result.detach().numpy(), a.grad.numpy(), b.grad.numpy()])
    for o, t in zip(*found, strict=True):
        np.testing.assert_allclose(o, t, rtol=1e-12)


@pytest.mark.parametrize("name", ["xlogy", "xlog1py", "zeta"])
@pytest.mark.parametrize("kinds", ["number tensor", "tensor number", "int64 float32", "float16 float32", "int64 int64", "0d float32"])
def test_two_arguments_dtypes(name, kinds):
    if name == "zeta" and "16" in kinds:
        pytest.skip("PyTorch has no zeta in float16")

    def make(library, kind):
        if kind == "number":
            return 3.0
        if kind == "0d":
            return library.tensor(3.0, dtype=library.float64)
        return library.tensor([3, 2], dtype=getattr(library, kind if kind != "tensor" else "float32"))

    ours, theirs = (getattr(lib.special, name)(*[make(lib, k) for k in kinds.split()]) for lib in (ag, torch))
    assert str(theirs.dtype).removeprefix("torch.") == str(ours.dtype)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=3e-6 if ours.dtype != ag.float64 else 1e-12)


def test_zeta():
    s = np.array([1.0, 0.5, 2, 2, 2.5, 3, 2, 1.01, 4, 30])[:, None]
    q = np.array([1.0, 0.0, -1, -0.5, -2.5, 0.1, 3.3, 25])
    ours, theirs = (lib.special.zeta(lib.tensor(s), lib.tensor(q)).numpy() for lib in (ag, torch))
    np.testing.assert_allclose(ours, theirs, rtol=1e-11)
    found = derivatives(ag, lambda t: ag.special.zeta(3.0, t), q[5:], 2), derivatives(torch, lambda t: torch.special.zeta(3.0, t), q[5:], 2)
    for o, t in zip(*found, strict=True):
        np.testing.assert_allclose(o, t, rtol=1e-11)


@pytest.mark.parametrize("name", ["igamma", "igammac"])
def test_incomplete_gamma(name):
    a = np.array([0.0, 0.3, 1.0, 2.5, 20, 300, -1])[:, None]
    x = np.array([0.0, 0.1, 1.0, 3, 20, 320, inf, -1])
    ours, theirs = (getattr(lib, name)(lib.tensor(a), lib.tensor(x)).numpy() for lib in (ag, torch))
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-300)
    x = x[1:5]
    for o, t in zip(
        derivatives(ag, lambda t: getattr(ag, name)(ag.tensor(2.5, dtype=ag.float64), t), x, 2),
        derivatives(torch, lambda t: getattr(torch, name)(torch.tensor(2.5, dtype=torch.float64), t), x, 2),
        strict=True,
    ):
        np.testing.assert_allclose(o, t, rtol=1e-11)


@pytest.mark.parametrize("p", [1, 2, 5])
def test_mvlgamma(p):
    x = np.array([[2.6, 3.0, 9.5], [2.1, 2.2, 100.0]])
    for o, t in zip(derivatives(ag, lambda t: ag.mvlgamma(t, p), x, 2), derivatives(torch, lambda t: t.mvlgamma(p), x, 2), strict=True):
        np.testing.assert_allclose(o, t, rtol=1e-9)
    assert ag.mvlgamma(ag.tensor([[3, 4]]), p).dtype == ag.float32 == ag.mvlgamma(ag.tensor([3.0]), p).dtype
    np.testing.assert_allclose(ag.mvlgamma(ag.tensor([3, 4]), p).numpy(), torch.mvlgamma(torch.tensor([3, 4]), p).numpy(), rtol=1e-6)


@pytest.mark.parametrize(
    "call",
    [
        lambda lib: lib.polygamma(-1, lib.ones(2)),
        lambda lib: lib.polygamma(1.0, lib.ones(2)),
        lambda lib: lib.mvlgamma(lib.ones(2), 0),
        lambda lib: lib.mvlgamma(lib.ones(2), 1.5),
        lambda lib: lib.mvlgamma(lib.tensor([True]), 1),
        lambda lib: lib.lgamma(lib.tensor([1j])),
        lambda lib: lib.erfinv(lib.tensor([1j])),
        lambda lib: lib.xlogy(lib.tensor([1j]), 2.0),
        lambda lib: lib.tensor([1, 2]).lgamma_(),
        lambda lib: lib.xlogy(lib.ones(2), lib.ones(3)),
    ],
)
def test_errors(call):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises((RuntimeError, TypeError)) as theirs:
            call(torch)
        with pytest.raises(TypeError if theirs.type is TypeError else RuntimeError):
            call(ag)


def test_functions_of_other_modules():
    x = np.linspace(-2.2, 2.3, 12).reshape(3, 4)
    for call in (
        lambda lib, t: lib.special.softmax(t, 1),
        lambda lib, t: lib.special.log_softmax(t, dim=0),
        lambda lib, t: lib.special.logsumexp(t, 1, keepdim=True),
        lambda lib, t: lib.special.round(t, decimals=1),
        lambda lib, t: lib.special.exp2(t),
        lambda lib, t: lib.special.expm1(t),
        lambda lib, t: lib.special.log1p(t * t),
        lambda lib, t: lib.special.multigammaln(t * t + 2, 2),
        lambda lib, t: lib.special.gammainc(t * t, t * t + 1),
        lambda lib, t: lib.special.gammaincc(t * t, t * t + 1),
    ):
        np.testing.assert_allclose(call(ag, ag.tensor(x)).numpy(), call(torch, torch.tensor(x)).numpy(), rtol=1e-11)


def test_complex_sinc():
    z = np.array([0.3 + 0.4j, -2 + 1j, 0.5])
    np.testing.assert_allclose(ag.sinc(ag.tensor(z)).numpy(), torch.sinc(torch.tensor(z)).numpy(), rtol=1e-12)
