"""Borders: against np.pad, negative widths, derivatives, many examples at once, errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
import nn
from autograd_core.autograd import gradcheck, gradgradcheck
from autograd_core.ops import border

F = nn.functional
NUMPY_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@st.composite
def drawn(draw):
    """A mode, the lengths of an input's dimensions, and widths that fit them."""
    mode = draw(st.sampled_from(sorted(NUMPY_MODES)))
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    most = {"reflect": lambda n: n - 1, "circular": lambda n: n}.get(mode, lambda n: 7)
    widths = [(draw(st.integers(0, most(n))), draw(st.integers(0, most(n)))) for n in sizes]
    return mode, sizes, widths


@given(drawn(), st.sampled_from(["float32", "float64", "int64", "complex128"]), st.booleans())
def test_as_numpy(case, dtype, backwards):
    mode, sizes, widths = case
    x = np.arange(2 * np.prod(sizes)).reshape(2, *sizes).astype(dtype)
    x = x[:, ::-1] if backwards else x
    flat = [n for pair in widths[::-1] for n in pair]
    out = F.pad(ag.from_numpy(x), flat, mode)
    expected = np.pad(x, [(0, 0), *widths], mode=NUMPY_MODES[mode])
    assert out.dtype == dtype
    np.testing.assert_array_equal(out.numpy(), expected)


@given(drawn(), st.integers(0, 99))
def test_what_comes_back_is_adjoint(case, seed):
    mode, sizes, widths = case
    if mode == "constant":
        return
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, *sizes))
    out = border.border(x, widths=tuple(widths), mode=mode)
    g = rng.standard_normal(out.shape)
    back = border.add_border(g, widths=tuple(widths), mode=mode, shape=x.shape)
    np.testing.assert_allclose((back * x).sum(), (g * out).sum(), rtol=1e-9, atol=1e-9)


def test_negative_widths_cut():
    x = ag.tensor(np.arange(5.0).reshape(1, 5))
    assert F.pad(x, (-2, 1)).tolist() == [[2, 3, 4, 0]]
    assert F.pad(x, (1, -3), value=9).tolist() == [[9, 0, 1]]
    assert F.pad(x, (-1, 2), "reflect").tolist() == [[1, 2, 3, 4, 3, 2]]
    assert F.pad(x, (2, -3), "reflect").tolist() == [[2, 1, 0, 1]]  # what was cut is still there to be mirrored
    assert F.pad(x, (-3, 2), "replicate").tolist() == [[3, 4, 4, 4]]
    assert F.pad(x, (-3, 2), "circular").tolist() == [[3, 4, 3, 4]]  # but not to go round
    assert tuple(F.pad(x, (-5, 0)).shape) == (1, 0)


@pytest.mark.parametrize("mode", NUMPY_MODES)
@pytest.mark.parametrize("widths", [(2, 1, 1, 2), (-1, 2, 0, -2), (0, 0, 0, 0)])
def test_derivatives(mode, widths):
    x = ag.tensor(np.random.default_rng(0).standard_normal((2, 3, 4)), requires_grad=True)
    assert gradcheck(lambda x: F.pad(x, widths, mode), (x,))
    assert gradgradcheck(lambda x: F.pad(x, widths, mode) ** 2, (x,))


def test_the_result_has_memory_of_its_own():
    for mode in NUMPY_MODES:
        x = ag.ones(1, 2, 3)
        F.pad(x, (0, 0), mode).fill_(5)
        assert x.sum().item() == 6


@pytest.mark.parametrize("mode", NUMPY_MODES)
def test_many_at_once(mode):
    x = ag.tensor(np.random.default_rng(0).standard_normal((4, 2, 3, 5)))
    pad = lambda x: F.pad(x, (1, 2, 2, 0), mode)
    np.testing.assert_array_equal(ag.func.vmap(pad)(x).numpy(), np.stack([pad(x[k]).numpy() for k in range(4)]))


def test_half_is_added_up_in_float32():
    x = ag.ones(1, 1, 1, dtype=ag.float16, requires_grad=True)
    F.pad(x, (0, 3000), "replicate").sum().backward()
    assert x.grad.item() == 3000  # 2049 is no float16


@pytest.mark.parametrize(
    ("widths", "mode", "error", "message"),
    [
        ((1,), "constant", RuntimeError, "divisible by 2"),
        ((1, 1.5), "constant", TypeError, "tuple of ints"),
        (3, "constant", TypeError, "tuple of ints"),
        ((1,) * 8, "constant", ValueError, "pads 4 dimensions"),
        ((-5, 1), "constant", ValueError, "cuts more than there is"),
        ((4, 0), "reflect", ValueError, "less than the corresponding input dimension, 4"),
        ((5, 0), "circular", ValueError, "more than once"),
        ((1, 1), "mirror", NotImplementedError, "unrecognised padding mode 'mirror'"),
        ((1,) * 6, "replicate", NotImplementedError, "one or two more"),
    ],
)
def test_errors_say_what_is_wrong(widths, mode, error, message):
    with pytest.raises(error, match=message):
        F.pad(ag.zeros(2, 3, 4), widths, mode)


def test_a_value_goes_with_constants():
    with pytest.raises(RuntimeError, match="doesn't take in value"):
        F.pad(ag.zeros(1, 2, 3), (1, 1), "reflect", 2.0)


def test_layers():
    x = ag.tensor(np.arange(4.0).reshape(1, 2, 2))
    assert nn.ZeroPad2d(1)(x).shape == (1, 4, 4)
    assert nn.ConstantPad1d((1, 0), 7.0)(x).tolist() == [[[7, 0, 1], [7, 2, 3]]]
    assert nn.CircularPad1d(1)(x).tolist() == [[[1, 0, 1, 0], [3, 2, 3, 2]]]
    assert repr(nn.ReflectionPad1d(2)) == "ReflectionPad1d((2, 2))"
    with pytest.raises(RuntimeError, match="a tuple of 4 ints"):
        nn.ZeroPad2d((1, 2))
