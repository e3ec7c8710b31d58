"""How pictures look: themes, accents, small curves, the marks of higher order, frames, and names that mean harm."""

from __future__ import annotations

import math
import re
from collections import Counter
from io import BytesIO
from unittest.mock import patch
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_render import needs_library, needs_matplotlib, network, texts, under_another_hash_seed
from viz.render import dot, measure, spark, theme
from viz.render.drawing import Arrow, Box, Drawing, Group
from viz.render.layout import lay_out
from viz.render.raster import to_raster
from viz.render.svg import to_svg

SVG = "{http://www.w3.org/2000/svg}"


def everything() -> Drawing:
    """Every kind of box, arrow and group, every accent, curves, and two orders."""
    kinds = [Box(kind, kind, kind, ("(3, 4)",), "group module") for kind in theme.BOXES]
    accents = [Box(key, "operation", "op", (key,), "group repeat", key) for key in theme.ACCENTS]
    curves = [Box("flat", "closed", "LSTM", spark=(1.0, 0.5, 0.0, math.nan)), Box("steep", "operation", "op", spark=(1.0, 1e-3, 1e-9))]
    orders = [Box(f"order {k}", kind, "mul", order=k) for k, kind in ((1, "operation"), (2, "closed"))]
    arrows = [Arrow(kind, "flat", ("g · x",), kind="backward") for kind in theme.BOXES]
    arrows += [Arrow(key, "steep", accent=key) for key in theme.ACCENTS]
    groups = tuple(Group(f"group {kind}", kind, None, kind, 12) for kind in theme.GROUPS)
    boxes = (*kinds, *accents, *curves, *orders, *(Box(f"in {g.id}", "note", "", (), g.id) for g in groups))
    return Drawing("Everything", boxes, tuple(arrows), groups, ("How to read it.",))


def by_graphviz(drawing: Drawing, name: str = "light") -> str:
    return dot.render(dot.to_dot(drawing, theme=name), "svg").decode()


def part(svg: str, id: str) -> str:
    """The piece of a built-in SVG that draws one thing."""
    return re.search(rf'<g class="[^"]*" data-id="{re.escape(id)}">.*?</g>', svg, re.S)[0]


# ---------------------------------------------------------------------- themes


def lightness(colour: str) -> float:
    """How light a colour looks, 0 to 1 (relative luminance, WCAG 2)."""
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    lights = sorted((lightness(first), lightness(second)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


@pytest.mark.parametrize("look", theme.THEMES.values(), ids=list(theme.THEMES))
def test_text_can_be_read_on_its_ground(look):
    for kind in theme.BOXES:
        assert contrast(look.inks["text"], look.fills[kind]) > 7
        assert contrast(look.inks["small"], look.fills[kind]) > 7
        assert contrast(look.strokes[kind], look.fills[kind]) > 4.5
    for ground in (look.paper, *look.grounds, look.tint):
        for ink in (*theme.ARROWS, *theme.ACCENTS, "group", "caption", "text"):
            assert contrast(look.inks[ink], ground) > 4.5, ink
        for line in look.arrows.values():
            assert contrast(line, ground) > 3


@pytest.mark.parametrize("look", theme.THEMES.values(), ids=list(theme.THEMES))
def test_lines_can_be_seen_on_their_ground(look):
    for kind in theme.BOXES:
        for ground in (look.paper, *look.grounds, look.tint):
            assert contrast(look.strokes[kind], ground) > 3
        for key in theme.ACCENTS:
            assert contrast(look.inks[key], look.fills[kind]) > 3
    for ground in (look.paper, *look.grounds, look.tint):
        assert contrast(look.frame, ground) > 3


@pytest.mark.parametrize("look", theme.THEMES.values(), ids=list(theme.THEMES))
def test_themes_know_everything(look):
    assert set(look.fills) == set(look.strokes) == set(theme.BOXES)
    assert set(look.arrows) == set(theme.ARROWS)
    assert set(theme.ACCENTS) | set(theme.ARROWS) <= set(look.inks)


def test_kinds_differ_without_colour():
    looks = [(style.shape, style.width, style.line) for style in theme.BOXES.values()]
    assert len(set(looks)) == len(looks)
    assert len({style.open_head for style in theme.ARROWS.values()}) == len(theme.ARROWS)
    frames = [(style.line, style.width, style.stacked) for style in theme.GROUPS.values()]
    assert len(set(frames)) == len(frames)
    assert len({mark.symbol for mark in theme.ACCENTS.values()}) == len(theme.ACCENTS)


def colours(text: str) -> set[str]:
    return {colour.upper() for colour in re.findall(r"#[0-9a-fA-F]{6}", text)}


@pytest.mark.parametrize("render", [to_svg, dot.to_dot, pytest.param(by_graphviz, marks=needs_library)])
def test_theme_reaches_every_colour(render):
    light, dark = (
        render(everything(), theme=name) if render is not by_graphviz else by_graphviz(everything(), name) for name in ("light", "dark")
    )
    assert theme.DARK.paper in colours(dark)
    assert theme.LIGHT.paper in colours(light)
    assert not colours(light) & colours(dark)
    assert len(colours(light)) > 28


@pytest.fixture
def coarse(monkeypatch):
    """Bitmaps of few pixels, which are soon made."""
    monkeypatch.setattr("viz.render.theme.RESOLUTION", 40)


@needs_matplotlib
def test_theme_reaches_the_bitmap(coarse):
    from matplotlib.image import imread

    light, dark = (imread(BytesIO(to_raster(everything(), "png", theme=name)))[..., :3] for name in ("light", "dark"))
    assert light.shape == dark.shape
    assert light[0, 0].min() > 0.99
    assert dark[0, 0].max() < 0.15
    assert dark.mean() < 0.3 < 0.8 < light.mean()


@pytest.mark.parametrize("render", [to_svg, dot.to_dot, lambda drawing, theme: to_raster(drawing, "png", theme=theme)])
def test_unknown_theme_names_the_known_ones(render):
    with pytest.raises(ValueError, match="'sepia' is no theme: the themes are light, dark"):
        render(everything(), theme="sepia")


def test_sizes_do_not_depend_on_the_theme():
    shape = lambda svg: re.sub(r"#[0-9A-Fa-f]{6}", "", svg)
    assert shape(to_svg(everything())) == shape(to_svg(everything(), theme="dark"))


def as_bytes() -> bytes:
    made = "".join(render(everything(), theme=name) for render in (dot.to_dot, to_svg) for name in theme.THEMES)
    with patch("viz.render.theme.RESOLUTION", 40):
        return made.encode() + to_raster(network(), "png", theme="dark")


@needs_matplotlib
def test_same_bytes_under_any_hash_seed():
    assert under_another_hash_seed("tests.test_theme", "as_bytes()") == as_bytes()


# ---------------------------------------------------------------------- accents


@pytest.mark.parametrize("key", theme.ACCENTS)
def test_accent_is_marked_and_explained(key):
    mark = theme.ACCENTS[key]
    drawing = Drawing("", (Box("a", "operation", "relu", accent=key), Box("b", "output", "loss")), (Arrow("a", "b", ("(3,)",)),))
    assert Counter(texts(to_svg(drawing))) == Counter([f"{mark.symbol} {mark.says}", f"{mark.symbol} relu", "loss", "(3,)"])
    arrow = Drawing("", (Box("a", "operation", "relu"), Box("b", "output", "loss")), (Arrow("a", "b", accent=key),))
    assert Counter(texts(to_svg(arrow))) == Counter([f"{mark.symbol} {mark.says}", mark.symbol, "relu", "loss"])


@needs_library
def test_graphviz_marks_and_explains_every_accent():
    boxes = (*(Box(key, "operation", key, accent=key) for key in theme.ACCENTS), Box("b", "output", "loss"))
    drawing = Drawing("", boxes, tuple(Arrow(key, "b", accent=key) for key in theme.ACCENTS))
    said = [text for key, mark in theme.ACCENTS.items() for text in (f"{mark.symbol} {mark.says}", f"{mark.symbol} {key}", mark.symbol)]
    assert Counter(texts(by_graphviz(drawing))) == Counter([*said, "loss"])


def test_legend_holds_what_occurs_and_only_that():
    marked = Drawing("t", (Box("a", "operation", "a", accent="dead"), Box("b", "operation", "b", accent="dead")), ())
    assert [row.text for row in measure.head_rows(marked)] == ["t", "✗ dead: its output is zero for every example"]
    assert [row.text for row in measure.head_rows(Drawing("t", (Box("a", "operation", "a"),), ()))] == ["t"]


def test_accent_changes_the_outline():
    plain, marked = (part(to_svg(Drawing("", (Box("a", "operation", "relu", accent=key),), ())), "a") for key in ("", "dead"))
    assert "stroke-dasharray" in marked
    assert "stroke-dasharray" not in plain
    assert theme.LIGHT.inks["dead"] in marked
    assert theme.LIGHT.strokes["operation"] not in marked


@needs_matplotlib
def test_every_symbol_is_in_the_font_that_comes_with_matplotlib():
    from matplotlib.font_manager import findfont, get_font

    for weight in ("normal", "bold"):
        known = get_font(findfont(f"DejaVu Sans:{weight}")).get_charmap()
        assert all(ord(c) in known for mark in theme.ACCENTS.values() for c in mark.symbol)


# ---------------------------------------------------------------------- small curves


def test_bars_stand_for_values():
    assert [(bar.low, bar.high, bar.kind) for bar in spark.bars((1, 2, 0, 4))] == [
        (0, 0.25, "value"),
        (0, 0.5, "value"),
        (0, 0, "zero"),
        (0, 1, "value"),
    ]


def test_bars_of_both_signs_leave_the_base_line():
    up, down, zero = spark.bars((3.0, -1.0, 0.0))
    assert (up.low, up.high) == (0.25, 1)
    assert (down.low, down.high) == (0, 0.25)
    assert zero.low == 0.25


def test_scale_is_logarithmic_where_values_span_more_than_two_decades():
    heights = [bar.high for bar in spark.bars((1e-8, 1e-6, 1e-4))]
    assert heights[1] - heights[0] == pytest.approx(heights[2] - heights[1])
    assert heights[0] > 0.1
    assert "log scale" in spark.said((1e-8, 1e-6, 1e-4))
    assert "log scale" not in spark.said((1.0, 100.0))


def test_what_is_zero_or_not_finite_is_seen():
    values = (1e-8, 0.0, math.nan, math.inf, 1.0)
    assert [bar.kind for bar in spark.bars(values)] == ["value", "zero", "wild", "wild", "value"]
    svg = part(to_svg(Drawing("", (Box("a", "closed", "LSTM", spark=values),), ())), "a")
    assert len(re.findall(rf'fill="{theme.LIGHT.strokes["closed"]}"/>', svg)) == 2
    assert len(re.findall(r'fill="none" [^>]*stroke-width="0.8"', svg)) == 3


@given(st.lists(st.floats(), min_size=1, max_size=200))
def test_bars_of_anything(values):
    bars = spark.bars(values)
    assert len(bars) == min(len(values), 32)
    assert all(0 <= bar.low <= bar.high <= 1 for bar in bars)
    assert any(bar.kind == "wild" for bar in bars) == (not all(map(math.isfinite, values)))
    assert spark.said(values)


def test_many_steps_share_bars_and_the_largest_is_seen():
    values = [1.0] * 1000
    values[500] = 3.0
    heights = [bar.high for bar in spark.bars(values)]
    assert heights.count(1.0) == 1
    assert 15 <= heights.index(1.0) <= 16


@pytest.mark.parametrize("render", [to_svg, pytest.param(by_graphviz, marks=needs_library)])
def test_first_and_last_value_are_printed(render):
    shown = texts(render(Drawing("", (Box("a", "closed", "LSTM", ("30 operations",), spark=(0.5, 0.25, 0.125)),), ())))
    assert shown == ["LSTM", "30 operations", "0.5 … 0.125"]


@needs_library
def test_graphviz_draws_the_bars():
    bare, curved = (by_graphviz(Drawing("", (Box("a", "operation", "x", spark=values),), ())) for values in ((), (1.0, 2.0, 3.0)))
    assert curved.count("<polygon") - bare.count("<polygon") == 3


# ---------------------------------------------------------------------- order, frames, stacks


@pytest.mark.parametrize("render", [to_svg, pytest.param(by_graphviz, marks=needs_library)])
def test_order_is_said(render):
    shown = texts(render(Drawing("", (Box("a", "operation", "mul", order=1), Box("b", "operation", "mul", order=2)), ())))
    assert {"1st derivative", "2nd derivative"} < set(shown)
    assert any("recorded" in text for text in shown)
    assert not any("recorded" in text for text in texts(render(Drawing("", (Box("a", "operation", "mul"),), ()))))


@pytest.mark.parametrize("order", [(1, "1st"), (3, "3rd"), (4, "4th"), (11, "11th"), (22, "22nd")])
def test_order_is_counted_as_people_do(order):
    assert measure.derivative(order[0]) == f"{order[1]} derivative"


@pytest.mark.parametrize("kind", theme.BOXES)
def test_order_is_seen_in_the_outline(kind):
    first, second = (part(to_svg(Drawing("", (Box("a", kind, "mul", order=k),), ())), "a") for k in (0, 1))
    assert second.count("stroke-dasharray") >= 2 > first.count("stroke-dasharray")


@pytest.mark.parametrize("render", [to_svg, pytest.param(by_graphviz, marks=needs_library)])
def test_repeat_says_how_often(render):
    groups = (Group("g", "step", None, "repeat", 12), Group("h", "once", None, "repeat"), Group("i", "m", None, "module", 3))
    shown = texts(render(Drawing("", tuple(Box(g.id, "note", "x", (), g.id) for g in groups), (), groups)))
    assert {"step ×12", "once", "m"} < set(shown)


def test_frames_differ_by_kind():
    svg = to_svg(everything())
    frames = {kind: part(svg, f"group {kind}") for kind in theme.GROUPS}
    assert frames["module"].count("<path") == 1 < frames["repeat"].count("<path")
    assert 'stroke-dasharray="5 3"' in frames["reference"]
    assert theme.LIGHT.tint in frames["backward"]


@needs_library
def test_graphviz_puts_a_frame_around_what_repeats():
    frames = {}
    for kind in ("module", "repeat"):
        drawing = Drawing("", (Box("a", "note", "x", (), "g"),), (), (Group("g", "step", None, kind, 3),))
        frames[kind] = by_graphviz(drawing).count('class="cluster"')
    assert frames["repeat"] == frames["module"] + 1


def test_stack_stays_in_its_place():
    """The sheet behind, too, is inside the rectangle that the layout keeps free for the box."""
    drawing = everything()
    layout, svg = lay_out(drawing), to_svg(drawing)
    for id in ("closed", "flat", "order 2"):
        at = layout.boxes[id]
        points = [tuple(map(float, pair)) for pair in re.findall(r"(-?[\d.]+),(-?[\d.]+)", part(svg, id))]
        assert min(x for x, _ in points) >= at.x - 0.01
        assert max(x for x, _ in points) <= at.x + at.width + 0.01
        assert max(y for _, y in points) == pytest.approx(at.y + at.height, abs=0.01)


def test_captions_are_as_wide_as_the_picture_but_can_be_read():
    words = " ".join(f"word{k}" for k in range(40))
    narrow = Drawing("t", (Box("a", "note", "x"),), (), (), (words,))
    wide = Drawing("t", tuple(Box(str(k), "note", "something wide") for k in range(5)), (), (), (words,))
    assert max(map(len, texts(to_svg(narrow)))) <= 70
    assert 70 < max(map(len, texts(to_svg(wide)))) <= 92
    for drawing in (narrow, wide):
        assert " ".join(texts(to_svg(drawing))).count("word39") == 1


# ---------------------------------------------------------------------- names that mean harm


HOSTILE = {
    "quotes": "\"'`\\\"'",
    "script": "</text><script>alert(1)</script>",
    "entity": "&lt;b&gt; &#x3c; ]]> <!-- -->",
    "svg": '"/><image href="http://example.com/x.png"/>',
    "dot": '"]; x -> y [label="z"]; } digraph { a',
    "html label": "<<TABLE><TR><TD>x</TD></TR></TABLE>>",
    "escapes": "\\N \\G \\E \\l \\r \\n %s %n {0} {x|y}",
    "backslash": "\\",
    "maths": "$\\frac{1}{2}$ $ _a ^b",
    "newlines": "one\ntwo\r\nthree\vfour\u2028five\x00six",
    "right to left": "\u202eabc\u202c \u2067abc \u200fabc \u061c",
    "Hebrew": "שלום (3, 4)",
    "Arabic": "سلام [1]",
    "combining": "e" + "\u0301" * 500,
    "CJK": "层归一化" * 30,
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈🔥" * 10,
    "wide": "﷽⸻𒐫" * 20,
    "long": "x" * 10_000,
    "blank": " \t\u3000\u200b",
    "surrogate": "\ud800",
    "not a character": "\uffff\ufffe\U0001ffff",
}


def hostile(text: str) -> Drawing:
    """One name everywhere."""
    id = text[:100]
    boxes = (Box(id, "closed", text, (text,), id, "origin", (1.0, 2.0)), Box("b", "parameter", text, (), id), Box("c", "sum", text))
    arrows = (Arrow(id, "b", (text, text)), Arrow("c", id, (text,), "backward", 2.0, "path"))
    return Drawing(text, boxes, arrows, (Group(id, text, None, "repeat", 3),), (text[:60],))


def visible(svg: str) -> Counter[str]:
    return Counter(c for c in "".join(texts(svg)) if not c.isspace() and c != "\u200b")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_name_in_the_builtin_svg(name):
    svg = to_svg(hostile(HOSTILE[name]))
    document = ElementTree.fromstring(svg.encode())
    assert {element.tag.removeprefix(SVG) for element in document.iter()} == {"svg", "title", "desc", "rect", "g", "path", "text"}
    assert not any("href" in key or key.startswith("on") for element in document.iter() for key in element.attrib)
    assert len(svg) < 40_000


@needs_library
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_name_in_graphviz(name):
    drawing = hostile(HOSTILE[name])
    svg = by_graphviz(drawing)
    document = ElementTree.fromstring(svg.encode())
    tags = {element.tag.removeprefix(SVG) for element in document.iter()}
    assert tags <= {"svg", "title", "desc", "g", "path", "text", "polygon", "ellipse", "polyline"}
    assert not any("href" in key or key.startswith("on") for element in document.iter() for key in element.attrib)
    assert visible(svg) == visible(to_svg(drawing))
    assert sum(element.get("class") == "cluster" for element in document.iter()) == 2
    assert len(svg) < 60_000


@needs_matplotlib
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_name_in_a_bitmap(name, coarse):
    """Nor does a missing letter warn: a program's warnings are its own."""
    drawing = Drawing(HOSTILE[name], (Box("a", "note", HOSTILE[name]),), ())
    assert to_raster(drawing, "png", theme="dark").startswith(b"\x89PNG")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_name_makes_no_picture_too_wide(name):
    assert lay_out(hostile(HOSTILE[name])).width < 1400


@pytest.mark.parametrize("character", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
def test_nothing_turns_the_direction_of_writing(character):
    for render in (to_svg, dot.to_dot):
        assert character not in render(hostile(f"a{character}b"))


def test_marks_do_not_pile_up():
    assert measure.plain("e" + "\u0301" * 500 + "x") == "e" + "\u0301" * 3 + "x"
    assert measure.plain("é" * 50) == "é" * 50


@settings(max_examples=60)
@given(st.text())
def test_any_name_gives_a_file_that_can_be_read(text):
    ElementTree.fromstring(to_svg(hostile(text or " ")).encode())
    dot.to_dot(hostile(text or " ")).encode()
