"""The target of the command line: `module:callable` is imported and called, and what it gives is made ready to be drawn."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import inspect
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

import numpy as np

from autograd_core.creation import ones_like
from autograd_core.tensor import Tensor
from autograd_core.tree import flatten
from nn import Module

from .record import Run, record
from .summary import made


class Wrong(Exception):
    """What the user can mend; the message is the one line that is printed."""


class Raised(Exception):
    """The user's code raised; `text` is the end of its traceback."""

    def __init__(self, error: BaseException) -> None:
        trace = error.__traceback__
        while trace is not None and (_ours(trace.tb_frame.f_code.co_filename) or "importlib" in trace.tb_frame.f_code.co_filename):
            trace = trace.tb_next
        self.text = "".join(traceback.format_exception(type(error), error, trace, limit=-6, chain=False)).rstrip()


def _ours(file: str) -> bool:
    return Path(__file__).parent in Path(file).parents


@contextmanager
def users_code() -> Iterator[None]:
    """A block whose errors are the user's."""
    try:
        yield
    except (Exception, SystemExit) as error:
        raise Raised(error) from error


@dataclass
class Given:
    """What the target gave."""

    output: Tensor | None
    model: Module | None = None
    inputs: tuple[Tensor, ...] = ()
    names: Mapping[str, Tensor] | Module | None = None
    gradient: Any = None
    variables: dict[str, Any] = field(default_factory=dict)  # of the callable: they name tensors, and keep what they hold alive
    run: Run | None = None  # of the callable, if it was watched


def received(options: argparse.Namespace) -> Given:
    """Import the target, call it, and with an input size call the Module that it is or gives."""
    place, _, name = options.target.rpartition(":")
    value: Any = imported(place)
    for part in name.split("."):
        if not part.isidentifier() or part not in dir(value):
            near = (
                ", ".join(n for n, v in vars(value).items() if callable(v) and not n.startswith("_"))
                if isinstance(value, ModuleType)
                else ""
            )
            raise Wrong(f"{place} has no {name!r}" + (f"; it has {near[:200]}" if near else ""))
        value = getattr(value, part)
    variables: dict[str, Any] = {}
    run: Run | None = None
    if not isinstance(value, Tensor | Module):
        if not callable(value):
            raise Wrong(f"{options.target} is of type {type(value).__name__}, which cannot be called")
        if missing := needed(value):
            raise Wrong(f"{options.target} takes arguments ({missing}): name a function that takes none and makes them itself")
        with users_code(), record() if options.record else nullcontext() as run:
            value, variables = called(value)
    return replace(sorted_out(value, variables, options), run=run)


def imported(place: str) -> ModuleType:
    """A module by its dotted name or its file, with the folder it is in on the path, as when it is run.

    A file whose name another module has already goes by its path.
    """
    if place.endswith(".py") or "/" in place or os.sep in place:
        path = Path(place)
        if not path.is_file():
            raise Wrong(f"there is no file {place!r}")
        sys.path.insert(0, str(path.parent.resolve()))
        name = str(path) if path.stem in sys.modules else path.stem
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise Wrong(f"{place!r} is no Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        with users_code():
            spec.loader.exec_module(module)
        return module
    sys.path.insert(0, os.getcwd())
    importlib.invalidate_caches()
    try:
        with users_code():
            return importlib.import_module(place)
    except Raised as raised:
        error = raised.__cause__
        if isinstance(error, ModuleNotFoundError) and error.name and f"{place}.".startswith(f"{error.name}."):
            raise Wrong(f"there is no module {error.name!r}, neither in this folder nor installed") from None
        if isinstance(error, ValueError | TypeError) and not all(part.isidentifier() for part in place.split(".")):
            raise Wrong(f"{place!r} is no name of a module") from None
        raise


def needed(function: Callable[..., Any]) -> str:
    """The arguments that it cannot be called without."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # of the built-in ones some do not tell
        return ""
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return ", ".join(p.name for p in parameters if p.default is p.empty and p.kind not in kinds)


def called(function: Callable[[], Any]) -> tuple[Any, dict[str, Any]]:
    """What a function returns, and what its variables were then: a graph holds modules and parameters weakly."""
    code: CodeType | None = getattr(inspect.unwrap(function), "__code__", None)
    variables: dict[str, Any] = {}

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        if event == "return" and frame.f_code is code:
            variables.clear()
            variables.update(frame.f_locals)

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        return function(), variables
    finally:
        sys.setprofile(before)


def sorted_out(value: Any, variables: dict[str, Any], options: argparse.Namespace) -> Given:
    """What was returned as what is to be drawn. Raises Wrong for what cannot be."""
    if isinstance(value, Module):
        return applied(value, variables, options)
    names: Any = None
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], Module | Mapping):
        value, names = value
        if isinstance(value, Module) and isinstance(names, Mapping):
            return applied(value, variables, options)
    if not isinstance(value, Tensor):
        told = "None" if value is None else f"a {type(value).__name__}"
        raise Wrong(f"{options.target} gave {told}: it should give a Tensor, (Tensor, Module), or a Module together with --input-size")
    if options.summary:
        raise Wrong(f"--summary needs a Module and --input-size, but {options.target} gave a Tensor")
    if options.input_size:
        raise Wrong(f"--input-size goes with a Module, but {options.target} gave a Tensor")
    gradient = ones_like(value) if value.array.size != 1 else None
    return Given(value, names if isinstance(names, Module) else None, (), names, gradient, variables)


def applied(model: Module, variables: dict[str, Any], options: argparse.Namespace) -> Given:
    """A Module with inputs of the sizes that were given, and what it makes of them."""
    if not options.input_size:
        raise Wrong(f"{options.target} gave a Module: say what goes in, as in --input-size 1,3,32,32")
    sizes = [sized(text) for text in options.input_size]
    dtypes = [typed(text) for text in options.dtype] if options.dtype else None
    inputs = made(sizes, dtypes, model)
    if options.summary:
        return Given(None, model, inputs)
    with users_code():
        result = model(*inputs)
    tensors = [t for t in flatten(result)[0] if isinstance(t, Tensor) and t.requires_grad]
    if not tensors:
        raise Wrong(f"{type(model).__name__} gave no Tensor with gradients; are all of its parameters frozen?")
    return Given(tensors[0], model, inputs, None, ones_like(tensors[0]), {**variables, "model": model, "output": tensors[0]})


def sized(text: str) -> tuple[int, ...]:
    """`1,3,32,32` or `1x3x32x32` as a shape."""
    parts = re.split(r"[,x×]", text.strip().strip("()[]").rstrip(","))
    if not all(part.strip().isdecimal() for part in parts):
        raise Wrong(f"--input-size is a shape such as 1,3,32,32, got {text!r}")
    return tuple(int(part) for part in parts)


def typed(text: str) -> np.dtype[Any]:
    try:
        return np.dtype(text)
    except TypeError:
        raise Wrong(f"--dtype is a dtype such as float32 or int64, got {text!r}") from None
