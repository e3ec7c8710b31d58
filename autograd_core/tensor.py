"""Tensor: an array that remembers how it was computed.

What it holds is little: `array` (the NumPy array itself), `node` (its place in the graph, None when nothing records),
the gradient, and of which tensor it is a view. Operations become its methods in `faces/`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from . import dtypes, writes
from .device import CPU, Device
from .errors import InplaceError, ShapeError
from .graph import Node, leaf, thread
from .modes import enable_grad
from .size import Size
from .tensor_hooks import Handle, Retain


class Tensor:
    """An n-dimensional array of one dtype whose operations can be recorded and differentiated.

    `Tensor(data)` makes a tensor of the default float dtype from nested sequences, numbers or an array, copying;
    `tensor(data)` keeps the data's own kind.
    """

    __slots__ = ("__weakref__", "_grad", "_leaf", "array", "node", "_view")
    array: np.ndarray[Any, Any]
    node: Node | None
    _grad: Tensor | None
    _leaf: Node  # its node as a leaf, for life, so that pending graphs and hooks find it; unset until it first requires grad
    _view: tuple[Tensor, Any, Any] | None  # the tensor it looks into, by which operation and settings; made in no_grad: None and when

    def __init__(self, data: Any = (), *, requires_grad: bool = False):
        self.array = np.array(data.array if isinstance(data, Tensor) else data, dtype=dtypes.get_default_dtype())
        self.node = None
        self._grad = None
        self._view = None
        if requires_grad:
            self.requires_grad_()

    # ------------------------------------------------------------------ what it is

    @property
    def shape(self) -> Size:
        return Size(self.array.shape)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the length along `dim`."""
        return self.shape if dim is None else self.array.shape[dim]

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.array.dtype

    @property
    def ndim(self) -> int:
        return self.array.ndim

    def dim(self) -> int:
        return self.array.ndim

    def numel(self) -> int:
        return self.array.size

    @property
    def nbytes(self) -> int:
        return self.array.nbytes

    @property
    def itemsize(self) -> int:
        return self.array.itemsize

    def element_size(self) -> int:
        """Bytes of one element."""
        return self.array.itemsize

    @property
    def device(self) -> Device:
        return CPU

    def is_floating_point(self) -> bool:
        return self.array.dtype.kind == "f"

    def is_complex(self) -> bool:
        return self.array.dtype.kind == "c"

    def is_contiguous(self) -> bool:
        return self.array.flags.c_contiguous

    def stride(self, dim: int | None = None) -> Any:
        """Elements (not bytes) from one index to the next, of each dimension or of `dim`."""
        strides = tuple(s // self.array.itemsize for s in self.array.strides)
        return strides if dim is None else strides[dim]

    def data_ptr(self) -> int:
        return self.array.__array_interface__["data"][0]

    # ------------------------------------------------------------------ its place in the graph

    @property
    def requires_grad(self) -> bool:
        return (self.node if self._view is None else current_node(self)) is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Start (or stop) collecting this leaf's gradient in `.grad`.

        Raises RuntimeError for integer and boolean tensors, and for turning it off on a tensor that was computed.
        """
        if requires_grad and self.node is None:
            if self.array.dtype.kind not in "fc":
                raise RuntimeError(
                    f"requires_grad: only floating-point and complex tensors have gradients, this one is {self.array.dtype}; "
                    "convert it first, e.g. t.float()"
                )
            self.node = self._own_leaf()
        elif not requires_grad and self.node is not None:
            if self.node.plan is not None:
                raise RuntimeError("requires_grad: cannot be turned off on a tensor that was computed; use .detach()")
            self.node = None
        return self

    def _own_leaf(self) -> Node:
        """This tensor's one leaf node, brought up to date."""
        node: Node | None = getattr(self, "_leaf", None)
        if node is not None and node.shape != self.array.shape:
            hooks, node.hooks = node.hooks, [other_shape]  # what was computed from it has no place for its gradient any more
            self._leaf = leaf(ref(self), self.array.shape, self.array.dtype)
            self._leaf.hooks, self._leaf.constant = hooks, (node, *node.constant)
            return self._leaf
        if node is not None and not writes.changed_function_since(self.array, node.time):
            node.shape, node.dtype = self.array.shape, self.array.dtype
            return node
        self._leaf = leaf(ref(self), self.array.shape, self.array.dtype)
        if node is not None:  # what lies in this memory was recorded as computed since: only a newer leaf can stand for it
            self._leaf.hooks = node.hooks
        return self._leaf

    @property
    def is_leaf(self) -> bool:
        """True for tensors that were not computed from recorded ones."""
        return self.grad_fn is None

    @property
    def grad_fn(self) -> Node | None:
        node = self.node if self._view is None else current_node(self)
        return None if node is None or node.plan is None else node

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward passes have summed up here, or None."""
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"grad: must be a Tensor or None, got {type(value).__name__}")
            if value.array.shape != self.array.shape:
                raise ShapeError(f"grad: shape {value.array.shape} does not fit the tensor's {self.array.shape}")
            if value.array.dtype != self.array.dtype:
                raise RuntimeError(f"grad: dtype {value.array.dtype} does not fit the tensor's {self.array.dtype}")
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def data(self) -> Tensor:
        """The same memory as a tensor that does not record (PyTorch's `.data`); assigning replaces the memory."""
        return constant(self.array)

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"data: must be a Tensor, got {type(value).__name__}; NumPy arrays go through tensor() or from_numpy()")
        if value.array.dtype.kind in "biu" and self.requires_grad:
            raise RuntimeError(f"data: this tensor requires grad, and so cannot hold {value.array.dtype}")
        self.array = value.array
        if self.node is not None and self.node.plan is None:
            self.node = self._own_leaf()

    def detach(self) -> Tensor:
        """The same memory as a tensor outside the graph."""
        return constant(self.array)

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Sequence[Tensor] | Tensor | None = None,
    ) -> None:
        """Add the gradient of this tensor with respect to each leaf (or each of `inputs`) to the leaf's `.grad`.

        `gradient` weighs the elements of a non-scalar tensor. `create_graph` records the pass itself, for higher
        derivatives; `retain_graph` (by default as create_graph) keeps what it needs for another pass. Raises
        RuntimeError when this tensor does not record, is not a scalar, or its graph was freed.

        >>> import autograd_core as ag
        >>> x = ag.tensor([1.0, 2.0], requires_grad=True)
        >>> (x * x).sum().backward()
        >>> x.grad
        tensor([2., 4.])
        """
        from .autograd import backward

        backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Handle:
        """Call `hook(gradient)` whenever this tensor's gradient is computed; what it returns, if anything, replaces it.

        In a pass that is not recorded the gradient is the hook's own: it may also be written in place.
        """
        node = current_node(self)
        if node is None:
            raise RuntimeError("register_hook: this tensor does not require grad")

        def on_gradient(gradient: Any) -> Any:
            given = gradient if isinstance(gradient, Tensor) else constant(np.array(gradient))
            answer = hook(given)
            if answer is None:
                answer = given
            if not isinstance(answer, Tensor):
                raise TypeError(f"hook: must return a Tensor or None, got {type(answer).__name__}")
            if answer.array.shape != given.array.shape:
                raise ShapeError(f"hook: returned shape {answer.array.shape}, but the gradient is {given.array.shape}")
            return answer if isinstance(gradient, Tensor) else answer.array

        return Handle(node, on_gradient)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> Handle:
        """Call `hook(tensor)` whenever a backward pass has added to this leaf's `.grad`. Raises RuntimeError if it is not one."""
        from .node_hooks import post_accumulate

        return post_accumulate(self, hook)

    @property
    def output_nr(self) -> int:
        """Which result of its operation this is."""
        from .node_hooks import output_number

        node = self.grad_fn
        return 0 if node is None else output_number(node)

    def retain_grad(self) -> None:
        """Have `.grad` filled for this computed tensor too."""
        node = current_node(self)
        if node is None:
            raise RuntimeError("retain_grad: this tensor does not require grad")
        if node.plan is None:
            return
        if any(getattr(hook, "retains", None) is self for hook in node.hooks or ()):
            return
        Handle(node, Retain(self))

    @property
    def retains_grad(self) -> bool:
        return self.grad_fn is not None and any(isinstance(h, Retain) for h in self.node.hooks or ())  # type: ignore[union-attr]

    # ------------------------------------------------------------------ leaving for Python and NumPy

    def item(self) -> Any:
        """The one element as a Python number. Raises RuntimeError when there are more."""
        if self.array.size != 1:
            raise RuntimeError(f"item: only a tensor of one element is a number, this one has shape {self.array.shape}")
        return self.array.item()

    def tolist(self) -> Any:
        return self.array.tolist()

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, Any]:
        """The NumPy array behind this tensor, sharing memory. Raises RuntimeError if it requires grad, unless `force`."""
        if self.requires_grad and not force:
            raise RuntimeError("numpy: this tensor requires grad, and NumPy would lose it; use t.detach().numpy()")
        return self.array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.asarray(self.numpy(), dtype=dtype) if copy is None else np.array(self.numpy(), dtype=dtype, copy=copy)

    def __float__(self) -> float:
        return float(self._number())

    def __int__(self) -> int:
        return int(self._number())

    def __complex__(self) -> complex:
        return complex(self._number())

    def _number(self) -> Any:
        """The one element, with a warning where a gradient ends here: float(t), np.float64(t), math.sqrt(t) and array[0] = t all ask so."""
        value = self.item()
        if self.requires_grad:
            warnings.warn("this tensor requires grad, a number has no gradient; if a number is meant, say t.item()", stacklevel=3)
        return value

    def __index__(self) -> int:
        if self.array.dtype.kind not in "iu":
            raise TypeError(f"only integer tensors of one element can be an index, this one is {self.array.dtype}")
        return int(self.item())

    def __bool__(self) -> bool:
        if self.array.size != 1:
            raise RuntimeError(f"bool: a tensor of shape {self.array.shape} is neither true nor false; say (t > 0).all() or (t > 0).any()")
        return bool(self.array.item())

    def __len__(self) -> int:
        if not self.array.ndim:
            raise TypeError("len: a 0-d tensor has no length")
        return len(self.array)

    def __iter__(self) -> Iterator[Tensor]:
        if not self.array.ndim:
            raise TypeError("iter: a 0-d tensor cannot be iterated over")
        return (self[i] for i in range(len(self.array)))

    def __format__(self, spec: str) -> str:
        return format(self.array.item(), spec) if self.array.ndim == 0 else object.__format__(self, spec)

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        from .printing import tensor_text

        return tensor_text(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self.grad_fn is not None:
            raise RuntimeError("only leaf tensors can be copied or pickled: this one was computed; use .detach()")
        return rebuild, (type(self), self.array, self.requires_grad, getattr(self, "__dict__", None) or None)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if self.grad_fn is not None:
            raise RuntimeError("only leaf tensors can be deep-copied: this one was computed; use .detach() or .clone()")
        twin = rebuild(type(self), self.array.copy(), self.requires_grad, None)
        memo[id(self)] = twin
        if self._grad is not None:
            twin._grad = constant(self._grad.array.copy())
        return twin

    if TYPE_CHECKING:  # the operations that faces/ makes methods

        def __getattr__(self, name: str) -> Any: ...
        def __getitem__(self, index: Any) -> Tensor: ...
        def __setitem__(self, index: Any, value: Any) -> None: ...
        def __neg__(self) -> Tensor: ...
        def __pos__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def _binary(self, other: Any) -> Tensor: ...

        __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _binary
        __pow__ = __rpow__ = __matmul__ = __rmatmul__ = __mod__ = __floordiv__ = __and__ = __or__ = __xor__ = _binary
        __lt__ = __le__ = __gt__ = __ge__ = _binary
        __iadd__ = __isub__ = __imul__ = __itruediv__ = __ipow__ = _binary


def constant(array: np.ndarray[Any, Any]) -> Tensor:
    """A Tensor on this very array that does not record."""
    result = Tensor.__new__(Tensor)
    result.array = array
    result.node = None
    result._grad = None
    result._view = None
    return result


def on_node(array: Any, node: Node | None) -> Tensor:
    """A Tensor on this array at this place in the graph."""
    result = constant(array if type(array) is np.ndarray else np.asarray(array))
    result.node = node
    return result


def current_node(tensor: Any) -> Node | None:
    """The tensor's node, made anew if the memory it looks into was rewritten, as a function of others, since.

    Raises InplaceError where that cannot be known.
    """
    if not isinstance(tensor, Tensor):
        return None
    if not is_stale(tensor):
        return tensor.node
    again = []  # views of views: from the last back to the first that is not to be made again
    view = tensor
    while is_stale(view) and view._view is not None and view._view[1] is not None:
        if writes.owner(view._view[0].array) is not writes.owner(view.array):
            break
        again.append(view)
        view = view._view[0]
    if again:
        with enable_grad():
            for view in reversed(again):
                whole, operation, settings = view._view  # type: ignore[misc]
                if not still_there(view):
                    raise InplaceError("a view of a tensor that has since changed its shape in place, and been written; use a clone()")
                put_on(view, operation(whole, **settings).node)
        return tensor.node
    node = tensor.node
    if node is None and not (made_apart(tensor) and thread.grad):
        return None
    what = "a view made in no_grad" if node is None else node.op.name if node.op else "leaf"
    raise InplaceError(
        f"{what}: this tensor of shape {tensor.array.shape} shares memory with one that an in-place "
        "operation has since changed; use the changed tensor, or clone() before changing it"
    )


def still_there(view: Tensor) -> bool:
    """Whether what a tensor is a view of still has the shape by which it looks there."""
    whole, operation, settings = view._view  # type: ignore[misc]
    try:
        seen = operation(whole.array, **settings).__array_interface__
    except (ValueError, IndexError):
        return False
    here = view.array.__array_interface__
    return all(seen[k] == here[k] for k in ("data", "shape", "strides"))


def put_on(target: Tensor, node: Node | None) -> None:
    """Make this the target's node; what `retain_grad` asked of the one before it now asks of this."""
    before, target.node = target.node, node
    for hook in tuple(before.hooks or ()) if before is not None and node is not None else ():
        if isinstance(hook, Retain) and hook.retains is target:
            hook.follow(before, node)  # type: ignore[arg-type]


def other_shape(gradient: Any) -> Any:
    """The hook of a leaf whose `.data` was replaced by another shape."""
    raise ShapeError(f"backward: the .data of a leaf of shape {gradient.shape} was replaced by another shape after it was used")


def made_apart(tensor: Tensor) -> bool:
    """Whether it is a view made in no_grad."""
    return tensor.node is None and tensor._view is not None and tensor._view[1] is None


def is_stale(tensor: Tensor) -> bool:
    """Whether the memory it looks into became another function of the leaves since its node was made."""
    node = tensor.node
    time = node.time if node is not None else tensor._view[2] if made_apart(tensor) else 0  # type: ignore[index]
    return time <= writes.latest_recorded and writes.changed_function_since(tensor.array, time)


def rebuild(kind: type[Tensor], array: np.ndarray[Any, Any], requires_grad: bool, attributes: dict[str, Any] | None) -> Tensor:
    """A leaf tensor of this class (for copy and pickle)."""
    result = kind.__new__(kind)
    result.array = array
    result.node = result._grad = result._view = None
    if attributes:
        result.__dict__.update(attributes)
    return result.requires_grad_(requires_grad)
