"""Rows of Fourier transforms. Their results are complex: the rows look at real numbers made of them."""

from __future__ import annotations

import numpy as np

from autograd_core.ops import complex as complexes
from autograd_core.ops import fourier
from tests.rows.base import NO_HALF, Row, apart, both

rows: list[Row] = []


def parts(x):
    """Real and imaginary parts, in different measure."""
    return complexes.real(x) + 0.7 * complexes.imag(x)


def np_parts(x):
    return x.real + 0.7 * x.imag


for norm in ("backward", "forward", "ortho"):
    rows += [
        Row(
            f"fourier.fftn {norm}",
            lambda x, norm=norm: parts(fourier.fftn(x, axes=(0, 2), norm=norm)),
            both(apart(3, 2, 4)),
            lambda x, norm=norm: np_parts(np.fft.fftn(x, axes=(0, 2), norm=norm)),
            lambda torch, x, norm=norm: np_parts(torch.fft.fftn(x, dim=(0, 2), norm=norm)),
            floats=NO_HALF,
        ),
        Row(
            f"fourier.ifftn {norm}",
            lambda x, norm=norm: parts(fourier.ifftn(x, axes=(-1,), norm=norm)),
            both(apart(3, 5)),
            lambda x, norm=norm: np_parts(np.fft.ifftn(x, axes=(-1,), norm=norm)),
            lambda torch, x, norm=norm: np_parts(torch.fft.ifft(x, norm=norm)),
            floats=NO_HALF,
        ),
        *[
            Row(
                f"fourier.rfft {norm} {n}",
                lambda x, norm=norm: parts(fourier.rfft(x, axis=1, norm=norm)),
                both(apart(2, n, 2)),
                lambda x, norm=norm: np_parts(np.fft.rfft(x, axis=1, norm=norm)),
                lambda torch, x, norm=norm: np_parts(torch.fft.rfft(x, dim=1, norm=norm)),
                floats=NO_HALF,
            )
            for n in (1, 2, 5, 6)
        ],
        *[
            Row(
                f"fourier.irfft {norm} {n}",
                lambda x, norm=norm, n=n: fourier.irfft(x * (1 + 0.3j), axis=1, length=n, norm=norm),
                both(apart(2, n // 2 + 1, 2)),
                lambda x, norm=norm, n=n: np.fft.irfft(x * (1 + 0.3j), n, axis=1, norm=norm),
                lambda torch, x, norm=norm, n=n: torch.fft.irfft(x * (1 + 0.3j), n, dim=1, norm=norm),
                floats=NO_HALF,
            )
            for n in (1, 2, 5, 6)
        ],
    ]

rows += [
    Row(
        "fourier.weighted",
        lambda x: fourier.weighted(x, axis=1, length=6, weight=0.5),
        both(apart(2, 4)),
        lambda x: x * [1, 0.5, 0.5, 1],
    ),
    Row(
        "fourier.frames",
        lambda x: fourier.frames(x, size=4, hop=3),
        both(apart(2, 11)),
        lambda x: np.stack([x[:, k : k + 4] for k in (0, 3, 6)], 1),
        lambda torch, x: x.unfold(-1, 4, 3),
    ),
    Row(
        "fourier.overlap_add",
        lambda x: fourier.overlap_add(x, hop=3, length=11),
        both(apart(2, 3, 4)),
        lambda x: sum(np.pad(x[:, k], ((0, 0), (3 * k, 7 - 3 * k))) for k in range(3)),
        floats=NO_HALF,
    ),
]
