"""Operations of the user's own: `autograd.Function`, `primitive` and `fused`."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.autograd import Function
from autograd_core.check import gradcheck, gradgradcheck
from autograd_core.function import once_differentiable
from autograd_core.ops.elementwise import exp, mul, sin


def leaf(*values):
    return ag.tensor(list(values), dtype=ag.float64, requires_grad=True)


class Exp(Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x * x


class SetUp(Function):
    """The newer style: a forward without ctx."""

    @staticmethod
    def forward(x, factor):
        return x * factor

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, ctx.factor = inputs
        ctx.save_for_backward(x, output)

    @staticmethod
    def backward(ctx, g):
        x, output = ctx.saved_tensors
        np.testing.assert_allclose(output.detach().numpy(), (x * ctx.factor).detach().numpy())
        return g * ctx.factor, None


class SinCos(Function):
    @staticmethod
    def forward(ctx, x):
        s, c = x.sin(), x.cos()
        ctx.save_for_backward(s, c)
        return s, c

    @staticmethod
    def backward(ctx, gs, gc):
        s, c = ctx.saved_tensors
        return gs * c - gc * s


@pytest.mark.parametrize(
    "function", [Exp.apply, Cube.apply, lambda x: SetUp.apply(x, 3.0), lambda x: SinCos.apply(x)[0], lambda x: SinCos.apply(x)[1]]
)
def test_first_and_second_derivative(function):
    gradcheck(function, [leaf(0.3, -0.8)])
    gradgradcheck(function, [leaf(0.3, -0.8)])


def test_third_derivative_through_a_saved_output():
    x = leaf(0.5)
    y = Exp.apply(x)
    for _ in range(3):
        (y,) = ag.autograd.grad(y.sum(), x, create_graph=True)
    np.testing.assert_allclose(y.item(), np.exp(0.5))


def test_several_results():
    x = leaf(0.3, -0.8)
    s, c = SinCos.apply(x)
    (s * s + c * c + s).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.cos([0.3, -0.8]))
    gradcheck(SinCos.apply, [x])
    gradgradcheck(lambda x: SinCos.apply(x)[0] * SinCos.apply(x)[1], [x])


def test_unused_result_gets_zeros_or_none():
    seen = []

    class Two(Function):
        @staticmethod
        def forward(ctx, x, materialize):
            ctx.set_materialize_grads(materialize)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, a, b):
            seen.append((None if a is None else a.tolist(), None if b is None else b.tolist()))
            return (a if a is not None else 0) * 2 + (0 if b is None else b * 3), None

    for materialize in (True, False):
        x = leaf(1.0)
        Two.apply(x, materialize)[0].sum().backward()
        assert x.grad.tolist() == [2.0]
    assert seen == [([1.0], [0.0]), ([1.0], None)]


def test_needs_input_grad():
    seen = []

    class Multiply(Function):
        @staticmethod
        def forward(ctx, a, b, c):
            ctx.save_for_backward(a, b)
            seen.append(ctx.needs_input_grad)
            return a * b

        @staticmethod
        def backward(ctx, g):
            a, b = ctx.saved_tensors
            seen.append(ctx.needs_input_grad)
            return (g * b if ctx.needs_input_grad[0] else None), (g * a if ctx.needs_input_grad[1] else None), None

    x = leaf(2.0)
    Multiply.apply(x, ag.tensor([3.0], dtype=ag.float64), "text").sum().backward()
    assert x.grad.tolist() == [3.0]
    assert seen == [(True, False, False)] * 2
    with ag.no_grad():
        assert not Multiply.apply(x, x, None).requires_grad
    assert seen[-1] == (False, False, False)


def test_the_same_tensor_twice():
    class Add(Function):
        @staticmethod
        def forward(ctx, a, b):
            return a + b

        @staticmethod
        def backward(ctx, g):
            return g, g * 10

    x = leaf(1.0)
    Add.apply(x, x).sum().backward()
    assert x.grad.tolist() == [11.0]


def test_no_gradient_for_an_input():
    class Straight(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x.round() + y

        @staticmethod
        def backward(ctx, g):
            return g, None

    x, y = leaf(1.3), leaf(1.0)
    Straight.apply(x, y).sum().backward()
    assert x.grad.tolist() == [1.0]
    assert y.grad is None or y.grad.tolist() == [0.0]


def test_mark_non_differentiable():
    class Sorted(Function):
        @staticmethod
        def forward(ctx, x):
            order = ag.tensor(np.argsort(x.numpy(force=True)))
            values = x[order]
            copy = values * 1
            ctx.mark_non_differentiable(copy)
            ctx.order = order
            return values, order, copy

        @staticmethod
        def backward(ctx, g, g_order, g_copy):
            result = ag.zeros(len(g), dtype=g.dtype)
            result[ctx.order] = g
            return result

    x = leaf(3.0, 1.0, 2.0)
    values, order, copy = Sorted.apply(x)
    assert values.requires_grad
    assert not order.requires_grad
    assert not copy.requires_grad
    (values * ag.tensor([1.0, 10.0, 100.0], dtype=ag.float64)).sum().backward()
    assert x.grad.tolist() == [100.0, 1.0, 10.0]


def test_mark_dirty():
    class Double(Function):
        @staticmethod
        def forward(ctx, x):
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = leaf(1.0, 2.0)
    y = x * 3
    z = Double.apply(y)
    assert z is y
    assert y.tolist() == [6.0, 12.0]
    (y * y).sum().backward()
    assert x.grad.tolist() == [72.0, 144.0]


def test_saving_something_that_is_neither_input_nor_output():
    class Scale(Function):
        @staticmethod
        def forward(ctx, x):
            factor = x.abs().max()
            ctx.save_for_backward(x, factor, None)
            return x / factor

        @staticmethod
        def backward(ctx, g):
            x, factor, nothing = ctx.saved_tensors
            assert nothing is None
            assert x is not None
            return g / factor

    x = leaf(1.0, 4.0)
    Scale.apply(x).sum().backward()
    assert x.grad.tolist() == [0.25, 0.25]


def test_ctx_keeps_other_things():
    class Power(Function):
        @staticmethod
        def forward(ctx, x, n):
            ctx.n = n
            ctx.save_for_backward(x)
            return x**n

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * ctx.n * x ** (ctx.n - 1), None

    x = leaf(3.0)
    Power.apply(x, 3).sum().backward()
    assert x.grad.tolist() == [27.0]


def test_once_differentiable():
    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            assert not ag.is_grad_enabled()
            return g * 2 * x

    x = leaf(3.0)
    Square.apply(x).sum().backward()
    assert x.grad.tolist() == [6.0]
    (g,) = ag.autograd.grad(Square.apply(x).sum(), x, create_graph=True)
    assert g.tolist() == [6.0]
    with pytest.raises(RuntimeError, match="once_differentiable"):
        g.sum().backward()


def test_recording_inside():
    """forward and a plain backward do not record; a backward with create_graph does."""
    seen = []

    class Probe(Function):
        @staticmethod
        def forward(ctx, x):
            seen.append(ag.is_grad_enabled())
            return x * 2

        @staticmethod
        def backward(ctx, g):
            seen.append(ag.is_grad_enabled())
            return g * 2

    x = leaf(1.0)
    Probe.apply(x).sum().backward()
    ag.autograd.grad(Probe.apply(x).sum(), x, create_graph=True)
    assert seen == [False, False, False, True]
    assert ag.is_grad_enabled()


def test_freed_and_overwritten_values():
    x = leaf(1.0)
    y = Exp.apply(x)
    loss = y.sum()
    loss.backward(retain_graph=True)
    loss.backward()
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()
    z = x * 1
    w = Cube.apply(z)
    z.add_(1)
    with pytest.raises(RuntimeError, match=r"Cube: a value it saved .* add_"):
        w.sum().backward()


class Wrong(Function):
    answer = staticmethod(lambda g: None)

    @staticmethod
    def forward(ctx, x, y):
        return x * y

    @classmethod
    def backward(cls, ctx, g):
        return cls.answer(g)


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (lambda g: g, RuntimeError, "Wrong: backward returned 1 gradients, but forward takes 2 arguments"),
        (lambda g: (g, g, g), RuntimeError, "Wrong: backward returned 3 gradients, but forward takes 2 arguments"),
        (lambda g: (g, 3.0), TypeError, "Wrong: backward must return Tensors or None, got a float"),
        (
            lambda g: (g, g.sum().expand(5)),
            RuntimeError,
            r"Wrong: its rule returned a gradient of shape \(5,\) for an input of shape \(2,\)",
        ),
    ],
)
@pytest.mark.parametrize("create_graph", [False, True])
def test_wrong_backward(answer, error, message, create_graph):
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x * y

        @staticmethod
        def backward(ctx, g):
            return answer(g)

    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    with pytest.raises(error, match=message):
        Wrong.apply(x, y).sum().backward(create_graph=create_graph)
    assert x.grad is None
    assert y.grad is None


def test_surplus_none_is_allowed():
    class Loose(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2, None, None

    x = leaf(1.0)
    Loose.apply(x).sum().backward()
    assert x.grad.tolist() == [2.0]


def test_wrong_use():
    class Bad(Function):
        @staticmethod
        def forward(ctx, x):
            return 3.0

    class Saves(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward([1, 2])
            return x

    class Peeks(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return ctx.saved_tensors[0] * 1

    with pytest.raises(TypeError, match="Bad: forward must return Tensors, got a float"):
        Bad.apply(leaf(1.0))
    with pytest.raises(TypeError, match="save_for_backward: only Tensors and None, got a list"):
        Saves.apply(leaf(1.0))
    with pytest.raises(RuntimeError, match="only inside backward"):
        Peeks.apply(leaf(1.0))
    with pytest.raises(NotImplementedError, match="a Function defines forward"):
        Function.apply(leaf(1.0))
    assert ag.is_grad_enabled()


def test_no_backward_defined():
    class Half(Function):
        @staticmethod
        def forward(ctx, x):
            return x / 2

    x = leaf(1.0)
    with pytest.raises(NotImplementedError, match="a Function defines backward"):
        Half.apply(x).sum().backward()


def test_returning_an_input():
    class Same(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 7

    x = leaf(1.0)
    y = Same.apply(x)
    assert y is not x
    y.sum().backward()
    assert x.grad.tolist() == [7.0]


# ---------------------------------------------------------------------- primitive


@ag.primitive(lambda g, x, out, scale: g * scale * out / x * mul(x, 1.0), lambda g, shape: None)
def scaled_exp(x, unused, *, scale=1.0):
    """e^(scale · x)."""
    return np.exp(scale * x)


def test_primitive():
    x, unused = leaf(0.5, -0.3), leaf(1.0, 2.0)
    call = lambda x: scaled_exp(x, unused.detach(), scale=2.0)
    gradcheck(call, [x])
    gradgradcheck(call, [x])
    assert scaled_exp.__name__ == "scaled_exp"
    assert scaled_exp.__doc__ == "e^(scale · x)."
    scaled_exp(x, unused).sum().backward()
    assert unused.grad is None
    assert isinstance(scaled_exp(np.ones(2), np.ones(2)), np.ndarray)


def test_primitive_with_one_rule_missing():
    @ag.primitive(lambda g, b: g * b, None)
    def times(a, b):
        return a * b

    a, b = leaf(2.0), leaf(3.0)
    times(a, b).sum().backward()
    assert a.grad.tolist() == [3.0]
    assert b.grad is None
    assert not times(a.detach(), b).requires_grad


def test_primitive_broadcasts_and_casts_by_itself():
    @ag.primitive(lambda g: g, lambda g: g)
    def plus(a, b):
        return a + b

    a = ag.tensor([[1.0], [2.0]], requires_grad=True)
    b = ag.tensor([1.0, 2.0, 3.0], dtype=ag.float64, requires_grad=True)
    plus(a, b).sum().backward()
    assert a.grad.tolist() == [[3.0], [3.0]]
    assert a.grad.dtype == ag.float32
    assert b.grad.tolist() == [2.0, 2.0, 2.0]
    assert b.grad.dtype == ag.float64


def test_variadic_primitive():
    @ag.primitive(lambda g, i, xs: g * (i + 1) * xs[i] ** i)
    def powers(*xs):
        return sum(x ** (k + 1) for k, x in enumerate(xs))

    a, b, c = leaf(2.0), leaf(3.0), leaf(4.0)
    result = powers(a, b.detach(), c)
    assert result.item() == 2 + 9 + 64
    result.sum().backward()
    assert (a.grad.item(), c.grad.item()) == (1.0, 48.0)


def test_a_rule_that_asks_for_what_there_is_not():
    with pytest.raises(TypeError, match=r"odd: a rule asks for \['y'\]; it may name \['i', 'n', 'out', 'shape', 'shapes', 'x'\]"):

        @ag.primitive(lambda g, y: g * y)
        def odd(x, *, n=1):
            return x

    with pytest.raises(TypeError, match=r"two: 2 array arguments \('a', 'b'\) but 1 rules"):

        @ag.primitive(lambda g: g)
        def two(a, b):
            return a


def test_calling_a_primitive_wrongly():
    with pytest.raises(TypeError, match=r"scaled_exp: unexpected keyword \['scales'\]; it knows \['scale'\]"):
        scaled_exp(leaf(1.0), leaf(1.0), scales=2)
    with pytest.raises(TypeError, match=r"scaled_exp: takes 2 array arguments \('x', 'unused'\), got 1"):
        scaled_exp(leaf(1.0))
    with pytest.raises(TypeError, match="scaled_exp: got a list"):
        scaled_exp(leaf(1.0), [1.0])


def test_a_rule_of_the_wrong_shape():
    @ag.primitive(lambda g: np.ones(7))
    def odd(x):
        return x * 2

    with pytest.raises(RuntimeError, match=r"odd: its rule returned a gradient of shape \(7,\) for an input of shape \(2,\)"):
        odd(leaf(1.0, 2.0)).sum().backward()


# ---------------------------------------------------------------------- fused

kernel_runs = []


def swish_back(g, x, s):
    kernel_runs.append(1)
    return (g * (s + x * s * (1 - s)),)


def swish_reference(x):
    return x * ag.sigmoid(x) if isinstance(x, ag.Tensor) else x / (1 + exp(-x))


@ag.fused(swish_back, reference=swish_reference)
def swish(x):
    """x · sigmoid(x)."""
    s = 1 / (1 + np.exp(-x))
    return x * s, (x, s)


def test_fused():
    gradcheck(swish, [leaf(0.5, -0.3)])
    gradgradcheck(swish, [leaf(0.5, -0.3)])
    kernel_runs.clear()
    x = leaf(0.5)
    swish(x).sum().backward()
    assert len(kernel_runs) == 1  # the kernel in a plain pass
    (g,) = ag.autograd.grad(swish(x).sum(), x, create_graph=True)
    assert len(kernel_runs) == 1  # its reference in a recorded one
    np.testing.assert_allclose(g.item(), x.grad.item(), rtol=1e-14)
    ag.autograd.grad(g.sum(), x)
    assert isinstance(swish(np.ones(2)), np.ndarray)
    assert not swish(x.detach()).requires_grad


def test_fused_of_several_arguments():
    def back(g, a, b, factor):
        return g * b * factor, None, np.cos(b) * 0

    def reference(a, b, c, *, factor):
        return a * b.detach() * factor + sin(c) * 0

    @ag.fused(lambda g, a, b, factor: (g * b * factor, None, a * 0), reference=reference)
    def odd(a, b, c, *, factor=2.0):
        return a * b * factor, (a, b, factor)

    a, b, c = leaf(2.0), leaf(3.0), leaf(4.0)
    odd(a, b, c, factor=5.0).sum().backward()
    assert a.grad.tolist() == [15.0]
    assert b.grad is None
    assert c.grad.tolist() == [0.0]
    ga, gb, gc = ag.autograd.grad(odd(a, b, c).sum(), [a, b, c], create_graph=True, allow_unused=True)
    assert ga.tolist() == [6.0]
    assert gb is None
    assert gc.tolist() == [0.0]


def test_outputs_that_are_no_tensors():
    """They are handed on; backward gets None for them."""

    class Doubled(Function):
        @staticmethod
        def forward(ctx, x):
            return "twice", x * 2, None, x * 3

        @staticmethod
        def backward(ctx, name, g, nothing, h):
            assert name is None
            assert nothing is None
            return g * 2 + h * 3

    x = leaf(1.0, 2.0)
    name, twice, nothing, thrice = Doubled.apply(x)
    assert (name, nothing) == ("twice", None)
    (twice + thrice).sum().backward()
    assert x.grad.tolist() == [5, 5]
