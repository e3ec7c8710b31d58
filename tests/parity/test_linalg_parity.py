"""Linear algebra against PyTorch: values, shapes, dtypes, errors, first and second derivatives, of real and complex matrices."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest

import autograd_core as ag

torch = pytest.importorskip("torch", reason="parity extra not installed")

KINDS = ("float64", "complex128")


def numbers(shape, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    values = rng.uniform(-1, 1, shape)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.uniform(-1, 1, shape)
    return np.asarray(values).astype(dtype)


def definite(shape, dtype="float64", seed=0):
    a = numbers(shape, dtype, seed)
    return a @ a.conj().swapaxes(-1, -2) + np.eye(shape[-1])


def parts(result):
    return list(result) if isinstance(result, tuple) else [result]


def loss(library, result, seed=5):
    """A real number that depends on all entries of a result, or of several, in different ways."""
    total = 0
    for k, part in enumerate(parts(result)):
        dtype = str(part.dtype).removeprefix("torch.")
        if np.dtype(dtype).kind in "fc" and part.requires_grad:
            weighted = (part * library.tensor(numbers(tuple(part.shape), dtype, seed + k))).sum()
            total = total + (weighted.real if np.dtype(dtype).kind == "c" else weighted)
    return total


def plain(tensor):
    return tensor.numpy(force=True)


def derivatives(library, call, arrays, order):
    """The results, and the gradients up to an order, as arrays."""
    inputs = [library.tensor(a, requires_grad=a.dtype.kind in "fc") for a in arrays]
    result = call(library, *inputs)
    found = [plain(p) for p in parts(result)]
    by = [i for i in inputs if i.requires_grad]
    if order >= 1:
        first = library.autograd.grad(loss(library, result), by, create_graph=order > 1)
        found += [plain(g) for g in first]
    if order >= 2:
        target = loss(library, tuple(first), 11)
        if not isinstance(target, int) and target.requires_grad:
            second = library.autograd.grad(target, by, allow_unused=True)
            found += [np.zeros(tuple(i.shape)) if g is None else plain(g) for g, i in zip(second, by, strict=True)]
        else:
            found += [np.zeros(tuple(i.shape)) for i in by]
    return found


def compare(call, *arrays, order=2, rtol=1e-8, atol=1e-8):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = derivatives(torch, call, arrays, order)
    ours = derivatives(ag, call, arrays, order)
    assert len(ours) == len(theirs)
    for k, (o, t) in enumerate(zip(ours, theirs, strict=True)):
        assert o.shape == t.shape, k
        if t.any():
            assert o.dtype == t.dtype, k
        np.testing.assert_allclose(o, t, rtol=rtol, atol=atol, err_msg=f"result {k}")


def raises_as_torch(call, *arrays):
    """Both refuse, with types of which ours is also PyTorch's kind."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises((RuntimeError, ValueError, IndexError, TypeError)) as theirs:
            call(torch, *[torch.tensor(a) for a in arrays])
    with pytest.raises((RuntimeError, type(theirs.value))) as ours:
        call(ag, *[ag.tensor(a) for a in arrays])
    return str(ours.value)


# ---------------------------------------------------------------------- products

PRODUCTS = {
    "mm": (lambda l, a, b: l.mm(a, b), (2, 3), (3, 4)),
    "bmm": (lambda l, a, b: l.bmm(a, b), (5, 2, 3), (5, 3, 4)),
    "mv": (lambda l, a, b: l.mv(a, b), (2, 3), (3,)),
    "dot": (lambda l, a, b: l.dot(a, b), (3,), (3,)),
    "vdot": (lambda l, a, b: l.vdot(a, b), (3,), (3,)),
    "inner": (lambda l, a, b: l.inner(a, b), (2, 3), (4, 5, 3)),
    "inner of a number": (lambda l, a, b: l.inner(a, b), (), (4, 3)),
    "outer": (lambda l, a, b: l.outer(a, b), (2,), (3,)),
    "ger": (lambda l, a, b: l.ger(a, b), (2,), (3,)),
    "tensordot 1": (lambda l, a, b: l.tensordot(a, b, 1), (2, 3), (3, 4)),
    "tensordot 0": (lambda l, a, b: l.tensordot(a, b, dims=0), (2,), (3, 4)),
    "tensordot lists": (lambda l, a, b: l.tensordot(a, b, dims=([1, 0], [0, 2])), (2, 3, 4), (3, 5, 2)),
    "tensordot of ones": (lambda l, a, b: l.tensordot(a, b, 1), (2, 1), (3, 4)),
    "kron": (lambda l, a, b: l.kron(a, b), (2, 3), (3, 2)),
    "kron of ranks": (lambda l, a, b: l.kron(a, b), (2,), (3, 1, 2)),
    "addmm": (lambda l, a, b: l.addmm(a[0, 0], a, b, beta=0.5, alpha=-2), (2, 3), (3, 4)),
    "addmm beta 0": (lambda l, a, b: l.addmm(a[0, 0] / 0, a, b, beta=0), (2, 3), (3, 4)),
    "addmv": (lambda l, a, b: l.addmv(b[:1], a, b, alpha=3), (2, 3), (3,)),
    "addr": (lambda l, a, b: l.addr(b, a, b, beta=2), (2,), (3,)),
    "addbmm": (lambda l, a, b: l.addbmm(b[0, 0], a, b, beta=2, alpha=0.5), (5, 2, 3), (5, 3, 4)),
    "baddbmm": (lambda l, a, b: l.baddbmm(b[0, 0], a, b, beta=2, alpha=0.5), (5, 2, 3), (5, 3, 4)),
    "cross": (lambda l, a, b: l.cross(a, b, dim=0), (3, 4), (3, 4)),
    "linalg.cross": (lambda l, a, b: l.linalg.cross(a, b), (1, 3), (4, 3)),
    "vecdot": (lambda l, a, b: l.linalg.vecdot(a, b), (2, 3), (3,)),
    "vecdot dim": (lambda l, a, b: l.linalg.vecdot(a, b, dim=0), (3, 2), (3, 1)),
    "vecdot, the dim counted after broadcasting": (lambda l, a, b: l.linalg.vecdot(a, b, dim=0), (3,), (3, 3)),
    "vecdot of numbers": (lambda l, a, b: l.linalg.vecdot(a, b), (), ()),
    "multi_dot": (lambda l, a, b: l.linalg.multi_dot([a, b, b.mT, a.mT]), (2, 3), (3, 4)),
    "multi_dot of vectors": (lambda l, a, b: l.linalg.multi_dot([a[0], b, b[0]]), (2, 3), (3, 4)),
    "multi_dot of two": (lambda l, a, b: l.linalg.multi_dot((a[0], b[:, 0])), (2, 3), (3, 4)),
    "chain_matmul": (lambda l, a, b: l.chain_matmul(a, b, b.mT), (2, 3), (3, 4)),
    "dist": (lambda l, a, b: l.dist(a, b), (2, 3), (3,)),
    "dist 3": (lambda l, a, b: l.dist(a, b, 3), (2, 3), (3,)),
    "einsum": (lambda l, a, b: l.einsum("ij,jk->ki", a, b), (2, 3), (3, 4)),
    "einsum of lists": (lambda l, a, b: l.einsum(a, [0, 1], b, [1, 2], [2, 0]), (2, 3), (3, 4)),
    "einsum of lists, implicit": (lambda l, a, b: l.einsum(a, [..., 0], b, [0, 1]), (2, 3), (3, 4)),
    "einsum of three": (lambda l, a, b: l.einsum("ij,jk,lk->il", a, b, a @ b), (2, 3), (3, 4)),
    "einsum of four": (lambda l, a, b: l.einsum("bij,bij,bjk,k->bi", a, a, b, b[0, 0]), (5, 2, 3), (5, 3, 4)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PRODUCTS)
def test_product(name, kind):
    call, a, b = PRODUCTS[name]
    if name == "addmm beta 0":
        with np.errstate(all="ignore"):
            compare(call, numbers(a, kind), numbers(b, kind, 1), order=0)
        return
    compare(call, numbers(a, kind), numbers(b, kind, 1), order=1 if kind == "complex128" and name == "dist 3" else 2)


@pytest.mark.parametrize("dtype", ["float32", "int64", "int32", "complex64"])
@pytest.mark.parametrize("name", PRODUCTS)
def test_product_dtypes(name, dtype):
    call, a, b = PRODUCTS[name]
    if np.dtype(dtype).kind == "i" and name.startswith(("dist", "addmm beta", "vecdot")):
        pytest.skip("PyTorch has no norm and no vecdot of whole numbers, and there is no whole infinity")
    with np.errstate(all="ignore"):
        compare(call, (numbers(a) * 9).astype(dtype), (numbers(b, seed=1) * 9).astype(dtype), order=0, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(
    "equation",
    [
        "ij,jk->ik",
        "bij,bjk->bik",
        "bhqd,bhkd->bhqk",
        "i,j->ij",
        "ij->ji",
        "bij->bj",
        "ij,ij->i",
        "bij,bj->bi",
        "ijk,kl->lij",
        "abc,cd,be->ade",
        "ij,kj->",
        "ib,jb,kb->bijk",
        "ab,ab,ab->ba",
        "a,a->a",
        ",i->i",
        "i,->",
        "ijk->",
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_einsum(equation, kind):
    letters = {c: 2 + k % 3 for k, c in enumerate("abcdehijklq")}
    shapes = [tuple(letters[c] for c in term) for term in equation.split("->")[0].split(",")]
    compare(lambda l, *xs: l.einsum(equation, *xs), *[numbers(s, kind, k) for k, s in enumerate(shapes)])


@pytest.mark.parametrize("shapes", [((0, 3), (3, 2)), ((2, 0), (0, 3)), ((2, 3), (3, 0))], ids=str)
def test_products_of_nothing(shapes):
    for call in (lambda l, a, b: l.einsum("ij,jk->ik", a, b), lambda l, a, b: l.tensordot(a, b, 1), lambda l, a, b: l.mm(a, b)):
        compare(call, *[np.ones(s) for s in shapes], order=1)
    compare(lambda l, a, b: l.kron(a, b), *[np.ones(s) for s in shapes], order=0)


@pytest.mark.parametrize("p", [0, 0.5, 1, 1.5, 2, 3, np.inf])
@pytest.mark.parametrize("mode", [None, "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist"])
def test_cdist(p, mode):
    call = lambda l, x, y: l.cdist(x, y, p, *([] if mode is None else [mode]))
    for x, y in (((4, 3), (5, 3)), ((2, 1, 4, 3), (3, 5, 3)), ((30, 2), (28, 2)), ((4, 1), (5, 1)), ((0, 3), (4, 3)), ((2, 0), (3, 0))):
        compare(call, numbers(x), numbers(y, seed=1), order=1 if x[-1] and x[0] and p else 0, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("p", [1, 1.5, 2, 3, np.inf])
def test_cdist_at_distance_zero(p):
    x = numbers((4, 3))
    compare(lambda l, x: l.cdist(x, x.detach(), p, "donot_use_mm_for_euclid_dist"), x, order=1)


@pytest.mark.parametrize(
    "call",
    [
        lambda l, a, b: l.mm(a, b),
        lambda l, a, b: l.mm(a[0], b),
        lambda l, a, b: l.bmm(a, b),
        lambda l, a, b: l.mv(a, b),
        lambda l, a, b: l.dot(a[0], b[0, :2]),
        lambda l, a, b: l.vdot(a, b),
        lambda l, a, b: l.ger(a, b),
        lambda l, a, b: l.inner(a, b[:, :2]),
        lambda l, a, b: l.tensordot(a, b, 3),
        lambda l, a, b: l.tensordot(a, b, ([0], [0, 1])),
        lambda l, a, b: l.tensordot(a, b, 1),
        lambda l, a, b: l.addmm(a, a, a.mT),
        lambda l, a, b: l.addmv(a, a, b[0]),
        lambda l, a, b: l.addbmm(a, a, b),
        lambda l, a, b: l.cross(a[:, :2], b[:, :2], dim=1),
        lambda l, a, b: l.cross(a, b[0]),
        lambda l, a, b: l.cdist(a, b[:, :2]),
        lambda l, a, b: l.cdist(a[0], b),
        lambda l, a, b: l.cdist(a, b, -1.0),
        lambda l, a, b: l.cdist(a, b, 2.0, "fast"),
        lambda l, a, b: l.trace(a[0]),
        lambda l, a, b: l.linalg.multi_dot([a]),
        lambda l, a, b: l.linalg.multi_dot([a, b]),
        lambda l, a, b: l.linalg.vecdot(a, b[:, :2]),
        lambda l, a, b: l.linalg.vander(a, N=1),
        lambda l, a, b: l.einsum("ïj->j", a),
    ],
)
def test_products_refused(call):
    raises_as_torch(call, numbers((2, 3)), numbers((2, 3), seed=1))


# ---------------------------------------------------------------------- functions of matrices

SPD = definite
FUNCTIONS = {  # name: (call, makes the inputs)
    "det": (lambda l, a: l.linalg.det(a), [(2, 3, 3)]),
    "det 1": (lambda l, a: l.det(a), [(1, 1)]),
    "slogdet": (lambda l, a: l.linalg.slogdet(a), [(2, 3, 3)]),
    "logdet": (lambda l, a: l.logdet(a @ l.linalg.matrix_exp(a) + 3 * l.eye(3, dtype=a.dtype)), [(3, 3)]),
    "inv": (lambda l, a: l.linalg.inv(a), [(2, 3, 3)]),
    "inverse": (lambda l, a: a.inverse(), [(3, 3)]),
    "inv_ex": (lambda l, a: l.linalg.inv_ex(a), [(2, 3, 3)]),
    "solve": (lambda l, a, b: l.linalg.solve(a, b), [(2, 3, 3), (2, 3, 4)]),
    "solve broadcast": (lambda l, a, b: l.linalg.solve(a, b), [(2, 3, 3), (3, 4)]),
    "solve broadcast A": (lambda l, a, b: l.linalg.solve(a, b), [(3, 3), (2, 3, 4)]),
    "solve vector": (lambda l, a, b: l.linalg.solve(a, b), [(3, 3), (3,)]),
    "solve vectors": (lambda l, a, b: l.linalg.solve(a, b), [(2, 3, 3), (2, 3)]),
    "solve one vector": (lambda l, a, b: l.linalg.solve(a, b), [(2, 3, 3), (3,)]),
    "solve right": (lambda l, a, b: l.linalg.solve(a, b, left=False), [(3, 3), (2, 3)]),
    "tensorsolve": (lambda l, a, b: l.linalg.tensorsolve(a, b), [(6, 2, 3), (6,)]),
    "tensorsolve dims": (lambda l, a, b: l.linalg.tensorsolve(a, b, dims=(0, 2)), [(3, 6, 2), (6,)]),
    "tensorinv": (lambda l, a: l.linalg.tensorinv(a, ind=1), [(6, 2, 3)]),
    "matrix_exp": (lambda l, a: l.linalg.matrix_exp(a), [(2, 3, 3)]),
    "matrix_exp large": (lambda l, a: l.matrix_exp(a * 20), [(3, 3)]),
    "matrix_power 0": (lambda l, a: l.linalg.matrix_power(a, 0) + a, [(2, 3, 3)]),
    "matrix_power 1": (lambda l, a: l.linalg.matrix_power(a, 1), [(2, 3, 3)]),
    "matrix_power 5": (lambda l, a: a.matrix_power(5), [(2, 3, 3)]),
    "matrix_power -3": (lambda l, a: l.linalg.matrix_power(a, -3), [(2, 3, 3)]),
    "pinv tall": (lambda l, a: l.linalg.pinv(a), [(2, 4, 3)]),
    "pinv wide": (lambda l, a: l.pinverse(a), [(2, 4)]),
    "pinv hermitian": (lambda l, a: l.linalg.pinv(a + a.mH, hermitian=True), [(3, 3)]),
    "vander": (lambda l, a: l.linalg.vander(a), [(2, 3)]),
    "vander N": (lambda l, a: l.linalg.vander(a, N=5), [(3,)]),
    "trace": (lambda l, a: l.trace(a), [(3, 4)]),
    "diagonal": (lambda l, a: l.linalg.diagonal(a, offset=1), [(2, 3, 4)]),
    "lu": (lambda l, a: l.linalg.lu(a), [(2, 3, 3)]),
    "lu tall": (lambda l, a: l.linalg.lu(a), [(2, 4, 2)]),
    "lu wide": (lambda l, a: l.linalg.lu(a), [(2, 2, 4)]),
    "lu_factor": (lambda l, a: l.linalg.lu_factor(a), [(2, 3, 3)]),
    "lu_factor tall": (lambda l, a: l.linalg.lu_factor(a), [(4, 2)]),
    "lu_factor_ex": (lambda l, a: l.linalg.lu_factor_ex(a), [(3, 3)]),
    "lu_solve": (lambda l, a, b: l.linalg.lu_solve(*l.linalg.lu_factor(a), b), [(2, 3, 3), (2, 3, 4)]),
    "lu_solve broadcast": (lambda l, a, b: l.linalg.lu_solve(*l.linalg.lu_factor(a), b), [(3, 3), (2, 3, 4)]),
    "lu_solve adjoint": (lambda l, a, b: l.linalg.lu_solve(*l.linalg.lu_factor(a), b, adjoint=True), [(2, 3, 3), (3, 4)]),
    "lu_solve right": (lambda l, a, b: l.linalg.lu_solve(*l.linalg.lu_factor(a), b, left=False), [(2, 3, 3), (2, 4, 3)]),
    "lu_solve right, adjoint": (lambda l, a, b: l.linalg.lu_solve(*l.linalg.lu_factor(a), b, left=False, adjoint=True), [(3, 3), (4, 3)]),
    "lstsq": (lambda l, a, b: l.linalg.lstsq(a, b), [(4, 3), (4, 2)]),
    "lstsq vectors": (lambda l, a, b: l.linalg.lstsq(a, b).solution, [(2, 4, 3), (2, 4)]),
    "lstsq wide": (lambda l, a, b: l.linalg.lstsq(a, b).solution, [(2, 3, 4), (2, 3, 2)]),
    "cond": (lambda l, a: l.linalg.cond(a), [(2, 3, 3)]),
    "cond -2": (lambda l, a: l.linalg.cond(a, -2), [(2, 3, 4)]),
    "cond fro": (lambda l, a: l.linalg.cond(a, "fro"), [(2, 3, 3)]),
    "cond 1": (lambda l, a: l.linalg.cond(a, 1), [(2, 3, 3)]),
    "qr": (lambda l, a: l.linalg.qr(a), [(2, 3, 3)]),
    "qr tall": (lambda l, a: l.linalg.qr(a), [(2, 4, 2)]),
    "qr wide": (lambda l, a: l.linalg.qr(a), [(2, 2, 4)]),
    "qr complete, wide": (lambda l, a: l.linalg.qr(a, mode="complete"), [(2, 2, 4)]),
    "torch.qr": (lambda l, a: l.qr(a), [(4, 3)]),
    "svdvals": (lambda l, a: l.linalg.svdvals(a), [(2, 3, 4)]),
    "eigvalsh": (lambda l, a: l.linalg.eigvalsh(a + a.mH), [(2, 3, 3)]),
    "eigvalsh of a triangle": (lambda l, a: l.linalg.eigvalsh(a), [(2, 3, 3)]),
    "eigh of a triangle": (lambda l, a: (lambda w, v: (v * w.unsqueeze(-2) ** 2) @ v.mH)(*l.linalg.eigh(a, UPLO="U")), [(2, 3, 3)]),
    "matrix_power 0 of NaN": (lambda l, a: l.linalg.matrix_power(a * np.nan, 0), [(2, 2)]),
    "cond -1 of nothing": (lambda l, a: l.linalg.cond(a, -1), [(2, 0, 0)]),
    "cholesky_ex of nothing": (lambda l, a: l.linalg.cholesky_ex(a), [(2, 0, 0)]),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(name, kind):
    call, shapes = FUNCTIONS[name]
    order = 0 if name in ("cond fro", "cond 1", "cond -1 of nothing") else 2  # PyTorch's own raise, for a value that they overwrote
    compare(call, *[numbers(s, kind, k + 3) for k, s in enumerate(shapes)], order=order, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_in_single_precision(name, dtype):
    call, shapes = FUNCTIONS[name]
    if name == "matrix_exp large":
        pytest.skip("its numbers are too large to compare")
    order = 0 if name in ("cond fro", "cond 1", "cond -1 of nothing") else 1
    compare(call, *[numbers(s, dtype, k + 3) for k, s in enumerate(shapes)], order=order, rtol=2e-2, atol=2e-3)


POSITIVE = {
    "cholesky": lambda l, a: l.linalg.cholesky(a),
    "cholesky upper": lambda l, a: l.linalg.cholesky(a, upper=True),
    "cholesky_ex": lambda l, a: l.linalg.cholesky_ex(a),
    "torch.cholesky": lambda l, a: l.cholesky(a),
    "logdet": lambda l, a: l.logdet(a),
    "matrix_power": lambda l, a: l.linalg.matrix_power(a, -2),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", POSITIVE)
def test_function_of_definite_matrices(name, kind):
    compare(POSITIVE[name], definite((2, 3, 3), kind), rtol=1e-7, atol=1e-7)


def test_which_triangle_is_read():
    a = np.array([[4.0, 1], [2, 5]])
    for upper in (False, True):
        compare(lambda l, a, u=upper: l.linalg.cholesky(a, upper=u), a, order=0)
    for uplo in "LUlu":
        compare(lambda l, a, u=uplo: l.linalg.eigvalsh(a, u), a, order=0)


# ---------------------------------------------------------------------- decompositions: what does not depend on signs and phases


def rebuilt_svd(l, a):
    u, s, vh = l.linalg.svd(a, full_matrices=False)
    return (u * (s**3).unsqueeze(-2)) @ vh


def rebuilt_eigh(l, a):
    values, v = l.linalg.eigh(a + a.mH)
    return (v * values.exp().unsqueeze(-2)) @ v.mH


def rebuilt_eig(l, a):
    values, v = l.linalg.eig(a)
    return (v * values.exp().unsqueeze(-2)) @ l.linalg.inv(v)


def projector(u):
    return u @ u.mH


INVARIANT = {
    "svd": rebuilt_svd,
    "svd U": lambda l, a: projector(l.linalg.svd(a, full_matrices=False).U[..., :2]),
    "svd Vh": lambda l, a: projector(l.linalg.svd(a, full_matrices=False).Vh[..., :1, :].mH),
    "svd of sizes": lambda l, a: l.linalg.svd(a, full_matrices=False).U.abs(),
    "svd full, used in part": lambda l, a: projector(l.linalg.svd(a).U[..., :2]),
    "torch.svd": lambda l, a: projector(l.svd(a).V),
    "svd S": lambda l, a: l.linalg.svd(a).S,
}
SQUARE = {
    "eigh": rebuilt_eigh,
    "eigh sizes": lambda l, a: l.linalg.eigh(a + a.mH).eigenvectors.abs(),
    "eigh one": lambda l, a: projector(l.linalg.eigh(a + a.mH)[1][..., :1]),
    "eig": rebuilt_eig,
    "eig sizes": lambda l, a: l.linalg.eig(a).eigenvectors.abs().sum((-2, -1)),
    "eigvals": lambda l, a: (l.linalg.eigvals(a) ** 3).sum(-1),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(2, 3, 3), (2, 4, 2), (2, 2, 4)], ids=str)
@pytest.mark.parametrize("name", INVARIANT)
def test_singular_vectors(name, shape, kind):
    if name == "svd full, used in part" and shape[-1] == 2:
        shape = (2, 5, 2)
    compare(INVARIANT[name], numbers(shape, kind, 4), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SQUARE)
def test_eigenvectors(name, kind):
    compare(SQUARE[name], numbers((2, 3, 3), kind, 4), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["svd", "eigh", "eig"])
def test_losses_that_depend_on_phases_are_refused_by_both(name):
    a = definite((3, 3), "complex128")
    for library in (torch, ag):
        t = library.tensor(a, requires_grad=True)
        vectors = library.linalg.svd(t, full_matrices=False).U if name == "svd" else getattr(library.linalg, name)(t)[1]
        with pytest.raises(RuntimeError):
            (vectors.real + vectors.imag * 2).sum().backward()


@pytest.mark.parametrize("mode", ["complete", "r"])
def test_qr_without_derivative_is_refused_by_both(mode):
    for library in (torch, ag):
        t = library.tensor(numbers((4, 3)), requires_grad=True)
        with pytest.raises(RuntimeError, match=r"qr|QR"):
            library.linalg.qr(t, mode=mode)[1].sum().backward()


@pytest.mark.parametrize("mode", ["reduced", "complete", "r"])
@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (2, 3, 3), (0, 3), (3, 0), (0, 2, 3)], ids=str)
def test_qr_values(mode, shape):
    compare(lambda l, a: l.linalg.qr(a, mode=mode), numbers(shape), order=0)


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (2, 3, 3), (0, 3), (3, 0), (0, 2, 3), (2, 0, 3)], ids=str)
def test_svd_shapes(full, shape):
    a = numbers(shape)
    ours, theirs = ag.linalg.svd(ag.tensor(a), full), torch.linalg.svd(torch.tensor(a), full)
    assert [tuple(p.shape) for p in ours] == [tuple(p.shape) for p in theirs]
    np.testing.assert_allclose(ours.S.numpy(), theirs.S.numpy())


# ---------------------------------------------------------------------- norms

VECTOR_ORDERS = [0, 0.5, 1, 1.5, 2, 3, np.inf, -1, -2, -np.inf]
MATRIX_ORDERS = ["fro", "nuc", np.inf, -np.inf, 1, -1, 2, -2]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", VECTOR_ORDERS)
def test_vector_norm(order, kind):
    for dim, keepdim in ((None, False), (1, True), ((0, 2), False), (None, True)):
        call = lambda l, x, d=dim, k=keepdim: l.linalg.vector_norm(x, order, d, k)
        compare(call, numbers((2, 3, 2), kind), order=0 if order == 0 else 1 if kind == "complex128" else 2)
    compare(lambda l, x: l.linalg.vector_norm(x, order), numbers((), kind), order=0)


@pytest.mark.parametrize("order", VECTOR_ORDERS)
def test_vector_norm_at_zeros(order):
    if order == 0:
        return
    for x in (np.zeros(3), np.array([0.0, 2, -2])):
        with np.errstate(divide="ignore"):
            compare(lambda l, x: l.linalg.vector_norm(x, order), x, order=1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", MATRIX_ORDERS)
def test_matrix_norm(order, kind):
    for shape, dim, keepdim in (((3, 4), (-2, -1), False), ((2, 3, 4), (0, 2), True), ((4, 2, 3), (2, 0), False)):
        compare(lambda l, a, d=dim, k=keepdim: l.linalg.matrix_norm(a, order, d, k), numbers(shape, kind, 2), order=1, rtol=1e-7)


@pytest.mark.parametrize("order", MATRIX_ORDERS)
def test_matrix_norm_at_special_matrices(order):
    for a in (np.ones((2, 2)), np.eye(2), np.zeros((2, 2))):
        rank = int(a[0, 0] + a[1, 1] - a[0, 1])
        smooth = {2: rank == 1, -2: False, "nuc": rank != 1}.get(order, True)  # else any of many subgradients is right
        compare(lambda l, a: l.linalg.matrix_norm(a, order), a, order=1 if smooth else 0)


def test_norm():
    a = numbers((3, 4))
    for settings in (
        {},
        {"ord": "fro"},
        {"ord": 2},
        {"ord": 1, "dim": 0},
        {"dim": (0, 1)},
        {"ord": np.inf, "dim": (0, 1), "keepdim": True},
        {"ord": -2},
    ):
        compare(lambda l, a, s=settings: l.linalg.norm(a, **s), a, order=1)
    compare(lambda l, a: l.linalg.norm(a, 3), a[0], order=1)
    compare(lambda l, a: l.linalg.norm(a), numbers((2, 3, 2)), order=1)


def test_norms_in_another_dtype():
    x = numbers((3, 4), "float32")
    for theirs, ours in ((torch.float64, ag.float64),):
        for name in ("vector_norm", "matrix_norm", "norm"):
            t = getattr(torch.linalg, name)(torch.tensor(x), dtype=theirs)
            o = getattr(ag.linalg, name)(ag.tensor(x), dtype=ours)
            assert str(t.dtype) == f"torch.{o.dtype}"
            np.testing.assert_allclose(o.numpy(), t.numpy(), rtol=1e-6)


EMPTY = [
    *[(lambda l, a, o=o: l.linalg.vector_norm(a, o), (0,)) for o in (0, 0.5, 1, 2, 3)],
    (lambda l, a: l.linalg.vector_norm(a, -1, dim=0), (2, 0)),
    *[(lambda l, a, o=o: l.linalg.matrix_norm(a, o), s) for o in ("fro", "nuc", 1, 2, np.inf) for s in ((0, 3), (3, 0), (0, 2, 3))],
    *[
        (lambda l, a, n=n: getattr(l.linalg, n)(a), (*batch, 0, 0))
        for n in "det slogdet inv matrix_exp cholesky eigh eigvalsh eig eigvals svdvals pinv lu matrix_rank".split()
        for batch in ((), (2,))
    ],
    *[
        (lambda l, a, n=n: getattr(l.linalg, n)(a), (0, 3, 3))
        for n in "det slogdet inv matrix_exp cholesky eigh eigvalsh eig eigvals svdvals pinv lu lu_factor matrix_rank cond".split()
    ],
    (lambda l, a: l.linalg.pinv(a), (0, 3)),
    (lambda l, a: l.linalg.pinv(a), (2, 3, 0)),
    (lambda l, a: l.linalg.solve(a, a), (0, 0)),
    (lambda l, a: l.linalg.solve(a, a), (0, 3, 3)),
    (lambda l, a: l.linalg.solve_triangular(a, a, upper=True), (0, 0)),
    (lambda l, a: l.linalg.matrix_power(a, 3), (0, 2, 2)),
    (lambda l, a: l.linalg.matrix_power(a, -1), (2, 0, 0)),
]


@pytest.mark.parametrize("k", range(len(EMPTY)))
def test_nothing(k):
    call, shape = EMPTY[k]
    compare(call, np.zeros(shape), order=0)


@pytest.mark.parametrize("name", "det inv matrix_exp cholesky eigvalsh svdvals pinv".split())
@pytest.mark.parametrize("shape", [(0, 0), (0, 2, 2)], ids=str)
def test_gradient_of_nothing(name, shape):
    a = ag.tensor(np.zeros(shape), requires_grad=True)
    getattr(ag.linalg, name)(a).sum().backward()
    assert a.grad.shape == shape


# ---------------------------------------------------------------------- triangular equations, least squares, ranks


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("upper", "left", "unit"), list(itertools.product([True, False], repeat=3)))
def test_solve_triangular(upper, left, unit, kind):
    a, b = numbers((2, 3, 3), kind) + 2 * np.eye(3), numbers((3, 4) if left else (4, 3), kind, 1)
    compare(lambda l, a, b: l.linalg.solve_triangular(a, b, upper=upper, left=left, unitriangular=unit), a, b)


def test_solve_triangular_of_many():
    a, b = np.triu(numbers((70, 70))) + 9 * np.eye(70), numbers((70, 5), seed=1)
    compare(lambda l, a, b: l.linalg.solve_triangular(a, b, upper=True), a, b, order=1)


@pytest.mark.parametrize("shape", [(50, 50), (2, 40, 70), (70, 40), (3, 33, 33)], ids=str)
def test_lu_of_many(shape):
    compare(lambda l, a: l.linalg.lu(a), numbers(shape), order=0)
    compare(lambda l, a: l.linalg.lu_factor(a), numbers(shape), order=0)


def test_lu_of_a_singular_matrix():
    for a in (np.zeros((2, 2)), np.array([[1.0, 2], [2, 4]]), np.stack([np.eye(3), np.ones((3, 3))])):
        compare(lambda l, a: l.linalg.lu(a), a, order=0)
        compare(lambda l, a: l.linalg.lu_factor_ex(a), a, order=0)
        raises_as_torch(lambda l, a: l.linalg.lu_factor(a), a)


@pytest.mark.parametrize("driver", ["gels", "gelsy", "gelsd", "gelss", None])
@pytest.mark.parametrize(
    "shapes", [((5, 3), (5, 2)), ((2, 5, 3), (2, 5, 2)), ((2, 3, 5), (2, 3, 2)), ((3, 3), (3,)), ((2, 5, 3), (2, 5))], ids=str
)
def test_lstsq(driver, shapes):
    compare(lambda l, a, b: l.linalg.lstsq(a, b, driver=driver), numbers(shapes[0]), numbers(shapes[1], seed=1), order=0)


@pytest.mark.parametrize("driver", ["gelsy", "gelsd", "gelss"])
def test_lstsq_of_low_rank(driver):
    a = numbers((2, 5, 2)) @ numbers((2, 2, 3), seed=1)
    compare(lambda l, a, b: l.linalg.lstsq(a, b, driver=driver, rcond=1e-10)[:3], a, numbers((2, 5, 2), seed=2), order=0)


def test_pinv_of_low_rank():
    a = numbers((2, 5, 2)) @ numbers((2, 2, 3), seed=1)
    compare(lambda l, a: l.linalg.pinv(a), a)
    compare(lambda l, a: l.linalg.pinv(a, atol=0.1), numbers((3, 4)))
    compare(lambda l, a: l.linalg.pinv(a, rtol=0.4), numbers((2, 3, 4)))
    compare(lambda l, a: l.linalg.pinv(a, atol=l.tensor([0.1, 0.7])), numbers((2, 3, 4)))
    compare(lambda l, a: l.linalg.pinv(a @ a.mH, hermitian=True), numbers((3, 2)), order=0)


def test_matrix_rank():
    low = numbers((2, 5, 2)) @ numbers((2, 2, 3), seed=1)
    for settings in ({}, {"atol": 0.5}, {"rtol": 0.5}, {"tol": 0.5}, {"atol": 0.2, "rtol": 0.1}):
        compare(lambda l, a, s=settings: l.linalg.matrix_rank(a, **s), low, order=0)
    compare(lambda l, a: l.linalg.matrix_rank(a @ a.mT, hermitian=True), low, order=0)


# ---------------------------------------------------------------------- refusals

NOT_SQUARE = "det slogdet inv inv_ex cholesky cholesky_ex eigh eigvalsh eig eigvals matrix_exp lu_solve".split()


@pytest.mark.parametrize("name", NOT_SQUARE[:-1])
def test_square_matrices_only(name):
    call = lambda l, a: getattr(l.linalg, name)(a)
    assert name in raises_as_torch(call, np.ones((2, 3)))
    assert "(3,)" in raises_as_torch(call, np.ones(3))
    assert "int64" in raises_as_torch(call, np.ones((2, 2), int))
    if name != "matrix_exp":
        assert "float16" in raises_as_torch(call, np.ones((2, 2), np.float16))


@pytest.mark.parametrize(
    "call",
    [
        lambda l, a: l.linalg.inv(a),
        lambda l, a: a.inverse(),
        lambda l, a: l.linalg.inv_ex(a, check_errors=True),
        lambda l, a: l.linalg.solve(a, a),
        lambda l, a: l.linalg.cholesky(a),
        lambda l, a: l.linalg.cholesky_ex(a, check_errors=True),
        lambda l, a: l.linalg.matrix_power(a, -1),
        lambda l, a: l.linalg.tensorinv(a, ind=1),
    ],
)
def test_singular(call):
    raises_as_torch(call, np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("call", "shapes"),
    [
        (lambda l, a, b: l.linalg.solve(a, b), ((2, 2), (3, 2))),
        (lambda l, a, b: l.linalg.solve(a, b), ((2, 3), (2, 3))),
        (lambda l, a, b: l.linalg.solve(a, b), ((3, 2, 2), (2, 2, 4))),
        (lambda l, a, b: l.linalg.solve(a, b, left=False), ((2, 2), (2,))),
        (lambda l, a, b: l.linalg.solve_triangular(a, b, upper=True), ((2, 2), (2,))),
        (lambda l, a, b: l.linalg.solve_triangular(a, b, upper=True), ((2, 2), (3, 2))),
        (lambda l, a, b: l.linalg.lstsq(a, b), ((3, 2), (2, 2))),
        (lambda l, a, b: l.linalg.lstsq(a, b), ((2, 3, 2), (3,))),
        (lambda l, a, b: l.linalg.lstsq(a, b, driver="best"), ((3, 2), (3, 2))),
        (lambda l, a, b: l.linalg.tensorsolve(a, b), ((2, 3), (2,))),
        (lambda l, a, b: l.linalg.tensorinv(a), ((2, 3, 4), (1,))),
        (lambda l, a, b: l.linalg.tensorinv(a, ind=0), ((2, 2), (1,))),
        (lambda l, a, b: l.linalg.qr(a, mode="economic"), ((2, 2), (1,))),
        (lambda l, a, b: l.linalg.eigh(a, UPLO="X"), ((2, 2), (1,))),
        (lambda l, a, b: l.linalg.lu(a, pivot=False), ((2, 2), (1,))),
        (lambda l, a, b: l.linalg.matrix_power(a, 2), ((2, 3), (1,))),
        (lambda l, a, b: l.linalg.cond(a, "fro"), ((2, 3), (1,))),
        (lambda l, a, b: l.linalg.cond(a, 3), ((2, 2), (1,))),
        (lambda l, a, b: l.linalg.matrix_norm(a, 3), ((2, 2), (1,))),
        (lambda l, a, b: l.linalg.matrix_norm(a), ((2,), (1,))),
        (lambda l, a, b: l.linalg.matrix_norm(a, dim=(0, 0)), ((2, 2), (1,))),
        (lambda l, a, b: l.linalg.norm(a, 2), ((2, 2, 2), (1,))),
        (lambda l, a, b: l.linalg.norm(a, "fro"), ((2, 2, 2), (1,))),
        (lambda l, a, b: l.linalg.norm(a, "nuc"), ((2,), (1,))),
        (lambda l, a, b: l.linalg.norm(a, "fro", dim=1), ((2, 2), (1,))),
        (lambda l, a, b: l.linalg.norm(a, dim=(0, 1, 2)), ((2, 2, 2), (1,))),
        (lambda l, a, b: l.linalg.norm(a, dim=()), ((2, 2), (1,))),
        (lambda l, a, b: l.linalg.vector_norm(a, np.inf), ((0,), (1,))),
        (lambda l, a, b: l.linalg.vector_norm(a, -1), ((0,), (1,))),
        (lambda l, a, b: l.linalg.vector_norm(a, dtype=l.float16), ((2,), (1,))),
        (lambda l, a, b: l.linalg.diagonal(a, dim1=0, dim2=0), ((2, 2), (1,))),
    ],
)
def test_refused(call, shapes):
    raises_as_torch(call, *[numbers(s, seed=k) for k, s in enumerate(shapes)])


def test_names_of_results():
    a = definite((3, 3))
    for name in "slogdet qr svd eigh eig lu lu_factor lu_factor_ex inv_ex cholesky_ex".split():
        ours, theirs = getattr(ag.linalg, name)(ag.tensor(a)), getattr(torch.linalg, name)(torch.tensor(a))
        assert set(ours._fields) == {n for n in dir(theirs) if not n.startswith(("_", "n_")) and n not in ("count", "index")}
        for field in ours._fields:
            assert tuple(getattr(ours, field).shape) == tuple(getattr(theirs, field).shape)
            assert str(getattr(theirs, field).dtype) == f"torch.{getattr(ours, field).dtype}"
