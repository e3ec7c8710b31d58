"""NumPy's protocols: `np.sin(t)`, `np.sum(t, axis=0)` and `array * t` record as the tensor's own operations do.

Where nothing records, NumPy itself computes, on the arrays. Where something does, a function of `numpy_*` takes NumPy's
arguments to our operations; what has none raises: a gradient is never lost in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from ..dtypes import FLOAT32, FLOAT64
from ..graph import thread
from ..tensor import Tensor
from .numpy_arguments import has_tensors, records, with_tensors, without_tensors
from .numpy_ufuncs import UFUNCS, numpy_promoted, recorded_method

__all__ = ["UFUNCS", "array_function", "array_ufunc", "functions", "install"]


def array_ufunc(self: Tensor, ufunc: np.ufunc, method: str, *inputs: Any, **settings: Any) -> Any:
    """Called by NumPy for `ufunc(...)` with a Tensor among its arguments."""
    operation = UFUNCS.get(ufunc)
    if method == "__call__" and not settings and operation is not None and floats_of_one_kind(ufunc, inputs):
        return operation(*inputs)
    if any(is_foreign(type(i)) for i in inputs):
        return NotImplemented
    if settings or method == "at":
        refuse_writing(ufunc, method, inputs, settings)
    if thread.batch is None and not records(inputs, settings):
        return on_arrays(getattr(ufunc, method), inputs, settings, "out" in settings)
    if method != "__call__" or settings:
        return recorded_method(ufunc, method, inputs, settings)
    if operation is None:
        raise lost(f"np.{ufunc.__name__}")
    return operation(*numpy_promoted(ufunc, inputs))


def floats_of_one_kind(ufunc: np.ufunc, inputs: tuple[Any, ...]) -> bool:
    """Whether there is nothing to convert: what most calls are given, told quickly."""
    for i in inputs:
        if not isinstance(i, Tensor):
            return False
        dtype = i.array.dtype
        if dtype is not FLOAT32 and dtype is not FLOAT64:
            return False
    return (len(inputs) == 1 or dtype is inputs[0].array.dtype) and ufunc not in CONVERTING


def is_foreign(kind: type) -> bool:
    """Whether it is a class that answers to ufuncs itself: then it is asked."""
    return getattr(kind, "__array_ufunc__", None) is not None and not issubclass(kind, Tensor | np.ndarray | np.generic)


CONVERTING = {np.float_power, np.ldexp}  # what they compute in is not what they are given


def refuse_writing(ufunc: np.ufunc, method: str, inputs: Any, settings: Any) -> None:
    """Raise TypeError for what would be written where no gradient can follow."""
    out = settings.pop("out", None)
    if method == "at" and isinstance(inputs[0], Tensor):
        raise written(f"np.{ufunc.__name__}.at")
    if out is None or all(o is None for o in out):
        return
    if records(inputs, settings) or has_tensors(out):
        raise no_out(f"np.{ufunc.__name__}")
    settings["out"] = out


def array_function(self: Tensor, function: Callable[..., Any], types: Any, args: Any, settings: Any) -> Any:
    """Called by NumPy for its functions with a Tensor among their arguments."""
    if not all(issubclass(kind, Tensor | np.ndarray) for kind in types):
        return NotImplemented
    name = f"np.{function.__name__}" if function.__module__ == "numpy" else f"{function.__module__}.{function.__name__}"
    out = settings.get("out")
    place = place_of_out(function)
    if out is None and place is not None and len(args) > place:
        out = args[place]
    recording = records(args, settings)
    if out is not None and (recording or isinstance(out, Tensor)):
        raise no_out(name)
    if function in WRITING and isinstance(args[0] if args else settings[WRITING[function]], Tensor):
        raise written(name)
    if function is np.nan_to_num and not (args[1] if len(args) > 1 else settings.get("copy", True)):
        raise written(f"{name} with copy=False")
    if function not in VALUES and (recording or thread.batch is not None or function in VIEWS):
        operation = functions().get(function)
        if operation is not None:
            try:
                return operation(*args, **{k: v for k, v in settings.items() if k != "out"})
            except Exception:
                if thread.batch is None:
                    on_arrays(function, args, settings, False)  # of arguments that do not fit NumPy says so in its own words
                raise
        if recording:
            raise lost(name)
    return on_arrays(function, args, settings, out is not None)


def on_arrays(function: Callable[..., Any], args: Any, settings: Any, into: bool) -> Any:
    """What NumPy's function says of the arrays; the caller's own array if it was written `into` one."""
    answer = function(*without_tensors(args), **without_tensors(settings))
    return answer if into else with_tensors(answer, (args, settings))


def written(name: str) -> TypeError:
    return TypeError(
        f"{name}: would change a tensor behind the graph's back; use its in-place methods (add_, copy_, ...) or assign: t[index] = values"
    )


def lost(name: str) -> TypeError:
    return TypeError(
        f"{name}: not recorded for tensors that require grad, so the gradient would be lost; call .detach() first if that is meant"
    )


def no_out(name: str) -> TypeError:
    return TypeError(f"{name}: out= is not supported with tensors; an array cannot hold a gradient. Assign the result instead")


@cache
def place_of_out(function: Callable[..., Any]) -> int | None:
    """Which positional argument of a NumPy function is `out`."""
    import inspect

    if function is np.concatenate:  # which has no signature
        return 2
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return None
    return next((k for k, p in enumerate(parameters) if p.name == "out" and p.kind is p.POSITIONAL_OR_KEYWORD), None)


# ---------------------------------------------------------------------- which functions there are


@cache
def functions() -> dict[Callable[..., Any], Callable[..., Any]]:
    """For each of NumPy's functions that record, ours; gathered when one is first called, so that importing stays quick."""
    found: dict[Callable[..., Any], Callable[..., Any]] = {}
    for part, namespace in MODULES:
        module = import_module(f".{part}", __package__)
        for name in module.FUNCTIONS.split():
            if hasattr(namespace, name):  # some are younger than the oldest NumPy that will do
                found[getattr(namespace, name)] = getattr(module, name)
    return found


MODULES: tuple[tuple[str, Any], ...] = (
    ("numpy_shapes", np),
    ("numpy_entries", np),
    ("numpy_reductions", np),
    ("numpy_statistics", np),
    ("numpy_numerics", np),
    ("numpy_sets", np),
    ("numpy_products", np),
    ("numpy_linalg", np.linalg),
    ("numpy_fft", np.fft),
)

WRITING = {  # NumPy's functions that write into their first argument, and what they call it
    np.copyto: "dst",
    np.fill_diagonal: "a",
    np.put: "a",
    np.putmask: "a",
    np.place: "arr",
    np.put_along_axis: "arr",
}


def named(names: str) -> frozenset[Callable[..., Any]]:
    return frozenset(getattr(np, name) for name in names.split())


VALUES = named("""
    all any argmax argmin nanargmax nanargmin argsort argpartition lexsort argwhere nonzero flatnonzero count_nonzero searchsorted digitize
    allclose isclose array_equal array_equiv isin iscomplex isreal iscomplexobj isrealobj isneginf isposinf
    shape ndim size zeros_like ones_like empty_like result_type can_cast common_type min_scalar_type may_share_memory shares_memory
    diag_indices_from tril_indices_from triu_indices_from einsum_path array_repr array_str array2string
""") | {np.linalg.matrix_rank}  # which have no gradient, whatever records

VIEWS = named("""
    reshape ravel transpose permute_dims matrix_transpose swapaxes moveaxis rollaxis squeeze expand_dims atleast_1d atleast_2d atleast_3d
    broadcast_to broadcast_arrays split array_split hsplit vsplit dsplit flip fliplr flipud rot90 diagonal diag real imag meshgrid
""") | {np.linalg.diagonal, np.linalg.matrix_transpose}  # whose results share memory: known as views also where nothing records


def install() -> None:
    """Give Tensor NumPy's protocols."""
    Tensor.__array_ufunc__ = array_ufunc  # type: ignore[attr-defined]
    Tensor.__array_function__ = array_function  # type: ignore[attr-defined]
