"""DLPack: the same memory in other libraries, both ways; and what cannot be shared is refused."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag

DTYPES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128".split()


@pytest.mark.parametrize("dtype", DTYPES)
def test_memory_is_shared_with_numpy(dtype):
    t = ag.zeros(2, 3, dtype=getattr(ag, dtype))
    array = np.from_dlpack(t)
    assert array.dtype == dtype
    assert np.shares_memory(array, t.numpy())
    back = ag.from_dlpack(np.ones((2, 3), dtype))
    assert back.dtype == dtype
    assert back.tolist() == np.ones((2, 3), dtype).tolist()


def test_writing_shows_on_the_other_side():
    array = np.zeros((3, 4))[:, ::2]
    t = ag.from_dlpack(array)
    t[1, 1] = 5
    assert array[1, 1] == 5
    assert ag.from_dlpack(array, copy=True).numpy() is not array
    copied = ag.from_dlpack(array, copy=True)
    copied[0, 0] = 7
    assert array[0, 0] == 0


def test_tensors_are_taken_as_they_are():
    t = ag.ones(2)
    assert np.shares_memory(ag.from_dlpack(t).numpy(), t.numpy())
    assert not np.shares_memory(ag.from_dlpack(t, copy=True).numpy(), t.numpy())


def test_place():
    assert ag.ones(2).__dlpack_device__() == (1, 0)
    assert ag.from_dlpack(np.ones(2), device="cpu").tolist() == [1, 1]


def test_nothing_that_records_leaves():
    t = ag.ones(2, requires_grad=True)
    for tensor in (t, t * 2):
        with pytest.raises(BufferError, match="requires grad, and another library would lose it"):
            np.from_dlpack(tensor)


def test_refused():
    with pytest.raises(TypeError, match="expected an array with __dlpack__"):
        ag.from_dlpack([1, 2])
    with pytest.raises(RuntimeError, match="CPU"):
        ag.from_dlpack(np.ones(2), device="cuda")
    with pytest.raises(BufferError, match="streams"):
        ag.ones(2).__dlpack__(stream=1)
    with pytest.raises(BufferError, match="read-only or shared by expansion"):
        ag.ones(1).expand(3).__dlpack__()
    with pytest.raises(BufferError, match="runs backwards"):
        ag.arange(3)[::-1].__dlpack__()


@pytest.mark.parametrize("dtype", DTYPES)
def test_memory_is_shared_with_pytorch(dtype):
    torch = pytest.importorskip("torch", reason="parity extra not installed")
    t = ag.zeros(2, 3, dtype=getattr(ag, dtype)).mT
    theirs = torch.from_dlpack(t)
    assert theirs.dtype == getattr(torch, dtype)
    assert tuple(theirs.shape) == (3, 2)
    theirs[2, 1] = 1
    assert t[2, 1].item() == 1
    ours = ag.from_dlpack(theirs)
    ours[0, 0] = 1
    assert theirs[0, 0].item() == 1
    assert ag.from_dlpack(torch.ones(0)).shape == (0,)
    assert ag.from_dlpack(torch.tensor(3.0)).item() == 3
