"""The Transformer's classes, and positions."""

from __future__ import annotations

import copy
import pickle
import tracemalloc

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core.errors import ShapeError
from nn import functional as F
from nn.transformer import looks_causal


def test_nothing_looks_ahead():
    """With a causal mask, what comes later changes nothing, and takes no gradient."""
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0)
    x = ag.randn(6, 2, 8, requires_grad=True)
    mask = nn.Transformer.generate_square_subsequent_mask(6)
    layer(x, src_mask=mask, is_causal=True)[2, :, 0].sum().backward()
    assert not x.grad.numpy()[3:].any()
    assert x.grad.numpy()[:3].all()


def test_causal_hint_and_mask_agree():
    """The mask that is found to be causal, the hint, and the mask with the hint refused."""
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, 0.0), 2)
    x, mask = ag.randn(6, 2, 8), nn.Transformer.generate_square_subsequent_mask(6)
    results = [encoder(x, mask=m, is_causal=said).detach().numpy() for m in (mask, mask < 0) for said in (None, True, False)]
    for result in results[1:]:
        np.testing.assert_allclose(result, results[0], 1e-5, 1e-6)


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
def test_a_trained_mask_has_its_gradient_even_where_it_is_causal(kind):
    x = ag.randn(4, 2, 6, dtype=ag.float64)
    mask = nn.Transformer.generate_square_subsequent_mask(4, dtype=ag.float64).requires_grad_()
    if kind == "encoder":
        model = nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 8, 0.0, dtype=ag.float64), 1)
        out, other = model(x, mask), model(x, mask, is_causal=False)
    else:
        model = nn.TransformerDecoder(nn.TransformerDecoderLayer(6, 2, 8, 0.0, dtype=ag.float64), 1)
        out, other = model(x, x, mask), model(x, x, mask, tgt_is_causal=False)
    found, expected = (ag.autograd.grad((o * o).sum(), mask, allow_unused=True)[0] for o in (out, other))
    np.testing.assert_allclose(found.numpy(), expected.numpy(), 1e-9)
    assert (expected != 0).any()


@pytest.mark.parametrize("kind", ["float", "bool"])
def test_looking_for_the_causal_mask(kind):
    """Finds it, and nothing else, in less memory than the mask of floats."""
    n = 600
    x, mask = ag.zeros(n, 1, 1), nn.Transformer.generate_square_subsequent_mask(n)
    other = mask.clone()
    other[3, 2] = -np.inf
    for m, expected in ((mask, True), (other, False), (mask[:, :-1], False), (mask.T, False)):
        m = m if kind == "float" else m != 0
        tracemalloc.start()
        try:
            assert looks_causal(m, None, x, False) is expected
            assert tracemalloc.get_traced_memory()[1] < 5 * n * n
        finally:
            tracemalloc.stop()


def test_masks_of_each_example_under_vmap():
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 8, 0.0, batch_first=True, dtype=ag.float64), 1)
    x, masks = ag.randn(3, 2, 4, 6, dtype=ag.float64), ag.randn(3, 4, 4, dtype=ag.float64)
    out = ag.func.vmap(model)(x, masks)
    np.testing.assert_allclose(out.detach().numpy(), np.stack([model(*pair).detach().numpy() for pair in zip(x, masks)]), 1e-9, 1e-12)


def test_padding_changes_nothing():
    model = nn.Transformer(8, 2, 1, 1, 16, 0.0, batch_first=True)
    src, tgt = ag.randn(2, 5, 8), ag.randn(2, 4, 8)
    padding = ag.tensor([[False] * 3 + [True] * 2] * 2)
    short = model(src[:, :3], tgt)
    long = model(src, tgt, src_key_padding_mask=padding, memory_key_padding_mask=padding)
    np.testing.assert_allclose(long.detach().numpy(), short.detach().numpy(), 1e-4, 1e-5)


def test_layers_are_copies():
    layer = nn.TransformerEncoderLayer(8, 2, 16)
    encoder = nn.TransformerEncoder(layer, 2)
    assert len({id(p) for p in [*layer.parameters(), *encoder.parameters()]}) == 3 * len(list(layer.parameters()))
    np.testing.assert_array_equal(encoder.layers[0].linear1.weight.detach(), layer.linear1.weight.detach())


def test_dropout_in_training_only():
    layer, x = nn.TransformerDecoderLayer(8, 2, 16, 0.5), ag.randn(4, 2, 8)
    assert not np.array_equal(layer(x, x).detach(), layer(x, x).detach())
    layer.eval()
    np.testing.assert_array_equal(layer(x, x).detach(), layer(x, x).detach())


@pytest.mark.parametrize("again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copied_and_pickled(again):
    model = nn.Transformer(8, 2, 1, 1, 16, 0.0)
    x = ag.randn(4, 2, 8)
    np.testing.assert_array_equal(again(model)(x, x).detach(), model(x, x).detach())


def test_no_cycles(assert_no_cycles):
    model = nn.Transformer(8, 2, 1, 1, 16)
    x = ag.randn(4, 2, 8)
    assert_no_cycles(lambda: model(x, x).sum().backward())


def test_trains():
    """A layer learns to repeat the symbol before."""
    ag.manual_seed(0)
    random = np.random.default_rng(0)
    embed, layer, head = (
        nn.Embedding(5, 16),
        nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True, norm_first=True),
        nn.Linear(16, 5),
    )
    places = nn.LearnedPositions(8, 16)
    parts = nn.ModuleList([embed, layer, head, places])
    optimizer = optim.AdamW(parts.parameters(), lr=1e-2)
    mask = nn.Transformer.generate_square_subsequent_mask(8)
    for _ in range(150):
        text = random.integers(0, 5, (32, 8))
        scores = head(layer(places(embed(ag.tensor(text))), src_mask=mask, is_causal=True))
        loss = F.cross_entropy(scores[:, 1:].reshape(-1, 5), ag.tensor(text[:, :-1].ravel()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.2


# ---------------------------------------------------------------------- positions


def test_sinusoids():
    table = F.sinusoidal_positions(50, 6, dtype=ag.float64).numpy()
    for t, i in ((0, 0), (7, 2), (49, 4)):
        angle = t / 10000 ** (i / 6)
        np.testing.assert_allclose(table[t, i : i + 2], [np.sin(angle), np.cos(angle)])
    x = ag.randn(2, 9, 6)
    np.testing.assert_allclose(nn.SinusoidalPositions(50, 6)(x).numpy(), x.numpy() + table[:9], rtol=1e-5, atol=1e-6)
    assert not list(nn.SinusoidalPositions(50, 6).parameters())
    assert not nn.SinusoidalPositions(50, 6).state_dict()


def test_learned_positions():
    places = nn.LearnedPositions(10, 4)
    x = ag.randn(3, 7, 4)
    places(x).sum().backward()
    np.testing.assert_allclose(places.weight.grad.numpy(), np.repeat([[3.0], [0.0]], [7, 3], axis=0) * np.ones(4))


@pytest.mark.parametrize("interleaved", [True, False])
def test_rotary_products_depend_on_distances(interleaved):
    rotate = nn.RotaryPositions(8, 40, interleaved=interleaved, dtype=ag.float64)
    q, k = ag.randn(8, dtype=ag.float64).expand(40, 8), ag.randn(8, dtype=ag.float64).expand(40, 8)
    products = (rotate(q) @ rotate(k).T).numpy()
    for distance in (-3, 0, 5):
        diagonal = np.diagonal(products, distance)
        np.testing.assert_allclose(diagonal, diagonal[0], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(rotate(q).norm(dim=-1).numpy(), q.norm(dim=-1).numpy())
    np.testing.assert_allclose(rotate(q[:5], offset=7).numpy(), rotate(q)[7:12].numpy())


def test_rotary_conventions():
    """Entry i goes with i + D / 2, or interleaved, 2i with 2i + 1: the same after putting the entries in order."""
    x = ag.randn(2, 3, 6, 8, dtype=ag.float64)
    cos, sin = F.rotary_positions(6, 8, dtype=ag.float64)
    order = [0, 4, 1, 5, 2, 6, 3, 7]
    np.testing.assert_allclose(
        F.apply_rotary(x, cos, sin).numpy()[..., order], F.apply_rotary(x[..., order], cos, sin, interleaved=True).numpy()
    )
    turned = F.apply_rotary(x, cos, sin).numpy()[..., 1, [1, 5]]
    angle = 10000 ** (-2 / 8)
    expected = x.numpy()[..., 1, [1, 5]] @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    np.testing.assert_allclose(turned, expected)


@pytest.mark.parametrize("interleaved", [True, False])
def test_rotary_gradients(interleaved):
    cos, sin = F.rotary_positions(3, 4, dtype=ag.float64)
    given = [ag.randn(2, 3, 4, dtype=ag.float64, requires_grad=True), cos.requires_grad_(), sin.requires_grad_()]
    assert ag.autograd.gradcheck(lambda *a: F.apply_rotary(*a, interleaved), given)


def test_alibi():
    bias = F.alibi_bias(4, 3).numpy()
    np.testing.assert_allclose(bias[:, 2, 0], [-2 * 2.0**-2, -2 * 2.0**-4, -2 * 2.0**-6, -2 * 2.0**-8])
    assert np.isneginf(bias[:, 0, 1]).all()
    assert F.alibi_bias(6, 3).shape == (6, 3, 3)
    x = ag.randn(2, 4, 3, 5)
    assert F.scaled_dot_product_attention(x, x, x, F.alibi_bias(4, 3)).isfinite().all()


def test_errors_of_positions():
    with pytest.raises(ValueError, match="even"):
        nn.SinusoidalPositions(5, 3)
    with pytest.raises(ValueError, match="up to 5"):
        nn.SinusoidalPositions(5, 4)(ag.zeros(6, 4))
    with pytest.raises(ValueError, match="up to 5"):
        nn.LearnedPositions(5, 4)(ag.zeros(5, 3))
    with pytest.raises(ValueError, match="there are 5"):
        nn.RotaryPositions(4, 5)(ag.zeros(3, 4), offset=3)
    with pytest.raises(ValueError, match="cos and sin must be"):
        F.apply_rotary(ag.zeros(3, 4), ag.zeros(2, 2), ag.zeros(2, 2))
    with pytest.raises(ValueError, match="num_heads must be positive"):
        F.alibi_bias(0, 3)
    with pytest.raises(ValueError, match="negative"):
        F.sinusoidal_positions(-1, 4)


@pytest.mark.parametrize("positions", [nn.SinusoidalPositions(5, 4), nn.LearnedPositions(5, 4), nn.RotaryPositions(4, 5)], ids=str)
def test_what_is_no_sequence(positions):
    with pytest.raises(ShapeError, match="got \\(4,\\)"):
        positions(ag.zeros(4))
    with pytest.raises(TypeError, match="must be a Tensor"):
        positions([1.0, 2.0])
