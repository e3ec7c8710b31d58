"""`viz.summary`: shapes, parameters, multiply-adds and memory against hand calculations, and a model that stays as it is."""

from __future__ import annotations

import csv
import json
import random
from xml.etree import ElementTree

import numpy as np
import pytest

import autograd_core as ag
import nn
import viz
from autograd_core.random import own_generator
from nn import functional as F
from nn.utils.parametrizations import weight_norm
from nn.utils.rnn import pack_padded_sequence
from tests.hostile_names import HOSTILE

DETAILS = ("input", "output", "parameters", "multiply_adds", "memory", "kept")


def column(table, name):
    return {row.name or row.kind: getattr(row, name) for row in table.rows}


# ---------------------------------------------------------------------- against hand calculations

B, T, S = 2, 5, 7  # batch, lengths
COUNTS = {
    "linear": (nn.Linear(3, 4), [(B, 3)], B * 3 * 4),
    "linear, more dimensions": (nn.Linear(3, 4, bias=False), [(B, T, 3)], B * T * 3 * 4),
    "conv1d": (nn.Conv1d(3, 8, 5), [(B, 3, 20)], B * 8 * 16 * 3 * 5),
    "conv2d": (nn.Conv2d(3, 8, 3, stride=2, padding=1), [(B, 3, 8, 8)], B * 8 * 4 * 4 * 3 * 9),
    "conv2d in groups": (nn.Conv2d(4, 8, 3, groups=4), [(B, 4, 8, 8)], B * 8 * 6 * 6 * 1 * 9),
    "conv2d dilated": (nn.Conv2d(4, 8, 3, dilation=2), [(B, 4, 8, 8)], B * 8 * 4 * 4 * 4 * 9),
    "conv3d": (nn.Conv3d(1, 2, 2), [(B, 1, 3, 3, 3)], B * 2 * 8 * 8),
    "transposed": (nn.ConvTranspose2d(4, 6, 2, stride=2), [(B, 4, 5, 5)], B * 4 * 25 * 6 * 4),
    "transposed in groups": (nn.ConvTranspose2d(4, 6, 3, groups=2), [(B, 4, 5, 5)], B * 4 * 25 * 3 * 9),
    "bilinear": (nn.Bilinear(3, 4, 5), [(B, 3), (B, 4)], B * 5 * 3 * 4 * 2),
    "rnn": (nn.RNN(3, 4), [(T, B, 3)], T * B * (3 * 4 + 4 * 4)),
    "gru": (nn.GRU(3, 4, num_layers=2), [(T, B, 3)], T * B * 3 * (3 * 4 + 4 * 4 + 2 * 4 * 4)),
    "lstm": (nn.LSTM(3, 4), [(T, B, 3)], T * B * 4 * (3 * 4 + 4 * 4)),
    "lstm both ways": (nn.LSTM(3, 4, bidirectional=True), [(T, B, 3)], 2 * T * B * 4 * (3 * 4 + 4 * 4)),
    "lstm projected": (nn.LSTM(3, 4, proj_size=2), [(T, B, 3)], T * B * (4 * 4 * 3 + 4 * 4 * 2 + 2 * 4)),
    "lstm cell": (nn.LSTMCell(3, 4), [(B, 3)], B * 4 * (3 * 4 + 4 * 4)),
    "layer norm": (nn.LayerNorm(6), [(B, 6)], 3 * B * 6),
    "layer norm, no weight": (nn.LayerNorm(6, elementwise_affine=False), [(B, 6)], 2 * B * 6),
    "group norm": (nn.GroupNorm(2, 6), [(B, 6, 3)], 3 * B * 6 * 3),
    "rms norm": (nn.RMSNorm(6), [(B, 6)], 3 * B * 6),
    "batch norm": (nn.BatchNorm2d(3), [(B, 3, 4, 4)], 3 * B * 3 * 16),
    "batch norm, evaluating": (nn.BatchNorm2d(3).eval(), [(B, 3, 4, 4)], B * 3 * 16),
    "embedding": (nn.Embedding(10, 4), [(B, T)], 0),
    "element by element": (nn.Sequential(nn.ReLU(), nn.Tanh(), nn.MaxPool1d(2)), [(B, 3, 4)], 0),
}


@pytest.mark.parametrize("case", COUNTS)
def test_multiply_adds(case):
    model, sizes, expected = COUNTS[case]
    table = viz.summary(model, input_size=sizes, dtypes=ag.int64 if case == "embedding" else None)
    assert table.multiply_adds == expected
    assert table.multiply_adds == sum(row.multiply_adds for row in table.rows)


@pytest.mark.parametrize("need_weights", [False, True])
def test_multiply_adds_of_attention(need_weights):
    """With and without the weights asked for, other operations compute the same."""
    E, heads = 8, 2
    x, y = ag.randn(T, B, E), ag.randn(S, B, E)
    table = viz.summary(nn.MultiheadAttention(E, heads), x, y, y, kwargs={"need_weights": need_weights})
    projections = B * E * E * (T + S + S + T)
    assert table.multiply_adds == projections + 2 * B * heads * T * S * (E // heads)


@pytest.mark.parametrize(
    ("function", "shapes", "expected"),
    [
        (lambda a, b: a @ b, [(3, 4), (4, 5)], 60),
        (lambda a, b: a @ b, [(2, 3, 4), (4, 5)], 120),
        (lambda a, b: ag.bmm(a, b), [(2, 3, 4), (2, 4, 5)], 120),
        (lambda a, b: a @ b, [(4,), (4,)], 4),
        (lambda a, b: ag.einsum("ij,jk->ik", a, b), [(3, 4), (4, 5)], 60),
        (lambda a, b: F.scaled_dot_product_attention(a, b, b), [(2, 3, 4), (2, 5, 4)], 2 * 3 * 5 * 8),
        (lambda a, b: a * b + 1, [(3, 4), (3, 4)], 0),
    ],
)
def test_multiply_adds_of_functions(function, shapes, expected):
    class Model(nn.Module):
        def forward(self, a, b):
            return function(a, b)

    inputs = [ag.randn(*shape, requires_grad=True) for shape in shapes]
    assert viz.summary(Model(), *inputs).multiply_adds == expected


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2))
        self.head = nn.Linear(4 * 3 * 3, 10)

    def forward(self, x):
        return self.head(self.features(x).flatten(1))


def test_rows_shapes_and_parameters():
    table = viz.summary(Net(), input_size=(2, 1, 8, 8))
    assert [(row.depth, row.name, row.kind) for row in table.rows] == [
        (0, "", "Net"), (1, "features", "Sequential"), (2, "0", "Conv2d"), (2, "1", "BatchNorm2d"), (2, "2", "ReLU"),
        (2, "3", "MaxPool2d"), (1, "head", "Linear"),
    ]  # fmt: skip
    assert column(table, "parameters") == {"Net": 0, "features": 0, "0": 40, "1": 8, "2": 0, "3": 0, "head": 370}
    assert column(table, "input")["features"] == "(2, 1, 8, 8)"
    assert column(table, "output")["0"] == "(2, 4, 6, 6)"
    assert table.parameters == table.trainable == 418
    assert table.buffer_bytes == 4 * (4 + 4) + 8


def test_memory():
    """Results, in bytes: the linear layer's, the ReLU's; the view has none. Kept: the ReLU's result; the input was there before."""
    table = viz.summary(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Unflatten(1, (2, 2))), ag.randn(2, 3), columns=DETAILS)
    assert column(table, "memory") == {"Sequential": 0, "0": 32, "1": 32, "2": 0}
    assert column(table, "kept") == {"Sequential": 0, "0": 0, "1": 32, "2": 0}
    assert (table.memory, table.kept, table.input_bytes, table.parameter_bytes) == (64, 32, 24, 64)


def test_what_is_kept_for_the_backward_pass_counts_once():
    class Twice(nn.Module):
        def forward(self, x):
            y = x.exp()
            return y * y + y.sin()

    assert viz.summary(Twice(), ag.randn(4, requires_grad=True)).kept == 16
    assert viz.summary(Twice(), ag.randn(4)).kept == 0


def test_frozen_parameters():
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    model[0].requires_grad_(False)
    model[1].bias.requires_grad_(False)
    table = viz.summary(model, input_size=(1, 3))
    assert (table.parameters, table.trainable) == (26, 8)
    text = str(table)
    assert "16 frozen" in text
    assert "10 (2 frozen)" in text
    assert "26 (8 trainable, 18 frozen)" in text


def test_shared_and_repeated_modules_count_once():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.step, self.out = nn.Embedding(5, 3), nn.Linear(3, 3), nn.Linear(3, 5, bias=False)
            self.out.weight = self.embed.weight

        def forward(self, ids):
            return self.out(self.step(self.step(self.embed(ids))))

    table = viz.summary(Model(), input_size=(2,), dtypes=ag.int64)
    assert [(row.name, row.parameters, row.repeats) for row in table.rows] == [
        ("", 0, ""), ("embed", 15, ""), ("step", 12, ""), ("step", 0, "recursive"), ("out", 0, "shared"),
    ]  # fmt: skip
    assert [row.multiply_adds for row in table.rows] == [0, 0, 18, 18, 30]
    assert table.parameters == 27
    assert "(recursive)" in str(table)
    assert "(shared)" in str(table)


def test_parameters_that_no_row_below_has():
    """Attention uses the parameters of its `out_proj` without calling it; a layer that is not used is the model's."""

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention, self.unused = nn.MultiheadAttention(4, 2), nn.Linear(9, 9)

        def forward(self, x):
            return self.attention(x, x, x)[0]

    table = viz.summary(Model(), input_size=(3, 1, 4))
    assert column(table, "parameters") == {"Model": 90, "attention": 80}


# ---------------------------------------------------------------------- models of all kinds


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.conv2, self.bn2 = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)

    def forward(self, x):
        return (x + self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))).relu()


class Packed(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 4, 2, dropout=0.5)

    def forward(self, batch):
        output, state = self.lstm(pack_padded_sequence(batch["x"], batch["lengths"]))
        return {"output": output, "state": state}


class Lists(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(3, 3) for _ in range(3)])

    def forward(self, x, *, scale):
        parts = [layer(x) * scale for layer in self.layers]
        return parts, parts[0]


MODELS = {
    "mlp": (lambda: nn.Sequential(nn.Linear(3, 8), nn.Dropout(), nn.Linear(8, 2)), lambda: ([ag.randn(4, 3)], {})),
    "cnn": (Net, lambda: ([ag.randn(2, 1, 8, 8)], {})),
    "residual": (Residual, lambda: ([ag.randn(2, 4, 6, 6)], {})),
    "lstm": (lambda: nn.LSTM(3, 4, 2), lambda: ([ag.randn(5, 2, 3)], {})),
    "packed": (Packed, lambda: ([{"x": ag.randn(4, 2, 3), "lengths": ag.tensor([4, 2])}], {})),
    "transformer": (lambda: nn.Transformer(8, 2, 1, 1, 16), lambda: ([ag.randn(4, 2, 8), ag.randn(3, 2, 8)], {})),
    "lists": (Lists, lambda: ([ag.randn(2, 3)], {"scale": ag.tensor(2.0)})),
    "lazy": (lambda: nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(2)),
             lambda: ([ag.randn(2, 1, 5, 5)], {})),
    "weight norm": (lambda: weight_norm(nn.Linear(3, 4)), lambda: ([ag.randn(2, 3)], {})),
}  # fmt: skip


def state(model):
    """All that a summary must leave alone."""
    found = []
    for name, module in model.named_modules():
        hooks = module.__dict__.get("_hooks")
        found.append((name, type(module), module.training, sorted(module.__dict__), hooks and {k: list(v) for k, v in vars(hooks).items()}))
        for kind in (module._parameters, module._buffers):
            for key, t in kind.items():
                lazy = t is None or nn.parameter.is_lazy(t)
                found.append((key, id(t), type(t), None if lazy else (t.array.tobytes(), id(t.array), id(t._grad), t.requires_grad)))
    return found


@pytest.mark.parametrize("name", MODELS)
def test_the_model_stays_as_it_is(name):
    make, inputs = MODELS[name]
    ag.manual_seed(0)
    model = make()
    args, kwargs = inputs()
    if name not in ("lazy", "packed", "lists"):
        output = model(*args, **kwargs)
        (output[0] if isinstance(output, tuple) else output).sum().backward()
    before, stream = state(model), own_generator().get_state().numpy().tobytes()
    table = viz.summary(model, *args, kwargs=kwargs, columns=DETAILS)
    assert state(model) == before
    assert own_generator().get_state().numpy().tobytes() == stream
    assert table.rows[0].depth == 0
    assert table.parameters == sum(row.parameters for row in table.rows)
    assert table.memory == sum(row.memory for row in table.rows)
    assert all(len(line) < 160 for line in str(table).split("\n"))
    json.dumps(table.to_dict(), allow_nan=False)


class Writes(nn.Module):
    def forward(self, x, *, seen):
        return x.mul_(2) + seen["again"].add_(np.random.random() + random.random())


def test_inputs_and_all_random_numbers_stay_as_they_are():
    """Copies of one tensor are one tensor: here the model writes in it twice."""
    x = ag.ones(2, requires_grad=True) * 3
    streams = random.getstate(), np.random.get_state()[1:3]
    assert viz.summary(Writes(), x, kwargs={"seen": {"again": x}}).rows[0].input == "(2,), again (2,)"
    assert x.tolist() == [3.0, 3.0]
    assert random.getstate() == streams[0]
    assert all(np.array_equal(now, then) for now, then in zip(np.random.get_state()[1:3], streams[1], strict=True))
    x.sum().backward()


def test_a_graph_that_was_recorded_before_stays_valid():
    """Batch statistics are written in copies: a graph that keeps the buffers does not see a change."""
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    x = ag.randn(4, 3)
    loss = model.eval()(x).square().sum()
    model.train()
    viz.summary(model, x)
    loss.backward()
    assert model.training
    assert int(model[1].num_batches_tracked.item()) == 0


def test_a_model_that_raises_stays_as_it_is():
    model = nn.Sequential(nn.LazyLinear(4), nn.BatchNorm1d(4), nn.Linear(5, 2))
    before = state(model)
    with pytest.raises(ag.errors.ShapeError, match="linear"):
        viz.summary(model, ag.randn(4, 3))
    assert state(model) == before


def test_own_hooks_run_and_stay():
    model = nn.Sequential(nn.Linear(3, 3))
    seen = []
    handle = model[0].register_forward_hook(lambda module, args, output: seen.append(output.shape))
    viz.summary(model, ag.randn(2, 3))
    assert len(seen) == 1
    model(ag.randn(2, 3))
    assert len(seen) == 2
    handle.remove()
    model(ag.randn(2, 3))
    assert len(seen) == 2


def test_a_layer_that_raises_and_is_caught():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Sequential(nn.Linear(9, 3)), nn.Linear(3, 2)

        def forward(self, x):
            try:
                return self.first(x)
            except RuntimeError:
                return self.second(x)

    table = viz.summary(Model(), input_size=(1, 3))
    assert [(row.depth, row.name, row.parameters) for row in table.rows] == [
        (0, "", 0),
        (1, "first", 0),
        (2, "0", 30),
        (1, "second", 8),
    ]


def test_lazy_parameters_that_no_call_gave_a_shape():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.LazyLinear(2), nn.LazyLinear(2)

        def forward(self, x):
            return self.used(x)

    table = viz.summary(Model(), input_size=(1, 3))
    assert (table.parameters, table.uninitialized) == (8, 2)
    assert "8, and 2 without a shape yet" in str(table)


@pytest.mark.parametrize(("name", "row", "input", "output"), [
    ("packed", "lstm", "packed (6, 3)", "packed (6, 4), (2, 2, 4) × 2"),
    ("packed", "Packed", "x (4, 2, 3), lengths (2,)", "output packed (6, 4), state (2, 2, 4) × 2"),
    ("lists", "Lists", "(2, 3), scale ()", "(2, 3) × 4"),
    ("lists", "layers.1", "(2, 3)", "(2, 3)"),
    ("transformer", "decoder", "(3, 2, 8), (4, 2, 8)", "(3, 2, 8)"),
])  # fmt: skip
def test_several_inputs_and_outputs(name, row, input, output):
    make, inputs = MODELS[name]
    args, kwargs = inputs()
    table = viz.summary(make(), *args, kwargs=kwargs)
    assert (column(table, "input")[row], column(table, "output")[row]) == (input, output)


# ---------------------------------------------------------------------- arguments and forms

TEXT = """\
Layer                     Input          Output         Parameters   Multiply-adds
──────────────────────────────────────────────────────────────────────────────────
Net                       (2, 1, 8, 8)   (2, 10)                 –               –
├─ features: Sequential   (2, 1, 8, 8)   (2, 4, 3, 3)            –               –
│  ├─ 0: Conv2d           (2, 1, 8, 8)   (2, 4, 6, 6)           40           2,592
│  ├─ 1: BatchNorm2d      (2, 4, 6, 6)   (2, 4, 6, 6)            8             864
│  ├─ 2: ReLU             (2, 4, 6, 6)   (2, 4, 6, 6)            –               –
│  └─ 3: MaxPool2d        (2, 4, 6, 6)   (2, 4, 3, 3)            –               –
└─ head: Linear           (2, 36)        (2, 10)               370             720
──────────────────────────────────────────────────────────────────────────────────
Parameters      418
Multiply-adds   4,176
Memory          input 0.51 kB, parameters 1.67 kB, buffers 0.04 kB"""


def test_text():
    table = viz.summary(Net(), input_size=(2, 1, 8, 8))
    assert str(table).startswith(TEXT)
    assert str(table) == repr(table) == str(viz.summary(Net(), input_size=(2, 1, 8, 8)))


@pytest.mark.parametrize("depth", [0, 1, 2, None])
def test_depth_folds_what_is_below(depth):
    table, whole = viz.summary(Net(), input_size=(2, 1, 8, 8), depth=depth), viz.summary(Net(), input_size=(2, 1, 8, 8))
    assert max(row.depth for row in table.rows) == (2 if depth is None else depth)
    for name in ("parameters", "multiply_adds", "memory", "kept"):
        assert sum(column(table, name).values()) == sum(getattr(row, name) for row in whole.rows)
    if depth == 1:
        assert column(table, "parameters") == {"Net": 0, "features": 48, "head": 370}


def test_columns():
    table = viz.summary(Net(), input_size=(1, 1, 8, 8), columns=("kept", "output"))
    assert str(table).split("\n")[0].split() == ["Layer", "Kept", "Output"]


@pytest.mark.parametrize("suffix", ["txt", "csv", "json", "html"])
def test_save(tmp_path, suffix):
    table = viz.summary(Net(), input_size=(2, 1, 8, 8))
    path = table.save(tmp_path / f"net.{suffix}")
    text = path.read_text(encoding="utf-8")
    if suffix == "txt":
        assert text == f"{table}\n"
    elif suffix == "csv":
        rows = list(csv.DictReader(text.splitlines()))
        assert [row["kind"] for row in rows] == [row.kind for row in table.rows]
        assert sum(int(row["parameters"]) for row in rows) == 418
    elif suffix == "json":
        assert json.loads(text) == table.to_dict()
    else:
        assert text.startswith("<!DOCTYPE html>")
        assert table._repr_html_() in text
        assert text.count("<tr>") == 1 + 7 + 4
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_save_errors(tmp_path):
    table = viz.summary(Net(), input_size=(2, 1, 8, 8))
    with pytest.raises(ValueError, match=r"'net.svg' ends in '.svg': a summary can be saved as .txt, .csv, .json, .html"):
        table.save(tmp_path / "net.svg")
    with pytest.raises(FileNotFoundError):
        table.save(tmp_path / "missing" / "net.txt")


def test_hostile_names(tmp_path):
    names = [name.replace(".", "·") for name in HOSTILE.values() if name]
    model = nn.Module()
    for name in names:
        model.add_module(name, type(name.replace("\0", "").replace("\ud800", "").replace("\udfff", "") or "C", (nn.Identity,), {})())
    model.forward = lambda x: {name: m(x[name]) for name, m in model._modules.items()}  # type: ignore[method-assign]
    table = viz.summary(model, {name: ag.ones(2) for name in names})
    assert len(str(table).splitlines()) == 2 + len(names) + 1 + 1 + 4
    assert max(map(len, str(table).splitlines())) < 330
    page = ElementTree.fromstring(table._repr_html_())
    assert {element.tag for element in page.iter()} == {"div", "table", "thead", "tbody", "tfoot", "tr", "th", "td", "b"}
    assert len(page.findall(".//tbody/tr")) == len(names) + 1
    for suffix in ("txt", "csv", "json", "html"):
        table.save(tmp_path / f"x.{suffix}")
    assert len(list(csv.DictReader((tmp_path / "x.csv").read_text(encoding="utf-8").splitlines()))) == len(names) + 1
    assert [row["name"] for row in json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))["rows"][1:]] == names


def test_made_inputs():
    seen = []

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(ag.zeros(1, dtype=ag.float64))

        def forward(self, a, b):
            seen.extend([a, b])
            return a.sum() + b.sum()

    viz.summary(Model(), input_size=[(2, 3), (4,)], dtypes=[None, ag.int64])
    a, b = seen
    assert (tuple(a.shape), a.dtype, tuple(b.shape), b.dtype) == ((2, 3), np.float64, (4,), np.int64)
    assert not b.numpy().any()
    assert 0 <= a.numpy().min() < a.numpy().max() < 1


@pytest.mark.parametrize(
    ("arguments", "options", "error", "told"),
    [
        ((), {}, TypeError, "give an input, as in viz.summary"),
        ((1,), {"input_size": (1, 3)}, TypeError, "inputs or input_size, not both"),
        ((), {"dtypes": ag.float32}, TypeError, "dtypes goes with input_size"),
        ((), {"input_size": "12"}, TypeError, "input_size is a shape"),
        ((), {"input_size": [(1, -3)]}, TypeError, "input_size is a shape"),
        ((), {"input_size": (1, 3), "dtypes": [ag.float32] * 2}, ValueError, "2 dtypes for 1 inputs"),
        ((), {"input_size": (1, 3), "depth": -1}, ValueError, "depth is a number of levels"),
        ((), {"input_size": (1, 3), "columns": ("flops",)}, ValueError, "'flops' is no column: there are input, output"),
    ],
)
def test_errors(arguments, options, error, told):
    with pytest.raises(error, match=told):
        viz.summary(nn.Linear(3, 2), *arguments, **options)


def test_only_modules():
    with pytest.raises(TypeError, match="model is a Module, got a function"):
        viz.summary(lambda x: x, ag.randn(2))


def test_numpy_warns_of_nothing():
    """The model runs on any numbers for looking; in the program it warns."""
    x = ag.tensor([[3e38]])
    table = viz.summary(nn.Sequential(nn.Linear(1, 1), Square()), x)
    assert [row.kind for row in table.rows] == ["Sequential", "Linear", "Square"]
    with pytest.warns(RuntimeWarning, match="overflow"):
        Square()(x)


class Square(nn.Module):
    def forward(self, x):
        return x * x


def test_no_inputs_needed():
    class Model(nn.Module):
        def forward(self, x=None):
            return ag.zeros(2)

    assert viz.summary(Model()).rows[0].output == "(2,)"


def test_nothing_is_left_over(assert_no_cycles):
    model, x = Net(), ag.randn(2, 1, 8, 8)
    assert_no_cycles(lambda: viz.summary(model, x))
