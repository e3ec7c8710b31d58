"""What an operation keeps and which rules it runs, for each pattern of arguments that record."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from inspect import CO_VARARGS
from operator import itemgetter
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from . import writes
from .graph import Node, Placed, pullback, thread
from .tensor import Tensor, constant, on_node
from .writes import tick

if TYPE_CHECKING:
    from .primitive import Op

Rule: TypeAlias = Callable[..., Any]
ndarray = np.ndarray


class Plan:
    """What an operation does when certain of its arguments record: found out once, used at every call.

    `keep`          picks what to save from (*arguments, *settings, out[, *shapes, shapes, arguments]); None: nothing
    `shapes`        whether any of those in brackets is wanted
    `frees`         whether what is kept is worth letting go (arrays), which makes a second pass an error
    `pull`          (gradient, saved) -> one contribution for each recording argument
    `pull_tensors`  (node, gradient) -> the same as Tensors, for a backward pass that is itself recorded; a third argument takes the
                    place of what the node saved, which may be packed
    """

    __slots__ = ("frees", "inputs", "keep", "names", "op", "pull", "pull_tensors", "shapes")

    def __init__(
        self,
        op: Any,
        inputs: tuple[int, ...],
        pull: Callable[..., Any],
        pull_tensors: Callable[..., Any],
        keep: Callable[..., Any] | None = None,
        shapes: bool = False,
        names: tuple[str, ...] = (),
        frees: bool = True,
    ):
        self.op = op
        self.inputs = inputs
        self.pull = pull
        self.pull_tensors = pull_tensors
        self.keep = keep
        self.shapes = shapes
        self.names = names  # of the kept values
        self.frees = frees


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
            return result_again(node, value) if op.results else on_node(value, node)
        if at < n and at in parent_of:
            return on_node(value, node.parents[parent_of[at]])
        if at == out_at + n + 2:
            return tuple(as_tensor(j, v, node) for j, v in enumerate(value))
        return constant(value) if type(value) is ndarray and at < n else value

    pull = whole_pull = _together(pulls)
    if op.results:
        pull = whole_pull = _with_all_gradients(pull)
    if op.placed is not None:
        pull = _placed(op.placed, [names.index(name) for name in names_of(op.placed)], pull)

    def pull_tensors(node: Node, gradient: Tensor, saved: Any = None) -> Any:
        return whole_pull(gradient, [as_tensor(at, value, node) for at, value in zip(wanted, saved or node.saved or (), strict=True)])

    arrays = any(at < n or at in (out_at, out_at + n + 2) for at in wanted)
    return Plan(op, inputs, pull, pull_tensors, _picker(wanted), any(at > out_at for at in wanted), tuple(names), arrays)


def _placed(index_of: Rule, needs: Sequence[int], pull: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The pull of an operation that takes part of its argument: where that part is, not an array of zeros around it."""

    def placed(gradient: Any, saved: Any) -> tuple[Any, ...]:
        index = index_of(gradient, *[saved[i] for i in needs])
        return pull(gradient, saved) if index is None else (Placed(gradient, index),)

    return placed


def conjugated_plan(plan: Plan) -> Plan:
    """The plan for complex numbers, of rules that are written for a holomorphic function: conj(rule(conj(g)))."""

    def pull(gradient: Any, saved: Any) -> Any:
        return [part.conj() if type(part) is Placed else _conj(part) for part in plan.pull(_conj(gradient), saved)]

    def pull_tensors(node: Node, gradient: Any, saved: Any = None) -> Any:
        return [_conj(part) for part in plan.pull_tensors(node, _conj(gradient), saved)]

    return Plan(plan.op, plan.inputs, pull, pull_tensors, plan.keep, plan.shapes, plan.names, plan.frees)


def _conj(value: Any) -> Any:
    if isinstance(value, Cotangents):
        return Cotangents([_conj(g) for g in value], value.shape, value.dtype)
    return value if value is None or value.dtype.kind != "c" else value.conj()


def _with_all_gradients(pull: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda g, saved: pull(g.filled(), saved)


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


def names_of(rule: Rule) -> tuple[str, ...]:
    """The names that a rule asks for, besides the gradient."""
    if type(rule) is FunctionType and not rule.__code__.co_flags & CO_VARARGS:  # as inspect.signature, in a hundredth of the time
        return rule.__code__.co_varnames[1 : rule.__code__.co_argcount]
    return tuple(inspect.signature(rule).parameters)[1:]


def record(plan: Plan, saved: tuple[Any, ...], parents: tuple[Node, ...], shape: Any, dtype: Any) -> Node:
    """A new node for a value just computed."""
    if writes.careful and thread.pack is not None:
        plan, saved = thread.pack(plan, saved)
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


# ---------------------------------------------------------------------- fused operations


def fused_plan(op: Op, inputs: tuple[int, ...]) -> Plan:
    """The plan of a fused operation: its kernel in a plain backward pass, its reference in a recorded one."""
    backward: Any = op.backward
    reference: Any = op.reference
    if "needs" in inspect.signature(backward).parameters:
        backward = partial(backward, needs=tuple(i in inputs for i in range(len(op.arguments))))

    def pull(gradient: Any, saved: tuple[Any, ...]) -> list[Any]:
        parts = backward(gradient, *saved[2:])
        return [parts[i] for i in inputs]

    def pull_tensors(node: Node, gradient: Tensor, saved: Any = None) -> list[Any]:
        arrays, settings = (saved or node.saved or ())[:2]
        given = [constant(a) if type(a) is ndarray else a for a in arrays]
        ends = []
        for i, parent in zip(inputs, node.parents, strict=True):
            ends.append(record(ALIAS, (), (), parent.shape, parent.dtype))  # an own node for each argument
            given[i] = on_node(arrays[i], ends[-1])
        before, thread.grad = thread.grad, True  # the reference is recorded even where the pass itself is not
        try:
            out = reference(*given, **settings)
            thread.grad = before
            pairs = list(zip(out, gradient, strict=True)) if op.results else [(out, gradient)]
            pairs = [(o.node, g) for o, g in pairs if g is not None and o.node is not None]
            found = pullback([n for n, _ in pairs], [g for _, g in pairs], set(ends), retain_graph=True, create_graph=True)
        finally:
            thread.grad = before
        for end, parent in zip(ends, node.parents, strict=True):  # only now, so that the pass did not walk what came before
            end.parents = (parent,)
        return [found.get(end) for end in ends]

    return Plan(op, inputs, pull, pull_tensors, names=("arguments", "settings"))


class _Alias:
    name = "alias"


ALIAS = Plan(_Alias, (0,), lambda g, saved: (g,), lambda node, g: (g,))


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
        wrap = constant if any(isinstance(g, Tensor) for g in self) else lambda a: a
        return tuple(wrap(np.zeros(s, d)) if g is None else g for g, s, d in zip(self, self.shape, self.dtype, strict=True))


class _Pick:
    """The operation that takes result number k from one that has several."""

    name = "pick"
    call = None


def _pull_pick(gradient: Any, saved: tuple[Any, ...]) -> tuple[Cotangents]:
    k, shape, dtype = saved
    parts = [None] * len(shape)
    parts[k] = gradient
    return (Cotangents(parts, shape, dtype),)


pick = Plan(_Pick, (0,), _pull_pick, lambda node, gradient: _pull_pick(gradient, node.saved), names=("k", "shape", "dtype"), frees=False)


def picked(plan: Plan, saved: tuple[Any, ...], parents: tuple[Node, ...], out: Sequence[Any]) -> tuple[tuple[Tensor, ...], Node]:
    """Tensors for the several results of one call, and the node that stands for all of them, with one on it for each."""
    whole = record(plan, saved, parents, tuple(a.shape for a in out), tuple(a.dtype for a in out))
    return result_again(whole, out), whole


def result_again(whole: Node, out: Sequence[Any]) -> tuple[Tensor, ...]:
    """The results of a call, each on its node."""
    return tuple(pick_again(whole, k, a) if a.dtype.kind in "fc" else constant(a) for k, a in enumerate(out))


def pick_again(whole: Node, k: int, array: Any) -> Tensor:
    """Result number k of a call, on its node."""
    return on_node(array, record(pick, (k, whole.shape, whole.dtype), (whole,), array.shape, array.dtype))
