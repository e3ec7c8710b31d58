"""How tensors are printed: like PyTorch's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .dtypes import get_default_dtype

if TYPE_CHECKING:
    from .tensor import Tensor

_options: dict[str, Any] = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80}


def set_printoptions(**options: Any) -> None:
    """Set `precision` (digits after the point), `threshold`, `edgeitems`, `linewidth`. Raises TypeError for others."""
    if unknown := options.keys() - _options.keys():
        raise TypeError(f"set_printoptions: unknown options {sorted(unknown)}; there are {sorted(_options)}")
    _options.update({k: v for k, v in options.items() if v is not None})


def tensor_text(tensor: Tensor) -> str:
    """`tensor([[1., 2.]], requires_grad=True)`."""
    array = tensor.array
    ending = []
    if array.dtype not in (get_default_dtype(), np.int64, np.bool_):
        ending.append(f"dtype={array.dtype}")
    if array.size == 0 and array.shape != (0,):
        ending.append(f"size={array.shape}")
    if tensor.grad_fn is not None:
        ending.append(f"grad_fn=<{tensor.grad_fn.name()}>")
    elif tensor.requires_grad:
        ending.append("requires_grad=True")
    head = "tensor("
    whole = array.dtype.kind == "f" and array.size and bool(np.all(np.isfinite(array) & (array == np.trunc(array)) & (np.abs(array) < 1e6)))
    body = (
        np.array2string(
            array,
            separator=", ",
            prefix=head,
            max_line_width=_options["linewidth"],
            precision=_options["precision"],
            floatmode="maxprec_equal" if whole else "fixed",
            threshold=_options["threshold"],
            edgeitems=_options["edgeitems"],
        )
        if array.size
        else "[]"
    )
    return head + body + "".join(", " + e for e in ending) + ")"
