"""Layouts that must not take longer than so many seconds: they run in a process of their own, which can be ended."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from .drawing import Drawing
from .layout import Layout, lay_out

_SMALL = 300  # boxes and arrows that the built-in layout sees to in a moment, however they cross, without a process of its own
_LAY_OUT = """
import pickle, sys
from viz.render.layout import lay_out
pickle.dump(lay_out(pickle.load(sys.stdin.buffer)), sys.stdout.buffer)
"""


class TookTooLong(RuntimeError):
    """A layout was ended because its time was up."""


def run(who: str, command: Sequence[str], data: bytes, seconds: float | None = None, environment: Mapping[str, str] | None = None) -> bytes:
    """What a program writes when it is given `data`. `who` names it in errors.

    Raises TookTooLong after so many seconds, RuntimeError if it fails or writes nothing; either way it is gone then, with
    all that it started.
    """
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, start_new_session=True, **pipes) as process:  # type: ignore[call-overload]
        try:
            made, said = process.communicate(data, timeout=seconds)
        except BaseException as error:
            _end(process)
            if isinstance(error, subprocess.TimeoutExpired):
                raise TookTooLong(f"{who} took longer than {seconds:g} s") from None
            raise
    if process.returncode or not made:
        raise RuntimeError(f"{who} could not draw the picture: {said.decode(errors='replace')[-2000:].strip() or 'it wrote nothing'}")
    return made


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process and, where there are process groups, all that it started."""
    try:
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except ProcessLookupError:  # it has just ended by itself
        pass
    process.wait()  # of itself Python does not once the program was interrupted


def lay_out_within(drawing: Drawing, seconds: float | None = None) -> Layout:
    """The built-in layout of a drawing. Raises TookTooLong if a large one takes longer than so many seconds."""
    if seconds is None or len(drawing.boxes) + len(drawing.arrows) <= _SMALL or not sys.executable:
        return lay_out(drawing)
    folders = [str(Path(__file__).parents[2]), *filter(None, sys.path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(folders)}
    command = [sys.executable, "-P", "-W", "ignore", "-c", _LAY_OUT]
    layout: Layout = pickle.loads(run("the built-in layout", command, pickle.dumps(drawing), seconds, environment))
    return layout
