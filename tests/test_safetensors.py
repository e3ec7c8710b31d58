"""`autograd_core.safetensors`: what its package leaves to us. That PyTorch reads and writes the same is tested in parity."""

from __future__ import annotations

import json
import os
import sys

import numpy as np
import pytest
from safetensors import SafetensorError

import autograd_core as ag
import nn
from autograd_core import safetensors, serialization
from autograd_core.errors import MissingExtraError


def raw(**entries):
    """A file of the format, made by hand: dtype, shape and bytes by name."""
    header, data = {}, b""
    for name, (dtype, shape, stored) in entries.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(stored)]}
        data += stored
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def both_ways(tensors, tmp_path):
    safetensors.save_file(tensors, tmp_path / "a")
    return safetensors.load(safetensors.save(tensors)), safetensors.load_file(tmp_path / "a")


@pytest.mark.parametrize("dtype", list(safetensors.DTYPES.values()))
def test_every_dtype_and_layout(dtype, tmp_path):
    base = np.arange(24).reshape(2, 3, 4).astype(dtype)
    layouts = {
        "plain": base,
        "axes": base.transpose(2, 0, 1).copy("K"),
        "turned": base.copy()[:, ::-1, ::2],
        "big": base.astype(base.dtype.newbyteorder(">")),
        "0-d": np.array(1, dtype),
        "scalar": base.dtype.type(1),
        "empty": np.zeros((2, 0), dtype),
        "tensor": ag.from_numpy(base.copy()),
    }
    for found in both_ways(layouts, tmp_path):
        assert set(found) == set(layouts)
        for name, given in layouts.items():
            expected = np.asarray(getattr(given, "array", given))
            twin = found[name]
            assert type(twin) is ag.Tensor
            assert twin.dtype == np.dtype(dtype)
            assert twin.shape == expected.shape
            assert twin.array.tobytes() == expected.astype(dtype).tobytes()
            assert twin.array.flags.writeable


def test_requires_grad_is_not_saved_and_text_is(tmp_path):
    w = ag.tensor([1.0], requires_grad=True)
    for found in both_ways({"w": w, "y": w * 2}, tmp_path):
        assert not found["w"].requires_grad
        assert found["y"].tolist() == [2.0]
    data = safetensors.save({"w": w}, {"made by": "a test"})
    assert json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"] == {"made by": "a test"}
    assert safetensors.load(data)["w"].tolist() == [1.0]
    assert safetensors.load(bytearray(data))["w"].tolist() == [1.0]


def test_bfloat16_becomes_float32_exactly(tmp_path):
    every = np.arange(2**16, dtype="<u2")
    data = raw(x=("BF16", [256, 256], every.tobytes()), y=("I8", [1], b"\x05"))
    (tmp_path / "a").write_bytes(data)
    for found in (safetensors.load(data), safetensors.load_file(tmp_path / "a")):
        assert found["x"].dtype == np.float32
        assert found["x"].shape == (256, 256)
        assert (found["x"].array.view(np.uint32).ravel() == every.astype(np.uint32) << 16).all()
        assert found["y"].tolist() == [5]


def test_what_cannot_be_saved(tmp_path):
    a = np.arange(4.0)
    for wrong, error, told in [
        ({"a": a, "b": a[1:]}, RuntimeError, "'a' and 'b' share memory"),
        ({"x": a[:3], "y": np.ones(3), "z": ag.from_numpy(a)[2:]}, RuntimeError, "'x' and 'z' share"),
        ({"a": a * 1j}, TypeError, "'a' is of dtype complex128"),
        ({"a": np.array(["x"])}, TypeError, "'a' is of dtype <U1"),
        ({"a": [1.0]}, TypeError, "'a' must be a Tensor or a NumPy array, got a list"),
        ({1: a}, TypeError, "names must be strings, got 1"),
        ([a], TypeError, "expected a dictionary"),
        ({"__metadata__": a}, ValueError, "__metadata__"),
    ]:
        with pytest.raises(error, match=told):
            safetensors.save(wrong)
        with pytest.raises(error, match=told):
            safetensors.save_file(wrong, tmp_path / "a")
    with pytest.raises(TypeError, match="'k': 1"):
        safetensors.save({"a": a}, {"k": 1})
    with pytest.raises(TypeError, match="by name, got a list"):
        safetensors.save({"a": a}, [("k", "v")])
    assert os.listdir(tmp_path) == []
    safetensors.save({"a": a[:2], "b": a[2:]})  # neighbours share nothing


def test_what_cannot_be_loaded(tmp_path):
    path = tmp_path / "a"
    with pytest.raises(FileNotFoundError):
        safetensors.load_file(path)
    with pytest.raises(RuntimeError, match="cuda"):
        safetensors.load_file(path, device="cuda")
    path.write_bytes(raw(x=("F8_E5M2", [1], b"\0")))
    with pytest.raises(TypeError, match="'x' is of dtype F8_E5M2"):
        safetensors.load_file(path)
    whole = raw(x=("F32", [2], bytes(8)))
    for damaged in (b"", whole[:-1], whole + b"x", raw(x=("F32", [10**15], bytes(8))), b"\xff" * 8 + whole):
        path.write_bytes(damaged)
        with pytest.raises(SafetensorError):
            safetensors.load(damaged)
        with pytest.raises(SafetensorError):
            safetensors.load_file(path)


def test_a_failure_leaves_the_old_file_and_nothing_else(monkeypatch, tmp_path):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    safetensors.save_file({"a": np.ones(2)}, tmp_path / "a")
    monkeypatch.setattr(serialization.os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        safetensors.save_file({"a": np.zeros(2)}, tmp_path / "a")
    assert os.listdir(tmp_path) == ["a"]
    assert safetensors.load_file(tmp_path / "a")["a"].tolist() == [1, 1]


def test_without_the_package_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    for call in (
        lambda: safetensors.save({}),
        lambda: safetensors.save_file({}, tmp_path / "a"),
        lambda: safetensors.load(b""),
        lambda: safetensors.load_file(tmp_path / "a"),
    ):
        with pytest.raises(MissingExtraError, match=r"autograd-core\[safetensors\]"):
            call()
    assert os.listdir(tmp_path) == []


def test_lazy_models_take_their_shapes_from_a_file(tmp_path):
    source, lazy = nn.Sequential(nn.Linear(3, 2)), nn.Sequential(nn.LazyLinear(2))
    safetensors.save_model(source, tmp_path / "a")
    assert safetensors.load_model(lazy, tmp_path / "a") == ([], [])
    assert lazy(ag.ones(3)).tolist() == source(ag.ones(3)).tolist()
    with pytest.raises(ValueError, match="call the lazy module"):
        safetensors.save_model(nn.LazyLinear(2), tmp_path / "a")
