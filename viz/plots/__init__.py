"""Plots of training and of models: each function returns a matplotlib Figure, which shows itself in a notebook.

Common arguments: `title`; `theme`, "light" or "dark"; and where one axes suffices `ax`, an axes of a figure of your own to
draw into. Figures are made without pyplot, so nothing is shown and no global state is changed. matplotlib is the extra "plots".
Tensors, arrays and lists are all taken. Raises MissingExtraError where matplotlib is missing.
"""

from .activations import activations
from .attention import attention
from .boundary import decision_boundary
from .confusion import confusion_matrix
from .curves import learning_curve
from .histograms import histograms
from .images import feature_maps, filters
from .landscape import loss_landscape
from .schedule import schedule
from .watch import Log, watch

__all__ = [
    "Log",
    "activations",
    "attention",
    "confusion_matrix",
    "decision_boundary",
    "feature_maps",
    "filters",
    "histograms",
    "learning_curve",
    "loss_landscape",
    "schedule",
    "watch",
]
