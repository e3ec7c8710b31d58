"""Anomaly detection names the operation and the line that made the first NaN."""

from __future__ import annotations

import inspect
import sys
import threading

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core import writes
from autograd_core.autograd.anomaly import AnomalyError
from autograd_core.errors import FreedGraphError, InplaceError
from autograd_core.graph import thread

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def leaf(*numbers, dtype=ag.float64):
    return ag.tensor(list(numbers), dtype=dtype, requires_grad=True)


def line_with(function, mark):
    """file:line of the line of a function that has this comment."""
    lines, first = inspect.getsourcelines(function)
    (k,) = [k for k, line in enumerate(lines) if line.rstrip().endswith(f"# {mark}")]
    return f"{inspect.getsourcefile(function)}:{first + k}, `{lines[k].strip()}`"


def masking():
    x = leaf(1.0, -1.0)
    root = x.sqrt()  # here
    return ag.where(x > 0, root, 0.0).sum()


def log_of_zero():
    x = leaf(0.0, 1.0)
    y = x.log()  # origin
    return (y * 0).sum()  # here


def zero_by_zero():
    x = leaf(0.0, 1.0)
    y = x * 2
    return (y / x).sum()  # here


def overflow():
    x = leaf(1.0, 1000.0)
    y = x.exp()  # origin
    z = y + 1
    return (z / z).sum()  # here


def softmax_of_nothing():
    x = leaf(1.0, 2.0)
    masked = x.masked_fill(ag.tensor([True, True]), -ag.inf)  # origin
    return masked.softmax(0).sum()  # here


def view_and_write():
    x = leaf(1.0, 2.0, 3.0)
    y = x * 1
    y[1:].sub_(5).log_()  # here
    return y.sum()


class Bad(ag.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * ag.tensor(float("nan"))

    @staticmethod
    def backward(ctx, g):
        return g


def function():
    x = leaf(1.0)
    return Bad.apply(x).sum()  # here


def several_results():
    x = leaf(0.0, 1.0)
    (x / x).unbind(0)  # here


FORWARD = [masking, log_of_zero, zero_by_zero, overflow, softmax_of_nothing, view_and_write, function, several_results]
OPERATION = ["sqrt", "mul", "div", "div", "softmax", "log", "Bad", "div"]


@pytest.mark.parametrize(("program", "operation"), list(zip(FORWARD, OPERATION, strict=True)), ids=lambda p: getattr(p, "__name__", p))
def test_forward(program, operation):
    with pytest.raises(AnomalyError) as caught, ag.autograd.detect_anomaly():
        program()
    text = str(caught.value)
    assert text.startswith(f"{operation}: its result has NaN")
    first, *rest = text.splitlines()
    assert f"It was called at {line_with(program, 'here')}" in first
    if "# origin" in inspect.getsource(program):
        assert line_with(program, "origin") in rest[0]


def root_at_zero():
    x = leaf(0.0, 1.0)
    y = x * 3  # here
    return y.sqrt().sum()


def norm_at_zero():
    x = leaf(0.0, 0.0)
    square = x * x  # here
    total = square.sum()
    return total.sqrt()  # origin


def masked_logarithm():
    x = leaf(0.0, 1.0)
    y = x.log()  # here
    return ag.where(x > 0, y, 0.0).sum()


class BadBackward(ag.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 1

    @staticmethod
    def backward(ctx, g):
        return g * float("nan")


def backward_of_a_function():
    x = leaf(1.0)
    y = BadBackward.apply(x)  # here
    return (y * 2).sum()


def inside_a_checkpoint():
    from autograd_core.utils.checkpoint import checkpoint

    x = leaf(0.0, 1.0)

    def function(t):
        y = t * t  # here
        return y.sum().sqrt() * y.sqrt().sum()

    return checkpoint(function, x)


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize(
    ("program", "operation"),
    [(norm_at_zero, "mul"), (masked_logarithm, "log"), (backward_of_a_function, "BadBackward"), (inside_a_checkpoint, "mul")],
    ids=lambda p: getattr(p, "__name__", p),
)
def test_backward(program, operation, create_graph):
    with ag.autograd.detect_anomaly():
        loss = program()
        with pytest.raises(AnomalyError) as caught:
            loss.backward(create_graph=create_graph)
    text = str(caught.value)
    assert text.startswith(f"{operation}: its backward returned nan values for input 0")
    assert f"It was called at {line_with(program, 'here')}" in text.splitlines()[0]
    if "# origin" in inspect.getsource(program):
        assert line_with(program, "origin") in text.splitlines()[1]


def test_an_infinite_gradient_of_a_leaf():
    with ag.autograd.detect_anomaly():
        loss = root_at_zero()
        with pytest.raises(AnomalyError, match=r"leaf .* has inf\.\nThe inf was made by the backward of sqrt, at .*test_anomaly"):
            loss.backward()


def test_nan_that_the_pass_starts_with():
    x = leaf(1.0)
    with ag.autograd.detect_anomaly():
        y = x * 2
        with pytest.raises(AnomalyError, match="NaN, as it came to it"):
            y.backward(ag.tensor([np.nan], dtype=ag.float64))
    assert x.grad is None


def test_what_was_computed_outside_of_the_mode():
    loss = masked_logarithm()
    with ag.autograd.detect_anomaly(), pytest.raises(AnomalyError, match="called at a line that is not known"):
        loss.backward()


def test_modules_are_named():
    class Log(nn.Module):
        def forward(self, x):
            return (x - 10).log()  # here

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(2, 2), Log())

        def forward(self, x):
            return self.layers(x)

    net = Net()
    with ag.autograd.detect_anomaly(), pytest.raises(AnomalyError) as caught:
        net(ag.ones(1, 2))
    assert str(caught.value).endswith("in Net.layers.1 (Log).")
    with ag.autograd.detect_anomaly():
        y = net.layers[0](ag.ones(1, 2))
        assert y.grad_fn.line.module.endswith("Linear")


@pytest.mark.parametrize(
    "program",
    [
        lambda: leaf(1.0, 2.0).masked_fill(ag.tensor([True, False]), -ag.inf).softmax(0)[1].sum().backward(),
        lambda: (leaf(1.0, 2.0) + ag.tensor([0.0, -np.inf], dtype=ag.float64)).softmax(0)[0].sum().backward(),
        lambda: ag.where(ag.tensor([True, False]), leaf(1.0, 2.0), ag.tensor([0.0, 0.0]) / 0).sum().backward(),
        lambda: (leaf(1000.0).exp() + 1).reciprocal().detach(),
        lambda: leaf(1.0, 2.0).mul(ag.tensor([1.0, np.nan], dtype=ag.float64)).nan_to_num(),
        lambda: leaf(-1.0).detach().sqrt(),
    ],
)
def test_what_is_meant_passes(program):
    with ag.autograd.detect_anomaly():
        program()


def test_errors_about_writes_name_the_line():
    x = leaf(1.0, 2.0)
    for check_nan in (True, False):
        with ag.autograd.detect_anomaly(check_nan=check_nan):
            y = x.exp()  # here
            z = y * 2
            y.add_(1)
        with pytest.raises(InplaceError) as caught:
            z.sum().backward()
        assert line_with(test_errors_about_writes_name_the_line, "here") in str(caught.value)
    with ag.autograd.detect_anomaly():
        z = x.exp().sum()
        z.backward()
        with pytest.raises(FreedGraphError, match=r"called at .*test_anomaly\.py"):
            z.backward()


def test_without_looking_for_nan():
    x = leaf(0.0)
    with ag.autograd.detect_anomaly(check_nan=False):
        assert ag.autograd.is_anomaly_enabled()
        assert not ag.autograd.is_anomaly_check_nan_enabled()
        y = x / x
        y.backward()
    assert np.isnan(x.grad.item())


def test_switching():
    before = writes.careful
    x = leaf(0.0)
    assert not ag.autograd.is_anomaly_enabled()
    with ag.autograd.detect_anomaly():
        with ag.autograd.set_detect_anomaly(False):
            assert not ag.autograd.is_anomaly_enabled()
            x / x
        assert ag.autograd.is_anomaly_check_nan_enabled()
        with ag.autograd.detect_anomaly(False):
            x / x
        with pytest.raises(AnomalyError):
            x / x
    x / x
    assert (thread.watch, thread.observer, writes.careful) == (None, None, before)
    ag.autograd.set_detect_anomaly(True)
    ag.autograd.set_detect_anomaly(True)
    with pytest.raises(AnomalyError):
        x / x
    ag.autograd.set_detect_anomaly(False)
    x / x
    assert (thread.watch, thread.observer, writes.careful) == (None, None, before)


def test_each_thread_has_its_own():
    seen = []
    with ag.autograd.detect_anomaly():
        other = threading.Thread(target=lambda: seen.append((ag.autograd.is_anomaly_enabled(), (leaf(0.0) / leaf(0.0)).item())))
        other.start()
        other.join(10)
    assert seen[0][0] is False
    assert np.isnan(seen[0][1])


def test_other_watchers_go_on():
    import viz

    seen = []
    x = leaf(2.0)
    before, thread.watch = thread.watch, lambda op, arrays, result, node: seen.append(op.name)
    writes.watch(+1)
    try:
        with viz.record() as run, ag.autograd.detect_anomaly():
            (x * 3).exp().sum().backward()
    finally:
        thread.watch = before
        writes.watch(-1)
    assert seen[:3] == ["mul", "exp", "sum"]
    assert x.node in run.gradients


def test_nothing_is_left_behind(assert_no_cycles):
    def run():
        with ag.autograd.detect_anomaly():
            x = leaf(1.0)
            (x.exp() * 2).sum().backward()

    assert_no_cycles(run)


def test_off_it_is_not_there():
    assert "autograd_core.autograd.anomaly" in sys.modules
    y = leaf(1.0).exp()
    with pytest.raises(AttributeError):
        y.grad_fn.line  # noqa: B018


def test_inf_written_in_place_is_told_of():
    def program():
        y = leaf(0.0) * 1
        y.log_()  # written
        return y * 0  # multiplied

    with pytest.raises(AnomalyError) as caught, ag.autograd.detect_anomaly():
        program()
    assert line_with(program, "multiplied") in str(caught.value)
    assert f"The inf was made by log, at {line_with(program, 'written')}" in str(caught.value)
