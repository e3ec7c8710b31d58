"""The notebooks run from top to bottom, and their substance holds: their own assertions, and what is checked here."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def executed(request, tmp_path_factory):
    """The notebook, run in a kernel of this very interpreter, with nothing but the repository to import from."""
    notebook = nbformat.read(request.param, as_version=4)
    folder = tmp_path_factory.mktemp("kernels") / "kernels" / "here"
    folder.mkdir(parents=True)
    spec = '{"argv": ["%s", "-m", "ipykernel_launcher", "-f", "{connection_file}"], "display_name": "here", "language": "python"}'
    (folder / "kernel.json").write_text(spec % sys.executable)
    before = os.environ.get("JUPYTER_PATH")
    os.environ["JUPYTER_PATH"] = str(folder.parent.parent)
    try:
        NotebookClient(notebook, timeout=120, kernel_name="here", resources={"metadata": {"path": str(request.param.parent)}}).execute()
    finally:
        if before is None:
            del os.environ["JUPYTER_PATH"]
        else:
            os.environ["JUPYTER_PATH"] = before
    return request.param, notebook


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def test_no_warnings(executed):
    _path, notebook = executed
    assert [o.text for o in outputs(notebook) if o.output_type == "stream" and o.name == "stderr"] == []


def test_stored_with_the_same_pictures(executed):
    path, notebook = executed
    stored = nbformat.read(path, as_version=4)
    pictures = [["image/svg+xml" in o.data for o in outputs(n) if "data" in o] for n in (stored, notebook)]
    assert pictures[0] == pictures[1]
    assert any(pictures[0])


def test_stored_without_traces_of_a_machine(executed):
    path, _notebook = executed
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/home/|/root/|/tmp/|site-packages|0x[0-9a-f]{8}", text)


def test_backpropagation_reaches_its_accuracy(executed):
    path, notebook = executed
    if not path.name.startswith("01"):
        pytest.skip("a sentence of notebook 01")
    said = "".join(o.text for o in outputs(notebook) if o.output_type == "stream")
    (share,) = re.findall(r"([\d.]+)% of the images it has never seen", said)
    assert float(share) > 95
