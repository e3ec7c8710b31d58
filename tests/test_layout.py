"""Who may import whom, and what importing costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FORBIDDEN = {
    "autograd_core": {"nn", "optim", "viz"},
    "optim": {"nn", "viz"},
    "nn": {"optim", "viz"},
    "viz": {"optim"},
}
PACKAGES = set(FORBIDDEN)
ALLOWED = {
    ROOT / "viz" / "demo.py",  # a program that trains something to draw
    ROOT / "optim" / "swa_utils.py",  # an average of models is a model: a Module. It loads when it is asked for
}
EXTRAS = ["einops", "ml_dtypes", "safetensors", "scipy"]  # what parts of the engine can use where it is installed
HEAVY = [*EXTRAS, "viz", "matplotlib", "torch", "sklearn", "graphviz", "pygraphviz", "IPython", "PIL", "optuna"]


def imported_by(path: Path) -> set[tuple[str, int]]:
    """The packages that a module imports anywhere in it, with the line."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            found |= {(alias.name.partition(".")[0], node.lineno) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0:
                found.add(((node.module or "").partition(".")[0], node.lineno))
            else:
                depth = len(path.relative_to(ROOT).parts) - 1
                assert node.level <= depth, f"{path}:{node.lineno} imports from above its package"
    return found


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_no_arrow_points_the_wrong_way(package):
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules(package)
        for name, line in sorted(imported_by(path))
        if name in FORBIDDEN[package] and path not in ALLOWED
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_nothing_imports_tests_or_benchmarks(package):
    assert not [
        path for path in modules(package) if {name for name, _ in imported_by(path)} & {"tests", "benchmarks", "notebooks", "torch"}
    ]


def test_the_engine_imports_numpy_and_extras_only():
    foreign = {
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules("autograd_core")
        for name, line in imported_by(path)
        if name not in sys.stdlib_module_names and name not in ("numpy", "autograd_core", *EXTRAS, "")
    }
    assert not foreign


@pytest.mark.parametrize("package", ["autograd_core", "nn", "optim"])
def test_importing_loads_nothing_heavy(package):
    if not (ROOT / package / "__init__.py").exists():
        pytest.skip(f"{package} is not there yet")
    code = f"import sys, {package}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == []


def test_the_tests_of_imports_see_imports(tmp_path):
    """Those above can fail."""
    source = "def f():\n    import viz.drawing\n    from nn.functional import relu\n"
    path = tmp_path / "module.py"
    path.write_text(source)
    assert {name for name, _ in imported_by(path)} == {"viz", "nn"}
