"""How numbers are written in formulas."""

from __future__ import annotations

from typing import Any

import numpy as np

SMALL = str.maketrans("0123456789−-", "₀₁₂₃₄₅₆₇₈₉₋₋")


def number(value: Any) -> str:
    """A number as it is printed in formulas: whole, or with at most four digits; a real minus sign."""
    value = value.item() if isinstance(value, np.ndarray | np.generic) else value
    if isinstance(value, complex):
        imaginary = f"{number(abs(value.imag) if value.real else value.imag)}j"
        return f"{number(value.real)} {'−' if value.imag < 0 else '+'} {imaginary}" if value.real else imaginary
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e6:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**7:
        return str(value).replace("-", "−")
    return f"{value:.4g}".replace("-", "−") if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def small_digits(n: int) -> str:
    """As an index."""
    return str(n).translate(SMALL)
