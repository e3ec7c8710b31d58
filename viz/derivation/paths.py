"""The paths from an output to one of the values it was computed from: counted, listed, and factored where they part and meet.

Graphs here are made of `Use`s: an operation (`user`) uses a value (`used`). Nothing recurses over the graph, and the number of
paths is a whole number of any size.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

DEEP = 3  # brackets in brackets that are still read; above, values where paths meet get an equation of their own


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """One step of a path: from the result of an operation to one of its arguments."""

    user: str
    used: str
    place: int  # among the operation's arguments
    edge: Any = None  # whatever belongs to it


@dataclass(frozen=True, slots=True)
class Parallel:
    """Ways that part at one value and meet again at another: their derivatives add up."""

    ways: tuple[Chain, ...]


Chain: TypeAlias = tuple["Use | Parallel", ...]  # a product: one after the other
Equations: TypeAlias = list[tuple[str, list[tuple[str, Chain]]]]  # a value, and for each summand where it comes from and how


class Paths:
    """All paths from `root` to `goal`, given every use on one of them, the newest user first."""

    def __init__(self, uses: Sequence[Use], root: str, goal: str) -> None:
        self.uses, self.root, self.goal = uses, root, goal
        self.of: dict[str, list[Use]] = {}
        for use in uses:
            self.of.setdefault(use.user, []).append(use)
        self.steps: dict[str, int] = {goal: 0}  # of all paths from here together
        self.ways: dict[str, int] = {goal: 1}  # how many paths lead from here
        for user in reversed(self.of):
            self.ways[user] = sum(self.ways[use.used] for use in self.of[user])
            self.steps[user] = sum(self.steps[use.used] + self.ways[use.used] for use in self.of[user])

    @property
    def count(self) -> int:
        """How many there are."""
        return self.ways[self.root]

    @property
    def length(self) -> int:
        """How many steps they have, all together."""
        return self.steps[self.root]

    def listed(self) -> Iterator[tuple[Use, ...]]:
        """Each path by itself."""
        todo: list[tuple[str, Any]] = [(self.root, None)]  # a value, and the way to it: the last step, and the way before that
        while todo:
            at, trail = todo.pop()
            if at == self.goal:
                way = []
                while trail is not None:
                    step, trail = trail
                    way.append(step)
                yield tuple(way[::-1])
                continue
            todo.extend((use.used, (use, trail)) for use in reversed(self.of[at]))

    def equations(self, together: Collection[str] = ()) -> Equations:
        """The sum over all paths, factored.

        One equation for the goal, whose brackets are where paths part and meet, as long as these are not nested deeply; else
        one for each value where they meet too, in the order in which a backward pass comes by, and the goal's has a term for each use.
        Those in `together` are but other values side by side: terms start there, and these other values have equations.
        """
        users = {use.user for use in self.uses if use.used == self.goal}
        stay = {self.root, self.goal, *together, *(use.user for use in self.uses if use.used in together)}
        for kept in (set(), users, self._crossings() | users):
            left = _reduced(self.uses, kept | stay)
            if (kept or len(left) == 1) and all(way.depth <= DEEP for into in left.values() for way in into.values()):
                break
        place = {user: k for k, user in enumerate(self.of)} | {self.goal: len(self.of)}
        made: Equations = []
        for value in sorted(left.keys() - set(together), key=place.__getitem__):
            terms = []
            for user in sorted(left[value], key=place.__getitem__):
                chain = _flat(left[value][user])
                if len(chain) == 1 and isinstance(chain[0], Parallel):
                    terms += [(user, way) for way in chain[0].ways]
                else:
                    terms.append((user, chain))
            made.append((value, terms))
        return made

    def _crossings(self) -> set[str]:
        """The values where paths part or meet."""
        users: dict[str, int] = {}
        for use in self.uses:
            users[use.used] = users.get(use.used, 0) + 1
        return {value for value, n in users.items() if n > 1 or len(self.of.get(value, ())) > 1}


# ---------------------------------------------------------------------- series and parallel


@dataclass(frozen=True, slots=True, eq=False)
class _Series:
    """One after the other, by twos; `_flat` makes a chain of it."""

    first: _Way
    second: _Way
    depth: int


@dataclass(slots=True, eq=False)
class _Beside:
    """Side by side."""

    ways: list[_Way]
    depth: int


@dataclass(frozen=True, slots=True, eq=False)
class _One:
    use: Use
    depth: int = 0


_Way: TypeAlias = _One | _Series | _Beside


def _reduced(uses: Iterable[Use], kept: set[str]) -> dict[str, dict[str, _Way]]:
    """By value, by user: the way between them, after every value that has one way in and one way out is passed over, and ways
    between the same two are put side by side, again and again. Values in `kept` stay."""
    into: dict[str, dict[str, _Way]] = {}
    out: dict[str, dict[str, None]] = {}

    def add(user: str, used: str, way: _Way) -> None:
        ways = into.setdefault(used, {})
        if user in ways:
            beside = ways[user]
            if not isinstance(beside, _Beside):
                beside = ways[user] = _Beside([beside], beside.depth + 1)
            beside.ways.append(way)
            beside.depth = max(beside.depth, way.depth + 1)
        else:
            ways[user] = way
            out.setdefault(user, {})[used] = None

    for use in uses:
        add(use.user, use.used, _One(use))
    todo = [value for value in into if value not in kept]
    while todo:
        value = todo.pop()
        if len(into.get(value, ())) != 1 or len(out[value]) != 1:
            continue
        ((user, first),) = into.pop(value).items()
        (used,) = out.pop(value)
        second = into[used].pop(value)
        del out[user][value]
        add(user, used, _Series(first, second, max(first.depth, second.depth)))
        todo += [at for at in (user, used) if at not in kept]
    return {value: ways for value, ways in into.items() if ways}


def _flat(way: _Way) -> Chain:
    """The chain of a way; brackets inside are few in each other."""
    chain: list[Use | Parallel] = []
    todo = [way]
    while todo:
        at = todo.pop()
        if isinstance(at, _One):
            chain.append(at.use)
        elif isinstance(at, _Series):
            todo += [at.second, at.first]
        else:
            ways = sorted(map(_flat, at.ways), key=_first_place)
            chain.append(Parallel(tuple(ways)))
    return tuple(chain)


def _first_place(chain: Chain) -> int:
    first = chain[0]
    return first.place if isinstance(first, Use) else _first_place(first.ways[0])
