"""Rows of what reads and writes at indices."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.ops import index
from tests.rows.base import INDEX, MASK, Row, apart, both, like

rows: list[Row] = []

rows += [
    *[
        Row(
            f"index.getitem {label}",
            lambda x, i=place: x[tuple(ag.tensor(p) if isinstance(p, np.ndarray) else p for p in i) if isinstance(i, tuple) else i],
            both(apart(3, 4)),
            lambda x, i=place: x[i],
            lambda torch, x, i=place: x[
                tuple(torch.tensor(p) if isinstance(p, np.ndarray) else p for p in i) if isinstance(i, tuple) else i
            ],
        )
        for label, place in {
            "row": 1,
            "element": (1, 2),
            "slice": (slice(1, None), slice(None, None, 2)),
            "new axis": (slice(None), None),
            "ellipsis": (..., 1),
            "array": (np.array([2, 0, 2]),),
            "arrays": (np.array([2, 0, 2]), np.array([1, 1, 1])),
            "array and slice": (slice(None), np.array([3, 3, 0])),
            "mask": (MASK,),
            "list": [0, 2],
        }.items()
    ],
    Row(
        "index.put",
        lambda x: index.put(x, index=np.array([2, 0, 2]), shape=(4,)),
        both(apart(3)),
        lambda x: np.array([x[1], 0, x[0] + x[2], 0]),
        lambda torch, x: torch.zeros(4, dtype=x.dtype).index_put((torch.tensor([2, 0, 2]),), x, accumulate=True),
    ),
    Row(
        "index.put slice",
        lambda x: index.put(x, index=slice(1, None), shape=(4,)),
        both(apart(3)),
        lambda x: np.append(0, x),
        lambda torch, x: torch.nn.functional.pad(x, (1, 0)),
    ),
    Row(
        "index.gather",
        lambda x: x.gather(0, like(INDEX, x)),
        both(apart(3, 4)),
        lambda x: np.take_along_axis(x, INDEX, 0),
        lambda torch, x: x.gather(0, like(INDEX, x)),
    ),
    Row(
        "index.gather smaller index",
        lambda x: x.gather(1, like(INDEX[:, :3], x)),
        both(apart(3, 4)),
        lambda x: np.take_along_axis(x[:2], INDEX[:, :3], 1),
        lambda torch, x: x.gather(1, like(INDEX[:, :3], x)),
    ),
    Row(
        "index.scatter_add",
        lambda x: index.scatter_add(x, INDEX, axis=0, shape=(3, 4)),
        both(apart(2, 4)),
        lambda x: np.stack([np.where(k == INDEX, x, 0).sum(0) for k in range(3)]),
        lambda torch, x: torch.zeros(3, 4, dtype=x.dtype).scatter_add(0, torch.tensor(INDEX), x),
    ),
    *[
        Row(
            f"index.overwrite {label}",
            lambda x, v, i=place: index.overwrite(x, v, index=i),
            both(apart(3, 4), apart(*value)),
            lambda x, v, i=place: overwritten(x, v, i),
            lambda torch, x, v, i=place: torch.index_put(x, (torch.tensor(i),), v) if isinstance(i, np.ndarray) else overwritten(x, v, i),
        )
        for label, place, value in (
            ("row", 1, (4,)),
            ("broadcast", slice(1, None), (4,)),
            ("column", (..., 2), (3,)),
            ("scalar", (1, 2), ()),
            ("mask", MASK, (6,)),
            ("array", np.array([2, 0]), (2, 4)),
        )
    ],
    *[
        Row(
            f"index.overwrite {label}",
            lambda x, v, i=place: index.overwrite(x, v, index=i),
            both(apart(3, 4), apart(*value)),
            lambda x, v, i=place: overwritten(x, v, i),
        )
        for label, place, value in (
            ("repeated", np.array([2, 0, 2]), (3, 4)),
            ("repeated, broadcast", (np.array([2, 0, 2]), np.array([1, 1, 1])), (1,)),
        )
    ],
    Row(
        "index.put_back",
        lambda x: index.put_back(x, index=(slice(None), 1)),
        both(apart(3, 4)),
        lambda x: x * [1, 0, 1, 1],
        lambda torch, x: x * torch.tensor([1, 0, 1, 1]),
    ),
]


REPEATED = np.array([2, 0, 2])
PLACES = np.array([[0, 2, 1, 0], [1, 1, 2, 2]])  # along axis 0 no place twice in one column


def reduced(x: Any, v: Any, function: Any) -> Any:
    """function.at along axis 0."""
    whole = x.copy()
    function.at(whole, (INDEX, np.arange(4)), v)
    return whole


rows += [
    Row(
        "index.index_select",
        lambda x: x.index_select(1, like(REPEATED, x)),
        both(apart(3, 4)),
        lambda x: x[:, REPEATED],
        lambda torch, x: x.index_select(1, like(REPEATED, x)),
    ),
    Row(
        "index.index_select matrix",
        lambda x: index.index_select(x, INDEX, axis=0),
        both(apart(3, 4)),
        lambda x: x[INDEX],
        lambda torch, x: x[like(INDEX, x)],
    ),
    Row(
        "index.index_add",
        lambda x: index.index_add(x, REPEATED, axis=0, shape=(4, 2)),
        both(apart(3, 2)),
        lambda x: np.stack([x[1], 0 * x[1], x[0] + x[2], 0 * x[1]]),
        lambda torch, x: torch.zeros(4, 2, dtype=x.dtype).index_add(0, like(REPEATED, x), x),
    ),
    Row(
        "index.index_add wide rows",
        lambda x: index.index_add(x, np.array([2, 0, 2, 2, 2, 2, 2, 0]), axis=1, shape=(2, 3, 20)),
        both(apart(2, 8, 20)),
        lambda x: np.stack([x[:, 1] + x[:, 7], 0 * x[:, 0], x[:, 0] + x[:, 2:7].sum(1)], 1),
        lambda torch, x: torch.zeros(2, 3, 20, dtype=x.dtype).index_add(1, torch.tensor([2, 0, 2, 2, 2, 2, 2, 0]), x),
    ),
    Row(
        "index.index_add function",
        lambda x, v: x.index_add(1, like(REPEATED, x), v, alpha=0.5),
        both(apart(2, 3), apart(2, 3)),
        None,
        lambda torch, x, v: x.index_add(1, like(REPEATED, x), v, alpha=0.5),
    ),
    Row(
        "index.scatter",
        lambda x, v: x.scatter(0, like(PLACES, x), v),
        both(apart(3, 4), apart(2, 4)),
        lambda x, v: np.stack([np.where(PLACES[1] == k, v[1], np.where(PLACES[0] == k, v[0], x[k])) for k in range(3)]),
        lambda torch, x, v: x.scatter(0, like(PLACES, x), v),
    ),
    Row("index.scatter repeated", lambda x, v: x.scatter(0, like(INDEX[::-1].copy() * 0, x), v), both(apart(3, 4), apart(2, 4)), None),
    Row(
        "index.last_at",
        lambda x: index.last_at(ag.tensor(PLACES * 0), axis=0, shape=(3, 4)),
        both(apart(3, 4)),
        lambda x: np.array([[False] * 4, [True] * 4]),
        orders=0,
        floats=(),
    ),
    Row(
        "index.overwritten",
        lambda x, v: written(x, v),
        both(apart(3, 4), apart(2, 4)),
        lambda x, v: np.stack([v[1], x[1], v[0]]),
        lambda torch, x, v: written(x, v),
    ),
    Row(
        "index.scatter_prod",
        lambda x, v: x.scatter_reduce(0, like(INDEX, x), v, "prod"),
        both(apart(3, 4), apart(2, 4)),
        lambda x, v: reduced(x, v, np.multiply),
        lambda torch, x, v: x.scatter_reduce(0, like(INDEX, x), v, "prod"),
    ),
    *[
        Row(
            f"index.scatter_extreme {name}{'' if own else ' without self'}",
            lambda x, v, name=name, own=own: x.scatter_reduce(0, like(INDEX, x), v, name, include_self=own),
            both(apart(3, 4), apart(2, 4, gap=0.41)),
            (lambda x, v, f=function: reduced(x, v, f)) if own else None,
            lambda torch, x, v, name=name, own=own: x.scatter_reduce(0, like(INDEX, x), v, name, include_self=own),
        )
        for name, function in (("amax", np.maximum), ("amin", np.minimum))
        for own in (True, False)
    ],
    *[
        Row(
            f"index.scatter_add {name}{'' if own else ' without self'}",
            lambda x, v, name=name, own=own: x.scatter_reduce(0, like(INDEX, x), v, name, include_self=own),
            both(apart(3, 4), apart(2, 4)),
            None,
            lambda torch, x, v, name=name, own=own: x.scatter_reduce(0, like(INDEX, x), v, name, include_self=own),
        )
        for name in ("sum", "mean")
        for own in (True, False)
    ],
]


def written(x: Any, v: Any) -> Any:
    whole = x * 1
    whole[[2, 0]] = v
    return whole


def overwritten(x: Any, value: Any, index: Any) -> Any:
    whole = x.copy() if isinstance(x, np.ndarray) else x.clone()
    whole[index] = value
    return whole
