"""gradcheck and gradgradcheck: they pass what is right, fail what is wrong, and say where."""

from __future__ import annotations

import re

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.check import GradcheckError, gradcheck, gradgradcheck


def leaf(*shape, dtype=ag.float64, seed=0):
    rng = np.random.default_rng(seed)
    numbers = rng.uniform(0.5, 1.5, shape)
    return ag.tensor(numbers + 1j * rng.uniform(0.5, 1.5, shape) if dtype.kind == "c" else numbers, dtype=dtype, requires_grad=True)


def message(call):
    with pytest.raises(GradcheckError) as caught:
        call()
    return str(caught.value)


class Function(ag.autograd.Function):
    """y = x² whose backward is off in one element."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        off = np.ones(tuple(x.shape))
        off.flat[1] = 1.1
        return g * 2 * x * ag.tensor(off)


def test_what_is_right_passes():
    x, y = leaf(2, 3), leaf(3, seed=1)
    assert gradcheck(lambda a, b: (a @ b, a.sin(), 3), (x, y))
    assert gradgradcheck(lambda a, b: (a @ b, (a * b).exp()), (x, y))
    assert gradcheck(ag.exp, leaf())
    assert gradcheck(lambda a: a * 2, leaf(0, 3))
    assert gradcheck(lambda a, s: a * s, (x, 2.0))


@pytest.mark.parametrize("fast", [False, True])
def test_a_wrong_entry_is_named(fast):
    x = leaf(2, 2)
    text = message(lambda: gradcheck(Function.apply, (x,), fast_mode=fast))
    assert "the Jacobian of output 0 (2, 2) by input 0 (2, 2) differs in 1 of 16 entries" in text
    row = next(line for line in text.splitlines() if "[0, 1]" in line)
    numbers = [float(n) for n in re.sub(r"\[.*?\]", "", row).split()]
    exact = 2 * x[0, 1].item()
    np.testing.assert_allclose(numbers[:3], [1.1 * exact, exact, 0.1 * exact], rtol=1e-4)
    np.testing.assert_allclose(numbers[3], 1e-5 + 1e-3 * exact, rtol=1e-4)
    assert "analytic" in text
    assert "numeric" in text
    assert "whole (rows: input elements" in text
    assert not gradcheck(Function.apply, (x,), fast_mode=fast, raise_exception=False)


def test_large_jacobians_are_not_printed_whole():
    @ag.primitive(lambda g: g * 3)
    def double(x):
        return x * 2

    text = message(lambda: gradcheck(double, (leaf(12),)))
    assert "differs in 12 of 144 entries; the worst 10:" in text
    assert "whole" not in text
    assert text.count("\n") == 11


def test_the_second_order_is_checked():
    class Cube(ag.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 3 * x.detach() ** 2

    assert gradcheck(Cube.apply, (leaf(3),))
    assert "by input 0" in message(lambda: gradgradcheck(Cube.apply, (leaf(3),)))


def test_complex_numbers():
    z, x = leaf(2, dtype=ag.complex128), leaf(2)
    for function in (lambda t: t * t.exp(), lambda t: t.abs(), lambda t: t.real * t.imag, lambda t: t.conj() * 1j):
        for fast in (False, True):
            assert gradcheck(function, (z,), fast_mode=fast)
        assert gradgradcheck(function, (z,))
    assert gradcheck(lambda t: t * (1 + 2j), (x,))
    assert gradcheck(lambda t, u: t * u, (z, x))

    class Wrong(ag.autograd.Function):
        @staticmethod
        def forward(ctx, z):
            ctx.save_for_backward(z)
            return z * z

        @staticmethod
        def backward(ctx, g):
            (z,) = ctx.saved_tensors
            return g * 2 * z  # without the conjugate

    text = message(lambda: gradcheck(Wrong.apply, (z,)))
    assert "[0].real" in text
    assert "[0].imag" in text


def test_parameters_that_the_function_uses_otherwise():
    layer = nn.Linear(3, 2).double()
    x = leaf(4, 3)
    assert gradcheck(lambda *_: layer(x), tuple(layer.parameters()))
    assert gradcheck(lambda *_: layer(x), tuple(layer.parameters()), fast_mode=True)


def test_inputs_are_left_as_they_were():
    x = leaf(3)
    array, numbers = x.array, x.tolist()
    gradcheck(ag.exp, x)
    gradcheck(ag.exp, x, fast_mode=True)
    calls = iter(range(3))
    with pytest.raises(StopIteration):
        gradcheck(lambda t: (next(calls), t * 1)[1], x)
    assert x.array is array
    assert x.tolist() == numbers
    assert x.grad is None


def test_functions_that_are_not_functions():
    ag.manual_seed(0)
    x = leaf(5)
    assert "two calls of the function gave different values" in message(lambda: gradcheck(lambda t: nn.functional.dropout(t), x))
    state = iter(range(100))

    class Random(ag.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return g * (1 + 1e-8 * next(state))

    assert "two backward passes gave different gradients" in message(lambda: gradcheck(Random.apply, x))
    assert gradcheck(Random.apply, x, nondet_tol=1e-4)


def test_rules_that_add_something():
    @ag.primitive(lambda g: g * 0 + 2)
    def double(x):
        return x * 2

    x = leaf(2)
    assert "a gradient of zeros" in message(lambda: gradcheck(double, x))
    assert "the Jacobian" in message(lambda: gradcheck(double, x, check_undefined_grad=False))


def test_a_result_that_left_the_graph():
    x = leaf(2)
    assert "output 1 does not require grad, yet it changes with input 0" in message(lambda: gradcheck(lambda t: (t * 1, t.detach() * 2), x))
    assert gradcheck(lambda t: (t * 1, ag.ones(3, dtype=ag.float64)), x)


def test_kinks_are_pointed_out():
    x = ag.tensor([1.0, 0.0, -1.0], dtype=ag.float64, requires_grad=True)
    text = message(lambda: gradcheck(ag.relu, x))
    assert "kink or a jump: its differences are 0 to the left and 1 to the right" in text


def test_nan_is_not_equal_to_a_number():
    @ag.primitive(lambda g: g * np.nan)
    def same(x):
        return x * 1.0

    assert "nan" in message(lambda: gradcheck(same, leaf(2), check_undefined_grad=False))
    assert "nan" in message(lambda: gradcheck(same, leaf(2), check_undefined_grad=False, fast_mode=True))


def test_inputs_that_cannot_be_checked():
    x = leaf(3)
    with pytest.raises(ValueError, match="no input requires grad"):
        gradcheck(ag.exp, x.detach())
    with pytest.raises(ValueError, match=r"input 0 is float32; finite differences need float64 .* \.double\(\)"):
        gradcheck(ag.exp, ag.ones(3, requires_grad=True))
    assert gradcheck(ag.exp, ag.ones(3, requires_grad=True), eps=1e-2, atol=1e-2)
    with pytest.raises(ValueError, match="input 0 share memory"):
        gradcheck(ag.exp, x.expand(2, 3))
    with pytest.raises(ValueError, match="inputs 0 and 1 are the same tensor"):
        gradcheck(lambda a, b: a * b, (x, x))
    with pytest.raises(ValueError, match="no floating-point"):
        gradcheck(lambda a: a > 0, x)
    with pytest.raises(ValueError, match="sparse"):
        gradcheck(ag.exp, x, masked=True)
    with pytest.raises(ValueError, match="one of check_forward_ad"):
        gradcheck(ag.exp, x, check_backward_ad=False)
    with pytest.raises(ValueError, match="needs check_forward_ad"):
        gradcheck(ag.exp, x, check_batched_forward_grad=True)


def test_forward_mode_and_batches():
    x, z = leaf(2, 3), leaf(2, dtype=ag.complex128)
    for function, inputs in ((lambda t: (t.sin() @ t.mT, t.sum()), x), (lambda t: t * t, z)):
        for fast in (False, True):
            assert gradcheck(function, inputs, check_forward_ad=True, fast_mode=fast)
            assert gradcheck(function, inputs, check_forward_ad=True, check_backward_ad=False, fast_mode=fast)
    both = lambda t: (t.sin() @ t.mT, t.sum())
    assert gradcheck(both, x, check_batched_grad=True, check_forward_ad=True, check_batched_forward_grad=True)
    assert gradgradcheck(lambda t: t**3, x, check_batched_grad=True, check_fwd_over_rev=True)


def test_other_settings():
    x = leaf(3)
    assert gradcheck(ag.exp, x, check_grad_dtypes=True)
    assert gradgradcheck(ag.exp, x, gen_non_contig_grad_outputs=True, fast_mode=True)
    assert gradgradcheck(ag.exp, x, ag.ones(3, dtype=ag.float64, requires_grad=True))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_nan_everywhere_is_no_agreement():
    x = leaf(2)
    assert "nan" in message(lambda: gradcheck(lambda x: (x - 5).sqrt(), x))
