"""The sets that parameters and values lie in: `constraint.check(value)` says of each event whether it is inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..tensor import Tensor


class Constraint:
    """A set of numbers, or of vectors where `event_dim` is 1: `inside(x)` is a boolean tensor without the event's dimensions."""

    def __init__(self, name: str, inside: Callable[[Any], Any], *, is_discrete: bool = False, event_dim: int = 0, **bounds: Any):
        self.name = name
        self.inside = inside
        self.is_discrete = is_discrete
        self.event_dim = event_dim
        self.bounds = bounds

    def check(self, value: Tensor) -> Tensor:
        return self.inside(value)

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{name}={value}' for name, value in self.bounds.items())})"


def greater_than(lower_bound: Any) -> Constraint:
    return Constraint("GreaterThan", lambda x: x > lower_bound, lower_bound=lower_bound)


def greater_than_eq(lower_bound: Any) -> Constraint:
    return Constraint("GreaterThanEq", lambda x: x >= lower_bound, lower_bound=lower_bound)


def less_than(upper_bound: Any) -> Constraint:
    return Constraint("LessThan", lambda x: x < upper_bound, upper_bound=upper_bound)


def interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """Both bounds included."""
    return Constraint("Interval", lambda x: (x >= lower_bound) & (x <= upper_bound), lower_bound=lower_bound, upper_bound=upper_bound)


def half_open_interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """The lower bound included, the upper not."""
    return Constraint(
        "HalfOpenInterval", lambda x: (x >= lower_bound) & (x < upper_bound), lower_bound=lower_bound, upper_bound=upper_bound
    )


def integer_interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """The integers between two bounds, both included."""
    return Constraint(
        "IntegerInterval",
        lambda x: (x % 1 == 0) & (x >= lower_bound) & (x <= upper_bound),
        is_discrete=True,
        lower_bound=lower_bound,
        upper_bound=upper_bound,
    )


def integer_from(lower_bound: Any) -> Constraint:
    return Constraint("IntegerGreaterThan", lambda x: (x % 1 == 0) & (x >= lower_bound), is_discrete=True, lower_bound=lower_bound)


boolean = Constraint("Boolean", lambda x: (x == 0) | (x == 1), is_discrete=True)
real = Constraint("Real", lambda x: x == x)  # all but NaN
real_vector = Constraint("RealVector", lambda x: (x == x).all(-1), event_dim=1)
simplex = Constraint("Simplex", lambda x: (x >= 0).all(-1) & ((x.sum(-1) - 1).abs() < 1e-6), event_dim=1)
one_hot = Constraint("OneHot", lambda x: ((x == 0) | (x == 1)).all(-1) & (x.sum(-1) == 1), is_discrete=True, event_dim=1)
positive, nonnegative = greater_than(0.0), greater_than_eq(0.0)
nonnegative_integer, positive_integer = integer_from(0), integer_from(1)
unit_interval = interval(0.0, 1.0)


def independent(base_constraint: Constraint, reinterpreted_batch_ndims: int) -> Constraint:
    """The base constraint holding for all entries of the last dimensions together."""
    more = reinterpreted_batch_ndims

    def inside(value: Tensor) -> Tensor:
        each = base_constraint.check(value)
        if each.ndim < more:
            raise ValueError(f"independent: a value needs {more} dimensions more than its batch, got shape {tuple(value.shape)}")
        return each.reshape((*each.shape[: each.ndim - more], -1)).all(-1) if more else each

    return Constraint(
        "Independent",
        inside,
        is_discrete=base_constraint.is_discrete,
        event_dim=base_constraint.event_dim + more,
        base_constraint=base_constraint,
        reinterpreted_batch_ndims=more,
    )
