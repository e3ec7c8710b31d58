"""einops on Tensors: the values that it gives for NumPy, with gradients."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.autograd import gradcheck

einops = pytest.importorskip("einops", reason="einops not installed")
import autograd_core.einops  # noqa: E402 - makes einops take Tensors

X = np.random.default_rng(0).normal(size=(2, 3, 4))
CASES = {
    "rearrange": lambda x: einops.rearrange(x, "a b c -> b (a c)"),
    "rearrange apart": lambda x: einops.rearrange(x, "a b (c d) -> a d b c", c=2),
    "rearrange a list": lambda x: einops.rearrange([x, x * 2], "n a b c -> a (n b) c"),
    "reduce mean": lambda x: einops.reduce(x, "a b (c d) -> a b c", "mean", d=2),
    "reduce sum": lambda x: einops.reduce(x, "a b c -> b", "sum"),
    "reduce max": lambda x: einops.reduce(x, "a b c -> () b 1", "max"),
    "reduce min": lambda x: einops.reduce(x, "a b c -> c", "min"),
    "reduce prod": lambda x: einops.reduce(x, "a b c -> b", "prod"),
    "repeat": lambda x: einops.repeat(x, "a b c -> a (b r) c s", r=2, s=3),
    "einsum": lambda x: einops.einsum(x, x, "a b c, a d c -> b d"),
    "pack": lambda x: einops.pack([x, x[:, 0]], "a * c")[0],
    "unpack": lambda x: einops.unpack(x, [[1], [2]], "a * c")[1],
}


@pytest.mark.parametrize("name", CASES)
def test_function(name):
    x = ag.tensor(X, requires_grad=True)
    result = CASES[name](x)
    assert isinstance(result, ag.Tensor)
    np.testing.assert_allclose(result.detach().numpy(), CASES[name](X), rtol=1e-12)
    gradcheck(CASES[name], [x])


def test_the_array_api_form():
    import einops.array_api

    x = ag.tensor(X, requires_grad=True)
    gradcheck(lambda x: einops.array_api.reduce(einops.array_api.rearrange(x, "a b c -> b (a c)"), "b d -> b", "mean"), [x])
