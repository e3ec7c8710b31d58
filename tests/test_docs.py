"""The documentation: its examples run, page by page from the top to the bottom; its links lead somewhere; docstrings' examples are true."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import autograd_core
import nn
import optim
import viz
from autograd_core.errors import MissingExtraError

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
ELSEWHERE = ("weights.md", "pictures.md")  # these have tests of their own: tests/parity/test_weights_parity.py, tests/test_pictures_page.py


def code(page: Path) -> str:
    return "\n".join(re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M))


@pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in PAGES if code(page) and page.name not in ELSEWHERE])
def test_examples_run(page, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "error", "-c", code(page)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in PAGES])
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def modules():
    for package in (autograd_core, nn, optim, viz):
        yield package.__name__
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if "__main__" not in found.name and found.name != "autograd_core.array_api":  # its functions wear NumPy's docstrings
                yield found.name


def test_docstring_examples_are_true():
    tried = 0
    for name in modules():
        try:
            module = importlib.import_module(name)
        except MissingExtraError:
            continue
        result = doctest.testmod(module)
        assert not result.failed, name
        tried += result.attempted
    assert tried > 0
