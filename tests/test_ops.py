"""Every operation against NumPy and finite differences, over the rows of the table; and its special points."""

from __future__ import annotations

import importlib
import inspect
import warnings

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.check import gradcheck, gradgradcheck
from autograd_core.ops import activation, linalg
from autograd_core.ops.shape import sum_to
from autograd_core.plan import names_of
from tests.table import ROWS, Row, declared

VALUES = [pytest.param(row, id=row.id) for row in ROWS.values() if row.numpy is not None]
FIRST = [pytest.param(row, id=row.id) for row in ROWS.values() if row.orders >= 1]
SECOND = [pytest.param(row, id=row.id) for row in ROWS.values() if row.orders >= 2]
POINTWISE = [pytest.param(row, id=row.id) for row in ROWS.values() if row.pointwise]
BROADCAST = [pytest.param(row, id=row.id) for row in ROWS.values() if row.broadcasts]
FUSED = [name for name, call in declared().items() if call.op.backward is not None]


def arrays_of(row: Row) -> tuple[np.ndarray, ...]:
    return row.arrays(np.random.default_rng(1))


def leaves(arrays, dtype=None):
    return [ag.tensor(a, dtype=dtype, requires_grad=np.asarray(a).dtype.kind == "f") for a in arrays]


def weights_for(result):
    """Fixed weights, one for each element, so that a wrong order of elements shows."""
    return ag.tensor(np.linspace(0.5, 1.5, result.numel()).reshape(tuple(result.shape)), dtype=result.dtype)


def pulled(row, inputs):
    """Value and gradients of the weighted sum."""
    result = row.call(*inputs)
    return result, ag.autograd.grad(result, inputs, weights_for(result), materialize_grads=True)


def test_every_operation_has_a_row():
    missing = set(declared()) - {row.op for row in ROWS.values()}
    assert not missing, f"no row in tests/table.py for {sorted(missing)}"


def test_every_row_has_an_operation():
    assert not {row.op for row in ROWS.values()} - set(declared())


@pytest.mark.parametrize("row", VALUES)
def test_value(row):
    arrays = arrays_of(row)
    result = row.call(*leaves(arrays))
    expected = np.asarray(row.numpy(*arrays))
    assert isinstance(result, ag.Tensor)
    assert tuple(result.shape) == expected.shape
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result.detach().numpy(), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in ROWS.values() if row.orders == 0])
def test_no_gradient(row):
    assert not row.call(*leaves(arrays_of(row))).requires_grad


@pytest.mark.parametrize("row", FIRST)
def test_gradient(row):
    assert row.call(*leaves(arrays_of(row))).requires_grad
    gradcheck(row.call, leaves(arrays_of(row)), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("row", SECOND)
def test_double_gradient(row):
    gradgradcheck(row.call, leaves(arrays_of(row)), atol=row.tolerance, rtol=1e-4)


@pytest.mark.parametrize("row", FIRST)
def test_recorded_pass_equals_plain_pass(row):
    inputs = leaves(arrays_of(row))
    _, plain = pulled(row, inputs)
    result = row.call(*inputs)
    recorded = ag.autograd.grad(result, inputs, weights_for(result), create_graph=True, materialize_grads=True)
    for p, r in zip(plain, recorded, strict=True):
        np.testing.assert_allclose(p.numpy(), r.detach().numpy(), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in ROWS.values() if row.floats])
def test_dtype_is_kept(row):
    arrays = arrays_of(row)
    for dtype in row.floats:
        inputs = leaves(arrays, dtype)
        result = row.call(*inputs)
        expected = row.call(*leaves(arrays))
        if expected.dtype.kind == "f":
            assert result.dtype == dtype
            tolerance = {"float16": 2e-2, "float32": 2e-5, "float64": 1e-14}[dtype]
            np.testing.assert_allclose(result.detach().numpy(), expected.detach().numpy(), rtol=tolerance, atol=tolerance)
        if row.orders:
            _, gradients = pulled(row, inputs)
            _, exact = pulled(row, leaves(arrays))
            for g, e in zip(gradients, exact, strict=True):
                assert g.dtype == dtype
                tolerance = {"float16": 1e-1, "float32": 1e-4, "float64": 1e-14}[dtype]
                np.testing.assert_allclose(g.numpy(), e.numpy(), rtol=tolerance, atol=tolerance)


LAYOUTS = {
    "negative strides": lambda a: np.asarray(np.flip(np.flip(a).copy())),
    "transposed": lambda a: np.asarray(a, order="F"),
    "every other": lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a,
    "read-only": lambda a: np.broadcast_to(a, a.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in ROWS.values() if row.floats])
def test_layout_does_not_matter(row, layout):
    arrays = arrays_of(row)
    others = [ag.from_numpy(LAYOUTS[layout](a)) for a in arrays]
    result, expected = row.call(*others), row.call(*leaves(arrays))
    np.testing.assert_allclose(result.numpy(), expected.detach().numpy(), rtol=1e-13, atol=1e-15)
    if row.orders:
        _, gradients = pulled(row, [o.requires_grad_() for o in others])
        _, exact = pulled(row, leaves(arrays))
        for g, e in zip(gradients, exact, strict=True):
            np.testing.assert_allclose(g.numpy(), e.numpy(), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (1,), (2, 1, 3)], ids=str)
@pytest.mark.parametrize("row", POINTWISE)
def test_shapes_of_pointwise(row, shape):
    """Empty and 0-d tensors too."""
    rng = np.random.default_rng(2)
    arrays = [np.resize(a.ravel(), shape) if np.prod(shape) else np.zeros(shape) for a in row.arrays(rng)]
    inputs = leaves(arrays)
    result = row.call(*inputs)
    expected = np.asarray(row.numpy(*arrays))
    assert tuple(result.shape) == expected.shape == shape
    np.testing.assert_allclose(result.detach().numpy(), expected, rtol=1e-12)
    if row.orders:
        _, gradients = pulled(row, inputs)
        assert all(tuple(g.shape) == shape and g.dtype == np.float64 for g in gradients)


@pytest.mark.parametrize(
    "shapes", [((3, 1), (4,)), ((), (2, 3)), ((2, 3), ()), ((1, 3), (2, 1, 1)), ((0, 3), (1,)), ((2, 3), (1, 1))], ids=str
)
@pytest.mark.parametrize("row", BROADCAST)
def test_broadcasting(row, shapes):
    domain = arrays_of(row)
    arrays = [np.resize(a.ravel(), s) if np.prod(s) else np.zeros(s) for a, s in zip(domain, shapes, strict=True)]
    inputs = leaves(arrays)
    result = row.call(*inputs)
    np.testing.assert_allclose(result.detach().numpy(), row.numpy(*arrays), rtol=1e-12)
    if row.orders:
        _, gradients = pulled(row, inputs)
        for g, s in zip(gradients, shapes, strict=True):
            assert tuple(g.shape) == s
        if result.numel():
            gradcheck(row.call, leaves(arrays), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("row", BROADCAST)
def test_python_scalars_on_either_side(row):
    a, b = arrays_of(row)
    for dtype in ("float32", "float64"):
        for args, which in (((a, float(b[1])), 0), ((float(np.ravel(a)[1]), b), 1)):
            inputs = [ag.tensor(v, dtype=dtype, requires_grad=True) if isinstance(v, np.ndarray) else v for v in args]
            result = row.call(*inputs)
            np.testing.assert_allclose(result.detach().numpy(), row.numpy(*args), rtol=1e-5)
            assert result.dtype == (np.bool_ if row.orders == 0 else dtype)
            if row.orders:
                (g,) = ag.autograd.grad(result, inputs[which], weights_for(result))
                assert g.dtype == dtype
                full = [ag.tensor(v, dtype="float64", requires_grad=True) for v in args]
                np.testing.assert_allclose(g.numpy(), pulled(row, full)[1][which].numpy(), rtol=1e-4, atol=1e-6)


def call_of(row, op):
    """What a row calls its operation with."""
    calls = []

    class Spy:
        """The operation, called as the row calls it, noting what with."""

        def __call__(self, *args, **settings):
            calls.append((args, settings))
            return op.call(*args, **settings)

    module, _, attribute = row.op.partition(".")
    home = importlib.import_module(f"autograd_core.ops.{module}")
    original = getattr(home, attribute)
    try:
        setattr(home, attribute, Spy())
        row.call(*leaves(arrays_of(row)))
    finally:
        setattr(home, attribute, original)
    assert calls, f"{row.id}: the row does not call the operation through its module"
    return calls[0]


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in ROWS.values() if row.op in FUSED])
def test_fused_equals_its_reference(row):
    """Value, gradient and double gradient of the kernel and of what it is made of."""
    op = declared()[row.op].op
    args, settings = call_of(row, op)

    def both(function):
        given = [ag.tensor(a.detach().numpy(), requires_grad=a.requires_grad) if isinstance(a, ag.Tensor) else a for a in args]
        by = [g for g in given if isinstance(g, ag.Tensor) and g.requires_grad]
        result = function(*given, **settings)
        results = [r for r in (result if isinstance(result, tuple) else (result,)) if r.is_floating_point()]
        weights = [weights_for(r) for r in results]
        first = ag.autograd.grad(results, by, weights, retain_graph=True)
        recorded = ag.autograd.grad(results, by, weights, create_graph=True)
        second = ag.autograd.grad(sum((g * g).sum() for g in recorded), by, materialize_grads=True)  # nothing depends on a bias twice
        return [*[r.detach() for r in results], *first, *second]

    for fast, slow in zip(both(op.call), both(op.reference), strict=True):
        np.testing.assert_allclose(fast.numpy(), slow.numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in ROWS.values() if row.op in FUSED])
def test_fused_equals_the_rules_it_is_explained_by(row):
    op = declared()[row.op].op
    if not any(op.rules):
        pytest.skip("explained by its reference alone")
    args, settings = call_of(row, op)
    arrays = [a.detach().numpy() if isinstance(a, ag.Tensor) else a for a in args]
    out, kept = op.forward(*arrays, **settings)
    g = np.linspace(0.5, 1.5, out.size).reshape(out.shape)
    asks = "needs" in inspect.signature(op.backward).parameters
    parts = op.backward(g, *kept, **({"needs": tuple(a is not None for a in arrays)} if asks else {}))
    for k, (rule, part) in enumerate(zip(op.rules, parts, strict=True)):
        if rule is not None and part is not None:
            values = dict(zip(op.arguments, arrays, strict=True)) | {**op.settings, **settings} | {"out": out, "shape": np.shape(arrays[k])}
            explained = rule(g, *[values[n] for n in names_of(rule)])
            np.testing.assert_allclose(sum_to(explained, target=part.shape), part, rtol=1e-12, atol=1e-14)


# ---------------------------------------------------------------------- special points: (function, input, value, gradient)

inf, nan = np.inf, np.nan
SPECIAL = {
    "abs at 0": (lambda t: t.abs(), [0.0, -0.0], [0.0, 0.0], [0.0, 0.0]),
    "relu at 0": (lambda t: t.relu(), [0.0, -1.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]),
    "sign at 0": (lambda t: t.sign(), [0.0, 2.0], [0.0, 1.0], [0.0, 0.0]),
    "sqrt at 0": (lambda t: t.sqrt(), [0.0, 4.0], [0.0, 2.0], [inf, 0.25]),
    "log at 0": (lambda t: t.log(), [0.0, 1.0], [-inf, 0.0], [inf, 1.0]),
    "reciprocal of 2": (lambda t: t.reciprocal(), [2.0], [0.5], [-0.25]),
    "square of 0": (lambda t: t**2, [0.0, 3.0], [0.0, 9.0], [0.0, 6.0]),
    "power 0 of 0": (lambda t: t**0, [0.0, 3.0], [1.0, 1.0], [0.0, 0.0]),
    "power 1 of 0": (lambda t: t**1, [0.0, 3.0], [0.0, 3.0], [1.0, 1.0]),
    "power 3 of 0": (lambda t: t**3.0, [0.0, -1.0], [0.0, -1.0], [0.0, 3.0]),
    "power 0.5 of 0": (lambda t: t**0.5, [0.0, 4.0], [0.0, 2.0], [inf, 0.25]),
    "number to a power": (lambda t: 2.0**t, [0.0, 3.0], [1.0, 8.0], [np.log(2), 8 * np.log(2)]),
    "zero to a power": (lambda t: 0.0**t, [0.0, 3.0], [1.0, 0.0], [0.0, 0.0]),
    "tensor to tensor powers": (lambda t: t ** t.detach(), [0.0, 2.0], [1.0, 4.0], [0.0, 4.0]),
    "prod with one zero": (lambda t: t.prod(), [2.0, 0.0, 3.0], 0.0, [0.0, 6.0, 0.0]),
    "prod with two zeros": (lambda t: t.prod(), [0.0, 0.0, 3.0], 0.0, [0.0, 0.0, 0.0]),
    "prod of nothing": (lambda t: t.prod(), [], 1.0, []),
    "amax tie": (lambda t: t.amax(), [1.0, 3.0, 3.0], 3.0, [0.0, 0.5, 0.5]),
    "amin tie": (lambda t: t.amin(), [1.0, 1.0, 1.0, 2.0], 1.0, [1 / 3, 1 / 3, 1 / 3, 0.0]),
    "max over all, tie": (lambda t: t.max(), [1.0, 3.0, 3.0], 3.0, [0.0, 0.5, 0.5]),
    "max over dim, tie": (lambda t: t.max(0).values, [1.0, 3.0, 3.0], 3.0, [0.0, 1.0, 0.0]),
    "min over dim, tie": (lambda t: t.min(0).values, [1.0, 1.0, 3.0], 1.0, [1.0, 0.0, 0.0]),
    "maximum tie": (lambda t: t.maximum(t.detach()), [1.0, 2.0], [1.0, 2.0], [0.5, 0.5]),
    "minimum tie": (lambda t: t.minimum(t.detach()), [1.0, 2.0], [1.0, 2.0], [0.5, 0.5]),
    "clamp at bounds": (lambda t: t.clamp(-1.0, 1.0), [-2.0, -1.0, 0.0, 1.0, 2.0], [-1.0, -1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0, 0.0]),
    "norm at 0": (lambda t: t.norm(), [0.0, 0.0], 0.0, [0.0, 0.0]),
    "norm p=1 at 0": (lambda t: t.norm(p=1), [0.0, -2.0], 2.0, [0.0, -1.0]),
    "norm p=3 at 0": (lambda t: t.norm(p=3), [0.0, 0.0], 0.0, [0.0, 0.0]),
    "norm p=1.5, a row of zeros": (lambda t: t.reshape(2, 2).norm(p=1.5, dim=1), [0.0, 0.0, 0.0, -8.0], [0.0, 8.0], [0.0, 0.0, 0.0, -1.0]),
    "norm p=0.5 with a zero": (lambda t: t.norm(p=0.5), [0.0, 4.0], 4.0, [0.0, 1.0]),
    "norm p=-1 with a zero": (lambda t: t.norm(p=-1), [0.0, 4.0], 0.0, [0.0, 0.0]),
    "max with nan": (lambda t: t.max(), [1.0, nan, 2.0], nan, [0.0, 1.0, 0.0]),
    "min with two nans": (lambda t: t.min(), [nan, nan, 2.0], nan, [0.5, 0.5, 0.0]),
    "clamp to a tensor, nan": (lambda t: t.clamp(t.detach() * 0 + 2, t.detach() * 0 + 3)[1:], [nan, 1.0, 4.0], [2.0, 3.0], [0.0, 0.0, 0.0]),
    "logsumexp of nothing": (lambda t: t.reshape(0, 3).logsumexp(0), [], [-inf, -inf, -inf], []),
    "norm p=inf": (lambda t: t.norm(p=inf), [1.0, -2.0], 2.0, [0.0, -1.0]),
    "std of equals": (lambda t: t.std(), [2.0, 2.0, 2.0], 0.0, [0.0, 0.0, 0.0]),
    "var of equals": (lambda t: t.var(), [2.0, 2.0, 2.0], 0.0, [0.0, 0.0, 0.0]),
    "var of one": (lambda t: t.var(), [2.0], nan, [nan]),
    "logsumexp with -inf": (lambda t: t.logsumexp(0), [-inf, 1.0, 1.0], 1 + np.log(2), [0.0, 0.5, 0.5]),
    "logsumexp of large": (lambda t: t.logsumexp(0), [1000.0, 1000.0], 1000 + np.log(2), [0.5, 0.5]),
    "logsumexp with inf": (lambda t: t.logsumexp(0), [inf, 1.0], inf, [nan, 0.0]),
    "softmax with -inf": (lambda t: t.softmax(0)[1], [-inf, 0.0, 0.0], 0.5, [0.0, 0.25, -0.25]),
    "softmax of large": (lambda t: t.softmax(0)[0], [1e4, -1e4], 1.0, [0.0, 0.0]),
    "log_softmax with -inf": (lambda t: t.log_softmax(0)[1], [-inf, 0.0, 0.0], -np.log(2), [0.0, 0.5, -0.5]),
    "erf of inf": (lambda t: t.erf(), [inf, -inf, 30.0, 0.0], [1.0, -1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 2 / np.sqrt(np.pi)]),
    "sigmoid of large": (lambda t: t.sigmoid(), [-1e4, 1e4, 0.0], [0.0, 1.0, 0.5], [0.0, 0.0, 0.25]),
    "tanh of large": (lambda t: t.tanh(), [-1e4, 1e4], [-1.0, 1.0], [0.0, 0.0]),
    "cumsum": (lambda t: t.cumsum(0)[-1], [1.0, 2.0], 3.0, [1.0, 1.0]),
    "mean of nothing": (lambda t: t.mean(), [], nan, []),
    "sum of nothing": (lambda t: t.sum(), [], 0.0, []),
    "atan2 at 0": (lambda t: t.atan2(t.detach() * 0 + 1), [0.0], [0.0], [1.0]),
    "remainder of negative": (lambda t: t % 3.0, [-1.0, 4.0], [2.0, 1.0], [1.0, 1.0]),
}


@pytest.mark.parametrize("name", SPECIAL)
def test_special_point(name):
    function, given, value, gradient = SPECIAL[name]
    x = ag.tensor(np.array(given, dtype=np.float64), requires_grad=True)
    with np.errstate(all="ignore"):  # where the derivative is infinite, NumPy may say so
        result = function(x)
        result.sum().backward()
    np.testing.assert_allclose(result.detach().numpy(), value, rtol=1e-12)
    np.testing.assert_allclose(x.grad.numpy(), gradient, rtol=1e-12)


def test_where_hides_what_was_not_chosen():
    """The unchosen branch gets zero; 0 · ∞ in its own chain is nan, as in PyTorch."""
    x = ag.tensor([0.0, 4.0], dtype=ag.float64, requires_grad=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        ag.where(x > 0, x.log(), x * 2).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [np.nan, 0.25])
    x.grad = None
    ag.where(x > 0, ag.where(x > 0, x, 1).log(), x * 2).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2.0, 0.25])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(
    "function", ["sigmoid", "softplus", "softmax", "log_softmax", "logsumexp", "tanh", "erf", "gelu", "elu", "silu", "logsigmoid"]
)
def test_large_numbers_do_not_warn(function, dtype):
    call = {
        "softplus": activation.softplus,
        "softmax": lambda t: t.softmax(0),
        "log_softmax": lambda t: t.log_softmax(0),
        "logsumexp": lambda t: t.logsumexp(0),
        "gelu": activation.gelu,
        "elu": activation.elu,
        "silu": activation.silu,
        "logsigmoid": activation.logsigmoid,
    }.get(function) or getattr(ag, function)
    for large in (1e4, 800.0, 90.0) if dtype != "float16" else (200.0,):
        x = ag.tensor([-large, -1.0, 0.0, 1.0, large], dtype=dtype, requires_grad=True)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = call(x)
            result.sum().backward()
        assert np.isfinite(result.detach().numpy()).all()
        assert np.isfinite(x.grad.numpy()).all()


def test_bounds_that_are_tensors_do_not_hide_nan():
    x, low, high = (ag.tensor(v) for v in ([1.0, nan, 3.0, 5.0], [0.0, 0.0, nan, 1.0], [2.0, 2.0, 2.0, nan]))
    np.testing.assert_array_equal(x.clamp(low, high).numpy(), [1.0, nan, nan, nan])
    np.testing.assert_array_equal(x.clamp(min=low).numpy(), [1.0, nan, nan, 5.0])
    np.testing.assert_array_equal(x.clamp(max=high).numpy(), [1.0, nan, 2.0, nan])
    np.testing.assert_array_equal(x.clamp(ag.full((4,), 3.0), 2.0).numpy(), [2.0, nan, 2.0, 2.0])


def test_softshrink_does_not_hide_nan():
    from nn.functional import softshrink

    x = ag.tensor([nan, 0.5, -0.75, 2.0], requires_grad=True)
    softshrink(x).sum().backward()
    np.testing.assert_array_equal(softshrink(x.detach()).numpy(), [nan, 0.0, -0.25, 1.5])
    np.testing.assert_array_equal(x.grad.numpy(), [1.0, 0.0, 1.0, 1.0])


HALF = {  # on float16: the function, the input, the value, the gradient of the first entry
    "mean": (lambda t: t.mean(), np.ones(100_000), 1.0, 1e-5),
    "var": (lambda t: t.var(), np.arange(200_000) % 2, 0.25, -5e-6),
    "std": (lambda t: t.std(), np.arange(200_000) % 2, 0.5, -5e-6),
    "norm": (lambda t: t.norm(), np.arange(200_000) % 2, 316.25, 0.0),
    "norm of large": (lambda t: t.norm(), np.full(4, 300.0), 600.0, 0.5),
    "norm p=3": (lambda t: t.norm(p=3), np.full(8, 300.0), 600.0, 0.25),
    "softmax": (lambda t: t.softmax(0)[0], np.zeros(100_000), 1e-5, 1e-5),
    "log_softmax": (lambda t: t.log_softmax(0)[0], np.zeros(100_000), -np.log(1e5), 1.0),
    "logsumexp": (lambda t: t.logsumexp(0), np.zeros(100_000), np.log(1e5), 1e-5),
    "cumsum": (lambda t: t.cumsum(0)[-1], np.ones(20_000), 20_000.0, 1.0),
    "sum_to": (lambda t: t.reshape(-1, 2).sum_to_size(2)[0], np.ones(40_000), 20_000.0, 1.0),
}


@pytest.mark.parametrize("name", HALF)
def test_statistics_of_float16_are_computed_in_float32(name):
    function, given, value, gradient = HALF[name]
    x = ag.tensor(given, dtype=ag.float16, requires_grad=True)
    result = function(x)
    result.backward()
    assert result.dtype == x.grad.dtype == np.float16
    np.testing.assert_allclose(result.item(), value, rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(x.grad.numpy()[0], gradient, rtol=2e-2, atol=1e-7)


@pytest.mark.parametrize("shapes", [((2, 3, 0), (0, 5)), ((2, 3, 0), (0,)), ((2, 0, 3), (3, 5)), ((0, 2, 3), (3, 5))], ids=str)
def test_products_over_nothing(shapes):
    a, b = (ag.ones(*s, requires_grad=True) for s in shapes)
    result = a @ b
    assert result.tolist() == np.zeros(np.matmul(*[np.ones(s) for s in shapes]).shape).tolist()
    result.sum().backward()
    assert (a.grad.shape, b.grad.shape) == (a.shape, b.shape)


def test_linear_of_nothing():
    weight = ag.ones(5, 0, requires_grad=True)
    out = linalg.linear(ag.ones(2, 3, 0), weight, ag.ones(5))
    assert out.tolist() == np.ones((2, 3, 5)).tolist()
    out.sum().backward()
    assert weight.grad.shape == (5, 0)


def test_integers_wrap_round():
    small = ag.tensor([1, 255], dtype=ag.uint8)
    assert (small == -1).tolist() == [False, True]
    assert (small < 256).tolist() == [False, False]
    assert (small - 300).tolist() == [213, 211]
    assert (300 - small).tolist() == [43, 45]
    assert (small - 300).dtype == ag.uint8
    assert (ag.tensor([1], dtype=ag.int8) + 200).tolist() == [-55]


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_a_vector_of_nothing_is_joined_to_anything(dim):
    nothing, x = ag.zeros(0, dtype=ag.float64, requires_grad=True), ag.ones(2, 2, requires_grad=True)
    result = ag.cat([nothing, x, nothing], dim)
    assert result.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert result.dtype == ag.float64
    result.sum().backward()
    assert nothing.grad.shape == (0,)
    assert x.grad.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert ag.cat([nothing, ag.ones(3)]).shape == (3,)
    assert ag.cat([nothing, nothing]).shape == (0,)


def test_sizes_by_name():
    for make in (ag.zeros, ag.ones, ag.empty, ag.rand, ag.randn):
        assert make(size=(2, 3)).shape == (2, 3)
    for drawn in (ag.randint(low=2, high=4, size=(50,)), ag.randint(2, high=4, size=(50,)), ag.randint(2, 4, size=(50,))):
        assert set(drawn.tolist()) == {2, 3}
    assert set(ag.randint(2, size=(50,)).tolist()) == {0, 1}
    assert set(ag.randint(high=2, size=(50,)).tolist()) == {0, 1}


def test_constants():
    assert (ag.pi, ag.e, ag.inf) == (np.pi, np.e, np.inf)
    assert np.isnan(ag.nan)
