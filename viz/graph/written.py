"""What a user's own Function says its gradient is: its `backward`, read from its source and set in symbols.

It is read, not called: drawing runs nothing that a program wrote. What is understood are assignments, choices that are made by the
time of the call (`if ctx.needs_input_grad[0]`), and expressions of numbers, what `ctx` holds, and the engine's operations.
"""

from __future__ import annotations

import ast
import inspect
import operator
import textwrap
from collections import Counter
from functools import partial
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from autograd_core.function import once_differentiable
from autograd_core.graph import Node
from autograd_core.ops import elementwise
from autograd_core.primitive import Op
from autograd_core.tensor import Tensor

from .digits import small_digits
from .expressions import ATOM, RELATION, Unprintable, free
from .symbols import Symbol, symbol

OPERATORS: dict[type, Any] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.MatMult: operator.matmul,
    ast.Pow: operator.pow, ast.USub: operator.neg, ast.Gt: operator.gt, ast.Lt: operator.lt, ast.GtE: operator.ge, ast.LtE: operator.le,
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Is: operator.is_, ast.IsNot: operator.is_not, ast.Not: operator.not_,
    ast.BitAnd: elementwise.logical_and, ast.BitOr: elementwise.logical_or, ast.Invert: elementwise.logical_not,
}  # fmt: skip
COMPUTING = ("math", "autograd_core.ops.", "autograd_core.faces.", "autograd_core.linalg", "autograd_core.special")
DRAWING = "autograd_core.faces.sampling"  # random numbers, which would be others afterwards
ENGINES = once_differentiable.__globals__  # of what wraps a backward and hands on what it gives
PARSED: WeakKeyDictionary[Any, ast.FunctionDef] = WeakKeyDictionary()


def written(node: Node, k: int, known: dict[str, Symbol]) -> Symbol:
    """What backward returns for node's k-th recording input.

    `known` has symbols for what backward may have been left: "input0" and so on, the node's inputs, and "out", its result. Raises
    Unprintable for what is not understood.
    """
    backward = inspect.unwrap(node.plan.op.function.backward, stop=lambda f: getattr(f, "__globals__", ENGINES) is not ENGINES)
    if "__wrapped__" in vars(backward):
        raise Unprintable("what is around backward")
    code = parsed(backward)
    shapes, dtypes = (node.shape, node.dtype) if isinstance(node.dtype, tuple) else ((node.shape,), (node.dtype,))
    letters = ["g"] if len(shapes) == 1 else [f"g{small_digits(i)}" for i in range(1, len(shapes) + 1)]
    gradients = [Symbol(letter, ATOM, shape, dtype) for letter, shape, dtype in zip(letters, shapes, dtypes, strict=True)]
    taken = frozenset([*letters, *(s.text for s in known.values())])
    for gradient in gradients:
        gradient.taken = taken
    parameters = [argument.arg for argument in code.args.args]
    if len(parameters) != 1 + len(gradients) or code.args.vararg:
        raise Unprintable("backward does not name its gradients")
    context, *saved = node.saved or [...] * len(node.plan.names)  # ... is what is gone
    kept = tuple(known[name] if name in known else as_symbol("", a) for name, a in zip(node.plan.names[1:], saved, strict=True))
    held = {} if context is ... else {key: value for key, value in vars(context).items() if not key.startswith("_")}
    local = {parameters[0]: _Held({**held, "saved_tensors": kept}), **dict(zip(parameters[1:], gradients, strict=True))}
    answer = Reader(backward, code, local, taken).answer()
    parts = answer if isinstance(answer, tuple) else (answer,)
    if len(parts) <= node.plan.inputs[k]:
        raise Unprintable("backward returns too little")
    part = parts[node.plan.inputs[k]]
    return symbol(0 if part is None else part)


def as_symbol(name: str, value: Any) -> Any:
    """An array by a name; anything else as it is."""
    return Symbol(name, ATOM, value.shape, value.dtype) if isinstance(value, Tensor | np.ndarray) else value


def parsed(function: Any) -> ast.FunctionDef:
    """The source of a function. Raises Unprintable where there is none."""
    if function not in PARSED:
        try:
            (code,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
        except (OSError, TypeError, SyntaxError, ValueError) as error:
            raise Unprintable(f"the source of {function.__name__}") from error
        if not isinstance(code, ast.FunctionDef):
            raise Unprintable(f"{function.__name__} is no function with a name")
        PARSED[function] = code
    return PARSED[function]


class _Held(dict[str, Any]):
    """What ctx holds."""


class Reader:
    """Reads one function; names stand for numbers, tuples of them, and symbols."""

    def __init__(self, function: Any, code: ast.FunctionDef, local: dict[str, Any], taken: frozenset[str]):
        closed = dict(zip(function.__code__.co_freevars, (cell.cell_contents for cell in function.__closure__ or ()), strict=True))
        self.outer = {**function.__globals__, **closed}
        self.local = local
        self.taken = taken
        self.body = code.body
        self.uses = Counter(n.id for n in ast.walk(code) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
        self.behind: dict[int, Symbol] = {}  # what has been called by the name of a variable, by its identity

    def answer(self) -> Any:
        done, found = self.run(self.body)
        if not done:
            raise Unprintable("it returns nothing")
        return tuple(map(self.bare, found)) if isinstance(found, tuple | list) else self.bare(found)

    def bare(self, value: Any) -> Any:
        """What a variable that is returned was called for."""
        return self.behind.get(id(value), value)

    def run(self, statements: list[ast.stmt]) -> tuple[bool, Any]:
        """Whether something is returned, and what."""
        for statement in statements:
            match statement:
                case ast.Return(value=ast.expr() as value):
                    return True, self.value(value)
                case ast.Assign(targets=targets, value=value):
                    found = self.value(value)
                    for target in targets:
                        self.assign(target, found)
                case ast.If(test=test, body=body, orelse=orelse):
                    done, found = self.run(body if self.decided(test) else orelse)
                    if done:
                        return done, found
                case ast.Expr(value=ast.Constant()) | ast.Pass():
                    pass
                case _:
                    raise Unprintable(ast.unparse(statement))
        return False, None

    def assign(self, target: ast.expr, value: Any) -> None:
        match target:
            case ast.Name(id=name):
                self.local[name] = self.called(name, value)
            case ast.Tuple(elts=parts) | ast.List(elts=parts) if isinstance(value, tuple) and len(value) == len(parts):
                for part, one in zip(parts, value, strict=True):
                    self.assign(part, one)
            case ast.Subscript(value=ast.Name(id=name), slice=index):  # x[x < 0] = 0
                condition = self.value(index)
                if not isinstance(condition, Symbol) or condition.strength != RELATION:
                    raise Unprintable(ast.unparse(target))
                self.local[name] = elementwise.where(condition, value, self.bare(self.local[name]))
            case _:
                raise Unprintable(ast.unparse(target))

    def called(self, name: str, value: Any) -> Any:
        """By the variable's name what has none, or is used more than once."""
        if not isinstance(value, Symbol):
            return value
        if not value.text:
            return Symbol(free(name, self.taken), ATOM, value.known_shape, value.dtype)
        if self.uses[name] < 2 or name in value.means or value.strength == RELATION:
            return value
        made = value.called(name)
        self.behind[id(made)] = value
        return made

    def decided(self, test: ast.expr) -> bool:
        held = self.value(test)
        if isinstance(held, Symbol):
            raise Unprintable(f"whether {held.text} depends on the numbers")
        return bool(held)

    def value(self, expression: ast.expr) -> Any:
        match expression:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name) if name in self.local:
                return self.local[name]
            case ast.Name(id=name) if name in self.outer:
                return as_symbol(name, self.outer[name])
            case ast.Attribute(value=owner, attr=name):
                return self.attribute(self.value(owner), name)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                return OPERATORS[type(op)](self.operand(left), self.operand(right))
            case ast.UnaryOp(op=op, operand=operand) if type(op) in OPERATORS:
                return OPERATORS[type(op)](self.operand(operand))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in OPERATORS:
                return OPERATORS[type(op)](self.operand(left), self.operand(right))
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                return tuple(self.value(part) for part in parts)
            case ast.Subscript(value=owner, slice=ast.Constant(value=int() as at)) if isinstance(found := self.value(owner), tuple):
                return found[at]
            case ast.BoolOp(op=op, values=parts):
                return (all if isinstance(op, ast.And) else any)(self.decided(part) for part in parts)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.value(body if self.decided(test) else orelse)
            case ast.Call(func=function, args=args, keywords=keywords):
                settings = {str(keyword.arg): self.operand(keyword.value) for keyword in keywords}
                return self.call(self.value(function), [self.operand(a) for a in args], settings)
        raise Unprintable(ast.unparse(expression))

    def operand(self, expression: ast.expr) -> Any:
        """What may be reckoned with: no object of the program's, whose operators are its own."""
        found = self.value(expression)
        if not isinstance(found, Symbol | int | float | tuple | str | np.dtype | None):
            raise Unprintable(ast.unparse(expression))
        return found

    def attribute(self, owner: Any, name: str) -> Any:
        if isinstance(owner, _Held) and name in owner:
            return as_symbol(name, owner[name])
        if isinstance(owner, ModuleType) and name in vars(owner):
            return as_symbol(name, vars(owner)[name])
        if isinstance(owner, Symbol):
            return getattr(owner, name)
        raise Unprintable(f"{name} of {type(owner).__name__}")

    def call(self, function: Any, args: list[Any], settings: dict[str, Any]) -> Any:
        if isinstance(function, partial):  # a method of a symbol
            function, args = function.func, [*function.args, *args]
        module, name = getattr(function, "__module__", None) or "", getattr(function, "__name__", "_")
        known = isinstance(function, np.ufunc) or isinstance(getattr(function, "op", None), Op)
        known = known or (module.startswith(COMPUTING) and module != DRAWING and not name.endswith("_"))
        if not known or not (module == "math" or any(isinstance(a, Symbol) for a in args)):
            raise Unprintable(f"what {name} does")
        return function(*args, **settings)
