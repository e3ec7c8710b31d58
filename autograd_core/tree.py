"""Nested containers of tensors: what the transforms of functions take as arguments and give back."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any


def flatten(tree: Any) -> tuple[list[Any], Callable[[Any], Any]]:
    """The leaves of nested tuples, lists and dicts, and the function that puts others in their places."""
    leaves: list[Any] = []
    build = visit(tree, leaves)
    return leaves, lambda new: build(iter(new))


def visit(node: Any, leaves: list[Any]) -> Callable[[Any], Any]:
    """Add the leaves of a tree to those found so far; the function that builds it again from an iterator of others."""
    if isinstance(node, dict):
        parts = {key: visit(value, leaves) for key, value in node.items()}
        container: Any = OrderedDict if isinstance(node, OrderedDict) else dict
        return lambda new: container((key, build(new)) for key, build in parts.items())
    if isinstance(node, tuple | list):
        kind, members = type(node), [visit(value, leaves) for value in node]
        if hasattr(kind, "_fields"):  # a named tuple
            return lambda new: kind(*[build(new) for build in members])
        return lambda new: kind([build(new) for build in members])
    leaves.append(node)
    return next


def tree_map(function: Callable[[Any], Any], tree: Any) -> Any:
    """The tree with the function's results for its leaves."""
    leaves, build = flatten(tree)
    return build([function(leaf) for leaf in leaves])


def spread_over(prefix: Any, tree: Any, what: str) -> list[Any]:
    """One entry of `prefix` (a tree that may stop earlier) for each leaf of `tree`. Raises ValueError where they do not fit."""
    if isinstance(prefix, dict) and isinstance(tree, dict) and prefix.keys() == tree.keys():
        return [entry for key in tree for entry in spread_over(prefix[key], tree[key], what)]
    if isinstance(prefix, tuple | list) and isinstance(tree, tuple | list) and len(prefix) == len(tree):
        return [entry for p, t in zip(prefix, tree, strict=True) for entry in spread_over(p, t, what)]
    if isinstance(prefix, tuple | list | dict):
        raise ValueError(f"{what}: {prefix!r} does not fit the structure of what it is for")
    return [prefix] * len(flatten(tree)[0])


def leaves_as_in(tree: Any, model: Any, what: str) -> list[Any]:
    """The leaves of a tree, in the order of those of `model`. Raises RuntimeError unless its structure is the same."""
    if isinstance(tree, dict) and isinstance(model, dict) and tree.keys() == model.keys():
        return [leaf for key in model for leaf in leaves_as_in(tree[key], model[key], what)]
    if isinstance(tree, tuple | list) and isinstance(model, tuple | list) and len(tree) == len(model):
        return [leaf for t, m in zip(tree, model, strict=True) for leaf in leaves_as_in(t, m, what)]
    if isinstance(tree, dict | tuple | list) or isinstance(model, dict | tuple | list):
        raise RuntimeError(f"{what}: a {type(tree).__name__} does not fit the {type(model).__name__} that it is for, or has other members")
    return [tree]
