"""Rematerialisation: a part of a program whose values are computed again in the backward pass instead of being kept.

The function runs recorded, so that it is known what its results hang on; then its graph is dropped, and one node stands
for the whole call. Pulling that node runs the function again and walks back through the new graph, up to the same places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any
from weakref import ref

import numpy as np

from .. import writes
from ..errors import InplaceError
from ..graph import Node, pullback, thread
from ..modes import enable_grad
from ..plan import ALIAS, Cotangents, Plan, pick_again, record
from ..random import get_rng_state, set_rng_state
from ..tensor import Tensor, current_node, on_node, put_on
from ..tree import flatten

Contexts = tuple[AbstractContextManager[Any], AbstractContextManager[Any]]


class CheckpointError(RuntimeError):
    """What was computed again is not what was computed first."""


def noop_context_fn() -> Contexts:
    return nullcontext(), nullcontext()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], Contexts] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """`function(*args, **kwargs)`, keeping only its arguments: what its backward needs is computed again there.

    Gradients flow to arguments and to whatever else the function uses (its parameters), any number of times, and can be
    differentiated again. The function must do the same when it is called again. It draws the same random numbers, unless
    `preserve_rng_state=False`; `context_fn` gives two context managers, for the first run and for the later ones. Raises
    CheckpointError (a RuntimeError) when the second run gives other shapes, dtypes or values; `determinism_check="none"`
    lets it pass. Raises InplaceError when an argument was written in the meantime.

    `use_reentrant=True` is refused where it would mean something else: with keyword arguments, or where no argument
    records. `debug` and `early_stop` are there for programs that pass them: the second run always goes to its end.
    """
    if determinism_check not in ("default", "none"):
        raise ValueError(f"checkpoint: determinism_check must be 'default' or 'none', got {determinism_check!r}")
    inputs, build = flatten([list(args), kwargs])
    if use_reentrant:
        refuse_reentrant(inputs, kwargs, context_fn)
    contexts = context_fn()
    if not thread.grad or thread.batch is not None:
        with contexts[0]:
            return function(*args, **kwargs)
    for value in inputs:
        current_node(value)  # views of what was written are brought up to date now, not inside
    state = get_rng_state() if preserve_rng_state else None
    start = writes.tick()
    with contexts[0], nothing_packed():
        result = function(*args, **kwargs)
    return Call(function, inputs, build, contexts[1], state, determinism_check == "default", thread.scope).put_under(result, start)


def checkpoint_sequential(functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any) -> Any:
    """Apply the functions (or the modules of a Sequential) in turn, as this many checkpoints; the last is run plainly."""
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError(f"checkpoint_sequential: unexpected keyword arguments {sorted(kwargs)}")
    steps = list(functions)
    if not 1 <= segments <= max(len(steps), 1):
        raise ValueError(f"checkpoint_sequential: {segments} segments of {len(steps)} functions")

    def run(first: int, last: int) -> Callable[[Any], Any]:
        def segment(value: Any) -> Any:
            for step in steps[first:last]:
                value = step(value)
            return value

        return segment

    size = len(steps) // segments
    for k in range(segments - 1):
        input = checkpoint(run(k * size, (k + 1) * size), input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return run((segments - 1) * size, len(steps))(input)


@contextmanager
def nothing_packed() -> Iterator[None]:
    """What is dropped, or used at once, need not go through `saved_tensors_hooks` around the checkpoint."""
    before, thread.pack = thread.pack, None
    try:
        yield
    finally:
        thread.pack = before


def refuse_reentrant(inputs: list[Any], kwargs: dict[str, Any], context_fn: Any) -> None:
    if kwargs:
        raise ValueError(f"checkpoint: use_reentrant=True takes no keyword arguments, got {sorted(kwargs)}; pass use_reentrant=False")
    if context_fn is not noop_context_fn:
        raise ValueError("checkpoint: use_reentrant=True takes no context_fn; pass use_reentrant=False")
    if thread.grad and not any(isinstance(t, Tensor) and t.requires_grad for t in inputs):
        raise ValueError(
            "checkpoint: with use_reentrant=True nothing gets a gradient where no argument requires grad; pass use_reentrant=False"
        )


# ---------------------------------------------------------------------- one call


class _Operation:
    """The operation of a checkpoint's node."""

    name = "checkpoint"
    call = None


class Call:
    """One checkpointed call: all it takes to run it again."""

    def __init__(
        self,
        function: Callable[..., Any],
        inputs: list[Any],
        build: Callable[[Any], Any],
        context: AbstractContextManager[Any],
        state: Any,
        strict: bool,
        scope: Any,
    ):
        self.function = function
        self.inputs = [on_node(t.array, t.node) if type(t) is Tensor else t for t in inputs]
        self.build = build
        self.context = context
        self.state = state
        self.strict = strict
        self.scope = scope
        self.ends: tuple[Node, ...] = ()  # what the results hang on: nodes from before the call
        self.expected: list[Any] = []  # of each tensor among the results, what it must be like again
        self.roots: list[int] = []  # which of them record
        self.guarded: list[Any] = []  # weak references to the memory that must not be written
        self.time = 0

    def put_under(self, result: Any, start: int) -> Any:
        """The result of the first run, its graph replaced by one node."""
        tensors = tensors_of(result)
        tops = roots_of(tensors, start)
        if not tops:
            return result
        inner, outer = between(tops, start)
        self.refuse_written_arguments(start)
        self.time = writes.tick()
        self.ends = tuple(outer)
        self.expected = [Like.of(t) for t in tensors] if self.strict else []
        self.roots = [tops[node] for node in tops]
        self.guarded = self.memory(inner, start)
        leaves = [node.tensor for node in inner if node.plan is None]
        shapes, dtypes = tuple(node.shape for node in tops), tuple(node.dtype for node in tops)
        several = len(tops) > 1
        plan = Plan(_Operation, tuple(range(len(outer))), pull, pull_tensors, names=("call",))
        whole = record(plan, (self,), self.ends, shapes if several else shapes[0], dtypes if several else dtypes[0])
        new = {node: pick_again(whole, k, tensors[i].array).node if several else whole for k, (node, i) in enumerate(tops.items())}
        for t in tensors:
            if t.node in new:
                put_on(t, new[t.node])
                t._view = None
        if thread.watch is not None:
            for t in tensors:
                thread.watch(_Operation, [i.array for i in self.inputs if isinstance(i, Tensor)], t.array, t.node)
        del inner, tops, new
        if any(leaf() is not None for leaf in leaves):
            raise RuntimeError(
                "checkpoint: the function makes a tensor that requires grad and lives on, but its gradient would go to another one "
                "made in the second run; make it outside of the function"
            )
        return result

    def refuse_written_arguments(self, start: int) -> None:
        for t in self.inputs:
            if isinstance(t, Tensor) and t.node is not None and writes.written_since(t.array, start):
                raise InplaceError(
                    f"checkpoint: the function writes into its argument of shape {t.array.shape}, so the second run would start from "
                    "something else; have it work on a clone()"
                )

    def memory(self, inner: Iterable[Node], start: int) -> list[Any]:
        """The arrays that a second run reads: arguments, parameters, and (as far as the first run saved them) others."""
        arrays = [t.array for t in self.inputs if isinstance(t, Tensor)]
        arrays += [t.array for node in self.ends if node.plan is None and (t := node.tensor()) is not None]
        for node in inner:
            for value in node.saved or ():
                arrays += [a for a in (value if type(value) is tuple else (value,)) if isinstance(a, np.ndarray)]
        owners = {id(owner): owner for owner in map(writes.owner, arrays) if not writes.written_since(owner, start)}
        return [ref(owner) for owner in owners.values()]

    def again(self) -> list[Node]:
        """Run the function again: the nodes of its results, whose graph ends where nodes of `ends` stood, in stand-ins for them."""
        for reference in self.guarded:
            array = reference()
            if array is not None and writes.written_since(array, self.time):
                raise InplaceError(
                    f"checkpoint: something that its function uses, of shape {array.shape}, was changed in place since the first run. "
                    "Make that operation out-of-place, or give it a clone()."
                )
        now = get_rng_state() if self.state is not None else None
        scope = thread.scope
        try:
            if self.state is not None:
                set_rng_state(self.state)
            thread.scope = self.scope
            start = writes.tick()
            with enable_grad(), self.context, nothing_packed():
                args, kwargs = self.build(self.inputs)
                tensors = tensors_of(self.function(*args, **kwargs))
        finally:
            thread.scope = scope
            if now is not None:
                set_rng_state(now)
        if self.strict:
            self.compare(tensors)
        tops = [current_node(tensors[i]) if i < len(tensors) else None for i in self.roots]
        if any(node is None or node.time <= start for node in tops):
            raise CheckpointError("checkpoint: a result that required grad in the first run does not in the second")
        return self.cut(tops, start)  # type: ignore[arg-type]

    def compare(self, tensors: list[Tensor]) -> None:
        if len(tensors) != len(self.expected):
            raise CheckpointError(f"checkpoint: the first run gave {len(self.expected)} tensors, the second {len(tensors)}{ADVICE}")
        for k, (before, t) in enumerate(zip(self.expected, tensors, strict=True)):
            after = Like.of(t)
            if (after.shape, after.dtype) != (before.shape, before.dtype):
                raise CheckpointError(
                    f"checkpoint: result {k} had shape {before.shape} and dtype {before.dtype} in the first run, "
                    f"{after.shape} and {after.dtype} in the second{ADVICE}"
                )
            if not after.close(before):
                raise CheckpointError(f"checkpoint: result {k}, of shape {after.shape}, has other values in the second run{ADVICE}")

    def cut(self, tops: list[Node], start: int) -> list[Node]:
        """Replace each node of `ends` below by a stand-in without parents: that is how far the walk back goes."""
        inner, outer = between(tops, start)
        if set(outer) != set(self.ends):
            raise CheckpointError(
                "checkpoint: the second run uses other tensors that require grad than the first; freeze parameters and write in place "
                "before the first run or after the backward pass"
            )
        stand_in = {}
        for node in self.ends:
            end = Node()
            end.plan, end.saved, end.parents, end.time = ALIAS, (), (), start
            end.shape, end.dtype, end.scope, end.hooks = node.shape, node.dtype, node.scope, None
            stand_in[node] = end
        for node in inner:
            node.parents = tuple([stand_in.get(parent, parent) for parent in node.parents])
        return [*tops, *stand_in.values()]

    def pulled(self, gradient: Any, parents: tuple[Node, ...] | None) -> list[Any]:
        """The gradients of `ends`; as functions of `parents`, which stand for them, where the pass is recorded."""
        nodes = self.again()
        tops, ends = nodes[: len(self.roots)], nodes[len(self.roots) :]
        gradients = list(gradient) if isinstance(gradient, Cotangents) else [gradient]
        given = [(top, g) for top, g in zip(tops, gradients, strict=True) if g is not None]
        found = pullback(
            [top for top, _ in given], [g for _, g in given], set(ends), retain_graph=parents is not None, create_graph=parents is not None,
            observer=inside_observer(),
        )  # fmt: skip
        if parents is not None:
            for end, parent in zip(ends, parents, strict=True):
                end.parents = (parent,)
        return [found.get(end) for end in ends]


ADVICE = (
    ". The function must do the same when called again: it may depend on nothing that changes in between, and on random numbers of this "
    "thread's stream only. determinism_check='none' lets other values pass"
)


def pull(gradient: Any, saved: tuple[Any, ...]) -> list[Any]:
    return saved[0].pulled(gradient, None)


def pull_tensors(node: Node, gradient: Any) -> list[Any]:
    return (node.saved or ())[0].pulled(gradient, node.parents)


def inside_observer() -> Any:
    """Who is told of the walk inside: anomaly detection, for it names the operation; a picture shows one box."""
    from ..autograd.anomaly import active

    return active()


def tensors_of(result: Any) -> list[Tensor]:
    return [t for t in flatten(result)[0] if isinstance(t, Tensor)]


def roots_of(tensors: list[Tensor], start: int) -> dict[Node, int]:
    """The nodes among them that are newer than `start`, and in which tensor each is first found."""
    found: dict[Node, int] = {}
    for i, t in enumerate(tensors):
        node = current_node(t)
        if node is not None and node.time > start and node.plan is not None:
            found.setdefault(node, i)
    return found


def between(tops: Iterable[Node], start: int) -> tuple[list[Node], list[Node]]:
    """Of what the tops were computed from: the nodes newer than `start`, and the older ones right below them."""
    found = set(tops)
    todo = list(found)
    outer: dict[Node, None] = {}
    while todo:
        for parent in todo.pop().parents:
            if parent.time <= start:
                outer[parent] = None
            elif parent not in found:
                found.add(parent)
                todo.append(parent)
    return list(found), list(outer)


@dataclass(frozen=True)
class Like:
    """What is remembered of a result to know it again."""

    shape: tuple[int, ...]
    dtype: Any
    total: Any  # of its elements
    size: float  # of their absolute values

    @classmethod
    def of(cls, tensor: Tensor) -> Like:
        array = tensor.array
        wide = np.complex128 if array.dtype.kind == "c" else np.float64
        with np.errstate(all="ignore"):
            return cls(array.shape, array.dtype, array.sum(dtype=wide), float(np.abs(array).sum(dtype=np.float64)))

    def close(self, other: Like) -> bool:
        """Whether sums agree, up to the rounding of another order of summation (which nobody promises)."""
        rough = np.finfo(self.dtype).eps ** 0.75 if self.dtype.kind in "fc" else 0.0
        pairs = ((self.total, other.total), (self.size, other.size))
        return all(abs(a - b) <= rough * other.size if np.isfinite(b) else np.array_equal(a, b, equal_nan=True) for a, b in pairs)
