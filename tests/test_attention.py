"""Attention: the blocked kernel against what it is made of, dropout, memory, errors that leave nothing changed."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag
import nn
from autograd_core.kernels import attention as kernel
from autograd_core.ops.attention import attention, attention_reference
from nn import functional as F


def both_ways(arrays, mask, **options):
    """Value and gradients of the kernel and of its reference."""
    found = []
    for function in (attention, attention_reference):
        given = [ag.tensor(a, requires_grad=True) for a in arrays]
        seen = mask if mask is None else ag.tensor(mask, requires_grad=mask.dtype.kind == "f")
        out = function(*given, seen, **options)
        by = given if seen is None or not seen.requires_grad else [*given, seen]
        weights = ag.tensor(np.linspace(-1, 1, out.numel()).reshape(tuple(out.shape)), dtype=out.dtype)
        found.append([out.detach(), *ag.autograd.grad(out, by, weights)])
    return [[t.numpy() for t in results] for results in found]


def same(arrays, mask=None, tolerance=1e-10, **options):
    fast, slow = both_ways(arrays, mask, **options)
    for f, s in zip(fast, slow, strict=True):
        assert f.dtype == s.dtype
        np.testing.assert_allclose(f, s, tolerance, tolerance)


def drawn(seed, *shapes, dtype="float64"):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


SIZES = st.integers(1, 9)


@settings(max_examples=60)
@given(
    st.integers(0, 1000),
    st.lists(st.integers(1, 3), max_size=2),
    st.integers(1, 3),
    st.integers(1, 3),
    *[SIZES] * 4,
    st.booleans(),
    st.sampled_from([None, "bool", "float", "infinite"]),
    st.sampled_from([0.0, 0.5]),
    st.sampled_from([(1 << 16, 128), (8, 2), (40, 3), (1, 1)]),
)
def test_kernel_equals_reference(seed, before, few, groups, L, S, E, V, causal, kind, p, blocks):
    """For any shapes, masks, and blocks."""
    arrays = drawn(seed, (*before, few * groups, L, E), (*before, few, S, E), (*before, few, S, V))
    rng = np.random.default_rng(seed)
    mask = None
    if kind is not None:
        full = (*before, few * groups, L, S)
        shape = [n if rng.random() > 0.4 else 1 for n in full][rng.integers(len(full)) :]
        mask = rng.random(shape) > 0.4 if kind == "bool" else rng.standard_normal(shape)
        if kind == "infinite":
            mask = np.where(mask > 0.5, -np.inf, mask)
    usual = kernel.BLOCK, kernel.ROWS
    try:
        kernel.BLOCK, kernel.ROWS = blocks
        same(arrays, mask, scale=0.5, causal=causal, p=p, seed=seed)
    finally:
        kernel.BLOCK, kernel.ROWS = usual


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("p", [0.0, 0.3])
def test_on_several_threads(causal, p):
    """Enough scores for threads, several blocks of rows."""
    same(drawn(1, (2, 4, 200, 8), (2, 2, 200, 8), (2, 2, 200, 4)), scale=0.3, causal=causal, p=p, seed=3)


@pytest.mark.parametrize("size", [1e-3, 40.0, 1e4])
def test_scores_of_any_size(size):
    """Beyond what exponentials could hold, and below."""
    q, k, v = drawn(1, (2, 3, 5, 4), (2, 3, 6, 4), (2, 3, 6, 4))
    same([q * size, k, v], tolerance=1e-8, scale=1.0)
    same([q * size, k, v], np.tri(5, 6, -1, dtype=bool), tolerance=1e-8, scale=1.0)


@pytest.mark.parametrize("low", [-1e9, float(np.finfo(np.float32).min)])
@pytest.mark.parametrize("p", [0.0, 0.3])
def test_rows_that_finite_numbers_hide(low, p):
    """Beside such numbers scores vanish, and weights are even; the logarithm of their sum would vanish, too."""
    arrays = drawn(1, (2, 3, 5, 4), (2, 3, 6, 4), (2, 3, 6, 4), dtype="float32")
    mask = np.zeros((5, 6), np.float32)
    mask[1] = low
    mask[2, :3] = low
    same(arrays, mask, tolerance=1e-5, scale=0.5, p=p)


def test_nan_stays_where_it_is():
    q, k, v = drawn(1, (2, 3, 5, 4), (2, 3, 6, 4), (2, 3, 6, 4))
    q[0, 0, 2] = np.nan
    out = F.scaled_dot_product_attention(*map(ag.tensor, (q, k, v))).numpy()
    assert np.isnan(out[0, 0, 2]).all()
    assert np.isfinite(np.delete(out.reshape(-1, 4), 2, 0)).all()


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_causal_rows_do_not_see_what_comes_later(number):
    """Not even where it is no number."""
    q, k, v = drawn(1, (2, 3, 5, 4), (2, 3, 5, 4), (2, 3, 5, 4))
    expected = F.scaled_dot_product_attention(*map(ag.tensor, (q, k, v)), is_causal=True).numpy()
    k[:, :, 3] = number
    out = F.scaled_dot_product_attention(*map(ag.tensor, (q, k, v)), is_causal=True).numpy()
    np.testing.assert_allclose(out[:, :, :3], expected[:, :, :3], 1e-12)
    assert np.isnan(out[:, :, 3:]).any()


@pytest.mark.parametrize(
    "lay", [lambda a: a[..., ::-1, :].copy()[..., ::-1, :], lambda a: np.asarray(a, order="F"), lambda a: np.repeat(a, 2, -1)[..., ::2]]
)
def test_layout_does_not_matter(lay):
    arrays = drawn(1, (2, 4, 70, 8), (2, 4, 90, 8), (2, 4, 90, 8))
    for f, s in zip(both_ways([lay(a) for a in arrays], None, scale=0.3)[0], both_ways(arrays, None, scale=0.3)[0], strict=True):
        np.testing.assert_allclose(f, s, 1e-12, 1e-14)


def test_float32_is_as_accurate_as_its_reference():
    arrays = drawn(1, (2, 4, 150, 16), (2, 4, 150, 16), (2, 4, 150, 16), dtype="float32")
    exact, _ = both_ways([a.astype("float64") for a in arrays], None, scale=0.25, causal=True)
    for f, e in zip(both_ways(arrays, None, scale=0.25, causal=True)[0], exact, strict=True):
        np.testing.assert_allclose(f, e, 1e-5, 1e-5)


def test_only_what_is_wanted():
    q, k, v = (ag.tensor(a) for a in drawn(1, (2, 3, 5, 4), (2, 3, 6, 4), (2, 3, 6, 4)))
    mask = ag.tensor(np.ones((5, 6)))
    every = [t.detach().requires_grad_() for t in (q, k, v, mask)]
    expected = ag.autograd.grad(F.scaled_dot_product_attention(*every).sum(), every)
    for wanted in range(4):
        given = [t.detach().requires_grad_(i == wanted) for i, t in enumerate((q, k, v, mask))]
        (g,) = ag.autograd.grad(F.scaled_dot_product_attention(*given).sum(), given[wanted])
        np.testing.assert_allclose(g.numpy(), expected[wanted].numpy(), 1e-12, 1e-14)
    assert not F.scaled_dot_product_attention(q, k, v).requires_grad


def test_result_lies_as_layers_want_it():
    """Heads of one position together, so that joining them again copies nothing."""
    q, k, v = (ag.tensor(a) for a in drawn(1, (2, 3, 5, 4), (2, 3, 6, 4), (2, 3, 6, 4)))
    assert F.scaled_dot_product_attention(q, k, v).transpose(1, 2).is_contiguous()


def test_memory_does_not_grow_with_the_square():
    """Of 1024 queries and keys and two heads the weights alone would take 8 MB."""
    q, k, v = (ag.tensor(a, requires_grad=True) for a in drawn(1, *[(2, 1024, 8)] * 3, dtype="float32"))
    for options in ({}, {"dropout_p": 0.1}, {"is_causal": True}):
        tracemalloc.start()
        F.scaled_dot_product_attention(q, k, v, **options).sum().backward()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 4 << 20


def test_no_cycles(assert_no_cycles):
    q, k, v = (ag.tensor(a, requires_grad=True) for a in drawn(1, (2, 3, 5, 4), (2, 3, 6, 4), (2, 3, 6, 4)))
    assert_no_cycles(lambda: F.scaled_dot_product_attention(q, k, v, dropout_p=0.2).sum().backward())


# ---------------------------------------------------------------------- dropout


def test_dropout_leaves_out_and_scales():
    kept = F.scaled_dot_product_attention(ag.zeros(2, 4, 60, 3), ag.zeros(2, 4, 600, 3), ag.eye(600).expand(2, 4, 600, 600), dropout_p=0.25)
    np.testing.assert_allclose(np.unique(kept.numpy()), [0, 1 / 600 / 0.75], rtol=1e-5)
    assert abs(float((kept > 0).to(ag.float32).mean()) - 0.75) < 0.01
    rows = (kept > 0).numpy().reshape(-1, 600)
    assert len(np.unique(rows, axis=0)) == len(rows)  # each row has draws of its own


def test_dropout_follows_the_seed():
    q = ag.randn(2, 3, 5, 4)
    results = []
    for seed in (1, 1, 2):
        ag.manual_seed(seed)
        results.append(F.scaled_dot_product_attention(q, q, q, dropout_p=0.5).numpy())
    np.testing.assert_array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


def test_dropout_of_everything():
    q = ag.randn(2, 3, 5, 4, requires_grad=True)
    out = F.scaled_dot_product_attention(q, q, q, dropout_p=1.0)
    out.sum().backward()
    assert not out.detach().numpy().any()
    assert not q.grad.numpy().any()


def test_dropout_is_the_same_however_blocks_are_cut():
    whole = (slice(0, 2), slice(0, 3), slice(0, 7))
    shape, columns = (2, 3, 2, 7, 4), 5
    expected = kernel.Dropped(5, 0.4).kept(whole, shape, columns).copy()
    for a in range(2):
        for h in range(3):
            for rows in (slice(0, 3), slice(3, 7)):
                part = kernel.Dropped(5, 0.4).kept((slice(a, a + 1), slice(h, h + 1), rows), shape, columns)
                np.testing.assert_array_equal(part[0, 0], expected[a, h, :, rows])


# ---------------------------------------------------------------------- inside transforms


def test_vmap_and_single_examples():
    q, k, v = (ag.tensor(a) for a in drawn(1, (4, 3, 5, 4), (4, 3, 6, 4), (4, 3, 6, 4)))
    whole = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    each = ag.func.vmap(lambda *qkv: F.scaled_dot_product_attention(*qkv, is_causal=True))(q, k, v)
    np.testing.assert_allclose(each.numpy(), whole.numpy(), 1e-12)


# ---------------------------------------------------------------------- several heads


def test_multihead_weights_are_probabilities():
    m = nn.MultiheadAttention(8, 2)
    x = ag.randn(5, 3, 8)
    _, weights = m(x, x, x)
    np.testing.assert_allclose(weights.sum(-1).detach().numpy(), 1, rtol=1e-5)
    assert m(x, x, x, need_weights=False)[1] is None
    assert m(x, x, x, average_attn_weights=False)[1].shape == (3, 2, 5, 5)


def test_multihead_drops_out_in_training_only():
    m = nn.MultiheadAttention(8, 2, dropout=0.5)
    x = ag.randn(5, 3, 8)
    for need in (True, False):
        assert not np.array_equal(m.train()(x, x, x, need_weights=need)[0].detach(), m(x, x, x, need_weights=need)[0].detach())
        np.testing.assert_array_equal(m.eval()(x, x, x, need_weights=need)[0].detach(), m(x, x, x, need_weights=need)[0].detach())


def test_masks_of_two_kinds_warn():
    m, x = nn.MultiheadAttention(8, 2), ag.randn(5, 3, 8)
    with pytest.warns(UserWarning, match="mismatched"):
        m(x, x, x, key_padding_mask=ag.zeros(3, 5, dtype=ag.bool), attn_mask=ag.zeros(5, 5))


def test_row_that_may_look_at_nothing():
    """Without weights it is what the last projection makes of zero; with them it is NaN, as in PyTorch."""
    m, x = nn.MultiheadAttention(8, 2), ag.randn(5, 3, 8)
    padding = ag.zeros(3, 5, dtype=ag.bool)
    padding[1] = True
    out, _ = m(x, x, x, key_padding_mask=padding, need_weights=False)
    np.testing.assert_array_equal(out[:, 1].detach(), m.out_proj.bias.expand(5, 8).detach())
    assert np.isnan(m(x, x, x, key_padding_mask=padding)[0][:, 1].detach().numpy()).all()


def test_errors_name_shapes():
    x = ag.zeros(2, 3, 4, 5)
    with pytest.raises(ValueError, match=r"query \(2, 3, 4, 5\), key \(2, 3, 4, 6\)"):
        F.scaled_dot_product_attention(x, ag.zeros(2, 3, 4, 6), x)
    with pytest.raises(ValueError, match="enable_gqa"):
        F.scaled_dot_product_attention(x, ag.zeros(2, 2, 4, 5), ag.zeros(2, 2, 4, 5))
    with pytest.raises(ValueError, match=r"attn_mask \(3, 4\) does not broadcast to the weights' shape \(2, 3, 4, 4\)"):
        F.scaled_dot_product_attention(x, x, x, ag.zeros(3, 4))
    with pytest.raises(AssertionError, match="divisible"):
        nn.MultiheadAttention(8, 3)
