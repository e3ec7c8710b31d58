"""Weights in files: what of it needs no PyTorch. That PyTorch reads and writes the same is tested in parity, and so is docs/weights.md."""

from __future__ import annotations

import io

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core import safetensors


def model():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))


def test_a_module_comes_back_to_the_bit(tmp_path):
    first, second = model(), model()
    first(ag.randn(5, 1, 4, 4))
    safetensors.save_file(first.state_dict(), tmp_path / "a")
    assert str(second.load_state_dict(safetensors.load_file(tmp_path / "a"))) == "<All keys matched successfully>"
    x = ag.randn(2, 1, 4, 4)
    assert (first.eval()(x) == second.eval()(x)).all()
    third = model()
    third.load_state_dict(safetensors.load(safetensors.save(first.state_dict())), assign=True)
    assert (third.eval()(x) == first(x)).all()
    assert all(p.requires_grad for p in third.parameters())


def test_bfloat16_is_saved_as_such_and_read_exactly():
    values = ag.tensor([[1.0, -2.5], [3.140625, 1e30]])
    data = safetensors.save({"x": values.bfloat16(), "turned": values.bfloat16().clone().T})
    assert b'"BF16"' in data
    found = safetensors.load(data)
    assert found["x"].dtype == np.float32
    assert (found["x"] == values.bfloat16().float()).all()
    assert (found["turned"] == found["x"].T).all()


def tied():
    module = nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 5, bias=False), nn.Linear(3, 5))
    module[1].weight = module[0].weight
    return module


def test_a_tied_model_is_saved_once_and_stays_tied(tmp_path):
    module = tied()
    with pytest.raises(RuntimeError, match="share memory"):
        safetensors.save_file(module.state_dict(), tmp_path / "a")
    safetensors.save_model(module, tmp_path / "a", {"by": "a test"})
    assert sorted(safetensors.load_file(tmp_path / "a")) == ["0.weight", "2.bias", "2.weight"]
    other = tied()
    assert safetensors.load_model(other, tmp_path / "a") == ([], [])
    assert other[0].weight is other[1].weight
    assert (other[1].weight == module[0].weight).all()
    plain = nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 5, bias=False), nn.Linear(3, 5))
    with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "1\.weight"'):
        safetensors.load_model(plain, tmp_path / "a")


def test_parts_of_one_memory_are_still_refused(tmp_path):
    module = tied()
    module[2].bias = nn.Parameter(module[0].weight.data[:, 0])
    with pytest.raises(RuntimeError, match="share memory"):
        safetensors.save_model(module, tmp_path / "a")
    with pytest.raises(ValueError, match="force_contiguous"):
        safetensors.save_model(module, tmp_path / "a", force_contiguous=False)


def test_a_file_with_a_tensor_twice_changes_nothing(tmp_path):
    module = tied()
    before = module[0].weight.tolist()
    safetensors.save_file({"0.weight": ag.zeros(5, 3), "1.weight": ag.ones(5, 3)}, tmp_path / "a")
    with pytest.raises(RuntimeError, match=r"under more names than one: 1\.weight"):
        safetensors.load_model(module, tmp_path / "a")
    assert module[0].weight.tolist() == before
    missing, unexpected = safetensors.load_model(module, tmp_path / "a", strict=False)
    assert (missing, unexpected) == (["2.weight", "2.bias"], ["1.weight"])
    assert (module[1].weight == 0).all()


def test_files_of_pickles_are_refused_with_the_way_out(tmp_path):
    (tmp_path / "model.pt").write_bytes(b"PK\x03\x04" + bytes(200))
    with pytest.raises(RuntimeError, match=r"safetensors\.torch\.save_file"):
        ag.load(tmp_path / "model.pt")
    with pytest.raises(ValueError, match="weights_only=False would run code"):
        ag.load(io.BytesIO(), weights_only=False)
