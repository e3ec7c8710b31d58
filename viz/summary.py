"""`summary(model, *inputs)`: what each layer of a model takes, gives and costs, as a table."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from autograd_core.creation import tensor
from autograd_core.dtypes import get_default_dtype
from autograd_core.modes import enable_grad
from autograd_core.tensor import Tensor
from autograd_core.tree import flatten
from nn import Module
from nn.parameter import is_lazy

from .tables.counting import Cost, counted
from .tables.table import COLUMNS, Row, Summary
from .tables.untouched import copied, untouched

DEFAULT = ("input", "output", "parameters", "multiply_adds")


def summary(
    model: Module,
    *inputs: Any,
    input_size: Sequence[Any] | None = None,
    dtypes: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    depth: int | None = None,
    columns: Sequence[str] = DEFAULT,
) -> Summary:
    """A table of the calls of modules in `model(*inputs, **kwargs)`: shapes, parameters, multiply-adds, memory.

    Instead of inputs, `input_size` gives one shape or a list of them, batch included, and `dtypes` one dtype or as many; such
    inputs are random numbers in 0..1, or zeros where they are integers. `depth` is how many levels of modules have rows of
    their own. `columns` are any of "input", "output", "parameters", "multiply_adds", "memory" (of results) and "kept" (for the
    backward pass). A row counts what no row below it does, so a column adds up to the total; a parameter counts where it is
    first used. What is a multiply-add, says `viz.counting`. The model is called once, in the mode it is in, on copies of the
    inputs; afterwards modes, buffers, hooks, gradients, lazy parameters and random numbers are as before.
    Raises TypeError or ValueError for arguments that do not fit, and what the model raises.
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary: model is a Module, got a {type(model).__name__}")
    if unknown := [c for c in columns if c not in COLUMNS]:
        raise ValueError(f"summary: {unknown[0]!r} is no column: there are {', '.join(COLUMNS)}")
    if depth is not None and (isinstance(depth, bool) or not isinstance(depth, int) or depth < 0):
        raise ValueError(f"summary: depth is a number of levels, 0 or more, got {depth!r}")
    if input_size is not None:
        if inputs:
            raise TypeError("summary: give inputs or input_size, not both")
        inputs = made(input_size, dtypes, model)
    elif dtypes is not None:
        raise TypeError("summary: dtypes goes with input_size; inputs have theirs")
    elif not inputs and not kwargs and _needs_input(model):
        raise TypeError(
            "summary: give an input, as in viz.summary(model, x), or its shape, as in viz.summary(model, input_size=(1, 28, 28))"
        )
    with untouched(model):
        inputs, keywords = copied((inputs, dict(kwargs or {})))
        calls = _Calls(model)
        known = [t for t in (*model.parameters(), *model.buffers()) if not is_lazy(t)]
        known += [t for t in flatten((inputs, keywords))[0] if isinstance(t, Tensor)]
        with enable_grad(), calls.watched(known):
            model(*inputs, **keywords)
        return _summary(model, calls, (inputs, keywords), depth, tuple(columns))


def made(input_size: Sequence[Any], dtypes: Any, model: Module) -> tuple[Tensor, ...]:
    """Inputs of these shapes. Raises TypeError for what is no shape, ValueError for another number of dtypes."""
    one = all(isinstance(n, int | np.integer) for n in input_size)
    shapes = [tuple(input_size)] if one else [tuple(shape) if isinstance(shape, Sequence) else shape for shape in input_size]
    for shape in shapes:
        if not isinstance(shape, tuple) or not all(isinstance(n, int | np.integer) and n >= 0 for n in shape):
            raise TypeError(f"summary: input_size is a shape such as (1, 28, 28), or a list of shapes, got {input_size!r}")
    weight = next((p for p in model.parameters() if p.is_floating_point()), None)
    given = list(dtypes) if isinstance(dtypes, list | tuple) else [dtypes] * len(shapes)
    if len(given) != len(shapes):
        raise ValueError(f"summary: {len(given)} dtypes for {len(shapes)} inputs")
    rng = np.random.default_rng(0)
    found = []
    for shape, dtype in zip(shapes, given, strict=True):
        wanted = np.dtype(dtype if dtype is not None else get_default_dtype() if weight is None else weight.dtype)
        found.append(tensor((rng.random(shape) if wanted.kind in "fcV" else np.zeros(shape)).astype(wanted)))
    return tuple(found)


def _needs_input(model: Module) -> bool:
    parameters = inspect.signature(model.forward).parameters.values()
    return any(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


# ---------------------------------------------------------------------- watching the calls


@dataclass(eq=False)
class _Call:
    """One call of a module."""

    module: Module
    name: str
    depth: int
    inputs: str
    output: str = ""
    cost: Cost = field(default_factory=Cost)
    below: list[_Call] = field(default_factory=list)


class _Calls:
    """Hooks on all modules that note their calls, and which of them stands inside which."""

    def __init__(self, model: Module) -> None:
        self.model = model
        self.names: dict[int, dict[int, str]] = {}
        self.open: list[_Call] = []
        self.first: _Call | None = None
        self.ended: list[_Call] = []  # in the order in which they ended: what is inside before what is around it

    def watched(self, known: list[Tensor]) -> ExitStack:
        """A block in which calls are noted, and costs are counted where they arise."""
        stack = ExitStack()
        self.counter = stack.enter_context(counted(known))
        for module in self.model.modules():
            stack.enter_context(module.register_forward_pre_hook(self.enter, prepend=True, with_kwargs=True))
            stack.enter_context(module.register_forward_hook(self.leave, always_call=True))
        return stack

    def enter(self, module: Module, args: Any, kwargs: Any) -> None:
        around = self.open[-1] if self.open else None
        call = _Call(module, self.name_of(module, around), len(self.open), shapes((args, kwargs)))
        if around is not None:
            around.below.append(call)
        self.first = self.first or call
        self.open.append(call)
        self.counter.at = call.cost

    def leave(self, module: Module, args: Any, output: Any) -> None:
        call = self.open.pop()
        call.output = shapes(output)
        self.ended.append(call)
        if self.open:
            self.counter.at = self.open[-1].cost

    def name_of(self, module: Module, around: _Call | None) -> str:
        """By the name that the module around knows it by, else by its place in the model."""
        inside = self.names_in(around.module).get(id(module), "") if around is not None else ""
        return inside or self.names_in(self.model).get(id(module), "")

    def names_in(self, outer: Module) -> dict[int, str]:
        """The names of the modules inside one, by their identity; of one that has two the first."""
        if id(outer) not in self.names:
            self.names[id(outer)] = {id(module): name for name, module in outer.named_modules()}
        return self.names[id(outer)]


def shapes(value: Any) -> str:
    """The shapes of the tensors in nested tuples, lists and dicts: `(2, 5)`, `(5, 2, 8) × 3`, `ids (2, 5), mask (2, 5)`."""
    told: list[str] = []
    counts: list[int] = []
    for name, shape in _tensors(value, ""):
        text = f"{name} {shape}".strip()
        if told and told[-1] == text:
            counts[-1] += 1
        else:
            told.append(text)
            counts.append(1)
    parts = [f"{text} × {n}" if n > 1 else text for text, n in zip(told, counts, strict=True)]
    return ", ".join(parts[:3]) + (", …" if len(parts) > 3 else "")


def _tensors(value: Any, name: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    if isinstance(value, Tensor):
        yield name, tuple(value.array.shape)
    elif isinstance(value, tuple) and "batch_sizes" in getattr(type(value), "_fields", ()):
        yield f"{name} packed".strip(), tuple(value[0].array.shape)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _tensors(part, name)
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _tensors(part, str(key))


# ---------------------------------------------------------------------- adding up


def _summary(model: Module, calls: _Calls, inputs: Any, depth: int | None, columns: tuple[str, ...]) -> Summary:
    owned, repeats = _owned(calls)
    assert calls.first is not None
    rows: list[Row] = []
    todo = [calls.first]
    while todo:
        call = todo.pop()
        cut = depth is not None and call.depth >= depth
        rows.append(_row(call, owned, repeats, cut))
        todo += [] if cut else reversed(call.below)
    parameters = list(model.parameters())
    shaped = [p for p in parameters if not is_lazy(p)]
    tensors = [t for t in flatten(inputs)[0] if isinstance(t, Tensor)]
    return Summary(
        tuple(rows),
        columns,
        parameters=sum(p.array.size for p in shaped),
        trainable=sum(p.array.size for p in shaped if p.requires_grad),
        uninitialized=len(parameters) - len(shaped),
        multiply_adds=sum(row.multiply_adds for row in rows),
        input_bytes=sum(t.array.nbytes for t in tensors),
        parameter_bytes=sum(p.array.nbytes for p in shaped),
        buffer_bytes=sum(b.array.nbytes for b in model.buffers() if not is_lazy(b)),
        memory=sum(row.memory for row in rows),
        kept=sum(row.kept for row in rows),
    )


def _owned(calls: _Calls) -> tuple[dict[_Call, list[Any]], dict[_Call, str]]:
    """By call the parameters that are counted there, and why a call of a module with parameters counts none."""
    seen: set[int] = set()
    called: set[int] = set()
    owned: dict[_Call, list[Any]] = {}
    repeats: dict[_Call, str] = {}
    for call in calls.ended:
        held = [p for p in call.module.parameters() if not is_lazy(p)]
        inside = {id(p) for below in call.below for p in below.module.parameters()}
        owned[call] = [p for p in held if id(p) not in seen]
        if not owned[call] and any(id(p) not in inside for p in held):
            repeats[call] = "recursive" if id(call.module) in called else "shared"
        seen.update(map(id, held))
        called.add(id(call.module))
    return owned, repeats


def _row(call: _Call, owned: dict[_Call, list[Any]], repeats: dict[_Call, str], cut: bool) -> Row:
    """The row of a call, with all that is inside of it if the table is cut off here."""
    row = Row(call.name, type(call.module).__name__, call.depth, call.inputs, call.output)
    todo = [call]
    while todo:
        at = todo.pop()
        row = replace(
            row,
            parameters=row.parameters + sum(p.array.size for p in owned[at]),
            trainable=row.trainable + sum(p.array.size for p in owned[at] if p.requires_grad),
            multiply_adds=row.multiply_adds + at.cost.multiply_adds,
            memory=row.memory + at.cost.made,
            kept=row.kept + at.cost.kept,
        )
        todo += at.below if cut else []
    return replace(row, repeats="" if row.parameters else repeats.get(call, ""))
