"""Every activation against PyTorch: functions and modules over many arguments, kinks, dtypes, in-place forms, what is refused."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402
from tests.parity.agreement import close, functions_agree, modules_agree  # noqa: E402

F, TF = nn.functional, torch.nn.functional
DTYPES = ["float64", "float32"]
NAMES = (
    "relu relu6 leaky_relu elu selu celu gelu silu mish sigmoid tanh logsigmoid softplus softsign hardtanh hardsigmoid hardswish "
    "threshold hardshrink softshrink tanhshrink softmax log_softmax softmin glu rrelu prelu gumbel_softmax"
).split()
BUILTIN = {"gelu", "sigmoid", "tanh", "logsigmoid", "softplus", "softshrink", "hardshrink", "prelu"}  # whose signature says little
CLASSES = (
    "ReLU ReLU6 LeakyReLU PReLU ELU SELU CELU GELU SiLU Mish Sigmoid Tanh Softmax LogSoftmax LogSigmoid Softplus Softsign Hardtanh "
    "Hardsigmoid Hardswish GLU Hardshrink Softshrink Tanhshrink Threshold RReLU Softmin Softmax2d"
).split()
ROUGH = {"celu": 1e-7, "hardsigmoid": 1e-7, "CELU": 1e-7, "Hardsigmoid": 1e-7}  # PyTorch rounds 1 / alpha and 1 / 6 to float32


def numbers(*shape, seed=3, scale=3.0):
    return np.random.default_rng(seed).standard_normal(shape) * scale


def listed(function):
    return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]


BARE = {"Sigmoid", "Tanh", "LogSigmoid", "Softsign", "Tanhshrink", "Softmax2d"}  # take nothing


@pytest.mark.parametrize("name", [n for n in NAMES if n not in BUILTIN] + [n for n in CLASSES if n not in BARE])
def test_arguments_are_named_ordered_and_preset_as_in_pytorch(name):
    homes = (nn, torch.nn) if name in CLASSES else (F, TF)
    assert listed(getattr(homes[0], name)) == listed(getattr(homes[1], name))


# ---------------------------------------------------------------------- functions

ARGUMENTS = {
    "leaky_relu": [{}, {"negative_slope": 0.2}, {"negative_slope": -0.3}, {"negative_slope": 0.0}],
    "elu": [{}, {"alpha": 1.3}],
    "celu": [{}, {"alpha": 0.7}, {"alpha": 2}],
    "gelu": [{}, {"approximate": "tanh"}],
    "softplus": [{}, {"beta": 2.0}, {"beta": 2, "threshold": 1.0}, {"beta": 0.5, "threshold": 20}, {"beta": -2.0}],
    "hardtanh": [{}, {"min_val": -0.5, "max_val": 0.7}, {"min_val": 0.0, "max_val": 6.0}],
    "threshold": [{"threshold": 0.3, "value": 20.0}, {"threshold": -1, "value": 0}],
    "hardshrink": [{}, {"lambd": 1.5}],
    "softshrink": [{}, {"lambd": 0.3}, {"lambd": 0}],
    "softmax": [{"dim": 0}, {"dim": -1}],
    "log_softmax": [{"dim": 0}, {"dim": -1}],
    "softmin": [{"dim": 0}, {"dim": -1}],
    "glu": [{}, {"dim": 0}],
    "rrelu": [{}, {"lower": 0.1, "upper": 0.4}],
}
CALLS = [(name, settings) for name in NAMES if name not in ("prelu", "gumbel_softmax") for settings in ARGUMENTS.get(name, [{}])]
ONCE = {"hardsigmoid"}  # which PyTorch cannot differentiate twice


def call_of(home, name, settings):
    """The function; softshrink and its like take their settings by position in PyTorch."""
    return lambda x: getattr(home, name)(x, **settings)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 6), (2, 3, 4), (20000,)], ids=str)
@pytest.mark.parametrize(("name", "settings"), CALLS)
def test_functions(name, settings, shape, dtype):
    if name == "glu" and shape == (20000,) and settings:
        settings = {"dim": -1}
    arrays = [numbers(*shape)]
    orders = 1 if name in ONCE or len(shape) == 1 else 2
    tolerance = ROUGH.get(name) if dtype == "float64" else None
    functions_agree(call_of(F, name, settings), call_of(TF, name, settings), arrays, dtype, orders, tolerance)


POINTS = [-30.0, -6.0, -3.0, -1.0, -0.5, -0.0, 0.0, 1e-12, 0.5, 1.0, 3.0, 6.0, 20.0, 30.0, -700.0, 700.0, 1e-40]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "settings"), [(n, s) for n, s in CALLS if "soft" not in n[:4] or n in ("softplus", "softsign")])
def test_where_formulas_change_and_far_out(name, settings, dtype):
    if name == "glu":
        return
    tolerance = ROUGH.get(name) if dtype == "float64" else None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        functions_agree(call_of(F, name, settings), call_of(TF, name, settings), [np.array(POINTS)], dtype, 1, tolerance)


@pytest.mark.parametrize("name", ["relu", "relu6", "hardtanh", "gelu", "silu", "mish", "sigmoid", "tanh", "elu", "softplus", "hardswish"])
def test_empty_and_0d(name):
    for shape in ((), (0,), (2, 0, 3)):
        functions_agree(getattr(F, name), getattr(TF, name), [numbers(*shape) if shape else np.array(0.7)])


def test_nan_passes():
    for name in ("relu", "relu6", "gelu", "silu", "mish", "hardswish", "leaky_relu", "elu", "softplus", "hardtanh"):
        mine, theirs = getattr(F, name)(ag.tensor([np.nan, 1.0])), getattr(TF, name)(torch.tensor([np.nan, 1.0]))
        close(mine, theirs, 1e-5)


@pytest.mark.parametrize(
    "name", ["relu", "relu6", "gelu", "silu", "mish", "hardswish", "leaky_relu", "elu", "celu", "hardtanh", "hardsigmoid"]
)
def test_the_gradient_where_the_input_is_nan(name):
    gradients = []  # of many elements: of a few, PyTorch's are others
    for lib, home in ((ag, F), (torch, TF)):
        x = lib.tensor(np.resize([np.nan, 1.0], 20000), requires_grad=True)
        gradients += lib.autograd.grad(getattr(home, name)(x).sum(), [x])
    close(*gradients, 1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_celu_of_a_negative_alpha(dtype):
    functions_agree(lambda x: F.celu(x, -2.0), lambda x: TF.celu(x, -2.0), [numbers(4, 6)], dtype)


@pytest.mark.parametrize("name", ["silu", "mish"])
def test_small_values_far_to_the_left_keep_their_digits(name):
    x = np.linspace(-80, -5, 301)
    exact = getattr(TF, name)(torch.tensor(x)).numpy()
    np.testing.assert_allclose(getattr(F, name)(ag.tensor(x)).numpy(), exact, rtol=1e-13)
    np.testing.assert_allclose(getattr(F, name)(ag.tensor(x, dtype=ag.float32)).numpy(), exact, rtol=2e-5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "entries"), [((), 1), ((4,), 1), ((3, 4), 4), ((3, 4, 2), 4), ((3, 4, 2), 1), ((2, 4, 2, 2), 4)])
def test_prelu(shape, entries, dtype):
    functions_agree(F.prelu, TF.prelu, [numbers(*shape), numbers(entries, seed=4)], dtype)


INPLACE = "relu relu6 leaky_relu elu selu celu silu mish hardtanh hardsigmoid hardswish rrelu"


@pytest.mark.parametrize("name", INPLACE.split())
def test_in_place_forms(name):
    def call(home):
        def run(x):
            y = x * 1
            out = getattr(home, name)(y, inplace=True)
            assert out is y
            return out

        return run

    functions_agree(call(F), call(TF), [numbers(4, 6)], orders=1 if name in ONCE else 2, tolerance=ROUGH.get(name))


@pytest.mark.parametrize("hard", [False, True])
def test_gumbel_softmax_of_certainty(hard):
    scores = np.array([[1000.0, 0.0, 0.0], [0.0, 0.0, 1000.0]])
    mine, theirs = F.gumbel_softmax(ag.tensor(scores), 0.1, hard), TF.gumbel_softmax(torch.tensor(scores), 0.1, hard)
    close(mine, theirs, 1e-9)


# ---------------------------------------------------------------------- modules

MODULES = [
    "ReLU()",
    "ReLU6()",
    "LeakyReLU(0.2)",
    "PReLU()",
    "PReLU(4, 0.1)",
    "ELU(0.5)",
    "SELU()",
    "CELU(0.7)",
    "GELU()",
    "GELU('tanh')",
    "SiLU()",
    "Mish()",
    "Sigmoid()",
    "Tanh()",
    "Softmax(1)",
    "LogSoftmax(-1)",
    "LogSigmoid()",
    "Softplus(2, 3)",
    "Softsign()",
    "Hardtanh(-2, 0.5)",
    "Hardsigmoid()",
    "Hardswish()",
    "GLU(1)",
    "Hardshrink(0.8)",
    "Softshrink(0.8)",
    "Tanhshrink()",
    "Threshold(0.1, 5.0)",
    "RReLU(0.1, 0.2).eval()",
    "Softmin(0)",
    "Softmax2d()",
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("made", MODULES)
def test_modules(made, dtype):
    mine, theirs = eval(f"N.{made}", {"N": nn}), eval(f"N.{made}", {"N": torch.nn})
    assert repr(mine) == repr(theirs)
    kind = made.partition("(")[0]
    tolerance = ROUGH.get(kind) if dtype == "float64" else None
    modules_agree(mine, theirs, [numbers(2, 4, 3, 2)], dtype, 1 if kind == "Hardsigmoid" else 2, tolerance)


# ---------------------------------------------------------------------- dtypes and what is refused

EXTRA = {"threshold": (0.1, 2.0), "softmax": (0,), "log_softmax": (0,), "softmin": (0,)}
WIDER = {  # computed here, as docs/deviations.md says
    *((n, d) for n in ("softmax", "log_softmax", "softmin") for d in ("int64", "uint8", "bool", "complex64")),
    ("softsign", "bool"),
    ("tanhshrink", "bool"),
}


@pytest.mark.parametrize("dtype", ["float16", "int64", "uint8", "bool", "complex64"])
@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("prelu", "gumbel_softmax")])
def test_dtypes_are_those_of_pytorch(name, dtype):
    if (name, dtype) in WIDER:
        return
    found = []
    for lib, home in ((ag, F), (torch, TF)):
        try:
            found.append(str(getattr(home, name)(lib.ones(4, dtype=getattr(lib, dtype)), *EXTRA.get(name, ())).dtype).split(".")[-1])
        except RuntimeError:
            found.append("refused")
    assert found[0] == found[1]


REFUSED = [
    "F.hardtanh(x, 2, 1)",
    "F.gelu(x, approximate='erf')",
    "F.celu(x, 0)",
    "F.softshrink(x, -1.0)",
    "F.glu(L.ones(3))",
    "F.prelu(x, L.ones(3))",
    "F.prelu(x, L.ones(1).double())",
    "F.prelu(x, L.ones(1, 1, 1))",
    "F.glu(x, 5)",
    "F.glu(L.tensor(1.0))",
    "F.rrelu(x, 0.5, 0.1)",
    "F.rrelu(x, 0.5, 0.1, True)",
    "F.relu(None)",
    "F.leaky_relu('x')",
    "F.hardtanh([1.0])",
    "N.Hardtanh(1, 1)",
    "N.Softmax2d()(x)",
    "N.PReLU(3)(x)",
    "F.softmax(x, 4)",
]


@pytest.mark.parametrize("call", REFUSED)
def test_what_pytorch_refuses_is_refused_with_its_exception(call):
    with pytest.raises(Exception) as theirs:  # noqa: PT011 - whichever PyTorch raises
        eval(call, {"L": torch, "F": TF, "N": torch.nn, "x": torch.ones(4, 2)})
    with pytest.raises((RuntimeError, ValueError, TypeError, IndexError, AssertionError)) as mine:
        eval(call, {"L": ag, "F": F, "N": nn, "x": ag.ones(4, 2)})
    assert isinstance(mine.value, theirs.type), f"{mine.value!r}, PyTorch {theirs.value!r}"
