"""Rows of recurrent layers: whole sequences in one operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.ops import recurrent
from tests.rows.base import NO_HALF, Row, both, spread

rows: list[Row] = []


def sigma(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def positive(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def joined(results: Any) -> Any:
    """Several results as one vector."""
    return ag.cat([r.reshape(-1) for r in results])


def by_loops(step: Callable[..., Any], x: np.ndarray, states: tuple[np.ndarray, ...], sizes: tuple[int, ...]) -> np.ndarray:
    """Output of all steps and last states, sequence by sequence."""
    outputs: dict[tuple[int, int], np.ndarray] = {}
    lasts = []
    starts = np.cumsum(sizes) - sizes
    for b in range(sizes[0]):
        now = tuple(s[b] for s in states)
        for t, start in enumerate(starts[: sum(n > b for n in sizes)]):
            now = step(x[start + b], *now)
            outputs[t, b] = now[0]
        lasts.append(now)
    ends = [np.stack(s).ravel() for s in zip(*lasts, strict=True)]
    return np.concatenate([np.ravel(outputs[key]) for key in sorted(outputs)] + ends)


def rnn_step(w: Any, u: Any, b: Any, d: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, h: (function(w @ x + b + u @ h + d),)


def gru_step(w: Any, u: Any, b: Any, d: Any) -> Callable[..., Any]:
    def step(x: Any, h: Any) -> Any:
        (xr, xz, xn), (hr, hz, hn) = np.split(w @ x + b, 3), np.split(u @ h + d, 3)
        z = sigma(xz + hz)
        return ((1 - z) * np.tanh(xn + sigma(xr + hr) * hn) + z * h,)

    return step


def lstm_step(w: Any, u: Any, b: Any, d: Any, p: Any) -> Callable[..., Any]:
    def step(x: Any, h: Any, c: Any) -> Any:
        i, f, g, o = np.split(w @ x + b + u @ h + d, 4)
        c = sigma(f) * c + sigma(i) * np.tanh(g)
        h = sigma(o) * np.tanh(c)
        return (h if p is None else p @ h), c

    return step


def torch_vector(torch: Any, output: Any, *states: Any) -> Any:
    return torch.cat([r.reshape(-1) for r in (output, *states)])


for sizes in ((2, 2), (2, 1, 1), (1,)):
    n, batch = sum(sizes), sizes[0]
    case = f" sizes={sizes}".replace(", ", ",")
    for function in ("tanh", "relu"):
        rows.append(
            Row(
                f"recurrent.rnn {function}{case}",
                lambda x, h, w, u, b, d, sizes=sizes, f=function: joined(recurrent.rnn(x, h, w, u, b, d, sizes=sizes, nonlinearity=f)),
                both(spread(1, 2, n, 2), spread(0.5, 1, batch, 3), *(spread(0.3, 1, *s) for s in ((3, 2), (3, 3), (3,), (3,)))),
                lambda x, h, w, u, b, d, sizes=sizes, f=function: by_loops(
                    rnn_step(w, u, b, d, np.tanh if f == "tanh" else positive), x, (h,), sizes
                ),
                lambda torch, x, h, w, u, b, d, sizes=sizes, f=function: torch_vector(
                    torch, *getattr(torch, f"rnn_{f}")(x, torch.tensor(sizes), h[None], [w, u, b, d], True, 1, 0.0, False, False)
                ),
                floats=NO_HALF,
            )
        )
    rows += [
        Row(
            f"recurrent.rnn without bias{case}",
            lambda x, h, w, u, sizes=sizes: joined(recurrent.rnn(x, h, w, u, None, None, sizes=sizes)),
            both(*(spread(-1, 1, *s) for s in ((n, 2), (batch, 3), (3, 2), (3, 3)))),
            lambda x, h, w, u, sizes=sizes: by_loops(rnn_step(w, u, 0, 0, np.tanh), x, (h,), sizes),
            lambda torch, x, h, w, u, sizes=sizes: torch_vector(
                torch, *torch.rnn_tanh(x, torch.tensor(sizes), h[None], [w, u], False, 1, 0.0, False, False)
            ),
            floats=NO_HALF,
        ),
        Row(
            f"recurrent.gru{case}",
            lambda x, h, w, u, b, d, sizes=sizes: joined(recurrent.gru(x, h, w, u, b, d, sizes=sizes)),
            both(*(spread(-1, 1, *s) for s in ((n, 1), (batch, 2), (6, 1), (6, 2), (6,), (6,)))),
            lambda x, h, w, u, b, d, sizes=sizes: by_loops(gru_step(w, u, b, d), x, (h,), sizes),
            lambda torch, x, h, w, u, b, d, sizes=sizes: torch_vector(
                torch, *torch.gru(x, torch.tensor(sizes), h[None], [w, u, b, d], True, 1, 0.0, False, False)
            ),
            floats=NO_HALF,
        ),
        Row(
            f"recurrent.gru without bias{case}",
            lambda x, h, w, u, sizes=sizes: joined(recurrent.gru(x, h, w, u, None, None, sizes=sizes)),
            both(*(spread(-1, 1, *s) for s in ((n, 1), (batch, 2), (6, 1), (6, 2)))),
            lambda x, h, w, u, sizes=sizes: by_loops(gru_step(w, u, 0, np.zeros(6)), x, (h,), sizes),
            lambda torch, x, h, w, u, sizes=sizes: torch_vector(
                torch, *torch.gru(x, torch.tensor(sizes), h[None], [w, u], False, 1, 0.0, False, False)
            ),
            floats=NO_HALF,
        ),
        Row(
            f"recurrent.lstm{case}",
            lambda x, h, c, w, u, b, d, sizes=sizes: joined(recurrent.lstm(x, h, c, w, u, b, d, None, sizes=sizes)),
            both(*(spread(-1, 1, *s) for s in ((n, 1), (batch, 2), (batch, 2), (8, 1), (8, 2), (8,), (8,)))),
            lambda x, h, c, w, u, b, d, sizes=sizes: by_loops(lstm_step(w, u, b, d, None), x, (h, c), sizes),
            lambda torch, x, h, c, w, u, b, d, sizes=sizes: torch_vector(
                torch, *torch.lstm(x, torch.tensor(sizes), (h[None], c[None]), [w, u, b, d], True, 1, 0.0, False, False)
            ),
            floats=NO_HALF,
        ),
        Row(
            f"recurrent.lstm projected, without bias{case}",
            lambda x, h, c, w, u, p, sizes=sizes: joined(recurrent.lstm(x, h, c, w, u, None, None, p, sizes=sizes)),
            both(*(spread(-1, 1, *s) for s in ((n, 1), (batch, 1), (batch, 2), (8, 1), (8, 1), (1, 2)))),
            lambda x, h, c, w, u, p, sizes=sizes: by_loops(lstm_step(w, u, 0, 0, p), x, (h, c), sizes),
            lambda torch, x, h, c, w, u, p, sizes=sizes: torch_vector(
                torch, *torch.lstm(x, torch.tensor(sizes), (h[None], c[None]), [w, u, p], False, 1, 0.0, False, False)
            ),
            floats=NO_HALF,
        ),
    ]
