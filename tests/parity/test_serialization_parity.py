"""What `save` and `load` keep is what torch.save and torch.load keep; files of safetensors.torch and ours are the same."""

from __future__ import annotations

import io
from collections import OrderedDict

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import safetensors

torch = pytest.importorskip("torch", reason="parity extra not installed")
from safetensors import torch as theirs  # noqa: E402

import nn  # noqa: E402

DTYPES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64".split()


def again(lib, obj):
    file = io.BytesIO()
    lib.save(obj, file)
    file.seek(0)
    return lib.load(file)


def both(make):
    """The same object saved and loaded by either library."""
    return [again(lib, make(lib)) for lib in (ag, torch)]


def test_tensors_come_back_alike():
    def make(lib):
        w = lib.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
        (w * w).sum().backward()
        with lib.no_grad():
            inside = (w * 3).requires_grad_()
        return {"leaf": w, "computed": w * 2, "detached": w.detach(), "T": w.detach().T, "inside": inside, "0-d": lib.tensor(5)}

    ours, reference = both(make)
    for name, expected in reference.items():
        found = ours[name]
        assert found.tolist() == expected.tolist(), name
        assert str(found.dtype) == str(expected.dtype).removeprefix("torch."), name
        assert found.requires_grad == expected.requires_grad, name
        assert found.is_leaf == expected.is_leaf, name
        assert found.stride() == expected.stride(), name
        assert found.grad is expected.grad is None, name


def test_sharing_comes_back_alike():
    def make(lib):
        a = lib.arange(6.0)
        items = [1]
        return a, a, a[2:4], a.view(2, 3), items, items

    for a, b, part, view, items, same in both(make):
        assert a is b
        assert items is same
        a[2] = 9
        assert part[0] == view[0, 2] == 9


def test_broadcast_tensors_come_back_alike():
    ours, reference = both(lambda lib: lib.ones(1).expand(1000, 1000))
    assert ours.shape == reference.shape
    assert ours.stride() == reference.stride() == (0, 0)


@pytest.mark.parametrize(
    "value",
    [*[None, True, 10**50, -0.0, float("inf"), 1 + 2j, "\ud800é", b"x\0", (1, (2,)), {1, 2}, [], {}, bytearray(b"x")]]
    + [OrderedDict([("b", 1), ("a", [2])]), {1: "a", (1, 2): "b", None: "c"}],
    ids=repr,
)
def test_plain_values_come_back_alike(value):
    ours, reference = both(lambda lib: value)
    assert type(ours) is type(reference) is type(value)
    assert repr(ours) == repr(reference)


def test_sizes_and_dtypes_come_back_alike():
    ours, reference = both(lambda lib: [lib.ones(2, 3).shape, lib.float32])
    assert [type(ours[0]), ours[1]] == [ag.Size, ag.float32]
    assert [type(reference[0]), reference[1]] == [torch.Size, torch.float32]
    assert tuple(ours[0]) == tuple(reference[0])


def test_a_file_of_pytorch_is_refused(tmp_path):
    for k, zipped in enumerate((True, False)):
        torch.save({"a": torch.ones(2)}, tmp_path / str(k), _use_new_zipfile_serialization=zipped)
        with pytest.raises(RuntimeError, match=r"safetensors\.torch\.save_file"):
            ag.load(tmp_path / str(k))


# ---------------------------------------------------------------------- safetensors


def tensors_of(lib):
    rng = np.random.default_rng(0)
    found = {}
    for dtype in DTYPES:
        for shape in [(), (3,), (2, 0), (2, 3, 4)]:
            bits = rng.integers(0, 2 if dtype == "bool" else 256, (*shape, np.dtype(dtype).itemsize), dtype=np.uint8)
            found[f"{dtype} {shape}"] = lib.from_numpy(bits.view(dtype).reshape(shape))
    return found


def equal_bits(a, b):
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def test_pytorch_reads_what_is_written_here(tmp_path):
    given = tensors_of(ag)
    safetensors.save_file(given, tmp_path / "a", {"format": "pt"})
    for found in (theirs.load_file(tmp_path / "a"), theirs.load(safetensors.save(given))):
        assert set(found) == set(given)
        for name, tensor in found.items():
            assert equal_bits(tensor.numpy(), given[name].array), name


def test_what_pytorch_writes_is_read_here(tmp_path):
    given = tensors_of(torch)
    theirs.save_file(given, tmp_path / "a")
    for found in (safetensors.load_file(tmp_path / "a"), safetensors.load(theirs.save(given))):
        assert set(found) == set(given)
        for name, tensor in found.items():
            assert equal_bits(tensor.array, given[name].numpy()), name


def test_bfloat16_of_pytorch_is_read_exactly(tmp_path):
    x = torch.arange(2**16, dtype=torch.int32).to(torch.uint16).view(torch.bfloat16).reshape(256, 256)
    theirs.save_file({"x": x, "y": torch.ones(3)}, tmp_path / "a")
    for found in (safetensors.load_file(tmp_path / "a"), safetensors.load(theirs.save({"x": x, "y": torch.ones(3)}))):
        assert np.array_equal(found["x"].array, x.float().numpy(), equal_nan=True)
        assert found["y"].tolist() == [1, 1, 1]


def test_a_model_of_pytorch_goes_on_here(tmp_path):
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    theirs.save_file(model.state_dict(), tmp_path / "a")
    twin = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    twin.load_state_dict(safetensors.load_file(tmp_path / "a"))
    x = np.random.default_rng(0).standard_normal((5, 3), np.float32)
    np.testing.assert_allclose(twin(ag.from_numpy(x)).detach().numpy(), model(torch.from_numpy(x)).detach().numpy(), rtol=1e-5, atol=1e-6)


def test_both_refuse_what_shares_memory():
    for lib, module in ((ag, safetensors), (torch, theirs)):
        a = lib.ones(4)
        with pytest.raises(RuntimeError, match="share memory"):
            module.save({"a": a, "b": a})
        assert set(module.load(module.save({"a": a[:2].clone(), "b": a[2:].clone()}))) == {"a", "b"}
