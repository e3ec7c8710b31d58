"""The notebooks run from top to bottom without a warning, and their substance holds: their own assertions, and what is checked here."""

from __future__ import annotations

import re

import nbformat
import pytest

from tests.notebooks import NOTEBOOKS, executed

CHECKS = {  # run after a notebook's last cell: what it reached, and that gradients it showed are those computed another way
    "01": """
assert scores[-1] > 0.95
for value, name in ((w1, "w1"), (w2, "w2"), (bias, "bias")):
    shown = viz.explain(out, value, names={name: value}).total.values[0]
    with ag.no_grad():
        at = value.item()
        sides = []
        for nudge in (1e-3, -1e-3):
            value.fill_(at + nudge)
            sides.append((x1 * w1 + x2 * w2 + bias).tanh().item())
        value.fill_(at)
    assert abs(shown - (sides[0] - sides[1]) / 2e-3) < 1e-3, name
""",
    "02": "assert accuracy(model, test_x, test_y) >= 0.97",
    "03": "assert score >= 0.985",
    "04": "assert min(shares.values()) > 0.93\nassert reached < 1.75 < bigram",
    "05": "assert max(reached.values()) < 1.95",
    "06": "assert all(share > 0.9 for _, _, _, share in results.values())",
}


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def run(request):
    """A notebook's path, as it is stored, and as it runs here."""
    return request.param, nbformat.read(request.param, as_version=4), executed(request.param, CHECKS[request.param.name[:2]])


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def kinds(notebook):
    return [sorted(o.data) if "data" in o else o.output_type for cell in notebook.cells for o in merged(cell)]


def merged(cell):
    """A cell's outputs, printed text as one: how it is cut into pieces is chance."""
    found = cell.get("outputs", [])
    return [o for k, o in enumerate(found) if k == 0 or o.output_type != "stream" or found[k - 1].output_type != "stream"]


def test_no_warnings(run):
    _path, _stored, notebook = run
    assert [o.text for o in outputs(notebook) if o.output_type == "stream" and o.name == "stderr"] == []


def test_stored_with_its_outputs(run):
    _path, stored, notebook = run
    assert kinds(stored) == kinds(notebook)[: len(kinds(stored))]
    assert sum("image/svg+xml" in o.get("data", {}) for o in outputs(stored)) >= 2


def test_stored_without_traces_of_a_machine(run):
    path, _stored, _notebook = run
    assert not re.search(r"/home/|/root/|/tmp/|site-packages|0x[0-9a-f]{8}", path.read_text(encoding="utf-8"))


def test_has_the_form_of_a_lesson(run):
    _path, stored, _notebook = run
    told = [cell.source for cell in stored.cells if cell.cell_type == "markdown"]
    assert "will be able to" in told[0]
    (exercises,) = [text for text in told if text.startswith("## Exercises")]
    for part in re.split(r"<details>", exercises):
        assert re.findall(r"^(\d)\. ", part, re.M) == ["1", "2", "3"]
    answers = [cell for cell in stored.cells if "answer" in cell.metadata.get("tags", [])]
    assert len(answers) == 1
    assert answers[0].metadata["jupyter"] == {"source_hidden": True, "outputs_hidden": True}
    assert told[-1].startswith("## Where next")
