"""Formulas: every operation has one, it is short, it is true, and LaTeX can set it."""

from __future__ import annotations

import functools
import importlib
import re
import tracemalloc

import numpy as np
import pytest

import autograd_core as ag
import nn
import viz
from autograd_core.function import once_differentiable
from autograd_core.graph import ancestors, fitted
from autograd_core.labels import named
from autograd_core.ops import elementwise, recurrent
from autograd_core.utils.checkpoint import checkpoint
from tests.hostile_names import HOSTILE
from tests.table import ROWS, declared
from viz.graph.arguments import given_to
from viz.graph.formulas import formula, meanings
from viz.graph.latex import to_latex
from viz.graph.symbols import Symbol, symbol

FALLBACK = re.compile(r"rule of |\.backward\(|· ∂")
LONG = 72  # characters of a formula and of each of its meanings
WORDS = [
    "",
    " ",
    "x y",
    "naïve café",
    "重み",
    "a\nb",
    "\u202eabc",
    "a" * 10_000,
    "(" * 1000,
    "√√",
    "[a",
    "|a",
    "g ·",
    "1e",
    "a..b",
    "ᵀ",
    "a = b = ",
]


def recorded(row):
    inputs = [ag.tensor(a, requires_grad=np.asarray(a).dtype.kind in "fc") for a in row.arrays(np.random.default_rng(0))]
    return row.call(*inputs), inputs


def more():
    """Arguments that no row differentiates by."""
    x, weight, bias = (ag.randn(*shape, requires_grad=True) for shape in ((1, 2, 5), (2, 2, 3), (2,)))
    yield nn.functional.conv1d(x, weight, bias)
    yield nn.functional.conv_transpose1d(x, weight, bias)
    yield x.double()
    yield ag.linalg.qr(weight[0], mode="r")[1]
    for function in (ag.special.zeta, ag.special.gammainc, ag.special.gammaincc):
        yield function(bias.detach().abs().requires_grad_() + 2, ag.ones(2))


@functools.cache
def printed():
    """Of every operation's every argument the texts that its formulas and their meanings were printed as, over all rows."""
    found: dict[tuple[int, int], set[tuple[str, ...]]] = {}
    for output in (*(recorded(row)[0] for row in ROWS.values() if row.orders), *more()):
        for node in ancestors([output.node]):
            for k, position in enumerate(() if node.plan is None else node.plan.inputs):
                at = 0 if getattr(node.plan.op, "variadic", False) else position
                found.setdefault((id(node.plan.op), at), set()).add((formula(node, k), *meanings(node, k)))
    return found


def differentiable():
    """Every operation with every argument that it can hand a gradient to."""
    for name, call in declared().items():
        op = call.op
        for k, argument in enumerate(op.arguments):
            has_rule = op.rules[k] is not None or (op.formulas is not None and argument in op.formulas)
            if has_rule or (op.backward is not None and not any(op.rules) and op.formulas is None):
                yield pytest.param(op, k, id=f"{name} {argument}")


@pytest.mark.parametrize(("op", "k"), list(differentiable()))
def test_every_operation_has_a_formula_for_each_argument(op, k):
    texts = printed().get((id(op), k), ())
    assert texts, f"no row differentiates {op.name} by {op.arguments[k]}"
    for text, *meant in texts:
        assert not any(FALLBACK.search(line) for line in (text, *meant))
        assert 0 < len(text) <= LONG
        assert all(len(line) <= 2 * LONG for line in meant)


PUBLIC = {name for place in (ag, nn.functional, ag.linalg, ag.special, ag.fft, ag.Tensor) for name in dir(place)}
EVIDENT = set(
    "Σ convolution transposed_convolution correlation diagonal_embed mean_pool frames windows resample transposed_resample trunc_divide "
    "sinc_derivative bessel_i bessel_ie bessel_j bessel_k bessel_ke bessel_y".split()
)


def test_functions_that_no_program_knows_are_explained():
    lines = {line: texts for found in printed().values() for texts in found for line in texts}
    assert not {
        (name, line)
        for line, texts in lines.items()
        for name in re.findall(r"(?<![\w.])(Σ|[A-Za-z_]\w*?)[₀-₉₋]*\(", line)
        if name not in PUBLIC | EVIDENT | {text.partition(" = ")[0] for text in texts}
    }


def test_what_has_no_derivative_says_so():
    s = ag.tensor([2.0], requires_grad=True)
    assert formula(ag.special.zeta(s, ag.ones(1)).node, 0) == "no derivative"
    assert formula(ag.linalg.qr(ag.ones(2, 2, requires_grad=True), mode="r")[1].node.parents[0], 0) == "no derivative"


def test_a_text_that_says_nothing_is_noticed():
    assert all(FALLBACK.search(text) for text in ("rule of mul", "F.backward(g)", "g · ∂layer_norm/∂x"))


# ---------------------------------------------------------------------- they are true


def evaluated(text, values):
    """A printed formula as Python computes it."""
    text = re.sub(r"(?<![\w.])(Σ|[A-Za-z]\w*?)([₋₀-₉]*)\(", lambda m: f"CALL('{m[1]}', {axes_of(m[2])})(", text)
    text = text.translate(str.maketrans({"·": "*", "−": "-", "≥": ">=", "≤": "<=", "≠": "!="}))
    text = re.sub(r"[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda m: "**(" + m[0].translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")) + ")", text)
    text = text.replace("^", "**").replace(" = ", " == ").replace("ᵀ", ".mT")
    text = re.sub(r"√(\w+|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))", r"sqrt(\1)", text)
    text = re.sub(r"\|(.*?)\|", r"abs(\1)", text)
    text = re.sub(r"\bin(?=[₁₂₃]|\b)", "in_", text).translate(SMALL)
    text = re.sub(r"\[((?:[^][]|\[[^]]*\])*)\]", r"(1.0 * (\1))", text)
    text = re.sub(r"([\w.-]+) (<=?) (\w+) (<=?) ([\w.-]+)", r"((\1 \2 \3) & (\3 \4 \5))", text)
    text = re.sub(r"\(([^()]*)\) (and|or) \(([^()]*)\)", lambda m: f"(({m[1]}) {'&' if m[2] == 'and' else '|'} ({m[3]}))", text)
    text = re.sub(r"\bnot (\(.*?\)+|\w+)", r"(1 - 1.0 * (\1))", text)
    return eval(text, {**CALLS, "CALL": called, **values})


def axes_of(digits):
    """The dimensions that small digits name, None for all."""
    return tuple(int(n) for n in re.findall(r"-?\d", digits.translate(SMALL))) or None


def called(name, axes):
    if name in REDUCTIONS:
        return lambda x: REDUCTIONS[name](x, axis=axes, keepdims=True)
    return functools.partial(CALLS[name], **({} if axes is None else {"axis": axes if len(axes) > 1 else axes[0]}))


REDUCTIONS = {"Σ": np.sum, "mean": np.mean, "var": np.var}
SMALL = str.maketrans("₀₁₂₃₄₅₆₇₈₉₋", "0123456789-")
CALLS = {call.op.name: call for call in declared().values()} | {name: getattr(ag, name) for name in ("where", "abs")} | {"nan": np.nan}
CALLS["repeat"] = lambda x: x  # what is multiplied by it makes the shape
OF_ARRAYS = set(
    "linalg.matrix_product linalg.linear_rows linalg.distances softmax.softmax softmax.log_softmax softmax.softmax_back "
    "softmax.log_softmax_back norm.layer_norm norm.rms_norm solving.inv solving.solve shape.mT shape.broadcast_to".split()
)
ALSO = {"attention.attention", "attention.attention one head", "attention.attention added mask (3, 4)", "scan.cumsum"}


def evaluable():
    """Rows whose formulas Python can compute, and whose result is that of the one operation."""
    wanted = [row for row in ROWS.values() if row.orders and (row.pointwise or row.op in OF_ARRAYS or row.id in ALSO)]
    return [pytest.param(row, id=row.id) for row in wanted if recorded(row)[0].node.plan.op is declared()[row.op].op]


@pytest.mark.parametrize("row", evaluable())
def test_a_formula_is_the_gradient(row):
    output, inputs = recorded(row)
    node = output.node
    parents = [parent.tensor() for parent in node.parents]
    g = np.linspace(0.5, 1.5, output.array.size).reshape(output.shape)
    parts = [np.asarray(fitted(part, parent, node.plan)) for part, parent in zip(node.plan.pull(g, node.saved), node.parents, strict=True)]
    values = {"g": g, "out": output.array}
    for argument, parent in zip((a for a in given_to(node) if a.parent is not None), parents, strict=True):
        values[argument.neutral.replace("in", "in_") if argument.neutral.startswith("in") else argument.neutral] = parent.array
    values = {name.translate(SMALL): value for name, value in values.items()}
    for k, part in enumerate(parts):
        given = dict(values)
        for meaning in reversed(meanings(node, k)):
            name, _, text = meaning.partition(" = ")
            if name not in CALLS:
                given[name] = evaluated(text, given)
        with np.errstate(all="ignore"):
            told = np.asarray(evaluated(formula(node, k), given), float)
        told = told.reshape(part.shape) if told.size == part.size else np.broadcast_to(told, part.shape)
        np.testing.assert_allclose(told, part, rtol=2e-3, atol=1e-4)  # four digits are printed


def sigma(x):
    return 1 / (1 + np.exp(-x))


def through_time(kind, x, h0, c0, weight_ih, weight_hh, bias_ih, bias_hh, g):
    """δₜ, εₜ and hₜ₋₁ of every step, dh₁, dc₁, f₁ and z₁, step by step in NumPy; g is the gradient of the outputs."""
    steps, width = len(x), h0.shape[1]
    states, gates, h, c = [h0], [], h0, c0
    for xt in x:
        a, b = xt @ weight_ih.T + bias_ih, h @ weight_hh.T + bias_hh
        if kind == "rnn":
            h = np.tanh(a + b)
            gates.append((h,))
        elif kind == "gru":
            r, z = (sigma(a[:, s] + b[:, s]) for s in (slice(0, width), slice(width, 2 * width)))
            n = np.tanh(a[:, 2 * width :] + r * b[:, 2 * width :])
            gates.append((r, z, n, b[:, 2 * width :], h))
            h = (1 - z) * n + z * h
        else:
            i, f, k, o = np.split(a + b, 4, axis=1)
            i, f, k, o = sigma(i), sigma(f), np.tanh(k), sigma(o)
            before, c = c, f * c + i * k
            gates.append((i, f, k, o, before, c))
            h = o * np.tanh(c)
        states.append(h)
    delta, epsilon = [None] * steps, [None] * steps
    dh, dc = np.zeros_like(h0), np.zeros_like(h0)
    for t in reversed(range(steps)):
        dh = dh + g[t]
        said = {"dh": dh}
        if kind == "rnn":
            (h,) = gates[t]
            delta[t] = epsilon[t] = dh * (1 - h * h)
            dh = epsilon[t] @ weight_hh
        elif kind == "gru":
            r, z, n, b_n, before = gates[t]
            dn = dh * (1 - z) * (1 - n * n)
            dz, dr = dh * (before - n) * z * (1 - z), dn * b_n * r * (1 - r)
            delta[t], epsilon[t] = np.hstack([dr, dz, dn]), np.hstack([dr, dz, dn * r])
            said["z"] = z
            dh = epsilon[t] @ weight_hh + z * dh
        else:
            i, f, k, o, before, c = gates[t]
            dc = dc + dh * o * (1 - np.tanh(c) ** 2)
            parts = dc * k * i * (1 - i), dc * before * f * (1 - f), dc * i * (1 - k * k), dh * np.tanh(c) * o * (1 - o)
            delta[t] = epsilon[t] = np.hstack(parts)
            said |= {"dc": dc, "f": f}
            dh, dc = epsilon[t] @ weight_hh, f * dc
    return delta, epsilon, states, said


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_what_is_said_of_recurrent_layers_is_true(kind):
    rng = np.random.default_rng(0)
    steps, n, width, features = 3, 2, 3, 2
    count = {"rnn": 1, "gru": 3, "lstm": 4}[kind] * width
    shapes = {"x": (steps * n, features), "h0": (n, width), "c0": (n, width), "weight_ih": (count, features), "weight_hh": (count, width)}
    shapes |= {"bias_ih": (count,), "bias_hh": (count,)}
    given = {name: ag.tensor(rng.normal(size=shape), requires_grad=True) for name, shape in shapes.items()}
    call = getattr(recurrent, kind)
    args = [given.get(name) for name in call.op.arguments]
    output = call(*args, sizes=(n,) * steps)[0]
    g = rng.normal(size=output.shape)
    used = [a for a in args if a is not None]
    got = dict(zip([name for name in call.op.arguments if name in given], ag.autograd.grad(output, used, ag.tensor(g)), strict=True))
    arrays = {name: t.detach().numpy() for name, t in given.items()}
    delta, epsilon, states, said = through_time(
        kind, **{**arrays, "x": arrays["x"].reshape(steps, n, features)}, g=g.reshape(steps, n, width)
    )
    x = arrays["x"].reshape(steps, n, features)
    true = {
        "δₜ @ weight_ih": np.vstack(delta) @ arrays["weight_ih"],
        "δ₁ @ weight_hh": delta[0] @ arrays["weight_hh"],
        "Σₜ δₜᵀ @ xₜ": sum(d.T @ xt for d, xt in zip(delta, x)),
        "Σₜ δₜᵀ @ hₜ₋₁": sum(d.T @ h for d, h in zip(delta, states)),
        "Σₜ δₜ": sum(d.sum(0) for d in delta),
        "Σₜ εₜᵀ @ hₜ₋₁": sum(d.T @ h for d, h in zip(epsilon, states)),
        "Σₜ εₜ": sum(d.sum(0) for d in epsilon),
    }
    if kind == "gru":
        true["ε₁ @ weight_hh + z₁ · dh₁"] = epsilon[0] @ arrays["weight_hh"] + said["z"] * said["dh"]
    if kind == "lstm":
        true["f₁ · dc₁"] = said["f"] * said["dc"]
    node = output.node.parents[0]
    names = {name: name for name in call.op.arguments}
    for k, position in enumerate(node.plan.inputs):
        argument = call.op.arguments[position]
        np.testing.assert_allclose(true[formula(node, k, names)], got[argument].numpy(), rtol=1e-9, atol=1e-12)


def attended(**settings):
    """Attention of two examples of four heads, with keys and values of `few` heads."""
    few = settings.pop("few", 4)
    q, k, v = (ag.randn(2, heads, 3, 4, requires_grad=True) for heads in (4, few, few))
    return nn.functional.scaled_dot_product_attention(q, k, v, enable_gqa=few < 4, **settings)


def of(*shape):
    return ag.randn(*shape, requires_grad=True)


WITH_HALF = "dropout = times 0 with probability 0.5, else times 1 / (1 − 0.5)"
INDEX = ag.tensor([1, 0, 1])
SAID = {
    "a mask that all examples and heads share": (
        lambda: attended(attn_mask=of(3, 3)),
        3,
        "Σ₀₁(dS)",
        "P = softmax₋₁((q @ kᵀ) · 0.5 + mask)",
    ),
    "a mask that says where": (lambda: attended(attn_mask=ag.eye(3) > 0), 2, "Pᵀ @ g", "P = softmax₋₁(where(mask, (q @ kᵀ) · 0.5, −inf))"),
    "dropout": (lambda: attended(dropout_p=0.5), 2, "Pᵀ @ g", "P = dropout(softmax₋₁((q @ kᵀ) · 0.5))", WITH_HALF),
    "shared heads": (lambda: attended(few=2), 2, "Σ₋₃(reshape(Pᵀ @ g))", "P = softmax₋₁((q @ reshape(repeat(k))ᵀ) · 0.5)"),
    "an unnormalised transform": (lambda: ag.fft.fft(of(4) + 0j), 0, "ifftn(g, norm=forward)"),
    "a normalised transform": (lambda: ag.fft.fft(of(4) + 0j, norm="forward"), 0, "ifftn(g)"),
    "half a spectrum": (
        lambda: ag.fft.rfft(of(4), norm="forward"),
        0,
        "irfft(weighted(g))",
        "weighted = times 0.5 where a frequency stands for its negative, too",
    ),
    "bounds": (lambda: nn.functional.huber_loss(of(4), ag.zeros(4), reduction="sum"), 0, "g · clamp(in − target, −1, 1)"),
    "rows": (lambda: nn.functional.embedding(INDEX, of(3, 2)), 0, "index_add₀(g, index)"),
    "padded rows": (lambda: nn.functional.embedding(INDEX, of(3, 2), padding_idx=1), 0, "index_add₀(g · [index ≠ 1], index)"),
    "rare rows": (
        lambda: nn.functional.embedding(INDEX, of(3, 2), scale_grad_by_freq=True),
        0,
        "index_add₀(g / count(index), index)",
    ),
    "entries written twice": (
        lambda: of(3, 2).clone().index_put((INDEX,), of(3, 2)),
        1,
        "surviving(g[index])",
        "surviving = without what a later value overwrote",
    ),
    "an entry": (lambda: of(3, 2)[1], 0, "put(g, [1])", "put = where it was taken from, zeros elsewhere"),
    "a stretch": (lambda: of(3, 2)[::2, -1:], 0, "put(g, [::2, −1:])"),
    "an index of many parts": (lambda: of(2, 2, 2, 2)[0:1, 0:1, 0:1, 0:1], 0, "put(g, index)"),
    "a border": (lambda: nn.functional.pad(of(3, 4), (1, 2)), 0, "g[0:3, 1:5]"),
    "a stretch written": (lambda: ag.slice_scatter(of(3, 2), of(1, 2), 0, 1, 2), 1, "g[1:2]"),
    "entries written": (lambda: of(3, 2).clone().index_put((INDEX,), of(3, 2)), 0, "cleared(g, index)"),
    "a roll": (lambda: of(4, 3).roll((1, -2), (0, 1)), 0, "roll(g, −1, 2)"),
    "a resampling": (lambda: nn.functional.interpolate(of(1, 1, 4), size=6, mode="linear"), 0, "transposed_resample(g)"),
    "to the power of one": (lambda: of(3) ** 1.0, 0, "g"),
}


@pytest.mark.parametrize("case", SAID)
def test_settings_are_said_where_they_matter(case):
    compute, k, text, *meant = SAID[case]
    node = compute().node
    assert formula(node, k) == text
    assert not meant or meanings(node, k)[-len(meant) :] == tuple(meant)


# ---------------------------------------------------------------------- how they are set


X, Y = Symbol("x"), Symbol("y")
SET = {
    "x³": lambda: X * X * X,
    "x⁴ · y": lambda: elementwise.square(X) * y_times(X) * X,
    "1 / x²": lambda: X**-2,
    "x^0.5": lambda: X**0.5,
    "x^(−0.5)": lambda: X**-0.5,
    "(x + y)²": lambda: elementwise.square(X + Y),
    "x · y / x": lambda: X * (Y / X),
    "x / (y · x)": lambda: X / Y / X,
    "x · y / (x + y)": lambda: X / (X + Y) * Y,
    "−x · 4": lambda: X * -4,
    "x² · y": lambda: (X * -Y) * -X,
    "x": lambda: -(-X * 1).T.T + 0,
    "x + y": lambda: X - (-Y),
    "x − (y − x)": lambda: X - (Y - X),
    "0.2": lambda: elementwise.sub(symbol(1), symbol(0.8)),
    "x @ y @ x": lambda: X @ Y @ X,
    "x @ (y @ x)": lambda: X @ (Y @ X),
    "−x @ y": lambda: -X @ Y,
    "(x @ y) · x": lambda: (X @ Y) * X,
    "0 < x ≤ 1": lambda: elementwise.logical_and(X > 0, X <= 1),
    "(x > 0) and (y > 0)": lambda: elementwise.logical_and(X > 0, Y > 0),
    "y · [x ≤ 0]": lambda: elementwise.where(X > 0, 0, Y),
    "y · [0 ≤ x ≤ 1]": lambda: elementwise.where(elementwise.logical_or(X < 0, X > 1), 0, Y),
    "y · [x]": lambda: elementwise.where(X, Y, 0),
    "y · [not x]": lambda: elementwise.where(X, 0, Y),
    "where(x > 0, exp(x), y)": lambda: elementwise.where(X > 0, elementwise.exp(elementwise.where(X > 0, X, 0)), Y),
}


def y_times(x):
    return Y * x


@pytest.mark.parametrize("text", SET)
def test_what_is_printed_of_a_rule(text):
    assert SET[text]().text == text


def test_what_is_called_like_a_number_is_none():
    x, y = of(3), of(3)
    assert formula((x * y).node, 0, {"a": "x", "b": "1"}) == "g · 1"
    assert formula((x / y).node, 1, {"a": "0", "b": "1"}) == "−g · 0 / 1²"


def test_what_a_program_calls_by_no_word_is_held_together():
    x, y = of(3), of(3)
    assert formula((x / y).node, 1, {"a": "x − 1", "b": "-y"}) == "−g · (x − 1) / (-y)²"
    assert formula((x + y).sum(0, keepdim=True).softmax(0).node, 0, {"out": "p q"}) == "(p q) · (g − Σ(g · (p q)))"


def test_a_setting_that_is_true_or_complex():
    x = of(3)
    assert formula(ag.atan2(x, True).node, 0) == "g / (in₁² + 1)"
    assert formula((x * -1j).node, 0) == "real(g · 1j)"
    assert formula((x * (1 - 2j)).node, 0) == "real(g · (1 + 2j))"
    assert formula((ag.randn(3, dtype=ag.complex64, requires_grad=True) / (-1 + 2.5j)).node, 0) == "g / (−1 − 2.5j)"


def test_a_choice_that_is_made_already():
    (node,) = (n for n in ancestors([ag.logdet(of(3, 3) @ ag.zeros(3, 3) + ag.eye(3)).node]) if n.plan and n.plan.op.name == "where")
    assert formula(node, 0) == "g"


def test_long_names_make_long_formulas():
    assert formula((of(3) * of(3)).node, 0, {"b": "b" * 10_000}) == f"g · {'b' * 10_000}"


OVER = {
    "a bias": (lambda: of(3, 4) + of(4), 1, "Σ₀(g)"),
    "all there are": (lambda: of(3) + of(1), 1, "Σ(g)"),
    "some dimensions": (lambda: of(2, 3, 4) * of(3, 1), 1, "Σ₀₂(g · in₁)"),
    "rows": (lambda: of(3, 4).softmax(1), 0, "out · (g − Σ₁(g · out))"),
    "a vector": (lambda: of(3).softmax(0), 0, "out · (g − Σ(g · out))"),
    "a linear layer": (lambda: nn.functional.linear(of(3, 4), of(2, 4), of(2)), 2, "Σ₀(g)"),
    "a convolution": (lambda: nn.functional.conv2d(of(1, 1, 3, 3), of(2, 1, 2, 2), of(2)), 2, "Σ₀₂₃(g)"),
    "a batch of equations": (lambda: ag.linalg.solve(of(2, 3, 3) + 3 * ag.eye(3), of(3, 1)), 1, "Σ₀(solve(in₁ᵀ, g))"),
    "from the end": (lambda: of(3, 4).cumsum(0), 0, "cumsum₀(g, from the end)"),
    "a roll": (lambda: of(4, 3).roll((1, -2), (1, 0)), 0, "roll₁₀(g, −1, 2)"),
    "a roll of one": (lambda: of(4, 3).roll(1, 1), 0, "roll₁(g, −1)"),
    "a transform": (lambda: ag.fft.fft(of(4, 3) + 0j, dim=0), 0, "ifftn₀(g, norm=forward)"),
    "half a spectrum": (lambda: ag.fft.rfft(of(4, 3), norm="forward"), 0, "irfft₁(weighted(g))"),
    "diagonals": (lambda: ag.diag_embed(of(2, 3)), 0, "diagonal₁₂(g)"),
    "one diagonal": (lambda: ag.diag(of(3)), 0, "diagonal(g)"),
    "products": (lambda: of(3, 4).cumprod(1), 0, "before₁(out) · y"),
}


@pytest.mark.parametrize("case", OVER)
def test_the_dimensions_of_a_sum_are_said(case):
    compute, k, text = OVER[case]
    assert formula(compute().node, k) == text


def test_dropout_says_what_its_mask_is():
    node = nn.functional.dropout(of(3), 0.25).node
    assert formula(node, 0) == "g · mask"
    assert meanings(node, 0) == ("mask = 0 with probability 0.25, else 1 / (1 − 0.25)",)
    assert meanings(nn.functional.dropout(of(3), 1.0).node, 0) == ("mask = 0 everywhere",)


# ---------------------------------------------------------------------- what users write


class Square(ag.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return 2 * grad_output * x


class Rectified(ag.autograd.Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return input.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_output):
        """Zero where the input was negative."""
        (input,) = ctx.saved_tensors
        grad_input = grad_output.clone()
        grad_input[input < 0] = 0
        return grad_input


class Affine(ag.autograd.Function):
    @staticmethod
    def forward(ctx, input, weight, bias):
        ctx.save_for_backward(input, weight, bias)
        return input.mm(weight.t()) + bias

    @staticmethod
    def backward(ctx, grad_output):
        input, weight, bias = ctx.saved_tensors
        grad_input = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_input = grad_output.mm(weight)
        if ctx.needs_input_grad[1]:
            grad_weight = grad_output.t().mm(input)
        if bias is not None and ctx.needs_input_grad[2]:
            grad_bias = grad_output.sum(0)
        return grad_input, grad_weight, grad_bias


class Gate(ag.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        ctx.save_for_backward(x, x > 0)
        return x * factor

    @staticmethod
    def backward(ctx, g):
        x, mask = ctx.saved_tensors
        s = ag.sigmoid(x)
        return g * s * (1 - s) * mask * ctx.factor, None


class Logistic(ag.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        s = 1 / (1 + np.exp(-x))
        ctx.save_for_backward(s)
        return s

    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        (s,) = ctx.saved_tensors
        return g * s * (1 - s)


class Two(ag.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 2, x * x

    @staticmethod
    def backward(ctx, first, second):
        (x,) = ctx.saved_tensors
        return first * 2 + second * (2 * x)


WRITTEN = {
    "a square": (lambda: Square.apply(of(3)).node, ["2 · g · in"]),
    "writing where a condition holds": (lambda: Rectified.apply(of(3)).node, ["g · [in ≥ 0]"]),
    "several arguments": (lambda: Affine.apply(of(3, 4), of(2, 4), of(2)).node, ["g @ in₂", "gᵀ @ in₁", "Σ₀(g)"]),
    "a variable used twice": (lambda: Gate.apply(of(3), 2.5).node, ["g · s · (1 − s) · mask · 2.5"]),
    "a saved result, once differentiable": (lambda: Logistic.apply(of(3)).node, ["g · out · (1 − out)"]),
    "several results": (lambda: Two.apply(of(3))[0].node.parents[0], ["g₁ · 2 + g₂ · 2 · in"]),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_a_backward_that_a_user_wrote_is_read(case):
    compute, texts = WRITTEN[case]
    node = compute()
    assert [formula(node, k) for k in range(len(node.parents))] == texts


@pytest.mark.parametrize("function", [Square, Rectified, Logistic])
def test_what_is_read_is_what_the_backward_gives(function):
    x = of(5)
    out, g = function.apply(x), ag.randn(5)
    (given,) = ag.autograd.grad(out, x, g)
    told = evaluated(formula(function.apply(x).node, 0), {"g": g.numpy(), "in_": x.detach().numpy(), "out": out.detach().numpy()})
    np.testing.assert_allclose(told, given.numpy(), rtol=1e-5)


def test_a_variable_of_a_backward_is_explained():
    assert meanings(Gate.apply(of(3), 2.5).node, 0) == ("s = sigmoid(in)",)


def test_a_backward_is_read_with_the_names_of_the_program():
    assert formula(Square.apply(of(3)).node, 0, {"input0": "x"}) == "2 · g · x"


def test_what_a_backward_calls_by_a_name_of_the_programs_is_told_apart():
    assert formula(Gate.apply(of(3), 2.5).node, 0, {"input0": "mask"}) == "g · s · (1 − s) · mask₂ · 2.5"


def test_a_backward_is_read_when_what_it_needs_is_gone():
    squared, gated = Square.apply(of(3)), Gate.apply(of(3), 2.5)
    (squared.sum() + gated.sum()).backward()
    assert formula(squared.node, 0) == "2 · g · in"
    assert formula(gated.node, 0) == "Gate.backward(g)"  # the factor was in ctx


def test_what_is_computed_again_is_not_handed_on_as_it_is():
    assert formula(checkpoint(ag.tanh, of(3)).node, 0) == "checkpoint.backward(g)"


CALLS_OF = []


class Noted(ag.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        CALLS_OF.append(g)
        return g * 2


class Random(ag.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g * ag.randn(3) + ag.bernoulli(g)


def doubled(backward):
    @functools.wraps(backward)
    def inner(ctx, g):
        return 2 * backward(ctx, g)

    return inner


class Wrapped(ag.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    @doubled
    def backward(ctx, g):
        return g * 2


class Looped(ag.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        for _ in range(1):
            g = g * 2
        return g


class InPlace(ag.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g.clone().mul_(2)


@pytest.mark.parametrize("function", [Noted, Random, Wrapped, Looped, InPlace])
def test_a_backward_that_does_more_is_named_and_not_called(function):
    node = function.apply(of(3)).node
    before = ag.get_rng_state().numpy().copy()
    assert formula(node, 0) == f"{function.__name__}.backward(g)"
    assert not CALLS_OF
    assert (ag.get_rng_state().numpy() == before).all()


class Kept(ag.autograd.Function):
    """Leaves for the backwards below what they are about."""

    @staticmethod
    def forward(ctx, x):
        ctx.k, ctx.choice, ctx.pair, ctx.g = 6, None, (1.0, 2.0), x.detach() * 5
        ctx.own = Telling()
        ctx.save_for_backward(x, x * 2)
        return x * 1


class Telling:
    """Notes what is asked of it."""

    def __getattr__(self, name):
        CALLS_OF.append(name)
        raise AttributeError(name)

    def __bool__(self):
        return bool(CALLS_OF.append("bool"))

    def __call__(self, g):
        CALLS_OF.append("call")
        return g

    def __eq__(self, other):
        return bool(CALLS_OF.append("eq"))

    def __array__(self, *args, **kwargs):
        CALLS_OF.append("array")
        return np.ones(3)

    __hash__ = None


def kept_with(backward):
    return type("Own", (Kept,), {"backward": staticmethod(backward)}).apply(of(3))


def else_another(ctx, g):
    return g * (ctx.choice or 2.0) * (ctx.k and ctx.pair[-1])


def bits(ctx, g):
    return g * 5 if ctx.k & 1 else g * ~ctx.k


def a_variable_named_g(ctx, dy):
    x, _ = ctx.saved_tensors
    g = ag.sigmoid(x)
    return dy * g * (1 - g)


def data_named_g(ctx, dy):
    return dy * ctx.g


def one_name_for_two(ctx, g):
    x, _ = ctx.saved_tensors
    s = ag.sigmoid(x)
    first = g * s * (1 - s)
    s = ag.tanh(x)
    return first + g * s * (1 - s)


def without_a_name(ctx, g):
    return g * ctx.saved_tensors[1] * ctx.saved_tensors[0]


def methods(ctx, g):
    return g.negative() * ctx.saved_tensors[0].sign() * ~(ctx.saved_tensors[0] > 0)


# fmt: off
def text_at_the_margin(ctx, g):
    """Of several
lines."""
    return g
# fmt: on


READ = {
    else_another: ("g · 2 · 2",),
    bits: ("−g · 7",),
    a_variable_named_g: ("g · g₂ · (1 − g₂)", "g₂ = sigmoid(in)"),
    data_named_g: ("g · g₂",),
    one_name_for_two: ("g · s · (1 − s) + g · s₂ · (1 − s₂)", "s₂ = tanh(in)", "s = sigmoid(in)"),
    without_a_name: ("g · saved · in",),
    methods: ("−g · sign(in) · [in ≤ 0]",),
    text_at_the_margin: ("g",),
}


@pytest.mark.parametrize("backward", READ)
def test_what_a_backward_means(backward):
    node = kept_with(backward).node
    assert (formula(node, 0), *meanings(node, 0)) == READ[backward]


def another_name_for_a_copy(ctx, g):
    copy = g.clone()
    other = copy
    copy[ctx.saved_tensors[0] < 0] = 0
    return other


def two_names_for_a_copy(ctx, g):
    copy = other = g.clone()
    copy[ctx.saved_tensors[0] < 0] = 0
    return other


def a_view_of_a_copy(ctx, g):
    copy = g.clone()
    view = copy[:]
    view[ctx.saved_tensors[0] < 0] = 0
    return copy


def rows_of_a_copy(ctx, g):
    copy = g.clone()
    copy[ctx.saved_tensors[0].sum() < 0] = 0
    return copy


def keyword(ctx, g, *, formula=3):
    return g * formula


def asks_an_object(ctx, g):
    return g * 2 if ctx.own else g


def calls_an_object(ctx, g):
    return ctx.own(g)


def compares_objects(ctx, g):
    return g if (ctx.own,) == (1,) else g * 2


def returns_an_object(ctx, g):
    return ctx.own


@functools.wraps(ag.mul)
def called_like_an_operation(a, b):
    CALLS_OF.append("mul")
    return 2 * ag.mul(a, b)


def calls_what_is_called_so(ctx, g):
    return called_like_an_operation(g, 2)


def divides_by_zero(ctx, g):
    return g * (1 / (ctx.k - 6))


def asks_for_a_wrong_dimension(ctx, g):
    return g.sum(5)


class Doubled:
    """A decorator that keeps what it decorates as `__wrapped__`."""

    def __init__(self, function):
        functools.update_wrapper(self, function)

    def __call__(self, ctx, g):
        return 2 * self.__wrapped__(ctx, g)


@pytest.mark.parametrize(
    "backward",
    [another_name_for_a_copy, two_names_for_a_copy, a_view_of_a_copy, rows_of_a_copy, keyword, asks_an_object, calls_an_object]
    + [compares_objects, returns_an_object, calls_what_is_called_so, divides_by_zero, asks_for_a_wrong_dimension, Doubled(bits)],
    ids=lambda backward: backward.__name__ + type(backward).__name__[8:],
)
def test_a_backward_that_is_not_understood_is_not_guessed_at(backward):
    node = kept_with(backward).node
    CALLS_OF.clear()
    assert formula(node, 0) == "Own.backward(g)"
    assert not CALLS_OF


def test_a_backward_whose_file_was_changed_is_not_read(tmp_path, monkeypatch):
    text = "def backward(ctx, g):\n    return g * 2\n"
    path = tmp_path / "changing_backward.py"
    path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    backward = importlib.import_module("changing_backward").backward
    path.write_text(text.replace("*", "+"))
    assert formula(kept_with(backward).node, 0) == "Own.backward(g)"
    path.write_text(text)
    assert formula(kept_with(backward).node, 0) == "g · 2"


def fused_as(reference, *others):
    """A user's fused operation of as many arguments as the reference has, with a backward that no formula can be read from."""

    def forward(x, *, needs=(True,)):
        return reference(ag.tensor(x)).numpy(), (x,)

    def forward_of_two(x, y, *, needs=(True, True)):
        return reference(ag.tensor(x), ag.tensor(y)).numpy(), (x, y)

    count = reference.__code__.co_argcount
    op = ag.fused(lambda g, *kept: (g,) * count, reference=reference, name="own")(forward if count == 1 else forward_of_two)
    return op(*[of(3, 3) for _ in range(count)], *others).node


REFERENCES = {
    "swish": (lambda x: x * ag.sigmoid(x), ["g · sigmoid(in) + g · in · sigmoid(in) · (1 − sigmoid(in))"]),
    "a distance": (lambda x, y: (x - y) ** 2, ["g · 2 · (in₁ − in₂)", "−g · 2 · (in₁ − in₂)"]),
    "a method": (lambda x, y: (x @ y).sum(1), ["repeat(g) @ in₂ᵀ", "in₁ᵀ @ repeat(g)"]),
    "not used": (lambda x, y: x + 1, ["g", "0"]),
}


@pytest.mark.parametrize("case", REFERENCES)
def test_a_fused_operation_without_rules_is_its_reference(case):
    reference, texts = REFERENCES[case]
    node = fused_as(reference)
    assert [formula(node, k) for k in range(len(texts))] == texts


def test_what_is_said_through_a_reference_is_its_gradient():
    reference = REFERENCES["swish"][0]
    x, g = of(3, 3), ag.randn(3, 3)
    (given,) = ag.autograd.grad(reference(x), x, g)
    told = evaluated(formula(fused_as(reference), 0), {"g": g.numpy(), "in_": x.detach().numpy()})
    np.testing.assert_allclose(told, given.numpy(), rtol=1e-5)


@pytest.mark.parametrize(
    "reference",
    [
        lambda x: ag.sin(x) * ag.cos(x) * ag.exp(x) * ag.tanh(x),
        lambda x: functools.reduce(lambda a, _: a * ag.sin(a), range(50), x),
        lambda x: x * 2 if (x > -np.inf).all() else x,
    ],
    ids=["long", "doubling again and again", "asks for numbers"],
)
def test_what_is_too_much_for_a_line_says_where_to_look(reference):
    node = fused_as(reference)
    assert formula(node, 0) == "g · ∂own/∂x"
    assert meanings(node, 0) == ('∂own/∂x = what open="own" shows',)


@pytest.mark.parametrize("freed", [False, True])
def test_arguments_that_are_gone(freed):
    """Joined with an array that nobody holds any more."""
    x = ag.randn(3, requires_grad=True)
    joined = ag.cat([ag.zeros(2), x, ag.zeros(1)])
    if freed:
        joined.sum().backward()
    assert formula(joined.node, 0) == "crop(g)"


def test_a_formula_does_not_compute():
    """Masks of attention's dropout are as large as its weights."""
    q = ag.randn(1, 4, 2048, 2, requires_grad=True)
    node = nn.functional.scaled_dot_product_attention(q, q, q, dropout_p=0.5).node
    tracemalloc.start()
    try:
        assert all(formula(node, k) for k in range(3))
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


# ---------------------------------------------------------------------- names that rules give


def test_what_a_rule_names_is_said_beside_the_formula():
    q, k, v = (ag.randn(2, 3, requires_grad=True) for _ in range(3))
    arrows = viz.draw(nn.functional.scaled_dot_product_attention(q, k, v).sum()).drawing.arrows
    (lines,) = [a.lines for a in arrows if a.lines[0] == "(dS @ k) · 0.5774"]
    assert lines[1:4] == ("dS = P · (dP − Σ₋₁(dP · P))", "dP = g @ vᵀ", "P = softmax₋₁((q @ kᵀ) · 0.5774)")


def test_a_name_that_the_program_has_is_not_given_again():
    z = ag.randn(2, 3, requires_grad=True)
    (node,) = (n for n in ancestors([nn.functional.layer_norm(z, (3,)).node]) if n.plan is not None)
    assert formula(node, 0, {"x": "z"}) == "rstd · (g − mean₋₁(g) − z₂ · mean₋₁(g · z₂))"
    assert meanings(node, 0, {"x": "z"}) == ("z₂ = (z − mean₋₁(z)) · rstd", "rstd = 1 / √(var₋₁(z) + 1e−05)")


def test_naming_changes_no_numbers():
    x = np.ones(3)
    assert named("x", x) is x
    assert named("x", 2.0) == 2.0


# ---------------------------------------------------------------------- LaTeX


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("g · (1 − out²)", r"g \cdot \left(1 - \mathrm{out}^{2}\right)"),
        ("g @ wᵀ", r"g \, w^{\top}"),
        ("−g · (a / b) / b", r"-\frac{g \cdot \left(\frac{a}{b}\right)}{b}"),
        ("g / (2 · out)", r"\frac{g}{2 \cdot \mathrm{out}}"),
        ("Σ₀₂(g · a)", r"\sum_{0,2} \left(g \cdot a\right)"),
        ("mean₋₁(d · z)", r"\mathrm{mean}_{-1}\left(d \cdot z\right)"),
        ("exp₀(x₁₂)", r"\exp_{0}\left(x_{12}\right)"),
        ("g · [0 < x ≤ 1]", r"g \cdot \left[0 < x \leq 1\right]"),
        ("put(g, [::2, −1:])", r"\mathrm{put}\left(g, \left[{:}{:}2, -1{:}\right]\right)"),
        ("g[1:3, …, 0]", r"g\left[1{:}3, \ldots, 0\right]"),
        ("a / (b · c)", r"\frac{a}{b \cdot c}"),
        ("Σ(g · in₂)", r"\sum \left(g \cdot \mathrm{in}_{2}\right)"),
        ("Σₜ δₜᵀ @ hₜ₋₁", r"\sum_{t} \delta_{t}^{\top} \, h_{t-1}"),
        ("g · [in ≥ −0.7]", r"g \cdot \left[\mathrm{in} \geq -0.7\right]"),
        ("in₁^(in₂ − 1)", r"\mathrm{in}_{1}^{\mathrm{in}_{2} - 1}"),
        ("√(in² − 1)", r"\sqrt{\mathrm{in}^{2} - 1}"),
        ("|in|", r"\left|\mathrm{in}\right|"),
        ("1e−12", r"1 \cdot 10^{-12}"),
        ("g_values", r"g_{\mathrm{values}}"),
        ("g · _", r"g \cdot \mathrm{\_}"),
        ("0.weight_ih @ g", r"\mathrm{0.weight\_ih} \, g"),
        ("cumsum(g, from the end)", r"\mathrm{cumsum}\left(g, \mathrm{from\ the\ end}\right)"),
        ("sigmoid(x)", r"\sigma\left(x\right)"),
        ("dh₁ = what is $100 & more", r"\mathrm{dh}_{1} = \mathrm{what\ is\ \$100\ \ and\ \ more}"),
    ],
)
def test_latex(text, latex):
    assert to_latex(text) == latex


def balanced(latex):
    depth = 0
    for token in re.findall(r"\\.|[{}]", latex):
        depth += {"{": 1, "}": -1}.get(token, 0)
        assert depth >= 0
    return depth == 0 and len(re.findall(r"\\left(?![a-z])", latex)) == len(re.findall(r"\\right(?![a-z])", latex))


def test_every_formula_can_be_set():
    mathtext = pytest.importorskip("matplotlib.mathtext", reason="matplotlib is not installed: LaTeX is not tried out")
    parser = mathtext.MathTextParser("path")
    lines = sorted({line for texts in printed().values() for text in texts for line in text})
    assert len(lines) > 300
    for line in lines:
        latex = to_latex(line)
        assert balanced(latex)
        assert not latex.startswith(r"\mathrm{g\ ")  # it was read, not just quoted
    for latex in {alike(to_latex(line)) for line in lines}:
        parser.parse(f"${latex}$")


def alike(latex):
    """With one name for all plain names, and one number: what is alike then is parsed alike."""
    latex = re.sub(r"\\mathrm\{[A-Za-z0-9]+\}|(?<![\\A-Za-z])[A-Za-z](?![A-Za-z])", "x", latex)
    return re.sub(r"\d+(\.\d+)?", "1", latex)


@pytest.mark.parametrize("name", [*WORDS, *HOSTILE.values()], ids=lambda name: ascii(name)[:30])
def test_any_text_is_set_somehow(name):
    mathtext = pytest.importorskip("matplotlib.mathtext", reason="matplotlib is not installed: LaTeX is not tried out")
    for text in (name, f"g · {name}", f"{name} @ g", f"x = {name}"):
        latex = to_latex(text)
        assert balanced(latex)
        assert latex.isprintable()
        assert len(latex) < 2000
        if name.isascii() and len(latex) < 200:  # the font has no others, and long texts take their time
            mathtext.MathTextParser("path").parse(f"${latex}$")
