"""Pictures of models and of their backward passes: the chain rule drawn, with its formulas and numbers.

import viz

viz.draw(loss)  # shows itself in a notebook; .save("loss.svg") elsewhere
viz.explain(loss, w)  # the chain rule of one parameter, in words
viz.health(loss)  # what is wrong with a pass: NaN's origin, vanishing gradients, dead units, unused parameters
viz.diff(before, after)  # what changed between two passes, and by how much
viz.trace(loss)  # all of it as plain data
viz.step(loss)  # the backward pass operation by operation, as a page to walk through
"""

from . import plots
from .checkup.changes import Snapshot
from .derivation.explanation import Explanation
from .diff import Diff, diff, snapshot
from .draw import draw
from .explain import explain
from .health import Health, health
from .picture import Picture
from .record import Run, record
from .step import Player, step
from .summary import summary
from .trace import trace

__all__ = [
    "Diff",
    "Explanation",
    "Health",
    "Picture",
    "Player",
    "Run",
    "Snapshot",
    "diff",
    "draw",
    "explain",
    "health",
    "plots",
    "record",
    "snapshot",
    "step",
    "summary",
    "trace",
]
