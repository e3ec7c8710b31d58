"""Pictures of models and of their backward passes: the chain rule drawn, with its formulas and numbers.

import viz

viz.draw(loss)  # shows itself in a notebook; .save("loss.svg") elsewhere
viz.explain(loss, w)  # the chain rule of one parameter, in words
"""

from .draw import draw
from .explain import Explanation, explain
from .picture import Picture
from .record import Run, record

__all__ = ["Explanation", "Picture", "Run", "draw", "explain", "record"]
