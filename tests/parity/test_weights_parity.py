"""Weights travel: the state of every module loads in the other library, gives the same outputs there, and comes back to the bit."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

from safetensors import torch as their_files  # noqa: E402

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402
from autograd_core import safetensors  # noqa: E402
from nn.utils import parametrizations  # noqa: E402

RNG = np.random.default_rng(0)


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def classes(count, *shape):
    return RNG.integers(0, count, shape)


# One line for a module: how it is made, of `nn` here and of `torch.nn` there, and what it is called with.
MODULES = {
    "Linear": ("Linear(3, 4)", floats(2, 3)),
    "Linear without bias": ("Linear(3, 4, bias=False)", floats(2, 3)),
    "Bilinear": ("Bilinear(3, 4, 2)", floats(2, 3), floats(2, 4)),
    "PReLU": ("PReLU(3)", floats(2, 3)),
    "Embedding": ("Embedding(5, 3, padding_idx=1)", classes(5, 2, 4)),
    "EmbeddingBag": ("EmbeddingBag(5, 3, mode='mean')", classes(5, 2, 4)),
    "Conv1d": ("Conv1d(4, 6, 3, groups=2)", floats(2, 4, 7)),
    "Conv2d": ("Conv2d(4, 6, 3, padding=1, stride=2)", floats(2, 4, 7, 6)),
    "Conv2d depthwise": ("Conv2d(4, 8, 3, padding='same', groups=4, bias=False, padding_mode='reflect')", floats(2, 4, 7, 6)),
    "Conv3d": ("Conv3d(2, 3, 2, dilation=2)", floats(1, 2, 4, 5, 4)),
    "ConvTranspose1d": ("ConvTranspose1d(4, 6, 3, stride=2, output_padding=1)", floats(2, 4, 5)),
    "ConvTranspose2d": ("ConvTranspose2d(4, 6, 3, stride=2, padding=1, groups=2)", floats(2, 4, 5, 4)),
    "ConvTranspose3d": ("ConvTranspose3d(2, 3, 2)", floats(1, 2, 3, 3, 3)),
    "BatchNorm1d": ("BatchNorm1d(3)", floats(5, 3)),
    "BatchNorm2d": ("BatchNorm2d(3, momentum=None)", floats(5, 3, 2, 2)),
    "BatchNorm3d": ("BatchNorm3d(3, affine=False)", floats(5, 3, 2, 2, 2)),
    "InstanceNorm1d": ("InstanceNorm1d(3, affine=True, track_running_stats=True)", floats(2, 3, 5)),
    "InstanceNorm2d": ("InstanceNorm2d(3, affine=True)", floats(2, 3, 4, 4)),
    "InstanceNorm3d": ("InstanceNorm3d(3, track_running_stats=True)", floats(2, 3, 2, 2, 2)),
    "LayerNorm": ("LayerNorm((3, 4))", floats(2, 3, 4)),
    "GroupNorm": ("GroupNorm(2, 4)", floats(2, 4, 3)),
    "RMSNorm": ("RMSNorm(4)", floats(2, 4)),
    "RNN": ("RNN(3, 4, num_layers=2, bidirectional=True, nonlinearity='relu')", floats(5, 2, 3)),
    "LSTM": ("LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True)", floats(2, 5, 3)),
    "LSTM projected": ("LSTM(3, 4, num_layers=2, proj_size=2, bias=False)", floats(5, 2, 3)),
    "GRU": ("GRU(3, 4, bidirectional=True)", floats(5, 2, 3)),
    "RNNCell": ("RNNCell(3, 4)", floats(2, 3)),
    "LSTMCell": ("LSTMCell(3, 4)", floats(2, 3)),
    "GRUCell": ("GRUCell(3, 4)", floats(2, 3)),
    "MultiheadAttention": ("MultiheadAttention(4, 2)", *[floats(5, 2, 4) for _ in range(3)]),
    "MultiheadAttention of other widths": (
        "MultiheadAttention(4, 2, kdim=3, vdim=5, add_bias_kv=True)", floats(5, 2, 4), floats(6, 2, 3), floats(6, 2, 5),
    ),
    "TransformerEncoderLayer": ("TransformerEncoderLayer(4, 2, 8)", floats(5, 2, 4)),
    "TransformerDecoderLayer": ("TransformerDecoderLayer(4, 2, 8, norm_first=True)", floats(5, 2, 4), floats(6, 2, 4)),
    "TransformerEncoder": (
        "TransformerEncoder(lib.TransformerEncoderLayer(4, 2, 8), 2, lib.LayerNorm(4), enable_nested_tensor=False)", floats(5, 2, 4),
    ),
    "TransformerDecoder": ("TransformerDecoder(lib.TransformerDecoderLayer(4, 2, 8), 2)", floats(5, 2, 4), floats(6, 2, 4)),
    "Transformer": ("Transformer(4, 2, 1, 2, 8, batch_first=True)", floats(2, 5, 4), floats(2, 6, 4)),
    "CrossEntropyLoss": ("CrossEntropyLoss(weight=tensor([1.0, 2.0, 3.0]))", floats(4, 3), classes(3, 4)),
    "NLLLoss": ("NLLLoss(weight=tensor([1.0, 2.0, 3.0]))", floats(4, 3), classes(3, 4)),
    "BCEWithLogitsLoss": ("BCEWithLogitsLoss(pos_weight=tensor([1.0, 2.0, 3.0]))", floats(4, 3), floats(4, 3)),
    "BCELoss": ("BCELoss(weight=tensor([1.0, 2.0, 3.0]))", np.abs(np.tanh(floats(4, 3))), np.abs(np.tanh(floats(4, 3)))),
    "MultiMarginLoss": ("MultiMarginLoss(weight=tensor([1.0, 2.0, 3.0]))", floats(4, 3), classes(3, 4)),
    "MultiLabelSoftMarginLoss": ("MultiLabelSoftMarginLoss(weight=tensor([1.0, 2.0, 3.0]))", floats(4, 3), floats(4, 3)),
    "AdaptiveLogSoftmaxWithLoss": ("AdaptiveLogSoftmaxWithLoss(16, 9, [2, 5], head_bias=True)", floats(6, 16), classes(9, 6)),
    "weight_norm": ("utils.parametrizations.weight_norm(lib.Linear(3, 4))", floats(2, 3)),
    "spectral_norm": ("utils.parametrizations.spectral_norm(lib.Conv2d(2, 3, 2))", floats(1, 2, 4, 4)),
    "orthogonal": ("utils.parametrizations.orthogonal(lib.Linear(4, 4))", floats(2, 4)),
    "orthogonal reflections": ("utils.parametrizations.orthogonal(lib.Linear(3, 4))", floats(2, 3)),
    "older spectral_norm": ("utils.spectral_norm(lib.ConvTranspose2d(2, 3, 2))", floats(1, 2, 4, 4)),
    "ParameterList": ("ParameterList([ones(2), ones(3, 1)])",),
    "ParameterDict": ("ParameterDict({'b': ones(2), 'a': ones(1)})",),
    "a model": (
        "Sequential(lib.Conv2d(1, 4, 3), lib.BatchNorm2d(4), lib.ReLU(), lib.MaxPool2d(2), lib.Flatten(), lib.Linear(36, 2))",
        floats(3, 1, 8, 8),
    ),
}  # fmt: skip


def make(library, lib, text):
    made = eval(f"lib.{text}", {"lib": lib, "tensor": library.tensor, "ones": library.ones})
    return made.eval() if made.training else made


def pair(name):
    torch.manual_seed(0)
    ag.manual_seed(0)
    text = MODULES[name][0]
    return make(ag, nn, text), make(torch, torch.nn, text)


def described(state):
    return [(k, tuple(v.shape), str(v.dtype).removeprefix("torch.")) for k, v in state.items()]


def outputs(library, module, inputs):
    out = module(*(library.tensor(x) for x in inputs))
    return [t.detach().numpy() for t in flat(out)]


def flat(result):
    return [t for part in result for t in flat(part)] if isinstance(result, tuple | list) else [] if result is None else [result]


def assert_same_state(mine, theirs):
    assert described(mine) == described(theirs)
    for k in mine:
        assert mine[k].numpy().tobytes() == theirs[k].numpy().tobytes(), k


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("name", MODULES)
def test_states_travel_both_ways(name, tmp_path):
    mine, theirs = pair(name)
    assert described(mine.state_dict()) == described(theirs.state_dict())
    before = {k: v.clone() for k, v in mine.state_dict().items()}

    their_files.save_file({k: v.contiguous().clone() for k, v in theirs.state_dict().items()}, tmp_path / "theirs")
    assert str(mine.load_state_dict(safetensors.load_file(tmp_path / "theirs"))) == "<All keys matched successfully>"
    assert_same_state(mine.state_dict(), theirs.state_dict())
    inputs = MODULES[name][1:]
    if inputs:
        for a, b in zip(outputs(ag, mine, inputs), outputs(torch, theirs, inputs), strict=True):
            np.testing.assert_allclose(a, b, 1e-4, 1e-5)

    safetensors.save_file(before, tmp_path / "mine")
    assert str(theirs.load_state_dict(their_files.load_file(tmp_path / "mine"))) == "<All keys matched successfully>"
    assert_same_state(before, theirs.state_dict())


@pytest.mark.parametrize("name", [n for n in MODULES if "norm" in n.lower() and MODULES[n][1:] and "utils" not in MODULES[n][0]])
def test_running_statistics_travel(name):
    """After steps in training mode, which change them."""
    mine, theirs = pair(name)
    mine.load_state_dict({k: ag.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    for library, module in ((ag, mine), (torch, theirs)):
        module.train()
        for _ in range(3):
            outputs(library, module, MODULES[name][1:])
        module.eval()
    for a, b in zip(outputs(ag, mine, MODULES[name][1:]), outputs(torch, theirs, MODULES[name][1:]), strict=True):
        np.testing.assert_allclose(a, b, 1e-4, 1e-5)
    for (k, a), b in zip(mine.state_dict().items(), theirs.state_dict().values(), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), 1e-5, 1e-6, err_msg=k)


@pytest.mark.parametrize("name", [name for name in MODULES if MODULES[name][1:]])
def test_every_module_can_be_copied_pickled_converted_hooked_and_called_with_other_parameters(name):
    mine, _ = pair(name)
    inputs = MODULES[name][1:]
    expected = outputs(ag, mine, inputs)
    older = name.startswith("older")  # its weight was computed in the call: as in PyTorch, such a module is copied before it
    for twin in [] if older else [copy.deepcopy(mine), pickle.loads(pickle.dumps(mine))]:
        assert repr(twin) == repr(mine)
        assert not {id(p) for p in twin.parameters()} & {id(p) for p in mine.parameters()}
        for a, b in zip(outputs(ag, twin, inputs), expected, strict=True):
            np.testing.assert_array_equal(a, b)
    state = {k: v.clone() for k, v in mine.state_dict().items()}
    for p in mine.parameters():
        p.data.zero_()
    out = ag.func.functional_call(mine, state, tuple(ag.tensor(x) for x in inputs))
    for a, b in zip(flat(out), expected, strict=True):
        np.testing.assert_array_equal(a.detach().numpy(), b)
    mine.load_state_dict(state)
    seen = []
    mine.register_forward_hook(lambda m, args, out: seen.append(out))
    mine.register_full_backward_hook(lambda m, gi, go: seen.append(gi))
    inputs = [x.astype(np.float64) if x.dtype == np.float32 else x for x in inputs]
    tensors = [ag.tensor(x).requires_grad_(x.dtype == np.float64) for x in inputs]
    results = flat(mine.double()(*tensors))
    assert all(r.dtype == np.float64 for r in results if r.is_floating_point())
    sum(r.sum() for r in results).backward()
    assert seen
    assert all(p.grad is None or p.grad.dtype == np.float64 for p in mine.parameters())
    mine.zero_grad()
    assert all(p.grad is None for p in mine.parameters())


def test_every_module_with_a_state_is_in_the_table():
    named = {text.split("(")[0] for text, *_ in MODULES.values()}
    left = []
    for name, kind in vars(nn).items():
        if inspect.isclass(kind) and issubclass(kind, nn.Module) and hasattr(torch.nn, name) and name not in named:
            source = inspect.getsource(kind.__init__)
            if "Parameter(" in source or "register_buffer" in source or "register_parameter" in source:
                left.append(name)
    assert sorted(left) == sorted(n for n in left if n.startswith("Lazy") or n in ("RNNBase", "RNNCellBase"))


# ---------------------------------------------------------------------- files


DTYPES = "bool int8 int16 int32 int64 uint8 float16 bfloat16 float32 float64 complex64".split()


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_travels_both_ways(dtype, tmp_path):
    values = np.arange(6).reshape(2, 3)
    mine = ag.tensor(values).to(getattr(ag, dtype))
    theirs = torch.tensor(values).to(getattr(torch, dtype))
    safetensors.save_file({"x": mine, "t": mine.clone().T, "0": mine[0, 0].clone()}, tmp_path / "mine", {"by": "us"})
    found = their_files.load_file(tmp_path / "mine")
    assert found["x"].dtype == theirs.dtype
    assert torch.equal(found["x"], theirs)
    assert torch.equal(found["t"], theirs.T)
    assert found["0"].shape == ()
    their_files.save_file({"x": theirs, "0": theirs[0, 0].clone()}, tmp_path / "theirs", {"by": "them"})
    found = safetensors.load_file(tmp_path / "theirs")
    assert found["x"].dtype == ("float32" if dtype == "bfloat16" else dtype)
    assert (found["x"].numpy() == values.astype(found["x"].dtype)).all()
    assert found["0"].shape == ()


def test_text_in_files_is_read_by_either(tmp_path):
    from safetensors import safe_open

    safetensors.save_file({"x": ag.ones(1)}, tmp_path / "a", {"made": "here"})
    their_files.save_file({"x": torch.ones(1)}, tmp_path / "b", {"made": "there"})
    for name, kind, made in (("a", "pt", "here"), ("b", "numpy", "there")):
        with safe_open(tmp_path / name, framework=kind) as file:
            assert file.metadata() == {"made": made}


def tied(library, lib):
    model = lib.Sequential(lib.Embedding(5, 3), lib.Linear(3, 5, bias=False))
    model[1].weight = model[0].weight
    return model


def test_shared_tensors_are_refused_or_saved_once(tmp_path):
    mine, theirs = tied(ag, nn), tied(torch, torch.nn)
    for files, model in ((safetensors, mine), (their_files, theirs)):
        with pytest.raises(RuntimeError, match=r"share memory|shared"):
            files.save_file(model.state_dict(), tmp_path / "x")
        files.save_model(model, tmp_path / files.__name__)
    assert (tmp_path / safetensors.__name__).stat().st_size == (tmp_path / their_files.__name__).stat().st_size
    assert safetensors.load_model(mine, tmp_path / their_files.__name__) == ([], [])
    assert_same_state(mine.state_dict(), theirs.state_dict())
    assert mine[0].weight is mine[1].weight
    mine[0].weight.data.fill_(7)
    safetensors.save_model(mine, tmp_path / "again")
    assert [list(map(str, part)) for part in their_files.load_model(theirs, tmp_path / "again")] == [[], []]
    assert (theirs[1].weight == 7).all()


def test_files_that_do_not_fit_a_tied_model(tmp_path):
    mine, theirs = tied(ag, nn), tied(torch, torch.nn)
    cases = [{"1.weight": (5, 3), "more": (1,)}, {"more": (1,)}, {"0.weight": (5, 3), "1.weight": (5, 3)}, {"0.weight": (2, 2)}]
    for k, case in enumerate(cases):
        safetensors.save_file({n: ag.zeros(*shape) for n, shape in case.items()}, tmp_path / str(k))
        for files, model in ((safetensors, mine), (their_files, theirs)):
            with pytest.raises(RuntimeError):
                files.load_model(model, tmp_path / str(k))
        assert not (mine[0].weight == 0).any()
    for k in (0, 1, 2):
        found = safetensors.load_model(mine, tmp_path / str(k), strict=False)
        expected = their_files.load_model(theirs, tmp_path / str(k), strict=False)
        missing = {frozenset(["0.weight", "1.weight"]) if n.endswith(".weight") else n for n in expected[0]}
        assert {frozenset(["0.weight", "1.weight"]) if n.endswith(".weight") else n for n in found[0]} == missing
        assert sorted(found[1]) == sorted(expected[1])


def test_signatures_are_those_of_the_package():
    for name in ("save_file", "save", "load", "save_model"):
        mine, theirs = (list(inspect.signature(getattr(files, name)).parameters) for files in (safetensors, their_files))
        assert mine == theirs
    for name in ("load_file", "load_model"):  # which there also choose how to read the file
        mine, theirs = (list(inspect.signature(getattr(files, name)).parameters) for files in (safetensors, their_files))
        assert [*mine, "backend"] == theirs


def test_parametrized_states_are_the_papers_two_numbers():
    layer = parametrizations.weight_norm(nn.Linear(3, 2))
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original0", "parametrizations.weight.original1"]


def test_the_page_on_weights_does_what_it_says(tmp_path, monkeypatch):
    text = (Path(__file__).parents[2] / "docs" / "weights.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 11
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "docs/weights.md", "exec"), space)
    assert {p.name for p in tmp_path.iterdir()} == {
        "model.safetensors", "ours.safetensors", "model.pt", "converted.safetensors", "tied.safetensors", "half.safetensors",
    }  # fmt: skip
