"""Lazy layers of convolution and normalisation against PyTorch: before the first call, what they become, and what they compute."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402
from tests.parity.agreement import modules_agree  # noqa: E402

SHAPES = {1: (2, 4, 9), 2: (2, 4, 6, 7), 3: (2, 4, 5, 4, 6)}
LAZY = [
    *[(f"LazyConv{n}d", (6, 3), {"padding": 1, "groups": 2}, SHAPES[n]) for n in SHAPES],
    *[(f"LazyConv{n}d", (6, 2), {"stride": 2, "bias": False}, SHAPES[n]) for n in SHAPES],
    *[(f"LazyBatchNorm{n}d", (), {"momentum": None}, SHAPES[n]) for n in SHAPES],
    *[(f"LazyBatchNorm{n}d", (), {"affine": False}, SHAPES[n]) for n in SHAPES],
]


@pytest.mark.parametrize(("name", "args", "settings", "shape"), LAZY)
def test_lazy_layers(name, args, settings, shape):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # PyTorch's, that lazy modules are new
        mine, theirs = getattr(nn, name)(*args, **settings), getattr(torch.nn, name)(*args, **settings)
    assert repr(mine) == repr(theirs)
    assert [*mine.state_dict()] == [*theirs.state_dict()]
    assert mine.has_uninitialized_params() == theirs.has_uninitialized_params()
    x = np.random.default_rng(3).standard_normal(shape)
    mine.double()(ag.tensor(x))
    theirs.double()(torch.tensor(x))
    assert type(mine).__name__ == type(theirs).__name__
    assert repr(mine) == repr(theirs)
    modules_agree(mine, theirs, [x])
