"""Random programs of arithmetic, views and in-place writes, run here, in PyTorch, and in a model that has no in-place writes.

The model keeps one value for each piece of memory and, for each tensor, how it looks into it; a write makes a new value.
So its gradients are right by construction. Wherever this library gives a result it must be the model's; where PyTorch
gives one, this library must give one too; and a refusal leaves every number as it was.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag

torch = pytest.importorskip("torch", reason="parity extra not installed")

# Each entry works on tensors of both libraries. `k` is a small number that selects a variant.
PURE = {
    "clone": lambda x, k: x.clone(),
    "sin": lambda x, k: x.sin(),
    "tanh": lambda x, k: x.tanh(),
    "half": lambda x, k: x * 0.5,
    "square": lambda x, k: x.square() * 0.25,
    "times itself": lambda x, k: x * x * 0.25,
    "sum": lambda x, k: x.sum(),
    "row sum": lambda x, k: x.sum(0) if x.ndim else x.clone(),
    "sigmoid": lambda x, k: x.sigmoid(),
    "copying index": lambda x, k: x[[0, -1, 0]] if x.ndim else x.clone(),
    "flip": lambda x, k: x.flip(0) if x.ndim else x.clone(),
    "roll": lambda x, k: x.roll(1, 0) if x.ndim else x.clone(),
    "softmax": lambda x, k: x.softmax(0) if x.ndim else x.clone(),
    "cat": lambda x, k: x.reshape(-1).repeat(2),
}
BINARY = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y * 0.5,
    "div": lambda x, y: x / (2 + y.cos()),
    "mul sin": lambda x, y: x.sin() * y,
}
VIEWS = {
    "int index": lambda x, k: x[k % len(x)] if x.ndim else x[...],
    "last index": lambda x, k: x[..., -1] if x.ndim else x[...],
    "all indices": lambda x, k: x[(k % x.shape[0],) + (0,) * (x.ndim - 1)] if x.ndim else x[...],
    "slice": lambda x, k: x[k % len(x) :] if x.ndim else x[...],
    "step": lambda x, k: x[..., ::2] if x.ndim else x[...],
    "new axis": lambda x, k: x[None],
    "transpose": lambda x, k: x.transpose(0, -1),
    "T": lambda x, k: x.mT if x.ndim >= 2 else x.view_as(x),
    "reshape": lambda x, k: x.reshape(-1),
    "view": lambda x, k: x.view(-1),
    "flatten": lambda x, k: x.flatten(),
    "unsqueeze": lambda x, k: x.unsqueeze(-1),
    "squeeze": lambda x, k: x.squeeze(),
    "diagonal": lambda x, k: x.diagonal(0, 0, -1) if x.ndim >= 2 else x.view_as(x),
    "expand": lambda x, k: x.expand(2, *x.shape),
    "narrow": lambda x, k: x.narrow(0, k % len(x), 1) if x.ndim else x[...],
    "chunk": lambda x, k: x.chunk(2, 0)[0] if x.ndim else x[...],
    "unbind": lambda x, k: x.unbind(0)[k % len(x)] if x.ndim else x[...],
    "movedim": lambda x, k: x.movedim(0, -1) if x.ndim else x[...],
    "view_as": lambda x, k: x.view_as(x),
    "detach": lambda x, k: x.detach(),
    "select": lambda x, k: x.select(-1, k % x.shape[-1]) if x.ndim else x[...],
    "split": lambda x, k: x.split(2, -1)[0] if x.ndim else x[...],
    "tensor_split": lambda x, k: x.tensor_split((1,), 0)[k % 2] if x.ndim and len(x) > 1 else x[...],
    "unflatten": lambda x, k: x.unflatten(0, (1, -1)) if x.ndim else x[...],
    "swapaxes": lambda x, k: x.swapaxes(0, -1) if x.ndim else x[...],
    "windows": lambda x, k: x.unfold(-1, 2, 2) if x.ndim and x.shape[-1] > 1 else x[...],
    "overlapping windows": lambda x, k: x.unfold(-1, 2, 1) if x.ndim and x.shape[-1] > 2 else x[...],
    "many": lambda x, k: x.view(-1)[k % x.numel()],
}
TURNS = {  # in place, and as a view
    "t_": (lambda x: x.t_(), lambda x: x.t()),
    "squeeze_": (lambda x: x.squeeze_(), lambda x: x.squeeze()),
    "unsqueeze_": (lambda x: x.unsqueeze_(0), lambda x: x.unsqueeze(0)),
    "transpose_": (lambda x: x.transpose_(0, -1), lambda x: x.transpose(0, -1)),
    "swapaxes_": (lambda x: x.swapaxes_(0, -1), lambda x: x.swapaxes(0, -1)),
}


def assign(x, index, value):
    x[index] = value
    return x


def iadd(x, y):
    x += y
    return x


def imul(x, y):
    x *= y
    return x


def indices(x, array):
    """An array as a tensor of x's library."""
    return (ag if isinstance(x, ag.Tensor) else torch).tensor(array)


def mask_of(x):
    return indices(x, (np.arange(x.numel()) % 2 == 0).reshape(tuple(x.shape)))


def changed(x, write):
    """A copy of x, written."""
    copy = x.clone()
    write(copy)
    return copy


def both_ways(write):
    """A write of a part of x as it is, and as that of a copy."""
    return write, lambda x, y, k: changed(x, lambda copy: write(copy, y, k))


def add_to_row(x, y, k):
    x[k % len(x)] += y.mean()
    return x


def some_row(x, k):
    """An index of x's rank that names places of one row along dimension 0."""
    return indices(x, np.full((1, *x.shape[1:]), k % len(x)))


WRITES = {  # in place; then the same without
    "add_": (lambda x, y, k: x.add_(y), lambda x, y, k: x + y),
    "+=": (lambda x, y, k: iadd(x, y), lambda x, y, k: x + y),
    "mul_": (lambda x, y, k: x.mul_(y), lambda x, y, k: x * y),
    "*=": (lambda x, y, k: imul(x, y), lambda x, y, k: x * y),
    "sub_ alpha": (lambda x, y, k: x.sub_(y, alpha=2), lambda x, y, k: x - 2 * y),
    "copy_": (lambda x, y, k: x.copy_(y), lambda x, y, k: y.expand(x.shape)),
    "div_": (lambda x, y, k: x.div_(3 + y.sin()), lambda x, y, k: x / (3 + y.sin())),
    "sin_": (lambda x, y, k: x.sin_(), lambda x, y, k: x.sin()),
    "tanh_": (lambda x, y, k: x.tanh_(), lambda x, y, k: x.tanh()),
    "sigmoid_": (lambda x, y, k: x.sigmoid_(), lambda x, y, k: x.sigmoid()),
    "mul_ number": (lambda x, y, k: x.mul_(0.5), lambda x, y, k: x * 0.5),
    "pow_": (lambda x, y, k: x.pow_(2), lambda x, y, k: x**2),
    "neg_": (lambda x, y, k: x.neg_(), lambda x, y, k: -x),
    "zero_": (lambda x, y, k: x.zero_(), lambda x, y, k: x * 0),
    "fill_": (lambda x, y, k: x.fill_(0.3), lambda x, y, k: x * 0 + 0.3),
    "set all": (lambda x, y, k: assign(x, ..., y), lambda x, y, k: y.expand(x.shape)),
    "set row": both_ways(lambda x, y, k: assign(x, k % len(x) if x.ndim else ..., y.mean())),
    "set last": both_ways(lambda x, y, k: assign(x, (..., -1) if x.ndim else ..., y.mean())),
    "set mask": both_ways(lambda x, y, k: assign(x, mask_of(x), y.mean())),
    "set mask, each": both_ways(lambda x, y, k: assign(x, mask_of(x), y.expand(x.shape)[mask_of(x)] * 2)),
    "set rows": both_ways(lambda x, y, k: assign(x, [0, -1] if x.ndim and len(x) > 1 else ..., y.mean())),
    "row +=": both_ways(lambda x, y, k: add_to_row(x, y, k) if x.ndim else iadd(x, y.mean())),
    "masked_fill_": both_ways(lambda x, y, k: x.masked_fill_(mask_of(x), 0.2)),
    "masked_scatter_": both_ways(lambda x, y, k: x.masked_scatter_(mask_of(x), (y * 1).expand(x.shape))),
    "index_add_": both_ways(
        lambda x, y, k: x.index_add_(0, indices(x, [k % len(x)] * len(x)), (y * 1).expand(x.shape)) if x.ndim else x.add_(y)
    ),
    "index_fill_": both_ways(lambda x, y, k: x.index_fill_(0, indices(x, [k % len(x)]), 0.7) if x.ndim else x.fill_(0.7)),
    "index_copy_": both_ways(
        lambda x, y, k: x.index_copy_(0, indices(x, [k % len(x)]), (y * 1).expand(x.shape)[:1]) if x.ndim else x.copy_(y)
    ),
    "index_put_": both_ways(lambda x, y, k: x.index_put_((indices(x, [0, 0]),), y.mean(), accumulate=True) if x.ndim else x.add_(y)),
    "scatter_": both_ways(lambda x, y, k: x.scatter_(0, some_row(x, k), (y * 1).expand(x.shape)[:1]) if x.ndim else x.copy_(y)),
    "scatter_add_": both_ways(lambda x, y, k: x.scatter_add_(0, some_row(x, k), (y * 1).expand(x.shape)[:1]) if x.ndim else x.add_(y)),
    "tril_": both_ways(lambda x, y, k: x.tril_(k - 1) if x.ndim > 1 else x.mul_(2)),
}


class Model:
    """The oracle: memory as values, tensors as ways to look into it."""

    def __init__(self, values):
        self.memory = list(values)  # one flat value for each piece
        self.registers = []  # (which memory, indices into it, what took it out of the graph: "", "detach" or "no_grad")
        for k, v in enumerate(values):
            self.memory[k] = v.reshape(-1)
            self.registers.append((k, torch.arange(v.numel()).reshape(v.shape), ""))

    def read(self, r):
        piece, index, outside = self.registers[r]
        value = self.memory[piece][index.reshape(-1)].reshape(index.shape)
        return value.detach() if outside else value

    def new(self, value):
        self.memory.append(value.reshape(-1))
        self.registers.append((len(self.memory) - 1, torch.arange(value.numel()).reshape(value.shape), ""))

    def look(self, r, view, outside):
        piece, index, before = self.registers[r]
        self.registers.append((piece, view(index), outside if outside == "detach" else before or outside))

    def write(self, r, value, recorded):
        piece, index, _ = self.registers[r]
        before = self.memory[piece]
        after = before.index_put((index.reshape(-1),), value.expand(index.shape).reshape(-1))
        self.memory[piece] = after if recorded else before + (after - before).detach()


def fitting(y, shape):
    """y if it can be broadcast to the shape, else its mean."""
    try:
        return y if np.broadcast_shapes(tuple(y.shape), shape) == shape else y.mean()
    except ValueError:
        return y.mean()


A = np.linspace(-1, 1.2, 12).reshape(3, 4)
B = np.array([0.3, -0.7, 1.1, 0.5])
C = np.cos(np.arange(12.0)).reshape(3, 4)


def attempt(function):
    try:
        return function(), None
    except RuntimeError as error:
        return None, error


REFUSALS = ("made in no_grad", "changed its shape in place")  # what this library refuses and PyTorch does not


class Comparison:
    """A program's tensors here, in PyTorch and in the model. PyTorch's are None once it has refused a step."""

    def __init__(self):
        self.ours = [ag.tensor(A, requires_grad=True), ag.tensor(B, requires_grad=True), ag.tensor(C)]
        self.theirs = [torch.tensor(A, requires_grad=True), torch.tensor(B, requires_grad=True), torch.tensor(C)]
        self.leaves = [torch.tensor(A, requires_grad=True), torch.tensor(B, requires_grad=True)]
        self.model = Model([*self.leaves, torch.tensor(C)])
        self.ambiguous = False  # one piece of memory means different things to different tensors: only PyTorch says what is right

    def both(self, told, here, there, recorded=True):
        """One step here and in PyTorch; what it gave here, or None where it was rightly refused."""
        with ag.set_grad_enabled(recorded):
            result, error = attempt(here)
        expected = their_error = None
        if self.theirs is not None:
            with torch.set_grad_enabled(recorded):
                expected, their_error = attempt(there)
        if error is None and their_error is not None:
            assert "view size is not compatible" not in str(their_error), f"{told}: PyTorch refuses: {their_error}"
            self.theirs = None  # it is stricter in places: the model says whether this library may go on
        if error is not None:
            may = their_error is not None or self.theirs is None or self.ambiguous or any(r in str(error) for r in REFUSALS)
            assert may, f"{told}: refused: {error}"
            if their_error is None:
                self.theirs = None
        return result, expected, error

    def step(self, kind, name, i, j, k, recorded):
        """Carry out one instruction; whether the program can go on."""
        ours, model = self.ours, self.model
        i, j = i % len(ours), j % len(ours)
        x, y = ours[i], ours[j]
        tx, ty = (None, None) if self.theirs is None else (self.theirs[i], self.theirs[j])
        shape = tuple(x.shape)
        told = f"{name} on {i}, {j} ({k}){'' if recorded else ' in no_grad'}"
        if kind == "turn":
            return self.turn(told, name, i)
        if kind == "write":
            return self.write(told, name, i, j, k, recorded)
        if kind == "binary":
            function = lambda x, y: BINARY[name](x, fitting(y, shape))
            result, expected, error = self.both(told, lambda: function(x, y), lambda: function(tx, ty))
            value = lambda: function(model.read(i), model.read(j))
        else:
            function = (PURE if kind == "pure" else VIEWS)[name]
            result, expected, error = self.both(told, lambda: function(x, k), lambda: function(tx, k), recorded)
            value = lambda: function(model.read(i), k)
        if error is not None:
            return kind == "view" and "view" in name  # a view() that would need a copy: go on without it
        if kind == "view" and np.shares_memory(result.array, x.array):
            apart = "no_grad" if not recorded and result is not x and model.memory[model.registers[i][0]].requires_grad else ""
            model.look(i, lambda x: function(x, k), "detach" if name == "detach" else apart)
        else:
            v = value()
            model.new(v if recorded else v.detach())
        ours.append(result)
        if self.theirs is not None:
            self.theirs.append(expected)
            if kind == "view":
                assert (result is x) == (expected is tx), f"{told}: the tensor itself in one library only"
                shared = expected.untyped_storage().data_ptr() == tx.untyped_storage().data_ptr()
                assert np.shares_memory(result.array, x.array) == shared, f"{told}: a view in one library only"
        return True

    def turn(self, told, name, i):
        x, model = self.ours[i], self.model
        turn, view = TURNS[name]
        shape = tuple(x.shape)
        if name == "t_" and len(shape) > 2:
            return True
        _, _, error = self.both(told, lambda: turn(x), lambda: turn(self.theirs[i]))
        if error is not None:
            assert tuple(x.shape) == shape
            return True
        for r, (piece, index, outside) in enumerate(model.registers):
            if self.ours[r] is x:  # flatten() and the like may have given the tensor itself
                model.registers[r] = (piece, view(index), outside)
        np.testing.assert_allclose(x.array, model.read(i).detach().numpy(), rtol=1e-9, atol=1e-9, err_msg=told)
        assert self.ambiguous or x.requires_grad == model.read(i).requires_grad, told
        return True

    def write(self, told, name, i, j, k, recorded):
        ours, model = self.ours, self.model
        x, y, before = ours[i], ours[j], [t.array.copy() for t in ours]
        shape = tuple(x.shape)
        write, pure = WRITES[name]
        if not x.array.flags.writeable:  # expanded: PyTorch refuses most of these, here all are
            with pytest.raises(RuntimeError, match="share memory"):
                write(x, fitting(y, shape), k)
            return True
        _, _, error = self.both(
            told, lambda: write(x, fitting(y, shape), k), lambda: write(self.theirs[i], fitting(self.theirs[j], shape), k), recorded
        )
        if error is not None:
            for r, (t, b) in enumerate(zip(ours, before, strict=True)):
                np.testing.assert_array_equal(t.array, b, err_msg=f"{told}: refused, but {r} changed")
            return True
        piece, _, outside = model.registers[i]
        assert not (recorded and not outside and piece < 2), f"{told}: a leaf was written with recording on"
        assert not (outside == "no_grad" and recorded), f"{told}: a view made in no_grad was written with recording on"
        self.ambiguous |= outside != "" and recorded and x.requires_grad
        with torch.set_grad_enabled(recorded):
            value = pure(model.read(i), fitting(model.read(j), shape), k)
        model.write(i, value, recorded and not outside)
        for r, t in enumerate(ours):
            np.testing.assert_allclose(t.array, model.read(r).detach().numpy(), rtol=1e-9, atol=1e-9, err_msg=f"{told}: value of {r}")
        return True

    def finish(self, order):
        """Compare the gradients by the leaves of a function of everything."""
        found, error = attempt(lambda: gradients(ag, loss_of(self.ours), self.ours[:2], order))
        expected = their_error = None
        if self.theirs is not None:
            expected, their_error = attempt(lambda: gradients(torch, loss_of(self.theirs), self.theirs[:2], order))
        if error is not None:
            assert their_error is not None or self.theirs is None or self.ambiguous or any(r in str(error) for r in REFUSALS), (
                f"the backward pass was refused: {error}"
            )
            return "refused"
        plain = lambda g: g if isinstance(g, float) else g.detach().numpy()
        right = gradients(torch, loss_of([self.model.read(r) for r in range(len(self.ours))]), self.leaves, order)
        for which in range(2):
            if not self.ambiguous:
                np.testing.assert_allclose(
                    plain(found[which]), plain(right[which]), rtol=1e-7, atol=1e-9, err_msg=f"gradient of leaf {which} against the model"
                )
            if expected is not None:
                np.testing.assert_allclose(
                    plain(found[which]), plain(expected[which]), rtol=1e-7, atol=1e-9, err_msg=f"gradient of leaf {which} against PyTorch"
                )
        return "compared with the model" if expected is None else "compared"


def run(program, order=1):
    """Run a program three times side by side; assert what the module's docstring says."""
    comparison = Comparison()
    for instruction in program:
        if not comparison.step(*instruction):
            return "stopped"
    return comparison.finish(order)


def loss_of(tensors):
    total = 0.0
    for k, t in enumerate(tensors):
        total = total + (t * t * (0.1 * (k + 1)) + t).mean()
    return total


def gradients(library, loss, leaves, order):
    if not loss.requires_grad:
        return [0.0, 0.0]
    first = library.autograd.grad(loss, leaves, allow_unused=True, create_graph=order > 1)
    if order == 1:
        return [0.0 if g is None else g for g in first]
    used = [(g * g).sum() for g in first if g is not None and g.requires_grad]
    if not used:
        return [0.0, 0.0]
    return [0.0 if g is None else g for g in library.autograd.grad(sum(used[1:], used[0]), leaves, allow_unused=True)]


register = st.integers(0, 11)
instruction = st.one_of(
    st.tuples(st.just("pure"), st.sampled_from(sorted(PURE)), register, st.just(0), st.integers(0, 3), st.just(True)),
    st.tuples(st.just("binary"), st.sampled_from(sorted(BINARY)), register, register, st.just(0), st.just(True)),
    st.tuples(
        st.just("view"), st.sampled_from(sorted(VIEWS)), register, st.just(0), st.integers(0, 3), st.sampled_from([True] * 7 + [False])
    ),
    st.tuples(st.just("turn"), st.sampled_from(sorted(TURNS)), register, st.just(0), st.just(0), st.just(True)),
    st.tuples(
        st.just("write"), st.sampled_from(sorted(WRITES)), register, register, st.integers(0, 3), st.sampled_from([True] * 5 + [False])
    ),
)
# Every program starts with something that may be written and goes on at will.
programs = st.lists(instruction, min_size=2, max_size=12).map(
    lambda p: [("pure", "half", 0, 0, 0, True), ("pure", "clone", 1, 0, 0, True), *p]
)


@settings(max_examples=400)
@given(programs)
def test_programs(program):
    run(program)


@settings(max_examples=150)
@given(programs)
def test_programs_second_derivative(program):
    run(program, order=2)


# ---------------------------------------------------------------------- the parts of complex numbers

PARTS = {
    "real": lambda z: z.real,
    "imag": lambda z: z.imag,
    "row of imag": lambda z: z.imag.T[0],
    "view_as_real": lambda z: library(z).view_as_real(z),
    "imag of view_as_real": lambda z: library(z).view_as_real(z)[..., 1],
    "view_as_complex": lambda z: library(z).view_as_complex(library(z).view_as_real(z)),
}
PART_WRITES = {
    "tanh_": lambda v: v.tanh_(),
    "mul_": lambda v: v.mul_(v.clone() * 2),
    "setitem": lambda v: v.__setitem__(0, v.sum()),
}


def library(x):
    return ag if isinstance(x, ag.Tensor) else torch


@pytest.mark.parametrize("write", PART_WRITES.values(), ids=PART_WRITES)
@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_writing_a_part_of_complex_numbers(part, write):
    numbers = np.array([[1 - 2j, 0.5 + 1j], [-1 + 0.3j, 2j]])

    def derivatives(lib):
        x = lib.tensor(numbers, requires_grad=True)
        z = x * 1
        view = part(z)
        write(view)
        loss = (view * view.conj()).real.sum() + (z * z * z * lib.tensor(numbers.T.copy())).real.sum()
        (first,) = lib.autograd.grad(loss, x, create_graph=True)
        (second,) = lib.autograd.grad((first * first).imag.sum(), x)
        return first.detach().numpy(), second.numpy()

    for ours, theirs in zip(derivatives(ag), derivatives(torch), strict=True):
        np.testing.assert_allclose(ours, theirs)
