"""Rows of the special functions; the references are SciPy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special as scipy

import autograd_core as ag
from autograd_core.ops import bessel, gamma, limits, special
from tests.rows.base import NO_HALF, Row, apart, both, like, spread

Maker = Callable[[np.random.Generator], np.ndarray]


def row(name: str, call: Any, domain: Maker, reference: Any, torch_name: str | None = None, **more: Any) -> Row:
    """A row of a function of one tensor; `torch_name` is that of the function in torch.special."""
    theirs = None if torch_name is None else lambda torch, x: getattr(torch.special, torch_name)(x)
    return Row(name, call, both(domain), reference, theirs, pointwise=True, integers=torch_name is not None, **more)


def polygamma(n: int, where: str, domain: Maker) -> Row:
    return Row(
        f"gamma.polygamma {n} {where}",
        lambda x: ag.polygamma(n, x),
        both(domain),
        lambda x: recurred(n, x),
        lambda torch, x: torch.polygamma(n, x),
        pointwise=True,
        floats=NO_HALF,  # near a zero, rounding x itself moves the value
    )


def recurred(n: int, x: Any) -> Any:
    """SciPy's polygamma, which wants a positive x, four further on."""
    total = scipy.polygamma(n, x + 4.0)
    for k in range(4):
        total = total + (-1) ** (n + 1) * float(scipy.factorial(n)) / (x + k) ** (n + 1)
    return total


def spherical_slope(x: Any) -> Any:
    return np.cos(x) / x - np.sin(x) / (x * x)


def of_constant(call: Any, name: str, a: float, reference: Any, torch_name: str, domain: Maker, **more: Any) -> Row:
    """A row of a function that has no derivative by its first argument."""
    return Row(
        name,
        lambda x: call(like(np.array(a), x).to(x.dtype) if isinstance(x, ag.Tensor) else a, x),
        both(domain),
        lambda x: reference(a, x),
        lambda torch, x: getattr(torch.special, torch_name)(torch.tensor(a, dtype=x.dtype), x),
        pointwise=True,
        **more,
    )


rows: list[Row] = [
    row("special.erfc", ag.erfc, apart(3, 4), scipy.erfc, "erfc"),
    row("special.erfc tail", ag.erfc, spread(2, 5, 3, 4), scipy.erfc, "erfc"),
    row("special.erfcx", special.erfcx, apart(3, 4), scipy.erfcx, "erfcx"),
    row("special.erfcx tail", special.erfcx, spread(2, 5, 3, 4), scipy.erfcx, "erfcx"),
    row("special.erfcx_integral", lambda x: special.erfcx_integral(x, n=1), apart(3, 4), lambda x: 1 / np.sqrt(np.pi) - x * scipy.erfcx(x)),
    row("special.ndtr", special.ndtr, apart(3, 4), scipy.ndtr, "ndtr"),
    row("special.log_ndtr", special.log_ndtr, apart(3, 4), scipy.log_ndtr, "log_ndtr"),
    row("special.log_ndtr tail", special.log_ndtr, spread(-9, -3, 3, 4), scipy.log_ndtr, "log_ndtr"),
    row("special.erfinv", ag.erfinv, spread(-0.9, 0.9, 3, 4), scipy.erfinv, "erfinv"),
    row("special.ndtri", special.ndtri, spread(0.1, 0.9, 3, 4), scipy.ndtri, "ndtri"),
    row("gamma.lgamma", ag.lgamma, spread(0.3, 6, 3, 4), scipy.gammaln, "gammaln"),
    row("gamma.lgamma large", ag.lgamma, spread(8, 30, 3, 4), scipy.gammaln, "gammaln"),
    row("gamma.lgamma below 0", ag.lgamma, spread(-3.9, -3.4, 3, 4), scipy.gammaln, "gammaln", tolerance=1e-3),
    row("gamma.digamma", ag.digamma, spread(0.3, 9, 3, 4), scipy.digamma, "digamma"),
    row("gamma.digamma below 0", ag.digamma, spread(-3.8, -3.2, 3, 4), scipy.digamma, "digamma", tolerance=1e-3),
    *[polygamma(n, "above 0", spread(0.5, 20, 3, 4)) for n in (1, 2, 4)],
    *[polygamma(n, "below 0", spread(-3.7, -3.3, 3, 4)) for n in (1, 2)],
    of_constant(gamma.zeta, "gamma.zeta", 2.5, scipy.zeta, "zeta", spread(0.4, 12, 3, 4)),
    of_constant(gamma.igamma, "gamma.igamma", 1.7, scipy.gammainc, "gammainc", spread(0.3, 5, 3, 4)),
    of_constant(gamma.igammac, "gamma.igammac", 1.7, scipy.gammaincc, "gammaincc", spread(0.3, 5, 3, 4)),
    row("limits.entr", limits.entr, spread(0.1, 2, 3, 4), scipy.entr, "entr"),
    row("limits.logit", ag.logit, spread(0.1, 0.9, 3, 4), scipy.logit, "logit"),
    Row(
        "limits.logit eps",
        lambda x: ag.logit(x, 0.1),
        both(spread(-0.5, 1.5, 3, 4)),
        lambda x: scipy.logit(np.clip(x, 0.1, 0.9)),
        lambda torch, x: torch.logit(x, 0.1),
        pointwise=True,
    ),
    row("limits.sinc", ag.sinc, apart(3, 4), np.sinc, "sinc"),
    row(
        "limits.sinc_derivative",
        lambda x: limits.sinc_derivative(x, n=1),
        apart(3, 4),
        lambda x: np.pi * spherical_slope(np.pi * x),
    ),
    row(
        "limits.spherical_bessel_j0",
        limits.spherical_bessel_j0,
        apart(3, 4),
        lambda x: np.sin(x) / x,
        "spherical_bessel_j0",
        torch_orders=0,
    ),
    *[
        Row(
            f"limits.{name}",
            call,
            both(spread(0.3, 2, 3, 1), spread(0.4, 3, 4)),
            getattr(scipy, name),
            lambda torch, x, y, name=name: getattr(torch.special, name)(x, y),
            pointwise=True,
            broadcasts=True,
            integers=True,
        )
        for name, call in (("xlogy", ag.xlogy), ("xlog1py", limits.xlog1py))
    ],
    *[
        row(f"bessel.{op} {name}", getattr(ag.special, name), domain, getattr(scipy, theirs), name, torch_orders=orders)
        for op, name, theirs, domain, orders in (
            ("bessel_i", "i0", "i0", apart(3, 4), 2),
            ("bessel_i", "i1", "i1", apart(3, 4), 2),
            ("bessel_ie", "i0e", "i0e", apart(3, 4), 2),
            ("bessel_ie", "i1e", "i1e", apart(3, 4), 2),
            ("bessel_j", "bessel_j0", "j0", apart(3, 4), 0),
            ("bessel_j", "bessel_j1", "j1", apart(3, 4), 0),
            ("bessel_y", "bessel_y0", "y0", spread(0.5, 4, 3, 4), 0),
            ("bessel_y", "bessel_y1", "y1", spread(0.5, 4, 3, 4), 0),
            ("bessel_k", "modified_bessel_k0", "k0", spread(0.5, 4, 3, 4), 0),
            ("bessel_k", "modified_bessel_k1", "k1", spread(0.5, 4, 3, 4), 0),
            ("bessel_ke", "scaled_modified_bessel_k0", "k0e", spread(0.5, 4, 3, 4), 0),
            ("bessel_ke", "scaled_modified_bessel_k1", "k1e", spread(0.5, 4, 3, 4), 0),
        )
    ],
    row("bessel.airy_ai", ag.special.airy_ai, apart(3, 4), lambda x: scipy.airy(x)[0], "airy_ai", torch_orders=0),
    row("bessel.airy_ai_slope", bessel.airy_ai_slope, apart(3, 4), lambda x: scipy.airy(x)[1]),
]
