"""Behaviour of the engine against PyTorch: the same small programs run in both libraries, with the same outcome."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import autograd_core as ag

torch = pytest.importorskip("torch", reason="parity extra not installed")


def leaf(lib, *values):
    return lib.tensor(list(values), dtype=lib.float64, requires_grad=True)


def hook_order(lib):
    x = leaf(lib, 1.0, 2.0)
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 3)
    x.register_hook(lambda g: g + 1)
    y.sum().backward()
    return x.grad, y.grad


def hook_in_second_pass(lib):
    x = leaf(lib, 3.0)
    y = x * x
    y.register_hook(lambda g: g * g)
    (g,) = lib.autograd.grad((y * y).sum(), x, create_graph=True)
    return lib.autograd.grad(g.sum(), x)


def accumulate_over_passes(lib):
    x = leaf(lib, 1.0, 2.0)
    y = x * 2
    y.retain_grad()
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    return x.grad, y.grad


def grad_identity_after_accumulation(lib):
    x = leaf(lib, 1.0)
    (x * 2).sum().backward()
    first = x.grad
    (x * 2).sum().backward()
    return first


def grad_identity_with_create_graph(lib):
    x = leaf(lib, 1.0)
    (x * x).sum().backward(create_graph=True)
    first = x.grad
    (x * x).sum().backward(create_graph=True)
    found = first.detach(), x.grad.detach()
    x.grad = None
    return found


def set_grad_to_none_between(lib):
    x = leaf(lib, 1.0)
    (x * 2).sum().backward()
    x.grad = None
    (x * 3).sum().backward()
    return x.grad


def detach_and_continue(lib):
    x = leaf(lib, 2.0)
    y = x * x
    z = y.detach() * x
    z.sum().backward()
    return x.grad


def view_of_a_written_base(lib):
    x, w = leaf(lib, 1.0, 2.0, 3.0), leaf(lib, 5.0, 6.0)
    y = x * 1
    v = y[:2]
    y[1:].mul_(w)
    (v * v).sum().backward()
    return x.grad, w.grad


def requires_grad_of_a_view(lib):
    base, w = lib.zeros(3, dtype=lib.float64), leaf(lib, 1.0, 2.0)
    v = base[:1]
    base[:2].add_(w)
    return v.requires_grad, v.is_leaf


def root_is_a_stale_view(lib):
    x = leaf(lib, 1.0, 2.0)
    y = x * 1
    v = y[0]
    y.mul_(3)
    v.backward()
    return x.grad


def mask_assignment(lib):
    x = leaf(lib, 1.0, -2.0, 3.0)
    y = x * 2
    y[y < 0] = 0.0
    y[lib.tensor([True, False, False])] = y[2] * 5
    y.sum().backward()
    return x.grad, y.detach()


def integer_array_assignment(lib):
    x, v = leaf(lib, 1.0, 2.0, 3.0), leaf(lib, 4.0, 5.0)
    y = x * 2
    y[lib.tensor([2, 0])] = v
    (y * y).sum().backward()
    return x.grad, v.grad


def rows_one_by_one(lib):
    x = leaf(lib, 1.0, 2.0, 3.0)
    out = lib.zeros(3, 3, dtype=lib.float64)
    for k in range(3):
        out[k] = x * k
        out[k, k] += x[k] ** 2
    (out * out).sum().backward()
    return x.grad


def running_state(lib):
    """A buffer changed in no_grad between uses, as in batch norm."""
    x, state = leaf(lib, 1.0, 2.0), lib.zeros(2, dtype=lib.float64)
    total = 0
    for _ in range(3):
        y = x - state.clone()
        total = total + (y * y).sum()
        with lib.no_grad():
            state.mul_(0.5).add_(x.detach())
    total.backward()
    return x.grad, state


def loop_in_place(lib):
    x = leaf(lib, 0.5, 1.0)
    h = lib.zeros(2, dtype=lib.float64)
    for _ in range(4):
        h = h.clone()
        h += x
        h = h.tanh()
    h.sum().backward()
    return x.grad


def relu_in_place(lib):
    x = leaf(lib, 0.5, -1.0)
    y = (x * 2).relu_()
    (y * 3).sum().backward()
    return x.grad


def exp_then_write(lib):
    x = leaf(lib, 0.5, -1.0)
    y = x.exp()
    y.mul_(3)
    y.sum().backward()
    return x.grad


def square_then_write(lib):
    x = leaf(lib, 0.5, -1.0)
    y = x * 1
    z = y * y
    y.zero_()
    z.sum().backward()
    return x.grad


def write_to_a_leaf(lib):
    x = leaf(lib, 1.0)
    x.add_(1)
    return x


def write_to_a_view_of_a_leaf(lib):
    x = leaf(lib, 1.0)
    x.view(1, 1).add_(1)
    return x


def backward_twice(lib):
    x = leaf(lib, 1.0)
    y = (x * x).sum()
    y.backward()
    y.backward()
    return x.grad


def unused(lib):
    x, y = leaf(lib, 1.0), leaf(lib, 1.0)
    return lib.autograd.grad((x * 2).sum(), [x, y])


def unused_allowed(lib):
    x, y = leaf(lib, 1.0), leaf(lib, 1.0)
    gx, gy = lib.autograd.grad((x * 2).sum(), [x, y], allow_unused=True)
    return gx, gy is None


def backward_inputs(lib):
    x, y = leaf(lib, 1.0), leaf(lib, 2.0)
    (x * y).sum().backward(inputs=[x])
    return x.grad, y.grad is None


def max_with_indices(lib):
    x = leaf(lib, 1.0, 3.0, 2.0)
    values, indices = x.reshape(3, 1).max(0)
    values.sum().backward()
    return x.grad, indices


def integer_detour(lib):
    x = leaf(lib, 1.7)
    y = x.to(lib.int64).to(lib.float64)
    return y.requires_grad, y


def float_detour(lib):
    x = leaf(lib, 1.7)
    x.to(lib.float32).to(lib.float16).sum().backward()
    return x.grad


def prod_of_zeros(lib):
    x = leaf(lib, 2.0, 0.0, 3.0)
    (g,) = lib.autograd.grad(x.prod(), x, create_graph=True)
    (h,) = lib.autograd.grad((g * g).sum(), x)
    return g.detach(), h


def double_norm(lib):
    x = leaf(lib, 3.0, 4.0)
    (g,) = lib.autograd.grad(x.norm(), x, create_graph=True)
    return lib.autograd.grad((g * g.detach() * lib.tensor([1.0, 2.0], dtype=lib.float64)).sum(), x)


class OursDouble(ag.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y, x + y

    @staticmethod
    def backward(ctx, a, b):
        x, y = ctx.saved_tensors
        return a * y + b, a * x + b


class TheirsDouble(torch.autograd.Function):
    forward = OursDouble.forward
    backward = OursDouble.backward


def custom_function(lib):
    x, y = leaf(lib, 2.0), leaf(lib, 3.0)
    a, b = (OursDouble if lib is ag else TheirsDouble).apply(x, y)
    gx, gy = lib.autograd.grad((a * a * b).sum(), [x, y], create_graph=True)
    return gx.detach(), gy.detach(), *lib.autograd.grad((gx * gy).sum(), [x, y])


def custom_function_unused_result(lib):
    x, y = leaf(lib, 2.0), leaf(lib, 3.0)
    a, b = (OursDouble if lib is ag else TheirsDouble).apply(x, y)
    a.sum().backward()
    return x.grad, y.grad


def no_grad_then_grad(lib):
    x = leaf(lib, 2.0)
    with lib.no_grad():
        y = x * 3
        with lib.enable_grad():
            z = x * 4
    return y.requires_grad, z.requires_grad, (y * x).requires_grad


def inference(lib):
    x = leaf(lib, 2.0)
    with lib.inference_mode(), lib.enable_grad():
        y = x * 3
    return y.requires_grad


def scalar_broadcast_gradient(lib):
    x, s = leaf(lib, 1.0, 2.0), lib.tensor(3.0, dtype=lib.float64, requires_grad=True)
    (x * s + s).sum().backward()
    return x.grad, s.grad


def mixed_precision(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = leaf(lib, 3.0, 4.0)
    (x * y + lib.tensor(2.0, dtype=lib.float64) * x).sum().backward()
    return x.grad, y.grad


def diagonal_write(lib):
    x = leaf(lib, 1.0, 2.0)
    m = lib.zeros(2, 2, dtype=lib.float64)
    m.diagonal().copy_(x)
    (m @ m + m).sum().backward()
    return x.grad


def transposed_write(lib):
    x = leaf(lib, 1.0, 2.0)
    m = lib.ones(2, 2, dtype=lib.float64)
    m.mT[0].mul_(x)
    m.T[1] += x
    (m * m).sum().backward()
    return x.grad, m.detach()


def write_to_an_expansion_to_the_same_size(lib):
    x = leaf(lib, 1.0, 2.0)
    y = x * 1
    y.expand(2).mul_(3)
    (y * y).sum().backward()
    return x.grad


def detach_in_place(lib):
    y = leaf(lib, 1.0, 2.0) * 1
    y.detach_()
    return y.requires_grad


def detach_a_view_in_place(lib):
    y = leaf(lib, 1.0, 2.0) * 1
    y[:1].detach_()
    return y.requires_grad


def written_mask(lib):
    x = leaf(lib, 1.0, 2.0)
    mask = lib.tensor([True, False])
    y = x.masked_fill(mask, 0.0)
    mask.zero_()
    y.sum().backward()
    return x.grad


def written_index(lib):
    x = leaf(lib, 1.0, 2.0, 3.0)
    index = lib.tensor([0, 1])
    y = x[index]
    index.add_(1)
    y.sum().backward()
    return x.grad


def swap(lib):
    x = leaf(lib, 1.0, 2.0, 3.0)
    y = x * 1
    y[0], y[1] = y[1].clone(), y[0].clone()
    (y * lib.tensor([1.0, 10.0, 100.0], dtype=lib.float64)).sum().backward()
    return x.grad, y.detach()


PROGRAMS = [
    value
    for value in list(globals().values())
    if callable(value) and getattr(value, "__module__", None) == __name__ and value is not leaf and not isinstance(value, type)
]


def plain(value):
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    if isinstance(value, bool) or value is None:
        return value
    array = value.detach().numpy()
    return str(array.dtype), array.shape, array.tolist()


def outcome(program, lib):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return plain(program(lib))
        except RuntimeError:
            return "RuntimeError"


def flattened(value):
    if isinstance(value, list | tuple):
        return [leaf for v in value for leaf in flattened(v)]
    return [value]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_same_outcome(program):
    ours, theirs = flattened(outcome(program, ag)), flattened(outcome(program, torch))
    assert len(ours) == len(theirs)
    for o, t in zip(ours, theirs, strict=True):
        if isinstance(t, float):
            np.testing.assert_allclose(o, t, rtol=1e-12)
        else:
            assert o == t


T = True
INDICES = {
    "integer, slice, array": lambda t: (0, slice(None), t([1, 2])),
    "array, slice, integer": lambda t: (t([1, 0]), slice(None), 2),
    "array, slice, array": lambda t: (t([1, 0]), slice(None), t([1, 2])),
    "slice, array, integer": lambda t: (slice(None), t([1, 2]), 3),
    "integer, array": lambda t: (1, t([1, 2])),
    "array, integer": lambda t: (t([1, 0]), 1),
    "integer, ellipsis, array": lambda t: (0, ..., t([1, 2])),
    "integer, new axis, array": lambda t: (0, None, t([1, 2])),
    "0-d tensor, slice, array": lambda t: (t(1), slice(None), t([1, 2])),
    "array, new axis": lambda t: (t([1, 0]), None),
    "two arrays": lambda t: (t([[0], [1]]), t([1, 2])),
    "mask": lambda t: (t([T, False]),),
    "mask, slice, integer": lambda t: (t([T, T]), slice(0, 2), 1),
    "integer, mask": lambda t: (0, t([T, False, T])),
    "integer, slice, mask": lambda t: (1, slice(1, None), t([T, False, T, T])),
    "mask of two dimensions, integer": lambda t: (t([[T, False, T], [False, T, False]]), 1),
    "slice with a step": lambda t: (slice(None), slice(None, None, 2)),
    "True": lambda t: (T,),
    "nothing": lambda t: (),
    "empty list": lambda t: ([],),
    "list, slice, integer": lambda t: ([1, 0], slice(None), -1),
}


@pytest.mark.parametrize("name", INDICES)
def test_indexing(name):
    """Read, and written to."""
    found = []
    for lib in (ag, torch):
        x = lib.tensor(np.arange(24.0).reshape(2, 3, 4), requires_grad=True)
        index = INDICES[name](lib.tensor)
        part = x[index]
        (part * part).sum().backward()
        y = x * 1
        y[index] = y[index].detach() * 2 + 1
        v = lib.tensor(7.0, dtype=lib.float64, requires_grad=True)
        z = x.detach() * 1
        z[index] = v
        (z * z).sum().backward()
        found.append((part.detach().numpy(), x.grad.numpy(), y.detach().numpy(), z.detach().numpy(), v.grad.numpy()))
    for ours, theirs in zip(*found, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_array_equal(ours, theirs)
