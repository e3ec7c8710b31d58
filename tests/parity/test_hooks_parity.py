"""Hooks, checkpoints and saved-tensor hooks do what PyTorch's do, in the same order."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag

torch = pytest.importorskip("torch", reason="parity extra not installed")
pytest.importorskip("torch.utils.checkpoint")


def listed(value):
    if isinstance(value, tuple | list):
        return [listed(v) for v in value]
    return None if value is None else value.tolist() if hasattr(value, "tolist") else value


def leaf(lib, *numbers):
    return lib.tensor(list(numbers), dtype=lib.float64, requires_grad=True)


def order_of_hooks(lib, note):
    x = leaf(lib, 1.0, 2.0)
    y = x * 2
    y.grad_fn.register_hook(lambda i, o: note("post", i, o))
    y.grad_fn.register_prehook(lambda o: note("pre", o))
    y.register_hook(lambda g: note("first", g))
    y.retain_grad()
    y.register_hook(lambda g: note("second", g) or g * 3)
    x.register_hook(lambda g: note("leaf", g))
    x.register_post_accumulate_grad_hook(lambda t: note("after", t.grad))
    accumulate = y.grad_fn.next_functions[0][0]
    accumulate.register_prehook(lambda o: note("leaf pre", o) or (o[0] * 5,))
    accumulate.register_hook(lambda i, o: note("leaf post", i, o, x.grad))
    y.sum().backward(retain_graph=True)
    note("kept", y.grad, x.grad)
    lib.autograd.grad(y.sum(), x, retain_graph=True)
    note("grad", lib.autograd.grad(y.sum(), y, retain_graph=True), y.grad)
    y.sum().backward(inputs=[x])
    note("end", x.grad, y.grad)


def removal(lib, note):
    x = leaf(lib, 1.0)
    y = x * 3
    handles = [
        y.register_hook(lambda g: note("a", g)),
        y.register_hook(lambda g: note("b", g)),
        x.register_hook(lambda g: note("c", g)),
        x.register_post_accumulate_grad_hook(lambda t: note("d", t.grad)),
        y.grad_fn.register_hook(lambda i, o: note("e", i)),
        y.grad_fn.register_prehook(lambda o: note("f", o)),
    ]
    for handle in handles:
        y.backward(retain_graph=True)
        handle.remove()
        handle.remove()
        note("-")
    y.backward()


def hooks_that_replace(lib, note):
    x, y = leaf(lib, 1.0, 2.0), leaf(lib, 3.0, 4.0)
    z = x * y
    z.register_hook(lambda g: g + 1)
    z.register_hook(lambda g: g * 10)
    z.grad_fn.register_prehook(lambda o: (o[0] - 1,))
    z.grad_fn.register_hook(lambda i, o: (i[0] + o[0], i[1] * 2))
    x.register_hook(lambda g: g * 100)
    z.sum().backward()
    note(x.grad, y.grad)


def a_hook_that_writes(lib, note):
    x, y = leaf(lib, 1.0, 2.0), leaf(lib, 3.0, 4.0)
    a = x * 1
    a.register_hook(lambda g: g.clamp_(max=0.5))
    (a * y).sum().backward()
    note(x.grad, y.grad)


def after_an_in_place_operation(lib, note):
    x = leaf(lib, 1.0, 2.0)
    y = x * 2
    y.register_hook(lambda g: note("before", g))
    y.retain_grad()
    y.mul_(3)
    y.register_hook(lambda g: note("after", g))
    y.sum().backward()
    note(y.grad, x.grad)


def recorded_passes(lib, note):
    x = leaf(lib, 2.0)
    y = x**3
    y.register_hook(lambda g: g * 2)
    y.grad_fn.register_hook(lambda i, o: (i[0] * i[0],))
    (g,) = lib.autograd.grad(y, x, create_graph=True)
    (gg,) = lib.autograd.grad(g, x)
    note(g.detach(), gg)


def several_uses(lib, note):
    x = leaf(lib, 1.0)
    h = x * 2
    h.register_hook(lambda g: note("h", g))
    (h * 3 + h * h).backward()
    x.register_hook(lambda g: note("x", g))
    (x * 1 + x * 2).backward()
    note(x.grad)


def freeing_the_gradient(lib, note):
    x, y = leaf(lib, 1.0), leaf(lib, 2.0)

    def free(t):
        note(t.grad)
        t.grad = None

    x.register_post_accumulate_grad_hook(free)
    y.register_post_accumulate_grad_hook(free)
    for _ in range(2):
        (x * 1).backward()
        (y * 1).backward()
    note(x.grad, y.grad)


def errors(lib, note):
    x = leaf(lib, 1.0)
    for wrong in (
        lambda: x.detach().register_hook(print),
        lambda: (x * 2).register_post_accumulate_grad_hook(print),
        lambda: x.detach().register_post_accumulate_grad_hook(print),
        lambda: x.detach().retain_grad(),
    ):
        with pytest.raises(RuntimeError):
            wrong()
    note((x * 2).is_leaf, x.is_leaf, x.detach().is_leaf, x.grad_fn, (x * 2).retains_grad, x.retains_grad, x.output_nr)


def saved_hooks(lib, note):
    x = leaf(lib, 1.0, 2.0)
    hooks = lib.autograd.graph.saved_tensors_hooks
    with hooks(lambda t: (note("pack", t.detach()), t.detach() * 2)[1], lambda p: p):
        y = x.exp()
        with hooks(lambda t: t.detach() * 10, lambda p: p):
            z = y.sin()
    z.sum().backward()
    note(x.grad)


def checkpoints(lib, note):
    checkpoint = lib.utils.checkpoint.checkpoint
    x, w = leaf(lib, 1.0, 2.0), leaf(lib, 0.5, -0.5)
    calls = []

    def function(t, *, scale):
        calls.append(0)
        return {"a": (t * w).sin() * scale, "b": [t.exp()]}

    out = checkpoint(function, x, scale=2.0, use_reentrant=False)
    loss = (out["a"] * out["b"][0]).sum()
    (g,) = lib.autograd.grad(loss, x, create_graph=True)
    (g**2).sum().backward()
    note(g.detach(), x.grad, w.grad)
    with lib.no_grad():
        note(checkpoint(function, x, scale=1.0, use_reentrant=False)["a"].requires_grad)
    model = [lambda t: t * w, lib.sin, lib.exp, lambda t: t + w]
    note(lib.autograd.grad(lib.utils.checkpoint.checkpoint_sequential(model, 3, x, use_reentrant=False).sum(), [x, w]))


PROGRAMS = [
    order_of_hooks, removal, hooks_that_replace, a_hook_that_writes, after_an_in_place_operation, recorded_passes, several_uses,
    freeing_the_gradient, errors, saved_hooks, checkpoints,
]  # fmt: skip


def flat(value):
    if isinstance(value, list):
        return [x for v in value for x in flat(v)]
    return [value]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_as_pytorch(program):
    seen = []
    for lib in (torch, ag):
        notes = []
        program(lib, lambda *values, notes=notes: notes.append(listed(values)))
        seen.append(notes)
    theirs, ours = seen
    assert len(theirs) == len(ours), f"\n{theirs}\n{ours}"
    for a, b in zip(flat(theirs), flat(ours), strict=True):
        if isinstance(a, float):
            np.testing.assert_allclose(b, a, rtol=1e-12, err_msg=f"\n{theirs}\n{ours}")
        else:
            assert a == b, f"\n{theirs}\n{ours}"
