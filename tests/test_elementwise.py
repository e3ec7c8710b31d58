"""Operations element by element: arguments, errors, operators, in-place forms, whole numbers and complex numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

import autograd_core as ag

inf, nan = math.inf, math.nan


# ---------------------------------------------------------------------- arithmetic


def test_sums_with_alpha():
    a, b = ag.tensor([5, 6]), ag.tensor([1, 2])
    assert ag.add(a, b, alpha=2).tolist() == [7, 10]
    assert ag.sub(a, b, alpha=2).tolist() == [3, 2]
    assert ag.rsub(a, b, alpha=2).tolist() == [-9, -10]
    assert ag.add(a, 1.5, alpha=0.5).tolist() == [5.75, 6.75]
    for function in (ag.add, ag.sub, ag.rsub):
        with pytest.raises(RuntimeError, match=r"alpha=0\.5 with integers"):
            function(a, b, alpha=0.5)
    half = ag.tensor(1.0, dtype=ag.float16)  # it is as if b were of the result's dtype before it is scaled
    assert ag.add(half, b, alpha=0.5).dtype == ag.rsub(b, half, alpha=0.5).dtype == ag.float16


def test_rounded_quotients_of_integers_are_integers():
    a, b = ag.tensor([7, -7, 7, -7]), ag.tensor([2, 2, -2, -2])
    for mode, expected in (("floor", [3, -4, -4, 3]), ("trunc", [3, -3, -3, 3])):
        result = ag.div(a, b, rounding_mode=mode)
        assert result.tolist() == expected
        assert result.dtype == ag.int64
    large = ag.tensor([2**62 + 1])
    assert ag.div(large, 1, rounding_mode="trunc").tolist() == [2**62 + 1]
    assert ag.div(ag.tensor([7], dtype=ag.uint8), 2, rounding_mode="trunc").dtype == ag.uint8
    with pytest.raises(RuntimeError, match="rounding_mode"):
        ag.div(a, b, rounding_mode="ceil")


@pytest.mark.parametrize(
    "divide",
    [
        lambda a, b: a // b,
        lambda a, b: a % b,
        ag.fmod,
        lambda a, b: ag.div(a, b, rounding_mode="trunc"),
        lambda a, b: ag.div(a, b, rounding_mode="floor"),
    ],
)
def test_integers_divided_by_zero(divide):
    a = ag.tensor([1, 2])
    for zero in (0, ag.tensor([1, 0]), ag.tensor(0)):
        with pytest.raises(RuntimeError, match="divided by zero"):
            divide(a, zero)


def test_remainders_have_the_sign_of_one_or_the_other():
    a = ag.tensor([7, -7, 7, -7])
    b = ag.tensor([3, 3, -3, -3])
    assert (a % b).tolist() == [1, 2, -2, -1]
    assert ag.fmod(a, b).tolist() == [1, -1, 1, -1]
    assert ag.fmod(ag.tensor([-7.5]), 2).tolist() == [-1.5]


def test_lerp_is_exact_at_both_ends():
    a, b = ag.tensor([1e8, -3.0]), ag.tensor([1.0, 0.1])
    assert ag.lerp(a, b, 0.0).tolist() == a.tolist()
    assert ag.lerp(a, b, 1.0).tolist() == b.tolist()
    assert ag.lerp(a, b, ag.tensor([0.0, 1.0])).tolist() == [a[0].item(), b[1].item()]


def test_values_of_products_and_quotients():
    i = ag.tensor([1, 2])
    assert ag.addcmul(i, i, i, value=3).tolist() == [4, 14]
    assert ag.addcmul(i, i, i.float(), value=0.5).tolist() == [1.5, 4.0]
    with pytest.raises(RuntimeError, match=r"value=0\.5 with"):
        ag.addcmul(i, i, i, value=0.5)
    with pytest.raises(RuntimeError, match="addcdiv"):
        ag.addcdiv(i, i, i)
    assert ag.addcdiv(i, i.float(), i, value=2).tolist() == [3.0, 4.0]


def test_float_power_computes_in_double():
    assert ag.float_power(ag.tensor([2]), -1).dtype == ag.float64
    assert ag.float_power(ag.tensor([2]), -1).tolist() == [0.5]
    assert ag.float_power(2, ag.tensor([3])).tolist() == [8.0]
    assert ag.float_power(ag.tensor([1j]), 2).dtype == ag.complex128
    with pytest.raises(RuntimeError, match="float64"):
        ag.ones(2).float_power_(2)


def test_ldexp_and_frexp_are_inverses():
    x = ag.tensor([3.0, -0.1, 0.0, 1e-310, 1e300, inf], dtype=ag.float64)
    mantissa, exponent = ag.frexp(x)
    assert exponent.dtype == ag.int32
    assert ag.frexp(x).mantissa.tolist() == mantissa.tolist()
    assert (mantissa[:5].abs() < 1).all()
    ordinary = [0, 1, 2, 4, 5]  # 2^1029 is too large for what 1e-310 is taken apart to
    assert ag.ldexp(mantissa, exponent)[ordinary].tolist() == x[ordinary].tolist()
    assert ag.ldexp(ag.ones(1, dtype=ag.float64), ag.tensor([200])).tolist() == [2.0**200]
    with pytest.raises(TypeError, match="ldexp"):
        ag.ldexp(x, 2)


def test_isclose():
    a, b = ag.tensor([1.0, nan, inf, 1.0]), ag.tensor([1.0 + 1e-7, nan, inf, 1.1])
    assert ag.isclose(a, b).tolist() == [True, False, True, False]
    assert a.isclose(b, equal_nan=True, atol=0.2).tolist() == [True, True, True, True]
    assert ag.isclose(ag.tensor(1), ag.tensor(1)).shape == ()


# ---------------------------------------------------------------------- choices


def test_nan_to_num():
    x = ag.tensor([nan, inf, -inf, 1.0])
    assert x.nan_to_num().tolist() == [0.0, ag.finfo().max, ag.finfo().min, 1.0]
    assert x.nan_to_num(1.0, 2.0, 3.0).tolist() == [1.0, 2.0, 3.0, 1.0]
    assert ag.tensor([1, 2]).nan_to_num(5.0).tolist() == [1, 2]
    x.nan_to_num_(posinf=7.0)
    assert x[1].item() == 7.0


def test_heaviside():
    x, values = ag.tensor([-1.0, 0.0, 2.0], requires_grad=True), ag.tensor([5.0, 6.0, 7.0], requires_grad=True)
    result = ag.heaviside(x, values)
    assert result.tolist() == [0.0, 6.0, 1.0]
    result.sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.0]
    assert values.grad.tolist() == [0.0, 1.0, 0.0]
    assert ag.heaviside(ag.tensor([-1, 0, 1]), ag.tensor(5)).tolist() == [0, 5, 1]
    with pytest.raises(RuntimeError, match="one dtype"):
        ag.heaviside(ag.ones(1), ag.ones(1, dtype=ag.float64))


def test_clamp():
    x = ag.tensor([1, 5, 9])
    assert x.clamp(2, 6).tolist() == ag.clip(x, 2, 6).tolist() == [2, 5, 6]
    assert x.clamp(min=1.5).tolist() == [1.5, 5.0, 9.0]
    assert x.clamp(min=ag.tensor([[2], [6]])).tolist() == [[2, 5, 9], [6, 6, 9]]
    assert ag.clamp_max(x, ag.tensor(5.5)).dtype == ag.float32
    assert ag.clamp_min(x, 3).tolist() == [3, 5, 9]
    with pytest.raises(RuntimeError, match="clamp"):
        x.clamp()
    with pytest.raises(RuntimeError, match="cannot be stored"):
        x.clamp_(min=1.5)
    for low in (1j, ag.tensor(1j)):
        with pytest.raises(RuntimeError, match="order"):
            x.clamp(low)


def test_bounds_get_gradients():
    x, low, high = (ag.tensor(v, requires_grad=True) for v in ([0.0, 2.0, 5.0, 3.0], [1.0, 2.0, 1.0, 6.0], [4.0, 4.0, 4.0, 4.0]))
    ag.clamp(x, low, high).sum().backward()
    assert x.grad.tolist() == [0.0, 1.0, 0.0, 0.0]
    assert low.grad.tolist() == [1.0, 0.0, 0.0, 0.0]
    assert high.grad.tolist() == [0.0, 0.0, 1.0, 1.0]


def test_where():
    x = ag.tensor([1.0, 2.0])
    assert x.where(x > 1, ag.tensor(0.0)).tolist() == [0.0, 2.0]
    assert ag.where(ag.tensor([1, 0], dtype=ag.uint8), x, 0).tolist() == [1.0, 0.0]
    with pytest.raises(RuntimeError, match="boolean"):
        ag.where(ag.tensor([1, 0]), x, x)
    assert ag.fill(x, 3).tolist() == [3.0, 3.0]


def test_masked_fill():
    x, i, mask = ag.tensor([1.0, 2.0]), ag.tensor([1, 2]), ag.tensor([False, True])
    assert x.masked_fill(mask, 5).tolist() == [1.0, 5.0]
    assert i.masked_fill(mask, ag.tensor(7.9)).tolist() == [1, 7]
    assert i.masked_fill(mask, ag.tensor(7.9)).dtype == ag.int64
    assert x.half().masked_fill(mask, -math.inf).tolist() == [1.0, -math.inf]
    for tensor, value in ((x, 1j), (x.half(), -1e9), (i.to(ag.uint8), 300), (x, ag.ones(2))):
        with pytest.raises(RuntimeError, match="masked_fill"):
            tensor.masked_fill(mask, value)
    with pytest.raises(RuntimeError, match="boolean"):
        x.masked_fill(i, 0)
    weight = ag.tensor(3.0, requires_grad=True)
    x.masked_fill(mask, weight).sum().backward()
    assert weight.grad.item() == 1.0


# ---------------------------------------------------------------------- logic, bits and whole numbers


def test_signs():
    x = ag.tensor([-2.0, -0.0, 0.0, nan, inf])
    assert x.sign().tolist() == [-1.0, 0.0, 0.0, 0.0, 1.0]
    assert x.signbit().tolist() == [True, True, False, False, False]
    assert x.isposinf().tolist() == [False, False, False, False, True]
    assert (-x).isneginf().tolist() == [False, False, False, False, True]
    assert ag.tensor([True, False]).sign().tolist() == [True, False]
    for test in (ag.isposinf, ag.isneginf, ag.signbit):
        assert test(ag.tensor([3, 0])).tolist() == test(ag.tensor([True])).tolist() * 2 == [False, False]
    with pytest.raises(TypeError, match="sgn"):
        ag.sign(ag.tensor([1j]))
    with pytest.raises(RuntimeError, match="booleans"):
        ag.positive(ag.tensor([True]))


def test_shifts():
    x = ag.tensor([1, -8, 5])
    assert (x << 2).tolist() == [4, -32, 20]
    assert (x >> 1).tolist() == [0, -4, 2]
    assert (1 << ag.tensor([0, 3])).tolist() == [1, 8]
    assert (64 >> ag.tensor([0, 3])).tolist() == [64, 8]
    assert (x << 64).tolist() == (x << -1).tolist() == [0, 0, 0]
    assert (x >> 64).tolist() == (x >> -1).tolist() == [0, -1, 0]
    x <<= 1
    x >>= ag.tensor([0, 1, 1])
    assert x.tolist() == [2, -8, 5]
    with pytest.raises(TypeError):
        ag.ones(1) << 1


def test_divisors():
    a, b = ag.tensor([12, -18, 0]), ag.tensor([18, 12, 5])
    assert ag.gcd(a, b).tolist() == [6, 6, 5]
    assert ag.lcm(a, b).tolist() == [36, 36, 0]
    assert a.gcd_(b).tolist() == [6, 6, 5]


OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": lambda a, b: a**b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "<<": lambda a, b: a << b,
    ">>": lambda a, b: a >> b,
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_with_numbers_on_either_side(name):
    operate, values = OPERATORS[name], [1, 2, 5]
    t = ag.tensor(values)
    assert operate(t, 2).tolist() == [operate(v, 2) for v in values]
    assert operate(7, t).tolist() == [operate(7, v) for v in values] if name != "/" else True
    assert operate(t, np.array(values)).tolist() == [operate(v, v) for v in values]
    with pytest.raises(TypeError):
        operate(t, None)
    with pytest.raises(TypeError):
        operate(None, t)


IN_PLACE = {
    "+=": ag.Tensor.__iadd__,
    "-=": ag.Tensor.__isub__,
    "*=": ag.Tensor.__imul__,
    "//=": ag.Tensor.__ifloordiv__,
    "%=": ag.Tensor.__imod__,
    "**=": ag.Tensor.__ipow__,
    "&=": ag.Tensor.__iand__,
    "|=": ag.Tensor.__ior__,
    "^=": ag.Tensor.__ixor__,
    "<<=": ag.Tensor.__ilshift__,
    ">>=": ag.Tensor.__irshift__,
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_operators(name):
    t = ag.tensor([1, 2, 5])
    expected = OPERATORS[name[:-1]](t.clone(), 2).tolist()
    same = t
    assert IN_PLACE[name](t, 2) is t
    assert same.tolist() == expected
    assert IN_PLACE[name](t, "2") is NotImplemented


def test_comparing_in_place_cuts_the_gradient():
    x = ag.tensor([1.0, 3.0], requires_grad=True)
    y = x * 2
    y.gt_(3)
    assert y.tolist() == [0.0, 1.0]
    assert y.requires_grad
    (y * x).sum().backward()
    assert x.grad.tolist() == [0.0, 1.0]


def test_comparing_a_view_in_place_cuts_its_gradient():
    x = ag.tensor([1.0, 3.0], requires_grad=True)
    y = x * 2
    y[1:].eq_(6)
    y.sum().backward()
    assert y.tolist() == [2.0, 1.0]
    assert x.grad.tolist() == [2.0, 0.0]


# ---------------------------------------------------------------------- complex numbers


def test_parts_of_complex_tensors():
    z = ag.tensor([1 + 2j, 3 - 4j])
    assert z.real.tolist() == ag.real(z).tolist() == [1.0, 3.0]
    assert z.imag.tolist() == ag.imag(z).tolist() == [2.0, -4.0]
    assert z.abs().tolist() == [math.sqrt(5), 5.0] or z.abs().dtype == ag.float32
    assert z.conj().tolist() == z.conj_physical().tolist() == [1 - 2j, 3 + 4j]
    assert ag.view_as_real(z).tolist() == [[1.0, 2.0], [3.0, -4.0]]
    assert ag.view_as_complex(ag.view_as_real(z)).tolist() == z.tolist()
    z.real = 7.0
    z.imag = ag.tensor([0.0, 1.0])
    assert z.tolist() == [7 + 0j, 7 + 1j]
    for part in (z.real, z.imag, ag.view_as_real(z)):
        assert np.shares_memory(part.numpy(), z.numpy())
    z.imag.add_(1)
    assert z.tolist() == [7 + 1j, 7 + 2j]


def test_an_infinite_gradient_by_the_imaginary_part_leaves_the_real_part_alone():
    z = ag.tensor([1 + 2j, 3 - 4j], requires_grad=True)
    (z.imag * ag.tensor([inf, 2.0])).sum().backward()
    np.testing.assert_array_equal(ag.view_as_real(z.grad).numpy(), [[0, inf], [0, 2]])


def test_parts_of_real_tensors():
    x = ag.tensor([-1.0, 2.0, nan])
    assert x.real is x
    assert x.conj() is x
    assert x.resolve_conj() is x
    np.testing.assert_allclose(x.angle().numpy(), [math.pi, 0, nan], rtol=1e-6)
    assert ag.tensor([-1, 2]).angle().dtype == ag.float32
    with pytest.raises(RuntimeError, match="imag"):
        ag.imag(x)
    with pytest.raises(RuntimeError, match="view_as_real"):
        ag.view_as_real(x)


def test_complex_of_parts():
    a, b = ag.tensor([3.0, 0.0]), ag.tensor([4.0, 1.0])
    assert ag.complex(a, b).tolist() == [3 + 4j, 1j]
    assert ag.complex(a.double(), b.double()).dtype == ag.complex128
    np.testing.assert_allclose(ag.polar(a, b).numpy(), a.numpy() * np.exp(1j * b.numpy()), rtol=1e-6)
    for function in (ag.complex, ag.polar):
        with pytest.raises(RuntimeError, match="one dtype"):
            function(a, b.double())
    with pytest.raises(RuntimeError, match="length 2"):
        ag.view_as_complex(ag.ones(3))
    with pytest.raises(RuntimeError, match="contiguous"):
        ag.view_as_complex(ag.ones(2, 3).T)
    with pytest.raises(RuntimeError, match="float64"):
        ag.view_as_complex(ag.ones(3, 2, dtype=ag.float16))


def test_adjoint():
    z = ag.tensor([[1 + 1j, 2.0, 3j]])
    assert z.H.tolist() == z.mH.tolist() == z.adjoint().tolist() == [[1 - 1j], [2 + 0j], [-3j]]
    assert ag.ones(2, 3, 4).mH.shape == (2, 4, 3)
    with pytest.raises(RuntimeError, match="mH"):
        _ = ag.ones(2, 3, 4).H
    with pytest.raises(RuntimeError, match="adjoint"):
        ag.ones(3).adjoint()


def test_sgn_of_complex():
    np.testing.assert_allclose(ag.sgn(ag.tensor([3 + 4j, 0j, -2 + 0j])).numpy(), [0.6 + 0.8j, 0, -1], rtol=1e-6)
    z = ag.tensor([3 + 4j, 1j])
    assert z.sgn_() is z


def test_the_derivatives_of_a_direction_are_zero_at_zero():
    z = ag.tensor([0j, 3 - 4j], dtype=ag.complex128, requires_grad=True)
    for function in (ag.abs, ag.sgn, ag.angle):  # and nothing is divided by zero on the way
        out = function(z)
        (g,) = ag.autograd.grad(out, z, ag.ones_like(out), create_graph=True)
        (h,) = ag.autograd.grad(g, z, ag.ones_like(g))
        assert g[0].item() == h[0].item() == 0
        assert g.isfinite().all()
        assert h.isfinite().all()


def test_the_gradient_of_copysign_is_zero_at_zero():
    x = ag.tensor([0.0, -0.0, 2.0, -2.0], requires_grad=True)
    ag.copysign(x, ag.tensor([1.0, -1.0, -3.0, -0.0])).sum().backward()
    assert x.grad.tolist() == [0, 0, -1, 1]


def test_nan_to_num_of_complex_numbers_is_of_their_parts():
    x = ag.tensor([1 + 2j, complex(inf, 3), complex(2, nan)], requires_grad=True)
    x.nan_to_num().backward(ag.tensor([1 + 1j, 1 + 1j, 1 + 1j]))
    assert x.grad.tolist() == [1 + 1j, 1j, 1]


def test_log1p_of_complex_numbers_is_exact_near_zero():
    z = np.array([1e-20 + 1e-18j, 1e-5, 0.5 - 2j, -3 + 4j, -1 + 1e-3j, 1e300 + 1e300j])
    expected = [1e-20 + 1e-18j, np.log1p(1e-5), np.log(1.5 - 2j), np.log(-2 + 4j), np.log(1e-3j), np.log(1e300 + 1e300j)]
    for found, value in zip(ag.log1p(ag.tensor(z)).tolist(), expected, strict=True):
        np.testing.assert_allclose([found.real, found.imag], [value.real, value.imag], rtol=1e-14)


@pytest.mark.parametrize("name", ["sign", "sgn", "nan_to_num"])
@pytest.mark.parametrize("dtype", [ag.bool, ag.int64])
def test_results_have_their_own_memory(name, dtype):
    x = ag.ones(2, dtype=dtype)
    assert not np.shares_memory(getattr(x, name)().numpy(), x.numpy())


def test_booleans_become_integers_or_stay():
    x = ag.tensor([True, False])
    assert x.square().dtype == ag.int64
    assert (x**True).tolist() == [True, False]
    assert (x**True).dtype == ag.bool
    assert (x**False).tolist() == [True, True]
    assert ag.add(x, x, alpha=2).tolist() == [True, False]
    assert ag.add(x, x, alpha=2).dtype == ag.bool


def test_what_is_not_of_complex_numbers():
    z, x = ag.tensor([1 + 2j]), ag.tensor([1.0])
    for call in (
        lambda: ag.relu(z),
        lambda: ag.relu(x > 0),
        lambda: ag.heaviside(z, z),
        lambda: ag.deg2rad(z),
        lambda: ag.rad2deg(z),
        lambda: ag.frexp(ag.tensor([1])),
        lambda: ag.add(x, x, alpha=1j),
        lambda: ag.addcmul(x, x, x, value=1j),
        lambda: ag.addcdiv(x, x, x, value=1j),
        lambda: ag.lerp(x, x, 1j),
        lambda: x.fill_(1j),
        lambda: x.fill_(1e39),
        lambda: ag.zeros(1, dtype=ag.uint8).fill_(300),
        lambda: ag.masked_fill(ag.tensor([1]), x > 0, inf),
        lambda: ag.masked_fill(x, x > 0, z[0]),
    ):
        with pytest.raises(RuntimeError):
            call()
    assert x.tolist() == [1.0]
    assert ag.lerp(z, 3 * z, 0.5j).tolist() == [-1 + 3j]
    assert ag.zeros(1, dtype=ag.uint8).fill_(-1).tolist() == [255]


def test_rounding_float16_to_decimals_does_not_overflow():
    assert ag.tensor([0.1234, 900.0], dtype=ag.float16).round(decimals=3).tolist() == [np.float16(0.123), 900.0]


def test_where_of_one_number():
    assert [i.tolist() for i in ag.where(ag.tensor(True))] == [[0]]
    assert [i.tolist() for i in ag.where(ag.tensor(0.0))] == [[]]


def test_a_numpy_scalar_is_held_to_the_limits_of_the_tensor():
    x, mask = ag.ones(2, dtype=ag.float64), ag.tensor([True, False])
    assert x.masked_fill(mask, np.float32(2)).tolist() == [2.0, 1.0]
    with pytest.raises(RuntimeError, match="beyond"):
        ag.ones(2, dtype=ag.uint8).masked_fill(mask, np.int64(300))
