"""The transforms of functions against torch.func and torch.autograd.functional."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from tests.table import ROWS

torch = pytest.importorskip("torch", reason="parity extra not installed")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:torch.*", "ignore:.*torch.jit.*")

RNG = np.random.default_rng(0)
W, X, Y = RNG.normal(size=(4, 3)), RNG.normal(size=(5, 3)), RNG.normal(size=(5, 4))


def loss(m):
    return lambda w, x, y: ((m.tanh(x @ w.T) - y) ** 2).sum()


def layer(m, w):
    return lambda x: m.tanh(x @ w.T)


CASES = {
    "grad": lambda m, f, w, x, y: f.grad(loss(m))(w, x, y),
    "grad by two": lambda m, f, w, x, y: f.grad(loss(m), (0, 1))(w, x, y),
    "grad with aux": lambda m, f, w, x, y: f.grad(lambda w: (loss(m)(w, x, y), w * 2), has_aux=True)(w),
    "grad and value": lambda m, f, w, x, y: f.grad_and_value(loss(m))(w, x, y),
    "grad of a dictionary": lambda m, f, w, x, y: f.grad(lambda p: loss(m)(p["w"], x, y) * p["s"].sum())({"w": w, "s": x}),
    "grad of grad": lambda m, f, w, x, y: f.grad(lambda x: (f.grad(lambda x: (m.sin(x) ** 3).sum())(x) ** 2).sum())(x),
    "third order": lambda m, f, w, x, y: f.grad(lambda v: f.grad(lambda v: f.grad(lambda v: m.sin(v) * v**3)(v))(v))(x[0, 0]),
    "vjp": lambda m, f, w, x, y: f.vjp(lambda w, x: m.tanh(x @ w.T), w, x)[1](y),
    "vjp of a tree": lambda m, f, w, x, y: f.vjp(lambda x: {"a": x.sin(), "b": [x.sum(0)]}, x)[1]({"a": x, "b": [x[1]]}),
    "jvp": lambda m, f, w, x, y: f.jvp(lambda w, x: m.tanh(x @ w.T), (w, x), (w * 2, x + 1)),
    "jvp with aux": lambda m, f, w, x, y: f.jvp(lambda x: (x.exp(), x * 2), (x,), (x,), has_aux=True),
    "jvp of jvp": lambda m, f, w, x, y: f.jvp(lambda x: f.jvp(m.sin, (x,), (x,))[1], (x,), (x * 2,)),
    "jacrev": lambda m, f, w, x, y: f.jacrev(layer(m, w))(x),
    "jacrev in chunks": lambda m, f, w, x, y: f.jacrev(layer(m, w), chunk_size=3)(x),
    "jacrev by two of two": lambda m, f, w, x, y: f.jacrev(lambda w, x: (x @ w.T, (w.sum(), x.exp())), (0, 1))(w, x),
    "jacrev of what does not depend": lambda m, f, w, x, y: f.jacrev(lambda w, x: w * 2, (0, 1))(w, x),
    "jacfwd": lambda m, f, w, x, y: f.jacfwd(layer(m, w))(x),
    "jacfwd by two": lambda m, f, w, x, y: f.jacfwd(lambda w, x: m.tanh(x @ w.T), (0, 1))(w, x),
    "jacfwd of a number": lambda m, f, w, x, y: f.jacfwd(lambda x: (x * w[0]).sum())(x[0]),
    "hessian": lambda m, f, w, x, y: f.hessian(lambda x: loss(m)(w, x, y))(x),
    "hessian by two": lambda m, f, w, x, y: f.hessian(lambda w, x: loss(m)(w, x, y), (0, 1))(w, x),
    "third derivatives": lambda m, f, w, x, y: f.jacfwd(f.hessian(lambda v: (m.sin(v) * v).sum()))(x[0]),
    "jacrev of jacrev": lambda m, f, w, x, y: f.jacrev(f.jacrev(lambda v: (m.sin(v) * v).sum()))(x[0]),
    "jacrev of vmap": lambda m, f, w, x, y: f.jacrev(f.vmap(layer(m, w)))(x),
    "vmap": lambda m, f, w, x, y: f.vmap(loss(m), (None, 0, 0))(w, x, y),
    "vmap along others": lambda m, f, w, x, y: f.vmap(lambda x: x.cumsum(0), in_dims=1, out_dims=1)(x),
    "vmap to several": lambda m, f, w, x, y: f.vmap(lambda x: (x * 2, {"a": x.sum()}))(x),
    "vmap to several dimensions": lambda m, f, w, x, y: f.vmap(lambda x: (x * 2, x[:, None] * x), out_dims=(1, 2))(x),
    "vmap in chunks": lambda m, f, w, x, y: f.vmap(loss(m), (None, 0, 0), chunk_size=2)(w, x, y),
    "vmap of a tree": lambda m, f, w, x, y: f.vmap(lambda p, z: p["x"] * p["y"].sum() + z, ({"x": 0, "y": 0}, None))(
        {"x": x, "y": y}, w[0]
    ),
    "vmap of vmap": lambda m, f, w, x, y: f.vmap(lambda x: f.vmap(lambda r: m.tanh((r * x).sum()))(w))(x),
    "vmap of constants": lambda m, f, w, x, y: f.vmap(lambda x: m.ones(2))(x),
    "vmap of a softmax": lambda m, f, w, x, y: f.vmap(lambda x: m.softmax(x, 0).max(), in_dims=1)(x),
    "vmap of weak numbers": lambda m, f, w, x, y: f.vmap(lambda s, v: v.float() * s)(x[:, 0], y),
    "vmap of einsum": lambda m, f, w, x, y: f.vmap(lambda x: m.einsum("i,ji->j", x, w))(x),
    "vmap of indexing": lambda m, f, w, x, y: f.vmap(lambda x: (x[1:], x[None, 0], x[[0, 2, 0]]))(x),
    "vmap at batched indices": lambda m, f, w, x, y: f.vmap(lambda i: w[i])(m.tensor([0, 3, 1])),
    "vmap at batched indices of batched": lambda m, f, w, x, y: f.vmap(lambda v, i: v[i])(x, m.tensor([0, 2, 1, 1, 0])),
    "vmap at batched index arrays": lambda m, f, w, x, y: f.vmap(lambda i: w[i, i] * 2)(m.tensor([[0, 1], [2, 2]])),
    "gradients of examples": lambda m, f, w, x, y: f.vmap(f.grad(loss(m)), (None, 0, 0))(w, x, y),
    "gradients of embeddings": lambda m, f, w, x, y: f.vmap(f.grad(lambda w, i: w[i].sum() ** 2), (None, 0))(w, m.tensor([[0, 1], [3, 3]])),
    "gradient of gradients of examples": lambda m, f, w, x, y: f.grad(
        lambda w: (f.vmap(f.grad(loss(m)), (None, 0, 0))(w, x, y) ** 2).sum()
    )(w),
    "vmap of jacrev": lambda m, f, w, x, y: f.vmap(f.jacrev(layer(m, w)))(x),
    "vmap of jacfwd": lambda m, f, w, x, y: f.vmap(f.jacfwd(layer(m, w)))(x),
    "vmap of hessian": lambda m, f, w, x, y: f.vmap(f.hessian(lambda x: (m.tanh(x @ w.T) ** 2).sum()))(x),
    "vmap of jvp": lambda m, f, w, x, y: f.vmap(lambda x: f.jvp(layer(m, w), (x,), (x * 2,)))(x),
    "vmap of vmap of grad": lambda m, f, w, x, y: f.vmap(lambda x: f.vmap(f.grad(lambda r: m.tanh((r * x).sum())))(w))(x),
    "vmap of vmap of jacrev": lambda m, f, w, x, y: f.vmap(lambda x: f.vmap(f.jacrev(lambda r: m.tanh(r * x)))(w))(x),
}


def leaves(tree):
    if isinstance(tree, tuple | list):
        return [leaf for part in tree for leaf in leaves(part)]
    if isinstance(tree, dict):
        return [leaf for key in sorted(tree) for leaf in leaves(tree[key])]
    return [tree.detach().numpy()]


def same(ours, theirs, **tolerances):
    ours, theirs = leaves(ours), leaves(theirs)
    assert len(ours) == len(theirs)
    for o, t in zip(ours, theirs, strict=True):
        assert o.shape == t.shape
        assert o.dtype == t.dtype
        np.testing.assert_allclose(o, t, **{"rtol": 1e-9, "atol": 1e-11, **tolerances})


@pytest.mark.parametrize("name", CASES)
def test_transform(name):
    case = CASES[name]
    same(
        case(ag, ag.func, *[ag.tensor(a) for a in (W, X, Y)]),
        case(torch, torch.func, *[torch.tensor(a) for a in (W, X, Y)]),
    )


@pytest.mark.parametrize("name", CASES)
def test_transform_inside_a_recorded_program(name):
    """The same inside an ordinary backward pass: what the transform gives is differentiated by what went in."""
    gradients = []
    for m in (ag, torch):
        inputs = [m.tensor(a, requires_grad=True) for a in (W, X, Y)]
        found = []

        def gather(tree, found=found):
            if isinstance(tree, tuple | list):
                [gather(part) for part in tree]
            elif isinstance(tree, dict):
                [gather(tree[key]) for key in sorted(tree)]
            elif tree.requires_grad:
                found.append((tree * tree).sum())

        gather(CASES[name](m, m.func, *inputs))
        gradients.append([] if not found else m.autograd.grad(sum(found[1:], found[0]), inputs, allow_unused=True))
    ours, theirs = gradients
    for k, a in enumerate((W, X, Y) if theirs else ()):
        o, t = (np.zeros(a.shape) if not g or g[k] is None else g[k].numpy() for g in (ours, theirs))
        np.testing.assert_allclose(o, t, rtol=1e-9, atol=1e-11)


def test_grads_batched():
    weights = np.random.default_rng(3).normal(size=(7, 5, 4))
    found = []
    for m in (ag, torch):
        x = m.tensor(X, requires_grad=True)
        y = m.tanh(x @ m.tensor(W).T)
        found.append(m.autograd.grad(y, x, m.tensor(weights), is_grads_batched=True))
    same(*found)


def function(m):
    return lambda x, y: (x.sin() * y).sum() * y.sum()


FUNCTIONAL = {
    "vjp": lambda m, f, x, v: f.vjp(lambda x: x.exp() * x.sum(), x, v),
    "vjp of two": lambda m, f, x, v: f.vjp(lambda x, y: (x * y, x.sum()), (x, v), (v, m.tensor(2.0, dtype=x.dtype))),
    "jvp": lambda m, f, x, v: f.jvp(lambda x: x.exp() * x.sum(), x, v),
    "jvp of two": lambda m, f, x, v: f.jvp(lambda x, y: (x * y, x.sum()), (x, v), (v, x)),
    "jacobian": lambda m, f, x, v: f.jacobian(lambda x: x.exp() * x.sum(), x),
    "jacobian vectorized": lambda m, f, x, v: f.jacobian(lambda x: x.exp() * x.sum(), x, vectorize=True),
    "jacobian forward": lambda m, f, x, v: f.jacobian(lambda x: x.exp() * x.sum(), x, vectorize=True, strategy="forward-mode"),
    "jacobian of two": lambda m, f, x, v: f.jacobian(lambda x, y: (x * y, x.sum()), (x, v)),
    "jacobian of two forward": lambda m, f, x, v: f.jacobian(
        lambda x, y: (x * y, x.sum()), (x, v), vectorize=True, strategy="forward-mode"
    ),
    "hessian": lambda m, f, x, v: f.hessian(lambda x: (x.exp() * x).sum() ** 2, x),
    "hessian vectorized": lambda m, f, x, v: f.hessian(lambda x: (x.exp() * x).sum() ** 2, x, vectorize=True),
    "hessian of two": lambda m, f, x, v: f.hessian(function(m), (x, v)),
    "hessian of two forward": lambda m, f, x, v: f.hessian(function(m), (x, v), vectorize=True, outer_jacobian_strategy="forward-mode"),
    "hvp": lambda m, f, x, v: f.hvp(lambda x: (x.exp() * x).sum() ** 2, x, v),
    "vhp": lambda m, f, x, v: f.vhp(lambda x: (x.exp() * x).sum() ** 2, x, v),
    "vhp of two": lambda m, f, x, v: f.vhp(function(m), (x, v), (v, x)),
    "hvp of two": lambda m, f, x, v: f.hvp(function(m), (x, v), (v, x)),
}


@pytest.mark.parametrize("name", FUNCTIONAL)
def test_functional(name):
    case = FUNCTIONAL[name]
    found = [case(m, m.autograd.functional, m.tensor(X[:2]), m.tensor(X[2:4])) for m in (ag, torch)]
    same(*found)
    assert not any(leaf.requires_grad for leaf in [found[0]] if isinstance(leaf, ag.Tensor))


def test_vectorized_where_an_output_does_not_depend_on_an_input():
    found = [
        m.autograd.functional.jacobian(lambda x, y: (x * y, y * 2, x.sum()), (m.tensor(X[0]), m.tensor(X[1])), vectorize=True)
        for m in (ag, torch)
    ]
    same(*found)


WRONG = {
    "an argument twice": lambda m, f, x: f.grad(lambda x, y: (x * y).sum(), (0, -2))(x, x),
    "no argument": lambda m, f, x: f.jacrev(lambda x, y: (x * y).sum(), ())(x, x),
    "cotangents of another structure": lambda m, f, x: f.vjp(lambda x: (x, x * 2), x)[1](x),
    "too few cotangents": lambda m, f, x: f.vjp(lambda x: {"a": x, "b": x * 2}, x)[1]({"a": x}),
    "tangents of another structure": lambda m, f, x: f.jvp(lambda d: d["a"] * 2, ({"a": x},), ([x],)),
    "a complex result": lambda m, f, x: f.grad(lambda x: (x * 1j).sum())(x),
    "strict": lambda m, f, x: f.jvp(lambda x: m.ones(2), (x,), (x,), strict=True),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name):
    for m in (ag, torch):
        with pytest.raises(RuntimeError):
            WRONG[name](m, m.func, m.tensor(X))


def test_trees_are_matched_by_key():
    x = ag.tensor(X)
    (found,) = ag.func.vjp(lambda x: {"a": x[0], "b": x[1]}, x)[1]({"b": x[1] * 5, "a": x[0]})
    np.testing.assert_allclose(found.numpy()[:2], [X[0], 5 * X[1]])
    _, found = ag.func.jvp(lambda d: d["a"] * d["b"], ({"a": x, "b": x + 1},), ({"b": x * 0, "a": x * 0 + 1},))
    np.testing.assert_allclose(found.numpy(), X + 1)


AUX = {
    "grad": lambda f, x: f.grad(lambda x: (x.sum(), x * 2), has_aux=True)(x)[1],
    "vjp": lambda f, x: f.vjp(lambda x: (x, x * 2), x, has_aux=True)[2],
    "jvp": lambda f, x: f.jvp(lambda x: (x, x * 2), (x,), (x,), has_aux=True)[2],
    "jacrev": lambda f, x: f.jacrev(lambda x: (x, x * 2), has_aux=True)(x)[1],
    "jacfwd": lambda f, x: f.jacfwd(lambda x: (x, x * 2), has_aux=True)(x)[1],
}


@pytest.mark.parametrize("name", AUX)
@pytest.mark.parametrize("outer", [False, True])
def test_aux_records_only_what_is_outside(name, outer):
    found = [AUX[name](m.func, m.tensor(X, requires_grad=outer)) for m in (ag, torch)]
    same(*found)
    assert [aux.requires_grad for aux in found] == [outer, outer]


def test_functional_results_can_be_differentiated():
    found = []
    for m in (ag, torch):
        x = m.tensor(X[0], requires_grad=True)
        h = m.autograd.functional.hessian(lambda x: (x**3).sum(), x, create_graph=True)
        found.append(m.autograd.grad(h.sum(), x))
    same(*found)


def modules():
    ours = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)).double()
    for o, t in zip(ours.parameters(), theirs.parameters(), strict=True):
        o.data = ag.tensor(t.detach().numpy())
    return ours, theirs


def test_gradients_of_examples_of_a_module():
    found = []
    targets = np.array([0, 1, 1, 0, 1])
    for m, module in zip((ag, torch), modules(), strict=True):
        cross_entropy = (nn if m is ag else torch.nn).functional.cross_entropy
        parameters = {name: p.detach() for name, p in module.named_parameters()}

        def one(parameters, x, y, m=m, module=module, cross_entropy=cross_entropy):
            return cross_entropy(m.func.functional_call(module, parameters, (x[None],)), y[None])

        found.append(m.func.vmap(m.func.grad(one), (None, 0, 0))(parameters, m.tensor(X), m.tensor(targets)))
    same(*found)


@pytest.mark.parametrize("settings", [{}, {"label_smoothing": 0.1}, {"ignore_index": 1}, {"reduction": "sum"}, {"weighted": True}], ids=str)
def test_cross_entropy_of_batched_targets(settings):
    scores, targets = np.random.default_rng(5).normal(size=(6, 4, 3)), np.random.default_rng(5).integers(0, 3, (6, 4))
    found = []
    for m in (ag, torch):
        named = dict(settings)
        if named.pop("weighted", False):
            named["weight"] = m.tensor([1.0, 2.0, 0.5], dtype=m.float64)
        f = (nn if m is ag else torch.nn).functional
        found.append(m.func.vmap(lambda x, y, f=f, named=named: f.cross_entropy(x, y, **named))(m.tensor(scores), m.tensor(targets)))
        found.append(m.stack([f.cross_entropy(m.tensor(x), m.tensor(y), **named) for x, y in zip(scores, targets, strict=True)]))
    for other in found[1:]:
        same(found[0], other)


LOSSES = {
    "mse_loss": lambda f, x, y: f.mse_loss(x, y),
    "l1_loss": lambda f, x, y: f.l1_loss(x, y),
    "huber_loss": lambda f, x, y: f.huber_loss(x, y),
    "binary_cross_entropy": lambda f, x, y: f.binary_cross_entropy(x.sigmoid(), y.sigmoid()),
    "binary_cross_entropy_with_logits": lambda f, x, y: f.binary_cross_entropy_with_logits(x, y.sigmoid()),
    "cross_entropy of probabilities": lambda f, x, y: f.cross_entropy(x, y.softmax(-1)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_of_examples_of_a_loss(name):
    found = []
    for m in (ag, torch):
        f = (nn if m is ag else torch.nn).functional
        found.append(m.func.vmap(m.func.grad(lambda x, y, f=f: LOSSES[name](f, x, y)))(m.tensor(X), m.tensor(Y[:, :3])))
    same(*found)


def test_an_ensemble():
    found = []
    for m, module in zip((ag, torch), modules(), strict=True):
        parameters, buffers = m.func.stack_module_state([module, module])
        parameters = {name: p * m.tensor([1.0, 2.0], dtype=p.dtype).reshape(-1, *[1] * (p.ndim - 1)) for name, p in parameters.items()}
        call = lambda p, b, x, m=m, module=module: m.func.functional_call(module, (p, b), (x,))
        found.append(m.func.vmap(call, (0, 0, None))(parameters, buffers, m.tensor(X)))
    same(*found)


FORWARD = [
    pytest.param(row, id=row.id)
    for row in ROWS.values()
    if row.torch is not None
    and row.orders
    and row.torch_orders != 0
    and row.op != "scan.logcumsumexp"  # PyTorch's double backward gives NaN
]


@pytest.mark.parametrize("row", FORWARD)
def test_forward_mode_of_operations(row):
    """jvp of every operation equals PyTorch's double-backward derivative in a direction."""
    arrays = row.arrays(np.random.default_rng(1))
    floats = [k for k, a in enumerate(arrays) if np.asarray(a).dtype.kind == "f"]
    directions = [np.linspace(-1, 1, a.size).reshape(a.shape) for a in arrays]
    found = []
    for m, call in ((ag, row.call), (torch, lambda *xs: row.torch(torch, *xs))):
        given = [m.tensor(a) for a in arrays]

        def of_floats(*xs, given=given, call=call):
            full = list(given)
            for k, x in zip(floats, xs, strict=True):
                full[k] = x
            return call(*full)

        found.append(
            m.autograd.functional.jvp(of_floats, tuple(given[k] for k in floats), tuple(m.tensor(directions[k]) for k in floats))[1]
            if m is torch
            else m.func.jvp(of_floats, tuple(given[k] for k in floats), tuple(m.tensor(directions[k]) for k in floats))[1]
        )
    same(*found, rtol=1e-8, atol=1e-10)
