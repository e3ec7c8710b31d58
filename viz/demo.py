"""The main job, end to end: a network learns real handwritten digits, and its backward pass is drawn.

    python -m viz.demo [--out out] [--epochs 60] [--seed 0]

Loads scikit-learn's `digits` (1,797 images of 8 × 8 pixels), trains an MLP, and saves the learning curve, the forward
and the backward picture, and the chain rule of the first weight.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core as ag
import nn
import optim
from autograd_core.errors import MissingExtraError
from nn.data import DataLoader, TensorDataset

from . import draw, explain


def load_digits(seed: int) -> tuple[ag.Tensor, ag.Tensor, ag.Tensor, ag.Tensor]:
    """Training images (1347, 64) in 0..1 and labels (1347,), and the 450 images and labels to test with."""
    try:
        from sklearn.datasets import load_digits as load
        from sklearn.model_selection import train_test_split
    except ImportError as error:
        raise MissingExtraError("scikit-learn", "demo", "the demo") from error
    images, labels = load(return_X_y=True)
    parts = train_test_split((images / 16).astype(np.float32), labels, test_size=450, stratify=labels, random_state=seed)
    train_x, test_x, train_y, test_y = (ag.from_numpy(part) for part in parts)
    return train_x, train_y, test_x, test_y


def make_model() -> nn.Module:
    """64 pixels → 128 hidden → 10 classes."""
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))


def accuracy(model: nn.Module, x: ag.Tensor, y: ag.Tensor) -> float:
    """The share of images whose class is recognised."""
    with ag.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


def train(model: nn.Module, data: Any, epochs: int) -> list[tuple[float, float, float]]:
    """Train with AdamW, the learning rate falling along a cosine; for each epoch the mean loss, and both accuracies."""
    try:
        from tqdm import trange
    except ImportError as error:
        raise MissingExtraError("tqdm", "demo", "the demo") from error
    train_x, train_y, test_x, test_y = data
    loader = DataLoader(TensorDataset(train_x, train_y), batch_size=32, shuffle=True)
    rate = 2e-3
    optimizer = optim.AdamW(model.parameters(), lr=rate)
    criterion = nn.CrossEntropyLoss()
    history = []
    with trange(epochs, desc="training", unit="epoch") as progress:
        for epoch in progress:
            optimizer.param_groups[0]["lr"] = rate * (1 + np.cos(np.pi * epoch / epochs)) / 2
            losses = []
            for x, y in loader:
                optimizer.zero_grad()
                loss = criterion(model(x), y)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            history.append((float(np.mean(losses)), accuracy(model, train_x, train_y), accuracy(model, test_x, test_y)))
            progress.set_postfix(loss=f"{history[-1][0]:.4f}", test=f"{history[-1][2]:.1%}")
    return history


def learning_curve(history: list[tuple[float, float, float]]) -> Any:
    """Loss, and accuracy on training and test images, over the epochs: a matplotlib Figure."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "demo", "the demo") from error
    epochs = np.arange(1, len(history) + 1)
    losses, training, test = (np.array(column) for column in zip(*history, strict=True))
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(epochs, losses, color="#0072B2", label="training")
    left.set(title="Loss", xlabel="epoch", ylabel="cross entropy", yscale="log")
    right.plot(epochs, 100 * training, color="#0072B2", label="training images")
    right.plot(epochs, 100 * test, color="#D55E00", linestyle="--", label="test images")
    right.set(title=f"Accuracy: {test[-1]:.1%} of the test images", xlabel="epoch", ylabel="recognised, %", ylim=(80, 100.5))
    right.legend(frameon=False, loc="lower right")
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m viz.demo", description="Train on handwritten digits and draw the backward pass.")
    parser.add_argument("--out", type=Path, default=Path("out"), help="the folder for what is made")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)

    ag.manual_seed(options.seed)
    data = load_digits(options.seed)
    model = make_model()
    began = time.perf_counter()
    history = train(model, data, options.epochs)
    print(f"{history[-1][2]:.1%} of {len(data[3])} test images recognised after {time.perf_counter() - began:.1f} s of training")

    learning_curve(history).savefig(options.out / "learning_curve.png", dpi=150)
    model.zero_grad()
    x, y = data[0][:32], data[1][:32]
    loss = nn.CrossEntropyLoss()(model(x), y)
    made = [options.out / "learning_curve.png"]
    for direction in ("forward", "backward"):
        picture = draw(loss, direction, names=model)
        made += [picture.save(options.out / f"{direction}.{suffix}") for suffix in ("svg", "png")]
    weight = next(model.parameters())
    explanation = explain(loss, weight, (0, 20), names=model)
    made.append(explanation.save(options.out / "chain_rule.txt"))
    print(f"\n{explanation}\n\nSaved:")
    for path in made:
        print(f"  {path}")


if __name__ == "__main__":
    main()
