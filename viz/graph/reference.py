"""The gradient of a fused operation that has no rules of its own: the chain rule through its reference, run on symbols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autograd_core.plan import names_of
from autograd_core.primitive import Op

from .expressions import Unprintable
from .styles import total_to
from .symbols import Symbol, answering, symbol


def through_reference(op: Op, position: int, g: Symbol, arguments: Sequence[Symbol | None], settings: Mapping[str, Any]) -> Symbol:
    """What flows to the argument at this position. Raises Unprintable where the reference asks for more than symbols know."""
    assert op.reference is not None
    if any(a is not None and getattr(a.dtype, "kind", "f") == "c" for a in arguments):
        raise Unprintable("complex numbers, whose rules are conjugated")
    out = op.reference(*arguments, **settings)
    if not isinstance(out, Symbol):
        raise Unprintable("several results")
    gradients: dict[int, Symbol] = {id(out): g}
    for made in reversed(order(out)):
        gradient = gradients.get(id(made))
        if gradient is None or made.made is None:
            continue
        inner, parts, given = made.made
        for i, part in enumerate(parts):
            share = of_part(inner, i, gradient, parts, given, made)
            if share is not None:
                before = gradients.get(id(part))
                gradients[id(part)] = share if before is None else before + share
    found = gradients.get(id(arguments[position]))
    return symbol(0) if found is None else found


def order(out: Symbol) -> list[Symbol]:
    """What the symbol was made of, each part before what was made of it."""
    found: dict[int, Symbol] = {}
    waiting = [(out, False)]
    while waiting:
        at, ready = waiting.pop()
        if ready:
            found[id(at)] = at
        elif id(at) not in found:
            waiting.append((at, True))
            waiting += [(part, False) for part in (at.made[1] if at.made else ())]
    return list(found.values())


def of_part(op: Op, i: int, g: Symbol, parts: tuple[Symbol, ...], settings: dict[str, Any], out: Symbol) -> Symbol | None:
    """What an operation's rule gives to its i-th argument, summed where that was broadcast."""
    if op.backward is not None and not any(op.rules):
        return through_reference(op, i, g, parts, settings)
    rule = op.rules[0 if op.variadic else i]
    if rule is None or parts[i].value is not None:
        return None
    known = {**op.settings, **settings, "out": out, "i": i}
    known |= {op.arguments[0]: parts} if op.variadic else dict(zip(op.arguments, parts, strict=True))
    shapes = {"shape": lambda: parts[i].shape, "shapes": lambda: tuple(part.shape for part in parts)}
    share = symbol(rule(g, *(shapes[name]() if name in shapes else known[name] for name in names_of(rule))))
    if share.known_shape is None or parts[i].known_shape is None:
        return share
    summed = total_to(share, parts[i].shape)
    return share if summed is share else answering(summed)
