"""What a user's own Function says its gradient is: its `backward`, read from its source and set in symbols.

It is read, not called: drawing runs nothing that a program wrote. What is understood are assignments, choices that are made by the
time of the call (`if ctx.needs_input_grad[0]`), and expressions of numbers, what `ctx` holds, and the engine's operations.
"""

from __future__ import annotations
import __future__

import ast
import inspect
import operator
from collections import ChainMap, Counter
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from autograd_core.function import once_differentiable
from autograd_core.graph import Node
from autograd_core.ops import elementwise
from autograd_core.ops.shape import clone
from autograd_core.primitive import Op
from autograd_core.size import Size
from autograd_core.tensor import Tensor

from .digits import small_digits
from .expressions import ATOM, RELATION, Unprintable, free
from .symbols import Symbol, symbol


def of_conditions(operation: Callable[..., Symbol], otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """What & and its like do: to conditions the one, to numbers the other, and to the bits of arrays what no formula says."""

    def chosen(*parts: Any) -> Any:
        symbols = [part for part in parts if isinstance(part, Symbol)]
        if any(part.dtype != bool for part in symbols):
            raise Unprintable("bits")
        return operation(*parts) if symbols else otherwise(*parts)

    return chosen


OPERATORS: dict[type, Any] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.MatMult: operator.matmul,
    ast.Pow: operator.pow, ast.USub: operator.neg, ast.Gt: operator.gt, ast.Lt: operator.lt, ast.GtE: operator.ge, ast.LtE: operator.le,
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Is: operator.is_, ast.IsNot: operator.is_not, ast.Not: operator.not_,
    ast.BitAnd: of_conditions(elementwise.logical_and, operator.and_), ast.BitOr: of_conditions(elementwise.logical_or, operator.or_),
    ast.Invert: of_conditions(elementwise.logical_not, operator.invert),
}  # fmt: skip
PLAIN = frozenset([int, float, complex, bool, str, type(None), *np.sctypeDict.values()])
TUPLES = frozenset([tuple, Size])
COMPUTING = ("autograd_core.ops.", "autograd_core.faces.", "autograd_core.linalg", "autograd_core.special")
DRAWING = "autograd_core.faces.sampling"  # random numbers, which would be others afterwards
ENGINES = once_differentiable.__globals__  # of what wraps a backward and hands on what it gives
FUTURE = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
PARSED: WeakKeyDictionary[CodeType, ast.FunctionDef] = WeakKeyDictionary()


def written(node: Node, k: int, known: dict[str, Symbol]) -> Symbol:
    """What backward returns for node's k-th recording input.

    `known` has symbols for what backward may have been left: "input0" and so on, the node's inputs, and "out", its result. Raises
    Unprintable for what is not understood.
    """
    try:
        return read(node, k, known)
    except Exception as error:  # whatever is wrong with a program, its pictures are drawn
        raise Unprintable(f"{node.plan.op.name}.backward") from error


def read(node: Node, k: int, known: dict[str, Symbol]) -> Symbol:
    backward = inspect.unwrap(node.plan.op.function.backward, stop=lambda f: not hands_on(f))
    if not isinstance(backward, FunctionType) or "__wrapped__" in vars(backward):
        raise Unprintable("what is around backward")
    code = parsed(backward)
    shapes, dtypes = (node.shape, node.dtype) if isinstance(node.dtype, tuple) else ((node.shape,), (node.dtype,))
    letters = ["g"] if len(shapes) == 1 else [f"g{small_digits(i)}" for i in range(1, len(shapes) + 1)]
    gradients = [Symbol(letter, ATOM, shape, dtype) for letter, shape, dtype in zip(letters, shapes, dtypes, strict=True)]
    parameters = [argument.arg for argument in (*code.args.posonlyargs, *code.args.args)]
    if len(parameters) != 1 + len(gradients) or code.args.vararg:
        raise Unprintable("backward does not name its gradients")
    context, *saved = node.saved or [...] * len(node.plan.names)  # ... is what is gone
    kept = tuple(known.get(name, array) for name, array in zip(node.plan.names[1:], saved, strict=True))
    held = {} if context is ... else {key: value for key, value in vars(context).items() if not key.startswith("_")}
    local = {parameters[0]: _Held({**held, "saved_tensors": kept}), **dict(zip(parameters[1:], gradients, strict=True))}
    parts = Reader(backward, code, local, frozenset([*letters, *(s.text for s in known.values())])).answer()
    part = parts[node.plan.inputs[k]]
    return symbol(0 if part is None else part)


def hands_on(function: Any) -> bool:
    """Is it the engine's, around what a program wrote?"""
    return isinstance(function, staticmethod) or (isinstance(function, FunctionType) and function.__globals__ is ENGINES)


def parsed(function: FunctionType) -> ast.FunctionDef:
    """The source of a function. Raises Unprintable where that is not what runs: where the file was changed meanwhile."""
    code = function.__code__
    if code not in PARSED:
        found = defined_in("".join(inspect.findsource(function)[0]), code.co_flags & FUTURE).get(code)
        if found is None:
            raise Unprintable(f"the source of {function.__name__}")
        PARSED[code] = found
    return PARSED[code]


@lru_cache(maxsize=1)
def defined_in(source: str, flags: int) -> dict[CodeType, ast.FunctionDef]:
    """The functions of a file, by what they are compiled to."""
    tree = ast.parse(source)
    lines = {first_line(n): n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    everything = within(compile(tree, "", "exec", flags, dont_inherit=True))
    return {code: lines[code.co_firstlineno] for code in everything if code.co_firstlineno in lines}


def within(code: CodeType) -> Iterator[CodeType]:
    """The code of everything that is defined in it."""
    waiting = [code]
    while waiting:
        yield (at := waiting.pop())
        waiting += [part for part in at.co_consts if isinstance(part, CodeType)]


def first_line(function: ast.FunctionDef) -> int:
    return min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])


def plain(value: Any) -> bool:
    """Whether what is done with it is known: no operator of a program's own class would run."""
    if type(value) in TUPLES:
        return all(map(plain, value))
    return type(value) in PLAIN or isinstance(value, Symbol | np.dtype)


class _Held(dict[str, Any]):
    """What ctx holds."""


class Reader:
    """Reads one function; names stand for numbers, tuples of them, symbols, and arrays that have no name yet."""

    def __init__(self, function: FunctionType, code: ast.FunctionDef, local: dict[str, Any], taken: frozenset[str]):
        closed = dict(zip(function.__code__.co_freevars, (cell.cell_contents for cell in function.__closure__ or ()), strict=True))
        self.outer = ChainMap(closed, function.__globals__)
        self.own = frozenset(function.__code__.co_varnames)
        self.local = local
        self.taken = taken  # names
        self.body = code.body
        self.uses = Counter(n.id for n in ast.walk(code) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
        self.behind: dict[Symbol, Symbol] = {}  # what has been called by the name of a variable
        self.arrays: dict[int, Symbol] = {}  # what arrays are called, by their identity
        self.copies: set[str] = set()  # variables that hold a copy of which nothing else knows yet

    def answer(self) -> tuple[Any, ...]:
        done, found = self.run(self.body)
        if not done:
            raise Unprintable("it returns nothing")
        return tuple(self.bare(self.named(part)) for part in (found if type(found) is tuple else (found,)))

    def bare(self, value: Any) -> Any:
        """What a variable that is returned was called for."""
        return self.behind.get(value, value) if isinstance(value, Symbol) else value

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
                    if isinstance(found, Symbol) and found.made and found.made[0] is clone.op and len(targets) == 1:
                        self.copies |= {target.id for target in targets if isinstance(target, ast.Name)}
                case ast.If(test=test, body=body, orelse=orelse):
                    done, found = self.run(body if self.holds(self.value(test)) else orelse)
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
                self.copies.discard(name)
            case ast.Tuple(elts=parts) | ast.List(elts=parts) if type(value) in TUPLES and len(value) == len(parts):
                for part, one in zip(parts, value, strict=True):
                    self.assign(part, one)
            case ast.Subscript(value=ast.Name(id=name), slice=index) if name in self.copies and np.shape(value) == ():
                self.local[name] = self.overwritten(self.local[name], self.value(index), value)  # x[x < 0] = 0
                self.copies.add(name)
            case _:
                raise Unprintable(ast.unparse(target))

    def overwritten(self, x: Symbol, condition: Any, value: Any) -> Symbol:
        """x with one value wherever a condition on its elements holds."""
        if not isinstance(condition, Symbol) or condition.strength != RELATION or condition.shape != x.shape:
            raise Unprintable("where it is written")
        return elementwise.where(condition, value, self.bare(x))

    def called(self, name: str, value: Any) -> Any:
        """By the variable's name what has none, or is used more than once."""
        value = self.named(value, name) if isinstance(value, Tensor | np.ndarray) else value
        if not isinstance(value, Symbol) or self.uses[name] < 2 or value.strength == RELATION or value.text.isidentifier():
            return value
        made = value.called(self.free(name))
        self.behind[made] = value
        return made

    def free(self, name: str) -> str:
        """The name, or one like it where something else has it."""
        found = free(name, self.taken)
        self.taken |= {found}
        return found

    def named(self, value: Any, name: str = "saved") -> Any:
        """What may be reckoned with: an array by a name; no object of the program's, whose operators are its own."""
        if isinstance(value, Tensor | np.ndarray):
            if id(value) not in self.arrays:
                self.arrays[id(value)] = Symbol(self.free(name), ATOM, value.shape, value.dtype)
            return self.arrays[id(value)]
        if not plain(value):
            raise Unprintable(f"a {type(value).__name__}")
        return value

    def holds(self, value: Any) -> bool:
        """Whether a choice is made; Symbols refuse to say."""
        return bool(self.named(value))

    def value(self, expression: ast.expr) -> Any:
        match expression:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name) if name in self.local:
                self.copies.discard(name)
                return self.local[name]
            case ast.Name(id=name) if name in self.outer and name not in self.own:
                return self.array(name, self.outer[name])
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
            case ast.Subscript(value=owner, slice=at) if type(found := self.value(owner)) in TUPLES:
                return found[self.operand(at)]
            case ast.BoolOp(op=op, values=[*parts, last]):
                for part in parts:
                    found = self.value(part)
                    if self.holds(found) == isinstance(op, ast.Or):
                        return found
                return self.value(last)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.value(body if self.holds(self.value(test)) else orelse)
            case ast.Call(func=function, args=args, keywords=keywords):
                settings = {str(keyword.arg): self.operand(keyword.value) for keyword in keywords}
                return self.call(self.value(function), [self.operand(a) for a in args], settings)
        raise Unprintable(ast.unparse(expression))

    def operand(self, expression: ast.expr) -> Any:
        return self.named(self.value(expression))

    def array(self, name: str, value: Any) -> Any:
        """An array by the name that it has here; anything else as it is."""
        return self.named(value, name) if isinstance(value, Tensor | np.ndarray) else value

    def attribute(self, owner: Any, name: str) -> Any:
        if isinstance(owner, _Held) and name in owner:
            return self.array(name, owner[name])
        if isinstance(owner, ModuleType) and name in vars(owner):
            return self.array(name, vars(owner)[name])
        owner = self.named(owner)
        if isinstance(owner, Symbol):
            return getattr(owner, name) if name in ("shape", "ndim", "dtype", "T", "mT") else owner.__getattr__(name)
        raise Unprintable(f"{name} of {type(owner).__name__}")

    def call(self, function: Any, args: list[Any], settings: dict[str, Any]) -> Any:
        if isinstance(function, partial) and isinstance(function.args[0], Symbol):  # a method of it
            function, args = function.func, [*function.args, *args]
        computes = known(function) and any(isinstance(a, Symbol) for a in args)
        if not computes and not (isinstance(function, BuiltinFunctionType) and function.__module__ == "math"):
            raise Unprintable("what is called")
        return function(*args, **settings)


def known(function: Any) -> bool:
    """Whether it is a function of the engine's, or an operation, that draws no random numbers and writes nowhere."""
    if not isinstance(function, FunctionType):
        return isinstance(function, np.ufunc)
    op, home = vars(function).get("op"), function.__globals__["__name__"]
    own = home.startswith(COMPUTING) and home != DRAWING and not function.__name__.endswith("_")
    return own or (isinstance(op, Op) and op.call is function)
