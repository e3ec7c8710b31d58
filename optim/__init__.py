"""Optimizers: they change parameters in place by their gradients.

`lr_scheduler` has schedules for their learning rates. `swa_utils`, averages of models, loads when it is first asked for: it is
made of modules, so it needs `nn`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from . import lr_scheduler
from .adadelta import Adadelta
from .adafactor import Adafactor
from .adagrad import Adagrad
from .adam import Adam, AdamW
from .adamax import Adamax
from .asgd import ASGD
from .lbfgs import LBFGS
from .minimize import scipy_minimize
from .muon import Muon
from .nadam import NAdam
from .optimizer import Optimizer
from .radam import RAdam
from .rmsprop import RMSprop
from .rprop import Rprop
from .sgd import SGD


def __getattr__(name: str) -> Any:
    if name == "swa_utils":
        return import_module(".swa_utils", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)


def __dir__() -> list[str]:
    return [*globals(), "swa_utils"]
