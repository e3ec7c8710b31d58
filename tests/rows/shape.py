"""Rows of what rearranges, joins, cuts and indexes."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.ops import shape
from tests.rows.base import INDEX, MASK, Row, apart, both, like

rows: list[Row] = []

rows += [
    Row("shape.reshape", lambda x: x.reshape(3, -1), both(apart(2, 3, 2)), lambda x: x.reshape(3, -1), lambda torch, x: x.reshape(3, -1)),
    Row(
        "shape.transpose",
        lambda x: x.permute(2, 0, 1),
        both(apart(2, 3, 2)),
        lambda x: x.transpose(2, 0, 1),
        lambda torch, x: x.permute(2, 0, 1),
    ),
    Row("shape.mT", lambda x: x.mT, both(apart(2, 3, 2)), lambda x: np.swapaxes(x, -1, -2), lambda torch, x: x.mT),
    Row("shape.expand_dims", lambda x: x.unsqueeze(1), both(apart(3, 4)), lambda x: x[:, None], lambda torch, x: x.unsqueeze(1)),
    Row("shape.squeeze", lambda x: x.squeeze(1), both(apart(3, 1, 2)), lambda x: x[:, 0], lambda torch, x: x.squeeze(1)),
    Row("shape.squeeze all", lambda x: x.squeeze(), both(apart(1, 3, 1)), np.squeeze, lambda torch, x: x.squeeze()),
    Row(
        "shape.broadcast_to",
        lambda x: x.expand(2, 3, 4),
        both(apart(3, 1)),
        lambda x: np.broadcast_to(x, (2, 3, 4)),
        lambda torch, x: x.expand(2, 3, 4),
    ),
    Row(
        "shape.repeat_to",
        lambda x: shape.repeat_to(x, target=(2, 3, 4)),
        both(apart(3, 1)),
        lambda x: np.broadcast_to(x, (2, 3, 4)),
        lambda torch, x: x.expand(2, 3, 4),
    ),
    Row(
        "shape.sum_to",
        lambda x: x.sum_to_size(3, 1),
        both(apart(2, 3, 2)),
        lambda x: x.sum((0, 2))[:, None],
        lambda torch, x: x.sum_to_size(3, 1),
    ),
    Row("shape.flip", lambda x: x.flip(0, 2), both(apart(2, 3, 2)), lambda x: np.flip(x, (0, 2)), lambda torch, x: x.flip(0, 2)),
    Row(
        "shape.roll",
        lambda x: ag.roll(x, (1, -1), (0, 1)),
        both(apart(3, 4)),
        lambda x: np.roll(x, (1, -1), (0, 1)),
        lambda t, x: t.roll(x, (1, -1), (0, 1)),
    ),
    Row("shape.roll flat", lambda x: ag.roll(x, 2), both(apart(3, 4)), lambda x: np.roll(x, 2), lambda torch, x: torch.roll(x, 2)),
    Row(
        "shape.concat",
        lambda a, b: ag.cat([a, b, a], -1),
        both(apart(3, 2), apart(3, 1)),
        lambda a, b: np.concatenate([a, b, a], -1),
        lambda torch, a, b: torch.cat([a, b, a], -1),
    ),
    Row(
        "shape.concat stack",
        lambda a, b: ag.stack([a, b], 1),
        both(apart(3, 2), apart(3, 2)),
        lambda a, b: np.stack([a, b], 1),
        lambda t, a, b: t.stack([a, b], 1),
    ),
    Row("shape.crop", lambda x: x.narrow(1, 1, 2), both(apart(3, 4)), lambda x: x[:, 1:3], lambda torch, x: x.narrow(1, 1, 2)),
    Row(
        "shape.embed",
        lambda x: shape.embed(x, axis=1, start=1, length=6),
        both(apart(3, 4)),
        lambda x: np.pad(x, ((0, 0), (1, 1))),
        lambda torch, x: torch.nn.functional.pad(x, (1, 1)),
    ),
    Row(
        "shape.pad",
        lambda x: shape.pad(x, widths=((0, 1), (2, 0)), value=1.5),
        both(apart(3, 4)),
        lambda x: np.pad(x, ((0, 1), (2, 0)), constant_values=1.5),
        lambda torch, x: torch.nn.functional.pad(x, (2, 0, 0, 1), value=1.5),
    ),
    Row("shape.tril", lambda x: x.tril(1), both(apart(2, 3, 3)), lambda x: np.tril(x, 1), lambda torch, x: x.tril(1)),
    Row("shape.triu", lambda x: x.triu(-1), both(apart(2, 3, 3)), lambda x: np.triu(x, -1), lambda torch, x: x.triu(-1)),
    Row(
        "shape.diagonal",
        lambda x: x.diagonal(1, 0, 2),
        both(apart(3, 2, 4)),
        lambda x: np.diagonal(x, 1, 0, 2),
        lambda torch, x: x.diagonal(1, 0, 2),
    ),
    Row(
        "shape.diagonal_embed",
        lambda x: shape.diagonal_embed(x, shape=(3, 4), offset=1),
        both(apart(3)),
        lambda x: np.eye(3, 4, 1) * np.append(0, x),
        lambda torch, x: torch.diag_embed(x, 1)[:3],
    ),
    Row(
        "shape.astype",
        lambda x: (x.double() * 2).to(x.dtype),
        both(apart(3, 4)),
        lambda x: x * 2,
        lambda torch, x: (x.double() * 2).to(x.dtype),
    ),
    Row("shape.clone", ag.clone, both(apart(3, 4)), np.copy, lambda torch, x: x.clone(), integers=True, pointwise=True),
    Row("shape.alias", shape.alias, both(apart(3, 4)), np.copy, lambda torch, x: x.view_as(x), pointwise=True),
    *[
        Row(
            f"shape.getitem {label}",
            lambda x, i=index: x[tuple(ag.tensor(p) if isinstance(p, np.ndarray) else p for p in i) if isinstance(i, tuple) else i],
            both(apart(3, 4)),
            lambda x, i=index: x[i],
            lambda torch, x, i=index: x[
                tuple(torch.tensor(p) if isinstance(p, np.ndarray) else p for p in i) if isinstance(i, tuple) else i
            ],
        )
        for label, index in {
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
        "shape.put",
        lambda x: shape.put(x, index=np.array([2, 0, 2]), shape=(4,)),
        both(apart(3)),
        lambda x: np.array([x[1], 0, x[0] + x[2], 0]),
        lambda torch, x: torch.zeros(4, dtype=x.dtype).index_put((torch.tensor([2, 0, 2]),), x, accumulate=True),
    ),
    Row(
        "shape.put slice",
        lambda x: shape.put(x, index=slice(1, None), shape=(4,)),
        both(apart(3)),
        lambda x: np.append(0, x),
        lambda torch, x: torch.nn.functional.pad(x, (1, 0)),
    ),
    Row(
        "shape.gather",
        lambda x: x.gather(0, like(INDEX, x)),
        both(apart(3, 4)),
        lambda x: np.take_along_axis(x, INDEX, 0),
        lambda torch, x: x.gather(0, like(INDEX, x)),
    ),
    Row(
        "shape.gather smaller index",
        lambda x: x.gather(1, like(INDEX[:, :3], x)),
        both(apart(3, 4)),
        lambda x: np.take_along_axis(x[:2], INDEX[:, :3], 1),
        lambda torch, x: x.gather(1, like(INDEX[:, :3], x)),
    ),
    Row(
        "shape.scatter_add",
        lambda x: shape.scatter_add(x, index=INDEX, axis=0, shape=(3, 4)),
        both(apart(2, 4)),
        lambda x: np.stack([np.where(k == INDEX, x, 0).sum(0) for k in range(3)]),
        lambda torch, x: torch.zeros(3, 4, dtype=x.dtype).scatter_add(0, torch.tensor(INDEX), x),
    ),
    *[
        Row(
            f"shape.overwrite {label}",
            lambda x, v, i=index: shape.overwrite(x, v, index=i),
            both(apart(3, 4), apart(*value)),
            lambda x, v, i=index: overwritten(x, v, i),
            lambda torch, x, v, i=index: torch.index_put(x, (torch.tensor(i),), v) if isinstance(i, np.ndarray) else overwritten(x, v, i),
        )
        for label, index, value in (
            ("row", 1, (4,)),
            ("broadcast", slice(1, None), (4,)),
            ("column", (..., 2), (3,)),
            ("scalar", (1, 2), ()),
            ("mask", MASK, (6,)),
            ("array", np.array([2, 0]), (2, 4)),
        )
    ],
    Row(
        "shape.put_back",
        lambda x: shape.put_back(x, index=(slice(None), 1)),
        both(apart(3, 4)),
        lambda x: x * [1, 0, 1, 1],
        lambda torch, x: x * torch.tensor([1, 0, 1, 1]),
    ),
]


def overwritten(x: Any, value: Any, index: Any) -> Any:
    whole = x.copy() if isinstance(x, np.ndarray) else x.clone()
    whole[index] = value
    return whole
