"""Pictures: the plain description as DOT, SVG, PNG and PDF, by Graphviz and by the built-in layout."""

from __future__ import annotations

import itertools
import os
import re
import stat
import subprocess
import sys
import unicodedata
from collections import Counter
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viz.picture import Picture
from viz.render import dot, measure, structure, theme
from viz.render.drawing import Arrow, Box, Drawing, Group
from viz.render.layout import lay_out
from viz.render.raster import to_raster
from viz.render.svg import to_svg

SVG = "{http://www.w3.org/2000/svg}"
PNG, PDF = b"\x89PNG\r\n\x1a\n", b"%PDF-"
NASTY = '<b> &amp; "q" {x|y} \\N a\\b %s wᵀ'


def network() -> Drawing:
    """The backward pass of a small network: nested groups, all kinds of arrows."""
    groups = (Group("net", "Sequential"), Group("0", "0: Linear(64 → 32)", "net"), Group("1", "1: ReLU", "net"))
    boxes = (
        Box("x", "input", "x", ("(32, 64)",)),
        Box("w", "parameter", "0.weight", ("(32, 64)",), "0"),
        Box("b", "parameter", "0.bias", ("(32,)",), "0"),
        Box("linear", "operation", "linear", ("(32, 32)",), "0"),
        Box("relu", "operation", "relu", ("(32, 32)",), "1"),
        Box("sum", "sum", "Σ"),
        Box("note", "note", "half of the units are dead", ("or nearly",)),
        Box("loss", "output", "loss 2.31"),
    )
    arrows = (
        Arrow("x", "linear", ("(32, 64)",)),
        Arrow("w", "linear", ("(32, 64)",)),
        Arrow("b", "linear"),
        Arrow("linear", "w", ("gᵀ @ x", "‖∂L/∂w‖ = 0.536"), "backward", 3.0),
        Arrow("linear", "b", ("Σ g", "‖∂L/∂b‖ = 1.2e-3"), "backward", 0.7),
        Arrow("linear", "relu", ("(32, 32)",)),
        Arrow("relu", "linear", ("g · (x > 0)", "‖g‖ = 0.0672", "(32, 32)"), "backward"),
        Arrow("relu", "sum"),
        Arrow("note", "sum"),
        Arrow("sum", "loss", ("()",)),
        Arrow("loss", "sum", ("1",), "backward"),
    )
    return Drawing("Backward pass", boxes, arrows, groups, ("Grey: data.", "Orange: gradients."))


def two(title: str = "", *arrows: Arrow) -> Drawing:
    return Drawing(title, (Box("a", "parameter", "x"), Box("b", "operation", "mul")), arrows or (Arrow("a", "b"),))


def texts(svg: str | bytes) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


needs_library = pytest.mark.skipif(dot._found("pygraphviz") is None, reason="needs pygraphviz")
needs_matplotlib = pytest.mark.skipif(dot._found("matplotlib") is None, reason="needs matplotlib")


@pytest.fixture
def no_program(monkeypatch):
    """A machine without `dot`."""
    monkeypatch.setattr(dot.shutil, "which", lambda name: None)


@pytest.fixture
def no_graphviz(no_program, monkeypatch):
    """A machine without `dot` and without pygraphviz."""
    monkeypatch.setitem(sys.modules, "pygraphviz", None)


# ---------------------------------------------------------------------- the same picture every time


@pytest.mark.parametrize("render", [dot.to_dot, to_svg])
def test_same_drawing_same_text(render):
    assert render(network()) == render(network())


def under_another_hash_seed(module: str, expression: str) -> bytes:
    """What an expression of bytes in a module is in a process that orders sets otherwise than this one."""
    code = f"import sys; from {module} import *; sys.stdout.buffer.write({expression})"
    environment = os.environ | {"PYTHONHASHSEED": "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"}
    root = Path(__file__).parents[1]
    return subprocess.run([sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, check=True).stdout


def as_text() -> bytes:
    return (dot.to_dot(network()) + to_svg(network())).encode()


def test_text_does_not_depend_on_hash_seed():
    assert under_another_hash_seed("tests.test_render", "as_text()") == as_text()


@needs_matplotlib
@pytest.mark.parametrize("format", ["png", "pdf"])
def test_same_drawing_same_bytes(format):
    assert to_raster(network(), format) == to_raster(network(), format)


@needs_matplotlib
def test_the_programs_own_style_is_not_the_pictures():
    import matplotlib

    usual = to_raster(network(), "png")
    style = {"savefig.bbox": "tight", "path.sketch": (1, 100, 2), "text.usetex": True, "savefig.facecolor": "red"}
    with matplotlib.rc_context(style):
        chosen = dict(matplotlib.rcParams)
        assert to_raster(network(), "png") == usual
        assert dict(matplotlib.rcParams) == chosen


# ---------------------------------------------------------------------- text arrives as it is


def nasty() -> Drawing:
    boxes = (Box('a"\\', "input", NASTY, (NASTY,), "g"), Box("_text 0", "output", "first\nsecond"))
    return Drawing(NASTY, boxes, (Arrow('a"\\', "_text 0", (NASTY,)),), (Group("g", NASTY),), (NASTY,))


def test_builtin_keeps_every_character():
    assert Counter(texts(to_svg(nasty()))) == Counter({NASTY: 6, "first": 1, "second": 1})


@needs_library
def test_graphviz_keeps_every_character(no_program):
    assert Counter(texts(dot.render(dot.to_dot(nasty()), "svg"))) == Counter({NASTY: 6, "first": 1, "second": 1})


@pytest.mark.parametrize("character", ["\0", "\x1b", "\ud800", "\uffff", "\u2028", "\t", "\x85"])
def test_characters_that_xml_forbids_do_not_break_the_file(character):
    title = f"a{character}b"
    (shown,) = texts(to_svg(two(title, Arrow("a", "b"))))[:1]
    assert shown[0] == "a"
    assert character not in shown
    assert character not in dot.to_dot(two(title))


@needs_library
def test_characters_that_xml_forbids_do_not_break_graphviz(no_program):
    ElementTree.fromstring(dot.render(dot.to_dot(two("a\0\x1b\ud800b")), "svg"))


@needs_library
@pytest.mark.parametrize("title", ["", " ", "\n"])
def test_nothing_to_say(title, no_program):
    drawing = Drawing(title, (Box("a", "note", title), Box("", "sum", title, (title,))), (Arrow("a", "", (title,)),))
    assert texts(to_svg(drawing)) == []
    assert texts(dot.render(dot.to_dot(drawing), "svg")) == []
    assert lay_out(drawing).routes[0].text is None


def test_no_drawing_at_all():
    ElementTree.fromstring(to_svg(Drawing("", (), ())))


def test_long_lines_are_broken_not_lost():
    words = [f"word{index}" for index in range(60)]
    drawing = Drawing("", (Box("a", "note", "x" * 170, (" ".join(words),)),), (), (), (" ".join(words),))
    shown = texts(to_svg(drawing))
    assert " ".join(shown).count("word59") == 2
    assert "".join(shown).count("x") == 170
    assert lay_out(drawing).width < 700


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("= [[0.1, −0.2], [0.3, 4]], (2, 2)", ["= [[0.1, −0.2],", "[0.3, 4]], (2, 2)"]),
        ("= [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]", ["= [[[1, 2],", "[3, 4]],", "[[5, 6],", "[7, 8]]]"]),
        ("= [[1], [2], [3]]", ["= [[1], [2], [3]]"]),
        (f"= [{', '.join(['−0.1234'] * 8)}]", [f"= [{', '.join(['−0.1234'] * 4)},", f"{', '.join(['−0.1234'] * 4)}]"]),
    ],
)
def test_a_row_of_a_matrix_has_a_line_of_its_own(text, lines):
    drawing = Drawing("", (Box("a", "note", text, (text,)), Box("b", "note", "b")), (Arrow("a", "b", ("rule", text)),))
    assert [row.text for row in measure.box_rows(drawing.boxes[0]) if row.type == theme.BOX_LINE] == lines
    assert [row.text for row in measure.arrow_rows(drawing.arrows[0])] == ["rule", *lines]
    assert text in " ".join(row.text for row in measure.box_rows(drawing.boxes[0]))


@pytest.mark.parametrize("text", ["x" * 10_000, "word " * 10_000, "a\nb\n" * 10_000])
def test_what_is_far_too_long_is_cut_and_says_so(text):
    drawing = Drawing(
        text, (Box("a", "note", text, (text,), "g"), Box("b", "note", "b")), (Arrow("a", "b", (text,)),), (Group("g", text),), (text,)
    )
    shown = texts(to_svg(drawing))
    assert sum(row.endswith("…") for row in shown) == 6
    assert len(shown) < 50
    assert lay_out(drawing).width < 700
    assert lay_out(drawing).height < 1000


ENGINES = ["builtin", pytest.param("graphviz", marks=needs_library)]


def told(svg: str) -> list[str]:
    """What an SVG tells to who points at something in it."""
    return [title.text or "" for title in ElementTree.fromstring(svg).iter(f"{SVG}title")]


@pytest.mark.parametrize("engine", ENGINES)
def test_whole_name_is_told_to_who_points_at_it(engine):
    name = "layer" * 100
    boxes = (Box("a", "note", name, ("1", name)), Box("b", "note", name * 100), Box("c", "note", "b"))
    found = told(Picture(Drawing("", boxes, (Arrow("a", "c", ("(3,)", "g")),))).to_svg(engine=engine))
    assert f"{name}\n1\n{name}" in found
    assert f"{name} → b\n(3,)\ng" in found
    assert "b" in found
    assert max(map(len, found)) < 1100


@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_else_is_told(engine):
    drawing = network()
    names = {box.id: box.title for box in drawing.boxes}
    all_there_is = {"Backward pass", *(group.label for group in drawing.groups)}
    all_there_is |= {"\n".join((box.title, *box.lines)) for box in drawing.boxes}
    all_there_is |= {"\n".join((f"{names[arrow.source]} → {names[arrow.target]}", *arrow.lines)) for arrow in drawing.arrows}
    assert set(told(Picture(drawing).to_svg(engine=engine))) == all_there_is
    nameless = Drawing("", (Box("a", "note", ""), Box("b", "sum", " ")), (), (Group("g", ""),))
    assert not any(map(str.strip, told(Picture(nameless).to_svg(engine=engine))))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("drawing", [network(), Drawing("", (Box("a", "note", "a"),), ()), Drawing("x", (), (), (), ("y",))])
def test_screen_readers_are_told_title_and_caption(engine, drawing):
    document = ElementTree.fromstring(Picture(drawing).to_svg(engine=engine))
    assert document.get("role") == "img"
    assert [element.tag for element in document][:2] == [f"{SVG}title", f"{SVG}desc"]
    assert (document[0].text or "") == drawing.title
    assert (document[1].text or "") == " ".join(drawing.caption)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("weight (5, 3)", "weight (5, 3)"),
        ("\u05d0\u05d1 (5, 3)", "\u200e\u05d0\u05d1\u200e (5, 3)"),
        ("g · \u05d0\u05d1 (\u05d2) @ x", "g · \u200e\u05d0\u05d1 (\u05d2\u200e) @ x"),
        ("\u0627\u0628 = \u05d0 + x", "\u200e\u0627\u0628 = \u05d0\u200e + x"),
    ],
)
def test_what_runs_from_right_to_left_is_marked(text, written):
    (row,) = measure.rows([text], theme.BOX_LINE, "line")
    assert (row.text, row.written) == (text, written)
    assert row.width == measure.text_width(written, theme.BOX_LINE)
    assert written in texts(to_svg(Drawing("", (Box("a", "note", "a", (text,)),), ())))


@needs_matplotlib
@pytest.mark.parametrize("kind", [theme.BOX_TITLE, theme.BOX_LINE, theme.Type(theme.ARROW_LINE)])
@pytest.mark.parametrize(
    "text", ["linear_relu.weight", "‖∂L/∂w‖ = 1.2e-3", "(32, 64)", "g · (softmax(x) − onehot(y)) / n", "gᵀ @ x", "WWW", "Σ ∇ θ √2"]
)
def test_text_is_no_wider_than_it_is_taken_for(text, kind):
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    font = FontProperties(family="DejaVu Sans", weight="bold" if kind.bold else "normal")
    width = TextPath((0, 0), text.replace("$", r"\$"), size=kind.size, prop=font).get_extents().x1
    assert width <= measure.text_width(text, kind) <= 1.35 * width + 3


@needs_matplotlib
@pytest.mark.parametrize(("first", "last", "more"), [(0x20, 0x17E, 1.1), (0x370, 0x45F, 1.15), (0x20, 0x1FFFF, 1.8)])
def test_no_letter_is_much_wider_than_it_is_taken_for(first, last, more):
    from matplotlib.font_manager import findfont, get_font
    from matplotlib.ft2font import LoadFlags

    for kind in (theme.BOX_TITLE, theme.BOX_LINE):
        font = get_font(findfont(f"DejaVu Sans:{'bold' if kind.bold else 'normal'}"))
        font.set_size(100, 72)
        for code in font.get_charmap():
            if first <= code <= last and measure.plain(chr(code)) == chr(code) and unicodedata.category(chr(code))[0] != "M":
                width = font.load_char(code, LoadFlags.NO_HINTING).linearHoriAdvance / 65536 / 100 * kind.size
                assert width <= more * measure.text_width(chr(code), kind) or width < 1, chr(code)


# ---------------------------------------------------------------------- the built-in layout


@st.composite
def drawings(draw):
    """Any boxes, arrows between any two, circles too, and groups in groups."""
    words = st.sampled_from(["", "g", "(32, 64)", "‖∂L/∂w‖ = 0.0123", "g · (softmax(x) − onehot(y)) / n"])
    lines = st.lists(words, max_size=3).map(tuple)
    groups: list[Group] = []
    for index in range(draw(st.integers(0, 5))):
        parent = draw(st.sampled_from([None, *groups]))
        kind = draw(st.sampled_from(list(theme.GROUPS)))
        groups.append(Group(f"g{index}", draw(words), parent and parent.id, kind, draw(st.integers(1, 12))))
    homes = st.sampled_from([None, *(group.id for group in groups)])
    kinds = st.sampled_from(list(theme.BOXES))
    accents = st.sampled_from(["", "", *theme.ACCENTS])
    sparks = st.one_of(st.just(()), st.lists(st.floats(), max_size=40).map(tuple))
    count = draw(st.integers(1, 12))
    boxes = tuple(
        Box(str(index), draw(kinds), draw(words), draw(lines), draw(homes), draw(accents), draw(sparks), draw(st.integers(0, 2)))
        for index in range(count)
    )
    arrows = []
    for _ in range(draw(st.integers(0, 18)) if count > 1 else 0):
        source = draw(st.integers(0, count - 1))
        target = (source + draw(st.integers(1, count - 1))) % count
        kind = draw(st.sampled_from(list(theme.ARROWS)))
        arrows.append(Arrow(str(source), str(target), draw(lines), kind, draw(st.floats(0.1, 9)), draw(accents)))
    return Drawing(draw(words), boxes, tuple(arrows), tuple(groups))


def apart(a, b) -> bool:
    slack = 1e-6
    beside = a.x + a.width <= b.x + slack or b.x + b.width <= a.x + slack
    return beside or a.y + a.height <= b.y + slack or b.y + b.height <= a.y + slack


def within(a, b) -> bool:
    slack = 1e-6
    across = b.x <= a.x + slack and a.x + a.width <= b.x + b.width + slack
    return across and b.y <= a.y + slack and a.y + a.height <= b.y + b.height + slack


def heading(group: Group, at):
    """The rectangle of a group's label."""
    width, height = measure.extent(measure.group_rows(group))
    return type(at)(at.x + theme.GROUP_PAD, at.y + theme.GROUP_PAD - 3, width, height)


def check_places(drawing, layout):
    """Nothing overlaps, and groups hold their members and nothing else."""
    homes, around = structure.homes(drawing), structure.enclosures(drawing)
    page = type(layout.boxes["0"])(0, 0, layout.width, layout.height)
    labels = [route.text for route in layout.routes if route.text] + [heading(group, layout.groups[group.id]) for group in drawing.groups]
    for a, b in itertools.combinations([*layout.boxes.values(), *labels], 2):
        assert apart(a, b)
    for box, at in layout.boxes.items():
        assert within(at, page)
        for group, frame in layout.groups.items():
            assert within(at, frame) if group in homes[box] else apart(at, frame)
    for a, b in itertools.combinations(layout.groups, 2):
        if a in around[b] or b in around[a]:
            inner, outer = (a, b) if b in around[a] else (b, a)
            assert within(layout.groups[inner], layout.groups[outer])
        else:
            assert apart(layout.groups[a], layout.groups[b])
    for label in labels:
        assert within(label, page)
        for frame in layout.groups.values():
            assert apart(label, frame) or within(label, frame)


def check_lines(drawing, layout):
    """They join their boxes and cross no other box and no text."""
    rectangle = type(layout.boxes["0"])
    headings = [heading(group, layout.groups[group.id]) for group in drawing.groups]
    for arrow, route in zip(drawing.arrows, layout.routes):
        upper, lower = (arrow.source, arrow.target) if route.downward else (arrow.target, arrow.source)
        (x, y), (to_x, to_y) = route.points[0], route.points[-1]
        for box, at, end in ((upper, layout.boxes[upper], y), (lower, layout.boxes[lower], to_y)):
            edge = at.y + at.height if box == upper else at.y
            round_box = next(b for b in drawing.boxes if b.id == box).kind == "sum"
            assert abs(end - edge) <= (at.height / 2 if round_box else 1e-6)
        assert layout.boxes[upper].x < x < layout.boxes[upper].x + layout.boxes[upper].width
        assert layout.boxes[lower].x < to_x < layout.boxes[lower].x + layout.boxes[lower].width
        foreign = [at for box, at in layout.boxes.items() if box not in (upper, lower)]
        foreign += headings + [other.text for other in layout.routes if other.text and other is not route]
        for (x, y), (to_x, to_y) in itertools.pairwise(route.points):
            assert to_y >= y - 1e-6
            swept = rectangle(min(x, to_x), y, abs(to_x - x), to_y - y)
            assert all(apart(swept, at) for at in foreign)
        if route.text:
            assert any(x == pytest.approx(route.text.x + route.text.width / 2) for x, _ in route.points)


def check_files(drawing, layout):
    document = ElementTree.fromstring(to_svg(drawing, layout))
    groups = Counter(group.get("class", "").split()[0] for group in document.iter(f"{SVG}g"))
    assert groups["box"] == len(drawing.boxes)
    assert groups["arrow"] == len(drawing.arrows)
    assert groups["group"] == len(drawing.groups)
    assert dot.to_dot(drawing).count("subgraph") == sum(1 + theme.group_style(group.kind).stacked for group in drawing.groups)


@settings(max_examples=150)
@given(drawings())
def test_any_drawing_is_laid_out_and_written(drawing):
    layout = lay_out(drawing)
    check_places(drawing, layout)
    check_lines(drawing, layout)
    check_files(drawing, layout)


def test_forward_flows_down_and_backward_up():
    layout, drawing = lay_out(network()), network()
    for arrow, route in zip(drawing.arrows, layout.routes):
        assert route.downward == (arrow.kind == "forward")
    order = ["x", "w", "linear", "relu", "sum", "loss"]
    assert sorted(order, key=lambda box: layout.boxes[box].y) == order


def test_parameter_stands_next_to_where_it_is_used():
    chain = [Box(str(index), "operation", "op") for index in range(9)]
    arrows = [Arrow(str(index), str(index + 1)) for index in range(8)]
    layout = lay_out(Drawing("", (Box("w", "parameter", "w"), *chain), (Arrow("w", "8"), *arrows)))
    assert layout.boxes["6"].y < layout.boxes["w"].y < layout.boxes["8"].y


def test_main_road_is_straight():
    layout = lay_out(network())
    assert layout.boxes["x"].x + layout.boxes["x"].width / 2 == pytest.approx(layout.boxes["linear"].x + layout.boxes["linear"].width / 2)


def test_two_arrows_between_the_same_boxes_stay_apart():
    back = Arrow("b", "a", ("g · x",), "backward")
    square = two("x * x", Arrow("a", "b"), Arrow("a", "b"), back, back)
    layout = lay_out(square)
    assert len({route.points for route in layout.routes}) == 4
    ends = sorted(route.points[-1][0] for route in layout.routes)
    assert min(b - a for a, b in itertools.pairwise(ends)) > 5
    assert dot.to_dot(square).count('"a" -> "b"') == 2


def test_arrows_into_a_sum_stay_apart():
    boxes = (Box("w", "parameter", "w"), Box("s", "sum", "Σ"), Box("a", "operation", "a"), Box("b", "operation", "b"))
    arrows = (Arrow("s", "w", (), "backward"), Arrow("a", "s", ("g₁",), "backward"), Arrow("b", "s", ("g₂",), "backward"))
    _, first, second = lay_out(Drawing("", boxes, arrows)).routes
    assert abs(first.points[0][0] - second.points[0][0]) > 8


def test_circle_is_drawn_with_one_arrow_turned():
    boxes = tuple(Box(name, "operation", name) for name in "abc")
    layout = lay_out(Drawing("", boxes, (Arrow("a", "b"), Arrow("b", "c"), Arrow("c", "a"))))
    assert [route.downward for route in layout.routes] == [True, True, False]


def test_group_that_a_path_leaves_and_enters_again():
    boxes = (Box("a", "operation", "a", (), "g"), Box("b", "operation", "b"), Box("c", "operation", "c", (), "g"))
    drawing = Drawing("", boxes, (Arrow("a", "b", ("1",)), Arrow("b", "c", ("2",))), (Group("g", "group"),))
    layout = lay_out(drawing)
    assert apart(layout.boxes["b"], layout.groups["g"])
    assert "entry" not in dot.to_dot(drawing)


@pytest.mark.parametrize("make", [lay_out, to_svg, dot.to_dot])
def test_deep_graph_needs_no_recursion(make):
    boxes = tuple(Box(str(index), "operation", "op") for index in range(1500))
    arrows = tuple(Arrow(str(index), str(index + 1), ("(3,)",)) for index in range(1499))
    assert make(Drawing("deep", boxes, arrows))


def test_deep_groups_need_no_recursion():
    groups = tuple(Group(str(index), "", str(index - 1) if index else None) for index in range(1100))
    drawing = Drawing("deep", (Box("a", "input", "x", (), "1099"), Box("b", "output", "y")), (Arrow("a", "b"),), groups)
    assert len(lay_out(drawing).groups) == dot.to_dot(drawing).count("subgraph") == 1100


# ---------------------------------------------------------------------- Graphviz


@needs_library
def test_graphviz_keeps_forward_down_and_nodes_apart():
    import pygraphviz

    drawing = network()
    plain = pygraphviz.AGraph(string=dot.to_dot(drawing)).draw(format="plain", prog="dot").decode()
    nodes = {}
    for line in plain.splitlines():
        if line.startswith("node "):
            fields = line.split('"') if line[5] == '"' else None
            name, numbers = (fields[1], fields[2].split()) if fields else (line.split()[1], line.split()[2:])
            nodes[name] = [float(number) for number in numbers[:4]]
    assert {box.id for box in drawing.boxes} <= set(nodes)
    for (_, a), (_, b) in itertools.combinations(nodes.items(), 2):
        assert abs(a[0] - b[0]) >= (a[2] + b[2]) / 2 - 0.01 or abs(a[1] - b[1]) >= (a[3] + b[3]) / 2 - 0.01
    for arrow in drawing.arrows:
        upper, lower = structure.flow(arrow)
        assert nodes[upper][1] > nodes[lower][1]


@needs_library
@settings(max_examples=25)
@given(drawings())
def test_graphviz_draws_any_drawing(drawing):
    shown = Counter(texts(dot.render(dot.to_dot(drawing), "svg")))
    assert shown == Counter(texts(to_svg(drawing)))


def test_backward_arrow_has_its_head_at_its_target():
    text = dot.to_dot(two("", Arrow("b", "a", ("g · x",), "backward")))
    first, second = (line for line in text.splitlines() if "->" in line)
    assert first.strip().startswith('"a" ->')
    assert 'dir="back"' in first
    assert second.strip().endswith('"dir=none]') or 'dir="none"' in second


@needs_library
@pytest.mark.parametrize(("format", "signature"), [("svg", b"<?xml"), ("png", PNG), ("pdf", PDF)])
def test_graphviz_renders(format, signature, no_program):
    assert dot.render(dot.to_dot(network()), format).startswith(signature)


@needs_library
def test_a_pdf_does_not_say_when_it_was_made(no_program):
    made = dot.render(dot.to_dot(network()), "pdf")
    assert b"/Producer" in made
    assert b"/CreationDate" not in made
    start = int(made.rpartition(b"startxref")[2].split()[0])
    assert made[start:].startswith(b"xref") or b" obj" in made[start : start + 20]  # what stands behind it stands where it was


def test_graphviz_knows_no_other_format():
    with pytest.raises(ValueError, match=r"gif.*svg, png, pdf"):
        dot.render("digraph {}", "gif")


@needs_library
@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script")
def test_program_comes_before_the_library(tmp_path, monkeypatch):
    program = tmp_path / "dot"
    program.write_text(f"#!{sys.executable}\nimport sys\nsys.stdin.read()\nprint('drawn by dot', *sys.argv[1:])\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert dot.render("digraph {}", "svg").decode().split() == ["drawn", "by", "dot", "-Kdot", "-Tsvg"]
    program.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('no such plugin')\n")
    with pytest.raises(RuntimeError, match="no such plugin"):
        dot.render("digraph {}", "svg")


@needs_library
@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script")
def test_program_lays_out_first_and_then_knows_how_sharp_a_bitmap_is(tmp_path, monkeypatch):
    program, told = tmp_path / "dot", tmp_path / "told"
    laid = 'digraph "bb=" { graph [bb="0,0,6976,1976", bgcolor=white] }'
    write = f"open({str(told)!r}, 'a').write(' '.join(sys.argv[1:]) + sys.stdin.read())"
    program.write_text(f"#!{sys.executable}\nimport sys\n{write}\nprint({laid!r})\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    dot.render("digraph {}", "png")
    first, second = told.read_text().split("-Kdot -Tdot")[1].split("-Kneato -Tpng -n2")
    assert first == "digraph {}"
    assert f"dpi={72 * (40e6 / (7000 * 2000)) ** 0.5:.4g}" in second


def test_neither_program_nor_library(no_graphviz):
    with pytest.raises(dot.GraphvizMissing, match=r"autograd-core\[render\]"):
        dot.render("digraph {}", "svg")


@needs_library
def test_library_that_fails_says_why(no_program):
    with pytest.raises(RuntimeError, match="pygraphviz could not"):
        dot.render("digraph { this is not dot", "svg")


@needs_library
@needs_matplotlib
@pytest.mark.skipif(sys.platform != "linux", reason="fontconfig")
def test_graphviz_finds_a_font_where_there_is_none(tmp_path, monkeypatch, no_program):
    config = tmp_path / "none.conf"
    config.write_text('<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig></fontconfig>')
    monkeypatch.setenv("FONTCONFIG_FILE", str(config))
    pictures = [dot.render(dot.to_dot(Drawing("", (Box("a", "note", word),), ())), "png") for word in ("mmmm", "wwww")]
    assert pictures[0] != pictures[1]  # without a font, all letters are the same empty box
    assert os.environ["FONTCONFIG_FILE"] == str(config)


# ---------------------------------------------------------------------- Picture


@pytest.mark.parametrize("engine", ["builtin", pytest.param("graphviz", marks=needs_library), "auto"])
def test_svg_is_whole_and_leans_on_nothing(engine):
    svg = Picture(network()).to_svg(engine=engine)
    document = ElementTree.fromstring(svg)
    assert document.tag == f"{SVG}svg"
    assert document.findtext(f".//{SVG}title") == "Backward pass"
    assert {"linear", "0.weight", "‖∂L/∂w‖ = 0.536", "0: Linear(64 → 32)", "loss 2.31", "Orange: gradients."} <= set(texts(svg))
    for element in document.iter():
        assert element.tag.rpartition("}")[2] not in ("script", "image", "foreignObject", "use")
        assert not any("href" in name for name in element.attrib)


@needs_matplotlib
@pytest.mark.parametrize("engine", ["builtin", pytest.param("graphviz", marks=needs_library)])
def test_png_shows_something(engine, tmp_path):
    from matplotlib.image import imread

    path = Picture(network()).save(tmp_path / "picture.png", engine=engine)
    pixels = imread(path)[..., :3]
    assert min(pixels.shape[:2]) > 800  # 200 dots per inch
    assert 0.01 < (pixels < 0.5).any(-1).mean() < 0.3
    assert pixels[[0, 0, -1, -1], [0, -1, 0, -1]].min() > 0.99  # white to the corners: nothing is cut off


@pytest.mark.parametrize(
    ("width", "height", "dots"),
    [
        (500, 1300, 200),
        (3000, 4000, 72 * (40e6 / 12e6) ** 0.5),
        (5000, 6000, 96),
        (20_000, 20_000, 72 * 100e6**0.5 / 20_000),
        (500, 50_000, 72 * 32_000 / 50_000),
    ],
)
def test_dots_per_inch(width, height, dots):
    assert theme.resolution(width, height) == theme.resolution(height, width) == pytest.approx(dots)


@needs_matplotlib
@pytest.mark.parametrize("engine", ["builtin", pytest.param("graphviz", marks=needs_library)])
@pytest.mark.parametrize(("limit", "value"), [("_USEFUL", 90_000), ("_MOST", 90_000), ("_LONGEST", 400)])
def test_picture_too_large_for_a_bitmap_gets_a_coarser_one(limit, value, engine, monkeypatch):
    from matplotlib.image import imread

    monkeypatch.setattr(theme, "LEGIBLE", 1)
    monkeypatch.setattr(theme, limit, value)
    height, width, _ = imread(BytesIO(Picture(network()).to_png(engine=engine))).shape
    found = max(width, height) if limit == "_LONGEST" else width * height
    assert found == pytest.approx(value, rel=0.02)


@needs_matplotlib
def test_letters_that_the_font_lacks_come_from_one_that_has_them(tmp_path, monkeypatch):
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen
    from matplotlib.font_manager import fontManager
    from matplotlib.image import imread

    pen = TTGlyphPen(None)
    for k, corner in enumerate(((0, 0), (0, 1000), (1000, 1000), (1000, 0))):
        (pen.lineTo if k else pen.moveTo)(corner)
    pen.closePath()
    font = FontBuilder(1000)
    font.setupGlyphOrder([".notdef", "block"])
    font.setupCharacterMap({0xA000: "block"})
    font.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "block": pen.glyph()})
    font.setupHorizontalMetrics({".notdef": (1000, 0), "block": (1000, 0)})
    font.setupHorizontalHeader(ascent=1000, descent=0)
    font.setupNameTable({"familyName": "Blocks", "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(tmp_path / "blocks.ttf")
    monkeypatch.setattr(fontManager, "ttflist", list(fontManager.ttflist))
    fontManager.addfont(tmp_path / "blocks.ttf")
    drawing = Drawing("", (Box("a", "note", "\ua000" * 20),), ())
    pixels = imread(BytesIO(to_raster(drawing, "png")))
    ink = (pixels[..., :3].max(-1) < 0.2).sum() * (72 / 200) ** 2 / theme.BOX_TITLE.size**2  # in letters
    assert 19 < ink < 21
    assert to_raster(drawing, "pdf").startswith(PDF)


@pytest.mark.parametrize(
    ("drawing", "message"),
    [
        (two("", Arrow("a", "c")), "needs a box 'c'"),
        (two("", Arrow("a", "a")), "leads nowhere"),
        (two("", Arrow("a", "b", kind="sideways")), "'sideways' is no kind of arrow: the kinds are forward, backward"),
        (Drawing("", (Box("a", "oval", ""),), ()), "'oval' is no kind of box"),
        (Drawing("", (Box("a", "note", "", accent="loud"),), ()), "'loud' is no accent: the accents are dead, "),
        (two("", Arrow("a", "b", accent="loud")), "'loud' is no accent"),
        (Drawing("", (), (), (Group("g", "", kind="crowd"),)), "'crowd' is no kind of group: the kinds are module, "),
        (Drawing("", (Box("a", "note", ""), Box("a", "note", "")), ()), "two of the drawing's box ids are 'a'"),
        (Drawing("", (Box("a", "note", "", (), "g"),), ()), "group 'g', which is not in the drawing"),
        (Drawing("", (), (), (Group("g", "", "h"),)), "group 'h', which is not in the drawing"),
        (Drawing("", (), (), (Group("g", "", "h"), Group("h", "", "g"))), "stands inside itself"),
        (Drawing("", (), (), (Group("g", ""), Group("g", ""))), "two of the drawing's group ids are 'g'"),
    ],
)
@pytest.mark.parametrize("make", [Picture, lay_out, dot.to_dot])
def test_drawing_that_contradicts_itself(drawing, message, make):
    with pytest.raises(ValueError, match=message):
        make(drawing)


def test_text_of_graphvizs_boxes_is_centred_in_them():
    svg = Picture(Drawing("t", (Box("a", "parameter", "weight", ("(3, 4)", "‖grad‖ = 0.125")),), ())).to_svg(engine="graphviz")
    node = re.search(r'class="node">.*?</g>', svg, re.S)[0]
    across = [float(p.split(",")[0]) for p in re.search(r'points="([^"]*)"', node)[1].split()]
    middles = re.findall(r'text-anchor="middle" x="([^"]*)"', node)
    assert len(middles) == 3
    for x in middles:
        assert abs(float(x) - (min(across) + max(across)) / 2) < 0.1
