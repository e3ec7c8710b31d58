"""Modules that hold others, or Parameters."""

from __future__ import annotations

from ..containers import ModuleDict, ModuleList, Sequential
from ..parameter_containers import ParameterDict, ParameterList

__all__ = ["ModuleDict", "ModuleList", "Sequential", "ParameterDict", "ParameterList"]
