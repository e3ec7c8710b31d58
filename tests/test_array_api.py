"""The array API standard's namespace: that it is whole, that values and dtypes are the standard's, and that it records."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.array_api as xp
from autograd_core.autograd import gradcheck

NAMES = """
    e inf nan newaxis pi
    arange asarray empty empty_like eye from_dlpack full full_like linspace meshgrid ones ones_like tril triu zeros zeros_like
    astype can_cast finfo iinfo isdtype result_type
    bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64 complex128
    abs acos acosh add asin asinh atan atan2 atanh bitwise_and bitwise_left_shift bitwise_invert bitwise_or bitwise_right_shift bitwise_xor
    ceil clip conj copysign cos cosh divide equal exp expm1 floor floor_divide greater greater_equal hypot imag isfinite isinf isnan less
    less_equal log log1p log2 log10 logaddexp logical_and logical_not logical_or logical_xor maximum minimum multiply negative nextafter
    not_equal positive pow real reciprocal remainder round sign signbit sin sinh square sqrt subtract tan tanh trunc
    take take_along_axis matmul matrix_transpose tensordot vecdot
    broadcast_arrays broadcast_to concat expand_dims flip moveaxis permute_dims repeat reshape roll squeeze stack tile unstack
    argmax argmin count_nonzero nonzero searchsorted where unique_all unique_counts unique_inverse unique_values argsort sort
    cumulative_prod cumulative_sum max mean min prod std sum var all any diff __array_namespace_info__ linalg fft
"""
LINALG = """
    cholesky cross det diagonal eigh eigvalsh inv matmul matrix_norm matrix_power matrix_rank matrix_transpose outer pinv qr slogdet
    solve svd svdvals tensordot trace vecdot vector_norm
"""
FFT = "fft ifft fftn ifftn rfft irfft rfftn irfftn hfft ihfft fftfreq rfftfreq fftshift ifftshift"


@pytest.mark.parametrize("name", NAMES.split())
def test_namespace_has(name):
    assert hasattr(xp, name)


@pytest.mark.parametrize(("module", "name"), [(m, n) for m, names in (("linalg", LINALG), ("fft", FFT)) for n in names.split()])
def test_extension_has(module, name):
    assert hasattr(getattr(xp, module), name)


RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4))
M = RNG.normal(size=(3, 3)) + 3 * np.eye(3)
V = RNG.normal(size=3)
SYM = M @ M.T
POINTWISE = {
    "of one": (
        "abs asin asinh atan ceil cos cosh exp expm1 floor isfinite isinf isnan negative positive round sign signbit sin sinh square tan "
        "tanh trunc reciprocal real conj atanh acos logical_not",
        lambda f, x: f(x * 0.3),
    ),
    "of one positive": ("log log10 log1p log2 sqrt acosh", lambda f, x: f(x * x + 1.5)),
    "of two": (
        "add atan2 copysign divide equal floor_divide greater greater_equal hypot less less_equal logaddexp maximum minimum multiply "
        "not_equal remainder subtract logical_and logical_or logical_xor nextafter",
        lambda f, x: f(x, x[0] * 1.3 + 0.1),
    ),
    "powers": ("pow", lambda f, x: f(x * x + 0.5, x[0])),
    "of a number": ("add subtract multiply divide maximum pow", lambda f, x: f(x * x + 0.5, 2.5)),
    "of whole numbers": (
        "bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift",
        lambda f, x: f(abs(x * 10).astype("int64") if isinstance(x, np.ndarray) else abs(x * 10).long(), 3),
    ),
}
CALLS = {
    **{
        f"{name} {kind}": (lambda n, x, name=name, call=call: call(getattr(n, name), x))
        for kind, (names, call) in POINTWISE.items()
        for name in names.split()
    },
    **{
        f"{name} axis={axis} keepdims={keep}": (lambda n, x, name=name, axis=axis, keep=keep: getattr(n, name)(x, axis=axis, keepdims=keep))
        for name in "sum mean prod max min std var all any count_nonzero argmax argmin".split()
        for axis in (None, 0, -1, (0, 1))
        for keep in (False, True)
        if not (isinstance(axis, tuple) and "arg" in name)
    },
    "std correction": lambda n, x: n.std(x, axis=0, correction=1.0),
    "var correction": lambda n, x: n.var(x, correction=1),
    "clip": lambda n, x: n.clip(x, -0.5, 0.7),
    "clip below": lambda n, x: n.clip(x, min=-0.5),
    "take": lambda n, x: n.take(x, n.asarray([2, 0, 2]), axis=1),
    "take_along_axis": lambda n, x: n.take_along_axis(x, n.asarray([[0, 3], [1, 1], [2, 0]]), axis=1),
    "matmul": lambda n, x: n.matmul(x, n.matrix_transpose(x)),
    "tensordot": lambda n, x: n.tensordot(x, n.matrix_transpose(x), axes=1),
    "tensordot of axes": lambda n, x: n.tensordot(x, x, axes=((0,), (0,))),
    "vecdot": lambda n, x: n.vecdot(x, x * 2, axis=0),
    "broadcast_arrays": lambda n, x: n.broadcast_arrays(x, x[0])[1],
    "broadcast_to": lambda n, x: n.broadcast_to(x, (2, 3, 4)),
    "concat": lambda n, x: n.concat([x, x * 2], axis=1),
    "concat flat": lambda n, x: n.concat([x, x * 2], axis=None),
    "expand_dims": lambda n, x: n.expand_dims(x, axis=1),
    "flip": lambda n, x: n.flip(x),
    "flip axis": lambda n, x: n.flip(x, axis=1),
    "moveaxis": lambda n, x: n.moveaxis(x, 0, 1),
    "permute_dims": lambda n, x: n.permute_dims(x, (1, 0)),
    "repeat": lambda n, x: n.repeat(x, 2, axis=0),
    "reshape": lambda n, x: n.reshape(x, (4, 3)),
    "roll": lambda n, x: n.roll(x, 1, axis=1),
    "squeeze": lambda n, x: n.squeeze(n.expand_dims(x, axis=0), axis=0),
    "stack": lambda n, x: n.stack([x, x], axis=-1),
    "tile": lambda n, x: n.tile(x, (2, 1)),
    "unstack": lambda n, x: n.unstack(x, axis=1)[2],
    "where": lambda n, x: n.where(x > 0, x, 2 * x),
    "sort": lambda n, x: n.sort(x, axis=0),
    "sort descending by hand": lambda n, x: n.flip(n.sort(x, axis=-1), axis=-1),
    "argsort": lambda n, x: n.argsort(x, axis=0),
    "searchsorted": lambda n, x: n.searchsorted(n.sort(x[0]), x[1]),
    "nonzero": lambda n, x: n.nonzero(x > 0)[1],
    "unique_values": lambda n, x: n.unique_values(n.concat([x, x])),
    "unique_counts": lambda n, x: n.unique_counts(n.concat([x, x])).counts,
    "unique_inverse": lambda n, x: n.unique_inverse(x).inverse_indices,
    "unique_all": lambda n, x: n.unique_all(x).indices,
    "cumulative_sum": lambda n, x: n.cumulative_sum(x, axis=1),
    "cumulative_sum from zero": lambda n, x: n.cumulative_sum(x, axis=1, include_initial=True),
    "cumulative_prod": lambda n, x: n.cumulative_prod(x, axis=0),
    "diff": lambda n, x: n.diff(x, axis=1),
    "tril": lambda n, x: n.tril(x),
    "triu": lambda n, x: n.triu(x, k=1),
    "linalg.cholesky": lambda n, x: n.linalg.cholesky(x[:, :3] @ n.matrix_transpose(x[:, :3]) + n.asarray(np.eye(3) * 3)),
    "linalg.cross": lambda n, x: n.linalg.cross(x[:, :3], x[:, 1:]),
    "linalg.det": lambda n, x: n.linalg.det(x[:, :3]),
    "linalg.diagonal": lambda n, x: n.linalg.diagonal(x, offset=1),
    "linalg.eigvalsh": lambda n, x: n.linalg.eigvalsh(x[:, :3] + n.matrix_transpose(x[:, :3])),
    "linalg.eigh": lambda n, x: n.linalg.eigh(x[:, :3] + n.matrix_transpose(x[:, :3])).eigenvalues,
    "linalg.inv": lambda n, x: n.linalg.inv(x[:, :3] + n.asarray(np.eye(3) * 5)),
    "linalg.matrix_norm": lambda n, x: n.linalg.matrix_norm(x),
    "linalg.matrix_power": lambda n, x: n.linalg.matrix_power(x[:, :3], 3),
    "linalg.matrix_rank": lambda n, x: n.linalg.matrix_rank(x),
    "linalg.outer": lambda n, x: n.linalg.outer(x[0], x[:, 0]),
    "linalg.pinv": lambda n, x: n.linalg.pinv(x),
    "linalg.qr": lambda n, x: n.abs(n.linalg.qr(n.matrix_transpose(x)).R),
    "linalg.slogdet": lambda n, x: n.linalg.slogdet(x[:, :3]).logabsdet,
    "linalg.solve": lambda n, x: n.linalg.solve(x[:, :3] + n.asarray(np.eye(3) * 5), x[:, 3:]),
    "linalg.svd": lambda n, x: n.linalg.svd(x, full_matrices=False).S,
    "linalg.svdvals": lambda n, x: n.linalg.svdvals(x),
    "linalg.trace": lambda n, x: n.linalg.trace(x, offset=1),
    "linalg.vecdot": lambda n, x: n.linalg.vecdot(x, x),
    "linalg.vector_norm": lambda n, x: n.linalg.vector_norm(x, axis=1),
    "linalg.vector_norm ord": lambda n, x: n.linalg.vector_norm(x, ord=3, keepdims=True),
    "fft.fft": lambda n, x: n.abs(n.fft.fft(n.astype(x, n.complex128))),
    "fft.ifft": lambda n, x: n.real(n.fft.ifft(n.astype(x, n.complex128), axis=0)),
    "fft.rfft": lambda n, x: n.imag(n.fft.rfft(x)),
    "fft.irfft": lambda n, x: n.fft.irfft(n.fft.rfft(x), n=4),
    "fft.fftn": lambda n, x: n.abs(n.fft.fftn(n.astype(x, n.complex128))),
    "fft.rfftn": lambda n, x: n.abs(n.fft.rfftn(x)),
    "fft.hfft": lambda n, x: n.fft.hfft(n.astype(x, n.complex128)),
    "fft.fftshift": lambda n, x: n.fft.fftshift(x, axes=1),
}
NO_GRADIENT = """
    isfinite isinf isnan equal greater less not_equal logical signbit nextafter bitwise arg nonzero count search unique all any matrix_rank
"""


@pytest.mark.parametrize("name", CALLS)
def test_function(name):
    """Values and dtypes are NumPy's, which follows the standard; gradients are those of finite differences."""
    x = ag.tensor(X, requires_grad=True)
    result = CALLS[name](xp, x)
    expected = np.asarray(CALLS[name](np, X))
    assert isinstance(result, ag.Tensor)
    assert tuple(result.shape) == expected.shape
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result.detach().numpy(), expected, rtol=1e-10, atol=1e-12)
    if result.requires_grad:
        gradcheck(lambda x: CALLS[name](xp, x), [x], atol=1e-5)
    else:
        assert any(part in name for part in NO_GRADIENT.split()), "the gradient is lost"


@pytest.mark.parametrize("dtype", "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64 complex128".split())
@pytest.mark.parametrize("other", "bool int8 int16 int32 int64 uint8 uint16 uint32 float32 float64 complex64 complex128".split())
def test_promotion(dtype, other):
    """In functions, tensors of no dimensions count like others."""
    expected = np.result_type(np.dtype(dtype), np.dtype(other))
    assert xp.result_type(getattr(xp, dtype), getattr(xp, other)) == expected
    for shapes in (((2,), (2,)), ((), (2,)), ((2,), ()), ((), ())):
        a, b = xp.ones(shapes[0], dtype=getattr(xp, dtype)), xp.ones(shapes[1], dtype=getattr(xp, other))
        assert xp.multiply(a, b).dtype == expected


def test_numbers_are_weak():
    x = xp.ones(2, dtype=xp.float32)
    assert xp.add(x, 2.0).dtype == xp.multiply(2, x).dtype == (x + 1).dtype == xp.float32
    assert xp.add(xp.ones(2, dtype=xp.int8), 1).dtype == xp.int8


def test_information():
    info = xp.__array_namespace_info__()
    assert info.capabilities() == {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}
    assert info.default_device() == "cpu"
    assert info.devices() == [info.default_device()]
    assert info.default_dtypes()["integral"] == xp.int64
    assert set(info.dtypes(kind="real floating")) == {"float32", "float64"}
    assert set(info.dtypes(kind=("bool", "unsigned integer"))) == {"bool", "uint8", "uint16", "uint32", "uint64"}
    assert len(info.dtypes()) == 13
    assert xp.isdtype(xp.float32, "real floating")
    assert xp.isdtype(xp.int8, ("integral", "bool"))
    assert not xp.isdtype(xp.int8, xp.int16)
    assert xp.finfo(xp.float32).bits == 32
    assert xp.iinfo(xp.ones(2, dtype=xp.int16)).max == 32767
    assert xp.can_cast(xp.int8, xp.int16)
    assert not xp.can_cast(xp.float64, xp.float32)


def test_making():
    assert xp.asarray([1, 2]).dtype == xp.int64
    assert xp.asarray([1.5]).dtype == ag.get_default_dtype()
    assert xp.asarray(1j).dtype == xp.complex64
    array = np.ones(2)
    assert xp.asarray(array).numpy() is array
    assert xp.asarray(array, copy=True).numpy() is not array
    with pytest.raises(ValueError, match="copy"):
        xp.asarray([1.0], copy=False)
    x = ag.ones(2, requires_grad=True)
    assert xp.asarray(x) is x
    assert xp.asarray(x, dtype=xp.float64).requires_grad
    np.testing.assert_array_equal(xp.linspace(0, 1, 4, endpoint=False).numpy(), [0, 0.25, 0.5, 0.75])
    assert xp.arange(3).dtype == xp.int64
    assert xp.arange(0.0, 1.0, 0.25).tolist() == [0, 0.25, 0.5, 0.75]
    assert xp.full((2,), 7).dtype == xp.int64
    assert xp.full((2,), True).dtype == xp.bool
    for indexing in ("xy", "ij"):
        for ours, theirs in zip(
            xp.meshgrid(xp.arange(2), xp.arange(3), xp.arange(4), indexing=indexing),
            np.meshgrid(np.arange(2), np.arange(3), np.arange(4), indexing=indexing),
            strict=True,
        ):
            np.testing.assert_array_equal(ours.numpy(), theirs)
    with pytest.raises(RuntimeError, match="CPU"):
        xp.zeros(2, device="cuda")
    with pytest.raises(ValueError, match="imaginary"):
        xp.astype(xp.asarray([1j]), xp.float32)
    with pytest.raises(TypeError, match="at least one argument"):
        xp.add(1, 2)


def test_from_the_tensor():
    x = ag.ones(2)
    assert x.__array_namespace__() is xp
    assert x.__array_namespace__(api_version="2024.12") is xp
    with pytest.raises(ValueError, match="1999"):
        x.__array_namespace__(api_version="1999.12")
    assert x.to_device("cpu") is x
    assert x.device == "cpu"


SCIPY = r"""
import os
os.environ["SCIPY_ARRAY_API"] = "1"
import numpy as np
import scipy.cluster.vq, scipy.fft, scipy.integrate, scipy.signal, scipy.special, scipy.stats
import autograd_core as ag
from autograd_core.autograd import gradcheck

X = np.random.default_rng(0).normal(size=(6, 4))
CASES = {
    "logsumexp": lambda x: scipy.special.logsumexp(x, axis=1),
    "softmax": lambda x: scipy.special.softmax(x, axis=1),
    "log_softmax": lambda x: scipy.special.log_softmax(x, axis=1),
    "xlogy": lambda x: scipy.special.xlogy(x * x, x * x),
    "fft": lambda x: abs(scipy.fft.fft(x, axis=0)) ** 2,
    "rfft": lambda x: abs(scipy.fft.rfft(x, axis=0)) ** 2,
    "zscore": lambda x: scipy.stats.zscore(x),
    "skew": lambda x: scipy.stats.skew(x),
    "kurtosis": lambda x: scipy.stats.kurtosis(x),
    "gmean": lambda x: scipy.stats.gmean(x * x + 1),
    "hmean": lambda x: scipy.stats.hmean(x * x + 1),
    "moment": lambda x: scipy.stats.moment(x, 3),
    "sem": lambda x: scipy.stats.sem(x),
    "variation": lambda x: scipy.stats.variation(x + 5),
    "whiten": lambda x: scipy.cluster.vq.whiten(x),
    "fftconvolve": lambda x: scipy.signal.fftconvolve(x[:, 0], x[:, 1]),
    "trapezoid": lambda x: scipy.integrate.trapezoid(x, axis=0),
    "cumulative_trapezoid": lambda x: scipy.integrate.cumulative_trapezoid(x, axis=0),
}
for name, function in CASES.items():
    x = ag.tensor(X, requires_grad=True)
    result = function(x)
    assert isinstance(result, ag.Tensor) and result.requires_grad, name
    np.testing.assert_allclose(result.detach().numpy(), function(X), rtol=1e-9, atol=1e-12, err_msg=name)
    gradcheck(function, [x])
print("all", len(CASES))
"""


def test_scipy():
    """SciPy's functions of any array take Tensors, and their results are differentiated."""
    pytest.importorskip("scipy", reason="science extra not installed")
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", SCIPY], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == ["all", "18"]


def test_sorting_downwards():
    x = ag.tensor(X, requires_grad=True)
    np.testing.assert_array_equal(xp.sort(x, axis=0, descending=True).detach().numpy(), -np.sort(-X, axis=0))
    np.testing.assert_array_equal(xp.argsort(x, descending=True).numpy(), np.argsort(-X))
    ties = xp.asarray([1, 0, 1, 0])
    assert xp.argsort(ties, descending=True, stable=True).tolist() == [0, 2, 1, 3]
    gradcheck(lambda x: xp.sort(x, descending=True), [x])


def test_the_sign_of_nan_is_nan():
    assert np.isnan(xp.sign(xp.asarray([np.nan]))[0].item())
    x = ag.tensor([np.nan, -2.0, 0.0], requires_grad=True)
    np.testing.assert_array_equal(np.sign(x).detach().numpy(), [np.nan, -1, 0])
