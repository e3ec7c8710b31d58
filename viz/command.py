"""`python -m viz module:callable -o picture.svg`: pictures from the command line."""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from autograd_core.tensor import Tensor

from .derivation.explanation import SUFFIXES as EXPLANATIONS
from .draw import draw
from .explain import explain
from .graph.names import Names, caller
from .health import health
from .picture import ENGINES
from .picture import SUFFIXES as PICTURES
from .render.theme import THEMES
from .step import step
from .summary import summary
from .target import Given, Raised, Wrong, received, users_code

EXAMPLES = """
examples:
  python -m viz train:make_loss                            the chain rule as text, of the tensor that make_loss() returns
  python -m viz train.py:make_loss -o loss.svg             as a picture; also .png .pdf .html .txt .md .mmd .dot .json
  python -m viz train:make_loss -o pass.html --step        the backward pass, to walk through
  python -m viz train:make_loss --explain "0.weight[3,5]"  the chain rule of one element of a parameter
  python -m viz train:make_loss --health                   what is wrong with the gradients
  python -m viz models:Net --input-size 1,3,32,32 --summary
  python -m viz models:Net --input-size 1,3,32,32 --depth 2 --direction forward -o net.png

The callable takes no arguments, and returns a Tensor that was computed with gradients (a loss), a pair of it and a Module or a
dict that names tensors, or, together with --input-size, a Module.
Exit codes: 0 done, 1 your code raised, 130 you interrupted it, 2 anything else.
"""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        raise Wrong(f"{message} (python -m viz --help tells more)")


def parser() -> Parser:
    """What the command line may say."""
    p = Parser(
        prog="python -m viz",
        description="Draw, explain and check the backward pass of what a function returns.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    p.add_argument("target", metavar="module:callable", help="or path/to/file.py:callable; a Module or a Tensor will also do")
    p.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to save; without it text is printed")
    what = p.add_mutually_exclusive_group()
    what.add_argument("--explain", metavar="PARAM[index]", help="the chain rule of one parameter, or of one element of it")
    what.add_argument("--health", action="store_true", help="a report of what is wrong, or a picture with that marked")
    what.add_argument("--step", action="store_true", help="the pass to walk through (.html), or as a film (.svg, .gif)")
    what.add_argument("--summary", action="store_true", help="the table of a Module's layers")
    p.add_argument("--direction", choices=("backward", "forward"), default="backward")
    p.add_argument("--depth", type=int, metavar="N", help="close boxes this many levels down")
    p.add_argument("--collapse", action="append", metavar="NAME", help="close this module or class; may be repeated")
    p.add_argument("--expand", action="append", metavar="NAME", help="keep this one open; may be repeated")
    p.add_argument("--open", action="append", metavar="OPERATION", help="show a fused operation as what it is made of ('all' for all)")
    p.add_argument("--record", action="store_true", help="watch the callable: show the backward pass that it makes, and its lines")
    p.add_argument("--input-size", action="append", metavar="N,N,...", help="the shape of an input, for a Module; once for each input")
    p.add_argument("--dtype", action="append", metavar="DTYPE", help="of an input, in the same order, e.g. int64")
    p.add_argument("--theme", choices=THEMES)
    p.add_argument("--engine", choices=ENGINES, default="auto", help="who lays the picture out")
    p.add_argument("--title")
    return p


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the result is the exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without ∂ still shows the rest
    try:
        options = parser().parse_args(arguments)
        check(options)
        given = received(options)
        with np.errstate(all="ignore"):  # what is infinite or NaN stands in the picture
            told = answer(given, options)
        print(told)
        sys.stdout.flush()
        return 0
    except Raised as raised:
        print(raised.text, file=sys.stderr)
        return 1
    except BrokenPipeError:  # `| head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("viz: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        print(f"viz: {one_line(error)}", file=sys.stderr)
        return 2


def one_line(error: Exception) -> str:
    text = error.args[0] if isinstance(error, KeyError) and error.args else error
    return " ".join(str(text).split()).removeprefix("viz: ") or type(error).__name__


def check(options: argparse.Namespace) -> None:
    """What can be said before anything runs. Raises Wrong."""
    if ":" not in options.target:
        raise Wrong(f"{options.target!r} names no callable: write module:callable, or path/to/file.py:callable")
    if options.depth is not None and options.depth < 0:
        raise Wrong(f"--depth is how many levels down, 0 or more, got {options.depth}")
    if options.dtype and not options.input_size:
        raise Wrong("--dtype goes with --input-size")
    path = options.output
    if options.step and path is None:
        raise Wrong("--step needs a file: -o pass.html")
    if path is not None and not path.parent.is_dir():
        raise Wrong(f"there is no folder {str(path.parent)!r} to save {path.name!r} in")
    if path is not None and not options.step and not options.summary and path.suffix.lower() not in (*PICTURES, *EXPLANATIONS):
        said = f"{path.name!r} ends in {path.suffix!r}" if path.suffix else f"{str(path)!r} has no suffix"
        raise Wrong(f"{said}: there are {', '.join(PICTURES)}")


# ---------------------------------------------------------------------- the answer


def answer(given: Given, options: argparse.Namespace) -> str:
    """Draw, explain or check; the text to print, or the path of the file that was written."""
    path = options.output
    if options.summary:
        assert given.model is not None
        with users_code():
            table = summary(given.model, *given.inputs, depth=options.depth)
        return str(table.save(path) if path else table)
    boxes = {"depth": options.depth, "collapse": options.collapse, "expand": options.expand}
    common = {"names": given.names, "gradient": given.gradient, "run": given.run}
    opened = True if options.open and "all" in options.open else options.open
    if options.explain is not None:
        parameter, index = found(given, options.explain)
        explanation = with_names(given, explain, parameter, index, open=opened, **common)
        if path and path.suffix.lower() not in EXPLANATIONS:
            return str(explanation.picture(theme=options.theme or "light").save(path, engine=options.engine))
        return str(explanation.save(path) if path else explanation)
    if options.health:
        report = with_names(given, health, title=options.title, **boxes, **common)
        return str(report if path is None else report.save(path, **looks(options)))
    if options.step:
        return str(with_names(given, step, title=options.title, theme=options.theme or "auto", **boxes, **common).save(path))
    picture = with_names(
        given, draw, options.direction, title=options.title, theme=options.theme or "light", open=opened, **boxes, **common
    )
    return picture.to_text().rstrip("\n") if path is None else str(picture.save(path, engine=options.engine))


def looks(options: argparse.Namespace) -> dict[str, Any]:
    """What a picture's `save` is told; a text has no looks."""
    return {} if options.output.suffix.lower() in EXPLANATIONS else {"engine": options.engine, "theme": options.theme or "light"}


def with_names(given: Given, function: Callable[..., Any], *arguments: Any, **settings: Any) -> Any:
    """Call a function of viz on the output as if from the callable's own frame, where it finds the names of variables."""
    inside = {"_function": function, "_arguments": (given.output, *arguments), "_settings": settings}
    variables = {name: value for name, value in given.variables.items() if not name.startswith("_")}
    return eval("_function(*_arguments, **_settings)", inside, variables)


def found(given: Given, text: str) -> tuple[Tensor, tuple[int, ...] | None]:
    """The parameter, and the index of an element, of `0.weight[3,5]`. Raises Wrong for one that is not in the graph."""
    match = re.fullmatch(r"(.+?)(?:\[([-\d,\s]+)\])?", text.strip())
    if match is None:
        raise Wrong("--explain names a parameter, such as 0.weight or 0.weight[3,5]")
    name, place = match.groups()
    known = with_names(given, named, given.names)
    if name not in known:
        told = ", ".join(known) if known else "none has a name: return (loss, model), or (loss, {'w': w})"
        raise Wrong(f"the graph has no parameter {name!r}: there are {told[:300]}")
    try:
        return known[name], None if place is None else tuple(int(part) for part in place.strip(", ").split(","))
    except ValueError:
        raise Wrong(f"--explain: [{place}] is no index") from None


def named(output: Tensor, names: Any) -> dict[str, Tensor]:
    """The leaves of a graph by name, as pictures name them."""
    known = Names(output, names, caller())
    return {name: known.tensors[node] for node, name in known.nodes.items() if node.plan is None and node in known.tensors}
