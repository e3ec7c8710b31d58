"""docs/pictures.md: its examples run, and make what they say."""

from __future__ import annotations

import re
import shlex
import sys
import types
from pathlib import Path

import pytest

import viz
from tests.pictures_page import DRAWN, IMAGES, THEMES
from viz.command import main

PAGE = Path(__file__).resolve().parents[1] / "docs" / "pictures.md"
MADE = {
    "loss.svg", "recorded.png", "forward.svg", "unrolled.svg", "rule.md", "pass.html", "health.svg", "model.csv", "curve.png",
    "train.py", "closed.html", "diff.svg", "second.svg", "command.svg", "command.html", "net.svg",
}  # fmt: skip


def test_the_page_does_what_it_says(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib", reason="the page's plots need matplotlib")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    before = sys.modules.pop("train", None)
    module = types.ModuleType("page")
    languages = []
    for language, block in re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        languages.append(language)
        if language == "python":
            exec(compile(block, "docs/pictures.md", "exec"), module.__dict__)
            continue
        for line in block.splitlines():
            assert main(shlex.split(line)[3:]) == 0, line
            assert capsys.readouterr().out
    sys.modules.pop("train", None)
    if before is not None:
        sys.modules["train"] = before
    assert languages.count("python") >= 15
    assert languages.count("sh") == 1
    assert {p.name for p in tmp_path.iterdir()} - {"__pycache__"} == MADE


def test_the_page_shows_its_images():
    """Each in two themes, and no other image is made for it."""
    named = set(re.findall(r'images/([\w.]+)"', PAGE.read_text(encoding="utf-8")))
    assert named == {f"{name}_{theme}.svg" for name in DRAWN for theme in THEMES} | {f"plots_{theme}.png" for theme in THEMES}
    assert all((IMAGES / name).stat().st_size for name in named)


@pytest.mark.parametrize("name", DRAWN)
def test_images_can_be_made_anew(name):
    assert DRAWN[name]("dark").to_svg(engine="builtin") != DRAWN[name]("light").to_svg(engine="builtin")


def test_the_page_names_everything_public():
    text = PAGE.read_text(encoding="utf-8")
    functions = [name for name in viz.__all__ if name.islower() and callable(getattr(viz, name))]
    assert not [name for name in functions if f"viz.{name}(" not in text]
    assert not [name for name in viz.plots.__all__ if name.islower() and f"{name}(" not in text]
