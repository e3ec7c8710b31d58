"""Operations element by element against PyTorch where mistakes hide: zeros of both signs, infinities, NaN, ties; complex numbers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import autograd_core as ag

torch = pytest.importorskip("torch", reason="parity extra not installed")

inf, nan = np.inf, np.nan
POINTS = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.5, 3.0, inf, -inf, nan])
PAIRS = [m.ravel() for m in np.meshgrid(POINTS, POINTS)]

UNARY = """
    abs neg sign sgn positive reciprocal sqrt rsqrt square exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh
    asinh acosh atanh sigmoid relu floor ceil trunc frac round fix deg2rad rad2deg nan_to_num angle real conj
""".split()
BINARY = """
    add sub mul div pow remainder fmod maximum minimum fmax fmin atan2 hypot copysign logaddexp logaddexp2 nextafter clamp_min
    clamp_max ldexp float_power rsub
""".split()
OTHERS = {
    "clamp": lambda lib, x: lib.clamp(x, -1, 2),
    "clamp with nan": lambda lib, x: lib.clamp(x, nan, 2),
    "clamp upside down": lambda lib, x: lib.clamp(x, 2, -1),
    "nan_to_num given": lambda lib, x: lib.nan_to_num(x, nan=3.0, posinf=4.0, neginf=5.0),
    "round to tens": lambda lib, x: lib.round(x, decimals=-1),
    "where": lambda lib, x: lib.where(x > 0, x.log(), x * x),
    "frexp": lambda lib, x: lib.frexp(x)[0],
    **{f"x ** {e}": lambda lib, x, e=e: x**e for e in (0, 1, 2, 3, -1, -2, 0.5, -0.5, 1.5, inf, nan)},
    **{f"{b} ** x": lambda lib, x, b=b: b**x for b in (0, 1, 2, 0.5, -1.0, -2.0)},
    **{f"{b} / x": lambda lib, x, b=b: b / x for b in (0, 1, -2.0)},
    "x % 2": lambda lib, x: x % 2,
    "fmod(x, -2)": lambda lib, x: lib.fmod(x, -2),
    "lerp 0.3": lambda lib, x: lib.lerp(x, 2 * x, 0.3),
    "lerp 0.7": lambda lib, x: lib.lerp(x, 2 * x, 0.7),
}
OF_TWO = {
    "div, floor": lambda lib, a, b: lib.div(a, b, rounding_mode="floor"),
    "div, trunc": lambda lib, a, b: lib.div(a, b, rounding_mode="trunc"),
    "where": lambda lib, a, b: lib.where(a > b, a, b),
    "clamp to tensors": lambda lib, a, b: lib.clamp(a, b, b + 1),
    "clamp to tensors upside down": lambda lib, a, b: lib.clamp(a, b + 1, b),
    "addcmul": lambda lib, a, b: lib.addcmul(a, b, a, value=0.5),
    "addcdiv": lambda lib, a, b: lib.addcdiv(a, b, a, value=0.5),
    "lerp": lambda lib, a, b: lib.lerp(a, b, b / 3),
}
CALLS = {
    **{name: (lambda lib, x, name=name: getattr(lib, name)(x), (POINTS,)) for name in UNARY},
    **{name: (call, (POINTS,)) for name, call in OTHERS.items()},
    **{name: (lambda lib, a, b, name=name: getattr(lib, name)(a, b), PAIRS) for name in BINARY},
    **{f"{name} of two": (call, PAIRS) for name, call in OF_TWO.items()},
}


# Where PyTorch makes 0 · ∞ or 0 / 0 of second derivatives.
FINITE = {"atan2", "0 ** x", "pow", "float_power", "logaddexp", "logaddexp2", "ldexp", "copysign"}


def derived(library, call, arrays):
    """Value, gradients, and the gradients' gradients."""
    inputs = [library.tensor(a, requires_grad=True) for a in arrays]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = call(library, *inputs)
        found = [result.detach().numpy()]
        if result.requires_grad:
            first = library.autograd.grad(result.sum(), inputs, create_graph=True)
            found += [g.numpy(force=True) for g in first]
            total = sum((g * k).sum() for k, g in enumerate(first, 2))
            if total.requires_grad:
                second = library.autograd.grad(total, inputs, allow_unused=True)
                found += [np.zeros(a.shape) if s is None else s.numpy(force=True) for s, a in zip(second, arrays, strict=True)]
    return found


@pytest.mark.parametrize("name", CALLS)
def test_special_points(name):
    call, arrays = CALLS[name]
    ours, theirs = derived(ag, call, arrays), derived(torch, call, arrays)
    names = ["value", *[f"{what} {k}" for what in ("gradient", "second") for k in range(len(arrays))]]
    for which, o, t in zip(names, ours, theirs, strict=False):
        assert o.dtype == t.dtype
        same = np.isclose(o, t, rtol=1e-12, atol=1e-15, equal_nan=True)
        if which.startswith("second") and name in FINITE:
            same |= np.isnan(t)
        wrong = [(*(float(a[i]) for a in arrays), float(o[i]), float(t[i])) for i in np.flatnonzero(~same)]
        assert not wrong, f"{which} at (inputs, ours, PyTorch's): {wrong}"


# ---------------------------------------------------------------------- complex numbers

COMPLEX_UNARY = """
    neg reciprocal sqrt rsqrt square exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sigmoid
    abs sgn angle real imag conj conj_physical positive view_as_real isfinite isinf isnan isreal logical_not
""".split()
COMPLEX_OTHERS = {
    **{f"z ** {e}": lambda lib, z, e=e: z**e for e in (2, 3, -1.5, -0.5, 0, 1 + 2j)},
    **{f"{b} ** z": lambda lib, z, b=b: b**z for b in (2, 1 + 1j)},
    "2j * z": lambda lib, z: 2j * z,
    "1j / z": lambda lib, z: 1j / z,
    "parts": lambda lib, z: z.real * z.imag,
    "square of the size": lambda lib, z: (z * z.conj()).real,
    "H": lambda lib, z: z.H * 2j,
    "where": lambda lib, z: lib.where(z.real > 0, z, z * z),
    "masked_fill": lambda lib, z: z.masked_fill(z.real > 0, 2j),
    "addcmul": lambda lib, z: lib.addcmul(z, z, z, value=2j),
    "addcdiv": lambda lib, z: lib.addcdiv(z, z * z, z + 1, value=2),
    "add with alpha": lambda lib, z: lib.add(z, z, alpha=2j),
    "lerp": lambda lib, z: lib.lerp(z, z * z, 0.3),
    "lerp by itself": lambda lib, z: lib.lerp(z, z * z, z),
    "view_as_complex": lambda lib, z: lib.view_as_complex(lib.view_as_real(z) ** 2),
    "to complex64": lambda lib, z: z.to(lib.complex64) * 2,
}
MIXED = "add sub mul div pow rsub float_power eq ne".split()


def derived_complex(library, call, arrays):
    """Value, gradients, and the gradients of the sum of the squares of the gradients' parts, with complex weights."""
    plain = lambda t: t.detach().resolve_conj().numpy(force=True)
    inputs = [library.tensor(a, requires_grad=True) for a in arrays]
    result = call(library, *inputs)
    found = [plain(result)]
    if result.requires_grad:
        n = result.numel()
        weights = np.linspace(0.5, 1.5, n) * (1 + 0.3j if result.is_complex() else 1)
        weights = library.tensor(weights.reshape(tuple(result.shape)).astype(found[0].dtype))
        first = library.autograd.grad(result, inputs, weights, create_graph=True)
        found += [plain(g) for g in first]
        parts = [library.view_as_real(g.resolve_conj()) if g.is_complex() else g for g in first]
        total = sum((p * p).sum() for p in parts)
        if total.requires_grad:
            second = library.autograd.grad(total, inputs, allow_unused=True)
            found += [np.zeros_like(a) if s is None else plain(s) for s, a in zip(second, arrays, strict=True)]
    return found


def assert_same_complex(call, arrays, dtype):
    ours, theirs = (derived_complex(library, call, arrays) for library in (ag, torch))
    assert len(ours) == len(theirs)
    for o, t in zip(ours, theirs, strict=True):
        assert o.dtype == t.dtype
        tolerance = 1e-9 if dtype == "complex128" and o.dtype != np.complex64 else 2e-4
        np.testing.assert_allclose(o, t, rtol=tolerance, atol=tolerance * max(1, np.abs(t).max()))


def complex_numbers(dtype, *shape):
    rng = np.random.default_rng(len(shape))
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(dtype)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", [*COMPLEX_UNARY, *COMPLEX_OTHERS])
def test_complex(name, dtype):
    call = COMPLEX_OTHERS.get(name) or (lambda lib, z: getattr(lib, name)(z))
    assert_same_complex(call, [complex_numbers(dtype, 2, 3)], dtype)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("kinds", ["complex, complex", "complex, real", "real, complex"])
@pytest.mark.parametrize("name", MIXED)
def test_complex_with_real(name, kinds, dtype):
    z, w = complex_numbers(dtype, 2, 3), complex_numbers(dtype, 3)
    arrays = [np.abs(a) if kind == "real" else a for a, kind in zip((z, w), kinds.split(", "), strict=True)]
    assert_same_complex(lambda lib, a, b: getattr(lib, name)(a, b), arrays, dtype)


@pytest.mark.parametrize("name", ["complex", "polar"])
def test_complex_of_reals(name):
    a, b = np.abs(complex_numbers("complex128", 2, 3)), complex_numbers("complex128", 3).real
    assert_same_complex(lambda lib, a, b: getattr(lib, name)(a, b), [a, b], "complex128")


def test_parts_are_views():
    results = []
    for lib in (ag, torch):
        x = lib.tensor([1 + 2j, 3 - 1j], dtype=lib.complex128, requires_grad=True)
        y = x * 1
        y.real.mul_(3)
        y.imag = lib.tensor([5.0, 6.0], dtype=lib.float64) * x.real
        lib.view_as_real(y)[0, 0] = 7.0
        lib.view_as_real(y * y).sum().backward()
        results.append((y.tolist(), x.grad.tolist()))
    assert results[0] == results[1]
