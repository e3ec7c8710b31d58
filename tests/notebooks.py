"""Running the notebooks: `python -m tests.notebooks` runs them all, or those named, and stores them with their outputs."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
_SPEC = '{"argv": ["%s", "-m", "ipykernel_launcher", "-f", "{connection_file}"], "display_name": "here", "language": "python"}'


def executed(path: Path, check: str = "") -> nbformat.NotebookNode:
    """The notebook, run from top to bottom in a kernel of this very interpreter, with nothing but the repository to import from.

    `check` is code that runs after the last cell.
    """
    notebook = nbformat.read(path, as_version=4)
    if check:
        notebook.cells.append(nbformat.v4.new_code_cell(check))
    with tempfile.TemporaryDirectory() as folder, _environment(JUPYTER_PATH=folder, PYTHONPATH=str(ROOT), OMP_NUM_THREADS="1"):
        kernel = Path(folder, "kernels", "here")
        kernel.mkdir(parents=True)
        (kernel / "kernel.json").write_text(_SPEC % sys.executable)
        NotebookClient(notebook, timeout=120, kernel_name="here", resources={"metadata": {"path": str(path.parent)}}).execute()
    return notebook


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def store(path: Path) -> None:
    """Run a notebook and keep what it shows, without what differs from machine to machine."""
    notebook = executed(path)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python", "pygments_lexer": "ipython3"},
    }
    nbformat.validate(notebook)
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for path in [Path(name) for name in sys.argv[1:]] or NOTEBOOKS:
        began = time.perf_counter()
        store(path)
        print(f"{path.name}: {time.perf_counter() - began:.1f} s")
