"""How an operation is declared: a forward on NumPy arrays and, for each array argument, a rule for its gradient.

    @primitive(lambda g, b: g * b, lambda g, a: g * a)
    def mul(a, b):
        return a * b

Called on arrays the operation just computes; called on Tensors it computes and records. A rule names what it needs:
`g` (the gradient of the result) first, then any of the arguments, of the keyword settings, `out` (the result) and
`shape` (of the argument the rule is for). Only what a rule names is kept. A rule calls operations, so the same rule is
the plain backward on arrays, the double backward on Tensors, and on symbols it prints its own formula.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from . import writes
from .dtypes import FLOAT32, FLOAT64, promote
from .errors import ShapeError
from .graph import Node, pullback, thread
from .tensor import Tensor, constant, current_node, on_node
from .writes import tick

Rule = Callable[..., Any]
ndarray, as_array = np.ndarray, np.asarray
new_tensor = Tensor.__new__


class Op:
    """A declared operation: its name, forward, rules, and the names of its array arguments and settings."""

    def __init__(self, forward: Callable[..., Any], rules: Sequence[Rule | None], options: dict[str, Any]):
        self.name: str = options.get("name") or forward.__name__.strip("_")
        self.forward = forward
        self.__doc__ = forward.__doc__
        parameters = inspect.signature(forward).parameters.values()
        self.variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        self.arguments = tuple(p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL))
        self.settings = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        self.rules = tuple(rules) if rules else (None,) * len(self.arguments)
        self.promotes: str = options.get("promotes", "same")  # "same": the arguments' common dtype; "float": at least float; "no"
        self.view: bool = options.get("view", False)  # may the result share its argument's memory?
        self.reference: Callable[..., Any] | None = options.get("reference")
        self.backward: Rule | None = options.get("backward")
        self.complain: Callable[..., str] | None = options.get("complain")
        self.call: Any = None
        if len(self.rules) != len(self.arguments):
            raise TypeError(f"{self.name}: {len(self.arguments)} array arguments {self.arguments} but {len(self.rules)} rules")
        known = {*self.arguments, *self.settings, "out", "shape", "shapes", "i"}
        for rule in self.rules:
            if unknown := set(names_of(rule)) - known if rule else None:
                raise TypeError(f"{self.name}: a rule asks for {sorted(unknown)}; it may name {sorted(known)}")
        self._plans: dict[Any, Plan | None] = {}

    def plan(self, recorded: tuple[int, ...], count: int | None = None) -> Plan | None:
        """The plan for the case that the arguments with these positions record (of `count` in a variadic call)."""
        key = (recorded, count) if self.variadic else recorded
        try:
            return self._plans[key]
        except KeyError:
            make = fused_plan(self, recorded) if self.backward else make_plan(self, recorded, count)
            plan = self._plans[key] = make
            return plan

    def __repr__(self) -> str:
        return f"<op {self.name}>"


def names_of(rule: Rule) -> tuple[str, ...]:
    """The names that a rule asks for, besides the gradient."""
    return tuple(inspect.signature(rule).parameters)[1:]


class Plan:
    """What an operation does when certain of its arguments record: found out once, used at every call.

    `keep`          picks what to save from (*arguments, *settings, out[, *shapes, shapes, arguments]); None: nothing
    `shapes`        whether any of those in brackets is wanted
    `pull`          (gradient, saved) -> one contribution for each recording argument
    `pull_tensors`  (node, gradient) -> the same as Tensors, for a backward pass that is itself recorded
    """

    __slots__ = ("inputs", "keep", "names", "op", "pull", "pull_tensors", "shapes")

    def __init__(
        self,
        op: Any,
        inputs: tuple[int, ...],
        pull: Callable[..., Any],
        pull_tensors: Callable[..., Any],
        keep: Callable[..., Any] | None = None,
        shapes: bool = False,
        names: tuple[str, ...] = (),
    ):
        self.op = op
        self.inputs = inputs
        self.pull = pull
        self.pull_tensors = pull_tensors
        self.keep = keep
        self.shapes = shapes
        self.names = names  # of the kept values


def make_plan(op: Op, inputs: tuple[int, ...], count: int | None) -> Plan | None:
    """The plan of a primitive, or None when no rule leads to any of its recording arguments."""
    if op.variadic:
        n = count or 0
        rules = [op.rules[0]] * n
        place = {op.arguments[0]: n + len(op.settings) + n + 2}
    else:
        n = len(op.arguments)
        rules = list(op.rules)
        place = {name: k for k, name in enumerate(op.arguments)}
    if all(rules[i] is None for i in inputs):
        return None
    place |= {name: n + k for k, name in enumerate(op.settings)}
    place["out"] = out_at = n + len(op.settings)
    place["shapes"] = out_at + n + 1
    wanted: list[int] = []  # positions of the kept values in what `keep` is given
    names: list[str] = []
    pulls = []
    for i in inputs:
        rule = rules[i]
        needs = []
        for name in names_of(rule) if rule is not None else ():
            if name == "i":
                rule = _bind(rule, i)
                continue
            at = out_at + 1 + i if name == "shape" else place[name]
            if at not in wanted:
                wanted.append(at)
                names.append(name)
            needs.append(wanted.index(at))
        pulls.append(_adapt(rule, needs))
    parent_of = {i: k for k, i in enumerate(inputs)}

    def as_tensor(at: int, value: Any, node: Node) -> Any:
        if at == out_at:
            return on_node(value, node)
        if at < n and at in parent_of:
            return on_node(value, node.parents[parent_of[at]])
        if at == out_at + n + 2:
            return tuple(as_tensor(j, v, node) for j, v in enumerate(value))
        return constant(value) if type(value) is ndarray and at < n else value

    pull = _together(pulls)

    def pull_tensors(node: Node, gradient: Tensor) -> Any:
        return pull(gradient, [as_tensor(at, value, node) for at, value in zip(wanted, node.saved or (), strict=True)])

    return Plan(op, inputs, pull, pull_tensors, _picker(wanted), any(at > out_at for at in wanted), tuple(names))


def _bind(rule: Any, i: int) -> Rule:
    """The rule of a variadic operation for its argument number `i` (which it must ask for first)."""
    return lambda g, *needed: rule(g, i, *needed)


def _adapt(rule: Rule | None, needs: Sequence[int]) -> Callable[[Any, Any], Any]:
    """The rule as a function of (gradient, saved)."""
    if rule is None:
        return lambda g, saved: None
    if not needs:
        return lambda g, saved: rule(g)
    if len(needs) == 1:
        (i,) = needs
        return lambda g, saved: rule(g, saved[i])
    if len(needs) == 2:
        i, j = needs
        return lambda g, saved: rule(g, saved[i], saved[j])
    return lambda g, saved: rule(g, *[saved[i] for i in needs])


def _together(pulls: Sequence[Callable[[Any, Any], Any]]) -> Callable[[Any, Any], Any]:
    if len(pulls) == 1:
        (first,) = pulls
        return lambda g, saved: (first(g, saved),)
    if len(pulls) == 2:
        first, second = pulls
        return lambda g, saved: (first(g, saved), second(g, saved))
    return lambda g, saved: [pull(g, saved) for pull in pulls]


def _picker(wanted: Sequence[int]) -> Callable[[Any], Any] | None:
    if not wanted:
        return None
    return itemgetter(*wanted) if len(wanted) > 1 else itemgetter(slice(wanted[0], wanted[0] + 1))


def primitive(*rules: Rule | None, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Declare an operation: one rule for each array argument, in order (None: no gradient flows to it).

    Positional parameters of the decorated function are its array arguments, keyword-only ones its settings. Options:
    `name`; `promotes="float"` computes integers in the default float dtype, `"no"` leaves dtypes alone, `"same"`
    (default) brings the arguments to a common one; `view=True` says that the result may share its argument's memory;
    `complain(*arrays, **settings)` words the error for shapes that do not fit.
    """

    def declare(forward: Callable[..., Any]) -> Any:
        op = Op(forward, rules, options)
        simple = not op.settings and not op.variadic and not any("shape" in names_of(rule) for rule in rules if rule)
        make = {1: unary, 2: binary}.get(len(op.arguments), general) if simple else general
        return publish(op, make(op))

    return declare


def fused(backward: Callable[..., Any], *, reference: Callable[..., Any], **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Declare an operation whose fast form is one kernel.

    The decorated forward works on arrays and returns `(out, kept)`, kept a tuple of what the backward needs.
    `backward(g, *kept)` returns one gradient array for each array argument (None: no gradient flows to it).
    `reference` is the same function composed of primitives: it is the double backward, the oracle of the tests, and
    what the picture shows inside the operation. Other options as of `primitive`.
    """

    def declare(forward: Callable[..., Any]) -> Any:
        op = Op(forward, (), {**options, "backward": backward, "reference": reference})
        return publish(op, general(op))

    return declare


def fused_plan(op: Op, inputs: tuple[int, ...]) -> Plan:
    """The plan of a fused operation: its kernel in a plain backward pass, its reference in a recorded one."""
    backward, reference = op.backward, op.reference

    def pull(gradient: Any, saved: tuple[Any, ...]) -> list[Any]:
        parts = backward(gradient, *saved[2:])  # type: ignore[misc]
        return [parts[i] for i in inputs]

    def pull_tensors(node: Node, gradient: Tensor) -> list[Any]:
        arrays, settings = (node.saved or ())[:2]
        given = [constant(a) if type(a) is ndarray else a for a in arrays]
        ends = []
        for i, parent in zip(inputs, node.parents, strict=True):
            ends.append(record(ALIAS, (), (parent,), parent.shape, parent.dtype))  # an own node for each argument
            given[i] = on_node(arrays[i], ends[-1])
        out = reference(*given, **settings)  # type: ignore[misc]
        found = pullback([out.node], [gradient], set(ends), retain_graph=True, create_graph=True)
        return [found.get(end) for end in ends]

    return Plan(op, inputs, pull, pull_tensors, names=("arguments", "settings"))


class _Alias:
    name = "alias"


ALIAS = Plan(_Alias, (0,), lambda g, saved: (g,), lambda node, g: (g,))


def publish(op: Op, call: Callable[..., Any]) -> Any:
    """Give the calling function its operation's name and documentation."""
    call.__name__ = call.__qualname__ = op.name
    call.__doc__ = op.__doc__
    call.__module__ = op.forward.__module__
    call.op = op  # type: ignore[attr-defined]
    op.call = call
    return call


def unary(op: Op) -> Callable[..., Any]:
    """The calling function of an operation on one array: `general`, cut down to this case for speed."""
    forward, floats = op.forward, op.promotes == "float"
    plan = op.plan((0,))
    keep = plan and plan.keep

    def call(input: Any) -> Any:
        if not isinstance(input, Tensor):
            return forward(input) if type(input) in PLAIN else on_foreign(op, (input,), {})
        x = input.array
        dtype = x.dtype
        if dtype is FLOAT32 or dtype is FLOAT64:
            if not x.shape:
                x = x[()]  # NumPy's scalars are several times as fast as its 0-d arrays
        elif floats and dtype.kind not in "fc":
            (x,) = promote("float", (x,))
        try:
            out = forward(x)
        except Exception as error:
            raise explained(op, error, (x,), {}) from error
        result = new_tensor(Tensor)
        result.array = array = out if type(out) is ndarray else as_array(out)
        result._grad = result._view = None
        parent = input.node
        if writes.latest_recorded:
            parent = current_node(input)
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


def binary(op: Op) -> Callable[..., Any]:
    """The calling function of an operation on two arrays: `general`, cut down to this case for speed."""
    forward, kind = op.forward, op.promotes
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
            else:
                y = operand(op, other)
                same = False
        elif isinstance(other, Tensor):
            x = input if type(input) in WEAK else operand(op, input)
            y = other.array
            q = other.node
            dtype = y.dtype
            same = type(x) in WEAK
        elif type(input) in PLAIN and type(other) in PLAIN:
            return forward(input, other)
        else:
            return on_foreign(op, (input, other), {})
        if same and (dtype is FLOAT64 or dtype is FLOAT32):
            if type(x) is ndarray and not x.shape:
                x = x[()]  # NumPy's scalars are several times as fast as its 0-d arrays
            if type(y) is ndarray and not y.shape:
                y = y[()]
        else:
            x, y = promote(kind, (x, y))
        try:
            out = forward(x, y)
        except Exception as error:
            raise explained(op, error, (x, y), {}) from error
        result = new_tensor(Tensor)
        result.array = array = out if type(out) is ndarray else as_array(out)
        result._grad = result._view = None
        if writes.latest_recorded:
            p, q = current_node(input), current_node(other)
        plan = plans[(p is not None) + 2 * (q is not None)]
        if plan is None or not thread.grad:
            result.node = None
            return result
        result.node = node = Node()
        node.plan = plan
        keep = plan.keep
        node.saved = () if keep is None else keep((x, y, out))
        node.parents = (p,) if q is None else (q,) if p is None else (p, q)
        node.time = tick()
        node.shape = array.shape
        node.dtype = array.dtype
        node.scope = thread.scope
        node.hooks = None
        return result

    return call


def general(op: Op) -> Callable[..., Any]:
    """The calling function of any operation: compute on the arrays, then record which arguments it came from."""
    forward, kind, defaults, is_view = op.forward, op.promotes, op.settings, op.view
    arity = None if op.variadic else len(op.arguments)

    def call(*args: Any, **given: Any) -> Any:
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
                plain += type(a) in PLAIN
                arrays.append(a)
        if not tensors:
            if plain < len(args):
                return on_foreign(op, args, given)
            return forward(*args, **given) if op.backward is None else forward(*args, **given)[0]
        if plain:
            arrays = [a if type(a) in WEAK else operand(op, a) for a in arrays]
        elif tensors < len(args):
            return on_foreign(op, args, given)
        if kind != "no" and (len(arrays) > 1 or kind == "float"):
            arrays = promote(kind, tuple(arrays))
        try:
            out = forward(*arrays, **given)
        except Exception as error:
            raise explained(op, error, arrays, given) from error
        if op.backward is not None:
            out, extra = out
        result = constant(out if type(out) is ndarray else np.asarray(out))
        if is_view:
            result._view = (args[0], op.call, given)
        if parents and thread.grad:
            plan = op.plan(tuple(inputs), len(arrays))
            if plan is not None:
                if op.backward is not None:
                    saved: Any = (tuple(arrays), {**defaults, **given}, *extra)
                else:
                    saved = kept(plan, op, arrays, given, out)
                result.node = record(plan, saved, tuple(parents), result.array.shape, result.array.dtype)
        return result

    return call


def kept(plan: Plan, op: Op, arrays: Sequence[Any], given: dict[str, Any], out: Any) -> tuple[Any, ...]:
    """What the plan saves of a call."""
    if plan.keep is None:
        return ()
    values = (*arrays, *({**op.settings, **given} if given else op.settings).values(), out)
    if plan.shapes:
        shapes = tuple([np.shape(a) for a in arrays])
        values += (*shapes, shapes, tuple(arrays))
    return plan.keep(values)


def record(plan: Plan, saved: tuple[Any, ...], parents: tuple[Node, ...], shape: Any, dtype: Any) -> Node:
    """A new node for a value just computed."""
    node = Node()
    node.plan = plan
    node.saved = saved
    node.parents = parents
    node.time = tick()
    node.shape = shape
    node.dtype = dtype
    node.scope = thread.scope
    node.hooks = None
    return node


# ---------------------------------------------------------------------- operations with several results


class Cotangents(list[Any]):
    """The gradients of an operation with several results, None for those that nothing was computed from."""

    def __init__(self, parts: Sequence[Any], shape: Any, dtype: Any):
        super().__init__(parts)
        self.shape = shape
        self.dtype = dtype

    def __add__(self, other: Any) -> Cotangents:
        parts = [b if a is None else a if b is None else a + b for a, b in zip(self, other, strict=True)]
        return Cotangents(parts, self.shape, self.dtype)

    def filled(self) -> tuple[Any, ...]:
        """With zeros for None."""
        return tuple(np.zeros(s, d) if g is None else g for g, s, d in zip(self, self.shape, self.dtype, strict=True))


class _Pick:
    """The operation that takes result number k from one that has several."""

    name = "pick"
    call = None


def _pull_pick(gradient: Any, saved: tuple[Any, ...]) -> tuple[Cotangents]:
    k, shape, dtype = saved
    parts = [None] * len(shape)
    parts[k] = gradient
    return (Cotangents(parts, shape, dtype),)


pick = Plan(_Pick, (0,), _pull_pick, lambda node, gradient: _pull_pick(gradient, node.saved), names=("k", "shape", "dtype"))


def picked(plan: Plan, saved: tuple[Any, ...], parents: tuple[Node, ...], out: Sequence[Any]) -> tuple[Tensor, ...]:
    """Tensors for the several results of one call: one node stands for all of them, with one on it for each."""
    shapes, dtypes = tuple(a.shape for a in out), tuple(a.dtype for a in out)
    whole = record(plan, saved, parents, shapes, dtypes)
    return tuple(
        on_node(a, record(pick, (k, shapes, dtypes), (whole,), a.shape, a.dtype)) if a.dtype.kind in "fc" else constant(a)
        for k, a in enumerate(out)
    )


# ---------------------------------------------------------------------- arguments and errors

WEAK = {bool, int, float, complex}  # scalars that never widen a dtype
PLAIN = {ndarray, *WEAK, *(np.dtype(c).type for c in "?bBhHiIlLqQefdgFDG")}  # what a forward takes as it is


def operand(op: Op, value: Any) -> Any:
    """A non-Tensor argument as an array or a Python scalar. NumPy scalars count as scalars. Raises TypeError for anything else."""
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
    if any(isinstance(a, Tensor) for a in args):
        return op.call(*[a if isinstance(a, Tensor) else operand(op, a) for a in args], **settings)
    return op.forward(*[operand(op, a) for a in args], **settings)


def explained(op: Op, error: Exception, arrays: Sequence[Any], settings: dict[str, Any]) -> Exception:
    """The same error, saying which operation on which shapes, and of the type that PyTorch's users expect."""
    if isinstance(error, ShapeError) or type(error) not in TRANSLATED:
        return error
    if type(error) is ValueError and op.complain is not None:
        message = op.complain(*arrays, **settings)
    elif type(error) is ValueError and "broadcast" in str(error):
        message = f"{op.name}: shapes {' and '.join(str(np.shape(a)) for a in arrays)} do not broadcast: from the right, lengths must agree or be 1"
    else:
        told = ", ".join(f"{k}={v!r}" for k, v in settings.items())
        message = f"{op.name}({', '.join(str(np.shape(a)) for a in arrays)}{', ' + told if told else ''}): {error}"
    return TRANSLATED[type(error)](message)


TRANSLATED: dict[type[Exception], Callable[[str], Exception]] = {
    ValueError: ShapeError,
    TypeError: TypeError,
    IndexError: IndexError,
    np.exceptions.AxisError: IndexError,
    np.linalg.LinAlgError: np.linalg.LinAlgError,
}
