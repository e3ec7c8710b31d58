"""Calling an operation: compute on the arrays, and record where an argument records. `general` is the whole of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import NoneType
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from . import writes
from .dtypes import FLOAT32, FLOAT64, promote
from .errors import LinAlgError, ShapeError
from .graph import Node, thread
from .plan import Plan, picked, record
from .tensor import Tensor, constant, current_node
from .writes import tick

if TYPE_CHECKING:
    from .primitive import Op

ndarray, as_array = np.ndarray, np.asarray
new_tensor = Tensor.__new__


def unary(op: Op) -> Callable[..., Any]:
    """The calling function of an operation on one array: `general`, cut down for speed to float32 and float64."""
    forward, call_general = op.forward, general(op)
    plan = op.plan((0,))
    keep = None if plan is None else plan.keep

    def call(input: Any) -> Any:
        if not isinstance(input, Tensor):
            return forward(input) if type(input) in PLAIN else on_foreign(op, (input,), {})
        x = input.array
        dtype = x.dtype
        if (dtype is not FLOAT32 and dtype is not FLOAT64) or writes.careful:
            return call_general(input)
        if not x.shape:
            x = x[()]  # NumPy's scalars are several times as fast as its 0-d arrays
        try:
            out = forward(x)
        except Exception as error:
            raise explained(op, error, (x,), {}) from error
        result = new_tensor(Tensor)
        result.array = array = out if type(out) is ndarray else arrayed(op, out)
        result._grad = result._view = None
        parent = input.node
        if parent is None or plan is None or not thread.grad:
            result.node = None
            return result
        result.node = node = Node()
        node.plan = plan
        node.saved = () if keep is None else keep((x, out))
        node.parents = (parent,)
        node.time = tick()
        node.shape = array.shape
        node.dtype = array.dtype
        node.scope = thread.scope
        node.hooks = None
        return result

    return call


def unary_view(op: Op) -> Callable[..., Any]:
    """`general` for a view of one array; rules call it on arrays, which takes the short way."""
    forward, call_general = op.forward, general(op)
    return lambda input: forward(input) if type(input) is ndarray else call_general(input)


def binary(op: Op, reflect: bool = False) -> Callable[..., Any]:
    """The calling function of an operation on two arrays: `general`, cut down to this case for speed.

    With `reflect` the one for Python's operators: for an operand that it does not know, Python asks the other side.
    """
    forward, call_general = op.forward, general(op)
    plans = [None, op.plan((0,)), op.plan((1,)), op.plan((0, 1))]

    def call(input: Any, other: Any) -> Any:
        p = q = None
        if isinstance(input, Tensor):
            x = input.array
            p = input.node
            dtype = x.dtype
            if isinstance(other, Tensor):
                y = other.array
                q = other.node
                same = dtype is y.dtype
            elif type(other) in WEAK:
                y = other
                same = True
            elif isinstance(other, OPERANDS):
                y = operand(op, other)
                same = type(y) in WEAK
            else:
                return NotImplemented if reflect else on_foreign(op, (input, other), {})
        elif isinstance(other, Tensor) and isinstance(input, OPERANDS):
            x = operand(op, input)
            y = other.array
            q = other.node
            dtype = y.dtype
            same = type(x) in WEAK
        elif type(input) in PLAIN and type(other) in PLAIN:
            return forward(input, other)
        else:
            return on_foreign(op, (input, other), {})
        if not same or (dtype is not FLOAT32 and dtype is not FLOAT64) or writes.careful:
            return call_general(input, other)
        if type(x) is ndarray and not x.shape:
            x = x[()]  # NumPy's scalars are several times as fast as its 0-d arrays
        if type(y) is ndarray and not y.shape:
            y = y[()]
        try:
            out = forward(x, y)
        except Exception as error:
            raise explained(op, error, (x, y), {}) from error
        result = new_tensor(Tensor)
        result.array = array = out if type(out) is ndarray else arrayed(op, out)
        result._grad = result._view = None
        plan = plans[(p is not None) + 2 * (q is not None)]
        if plan is None or not thread.grad:
            result.node = None
            return result
        result.node = node = Node()
        node.plan = plan
        keep = plan.keep
        node.saved = () if keep is None else keep((x, y, out))
        if p is None:
            node.parents = (q,)  # type: ignore[assignment]
            node.constant = x if type(x) in WEAK else ref(input.array) if isinstance(input, Tensor) else None
        elif q is None:
            node.parents = (p,)
            node.constant = y if type(y) in WEAK else ref(other.array) if isinstance(other, Tensor) else None
        else:
            node.parents = (p, q)
        node.time = tick()
        node.shape = array.shape
        node.dtype = array.dtype
        node.scope = thread.scope
        node.hooks = None
        return result

    return call


def several(op: Op) -> Callable[..., Any]:
    """The calling function of an operation on three or more arrays: short for Tensors of one dtype, else `general`."""
    forward, arity, call_general = op.forward, len(op.arguments), general(op)
    plans = {k: op.plan(tuple([i for i in range(arity) if k >> i & 1])) for k in range(1, 1 << arity)}
    bits = [1 << i for i in range(arity)]

    def call(*args: Any) -> Any:
        if not args or not isinstance(args[0], Tensor):
            return call_general(*args)
        try:
            arrays = [a.array for a in args]
        except AttributeError:
            return call_general(*args)
        dtype = arrays[0].dtype
        if len(arrays) != arity or (dtype is not FLOAT32 and dtype is not FLOAT64) or writes.careful:
            return call_general(*args)
        for array in arrays:
            if array.dtype is not dtype:
                return call_general(*args)
        try:
            out = forward(*arrays)
        except Exception as error:
            raise explained(op, error, arrays, {}) from error
        result = constant(out if type(out) is ndarray else arrayed(op, out))
        which = 0
        parents = []
        for a, bit in zip(args, bits):
            if a.node is not None:
                which += bit
                parents.append(a.node)
        if which and thread.grad:
            plan = plans[which]
            if plan is not None:
                saved = () if plan.keep is None else plan.keep((*arrays, out))
                result.node = record(plan, saved, tuple(parents), result.array.shape, dtype)
                if len(parents) < arity:
                    result.node.constant = not_recording(args)
        return result

    return call


def general(op: Op) -> Callable[..., Any]:
    """The calling function of any operation: compute on the arrays, then record which arguments it came from."""
    forward, kind, defaults, is_view, is_fused = op.forward, op.promotes, op.settings, op.view, op.backward is not None
    arity = None if op.variadic else len(op.arguments)
    nothing = {"needs": (False,) * len(op.arguments)} if op.asks_needs else {}
    plain_types = PLAIN | {NoneType} if is_fused else PLAIN

    def call(*args: Any, **given: Any) -> Any:
        for a in args:
            if type(a) not in plain_types:
                break
        else:  # nothing but arrays and numbers: a rule in a plain backward pass
            if not is_fused:
                return forward(*args, **given)
            if args[0] is None:  # only what comes after the first argument may be left out
                raise TypeError(f"{op.name}: got None for {op.arguments[0]}, which must be a Tensor")
            return forward(*args, **given, **nothing)[0]
        if given and not given.keys() <= defaults.keys():
            raise TypeError(f"{op.name}: unexpected keyword {sorted(given.keys() - defaults.keys())}; it knows {sorted(defaults)}")
        if arity is not None and len(args) != arity:
            raise TypeError(f"{op.name}: takes {arity} array arguments {op.arguments}, got {len(args)}")
        arrays: Any = []
        inputs = []
        parents = []
        tensors = plain = 0
        for i, a in enumerate(args):
            if isinstance(a, Tensor):
                tensors += 1
                arrays.append(a.array)
                node = a.node
                if writes.latest_recorded:
                    node = current_node(a)
                if node is not None:
                    inputs.append(i)
                    parents.append(node)
            else:
                plain += type(a) in plain_types
                arrays.append(a)
        if not tensors:
            return on_foreign(op, args, given)
        if writes.careful and thread.batch is not None and thread.batch.meets(args):
            return thread.batch.call(op, args, given)
        if plain:
            arrays = [a if type(a) in WEAK else operand(op, a) for a in arrays]
        elif tensors < len(args):
            return on_foreign(op, args, given)
        if kind != "no" and (len(arrays) > 1 or kind == "float" or (arrays and arrays[0].dtype.kind not in "fc")):
            arrays = promote(kind, tuple(arrays))
        try:
            if is_fused:
                recorded = inputs if thread.grad else ()
                needs = {"needs": tuple([i in recorded for i in range(len(args))])} if nothing else nothing
                out, extra = forward(*arrays, **given, **needs)
            else:
                out = forward(*arrays, **given)
        except Exception as error:
            raise explained(op, error, arrays, given) from error
        saved: Any = (tuple(arrays), {**defaults, **given}, *extra) if is_fused else None
        if op.results:
            return several_results(op, args, arrays, inputs, parents, given, out, saved)
        result = constant(out if type(out) is ndarray else arrayed(op, out))
        if is_view and isinstance(args[0], Tensor) and looks_into(result.array, args[0].array):
            # made in no_grad of a tensor that records, nobody could say what writing it means: only when it was made is noted
            result._view = (args[0], op.call, given) if thread.grad or not parents else (args[0], None, tick())
        dtype = result.array.dtype
        if parents and thread.grad and dtype.kind in "fc":  # through whole numbers no gradient flows
            plan = op.plan(tuple(inputs), len(arrays), (dtype is not FLOAT32 and dtype is not FLOAT64) and complex_in(op, arrays, dtype))
            if plan is not None:
                if not is_fused:
                    saved = kept(plan, op, arrays, given, out)
                result.node = record(plan, saved, tuple(parents), result.array.shape, dtype)
                result.node.settings = given
                if len(parents) < len(args):
                    result.node.constant = not_recording(args)
        if thread.watch is not None:
            thread.watch(op, arrays, result.array, result.node)
        return result

    return call


def several_results(
    op: Op, args: Any, arrays: Any, inputs: list[int], parents: list[Node], given: dict[str, Any], out: Any, saved: Any
) -> tuple[Tensor, ...]:
    """Record a call of an operation with several results: one node stands for the call, with one on it for each result."""
    outs = tuple([arrayed(op, o) for o in out])
    results = tuple([constant(o) for o in outs])
    plan = None
    if parents and thread.grad and any(o.dtype.kind in "fc" for o in outs):
        plan = op.plan(tuple(inputs), len(arrays), any(complex_in(op, arrays, o.dtype) for o in outs))
    if plan is not None:
        results, node = picked(plan, saved or kept(plan, op, arrays, given, outs), tuple(parents), outs)
        node.settings = given
        if len(parents) < len(args):
            node.constant = not_recording(args)
    if thread.watch is not None:
        for result in results:
            thread.watch(op, arrays, result.array, result.node)
    return results


def complex_in(op: Op, arrays: Sequence[Any], dtype: Any) -> bool:
    """Whether the operation works on complex numbers, so that its rules, those of a holomorphic function, want conjugates around them."""
    return op.holomorphic and (
        dtype.kind == "c" or any(isinstance(a, complex) or (isinstance(a, ndarray) and a.dtype.kind == "c") for a in arrays)
    )


def arrayed(op: Op, out: Any) -> np.ndarray[Any, Any]:
    """What a forward returned, as an array. Raises TypeError for a tuple."""
    if type(out) is tuple:
        raise TypeError(f"{op.name}: its forward returned a tuple; name its results, primitive(..., results=('first', 'second'))")
    return as_array(out)


def looks_into(array: np.ndarray[Any, Any], whole: np.ndarray[Any, Any]) -> bool:
    """Whether an operation that may give a view gave one of `whole`: a copy need not keep what it was copied from."""
    base = array.base
    if base is None:
        return array is whole
    return base is whole or base is whole.base or writes.owner(array) is writes.owner(whole)


def not_recording(args: Sequence[Any]) -> tuple[Any, ...]:
    """What the picture is to show of each argument that does not record: the number, or the Tensor's array if it is still there.

    `...` stands for an argument that was left out.
    """
    return tuple([ref(a.array) if isinstance(a, Tensor) and a.node is None else number_in(a) for a in args])


def number_in(value: Any) -> Any:
    if value is None:
        return ...
    return value if type(value) in WEAK else value.item() if type(value) is ndarray and value.size == 1 else None


def kept(plan: Plan, op: Op, arrays: Sequence[Any], given: dict[str, Any], out: Any) -> tuple[Any, ...]:
    """What the plan saves of a call."""
    if plan.keep is None:
        return ()
    settings = op.settings if not given else given if tuple(given) == tuple(op.settings) else {**op.settings, **given}
    values = (*arrays, *settings.values(), out)
    if plan.shapes:
        shapes = tuple([np.shape(a) for a in arrays])
        values += (*shapes, shapes, tuple(arrays))
    return plan.keep(values)


# ---------------------------------------------------------------------- arguments and errors

WEAK = {bool, int, float}  # scalars that never widen a floating-point dtype
PLAIN = {ndarray, complex, *WEAK, *(np.dtype(c).type for c in "?bBhHiIlLqQefdgFDG")}  # what a forward takes as it is


OPERANDS = (Tensor, np.ndarray, np.generic, bool, int, float, complex)


def operand(op: Op, value: Any) -> Any:
    """A non-Tensor argument as an array or a Python scalar; None for a fused operation. NumPy scalars count as scalars.

    Raises TypeError for anything else.
    """
    if value is None and op.backward is not None:
        return None
    if isinstance(value, np.ndarray):
        return np.asarray(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, bool | int | float | complex):
        return value
    raise TypeError(f"{op.name}: got {_said(value)}; arguments are Tensors, NumPy arrays or numbers. For lists, use tensor(...)")


def _said(value: Any) -> str:
    return (
        "None" if value is None else f"a {type(value).__name__} ({value!r:.40})" if isinstance(value, str) else f"a {type(value).__name__}"
    )


def on_foreign(op: Op, args: tuple[Any, ...], settings: dict[str, Any]) -> Any:
    """A call with something that is neither Tensor nor array: its class may know what to do with any operation.

    The protocol: `__autograd_function__(op, args, settings)` on the argument (symbols of viz use it).
    """
    for a in args:
        handler = getattr(type(a), "__autograd_function__", None)
        if handler is not None:
            return handler(a, op, args, settings)
    return op.call(*[a if isinstance(a, Tensor) else operand(op, a) for a in args], **settings)


def explained(op: Op, error: Exception, arrays: Sequence[Any], settings: dict[str, Any]) -> Exception:
    """The same error, saying which operation on which shapes, and of the type that PyTorch's users expect."""
    if isinstance(error, ShapeError) or type(error) not in TRANSLATED:
        return error
    if type(error) is ValueError and op.complain is not None:
        message = op.complain(*arrays, **settings)
    elif type(error) is ValueError and "broadcast" in str(error):
        told = " and ".join(str(np.shape(a)) for a in arrays)
        message = f"{op.name}: shapes {told} do not broadcast: from the right, lengths must agree or be 1"
    else:
        told = ", ".join([*(str(np.shape(a)) for a in arrays), *(f"{k}={v!r}" for k, v in settings.items())])
        message = f"{op.name}({told}): {error}"
    return TRANSLATED[type(error)](message)


TRANSLATED: dict[type[Exception], Callable[[str], Exception]] = {
    ValueError: ShapeError,
    TypeError: TypeError,
    IndexError: IndexError,
    np.exceptions.AxisError: IndexError,
    np.linalg.LinAlgError: LinAlgError,
}
