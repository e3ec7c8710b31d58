"""Rows of windows over the last axes, and of borders: references go window by window, entry by entry."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.ops import border, pool
from autograd_core.ops.pool import Adaptive, Window
from tests.rows.base import Row, apart, both

rows: list[Row] = []

CASES: dict[str, tuple[tuple[int, ...], Any]] = {  # the shape, and the windows over its last axes
    "apart": ((2, 5, 6), (Window(2, 2, 0, 1, 2), Window(2, 3, 0, 1, 2))),
    "overlapping": ((2, 4, 5), (Window(3, 1, 1, 1, 4), Window(3, 2, 1, 1, 3))),
    "dilated": ((2, 7), (Window(2, 1, 1, 2, 7),)),
    "beyond the end": ((5, 4), (Window(2, 2, 0, 1, 3), Window(3, 2, 0, 1, 2))),
    "three axes": ((2, 4, 2, 4), (Window(2, 2, 0, 1, 2), Window(2, 1, 1, 1, 3), Window(2, 2, 0, 1, 2))),
}
ADAPTIVE: dict[str, tuple[tuple[int, ...], Any]] = {"adaptive": ((2, 5, 7), (Adaptive(3), Adaptive(4)))}


def bounds(window: Any, i: int, n: int) -> list[int]:
    """The places of window i on an axis of length n."""
    if isinstance(window, Adaptive):
        return list(range(i * n // window.number, -(-(i + 1) * n // window.number)))
    places = range(i * window.step - window.padding, i * window.step - window.padding + window.reach, window.dilation)
    return [p for p in places if 0 <= p < n]


def each(shape: tuple[int, ...], windows: Any) -> Any:
    """(the number of a window, the places of its entries in the last axes)."""
    sizes = shape[len(shape) - len(windows) :]
    for numbers in product(*[range(w.number) for w in windows]):
        yield numbers, list(product(*[bounds(w, i, n) for w, i, n in zip(windows, numbers, sizes, strict=True)]))


def counts(windows: Any) -> tuple[int, ...]:
    return tuple(w.number for w in windows)


def largest_of(x: np.ndarray, windows: Any) -> np.ndarray:
    out = np.empty((*x.shape[: x.ndim - len(windows)], *counts(windows)), x.dtype)
    for numbers, places in each(x.shape, windows):
        out[(..., *numbers)] = np.max([x[(..., *p)] for p in places], axis=0)
    return out


def places_of(x: np.ndarray, windows: Any) -> np.ndarray:
    sizes = x.shape[x.ndim - len(windows) :]
    out = np.empty((*x.shape[: x.ndim - len(windows)], *counts(windows)), np.int64)
    for numbers, places in each(x.shape, windows):
        first = np.argmax([x[(..., *p)] for p in places], axis=0)
        out[(..., *numbers)] = np.array([np.ravel_multi_index(p, sizes) for p in places])[first]
    return out


def taken(v: np.ndarray, x: np.ndarray, windows: Any) -> np.ndarray:
    places = places_of(x, windows)
    lead = x.shape[: x.ndim - len(windows)]
    return np.take_along_axis(v.reshape(*lead, -1), places.reshape(*lead, -1), -1).reshape(places.shape)


def put(v: np.ndarray, x: np.ndarray, windows: Any) -> np.ndarray:
    lead = x.shape[: x.ndim - len(windows)]
    whole = np.zeros((int(np.prod(lead)), x[(0,) * len(lead)].size))
    for row, where, values in zip(whole, places_of(x, windows).reshape(len(whole), -1), v.reshape(len(whole), -1), strict=True):
        np.add.at(row, where, values)
    return whole.reshape(x.shape)


def matrix(shape: tuple[int, ...], windows: Any, divisor: Any) -> np.ndarray:
    """The means of windows as a matrix: a row for each window, a column for each entry of the last axes."""
    sizes = shape[len(shape) - len(windows) :]
    found = []
    for numbers, places in each(shape, windows):
        row = np.zeros(sizes)
        padded = [min(i * w.step + w.size, n + 2 * w.padding) - i * w.step for w, i, n in zip(windows, numbers, sizes, strict=True)]
        by = {"inside": len(places), "padded": np.prod(padded)}.get(divisor, divisor)
        for p in places:
            row[p] = 1 / by
        found.append(row.ravel())
    return np.array(found)


def means(x: np.ndarray, windows: Any, divisor: Any) -> np.ndarray:
    lead = x.shape[: x.ndim - len(windows)]
    return (x.reshape(*lead, -1) @ matrix(x.shape, windows, divisor).T).reshape(*lead, *counts(windows))


def columns_of(x: np.ndarray, windows: Any) -> np.ndarray:
    sizes = x.shape[x.ndim - len(windows) :]
    out = np.zeros((*x.shape[: x.ndim - len(windows)], *[w.size for w in windows], *counts(windows)))
    for numbers in product(*[range(w.number) for w in windows]):
        for which in product(*[range(w.size) for w in windows]):
            place = tuple(i * w.step - w.padding + k * w.dilation for w, i, k in zip(windows, numbers, which, strict=True))
            if all(0 <= p < n for p, n in zip(place, sizes, strict=True)):
                out[(..., *which, *numbers)] = x[(..., *place)]
    return out


def of_torch(torch: Any, kind: str, x: Any, windows: Any, **settings: Any) -> Any:
    """PyTorch's pooling; the windows beyond the end are those of `ceil_mode`."""
    dims = len(windows)
    sizes, lead = x.shape[-dims:], x.shape[:-dims]
    batch = x.reshape(1, -1, *sizes)
    given = [tuple(getattr(w, name) for w in windows) for name in ("size", "step", "padding")]
    more = {"dilation": tuple(w.dilation for w in windows)} if kind == "max" else {}
    ceil = any(w.number > (n + 2 * w.padding - w.reach) // w.step + 1 for w, n in zip(windows, sizes, strict=True))
    out = getattr(torch.nn.functional, f"{kind}_pool{dims}d")(batch, *given, ceil_mode=ceil, **more, **settings)
    parts = out if isinstance(out, tuple) else (out,)
    return tuple(p.reshape(*lead, *p.shape[2:]) for p in parts) if isinstance(out, tuple) else out.reshape(*lead, *out.shape[2:])


for name, (shape, windows) in {**CASES, **ADAPTIVE}.items():
    given = apart(*shape)(np.random.default_rng(7))
    tops = largest_of(given, windows)
    known = name in CASES
    rows += [
        Row(
            f"pool.max_pool {name}",
            lambda x, w=windows: pool.max_pool(x, windows=w),
            both(apart(*shape)),
            lambda x, w=windows: largest_of(x, w),
            (lambda torch, x, w=windows: of_torch(torch, "max", x, w)) if known else None,
        ),
        Row(
            f"pool.largest_places {name}",
            lambda x, w=windows: pool.largest_places(x, pool.max_pool(x, windows=w), windows=w),
            both(apart(*shape)),
            lambda x, w=windows: places_of(x, w),
            (lambda torch, x, w=windows: of_torch(torch, "max", x, w, return_indices=True)[1]) if known else None,
            0,
        ),
        Row(
            f"pool.into_largest {name}",
            lambda v, x=given, top=tops, w=windows: pool.into_largest(v, ag.tensor(x), ag.tensor(top), windows=w),
            both(apart(*tops.shape)),
            lambda v, x=given, w=windows: put(v, x, w),
        ),
        Row(
            f"pool.from_largest {name}",
            lambda v, x=given, top=tops, w=windows: pool.from_largest(v, ag.tensor(x), ag.tensor(top), windows=w),
            both(apart(*shape)),
            lambda v, x=given, w=windows: taken(v, x, w),
        ),
    ]

for name, (shape, windows) in CASES.items():
    sizes = shape[len(shape) - len(windows) :]
    if name != "dilated":
        for divisor in ("inside", "padded", 3):
            if divisor == 3 and len(windows) < 2:
                continue
            many = (*shape[: len(shape) - len(windows)], *counts(windows))
            settings = {"count_include_pad": divisor != "inside", **({"divisor_override": 3} if divisor == 3 else {})}
            rows += [
                Row(
                    f"pool.mean_pool {name} {divisor}",
                    lambda x, w=windows, d=divisor: pool.mean_pool(x, windows=w, divisor=d),
                    both(apart(*shape)),
                    lambda x, w=windows, d=divisor: means(x, w, d),
                    lambda torch, x, w=windows, s=settings: of_torch(torch, "avg", x, w, **s),
                ),
                Row(
                    f"pool.spread {name} {divisor}",
                    lambda x, w=windows, d=divisor, n=sizes: pool.spread(x, windows=w, divisor=d, sizes=n),
                    both(apart(*many)),
                    lambda x, w=windows, d=divisor, n=sizes, s=shape: (x.reshape(-1, int(np.prod(counts(w)))) @ matrix(s, w, d)).reshape(
                        *x.shape[: x.ndim - len(w)], *n
                    ),
                ),
            ]
    if len(windows) == 3:
        continue  # its columns have more axes than layouts are drawn for
    lead = shape[: 2 - len(windows)]
    columns = columns_of(np.ones((*lead, *sizes)), windows)
    rows += [
        Row(
            f"pool.columns {name}",
            lambda x, w=windows: pool.columns(x, windows=w),
            both(apart(*lead, *sizes)),
            lambda x, w=windows: columns_of(x, w),
        ),
        Row(
            f"pool.overlap {name}",
            lambda x, w=windows, n=sizes: pool.overlap(x, windows=w, sizes=n),
            both(apart(*columns.shape)),
            lambda x, w=windows, s=(*lead, *sizes): (x.ravel() @ jacobian(lambda a: columns_of(a, w), s)).reshape(s),
        ),
    ]


def jacobian(linear: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The matrix of a linear map of arrays of this shape."""
    return np.stack([linear(unit.reshape(shape)).ravel() for unit in np.eye(int(np.prod(shape)))], 1)


# ---------------------------------------------------------------------- borders

WIDTHS = {
    "reflect": ((2, 1), (1, 3)),
    "replicate": ((2, 3), (4, 1)),
    "circular": ((2, 3), (4, 1)),
    "reflect cut": ((-1, 2), (2, -2)),
    "replicate cut": ((3, -1), (-2, 2)),
    "circular cut": ((1, -1), (-2, 2)),
    "reflect nothing": ((0, 0), (0, 1)),
}
NUMPY_MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def bordered(x: np.ndarray, widths: Any, mode: str) -> np.ndarray:
    """By np.pad; what goes round goes round what is left after cutting, the other modes see what was cut."""
    cut = tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape[1:], widths, strict=True))
    grown = [(0, 0), *[(max(a, 0), max(b, 0)) for a, b in widths]]
    if mode == "circular":
        return np.pad(x[(slice(None), *cut)], grown, mode=NUMPY_MODES[mode])
    whole = np.pad(x, grown, mode=NUMPY_MODES[mode])
    return whole[(slice(None), *[slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(whole.shape[1:], widths, strict=True)])]


for name, widths in WIDTHS.items():
    mode = name.split()[0]
    flat = tuple(n for pair in widths[::-1] for n in pair)
    many = bordered(np.zeros((2, 3, 4)), widths, mode).shape
    rows += [
        Row(
            f"border.border {name}",
            lambda x, w=widths, m=mode: border.border(x, widths=w, mode=m),
            both(apart(2, 3, 4)),
            lambda x, w=widths, m=mode: bordered(x, w, m),
            lambda torch, x, p=flat, m=mode: torch.nn.functional.pad(x, p, m),
        ),
        Row(
            f"border.add_border {name}",
            lambda x, w=widths, m=mode: border.add_border(x, widths=w, mode=m, shape=(2, 3, 4)),
            both(apart(*many)),
            lambda x, w=widths, m=mode: (x.ravel() @ jacobian(lambda a: bordered(a, w, m), (2, 3, 4))).reshape(2, 3, 4),
        ),
    ]
