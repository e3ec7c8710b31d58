"""The main job, end to end: a network learns real handwritten digits, and its backward pass is drawn.

    python -m viz.demo [--out out] [--epochs 60] [--seed 0]

Loads scikit-learn's `digits` (1,797 images of 8 × 8 pixels), prints the table of an MLP, trains it, and saves the learning
curve, the forward and the backward picture, the backward pass to walk through, and the chain rule of one weight.
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

from . import draw, explain, plots, step, summary


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
    losses, training, test = (list(column) for column in zip(*history, strict=True))
    return plots.learning_curve({"training loss": losses, "training accuracy": training, "test accuracy": test})


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m viz.demo", description="Train on handwritten digits and draw the backward pass.")
    parser.add_argument("--out", type=Path, default=Path("out"), help="the folder for what is made")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if options.epochs < 1:
        parser.error(f"--epochs is 1 or more, got {options.epochs}")
    options.out.mkdir(parents=True, exist_ok=True)

    ag.manual_seed(options.seed)
    data = load_digits(options.seed)
    model = make_model()
    print(f"{summary(model, data[0][:32])}\n")
    began = time.perf_counter()
    history = train(model, data, options.epochs)
    print(f"{history[-1][2]:.1%} of {len(data[3])} test images recognised after {time.perf_counter() - began:.1f} s of training")

    learning_curve(history).savefig(options.out / "learning_curve.png", dpi=200)
    model.zero_grad()
    x, y = data[0][:32], data[1][:32]
    loss = nn.CrossEntropyLoss()(model(x), y)
    made = [options.out / "learning_curve.png"]
    for direction in ("forward", "backward"):
        picture = draw(loss, direction, names=model)
        made += [picture.save(options.out / f"{direction}.{suffix}") for suffix in ("svg", "png")]
    made.append(step(loss, names=model).save(options.out / "pass.html"))
    weight = next(model.parameters())
    explanation = explain(loss, weight, (0, 20), names=model)
    made.append(explanation.save(options.out / "chain_rule.txt"))
    print(f"\n{explanation}\n\nSaved:")
    for path in made:
        print(f"  {path}")


if __name__ == "__main__":
    main()
