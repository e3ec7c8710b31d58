"""Attention against PyTorch's: values, gradients and double gradients, over its arguments; and errors."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402
from nn import functional as F  # noqa: E402
from tests.parity.agreement import close, functions_agree, gradients_agree, leaves, same_state  # noqa: E402

TF = torch.nn.functional
DTYPES = ["float64", "float32"]


def theirs(*args, **settings):
    """PyTorch's way that has second derivatives."""
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        return TF.scaled_dot_product_attention(*args, **settings)


def drawn(rng, *shapes):
    return [rng.standard_normal(shape) for shape in shapes]


SHAPES = {
    "plain": ((2, 3, 4, 5), (2, 3, 6, 5), (2, 3, 6, 5)),
    "another width of values": ((2, 3, 4, 5), (2, 3, 6, 5), (2, 3, 6, 7)),
    "more queries than keys": ((2, 3, 7, 5), (2, 3, 4, 5), (2, 3, 4, 5)),
    "no heads": ((4, 5), (6, 5), (6, 3)),
    "three dimensions": ((3, 4, 5), (3, 6, 5), (3, 6, 3)),
    "five dimensions": ((2, 2, 3, 4, 5), (2, 2, 3, 6, 5), (2, 2, 3, 6, 5)),
    "broadcast": ((2, 3, 4, 5), (1, 3, 6, 5), (3, 6, 5)),
    "broadcast heads": ((2, 3, 4, 5), (2, 1, 6, 5), (2, 3, 6, 5)),
    "several blocks": ((1, 2, 300, 4), (1, 2, 260, 4), (1, 2, 260, 3)),
    "one key": ((2, 3, 4, 5), (2, 3, 1, 5), (2, 3, 1, 5)),
    "no keys": ((2, 3, 4, 5), (2, 3, 0, 5), (2, 3, 0, 5)),
    "no queries": ((2, 3, 0, 5), (2, 3, 4, 5), (2, 3, 4, 5)),
    "no width": ((2, 3, 4, 0), (2, 3, 6, 0), (2, 3, 6, 5)),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("settings", [{}, {"is_causal": True}, {"scale": -0.7}, {"is_causal": True, "scale": 0.0}], ids=str)
@pytest.mark.parametrize("shapes", SHAPES)
def test_attention(shapes, settings, dtype, rng):
    orders = 1 if "no" in shapes.split() or "blocks" in shapes or dtype == "float32" else 2
    functions_agree(
        lambda *qkv: F.scaled_dot_product_attention(*qkv, **settings),
        lambda *qkv: theirs(*qkv, **settings),
        drawn(rng, *SHAPES[shapes]),
        dtype,
        orders,
    )


MASKS = [(4, 6), (1, 6), (4, 1), (6,), (3, 4, 6), (2, 1, 1, 6), (2, 3, 4, 6), (1, 3, 1, 6)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["bool", "float", "with infinities"])
@pytest.mark.parametrize("shape", MASKS, ids=str)
def test_masks(shape, kind, dtype, rng):
    """Rows that may look at nothing among them."""
    mask = rng.standard_normal(shape)
    hidden = rng.random(shape) > 0.6
    if len(shape) > 1 and shape[-2] > 1:
        hidden[..., 1, :] = True
    mask = ~hidden if kind == "bool" else mask if kind == "float" else np.where(hidden, -np.inf, mask)
    arrays = [*drawn(rng, *SHAPES["another width of values"]), mask]
    functions_agree(F.scaled_dot_product_attention, theirs, arrays, dtype)


@pytest.mark.parametrize("heads", [(6, 3, 3), (6, 1, 1), (6, 3, 2), (4, 2, 2), (3, 3, 3)], ids=str)
@pytest.mark.parametrize("mask", [None, (4, 5), (2, "heads", 4, 5)], ids=str)
def test_shared_heads(heads, mask, rng):
    arrays = drawn(rng, (2, heads[0], 4, 3), (2, heads[1], 5, 3), (2, heads[2], 5, 3))
    settings = {"enable_gqa": True, "is_causal": mask is None}
    if mask:
        arrays.append(rng.standard_normal([heads[0] if n == "heads" else n for n in mask]))
    functions_agree(lambda *a: F.scaled_dot_product_attention(*a, **settings), lambda *a: theirs(*a, **settings), arrays)


@pytest.mark.parametrize("size", [1.0, 30.0, 1000.0])
def test_scores_of_any_size(size, rng):
    q, k, v = drawn(rng, (2, 3, 70, 4), (2, 3, 90, 4), (2, 3, 90, 4))
    functions_agree(F.scaled_dot_product_attention, theirs, [q * size, k, v], orders=1, tolerance=1e-8)


def test_pytorchs_quick_way_too(rng):
    """Its own blocked kernel, which has no second derivatives."""
    functions_agree(
        lambda *a: F.scaled_dot_product_attention(*a, is_causal=True),
        lambda *a: TF.scaled_dot_product_attention(*a, is_causal=True),
        drawn(rng, (2, 4, 150, 8), (2, 4, 150, 8), (2, 4, 150, 8)),
        "float32",
        1,
    )


def test_half_precision_and_a_mask_of_another(rng):
    q, k, v = (a.astype(np.float16) for a in drawn(rng, (2, 4, 5), (2, 6, 5), (2, 6, 5)))
    mask = rng.standard_normal((4, 6)).astype(np.float32)
    mine = F.scaled_dot_product_attention(ag.tensor(q), ag.tensor(k), ag.tensor(v), ag.tensor(mask))
    close(mine, TF.scaled_dot_product_attention(*map(torch.tensor, (q, k, v, mask))), 1e-2)


# ---------------------------------------------------------------------- several heads

L, S, N, E, H = 4, 6, 3, 8, 2


def modules(dtype="float64", **settings):
    """One MultiheadAttention of either library, of the same state."""
    pair = nn.MultiheadAttention(E, H, **settings), torch.nn.MultiheadAttention(E, H, **settings)
    same_state(*pair, dtype)
    return pair


def compare(pair, arrays, masks=(), dtype="float64", orders=2, **settings):
    """Both results of both modules, and the derivatives of each by inputs and parameters."""
    inputs, others = leaves(arrays, dtype)
    given = {
        name: (ag.tensor(m.astype(dtype) if m.dtype.kind == "f" else m), torch.tensor(m.astype(dtype) if m.dtype.kind == "f" else m))
        for name, m in dict(masks).items()
    }
    with warnings.catch_warnings(), torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        warnings.simplefilter("ignore")  # of masks of two kinds
        mine = pair[0](*inputs, **{n: m[0] for n, m in given.items()}, **settings)
        yours = pair[1](*others, **{n: m[1] for n, m in given.items()}, **settings)
    tolerance = 1e-9 if dtype == "float64" else 1e-4
    assert [m is None for m in mine] == [t is None for t in yours]
    both = [(m, t) for m, t in zip(mine, yours, strict=True) if m is not None]
    for m, t in both:
        close(m, t, tolerance)
    by, yours_by = ([*ends, *p.parameters()] for ends, p in zip((inputs, others), pair, strict=True))
    whole = ag.cat([m.reshape(-1) for m, _ in both]), torch.cat([t.reshape(-1) for _, t in both])
    gradients_agree(*whole, by, yours_by, orders, tolerance)


def self_or_cross(rng, kdim=E, vdim=E, batch_first=False):
    shapes = [(L, N, E), (S, N, kdim), (S, N, vdim)]
    return drawn(rng, *[(s[1], s[0], s[2]) if batch_first else s for s in shapes])


ARGUMENTS = [
    {},
    {"bias": False},
    {"add_bias_kv": True},
    {"add_zero_attn": True},
    {"add_bias_kv": True, "add_zero_attn": True, "batch_first": True},
    {"kdim": 5, "vdim": 7},
    {"kdim": 5},
    {"vdim": 3, "bias": False, "add_bias_kv": True},
    {"batch_first": True},
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("arguments", ARGUMENTS, ids=str)
def test_multihead_attention(arguments, need_weights, dtype, rng):
    arrays = self_or_cross(rng, arguments.get("kdim", E), arguments.get("vdim", E), arguments.get("batch_first", False))
    compare(modules(dtype, **arguments), arrays, dtype=dtype, need_weights=need_weights, orders=2 if dtype == "float64" else 1)


PADDING = np.zeros((N, S), bool)
PADDING[0, 4:] = PADDING[2, 1] = True
LATER = np.triu(np.ones((L, S), bool), 2)
BY_HEAD = np.random.default_rng(3).random((N * H, L, S)) > 0.8
BY_HEAD[..., 0] = False
MASKINGS = {
    "padding": {"key_padding_mask": PADDING},
    "padding, floats": {"key_padding_mask": np.where(PADDING, -np.inf, 0.5)},
    "two dimensions": {"attn_mask": LATER},
    "two dimensions, floats": {"attn_mask": np.where(LATER, -np.inf, 0.3)},
    "three dimensions": {"attn_mask": BY_HEAD},
    "three dimensions, floats": {"attn_mask": np.where(BY_HEAD, -np.inf, -0.3)},
    "both": {"key_padding_mask": PADDING, "attn_mask": LATER},
    "both, by head": {"key_padding_mask": PADDING, "attn_mask": BY_HEAD},
    "both, floats": {"key_padding_mask": np.where(PADDING, -np.inf, 0.5), "attn_mask": np.where(LATER, -np.inf, 0.3)},
    "of two kinds": {"key_padding_mask": PADDING, "attn_mask": np.where(LATER, -np.inf, 0.3)},
}


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [
        ({}, {}),
        ({"batch_first": True}, {"average_attn_weights": False}),
        ({"add_bias_kv": True, "add_zero_attn": True}, {"need_weights": False}),
    ],
    ids=str,
)
@pytest.mark.parametrize("masks", MASKINGS)
def test_masks_of_multihead_attention(masks, settings, arguments, rng):
    arrays = self_or_cross(rng, batch_first=arguments.get("batch_first", False))
    compare(modules(**arguments), arrays, MASKINGS[masks], orders=1, **settings)


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("masks", [{}, {"key_padding_mask": PADDING[0]}, {"attn_mask": LATER}, {"attn_mask": BY_HEAD[:H]}], ids=str)
def test_without_a_batch(masks, need_weights, rng):
    compare(modules(batch_first=True), drawn(rng, (L, E), (S, E), (S, E)), masks, need_weights=need_weights)


@pytest.mark.parametrize("shared", ["all", "key and value"])
@pytest.mark.parametrize("settings", [{}, {"need_weights": False}, {"need_weights": False, "is_causal": True}], ids=str)
def test_one_tensor_for_several(shared, settings, rng):
    (x,), (y,) = leaves(drawn(rng, (L, N, E)), "float64")
    (q,), (r,) = leaves(drawn(rng, (L, N, E)), "float64")
    pair = modules()
    mask = np.triu(np.ones((L, L), bool), 1)
    mine, _ = pair[0](x if shared == "all" else q, x, x, attn_mask=ag.tensor(mask), **settings)
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        yours, _ = pair[1](y if shared == "all" else r, y, y, attn_mask=torch.tensor(mask), **settings)
    close(mine, yours)
    gradients_agree(mine, yours, [x, q, *pair[0].parameters()], [y, r, *pair[1].parameters()])


def test_in_evaluation(rng):
    """PyTorch then goes another way, of which nobody should notice."""
    pair = modules(batch_first=True, dropout=0.5)
    (x,), (y,) = leaves(drawn(rng, (N, L, E)), "float64")
    with ag.no_grad(), torch.no_grad():
        mine, yours = pair[0].eval()(x, x, x), pair[1].eval()(y, y, y)
    close(mine[0], yours[0])
    close(mine[1], yours[1])


def test_function_with_static_keys(rng):
    weights = drawn(rng, (3 * E, E), (3 * E,), (E, E), (E,))
    arrays = [*drawn(rng, (L, N, E), (S, N, E)), *weights, *drawn(rng, (N * H, 5, E // H), (N * H, 5, E // H))]

    def call(function, q, k, w, b, last, last_bias, static_k, static_v):
        given = {"need_weights": False, "static_k": static_k, "static_v": static_v}
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            return function(q, k, k, E, H, w, b, None, None, False, 0.0, last, last_bias, **given)[0]

    functions_agree(lambda *a: call(F.multi_head_attention_forward, *a), lambda *a: call(TF.multi_head_attention_forward, *a), arrays)


@pytest.mark.parametrize(
    ("mine", "yours"),
    [
        (F.multi_head_attention_forward, TF.multi_head_attention_forward),
        (nn.MultiheadAttention, torch.nn.MultiheadAttention),
        (nn.MultiheadAttention.forward, torch.nn.MultiheadAttention.forward),
    ],
)
def test_arguments(mine, yours):
    said = [[(p.name, p.kind, p.default) for p in inspect.signature(f).parameters.values()] for f in (mine, yours)]
    assert said[0] == said[1]


def test_first_weights_are_drawn_alike():
    mine, yours = nn.MultiheadAttention(512, 4, add_bias_kv=True), torch.nn.MultiheadAttention(512, 4, add_bias_kv=True)
    for (name, m), (other, t) in zip(mine.state_dict().items(), yours.state_dict().items(), strict=True):
        assert name == other
        assert tuple(m.shape) == tuple(t.shape)
        assert abs(float(m.std()) - float(t.std())) < 0.25 * float(t.std()) + 1e-12, name


# ---------------------------------------------------------------------- errors

X = np.ones((2, 3, 4, 5))
WRONG = {
    "dtypes that differ": lambda L, f: f(L.tensor(X).float(), L.tensor(X), L.tensor(X)),
    "integers": lambda L, f: f(L.tensor(X).long(), L.tensor(X).long(), L.tensor(X).long()),
    "one dimension": lambda L, f: f(L.tensor(X)[0, 0, 0], L.tensor(X), L.tensor(X)),
    "widths": lambda L, f: f(L.tensor(X)[..., :4], L.tensor(X), L.tensor(X)),
    "lengths": lambda L, f: f(L.tensor(X), L.tensor(X)[:, :, :3], L.tensor(X)),
    "heads": lambda L, f: f(L.tensor(X), L.tensor(X)[:, :2], L.tensor(X)[:, :2]),
    "heads that do not divide": lambda L, f: f(L.tensor(X), L.tensor(X)[:, :2], L.tensor(X)[:, :2], enable_gqa=True),
    "no heads": lambda L, f: f(L.tensor(X)[0, 0], L.tensor(X)[0, 0], L.tensor(X)[0, 0], enable_gqa=True),
    "mask of integers": lambda L, f: f(L.tensor(X), L.tensor(X), L.tensor(X), L.tensor(np.ones((4, 4), int))),
    "mask's shape": lambda L, f: f(L.tensor(X), L.tensor(X), L.tensor(X), L.tensor(np.ones((3, 4), bool))),
    "mask of more dimensions": lambda L, f: f(L.tensor(X), L.tensor(X), L.tensor(X), L.tensor(np.ones((5, 2, 3, 4, 4), bool))),
    "mask and is_causal": lambda L, f: f(L.tensor(X), L.tensor(X), L.tensor(X), L.tensor(np.ones((4, 4), bool)), is_causal=True),
    "probability": lambda L, f: f(L.tensor(X), L.tensor(X), L.tensor(X), dropout_p=1.5),
    "None": lambda L, f: f(None, L.tensor(X), L.tensor(X)),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_errors(wrong):
    with pytest.raises(Exception) as expected:  # noqa: PT011 - whatever PyTorch raises
        WRONG[wrong](torch, theirs)
    with pytest.raises(type(expected.value)):
        WRONG[wrong](ag, F.scaled_dot_product_attention)


def called(L, m, q=(4, 3, 8), k=(6, 3, 8), v=None, **settings):
    """The module on tensors of these shapes."""
    return m(*[L.tensor(np.ones(s, np.float32)) for s in (q, k, v or k)], **settings)


WRONG_OF_HEADS = {
    "num_heads that does not divide": lambda L, M: M(8, 3),
    "no heads": lambda L, M: M(8, 0),
    "negative width": lambda L, M: M(-8, 2),
    "width": lambda L, M: called(L, M(8, 2), (4, 3, 7), (6, 3, 7)),
    "key's width": lambda L, M: called(L, M(8, 2, kdim=5), k=(6, 3, 8), v=(6, 3, 8)),
    "lengths": lambda L, M: called(L, M(8, 2), v=(5, 3, 8)),
    "lengths, separate": lambda L, M: called(L, M(8, 2, vdim=5), v=(5, 3, 5)),
    "four dimensions": lambda L, M: called(L, M(8, 2), (1, 4, 3, 8)),
    "dimensions that differ": lambda L, M: called(L, M(8, 2), (4, 8)),
    "padding's shape": lambda L, M: called(L, M(8, 2), key_padding_mask=L.zeros(3, 5)),
    "padding's dimensions": lambda L, M: called(L, M(8, 2), key_padding_mask=L.zeros(6)),
    "mask's shape": lambda L, M: called(L, M(8, 2), attn_mask=L.zeros(4, 5)),
    "mask's shape by head": lambda L, M: called(L, M(8, 2), attn_mask=L.zeros(3, 4, 6)),
    "mask's dimensions": lambda L, M: called(L, M(8, 2), attn_mask=L.zeros(6)),
    "mask without a batch": lambda L, M: called(L, M(8, 2), (4, 8), (6, 8), attn_mask=L.zeros(3, 4, 6)),
    "integer mask": lambda L, M: called(L, M(8, 2), attn_mask=L.zeros(4, 6, dtype=L.int64)),
    "is_causal without a mask": lambda L, M: called(L, M(8, 2), is_causal=True),
}


@pytest.mark.parametrize("wrong", WRONG_OF_HEADS)
def test_errors_of_multihead_attention(wrong):
    with pytest.raises(Exception) as expected:  # noqa: PT011 - whatever PyTorch raises
        WRONG_OF_HEADS[wrong](torch, torch.nn.MultiheadAttention)
    with pytest.raises(type(expected.value)):
        WRONG_OF_HEADS[wrong](ag, nn.MultiheadAttention)
