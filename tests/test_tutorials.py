"""Tutorials written for PyTorch run with their import line changed, and print what they print there."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

TUTORIALS = sorted(path for path in (Path(__file__).parent / "tutorials").glob("*.py") if path.stem != "__init__")
IMPORT = "import torch\n"


def printed(source: str) -> list[str]:
    """What a program prints, word by word, without what differs by design: line breaks, the library's name, that of named results."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        exec(compile(source, "tutorial", "exec"), {"__name__": "tutorial"})
    told = re.sub(r"\b(torch|autograd_core)\.", "", text.getvalue())
    told = re.sub(r"\breturn_types\.(\w+)\(", r"\1_result(", told)
    return re.sub(r"\(\s+", "(", told).split()


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_runs(path):
    source = path.read_text(encoding="utf-8")
    assert source.count(IMPORT) == 1
    assert printed(source.replace(IMPORT, "import autograd_core as torch\n"))


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_prints_what_it_prints_in_pytorch(path):
    pytest.importorskip("torch", reason="parity extra not installed")
    source = path.read_text(encoding="utf-8")
    ours, theirs = printed(source.replace(IMPORT, "import autograd_core as torch\n")), printed(source)
    assert ours == theirs
