"""`out=`: the result of a function written into a tensor that there is, where PyTorch's functions take one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from .. import writes
from ..dtypes import can_cast
from ..errors import ShapeError
from ..graph import thread
from ..tensor import Tensor

WITH_OUT = set(
    """
    add addbmm addcdiv addcmul addmm addmv addr all amax amin aminmax baddbmm bitwise_and bitwise_left_shift bitwise_not
    bitwise_right_shift bitwise_xor bitwise_or bmm bucketize cat ceil clamp clip column_stack complex concat concatenate conj_physical
    copysign cos cosh cross cummax cummin cumprod cumsum deg2rad diag digamma div divide dot dstack eq erf erfc erfinv exp exp2 expm1 fix
    float_power floor floor_divide fmax fmin fmod frac frexp gather gcd ge ger greater greater_equal gt heaviside hstack hypot
    i0 igamma igammac index_select inner inverse isneginf isposinf kron kthvalue lcm ldexp le lerp less less_equal lgamma log log10 log1p
    log2 logaddexp logaddexp2 logcumsumexp logical_and logical_not logical_or logical_xor logit logsumexp lt masked_select matmul
    matrix_power max maximum mean median min minimum mm mode mul multiply mv mvlgamma nan_to_num nanmean nanmedian nanquantile nansum ne
    neg negative nextafter nonzero norm not_equal outer polar polygamma pow prod quantile reciprocal remainder round row_stack rsqrt
    searchsorted sgn sigmoid sign signbit sin sinc sinh softmax log_softmax sort sqrt square stack std sub subtract sum take
    take_along_dim tan tanh topk tril triu true_divide trunc abs absolute acos acosh arccos arccosh arcsin arcsinh arctan arctan2 arctanh
    asin asinh atan atan2 atanh angle any argmax argmin var vdot vstack xlogy
    """.split()
)


def with_out(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with PyTorch's `out`: a tensor of the result's shape (or an empty one), or a tuple where there are several results."""

    @wraps(function)
    def call(*args: Any, out: Any = None, **settings: Any) -> Any:
        if out is None:
            return function(*args, **settings)
        targets = out if isinstance(out, tuple | list) else (out,)
        for target in (*args, *targets, *(args[0] if args and isinstance(args[0], tuple | list) else ())):
            if thread.grad and isinstance(target, Tensor) and target.requires_grad:
                raise RuntimeError(
                    f"{function.__name__}: out= is not recorded, but one of the tensors requires grad; leave it out, or use no_grad()"
                )
        result = function(*args, **settings)
        results = result if isinstance(result, tuple) else (result,)
        if len(results) != len(targets) or not all(isinstance(t, Tensor) for t in targets):
            raise TypeError(f"{function.__name__}: out= takes {len(results)} tensors, got {[type(t).__name__ for t in targets]}")
        for target, found in zip(targets, results, strict=True):
            check(function.__name__, target, found)
        for target, found in zip(targets, results, strict=True):
            write(function.__name__, target, found)
        return out if len(results) == 1 else type(result)(*targets) if hasattr(result, "_fields") else tuple(targets)

    return call


def check(name: str, target: Tensor, found: Tensor) -> None:
    """Raise ShapeError or RuntimeError where the result does not fit into the target."""
    if target.array.size and target.array.shape != found.array.shape:
        raise ShapeError(f"{name}: the result has shape {found.array.shape}, but out= has {target.array.shape}")
    if not can_cast(found.dtype, target.dtype):
        raise RuntimeError(f"{name}: the result is {found.dtype}, which cannot be stored in out= of {target.dtype}")
    if not target.array.flags.writeable:
        raise RuntimeError(f"{name}: the memory of out= is shared by expansion or read-only")


def write(name: str, target: Tensor, found: Tensor) -> None:
    if target.array.shape == found.array.shape:
        np.copyto(target.array, found.array, casting="unsafe")
        writes.note(target.array, name)
    else:  # an empty one takes the result's shape
        target.array = found.array.astype(target.dtype)
