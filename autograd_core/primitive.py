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
from typing import Any

from .call import binary, general, several, unary, unary_view
from .plan import Plan, Rule, conjugated_plan, fused_plan, make_plan, names_of


def primitive(*rules: Rule | None, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Declare an operation: one rule for each array argument, in order (None: no gradient flows to it).

    Positional parameters of the decorated function are its array arguments, keyword-only ones its settings. Options:
    `name`; `promotes="float"` computes integers in the default float dtype, `"no"` leaves dtypes alone, `"same"`
    (default) brings the arguments to a common one; `view=True` says that the result may share its argument's memory;
    `complain(*arrays, **settings)` words the error for shapes that do not fit; `results=("first", "second")` names the
    parts of the tuple that the forward returns (a rule's `g` is then the tuple of their gradients, zeros for those that
    nothing was computed from, and `out` the tuple of the results); `placed(g, ...)`, of an operation that takes a part of its
    argument, names like a rule what it needs and gives that part's index, or None: several such gradients are then added
    up in one array instead of as many arrays of zeros; `meaning` says in a few words what it does, for formulas that name an operation
    which is nobody's but the engine's; `reference`, the same function composed of simpler operations, is what stands
    inside the operation where someone opens it.

    Complex numbers: gradients are PyTorch's, dL/dx + i dL/dy for x + iy. The rules of a holomorphic function, written as for
    real numbers, are run between two conjugations. `holomorphic=False` says that they are meant as they stand.

    >>> import autograd_core as ag
    >>> @ag.primitive(lambda g, x: g * 3 * x * x)
    ... def cube(x):
    ...     return x * x * x
    >>> x = ag.tensor(2.0, requires_grad=True)
    >>> ag.autograd.grad(cube(x), x)
    (tensor(12.),)
    """

    def declare(forward: Callable[..., Any]) -> Any:
        op = Op(forward, rules, options)
        simple = not op.settings and not op.variadic and not op.results and not any("shape" in names_of(rule) for rule in rules if rule)
        make = {1: unary_view if op.view else unary, 2: binary}.get(len(op.arguments), several) if simple else general
        return publish(op, make(op))

    return declare


def fused(
    backward: Callable[..., Any], *, reference: Callable[..., Any], rules: Sequence[Rule | None] = (), **options: Any
) -> Callable[[Callable[..., Any]], Any]:
    """Declare an operation whose fast form is one kernel.

    The decorated forward works on arrays and returns `(out, kept)`, kept a tuple of what the backward needs.
    `backward(g, *kept)` returns one gradient array for each array argument (None: no gradient flows to it). Either may have a
    keyword-only parameter `needs`, and gets a boolean for each array argument: whether a gradient by it is wanted. With
    `results`, out is a tuple and g a list, None for those that nothing was computed from. Array arguments may be None.
    `reference` is the same function composed of primitives: it is the double backward, the oracle of the tests, and
    what stands inside the operation where someone opens it. `rules`, one for each array argument as of a primitive, say what the
    kernel computes, for the formula in the picture (the tests hold them equal). Where the backward is a sweep that no rule can
    say, `formulas` has for each argument the formula as text, with {argument} for what the program calls one, and what the
    names in it mean. Other options as of `primitive`.
    """

    def declare(forward: Callable[..., Any]) -> Any:
        op = Op(forward, rules, {**options, "backward": backward, "reference": reference})
        return publish(op, general(op))

    return declare


def publish(op: Op, call: Callable[..., Any]) -> Any:
    """Give the calling function its operation's name and documentation."""
    call.__name__ = call.__qualname__ = op.name
    call.__doc__ = op.__doc__
    call.__module__ = op.forward.__module__
    call.op = op  # type: ignore[attr-defined]
    op.call = call
    return call


OPTIONS = {"backward", "complain", "formulas", "holomorphic", "meaning", "name", "placed", "promotes", "reference", "results", "view"}
RESERVED = {"out", "shape", "shapes", "i"}  # what rules call the result and the arguments' shapes


class Op:
    """A declared operation: its name, forward, rules, and the names of its array arguments and settings."""

    def __init__(self, forward: Callable[..., Any], rules: Sequence[Rule | None], options: dict[str, Any]):
        self.name: str = options.get("name") or forward.__name__.strip("_")
        if wrong := options.keys() - OPTIONS:
            raise TypeError(f"{self.name}: unknown options {sorted(wrong)}; there are {sorted(OPTIONS)}")
        self.forward = forward
        self.__doc__ = forward.__doc__
        parameters = inspect.signature(forward).parameters.values()
        self.variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        self.arguments = tuple(p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL))
        self.settings = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "needs"}
        self.asks_needs = any(p.name == "needs" for p in parameters)
        self.rules = tuple(rules) if rules else (None,) * len(self.arguments)
        self.promotes: str = options.get("promotes", "same")  # "same": the arguments' common dtype; "float": at least float; "no"
        self.view: bool = options.get("view", False)  # may the result share its argument's memory?
        self.reference: Callable[..., Any] | None = options.get("reference")
        self.backward: Rule | None = options.get("backward")
        self.formulas: dict[str, tuple[str, ...]] | None = options.get("formulas")
        self.complain: Callable[..., str] | None = options.get("complain")
        self.results: tuple[str, ...] = options.get("results", ())
        self.holomorphic: bool = options.get("holomorphic", True)
        self.placed: Rule | None = options.get("placed")
        self.meaning: str = options.get("meaning", "")
        self.call: Any = None
        if len(self.rules) != len(self.arguments):
            raise TypeError(f"{self.name}: {len(self.arguments)} array arguments {self.arguments} but {len(self.rules)} rules")
        if taken := RESERVED.intersection(self.arguments):
            raise TypeError(f"{self.name}: {sorted(taken)} mean something else in rules; give these arguments other names")
        known = {*self.arguments, *self.settings, *RESERVED}
        for rule in self.rules:
            if unknown := set(names_of(rule)) - known if rule else None:
                raise TypeError(f"{self.name}: a rule asks for {sorted(unknown)}; it may name {sorted(known)}")
            if rule and "i" in names_of(rule)[1:]:
                raise TypeError(f"{self.name}: a rule that asks for i, which argument it is for, names it right after the gradient")
        self._plans: dict[Any, Plan | None] = {}

    def plan(self, recorded: tuple[int, ...], count: int | None = None, conjugated: bool = False) -> Plan | None:
        """The plan for the case that the arguments with these positions record (of `count` in a variadic call)."""
        key = (recorded, count if self.variadic else None, conjugated)
        try:
            return self._plans[key]
        except KeyError:
            plan = fused_plan(self, recorded) if self.backward else make_plan(self, recorded, count)
            self._plans[key] = plan = conjugated_plan(plan) if plan and conjugated else plan
            return plan

    def __repr__(self) -> str:
        return f"<op {self.name}>"
