"""The picture of an explanation: the paths to the parameter marked, and what is not on them left out or closed."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from ..graph.as_drawing import drawing
from ..graph.closing import arranged
from ..graph.description import Edge, Trace, Vertex
from ..graph.parts import seen
from ..picture import Picture
from ..render.drawing import Drawing, accented

MOST = 60  # boxes for a picture that can be read at a glance


def highlighted(found: Trace, on_path: Collection[str], goal: str, output: str, element: str, note: str = "") -> Picture:
    """The backward picture with what is on a path to `goal` (vertices, by id) accented; below it a note."""
    near = _near(found, on_path)
    parameters = {v.id for v in found.vertices if v.kind == "parameter"}

    def drawn(shown: Trace) -> Drawing:
        made = _accented(shown, on_path, goal, output)
        boxes = tuple(replace(b, kind="parameter") if b.kind == "input" and b.id in parameters else b for b in made.boxes)
        caption = (*made.caption, note) if note else made.caption
        return replace(made, title=f"∂{output}/∂{element}: the chain rule, backward", boxes=boxes, caption=caption)

    return Picture.of(arranged(near, roll=True if seen(near) > MOST else None), drawn)


def _accented(shown: Trace, on_path: Collection[str], goal: str, output: str) -> Drawing:
    marked = {shown.shown[id] for id in on_path}
    drawn = drawing(shown, "backward", output)
    sums = {f"sum.{id}" for id in on_path}
    path = {b.id for b in drawn.boxes if b.id in marked or b.id in sums or b.id == "output" or b.id.startswith(f"ref.{goal}.")}
    return accented(
        drawn,
        dict.fromkeys(path - {"output"}, "path"),
        {(a.source, a.target): "path" for a in drawn.arrows if a.kind == "backward" and a.source in path and a.target in path},
    )


def _near(found: Trace, on_path: Collection[str]) -> Trace:
    """What is on a path, and of what its operations are given besides what their rules speak of; how that was computed is left out."""
    vertices: list[Vertex] = []
    needed: dict[str, set[str]] = {}  # by operation
    for v in found.vertices:
        if v.id in on_path:
            sources = {e.source for e in v.inputs}
            if beside := sources.difference(on_path):
                rules = " ".join(text for e in v.inputs if e.source in on_path for text in (e.formula, *e.meanings))
                sources -= {source for source in beside if not _spoken_of(found.by_id[source], rules)}
            needed[v.id] = sources
    given = set().union(*needed.values()) - set(on_path)
    for v in found.vertices:
        if v.id in on_path:
            edges = tuple(e if e.source in on_path else Edge(e.source, e.argument) for e in v.inputs if e.source in needed[v.id])
            vertices.append(v if edges == v.inputs else replace(v, inputs=edges))
        elif v.id in given:
            vertices.append(replace(v, kind="data", name=v.name or v.operation, scope=None, inputs=(), gradient=None))
    scopes = {v.scope for v in vertices}
    parents = {call.id: call.parent for call in found.calls}
    for scope in list(scopes):
        while scope is not None:
            scope = parents[scope]
            scopes.add(scope)
    return replace(found, vertices=tuple(vertices), calls=tuple(c for c in found.calls if c.id in scopes))


def _spoken_of(given: Vertex, rules: str) -> bool:
    """Whether rules need what an operation is given; of what another one computed, whose name a rule may not know, always."""
    names = {given.name, given.name.rpartition(".")[2]}
    return given.kind == "operation" or any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", rules) for name in names)
