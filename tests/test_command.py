"""`python -m viz`: what is drawn, and that what goes wrong is said in one line."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from viz.command import EXAMPLES, main, parser

ROOT = Path(__file__).resolve().parents[1]
TRAIN = """
import autograd_core as ag
import nn
import numpy as np


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = nn.Linear(3, 4), nn.Linear(4, 1)

    def forward(self, x):
        return self.out(self.hidden(x).relu())


def make_loss():
    ag.manual_seed(0)
    model = Net()
    x, y = ag.randn(5, 3), ag.randn(5, 1)
    loss = nn.MSELoss()(model(x), y)
    return loss


def pair():
    w = ag.tensor(2.0, requires_grad=True)
    return w * w * 3, {"weight": w}


def with_model():
    model = Net()
    return model(ag.ones(2, 3)).sum(), model


def vector():
    w = ag.tensor([1.0, 2.0], requires_grad=True)
    return w * w


def poisoned():
    w = ag.tensor([0.0, 1.0], requires_grad=True)
    with np.errstate(divide="ignore"):
        return w.log().sum()


def trains():
    ag.manual_seed(0)
    model, _function = Net(), 3
    loss = model(ag.ones(2, 3)).sum()
    loss.backward()
    return loss


def breaks():
    return inner({})


def inner(settings):
    return settings["rate"]


def leaves():
    raise SystemExit("enough")


def takes(x, *, y):
    return x


def nothing():
    pass


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.lstm = nn.Embedding(9, 4), nn.LSTM(4, 3)

    def forward(self, ids):
        return self.lstm(self.embed(ids))


class Broken(nn.Module):
    def forward(self, x):
        return x.no_such_thing()


class Frozen(nn.Module):
    def forward(self, x):
        return x * 2


tensor = pair()[0]
module = Net()
number = 3
plain = ag.ones(3)


def no_graph():
    return ag.ones(1)
"""


@pytest.fixture
def viz(tmp_path, monkeypatch, capsys):
    """Run the command line in a folder with the program above; the exit code, what it printed, and its errors."""
    (tmp_path / "train_it.py").write_text(TRAIN)
    (tmp_path / "raises_it.py").write_text("import train_it\n\nx = 1 / 0\n")
    (tmp_path / "needs_it.py").write_text("import a_package_that_is_not_there\n")
    (tmp_path / "has_mistakes.py").write_text("def f(:\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    before = set(sys.modules)

    def run(*arguments):
        code = main(list(arguments))
        told = capsys.readouterr()
        return code, told.out, told.err

    yield run
    for name in set(sys.modules) - before:
        if name.endswith("_it"):
            del sys.modules[name]


# ---------------------------------------------------------------------- what is drawn


@pytest.mark.parametrize("target", ["train_it:make_loss", "train_it.py:make_loss", "./train_it.py:make_loss"])
def test_text_with_the_names_of_variables(viz, target):
    """The model lives on, although only the function knew it."""
    code, out, err = viz(target)
    assert (code, err) == (0, "")
    assert out.startswith("loss: the chain rule, backward\n")
    for name in ("hidden.weight", "out.bias", "model: Net", " x ", " y "):
        assert name in out


@pytest.mark.parametrize("suffix", [".svg", ".html", ".txt", ".md", ".mmd", ".dot", ".json", ".PNG"])
def test_files(viz, tmp_path, suffix):
    code, out, err = viz("train_it:make_loss", "-o", f"loss{suffix}")
    assert (code, out, err) == (0, f"loss{suffix}\n", "")
    data = (tmp_path / f"loss{suffix}").read_bytes()
    assert data.startswith(b"\x89PNG") if suffix == ".PNG" else b"hidden.weight" in data


@pytest.mark.parametrize(
    ("target", "title", "told"),
    [
        ("train_it:pair", "output", "weight"),
        ("train_it:with_model", "output", "hidden.weight"),
        ("train_it:vector", "output", "w "),
        ("train_it:tensor", "output", "mul"),
    ],
)
def test_what_a_target_may_give(viz, target, title, told):
    code, out, err = viz(target)
    assert (code, err) == (0, "")
    assert out.startswith(f"{title}: the chain rule")
    assert told in out


@pytest.mark.parametrize("target", ["train_it:Net", "train_it:module"])
def test_modules(viz, target):
    code, out, _ = viz(target, "--input-size", "2,3")
    assert code == 0
    assert "hidden.weight" in out
    assert "model: Net" in out


def test_inputs_of_other_dtypes_and_several_outputs(viz):
    code, out, err = viz("train_it:Words", "--input-size", "5x2", "--dtype", "int64")
    assert (code, err) == (0, "")
    assert "embed.weight" in out


def test_direction_depth_and_title(viz):
    _, out, _ = viz("train_it:make_loss", "--direction", "forward", "--depth", "1", "--title", "My loss")
    assert out.startswith("My loss: how it is computed\n")
    assert "model: Net" in out
    assert "hidden.weight" not in out


def test_collapse_and_expand(viz):
    _, closed, _ = viz("train_it:make_loss", "--collapse", "Linear")
    assert "hidden.weight" not in closed
    _, opened, _ = viz("train_it:make_loss", "--collapse", "Linear", "--expand", "hidden")
    assert "hidden.weight" in opened
    assert "out.weight" not in opened


@pytest.mark.parametrize("which", ["mse_loss", "all"])
def test_open(viz, which):
    _, closed, _ = viz("train_it:make_loss")
    code, opened, err = viz("train_it:make_loss", "--open", which)
    assert (code, err) == (0, "")
    assert len(opened.splitlines()) > len(closed.splitlines())


def test_theme(viz, tmp_path):
    for theme in ("light", "dark"):
        assert viz("train_it:make_loss", "-o", f"{theme}.svg", "--theme", theme, "--engine", "builtin")[0] == 0
    light, dark = ((tmp_path / f"{theme}.svg").read_text() for theme in ("light", "dark"))
    assert light != dark


def test_explain(viz, tmp_path):
    code, out, err = viz("train_it:pair", "--explain", "weight")
    assert (code, err) == (0, "")
    assert "6 + 6 = 12" in out
    _, out, _ = viz("train_it:make_loss", "--explain", "hidden.weight[0, 1]")
    assert "hidden.weight[0, 1]" in out
    _, out, _ = viz("train_it:make_loss", "--explain", "out.bias[-1]")
    assert "out.bias[" in out
    for name, start in (("e.tex", "\\documentclass"), ("e.svg", "<?xml")):
        assert viz("train_it:make_loss", "--explain", "out.bias", "-o", name)[:2] == (0, f"{name}\n")
        assert (tmp_path / name).read_text().startswith(start)


def test_health(viz, tmp_path):
    code, out, _ = viz("train_it:make_loss", "--health")
    assert code == 0
    assert out.startswith("loss: ")
    assert "kept for the way back" in out
    _, out, _ = viz("train_it:poisoned", "--health")
    assert "log" in "".join(out.splitlines()[:4])
    assert viz("train_it:make_loss", "--health", "-o", "h.svg", "--theme", "dark")[0] == 0
    assert viz("train_it:make_loss", "--health", "-o", "h.txt", "--theme", "dark")[0] == 0
    assert (tmp_path / "h.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize("suffix", ["svg", "gif"])
def test_films(viz, tmp_path, suffix):
    assert viz("train_it:pair", "--step", "-o", f"film.{suffix}") == (0, f"film.{suffix}\n", "")
    assert (tmp_path / f"film.{suffix}").read_bytes().startswith(b"GIF" if suffix == "gif" else b"<")


def test_step(viz, tmp_path):
    assert viz("train_it:make_loss", "--step", "-o", "pass.html") == (0, "pass.html\n", "")
    assert "hidden.weight" in (tmp_path / "pass.html").read_text()


def test_record(viz, tmp_path):
    """A function that runs its own backward pass: without being watched only the leaves' gradients are left."""
    _, freed, _ = viz("train_it:trains")
    assert "backward() has freed" in freed
    assert viz("train_it:trains", "--step", "-o", "x.html")[0] == 2
    _, seen, _ = viz("train_it:trains", "--record")
    assert "the gradients of the recorded backward pass" in seen
    assert viz("train_it:trains", "--record", "--step", "-o", "x.html") == (0, "x.html\n", "")
    assert "train_it.py" in (tmp_path / "x.html").read_text()


def test_summary(viz, tmp_path):
    code, out, err = viz("train_it:Net", "--input-size", "2,3", "--summary")
    assert (code, err) == (0, "")
    assert out.splitlines()[2].startswith("Net ")
    assert "Parameters      21" in out
    assert viz("train_it:Net", "--input-size", "(2, 3)", "--summary", "-o", "net.json", "--depth", "0")[0] == 0
    table = json.loads((tmp_path / "net.json").read_text())
    assert [row["parameters"] for row in table["rows"]] == [21]


# ---------------------------------------------------------------------- what goes wrong

WRONG = {
    "train_it": "'train_it' names no callable: write module:callable, or path/to/file.py:callable",
    "train_it:make_los": "train_it has no 'make_los'; it has Net, make_loss, pair",
    "train_it:Net.nope": "train_it has no 'Net.nope'",
    "train_it:": "train_it has no ''",
    "nowhere_it:f": "there is no module 'nowhere_it', neither in this folder nor installed",
    "train_it.sub:f": "there is no module 'train_it.sub', neither in this folder nor installed",
    "'no file.py:f'": "there is no file 'no file.py'",
    "'a b:f'": "there is no module 'a b', neither",
    ".:f": "'.' is no name of a module",
    "..train_it:f": "'..train_it' is no name of a module",
    ":f": "'' is no name of a module",
    "train_it:takes": "train_it:takes takes arguments (x, y): name a function that takes none and makes them itself",
    "train_it:nothing": "train_it:nothing gave None: it should give a Tensor, (Tensor, Module), or a Module together with --input-size",
    "train_it:number": "train_it:number is of type int, which cannot be called",
    "train_it:Net": "train_it:Net gave a Module: say what goes in, as in --input-size 1,3,32,32",
    "train_it:no_graph": "this tensor was not computed from one that requires grad",
    "train_it:Frozen --input-size 2": "Frozen gave no Tensor with gradients; are all of its parameters frozen?",
    "train_it:Net --input-size 2;3": "--input-size is a shape such as 1,3,32,32, got '2;3'",
    "train_it:Net --input-size 2,3 --dtype floaty": "--dtype is a dtype such as float32 or int64, got 'floaty'",
    "train_it:Net --input-size 2,3 --dtype int64 --dtype int64 --summary": "2 dtypes for 1 inputs",
    "train_it:make_loss --dtype int64": "--dtype goes with --input-size",
    "train_it:Net --dtype int64": "--dtype goes with --input-size",
    "train_it:make_loss --input-size 2,3": "--input-size goes with a Module, but train_it:make_loss gave a Tensor",
    "train_it:make_loss --summary": "--summary needs a Module and --input-size, but train_it:make_loss gave a Tensor",
    "train_it:make_loss -o nowhere/x.svg": "there is no folder 'nowhere' to save 'x.svg' in",
    "train_it:make_loss -o x": "'x' has no suffix: there are .svg, .png",
    "train_it:make_loss -o .": "'.' has no suffix: there are .svg, .png",
    "train_it:make_loss -o x.gif": "'x.gif' ends in '.gif': there are .svg, .png",
    "train_it:make_loss -o x.tex": "'x.tex' ends in '.tex': a picture can be saved as .svg",
    "train_it:make_loss --step": "--step needs a file: -o pass.html",
    "train_it:make_loss --step -o x.svgz": "'x.svgz' ends in '.svgz'",
    "train_it:make_loss --step --health": "not allowed with argument",
    "train_it:make_loss --explain hiden": "the graph has no parameter 'hiden': there are hidden.weight, hidden.bias, out.weight, out.bias",
    "train_it:make_loss --explain hidden.weight[9,9]": "index (9, 9) does not name one element of a parameter of shape (4, 3)",
    "train_it:make_loss --explain hidden.weight[-]": "--explain: [-] is no index",
    "train_it:make_loss --explain ''": "--explain names a parameter, such as 0.weight",
    "train_it:make_loss --collapse nonsense": "no box is called 'nonsense'",
    "train_it:make_loss --depth -3": "--depth is how many levels down, 0 or more, got -3",
    "train_it:Net --input-size 2,3 --summary --depth -3": "--depth is how many levels down, 0 or more, got -3",
    "train_it:make_loss --depth three": "invalid int value: 'three'",
    "train_it:make_loss --direction sideways": "invalid choice: 'sideways'",
    "train_it:make_loss --engine magic": "invalid choice: 'magic'",
    "train_it:make_loss --theme blue": "invalid choice: 'blue'",
    "train_it:make_loss --nope": "unrecognized arguments: --nope",
    "": "the following arguments are required: module:callable",
}


@pytest.mark.parametrize("arguments", WRONG)
def test_errors_are_one_line(viz, tmp_path, arguments):
    names = {p.name for p in tmp_path.iterdir()}
    code, out, err = viz(*shlex.split(arguments))
    assert code == 2
    assert out == ""
    assert err.startswith("viz: ")
    assert WRONG[arguments] in err
    assert err.count("\n") == err.count("viz: ") == 1
    assert {p.name for p in tmp_path.iterdir()} - {"__pycache__"} == names


def test_a_file_that_cannot_be_written_is_named(viz, tmp_path):
    (tmp_path / "folder.svg").mkdir()
    code, out, err = viz("train_it:make_loss", "-o", "folder.svg")
    assert (code, out) == (2, "")
    assert err.endswith(f": {str(tmp_path / 'folder.svg')!r}\n")
    assert "->" not in err  # not what lay beside it for a moment


@pytest.mark.parametrize(
    ("arguments", "last", "line"),
    [
        (["train_it:breaks"], "KeyError: 'rate'", 'return settings["rate"]'),
        (["train_it.py:breaks"], "KeyError: 'rate'", 'return settings["rate"]'),
        (["train_it:leaves"], "SystemExit: enough", "raise SystemExit"),
        (["raises_it:f"], "ZeroDivisionError: division by zero", "x = 1 / 0"),
        (["raises_it.py:f"], "ZeroDivisionError: division by zero", "x = 1 / 0"),
        (["needs_it:f"], "ModuleNotFoundError: No module named 'a_package_that_is_not_there'", "import a_package"),
        (["has_mistakes:f"], "SyntaxError: ", "def f(:"),
        (["train_it:Broken", "--input-size", "2,3"], "AttributeError: ", "return x.no_such_thing()"),
        (["train_it:Broken", "--input-size", "2,3", "--summary"], "AttributeError: ", "return x.no_such_thing()"),
    ],
)
def test_errors_of_the_users_code(viz, arguments, last, line):
    """The end of the traceback: their lines, none of ours, and exit code 1."""
    code, out, err = viz(*arguments)
    assert (code, out) == (1, "")
    assert err.strip().splitlines()[-1].startswith(last)
    assert line in err
    assert "command.py" not in err
    assert "target.py" not in err
    assert "summary.py" not in err
    assert "importlib" not in err


@pytest.mark.parametrize("name", ["numpy", "nn", "random", "two words", "-dash", "a.b", "1st"])
def test_files_of_any_name(viz, tmp_path, name):
    """Also of one that another module has already: that stays what it is."""
    before = sys.modules.get(name)
    (tmp_path / f"{name}.py").write_text(TRAIN)
    try:
        code, out, err = viz(f"./{name}.py:make_loss")
        assert (code, err) == (0, "")
        assert "hidden.weight" in out
        assert before is None or sys.modules[name] is before
    finally:
        for added in {name, str(Path(f"{name}.py"))}:
            if sys.modules.get(added) is not before:
                del sys.modules[added]


def test_interrupted(viz, tmp_path):
    (tmp_path / "waits_it.py").write_text("def forever():\n    raise KeyboardInterrupt\n")
    assert viz("waits_it:forever") == (130, "", "viz: interrupted\n")


def test_help_and_its_examples(capsys):
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert EXAMPLES.strip() in out
    for line in EXAMPLES.splitlines():
        if line.startswith("  python -m viz"):
            words = line.split("  ")[1].split()[3:]
            parser().parse_args([word.strip('"') for word in words])


def test_the_program(tmp_path):
    """As a process of its own, in a folder of its own, with a pipe that nobody reads to its end."""
    (tmp_path / "train_it.py").write_text(TRAIN)
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "PYTHONIOENCODING": "ascii"}

    def run(*arguments):
        return subprocess.run([sys.executable, "-m", "viz", *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True)

    done = run("train_it:make_loss")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("loss: the chain rule, backward\n")
    failed = run("train_it:nothing")
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr.startswith("viz: train_it:nothing gave None")
