"""Formulas: a gradient rule run on symbols instead of arrays prints itself.

`mul`'s rule `lambda g, b: g * b` gives "g · b", `tanh`'s gives "g · (1 − out²)". Nothing about any operation is
written here but how a few of them are usually set in print.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.graph import Node
from autograd_core.plan import names_of
from autograd_core.tensor import Tensor

SUM, PRODUCT, UNARY, POWER, ATOM = range(1, 6)  # how tightly a formula holds together


class Symbol:
    """A formula that answers to operators and operations as an array would."""

    def __init__(self, text: str, strength: int = ATOM, shape: Any = None, dtype: Any = None):
        self.text = text
        self.strength = strength
        self._shape = shape
        self.dtype = dtype

    @property
    def shape(self) -> Any:
        if self._shape is None:
            raise UnknownShape(self.text)
        return self._shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __str__(self) -> str:
        return self.text

    def __autograd_function__(self, op: Any, args: tuple[Any, ...], settings: dict[str, Any]) -> Symbol:
        return printed(op.name, args, settings)

    def _with(name: str, reflected: bool = False) -> Any:  # type: ignore[misc]
        if reflected:
            return lambda self, other: printed(name, (other, self), {})
        return lambda self, other: printed(name, (self, other), {})

    __add__, __radd__ = _with("add"), _with("add", True)
    __sub__, __rsub__ = _with("sub"), _with("sub", True)
    __mul__, __rmul__ = _with("mul"), _with("mul", True)
    __truediv__, __rtruediv__ = _with("div"), _with("div", True)
    __matmul__, __rmatmul__ = _with("matmul"), _with("matmul", True)
    __pow__, __rpow__ = _with("pow"), _with("pow", True)
    __gt__, __lt__, __ge__, __le__ = _with("gt"), _with("lt"), _with("ge"), _with("le")
    __eq__, __ne__ = _with("eq"), _with("ne")  # type: ignore[assignment]
    __hash__ = object.__hash__

    def __neg__(self) -> Symbol:
        return printed("neg", (self,), {})


class UnknownShape(Exception):
    """A rule asked for the shape of something computed."""


def number(value: Any) -> str:
    """A number as it is printed in formulas: at most four digits, a real minus sign."""
    value = value.item() if isinstance(value, np.ndarray | np.generic) else value
    return f"{value:.4g}".replace("-", "−") if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def symbol(value: Any) -> Symbol:
    """Anything that a rule may meet, as a symbol."""
    if isinstance(value, Symbol):
        return value
    array = value.array if isinstance(value, Tensor) else np.asarray(value)
    if array.size == 1:
        text = number(array.reshape(()))
        return Symbol(text, UNARY if text.startswith("−") else ATOM, array.shape, array.dtype)
    return Symbol("const", ATOM, array.shape, array.dtype)


def held(part: Symbol, strength: int) -> str:
    """A part's text, in parentheses if it holds together more loosely than its place needs."""
    return part.text if part.strength >= strength else f"({part.text})"


def printed(name: str, args: tuple[Any, ...], settings: dict[str, Any]) -> Symbol:
    """An operation on symbols, set in print; its shape, where that can be told."""
    parts = [symbol(a) for a in args]
    style = STYLES.get(name)
    made = style(*parts, **settings) if style else Symbol(f"{name}({', '.join(p.text for p in parts)})")
    return Symbol(made.text, made.strength, shape_of(name, [p._shape for p in parts], settings))


def shape_of(name: str, shapes: list[Any], settings: dict[str, Any]) -> Any:
    """The shape of an operation's result, None if unknown."""
    if name in ("broadcast_to", "repeat_to", "sum_to"):
        return settings["target"]
    if name == "reshape":
        return settings["shape"]
    if any(s is None for s in shapes) or name in CHANGE_SHAPE:
        return None
    if name == "mT":
        return (*shapes[0][:-2], shapes[0][-1], shapes[0][-2])
    if name == "matmul":
        return (*np.broadcast_shapes(shapes[0][:-2], shapes[1][:-2]), shapes[0][-2], shapes[1][-1])
    return tuple(np.broadcast_shapes(*shapes))


# ---------------------------------------------------------------------- how some operations are usually written


def _add(a: Symbol, b: Symbol) -> Symbol:
    if b.text == "0":
        return a
    if b.text.startswith("−") and b.strength in (UNARY, PRODUCT):
        return Symbol(f"{a.text} − {b.text[1:]}", SUM)
    return Symbol(f"{a.text} + {b.text}", SUM)


def _sub(a: Symbol, b: Symbol) -> Symbol:
    return Symbol(f"{a.text} − {held(b, PRODUCT)}", SUM)


def _mul(a: Symbol, b: Symbol) -> Symbol:
    if a.text == "1":
        return b
    if b.text == "1":
        return a
    if a.text == b.text:
        return Symbol(f"{held(a, ATOM)}²", POWER)
    ending = f" · {held(b, ATOM)}"
    if a.text.endswith(ending) and a.strength == PRODUCT:  # x · y · y
        return Symbol(f"{a.text[: -len(ending)]} · {held(b, ATOM)}²", PRODUCT)
    if a.text == "−1":
        return _neg(b)
    right = f"({b.text})" if b.strength < PRODUCT or b.text.startswith("−") else b.text
    return Symbol(f"{held(a, PRODUCT)} · {right}", PRODUCT)


def _div(a: Symbol, b: Symbol) -> Symbol:
    if b.text == "1":
        return a
    return Symbol(f"{held(a, PRODUCT)} / {held(b, POWER)}", PRODUCT)


def _neg(a: Symbol) -> Symbol:
    return Symbol(f"−{held(a, PRODUCT)}", PRODUCT if a.strength == PRODUCT else UNARY)


def _matmul(a: Symbol, b: Symbol) -> Symbol:
    return Symbol(f"{held(a, POWER)} @ {held(b, POWER)}", PRODUCT)


def _power(x: Symbol, exponent: Any) -> Symbol:
    text = exponent.text if isinstance(exponent, Symbol) else number(exponent)
    if text == "1":
        return x
    if text.replace("−", "").isdigit():
        return Symbol(held(x, ATOM) + text.translate(str.maketrans("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")), POWER)
    return Symbol(f"{held(x, ATOM)}^{text if text.isalnum() else f'({text})'}", POWER)


def _between(sign: str) -> Callable[[Symbol, Symbol], Symbol]:
    return lambda a, b: Symbol(f"{held(a, SUM)} {sign} {held(b, SUM)}", 0)


def _where(condition: Symbol, a: Symbol, b: Symbol) -> Symbol:
    """Iverson's bracket for "or else 0"; what guards against dividing by zero at a single point is not printed."""
    if a.text in ("0", "1") and (condition.text.endswith(" = 0") or " = 0) and " in condition.text):
        return b
    if b.text == "0":
        return Symbol(f"{held(a, PRODUCT)} · [{condition.text}]", PRODUCT)
    if a.text == "0":
        return Symbol(f"{held(b, PRODUCT)} · [not {held(condition, SUM)}]", PRODUCT)
    return Symbol(f"where({condition.text}, {a.text}, {b.text})")


def _same(x: Symbol, **settings: Any) -> Symbol:
    return x


STYLES: dict[str, Callable[..., Symbol]] = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "neg": _neg,
    "matmul": _matmul,
    "pow": _power,
    "power": _power,
    "square": lambda x: _power(x, 2),
    "reciprocal": lambda x: _div(symbol(1), x),
    "mT": lambda x: Symbol(held(x, ATOM) + "ᵀ", POWER),
    "sqrt": lambda x: Symbol(f"√{held(x, ATOM)}", POWER),
    "abs": lambda x: Symbol(f"|{x.text}|"),
    "where": _where,
    "gt": _between(">"),
    "lt": _between("<"),
    "ge": _between("≥"),
    "le": _between("≤"),
    "eq": _between("="),
    "ne": _between("≠"),
    "logical_and": _between("and"),
    "logical_or": _between("or"),
    "zeros_like": lambda x: Symbol("0"),
    "sum": lambda x, **settings: Symbol(f"Σ({x.text})" if x.strength < ATOM else f"Σ {x.text}", ATOM),
    "broadcast_to": lambda x, target: Symbol(f"repeat({x.text})"),
    "repeat_to": lambda x, target: Symbol(f"repeat({x.text})"),
    "sum_to": lambda x, target: Symbol(f"Σ({x.text})"),
    "expand_dims": _same,
    "squeeze": _same,
    "to": _same,
    "alias": _same,
    "reshape": lambda x, shape: Symbol(f"reshape({x.text})"),
    "transpose": lambda x, axes: Symbol(f"permute({x.text})"),
    "getitem": lambda x, index: Symbol(f"{held(x, ATOM)}[index]"),
    "put": lambda x, index, shape: Symbol(f"put({x.text}, index)"),
}


CHANGE_SHAPE = set(
    "sum mean amax amin var std norm logsumexp expand_dims squeeze transpose getitem put gather scatter_add crop embed pad concat "
    "einsum diagonal diagonal_embed overwrite put_back write_view cleared one_hot".split()
)

# ---------------------------------------------------------------------- the formula of one edge


def formula(node: Node, k: int, names: dict[str, str] | None = None) -> str:
    """What node's rule gives to its k-th recording input, given the gradient g of its result.

    `names` says what to call the operation's arguments; those without a name are "in", or "in₁" and "in₂"; "out" is
    the result.
    """
    op = node.plan.op
    position = node.plan.inputs[k] if k < len(node.plan.inputs) else k
    rules = getattr(op, "rules", None)
    if not rules:
        return {"pick": "g", "alias": "g"}.get(op.name, f"{op.name}.backward(g)")
    variadic = getattr(op, "variadic", False)
    rule = rules[0 if variadic else position]
    if rule is None:
        return f"{op.name}.backward(g)" if getattr(op, "backward", None) else "0"
    given = arguments_of(node, names or {})
    try:
        values = [position if name == "i" else given(name, position) for name in names_of(rule)]
        made = symbol(rule(Symbol("g", ATOM, node.shape, node.dtype), *values))
        summed = made._shape is not None and tuple(made._shape) != tuple(node.parents[k].shape)  # it was broadcast
        return f"Σ({made.text})" if summed and made.text != "0" else made.text
    except (UnknownShape, AttributeError, TypeError, ValueError, IndexError, KeyError):
        return f"{op.name}ᵀ(g)"  # a linear map's adjoint, or a rule that needs the numbers


def arguments_of(node: Node, names: dict[str, str]) -> Callable[[str, int], Any]:
    """What a rule gets for each name it asks for: symbols for arrays, the settings themselves."""
    op, plan = node.plan.op, node.plan
    saved = dict(zip(plan.names, node.saved, strict=False)) if node.saved else {}
    parent = dict(zip(plan.inputs, node.parents, strict=False))
    settings = {**op.settings, **getattr(node, "settings", {})}
    constant = getattr(node, "constant", None)

    def given(name: str, position: int) -> Any:
        if name == "shape":  # the argument's, even where a setting has that name
            return parent[position].shape
        if name in settings:
            return settings[name]
        if name == "shapes":
            return saved.get("shapes") or tuple(p.shape for p in node.parents)
        if name == "out":
            return Symbol(names.get("out", "out"), ATOM, node.shape, node.dtype)
        if op.variadic:
            called = [names.get(f"{name}{i}", f"{name}{i}") for i in range(len(node.parents))]
            return tuple(Symbol(text, ATOM, parent[i].shape if i in parent else None) for i, text in enumerate(called))
        index = op.arguments.index(name)
        letters = [a for a in op.arguments if len(a) == 1]
        neutral = name if len(name) > 1 else "in" if len(letters) == 1 else f"in{'₁₂₃₄'[index]}"
        if index in parent:
            return Symbol(names.get(name, neutral), ATOM, parent[index].shape, parent[index].dtype)
        value = saved.get(name, constant)
        if value is not None and np.size(value) == 1 and name not in names:
            return symbol(value)
        return Symbol(names.get(name, neutral), ATOM, np.shape(value) if value is not None else None, getattr(value, "dtype", None))

    return given
