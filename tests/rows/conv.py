"""Rows of the convolutions."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from autograd_core.ops import conv
from tests.rows.base import Row, both, like, spread

rows: list[Row] = []


def bias_of(channels: int, x: Any) -> Any:
    """A bias, as a tensor of x's library and dtype; the gradient by it is tested in test_conv.py."""
    bias = like(np.linspace(-1, 1, channels), x)
    return bias if isinstance(x, np.ndarray) else bias.to(x.dtype)


def placed(x: np.ndarray, w: np.ndarray, stride: Any, padding: Any, dilation: Any, groups: int, sizes: Any) -> Any:
    """(weights' index of output and input channel and element, place in the padded input, place in the result), one by one."""
    wide, deep = w.shape[0] // groups, w.shape[1]
    for o, c, p, k in product(range(w.shape[0]), range(deep), np.ndindex(*sizes), np.ndindex(*w.shape[2:])):
        at = tuple(a * s + j * d - before for a, s, j, d, (before, _) in zip(p, stride, k, dilation, padding, strict=True))
        if all(0 <= a < n for a, n in zip(at, x.shape[2:], strict=True)):
            yield (o, c, *k), (slice(None), o // wide * deep + c, *at), (slice(None), o, *p)


def convolved(x: np.ndarray, w: np.ndarray, b: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> np.ndarray:
    sizes = conv.size_of_convolution(x.shape[2:], w.shape[2:], stride, padding, dilation)
    out = np.zeros((len(x), len(w), *sizes))
    for weight, source, target in placed(x, w, stride, padding, dilation, groups, sizes):
        out[target] += w[weight] * x[source]
    return out if b is None else out + b.reshape(-1, *(1,) * len(sizes))


def transposed(x: np.ndarray, w: np.ndarray, b: Any, stride: Any, padding: Any, dilation: Any, groups: int, extra: Any) -> np.ndarray:
    sizes = conv.size_of_transposed(x.shape[2:], w.shape[2:], stride, padding, dilation, extra)
    out = np.zeros((len(x), groups * w.shape[1], *sizes))
    for weight, source, target in placed(out, w, stride, padding, dilation, groups, x.shape[2:]):
        out[source] += w[weight] * x[target]
    return out if b is None else out + b.reshape(-1, *(1,) * len(sizes))


def correlated(x: np.ndarray, g: np.ndarray, kernel: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> np.ndarray:
    out = np.zeros((g.shape[1], x.shape[1] // groups, *kernel))
    for weight, source, target in placed(x, out, stride, padding, dilation, groups, g.shape[2:]):
        out[weight] += (x[source] * g[target]).sum()
    return out


def torch_convolution(torch: Any, x: Any, w: Any, b: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    padded = torch.nn.functional.pad(x, [n for pair in reversed(padding) for n in pair])
    return torch.convolution(padded, w, b, stride, (0,) * len(stride), dilation, False, (0,) * len(stride), groups)


def torch_transposed(torch: Any, x: Any, w: Any, b: Any, stride: Any, padding: Any, dilation: Any, groups: int, extra: Any) -> Any:
    return torch.convolution(x, w, b, stride, [before for before, _ in padding], dilation, True, extra, groups)


# With three dimensions and more: tests/test_conv.py.
SETTINGS: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "1d": ((2, 3, 6), (2, 3, 3), {"stride": (1,), "padding": ((1, 1),), "dilation": (1,), "groups": 1}),
    "1d stride": ((2, 2, 8), (3, 2, 3), {"stride": (3,), "padding": ((2, 2),), "dilation": (2,), "groups": 1}),
    "2d": ((2, 2, 4, 3), (3, 2, 3, 2), {"stride": (1, 1), "padding": ((1, 1), (0, 1)), "dilation": (1, 1), "groups": 1}),
    "2d groups": ((1, 4, 5, 4), (2, 2, 2, 3), {"stride": (2, 1), "padding": ((0, 0), (2, 2)), "dilation": (1, 2), "groups": 2}),
    "2d depthwise": ((2, 2, 3, 4), (2, 1, 3, 3), {"stride": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1), "groups": 2}),
    "2d 1x1": ((2, 3, 2, 3), (2, 3, 1, 1), {"stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1}),
}
for case, (size, kernel, settings) in SETTINGS.items():
    rows.append(
        Row(
            f"conv.convolution {case}",
            lambda x, w, s=settings: conv.convolution(x, w, bias_of(w.shape[0], x), **s),
            both(spread(-1, 1, *size), spread(-1, 1, *kernel)),
            lambda x, w, s=settings: convolved(x, w, bias_of(w.shape[0], x), **s),
            lambda torch, x, w, s=settings: torch_convolution(torch, x, w, bias_of(w.shape[0], x), **s),
        )
    )
    sizes = conv.size_of_convolution(size[2:], kernel[2:], settings["stride"], settings["padding"], settings["dilation"])
    rows.append(
        Row(
            f"conv.correlation {case}",
            lambda x, g, s=settings, k=kernel[2:]: conv.correlation(x, g, kernel=k, **s),
            both(spread(-1, 1, *size), spread(-1, 1, size[0], kernel[0], *sizes)),
            lambda x, g, s=settings, k=kernel[2:]: correlated(x, g, kernel=k, **s),
        )
    )
    if any(before != after for before, after in settings["padding"]):
        continue
    extra = conv.extra_of(size[2:], sizes, kernel[2:], settings["stride"], settings["padding"], settings["dilation"])
    if any(e >= max(s, d) for e, s, d in zip(extra, settings["stride"], settings["dilation"], strict=True)):
        extra = (0,) * len(extra)
    rows.append(
        Row(
            f"conv.transposed_convolution {case}",
            lambda x, w, s=settings, e=extra: conv.transposed_convolution(x, w, bias_of(s["groups"] * w.shape[1], x), **s, extra=e),
            both(spread(-1, 1, size[0], kernel[0], *sizes), spread(-1, 1, *kernel)),
            lambda x, w, s=settings, e=extra: transposed(x, w, bias_of(s["groups"] * w.shape[1], x), **s, extra=e),
            lambda torch, x, w, s=settings, e=extra: torch_transposed(torch, x, w, bias_of(s["groups"] * w.shape[1], x), **s, extra=e),
        )
    )
