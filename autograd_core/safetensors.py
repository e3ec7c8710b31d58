"""Tensors in files of the safetensors format, which PyTorch, JAX and others read too. The functions are those of `safetensors.torch`.

The work is done by the `safetensors` package, in its extra. What is added here is what its NumPy face leaves to the caller: it
writes arrays that are not contiguous wrongly, cannot read bfloat16, and gives new files permissions of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from .device import Device
from .errors import MissingExtraError
from .serialization import replacing
from .tensor import Tensor, constant

DTYPES = {
    "BOOL": "bool",
    "I8": "int8",
    "I16": "int16",
    "I32": "int32",
    "I64": "int64",
    "U8": "uint8",
    "U16": "uint16",
    "U32": "uint32",
    "U64": "uint64",
    "F16": "float16",
    "F32": "float32",
    "F64": "float64",
    "C64": "complex64",
}
SAVED = {*DTYPES.values(), "bfloat16"}


def save_file(tensors: Mapping[str, Any], filename: Any, metadata: Mapping[str, str] | None = None) -> None:
    """Write named Tensors or arrays to a file, and text by name beside them. The file is replaced only when all is written.

    Whether they require grad is not saved. Raises TypeError for other names, values and dtypes (complex128 has no place in this
    format), and RuntimeError for tensors that share memory, which they would not do when loaded: `save_model` is for them.
    """
    library, found, text = safetensors(), arrays(tensors), texts(metadata)
    with replacing(filename) as path:
        library.numpy.save_file(found, path, text)


def save(tensors: Mapping[str, Any], metadata: Mapping[str, str] | None = None) -> bytes:
    """What `save_file` would write, as bytes."""
    data: bytes = safetensors().numpy.save(arrays(tensors), texts(metadata))
    return data


def load_file(filename: Any, device: Any = "cpu") -> dict[str, Tensor]:
    """The tensors in a file by name, each with memory of its own.

    bfloat16, which NumPy lacks, becomes float32, exactly. Raises FileNotFoundError, safetensors.SafetensorError for a file that is
    damaged or none of this format, and TypeError for the 8-bit and smaller floats.
    """
    Device(device)
    library = safetensors()
    with library.safe_open(filename, framework="numpy") as file:
        names = list(file.keys())
        if all(file.get_slice(name).get_dtype() in DTYPES for name in names):
            return {name: constant(np.asarray(file.get_tensor(name))) for name in names}
    with open(filename, "rb") as file:
        return load(file.read())


def load(data: bytes) -> dict[str, Tensor]:
    """As `load_file`, from the bytes of such a file."""
    return {name: constant(array_of(name, **entry)) for name, entry in safetensors().deserialize(bytes(data))}


def save_model(model: Any, filename: Any, metadata: Mapping[str, str] | None = None, force_contiguous: bool = True) -> None:
    """Write a module's `state_dict`, each tensor that has several names once, under the first of them in the alphabet.

    The other names are noted in the file's text, with that one. `force_contiguous` must be True. Errors as of `save_file`.
    """
    if not force_contiguous:
        raise ValueError("save_model: the format holds contiguous tensors only, so force_contiguous=False cannot be done")
    state, text = model.state_dict(), dict(metadata or {})
    for kept, *others in same_tensors(state):
        for name in others:
            text.setdefault(name, kept)
            del state[name]
    save_file(state, filename, text or None)


def load_model(model: Any, filename: Any, strict: bool = True, device: Any = "cpu") -> tuple[list[str], list[str]]:
    """Load a file into a module some of whose tensors may have several names, of which the file has one.

    Returns the names that only the module has, and those that only the file has. Raises RuntimeError as `load_state_dict` does,
    and for a file that has one of the module's tensors twice; then nothing has been changed.
    """
    state = load_file(filename, device)
    twice = []
    for names in same_tensors(model.state_dict()):
        there = [name for name in names if name in state]
        twice += there[1:]
        for name in names if there else ():
            state[name] = state[there[0]]
    if strict and twice:
        raise RuntimeError(f"load_model: the file has tensors of {type(model).__name__} under more names than one: {', '.join(twice)}")
    missing, unexpected = model.load_state_dict(state, strict=strict)
    return missing, unexpected + twice


def same_tensors(state: Mapping[str, Any]) -> list[list[str]]:
    """The names, sorted, of each tensor that has more than one."""
    names: dict[Any, list[str]] = {}
    for name, tensor in state.items():
        if isinstance(tensor, Tensor) and (memory := memory_of(tensor)) is not None:
            names.setdefault(memory, []).append(name)
    return [sorted(group) for group in names.values() if len(group) > 1]


def memory_of(tensor: Tensor) -> Any:
    """Where and how the tensor lies, None if it is empty."""
    try:
        array = tensor.array
    except ValueError:  # a lazy module's, which has no memory yet
        return id(tensor)
    return (byte_bounds(array), array.shape, array.strides, array.dtype) if array.size else None


def array_of(name: str, dtype: str, shape: list[int], data: bytearray) -> np.ndarray[Any, Any]:
    if dtype == "BF16":  # the upper half of a float32
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32).reshape(shape)
    if dtype not in DTYPES:
        raise TypeError(f"load: {name!r} is of dtype {dtype}, which NumPy lacks; convert it where it was written")
    stored = np.dtype(DTYPES[dtype])
    return np.frombuffer(data, stored.newbyteorder("<")).astype(stored, copy=False).reshape(shape)


def arrays(tensors: Mapping[str, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """Contiguous arrays of what is to be saved, none of which shares memory with another."""
    if not isinstance(tensors, Mapping):
        raise TypeError(f"save: expected a dictionary of tensors by name, got a {type(tensors).__name__}")
    found: dict[str, np.ndarray[Any, Any]] = {}
    for name, tensor in tensors.items():
        if not isinstance(name, str):
            raise TypeError(f"save: names must be strings, got {name!r}")
        if name == "__metadata__":
            raise ValueError("save: no tensor can be named __metadata__, where the format keeps its text")
        array = tensor.array if isinstance(tensor, Tensor) else tensor
        if not isinstance(array, np.ndarray | np.generic):
            raise TypeError(f"save: {name!r} must be a Tensor or a NumPy array, got a {type(tensor).__name__}")
        if array.dtype.name not in SAVED:
            raise TypeError(f"save: {name!r} is of dtype {array.dtype}, for which the safetensors format has no place")
        found[name] = np.asarray(array)
    check_apart(found)
    return {name: array.astype(array.dtype.newbyteorder("="), order="C", copy=False) for name, array in found.items()}


def check_apart(found: dict[str, np.ndarray[Any, Any]]) -> None:
    spans = sorted((*byte_bounds(array), name) for name, array in found.items() if array.size)
    end, owner = 0, ""
    for low, high, name in spans:
        if low < end:
            raise RuntimeError(
                f"save: {owner!r} and {name!r} share memory, and would be two tensors when loaded; save one of them, clone() it, or "
                "use autograd_core.save, which keeps what is shared"
            )
        if high > end:
            end, owner = high, name


def texts(metadata: Mapping[str, str] | None) -> dict[str, str] | None:
    if not isinstance(metadata, Mapping | None):
        raise TypeError(f"save: metadata must be strings by name, got a {type(metadata).__name__}")
    for key, value in (metadata or {}).items():
        if not (isinstance(key, str) and isinstance(value, str)):
            raise TypeError(f"save: metadata must be strings by name, got {key!r}: {value!r}")
    return None if metadata is None else dict(metadata)


def safetensors() -> Any:
    try:
        import safetensors
        import safetensors.numpy
    except ImportError:
        raise MissingExtraError("safetensors", "safetensors", "autograd_core.safetensors") from None
    return safetensors
