"""Bad input: the type of the exception, what it says, and that nothing is half changed."""

from __future__ import annotations

import re

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.errors import ShapeError
from autograd_core.ops import linalg

F = ag.tensor(np.arange(12.0).reshape(3, 4))
V = ag.tensor([1.0, 2.0, 3.0])
WHOLE = ag.tensor([1, 2, 3])
LEAF = ag.tensor([1.0, 2.0, 3.0], requires_grad=True)


def sized(*shape):
    return ag.ones(*shape)


CASES = {
    # shapes: the operation, both shapes, and what must agree
    "matmul": (lambda: sized(3, 4) @ sized(5, 6), ShapeError, "matmul: (3, 4) @ (5, 6): 4 and 5 must agree"),
    "matmul of vectors": (lambda: sized(3) @ sized(4), ShapeError, "matmul: (3,) @ (4,): 3 and 4 must agree"),
    "matmul matrix vector": (lambda: sized(2, 3) @ sized(4), ShapeError, "matmul: (2, 3) @ (4,): 3 and 4 must agree"),
    "matmul of a number": (
        lambda: sized(2, 3) @ ag.tensor(2.0),
        ShapeError,
        "both sides need at least one dimension; multiply by a number with *",
    ),
    "matmul batches": (lambda: sized(2, 3, 4) @ sized(5, 4, 3), ShapeError, "the batch dimensions (2,) and (5,) do not broadcast"),
    "add": (lambda: sized(3, 4) + sized(3), ShapeError, "add: shapes (3, 4) and (3,) do not broadcast"),
    "add with an array": (lambda: sized(3, 4) + np.ones(3), ShapeError, "add: shapes (3, 4) and (3,) do not broadcast"),
    "where": (lambda: ag.where(sized(3) > 0, sized(2), 0.0), ShapeError, "where: shapes (3,) and (2,) and ()"),
    "reshape": (lambda: sized(3, 4).reshape(5, 2), ShapeError, "reshape((3, 4), shape=(5, 2)): cannot reshape"),
    "view": (lambda: sized(3, 4).T.view(12), RuntimeError, "not contiguous; use .reshape()"),
    "cat": (lambda: ag.cat([sized(3, 4), sized(2, 5)]), ShapeError, "concat((3, 4), (2, 5)"),
    "stack": (lambda: ag.stack([sized(3), sized(4)]), ShapeError, "stack: the tensors must have one shape, got (3,), (4,)"),
    "expand": (lambda: sized(3).expand(2, 4), ShapeError, "expand: (3,) does not fit (2, 4)"),
    "expand to fewer": (lambda: sized(3, 4).expand(4), ShapeError, "expand: (3, 4) has more dimensions than (4,)"),
    "linear": (lambda: linalg.linear(sized(2, 3), sized(5, 4)), ShapeError, "the input's last dimension must be 4"),
    "linear bias": (lambda: linalg.linear(sized(2, 4), sized(5, 4), sized(3)), ShapeError, "one entry for each of the 5 out_features"),
    "einsum": (lambda: ag.einsum("ij,jk->ik", sized(2, 3), sized(4, 5)), ShapeError, "'j' is both 3 and 4"),
    "einsum diagonal": (lambda: ag.einsum("ii->i", sized(1, 3)), ShapeError, "'i' is both 1 and 3"),
    "einsum terms": (lambda: ag.einsum("ij->i", F, F), ValueError, "1 terms for 2 operands"),
    "einsum rank": (lambda: ag.einsum("ijk->i", F), ValueError, "does not fit operand 0, which has 2 dimensions"),
    "einsum result": (lambda: ag.einsum("ij->k", F), ValueError, "the result 'k' may name each letter of the operands once"),
    "einsum equation": (lambda: ag.einsum(F, F), TypeError, "the first argument is the equation, a string"),
    "dot": (lambda: ag.dot(F, V), ShapeError, "dot: needs two vectors of one length, got (3, 4) and (3,)"),
    "mm": (lambda: ag.mm(V, F), ShapeError, "mm: needs two matrices, got (3,) and (3, 4)"),
    "bmm": (lambda: ag.bmm(F, F), ShapeError, "bmm: needs two batches"),
    "split": (lambda: F.split([1, 1]), RuntimeError, "split: sizes [1, 1] must sum to 3"),
    "gather rank": (lambda: F.gather(0, ag.tensor([0])), ShapeError, "gather: index (1,) must have as many dimensions as the input (3, 4)"),
    "permute": (lambda: F.permute(0, 0), RuntimeError, "must name each of the 2 dimensions"),
    "t": (lambda: sized(2, 3, 4).t(), RuntimeError, "t: needs at most two dimensions"),
    "in place": (lambda: sized(3).add_(sized(2, 3)), ShapeError, "add_: the result has shape (2, 3), which does not fit into (3,)"),
    "setitem": (lambda: F.clone().__setitem__(0, V), ShapeError, "setitem: a value of shape (3,) does not fit the place of shape (4,)"),
    "copy_": (lambda: sized(3).copy_(sized(2)), ShapeError, "copy_: (2,) does not broadcast to (3,)"),
    # dims
    "sum dim": (lambda: F.sum(2), IndexError, "sum: dim 2 is out of range for a tensor of 2 dimensions (from -2 to 1)"),
    "sum dim twice": (lambda: F.sum((0, -2)), RuntimeError, "sum: a dim appears twice"),
    "sum dim of another kind": (lambda: F.sum(1.0), TypeError, "sum: dim must be an integer, got 1.0"),
    "softmax dim": (lambda: F.softmax(-3), IndexError, "softmax: dim -3 is out of range"),
    "unsqueeze dim": (lambda: F.unsqueeze(4), IndexError, "unsqueeze: dim 4 is out of range"),
    "cat dim": (lambda: ag.cat([F, F], 2), IndexError, "cat: dim 2 is out of range"),
    "transpose dim": (lambda: F.transpose(0, 5), IndexError, "transpose: dim 5 is out of range"),
    "axis and dim": (lambda: F.sum(dim=0, axis=0), TypeError, "sum: got both axis and dim"),
    "index": (lambda: F[3], IndexError, "getitem"),
    "index of too many": (lambda: F[0, 0, 0], IndexError, "getitem"),
    "float index": (lambda: F[1.5], IndexError, "getitem: indices are integers"),
    "string index": (lambda: F["a"], IndexError, "getitem: indices are integers"),
    "float tensor index": (lambda: F[V], IndexError, "getitem: tensors used as indices must be integer or boolean, got float32"),
    "setitem index": (lambda: F.clone().__setitem__(7, 0.0), IndexError, "setitem"),
    "gather out of range": (lambda: F.gather(0, ag.tensor([[5]])), IndexError, "gather"),
    "narrow": (lambda: F.narrow(0, 2, 2), RuntimeError, "narrow: start 2 and length 2 do not fit dimension 0 of length 3"),
    # kinds of argument
    "None": (lambda: F + None, TypeError, "unsupported operand"),
    "add None": (lambda: ag.add(F, None), TypeError, "add: got None; arguments are Tensors"),
    "add a string": (lambda: ag.add(F, "3"), TypeError, "add: got a str ('3')"),
    "plus a string": (lambda: F + "3", TypeError, "unsupported operand"),
    "add a list": (lambda: ag.add(F, [1, 2]), TypeError, "For lists, use tensor(...)"),
    "exp of None": (lambda: ag.exp(None), TypeError, "exp: got None"),
    "sum of a list": (lambda: ag.sum([1.0]), TypeError, "sum: expected a Tensor, got a list"),
    "sum of None": (lambda: ag.sum(None), TypeError, "sum: expected a Tensor, got None"),
    "unknown keyword": (lambda: ag.sum(F, dims=0), TypeError, "dims"),
    "unknown keyword of an operation": (lambda: ag.exp(F, alpah=2), TypeError, "alpah"),
    "cat of nothing": (lambda: ag.cat([]), ValueError, "cat: needs at least one tensor"),
    "cat of None": (lambda: ag.cat([F, None]), TypeError, "cat: expected a Tensor, got None"),
    "clamp": (lambda: F.clamp(), RuntimeError, "clamp: give min, max, or both"),
    "where of numbers": (lambda: ag.where(V, V, V), RuntimeError, "where: the condition must be boolean, got float32"),
    "masked_fill": (lambda: V.masked_fill(WHOLE, 0.0), RuntimeError, "masked_fill: the mask must be boolean, got int64"),
    "mean of integers": (lambda: WHOLE.mean(), RuntimeError, "mean: needs a floating-point or complex tensor, got int64"),
    "std of integers": (lambda: WHOLE.std(), RuntimeError, "std: needs a floating-point tensor, got int64"),
    "integer to a negative power": (lambda: WHOLE**-1, RuntimeError, "pow: integers to negative integer powers"),
    "integers to negative powers": (
        lambda: WHOLE ** ag.tensor([1, -1, 2]),
        RuntimeError,
        "pow: integers to negative integer powers are not allowed; convert to float first",
    ),
    "in place into integers": (
        lambda: ag.tensor([1, 2]).add_(0.5),
        RuntimeError,
        "add_: the result is float32, which cannot be stored in a int64 tensor",
    ),
    "complex into real": (lambda: ag.ones(2).__setitem__(0, 1j), RuntimeError, "setitem: complex values do not fit"),
    "div rounding": (lambda: ag.div(F, 2, rounding_mode="up"), RuntimeError, "div: rounding_mode is None, 'floor' or 'trunc', got 'up'"),
    "norm p": (lambda: V.norm(p="nuc"), ValueError, "norm: p is a number or 'fro'"),
    "amax of nothing": (lambda: ag.ones(0).amax(), RuntimeError, "an empty tensor has no extreme"),
    "var twice": (lambda: V.var(unbiased=True, correction=1), TypeError, "var: give correction or unbiased, not both"),
    "in place on expanded": (lambda: ag.ones(1).expand(3).add_(1), RuntimeError, "share memory"),
    # making tensors
    "ragged": (lambda: ag.tensor([[1.0, 2.0], [3.0]]), ValueError, "tensor: the nested sequences have different lengths"),
    "a string": (lambda: ag.tensor("abc"), TypeError, "tensor: elements must be numbers or booleans"),
    "strings": (lambda: ag.tensor(["a", "b"]), TypeError, "tensor: elements must be numbers or booleans"),
    "None in data": (lambda: ag.tensor(None), TypeError, "tensor: elements must be numbers or booleans"),
    "None among data": (lambda: ag.tensor([1.0, None]), TypeError, "tensor: elements must be numbers or booleans"),
    "objects": (lambda: ag.from_numpy(np.array([object()])), TypeError, "from_numpy: elements must be numbers"),
    "from a list": (lambda: ag.from_numpy([1.0]), TypeError, "from_numpy: expected a NumPy array, got a list"),
    "negative size": (lambda: ag.zeros(2, -1), RuntimeError, "zeros: a size cannot be negative, got (2, -1)"),
    "size": (lambda: ag.zeros(2.0), TypeError, "zeros: sizes are integers, got 2.0"),
    "cuda": (lambda: ag.zeros(2, device="cuda"), RuntimeError, "device: this library computes on the CPU"),
    "to cuda": (lambda: F.to("cuda:0"), RuntimeError, "device: this library computes on the CPU, there is no 'cuda:0'"),
    "to nonsense": (lambda: F.to(3), TypeError, "to: expected a dtype, a device or a Tensor, got 3"),
    "device": (lambda: ag.device("mps"), RuntimeError, "device: this library computes on the CPU"),
    "arange step": (lambda: ag.arange(0, 3, 0), RuntimeError, "arange: step must not be 0"),
    "arange": (lambda: ag.arange(), TypeError, "arange: takes (end), (start, end) or (start, end, step)"),
    "randint": (lambda: ag.randint(3, 3, (2,)), RuntimeError, "randint: high must be above low, got 3 and 3"),
    "randint size": (lambda: ag.randint(high=3), TypeError, "randint: takes (high, size) or (low, high, size)"),
    "size twice": (lambda: ag.zeros(2, size=(2,)), TypeError, "zeros: got a size twice, (2,) and size=(2,)"),
    "generator": (lambda: ag.rand(2, generator=3), TypeError, "generator: must be an autograd_core.Generator or None, got a int"),
    "seed": (lambda: ag.manual_seed("a"), TypeError, "manual_seed: the seed is an integer, got a str"),
    "normal_ std": (lambda: ag.ones(2).normal_(0, -1), RuntimeError, "normal_: std must not be negative"),
    "uniform_ bounds": (lambda: ag.ones(2).uniform_(1, 0), RuntimeError, "uniform_: the lower bound 1 is above the upper 0"),
    "default dtype": (lambda: ag.set_default_dtype(ag.int64), TypeError, "set_default_dtype: only floating-point dtypes"),
    "print options": (lambda: ag.set_printoptions(colour=1), TypeError, "unexpected keyword argument 'colour'"),
    # conversions
    "truth": (lambda: bool(V), RuntimeError, "bool: a tensor of shape (3,) is neither true nor false"),
    "item": (lambda: V.item(), RuntimeError, "item: only a tensor of one element is a number, this one has shape (3,)"),
    "float": (lambda: float(V), RuntimeError, "item: only a tensor of one element"),
    "len": (lambda: len(ag.tensor(1.0)), TypeError, "len: a 0-d tensor has no length"),
    "iter": (lambda: list(ag.tensor(1.0)), TypeError, "iter: a 0-d tensor cannot be iterated over"),
    "as an index": (lambda: [1, 2][ag.tensor(1.0)], TypeError, "only integer tensors of one element can be an index"),
    "misspelt": (lambda: V.summ(), AttributeError, "summ"),
    "numpy": (lambda: LEAF.numpy(), RuntimeError, "numpy: this tensor requires grad, and NumPy would lose it; use t.detach().numpy()"),
    # gradients
    "integers": (
        lambda: ag.tensor([1, 2], requires_grad=True),
        RuntimeError,
        "only floating-point and complex tensors have gradients, this one is int64",
    ),
    "integers later": (lambda: WHOLE.clone().requires_grad_(), RuntimeError, "convert it first, e.g. t.float()"),
    "booleans": (lambda: (V > 0).requires_grad_(), RuntimeError, "this one is bool"),
    "turning off": (
        lambda: (LEAF * 2).requires_grad_(False),
        RuntimeError,
        "cannot be turned off on a tensor that was computed; use .detach()",
    ),
    "backward of a vector": (
        lambda: (LEAF * 2).backward(),
        RuntimeError,
        "this tensor has shape (3,); reduce it first, e.g. loss.sum(), or pass gradient=",
    ),
    "backward of a constant": (lambda: V.sum().backward(), RuntimeError, "does not require grad"),
    "backward weight": (lambda: (LEAF * 2).backward(ag.ones(4)), ShapeError, "backward: the gradient has shape (4,), but the tensor (3,)"),
    "backward weight kind": (lambda: (LEAF * 2).backward([1, 1, 1]), RuntimeError, "1 tensors but 3 gradients"),
    "backward weight None": (lambda: (LEAF * 2).backward(["a"]), TypeError, "backward: the gradient must be a Tensor or None, got str"),
    "backward of a list": (lambda: ag.autograd.backward([3.0]), TypeError, "backward: tensors must be a Tensor or a sequence of Tensors"),
    "grad by a constant": (lambda: ag.autograd.grad(LEAF.sum(), V), RuntimeError, "grad: input 0, of shape (3,), does not require grad"),
    "grad by None": (
        lambda: ag.autograd.grad(LEAF.sum(), None),
        TypeError,
        "grad: inputs must be a Tensor or a sequence of Tensors, got NoneType",
    ),
    "grad weights": (lambda: ag.autograd.grad([LEAF.sum()], LEAF, [None, None]), RuntimeError, "grad: 1 tensors but 2 gradients"),
    "grad of a number": (
        lambda: ag.autograd.grad(3.0, LEAF),
        TypeError,
        "grad: outputs must be a Tensor or a sequence of Tensors, got float",
    ),
    "grad shape": (lambda: setattr(LEAF, "grad", ag.ones(2)), ShapeError, "grad: shape (2,) does not fit the tensor's (3,)"),
    "grad dtype": (
        lambda: setattr(LEAF, "grad", ag.ones(3, dtype=ag.float64)),
        RuntimeError,
        "grad: dtype float64 does not fit the tensor's float32",
    ),
    "grad kind": (lambda: setattr(LEAF, "grad", np.ones(3)), TypeError, "grad: must be a Tensor or None, got ndarray"),
    "data kind": (lambda: setattr(LEAF, "data", np.ones(3)), TypeError, "data: must be a Tensor, got ndarray"),
    "retain_grad": (lambda: V.retain_grad(), RuntimeError, "retain_grad: this tensor does not require grad"),
    "set_grad_enabled": (lambda: ag.set_grad_enabled(0), TypeError, "set_grad_enabled: mode must be True or False, got 0"),
    "copying a result": (lambda: __import__("copy").deepcopy(LEAF * 2), RuntimeError, "only leaf tensors can be deep-copied"),
    "pickling a result": (lambda: __import__("pickle").dumps(LEAF * 2), RuntimeError, "only leaf tensors can be copied or pickled"),
}


@pytest.mark.parametrize("name", CASES)
def test_error(name):
    call, error, message = CASES[name]
    with pytest.raises(error, match=re.escape(message)) as caught:
        call()
    assert issubclass(caught.type, RuntimeError | TypeError | ValueError | IndexError | AttributeError)
    # What the cases share is as it was.
    np.testing.assert_array_equal(F.numpy(), np.arange(12.0).reshape(3, 4))
    assert V.tolist() == [1.0, 2.0, 3.0]
    assert WHOLE.tolist() == [1, 2, 3]
    assert LEAF.tolist() == [1.0, 2.0, 3.0]
    assert LEAF.grad is None
    assert LEAF.is_leaf
    assert ag.is_grad_enabled()
    assert ag.get_default_dtype() == ag.float32


def test_shape_errors_are_what_users_of_either_library_catch():
    for error in (RuntimeError, ValueError):
        with pytest.raises(error):
            sized(3, 4) @ sized(5, 6)


def test_a_refused_write_changes_nothing():
    x = ag.ones(3, requires_grad=True)
    y = x * 1
    before = y.grad_fn
    for call in (
        lambda: y.add_(ag.ones(4)),
        lambda: y.mul_("a"),
        lambda: y.__setitem__(5, 1.0),
        lambda: y.__setitem__(slice(0, 2), ag.ones(3)),
        lambda: y.masked_fill_(ag.ones(3), 1.0),
        lambda: y.copy_(ag.ones(2)),
        lambda: y.clamp_(),
    ):
        with pytest.raises((RuntimeError, TypeError, IndexError)):
            call()
        assert y.tolist() == [1.0, 1.0, 1.0]
        assert y.grad_fn is before
    (y * y).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


def test_an_error_in_the_middle_of_a_backward_pass():
    """No leaf has half of its gradient, and recording is on as before."""

    @ag.primitive(lambda g: 1 / 0)
    def breaks(x):
        return x * 1

    x, y = ag.ones(2, requires_grad=True), ag.ones(2, requires_grad=True)
    z = breaks(x * 2)
    for create_graph in (False, True):
        with pytest.raises(ZeroDivisionError):
            (z + y * 3).sum().backward(create_graph=create_graph)
        assert x.grad is None
        assert y.grad is None
        assert ag.is_grad_enabled()


def test_arguments_are_not_changed():
    given = [1.0, [2.0]]
    with pytest.raises(ValueError, match="different lengths"):
        ag.tensor(given)
    assert given == [1.0, [2.0]]
    array = np.ones(3)
    t = ag.tensor(array)
    t.add_(1)
    assert array.tolist() == [1.0, 1.0, 1.0]


def test_wrong_gradchecks_are_seen():
    """The checks that the other tests lean on can fail."""
    from autograd_core.check import GradcheckError, gradcheck, gradgradcheck

    @ag.primitive(lambda g: g * 2.001)
    def double(x):
        return x * 2

    @ag.primitive(lambda g, x: g * 3 * ag.tensor(x.detach().numpy() if isinstance(x, ag.Tensor) else x) ** 2)
    def cube(x):
        return x**3

    x = ag.tensor([0.5, 1.5], dtype=ag.float64, requires_grad=True)
    with pytest.raises(GradcheckError, match="analytic"):
        gradcheck(double, [x], atol=1e-6, rtol=1e-5)
    assert not gradcheck(double, [x], atol=1e-6, rtol=1e-5, raise_exception=False)
    with pytest.raises((GradcheckError, AttributeError)):
        gradgradcheck(cube, [x])
    with pytest.raises(ValueError, match="no input requires grad"):
        gradcheck(double, [x.detach()])
    with pytest.raises(ValueError, match="float32; finite differences need float64"):
        gradcheck(double, [ag.ones(2, requires_grad=True)])


def test_a_complex_loss_needs_a_gradient():
    z = ag.tensor([1 + 2j], requires_grad=True)
    with pytest.raises(RuntimeError, match="only for real numbers, this tensor is complex64"):
        (z * 2).backward()
    assert z.grad is None


def test_reading_memory_as_another_dtype_is_not_recorded():
    x = ag.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="another dtype"):
        x.view(ag.int32)
    assert x.detach().view(ag.int32).dtype == ag.int32


@pytest.mark.parametrize("wrong", [None, "text", [1.0, 2.0], 3])
def test_a_layer_says_what_it_was_given(wrong):
    import nn

    with pytest.raises(TypeError, match="linear: the input must be a Tensor, got"):
        nn.Linear(2, 2)(wrong)
    for module in (nn.ReLU(), nn.Tanh(), nn.Softmax(0), nn.GELU(), nn.Dropout()):
        with pytest.raises(TypeError):
            module(None)


def test_a_misspelt_option_of_a_primitive_is_an_error():
    with pytest.raises(TypeError, match=r"double: unknown options \['promotse'\]"):

        @ag.primitive(lambda g: 2 * g, promotse="float")
        def double(x):
            return 2 * x
