"""Formulas: a gradient rule run on symbols instead of arrays prints itself.

`mul`'s rule `lambda g, b: g * b` gives "g · b", `tanh`'s gives "g · (1 − out²)". Nothing about any operation is
written here but how a few of them are usually set in print.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import chain, count
from typing import Any

import numpy as np

from autograd_core.faces.numpy import UFUNCS
from autograd_core.graph import Node
from autograd_core.plan import names_of
from autograd_core.tensor import Tensor

from .arguments import Argument, given_to, small_digits

RELATION, SUM, PRODUCT, UNARY, POWER, ATOM = range(6)  # how tightly a formula holds together


class Symbol:
    """A formula that answers to operators and operations as an array would."""

    def __init__(self, text: str, strength: int = ATOM, shape: Any = None, dtype: Any = None):
        self.text = text
        self.strength = strength
        self._shape = shape
        self.dtype = dtype
        self.last: tuple[str, Symbol, Symbol] | None = None  # of a product or quotient: the sign, what stands before it, and after
        self.means: dict[str, str] = {}  # the names that rules gave to parts of it, and what these are
        self.taken: frozenset[str] = frozenset()  # the names that the program gave
        self.choices: dict[str, tuple[str, Symbol, Symbol]] = {}  # what in it depends on a condition: that, what it is there, and elsewhere

    @property
    def shape(self) -> Any:
        if self._shape is None:
            raise Unprintable(f"the shape of {self.text}")
        return self._shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __str__(self) -> str:
        return self.text

    def called(self, name: str, meaning: str = "") -> Symbol:
        """The same by a name that a rule gives it, and what that means; what is one word is not worth another."""
        if self.strength == ATOM and self.text.isidentifier():
            return self
        other = free(name, self.taken)
        made = Symbol(other, ATOM, self._shape, self.dtype)
        made.means, made.taken = {other: meaning} if meaning else {**self.means, other: self.text}, self.taken
        return made

    def through(self, name: str) -> Symbol:
        """What a function of this name makes of it, which keeps its shape."""
        return printed(name, (self,), {})

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

    def __bool__(self) -> bool:
        raise Unprintable(f"whether {self.text} holds depends on the numbers")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **settings: Any) -> Symbol:
        if method != "__call__" or settings:
            raise Unprintable(f"np.{ufunc.__name__} with {method} {settings}")
        operation = UFUNCS.get(ufunc)
        return printed(operation.op.name if hasattr(operation, "op") else ufunc.__name__, inputs, {})  # type: ignore[union-attr]


class Unprintable(Exception):
    """A rule asked for what a formula does not have: the numbers, or the shape of something computed."""


def number(value: Any) -> str:
    """A number as it is printed in formulas: whole, or with at most four digits; a real minus sign."""
    value = value.item() if isinstance(value, np.ndarray | np.generic) else value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e6:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**7:
        return str(value).replace("-", "−")
    return f"{value:.4g}".replace("-", "−") if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def free(name: str, taken: frozenset[str]) -> str:
    """The name, or with a small digit if the program has it already."""
    return next(n for n in chain((name,), (f"{name}{small_digits(k)}" for k in count(2))) if n not in taken)


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


def bracketed(part: Symbol) -> Symbol:
    """A condition among numbers, as Iverson's bracket."""
    return Symbol(f"[{part.text}]", ATOM, part._shape) if part.strength == RELATION else part


def printed(name: str, args: tuple[Any, ...], settings: dict[str, Any]) -> Symbol:
    """An operation on symbols, set in print; its shape, where that can be told."""
    parts = [symbol(a) for a in args]
    style = STYLES.get(name)
    made = style(*parts, **settings) if style else Symbol(f"{name}({', '.join(p.text for p in parts)})")
    result = Symbol(made.text, made.strength, shape_of(name, [p._shape for p in parts], settings))
    result.last = made.last
    result.choices, result.means = made.choices, dict(made.means)
    for part in parts:
        result.means |= part.means
        result.taken |= part.taken
        result.choices |= part.choices
    kinds = {part.dtype.kind for part in parts if part.dtype is not None}
    if kinds == {"f"} and name not in TO_COMPLEX:
        result.dtype = next(part.dtype for part in parts if part.dtype is not None)
    return result


TO_COMPLEX = {"complex", "fftn", "ifftn", "rfft", "view_as_complex"}


def shape_of(name: str, shapes: list[Any], settings: dict[str, Any]) -> Any:
    """The shape of an operation's result, None if unknown."""
    if name in ("broadcast_to", "repeat_to", "sum_to"):
        return settings["target"]
    if name == "reshape":
        return settings["shape"]
    if any(s is None for s in shapes):
        return None
    if name == "getitem":
        return np.broadcast_to(np.empty(()), shapes[0])[settings["index"]].shape
    if name == "einsum":
        lengths = {letter: n for term, shape in zip(settings["terms"], shapes, strict=True) for letter, n in zip(term, shape, strict=True)}
        return tuple(lengths[letter] for letter in settings["result"])
    if name in ("sum", "mean", "var"):
        return reduced(shapes[0], settings.get("axis"), settings.get("keepdims", False))
    if name == "expand_dims":
        return np.expand_dims(np.broadcast_to(np.empty(()), shapes[0]), settings["axis"]).shape
    if name == "attention_weights":
        return (*shapes[0][:-1], shapes[1][-2])
    if name in CHANGE_SHAPE:
        return None
    if name == "mT":
        return (*shapes[0][:-2], shapes[0][-1], shapes[0][-2])
    if name == "matmul":
        return (*np.broadcast_shapes(shapes[0][:-2], shapes[1][:-2]), shapes[0][-2], shapes[1][-1])
    return tuple(np.broadcast_shapes(*shapes))


def reduced(shape: tuple[int, ...], axis: Any, keepdims: bool) -> tuple[int, ...]:
    """The shape of a reduction's result."""
    axes = range(len(shape)) if axis is None else [a % len(shape) for a in (axis if isinstance(axis, tuple) else (axis,))]
    return tuple(1 if k in axes else n for k, n in enumerate(shape) if keepdims or k not in axes)


# ---------------------------------------------------------------------- how some operations are usually written


def _add(a: Symbol, b: Symbol) -> Symbol:
    a, b = bracketed(a), bracketed(b)
    if b.text == "0":
        return a
    if b.text.startswith("−") and b.strength in (UNARY, PRODUCT):
        return Symbol(f"{a.text} − {b.text[1:]}", SUM)
    return Symbol(f"{a.text} + {b.text}", SUM)


def _sub(a: Symbol, b: Symbol) -> Symbol:
    return _add(a, _neg(b))


def _mul(a: Symbol, b: Symbol) -> Symbol:
    a, b = bracketed(a), bracketed(b)
    if a.text == "1":
        return b
    if b.text == "1":
        return a
    if a is b:
        return _power(a, 2)
    if a.last is not None and a.last[0] == "·" and a.last[2] is b:  # x · y · y
        return _mul(a.last[1], _power(b, 2))
    if a.text == "−1":
        return _neg(b)
    right = f"({b.text})" if b.strength < PRODUCT or b.text.startswith("−") or (b.last is not None and b.last[0] in "@/") else b.text
    return _joined(_element_by_element(a), "·", right, a, b)


def _div(a: Symbol, b: Symbol) -> Symbol:
    a, b = bracketed(a), bracketed(b)
    if b.text == "1":
        return a
    if a.last is not None and a.last[0] == "/" and a.last[2] is b:  # x / y / y
        return _div(a.last[1], _power(b, 2))
    return _joined(_element_by_element(a), "/", held(b, POWER), a, b)


def _element_by_element(a: Symbol) -> str:
    """The left side of a product or quotient; what is multiplied as matrices stands apart."""
    return f"({a.text})" if a.last is not None and a.last[0] == "@" else held(a, PRODUCT)


def _joined(left: str, sign: str, right: str, a: Symbol, b: Symbol) -> Symbol:
    made = Symbol(f"{left} {sign} {right}", PRODUCT)
    made.last = (sign, a, b)
    return made


def _neg(a: Symbol) -> Symbol:
    if a.text == "0":
        return a
    if a.last is not None and a.last[0] == "−":  # twice
        return a.last[1]
    if a.text.startswith("−") and a.strength in (UNARY, PRODUCT):
        made = Symbol(a.text[1:], PRODUCT if a.strength == PRODUCT else ATOM)
    else:
        made = Symbol(f"−{held(a, PRODUCT)}", PRODUCT if a.strength == PRODUCT else UNARY)
    made.last = (a.last[0], _neg(a.last[1]), a.last[2]) if a.strength == PRODUCT and a.last is not None else ("−", a, a)
    return made


def _matmul(a: Symbol, b: Symbol) -> Symbol:
    return _joined(held(a, POWER), "@", held(b, POWER), a, b)


def _power(x: Symbol, exponent: Any) -> Symbol:
    text = exponent.text if isinstance(exponent, Symbol) else number(exponent)
    if text in ("0", "1"):
        return x if text == "1" else symbol(1)
    if text.replace("−", "").isdigit():
        return Symbol(held(x, ATOM) + text.translate(str.maketrans("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")), POWER)
    return Symbol(f"{held(x, ATOM)}^{text if text.isalnum() else f'({text})'}", POWER)


def _transposed(x: Symbol, sign: str) -> Symbol:
    if x.last is not None and x.last[0] == sign:  # twice
        return x.last[1]
    made = Symbol(held(x, ATOM) + sign, POWER)
    made.last = (sign, x, x)
    return made


def _between(sign: str) -> Callable[[Symbol, Symbol], Symbol]:
    return lambda a, b: Symbol(f"{held(a, SUM)} {sign} {held(b, SUM)}", RELATION)


def _where(condition: Symbol, a: Symbol, b: Symbol) -> Symbol:
    """Iverson's bracket for "or else 0"; what guards against dividing by zero at a single point is not printed."""
    a, b = chosen(a, condition.text, 1), chosen(b, condition.text, 2)
    made = _chosen(condition, a, b)
    if made.text not in (a.text, b.text):
        made.choices = {made.text: (condition.text, a, b)}
    return made


def chosen(part: Symbol, condition: str, which: int) -> Symbol:
    """A part that counts only where the condition holds (or, with which = 2, where it does not): what else depends on it is settled."""
    text = part.text
    for choice, told in part.choices.items():
        if told[0] == condition:
            settled = told[1] if which == 1 else told[2]
            given = f"({settled.text})".replace("\\", r"\\")
            text = re.sub(rf"(?<=[\w^])\({re.escape(choice)}\)", given, text)  # to a function
            text = text.replace(f"({choice})", held(settled, ATOM)).replace(choice, held(settled, ATOM))
    made = Symbol(text, part.strength, part._shape, part.dtype)
    made.means, made.taken = part.means, part.taken
    return made


def _chosen(condition: Symbol, a: Symbol, b: Symbol) -> Symbol:
    if a.text in ("0", "1", "inf") and (condition.text.endswith(" = 0") or " = 0) and " in condition.text):
        return b
    if b.text == "0":
        return Symbol(f"{held(a, PRODUCT)} · [{condition.text}]", PRODUCT)
    if a.text == "0":
        return Symbol(f"{held(b, PRODUCT)} · [{opposite(condition)}]", PRODUCT)
    return Symbol(f"where({condition.text}, {a.text}, {b.text})")


def opposite(condition: Symbol) -> str:
    """That a condition does not hold; how NaN compares is not printed."""
    for sign, other in ((" ≤ ", " > "), (" ≥ ", " < ")):
        if condition.text.count(sign) == 1 and " and " not in condition.text and " or " not in condition.text:
            return condition.text.replace(sign, other)
    return f"not {held(condition, SUM)}"


def _repeat(x: Symbol, target: Any) -> Symbol:
    return x if x._shape is not None and tuple(x._shape) == tuple(target) else Symbol(f"repeat({x.text})")


def _same(x: Symbol, **settings: Any) -> Symbol:
    return x


def _row_swapped(sign: str) -> Callable[..., Symbol]:
    def style(x: Symbol, pivots: Symbol) -> Symbol:
        made = _matmul(Symbol(f"P{sign}", POWER), x)
        made.means = {"P": "the swaps of rows, by the pivots"}
        return made

    return style


def _sum(x: Symbol) -> Symbol:
    return Symbol(f"Σ({x.text})" if x.strength < ATOM else f"Σ {x.text}")


def _moved(x: Symbol, axis: int, by: int, fill: Any = 0) -> Symbol:
    return Symbol(f"{'before' if by > 0 else 'after'}({x.text})")


def _recurrence(a: Symbol, b: Symbol, axis: int, reverse: bool = False) -> Symbol:
    y = Symbol(free("y", a.taken | b.taken))
    y.means = {y.text: f"{b.text} + {held(a, PRODUCT)} · {'after' if reverse else 'before'}({y.text})"}
    return y


def _numbered(name: str) -> Callable[..., Symbol]:
    return lambda x, n=0: Symbol(f"{name}({x.text}, n={n})")


def _weights(q: Symbol, k: Symbol, mask: Symbol, scale: float, causal: bool = False) -> Symbol:
    shared = len(k.shape) > 2 and k.shape[-3] != q.shape[-3]  # one head of keys for several of queries
    keys = Symbol(f"reshape(repeat({k.text}))" if shared else held(k, ATOM))
    scores = _mul(_matmul(q, Symbol(f"{keys.text}ᵀ")), symbol(scale))
    masked = f"where({mask.text}, {scores.text}, −inf)" if getattr(mask.dtype, "kind", "") == "b" else _add(scores, mask).text
    return Symbol(f"softmax({masked}{', causal' if causal else ''})")


def _shares(index: Symbol, padding: int | None, by_frequency: bool, dtype: Any) -> Symbol:
    """What the gradients of an embedding's rows are multiplied by."""
    share = _div(symbol(1), Symbol(f"count({index.text})")) if by_frequency else symbol(1)
    return share if padding is None else _mul(share, bracketed(_between("≠")(index, symbol(padding))))


def _clamp(x: Symbol, low: Any = None, high: Any = None) -> Symbol:
    if low is None or high is None:
        return Symbol(f"minimum({x.text}, {number(high)})" if low is None else f"maximum({x.text}, {number(low)})")
    return Symbol(f"clamp({x.text}, {number(low)}, {number(high)})")


def _transform(name: str) -> Callable[..., Symbol]:
    return lambda x, norm="backward", **settings: Symbol(f"{name}({x.text}{f', norm={norm}' if norm != 'backward' else ''})")


def _roll(x: Symbol, shifts: Any, axis: Any = None) -> Symbol:
    told = ", ".join(map(number, shifts)) if isinstance(shifts, tuple) else number(shifts)
    return Symbol(f"roll({x.text}, {told})")


def _weighted(x: Symbol, weight: float, **settings: Any) -> Symbol:
    made = Symbol(f"weighted({x.text})")
    made.means = {"weighted": f"times {number(weight)} where a frequency stands for its negative, too"}
    return made


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
    "rsqrt": lambda x: _div(symbol(1), Symbol(f"√{held(x, ATOM)}", POWER)),
    "mT": lambda x: _transposed(x, "ᵀ"),
    "mH": lambda x: _transposed(x, "ᵀ" if getattr(x.dtype, "kind", "c") == "f" else "ᴴ"),
    "determined": lambda x, values, **settings: x,
    "of_distinct": lambda x, values, **settings: x,
    "phase_free": _same,
    "sqrt": lambda x: Symbol(f"√{held(x, ATOM)}", POWER),
    "abs": lambda x: Symbol(f"|{x.text}|"),
    "where": _where,
    "where_positive": lambda g, x: Symbol(f"{held(g, PRODUCT)} · [{x.text} > 0]", PRODUCT),
    "gt": _between(">"),
    "lt": _between("<"),
    "ge": _between("≥"),
    "le": _between("≤"),
    "eq": _between("="),
    "ne": _between("≠"),
    "logical_and": _between("and"),
    "logical_or": lambda a, b: a if b.text.startswith("isnan(") else _between("or")(a, b),  # how NaN spreads is not printed
    "zeros_like": lambda x: Symbol("0"),
    "sum": lambda x, **settings: _sum(bracketed(x)),
    "var": lambda x, **settings: Symbol(f"var({x.text})"),
    "mean": lambda x, **settings: Symbol(f"mean({x.text})"),
    "broadcast_to": lambda x, target: _repeat(x, target),
    "repeat_to": lambda x, target: _repeat(x, target),
    "sum_to": lambda x, target: x if x._shape is not None and tuple(x._shape) == tuple(target) else Symbol(f"Σ({x.text})"),
    "expand_dims": _same,
    "squeeze": _same,
    "to": _same,
    "alias": _same,
    "reshape": lambda x, shape: Symbol(f"reshape({x.text})"),
    "transpose": lambda x, axes: Symbol(f"permute({x.text})"),
    "getitem": lambda x, index: Symbol(f"{held(x, ATOM)}[index]"),
    "put": lambda x, index, shape: Symbol(f"put({x.text}, index)"),
    "put_back": lambda x, index: Symbol(f"cleared({x.text}, index)"),
    "cleared": lambda x, **settings: Symbol(f"cleared({x.text}, index)"),
    "convolution": lambda x, w, b, **settings: Symbol(f"convolution({x.text}, {w.text})"),
    "transposed_convolution": lambda x, w, b, **settings: Symbol(f"transposed_convolution({x.text}, {w.text})"),
    "attention_weights": _weights,
    "shares": _shares,
    "clamp": _clamp,
    **{name: _transform(name) for name in ("fftn", "ifftn", "rfft", "irfft")},
    "weighted": _weighted,
    "roll": _roll,
    "resample": lambda x, axes, transposed=False: Symbol(f"{'transposed_' if transposed else ''}resample({x.text})"),
    "moved": _moved,
    "recurrence": _recurrence,
    "einsum": lambda *parts, terms, result: Symbol(f'einsum("{",".join(terms)}→{result}", {", ".join(p.text for p in parts)})'),
    "permuted": _row_swapped("ᵀ"),
    "permuted_back": _row_swapped(""),
    "softmax_back": lambda g, out, axis: out * (g - printed("sum", (g * out,), {})),
    "log_softmax_back": lambda g, out, axis: g - printed("exp", (out,), {}) * printed("sum", (g,), {}),
    "cumsum": lambda x, axis, reverse=False: Symbol(f"cumsum({x.text}{', from the end' if reverse else ''})"),
    **{name: _numbered(name) for name in "polygamma sinc_derivative erfcx_integral spherical_bessel_j0".split()},
    **{f"bessel_{kind}": _numbered(f"bessel_{kind}") for kind in ("i", "ie", "j", "k", "ke", "y")},
}


CHANGE_SHAPE = set(
    "convolution transposed_convolution correlation "
    "max_pool into_largest from_largest largest_places mean_pool spread columns overlap resample border add_border "
    "amax amin std norm logsumexp squeeze transpose getitem put gather scatter_add crop embed pad concat "
    "scatter scatter_prod scatter_extreme last_at index_select index_add windows overlap_add strided "
    "einsum diagonal diagonal_embed overwrite put_back write_view cleared one_hot view_as_real view_as_complex mH solve "
    "solve_triangular permuted permuted_back over_gaps over_values determined of_distinct "
    "first_columns first_of pad_columns excess fftn ifftn rfft irfft frames overlap_add mirrored".split()
)

# ---------------------------------------------------------------------- the formula of one edge


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
    position = node.plan.inputs[k] if k < len(node.plan.inputs) else k
    rules = getattr(op, "rules", None)
    if not rules:
        return {"pick": "g", "alias": "g"}.get(op.name, f"{op.name}.backward(g)"), ()
    variadic = getattr(op, "variadic", False)
    rule = rules[0 if variadic else position]
    if rule is None:
        return f"g · ∂{op.name}/∂{op.arguments[position]}" if getattr(op, "backward", None) and not any(rules) else "0", ()
    given = arguments_of(node, names or {})
    try:
        values = [position if name == "i" else given(name, position) for name in names_of(rule)]
        among_complex = getattr(op, "holomorphic", False) and is_complex(node)
        made = symbol(rule(of_results("g", op, node), *(map(conjugated, values) if among_complex else values)))
        summed = made._shape is not None and tuple(made._shape) != tuple(node.parents[k].shape)  # it was broadcast
        text = f"Σ({made.text})" if summed and made.text != "0" else made.text
        text = f"real({text})" if among_complex and node.parents[k].dtype.kind != "c" and text != "0" else text
        return text, tuple(f"{name} = {meaning}" for name, meaning in reversed(made.means.items()))
    except (Unprintable, AttributeError, TypeError, ValueError, IndexError, KeyError):
        return f"rule of {op.name}", ()  # it needs the numbers themselves
    except RuntimeError:  # the rule says that there is none
        return "no derivative", ()


def is_complex(node: Node) -> bool:
    return any(dtype.kind == "c" for dtype in (node.dtype if isinstance(node.dtype, tuple) else (node.dtype,)))


def conjugated(value: Any) -> Any:
    """What a rule is given between two conjugations: conj(rule(conj(g), x)) is the rule of g and conj(x)."""
    if isinstance(value, tuple):
        return tuple(conjugated(v) for v in value)
    return printed("conj", (value,), {}) if isinstance(value, Symbol) and value.dtype is not None and value.dtype.kind == "c" else value


def of_results(letter: str, op: Any, node: Node) -> Any:
    """The symbol of something of the result's shape; of an operation with several results one for each, as g_values."""
    if not getattr(op, "results", ()):
        return Symbol(letter, ATOM, node.shape, node.dtype)
    parts = zip(op.results, node.shape, node.dtype, strict=True)
    return tuple(Symbol(f"{letter}_{name}" if letter != "out" else name, ATOM, shape, dtype) for name, shape, dtype in parts)


def arguments_of(node: Node, names: dict[str, str]) -> Callable[[str, int], Any]:
    """What a rule gets for each name it asks for: symbols for arrays, the settings themselves."""
    op = node.plan.op
    arguments = given_to(node)
    by_name = {argument.name: argument for argument in arguments}
    settings = {**op.settings, **getattr(node, "settings", {})}
    taken = frozenset(names.values())

    def one(argument: Argument) -> Symbol | None:
        made = None if argument.absent else bare(argument)
        if made is not None:
            made.taken = taken
        return made

    def bare(argument: Argument) -> Symbol:
        if argument.parent is not None:
            return Symbol(names.get(argument.name, argument.neutral), ATOM, argument.parent.shape, argument.parent.dtype)
        if argument.value is not None and argument.name not in names and np.size(argument.value) == 1:
            return symbol(argument.value)
        shape = None if argument.value is None else np.shape(argument.value)
        return Symbol(names.get(argument.name, argument.neutral), ATOM, shape, getattr(argument.value, "dtype", None))

    def shape(argument: Argument) -> tuple[int, ...]:
        """Of what is gone that of another argument: formulas tell no lengths."""
        if argument.parent is not None or argument.value is None:
            return (argument.parent or node.parents[0]).shape
        return np.shape(argument.value)

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
