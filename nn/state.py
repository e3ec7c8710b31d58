"""`state_dict` and `load_state_dict`: a module's tensors by dotted name, out and in again, all or nothing."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from autograd_core.dtypes import can_cast
from autograd_core.modes import no_grad
from autograd_core.tensor import Tensor

from .parameter import Parameter

if TYPE_CHECKING:
    from .module import Module

EXTRA = "_extra_state"


class IncompatibleKeys(namedtuple("IncompatibleKeys", ("missing_keys", "unexpected_keys"))):
    """Keys that the module has and the state lacks, and the other way round: two lists."""

    __slots__ = ()

    def __repr__(self) -> str:
        return super().__repr__() if any(self) else "<All keys matched successfully>"


def collect(module: Module, destination: Any, prefix: str, keep_vars: bool) -> dict[str, Any]:
    """The module's state, added to `destination`."""
    found = OrderedDict() if destination is None else destination
    for key, part, name, tensor in entries(module, prefix):
        if name == EXTRA:
            found[key] = part.get_extra_state()
        else:
            found[key] = tensor if keep_vars else tensor.detach()  # type: ignore[union-attr]
    return found


def entries(module: Module, prefix: str = "") -> Iterator[tuple[str, Module, str, Tensor | None]]:
    """Key, module, name in it, and tensor of all that belongs to the state; a shared module is visited under each name."""
    for name, parameter in module._parameters.items():
        if parameter is not None:
            yield prefix + name, module, name, parameter
    for name, buffer in module._buffers.items():
        if buffer is not None and name not in module._non_persistent_buffers_set:
            yield prefix + name, module, name, buffer
    if defines_extra_state(module):
        yield prefix + EXTRA, module, EXTRA, None
    for name, child in module._modules.items():
        if child is not None:
            yield from entries(child, prefix + name + ".")


def defines_extra_state(module: Module) -> bool:
    from .module import Module

    return type(module).get_extra_state is not Module.get_extra_state


def load(module: Module, given: Mapping[str, Any], strict: bool, assign: bool) -> IncompatibleKeys:
    """Check everything, then write."""
    if not isinstance(given, Mapping):
        raise TypeError(f"load_state_dict: expected state_dict to be dict-like, got {type(given).__name__}")
    wanted = list(entries(module))
    keys = {key for key, *_ in wanted}
    missing = [key for key, *_ in wanted if key not in given]
    unexpected = [key for key in given if key not in keys]
    problems = []
    if strict and missing:
        problems.append(f"Missing key(s) in state_dict: {quoted(missing)}. ")
    if strict and unexpected:
        problems.append(f"Unexpected key(s) in state_dict: {quoted(unexpected)}. ")
    present = [(key, part, name, tensor, given[key]) for key, part, name, tensor in wanted if key in given]
    problems += [told for key, _, _, tensor, value in present if tensor is not None and (told := unfit(key, tensor, value, assign))]
    if problems:
        raise RuntimeError(f"Error(s) in loading state_dict for {type(module).__name__}:\n\t" + "\n\t".join(problems))
    with no_grad():
        for _, part, _, tensor, value in present:
            if tensor is None:  # the module's own code, which may raise: so it comes first
                part.set_extra_state(value)
        for _, part, name, tensor, value in present:
            if tensor is None:
                continue
            if assign:
                setattr(part, name, replacement(tensor, value))
            else:
                tensor.copy_(value)
    return IncompatibleKeys(missing, unexpected)


def unfit(key: str, tensor: Tensor, value: Any, assign: bool) -> str | None:
    """What is wrong with loading this value, if anything."""
    if not isinstance(value, Tensor):
        return (
            f'While copying the parameter named "{key}", expected a Tensor from checkpoint but received {type(value).__name__}; '
            "arrays go through tensor() or from_numpy()."
        )
    if value.shape != tensor.shape:
        return (
            f"size mismatch for {key}: copying a param with shape {tuple(value.shape)} from checkpoint, "
            f"the shape in current model is {tuple(tensor.shape)}."
        )
    if assign:
        if tensor.requires_grad and value.dtype.kind not in "fc":
            return f"dtype mismatch for {key}: {value.dtype} cannot require grad, as the one in current model does."
        return None
    if not can_cast(value.dtype, tensor.dtype):
        return f"dtype mismatch for {key}: {value.dtype} from checkpoint would lose information as {tensor.dtype} in current model."
    if not tensor.array.flags.writeable:
        return f"{key} is read-only in current model: give the module a tensor with memory of its own, or load with assign=True."
    return None


def replacement(tensor: Tensor, value: Tensor) -> Tensor:
    """The given tensor, as a Parameter where it takes a Parameter's place."""
    if not isinstance(tensor, Parameter):
        return value
    if isinstance(value, Parameter):
        return value.requires_grad_(tensor.requires_grad)
    return Parameter(value, tensor.requires_grad)


def quoted(keys: list[str]) -> str:
    return ", ".join(f'"{key}"' for key in keys)
