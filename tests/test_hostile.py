"""Names that try to break the picture or whoever looks at it do neither, in any renderer."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path
from xml.etree import ElementTree

import pytest

import autograd_core as ag
import nn
import viz
from tests.hostile_names import HOSTILE
from tests.test_render import PDF, PNG, needs_library, needs_matplotlib, texts
from viz.picture import Picture
from viz.render import dot, measure
from viz.render.drawing import Box, Drawing

NAMES = list(HOSTILE.values())
REORDERING = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
OURS = "\u200e"  # the mark that keeps what stands beside a name in its direction


class Chain(nn.Module):
    """Layers by any name, and of classes by any name."""

    def __init__(self, names):
        super().__init__()
        for k, name in enumerate(names):
            kind = type("Layer", (nn.Linear,), {})
            kind.__name__ = re.sub("[\0\ud800-\udfff]", "?", name)  # a class cannot be called that
            self.add_module(name.replace(".", "\u2024") + str(k), kind(2, 2))  # nor a module have no name, or a dot in it

    def forward(self, x):
        for layer in self.children():
            x = layer(x)
        return x


def picture(*names, direction="backward") -> Picture:
    """A picture with these names wherever a program can put one: parameters, data, modules, their classes, the title."""
    model = Chain(names)
    x = ag.ones(1, 2)
    loss = model(x).sum()
    called = dict(zip(names, model.parameters()))
    return viz.draw(loss, direction, names=called | {f"{names[0]} x": x}, title=" ".join(names))


@pytest.fixture(scope="module")
def every():
    """All of the names in one picture."""
    return picture(*NAMES)


def plain(name):
    return " ".join(measure.plain(name).split())


# ---------------------------------------------------------------------- name by name


@pytest.mark.parametrize("direction", ["backward", "forward"])
@pytest.mark.parametrize("name", NAMES, ids=HOSTILE)
def test_name_in_text_and_data(name, direction, tmp_path, monkeypatch):
    monkeypatch.setattr("viz.render.text._WIDTH", 10**6)  # a line for each thing, however long its name
    made = picture(name, direction=direction)
    assert not name or any(box.title == name for box in made.drawing.boxes)
    text = made.to_text()
    assert all(c == "\n" or unicodedata.category(c) not in ("Cc", "Cs", "Cn") for c in text)
    assert not REORDERING & set(text)
    assert plain(name) in text
    boxes = lambda text: re.sub(r"\n[│ ]* {4}", "", text).count("\n")  # what goes on in the next line is no box
    assert boxes(text) == boxes(picture("w", direction=direction).to_text())
    assert json.loads(made.save(tmp_path / "a.json").read_bytes().decode()) == json.loads(json.dumps(made.to_dict()))


@pytest.mark.parametrize("name", NAMES, ids=HOSTILE)
def test_name_in_svg(name):
    usual = ElementTree.fromstring(picture("w").to_svg(engine="builtin"))
    made = ElementTree.fromstring(picture(name).to_svg(engine="builtin"))
    kinds = lambda document: {element.tag for element in document.iter()}
    assert kinds(made) <= kinds(usual)
    attributes = lambda document: {name for element in document.iter() for name in element.attrib}
    assert attributes(made) <= attributes(usual)
    said = "".join("".join(texts(ElementTree.tostring(made))).split()).replace(OURS, "")
    assert "".join(plain(name).split())[:100] in said


@pytest.mark.parametrize("name", NAMES, ids=HOSTILE)
def test_name_in_dot(name):
    """Strings, numbers and HTML in their places, and nothing of the name outside of them."""
    text = picture(name).to_dot()
    pieces = re.compile(r'"(?:[^"\\]|\\\\|\\"|\\n)*"|<(<TABLE.*?</TABLE>)>')
    outside = pieces.sub("it", text)
    assert re.fullmatch(r"[\w\s\[\]{}=,;:>-]*", outside), outside
    assert outside.count("\n") == text.count("\n")
    for label in filter(None, (piece[1] for piece in pieces.finditer(text))):
        inner = ElementTree.fromstring(label)
        assert {element.tag for element in inner.iter()} <= {"TABLE", "TR", "TD", "FONT", "B"}
        assert not {"HREF", "SRC", "TARGET"} & {key for element in inner.iter() for key in element.attrib}


# ---------------------------------------------------------------------- all of them in what draws


@needs_library
def test_graphviz_takes_all_names(every):
    document = ElementTree.fromstring(dot.render(every.to_dot(), "svg"))
    said = "".join("".join(element.itertext()) for element in document.iter() if element.tag.endswith("}text"))
    for name in NAMES:
        assert "".join(plain(name).split())[:40] in "".join(said.split()).replace(OURS, "")


@needs_matplotlib
@pytest.mark.parametrize(("suffix", "signature"), [("png", PNG), ("pdf", PDF)])
@pytest.mark.parametrize("engine", ["builtin", pytest.param("graphviz", marks=needs_library)])
def test_names_as_pixels(engine, suffix, signature, tmp_path, monkeypatch):
    monkeypatch.setattr("viz.render.theme.RESOLUTION", 40)  # soon made
    made = picture(
        "张", *(HOSTILE[name] for name in ("script", "TeX", "control characters", "right to left", "no width", "DOT", "DOT's HTML", "JSON"))
    )
    assert made.save(tmp_path / f"a.{suffix}", engine=engine).read_bytes().startswith(signature)


ALIVE = """() => ({
    elements: [...new Set([...document.querySelectorAll('svg *, svg')].map(element => element.localName))],
    handlers: [...document.querySelectorAll('*')].flatMap(element => element.getAttributeNames()).filter(name => /^on|href/.test(name)),
})"""


@pytest.mark.parametrize("engine", ["builtin", pytest.param("graphviz", marks=needs_library)])
@pytest.mark.parametrize(("theme", "inside"), [("light", "alone"), ("dark", "in a page")])
def test_svg_of_all_names_runs_nothing_in_a_browser(every, page, tmp_path, engine, theme, inside):
    svg = every.to_svg(engine=engine, theme=theme)
    file = tmp_path / ("a.svg" if inside == "alone" else "a.html")
    if inside == "in a page":  # as notebooks show it
        svg = f"<!doctype html><meta charset='utf-8'><body><div>{svg[svg.index('<svg') :]}</div></body>"
    file.write_text(svg, encoding="utf-8")
    page.goto(file.as_uri())
    found = page.evaluate(ALIVE)
    assert set(found["elements"]) <= {"svg", "title", "desc", "rect", "g", "path", "text", "polygon", "polyline", "ellipse"}
    assert found["handlers"] == []
    assert page.locator("svg text").count() > 100


@pytest.mark.parametrize("engine", ["builtin", pytest.param("graphviz", marks=needs_library)])
def test_what_stands_beside_a_name_from_right_to_left_does_not_run_that_way(page, tmp_path, engine):
    name = "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd"
    made = Picture(Drawing(f"{name} = mul (5, 3)", (Box("a", "note", "a"),), ()))
    made.save(tmp_path / "a.svg", engine=engine)
    page.goto((tmp_path / "a.svg").as_uri())
    title = page.locator("svg text").first
    shown = title.text_content()
    across = title.evaluate("text => [...text.textContent].map((_, k) => text.getStartPositionOfChar(k).x)")
    assert shown.replace(OURS, "") == f"{name} = mul (5, 3)"
    places = [x for letter, x in zip(shown, across) if letter in "=mul(5,3)"]
    assert places == sorted(places)
    hebrew = [x for letter, x in zip(shown, across) if "\u05d0" <= letter <= "\u05ea"]
    assert hebrew == sorted(hebrew, reverse=True)
    assert max(hebrew) <= min(places)


def test_a_script_would_have_been_noticed(browser, tmp_path):
    """The test above can fail."""
    from tests.browser import watched

    file = Path(tmp_path / "a.svg")
    file.write_text('<svg xmlns="http://www.w3.org/2000/svg"><text>x</text><script>alert(1)</script></svg>')
    context = browser.new_context(offline=True)
    opened = context.new_page()
    problems = watched(opened)
    opened.goto(file.as_uri())
    assert "script" in opened.evaluate(ALIVE)["elements"]
    context.close()
    assert problems == ["dialog: 1"]
