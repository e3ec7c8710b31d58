"""What is timed. Each workload is written once, in the vocabulary that both libraries share, and gets the library to use.

A workload returns `step()`, which does one full training step (or forward and backward) and returns the loss.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

Step = Callable[[], Any]


def ours() -> SimpleNamespace:
    """This library, as the namespace a workload gets."""
    import autograd_core as ag
    import nn
    import optim

    return SimpleNamespace(torch=ag, nn=nn, optim=optim, F=nn.functional)


def theirs(threads: int) -> SimpleNamespace:
    """PyTorch, as the namespace a workload gets."""
    import torch

    torch.set_num_threads(threads)
    return SimpleNamespace(torch=torch, nn=torch.nn, optim=torch.optim, F=torch.nn.functional)


def same_weights(model: Any, scale: float | None = None) -> None:
    """Set all parameters from one stream, scaled as He's initialisation unless the scale is given."""
    random = np.random.default_rng(0)
    for value in model.parameters():
        shape = tuple(value.shape)
        used = scale or ((2 / np.prod(shape[1:])) ** 0.5 if len(shape) > 1 else 0.1)
        value.detach().numpy()[...] = random.standard_normal(shape).astype(np.float32) * used


def w1(lib: SimpleNamespace) -> Step:
    """MLP 2-16-16-1, batch 100, hinge loss, SGD."""
    random = np.random.default_rng(1)
    x = lib.torch.from_numpy(random.standard_normal((100, 2)).astype(np.float32))
    y = lib.torch.from_numpy(np.sign(random.standard_normal((100, 1))).astype(np.float32))
    nn = lib.nn
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
    same_weights(model)
    optimizer = lib.optim.SGD(model.parameters(), lr=0.05)

    def step() -> Any:
        optimizer.zero_grad()
        loss = (1 - y * model(x)).relu().mean()
        loss.backward()
        optimizer.step()
        return loss

    return step


def w2(lib: SimpleNamespace) -> Step:
    """MLP 784-512-256-10, batch 128, cross entropy, Adam."""
    nn = lib.nn
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))
    return classifier(lib, model, (128, 784), lib.optim.Adam(model.parameters(), lr=1e-4))


def w3(lib: SimpleNamespace) -> Step:
    """CNN 1→16→32 of 3×3 with pools and two linear layers, 28×28, batch 64, Adam."""
    nn = lib.nn
    model = nn.Sequential(
        *[nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)],
        *[nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)],
        *[nn.Flatten(), nn.Linear(32 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, 10)],
    )
    return classifier(lib, model, (64, 1, 28, 28), lib.optim.Adam(model.parameters(), lr=1e-4))


def w4(lib: SimpleNamespace) -> Step:
    """Convolutional stem and 3 residual blocks with BatchNorm, 32 channels, 32×32, batch 32, SGD with momentum."""
    nn = lib.nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(32, 32, 3, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(32)
            self.conv2 = nn.Conv2d(32, 32, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(32)

        def forward(self, x: Any) -> Any:
            inner = lib.F.relu(self.bn1(self.conv1(x)))
            return lib.F.relu(x + self.bn2(self.conv2(inner)))

    model = nn.Sequential(
        *[nn.Conv2d(3, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU()],
        *[Block(), Block(), Block()],
        *[nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)],
    )
    return classifier(lib, model, (32, 3, 32, 32), lib.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9))


def w5(lib: SimpleNamespace) -> Step:
    """LSTM 64→128, 64 steps, batch 32, Adam."""
    return recurrent(lib, lib.nn.LSTM(64, 128))


def w6(lib: SimpleNamespace) -> Step:
    """GPT: 4 layers of width 128 with 4 heads, 64 tokens, batch 16, vocabulary 65, AdamW."""
    nn, F = lib.nn, lib.F
    width, heads, length, batch, words = 128, 4, 64, 16, 65

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm1 = nn.LayerNorm(width)
            self.qkv = nn.Linear(width, 3 * width)
            self.project = nn.Linear(width, width)
            self.norm2 = nn.LayerNorm(width)
            self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

        def forward(self, x: Any) -> Any:
            parts = self.qkv(self.norm1(x)).view(batch, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
            mixed = F.scaled_dot_product_attention(parts[0], parts[1], parts[2], is_causal=True)
            x = x + self.project(mixed.transpose(1, 2).reshape(batch, length, width))
            return x + self.mlp(self.norm2(x))

    class GPT(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tokens = nn.Embedding(words, width)
            self.places = nn.Embedding(length, width)
            self.blocks = nn.ModuleList([Block() for _ in range(4)])
            self.norm = nn.LayerNorm(width)
            self.head = nn.Linear(width, words, bias=False)

        def forward(self, x: Any) -> Any:
            x = self.tokens(x) + self.places(lib.torch.arange(length))
            for block in self.blocks:
                x = block(x)
            return self.head(self.norm(x))

    model = GPT()
    same_weights(model, scale=0.02)
    random = np.random.default_rng(6)
    text = lib.torch.from_numpy(random.integers(0, words, (batch, length + 1)))
    optimizer = lib.optim.AdamW(model.parameters(), lr=1e-4)

    def step() -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(text[:, :-1]).reshape(-1, words), text[:, 1:].reshape(-1))
        loss.backward()
        optimizer.step()
        return loss

    return step


def w7(lib: SimpleNamespace) -> Step:
    """layer_norm, exact GELU, mean square, 4096×1024, forward and backward."""
    random = np.random.default_rng(7)
    make = lambda *shape: lib.torch.from_numpy(random.standard_normal(shape).astype(np.float32)).requires_grad_()
    x, w, b = make(4096, 1024), make(1024), make(1024)

    def step() -> Any:
        x.grad = w.grad = b.grad = None
        loss = lib.F.gelu(lib.F.layer_norm(x, (1024,), w, b)).square().mean()
        loss.backward()
        return loss

    return step


def w8(lib: SimpleNamespace) -> Step:
    """A chain of 20,000 scalar float64 operations, forward and backward."""

    def step() -> Any:
        x = lib.torch.tensor(1.0, dtype=lib.torch.float64, requires_grad=True)
        y = x
        for _ in range(10_000):
            y = y * 0.999
            y = y + x
        y.backward()
        return x.grad

    return step


def w9(lib: SimpleNamespace) -> Step:
    """A tanh RNN written by hand, 100 steps, batch 8, hidden 64, forward and backward."""
    random = np.random.default_rng(9)
    make = lambda *shape: lib.torch.from_numpy((random.standard_normal(shape) * 0.1).astype(np.float32))
    inputs = [make(8, 64) for _ in range(100)]
    w, u, b = (make(*shape).requires_grad_() for shape in ((64, 64), (64, 64), (64,)))
    start = lib.torch.from_numpy(np.zeros((8, 64), np.float32))

    def step() -> Any:
        w.grad = u.grad = b.grad = None
        h = start
        for x in inputs:
            h = lib.torch.tanh(x @ w + h @ u + b)
        loss = (h * h).mean()
        loss.backward()
        return loss

    return step


def gru(lib: SimpleNamespace) -> Step:
    """GRU 64→128, 64 steps, batch 32, Adam."""
    return recurrent(lib, lib.nn.GRU(64, 128))


def separable(lib: SimpleNamespace) -> Step:
    """Depthwise-separable CNN (three pairs of 3×3 depthwise and 1×1, BatchNorm, ReLU), 32 channels, 32×32, batch 32, Adam."""
    nn = lib.nn

    def pair(a: int, b: int, stride: int) -> list[Any]:
        return [nn.Conv2d(a, a, 3, stride, padding=1, groups=a, bias=False), nn.Conv2d(a, b, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU()]

    model = nn.Sequential(
        *[nn.Conv2d(3, 32, 3, padding=1), *pair(32, 32, 1), *pair(32, 64, 2), *pair(64, 64, 1)],
        *[nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)],
    )
    return classifier(lib, model, (32, 3, 32, 32), lib.optim.Adam(model.parameters(), lr=1e-4))


def transposed(lib: SimpleNamespace) -> Step:
    """Decoder: linear 64→64×7×7, two 4×4 transposed convolutions of stride 2 (64→32→1), mean square error, batch 64, Adam."""
    nn = lib.nn
    model = nn.Sequential(
        *[nn.Linear(64, 64 * 7 * 7), nn.ReLU(), nn.Unflatten(1, (64, 7, 7))],
        *[nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1), nn.ReLU()],
        *[nn.ConvTranspose2d(32, 1, 4, stride=2, padding=1), nn.Sigmoid()],
    )
    same_weights(model)
    random = np.random.default_rng(3)
    x = lib.torch.from_numpy(random.standard_normal((64, 64)).astype(np.float32))
    y = lib.torch.from_numpy(random.random((64, 1, 28, 28)).astype(np.float32))
    optimizer = lib.optim.Adam(model.parameters(), lr=1e-4)

    def step() -> Any:
        optimizer.zero_grad()
        loss = lib.F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def classifier(lib: SimpleNamespace, model: Any, shape: tuple[int, ...], optimizer: Any) -> Step:
    """Training steps of a model that tells 10 classes apart."""
    same_weights(model)
    random = np.random.default_rng(2)
    x = lib.torch.from_numpy(random.standard_normal(shape).astype(np.float32))
    y = lib.torch.from_numpy(random.integers(0, 10, shape[0]))

    def step() -> Any:
        optimizer.zero_grad()
        loss = lib.F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def recurrent(lib: SimpleNamespace, model: Any) -> Step:
    """Training steps of a recurrent layer 64→128, 64 steps, batch 32, whose outputs are to be small."""
    same_weights(model, scale=0.1)
    random = np.random.default_rng(5)
    x = lib.torch.from_numpy(random.standard_normal((64, 32, 64)).astype(np.float32))
    optimizer = lib.optim.Adam(model.parameters(), lr=1e-4)

    def step() -> Any:
        optimizer.zero_grad()
        loss = model(x)[0].square().mean()
        loss.backward()
        optimizer.step()
        return loss

    return step


WORKLOADS: dict[str, Callable[[SimpleNamespace], Step]] = {
    **{"w1": w1, "w2": w2, "w3": w3, "w4": w4, "w5": w5, "w6": w6, "w7": w7, "w8": w8, "w9": w9},
    **{"gru": gru, "separable": separable, "transposed": transposed},
}
TARGETS = {  # how many times as fast as eager PyTorch a step is to be
    **{"w1": 2.5, "w2": 1.2, "w3": 1.0, "w4": 1.0, "w5": 1.3, "w6": 1.0, "w7": 1.2, "w8": 1.8, "w9": 1.4},
    **{"gru": 0.9, "separable": 0.9, "transposed": 0.9},
}
