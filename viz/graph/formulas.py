"""The formula of one edge: what an operation's rule gives to one of its arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.function import FunctionOp
from autograd_core.graph import Node
from autograd_core.ops import elementwise
from autograd_core.plan import ALIAS, names_of, pick
from autograd_core.primitive import Op

from .arguments import Argument, given_to
from .expressions import Expression, Unprintable, is_number
from .reference import through_reference
from .styles import total_to
from .symbols import Symbol, symbol, variable
from .written import written


def formula(node: Node, k: int, names: dict[str, str] | None = None) -> str:
    """What node's rule gives to its k-th recording input, given the gradient g of its result.

    `names` says what to call the operation's arguments; those without a name are "in", or "in₁" and "in₂"; "out" is
    the result. What else the formula names is said by `meanings`.
    """
    return rule_text(node, k, names)[0]


def meanings(node: Node, k: int, names: dict[str, str] | None = None) -> tuple[str, ...]:
    """What the names in a formula mean that its rule gave to parts of it: "P = softmax(q @ kᵀ)", the outermost first."""
    return rule_text(node, k, names)[1]


def rule_text(node: Node, k: int, names: dict[str, str] | None = None) -> tuple[str, tuple[str, ...]]:
    """`formula` and `meanings`."""
    op = node.plan.op
    if said := getattr(op, "formulas", None):
        own = {argument.name: (names or {}).get(argument.name, argument.neutral) for argument in given_to(node)}
        text, *meant = said[op.arguments[node.plan.inputs[k]]]
        return text.format_map(own), tuple(meant)
    try:
        made = gradient_of(node, k, names or {})
    except (Unprintable, AttributeError, TypeError, ValueError, IndexError, KeyError, RecursionError):  # it needs the numbers themselves
        return unread(node, k)
    except RuntimeError:  # the rule says that there is none
        return "no derivative", ()
    return made.text, tuple(f"{name} = {meaning}" for name, meaning in reversed([*made.means.items()]))


def gradient_of(node: Node, k: int, names: dict[str, str]) -> Expression:
    """What node's rule gives to its k-th recording input, summed where that was broadcast."""
    op = node.plan.op
    if isinstance(op, FunctionOp):
        known = {a.name: variable(names.get(a.name, a.neutral), a.parent.shape, a.parent.dtype) for a in given_to(node) if a.parent}
        known["out"] = of_results(names.get("out", "out"), op, node)
        made = written(node, k, known)
    elif op in HANDING_ON:
        return Symbol("g")
    else:
        made = by_rule(node, k, names)
    if made.known_shape is None or is_number(made, 0):
        return made
    summed = total_to(made, node.parents[k].shape)
    summed.means = made.means
    return summed


HANDING_ON = (pick.op, ALIAS.op)  # what they get, as it is


def by_rule(node: Node, k: int, names: dict[str, str]) -> Symbol:
    """As the rule says that the operation was declared with."""
    op = node.plan.op
    position = node.plan.inputs[k]
    rule = op.rules[0 if op.variadic else position]
    given = arguments_of(node, names)
    g = of_results("g", op, node)
    if rule is None and op.backward and not any(op.rules):
        made = through_reference(op, position, g, [given(name, position) for name in op.arguments], {**op.settings, **settings_of(node)})
        if len(made.text) > READABLE:
            raise Unprintable("too long to be read")
        return made
    if rule is None:
        return symbol(0)
    values = [position if name == "i" else given(name, position) for name in names_of(rule)]
    among_complex = op.holomorphic and is_complex(node)
    made = symbol(rule(g, *(map(conjugated, values) if among_complex else values)))
    real = among_complex and node.parents[k].dtype.kind != "c" and not is_number(made, 0)
    return elementwise.real(made) if real else made


READABLE = 72  # characters of a formula


def unread(node: Node, k: int) -> tuple[str, tuple[str, ...]]:
    """What is said of a rule that cannot be run on symbols."""
    op = node.plan.op
    if not isinstance(op, Op):
        return f"{op.name}.backward(g)", ()
    if not op.backward:
        return f"rule of {op.name}", ()
    local = f"∂{op.name}/∂{op.arguments[node.plan.inputs[k]]}"
    return f"g · {local}", (f'{local} = what open="{op.name}" shows',)


def settings_of(node: Node) -> dict[str, Any]:
    """The settings that the operation was called with, where that was noted."""
    return getattr(node, "settings", {})


def is_complex(node: Node) -> bool:
    return any(dtype.kind == "c" for dtype in (node.dtype if isinstance(node.dtype, tuple) else (node.dtype,)))


def conjugated(value: Any) -> Any:
    """What a rule is given between two conjugations: conj(rule(conj(g), x)) is the rule of g and conj(x)."""
    if isinstance(value, tuple):
        return tuple(conjugated(v) for v in value)
    return elementwise.conj(value) if isinstance(value, Symbol) and value.dtype is not None and value.dtype.kind == "c" else value


def of_results(letter: str, op: Any, node: Node) -> Any:
    """The symbol of something of the result's shape; of an operation with several results one for each, as g_values."""
    if not getattr(op, "results", ()):
        return variable(letter, node.shape, node.dtype)
    parts = zip(op.results, node.shape, node.dtype, strict=True)
    return tuple(variable(f"{letter}_{name}" if letter != "out" else name, shape, dtype) for name, shape, dtype in parts)


def arguments_of(node: Node, names: dict[str, str]) -> Callable[[str, int], Any]:
    """What a rule gets for each name it asks for: symbols for arrays, the settings themselves."""
    op = node.plan.op
    arguments = given_to(node)
    by_name = {argument.name: argument for argument in arguments}
    settings = {**op.settings, **settings_of(node)}
    taken = frozenset(names.values())

    def one(argument: Argument) -> Symbol | None:
        made = None if argument.absent else bare(argument)
        if made is not None:
            made.taken = taken
        return made

    def bare(argument: Argument) -> Symbol:
        if argument.parent is not None:
            return variable(names.get(argument.name, argument.neutral), argument.parent.shape, argument.parent.dtype)
        if argument.value is not None and argument.name not in names and np.size(argument.value) == 1:
            return symbol(argument.value)
        shape = None if argument.now is None else np.shape(argument.now)
        return variable(names.get(argument.name, argument.neutral), shape, getattr(argument.now, "dtype", None))

    def shape(argument: Argument) -> tuple[int, ...]:
        """Of what is gone that of another argument: formulas tell no lengths."""
        if argument.parent is not None or argument.now is None:
            return (argument.parent or node.parents[0]).shape
        return np.shape(argument.now)

    def given(name: str, position: int) -> Any:
        if name == "shape":  # the argument's, even where a setting has that name
            return arguments[position].parent.shape  # type: ignore[union-attr]
        if name in settings:
            return settings[name]
        if name == "shapes":
            return tuple(shape(a) for a in arguments)
        if name == "out":
            return of_results(names.get("out", "out"), op, node)
        return tuple(one(a) for a in arguments) if op.variadic else one(by_name[name])

    return given
