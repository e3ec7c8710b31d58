"""The bridge to SciPy's minimizers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from autograd_core import writes
from autograd_core.autograd import grad
from autograd_core.errors import MissingExtraError
from autograd_core.modes import enable_grad, no_grad
from autograd_core.tensor import Tensor, constant

from .blocks import Array
from .optimizer import as_float

WITHOUT_GRADIENT = ("nelder-mead", "powell", "cobyla", "cobyqa")
WITH_PRODUCTS = ("newton-cg", "trust-ncg", "trust-krylov", "trust-constr")  # they take Hessian-vector products
WITH_HESSIAN = ("dogleg", "trust-exact")


def scipy_minimize(closure: Callable[[], Tensor], params: Iterable[Tensor], method: Any = "BFGS", **options: Any) -> Any:
    """Minimize `closure()`, a loss computed from `params`, by scipy.optimize.minimize, and return its result.

    `params` (a module's `parameters()`, say) start where they are and end at the minimum. The closure only computes the loss: its
    gradients are taken here, and `.grad` is left alone. Methods that want second derivatives get Hessian-vector
    products. `options` are those of scipy.optimize.minimize (`tol`, `bounds`, `options`, `callback`, ...); vectors have
    all parameters in a row, in float64. Raises TypeError for parameters that are no real Tensors, ValueError for none or
    for a loss that is not one number, MissingExtraError without SciPy. After an error the parameters are what they were.
    """
    try:
        from scipy.optimize import minimize
    except ImportError as error:
        raise MissingExtraError("scipy", "science", "scipy_minimize") from error
    problem = Problem(closure, list(params))
    kind = str(method).lower()
    derivatives: dict[str, Any] = {}
    if kind not in WITHOUT_GRADIENT:
        derivatives["jac"] = True
    if kind in WITH_PRODUCTS:
        derivatives["hessp"] = problem.product
    if kind in WITH_HESSIAN:
        derivatives["hess"] = problem.hessian
    arguments = {**derivatives, **options}
    start = problem.read()
    try:
        result = minimize(problem.loss_and_gradient if arguments.get("jac") is True else problem.loss, start, method=method, **arguments)
    except BaseException:
        problem.write(start)
        raise
    problem.write(result.x)
    return result


class Problem:
    """The loss as a function of one vector."""

    def __init__(self, closure: Callable[[], Tensor], params: list[Tensor]):
        if not params:
            raise ValueError("scipy_minimize: there are no parameters")
        for param in params:
            if not isinstance(param, Tensor) or param.array.dtype.kind != "f":
                kind = param.dtype if isinstance(param, Tensor) else type(param).__name__
                raise TypeError(f"scipy_minimize: parameters are Tensors of real numbers, but one is {kind}")
            if not (param.is_leaf and param.requires_grad):
                raise ValueError("scipy_minimize: parameters are leaves that require grad")
            if not param.array.flags.writeable:
                raise RuntimeError("scipy_minimize: elements of a parameter share memory, or its array is read-only; clone() it first")
        self.closure, self.params = closure, params
        self.at: Array | None = None  # the vector at which `gradients` were recorded, for products with the Hessian
        self.gradients: tuple[Tensor, ...] = ()

    def read(self) -> Array:
        """The parameters as one vector."""
        return row([param.array for param in self.params])

    def write(self, x: Array) -> None:
        """Put a vector's numbers into the parameters. What was recorded before is of no use then."""
        self.at, self.gradients = None, ()
        for param, part in zip(self.params, self.parts(x)):
            param.array[...] = part
            writes.note(param.array, "scipy_minimize")

    def parts(self, x: Array) -> list[Array]:
        ends = np.cumsum([param.array.size for param in self.params])[:-1]
        return [part.reshape(param.array.shape) for part, param in zip(np.split(np.asarray(x), ends), self.params)]

    def computed(self, x: Array) -> Tensor:
        """The loss, recorded, at this vector."""
        self.write(x)
        loss = self.closure()
        if not isinstance(loss, Tensor) or loss.numel() != 1:
            what = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else f"a {type(loss).__name__}"
            raise ValueError(f"scipy_minimize: the closure must return a loss of one number, got {what}")
        return loss

    def loss(self, x: Array) -> float:
        with no_grad():
            self.write(x)
            return as_float(self.closure())

    @enable_grad()
    def loss_and_gradient(self, x: Array) -> tuple[float, Array]:
        loss = self.computed(x)
        return loss.item(), row([g.array for g in grad(loss.sum(), self.params, materialize_grads=True)])  # type: ignore[union-attr]

    @enable_grad()
    def product(self, x: Array, v: Array) -> Array:
        """The Hessian at x times v: the gradient of the gradient's component along v."""
        if self.at is None or not np.array_equal(self.at, x):
            loss = self.computed(x)
            self.gradients = grad(loss.sum(), self.params, create_graph=True, materialize_grads=True)  # type: ignore[assignment]
            self.at = np.array(x)
        used = [(g, part) for g, part in zip(self.gradients, self.parts(v)) if g.requires_grad]
        if not used:
            return np.zeros(len(x))
        weights = [constant(np.asarray(part, g.dtype)) for g, part in used]
        seconds = grad([g for g, _ in used], self.params, weights, retain_graph=True, materialize_grads=True)
        return row([second.array for second in seconds])  # type: ignore[union-attr]

    def hessian(self, x: Array) -> Array:
        return np.stack([self.product(x, v) for v in np.eye(len(x))])


def row(arrays: list[Array]) -> Array:
    return np.concatenate([np.asarray(a, np.float64).reshape(-1) for a in arrays])
