"""Small models whose training graphs the tests of pictures draw."""

from __future__ import annotations

import numpy as np

import autograd_core as ag
import nn


class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        self.conv2, self.norm2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)

    def forward(self, x):
        return (x + self.norm2(self.conv2(self.norm1(self.conv1(x)).relu()))).relu()


class ResNet(nn.Module):
    """As many residual blocks of two convolutions as ResNet-50 has convolutions."""

    def __init__(self, layers=(5, 6, 8, 5), channels=2):
        super().__init__()
        self.stem = nn.Conv2d(3, channels, 3)
        self.layers = nn.ModuleList(nn.Sequential(*(ResidualBlock(channels) for _ in range(count))) for count in layers)
        self.head = nn.Linear(channels, 3)

    def forward(self, x):
        x = self.stem(x)
        for layer in self.layers:
            x = layer(x)
        return self.head(x.mean((2, 3)))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = self.qkv(x).reshape(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(mixed.transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(width), Attention(width, heads)
        self.norm2, self.mlp = nn.LayerNorm(width), nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    def __init__(self, words=11, width=8, heads=2, count=12, length=6):
        super().__init__()
        self.tokens, self.places = nn.Embedding(words, width), nn.Embedding(length, width)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(count)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, words, bias=False)

    def forward(self, words):
        x = self.tokens(words) + self.places(ag.arange(words.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


class CellLoop(nn.Module):
    def __init__(self, cell=nn.LSTMCell):
        super().__init__()
        self.cell, self.out = cell(3, 4), nn.Linear(4, 1)

    def forward(self, x):
        h = c = ag.zeros(x.shape[1], 4)
        for t in range(x.shape[0]):
            h, c = self.cell(x[t], (h, c))
        return self.out(h)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(5, 6), nn.Tanh())
        self.mean, self.log_variance = nn.Linear(6, 2), nn.Linear(6, 2)
        self.decoder = nn.Sequential(nn.Linear(2, 6), nn.ReLU(), nn.Linear(6, 5))

    def forward(self, x):
        code = self.encoder(x)
        mean, log_variance = self.mean(code), self.log_variance(code)
        sample = mean + (log_variance * 0.5).exp() * ag.randn(*mean.shape)
        return self.decoder(sample), mean, log_variance


def mlp():
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    return model, nn.CrossEntropyLoss()(model(ag.randn(5, 4)), ag.tensor([0, 1, 0, 1, 1]))


def cnn():
    layers = (nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 2))
    model = nn.Sequential(*layers)
    return model, nn.functional.cross_entropy(model(ag.randn(4, 1, 6, 6)), ag.tensor([0, 1, 1, 0]))


def residual():
    model = ResidualBlock(2)
    return model, (model(ag.randn(2, 2, 4, 4)) ** 2).mean()


def encoder_layer():
    model = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, batch_first=True)
    return model, model(ag.randn(2, 3, 8)).square().mean()


def attention():
    model = nn.MultiheadAttention(8, 2, batch_first=True)
    x = ag.randn(2, 3, 8)
    return model, model(x, x, x)[0].square().mean()


def cells(steps=4):
    model = CellLoop()
    return model, model(ag.randn(steps, 2, 3)).square().sum()


def vae():
    model, x = Autoencoder(), ag.randn(3, 5)
    made, mean, log_variance = model(x)
    return model, ((made - x) ** 2).sum() - 0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum()


def gan():
    model = nn.ModuleDict({"maker": nn.Linear(2, 3), "judge": nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))})
    judge, made = model["judge"], model["maker"](ag.randn(4, 2))
    loss, ones = nn.functional.binary_cross_entropy_with_logits, ag.ones(4, 1)
    of_judge = loss(judge(ag.randn(4, 3)), ones) + loss(judge(made.detach()), ag.zeros(4, 1))
    return model, of_judge + loss(judge(made), ones)


def penalty():
    """A gradient in the loss: the graph of a recorded backward pass."""
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    x = ag.randn(2, 3, requires_grad=True)
    (g,) = ag.autograd.grad(model(x).sum(), x, create_graph=True)
    return model, ((g**2).sum(1).sqrt() - 1).square().mean()


def gpt(count=12):
    model, words = GPT(count=count), ag.randint(0, 11, (2, 6))
    return model, nn.functional.cross_entropy(model(words).reshape(-1, 11), ag.randint(0, 11, (12,)))


def resnet():
    model = ResNet()
    return model, nn.functional.cross_entropy(model(ag.randn(2, 3, 6, 6)), ag.tensor([0, 2]))


def by_hand(steps=30):
    """An unrolled recurrent network without modules; also its states."""
    w, u, b = (ag.randn(*shape, requires_grad=True) for shape in ((4, 4), (3, 4), (4,)))
    h, states = ag.zeros(2, 4), []
    for _ in range(steps):
        h = (ag.randn(2, 3) @ u + h @ w + b).tanh()
        states.append(h)
    return (w, u, b), (h**2).sum(), states


def made(make):
    """A model and its loss, the same each time."""
    ag.manual_seed(0)
    return make()


ALL = (mlp, cnn, residual, encoder_layer, attention, cells, vae, gan, penalty)


def random_graph(operations, seed=0):
    """Operations on each other's results, at random, without modules."""
    rng = np.random.default_rng(seed)
    values = [ag.tensor([1.0, 2.0], requires_grad=True) for _ in range(5)]
    while len(values) < operations:
        i, j, which = rng.integers(max(0, len(values) - 40), len(values), 2).tolist() + [int(rng.integers(4))]
        a, b = values[i], values[j]
        values.append(a * b if which == 0 else a + b if which == 1 else a.tanh() if which == 2 else a.sin())
    total = values[-1].sum()
    for value in values[-40:-1]:
        total = total + value.sum()
    return total
