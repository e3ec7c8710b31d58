"""Eight threads that build and differentiate graphs of their own get what one thread gets."""

from __future__ import annotations

import sys
import threading
import time

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core import writes
from autograd_core.autograd.anomaly import AnomalyError
from autograd_core.autograd.graph import saved_tensors_hooks
from autograd_core.errors import InplaceError
from autograd_core.utils.checkpoint import checkpoint

THREADS = 8
SECONDS = 0.25

shared = ag.tensor(np.random.default_rng(0).normal(size=(4, 4)), requires_grad=True)  # read by all, never written


def leaf(k, *shape):
    return ag.tensor(np.random.default_rng(k).uniform(0.5, 1.5, shape), requires_grad=True)


def plain(k):
    x = leaf(k, 3, 4)
    loss = ((x @ shared).tanh() * x).softmax(1).log().sum()
    return ag.autograd.grad(loss, [x, shared])


def in_place(k):
    x = leaf(k, 6)
    y = x * 2
    view = y[2:5]
    view.mul_(x[0])
    y[0] = view.sum()
    y.exp_()
    y.log_().add_(1)
    y.sum().backward()
    z = x.exp()
    loss = (z * z).sum()
    z.add_(1)
    with pytest.raises(InplaceError):
        loss.backward()
    return [x.grad, view]


def hooks(k):
    x = leaf(k, 4)
    seen = []
    y = x * 3
    y.register_hook(lambda g: seen.append(g.clone()) or g * 2)
    y.grad_fn.register_hook(lambda i, o: (i[0] + 1, None))
    y.retain_grad()
    x.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.clone()))
    (y * y).sum().backward()
    with saved_tensors_hooks(lambda t: t.numpy().copy(), ag.from_numpy):
        z = (x.exp() * x).sum()
    return [x.grad, y.grad, *seen, *ag.autograd.grad(z, x)]


def modes(k):
    x = leaf(k, 4)
    with ag.no_grad():
        a = x * 2
        with ag.enable_grad():
            b = x * 3
    assert not a.requires_grad
    assert b.requires_grad
    with ag.inference_mode():
        assert not (x * 2).requires_grad
    return [a, *ag.autograd.grad(b.sum(), x)]


def anomaly(k):
    x = leaf(k, 4)
    with ag.autograd.detect_anomaly():
        loss = (x.exp() * x).sum()
        assert loss.grad_fn.line.file == __file__
        loss.backward()
        with pytest.raises(AnomalyError, match="sqrt"), np.errstate(invalid="ignore"):
            (-x).sqrt()
    assert not ag.autograd.is_anomaly_enabled()
    return [x.grad]


def rematerialised(k):
    ag.manual_seed(k)
    x = leaf(k, 5, 4)
    y = checkpoint(lambda t: nn.functional.dropout((t @ shared).sin(), 0.5), x)
    (g,) = ag.autograd.grad((y**2).sum(), x, create_graph=True)
    return [y, g, *ag.autograd.grad(g.sum(), [x, shared])]


def module(k):
    ag.manual_seed(k)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    x = ag.randn(5, 3)
    nn.functional.cross_entropy(model(x), ag.tensor([0, 1, 0, 1, 1])).backward()
    return [p.grad for p in model.parameters()]


def function(k):
    class Scale(ag.autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            ctx.save_for_backward(x, w)
            return x * w

        @staticmethod
        def backward(ctx, g):
            x, w = ctx.saved_tensors
            return g * w, (g * x).sum()

    x, w = leaf(k, 4), leaf(k + 1)
    return ag.autograd.grad(Scale.apply(x, w).exp().sum(), [x, w])


PROGRAMS = [plain, in_place, hooks, modes, anomaly, rematerialised, module, function]


def values(results):
    return [r.detach().numpy().copy() for r in results]


@pytest.fixture
def hasty():
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def side_by_side(work):
    """Run `work(number)` in all threads at once; the first error of any is raised."""
    errors = []
    start = threading.Barrier(THREADS)

    def run(k):
        try:
            start.wait(10)
            work(k)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(THREADS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert not any(t.is_alive() for t in threads)
    if errors:
        raise errors[0]


def test_everything_side_by_side(hasty):
    expected = {(program, k): values(program(k)) for program in PROGRAMS for k in range(THREADS)}
    before = writes.careful
    end = time.monotonic() + 4 * SECONDS
    runs = [0] * THREADS

    def work(k):
        while runs[k] < 2 * len(PROGRAMS) or time.monotonic() < end:
            program = PROGRAMS[(runs[k] + k) % len(PROGRAMS)]
            for a, b in zip(values(program(k)), expected[program, k], strict=True):
                np.testing.assert_array_equal(a, b, err_msg=program.__name__)
            runs[k] += 1

    side_by_side(work)
    assert min(runs) >= len(PROGRAMS)
    assert shared.grad is None
    assert writes.careful == before


def test_gradients_of_shared_parameters_add_up(hasty):
    w = ag.ones(3, dtype=ag.float64, requires_grad=True)
    seen = []
    w.register_hook(lambda g: seen.append(0))
    passes = 100

    def work(k):
        for _ in range(passes):
            (w * (k + 1)).sum().backward()

    side_by_side(work)
    assert w.grad.tolist() == [passes * sum(range(1, THREADS + 1))] * 3
    assert len(seen) == passes * THREADS


def test_one_graph_pulled_by_all(hasty):
    x = leaf(0, 4)
    with saved_tensors_hooks(lambda t: t.numpy().copy(), ag.from_numpy):
        y = (x.exp() * x).sin().sum()
    loss = y + checkpoint(lambda t: t.cos() * t, x).sum()
    expected = ag.autograd.grad(loss, x, retain_graph=True)[0].numpy()
    (g,) = ag.autograd.grad(loss, x, create_graph=True)
    second = ag.autograd.grad(g.sum(), x, retain_graph=True)[0].numpy()

    def work(k):
        for _ in range(15):
            (first,) = ag.autograd.grad(loss, x, create_graph=True)
            np.testing.assert_allclose(first.detach().numpy(), expected, rtol=1e-14)
            np.testing.assert_allclose(ag.autograd.grad(first.sum(), x, retain_graph=True)[0].numpy(), second, rtol=1e-13)

    side_by_side(work)
