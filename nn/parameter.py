"""`Parameter` and `Buffer`: tensors that a Module counts as its own when they are assigned to it; and both without a shape yet."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any, NoReturn

import numpy as np

from autograd_core.creation import empty
from autograd_core.dtypes import get_default_dtype
from autograd_core.tensor import Tensor, constant, rebuild


class Parameter(Tensor):
    """A leaf tensor on the memory of `data`, to be trained: assigned to a Module it is one of its `parameters()`.

    Without `data` it is empty. Operations on it give plain Tensors. Raises TypeError unless `data` is a Tensor, and
    RuntimeError where `requires_grad` is asked of integers or booleans.
    """

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True):
        self.array = _array_of("Parameter", data)
        self.node = self._grad = self._view = None
        if requires_grad:
            self.requires_grad_()

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        """A copy with the attributes that were set on it, and without a gradient."""
        return _copied(self, memo)


class Buffer(Tensor):
    """A tensor on the memory of `data` that belongs to a Module's state but is not trained.

    `persistent` says whether it is in the `state_dict`. Raises TypeError unless `data` is a Tensor.
    """

    def __init__(self, data: Tensor | None = None, *, persistent: bool = True):
        self.array = _array_of("Buffer", data)
        self.node = self._grad = self._view = None
        self.persistent = persistent
        if data is not None and data.requires_grad:
            self.requires_grad_()

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        return _copied(self, memo)


class UninitializedTensorMixin(Tensor):
    """A tensor of a lazy module whose shape its first input decides; `materialize` gives it memory.

    Until then it can be registered, converted, copied, saved and pickled. Everything else raises ValueError, and asking for
    its shape RuntimeError.
    """

    cls_to_become: type[Tensor]
    memory: np.ndarray[Any, Any]  # an empty array of its dtype
    trained: bool

    def _begin(self, requires_grad: bool, device: Any, dtype: Any) -> None:
        self.memory = empty(0, device=device, dtype=dtype).array
        self.node = self._grad = self._view = None
        self.trained = requires_grad

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Become a Parameter or Buffer of this shape, with any numbers in it."""
        array = empty(tuple(shape), device=device, dtype=self.dtype if dtype is None else dtype).array
        trained = self.trained
        del self.memory, self.trained
        self.__class__ = self.cls_to_become  # type: ignore[assignment]
        self.array = array  # type: ignore[misc, assignment]
        self.requires_grad_(trained)

    def shapeless(self) -> Callable[[], None]:
        """A function that undoes a `materialize` that comes after this."""
        kind, memory, trained = type(self), self.memory, self.trained

        def undo() -> None:
            if type(self) is not kind:
                del self.array  # type: ignore[misc]
                self.__class__ = kind  # type: ignore[assignment]
                self.node = self._grad = self._view = None
            self.memory, self.trained = memory, trained

        return undo

    @property
    def array(self) -> NoReturn:  # type: ignore[override]
        raise ValueError(f"a {type(self).__name__} has no values yet: call the lazy module it belongs to once, which initializes it")

    @property
    def shape(self) -> NoReturn:
        raise RuntimeError(f"a {type(self).__name__} has no shape yet: call the lazy module it belongs to once, which initializes it")

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.memory.dtype

    @property
    def data(self) -> Tensor:
        """An empty tensor of its dtype; assigning one changes the dtype."""
        return constant(self.memory)

    @data.setter
    def data(self, value: Tensor) -> None:
        self.memory = value.array

    @property
    def requires_grad(self) -> bool:
        return self.trained

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.trained = value

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        self.trained = requires_grad
        return self

    def is_floating_point(self) -> bool:
        return self.memory.dtype.kind == "f"

    def is_complex(self) -> bool:
        return self.memory.dtype.kind == "c"

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _unshaped, (type(self), self.memory, {**self.__dict__})

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        twin = memo[id(self)] = _unshaped(type(self), self.memory, deepcopy(self.__dict__, memo))
        return twin


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A Parameter without a shape yet."""

    cls_to_become = Parameter

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None):
        self._begin(requires_grad, device, dtype)


class UninitializedBuffer(UninitializedTensorMixin, Buffer):
    """A buffer without a shape yet."""

    cls_to_become = Buffer

    def __init__(self, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True):
        self._begin(requires_grad, device, dtype)
        self.persistent = persistent


def is_lazy(param: Any) -> bool:
    """Whether this has no shape yet."""
    return isinstance(param, UninitializedTensorMixin)


def _unshaped(kind: type[UninitializedTensorMixin], memory: np.ndarray[Any, Any], attributes: dict[str, Any]) -> UninitializedTensorMixin:
    twin = kind.__new__(kind)
    twin.__dict__.update(attributes)
    twin.memory = memory
    twin.node = twin._grad = twin._view = None
    return twin


def _array_of(kind: str, data: Tensor | None) -> np.ndarray[Any, Any]:
    if data is None:
        return np.empty(0, get_default_dtype())
    if not isinstance(data, Tensor):
        raise TypeError(f"{kind}: data must be a Tensor or None, got a {type(data).__name__}; arrays and lists go through tensor()")
    return data.array


def _copied(tensor: Any, memo: dict[int, Any]) -> Tensor:
    twin = memo[id(tensor)] = rebuild(type(tensor), tensor.array.copy(), tensor.requires_grad, deepcopy(tensor.__dict__, memo))
    return twin
