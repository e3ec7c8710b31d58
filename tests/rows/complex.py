"""Rows of the operations on complex numbers, made of two real arrays each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_core as ag
from tests.rows.base import NO_HALF, Row, apart, both

parts = both(apart(3, 4), apart(3, 4, gap=0.37))


def row(id: str, call: Callable[[Any, Any], Any], reference: Callable[[Any], Any]) -> Row:
    """A function of (library, complex number); a complex result is compared part by part."""

    def real_parts(library: Any, result: Any) -> Any:
        return library.view_as_real(result.resolve_conj()) if result.is_complex() else result

    def numpy(a: Any, b: Any) -> Any:
        result = reference(a + 1j * b)
        return np.stack([result.real, result.imag], -1) if result.dtype.kind == "c" else result

    return Row(
        id,
        lambda a, b: real_parts(ag, call(ag, ag.complex(a, b))),
        parts,
        numpy,
        lambda torch, a, b: real_parts(torch, call(torch, torch.complex(a, b))),
        floats=NO_HALF,
    )


rows = [
    row("complex.real", lambda lib, z: lib.real(z * z), lambda z: (z * z).real),
    row("complex.imag", lambda lib, z: lib.imag(z * z), lambda z: (z * z).imag),
    row("complex.conj", lambda lib, z: lib.conj(z) * z * z, lambda z: np.conj(z) * z * z),
    row("complex.angle", lambda lib, z: lib.angle(z), np.angle),
    row("complex.complex", lambda lib, z: z * z * z, lambda z: z * z * z),
    row("complex.view_as_real", lambda lib, z: lib.view_as_real(z * z), lambda z: z * z),
    row(
        "complex.view_as_complex",
        lambda lib, z: lib.view_as_complex(lib.view_as_real(z) ** 2) * z,
        lambda z: (z.real**2 + 1j * z.imag**2) * z,
    ),
    row("arithmetic.abs complex", lambda lib, z: lib.abs(z), np.abs),
    row("arithmetic.sign complex", lambda lib, z: lib.sgn(z), lambda z: z / np.abs(z)),
]
