"""Small models of every kind, and what can be wrong with one: which `viz.health` is to find, once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_core as ag
import nn

F = nn.functional


class Faulty(nn.Module):
    """A model with a place where a fault can be put: `between` gets what is computed half-way, and gives something in its place."""

    layer: str  # a layer in the middle
    after: str  # its activation, as the report calls it
    parameter = ""  # the first parameter before the place
    operation = "linear"  # of that layer

    def __init__(self):
        super().__init__()
        self.fault: Callable[[Any], Any] = lambda h: h

    def between(self, h):
        return self.fault(h)

    def inputs(self):
        return ag.randn(*self.shape)

    def loss(self, x):
        return F.cross_entropy(self(x), ag.randint(0, 3, (self.examples,)))


class MLP(Faulty):
    shape, examples, layer, after, parameter = (64, 20), 64, "layers.4", "relu in model.activations.4", "layers.0.weight"

    def __init__(self, activation=nn.ReLU):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(20 if k == 0 else 64, 64) for k in range(9))
        self.activations = nn.ModuleList(activation() for _ in range(9))
        self.head = nn.Linear(64, 3)
        for layer in self.layers if activation is nn.ReLU else ():
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")

    def forward(self, x):
        for k, (layer, activation) in enumerate(zip(self.layers, self.activations, strict=True)):
            x = activation(layer(x))
            x = self.between(x) if k == 4 else x
        return self.head(x)


class CNN(Faulty):
    operation = "convolution"
    shape, examples, layer, after, parameter = (8, 3, 12, 12), 8, "second", "relu in model.relu (2 of 3)", "first.weight"

    def __init__(self):
        super().__init__()
        self.first, self.second, self.third = (nn.Conv2d(i, o, 3, padding=1) for i, o in ((3, 8), (8, 16), (16, 16)))
        self.relu, self.pool, self.head = nn.ReLU(), nn.MaxPool2d(2), nn.Linear(16, 3)

    def forward(self, x):
        x = self.pool(self.relu(self.first(x)))
        x = self.between(self.relu(self.second(x)))
        return self.head(self.relu(self.third(x)).mean((2, 3)))


class ResidualBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(8, 8, 3, padding=1, bias=False) for _ in range(2))
        self.norm1, self.norm2 = nn.BatchNorm2d(8), nn.BatchNorm2d(8)

    def forward(self, x):
        return (x + self.norm2(self.conv2(self.norm1(self.conv1(x)).relu()))).relu()


class ResNet(Faulty):
    operation = "convolution"
    shape, examples, layer, after, parameter = (8, 3, 10, 10), 8, "blocks.2.conv1", "relu in model.blocks.2 (1 of 2)", "stem.weight"

    def __init__(self):
        super().__init__()
        self.stem, self.blocks, self.head = nn.Conv2d(3, 8, 3), nn.ModuleList(ResidualBlock() for _ in range(4)), nn.Linear(8, 3)

    def forward(self, x):
        x = self.stem(x)
        for k, block in enumerate(self.blocks):
            x = block(self.between(x) if k == 2 else x)
        return self.head(x.mean((2, 3)))


class Recurrent(Faulty):
    shape, examples, layer, parameter = (30, 8, 6), 8, "embed", "embed.weight"

    def __init__(self, kind=nn.LSTM, **settings):
        super().__init__()
        self.embed, self.rnn, self.head = nn.Linear(6, 8), kind(8, 16, **settings), nn.Linear(16, 3)
        self.after = f"{'gru' if issubclass(kind, nn.GRU | nn.GRUCell) else 'lstm'} in model.rnn"

    def forward(self, x):
        return self.head(self.rnn(self.between(self.embed(x)))[0][-1])


class Unrolled(Recurrent):
    def forward(self, x):
        x, state = self.between(self.embed(x)), None
        for k in range(len(x)):
            state = self.rnn(x[k], state)
        return self.head(state[0] if isinstance(state, tuple) else state)


class ByHand(nn.Module):
    """An LSTM cell of primitives."""

    def __init__(self, inputs, hidden):
        super().__init__()
        self.x, self.h = nn.Linear(inputs, 4 * hidden), nn.Linear(hidden, 4 * hidden)

    def forward(self, x, state):
        h, c = state if state is not None else (ag.zeros(8, 16), ag.zeros(8, 16))
        i, f, g, o = (self.x(x) + self.h(h)).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c


class Transformer(Faulty):
    shape, examples, layer, after, parameter = (4, 12), 48, "blocks.5.linear1", "relu in model.blocks.5", "embedding.weight"

    def __init__(self, norm_first=True):
        super().__init__()
        self.embedding, self.head = nn.Embedding(50, 32), nn.Linear(32, 3)
        self.blocks = nn.ModuleList(nn.TransformerEncoderLayer(32, 4, 128, norm_first=norm_first, batch_first=True) for _ in range(12))

    def inputs(self):
        return ag.randint(0, 50, self.shape)

    def forward(self, x):
        x = self.embedding(x) if x.ndim == 2 else x
        for k, block in enumerate(self.blocks):
            x = block(self.between(x) if k == 6 else x)
        return self.head(x).reshape(-1, 3)


class GAN(Faulty):
    """The step of the discriminator: what the generator made is detached."""

    shape, layer, after = (32, 8), "d.0", "relu in model.d.1"

    def __init__(self):
        super().__init__()
        self.g, self.d = (nn.Sequential(nn.Linear(i, 16), nn.ReLU(), nn.Linear(16, o)) for i, o in ((4, 8), (8, 1)))

    def loss(self, x):
        real, fake = self.d(x), self.d(self.g(ag.randn(32, 4)).detach())
        score = F.binary_cross_entropy_with_logits
        return score(real, ag.ones(32, 1)) + score(fake, ag.zeros(32, 1))


class VAE(Faulty):
    shape, layer, after, parameter = (32, 12), "encoder", "relu in model (1 of 2)", "encoder.weight"

    def __init__(self):
        super().__init__()
        self.encoder, self.mean, self.variance = nn.Linear(12, 32), nn.Linear(32, 4), nn.Linear(32, 4)
        self.decoder, self.head = nn.Linear(4, 32), nn.Linear(32, 12)

    def forward(self, x):
        h = self.between(self.encoder(x).relu())
        mean, variance = self.mean(h), self.variance(h)
        z = mean + ag.randn(*mean.shape) * (variance / 2).exp()
        return self.head(self.decoder(z).relu()), mean, variance

    def loss(self, x):
        out, mean, variance = self(x)
        divergence = -0.5 * (1 + variance - mean.square() - variance.exp()).sum() / len(x)
        return F.binary_cross_entropy_with_logits(out, ag.rand(*self.shape)) + 0.1 * divergence


MODELS: dict[str, Callable[[], Faulty]] = {
    "mlp": MLP,
    "mlp of tanh": lambda: MLP(nn.Tanh),
    "cnn": CNN,
    "resnet": ResNet,
    "lstm": Recurrent,
    "lstm of two layers": lambda: Recurrent(num_layers=2),
    "gru": lambda: Recurrent(nn.GRU),
    "lstm unrolled": lambda: Unrolled(nn.LSTMCell),
    "gru unrolled": lambda: Unrolled(nn.GRUCell),
    "lstm by hand": lambda: Unrolled(ByHand),
    "transformer": Transformer,
    "transformer, norm last": lambda: Transformer(norm_first=False),
    "gan": GAN,
    "vae": VAE,
}
RECURRENT = ("lstm", "lstm of two layers", "gru", "lstm unrolled", "gru unrolled", "lstm by hand")


# ---------------------------------------------------------------------- faults


def with_a_zero(h):
    """Positive, but for the first element."""
    keep = np.ones(h.shape, np.float32)
    keep.flat[0] = 0
    return (h.square() + 1) * ag.tensor(keep)


def dead(model, of=None):
    block = model.get_submodule(of or model.layer)
    if isinstance(model, ResNet):
        block = model.get_submodule((of or model.layer).replace("conv", "norm"))
    with ag.no_grad():
        block.bias.fill_(-100.0)


def scaled(factor):
    def scale(model, of=None):
        with ag.no_grad():
            model.get_submodule(of or model.layer).weight.mul_(factor)

    return scale


def gates(bias):
    def shut(model):
        cell = model.rnn
        with ag.no_grad():
            for name, parameter in (cell.x if isinstance(cell, ByHand) else cell).named_parameters():
                if name == "bias" or name.startswith("bias_ih"):
                    parameter.fill_(bias)

    return shut


def between(change):
    def put(model):
        model.fault = change

    return put


def sharp(model, of="blocks.5"):
    with ag.no_grad():
        model.get_submodule(of).self_attn.in_proj_weight[:64].mul_(30.0)


def spare(model):
    model.spare = nn.Linear(3, 3)


def frozen(model):
    model.get_submodule(model.layer).requires_grad_(False)


def broken(model):
    with ag.no_grad():
        model.get_submodule(model.layer).weight.reshape(-1)[0] = math.nan


def at_the_layer(model):
    return f"{model.operation} in model.{model.layer}"


def in_model(operation):
    return lambda model: f"{operation} in model"


def at_the_gates(model):
    return "sigmoid in model.rnn" if isinstance(model.rnn, ByHand) else model.after


@dataclass(frozen=True)
class Fault:
    put: Callable[[Any], None]
    kind: str  # of the finding
    where: Callable[[Any], str]  # how its place begins
    without: tuple[str, ...] = ()  # models that it has no meaning for, or does no harm


HALF_WAY = ("gan",)  # has no place half-way
NO_ATTENTION = tuple(name for name in MODELS if "transformer" not in name)
FLAT = tuple(name for name in MODELS if name not in RECURRENT)
FAULTS: dict[str, Fault] = {
    "dead": Fault(dead, "dead", lambda m: m.after, (*RECURRENT, "mlp of tanh")),
    # batch normalisation undoes the scale of the weights before it
    "scaled by 1e-6": Fault(scaled(1e-6), "vanishing", at_the_layer, ("resnet",)),
    "scaled by 1e6": Fault(scaled(1e6), "exploding", at_the_layer, ("vae",)),
    "saturated tanh": Fault(between(lambda h: (200 * (h - h.detach().mean())).tanh()), "saturated", in_model("tanh"), HALF_WAY),
    "saturated sigmoid": Fault(between(lambda h: (1e4 * (h - h.detach().mean())).sigmoid()), "saturated", in_model("sigmoid"), HALF_WAY),
    "gates of bias 50": Fault(gates(50.0), "saturated", at_the_gates, FLAT),
    "gates of bias −50": Fault(gates(-50.0), "saturated", at_the_gates, FLAT),
    "log of 0": Fault(between(lambda h: h + with_a_zero(h).log()), "origin", in_model("log"), HALF_WAY),
    "0 / 0": Fault(between(lambda h: h + with_a_zero(h) / with_a_zero(h)), "origin", in_model("div"), HALF_WAY),
    "overflow": Fault(between(lambda h: h + (1e4 * (h.square() + 1)).exp()), "origin", in_model("exp"), HALF_WAY),
    "sharp attention": Fault(sharp, "saturated", lambda m: "scaled_dot_product_attention in model.blocks.5.self_attn", NO_ATTENTION),
    "spare": Fault(spare, "unused", lambda m: "spare.weight, spare.bias", ("gan",)),  # whose loss does not call the model
    "detached": Fault(between(lambda h: h.detach()), "unused", lambda m: m.parameter, HALF_WAY),
    "NaN in a weight": Fault(broken, "origin", lambda m: f"{m.layer.removeprefix('d.')}.weight"),
}
