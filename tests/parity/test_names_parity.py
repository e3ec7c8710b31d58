"""That a name is a method, and has an in-place form, wherever it is and has in PyTorch."""

from __future__ import annotations

import pytest

import autograd_core as ag
from tests.names import FUNCTIONS, METHODS_ONLY

torch = pytest.importorskip("torch", reason="parity extra not installed")

NAMES = sorted({*FUNCTIONS, *METHODS_ONLY.split()})


def test_methods():
    missing = [name for name in NAMES if hasattr(torch.Tensor, name) and not hasattr(ag.Tensor, name)]
    assert not missing


def test_in_place_methods():
    missing = [name + "_" for name in NAMES if hasattr(torch.Tensor, name + "_") and not hasattr(ag.Tensor, name + "_")]
    assert not missing


def test_functions():
    missing = [name for name in NAMES if hasattr(torch, name) and not hasattr(ag, name)]
    assert set(missing) <= {"cpu"}  # there a module, too


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_invented(name):
    """Every name of the list is PyTorch's."""
    assert hasattr(torch, name) or hasattr(torch.Tensor, name) or name in {"value_and_grad"}
