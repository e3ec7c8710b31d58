"""Rows of what rearranges, joins, cuts and indexes."""

from __future__ import annotations

import numpy as np

import autograd_core as ag
from autograd_core.ops import shape
from tests.rows.base import Row, apart, both

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
    Row(
        "shape.contiguous", lambda x: x.mT.contiguous(), both(apart(3, 4)), lambda x: x.T, lambda torch, x: x.mT.contiguous(), integers=True
    ),
    Row("shape.alias", shape.alias, both(apart(3, 4)), np.copy, lambda torch, x: x.view_as(x), pointwise=True),
    Row(
        "shape.windows",
        lambda x: x.unfold(1, 3, 2),
        both(apart(2, 7)),
        lambda x: np.lib.stride_tricks.sliding_window_view(x, 3, 1)[:, ::2],
        lambda torch, x: x.unfold(1, 3, 2),
    ),
    Row(
        "shape.windows apart",
        lambda x: x.unfold(0, 2, 3),
        both(apart(7, 2)),
        lambda x: np.stack([x[0:2], x[3:5]]).swapaxes(1, 2),
        lambda torch, x: x.unfold(0, 2, 3),
    ),
    Row(
        "shape.overlap_add",
        lambda x: shape.overlap_add(x, axis=0, length=7, step=2),
        both(apart(3, 2, 3)),
        lambda x: sum(np.eye(7, 3, -2 * k) @ x[k].T for k in range(3)),
        lambda torch, x: torch.nn.functional.fold(x.permute(1, 2, 0), (1, 7), (1, 3), stride=(1, 2)).reshape(2, 7).T,
    ),
    Row(
        "shape.overlap_add few windows",
        lambda x: shape.overlap_add(x, axis=1, length=6, step=1),
        both(apart(2, 2, 5)),
        lambda x: np.pad(x[:, 0], ((0, 0), (0, 1))) + np.pad(x[:, 1], ((0, 0), (1, 0))),
    ),
    Row(
        "shape.strided",
        lambda x: x.contiguous().as_strided((2, 3), (1, 2), 1),
        both(apart(3, 4)),
        lambda x: x.ravel()[[[1, 3, 5], [2, 4, 6]]],
        lambda torch, x: x.as_strided((2, 3), (1, 2), 1),
    ),
    Row(
        "shape.strided overlapping",
        lambda x: x.contiguous().as_strided((2, 3), (0, 1)),
        both(apart(3, 4)),
        lambda x: np.stack([x[0, :3]] * 2),
        lambda torch, x: x.as_strided((2, 3), (0, 1)),
    ),
    *[
        Row(
            f"{op} {label}",
            lambda x, f=function: f(ag, x),
            both(apart(2, 3, 2)),
            None,
            lambda torch, x, f=function: f(torch, x),
        )
        for op, label, function in (
            ("shape.reshape", "unflatten", lambda library, x: x.unflatten(1, (3, -1))),
            ("shape.reshape", "ravel", lambda library, x: x.ravel()),
            ("shape.transpose", "movedim", lambda library, x: x.movedim((0, 1), (2, 0))),
            ("shape.transpose", "rot90", lambda library, x: x.rot90(1, (0, 2))),
            ("shape.flip", "fliplr", lambda library, x: x.fliplr()),
            ("shape.broadcast_to", "repeat", lambda library, x: x.repeat(2, 1, 3)),
            ("shape.broadcast_to", "tile", lambda library, x: x.tile((2, 3))),
            ("shape.broadcast_to", "repeat_interleave", lambda library, x: x.repeat_interleave(2, 1)),
            ("index.index_select", "repeat_interleave", lambda library, x: x.repeat_interleave(library.tensor([2, 0, 1]), 1)),
            ("index.index_select", "combinations", lambda library, x: library.combinations(x.reshape(-1), 3)),
            ("shape.crop", "tensor_split", lambda library, x: library.cat(x.tensor_split((1, 2), 1)[::-1], 1)),
            ("shape.crop", "chunk", lambda library, x: library.cat(x.chunk(2, 1)[::-1], 1)),
            ("shape.concat", "dstack", lambda library, x: library.dstack([x[0], x[1]])),
            ("shape.concat", "column_stack", lambda library, x: library.column_stack([x[0, :, 0], x[1]])),
            ("shape.embed", "block_diag", lambda library, x: library.block_diag(x[0], x[1, 0], x[0, 0, 0])),
            ("shape.concat", "cartesian_prod", lambda library, x: library.cartesian_prod(x[0, 0], x[1, :, 0])),
            ("shape.diagonal", "diag", lambda library, x: x[0].diag(-1)),
            ("shape.diagonal_embed", "diag", lambda library, x: x[0, :, 0].diag(2)),
            ("shape.diagonal_embed", "dims", lambda library, x: x.diag_embed(-1, 0, -2)),
            ("shape.diagonal_embed", "diagflat", lambda library, x: library.diagflat(x, 1)),
            ("index.overwrite", "diagonal_scatter", lambda library, x: x.diagonal_scatter(x[:, 0, :1] * 2, -1, 2, 1)),
            ("index.overwrite", "select_scatter", lambda library, x: x.select_scatter(x[:, 1] * 2, 1, -1)),
            ("index.overwrite", "slice_scatter", lambda library, x: x.slice_scatter(x[:, :2] * 2, 1, 0, None, 2)),
            ("index.gather", "take", lambda library, x: x.take(library.tensor([[0, -1, 3], [3, 3, 5]]))),
            ("index.gather", "take_along_dim", lambda library, x: x.take_along_dim(library.tensor([[[1, 0]], [[2, 2]]]), 1)),
            ("index.scatter", "put", lambda library, x: x.put(library.tensor([0, -1, 3]), x[0, :, 0] * 2)),
            ("index.scatter_add", "put", lambda library, x: x.put(library.tensor([0, -1, 0]), x[0, :, 0] * 2, accumulate=True)),
            ("index.scatter", "index_copy", lambda library, x: x.index_copy(1, library.tensor([2, 0]), x[:, :2] * 2)),
            ("index.put", "index_put", lambda library, x: x.index_put((library.tensor([0, 0]),), x[0] * 2, accumulate=True)),
            ("index.index_select", "masked_scatter", lambda library, x: x.masked_scatter(x > 0, x * 2)),
        )
    ],
]
