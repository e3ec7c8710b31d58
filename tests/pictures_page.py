"""The images of docs/pictures.md and of the README: `python -m tests.pictures_page` makes them anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import autograd_core as ag
import nn
import optim
import viz

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
THEMES = ("light", "dark")


def neuron(theme: str) -> Any:
    """One neuron and its error."""
    x, w, b = ag.tensor([2.0, -1.0]), ag.tensor([0.5, 1.5], requires_grad=True), ag.tensor(0.8, requires_grad=True)
    y = ((w * x).sum() + b).tanh()
    loss = (y - 1) ** 2
    return viz.draw(loss, names={"x": x, "w": w, "b": b, "y": y, "loss": loss}, theme=theme)


def chain_rule(theme: str) -> Any:
    """The backward pass of the page's first example."""
    ag.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    x, y = ag.randn(16, 4), ag.randint(3, (16,))
    loss = nn.functional.cross_entropy(model(x), y)
    return viz.draw(loss, theme=theme)


def rolled(theme: str) -> Any:
    """A deep network, its equal blocks rolled up."""
    ag.manual_seed(0)
    blocks = nn.Sequential(*[nn.Sequential(nn.Linear(16, 16), nn.Tanh()) for _ in range(12)])
    model = nn.Sequential(nn.Linear(3, 16), blocks, nn.Linear(16, 1))
    x = ag.randn(32, 3)
    loss = model(x).square().mean()
    return viz.draw(loss, roll=True, theme=theme)


def ill(theme: str) -> Any:
    """A network whose ReLUs are mostly dead."""
    ag.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    with ag.no_grad():
        model[0].bias.fill_(-3.0)
    x, y = ag.randn(32, 4), ag.randn(32, 1)
    report = viz.health(nn.functional.mse_loss(model(x), y), title="loss")
    return report.picture(theme=theme)


def plots(theme: str) -> Any:
    """Four plots in the axes of one figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    ag.manual_seed(0)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 180)
    angle = rng.random(180) * 2.6 + 2.1 * labels
    points = (np.stack([np.cos(angle), np.sin(angle)], 1) * (1 + 0.3 * labels[:, None]) + rng.normal(0, 0.12, (180, 2))).astype(np.float32)
    x, y = ag.from_numpy(points), ag.from_numpy(labels)
    model = nn.Sequential(nn.Linear(2, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 3))
    optimizer = optim.Adam(model.parameters(), lr=5e-3)
    warm = optim.lr_scheduler.LinearLR(optimizer, 0.05, total_iters=30)
    schedule = optim.lr_scheduler.SequentialLR(optimizer, [warm, optim.lr_scheduler.CosineAnnealingLR(optimizer, 220)], [30])
    figure = Figure(figsize=(9.6, 7.4), dpi=100, layout="constrained", facecolor=viz.plots.style.look(theme).paper)
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 2)
    viz.plots.schedule(schedule, 250, theme=theme, ax=axes[0, 1])  # before the training: it shows what is still to come
    losses = []
    for _ in range(250):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    viz.plots.learning_curve({"loss": losses}, title="Learning curve", xlabel="step", theme=theme, ax=axes[0, 0])
    viz.plots.decision_boundary(model, points, labels, theme=theme, ax=axes[1, 0])
    viz.plots.loss_landscape(model, lambda m: nn.functional.cross_entropy(m(x), y), theme=theme, ax=axes[1, 1])
    return figure


DRAWN = {"chain_rule": chain_rule, "rolled": rolled, "health": ill}
README = {"neuron": neuron}


def main() -> None:
    for name, make in (DRAWN | README).items():
        for theme in THEMES:
            make(theme).save(IMAGES / f"{name}_{theme}.svg", engine="builtin")
    for theme in THEMES:
        plots(theme).savefig(IMAGES / f"plots_{theme}.png", metadata={"Software": None})


if __name__ == "__main__":
    main()
