"""A walk through a backward pass that runs by itself, for slides: as an SVG that moves, or as a GIF."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO

from autograd_core.errors import MissingExtraError

from ..render import measure, theme
from ..render.drawing import Arrow, Box, Drawing
from ..render.layout import Layout, lay_out
from ..render.shapes import Outline, Part, Text, parts
from ..render.svg import _document, _part
from ..render.theme import Theme, themed
from .timeline import Timeline, with_room

SECONDS = 1.4  # a step
REST = 2  # steps that the end is shown longer
FEW = 24  # boxes that can be read on a slide
PALE = 0.62  # how far what has no gradient yet fades into the paper
_SIDE = 1100  # pixels of a GIF's longer side, more only where its text would be smaller than a screen's
_FOOT = theme.Type(12)


@dataclass(frozen=True)
class Film:
    """What is seen at each step: the parts of a picture, always as many and in the same order."""

    layout: Layout
    scenes: tuple[tuple[Part, ...], ...]


def film(drawing: Drawing, times: Timeline, look: Theme) -> Film:
    """The drawing at each step of its timeline, all in the same places."""
    drawing = replace(drawing, caption=())
    room = with_room(drawing, times)
    acting = {frame.vertex for frame in times.frames}
    boxes = tuple(replace(box, accent="step") if box.id in acting else box for box in room.boxes)
    layout = lay_out(replace(room, boxes=boxes, arrows=tuple(replace(arrow, accent="step") for arrow in room.arrows)))
    letters = int((layout.width - 2 * theme.MARGIN) / (0.62 * _FOOT.size))
    said = [measure.rows([frame.sentence], _FOOT, "caption", letters) for frame in times.frames]
    top = layout.height
    layout = replace(layout, height=top + max(measure.extent(rows)[1] for rows in said) + theme.MARGIN)
    scenes = []
    for frame, rows in zip(times.frames, said):
        now, pale = _at(drawing, times, frame.step, frame.vertex)
        seen = [_faded(part, look) if (part.kind.split()[0], part.id) in pale else part for part in parts(now, layout, look)]
        scenes.append((*seen, Part("foot", "", f"step {frame.step}", tuple(_lines(rows, top, look)))))
    return Film(layout, tuple(scenes))


def _at(drawing: Drawing, times: Timeline, step: int, vertex: str) -> tuple[Drawing, set[tuple[str, str]]]:
    """The drawing at a step, and which boxes and arrows are pale in it."""
    boxes, arrows, pale = [], [], set()
    for box in drawing.boxes:
        changes = times.boxes.get(box.id, ())
        now = [change for change in changes if change.step <= step]
        if changes and not now:
            pale.add(("box", box.id))
        said = (now[-1].says,) if now and box.kind == "parameter" else ()
        boxes.append(replace(box, lines=(*box.lines, *said), accent="step" if box.id == vertex else box.accent))
    for place, arrow in enumerate(drawing.arrows):
        moments = times.arrows.get(place)
        seen = [lines for at, lines in moments or () if at <= step]
        if moments is not None and not seen:
            pale.add(("arrow", str(place)))
        fresh = step > 0 and any(at == step for at, _ in moments or ())
        arrows.append(replace(arrow, lines=(*arrow.lines, *(seen[-1] if seen else ())), accent="step" if fresh else arrow.accent))
    return replace(drawing, boxes=tuple[Box, ...](boxes), arrows=tuple[Arrow, ...](arrows)), pale


def _lines(rows: Sequence[measure.Row], top: float, look: Theme) -> Iterator[Text]:
    for row in rows:
        yield Text(theme.MARGIN, top + row.height / 2 + 0.36 * row.type.size, row, look.inks["text"], centred=False)
        top += row.height


def _faded(part: Part, look: Theme) -> Part:
    fade = lambda colour: None if colour is None else _mixed(colour, look.paper)
    shapes = [
        replace(s, fill=fade(s.fill), stroke=fade(s.stroke)) if isinstance(s, Outline) else replace(s, colour=_mixed(s.colour, look.paper))
        for s in part.shapes
    ]
    return replace(part, shapes=tuple(shapes))


def _mixed(colour: str, paper: str, share: float = PALE) -> str:
    channels = zip(bytes.fromhex(colour[1:]), bytes.fromhex(paper[1:]))
    return "#" + "".join(f"{round(own + share * (other - own)):02X}" for own, other in channels)


# ---------------------------------------------------------------------- as SVG


def to_moving_svg(drawing: Drawing, times: Timeline, *, theme: str = "light") -> str:
    """An SVG that shows step after step, again and again; where motion is not wanted, and where it is printed, the end."""
    look = themed(theme)
    made = film(drawing, times, look)
    count = len(made.scenes)
    runs: set[tuple[int, int]] = set()
    body = []
    for variants in zip(*made.scenes):
        start = 0
        for k in range(1, count + 1):
            if k < count and variants[k].shapes == variants[start].shapes:
                continue
            lines = list(_part(variants[start]))
            if (start, k) != (0, count):
                runs.add((start, k))
                hidden = "" if k == count else ' visibility="hidden"'
                lines[0] = lines[0].replace("<g ", f'<g{hidden} data-steps="{start}-{k - 1}" ', 1)
            body += lines
            start = k
    style = "".join(_keyframes(first, after, count) for first, after in sorted(runs))
    opening = list(_document(replace(drawing, boxes=(), arrows=(), groups=(), caption=()), replace(made.layout, head=(), routes=()), look))
    still = "@media (prefers-reduced-motion: reduce), print { [data-steps] { animation: none !important; } }"
    cut = next(k for k, line in enumerate(opening) if line.startswith("<rect")) + 1
    return "\n".join([*opening[:cut], f"<style>{style}{still}</style>", *body, "</svg>"]) + "\n"


def _keyframes(first: int, after: int, count: int) -> str:
    """The rule for what is seen from step `first` until `after`."""
    length = count + REST
    times = {0.0: "visible" if first == 0 else "hidden", 100 * first / length: "visible"}
    if after < count:
        times[100 * after / length] = "hidden"
    inside = "".join(f"{at:.3f}%{{visibility:{state}}}" for at, state in sorted(times.items()))
    name = f"s{first}-{after - 1}"
    return f'@keyframes {name}{{{inside}}}[data-steps="{first}-{after - 1}"]{{animation:{name} {length * SECONDS:g}s step-end infinite}}'


# ---------------------------------------------------------------------- as GIF


def to_gif(drawing: Drawing, times: Timeline, *, theme: str = "light") -> bytes:
    """A GIF that shows step after step, again and again. Raises MissingExtraError without matplotlib (and Pillow, which it brings)."""
    try:
        import matplotlib  # noqa: F401
        from PIL import Image
    except ImportError as error:
        raise MissingExtraError("matplotlib", "plots", "a GIF") from error
    from ..render.raster import pixels

    look = themed(theme)
    made = film(drawing, times, look)
    dpi = max(72, min(144, 72 * _SIDE / max(made.layout.width, made.layout.height)))
    images = [pixels(scene, made.layout, look, dpi) for scene in made.scenes]
    palette = Image.new("P", (1, 1))
    palette.putpalette([channel for colour in _palette(made, look) for channel in bytes.fromhex(colour[1:])])
    flat = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    durations = [round(1000 * SECONDS)] * (len(flat) - 1) + [round(1000 * SECONDS * (1 + REST))]
    with BytesIO() as file:
        flat[0].save(file, format="GIF", save_all=True, append_images=flat[1:], duration=durations, loop=0, optimize=False)
        return file.getvalue()


def _palette(made: Film, look: Theme) -> list[str]:
    """The colours that occur, and those between them and the paper, which smooth the edges; no more than a GIF may have."""
    own: dict[str | None, None] = {look.paper: None}
    for scene in made.scenes:
        for part in scene:
            for shape in part.shapes:
                inks = (shape.fill, shape.stroke) if isinstance(shape, Outline) else (shape.colour,)
                own.update(dict.fromkeys(inks))
    exact = [colour for colour in own if colour is not None]
    between = [_mixed(colour, look.paper, share) for share in (0.5, 0.25, 0.75) for colour in exact]
    return list(dict.fromkeys([*exact, *(colour for colour in between if not any(_alike(colour, one) for one in exact))]))[:256]


def _alike(one: str, other: str) -> bool:
    """Whether a search for the nearest colour that is not exact may take one for the other."""
    return all(abs(a - b) < 16 for a, b in zip(bytes.fromhex(one[1:]), bytes.fromhex(other[1:])))
