"""The calls that start a backward pass: `backward` fills `.grad`, `grad` returns gradients."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from sys import getrefcount
from typing import Any

import numpy as np

from .. import writes
from ..errors import ShapeError
from ..function import Function
from ..graph import ALONE, Node, accumulating, pullback, thread
from ..modes import enable_grad, inference_mode, no_grad, set_grad_enabled
from ..node_hooks import fill
from ..tensor import Tensor, constant, current_node

__all__ = [
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]

LATER = {  # loaded when first asked for, so that importing stays quick
    "detect_anomaly": "anomaly",
    "is_anomaly_check_nan_enabled": "anomaly",
    "is_anomaly_enabled": "anomaly",
    "set_detect_anomaly": "anomaly",
}
MODULES = {"functional", "graph"}


def __getattr__(name: str) -> Any:
    if name in MODULES:
        return import_module(f".{name}", __name__)
    if name not in LATER:
        raise AttributeError(f"module 'autograd_core.autograd' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f".{LATER[name]}", __name__), name)
    return found


def Variable(data: Tensor, requires_grad: bool = False) -> Tensor:
    """A leaf tensor on the same memory: what tensors that record were called before they were one with the others."""
    return data.detach().requires_grad_(requires_grad)


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    *,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Add the gradients of `tensors` with respect to the leaves (or to `inputs`) to their `.grad`.

    Arguments as of Tensor.backward; with several tensors, one entry of `grad_tensors` for each.
    """
    outputs = _listed("backward", "tensors", tensors)
    wanted = None if inputs is None else _listed("backward", "inputs", inputs)
    if wanted is not None and not wanted:
        raise RuntimeError("backward: inputs= is empty")
    computed = _run("backward", outputs, grad_tensors, wanted, retain_graph, create_graph)
    if wanted is None:
        found = [(node.tensor(), node) for node in computed]
    else:
        once = {id(t): t for t in wanted if not t.retains_grad}  # those that retain it have it by now
        found = [(t, t.node) for t in once.values() if t.node in computed]  # type: ignore[misc]
    hooked = []
    with accumulating:
        for tensor, node in found:
            if tensor is not None and (tensor.node is node or wanted is not None):
                if node.hooks is None or node.plan is not None:
                    accumulate(tensor, computed.pop(node) if wanted is None else computed[node])
                else:
                    hooked.append((tensor, node))
    for tensor, node in hooked:
        fill(tensor, node, computed[node], accumulate)


def accumulate(tensor: Tensor, gradient: Any) -> None:
    """Add a gradient to `tensor.grad`, which gets memory that nobody else holds. The caller holds `accumulating`."""
    before = tensor._grad
    if isinstance(gradient, Tensor):
        with enable_grad():
            tensor._grad = gradient.clone() if before is None else before + gradient
    elif before is not None:
        array = before.array
        if before.node is None and array.flags.writeable:
            np.add(array, gradient, out=array)
            if array.base is not None or getrefcount(array) > ALONE + 1:  # something else may have saved it
                writes.note(array, "backward (into .grad)")
        else:
            tensor._grad = before + constant(np.asarray(gradient))
    elif type(gradient) is np.ndarray and gradient.base is None and getrefcount(gradient) <= ALONE:
        tensor._grad = constant(gradient)
    else:
        tensor._grad = constant(np.array(gradient))


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    *,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of the sum of `outputs` with respect to each of `inputs`; `.grad` is left alone.

    Only what lies between them is walked. `grad_outputs` weighs the elements of non-scalar outputs. With
    `create_graph` the result can be differentiated again. Raises RuntimeError for an input that the outputs do not
    depend on, unless `allow_unused` (then None) or `materialize_grads` (then zeros). With `is_grads_batched` the
    `grad_outputs` have a first dimension more, and so have the results: one pass gives many vector-Jacobian products.
    `only_inputs` is there for programs that pass it, and can only be True.

    >>> import autograd_core as ag
    >>> x = ag.tensor(3.0, requires_grad=True)
    >>> (slope,) = ag.autograd.grad(x**2, x, create_graph=True)
    >>> slope.item(), ag.autograd.grad(slope, x)
    (6.0, (tensor(2.),))
    """
    if not only_inputs:
        raise ValueError("grad: only_inputs=False is not supported; backward() fills the .grad of all leaves")
    sources = _listed("grad", "inputs", inputs)
    targets = _listed("grad", "outputs", outputs)
    if materialize_grads and allow_unused is False:
        raise ValueError("grad: materialize_grads=True needs allow_unused to be True or left out")
    if is_grads_batched or thread.batch is not None:
        from .. import batch

        weights = _weights("grad", targets, grad_outputs)
        settings = dict(
            retain_graph=retain_graph, create_graph=create_graph, allow_unused=allow_unused, materialize_grads=materialize_grads
        )
        if is_grads_batched:
            return batch.with_batched_weights(grad, weights, dict(outputs=targets, inputs=sources, **settings))
        if batch.Batch.meets([*targets, *sources]):
            return batch.gradients(grad, targets, sources, weights, settings)
    computed = _run("grad", targets, grad_outputs, sources, retain_graph, create_graph)
    result: list[Tensor | None] = []
    taken: set[int] = set()
    for k, source in enumerate(sources):
        gradient = computed.get(source.node)  # type: ignore[arg-type]
        if gradient is None:
            if not (allow_unused or materialize_grads):
                raise RuntimeError(
                    f"grad: input {k}, of shape {source.array.shape}, was not used to compute the outputs; "
                    "allow_unused=True gives None for it, materialize_grads=True zeros"
                )
            result.append(constant(np.zeros_like(source.array)) if materialize_grads else None)
        elif isinstance(gradient, Tensor):
            result.append(gradient if create_graph else gradient.detach())
        else:
            alone = (
                type(gradient) is np.ndarray and gradient.base is None and getrefcount(gradient) == ALONE + 1 and id(gradient) not in taken
            )
            taken.add(id(gradient))
            result.append(constant(gradient if alone else np.array(gradient)))
    return tuple(result)


def _listed(operation: str, argument: str, value: Any) -> list[Tensor]:
    tensors = [value] if isinstance(value, Tensor) else list(value) if isinstance(value, Sequence) else value
    if not isinstance(tensors, list) or not all(isinstance(t, Tensor) for t in tensors):
        raise TypeError(f"{operation}: {argument} must be a Tensor or a sequence of Tensors, got {type(value).__name__}")
    return tensors


def _weights(operation: str, outputs: list[Tensor], weights: Any) -> list[Any]:
    """One gradient (or None) for each output."""
    given = [None] * len(outputs) if weights is None else [weights] if isinstance(weights, Tensor | np.ndarray) else list(weights)
    if len(given) != len(outputs):
        raise RuntimeError(f"{operation}: {len(outputs)} tensors but {len(given)} gradients for them")
    return given


def _run(
    operation: str,
    outputs: list[Tensor],
    weights: Any,
    inputs: list[Tensor] | None,
    retain_graph: bool | None,
    create_graph: bool,
) -> dict[Node, Any]:
    """Check the arguments and walk back; gradients by node."""
    given = _weights(operation, outputs, weights)
    tensors = create_graph or (thread.batch is not None and thread.batch.meets(given))
    roots = []
    gradients: list[Any] = []
    for output, weight in zip(outputs, given, strict=True):
        node = current_node(output)
        if node is None:
            raise RuntimeError(
                f"{operation}: this tensor of shape {output.array.shape} does not require grad and was not computed from one that does; "
                "set requires_grad=True on what you differentiate by, outside no_grad()"
            )
        roots.append(node)
        gradients.append(_start(operation, output, weight, tensors))
    wanted = None
    if inputs is not None:
        for k, source in enumerate(inputs):
            if current_node(source) is None:
                raise RuntimeError(f"{operation}: input {k}, of shape {source.array.shape}, does not require grad")
        wanted = {source.node for source in inputs}
        wanted |= {old for node in wanted if node.plan is None for old in node.constant}  # type: ignore[union-attr]  # which refuse
    before, scope = thread.grad, thread.scope if tensors else None
    thread.grad = create_graph
    try:
        return pullback(
            roots,
            gradients,
            wanted,  # type: ignore[arg-type]
            retain_graph=create_graph if retain_graph is None else retain_graph,
            create_graph=tensors,
            observer=thread.observer,
        )
    finally:
        thread.grad = before
        if tensors:
            thread.scope = scope


def _start(operation: str, output: Tensor, weight: Any, create_graph: bool) -> Any:
    """The gradient that the pass starts with at one output."""
    array = output.array
    if weight is None:
        if array.size != 1:
            raise RuntimeError(
                f"{operation}: a gradient can be made up only for a scalar, this tensor has shape {array.shape}; "
                "reduce it first, e.g. loss.sum(), or pass gradient=, a tensor of this shape"
            )
        if array.dtype.kind == "c":
            raise RuntimeError(
                f"{operation}: a gradient can be made up only for real numbers, this tensor is {array.dtype}; pass gradient="
            )
        weight = np.ones(array.shape, array.dtype)
    elif isinstance(weight, Tensor | np.ndarray):
        if weight.shape != array.shape:
            raise ShapeError(f"{operation}: the gradient has shape {tuple(weight.shape)}, but the tensor {array.shape}")
        if create_graph and isinstance(weight, Tensor):
            return weight if weight.dtype == array.dtype else weight.to(array.dtype)
        weight = (weight.array if isinstance(weight, Tensor) else weight).astype(array.dtype, copy=False)
    else:
        raise TypeError(f"{operation}: the gradient must be a Tensor or None, got {type(weight).__name__}")
    return constant(weight) if create_graph else weight


from ..check import gradcheck, gradgradcheck  # noqa: E402 - they need `grad`
