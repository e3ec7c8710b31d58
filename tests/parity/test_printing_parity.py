"""Tensors print as PyTorch's do, but for the names of dtypes and of backward functions."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag

torch = pytest.importorskip("torch", reason="parity extra not installed")

CASES = """
t.tensor(1.)
t.tensor(1.5)
t.tensor(3)
t.tensor(True)
t.tensor(1e10)
t.tensor(1e-10)
t.tensor(float("nan"))
t.tensor(float("inf"))
t.tensor([float("inf"), 1.])
t.tensor([float("inf"), 1.5, float("nan"), -float("inf")])
t.tensor([float("nan")])
t.tensor([])
t.tensor([], dtype=t.int64)
t.zeros(0,3)
t.zeros(2,0)
t.zeros(2,0,dtype=t.int32)
t.tensor([1.,2.])
t.tensor([1.,2.5])
t.tensor([0.1,100.25])
t.tensor([1e-5,1.])
t.tensor([1e5,1.])
t.tensor([1e8,1.])
t.tensor([1e8,1.5])
t.tensor([1e9,2e9])
t.tensor([123456.,1.])
t.tensor([123456.5,1.])
t.tensor([0.00012,0.5])
t.tensor([1e-4,1e-3])
t.tensor([0.,1e-6])
t.tensor([-1.5,2])
t.tensor([[1,2],[3,400]])
t.tensor([-1,10])
t.tensor([True,False])
t.tensor([1.,2.],dtype=t.float64)
t.tensor([1.,2.],dtype=t.float16)
t.tensor([1,2],dtype=t.int32)
t.tensor([1,2],dtype=t.uint8)
t.tensor([1+2j, 1.5-3j])
t.tensor([1+2j, 3-4j])
t.tensor(1+2j)
t.tensor([1+2j, 1.5-3j], dtype=t.complex128)
t.tensor([complex(1e10,1), 1e-10])
t.tensor([1.,2.],requires_grad=True)
t.tensor(2., requires_grad=True)*1
t.tensor([1.,2.],dtype=t.float64,requires_grad=True)
t.tensor([[1.,2.],[3.,4.]],requires_grad=True)*2
t.arange(30)
t.arange(30.)
t.arange(100.).reshape(10,10)
t.arange(2000)
t.arange(2000.)
t.arange(2000).reshape(20,100)
t.arange(4000).reshape(10,20,20)
t.arange(24.).reshape(2,3,4)
t.arange(24).reshape(2,3,2,2)
t.ones(2,3,dtype=t.bool)
t.arange(30.,dtype=t.float64)
t.arange(30.,requires_grad=True)*1.
t.arange(20)*100000
t.tensor([1e30])
t.tensor([1e-30, 1e30])
t.tensor([[0.5,-100.123],[3,4]])
t.tensor([0.,0.])
t.tensor([-0.])
t.zeros(1,1,1)
t.tensor([1.123456789,2],dtype=t.float64)
t.tensor([999.99999, 1.5])
t.tensor([0.99999999, 1])
t.tensor([1000., 0.1])
t.tensor([10000., 0.1])
t.full((3,), 1e4)
t.tensor(12345678.)
t.tensor(1234567.8)
t.tensor(-5)
t.tensor([1e-8, float("nan")])
"""

OPTIONS = [
    {"precision": 2},
    {"profile": "short"},
    {"profile": "full"},
    {"sci_mode": True},
    {"sci_mode": False},
    {"threshold": 5},
    {"threshold": 5, "edgeitems": 1},
    {"linewidth": 40},
]


def text(library, case):
    return spelt(repr(eval(case, {"t": library})))


def spelt(printed):
    """Without the word torch, and the line breaks that it may make."""
    printed = re.sub(r",\n +(dtype|grad_fn|requires_grad)", r", \1", printed.replace("dtype=torch.", "dtype="))
    return re.sub(r"grad_fn=<(\w+?)(Backward)?\d*>", r"grad_fn=<\1>", printed)


@pytest.mark.parametrize("case", CASES.strip().split("\n"))
def test_same(case):
    assert text(ag, case) == text(torch, case)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_options(options):
    for library in (ag, torch):
        library.set_printoptions(**options)
    try:
        for case in CASES.strip().split("\n"):
            assert text(ag, case) == text(torch, case)
    finally:
        for library in (ag, torch):
            library.set_printoptions(profile="default")


numbers = st.one_of(st.floats(width=32), st.integers(-(10**6), 10**6).map(float), st.sampled_from([0.0, -0.0, 1e-4, 1e8, 0.5]))


@settings(max_examples=200, deadline=None)
@given(st.lists(numbers, min_size=1, max_size=20))
def test_any_numbers(values):
    assert spelt(repr(ag.tensor(values, dtype=ag.float64))) == spelt(repr(torch.tensor(values, dtype=torch.float64)))
