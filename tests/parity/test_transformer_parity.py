"""The Transformer's classes against PyTorch's: outputs and derivatives from the same state, over their arguments; and errors."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402
from tests.parity.agreement import TOLERANCES, close, gradients_agree, leaves, same_state  # noqa: E402

S, T, N, D, H, W = 5, 4, 3, 8, 2, 10
LATER = np.triu(np.full((S, S), -np.inf), 1)
PADDING = np.zeros((N, S), bool)
PADDING[0, 3:] = PADDING[2, 4] = True


def compare(mine, yours, arrays, masks=(), dtype="float64", orders=1, **settings):
    """Two modules from one state: the output, and its derivatives by inputs and parameters."""
    same_state(mine, yours, dtype)
    with torch.no_grad():  # smaller weights of both signs, or float32 would lose too much
        for value in yours.state_dict().values():
            value.sub_(0.8).mul_(0.6)
    mine.load_state_dict({k: ag.tensor(v.numpy()) for k, v in yours.state_dict().items()})
    inputs, others = leaves(arrays, dtype)
    numbers = {k: m.astype(dtype) if m.dtype.kind == "f" else m for k, m in dict(masks).items()}
    with warnings.catch_warnings(), torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        warnings.simplefilter("ignore")
        expected = yours(*others, **{k: torch.tensor(m) for k, m in numbers.items()}, **settings)
    out = mine(*inputs, **{k: ag.tensor(m) for k, m in numbers.items()}, **settings)
    close(out, expected, TOLERANCES[dtype])
    by, yours_by = [*inputs, *mine.parameters()], [*others, *yours.parameters()]
    gradients_agree(out, expected, by, yours_by, orders, TOLERANCES[dtype])


def drawn(rng, *shapes):
    return [rng.standard_normal(shape) for shape in shapes]


def both(name, *args, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's, of nested tensors
        return getattr(nn, name)(*args, **settings), getattr(torch.nn, name)(*args, **settings)


ARGUMENTS = [
    {},
    {"norm_first": True},
    {"activation": "gelu"},
    {"bias": False, "layer_norm_eps": 1e-3},
    {"batch_first": True, "norm_first": True},
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("arguments", ARGUMENTS, ids=str)
def test_encoder_layer(arguments, dtype, rng):
    shape = (N, S, D) if arguments.get("batch_first") else (S, N, D)
    layers = both("TransformerEncoderLayer", D, H, W, 0.0, **arguments)
    compare(*layers, drawn(rng, shape), {"src_mask": LATER}, dtype, orders=2 if arguments == {"norm_first": True} else 1)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("arguments", ARGUMENTS, ids=str)
def test_decoder_layer(arguments, dtype, rng):
    shapes = [(N, T, D), (N, S, D)] if arguments.get("batch_first") else [(T, N, D), (S, N, D)]
    layers = both("TransformerDecoderLayer", D, H, W, 0.0, **arguments)
    masks = {"tgt_mask": LATER[:T, :T], "memory_key_padding_mask": PADDING}
    compare(*layers, drawn(rng, *shapes), masks, dtype, orders=2 if arguments == {} else 1)


@pytest.mark.parametrize("function", [lambda x: x * x, lambda x: (x * 0.5).tanh()], ids=["square", "tanh"])
def test_activation_may_be_a_function(function, rng):
    compare(*both("TransformerEncoderLayer", D, H, W, 0.0, activation=function), drawn(rng, (S, N, D)))


ENCODER_MASKS = {
    "none": ({}, {}),
    "causal": ({"mask": LATER}, {}),
    "causal, said": ({"mask": LATER}, {"is_causal": True}),
    "causal, said not to be": ({"mask": LATER}, {"is_causal": False}),
    "causal, booleans": ({"mask": LATER < 0}, {}),
    "another": ({"mask": np.where(LATER < 0, 0.3, -0.3)}, {}),
    "padding": ({"src_key_padding_mask": PADDING}, {}),
    "padding and causal": ({"src_key_padding_mask": PADDING, "mask": LATER < 0}, {}),
    "by head": ({"mask": np.broadcast_to(LATER, (N * H, S, S)).copy()}, {}),
}


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("masks", ENCODER_MASKS)
def test_encoder(masks, norm, rng):
    pair = [
        L.TransformerEncoder(L.TransformerEncoderLayer(D, H, W, 0.0), 2, L.LayerNorm(D) if norm else None, enable_nested_tensor=False)
        for L in (nn, torch.nn)
    ]
    given, settings = ENCODER_MASKS[masks]
    compare(*pair, drawn(rng, (S, N, D)), given, **settings)


@pytest.mark.parametrize("batch_first", [True, False])
def test_without_a_batch(batch_first, rng):
    pair = both("Transformer", D, H, 1, 1, W, 0.0, batch_first=batch_first)
    compare(*pair, drawn(rng, (S, D), (T, D)), {"tgt_mask": LATER[:T, :T], "src_key_padding_mask": PADDING[0]})


TRANSFORMER_MASKS = {
    "none": {},
    "causal": {"tgt_mask": LATER[:T, :T]},
    "all": {
        "src_mask": LATER < 0,
        "tgt_mask": LATER[:T, :T] < 0,
        "memory_mask": LATER[:T] < 0,
        "src_key_padding_mask": PADDING,
        "tgt_key_padding_mask": PADDING[:, :T],
        "memory_key_padding_mask": PADDING,
    },
}


@pytest.mark.parametrize("masks", TRANSFORMER_MASKS)
@pytest.mark.parametrize("arguments", [{}, {"batch_first": True, "norm_first": True}], ids=str)
def test_transformer(arguments, masks, rng):
    shapes = [(N, S, D), (N, T, D)] if arguments.get("batch_first") else [(S, N, D), (T, N, D)]
    compare(*both("Transformer", D, H, 2, 2, W, 0.0, **arguments), drawn(rng, *shapes), TRANSFORMER_MASKS[masks])


def test_custom_parts(rng):
    pair = []
    for L in (nn, torch.nn):

        class Encoder(L.Module):
            def __init__(self, L=L):
                super().__init__()
                self.linear = L.Linear(D, D)

            def forward(self, src, mask=None, src_key_padding_mask=None, is_causal=None):
                return self.linear(src)

        pair.append(L.Transformer(D, H, num_decoder_layers=1, dim_feedforward=W, dropout=0.0, custom_encoder=Encoder()))
    compare(*pair, drawn(rng, (S, N, D), (T, N, D)))


def test_printed_and_saved_as_in_pytorch():
    mine, yours = both("Transformer", D, H, 1, 2, W)
    assert repr(mine) == repr(yours).replace("NonDynamicallyQuantizableLinear", "Linear")
    assert {k: tuple(v.shape) for k, v in mine.state_dict().items()} == {k: tuple(v.shape) for k, v in yours.state_dict().items()}
    assert [k for k, _ in mine.named_modules()] == [k for k, _ in yours.named_modules()]


def test_in_evaluation(rng):
    """PyTorch then goes another way, of which nobody should notice where nothing is padded."""
    pair = both("TransformerEncoderLayer", D, H, W, 0.5, batch_first=True)
    same_state(*pair)
    (x,), (y,) = leaves(drawn(rng, (N, S, D)), "float64")
    with ag.no_grad(), torch.no_grad():
        close(pair[0].eval()(x), pair[1].eval()(y))


def test_causal_mask():
    for dtype in ("float32", "float64"):
        settings = [{"dtype": getattr(L, dtype)} for L in (ag, torch)]
        mine = nn.Transformer.generate_square_subsequent_mask(4, **settings[0])
        close(mine, torch.nn.Transformer.generate_square_subsequent_mask(4, **settings[1]))


NAMES = ["Transformer", "TransformerEncoder", "TransformerDecoder", "TransformerEncoderLayer", "TransformerDecoderLayer"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["__init__", "forward"])
def test_arguments(name, method):
    said = []
    for L in (nn, torch.nn):
        parameters = inspect.signature(getattr(getattr(L, name), method)).parameters.values()
        said.append([(p.name, p.kind, None if callable(p.default) else p.default) for p in parameters])
    assert said[0] == said[1]


WRONG = {
    "heads": lambda L, M: M.Transformer(8, 3),
    "activation": lambda L, M: M.TransformerEncoderLayer(8, 2, activation="tanh"),
    "batches": lambda L, M: M.Transformer(8, 2, 1, 1)(L.zeros(5, 3, 8), L.zeros(5, 2, 8)),
    "batches first": lambda L, M: M.Transformer(8, 2, 1, 1, batch_first=True)(L.zeros(3, 5, 8), L.zeros(2, 5, 8)),
    "width": lambda L, M: M.Transformer(8, 2, 1, 1)(L.zeros(5, 3, 8), L.zeros(5, 3, 7)),
    "mask": lambda L, M: M.TransformerEncoderLayer(8, 2)(L.zeros(5, 3, 8), src_mask=L.zeros(4, 5)),
    "padding": lambda L, M: M.TransformerEncoderLayer(8, 2)(L.zeros(5, 3, 8), src_key_padding_mask=L.zeros(5, 3)),
    "is_causal without a mask": lambda L, M: M.TransformerEncoderLayer(8, 2)(L.zeros(5, 3, 8), is_causal=True),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_errors(wrong):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's, of nested tensors
        with pytest.raises(Exception) as expected:  # noqa: PT011 - whatever PyTorch raises
            WRONG[wrong](torch, torch.nn)
    with pytest.raises(type(expected.value)):
        WRONG[wrong](ag, nn)
