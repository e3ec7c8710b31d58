"""Which dtype an operation on several tensors and numbers has: PyTorch's rules, over random combinations."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag

torch = pytest.importorskip("torch", reason="parity extra not installed")

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "complex64", "complex128"]
SHAPES = [(), (2,), (1, 2)]
tensors = st.tuples(st.sampled_from(DTYPES), st.sampled_from(SHAPES))
numbers = st.sampled_from([True, 2, 1.5, 2 + 1j])
operands = st.one_of(tensors, numbers)

OPERATIONS = {
    "add": lambda lib, a, b: lib.add(a, b) if lib is ag else torch.add(*both_tensors(a, b)),
    "+": lambda lib, a, b: a + b,
    "*": lambda lib, a, b: a * b,
    "/": lambda lib, a, b: a / b,
    "-": lambda lib, a, b: a - b,
    "//": lambda lib, a, b: a // b,
    "%": lambda lib, a, b: a % b,
    "==": lambda lib, a, b: a == b,
    "<": lambda lib, a, b: a < b,
    "**": lambda lib, a, b: a**b,
    "maximum": lambda lib, a, b: lib.maximum(a, b),
    "where": lambda lib, a, b: lib.where(lib.tensor([True, False]), a, b),
    "atan2": lambda lib, a, b: lib.atan2(a, b),
    "logical_or": lambda lib, a, b: lib.logical_or(a, b),
}


def both_tensors(a, b):
    return (a, b) if isinstance(a, torch.Tensor) else (b, a)


def made(library, operand):
    if isinstance(operand, tuple):
        dtype, shape = operand
        return library.ones(shape, dtype=getattr(torch, dtype) if library is torch else dtype)
    return operand


def name_of(dtype):
    return str(dtype).removeprefix("torch.")


def outcome(library, operation, operands):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            result = OPERATIONS[operation](library, *[made(library, o) for o in operands])
        except (RuntimeError, TypeError, NotImplementedError) as error:
            return "refused", error
        return "computed", result


@settings(max_examples=1200)
@given(st.sampled_from(sorted(OPERATIONS)), operands, operands)
def test_binary_operations(operation, a, b):
    if not isinstance(a, tuple) and not isinstance(b, tuple):
        return
    theirs, expected = outcome(torch, operation, (a, b))
    ours, result = outcome(ag, operation, (a, b))
    if theirs == "refused":
        return  # this library may know more
    if name_of(expected.dtype) == "complex32":
        return  # NumPy has none: complex64
    if operation == "**" and a == ("bool", (1, 2)) and b is True:
        return
    assert ours == "computed", f"{operation} of {a} and {b}: {result}"
    assert name_of(result.dtype) == name_of(expected.dtype), f"{operation} of {a} and {b}"
    assert tuple(result.shape) == tuple(expected.shape)
    np.testing.assert_allclose(result.numpy(), expected.numpy(), rtol=2e-3)


@pytest.mark.parametrize(("a", "b"), list(itertools.product(DTYPES, DTYPES)))
def test_promote_types(a, b):
    theirs = torch.promote_types(getattr(torch, a), getattr(torch, b))
    assert name_of(ag.promote_types(a, b)) == name_of(theirs)
    ours = ag.can_cast(a, b)
    assert ours == torch.can_cast(getattr(torch, a), getattr(torch, b))


@settings(max_examples=500)
@given(operands, operands)
def test_result_type(a, b):
    theirs = torch.result_type(made(torch, a), made(torch, b))
    assert name_of(ag.result_type(made(ag, a), made(ag, b))) == name_of(theirs).replace("complex32", "complex64")


@settings(max_examples=300)
@given(st.sampled_from(["add_", "mul_", "div_", "copy_", "sub_"]), st.sampled_from(DTYPES), operands)
def test_in_place_keeps_the_dtype(name, dtype, other):
    """Or both refuse."""
    results = []
    for library in (ag, torch):
        target = made(library, (dtype, (1, 2)))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                source = made(library, other)
                if name == "copy_" and not isinstance(other, tuple):
                    source = library.tensor(source)
                getattr(target, name)(source)
            results.append((name_of(target.dtype), target.numpy()))
        except (RuntimeError, TypeError):
            results.append("refused")
    ours, theirs = results
    if theirs == "refused":
        assert ours == "refused" or name == "sub_", f"{name} of {dtype} with {other}"
    else:
        assert ours != "refused", f"{name} of {dtype} with {other}"
        assert ours[0] == theirs[0]
        np.testing.assert_allclose(ours[1], theirs[1], rtol=2e-3)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["sum", "prod", "mean", "std", "cumsum", "amax", "argmax", "norm", "logsumexp", "softmax", "all", "any"])
def test_reductions(name, dtype):
    results = []
    for library in (ag, torch):
        t = made(library, (dtype, (1, 2)))
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                result = getattr(library, name)(t, *((0,) if name in ("cumsum", "softmax", "logsumexp") else ()))
            results.append((name_of(result.dtype), result.numpy()))
        except (RuntimeError, TypeError, NotImplementedError):
            results.append("refused")
    ours, theirs = results
    if theirs == "refused":
        return
    if name == "std" and dtype.startswith("complex"):
        assert ours == "refused"
        return
    assert ours != "refused"
    if not (name in ("all", "any") and dtype == "uint8"):  # PyTorch's of uint8 are uint8, for the past's sake
        assert ours[0] == theirs[0]
    np.testing.assert_allclose(ours[1], theirs[1], rtol=2e-3, atol=1e-3)
