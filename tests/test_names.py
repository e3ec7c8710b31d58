"""That every public name is there, as a function, a method, and in place, wherever PyTorch has it."""

from __future__ import annotations

import importlib
from functools import reduce

import pytest

import autograd_core as ag
from tests.names import FUNCTIONS, METHODS_ONLY, SUBMODULES


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(name):
    assert hasattr(ag, name)


@pytest.mark.parametrize("name", METHODS_ONLY.split())
def test_method(name):
    assert hasattr(ag.Tensor, name)


@pytest.mark.parametrize(("module", "name"), [(m, n) for m, names in SUBMODULES.items() for n in names.split()])
def test_in_a_submodule(module, name):
    assert hasattr(reduce(getattr, module.split("."), ag), name)


@pytest.mark.parametrize("module", ["linalg", "fft", "special", "func", "distributions", "autograd.functional", "utils.checkpoint"])
def test_submodules_can_be_imported(module):
    importlib.import_module(f"autograd_core.{module}")


def test_a_misspelt_name_is_an_error():
    with pytest.raises(AttributeError, match="has no attribute 'nosuchname'"):
        _ = ag.nosuchname
