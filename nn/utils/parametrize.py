"""Tensors of a module computed from others each time they are read: symmetric, normalised, orthogonal weights, and the user's own.

`register_parametrization(layer, "weight", Symmetric())` moves the Parameter to `layer.parametrizations.weight.original` and makes
`layer.weight` a property: `Symmetric.forward` of it. Assigning to `layer.weight` sets the original through `right_inverse`, where
the parametrization defines one: `forward(right_inverse(x))` should be x.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from threading import local
from typing import Any

from autograd_core.modes import no_grad
from autograd_core.tensor import Tensor

from ..containers import ModuleDict, ModuleList
from ..module import Module
from ..parameter import Parameter

__all__ = [
    "cached", "ParametrizationList", "register_parametrization", "is_parametrized", "remove_parametrizations",
    "type_before_parametrizations", "transfer_parametrizations_and_params",
]  # fmt: skip


class Caching(local):
    """Of each thread: the values read inside `cached()`, by parametrization."""

    values: dict[ParametrizationList, Tensor] | None = None


caching = Caching()


@contextmanager
def cached() -> Iterator[None]:
    """Inside, each parametrized tensor is computed when it is first read, and kept until the outermost `cached()` ends."""
    outer = caching.values
    if outer is None:
        caching.values = {}
    try:
        yield
    finally:
        caching.values = outer


# ---------------------------------------------------------------------- the parametrizations of one tensor


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, the first of which is given `original`, or `original0`, `original1`, ...

    Several originals come of a `right_inverse` that returns a sequence. The originals are Parameters if the tensor was one,
    else buffers. Raises ValueError, unless `unsafe`, where forward(right_inverse(x)) has another dtype or shape than x.
    """

    original: Tensor

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False):
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        new: Any = original
        with no_grad():
            for module in reversed(list(self)):
                new = inverted(module, new, new)
        self.is_tensor = isinstance(new, Tensor)
        parts: list[Any] = [new] if self.is_tensor else list(new) if isinstance(new, Sequence) else [None]
        self.ntensors = len(parts)
        if not all(isinstance(part, Tensor) for part in parts):
            raise ValueError(f"right_inverse must return a Tensor or a sequence of Tensors, got {new!r:.80}")
        if self.is_tensor and new.dtype != original.dtype:
            raise ValueError(f"right_inverse of one tensor must keep its dtype, {original.dtype}, but returned {new.dtype}")
        before = original.data
        if self.is_tensor:
            original.data = new.detach()
            register(self, "original", original)
        else:
            for name, part in zip(self.names(), parts, strict=True):
                register(self, name, Parameter(part.detach(), original.requires_grad) if isinstance(original, Parameter) else part)
        if not unsafe:
            try:
                check("a parametrization", before, self())
            except BaseException:
                original.data = before
                raise

    def names(self) -> list[str]:
        """The names of the originals."""
        return ["original"] if self.is_tensor else [f"original{k}" for k in range(self.ntensors)]

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals so that the tensor becomes `value`.

        Raises RuntimeError for a parametrization without `right_inverse`, ValueError where one returns what does not fit.
        """
        with no_grad():
            new: Any = value
            for module in reversed(list(self)):
                if getattr(module, "right_inverse", None) is None:
                    raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
                new = module.right_inverse(new)  # type: ignore[operator]
            parts = [new] if self.is_tensor else new
            if not isinstance(parts, Sequence) or len(parts) != self.ntensors or not all(isinstance(p, Tensor) for p in parts):
                raise ValueError(f"right_inverse must return {self.ntensors} Tensor(s), as at registration, got {type(new).__name__}")
            originals = [getattr(self, name) for name in self.names()]
            for original, part in zip(originals, parts, strict=True):
                if part.dtype != original.dtype:
                    raise ValueError(f"right_inverse returned {part.dtype} where the original is {original.dtype}")
            for original, part in zip(originals, parts, strict=True):
                original.data = part.detach().clone()

    def forward(self) -> Any:
        first, *others = self
        x = first(*(getattr(self, name) for name in self.names()))
        for module in others:
            x = module(x)
        return x


def inverted(module: Module, value: Any, default: Any) -> Any:
    """right_inverse of this value; the default where the module has none."""
    inverse = getattr(module, "right_inverse", None)
    if inverse is None:
        return default
    try:
        return inverse(value)
    except NotImplementedError:
        return default


def check(what: str, x: Tensor, y: Any) -> None:
    """That y can stand where x stood."""
    if not isinstance(y, Tensor):
        raise ValueError(f"{what} must return a tensor. Got {type(y).__name__}.")
    if y.dtype != x.dtype:
        raise ValueError(f"{what} may not change the dtype from {x.dtype} to {y.dtype}, unless the `unsafe` flag is enabled.")
    if y.shape != x.shape:
        raise ValueError(f"{what} may not change the shape from {x.shape} to {y.shape}, unless the `unsafe` flag is enabled.")


def register(module: Module, name: str, tensor: Tensor) -> None:
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


# ---------------------------------------------------------------------- on and off


def register_parametrization(module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False) -> Module:
    """Compute a Parameter or buffer of the module by this parametrization, after those it may have already. Returns the module.

    `unsafe` leaves out the checks, which call it once or twice, that it keeps shape and dtype. Raises ValueError where it does
    not, and for a name that the module has no tensor of.
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        listed = module.parametrizations[tensor_name]
        if not unsafe:
            value = getattr(module, tensor_name)
            result = parametrization(value)
            check("a parametrization", value, result)
            check("right_inverse", value, inverted(parametrization, result, value))
        listed.append(parametrization)
        listed.unsafe |= unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        listed = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe=unsafe)
        delattr(module, tensor_name)
        names = names_of(module)
        if not names:
            module.parametrizations = ModuleDict()
        module.parametrizations[tensor_name] = listed
        become(module, (*names, tensor_name))
    else:
        raise ValueError(
            f"{type(module).__name__} does not have a parameter, a buffer, or a parametrized element with name {tensor_name!r}"
        )
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether the tensor of this name, or any, is parametrized."""
    return bool(names_of(module)) if tensor_name is None else tensor_name in names_of(module)


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make the tensor an ordinary Parameter or buffer again: of its value, or with `leave_parametrized=False` of the original.

    Returns the module. Raises ValueError where it is not parametrized, or is computed from several originals, none of which it was.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"{type(module).__name__} does not have a parametrization on {tensor_name!r}")
    listed = module.parametrizations[tensor_name]
    if not listed.is_tensor and not leave_parametrized:
        raise ValueError("leave_parametrized=False: this tensor is computed from several, so there is no one original to go back to")
    value = getattr(module, tensor_name).detach() if leave_parametrized else None
    if listed.is_tensor:
        left = listed.original
        if value is not None:
            left.data = value.clone()
    else:
        left = Parameter(value, listed.original0.requires_grad) if isinstance(listed.original0, Parameter) else value
    names = tuple(name for name in names_of(module) if name != tensor_name)
    become(module, names)
    del module.parametrizations[tensor_name]
    if not names:
        del module.parametrizations
    register(module, tensor_name, left)
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class that the module had."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(from_module: Module, to_module: Module, tensor_name: str | None = None) -> Module:
    """Put the parametrizations of one module's tensor (of all its tensors) and their originals on another module, which is returned.

    They come after those that it has. Raises AssertionError for a tensor that is not parametrized, ValueError for one that is
    computed from other originals there.
    """
    if tensor_name is not None and not is_parametrized(from_module, tensor_name):
        raise AssertionError(f"{type(from_module).__name__} does not have a parametrization on {tensor_name!r}")
    moved = names_of(from_module) if tensor_name is None else (tensor_name,)
    for name in moved:
        originals = from_module.parametrizations[name].names()
        if is_parametrized(to_module, name) and to_module.parametrizations[name].names() != originals:
            raise ValueError(f"{name!r} of {type(to_module).__name__} is not computed from {', '.join(originals)}, as the other module's")
    for name in moved:
        if name not in to_module._parameters and name not in to_module._buffers and not is_parametrized(to_module, name):
            register(to_module, name, Parameter(getattr(from_module, name).detach().clone()))
        source = from_module.parametrizations[name]
        for module in source:
            register_parametrization(to_module, name, module, unsafe=True)
        target = to_module.parametrizations[name]
        for original in source.names():
            setattr(target, original, getattr(source, original))
    return to_module


# ---------------------------------------------------------------------- the class with the properties


def names_of(module: Module) -> tuple[str, ...]:
    return type(module).__dict__.get("_parametrized", ())


def become(module: Module, names: tuple[str, ...]) -> None:
    """Give the module the class in which these tensors are computed: for no names, the one it had."""
    module.__class__ = parametrized_class(type_before_parametrizations(module), names)


@cache
def parametrized_class(base: Any, names: tuple[str, ...]) -> type[Module]:
    """The class itself without names; the same for all modules with the same ones, so copies are of their original's class."""
    if not names:
        return base
    members: dict[str, Any] = {name: computed(name) for name in names}
    members |= {"_parametrized": names, "__module__": base.__module__, "__reduce_ex__": reduce}
    return type(f"Parametrized{base.__name__}", (base,), members)


def computed(name: str) -> property:
    def read(module: Any) -> Any:
        listed = module.parametrizations[name]
        if caching.values is None:
            return listed()
        if listed not in caching.values:
            caching.values[listed] = listed()
        return caching.values[listed]

    def write(module: Any, value: Tensor) -> None:
        module.parametrizations[name].right_inverse(value)

    return property(read, write)


def reduce(module: Module, protocol: Any) -> Any:
    """How to copy or pickle a module of a class that was made here: by its base, which has a name."""
    return remade, (type_before_parametrizations(module), names_of(module)), module.__dict__


def remade(base: Any, names: tuple[str, ...]) -> Module:
    kind = parametrized_class(base, names)
    return kind.__new__(kind)
