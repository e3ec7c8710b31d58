"""Normalisation: kernels of any size and layout equal their references; statistics, states and modes of the modules."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag
import nn
from autograd_core.ops import norm
from nn import functional as F

OPERATIONS = {
    "layer_norm": (norm.layer_norm, norm.layer_norm_reference, "last", 3),
    "rms_norm": (norm.rms_norm, norm.rms_norm_reference, "last", 2),
    "batch_norm": (norm.batch_norm, norm.batch_norm_reference, "channels", 3),
    "group_norm": (norm.group_norm, norm.group_norm_reference, "groups", 3),
    "scale_shift": (norm.scale_shift, norm.scaled, "plain", 3),
}


def same(name, shape, groups=1, dims=1, parameters=3, layout=lambda a: a, dtype=np.float64, tolerance=1e-9):
    """Assert that an operation and its reference agree: value, and gradients by all arguments, one at a time too."""
    fast, slow, kind, most = OPERATIONS[name]
    rng = np.random.default_rng(len(shape) + sum(shape))
    sizes = shape[-dims:] if kind == "last" else (shape[1],)
    arrays = [layout(rng.standard_normal(shape).astype(dtype)), *(rng.standard_normal(sizes).astype(dtype) for _ in range(most - 1))]
    if kind == "plain":
        parameters = 3
    keywords = {"last": {"dims": dims, "eps": 1e-3}, "channels": {"eps": 1e-3}, "groups": {"groups": groups, "eps": 1e-3}, "plain": {}}[
        kind
    ]
    g = layout(rng.standard_normal(shape).astype(dtype))

    def run(function, recording):
        given = [ag.from_numpy(a).detach().requires_grad_(k in recording) if k < parameters else None for k, a in enumerate(arrays[:most])]
        out = function(*given, **keywords)
        by = [t for t in given if t is not None and t.requires_grad]
        return [out.detach(), *(ag.autograd.grad(out, by, ag.from_numpy(g)) if by else ())]

    for recording in ({0}, {1}, {2}, {0, 1, 2}, set()):
        for mine, expected in zip(run(fast, recording), run(slow, recording), strict=True):
            assert mine.dtype == dtype
            scale = tolerance * max(1.0, np.abs(expected.numpy()).max(initial=0))
            np.testing.assert_allclose(mine.numpy(), expected.numpy(), tolerance, scale)


@given(
    name=st.sampled_from(sorted(OPERATIONS)),
    n=st.integers(1, 5),
    channels=st.sampled_from([1, 2, 3, 4, 6]),
    places=st.lists(st.integers(1, 4), max_size=3),
    choice=st.integers(0, 3),
    parameters=st.integers(1, 3),
    layout=st.sampled_from(["plain", "reversed", "transposed", "strided"]),
)
@settings(max_examples=120)
def test_any_shape_and_layout(name, n, channels, places, choice, parameters, layout):
    shape = (n, channels, *places)
    divisors = [d for d in range(1, channels + 1) if channels % d == 0]
    turned = {
        "plain": lambda a: a,
        "reversed": lambda a: np.flip(np.flip(a).copy()),
        "transposed": lambda a: np.asarray(a, order="F"),
        "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    }[layout]
    same(name, shape, divisors[choice % len(divisors)], choice % len(shape) + 1, parameters, turned)


LARGE = [  # shared among threads, rows longer than a block, many channels of one place, long rows
    ("layer_norm", (600, 1000)),
    ("layer_norm", (3, 1 << 18)),
    ("layer_norm", (70000, 8)),
    ("rms_norm", (600, 1000)),
    ("batch_norm", (16, 40, 1000)),
    ("batch_norm", (600, 1000)),
    ("batch_norm", (4, 3, 1 << 16)),
    ("group_norm", (16, 40, 1000)),
    ("group_norm", (1, 4, 1 << 18)),
    ("scale_shift", (16, 40, 1000)),
]


@pytest.mark.parametrize(("name", "shape"), LARGE)
def test_large_arrays_in_blocks(name, shape):
    same(name, shape, groups=4)
    same(name, shape, groups=4, dtype=np.float32, tolerance=1e-4)


def test_results_do_not_depend_on_the_number_of_threads():
    x = ag.from_numpy(np.random.default_rng(0).standard_normal((900, 1000)).astype(np.float32)).requires_grad_()
    before, found = ag.get_num_threads(), []
    try:
        for threads in (1, 2):
            ag.set_num_threads(threads)
            out = F.gelu(F.layer_norm(x, (1000,)))
            found.append([out.detach().numpy(), *(g.numpy() for g in ag.autograd.grad(out.square().sum(), [x]))])
    finally:
        ag.set_num_threads(before)
    for one, two in zip(*found, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("shape", [(0, 3), (0, 3, 4), (2, 3, 0), (3, 0)])
def test_nothing_at_all(shape):
    x = ag.ones(*shape, requires_grad=True)
    calls = [lambda: F.layer_norm(x, shape[-1:]), lambda: F.rms_norm(x, shape[-1:])]
    calls += [lambda: F.batch_norm(x, None, None, training=True), lambda: F.group_norm(x, shape[1])] if shape[1] else []
    for call in calls:
        out = call()
        assert out.shape == x.shape
        (g,) = ag.autograd.grad(out.sum(), x)
        assert g.shape == x.shape


def test_numbers_far_from_zero_keep_their_variance():
    """The mean is subtracted before anything is squared."""
    x = np.random.default_rng(0).standard_normal((64, 8, 100)).astype(np.float32)
    for call in (lambda t: F.layer_norm(t, (100,)), lambda t: F.group_norm(t, 2), lambda t: F.batch_norm(t, None, None, training=True)):
        shifted = (x + np.float32(3000)).astype(np.float32)
        exact = call(ag.tensor(shifted.astype(np.float64))).numpy()
        np.testing.assert_allclose(call(ag.tensor(shifted)).numpy(), exact, 0, 2e-3)


def test_equal_numbers_are_normalised_to_zero():
    x = ag.full((4, 6, 3), 5.0, requires_grad=True)
    for out in (F.layer_norm(x, (3,)), F.group_norm(x, 2), F.batch_norm(x, None, None, training=True), F.instance_norm(x)):
        assert not out.detach().numpy().any()
        out.sum().backward()
    assert np.isfinite(x.grad.numpy()).all()


# ---------------------------------------------------------------------- modules


def test_batch_norm_counts_and_remembers(rng):
    module = nn.BatchNorm1d(3, momentum=None)
    batches = [rng.standard_normal((5, 3)).astype(np.float32) for _ in range(4)]
    for batch in batches:
        module(ag.tensor(batch))
    assert module.num_batches_tracked.item() == 4
    assert module.num_batches_tracked.dtype == np.int64
    np.testing.assert_allclose(module.running_mean.numpy(), np.mean([b.mean(0) for b in batches], 0), 1e-5, 1e-6)
    np.testing.assert_allclose(module.running_var.numpy(), np.mean([b.var(0, ddof=1) for b in batches], 0), 1e-5)
    before = {k: v.numpy().copy() for k, v in module.state_dict().items()}
    module.eval()(ag.tensor(batches[0]))
    for key, value in module.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[key])
    module.reset_running_stats()
    assert (module.running_mean.tolist(), module.running_var.tolist(), module.num_batches_tracked.item()) == ([0.0] * 3, [1.0] * 3, 0)


def test_running_statistics_do_not_record():
    module = nn.BatchNorm2d(2)
    x = ag.randn(3, 2, 4, 4).requires_grad_()
    loss = module(x).square().sum() + module(x * 2).sum()  # the buffers are written between recording and the backward pass
    loss.backward()
    assert not module.running_mean.requires_grad
    assert x.grad.isfinite().all()


def test_the_state_travels():
    source, target = nn.BatchNorm2d(3), nn.BatchNorm2d(3)
    source(ag.randn(4, 3, 2, 2))
    assert list(source.state_dict()) == ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    target.load_state_dict(source.state_dict())
    x = ag.randn(2, 3, 2, 2)
    np.testing.assert_array_equal(source.eval()(x).detach().numpy(), target.eval()(x).detach().numpy())


def test_a_state_without_a_version_may_lack_the_count_of_batches():
    source, target = nn.Sequential(nn.BatchNorm2d(3)), nn.Sequential(nn.BatchNorm2d(3))
    source(ag.randn(4, 3, 2, 2))
    state = {k: v for k, v in source.state_dict().items() if "tracked" not in k}
    target.load_state_dict(state)
    assert target[0].num_batches_tracked.item() == 0
    np.testing.assert_array_equal(target[0].running_mean.numpy(), source[0].running_mean.numpy())
    del state["0.running_mean"]
    with pytest.raises(RuntimeError, match="running_mean"):
        target.load_state_dict(state)
    saved = source.state_dict()
    del saved["0.num_batches_tracked"]  # it says its version
    with pytest.raises(RuntimeError, match="num_batches_tracked"):
        target.load_state_dict(saved)


def test_statistics_cannot_be_moved_inside_vmap():
    module = nn.BatchNorm1d(3)
    with pytest.raises(RuntimeError, match="vmap"):
        ag.func.vmap(module)(ag.randn(2, 4, 3))
    assert module.num_batches_tracked.item() == 0
    module.eval()
    x = ag.randn(2, 4, 3)
    np.testing.assert_allclose(
        ag.func.vmap(module)(x).detach().numpy(), module(x.reshape(8, 3)).detach().numpy().reshape(2, 4, 3), 1e-5, 1e-6
    )


@pytest.mark.parametrize("make", [lambda: nn.LayerNorm(6), lambda: nn.BatchNorm1d(6), lambda: nn.GroupNorm(2, 6), lambda: nn.RMSNorm(6)])
def test_no_reference_cycles(make, assert_no_cycles):
    module = make()
    assert_no_cycles(lambda: module(ag.randn(4, 6)).sum().backward())


def test_in_place_writes_are_noticed():
    x = ag.randn(4, 6).requires_grad_()
    y = x * 1
    out = F.layer_norm(y, (6,))
    y.mul_(2)
    with pytest.raises(RuntimeError, match="in-place"):
        out.sum().backward()


def test_a_batch_of_one_value_a_channel_is_refused():
    for module in (nn.BatchNorm1d(3), nn.BatchNorm2d(3)):
        x = ag.ones(1, 3) if isinstance(module, nn.BatchNorm1d) else ag.ones(1, 3, 1, 1)
        with pytest.raises(ValueError, match="more than 1 value per channel"):
            module(x)
        module.eval()(x)
