"""Modules that hold others: in a row, in a list, in a dictionary."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from operator import index as as_index
from typing import Any, TypeVar

from .module import Module, indented

Numbered = TypeVar("Numbered", bound="_Numbered")


class _Numbered(Module):
    """What Sequential and ModuleList have in common: modules in order, under the names "0", "1", ..."""

    _modules: dict[str, Module]  # type: ignore[assignment]

    def _at(self, index: Any) -> str:
        """The name of the module with this index, which may count from the end."""
        k = as_index(index)
        if not -len(self) <= k < len(self):
            raise IndexError(f"index {index} is out of range: {self._get_name()} holds {len(self)} modules")
        return list(self._modules)[k]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._at(index), module)

    def __delitem__(self, index: int | slice) -> None:
        names = list(self._modules)
        for name in names[index] if isinstance(index, slice) else [self._at(index)]:
            delattr(self, name)
        self.__dict__["_modules"] = {str(k): module for k, module in enumerate(self._modules.values())}

    def append(self: Numbered, module: Module) -> Numbered:
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self: Numbered, modules: Iterable[Module]) -> Numbered:
        """Add several modules at the end. Raises TypeError unless they are iterable."""
        if not isinstance(modules, Iterable):
            raise TypeError(f"{self._get_name()}.extend should be called with an iterable, but got {type(modules).__name__}")
        for module in list(modules):
            self.append(module)
        return self

    def insert(self: Numbered, index: int, module: Module) -> Numbered:
        """Put a module before the one at `index`.

        Raises IndexError beyond the ends, TypeError for what is no Module, and KeyError before modules that have names of their own.
        """
        n = len(self)
        if not -n <= index <= n:
            raise IndexError(f"insert: index {index} is out of range: {self._get_name()} holds {n} modules")
        if not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        at = index + n if index < 0 else index
        later = list(self._modules.items())[at:]
        if [name for name, _ in later] != [str(k) for k in range(at, n)] or str(n) in self._modules:
            raise KeyError(f"insert: the modules from {at} on are named {[name for name, _ in later]}, not by their numbers")
        self._modules.update({str(k): m for k, m in enumerate([module, *(m for _, m in later)], at)})
        return self

    def pop(self, key: Any) -> Any:
        """Take a module out and return it."""
        module = self[key]
        del self[key]
        return module

    def __getitem__(self, index: Any) -> Any:
        return self._modules[self._at(index)]


class Sequential(_Numbered):
    """Modules in a row: each takes what the one before returned.

    `Sequential(a, b, c)` names them "0", "1", "2"; `Sequential(OrderedDict(first=a, second=b))` as the dictionary does.

    >>> import nn
    >>> nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): ReLU()
    )
    """

    def __init__(self, *args: Any):
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for k, module in enumerate(args):
                self.add_module(str(k), module)

    def forward(self, input: Any) -> Any:
        for module in self._modules.values():
            input = module(input)
        return input

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return super().__getitem__(index)

    def __add__(self, other: Sequential) -> Sequential:
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other).__name__} is given.")
        return Sequential(*self, *other)

    def __iadd__(self, other: Sequential) -> Sequential:
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other).__name__} is given.")
        return self.extend(other)

    def __mul__(self, other: int) -> Sequential:
        return Sequential(*list(self) * times(other))

    def __imul__(self, other: int) -> Sequential:
        return self.extend(list(self) * (times(other) - 1))

    __rmul__ = __mul__


def times(count: int) -> int:
    """The factor, if it is one for a Sequential."""
    if not isinstance(count, int):
        raise TypeError(f"unsupported operand type(s) for *: Sequential and {type(count).__name__}")
    if count <= 0:
        raise ValueError(f"Non-positive multiplication factor {count} for Sequential")
    return count


class ModuleList(_Numbered):
    """Modules in a list; what is called, and in which order, is for `forward` to say."""

    def __init__(self, modules: Iterable[Module] | None = None):
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return super().__getitem__(index)

    def __iadd__(self, modules: Iterable[Module]) -> ModuleList:
        return self.extend(modules)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __repr__(self) -> str:
        """As of other modules, with equal neighbours in one line: `(0-2): 3 x Linear(...)`."""
        runs: list[tuple[int, int, str]] = []
        for k, module in enumerate(self):
            text = repr(module)
            if runs and runs[-1][2] == text:
                runs[-1] = (runs[-1][0], k, text)
            else:
                runs.append((k, k, text))
        lines = [f"({a}): {t}" if a == b else f"({a}-{b}): {b - a + 1} x {t}" for a, b, t in runs]
        return f"{self._get_name()}({''.join(chr(10) + '  ' + indented(line) for line in lines)}{chr(10) if lines else ''})"


class ModuleDict(Module):
    """Modules under names, in order; what is called is for `forward` to say."""

    _modules: dict[str, Module]  # type: ignore[assignment]

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None):
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Take all modules out."""
        self._modules.clear()

    def pop(self, key: str) -> Module:
        """Take a module out and return it."""
        return self._modules.pop(key)

    def keys(self) -> Any:
        return self._modules.keys()

    def items(self) -> Any:
        return self._modules.items()

    def values(self) -> Any:
        return self._modules.values()

    def update(self, modules: Mapping[str, Module] | ModuleDict | Iterable[tuple[str, Module]]) -> None:
        """Add the modules of a mapping or of (name, module) pairs. Raises TypeError for anything else."""
        for key, module in pairs("ModuleDict", modules):
            self[key] = module


def pairs(kind: str, given: Any) -> list[tuple[str, Any]]:
    """The (name, value) pairs of a mapping, of a container or of a sequence of pairs."""
    if isinstance(given, Mapping | Module):
        return list(given.items())
    if not isinstance(given, Iterable):
        raise TypeError(f"{kind}.update should be called with an iterable of key/value pairs, but got {type(given).__name__}")
    found = []
    for k, pair in enumerate(given):
        if not isinstance(pair, Iterable):
            raise TypeError(f"{kind} update sequence element #{k} should be Iterable; is {type(pair).__name__}")
        both = tuple(pair)
        if len(both) != 2:
            raise ValueError(f"{kind} update sequence element #{k} has length {len(both)}; 2 is required")
        found.append(both)
    return found
