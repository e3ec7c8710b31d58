"""`viz.plots`: what the figures hold, that nothing is changed by drawing, and the errors."""

from __future__ import annotations

import builtins
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core.errors import MissingExtraError, ShapeError
from autograd_core.random import own_generator
from nn.utils.rnn import pack_padded_sequence
from tests.hostile_names import HOSTILE
from viz import plots
from viz.plots import style
from viz.plots.curves import smoothed, split
from viz.plots.landscape import direction, losses
from viz.plots.schedule import rates
from viz.plots.watch import histogram

pytest.importorskip("matplotlib", reason="the plots need matplotlib")

ROOT = Path(__file__).resolve().parents[1]
RNG = np.random.default_rng(0)


def classifier(*extra):
    ag.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 8), nn.Tanh(), *extra, nn.Linear(8, 3))


X = RNG.normal(size=(30, 2)).astype(np.float32)
Y = RNG.integers(0, 3, 30)


def loss_of(model):
    return nn.CrossEntropyLoss()(model(ag.from_numpy(X)), ag.from_numpy(Y))


def trained(steps=12, every=2):
    model = classifier()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with plots.watch(model, every=every) as log:
        for _ in range(steps):
            optimizer.zero_grad()
            loss_of(model).backward()
            optimizer.step()
    return model, log


LOG = trained()[1]
WEIGHTS = RNG.dirichlet(np.ones(9), (4, 9))
TOKENS = "one two three four five six seven eight nine".split()
SCHEDULER = optim.lr_scheduler.StepLR(optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1), 3)
FIGURES = {
    "learning_curve": lambda **k: plots.learning_curve({"train_loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 2.5, 2.4], "acc": [0, 1]}, **k),
    "histograms": lambda **k: plots.histograms(LOG, **k),
    "histograms, heat": lambda **k: plots.histograms(LOG, "activations", kind="heat", **k),
    "filters": lambda **k: plots.filters(nn.Conv2d(1, 5, 3), **k),
    "filters in colour": lambda **k: plots.filters(nn.Conv2d(3, 5, 3).weight, **k),
    "filters, several channels": lambda **k: plots.filters(nn.Conv2d(2, 2, 3), **k),
    "filters, one dimension": lambda **k: plots.filters(nn.Conv1d(1, 4, 5), **k),
    "feature_maps": lambda **k: plots.feature_maps(ag.randn(1, 6, 5, 5), **k),
    "attention": lambda **k: plots.attention(WEIGHTS, TOKENS, **k),
    "attention, one head": lambda **k: plots.attention(WEIGHTS[0, :3], **k),
    "confusion_matrix": lambda **k: plots.confusion_matrix([0, 1, 1, 2], [0, 1, 2, 2], **k),
    "loss_landscape": lambda **k: plots.loss_landscape(classifier(), loss_of, points=5, **k),
    "loss_landscape, a line": lambda **k: plots.loss_landscape(classifier(), loss_of, dimensions=1, points=5, **k),
    "decision_boundary": lambda **k: plots.decision_boundary(classifier(), X, Y, points=20, **k),
    "schedule": lambda **k: plots.schedule(SCHEDULER, 10, **k),
    "activations": lambda **k: plots.activations(classifier(), ag.from_numpy(X), **k),
}  # fmt: skip
ONE_AXES = {"confusion_matrix", "decision_boundary", "learning_curve", "loss_landscape", "loss_landscape, a line", "schedule"}


def words(figure):
    from matplotlib.text import Text

    return [t.get_text() for t in figure.findobj(Text) if t.get_text() and t.get_visible()]


# ---------------------------------------------------------------------- of every figure


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure(name, theme):
    """It is drawn, is a Figure that shows itself, no wider than a page, nothing lies outside of it, and texts are legible."""
    from matplotlib.colors import to_rgb
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    stream = own_generator().get_state().numpy().tobytes()
    figure = FIGURES[name](theme=theme, title="costs $1 or $2_")  # which is no mathematics
    assert "costs $1 or $2_" in " ".join(words(figure))
    assert isinstance(figure, Figure)
    assert figure.get_figwidth() * figure.dpi <= 760
    assert to_rgb(figure.get_facecolor()[:3]) == to_rgb(style.LOOKS[theme].paper)
    if "loss" not in name and "filters" not in name and name not in ("feature_maps", "decision_boundary", "activations"):
        assert own_generator().get_state().numpy().tobytes() == stream
    figure.draw_without_rendering()
    width, height = figure.bbox.width, figure.bbox.height
    assert min(text.get_fontsize() for text in figure.findobj(Text) if text.get_text() and text.get_visible()) >= 8
    box = figure.get_tightbbox(figure.canvas.get_renderer())
    assert box.x0 >= -0.03
    assert box.y0 >= -0.03
    assert box.x1 <= width / figure.dpi + 0.03
    assert box.y1 <= height / figure.dpi + 0.03


def inside(figure):
    """Whether it is no wider than it says."""
    figure.draw_without_rendering()
    box = figure.get_tightbbox()
    return box.x0 >= -0.03 and box.x1 <= figure.get_figwidth() + 0.03


@pytest.mark.filterwarnings("ignore:Glyph .* missing from font")
@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_names(what):
    """They are text, and legends leave none of them out."""
    name = HOSTILE[what]
    figure = plots.schedule({name: SCHEDULER, "b": SCHEDULER}, 3, title=name, xlabel=name)
    assert inside(figure)
    assert len(figure.axes[0].get_legend().get_texts()) == 2


@pytest.mark.filterwarnings("ignore:Glyph .* missing from font")
def test_all_hostile_names():
    names = list(HOSTILE.values())
    classes = np.arange(len(names))
    assert inside(plots.confusion_matrix(classes, classes, names))
    assert inside(plots.attention(np.eye(len(names)), names))
    for name in (HOSTILE["long"], HOSTILE["TeX"], HOSTILE["handler"]):
        assert inside(plots.learning_curve({name: [2.0, 1.0], "b": [1.0, 1.0]}, title=name, xlabel=name))
        assert inside(plots.histograms({name: [[1.0, 2.0]], "b": [[1.0, 2.0]]}, title=name))


@pytest.mark.parametrize("name", sorted(ONE_AXES))
def test_drawn_into_axes_of_ones_own(name):
    from matplotlib.figure import Figure

    mine = Figure()
    ax = mine.subplots()
    assert FIGURES[name](ax=ax) is mine
    assert ax.get_title(loc="left") or name == "learning_curve"
    mine.draw_without_rendering()
    with pytest.raises(TypeError, match="ax is an axes of matplotlib, got a str"):
        FIGURES[name](ax="axes")


@pytest.mark.parametrize("name", FIGURES)
def test_unknown_theme(name):
    with pytest.raises(ValueError, match="'blue' is no theme: the themes are light, dark"):
        FIGURES[name](theme="blue")


def test_no_global_state():
    """No pyplot, no backend, no rcParams; and importing viz loads no matplotlib."""
    code = """
import sys, viz
assert "matplotlib" not in sys.modules
import matplotlib
before = matplotlib.rcParams.copy()
viz.plots.learning_curve({"loss": [2.0, 1.0]}).canvas.draw()
assert "matplotlib.pyplot" not in sys.modules
assert matplotlib.rcParams.copy() == before
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_without_matplotlib(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    for name, make in FIGURES.items():
        with pytest.raises(
            MissingExtraError, match=rf"viz.plots.{name.partition(',')[0].partition(' ')[0]} needs matplotlib: pip install "
        ):
            make()


def test_a_cycle_of_colours_can_be_told_apart_in_grey():
    """Neighbours of the cycle differ in lightness, or in style of line and marker anyway."""
    for look in style.LOOKS.values():
        grey = [float(np.dot([0.299, 0.587, 0.114], [int(c[i : i + 2], 16) for i in (1, 3, 5)])) for c in look.cycle]
        paper = float(np.dot([0.299, 0.587, 0.114], [int(look.paper[i : i + 2], 16) for i in (1, 3, 5)]))
        assert all(abs(g - paper) > 60 for g in grey)
    assert len(set(map(str, style.DASHES))) == 4
    assert len(set(style.MARKERS)) == 8


def test_figures_show_themselves():
    figure = plots.learning_curve({"loss": [2.0, 1.0]})
    assert figure._repr_png_().startswith(b"\x89PNG\r\n\x1a\n")
    data, metadata = figure._repr_mimebundle_()
    assert set(data) == {"image/png", "text/plain"}
    assert metadata["image/png"] == {"width": 760, "height": 290}


# ---------------------------------------------------------------------- learning curves


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("loss", ("loss", "loss")),
        ("train_loss", ("loss", "train")),
        ("val/loss", ("loss", "val")),
        ("test accuracy", ("accuracy", "test")),
        ("Validation-Top1", ("Top1", "Validation")),
        ("train", ("train", "train")),
    ],
)
def test_names_of_curves(name, found):
    assert split(name) == found


def test_learning_curve():
    figure = plots.learning_curve({"train_loss": [2.0, 1.0], "val_loss": [2.5, 1.5], "train_acc": [0.25, 0.5]})
    left, right = figure.axes
    assert [line.get_label() for line in left.lines] == ["train: 1", "val: 1.5"]
    assert left.lines[0].get_ydata().tolist() == [2.0, 1.0]
    assert right.lines[0].get_ydata().tolist() == [25.0, 50.0]
    assert right.get_ylabel() == "acc, %"
    assert {str(line.get_linestyle()) for line in left.lines} == {"-", "--"}


@pytest.mark.parametrize(("log", "values", "scale"), [
    (None, [1.0, 0.5], "linear"), (None, [1.0, 1e-3], "log"), (None, [1.0, 0.0], "linear"),
    (True, [1.0, 0.5], "log"), (False, [1.0, 1e-3], "linear"),
])  # fmt: skip
def test_scale_of_the_loss(log, values, scale):
    figure = plots.learning_curve({"loss": values}, log=log)
    assert figure.axes[0].get_yscale() == scale
    figure.canvas.draw()


def test_smoothing_and_gaps():
    assert smoothed(np.array([1.0, 1.0, 1.0]), 0.9) == pytest.approx([1, 1, 1])
    assert smoothed(np.array([0.0, 1.0]), 0.5) == pytest.approx([0, 2 / 3])
    raw, smooth = plots.learning_curve({"loss": [2.0, float("nan"), 1.0, float("inf")]}, smoothing=0.5).axes[0].lines
    assert np.isnan(raw.get_ydata()).tolist() == np.isnan(smooth.get_ydata()).tolist() == [False, True, False, True]


@pytest.mark.parametrize(
    ("history", "options", "error", "told"),
    [
        ({}, {}, ValueError, "the history is empty"),
        ([1.0], {}, TypeError, "history is a dict from names to lists of numbers, got a list"),
        ({"loss": []}, {}, ShapeError, "there are no values of 'loss'"),
        ({"loss": [[1.0]]}, {}, ShapeError, "values of 'loss' have 1 dimensions"),
        ({"loss": "abc"}, {}, TypeError, "values of 'loss' are numbers"),
        ({"loss": [1.0]}, {"smoothing": 1.0}, ValueError, "smoothing is at least 0 and below 1"),
    ],
)
def test_errors_of_learning_curves(history, options, error, told):
    with pytest.raises(error, match=told):
        plots.learning_curve(history, **options)


def test_losses_that_are_tensors_with_gradients():
    w = ag.tensor(2.0, requires_grad=True)
    (line,) = plots.learning_curve({"loss": [w * 2, w]}).axes[0].lines
    assert line.get_ydata().tolist() == [4.0, 2.0]


@pytest.mark.parametrize("values", [[0.0, 0.0], [-1.0, -2.0], [np.nan, np.nan]])
def test_a_logarithmic_scale_needs_positive_values(values):
    figure = plots.learning_curve({"loss": values}, log=True)
    figure.canvas.draw()
    assert figure.axes[0].get_yscale() == "linear"


# ---------------------------------------------------------------------- watching


def run(watched):
    """A training with dropout and batch normalisation, with and without a log: the bytes of all that comes out."""
    ag.manual_seed(3)
    model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 3))
    optimizer = optim.Adam(model.parameters())
    log = plots.watch(model)
    if watched:
        log.__enter__()
    for _ in range(5):
        optimizer.zero_grad()
        loss_of(model).backward()
        optimizer.step()
    if watched:
        log.__exit__(None, None, None)
    hooks = [m._hooks for m in model.modules() if m._hooks]
    return [t.array.tobytes() for t in (*model.parameters(), *model.buffers())], hooks, log


def test_watching_does_not_change_the_training():
    plain, _, _ = run(False)
    watched, hooks, log = run(True)
    assert watched == plain
    assert not hooks
    assert log.steps == 5


def test_what_is_logged():
    model, log = trained(steps=7, every=3)
    assert log.steps == 7
    assert repr(log) == "<log of 7 training steps, of 4 parameters and 3 layers>"
    assert list(log.weights) == list(log.gradients) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert list(log.activations) == ["0", "1", "2"]
    for kind in (log.weights, log.gradients, log.activations):
        for seen in kind.values():
            assert [h.step for h in seen] == [1, 4, 7]
    last = log.gradients["0.weight"][-1]
    grad = model[0].weight.grad.numpy()
    assert (last.mean, last.deviation) == pytest.approx((grad.mean(), grad.std()), rel=1e-5)
    assert last.counts.sum() == grad.size
    assert log.activations["1"][0].counts.sum() == 30 * 8


def test_only_training_is_logged():
    model = classifier()
    with plots.watch(model) as log:
        with ag.no_grad():
            model(ag.from_numpy(X))
        model.eval()(ag.from_numpy(X))
        assert log.steps == 0
        model.train()
        for _ in range(2):  # a gradient that is accumulated over two steps
            loss_of(model).backward()
    assert log.steps == 2
    first, second = log.gradients["2.bias"]
    assert second.mean == pytest.approx(2 * first.mean)
    model(ag.from_numpy(X))
    assert log.steps == 2
    with log, pytest.raises(RuntimeError, match="running already"), log:
        pass


def test_watching_lazy_and_recurrent_layers():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.out = nn.LSTM(3, 4), nn.LazyLinear(2)

        def forward(self, x):
            return self.out(self.lstm(pack_padded_sequence(x, [3, 2]))[0].data)

    model = Model()
    with plots.watch(model) as log:
        for _ in range(2):
            model(ag.randn(3, 2, 3)).sum().backward()
    assert len(log.weights["lstm.weight_ih_l0"]) == 2
    assert len(log.weights["out.weight"]) == 1  # it had no shape before the first step
    assert set(log.activations) == {"lstm", "out"}


def test_histogram():
    h = histogram([1.0, 2.0, 2.0, np.nan, np.inf, 0.0], 3, bins=4)
    assert (h.step, h.counts.tolist(), h.edges[0], h.edges[-1]) == (3, [1, 0, 1, 2], 0.0, 2.0)
    assert (h.mean, h.zeros, h.broken) == (1.25, 0.25, 2)
    constant = histogram(np.full(100, 5.0), 0)
    assert constant.counts.sum() == 100
    assert constant.edges[0] < 5 < constant.edges[-1]
    assert histogram([np.nan], 0).counts.sum() == 0


def test_histograms_of_arrays():
    figure = plots.histograms({"w": [RNG.normal(k, 1, 500) for k in range(5)]})
    (ax,) = figure.axes
    assert len(ax.collections) == 5
    tops = [max(c.get_paths()[0].vertices, key=lambda v: v[1])[0] for c in ax.collections]
    assert tops == pytest.approx(range(5), abs=1.2)
    assert tops == sorted(tops)


@pytest.mark.parametrize("kind", ["ridge", "heat"])
def test_more_panels_than_are_drawn(kind):
    figure = plots.histograms({str(k): [np.arange(9.0) + k] * 2 for k in range(5)}, kind=kind, limit=3)
    assert "(the first 3 of 5)" in " ".join(words(figure))
    assert len([ax for ax in figure.axes if ax.get_title(loc="left")]) == 3


@pytest.mark.parametrize(
    ("arguments", "options", "error", "told"),
    [
        ((LOG, "biases"), {}, ValueError, "'biases' is not logged: there are weights, gradients, activations"),
        ((LOG,), {"kind": "box"}, ValueError, "kind is 'ridge' or 'heat'"),
        ((LOG,), {"names": ["9.weight"]}, KeyError, "there is no '9.weight': there are 0.weight"),
        ((plots.watch(nn.Linear(2, 2)),), {}, ValueError, "no weights were logged: call the model in training mode"),
        (([1.0],), {}, TypeError, "a log of viz.plots.watch or a dict of lists, got a list"),
        (({"a": [np.full(3, np.nan)]},), {}, ValueError, "there are no finite numbers in any of the lists"),
        (({"a": [np.zeros(3)]},), {"limit": 0}, ValueError, "limit is a number of panels, 1 or more, got 0"),
    ],
)
def test_errors_of_histograms(arguments, options, error, told):
    with pytest.raises(error, match=told):
        plots.histograms(*arguments, **options)


@pytest.mark.parametrize(("options", "told"), [({"every": 0}, "every is a number, 1 or more"), ({"bins": 2.5}, "bins is a number")])
def test_errors_of_watching(options, told):
    with pytest.raises(ValueError, match=told):
        plots.watch(nn.Linear(2, 2), **options)
    with pytest.raises(TypeError, match="model is a Module"):
        plots.watch(print)


# ---------------------------------------------------------------------- images


def images(figure):
    return [ax.images[0] for ax in figure.axes if ax.images]


def test_filters():
    conv = nn.Conv2d(2, 3, 3)
    found = images(plots.filters(conv))
    assert len(found) == 6
    assert found[3].get_array().tolist() == conv.weight.detach().numpy()[1, 1].tolist()
    assert {i.get_clim() for i in found} == {(conv.weight.min().item(), conv.weight.max().item())}
    colour = images(plots.filters(nn.Conv2d(3, 5, 3)))
    assert [i.get_array().shape for i in colour] == [(3, 3, 3)] * 5
    assert all(i.get_array().min() == 0 and i.get_array().max() == pytest.approx(1) for i in colour)
    assert "and 3 more" in " ".join(words(plots.filters(nn.Conv2d(1, 8, 3), limit=5)))


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda: plots.filters(np.zeros((3, 3))), ShapeError, r"filters: weights have 3 or 4 dimensions, got shape \(3, 3\)"),
        (lambda: plots.filters(np.zeros((0, 1, 3, 3))), ShapeError, "there are no weights"),
        (lambda: plots.filters(nn.Conv2d(1, 2, 3), limit=0), ValueError, "limit is a number of images"),
        (lambda: plots.filters(nn.Conv2d(1, 2, 3), columns=0), ValueError, "columns is a number, 1 or more"),
        (lambda: plots.filters(nn.Conv2d(1, 2, 3), columns="2"), ValueError, "columns is a number, 1 or more"),
        (lambda: plots.feature_maps(np.zeros((2, 4, 5, 5))), ShapeError, r"of one example, got shape \(2, 4, 5, 5\): take one, maps\[0\]"),
        (lambda: plots.attention(np.zeros((2, 4, 5, 5))), ShapeError, r"of one example, got shape \(2, 4, 5, 5\): take one, weights\[0\]"),
        (lambda: plots.attention(np.zeros((2, 3)), ["a"]), ShapeError, "1 queries for weights of shape .*: 2 are needed"),
        (lambda: plots.attention(np.zeros((2, 3)), keys=["a"]), ShapeError, "1 keys for weights of shape .*: 3 are needed"),
        (lambda: plots.attention("weights"), TypeError, "weights are numbers"),
    ],
)
def test_errors_of_images(call, error, told):
    with pytest.raises(error, match=told):
        call()


def test_attention():
    figure = plots.attention(ag.tensor(WEIGHTS), TOKENS)
    found = images(figure)
    assert np.allclose([i.get_array() for i in found], WEIGHTS)
    assert {i.get_clim() for i in found} == {(0.0, WEIGHTS.max())}
    axes = found[2].axes  # the lower left one
    assert [t.get_text() for t in axes.get_yticklabels()] == TOKENS
    assert [t.get_text() for t in axes.get_xticklabels()] == TOKENS
    numbered = plots.attention(WEIGHTS[0], range(9)).axes[0]
    assert [t.get_text() for t in numbered.get_xticklabels()] == list("012345678")


def test_attention_weights_of_a_layer():
    layer, x = nn.MultiheadAttention(4, 2), ag.randn(5, 1, 4)
    _, weights = layer(x, x, x, average_attn_weights=False)
    assert len(images(plots.attention(weights))) == 2


# ---------------------------------------------------------------------- classifiers


def test_confusion_matrix():
    true, guess = [0, 0, 1, 1, 1, 2], [0, 1, 1, 1, 2, 2]
    figure = plots.confusion_matrix(true, guess, ["cat", "dog", "owl"])
    (image,) = figure.axes[0].images
    assert image.get_array().tolist() == [[1, 1, 0], [0, 2, 1], [0, 0, 1]]
    assert figure.axes[0].get_title(loc="left") == "Confusion matrix: 66.7 % right"
    assert [t.get_text() for t in figure.axes[0].texts] == ["1", "1", "2", "1", "1"]
    shares = plots.confusion_matrix(true, guess, normalize=True).axes[0].images[0].get_array()
    assert np.allclose(shares.sum(1), 100)
    scores = np.eye(3)[guess]
    assert plots.confusion_matrix(ag.tensor(true), ag.tensor(scores)).axes[0].images[0].get_array().tolist() == image.get_array().tolist()


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        (([0, 1], [0]), ShapeError, "2 targets, but 1 predictions"),
        (([0, 1.5], [0, 1]), TypeError, "targets are class indices, integers, got float64"),
        (([0, -1], [0, 1]), ValueError, "targets are class indices from 0, got -1"),
        (([0, 1], [0, 1], ["cat"]), ValueError, "1 names for 2 classes"),
        (([], []), ShapeError, "there are no targets"),
        (([10**7], [0]), ValueError, "10000001 classes cannot be drawn: there may be 2000"),
    ],
)
def test_errors_of_the_confusion_matrix(arguments, error, told):
    with pytest.raises(error, match=told):
        plots.confusion_matrix(*arguments)


def test_the_decision_boundary_is_where_the_scores_change():
    figure = plots.decision_boundary(lambda x: x[:, 0] - 0.25, [[-1.0, -1.0], [1.0, 1.0]], [0, 1], points=50)
    ax = figure.axes[0]
    (line, *_) = [c for c in ax.collections if len(c.get_paths()) and c.get_facecolor().size == 0]
    assert line.get_paths()[0].vertices[:, 0] == pytest.approx(0.25, abs=1e-6)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["class 0", "class 1"]


def test_the_decision_boundary_of_infinite_scores():
    plots.decision_boundary(lambda x: x[:, 0] * 1e38 * 1e38, [[-1.0, -1.0], [1.0, 1.0]], [0, 1], points=10).canvas.draw()


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        ((lambda x: x * np.nan, X, Y), ValueError, "the model gave NaN"),
        ((print, X * np.nan, Y), ValueError, "points x are finite numbers"),
        ((print, X, Y * np.nan), ValueError, "labels y are classes"),
        ((print, X, Y[:-1]), ShapeError, r"points x are \(N, 2\) and labels y \(N,\), got \(30, 2\) and \(29,\)"),
        ((print, np.zeros((4, 3)), np.zeros(4)), ShapeError, r"points x are \(N, 2\) and labels y \(N,\)"),
        ((print, np.zeros((4, 2)), np.full(4, 0.5)), ValueError, "labels y are classes"),
        ((lambda x: x.sum(), X, Y), ShapeError, r"the model gave shape \(\), not a row of scores for each"),
    ],
)
def test_errors_of_the_decision_boundary(arguments, error, told):
    with pytest.raises(error, match=told):
        plots.decision_boundary(*arguments)


# ---------------------------------------------------------------------- landscapes


def test_the_landscape_of_a_parabola():
    """With ‖w‖ = 2 in each row a step of 1 goes by 2: the loss ‖w‖² is that of both ways' sum."""

    class Bowl(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight, self.bias = nn.Parameter(ag.zeros(3, 4, dtype=ag.float64)), nn.Parameter(ag.ones(5))

    model = Bowl()
    model.weight.data[:, 0] = 2.0
    at = np.linspace(-1, 1, 5)
    start = model.weight.detach().clone()
    found = losses(model, lambda m: (m.weight - start).square().sum() + m.bias.sum(), at, 1, 0)
    assert found == pytest.approx(12 * at**2 + 5)


def test_directions_are_filter_normalised():
    w = RNG.normal(size=(4, 3, 2, 2))
    d = direction(w, np.random.default_rng(1))
    assert np.linalg.norm(d.reshape(4, -1), axis=1) == pytest.approx(np.linalg.norm(w.reshape(4, -1), axis=1))
    assert not direction(np.ones(4), RNG).any()
    assert not direction(np.zeros((2, 2)), RNG).any()


def bytes_of(model):
    return [(id(t), id(t.array), t.array.tobytes(), t.requires_grad) for t in (*model.parameters(), *model.buffers())]


@pytest.mark.parametrize("draw", [
    lambda model: plots.loss_landscape(model, loss_of, points=5),
    lambda model: plots.decision_boundary(model, X, Y, points=9),
    lambda model: plots.activations(model, ag.from_numpy(X)),
], ids=["loss_landscape", "decision_boundary", "activations"])  # fmt: skip
def test_drawing_leaves_the_model_as_it_is(draw):
    model = classifier(nn.BatchNorm1d(8), nn.Dropout())
    loss = loss_of(model)
    before, stream = bytes_of(model), own_generator().get_state().numpy().tobytes()
    draw(model)
    assert bytes_of(model) == before
    assert own_generator().get_state().numpy().tobytes() == stream
    assert all(m.training and m._hooks is None for m in model.modules())
    assert all(p.grad is None for p in model.parameters())
    loss.backward()  # what was recorded before is still valid


def test_inputs_stay_as_they_are():
    x = ag.tensor([-1.0, 1.0])
    plots.activations(nn.ReLU(inplace=True), x)
    assert x.tolist() == [-1.0, 1.0]


def test_every_place_gets_the_same_random_numbers_and_buffers():
    """With all weights at 0 the directions are 0, and so a loss with dropout and batch statistics is everywhere the same."""
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout(), nn.Linear(2, 2))
    nn.init.zeros_(model[2].weight)
    values = losses(model, lambda m: m[1](m[0](ag.from_numpy(X))).square().sum() + m[0].running_mean.sum(), np.linspace(-1, 1, 3), 2, 0)
    assert len(set(values.ravel().tolist())) == 1


def test_a_landscape_with_infinities():
    model = classifier()
    assert plots.loss_landscape(model, lambda m: m[0].weight.sum().log(), points=7, span=3, dimensions=1)
    with pytest.raises(ValueError, match="NaN or infinite at all points"):
        plots.loss_landscape(model, lambda m: float("nan"), points=3)


def test_a_flat_landscape():
    plots.loss_landscape(classifier(), lambda m: 1.0, points=3).canvas.draw()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"dimensions": 3}, "dimensions is 1 or 2"),
        ({"points": 2}, "points is a number, 3 or more"),
        ({"span": 0}, "span is positive"),
        ({"span": np.inf}, "span is positive"),
    ],
)
def test_errors_of_the_landscape(options, told):
    with pytest.raises(ValueError, match=told):
        plots.loss_landscape(classifier(), loss_of, **options)
    with pytest.raises(TypeError, match="model is a Module"):
        plots.loss_landscape(print, loss_of)
    with pytest.raises(TypeError, match="loss_fn gives a number, got a NoneType"):
        plots.loss_landscape(classifier(), lambda m: None, points=3)
    with pytest.raises(ValueError, match=r"loss_fn gives a number, got shape \(30, 3\)"):
        plots.loss_landscape(classifier(), lambda m: m(ag.from_numpy(X)), points=3)


# ---------------------------------------------------------------------- schedules


def optimizer():
    model = nn.Linear(2, 2)
    return optim.Adam([{"params": [model.weight]}, {"params": [model.bias], "lr": 0.2}], lr=0.1)


SCHEDULERS = {
    "steps": lambda o: optim.lr_scheduler.StepLR(o, 3),
    "cosine": lambda o: optim.lr_scheduler.CosineAnnealingLR(o, 10),
    "one cycle": lambda o: optim.lr_scheduler.OneCycleLR(o, 0.3, total_steps=12),
    "one after the other": lambda o: optim.lr_scheduler.SequentialLR(
        o, [optim.lr_scheduler.LinearLR(o, 0.1, total_iters=4), optim.lr_scheduler.ExponentialLR(o, 0.9)], [4]
    ),
}


@pytest.mark.parametrize("name", SCHEDULERS)
def test_schedules_are_what_training_will_see(name):
    o = optimizer()
    scheduler = SCHEDULERS[name](o)
    before = [{k: v for k, v in group.items() if k != "params"} for group in o.param_groups], dict(scheduler.__dict__)
    foreseen = rates(scheduler, 10)
    assert ([{k: v for k, v in group.items() if k != "params"} for group in o.param_groups], dict(scheduler.__dict__)) == before
    seen = []
    for _ in range(10):
        seen.append([group["lr"] for group in o.param_groups])
        o.step()
        scheduler.step()
    assert foreseen == [pytest.approx(list(group)) for group in zip(*seen, strict=True)]


def test_a_schedule_can_be_looked_at_while_it_runs():
    o = optimizer()
    scheduler = optim.lr_scheduler.ExponentialLR(o, 0.5)
    o.step()
    scheduler.step()
    assert rates(scheduler, 2)[0] == [0.05, 0.025]


def test_plateaus_need_the_losses():
    scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer(), factor=0.5, patience=1)
    assert rates(scheduler, 5, [1.0, 1.0, 1.0, 1.0])[0] == [0.1, 0.1, 0.1, 0.05, 0.05]
    with pytest.raises(ValueError, match="1 metrics for 5 steps: 4 are needed"):
        plots.schedule(scheduler, 5, metrics=[1.0])


def test_several_schedules():
    figure = plots.schedule({name: lambda make=make: make(optimizer()) for name, make in SCHEDULERS.items()}, 10)
    told = [t.get_text() for t in figure.axes[0].get_legend().get_texts()]
    assert "steps, group 0" in told
    assert "steps, group 1" in told
    assert "one cycle" in told  # both groups have the same rates
    with (
        warnings.catch_warnings(),
        pytest.raises(TypeError, match="expected a scheduler, or a function without arguments that makes one, got int"),
    ):
        plots.schedule(3, 10)
    with pytest.raises(ValueError, match="steps is a number, 1 or more"):
        plots.schedule(SCHEDULER, 0)
    with pytest.raises(ValueError, match="there is no scheduler in the dict"):
        plots.schedule({}, 10)


# ---------------------------------------------------------------------- activations


def test_activations():
    model = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Sequential(nn.Linear(4, 1)))
    figure = plots.activations(model, ag.from_numpy(X))
    top, middle, bottom = figure.axes
    assert [t.get_text() for t in bottom.get_xticklabels()] == ["0: Linear", "1: ReLU", "2.0: Linear"]
    hidden = model[1](model[0](ag.from_numpy(X))).detach().numpy()
    assert top.lines[0].get_ydata()[1] == pytest.approx(hidden.mean(), rel=1e-5)
    assert middle.lines[0].get_ydata()[1] == pytest.approx(hidden.std(), rel=1e-5)
    assert bottom.patches[1].get_height() == pytest.approx(100 * (hidden == 0).mean())


def test_errors_of_activations():
    with pytest.raises(TypeError, match="model is a Module"):
        plots.activations(print)
    with pytest.raises(ValueError, match="no layer gave floating-point numbers"):
        plots.activations(nn.Identity(), ag.tensor([1, 2]))


@pytest.mark.parametrize("count", [1, 3, 8])
def test_grids_of_any_size(count):
    for rows, columns in [(1, 14), (9, 2), (9, 9)]:
        figure = plots.attention(
            np.full((count, rows, columns), 0.1), [f"word {k}" for k in range(rows)], [f"word {k}" for k in range(columns)]
        )
        assert len(images(figure)) == count
    plots.feature_maps(np.ones((count, 4, 9))).draw_without_rendering()
