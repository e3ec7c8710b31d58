"""Single operations at a million elements, forward and backward: those that NumPy is not known to be quick at."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

Step = Callable[[], Any]
N = 1000


def operation(compute: Callable[..., Any], *, shape: tuple[int, ...] = (N, N), index: tuple[int, ...] | None = None, high: int = N) -> Any:
    """The workload of an operation on an array of numbers, and on an array of indices below `high`."""

    def workload(lib: SimpleNamespace) -> Step:
        random = np.random.default_rng(0)
        x = lib.torch.from_numpy(random.standard_normal(shape).astype(np.float32)).requires_grad_()
        given = () if index is None else (lib.torch.from_numpy(random.integers(0, high, index)),)
        weights = lib.torch.from_numpy(random.standard_normal(tuple(compute(lib.torch, x, *given).shape)).astype(np.float32))

        def step() -> Any:
            x.grad = None
            out = compute(lib.torch, x, *given)
            out.backward(weights)
            return x.grad[..., 0].sum() + out.detach()[..., 0].sum()

        return step

    return workload


def einsum(equation: str, *shapes: tuple[int, ...]) -> Any:
    def workload(lib: SimpleNamespace) -> Step:
        random = np.random.default_rng(0)
        xs = [lib.torch.from_numpy(random.standard_normal(s).astype(np.float32)).requires_grad_() for s in shapes]
        weights = lib.torch.from_numpy(random.standard_normal(tuple(lib.torch.einsum(equation, *xs).shape)).astype(np.float32))

        def step() -> Any:
            for x in xs:
                x.grad = None
            out = lib.torch.einsum(equation, *xs)
            out.backward(weights)
            return xs[0].grad[..., 0].sum() + out.detach()[..., 0].sum()

        return step

    return workload


def scatter_add(torch: Any, x: Any, index: Any) -> Any:
    return torch.zeros(N, N).scatter_add(1, index, x)


OPERATIONS: dict[str, Callable[[SimpleNamespace], Step]] = {
    "index rows": operation(lambda torch, x, i: x[i], index=(N,)),
    "index columns": operation(lambda torch, x, i: x[:, i], index=(N,)),
    "index elements": operation(lambda torch, x, i: x[i, i.flip(1)], index=(N, N)),
    "mask": operation(lambda torch, x: x[x > 0]),
    "gather": operation(lambda torch, x, i: x.gather(1, i), index=(N, N)),
    "gather dim 0": operation(lambda torch, x, i: x.gather(0, i), index=(N, N)),
    "scatter_add": operation(scatter_add, index=(N, N)),
    "embedding": operation(lambda torch, x, i: x[i], shape=(50000, 64), index=(16384,), high=50000),
    "index_select": operation(lambda torch, x, i: x.index_select(0, i), shape=(50000, 64), index=(16384,), high=50000),
    "cumsum": operation(lambda torch, x: x.cumsum(1)),
    "cumsum dim 0": operation(lambda torch, x: x.cumsum(0)),
    "cumsum flat": operation(lambda torch, x: x.cumsum(0), shape=(N * N,)),
    "sort": operation(lambda torch, x: x.sort(1).values),
    "sort flat": operation(lambda torch, x: x.sort().values, shape=(N * N,)),
    "einsum ij,jk->ik": einsum("ij,jk->ik", (N, N), (N, N)),
    "einsum bij,bjk->bik": einsum("bij,bjk->bik", (64, 128, 128), (64, 128, 128)),
    "einsum bhqd,bhkd->bhqk": einsum("bhqd,bhkd->bhqk", (16, 8, 64, 64), (16, 8, 64, 64)),
    "einsum i,j->ij": einsum("i,j->ij", (N,), (N,)),
    "einsum ij,ij->i": einsum("ij,ij->i", (N, N), (N, N)),
    "einsum bij,bj->bi": einsum("bij,bj->bi", (64, 128, 128), (64, 128)),
}
LIMITS = {name: 1 / 1.2 if name.startswith(("cumsum", "sort", "einsum")) else 1 / 1.5 for name in OPERATIONS}
