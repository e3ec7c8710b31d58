"""Explanations: paths counted and factored, terms that add up to the gradient, and how they are written."""

from __future__ import annotations

import functools
import json
import math
import re
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import nn
import viz
from nn import functional
from viz.derivation.as_text import by_itself
from viz.derivation.factoring import Bracket, Fold, Step, folded, walked
from viz.derivation.paths import Parallel, Paths, Use
from viz.graph.description import Quantity

GOLDEN = Path(__file__).parent / "golden"


def leaf(value, dtype=ag.float64):
    return ag.tensor(value, dtype=dtype, requires_grad=True)


def fixed(module, value=0.5):
    """The module in double precision, with parameters that are simple numbers."""
    module.to(ag.float64)
    with ag.no_grad():
        for k, p in enumerate(module.parameters()):
            p.copy_(ag.tensor(np.resize([value, -value, 2 * value], p.shape) + k / 8, dtype=ag.float64))
    return module


def data(*shape):
    return ag.tensor(np.sin(np.arange(1, 1 + math.prod(shape), dtype=np.float64)).reshape(shape))


# ---------------------------------------------------------------------- models


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)
        self.norm1, self.norm2 = nn.BatchNorm2d(2), nn.BatchNorm2d(2)

    def forward(self, x):
        return (x + self.norm2(self.conv2(self.norm1(self.conv1(x)).relu()))).relu()


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.mean, self.logvar, self.decoder = nn.Linear(4, 3), nn.Linear(3, 2), nn.Linear(3, 2), nn.Linear(2, 4)

    def forward(self, x, noise):
        h = self.encoder(x).tanh()
        mean, logvar = self.mean(h), self.logvar(h)
        again = self.decoder(mean + noise * (logvar / 2).exp())
        return ((again - x) ** 2).sum() - (1 + logvar - mean**2 - logvar.exp()).sum() / 2


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.head = nn.Embedding(5, 3), nn.Linear(3, 5, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, i):
        return self.head(self.embedding(i).tanh())


def mlp():
    model = fixed(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)))
    return model, functional.cross_entropy(model(data(5, 4)), ag.tensor([0, 1, 0, 1, 1])), {}


def cnn():
    model = fixed(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 2)))
    return model, functional.cross_entropy(model(data(2, 1, 6, 6)), ag.tensor([0, 1])), {}


def residual():
    model = fixed(Residual())
    return model, (model(data(2, 2, 3, 3)) ** 2).mean(), {}


def lstm():
    model = fixed(nn.LSTM(2, 3, num_layers=2))
    out, (h, c) = model(data(4, 2, 2))
    return model, (out**2).sum() + h.sum() * c.sum(), {}


def cell(steps=3, **settings):
    model = fixed(nn.LSTMCell(2, 3))
    h = c = data(1, 3)
    for k in range(steps):
        h, c = model(data(1, 2) * k, (h, c))
    return model, (h * c).sum(), settings


def attention():
    model = fixed(nn.MultiheadAttention(4, 2, batch_first=True))
    x = data(2, 3, 4)
    out, weights = model(x, x, x)
    return model, (out**2).sum() + weights.std(), {}


def vae():
    model = fixed(VAE())
    return model, model(data(3, 4), data(3, 2)), {}


def tied():
    model = fixed(Tied())
    return model, functional.cross_entropy(model(ag.tensor([0, 3, 3])), ag.tensor([1, 2, 3])), {}


def twice():
    model = fixed(nn.Linear(3, 3))
    x = data(2, 3)
    return model, model(model(model(x).tanh()).tanh()).sum(), {}


def penalty():
    """A gradient penalty: the graph of a backward pass is part of it."""
    model = fixed(nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)))
    x = data(4, 2).requires_grad_()
    (g,) = ag.autograd.grad(model(x).sum(), x, create_graph=True)
    return model, (g**2).sum(), {}


MODELS = {
    "mlp": mlp,
    "cnn": cnn,
    "residual": residual,
    "lstm": lstm,
    "lstm opened": lambda: (*lstm()[:2], {"open": True}),
    "cell": cell,
    "cell opened": lambda: cell(open=True),
    "cell, many steps": lambda: cell(12),
    "attention": attention,
    "attention opened": lambda: (*attention()[:2], {"open": True}),
    "vae": vae,
    "tied": tied,
    "twice": twice,
    "penalty": penalty,
}


def arrays(equation) -> Iterator[np.ndarray]:
    return (term.total.array for term in equation.terms)


def check_brackets(parts):
    for part in parts:
        if isinstance(part, Bracket):
            np.testing.assert_allclose(sum(way[-1].gradient.array for way in part.ways), part.gradient.array, rtol=1e-6, atol=1e-12)
            for way in part.ways:
                check_brackets(way)


@pytest.fixture
def arrays_kept(monkeypatch):
    """Explanations that keep whole arrays, to compare them."""
    monkeypatch.setattr(Quantity, "let_go", lambda quantity: None)


@pytest.mark.parametrize("max_paths", [100, 0], ids=["listed", "factored"])
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.usefixtures("arrays_kept")
def test_terms_add_up_to_the_gradient(name, max_paths):
    """Of every parameter, in every form: the terms at it, those of each equation before, and what meets in each bracket."""
    model, loss, settings = MODELS[name]()
    told = {key: viz.explain(loss, p, names=model, max_paths=max_paths, **settings) for key, p in model.named_parameters() if used(loss, p)}
    loss.backward()
    assert told
    for key, p in model.named_parameters():
        if key not in told:
            continue
        e = told[key]
        np.testing.assert_allclose(sum(arrays(e.equations[-1])), p.grad.numpy(), rtol=1e-6, atol=1e-10)
        np.testing.assert_allclose(e.total.array, p.grad.numpy(), rtol=1e-6, atol=1e-12)
        for equation in e.equations:
            np.testing.assert_allclose(sum(arrays(equation)), equation.total.array, rtol=1e-6, atol=1e-10)
            for term in equation.terms:
                check_brackets(term.steps)
        e.to_text()
        balanced(e.to_latex())


def used(loss, parameter):
    (g,) = ag.autograd.grad(loss, parameter, retain_graph=True, allow_unused=True)
    return g is not None


@pytest.mark.parametrize("name", ["mlp", "vae", "cell", "twice", "tied"])
def test_paths_are_those_that_a_search_finds(name):
    model, loss, _ = MODELS[name]()

    def search(node, goal):
        return node is goal or sum(search(parent, goal) for parent in node.parents)

    for p in model.parameters():
        assert viz.explain(loss, p).paths == search(loss.node, p.node)


# ---------------------------------------------------------------------- counting and factoring


def ladder(rungs):
    uses = [Use(f"y{k}", f"y{k - 1}", i) for k in range(rungs, 0, -1) for i in (0, 1)]
    return Paths(uses, f"y{rungs}", "y0")


def full(layers, width):
    """Every value uses every value of the layer before."""
    uses = [Use("root", f"{layers - 1}.{j}", j) for j in range(width)]
    for k in range(layers - 1, 0, -1):
        uses += [Use(f"{k}.{i}", f"{k - 1}.{j}", j) for i in range(width) for j in range(width)]
    return Paths([*uses, *(Use(f"0.{j}", "goal", j) for j in range(width))], "root", "goal")


def shape_of(chain):
    """A product in short: letters for steps, brackets for sums."""
    return "".join(link.edge if isinstance(link, Use) else f"({'+'.join(map(shape_of, link.ways))})" for link in chain)


@pytest.mark.parametrize(
    ("uses", "text"),
    [
        ("a:r>g", "a"),
        ("a:r>x b:x>g", "ab"),
        ("a:r>g b:r>g", "a+b"),
        ("a:r>x b:x>g c:x>g", "a(b+c)"),
        ("a:r>x b:x>y c:x>z d:z>y e:y>g", "a(b+cd)e"),
        ("a:r>x b:x>y c:x>y d:y>g e:y>g", "a(b+c)(d+e)"),
        ("a:r>x b:r>g c:x>y d:x>y e:y>g", "a(c+d)e+b"),
    ],
)
def test_paths_are_factored_where_they_part_and_meet(uses, text):
    found = re.findall(r"(\w):(\w)>(\w)", uses)
    paths = Paths([Use(user, used, k, letter) for k, (letter, user, used) in enumerate(found)], "r", "g")
    ((_, terms),) = paths.equations()
    assert "+".join(shape_of(chain) for _, chain in terms) == text
    products = [way for _, chain in terms for way in multiplied_out(chain)]
    assert sorted("".join(use.edge for use in way) for way in paths.listed()) == sorted(products)


def multiplied_out(chain):
    """All products of a factored sum."""
    made = [""]
    for link in chain:
        ways = [link.edge] if isinstance(link, Use) else [way for inner in link.ways for way in multiplied_out(inner)]
        made = [before + way for before in made for way in ways]
    return made


def test_paths_that_cross_get_an_equation_for_each_value_where_they_meet():
    found = re.findall(r"(\w):(\w)>(\w)", "a:r>x b:r>y c:x>u d:x>v e:y>u f:y>v h:u>g i:v>g")
    paths = Paths([Use(user, used, k, letter) for k, (letter, user, used) in enumerate(found)], "r", "g")
    made = {f"{shape_of(chain)}:{start}>{of}" for of, terms in paths.equations() for start, chain in terms}
    assert made == set("a:r>x b:r>y c:x>u d:x>v e:y>u f:y>v h:u>g i:v>g".split())


@pytest.mark.parametrize(("paths", "count"), [(ladder(20), 2**20), (ladder(100), 2**100), (full(30, 10), 10**30), (full(1, 3), 3)])
def test_any_number_of_paths_is_counted_exactly_and_factored(paths, count):
    start = time.perf_counter()
    equations = paths.equations()
    assert paths.count == count
    assert time.perf_counter() - start < 1
    ways = {paths.root: 1}  # the equations stand for as many
    for of, terms in equations:
        ways[of] = sum(ways[user] * times(chain) for user, chain in terms)
    assert ways[paths.goal] == count


def times(chain):
    return math.prod(1 if isinstance(link, Use) else sum(map(times, link.ways)) for link in chain)


def test_equations_have_a_term_for_each_use():
    layer = fixed(nn.Linear(3, 3))
    h = data(2, 3)
    for _ in range(6):
        h = layer(h).tanh() + h
    told = viz.explain(h.sum(), layer.weight)
    assert len(told.equations) > 1
    assert len(told.terms) == told.uses == 6


def test_a_million_paths_through_tensors():
    x = leaf(1.0)
    y = x
    for _ in range(20):
        y = y * y
    start = time.perf_counter()
    told = viz.explain(y, x)
    text = str(told)
    assert time.perf_counter() - start < 1
    assert told.paths == 2**20
    assert "1,048,576 paths" in text
    assert "18 more like this" in text
    assert len(text.splitlines()) < 20
    assert told.total.values == (2.0**20,)


def test_brackets_are_never_nested_deeply():
    w, h = leaf(0.5), leaf(1.0)
    y = h
    for _ in range(40):
        y = (y * w).tanh()
    told = viz.explain(y, w)
    assert told.paths == 40
    assert len(told.equations) > 30
    assert not any(isinstance(part, Parallel) for equation in told.equations for term in equation.terms for part in term.steps)
    text = str(told)
    assert "more like this" in text
    assert len(text.splitlines()) < 40


def test_a_chain_of_any_length():
    x = leaf(1.0)
    y = x
    for _ in range(20_000):
        y = y * 1.0
    told = viz.explain(y, x)
    text, tex = told.to_text(), told.to_latex()
    assert "19,999 more like this" in text
    assert len(text) < 1000
    assert len(tex) < 1000


def test_what_does_not_repeat_is_cut_in_the_middle():
    x = leaf(1.0)
    y = x
    for k in range(200):
        y = y * (2 + k % 97 + k / 1000) if k % 2 else y.tanh() + k
    text = str(viz.explain(y, x))
    assert re.search(r"… \d+ more, from", text)
    assert len(text.splitlines()) < 90


def steps_of(signs):
    return [Step(sign, "", "a", f"{k}", "g", (), (), None, None) for k, sign in enumerate(signs)]


@pytest.mark.parametrize(
    ("signs", "told"),
    [
        ("abc", "abc"),
        ("aabb", "aabb"),
        ("aaaa", "a3"),
        ("xabababy", "xab2y"),
        ("aabaabaab", "aab2"),
        ("abcabcabcab", "abc2ab"),
    ],
)
def test_repeats_are_told_once(signs, told):
    assert "".join(str(part.times) if isinstance(part, Fold) else part.operation for part in folded(steps_of(signs))) == told


# ---------------------------------------------------------------------- numbers


def test_the_product_of_numbers_is_written_out():
    x, y = leaf(3.0), leaf(0.42)
    loss = (x * y) * 2 + 1
    told = viz.explain(loss, x)
    (term,) = told.terms
    assert [step.local for step in term.steps] == [1.0, 2.0, 0.42]
    assert " = 1 · 2 · 0.42 = 0.84" in str(told)
    assert r"&= 1 \cdot 2 \cdot 0.42 = 0.84" in told.to_latex()


def two_long_paths():
    x = leaf(0.5)
    h = x
    for _ in range(4):
        h = h.sin() + 1
    loss = h.exp() * 2 + h.cos() * 3
    return viz.explain(loss, x)


def test_no_factor_is_lost_where_paths_end_alike():
    """Of a product that is broken over lines, every line is written, even where the last lines of two products are the same."""
    told = two_long_paths()
    whole, _, rules = told.to_latex().partition(r"&= 0.1538")
    ends = [line for line in whole.splitlines() if line.startswith(r"&\qquad \cdot")]
    assert len(ends) == 2
    assert ends[0] == ends[1]
    assert rules.count(r"\frac{\partial \mathrm{sin}_{1}}{\partial x}") == 1  # what a factor is, is told once
    assert rules.count(r"\vdots") == 1


def test_factors_that_repeat_are_told_as_factors():
    told = two_long_paths()
    kept = [step.local for step in told.terms[0].steps[6:9:2]]
    numbers = ", ".join(f"{x:.4g}".replace("-", "−") for x in kept)
    assert str(told).count(f"… 2 more like this, from add₃ to add₁: factors {numbers}\n") == 2


def test_each_path_carries_its_own_gradient():
    x = leaf([1.0, 2.0])
    h = x * 3
    loss = (h * 2 + h.square()).sum()
    told = viz.explain(loss, x)
    first, second = (term.total.values for term in told.terms)
    assert first == (6.0, 6.0)
    assert second == (18.0, 36.0)
    assert "[6, 6] + [18, 36] = [24, 42]" in str(told)


def test_an_element_is_told_element_by_element():
    w, x = leaf([[1.0, 2.0]]), ag.tensor([[1.0], [2.0], [3.0]], dtype=ag.float64)
    loss = ((x @ w) ** 2).sum()
    told = viz.explain(loss, w, (0, -1))
    assert told.total.values == (56.0,)
    (use,) = told.entries.largest
    assert [(one.place, one.arriving, one.local, one.value) for one in use.largest] == [
        ((2, 1), 12.0, 3.0, 36.0),
        ((1, 1), 8.0, 2.0, 16.0),
        ((0, 1), 4.0, 1.0, 4.0),
    ]
    assert (use.size, use.depending, use.more, use.rest, use.total) == (6, 3, 0, 0.0, 56.0)
    text = str(told)
    assert "∂loss/∂matmul · ∂matmul/∂w[0, -1], element by element (3 of 6 depend on it):\n    [2, 1]   12 · 3 = 36\n" in text
    assert "\n    sum: 56\n" in text
    assert told.index == (0, -1)
    assert r"\left[2, 1\right] &:\ 12 \cdot 3 = 36" in told.to_latex()
    (line,) = [line for line in told.picture().drawing.caption if "over" in line]
    assert line == "∂loss/∂w[0, -1] = 12 · 3 + 8 · 2 + 4 · 1 = 56, over the elements of matmul"
    assert told.picture().drawing.title.startswith("∂loss/∂w[0, -1]: ")


class Several(nn.Module):
    """A parameter in many roles."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(ag.zeros(4, 4))

    def forward(self, x):
        h = (x @ self.w).tanh() + self.w[1] * x[:, :1] + ag.einsum("ij,kj->ki", self.w, x)
        changed = self.w * 2
        changed[0, 1:] = 3.0
        return h @ changed.T + self.w.sum(0) + self.w[[0, 0, 2]].sum()


class Last(nn.Module):
    """The first result of a recurrent layer or of attention, or all of them."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        out, state = self.layer(x, x, x) if isinstance(self.layer, nn.MultiheadAttention) else self.layer(x)
        states = state if isinstance(state, tuple) else (state,)
        return (out**2).sum() + sum((s**3).sum() for s in states)


LAYERS = {
    "linear": lambda: (nn.Linear(4, 3), data(200, 4)),
    "linear in 3-D": lambda: (nn.Linear(4, 3), data(5, 6, 4)),
    "convolution": lambda: (nn.Conv2d(2, 3, 3, stride=2, padding=1), data(2, 2, 7, 7)),
    "grouped, dilated": lambda: (nn.Conv1d(4, 4, 3, dilation=2, groups=2), data(2, 4, 9)),
    "transposed": lambda: (nn.ConvTranspose2d(2, 3, 3, stride=2), data(2, 2, 4, 4)),
    "lstm": lambda: (Last(nn.LSTM(3, 4, num_layers=2, bidirectional=True)), data(5, 2, 3)),
    "gru": lambda: (Last(nn.GRU(3, 4)), data(5, 2, 3)),
    "attention": lambda: (Last(nn.MultiheadAttention(4, 2)), data(3, 2, 4)),
    "embedding": lambda: (nn.Embedding(6, 3), ag.tensor([[0, 2, 2], [5, 0, 1]])),
    "layer norm": lambda: (nn.LayerNorm(6), data(5, 6)),
    "batch norm": lambda: (nn.BatchNorm2d(2), data(3, 2, 4, 4)),
    "group norm": lambda: (nn.GroupNorm(2, 4), data(3, 4, 5)),
    "prelu": lambda: (nn.PReLU(4), data(3, 4)),
    "bilinear": lambda: (nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4)), data(3, 4)),
    "many roles": lambda: (Several(), data(5, 4)),
}


def added_up(entries):
    """All numbers of a sum that are written out, and the rest of it."""
    return sum(sum(one.arriving * one.local for one in use.largest) + use.rest for use in entries.largest) + entries.rest


@pytest.mark.parametrize(("dtype", "rtol"), [(ag.float64, 1e-6), (ag.float32, 1e-3)], ids=str)
@pytest.mark.parametrize("name", LAYERS)
def test_elements_of_every_use_add_up_to_the_gradient(name, dtype, rtol):
    layer, x = LAYERS[name]()
    fixed(layer).to(dtype)
    x = x.to(dtype) if x.is_floating_point() else x
    out = layer(x)
    loss = out if out.ndim == 0 else (out * data(*out.shape).to(dtype)).sin().sum()
    places = {key: tuple(n // 2 for n in p.shape) for key, p in layer.named_parameters()}
    told = {key: viz.explain(loss, p, places[key], names=layer) for key, p in layer.named_parameters() if used(loss, p)}
    loss.backward()
    assert told
    for key, e in told.items():
        grad = layer.get_parameter(key).grad.numpy()
        scale = sum(abs(one.value) for use in e.entries.largest for one in use.largest)
        np.testing.assert_allclose(added_up(e.entries), grad[places[key]], rtol=rtol, atol=rtol * 1e-3 + (rtol / 10) * scale)
        assert all(use.total == pytest.approx(sum(one.value for one in use.largest) + use.rest, 1e-6, 1e-9) for use in e.entries.largest)
        assert len(e.entries.largest) + e.entries.more == e.uses
        assert "more term" in str(e) or all(not use.more for use in e.entries.largest)
        assert f"{e.uses} times" in str(e) or e.uses == 1
        balanced(e.to_latex())


def test_of_many_products_the_largest_are_written_out():
    layer, x = LAYERS["linear"]()
    loss = fixed(layer)(x).square().sum()
    told = viz.explain(loss, layer.weight, (1, 2))
    (use,) = told.entries.largest
    sizes = [abs(one.value) for one in use.largest]
    assert sizes == sorted(sizes, reverse=True)
    assert use.depending == 200
    assert use.more == 200 - len(use.largest)
    out, x = layer(x).detach().numpy(), x.numpy()
    assert sizes[0] == pytest.approx(np.abs(2 * out[:, 1] * x[:, 2]).max())
    assert f"    {use.more} more terms: " in str(told)


def test_what_an_element_is_not_used_for():
    layer = fixed(nn.Embedding(6, 3))
    told = viz.explain(layer(ag.tensor([0, 2])).sum(), layer.weight, (1, 1))
    assert "(0 of 6 depend on it):\n    all terms are 0" in str(told)
    assert "over" not in " ".join(told.picture().drawing.caption[2:])


class Rectified(ag.autograd.Function):
    """Its backward computes with arrays, so that only single elements tell what it does."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.relu()

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return ag.tensor(g.numpy() * (x.numpy() > 0))


class Doubled(ag.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g * 2


class Picky(Doubled):
    """Its backward computes with arrays, and takes no zeros."""

    @staticmethod
    def backward(ctx, g):
        assert g.numpy().all()
        return ag.tensor(g.numpy() * 2)


class Clipped(ag.autograd.Function):
    """Its backward is not linear."""

    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g.clamp(-1, 1)


def test_a_rule_that_cannot_be_recorded_is_asked_element_by_element():
    x = leaf(np.linspace(-1.0, 1.0, 6))
    told = viz.explain((Rectified.apply(x) ** 2).sum(), x, 5)
    (use,) = told.entries.largest
    assert [(one.place, one.arriving, one.local) for one in use.largest] == [((5,), 2.0, 1.0)]
    x = leaf(np.linspace(-1.0, 1.0, 600))
    told = viz.explain((Rectified.apply(x) ** 2).sum(), x, 599)
    assert told.entries.largest == ()
    assert told.entries.rest == told.total.values[0] == 2.0
    assert "the rule of Rectified does not say how single elements" in told.note


def test_a_rule_that_is_not_linear_has_no_local_derivatives():
    x = leaf([1.0, 2.0])
    told = viz.explain((Clipped.apply(x) ** 2).sum(), x, 1)
    assert told.entries.largest == ()
    assert "what Clipped handed back is no sum over the elements of its result" in told.note


def test_elements_of_what_a_hook_changed():
    x = leaf([1.0, 2.0])
    h = x * 3
    h.grad_fn.register_hook(lambda given, arrived: tuple(None if g is None else g * 2 for g in given))
    loss = (h * h).sum()
    with viz.record() as run:
        loss.backward(retain_graph=True)
    told = viz.explain(loss, x, 1, run=run)
    assert told.total.values == (72.0,)
    assert told.entries.largest == ()
    assert "or changed by hooks" in told.note


def test_a_rule_that_does_not_take_the_gradient_of_one_element():
    x = leaf([1.0, 2.0])
    told = viz.explain(Picky.apply(x).sum(), x, 1)
    assert told.total.values == (2.0,)
    assert "the rule of Picky does not say" in told.note


def test_large_results_are_not_told_element_by_element(monkeypatch):
    monkeypatch.setattr("viz.derivation.elements.LIMIT", 10)
    layer, x = LAYERS["linear"]()
    told = viz.explain(fixed(layer)(x).sum(), layer.weight, (0, 0))
    assert told.entries.largest == ()
    assert "linear has 600 elements: too many" in told.note
    assert "more use" not in str(told)
    assert "more use" not in told.to_latex()


def test_elements_of_a_recorded_pass():
    def model():
        layer, x = LAYERS["linear"]()
        return layer, fixed(layer)(x).sin().sum()

    layer, loss = model()
    with viz.record() as run:
        loss.backward(retain_graph=True)
    told = viz.explain(loss, layer.weight, (0, 1), run=run)
    assert added_up(told.entries) == pytest.approx(layer.weight.grad[0, 1].item())
    layer, loss = model()
    with viz.record() as run:
        loss.backward()
    told = viz.explain(loss, layer.weight, (0, 1), run=run)
    assert told.entries.largest == ()
    assert "element by element it is told before backward() only" in told.note


def test_an_element_of_an_operation_that_is_opened():
    layer, x = LAYERS["lstm"]()
    loss = fixed(layer)(x)
    told = viz.explain(loss, layer.layer.weight_hh_l0, (1, 2), open="lstm")
    loss.backward()
    assert added_up(told.entries) == pytest.approx(layer.layer.weight_hh_l0.grad[1, 2].item(), 1e-6)


@pytest.mark.parametrize("max_paths", [8, 0], ids=["listed", "factored"])
@pytest.mark.parametrize("steps", [1, 2, 12])
def test_text_and_picture_count_the_same_uses(steps, max_paths):
    """An LSTM cell has two results, but uses its weight once a step."""
    model, loss, _ = cell(steps)
    told = viz.explain(loss, model.weight_hh, names=model, max_paths=max_paths)
    assert told.uses == steps
    if told.factored:
        assert len(told.terms) == steps
    drawn = viz.draw(loss, names=model, roll=False).drawing
    if steps == 12:
        (box,) = [box for box in drawn.boxes if box.title == "weight_hh"]
        assert "grad is the sum of 12" in box.lines
        assert "which is used 12 times" in str(told)
        assert "the sum of 12 terms" in str(told)
    into = [a for a in drawn.arrows if a.kind == "backward" and a.lines[0] == "Σₜ δₜᵀ @ hₜ₋₁"]
    assert len(into) == steps
    if told.factored:  # and the numbers are those on the arrows
        assert {term.total.text() for term in told.terms} == {a.lines[-1].rpartition(", (")[0] for a in into}


@pytest.mark.parametrize(
    ("formula", "told"),
    [
        ("g", "1"), ("−g", "−1"), ("g · y", "y"), ("−g · sin(x)", "−sin(x)"), ("g / b", "1 / b"), ("g · (1 − out²)", "1 − out²"),
        ("g · (a + b) · (c + d)", "(a + b) · (c + d)"), ("repeat(g)", "1"), ("g · [x > 0]", "[x > 0]"),
        ("out · (g − Σ(g · out))", "(out · (g − Σ(g · out)), g = 1)"), ("g_1 · x", "g_1 · x"),
    ],
)  # fmt: skip
def test_the_rule_of_single_numbers_is_told_without_the_gradient(formula, told):
    assert by_itself(formula) == told


def test_gradient_starts_the_pass_of_a_vector():
    x = leaf([1.0, 2.0])
    told = viz.explain(x * x, x, gradient=ag.tensor([1.0, 10.0], dtype=ag.float64))
    assert told.total.values == (2.0, 40.0)
    with pytest.raises(RuntimeError, match="shape"):
        viz.explain(x * x, x, gradient=ag.ones(3))


def test_an_intermediate_tensor_is_explained_too():
    x = leaf([1.0, 2.0])
    h = x * 3
    told = viz.explain((h * h).sum(), h)
    assert told.total.values == (6.0, 12.0)
    assert told.paths == 2
    loss = x.sum()
    itself = viz.explain(loss, loss)
    assert itself.terms == ()
    assert "is the output itself" in str(itself)
    assert itself.total.values == (1.0,)


# ---------------------------------------------------------------------- names


def test_what_has_no_name_is_numbered():
    x = leaf(2.0)
    loss = x + 1 + 2 + 3
    (term,) = viz.explain(loss, x).terms
    assert [(s.result, s.argument) for s in term.steps] == [("loss", "add₂"), ("add₂", "add₁"), ("add₁", "x")]


def test_numbers_of_modules_and_of_calls_are_told_apart():
    layer = fixed(nn.Sequential(nn.Linear(2, 2)))
    terms = viz.explain(layer(layer(data(1, 2))).sum(), layer[0].bias).terms
    assert [[s.argument for s in term.steps] for term in terms] == [["Linear₀.₂", "Linear₀.₁", "0.bias"], ["Linear₀.₂", "0.bias"]]


def test_results_of_modules_go_by_their_path():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Sequential(nn.Linear(2, 2), nn.ReLU()) for _ in range(2)])
            self.head = nn.Linear(2, 1)

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return self.head(x).mean()

    net = fixed(Net())
    loss = net(data(3, 2))
    (term,) = viz.explain(loss, net.layers[0][0].weight).terms
    assert [s.argument for s in term.steps] == ["head", "layers.1", "layers.1.0", "layers.0", "layers.0.0", "layers.0.0.weight"]
    plain = fixed(nn.Sequential(nn.Linear(2, 2), nn.Tanh()))
    (term,) = viz.explain(plain(data(1, 2)).sum(), plain[0].bias).terms
    assert [s.argument for s in term.steps] == ["Tanh₁", "Linear₀", "0.bias"]


def test_one_of_several_results_is_one_factor():
    model = fixed(nn.LSTM(2, 3))
    _, (h, _) = model(data(4, 2))
    told = viz.explain(h.sum(), model.weight_hh_l0)
    steps = list(walked(told.terms[0].steps))
    assert [s.operation for s in steps].count("lstm") == 1
    assert not any("result" in s.operation for s in steps)


# ---------------------------------------------------------------------- what has to be said


def test_no_path_is_an_error_that_says_why():
    x, w, scores = leaf(2.0), leaf(3.0), leaf([1.0, 2.0])
    loss = x * 2
    with pytest.raises(ValueError, match=r"no path leads from loss to w.*not used, or only through what has no derivative"):
        viz.explain(loss, w)
    loss = x * w.detach()
    with pytest.raises(ValueError, match="only its numbers were used, as data"):
        viz.explain(loss, w)
    loss = x * scores.argmax()
    with pytest.raises(ValueError, match="integers such as argmax"):
        viz.explain(loss, scores)


def test_a_gradient_of_zero_is_explained():
    w = leaf([1.0, -1.0])
    assert "the gradient is zero: relu hands nothing back" in viz.explain((w * 0 - 1).relu().sum(), w).note
    x = leaf(2.0)
    empty = leaf(np.zeros((0, 3)))
    assert "zero" not in viz.explain(empty.sum(), empty).note
    assert "the terms cancel" in viz.explain(x * 3 - x * 3, x).note
    assert "the gradient is zero: sign hands nothing back" in viz.explain(x.sign() * 2, x).note


@pytest.mark.parametrize("max_paths", [8, 0])
def test_an_operation_that_hands_nothing_back_is_named(max_paths):
    class Wall(ag.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return None

    x = leaf(2.0)
    told = viz.explain(Wall.apply(x * x) * 3, x, max_paths=max_paths)
    assert told.total is None
    assert "no gradient reaches x: Wall hands nothing back" in told.note


def test_what_is_not_finite_is_said():
    x = leaf(0.0)
    with np.errstate(all="ignore"):
        told = viz.explain(x.log() * 2, x)
    assert "not finite from ∂log/∂x on, the rule of log" in told.note
    assert json.loads(json.dumps(told.to_dict(), allow_nan=False))["total"]["norm"] == "inf"


def test_hooks_are_told_of():
    x = leaf(3.0)
    h = x * 2
    h.register_hook(lambda g: g * 10)
    loss = h * 5
    assert "hooks on 1 tensor are not run" in viz.explain(loss, x).note
    with viz.record() as run:
        loss.backward()
    told = viz.explain(loss, x, run=run)
    assert told.total.values == (100.0,)
    assert "a hook on h made 50 of 5" in told.note


def test_what_a_hook_did_to_an_element_is_told_of_that():
    w = leaf(np.arange(12.0).reshape(3, 4))
    loss = (w * w).sum()
    w.register_hook(lambda g: g * 3)
    assert "this is what .grad will get" not in viz.explain(loss, w, (1, 2)).note
    with viz.record() as run:
        loss.backward()
    assert "a hook on w made 36 of 12" in viz.explain(loss, w, (1, 2), run=run).note


@pytest.mark.parametrize("start", [2.0, [1.0, -3.0]])
def test_a_recorded_pass_that_started_with_another_gradient(start):
    """It is explained where that gradient is given, and not mistaken for the pass of the output itself."""
    w = leaf(3.0)
    start = ag.tensor(start, dtype=ag.float64)
    v = w * 1
    v.register_hook(lambda g: g * 10)
    h = v * ag.ones_like(start)
    with viz.record() as run:
        h.backward(start)
    told = viz.explain(h, w, run=run, gradient=start)
    assert told.total.values == (w.grad.item(),)
    assert viz.explain(h, w, run=run, gradient=start + 1).total is None


def test_a_gradient_that_is_kept_is_no_hook():
    x = leaf(3.0)
    h = x * 2
    h.retain_grad()
    assert "hooks" not in viz.explain(h * 5, x).note
    assert not any("hooks" in line for line in viz.draw(h * 5).drawing.caption)


def test_a_recorded_pass_is_explained_after_the_graph_is_freed():
    x = leaf(3.0)
    loss = (x * x + x) * x
    with viz.record() as run:
        loss.backward()
    told = viz.explain(loss, x, run=run)
    assert told.factored  # the rules have let go what separate paths would need
    assert sum(term.total.values[0] for term in told.terms) == x.grad.item() == 33.0
    bare = viz.explain(loss, x)
    assert bare.total is None
    assert "freed" in bare.note
    assert len(bare.terms) == 4
    assert all(step.gradient is None for term in bare.terms for step in term.steps)
    with pytest.raises(TypeError, match="run must be"):
        viz.explain(loss, x, run=5)


def test_explaining_changes_nothing():
    model, loss, _ = cell()
    before = ag.get_rng_state().numpy().copy()
    first = viz.explain(loss, model.weight_hh)
    assert all(p.grad is None for p in model.parameters())
    np.testing.assert_array_equal(before, ag.get_rng_state().numpy())
    loss.backward()
    with ag.no_grad():
        model.weight_hh.zero_()
    assert first.total.norm > 0
    x = leaf(3.0)
    (x * x).backward()
    told = viz.explain(x * x, x)
    x.grad.zero_()
    assert told.grad.values == (6.0,)


class Noisy(ag.autograd.Function):
    """Its backward draws."""

    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g * ag.rand(g.shape, dtype=g.dtype)


def test_what_a_rule_draws_is_undone():
    w = leaf([1.0, 2.0])
    loss = Noisy.apply(w).sum()
    before = ag.get_rng_state().numpy().copy()
    viz.explain(loss, w, 1)
    viz.draw(loss)
    np.testing.assert_array_equal(before, ag.get_rng_state().numpy())


# ---------------------------------------------------------------------- how it is written


def expression():
    x, y = leaf(3.0), leaf(2.0)
    a, b = x * y, x**2
    loss = a + b
    return viz.explain(loss, x)


def element():
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1)).to(ag.float64)
    with ag.no_grad():
        for p, value in zip(model.parameters(), ([[1, -1], [2, 3]], [1, 0], [[2, -1]], [0]), strict=True):
            p.copy_(ag.tensor(value, dtype=ag.float64))
    x, y = ag.tensor([[1.0, 2.0], [3.0, 1.0]], dtype=ag.float64), ag.tensor([[1.0], [-2.0]], dtype=ag.float64)
    loss = functional.mse_loss(model(x), y)
    return viz.explain(loss, model[0].weight, (1, 0), names=model)


def squared():
    x = leaf(3.0)
    y = x * x
    return viz.explain(y, x)


def two_steps():
    model = nn.LSTMCell(1, 1).to(ag.float64)
    with ag.no_grad():
        for p in model.parameters():
            p.fill_(0.5)
    h = c = ag.ones(1, 1, dtype=ag.float64)
    for _ in range(2):
        h, c = model(ag.ones(1, 1, dtype=ag.float64), (h, c))
    loss = h.sum()
    return viz.explain(loss, model.weight_hh, names=model)


WRITTEN = {"two_paths": expression, "mlp_element": element, "square": squared, "lstm_cell": two_steps}


@pytest.mark.parametrize("suffix", ["txt", "tex"])
@pytest.mark.parametrize("name", WRITTEN)
def test_written_as_before(name, suffix):
    assert written(name, suffix) == golden_file(name, suffix).read_text(encoding="utf-8")


def written(name, suffix):
    told = WRITTEN[name]()
    return (told.to_text() if suffix == "txt" else told.to_latex()) + "\n"


def golden_file(name, suffix):
    return GOLDEN / f"explain_{name}.{suffix}"


def balanced(tex):
    assert tex.startswith("\\begin{aligned}\n")
    assert tex.endswith("\n\\end{aligned}")
    for line in pieces(tex):
        depth = 0
        for sign in re.findall(r"(?<!\\)[{}]", line):
            depth += 1 if sign == "{" else -1
            assert depth >= 0
        assert depth == 0
        assert len(re.findall(r"\\left\b", line)) == len(re.findall(r"\\right\b", line))


def pieces(tex):
    """What stands between line ends and alignment marks."""
    lines = tex.removeprefix("\\begin{aligned}\n").removesuffix("\n\\end{aligned}").split(" \\\\\n")
    parts = [re.split(r"(?<!\\)&", line) for line in lines]
    assert all(len(part) == 2 for part in parts)
    return [piece.strip() for part in parts for piece in part if piece.strip()]


@pytest.fixture(scope="module")
def mathtext():
    """Reads a formula, once: numbers of other digits are read alike."""
    reader = pytest.importorskip("matplotlib.mathtext", reason="matplotlib, which reads the formulas, is not installed")
    parser = reader.MathTextParser("path")
    parse = functools.cache(lambda piece: parser.parse(f"${piece}$"))
    return lambda piece: parse(re.sub(r"\d+", "8", piece))


@pytest.mark.parametrize("name", [*WRITTEN, "attention", "cell, many steps", "vae", "residual"])
def test_latex_is_understood(name, mathtext):
    if name in WRITTEN:
        told = WRITTEN[name]()
    else:
        model, loss, _ = MODELS[name]()
        told = viz.explain(loss, next(model.parameters()), names=model)
    balanced(told.to_latex())
    for piece in pieces(told.to_latex()):
        mathtext(piece)


@pytest.mark.parametrize("name", LAYERS)
def test_latex_of_elements_is_understood(name, mathtext):
    layer, x = LAYERS[name]()
    loss = fixed(layer)(x).sum()
    p = next(p for p in layer.parameters())
    tex = viz.explain(loss, p, (0,) * p.ndim, names=layer).to_latex()
    assert r"\sum_{k}" in tex
    balanced(tex)
    for piece in pieces(tex):
        mathtext(piece)


def test_a_norm_is_not_what_a_derivative_is():
    x = leaf(np.arange(1.0, 31.0))
    told = viz.explain((x * x).sum(), x).to_latex()
    assert "‖" not in told
    (line,) = (line for line in told.splitlines() if "194.5" in line)
    assert line.startswith(r"\Vert \frac{\partial \mathrm{output}}{\partial x} \Vert &= 194.5")


@pytest.mark.parametrize("suffix", [".txt", ".md", ".tex", ".json", ".svg", ".html", ".dot"])
def test_saved_in_every_format(tmp_path, suffix):
    told = squared()
    path = told.save(tmp_path / f"x{suffix}")
    text = path.read_text(encoding="utf-8")
    expected = {
        ".txt": lambda: told.to_text() + "\n",
        ".md": told.to_markdown,
        ".json": lambda: json.dumps(told.to_dict(), ensure_ascii=False, indent=2) + "\n",
        ".dot": lambda: told.picture().to_dot(),
    }
    if suffix in expected:
        assert text == expected[suffix]()
    if suffix == ".tex":
        assert text.startswith("\\documentclass")
        assert text.count("\\begin{align*}") == text.count("\\end{align*}") == 1
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_saved(tmp_path):
    told = squared()
    with pytest.raises(ValueError, match=r"ends in '.gif'.*\.tex"):
        told.save(tmp_path / "x.gif")
    with pytest.raises(FileNotFoundError):
        told.save(tmp_path / "none" / "x.txt")
    assert not list(tmp_path.iterdir())


def test_a_notebook_gets_formulas_and_picture():
    told = squared()
    shown = told._repr_mimebundle_()
    assert list(shown) == ["text/plain", "text/latex", "text/markdown"]
    assert shown["text/latex"] == f"$$\n{told.to_latex()}\n$$"
    assert shown["text/markdown"].startswith(shown["text/latex"])
    assert "data:image/svg+xml;base64," in shown["text/markdown"]
    assert list(told._repr_mimebundle_(include=["text/plain"])) == ["text/plain"]


def test_json_holds_the_whole_derivation():
    told = two_steps()
    plain = json.loads(json.dumps(told.to_dict(), allow_nan=False))
    assert plain["paths"] == 3
    assert [len(term["steps"]) for term in plain["equations"][-1]["terms"]] == [len(term.steps) for term in told.terms]
    assert "drawing" not in plain


# ---------------------------------------------------------------------- the picture


def test_paths_are_marked_in_the_picture():
    x, y = leaf(3.0), leaf(2.0)
    a, b = x * y, y * 7
    loss = a + b
    drawn = viz.explain(loss, x).picture().drawing
    marked = {box.title for box in drawn.boxes if box.accent == "path"}
    assert marked == {"x", "a = mul", "loss = add"}
    by_id = {box.id: box.title for box in drawn.boxes}
    arrows = {(by_id[a.source], by_id[a.target]) for a in drawn.arrows if a.accent == "path"}
    assert arrows == {("loss", "loss = add"), ("loss = add", "a = mul"), ("a = mul", "x")}
    assert "b" in by_id.values()  # what an operation on the path was given
    assert not any("mul × 7" in title for title in by_id.values())  # but not how that was computed


def test_a_page_marks_each_rule_once(page, tmp_path):
    model, loss, _ = attention()
    page.goto(viz.explain(loss, model.in_proj_weight, names=model).save(tmp_path / "rule.html").as_uri())
    said = page.locator(".arrow text").all_text_contents()
    assert any(line.startswith("● ") for line in said)
    assert not any("● ●" in line for line in said)


def test_what_no_rule_on_the_path_needs_is_not_drawn():
    model, loss, _ = mlp()
    drawn = viz.explain(loss, model[0].weight, names=model).picture().drawing
    assert {"0.weight", "2.weight", "in"} <= {box.title for box in drawn.boxes}
    assert not any("bias" in box.title for box in drawn.boxes)


def test_other_parameters_are_drawn_as_parameters():
    """But without gradients: only those of the path are told."""
    model, loss, _ = mlp()
    drawn = viz.explain(loss, model[0].weight, names=model).picture().drawing
    boxes = {box.title: box for box in drawn.boxes}
    assert {title for title, box in boxes.items() if box.kind == "parameter"} == {"0.weight", "2.weight"}
    assert boxes["0.weight"].accent == "path"
    assert boxes["2.weight"].accent == ""
    assert any("grad" in line for line in boxes["0.weight"].lines)
    assert not any("grad" in line for line in boxes["2.weight"].lines)
    (arrow,) = [a for a in drawn.arrows if boxes["2.weight"].id in (a.source, a.target)]
    assert arrow.kind == "forward"


def test_names_in_rules_are_explained():
    model, loss, _ = lstm()
    told = viz.explain(loss, model.weight_ih_l0)
    assert any(step.meanings for term in told.terms for step in walked(term.steps))
    (line,) = {m for term in told.terms for step in walked(term.steps) for m in step.meanings if m.startswith("δₜ")}
    assert str(told).count(line) == 1


@pytest.mark.parametrize("name", MODELS)
def test_every_box_on_a_path_is_marked(name):
    model, loss, settings = MODELS[name]()
    for p in model.parameters():
        if not used(loss, p):
            continue
        drawn = viz.explain(loss, p, names=model, **settings).picture(theme="dark").drawing
        backward = {a.source for a in drawn.arrows if a.kind == "backward"}
        assert {box.id for box in drawn.boxes if box.accent == "path"} >= backward - {"output"}
        assert all(a.accent == "path" for a in drawn.arrows if a.kind == "backward")
        assert all(box.accent == "" for box in drawn.boxes if box.kind in ("input", "output"))


def test_long_paths_are_rolled_up_in_the_picture():
    model, loss, _ = cell(40)
    drawn = viz.explain(loss, model.weight_hh).picture().drawing
    assert len(drawn.boxes) < 40


class Decoder(nn.Module):
    """Layers with long names, twelve numbers in a bias."""

    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerDecoderLayer(4, 2, 8, dropout=0.0)

    def forward(self, x, memory):
        return self.layer(x, memory)


@pytest.mark.parametrize("index", [None, "last"])
@pytest.mark.parametrize("max_paths", [100, 0], ids=["listed", "factored"])
def test_lines_are_short_enough_to_be_read(max_paths, index):
    """Where names and rules leave no room, gradients are told by their norms."""
    model = fixed(Decoder())
    loss = model(data(3, 2, 4) / 7, data(4, 2, 4) / 3).sin().sum()
    for p in model.parameters():
        place = index and tuple(n - 1 for n in p.shape)
        for line in str(viz.explain(loss, p, place, names=model, max_paths=max_paths)).splitlines():
            gradient = re.search(r"→ (\S.*?)(  |$)", line)
            assert len(line) <= 120 or (gradient and len(gradient[1]) <= 24)


def test_many_numbers_are_told_once_on_lines_of_their_own():
    w = leaf(np.linspace(1.0, 2.0, 12).reshape(3, 4) / 7)
    lines = str(viz.explain((w.tanh() ** 2).sum(), w)).splitlines()
    at = next(k for k, line in enumerate(lines) if line.startswith("∂output/∂w = [["))
    assert lines[0].startswith("∂output/∂w of shape (3, 4) has ‖·‖ = ")
    assert lines[at].endswith("],")
    assert lines[at + 1].startswith("    [")
    assert lines[at + 1].endswith("]]")


def test_hostile_names():
    names = ["a\nb", "</text><script>", "\\end{aligned}", "$$", "x" * 10_000, "‮rtl", "%&#_{}", "```"]
    for name in names:
        x = leaf(2.0)
        told = viz.explain(x * x + x, x, names={name: x})
        text, tex = told.to_text(), told.to_latex()
        assert len(text) < 5000
        assert "\u202e" not in text
        balanced(tex)
        assert tex.count("\\end{aligned}") == 1
        assert all(line.startswith(("∂", "path", "    ", "sum", "(", "3 paths", "Each", "In a rule")) for line in text.splitlines() if line)
        told.picture().to_svg(engine="builtin")


@pytest.mark.parametrize("name", ["result 1", "result output", "result", "pick"])
def test_functions_that_are_called_like_what_takes_a_result(name):
    x = leaf([1.0, 2.0])
    function = type(name, (Doubled,), {})
    told = viz.explain(function.apply(x * 3).sum(), x, 0, open=True)
    assert told.total.values == (6.0,)
    assert [step.operation for step in told.terms[0].steps] == ["sum", name, "mul × 3"]


def test_same_program_same_bytes():
    def once():
        model, loss, _ = attention()
        told = viz.explain(loss, model.in_proj_weight, names=model)
        return told.to_text(), told.to_latex(), json.dumps(told.to_dict()), told.picture().to_dot()

    assert once() == once()


def test_what_is_not_told_is_not_kept():
    """An explanation holds no array of the graph, but the gradient that it is about."""
    x = leaf(np.ones((50, 40)))
    w = leaf(np.ones((40, 30)))
    loss = (x @ w).tanh().square().sum()
    with tracked() as alive:
        told = viz.explain(loss, w)
    held = [q for q in alive() if q.shape not in ((), (40, 30))]
    assert len(held) > 2
    assert not any("array" in vars(q) for q in held)
    before = told.to_text(), json.dumps(told.to_dict())
    del loss
    assert (told.to_text(), json.dumps(told.to_dict())) == before


@contextmanager
def tracked():
    """Gives a function that lists the quantities made inside which are still alive."""
    made = []
    init = Quantity.__init__

    def noted(quantity, array):
        init(quantity, array)
        made.append(weakref.ref(quantity))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Quantity, "__init__", noted)
        yield lambda: [q for ref in made if (q := ref()) is not None]


def test_the_graph_goes_when_the_loss_does():
    x = leaf(2.0)
    h = x * 3
    loss = h * h
    told = viz.explain(loss, x)
    node = weakref.ref(loss.node)
    del h, loss
    assert node() is None
    assert told.total.values == (36.0,)
    assert told.picture().to_svg(engine="builtin").startswith("<?xml")


if __name__ == "__main__":
    for name, suffix in product(WRITTEN, ("txt", "tex")):
        golden_file(name, suffix).write_text(written(name, suffix), encoding="utf-8")
        print(golden_file(name, suffix))
