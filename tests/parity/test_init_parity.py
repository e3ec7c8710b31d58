"""nn.init against PyTorch: distributions (by their quantiles), exact fillings, gains, arguments, errors."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402

BOTH = ((ag, nn.init), (torch, torch.nn.init))
NONLINEARITIES = "linear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d sigmoid tanh relu leaky_relu selu".split()


def in_both(call, *shape, dtype="float32"):
    """What a call makes of an empty tensor, in either library, from a fixed seed."""
    found = []
    for library, init in BOTH:
        tensor = library.empty(*shape, dtype=getattr(library, dtype))
        result = call(init, tensor, library.Generator().manual_seed(7))
        assert result is tensor
        found.append(tensor.numpy())
    ours, theirs = found
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    return ours, theirs


DRAWN = {
    "uniform": lambda init, t, g: init.uniform_(t, generator=g),
    "uniform within bounds": lambda init, t, g: init.uniform_(t, -2.0, 0.5, g),
    "normal": lambda init, t, g: init.normal_(t, generator=g),
    "normal with moments": lambda init, t, g: init.normal_(t, 3.0, 0.2, g),
    "truncated normal": lambda init, t, g: init.trunc_normal_(t, generator=g),
    "truncated normal, narrow": lambda init, t, g: init.trunc_normal_(t, 0.0, 0.02, generator=g),
    "truncated normal, one side": lambda init, t, g: init.trunc_normal_(t, 0.5, 1.0, 0.0, 5.0, g),
    "xavier uniform": lambda init, t, g: init.xavier_uniform_(t, generator=g),
    "xavier uniform with gain": lambda init, t, g: init.xavier_uniform_(t, 2.0, g),
    "xavier normal": lambda init, t, g: init.xavier_normal_(t, 0.5, g),
    "kaiming uniform": lambda init, t, g: init.kaiming_uniform_(t, generator=g),
    "kaiming uniform with slope": lambda init, t, g: init.kaiming_uniform_(t, 5**0.5, generator=g),
    "kaiming uniform by outputs": lambda init, t, g: init.kaiming_uniform_(t, 0, "fan_out", "relu", g),
    "kaiming normal": lambda init, t, g: init.kaiming_normal_(t, generator=g),
    "kaiming normal for tanh": lambda init, t, g: init.kaiming_normal_(t, mode="fan_out", nonlinearity="tanh", generator=g),
    "kaiming normal for selu": lambda init, t, g: init.kaiming_normal_(t, nonlinearity="selu", generator=g),
    "orthogonal": lambda init, t, g: init.orthogonal_(t, 3.0, g),
}
AT = np.linspace(0.02, 0.98, 25)


@pytest.mark.parametrize("shape", [(120, 250), (40, 10, 5, 15)], ids=str)
@pytest.mark.parametrize("name", DRAWN)
def test_distributions(name, shape):
    ours, theirs = in_both(DRAWN[name], *shape)
    spread = float(theirs.std())
    assert ours.std() == pytest.approx(spread, rel=0.02)
    assert abs(ours.mean() - theirs.mean()) < 0.03 * spread
    np.testing.assert_allclose(np.quantile(ours, AT), np.quantile(theirs, AT), atol=0.06 * spread)
    for edge in (np.min, np.max):
        if "normal" not in name and name != "orthogonal":
            assert float(edge(ours)) == pytest.approx(float(edge(theirs)), abs=0.01 * spread)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_distributions_in_other_dtypes(dtype):
    for name in ("uniform", "normal", "truncated normal", "xavier uniform", "kaiming normal"):
        ours, theirs = in_both(DRAWN[name], 150, 200, dtype=dtype)
        assert ours.astype(float).std() == pytest.approx(theirs.astype(float).std(), rel=0.03)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 2, 3)], ids=str)
def test_orthogonal_matrices(shape):
    for found in in_both(DRAWN["orthogonal"], *shape, dtype="float64"):
        q = found.reshape(shape[0], -1)
        gram = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
        np.testing.assert_allclose(gram, 9 * np.eye(len(gram)), atol=1e-12)


@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.5, 1.0])
def test_sparse(sparsity):
    ours, theirs = in_both(lambda init, t, g: init.sparse_(t, sparsity, 0.3, g), 20, 2000)
    np.testing.assert_array_equal((ours == 0).sum(0), (theirs == 0).sum(0))
    if sparsity < 1:
        assert ours.std() == pytest.approx(theirs.std(), rel=0.03)


EXACT = {
    "zeros": (lambda init, t, g: init.zeros_(t), (2, 3)),
    "ones": (lambda init, t, g: init.ones_(t), (2, 3)),
    "constant": (lambda init, t, g: init.constant_(t, 0.3), (2, 3)),
    "eye": (lambda init, t, g: init.eye_(t), (4, 6)),
    "eye, tall": (lambda init, t, g: init.eye_(t), (6, 4)),
    "dirac of one axis": (lambda init, t, g: init.dirac_(t), (6, 3, 3)),
    "dirac of two": (lambda init, t, g: init.dirac_(t, 2), (4, 2, 3, 4)),
    "dirac of three": (lambda init, t, g: init.dirac_(t, groups=3), (6, 4, 3, 2, 5)),
    "a truncation to one point": (lambda init, t, g: init.trunc_normal_(t, a=0.5, b=0.5), (3,)),
    "nothing, orthogonal": (lambda init, t, g: init.orthogonal_(t), (0, 3)),
    "nothing, xavier": (lambda init, t, g: init.xavier_normal_(t), (0, 3)),
}


@pytest.mark.parametrize("name", EXACT)
def test_exact_fillings(name):
    call, shape = EXACT[name]
    np.testing.assert_array_equal(*in_both(call, *shape))


@pytest.mark.parametrize("name", NONLINEARITIES)
def test_gains(name):
    assert nn.init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    for slope in (0, 0.3, 5**0.5, 2):
        assert nn.init.calculate_gain("leaky_relu", slope) == torch.nn.init.calculate_gain("leaky_relu", slope)


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 5), (3, 4, 5, 6)], ids=str)
def test_fans(shape):
    fans = [init._calculate_fan_in_and_fan_out(library.empty(*shape)) for library, init in BOTH]
    assert fans[0] == fans[1]


FUNCTIONS = "calculate_gain uniform_ normal_ trunc_normal_ constant_ ones_ zeros_ eye_ dirac_ xavier_uniform_ xavier_normal_".split()
FUNCTIONS += "kaiming_uniform_ kaiming_normal_ orthogonal_ sparse_".split()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arguments(name):
    found = [[(p.name, p.kind, p.default) for p in inspect.signature(getattr(i, name)).parameters.values()] for _, i in BOTH]
    assert found[0] == found[1]


WRONG = [
    "calculate_gain('swish')",
    "calculate_gain('leaky_relu', 'a')",
    "calculate_gain('leaky_relu', True)",
    "eye_(E(3))",
    "dirac_(E(3, 3))",
    "dirac_(E(3, 3, 1, 1, 1, 1))",
    "dirac_(E(3, 3, 3), 2)",
    "xavier_uniform_(E(3))",
    "xavier_normal_(E(3))",
    "kaiming_uniform_(E(3))",
    "kaiming_uniform_(E(3, 3), mode='x')",
    "kaiming_normal_(E(3, 3), nonlinearity='x')",
    "orthogonal_(E(3))",
    "sparse_(E(3), 0.1)",
    "trunc_normal_(E(3), a=1, b=0)",
    "uniform_(E(3), 1, 0)",
    "normal_(E(3), 0, -1)",
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("call", WRONG)
def test_bad_input_raises_what_it_raises_in_pytorch(call):
    raised = []
    for library, init in BOTH:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is what is compared
            eval(f"init.{call}", {"init": init, "E": library.empty})
        raised.append(caught.value)
    assert isinstance(raised[0], type(raised[1])), f"{raised[0]!r}, PyTorch {raised[1]!r}"
