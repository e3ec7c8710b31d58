"""`draw(loss)`: the picture of a graph, forward or backward."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograd_core.tensor import Tensor, current_node
from nn import Module

from .graph.as_drawing import drawing
from .graph.closing import Which, arranged
from .graph.collector import paused
from .graph.names import Names, caller
from .graph.opening import Opens
from .graph.trace import trace
from .picture import Picture
from .record import Run

DIRECTIONS = ("backward", "forward")


def draw(
    output: Tensor,
    direction: str = "backward",
    *,
    names: Mapping[str, Tensor] | Module | None = None,
    run: Run | None = None,
    gradient: Any = None,
    title: str | None = None,
    depth: int | None = None,
    collapse: Which = None,
    expand: Which = None,
    roll: bool | None = None,
    open: Opens = None,
    theme: str = "light",
) -> Picture:
    """The picture of the graph that `output` (usually a loss) was computed by.

    `direction="backward"` draws the chain rule: on each arrow the local rule and the gradient that flows there.
    `"forward"` draws the computation, with shapes. Parameters are named after their place in the modules, other
    tensors after the caller's variables; `names` (a dict, or a Module) comes first. Gradients are those of `run`
    (see `viz.record`), else of a pass made for looking, which leaves the graph and `.grad` as they are; `gradient`
    starts it for a tensor that is not a scalar. Where what such a pass needs was freed or overwritten, there are formulas only,
    and the caption says why.

    `depth` closes the boxes so many frames down; `collapse` and `expand` pick boxes to close or to keep open: paths of modules
    ("blocks.3"), names of attributes or classes, True for all, or a function of a `Call`. `roll=True` closes what repeats, as one box
    with the gradient norms of its steps; False never does. A graph of more than 100 boxes is drawn with its long repeats closed, one
    of more than 300 with as many boxes closed as it takes, unless `depth` says how far they are open. `open` shows fused operations
    as what they are made of, a frame around it: by name ("lstm"), a list of names, True for all, or a function of a `Vertex`.
    `theme` is "light" or "dark". Raises TypeError or ValueError for what has no graph, and for a choice that picks nothing,
    InplaceError for a view that shares memory with what was changed in place since.
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"draw: direction is 'backward' or 'forward', got {direction!r}")
    node = current_node(output)  # a view of what was rewritten since has its node made again
    known = Names(output, names, caller())
    label = title or (known.of(node) if node is not None else "") or "output"
    with paused():
        found = trace(output, known, run, gradient, open, backward=direction == "backward")
        return Picture.of(arranged(found, depth, collapse, expand, roll), lambda shown: drawing(shown, direction, label), theme)
