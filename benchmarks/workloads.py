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


def same_weights(model: Any, seed: int = 0) -> None:
    """Set all parameters from one stream, scaled as He's initialisation."""
    random = np.random.default_rng(seed)
    state = model.state_dict()
    for value in state.values():
        shape = tuple(value.shape)
        scale = (2 / shape[1]) ** 0.5 if len(shape) > 1 else 0.1
        value.numpy()[...] = random.standard_normal(shape).astype(np.float32) * scale


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
    random = np.random.default_rng(2)
    x = lib.torch.from_numpy(random.standard_normal((128, 784)).astype(np.float32))
    y = lib.torch.from_numpy(random.integers(0, 10, 128))
    nn = lib.nn
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))
    same_weights(model)
    optimizer = lib.optim.Adam(model.parameters(), lr=1e-4)

    def step() -> Any:
        optimizer.zero_grad()
        loss = lib.F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
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


WORKLOADS: dict[str, Callable[[SimpleNamespace], Step]] = {"w1": w1, "w2": w2, "w8": w8, "w9": w9}
TARGETS = {"w1": 2.5, "w2": 1.0, "w8": 1.8, "w9": 1.4}  # how many times as fast as eager PyTorch a step is to be
