"""The recorded graph and the walk back through it.

An operation on Tensors that record leaves a `Node`; `pullback` visits nodes newest first and hands each one's
gradient to its parents. Nothing here knows what an operation computes: a node's plan does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import attrgetter
from sys import getrefcount
from typing import Any, TypeAlias
from weakref import ref

import numpy as np

from . import writes
from .errors import FreedGraphError, ShapeError
from .writes import tick

Gradient: TypeAlias = Any  # an array in a plain backward pass, a Tensor where the pass itself is recorded
Observer: TypeAlias = Callable[["Node", Gradient, tuple[Gradient, ...]], None]


def _references_of_a_local() -> int:
    local = object()
    return getrefcount(local)


ALONE = _references_of_a_local()  # what getrefcount says of an object that one local variable holds and nothing else


class Thread(threading.local):
    """What each thread has of its own; the class attributes are a new thread's defaults."""

    grad = True  # do operations record?
    inference = False  # inside inference_mode: no switching recording back on
    scope: Scope | None = None  # the module call that is running
    observer: Observer | None = None  # told of each step of every backward pass
    hooks = True  # do backward passes run the hooks that they meet?
    watch: Callable[..., None] | None = None  # told of each operation: (op, arrays, its result, the node or None)
    batch: Any = None  # inside vmap: what takes over operations on batched tensors
    pack: Any = None  # inside saved_tensors_hooks: (plan, saved) -> the same with packed arrays
    label: Callable[[dict[str, Any]], None] | None = None  # told what references call their intermediate results


thread = Thread()
accumulating = threading.RLock()  # held while a `.grad` is read, added to and set: threads may share parameters


class Scope:
    """One call of a module: nodes made during it point to it. `parent` is the call around it.

    The module is held weakly: a module that keeps its output would else keep itself alive.
    """

    __slots__ = ("_owner", "_type", "parent")

    def __init__(self, owner: Any, parent: Scope | None):
        self._owner: Callable[[], Any] = ref(owner)
        self._type = type(owner)
        self.parent = parent

    @property
    def owner(self) -> Any:
        """The module that was called, or None when it is gone."""
        return self._owner()

    @property
    def kind(self) -> str:
        """The name of the module's class, also when the module is gone."""
        return self._type.__name__

    def within(self, parent: Scope | None) -> Scope:
        """The same module's call, inside another."""
        same = Scope.__new__(Scope)
        same._owner, same._type, same.parent = self._owner, self._type, parent
        return same


class Backward(Scope):
    """A backward pass that is recorded: what it computes stands in it, in mirrors of the calls that it goes back through.

    `order` is one more than that of any operation it goes back through; what no pass made has order 0. `owner` is the module
    that ran the pass, if one did.
    """

    __slots__ = ("order",)

    def __init__(self, parent: Scope | None, through: Iterable[Node]):
        self._owner: Callable[[], Any] = _nobody if parent is None else parent._owner
        self._type = Backward
        self.parent = parent
        self.order = 1 + max((order_of(scope) for scope in {node.scope for node in through}), default=0)


def _nobody() -> None:
    return None


def pass_around(scope: Scope | None) -> Backward | None:
    """The innermost recorded pass that a scope stands in."""
    while scope is not None and type(scope) is not Backward:
        scope = scope.parent
    return scope  # type: ignore[return-value]


def order_of(scope: Scope | None) -> int:
    """Which derivative an operation made in this scope belongs to: 0 for the program's own."""
    around = pass_around(scope)
    return 0 if around is None else around.order


class Mirrors(dict["Scope | None", "Scope"]):
    """For the scope of an operation the one in a recorded pass where its gradient is computed."""

    def __init__(self, around: Backward):
        scope: Scope | None = around.parent
        while scope is not None:
            self[scope] = around
            scope = scope.parent
        self[None] = self[around] = around

    def __missing__(self, scope: Scope) -> Scope:
        parent = self[scope.parent]
        if parent is scope.parent:  # made in this very pass, by the reference of a fused operation
            mirror = scope
        else:
            mirror = parent if type(scope) is Backward else scope.within(parent)
        self[scope] = mirror
        return mirror


class Node:
    """One recorded operation, or a leaf (`plan is None`).

    plan          what was kept and which rules run (`plan.Plan`)
    saved         the kept values, `None` once they were freed
    parents       the nodes of the inputs that record, in order
    time          creation time: a topological order
    shape, dtype  of the value this node stands for
    scope         the module call it was made in
    settings      the keyword settings of its call, where its operation has any (kept for the picture)
    constant      what its operation was given that does not record: a number, or weak references to arrays (for the picture);
                  of a leaf those before it, if its tensor had another shape then
    tensor        of a leaf: a weak reference to its Tensor
    hooks         functions of the gradient, run before the rules
    line          where the program called the operation, noted under detect_anomaly only
    """

    __slots__ = (
        "__weakref__", "constant", "dtype", "hooks", "line", "parents", "plan", "saved", "scope", "settings", "shape", "tensor", "time"
    )  # fmt: skip
    plan: Any
    saved: tuple[Any, ...] | None
    parents: tuple[Node, ...]
    time: int
    shape: Any
    dtype: Any
    scope: Scope | None
    settings: dict[str, Any]
    constant: Any
    tensor: Any
    hooks: list[Callable[[Gradient], Gradient]] | None
    line: Any

    @property
    def op(self) -> Any:
        """The operation, or None for a leaf."""
        return self.plan and self.plan.op

    @property
    def call(self) -> Node:
        """The node that stands for the whole call: this one, but for one of several results."""
        return self.parents[0] if self.parents and isinstance(self.parents[0].dtype, tuple) else self

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """For each argument of the call its node (None if it does not record) and which result of that it is."""
        from .node_hooks import at_places, output_number

        return at_places(self.call.plan, [(parent, output_number(parent)) for parent in self.call.parents], (None, 0))

    def name(self) -> str:
        return "AccumulateGrad" if self.plan is None else "".join(w.capitalize() for w in self.call.op.name.split("_")) + "Backward"

    def register_hook(self, hook: Callable[..., Any]) -> Any:
        """Call `hook(grad_inputs, grad_outputs)` after this step of a backward pass; what it returns replaces grad_inputs."""
        from .node_hooks import add_hook

        return add_hook(self, hook, before=False)

    def register_prehook(self, hook: Callable[..., Any]) -> Any:
        """Call `hook(grad_outputs)` before this step of a backward pass; what it returns replaces grad_outputs."""
        from .node_hooks import add_hook

        return add_hook(self, hook, before=True)

    def __repr__(self) -> str:
        return f"<{self.name()}>"


def leaf(tensor_reference: Any, shape: tuple[int, ...], dtype: Any) -> Node:
    """The node of a tensor that gradients are collected in; it holds the tensor weakly."""
    node = Node()
    node.plan = None
    node.saved = ()
    node.parents = ()
    node.time = tick()
    node.shape = shape
    node.dtype = dtype
    node.scope = None
    node.constant = ()
    node.tensor = tensor_reference
    node.hooks = None
    return node


ndarray = np.ndarray
newest_first: Callable[[Node], int] = attrgetter("time")


def ancestors(roots: Iterable[Node]) -> list[Node]:
    """Every node that the roots were computed from, themselves included, newest first: a topological order."""
    found = set(roots)
    todo = list(found)
    while todo:
        for parent in todo.pop().parents:
            if parent not in found:
                found.add(parent)
                todo.append(parent)
    return sorted(found, key=newest_first, reverse=True)


def leading_to(wanted: set[Node], order: Sequence[Node]) -> set[Node]:
    """Of the nodes in `order` (newest first), those on a path to a wanted one."""
    useful = set(wanted)
    for node in reversed(order):
        if not useful.isdisjoint(node.parents):
            useful.add(node)
    return useful


def pullback(
    roots: Sequence[Node],
    gradients: Sequence[Gradient],
    wanted: set[Node] | None = None,
    *,
    retain_graph: bool = False,
    create_graph: bool = False,
    observer: Observer | None = None,
) -> dict[Node, Gradient]:
    """The backward pass: from the roots' gradients to those of all leaves, or of the nodes in `wanted`.

    A node is visited once, after everything computed from it. What its operation saved is let go as soon as it is
    used, unless `retain_graph`. With `create_graph` the gradients are Tensors, and the pass is itself recorded, in a `Backward`
    scope that the caller takes away again.
    `observer(node, gradient, contributions)` is called once for each step, at leaves without contributions. Raises
    FreedGraphError for a graph whose saved values an earlier pass has freed.
    """
    order = ancestors(roots)
    useful = None if wanted is None else leading_to(wanted, order)
    if create_graph:
        if pass_around(thread.scope) is None:
            thread.scope = Backward(thread.scope, order if useful is None else useful - wanted)  # type: ignore[operator]
        mirrors = Mirrors(pass_around(thread.scope))  # type: ignore[arg-type]
    pending: dict[Node, Gradient] = {}
    for root, gradient in zip(roots, gradients, strict=True):
        pending[root] = pending[root] + gradient if root in pending else gradient
    result: dict[Node, Gradient] = {}
    take, find = pending.pop, pending.get
    for node in order:
        gradient = take(node, None)
        if gradient is None:
            continue
        plan = node.plan
        if node.hooks is not None and thread.hooks:
            for hook in tuple(node.hooks):
                gradient = hook(gradient)
        if useful is None:
            if plan is None:
                result[node] = gradient
                if observer is not None:
                    observer(node, gradient, ())
                continue
        else:
            if node in wanted:  # type: ignore[operator]
                result[node] = gradient
                if observer is not None and plan is None:
                    observer(node, gradient, ())
            if plan is None or useful.isdisjoint(node.parents):
                continue
        saved = node.saved
        if saved is None:
            raise FreedGraphError(node)
        if node.time < writes.latest:
            writes.check(node)
        parents = node.parents
        if create_graph:
            thread.scope = mirrors[node.scope]
            contributions = plan.pull_tensors(node, gradient)
        else:
            contributions = plan.pull(gradient, saved)
        if plan.frees and not retain_graph:
            node.saved = None
        del saved
        try:
            if observer is not None:
                contributions = tuple([p if p is None else fitted(p, parent, plan) for p, parent in zip(contributions, parents)])
                observer(node, gradient, contributions)
            for parent, part in zip(parents, contributions):
                if part is None or (useful is not None and parent not in useful):
                    continue
                if part.shape != parent.shape or part.dtype is not parent.dtype:
                    if type(part) is Placed:
                        whole: Any = find(parent)
                        mine = type(whole) is ndarray and whole.base is None and getrefcount(whole) == ALONE + 1
                        if mine and whole.dtype is part.array.dtype:
                            whole[part.index] += part.array
                            del whole
                            continue
                        del whole
                    part = fitted(part, parent, plan)
                earlier = find(parent)
                if earlier is None:
                    pending[parent] = part
                elif type(earlier) is ndarray and earlier.base is None and getrefcount(earlier) == ALONE + 1:
                    np.add(earlier, part, out=earlier)  # nobody but this pass holds it
                else:
                    pending[parent] = earlier + part
                del earlier
        except AttributeError:
            for part in contributions:
                if part is not None and not hasattr(part, "shape"):
                    raise TypeError(
                        f"{plan.op.name}: a rule returned a {type(part).__name__} ({part!r:.40}); it must return an array of the "
                        "argument's shape (or one that broadcasting made from it), or None where no gradient flows"
                    ) from None
            raise
        part = contributions = None  # so that only `pending` holds what it holds
    return result


MANY_ROWS = 1 << 14  # above this, ones would be kept that are worth something


@lru_cache(maxsize=64)
def ones(n: int, dtype: Any) -> Any:
    return np.ones(n, dtype)


class Placed:
    """A contribution to a part of a gradient: the array, and the index where it belongs."""

    __slots__ = ("array", "index")
    shape = None  # that of no gradient

    def __init__(self, array: Any, index: Any):
        self.array = array
        self.index = index

    def conj(self) -> Placed:
        return Placed(self.array.conj(), self.index)

    def whole(self, parent: Node) -> Any:
        """With zeros around it."""
        array = np.zeros(parent.shape, self.array.dtype)
        array[self.index] = self.array
        return array


def fitted(part: Gradient, parent: Node, plan: Any) -> Gradient:
    """A contribution in its parent's shape and dtype: axes that were broadcast are summed, promoted numbers cast back."""
    if type(part) is Placed:
        part = part.whole(parent)
    if part.shape != parent.shape:
        rows = type(part) is ndarray and part.ndim == 2 and part.shape[1:] == parent.shape
        if rows and part.dtype is parent.dtype and part.dtype.itemsize >= 4 and len(part) <= MANY_ROWS:
            return ones(len(part), part.dtype) @ part  # the bias of rows, mostly: as a product it is the quickest sum
        surplus = len(part.shape) - len(parent.shape)
        axes = tuple(k for k, n in enumerate(part.shape) if k < surplus or (n != 1 and parent.shape[k - surplus] == 1))
        if surplus < 0 or any(n != m and m != 1 for n, m in zip(part.shape[surplus:], parent.shape, strict=True)):
            raise ShapeError(
                f"{plan.op.name}: its rule returned a gradient of shape {tuple(part.shape)} for an input of shape {parent.shape}"
            )
        if isinstance(part, ndarray) and part.dtype.itemsize == 2:  # float16 is summed in float32
            part = part.astype(np.float32)
        part = part.sum(axes).reshape(parent.shape)
    if part.dtype is not parent.dtype:
        if part.dtype.kind == "c" and parent.dtype.kind != "c":
            part = part.real
        part = part.astype(parent.dtype) if isinstance(part, np.ndarray | np.generic) else part.to(parent.dtype)
    return part
