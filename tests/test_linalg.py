"""Linear algebra: derivatives at special matrices, errors and what they say, speed-ups that must not change results."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import viz
from autograd_core import linalg
from autograd_core.check import gradcheck, gradgradcheck
from autograd_core.errors import ShapeError
from autograd_core.ops import linalg as products
from autograd_core.ops import solving

rng = np.random.default_rng(0)


def leaf(a):
    return ag.tensor(np.asarray(a, dtype=np.complex128 if np.iscomplexobj(a) else np.float64), requires_grad=True)


def random(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape)


def of_rank(k, n, seed=0):
    return random(n, k, seed=seed) @ random(k, n, seed=seed + 1)


# ---------------------------------------------------------------------- determinants of singular matrices

SINGULAR = {
    "rank 2 of 3": of_rank(2, 3),
    "rank 1 of 3": of_rank(1, 3),
    "zeros": np.zeros((3, 3)),
    "ones": np.ones((2, 2)),
    "two equal rows": np.array([[1.0, 2, 3], [1, 2, 3], [0, 1, 5]]),
    "rank 3 of 5": of_rank(3, 5),
    "a zero": np.zeros((1, 1)),
    "nearly singular": of_rank(2, 3) + 1e-10 * random(3, 3, seed=7),
    "a batch": np.stack([of_rank(2, 3), np.eye(3), random(3, 3), np.zeros((3, 3))]),
}


def leibniz(a):
    """The determinant by its first row, of any ring: it has no divisions, so its derivatives are exact everywhere."""
    n = a.shape[-1]
    if n == 1:
        return a[..., 0, 0]
    total = 0
    for k in range(n):
        minor = ag.cat([a[..., 1:, :k], a[..., 1:, k + 1 :]], -1)
        total = total + (-1) ** k * a[..., 0, k] * leibniz(minor)
    return total


def derivatives(function, a, orders):
    """The value and derivatives up to an order, each that of a weighted sum of the one before."""
    x = leaf(a)
    value = function(x)
    found = [value]
    for k in range(orders):
        weights = ag.tensor(random(*value.shape, seed=k))
        target = (value * weights).sum()
        if target.is_complex():
            target = target.real
        if not target.requires_grad:
            value = ag.zeros(x.shape)
            found.append(value)
            continue
        (value,) = ag.autograd.grad(target, x, create_graph=True, materialize_grads=True)
        found.append(value)
    return [f.detach().numpy() for f in found]


@pytest.mark.parametrize("name", SINGULAR)
def test_det_of_singular_matrices_has_right_derivatives_of_three_orders(name):
    for a in (SINGULAR[name], SINGULAR[name] * (1 - 2j)):
        for ours, exact in zip(derivatives(linalg.det, a, 3), derivatives(leibniz, a, 3), strict=True):
            np.testing.assert_allclose(ours, exact, rtol=1e-8, atol=1e-9)


def test_det_of_regular_matrices():
    a = random(2, 4, 4)
    for ours, exact in zip(derivatives(linalg.det, a, 3), derivatives(leibniz, a, 3), strict=True):
        np.testing.assert_allclose(ours, exact, rtol=1e-10, atol=1e-12)


def test_det_of_a_singular_matrix_in_single_precision():
    a = ag.tensor(np.ones((2, 2), np.float32), requires_grad=True)
    linalg.det(a).backward()
    np.testing.assert_allclose(a.grad.numpy(), [[1, -1], [-1, 1]], rtol=1e-6)
    assert a.grad.dtype == np.float32


@pytest.mark.parametrize("call", [lambda a: linalg.slogdet(a).logabsdet, ag.logdet])
def test_logarithm_of_a_zero_determinant_has_no_gradient(call):
    a = leaf(np.ones((2, 2)) * 2)
    assert call(a).item() == -np.inf
    with pytest.raises(linalg.LinAlgError, match="slogdet: the matrix is singular"):
        call(a).backward()


def test_logdet_of_a_negative_determinant():
    assert np.isnan(ag.logdet(ag.tensor([[0.0, 1], [1, 0]])).item())


# ---------------------------------------------------------------------- where a decomposition has no derivative

EQUAL = np.diag([2.0, 2, 1])


def turned(a):
    q = np.linalg.qr(random(*a.shape, seed=3))[0]
    return q @ a @ q.T


@pytest.mark.parametrize("a", [EQUAL, turned(EQUAL), np.eye(3), np.zeros((3, 3))], ids=["diagonal", "turned", "identity", "zeros"])
@pytest.mark.parametrize("name", ["eigh", "svd", "eig"])
def test_vectors_of_equal_values_are_refused(name, a):
    call = {"eigh": lambda t: linalg.eigh(t).eigenvectors, "svd": lambda t: linalg.svd(t).U, "eig": lambda t: linalg.eig(t)[1].abs()}[name]
    t = leaf(a)
    loss = (call(t) * ag.tensor(random(3, 3))).sum()
    with pytest.raises(linalg.LinAlgError, match=f"{name}: the matrix is without a derivative"):
        loss.backward()
    assert t.grad is None


@pytest.mark.parametrize("function", [ag.log, ag.exp])
def test_functions_of_matrices_with_equal_eigenvalues_are_refused(function):
    """Also where a function's zero makes the gradient look as if the loss did not use the vectors."""
    t = leaf(np.eye(3))
    values, v = linalg.eigh(t)
    with pytest.raises(linalg.LinAlgError):
        ((v * function(values)) @ v.mT)[0, 1].backward()


def test_values_that_are_equal_have_gradients():
    for a in (EQUAL, turned(EQUAL), np.eye(3)):
        for call in (
            linalg.eigvalsh,
            linalg.svdvals,
            lambda t: linalg.eigvals(t).real,
            lambda t: linalg.svd(t).S,
            lambda t: linalg.eigh(t)[0],
        ):
            t = leaf(a)
            call(t).sum().backward()
            np.testing.assert_allclose(t.grad.numpy(), np.eye(3), atol=1e-12)
    t = leaf(np.zeros((3, 2)))
    linalg.svdvals(t).sum().backward()
    assert np.isfinite(t.grad.numpy()).all()


def test_vectors_of_other_values_may_be_used():
    """Of a covariance of low rank: the first vectors are determined, the last ones are not and are not used."""
    data = random(6, 2) @ random(2, 5, seed=1)

    def first(t):
        v = linalg.eigh(t.mT @ t).eigenvectors[:, -2:]
        return v @ v.mT

    t = leaf(data)
    weights = ag.tensor(random(5, 5))
    (first(t) * weights).sum().backward()
    numeric = np.zeros_like(data)
    for k in np.ndindex(data.shape):
        step = np.zeros_like(data)
        step[k] = 1e-6
        up, down = ((first(ag.tensor(data + s * step)) * weights).sum().item() for s in (1, -1))
        numeric[k] = (up - down) / 2e-6
    np.testing.assert_allclose(t.grad.numpy(), numeric, atol=1e-5)


def test_second_derivatives_are_not_zero_where_the_first_is():
    """|a - 1|² / 2 by eigenvalues, at the identity: to go on by the vectors, which are arbitrary, would lose half of it."""
    t = leaf(np.eye(2))
    values, _ = linalg.eigh(t)
    (g,) = ag.autograd.grad(((values - 1) ** 2).sum() / 2, t, create_graph=True)
    with pytest.raises(linalg.LinAlgError, match="eigh"):
        g[0, 1].backward()


def test_a_second_derivative_that_needs_equal_values_apart_is_refused():
    t = leaf(turned(EQUAL))
    (g,) = ag.autograd.grad((linalg.eigvalsh(t) ** 2).sum(), t, create_graph=True)
    np.testing.assert_allclose(g.detach().numpy(), 2 * turned(EQUAL), atol=1e-12)
    with pytest.raises(linalg.LinAlgError):
        g[0, 1].backward()


@pytest.mark.parametrize(
    "a",
    [[[1.0, 1], [0, 1]], [[0.0, 1], [0, 0]], [[3.0, 1, 0], [0, 3, 1], [0, 0, 3]], [[2.0, 1], [-1, 0]]],
    ids=["Jordan", "nilpotent", "of 3", "in disguise"],
)
def test_matrices_that_are_not_diagonalizable_are_refused(a):
    for call in (linalg.eigvals, lambda t: linalg.eig(t).eigenvectors.abs()):
        t = leaf(a)
        with pytest.raises(linalg.LinAlgError, match=r"eig: the matrix is (not diagonalizable|without a derivative)"):
            call(t).abs().sum().backward()


def test_full_matrices():
    t = leaf(random(4, 2))
    u = linalg.svd(t).U
    assert u.shape == (4, 4)
    with pytest.raises(RuntimeError, match="full_matrices=True"):
        u[:, 3].sum().backward()
    gradcheck(lambda t: linalg.svd(t).U[:, :2].abs(), [leaf(random(4, 2))])
    gradgradcheck(lambda t: linalg.svd(t).Vh[:2].abs(), [leaf(random(2, 4))])


def test_a_singular_value_of_zero():
    t = leaf(np.outer([1.0, 2, 3], [1.0, 1]))
    with pytest.raises(linalg.LinAlgError, match="singular value of zero"):
        linalg.svd(t, full_matrices=False).U[:, 1].sum().backward()
    linalg.svd(t, full_matrices=False).U[:, 0].abs().sum().backward()
    assert np.isfinite(t.grad.numpy()).all()


def test_phases():
    a = random(3, 3) + 1j * random(3, 3, seed=1)
    a = a @ a.conj().T
    for call, name in (
        (lambda t: linalg.eigh(t)[1].real, "eigh"),
        (lambda t: linalg.eig(t)[1].imag, "eig"),
        (lambda t: linalg.svd(t).U.real, "svd"),
    ):
        with pytest.raises(linalg.LinAlgError, match=f"{name}: the loss depends on the phase"):
            call(leaf(a)).sum().backward()


@pytest.mark.parametrize(("mode", "reason"), [("complete", "arbitrary"), ("r", "needs Q")])
def test_qr_without_derivative(mode, reason):
    r = linalg.qr(leaf(random(4, 2)), mode=mode).R
    assert r.requires_grad
    with pytest.raises(RuntimeError, match=reason):
        r.sum().backward()


def test_qr_of_dependent_columns():
    with pytest.raises(linalg.LinAlgError, match="qr: the matrix is singular"):
        linalg.qr(leaf(np.diag([1.0, 0, 2]))).Q.sum().backward()


# ---------------------------------------------------------------------- errors


def test_the_error_of_linear_algebra_is_of_both_libraries():
    assert issubclass(linalg.LinAlgError, RuntimeError)
    assert issubclass(linalg.LinAlgError, np.linalg.LinAlgError)


def test_errors_say_which_matrix():
    batch = np.stack([np.eye(2), np.ones((2, 2)), np.eye(2), np.zeros((2, 2))])
    with pytest.raises(linalg.LinAlgError, match=r"inv: matrix 1 of the batch \(4,\) is singular"):
        linalg.inv(ag.tensor(batch))
    with pytest.raises(linalg.LinAlgError, match=r"linalg.solve: matrix \(0, 1\) of the batch \(2, 2\) is singular"):
        linalg.solve(ag.tensor(batch.reshape(2, 2, 2, 2)), ag.ones(2, 1, dtype=ag.float64))
    with pytest.raises(linalg.LinAlgError, match=r"cholesky: matrix 1 of the batch \(4,\) is not positive-definite: .* order 2"):
        linalg.cholesky(ag.tensor(batch))
    with pytest.raises(linalg.LinAlgError, match="cholesky: the matrix is not positive-definite: its leading minor of order 1"):
        linalg.cholesky(-ag.eye(2))


@pytest.mark.parametrize("name", ["svd", "svdvals", "eig", "eigvals", "matrix_rank", "pinv"])
def test_nan_is_refused_where_an_iteration_would_not_end(name):
    with pytest.raises(linalg.LinAlgError, match="NaN"):
        getattr(linalg, name)(ag.tensor([[np.nan, 1], [1, 2]]))


@pytest.mark.parametrize("size", [3, 5])
def test_infinities_are_refused_where_an_iteration_would_not_end(size):
    a = np.random.default_rng(0).normal(size=(2, size, size))
    a[1, 0, 0] = np.inf
    for call in (linalg.svd, linalg.svdvals, linalg.pinv, linalg.matrix_rank, linalg.cond, lambda a: linalg.lstsq(a, a)):
        with pytest.raises(linalg.LinAlgError, match=r"matrix 1 of the batch \(2,\) is not finite"):
            call(ag.tensor(a))
    with np.errstate(invalid="ignore"), pytest.raises(linalg.LinAlgError, match=r"det: .* is not finite"):
        linalg.det(ag.tensor(a[1], requires_grad=True)).backward()


def test_errors_say_the_shapes():
    a, b = ag.ones(2, 3), ag.ones(3, 3)
    for call, told in (
        (lambda: linalg.inv(a), r"linalg.inv: needs square matrices, got \(2, 3\)"),
        (lambda: linalg.solve(b, a), r"linalg.solve: A \(3, 3\) and B \(2, 3\): the rows of B must be 3"),
        (lambda: linalg.multi_dot([a, a]), r"linalg.multi_dot: the shapes \(2, 3\), \(2, 3\)"),
        (lambda: ag.addmm(ag.ones(5), a, b), r"addmm: input \(5,\) does not broadcast to the product's \(2, 3\)"),
        (lambda: ag.cdist(a, ag.ones(4, 2)), r"cdist: .*\(2, 3\) and \(4, 2\)"),
        (lambda: ag.mv(a, b), r"mv: needs a matrix and a vector, got \(2, 3\) and \(3, 3\)"),
    ):
        with pytest.raises(ShapeError, match=told):
            call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: ag.outer(ag.ones(0), ag.ones(1, 3)),
        lambda: ag.outer(ag.ones(()), ag.ones(3)),
        lambda: ag.ones(()) @ ag.ones(()),
        lambda: linalg.vecdot(ag.ones(1), ag.ones(3)),
    ],
)
def test_products_of_other_dimensions_are_refused(call):
    with pytest.raises(ShapeError):
        call()


@pytest.mark.parametrize("what", [5, "ij", ("ij", 3)])
def test_einsum_of_what_is_no_equation(what):
    with pytest.raises((TypeError, ValueError)):
        ag.einsum(what, ag.ones(2, 2), ag.ones(2, 2))
    with pytest.raises(ValueError, match="from 0 to 51"):
        ag.einsum(ag.ones(2), [52])


# ---------------------------------------------------------------------- ways of computing


@pytest.mark.parametrize("name", ["addmm", "addbmm", "baddbmm", "addmv", "addr"])
def test_in_place(name):
    a, b = {"addmm": ((2, 3), (3, 4)), "addmv": ((4, 3), (3,)), "addr": ((2,), (4,))}.get(name, ((2, 2, 3), (2, 3, 4)))
    a, b = leaf(random(*a)), leaf(random(*b, seed=1))
    start = leaf(random(*getattr(ag, name)(ag.zeros(1), a, b).shape))
    expected = getattr(ag, name)(start, a, b, beta=0.5, alpha=2)
    x = start * 1
    assert getattr(x, name + "_")(a, b, beta=0.5, alpha=2) is x
    np.testing.assert_array_equal(x.detach().numpy(), expected.detach().numpy())
    for ours, theirs in zip(ag.autograd.grad(x.sum(), [start, a, b]), ag.autograd.grad(expected.sum(), [start, a, b]), strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_float16_products_are_summed_in_float32():
    a = ag.tensor(np.full((1, 5000), 1.0), dtype=ag.float16)
    for made in (a @ a.mT, ag.einsum("ij,kj->ik", a, a), ag.nn.functional.linear(a, a), ag.dot(a[0], a[0]), ag.einsum("ij->i", a)):
        assert made.item() == 5000
        assert made.dtype == np.float16


def test_gradients_of_float16_products_are_summed_in_float32(monkeypatch):
    added = []
    monkeypatch.setattr(products, "product", lambda a, b, product=products.product: added.append(a.dtype.char) or product(a, b))
    a, b = (ag.tensor(np.ones(s), dtype=ag.float16, requires_grad=True) for s in ((2, 3), (3, 2)))
    (a @ b).sum().backward()
    ag.nn.functional.linear(a, a).sum().backward()
    assert added == ["e"] * 6


def test_results_do_not_share_the_memory_of_arguments():
    b = ag.ones(1, 2)
    x = linalg.solve_triangular(ag.ones(1, 1), b, upper=True, unitriangular=True)
    product = ag.chain_matmul(b)
    b.mul_(5)
    x.add_(1)
    assert x.tolist() == [[2, 2]]
    assert product.tolist() == [[1, 1]]


def test_einsum_equals_numpy_on_many_equations():
    letters = "abcd"
    chosen = np.random.default_rng(1)
    for _ in range(150):
        terms = ["".join(chosen.permutation(list(letters))[: chosen.integers(0, 4)]) for _ in range(chosen.integers(1, 4))]
        present = sorted(set("".join(terms)))
        result = "".join(chosen.permutation(present)[: chosen.integers(0, len(present) + 1)]) if present else ""
        equation = ",".join(terms) + "->" + result
        arrays = [chosen.normal(size=[2 + letters.index(c) for c in t]) for t in terms]
        np.testing.assert_allclose(
            ag.einsum(equation, *map(ag.tensor, arrays)).numpy(), np.einsum(equation, *arrays), atol=1e-12, err_msg=equation
        )


def test_einsum_sums_large_tensors_as_numpy():
    x = random(3, 40_000).astype(np.float32)
    np.testing.assert_allclose(ag.einsum("ij->i", ag.tensor(x)).numpy(), x.sum(1, dtype=np.float64), rtol=1e-4)


def test_multi_dot_takes_the_cheapest_order(monkeypatch):
    work = []
    original = products.matrix_product
    monkeypatch.setattr(products, "matrix_product", lambda a, b: work.append(a.shape[0] * a.shape[1] * b.shape[1]) or original(a, b))
    linalg.multi_dot([ag.ones(10, 100), ag.ones(100, 5), ag.ones(5, 50)])
    assert sum(work) == 7500


@pytest.mark.parametrize("n", [1, 5, 33, 64, 100])
def test_lu_and_triangles_of_many(n):
    a = ag.tensor(random(2, n, n))
    P, L, U = linalg.lu(a)
    np.testing.assert_allclose((P @ L @ U).numpy(), a.numpy(), atol=1e-12)
    assert (np.abs(L.numpy()) <= 1).all()
    b = ag.tensor(random(n, 3, seed=1))
    np.testing.assert_allclose(
        linalg.lu_solve(*linalg.lu_factor(a), b).numpy(), np.linalg.solve(a.numpy(), b.numpy()), rtol=1e-7, atol=1e-8
    )
    np.testing.assert_allclose(
        (U @ linalg.solve_triangular(U, b, upper=True)).numpy(), np.broadcast_to(b.numpy(), (2, n, 3)), rtol=1e-6, atol=1e-8
    )


def test_a_zero_on_the_diagonal_of_a_triangle():
    with np.errstate(divide="ignore", invalid="ignore"):
        out = linalg.solve_triangular(ag.zeros(2, 2), ag.ones(2, 1), upper=True)
    assert not np.isfinite(out.numpy()).any()


@pytest.mark.parametrize("norm", [1e-8, 1e-3, 1.0, 30.0, 300.0])
def test_matrix_exp(norm):
    a = np.array([[0.0, -1], [1, 0]]) * norm
    np.testing.assert_allclose(
        linalg.matrix_exp(ag.tensor(a)).numpy(), [[np.cos(norm), -np.sin(norm)], [np.sin(norm), np.cos(norm)]], atol=1e-13 * max(norm, 1)
    )
    batch = np.stack([a, a / 1000, np.zeros((2, 2))])
    for one, whole in zip(batch, linalg.matrix_exp(ag.tensor(batch)).numpy(), strict=True):
        np.testing.assert_allclose(linalg.matrix_exp(ag.tensor(one)).numpy(), whole, rtol=1e-12, atol=1e-15)


def test_cond_of_singular_matrices():
    with np.errstate(all="ignore"):
        for p in ("fro", 1, np.inf, "nuc"):
            assert linalg.cond(ag.tensor(np.stack([np.ones((2, 2)), np.eye(2)])), p).tolist()[0] == np.inf
    gradcheck(lambda a: linalg.cond(a, "fro"), [leaf(random(3, 3))])
    gradcheck(lambda a: linalg.cond(a, 1), [leaf(random(2, 3, 3))])


def test_inv_ex_and_cholesky_ex():
    a = leaf(np.stack([np.eye(2) * 2, np.ones((2, 2))]))
    inverse, info = linalg.inv_ex(a)
    assert info.tolist()[0] == 0 != info.tolist()[1]
    inverse[0].sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), [np.full((2, 2), -0.25), np.zeros((2, 2))])
    factor, info = linalg.cholesky_ex(ag.tensor(np.stack([np.eye(2), -np.eye(2), np.diag([1.0, -1])])))
    assert info.tolist() == [0, 1, 2]
    assert factor[0].tolist() == [[1, 0], [0, 1]]


def test_derivatives_of_third_order():
    for call in (linalg.inv, linalg.matrix_exp, linalg.pinv, lambda a: linalg.cholesky(a @ a.mT + ag.eye(2, dtype=ag.float64))):
        a = leaf(random(2, 2) + np.eye(2))

        def gradient(a, call=call):
            return ag.autograd.grad((call(a) ** 2).sum(), a, create_graph=True)[0]

        gradgradcheck(gradient, [a])


def test_recorded_and_plain_least_squares():
    a, b = leaf(random(5, 3)), leaf(random(5, 2, seed=1))
    gradcheck(lambda a, b: linalg.lstsq(a, b, driver="gelsd").solution, [a, b])
    gradcheck(lambda a, b: linalg.lstsq(a, b, driver="gelsd").residuals, [a, b])
    gradgradcheck(lambda a, b: linalg.lstsq(a, b).solution, [a, b])


def test_formulas():
    a = leaf(np.diag([1.0, 2, 4]))
    told = lambda t: str(viz.draw(t.sum()).to_dict())
    assert "inv(inᵀ)" in told(linalg.det(a))
    assert "out" in told(linalg.inv(a))
    assert "over_gaps" in told(linalg.eigh(a).eigenvectors)


def test_operations_on_arrays():
    a = np.eye(2) * 2
    np.testing.assert_array_equal(solving.inv(a), np.eye(2) / 2)
    assert solving.det(a) == 4


def test_inside_vmap():
    from autograd_core.func import grad, vmap

    a = ag.tensor(random(4, 3, 3))
    for call in (
        linalg.det,
        linalg.inv,
        linalg.svdvals,
        linalg.eigvalsh,
        linalg.eigvals,
        linalg.cond,
        linalg.matrix_exp,
        linalg.pinv,
        lambda a: linalg.lu(a).P,
        lambda a: ag.einsum("ij,jk->ki", a, a),
        lambda a: linalg.matrix_norm(a, "nuc"),
        grad(lambda a: linalg.det(a) + linalg.svdvals(a).sum()),
    ):
        np.testing.assert_allclose(vmap(call)(a).numpy(), np.stack([call(x).numpy() for x in a]), atol=1e-10)
    singular = ag.tensor(np.stack([of_rank(1, 2), np.zeros((2, 2))]))
    np.testing.assert_allclose(
        vmap(grad(linalg.det))(singular).numpy(), np.stack([grad(linalg.det)(x).numpy() for x in singular]), atol=1e-12
    )
