"""Dtypes, conversions, the one device, the old constructors, and threads."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.errors import MissingExtraError

CONVERSIONS = {
    "float": "float32",
    "double": "float64",
    "half": "float16",
    "int": "int32",
    "long": "int64",
    "short": "int16",
    "char": "int8",
    "byte": "uint8",
    "bool": "bool",
    "cfloat": "complex64",
    "cdouble": "complex128",
}


@pytest.mark.parametrize("name", CONVERSIONS)
def test_conversion(name):
    t = ag.tensor([0, 1, 2])
    converted = getattr(t, name)()
    assert converted.dtype == CONVERSIONS[name]
    assert converted.tolist() == np.array([0, 1, 2]).astype(CONVERSIONS[name]).tolist()
    assert getattr(converted, name)() is converted
    assert getattr(t, name)(memory_format=ag.preserve_format).dtype == converted.dtype


def test_to():
    t = ag.ones(2)
    assert t.to(ag.float64).dtype == ag.float64
    assert t.to("cpu") is t
    assert t.to(ag.device("cpu"), ag.int32).dtype == ag.int32
    assert t.to(ag.ones(1, dtype=ag.float64), True).dtype == ag.float64
    assert t.to(dtype=ag.float16, device="cpu:0", non_blocking=True, memory_format=ag.preserve_format).dtype == ag.float16
    for copied in (t.to(ag.float32, copy=True), t.to("cpu", ag.float32, False, True), t.to(t, False, True)):
        assert copied is not t
        assert not np.shares_memory(copied.numpy(), t.numpy())
    with pytest.raises(TypeError, match="to: expected"):
        t.to(3.5)
    with pytest.raises(TypeError, match="non_blocking"):
        t.to(ag.float32, True, True, True)


def test_a_conversion_takes_the_gradient_back():
    x = ag.ones(2, requires_grad=True)
    (x.double() * 3).to(ag.float16).float().type_as(ag.ones(1, dtype=ag.float64)).sum().backward()
    assert x.grad.dtype == ag.float32
    assert x.grad.tolist() == [3.0, 3.0]


def test_type():
    t = ag.ones(2)
    assert t.type() == "torch.FloatTensor"
    assert t.long().type() == "torch.LongTensor"
    for given in ("torch.DoubleTensor", ag.float64, ag.DoubleTensor):
        assert t.type(given).dtype == ag.float64
    assert t.type(ag.float32) is t
    with pytest.raises(ValueError, match=r"torch\.FloatTensor"):
        t.type("FloatTensor")


@pytest.mark.parametrize("place", ["cuda", "cuda:0", "mps", "meta", "cpu:first"])
def test_other_devices_are_refused(place):
    for attempt in (
        lambda: ag.device(place),
        lambda: ag.ones(2).to(place),
        lambda: ag.ones(2).to(device=place),
        lambda: ag.zeros(2, device=place),
    ):
        with pytest.raises(RuntimeError, match="CPU"):
            attempt()


def test_there_is_no_gpu():
    with pytest.raises(RuntimeError, match="CPU"):
        ag.ones(2).cuda()
    assert not ag.cuda.is_available()
    assert ag.cuda.device_count() == 0
    before = ag.get_rng_state()
    ag.cuda.manual_seed(3)
    ag.cuda.manual_seed_all(3)
    ag.cuda.empty_cache()
    assert (ag.get_rng_state() == before).all()
    t = ag.ones(2)
    assert t.cpu() is t
    assert (t.is_cuda, t.is_cpu, t.get_device()) == (False, True, -1)


def test_device():
    assert str(ag.device("cpu")) == "cpu"
    assert repr(ag.device("cpu:1")) == "device(type='cpu', index=1)"
    assert ag.device("cpu", 0).index == 0
    assert ag.ones(1).device == ag.device("cpu")
    assert ag.device(ag.device("cpu")).type == "cpu"
    with pytest.raises(RuntimeError, match="index"):
        ag.device("cpu:0", 1)


def test_questions():
    assert ag.is_tensor(ag.ones(1))
    assert not ag.is_tensor(np.ones(1))
    assert ag.is_floating_point(ag.ones(1))
    assert not ag.is_floating_point(ag.ones(1, dtype=ag.complex64))
    assert ag.is_complex(ag.ones(1, dtype=ag.complex64))
    assert ag.tensor([-1]).is_signed()
    assert not ag.tensor([1], dtype=ag.uint8).is_signed()
    assert ag.tensor([[0.5]]).is_nonzero()
    assert not ag.is_nonzero(ag.tensor(False))
    assert ag.ones(2, 3).is_same_size(ag.zeros(2, 3))
    for size in (0, 2):
        with pytest.raises(RuntimeError, match="is_nonzero"):
            ag.ones(size).is_nonzero()


def test_finfo():
    info = ag.finfo(ag.float32)
    assert (info.bits, info.dtype) == (32, "float32")
    assert info.eps == 2**-23
    assert info.max == float(np.finfo(np.float32).max) == -info.min
    assert info.tiny == info.smallest_normal == 2**-126
    assert info.resolution == 1e-6
    assert type(info.max) is float
    assert ag.finfo().dtype == "float32"
    assert ag.finfo(ag.complex128).dtype == "float64"
    assert "eps=" in repr(info)
    with pytest.raises(TypeError, match="iinfo"):
        ag.finfo(ag.int64)


def test_iinfo():
    info = ag.iinfo(ag.int8)
    assert (info.bits, info.min, info.max, info.dtype) == (8, -128, 127, "int8")
    assert ag.iinfo(ag.uint64).max == 2**64 - 1
    for dtype in (ag.float32, ag.bool):
        with pytest.raises(TypeError, match="finfo"):
            ag.iinfo(dtype)


def test_no_integer_holds_all_signed_and_unsigned():
    with pytest.raises(RuntimeError, match="uint64"):
        ag.tensor([1], dtype=ag.uint64) + ag.tensor([1])
    assert (ag.tensor([1], dtype=ag.uint64) + ag.tensor([1.0])).dtype == ag.float32
    assert (ag.tensor([1], dtype=ag.uint16) + 1).dtype == ag.uint16


@pytest.mark.parametrize(("name", "dtype"), [("FloatTensor", "float32"), ("LongTensor", "int64"), ("BoolTensor", "bool")])
def test_old_constructors(name, dtype):
    make = getattr(ag, name)
    assert make().shape == (0,)
    assert make(2, 3).shape == make(ag.Size([2, 3])).shape == (2, 3)
    for data in ([1, 0], (1, 0), np.array([1.0, 0.0]), [ag.tensor(1), ag.tensor(0)]):
        made = make(data)
        assert made.dtype == dtype
        assert made.tolist() == [1, 0]
    same = ag.ones(2).to(getattr(ag, dtype))
    assert np.shares_memory(make(same).numpy(), same.numpy())
    with pytest.raises(TypeError, match=name):
        make(ag.ones(2, dtype=ag.int8))
    with pytest.raises(TypeError, match=name):
        make(2.5)


def test_variable():
    data = ag.ones(2)
    leaf = ag.autograd.Variable(data, requires_grad=True)
    assert leaf.is_leaf
    assert leaf.requires_grad
    assert np.shares_memory(leaf.detach().numpy(), data.numpy())
    assert not ag.autograd.Variable(leaf * 2).requires_grad


def test_threads():
    before = ag.get_num_threads()
    assert before >= 1
    try:
        ag.set_num_threads(1)
        assert ag.get_num_threads() == 1
    finally:
        ag.set_num_threads(before)
    for wrong in (0, -1, 1.5, True):
        with pytest.raises(RuntimeError, match="positive integer"):
            ag.set_num_threads(wrong)


# ---------------------------------------------------------------------- bfloat16, which stores


def test_bfloat16_stores():
    x = ag.tensor([[1.0, 2.5], [1 + 2**-7, 1 + 2**-9]])
    stored = x.bfloat16()
    assert stored.dtype == ag.bfloat16
    assert stored.element_size() == 2
    assert stored.to(ag.bfloat16) is stored
    assert stored.float().tolist() == [[1.0, 2.5], [1 + 2**-7, 1.0]]
    assert stored[0].reshape(2, 1).clone().double().tolist() == [[1.0], [2.5]]
    assert "dtype=bfloat16" in repr(stored)
    assert ag.finfo(ag.bfloat16).eps == 2**-7
    assert ag.finfo(ag.bfloat16).bits == 16


@pytest.mark.parametrize("compute", [lambda t: t + 1, lambda t: t + t.float(), lambda t: 2 * t, lambda t: t.exp(), lambda t: t < 1])
def test_bfloat16_does_not_compute(compute):
    with pytest.raises(RuntimeError, match="float"):
        compute(ag.ones(2).bfloat16())


def test_bfloat16_never_loses_a_gradient():
    x = ag.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="detach"):
        x.bfloat16()
    with pytest.raises(RuntimeError, match="floating-point"):
        ag.ones(2).bfloat16().requires_grad_()
    with ag.no_grad():
        assert x.bfloat16().float().tolist() == [1.0, 1.0]


def test_bfloat16_without_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    with pytest.raises(MissingExtraError, match=r"autograd-core\[bfloat16\]"):
        ag.ones(2).bfloat16()
    with pytest.raises(TypeError, match="dtype"):
        ag.ones(2).to(np.dtype("M8[s]"))
