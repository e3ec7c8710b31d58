"""Optimizers: they change parameters in place by their gradients."""

from __future__ import annotations

from .adam import Adam, AdamW
from .optimizer import Optimizer
from .sgd import SGD
