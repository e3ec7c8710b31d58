"""Convolutions: kernels against what they are made of, gradients by the bias, vmap, threads, errors. More in the rows and parity tests."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag
import nn
from autograd_core.autograd import gradcheck, gradgradcheck
from autograd_core.func import functional_call, grad, vmap
from autograd_core.kernels import conv as kernel
from autograd_core.kernels import conv_columns
from autograd_core.ops import conv
from nn import functional as F
from tests.rows.conv import convolved, transposed


@st.composite
def geometries(draw):
    """Sizes and settings of a convolution, in one to three dimensions."""
    dims = draw(st.integers(1, 3))
    each = lambda low, high: tuple(draw(st.integers(low, high)) for _ in range(dims))
    kernels, stride, dilation, after = each(1, 3), each(1, 3), each(1, 2), each(0, 2)
    padding = tuple((draw(st.integers(0, 2)), a) for a in after)
    size = tuple(max(1, d * (k - 1) + 1 - b - a) + draw(st.integers(0, 4)) for k, d, (b, a) in zip(kernels, dilation, padding, strict=True))
    groups = draw(st.integers(1, 3))
    return {
        "x": (draw(st.integers(0, 3)), groups * draw(st.integers(1, 2)), *size),
        "out": groups * draw(st.integers(1, 2)),
        "kernel": kernels,
        "settings": {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups},
    }


@st.composite
def layouts(draw):
    """A way to lay an array in memory."""
    return draw(
        st.sampled_from([np.ascontiguousarray, np.asfortranarray, lambda a: np.repeat(a, 2, -1)[..., ::2], lambda a: a[::-1].copy()[::-1]])
    )


def derivatives(function, arrays, seed):
    """The value and the gradients, plain and recorded, and the gradients of those."""
    rng = np.random.default_rng(seed)
    by = [ag.tensor(a, requires_grad=True) for a in arrays]
    out = function(*by)
    g = ag.tensor(rng.standard_normal(tuple(out.shape)), requires_grad=True)
    first = ag.autograd.grad(out, by, g, retain_graph=True)
    recorded = ag.autograd.grad(out, by, g, create_graph=True)
    total = sum((f * f).sum() for f in recorded)
    second = ag.autograd.grad(total, [*by, g], materialize_grads=True)
    return [out, *first, *recorded, *second]


def same(found, expected, tolerance=1e-11):
    for f, e in zip(found, expected, strict=True):
        largest = np.abs(e.detach().numpy()).max(initial=1.0)
        np.testing.assert_allclose(f.detach().numpy(), e.detach().numpy(), tolerance, tolerance * largest)


WAYS = [  # bounds between the ways to compute, so that small sizes go each way
    {},
    {"CHUNK": 500},
    {"MANY": 0},
    {"MANY": 0, "CHUNK": 500, "SHARED": 0},
    {"FEW": 0},
    {"FEW": 0, "CHUNK": 500},
    {"MERGED_BELOW": 1, "SLABS_FROM": 1, "TURNED_FROM": 1},
]


@settings(max_examples=60)
@given(geometries(), layouts(), st.integers(0, 1000), st.sampled_from(WAYS))
def test_kernels_equal_what_they_are_made_of(geometry, lay, seed, way):
    """Value, gradient and double gradient of all three maps, by all their arguments, for any geometry, layout and way to compute."""
    rng = np.random.default_rng(seed)
    how, kernels = geometry["settings"], geometry["kernel"]
    x = lay(rng.standard_normal(geometry["x"]))
    w = lay(rng.standard_normal((geometry["out"], geometry["x"][1] // how["groups"], *kernels)))
    b = rng.standard_normal(geometry["out"])
    sizes = conv.size_of_convolution(x.shape[2:], kernels, how["stride"], how["padding"], how["dilation"])
    y = lay(rng.standard_normal((len(x), geometry["out"], *sizes)))
    extra = conv.extra_of(x.shape[2:], sizes, kernels, how["stride"], how["padding"], how["dilation"])
    with pytest.MonkeyPatch.context() as patch:
        for name, bound in way.items():
            patch.setattr(conv_columns if name == "MANY" else kernel, name, bound)
        for op, arrays, more in (
            (conv.convolution, (x, w, b), {}),
            (conv.transposed_convolution, (y, w, rng.standard_normal(x.shape[1])), {"extra": extra}),
            (conv.correlation, (x, y), {"kernel": kernels}),
        ):
            fast = derivatives(lambda *a, op=op, more=more: op(*a, **how, **more), arrays, seed)
            slow = derivatives(lambda *a, op=op, more=more: op.op.reference(*a, **how, **more), arrays, seed)
            same(fast, slow)
        np.testing.assert_allclose(conv.convolution(x, w, b, **how), convolved(x, w, b, **how), 1e-11, 1e-11)
        np.testing.assert_allclose(
            conv.transposed_convolution(y, w, None, **how, extra=extra), transposed(y, w, None, **how, extra=extra), 1e-11, 1e-11
        )


@settings(max_examples=25)
@given(geometries(), st.integers(0, 1000))
def test_the_three_maps_are_adjoints_of_each_other(geometry, seed):
    """〈convolution(x, w), y〉 = 〈x, transposed(y, w)〉 = 〈w, correlation(x, y)〉."""
    rng = np.random.default_rng(seed)
    how, kernels = geometry["settings"], geometry["kernel"]
    x = rng.standard_normal(geometry["x"])
    w = rng.standard_normal((geometry["out"], x.shape[1] // how["groups"], *kernels))
    out = conv.convolution(x, w, None, **how)
    y = rng.standard_normal(out.shape)
    extra = conv.extra_of(x.shape[2:], out.shape[2:], kernels, how["stride"], how["padding"], how["dilation"])
    first = (out * y).sum()
    second = (x * conv.transposed_convolution(y, w, None, **how, extra=extra)).sum()
    third = (w * conv.correlation(x, y, kernel=kernels, **how)).sum()
    np.testing.assert_allclose([second, third], [first, first], rtol=1e-10, atol=1e-10)


BLOCKED = [  # (x, weight, settings): products cut into blocks, images multiplied together, runs of rows
    ((4, 32, 20, 24), (40, 32, 3, 3), {"padding": 1}),
    ((3, 64, 300), (48, 64, 5), {"padding": 2}),
    ((6, 40, 5, 6), (48, 40, 3, 3), {"padding": 1}),
    ((2, 24, 12, 12), (24, 1, 3, 3), {"padding": 1, "groups": 24}),
    ((2, 16, 6, 8, 10), (24, 16, 3, 3, 3), {"padding": 1}),
    ((2, 12, 30, 31), (16, 12, 4, 3), {"stride": 2, "padding": 1}),
    ((2, 64, 64, 64), (32, 64, 1, 1), {}),
    ((8, 6, 8, 8), (10, 6, 8, 8), {}),
    ((2, 3, 32, 32), (8, 3, 8, 8), {"stride": 8}),
    ((2, 1, 2000), (6, 1, 400), {"stride": 160}),
    ((1, 2, 40000), (3, 2, 60), {"stride": 4, "padding": 30}),
    ((2, 8, 300), (8, 1, 31), {"padding": 15, "groups": 8}),
]


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize(("x", "w", "how"), BLOCKED, ids=str)
def test_large(x, w, how, parallel, rng, monkeypatch):
    monkeypatch.setattr(kernel, "SMALL", 0 if parallel else np.inf)
    function, back = getattr(F, f"conv{len(x) - 2}d"), getattr(F, f"conv_transpose{len(x) - 2}d")
    arrays = [rng.standard_normal(x), rng.standard_normal(w) / 10, rng.standard_normal(w[0])]
    by = [ag.tensor(a, requires_grad=True) for a in arrays]
    out = function(*by, **how)
    g = ag.tensor(rng.standard_normal(tuple(out.shape)))
    settings = dict(zip(("stride", "padding", "dilation", "groups"), out.node.settings.values(), strict=True))
    reference = conv.convolution.op.reference(*by, **settings)
    same([out], [reference])
    expected = ag.autograd.grad(reference, by, g)
    for which in ((0, 1, 2), (1, 2), (0,)):
        same(ag.autograd.grad(out, [by[i] for i in which], g, retain_graph=True), [expected[i] for i in which])
    y = back(g, by[1], None, **how)
    how_back = {**settings, "extra": (0,) * (len(x) - 2)}
    same([y], [conv.transposed_convolution.op.reference(g, by[1], None, **how_back)])
    z = ag.tensor(rng.standard_normal(tuple(y.shape)))
    same(
        ag.autograd.grad(y, [by[1]], z), ag.autograd.grad(conv.transposed_convolution.op.reference(g, by[1], None, **how_back), [by[1]], z)
    )


def recorded(monkeypatch, module, name, what):
    """What is recorded of each call's arguments from now on."""
    seen, function = [], getattr(module, name)
    monkeypatch.setattr(module, name, lambda *args: seen.append(what(*args)) or function(*args))
    return seen


def test_a_long_strided_signal_is_read_once(monkeypatch):
    """Not by each chunk of rows."""
    seen = recorded(monkeypatch, conv_columns, "scratch", lambda count, shape, *_: np.prod(shape))
    monkeypatch.setattr(kernel, "CHUNK", 1 << 16)
    F.conv1d(ag.ones(1, 4, 100_000), ag.ones(8, 4, 9), stride=4)
    assert sum(seen) < 4 * 110_000


def test_many_elements_of_a_kernel_are_copied_at_once(monkeypatch):
    seen = recorded(monkeypatch, np, "copyto", lambda *_: None)
    F.conv1d(ag.ones(1, 1, 3000), ag.ones(4, 1, 1024))
    assert len(seen) < 20


@pytest.mark.parametrize(
    ("x", "w", "how"), [((8, 4, 8, 8), (6, 4, 8, 8), {}), ((1, 1, 4000), (2, 1, 400), {"stride": 160})], ids=["one position", "many rests"]
)
def test_an_adjoint_of_few_positions_multiplies_no_zeros(x, w, how, monkeypatch):
    x, w = ag.ones(x, requires_grad=True), ag.ones(w, requires_grad=True)
    out = getattr(F, f"conv{x.ndim - 2}d")(x, w, **how)
    seen = recorded(monkeypatch, kernel, "sweep", lambda x, *_: x.shape)
    out.sum().backward()
    assert seen == [tuple(x.shape)]  # the weights' gradient


def test_the_weights_gradient_shares_columns_where_they_are_not_more(monkeypatch):
    for wide, calls in ((3, 1), (6, 2)):
        x = ag.ones(1, 3, 5, 5, requires_grad=True)
        out = nn.Conv2d(3, wide, 3, padding=1)(x)
        with monkeypatch.context() as patch:
            seen = recorded(patch, kernel, "sweep", lambda *_: None)
            out.sum().backward()
            assert len(seen) == calls


def test_a_long_row_of_one_channel_is_one_product(monkeypatch):
    seen = recorded(monkeypatch, kernel, "multiply", lambda weight, *_: weight.shape)
    F.conv1d(ag.ones(2, 3, 500), ag.ones(3, 1, 31), groups=3)
    assert seen == [(3, 1, 31)]


def test_small_rests_of_an_adjoint_are_shared_among_threads(rng, monkeypatch):
    """Each is too small to be shared out itself."""
    x, w = (ag.tensor(rng.standard_normal(s), requires_grad=True) for s in ((2, 6, 20, 20), (4, 6, 6, 6)))
    out = F.conv2d(x, w, stride=4)
    expected = ag.autograd.grad((out * out).sum(), [x, w], retain_graph=True)
    monkeypatch.setattr(kernel, "SMALL", 2 * 4 * 4 * 4 * 6 * 6 * 6 - 1)
    seen = recorded(monkeypatch, kernel, "in_parallel", lambda work, parts, pays=True: len(parts) * pays)
    same(ag.autograd.grad((out * out).sum(), [x, w]), expected)
    assert [count for count in seen if count] == [16]


def test_the_result_does_not_depend_on_who_is_quick(rng, monkeypatch):
    """To the bit, with as many threads as there are."""
    monkeypatch.setattr(kernel, "SMALL", 0)
    x = ag.tensor(rng.standard_normal((16, 8, 16, 16)).astype("float32"), requires_grad=True)
    layer = nn.Conv2d(8, 8, 3, padding=1)
    found = [ag.autograd.grad(layer(x).square().sum(), [x, *layer.parameters()]) for _ in range(5)]
    for again in found[1:]:
        for a, b in zip(found[0], again, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("function", [F.conv2d, F.conv_transpose2d])
def test_bias(function, rng):
    x, w, b = (ag.tensor(rng.standard_normal(s), requires_grad=True) for s in ((2, 2, 4, 3), (2, 2, 2, 2), (2,)))
    call = lambda x, w, b: function(x, w, b, stride=2, padding=1)
    gradcheck(call, (x, w, b))
    gradgradcheck(call, (x, w, b))
    only = lambda b: function(x.detach(), w.detach(), b, stride=2, padding=1)
    gradcheck(only, (b,))


def test_only_what_is_wanted_is_computed(rng, monkeypatch):
    """A first layer's input needs no gradient."""
    seen = []
    monkeypatch.setattr(conv, "spread", lambda *args: seen.append("spread") or kernel.spread(*args))
    monkeypatch.setattr(conv, "gather", lambda *args: seen.append("gather") or kernel.gather(*args))
    layer = nn.Conv2d(2, 3, 3)
    x = ag.tensor(rng.standard_normal((1, 2, 5, 5)).astype("float32"))
    layer(x).sum().backward()
    assert seen == ["gather", "gather"]
    layer(x.requires_grad_()).sum().backward()
    assert seen[2:] == ["gather", "spread"]


@pytest.mark.parametrize(
    "layer",
    [nn.Conv1d(2, 4, 3, stride=2), nn.Conv2d(2, 4, 3, padding="same", groups=2), nn.Conv3d(2, 2, 2), nn.ConvTranspose2d(2, 3, 3, stride=2)],
    ids=repr,
)
def test_gradients_of_single_examples(layer, rng):
    layer = layer.double()
    x = ag.tensor(rng.standard_normal((3, 2, *(6, 5, 4)[: layer.dims])))
    parameters = {name: p.detach() for name, p in layer.named_parameters()}

    def loss(parameters, x):
        return functional_call(layer, parameters, (x[None],)).square().sum()

    found = vmap(grad(loss), in_dims=(None, 0))(parameters, x)
    for i in range(3):
        expected = grad(loss)(parameters, x[i])
        for name in parameters:
            np.testing.assert_allclose(found[name][i].numpy(), expected[name].numpy(), rtol=1e-10)
    unbatched = vmap(lambda x: layer(x))(x)
    np.testing.assert_allclose(unbatched.detach().numpy(), layer(x).detach().numpy(), rtol=1e-10)


def test_a_broadcast_gradient_and_an_expanded_input(rng):
    w = ag.tensor(rng.standard_normal((3, 2, 3, 3)), requires_grad=True)
    x = ag.tensor(rng.standard_normal((1, 2, 6, 6)), requires_grad=True)
    F.conv2d(x.expand(4, 2, 6, 6), w, padding=1).sum().backward()
    whole = ag.tensor(np.repeat(x.detach().numpy(), 4, 0), requires_grad=True)
    (expected,) = ag.autograd.grad(F.conv2d(whole, w, padding=1).sum(), w)
    np.testing.assert_allclose(w.grad.numpy(), expected.numpy(), rtol=1e-12)
    assert tuple(x.grad.shape) == (1, 2, 6, 6)


def test_no_channels_give_the_bias():
    x, w, b = ag.ones((2, 0, 8, 8), requires_grad=True), ag.ones((6, 0, 3, 3), requires_grad=True), ag.ones(6, requires_grad=True)
    out = F.conv2d(x, w, b, padding=1)
    assert tuple(out.shape) == (2, 6, 8, 8)
    assert (out == 1).all()
    out.sum().backward()
    assert (tuple(x.grad.shape), tuple(w.grad.shape)) == ((2, 0, 8, 8), (6, 0, 3, 3))
    assert b.grad.tolist() == [128.0] * 6


def test_no_cycles(assert_no_cycles):
    layer = nn.Conv2d(2, 3, 3)
    assert_no_cycles(lambda: layer(ag.ones(1, 2, 5, 5)).sum().backward())


def test_the_result_is_nobody_elses_memory(rng):
    layer = nn.Conv2d(4, 4, 3, padding=1)
    x = ag.tensor(rng.standard_normal((2, 4, 5, 5)).astype("float32"))
    first = layer(x).detach()
    copy = first.numpy().copy()
    layer(x + 1)
    np.testing.assert_array_equal(first.numpy(), copy)


def test_training_makes_the_loss_smaller():
    ag.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding="same", padding_mode="circular"), nn.ReLU(), nn.ConvTranspose2d(4, 1, 2, stride=2))
    x = ag.randn(8, 1, 6, 6)
    y = ag.randn(8, 1, 12, 12)
    losses = []
    for _ in range(30):
        model.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        with ag.no_grad():
            for p in model.parameters():
                p -= 0.1 * p.grad
        losses.append(loss.item())
    assert losses[-1] < 0.98 * losses[0]
    assert all(b < a for a, b in pairwise(losses))


WRONG = {
    "channels": (lambda: nn.Conv2d(4, 6, 3)(ag.ones(2, 3, 8, 8)), r"conv2d: input \(2, 3, 8, 8\), weight \(6, 4, 3, 3\).*4 channels.* 3"),
    "channels of groups": (lambda: nn.Conv2d(4, 6, 3, groups=2)(ag.ones(2, 3, 8, 8)), "with groups=2: the weight expects inputs of 4"),
    "a kernel larger than the input": (lambda: nn.Conv1d(1, 1, 5)(ag.ones(1, 1, 2)), "can't be greater than the padded input size"),
    "dimensions": (lambda: nn.Conv2d(4, 6, 3)(ag.ones(3)), r"expected 3D \(unbatched\) or 4D \(batched\) input"),
    "too little is left": (lambda: F.conv_transpose1d(ag.ones(1, 1, 1), ag.ones(1, 1, 2), padding=1), "output size is too small"),
    "dtypes": (lambda: F.conv1d(ag.ones(1, 1, 3).double(), ag.ones(1, 1, 2)), "should be the same; convert one"),
    "booleans": (lambda: F.conv1d(ag.ones(1, 1, 3).bool(), ag.ones(1, 1, 2).bool()), "not implemented for bool"),
    "rank of the weight": (lambda: F.conv1d(ag.ones(1, 1, 3), ag.ones(1, 1)), r"the weight needs 3 dimensions.*got \(1, 1\)"),
    "no outputs": (lambda: F.conv1d(ag.ones(1, 1, 3), ag.ones(0, 1, 2)), "must be a multiple of 1, not 0"),
    "kernel_size of another length": (lambda: nn.Conv2d(1, 1, (3,)), "kernel_size is one number or 2"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name):
    call, message = WRONG[name]
    with pytest.raises(RuntimeError, match=message):
        call()


@pytest.mark.parametrize("argument", ["kernel_size", "stride", "dilation"])
def test_words_for_numbers(argument):
    with pytest.raises(TypeError, match=f"{argument} is a number"):
        nn.Conv2d(1, 1, **{"kernel_size": 3, argument: "3"})


def test_padding_of_a_transposed_layer_is_no_word():
    with pytest.raises(TypeError, match="padding is a number"):
        nn.ConvTranspose1d(1, 1, 2, padding="same")
