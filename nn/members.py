"""What a module holds under names: Parameters, buffers, and other modules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from autograd_core.tensor import Tensor

from .parameter import Buffer, Parameter

if TYPE_CHECKING:
    from .module import Module


class Members:
    """The half of Module that sorts what is assigned to it, and finds it again by `parameters()`, `modules()` and their like."""

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent_buffers_set: set[str]

    def __init__(self) -> None:
        self.__dict__.update(training=True, _parameters={}, _buffers={}, _modules={}, _non_persistent_buffers_set=set())

    # ------------------------------------------------------------------ attributes

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        if "_parameters" in own:
            if name in own["_parameters"]:
                return own["_parameters"][name]
            if name in own["_modules"]:
                return own["_modules"][name]
            if name in own["_buffers"]:
                return own["_buffers"][name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'", name=name, obj=self)

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        if isinstance(value, Parameter):
            self._ready("parameters")
            self._forget(name, keep="_parameters")
            self.register_parameter(name, value)
        elif isinstance(value, Members):
            self._ready("module")
            self._forget(name, keep="_modules")
            self._modules[name] = value  # type: ignore[assignment]
        elif name in own.get("_parameters", ()):
            self.register_parameter(name, value)
        elif name in own.get("_modules", ()):
            if value is not None:
                raise TypeError(f"cannot assign '{type(value).__name__}' as child module '{name}' (Module or None expected)")
            self._modules[name] = value
        elif isinstance(value, Buffer) or name in own.get("_buffers", ()):
            self._ready("buffer")
            persistent = value.persistent if isinstance(value, Buffer) else name not in own["_non_persistent_buffers_set"]
            if name not in self._buffers:
                self._forget(name)
            self.register_buffer(name, value, persistent)
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        if any(name in self.__dict__.get(members, ()) for members in ("_parameters", "_buffers", "_modules")):
            self._forget(name)
        else:
            object.__delattr__(self, name)

    def _ready(self, what: str) -> None:
        if "_modules" not in self.__dict__:
            raise AttributeError(f"cannot assign {what} before Module.__init__() call: start {type(self).__name__}.__init__ with it")

    def _forget(self, name: str, keep: str = "") -> None:
        """Take the name out of wherever it stands."""
        for members in ("_parameters", "_buffers", "_modules"):
            if members != keep:
                self.__dict__[members].pop(name, None)
        self.__dict__.pop(name, None)
        self.__dict__["_non_persistent_buffers_set"].discard(name)

    def __dir__(self) -> list[str]:
        names = {*super().__dir__(), *self._parameters, *self._buffers, *self._modules}
        return sorted(name for name in names if not name[:1].isdigit())

    # ------------------------------------------------------------------ members, by name

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a Parameter (or None, in its place) under this name.

        Raises KeyError for a name that is taken, empty or has a dot, TypeError for other things, ValueError for a
        Parameter that was computed.
        """
        self._ready("parameter")
        self._check_name("parameter", name, self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"cannot assign '{type(param).__name__}' object to parameter '{name}' (nn.Parameter or None required)")
        if param is not None and param.grad_fn is not None:
            raise ValueError(f"cannot assign a computed tensor to parameter '{name}': compute it in forward() instead")
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is state but not trained; `persistent` puts it in the `state_dict`. Errors as register_parameter."""
        self._ready("buffer")
        self._check_name("buffer", name, self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' (Tensor or None required)")
        self._buffers[name] = tensor
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """Add a child module (or None, in its place) under this name. Errors as register_parameter."""
        self._ready("module")
        if module is not None and not isinstance(module, Members):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        self._check_name("module", name, self._modules)
        self._modules[name] = module

    def add_module(self, name: str, module: Module | None) -> None:
        """The same as register_module."""
        self.register_module(name, module)

    def _check_name(self, kind: str, name: Any, members: Mapping[str, Any]) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type(name).__name__}")
        if not name or "." in name:
            raise KeyError(f"{kind} name can't be empty or contain '.', got {name!r}")
        if name not in members and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")

    def get_submodule(self, target: str) -> Module:
        """The module of this dotted name, itself for "". Raises AttributeError where there is none."""
        module: Any = self
        for name in target.split(".") if target else ():
            below = getattr(module, name, None)
            if not isinstance(below, Members):
                found = "is not a Module" if hasattr(module, name) else "does not exist"
                raise AttributeError(f"get_submodule: {target!r}: {name!r} {found} in {type(module).__name__}", name=name, obj=module)
            module = below
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module in the place of the one of this dotted name, or with `strict` False where there is none yet.

        Raises ValueError for an empty name and for what is no Module, AttributeError where the way there does not exist or
        leads to something else.
        """
        if not target:
            raise ValueError("set_submodule: cannot set the submodule without a target name")
        if not isinstance(module, Members):
            raise ValueError(f"set_submodule: {type(module).__name__} is not a Module subclass")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if name not in parent._modules and (strict or hasattr(parent, name)):
            found = "is not a Module" if hasattr(parent, name) else "does not exist"
            raise AttributeError(f"set_submodule: {target!r}: {name!r} {found} in {type(parent).__name__}", name=name, obj=parent)
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The Parameter of this dotted name. Raises AttributeError where there is none."""
        return self._get_member("_parameters", "Parameter", target)

    def get_buffer(self, target: str) -> Tensor:
        """The buffer of this dotted name. Raises AttributeError where there is none."""
        return self._get_member("_buffers", "buffer", target)

    def _get_member(self, members: str, kind: str, target: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if getattr(module, members).get(name) is None:
            found = f"is not a {kind}" if hasattr(module, name) else "does not exist"
            raise AttributeError(f"{target!r}: {name!r} {found} in {type(module).__name__}", name=name, obj=module)
        return getattr(module, members)[name]

    # ------------------------------------------------------------------ members, all of them

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The direct child modules with their names, each once."""
        seen: set[Module] = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """The direct child modules, each once."""
        return (module for _, module in self.named_children())

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it with their dotted names, parents first."""
        this: Any = self
        memo = set() if memo is None else memo
        if this in memo:
            return
        if remove_duplicate:
            memo.add(this)
        yield prefix, this
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, prefix + ("." if prefix else "") + name, remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """This module and all below it."""
        return (module for _, module in self.named_modules(remove_duplicate=remove_duplicate))

    def named_parameters(self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True) -> Iterator[tuple[str, Parameter]]:
        """The Parameters of this module and (with `recurse`) all below it with their dotted names."""
        return self._named_members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The Parameters of this module and (with `recurse`) all below it, each once."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True) -> Iterator[tuple[str, Tensor]]:
        """The buffers of this module and (with `recurse`) all below it with their dotted names."""
        return self._named_members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers of this module and (with `recurse`) all below it, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _named_members(self, members: str, prefix: str, recurse: bool, remove_duplicate: bool) -> Iterator[tuple[str, Any]]:
        seen: set[Any] = set()
        modules: Iterable[tuple[str, Any]] = (
            self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        )
        for path, module in modules:
            for name, member in getattr(module, members).items():
                if member is None or member in seen:
                    continue
                if remove_duplicate:
                    seen.add(member)
                yield path + ("." if path else "") + name, member
