"""`Picture`: formats, themes, files, engines, and what happens when a layout takes too long."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

import autograd_core as ag
import viz
from tests.test_render import PDF, PNG, apart, needs_library, needs_matplotlib, network, no_graphviz, no_program, texts  # noqa: F401
from viz.picture import Picture
from viz.render import dot, limits
from viz.render.drawing import Arrow, Box, Drawing, Group
from viz.render.layout import lay_out
from viz.render.limits import TookTooLong, lay_out_within
from viz.render.listing import listed
from viz.render.mermaid import to_markdown, to_mermaid
from viz.render.raster import to_raster
from viz.render.svg import to_svg
from viz.render.text import to_text

posix = pytest.mark.skipif(os.name != "posix", reason="scripts and groups of processes")


def chain(length: int) -> Drawing:
    boxes = tuple(Box(str(index), "operation", f"op {index}") for index in range(length))
    return Drawing("chain", boxes, tuple(Arrow(str(index), str(index + 1)) for index in range(length - 1)))


# ---------------------------------------------------------------------- files


@needs_matplotlib
@pytest.mark.parametrize(
    ("suffix", "signature"),
    [
        (".svg", b"<?xml"),
        (".PNG", PNG),
        (".pdf", PDF),
        (".html", b"<!doctype html>"),
        (".txt", b"Backward pass\n"),
        (".mmd", b"flowchart "),
        (".md", b"# Backward pass\n"),
        (".dot", b"digraph"),
        (".json", b"{"),
    ],
)
def test_suffix_picks_the_format(suffix, signature, tmp_path):
    path = Picture(network()).save(str(tmp_path / f"picture{suffix}"))
    assert path == tmp_path / f"picture{suffix}"
    assert path.read_bytes()[: len(signature)].lower() == signature.lower()


def test_json_is_the_drawing(tmp_path):
    path = Picture(network()).save(tmp_path / "picture.json")
    assert json.loads(path.read_text(encoding="utf-8")) == json.loads(json.dumps(network().to_dict()))


def test_json_of_what_json_cannot_say(tmp_path):
    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    drawing = Drawing("\ud800", (Box("a", "note", "\ud800x", spark=(1.0, float("nan"), float("-inf"))),), ())
    read = json.loads(Picture(drawing).save(tmp_path / "picture.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert read["title"] == "\ud800"
    assert read["boxes"][0]["spark"] == [1.0, "nan", "-inf"]


@pytest.mark.parametrize("name", ["picture.gif", "picture", "svg", ".svg"])
def test_unknown_suffix_names_the_known_ones(name, tmp_path):
    with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf, \.html, \.txt, \.md, \.mmd, \.dot, \.json"):
        Picture(network()).save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_missing_folder_is_not_made(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Picture(network()).save(tmp_path / "nowhere" / "picture.dot")
    assert not list(tmp_path.iterdir())


def test_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "picture.dot"
    path.write_text("the old one")

    def full(*names):
        raise OSError("no space left")

    monkeypatch.setattr("viz.picture.os.replace", full)
    with pytest.raises(OSError, match="no space left"):
        Picture(network()).save(path)
    assert path.read_text() == "the old one"
    assert list(tmp_path.iterdir()) == [path]
    monkeypatch.undo()
    assert Picture(network()).save(path).read_text(encoding="utf-8") == dot.to_dot(network())
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="permissions")
def test_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "usual").touch()
    path = Picture(network()).save(tmp_path / "picture.dot")
    assert path.stat().st_mode == (tmp_path / "usual").stat().st_mode


# ---------------------------------------------------------------------- themes


def test_theme_goes_to_every_format(tmp_path, no_graphviz):  # noqa: F811
    dark = Picture(network(), theme="dark")
    made = {
        ".svg": to_svg(network(), theme="dark"),
        ".dot": dot.to_dot(network(), theme="dark"),
        ".mmd": to_mermaid(network(), theme="dark"),
        ".md": to_markdown(network(), theme="dark"),
    }
    for suffix, text in made.items():
        assert dark.save(tmp_path / f"a{suffix}").read_text(encoding="utf-8") == text
        assert Picture(network()).save(tmp_path / f"b{suffix}", theme="dark").read_text(encoding="utf-8") == text
        assert dark.save(tmp_path / f"c{suffix}", theme="light").read_text(encoding="utf-8") != text
    assert dark.to_html() == Picture(network()).to_html(theme="dark") != dark.to_html(theme="light")


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_goes_on_leading_to_its_file(tmp_path):
    file, link = tmp_path / "a.txt", tmp_path / "b.txt"
    link.symlink_to(file)
    assert Picture(network()).save(link) == link
    assert link.is_symlink()
    assert file.read_text(encoding="utf-8") == Picture(network()).to_text()
    assert set(tmp_path.iterdir()) == {file, link}


def test_a_name_may_be_as_long_as_names_can_be(tmp_path):
    path = Picture(network()).save(tmp_path / f"{'n' * 250}.txt")
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_without_a_suffix(tmp_path):
    with pytest.raises(ValueError, match=r"'picture' has no suffix: a picture can be saved as \.svg, "):
        Picture(network()).save(tmp_path / "picture")


@needs_matplotlib
def test_theme_of_a_bitmap(monkeypatch):
    monkeypatch.setattr("viz.render.theme.RESOLUTION", 40)  # soon made
    assert Picture(network()).to_png(engine="builtin", theme="dark") == to_raster(network(), "png", theme="dark")


def test_draw_takes_a_theme():
    x = ag.tensor(3.0, requires_grad=True)
    assert viz.draw(x * x, theme="dark").theme == "dark"
    assert viz.draw(x * x).theme == "light"


@pytest.mark.parametrize(
    "use",
    [
        lambda folder: Picture(network(), theme="pink"),
        lambda folder: Picture(network()).to_svg(theme="pink"),
        lambda folder: Picture(network()).save(folder / "a.txt", theme="pink"),
        lambda folder: Picture(network()).to_dot(theme="pink"),
    ],
)
def test_unknown_theme(use, tmp_path):
    with pytest.raises(ValueError, match="'pink' is no theme: the themes are light, dark"):
        use(tmp_path)
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------------- engines


def test_auto_takes_graphviz_first_and_the_builtin_when_there_is_none(monkeypatch):
    monkeypatch.setattr(dot, "render", lambda text, format, seconds: b"graphviz")
    picture = Picture(network())
    assert picture.to_svg() == picture.to_svg(engine="graphviz") == "graphviz"
    assert picture.to_svg(engine="builtin") == to_svg(network())

    def missing(text, format, seconds):
        raise dot.GraphvizMissing

    monkeypatch.setattr(dot, "render", missing)
    assert picture.to_svg() == to_svg(network())
    with pytest.raises(dot.GraphvizMissing):
        picture.to_svg(engine="graphviz")


def test_auto_says_so_when_graphviz_fails(monkeypatch):
    def broken(text, format, seconds):
        raise RuntimeError("it broke")

    monkeypatch.setattr(dot, "render", broken)
    with pytest.warns(RuntimeWarning, match="it broke"):
        assert Picture(network()).to_svg() == to_svg(network())


def test_auto_spares_graphviz_large_pictures(monkeypatch):
    monkeypatch.setattr(dot, "render", lambda text, format, seconds: b"graphviz")
    monkeypatch.setattr("viz.picture._MANY", 10)
    picture = Picture(network())
    assert picture.to_svg() == to_svg(picture.drawing)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert picture.to_png() == b"graphviz"


@needs_library
def test_graphviz_draws_pictures_of_middling_size():
    assert "Generated by graphviz" in Picture(chain(190)).to_svg(time_limit=60)


def test_without_graphviz_and_matplotlib_there_is_svg_and_advice(no_graphviz, monkeypatch):  # noqa: F811
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    picture = Picture(network())
    assert picture.to_svg() == to_svg(network())
    with pytest.raises(ImportError, match=r"autograd-core\[plots\]"):
        picture.to_png()


def test_unknown_engine(tmp_path):
    with pytest.raises(ValueError, match="auto, graphviz, builtin"):
        Picture(network()).to_svg(engine="neato")
    with pytest.raises(ValueError, match="'neato' is no engine"):
        Picture(network()).save(tmp_path / "a.txt", engine="neato")
    assert not list(tmp_path.iterdir())


BARE = """
import sys
for name in "matplotlib pygraphviz graphviz IPython PIL scipy playwright".split():
    sys.modules[name] = None
import autograd_core as ag, nn, viz
assert not any(sys.modules[name] for name in ("matplotlib", "pygraphviz", "graphviz"))
picture = viz.draw(nn.Linear(3, 2)(ag.ones(1, 3)).sum())
for suffix in ("svg", "txt", "mmd", "md", "json", "dot", "html"):
    print(picture.save(f"bare.{suffix}").stat().st_size)
print(picture._repr_mimebundle_()["image/svg+xml"][:5])
"""


def test_a_machine_with_nothing_but_python_and_numpy_draws(tmp_path):
    environment = os.environ | {"PATH": "", "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", BARE], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "<?xml"
    assert {"Linear", "linear"} <= set(texts((tmp_path / "bare.svg").read_bytes()))
    assert "gᵀ @ in" in (tmp_path / "bare.txt").read_text(encoding="utf-8")


# ---------------------------------------------------------------------- layouts that take too long


@pytest.fixture
def slow_program(tmp_path, monkeypatch):
    """A `dot` that would take a minute, in a process that it starts itself; the file names both processes."""
    script, names = tmp_path / "dot", tmp_path / "processes"
    script.write_text(f"#!/bin/sh\nsleep 60 &\necho $$ $! > '{names}'\nwait\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return names


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False


@posix
def test_slow_graphviz_is_ended_and_the_picture_says_so(slow_program):
    start = time.monotonic()
    svg = Picture(network()).to_svg(time_limit=0.5)
    assert time.monotonic() - start < 20
    assert "Graphviz took longer than 0.5 s: this is the built-in layout" in " ".join(texts(svg))
    assert "Graphviz took longer" not in " ".join(texts(Picture(network()).to_svg(engine="builtin")))
    processes = [int(name) for name in slow_program.read_text().split()]
    assert len(processes) == 2
    deadline = time.monotonic() + 10
    while any(map(is_running, processes)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(is_running, processes))


@posix
def test_slow_graphviz_asked_for_by_name_is_an_error(slow_program, tmp_path):
    with pytest.raises(TookTooLong, match=r"dot took longer than 0\.2 s"):
        Picture(network()).save(tmp_path / "picture.svg", engine="graphviz", time_limit=0.2)
    assert not (tmp_path / "picture.svg").exists()


@pytest.fixture
def slow_layout(monkeypatch):
    """A built-in layout that does not get done."""
    monkeypatch.setattr(limits, "_SMALL", 0)
    monkeypatch.setattr(limits, "_LAY_OUT", "import time; time.sleep(60)")


@pytest.mark.parametrize("format", ["svg", pytest.param("png", marks=needs_matplotlib)])
def test_slow_layout_is_ended_and_the_boxes_are_listed(format, slow_layout, no_graphviz, tmp_path):  # noqa: F811
    drawing = network()
    start = time.monotonic()
    made = Picture(drawing).save(tmp_path / f"a.{format}", time_limit=0.3).read_bytes()
    assert time.monotonic() - start < 20
    if format == "svg":
        told = " ".join(texts(made))
        assert "the built-in layout took longer than 0.3 s: these are the boxes, without the 11 arrows." in told
        assert {box.title for box in drawing.boxes} <= set(texts(made))
        assert "[Sequential › 0: Linear(64 → 32)]" in texts(made)
    else:
        assert made.startswith(PNG)


def test_slow_layout_asked_for_by_name_is_an_error(slow_layout):
    with pytest.raises(TookTooLong, match=r"the built-in layout took longer than 0\.2 s"):
        Picture(network()).to_svg(engine="builtin", time_limit=0.2)


@posix
def test_layout_that_is_interrupted_leaves_no_process(slow_layout, monkeypatch):
    started = []

    class Popen(subprocess.Popen):
        def __init__(self, *arguments, **settings):
            super().__init__(*arguments, **settings)
            started.append(self)
            signal.setitimer(signal.ITIMER_REAL, 0.1)

    monkeypatch.setattr("viz.render.limits.subprocess.Popen", Popen)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            lay_out_within(network(), 60)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert [process.returncode for process in started] == [-signal.SIGKILL]


def test_layout_in_a_process_of_its_own_is_the_same(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pickle.py").write_text("raise SystemExit('not from here')")
    monkeypatch.setattr(limits, "_SMALL", 0)
    assert lay_out_within(network(), 60) == lay_out(network())


def test_layout_that_fails_says_why(monkeypatch):
    monkeypatch.setattr(limits, "_SMALL", 0)
    monkeypatch.setattr(limits, "_LAY_OUT", "raise SystemExit('no more memory')")
    with pytest.raises(RuntimeError, match="the built-in layout could not draw the picture: no more memory"):
        lay_out_within(network(), 60)


@pytest.mark.parametrize("length", [0, 1, 30, 1000])
def test_listed_boxes_stand_apart(length):
    drawing, layout = listed(chain(length), "it took too long")
    ElementTree.fromstring(to_svg(drawing, layout))
    shown = min(length, 400)
    assert len(drawing.boxes) == len(layout.boxes) == shown
    assert ("first 400 of 1,000 boxes" in " ".join(drawing.caption)) == (length > 400)
    places = list(layout.boxes.values())
    assert all(apart(a, b) for a, b in itertools.pairwise(places))
    assert all(apart(a, b) for a, b in itertools.combinations(places[::7], 2))
    assert all(at.x > 0 and at.x + at.width < layout.width and at.y > 0 and at.y + at.height < layout.height for at in places)
    if shown:
        assert min(at.y for at in places) >= sum(row.height for row in layout.head)


# ---------------------------------------------------------------------- notebooks and terminals


def test_shows_itself_in_a_notebook(no_graphviz):  # noqa: F811
    picture = Picture(chain(2))
    assert repr(picture) == "<Picture 'chain': 2 boxes, 1 arrow, 0 groups>"
    assert picture._repr_mimebundle_() == {"text/plain": repr(picture), "image/svg+xml": picture.to_svg()}
    assert set(picture._repr_mimebundle_(include={"image/svg+xml"})) == {"image/svg+xml"}
    assert set(picture._repr_mimebundle_(exclude={"image/svg+xml"})) == {"text/plain"}


@pytest.mark.parametrize(("length", "kinds"), [(5, {"text/plain", "image/svg+xml"}), (2000, {"text/plain"})])
def test_notebook_gets_what_it_can_show(length, kinds, no_graphviz):  # noqa: F811
    formatters = pytest.importorskip("IPython.core.formatters", reason="needs IPython")
    shown, _ = formatters.DisplayFormatter().format(Picture(chain(length)))
    assert set(shown) == kinds
    assert shown["text/plain"].startswith("<Picture 'chain'")
    assert ("too large" in shown["text/plain"]) == (length > 1000)


def test_text_is_printed():
    assert Picture(network()).to_text() == to_text(network())
    assert Picture(network()).to_mermaid() == to_mermaid(network())


def test_name_of_a_picture_is_one_line():
    assert "\n" not in repr(Picture(Drawing("a\n\x1b[31m\u202eb", (), (), (Group("g", "x"),))))


@pytest.mark.parametrize("engine", ["graphviz", "builtin"])
def test_an_svg_is_no_wider_than_the_page(engine):
    x = ag.tensor(2.0, requires_grad=True)
    try:
        svg = viz.draw(x * x).to_svg(engine=engine)
    except dot.GraphvizMissing as error:
        pytest.skip(f"{error}")
    assert 'style="max-width:100%;height:auto"' in svg[svg.index("<svg") :].partition(">")[0]


@pytest.mark.parametrize("engine", ["graphviz", "builtin"])
def test_a_notebook_gets_a_picture_that_fits_its_page(engine, monkeypatch):
    x = ag.randn(3, 4, requires_grad=True)
    wide = viz.draw(sum((x * k).sum() for k in range(9)))
    try:
        svg = wide.to_svg(engine=engine)
    except dot.GraphvizMissing as error:
        pytest.skip(f"{error}")
    monkeypatch.setattr(wide, "to_svg", lambda: svg)
    size = [ElementTree.fromstring(s).attrib for s in (svg, wide._repr_mimebundle_()["image/svg+xml"])]
    (width, height), (shown, high) = [[float(a[key].removesuffix("pt")) for key in ("width", "height")] for a in size]
    assert width > 700
    assert shown <= 570
    assert high / shown == pytest.approx(height / width, rel=0.01)
    assert size[0]["viewBox"] == size[1]["viewBox"]
