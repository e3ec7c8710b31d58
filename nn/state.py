"""`state_dict` and `load_state_dict`: a module's tensors by dotted name, out and in again, all or nothing."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd_core.dtypes import can_cast, float16
from autograd_core.modes import no_grad
from autograd_core.tensor import Tensor

from .parameter import Parameter, UninitializedTensorMixin, is_lazy

if TYPE_CHECKING:
    from .module import Module

EXTRA = "_extra_state"


class IncompatibleKeys(namedtuple("IncompatibleKeys", ("missing_keys", "unexpected_keys"))):
    """Keys that the module has and the state lacks, and the other way round: two lists."""

    __slots__ = ()

    def __repr__(self) -> str:
        return super().__repr__() if any(self) else "<All keys matched successfully>"


class StateHook(NamedTuple):
    """A registered function and how it wants to be called."""

    function: Callable[..., Any]
    takes_module: bool = False
    may_replace: bool = False


class StateHooks:
    """What one module wants called around its saving and loading, of each kind in order."""

    def __init__(self) -> None:
        self.before_saving: dict[int, StateHook] = {}
        self.after_saving: dict[int, StateHook] = {}
        self.before_loading: dict[int, StateHook] = {}
        self.after_loading: dict[int, StateHook] = {}


def hooks_of(module: Module, kind: str) -> tuple[StateHook, ...]:
    return () if module._state_hooks is None else tuple(getattr(module._state_hooks, kind).values())


def own_entries(module: Module) -> Iterator[tuple[str, Tensor]]:
    """Name and tensor of what the module itself has in its state."""
    for name, parameter in module._parameters.items():
        if parameter is not None:
            yield name, parameter
    for name, buffer in module._buffers.items():
        if buffer is not None and name not in module._non_persistent_buffers_set:
            yield name, buffer


# ---------------------------------------------------------------------- out


def collect(module: Module, destination: Any, prefix: str, keep_vars: bool) -> Any:
    """The state of the module and of all below it, added to `destination`; with the versions of the modules as its `_metadata`."""
    found: Any = destination
    if found is None:
        found = OrderedDict()
        found._metadata = OrderedDict()
    local = {"version": module._version}
    if (metadata := getattr(found, "_metadata", None)) is not None:
        metadata[prefix[:-1]] = local
    for hook in hooks_of(module, "before_saving"):
        hook.function(module, prefix, keep_vars)
    module._save_to_state_dict(found, prefix, keep_vars)
    for name, child in module._modules.items():
        if child is not None:
            child.state_dict(destination=found, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
    for hook in hooks_of(module, "after_saving"):
        answer = hook.function(module, found, prefix, local)
        if answer is not None:
            if not hook.may_replace:
                raise RuntimeError("state_dict post-hook must return None")
            found = answer
    return found


def save_own(module: Module, destination: Any, prefix: str, keep_vars: bool) -> None:
    for name, tensor in own_entries(module):
        destination[prefix + name] = tensor if keep_vars or is_lazy(tensor) else tensor.detach()


# ---------------------------------------------------------------------- in


class Incoming(OrderedDict[str, Any]):
    """A state on its way into one module and those below it, whose hooks may change it; `loading` is what comes of it."""

    def __init__(self, given: Mapping[str, Any], loading: Loading):
        super().__init__(given)
        self.loading = loading

    def copy(self) -> Incoming:
        return Incoming(self, self.loading)

    __copy__ = copy


class Loading:
    """What is to be done when all of a state was found to fit."""

    def __init__(self, given: Mapping[str, Any], assign: bool):
        self.assign = assign
        self.metadata = getattr(given, "_metadata", None) or {}
        self.entries: list[tuple[Module, str, Tensor, Any]] = []
        self.extra: list[tuple[Module, Any]] = []
        self.hooks: list[tuple[StateHook, Module]] = []  # to be run afterwards

    def visit(self, module: Module, given: Mapping[str, Any], prefix: str, lists: tuple[list[str], list[str], list[str]]) -> None:
        local = dict(self.metadata.get(prefix[:-1], {}))
        if self.assign:
            local["assign_to_params_buffers"] = True
        incoming = Incoming(given, self)
        module._load_from_state_dict(incoming, prefix, local, True, *lists)
        below: dict[str, dict[str, Any]] = {}
        for key, value in incoming.items():
            name, dot, _ = key[len(prefix) :].partition(".")
            if dot and key.startswith(prefix):
                below.setdefault(name, {})[key] = value
        for name, child in module._modules.items():
            if child is not None:
                self.visit(child, below.get(name, {}), f"{prefix}{name}.", lists)
        self.hooks += [(hook, module) for hook in hooks_of(module, "after_loading")]

    def write(self) -> None:
        with no_grad():
            for module, value in self.extra:  # the module's own code, which may raise: so it comes first
                module.set_extra_state(value)
            for module, name, tensor, value in self.entries:
                put(module, name, tensor, value, self.assign)

    def backup(self) -> Callable[[], None]:
        """A function that puts the tensors back as they are now."""
        steps = [self.step_back(*entry) for entry in self.entries]

        def restore() -> None:
            with no_grad():
                for step in steps:
                    step()

        return restore

    def step_back(self, module: Module, name: str, tensor: Tensor, value: Tensor) -> Callable[[], Any]:
        if self.assign:
            return partial(setattr, module, name, tensor)
        if isinstance(tensor, UninitializedTensorMixin):
            return tensor.shapeless()
        return partial(tensor.copy_, tensor.detach().clone())


def load(module: Module, given: Mapping[str, Any], strict: bool, assign: bool) -> IncompatibleKeys:
    """Check everything, then write."""
    if not isinstance(given, Mapping):
        raise TypeError(f"load_state_dict: expected state_dict to be dict-like, got {type(given).__name__}")
    if wrong := [key for key in given if not isinstance(key, str)]:
        raise TypeError(f"load_state_dict: keys must be strings, got {wrong[0]!r}")
    loading = Loading(given, assign)
    result = IncompatibleKeys([], [])
    errors: list[str] = []
    loading.visit(module, given, "", (*result, errors))
    told = complaints(result) if strict else []
    if errors or (told and not loading.hooks):
        refuse(module, told + errors)
    restore = loading.backup() if told else None
    loading.write()
    for hook, part in loading.hooks:
        if hook.function(part, result) is not None:
            raise AssertionError("hooks of register_load_state_dict_post_hook return nothing: change incompatible_keys in place")
    if strict and (told := complaints(result)):
        if restore is not None:
            restore()
        refuse(module, told)
    return result


def complaints(keys: IncompatibleKeys) -> list[str]:
    kinds = (("Missing", keys.missing_keys), ("Unexpected", keys.unexpected_keys))
    return [f"{kind} key(s) in state_dict: {', '.join(map(quoted, listed))}. " for kind, listed in kinds if listed]


def quoted(key: str) -> str:
    return f'"{key}"'


def refuse(module: Module, told: list[str]) -> None:
    raise RuntimeError(f"Error(s) in loading state_dict for {type(module).__name__}:\n\t" + "\n\t".join(told))


def take_own(module: Module, incoming: Any, prefix: str, local: dict[str, Any], strict: bool, lists: tuple[list[str], ...]) -> None:
    """Note what is to be written into this module itself, and what is wrong with it."""
    missing, unexpected, errors = lists
    if not isinstance(incoming, Incoming):
        raise TypeError("_load_from_state_dict: state_dict must be the one that load_state_dict gave; change its keys in place")
    for hook in hooks_of(module, "before_loading"):
        hook.function(*([module] if hook.takes_module else []), incoming, prefix, local, strict, missing, unexpected, errors)
    loading = incoming.loading
    for name, tensor in own_entries(module):
        key = prefix + name
        if key not in incoming:
            missing += [key] * strict
        elif told := unfit(key, tensor, incoming[key], loading.assign):
            errors.append(told)
        else:
            loading.entries.append((module, name, tensor, incoming[key]))


def take_extra(module: Module, incoming: Any, prefix: str, strict: bool, missing: list[str]) -> None:
    """Note the state besides tensors that the module wants."""
    key = prefix + EXTRA
    if key in incoming:
        incoming.loading.extra.append((module, incoming[key]))
    else:
        missing += [key] * strict


def unknown_keys(module: Module, incoming: Any, prefix: str, takes_extra: bool) -> list[str]:
    """The keys that are neither for the module itself nor for one below it."""
    own = {name for name, _ in own_entries(module)} | ({EXTRA} if takes_extra else set())
    found = []
    for key in incoming:
        if key.startswith(prefix):
            name, *deeper = key[len(prefix) :].split(".", 1)
            if name not in (module._modules if deeper else own):
                found.append(key)
    return found


def unfit(key: str, tensor: Tensor, value: Any, assign: bool) -> str | None:
    """What is wrong with loading this value, if anything."""
    if not isinstance(value, Tensor):
        return (
            f'While copying the parameter named "{key}", expected a Tensor from checkpoint but received {type(value).__name__}; '
            "arrays go through tensor() or from_numpy()."
        )
    if is_lazy(tensor):
        return None
    if is_lazy(value):
        return f"{key} has no shape yet in the checkpoint: run the lazy module it comes from once before saving it."
    if value.shape != tensor.shape and not (value.shape == (1,) and tensor.ndim == 0):
        return (
            f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, "
            f"the shape in current model is {tensor.shape}."
        )
    if assign:
        if tensor.requires_grad and value.dtype.kind not in "fc":
            return f"dtype mismatch for {key}: {value.dtype} cannot require grad, as the one in current model does."
        return None
    if not can_cast(arithmetic(value.dtype), arithmetic(tensor.dtype)):
        return f"dtype mismatch for {key}: {value.dtype} from checkpoint would lose information as {tensor.dtype} in current model."
    if not tensor.array.flags.writeable:
        return f"{key} is read-only in current model: give the module a tensor with memory of its own, or load with assign=True."
    return None


def arithmetic(dtype: Any) -> Any:
    """The dtype that says what it can be cast to: float16 for bfloat16, of which NumPy knows nothing."""
    return float16 if dtype.name == "bfloat16" else dtype


def put(module: Module, name: str, tensor: Tensor, value: Tensor, assign: bool) -> None:
    if is_lazy(value):  # as lazy as the module's own, or this would have been refused
        return
    if not is_lazy(tensor) and value.ndim != tensor.ndim:  # (1,) for 0-d
        value = value[0]
    if assign:
        setattr(module, name, replacement(tensor, value))
        return
    if isinstance(tensor, UninitializedTensorMixin):
        tensor.materialize(value.shape)
    tensor.copy_(value)


def replacement(tensor: Tensor, value: Tensor) -> Tensor:
    """The given tensor, as a Parameter where it takes a Parameter's place."""
    if not isinstance(tensor, Parameter):
        return value
    if isinstance(value, Parameter):
        return value.requires_grad_(tensor.requires_grad)
    return Parameter(value, tensor.requires_grad)
