"""Switching recording off and on, in this thread: `no_grad`, `enable_grad`, `inference_mode`, `set_grad_enabled`.

Each is a context manager and a decorator.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from .graph import thread


def is_grad_enabled() -> bool:
    """Whether operations record in this thread."""
    return thread.grad


def is_inference_mode_enabled() -> bool:
    return thread.inference


class set_grad_enabled:
    """Switch recording on or off: at once, and back again when used as a context manager or decorator."""

    def __init__(self, mode: bool):
        if not isinstance(mode, bool):
            raise TypeError(f"set_grad_enabled: mode must be True or False, got {mode!r}")
        self.mode = mode
        self.before = [thread.grad]
        thread.grad = mode and not thread.inference

    def __enter__(self) -> None:
        thread.grad = self.mode and not thread.inference

    def __exit__(self, *exception: Any) -> None:
        thread.grad = self.before[-1]

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        thread.grad = self.before[-1]  # as a decorator it acts in the calls only
        return (enable_grad if self.mode else no_grad)()(function)


class _Mode:
    """A mode of recording: entered and left like a block, or around each call of a decorated function."""

    grad = False
    inference = False

    def __init__(self) -> None:
        self.before: list[tuple[bool, bool]] = []  # a stack, so that one object can be entered again inside itself

    def __enter__(self) -> None:
        self.before.append((thread.grad, thread.inference))
        thread.inference = thread.inference or self.inference
        thread.grad = self.grad and not thread.inference

    def __exit__(self, *exception: Any) -> None:
        thread.grad, thread.inference = self.before.pop()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        mode = type(self)
        if inspect.isgeneratorfunction(function):

            @wraps(function)
            def generator(*args: Any, **kwargs: Any) -> Any:
                """The generator's steps run in the mode, its consumer's code between them does not."""
                with mode():
                    steps = function(*args, **kwargs)
                go_on, given = steps.send, None
                while True:
                    try:
                        with mode():
                            value = go_on(given)
                    except StopIteration as stop:
                        return stop.value
                    try:
                        go_on, given = steps.send, (yield value)
                    except GeneratorExit:
                        with mode():
                            steps.close()
                        raise
                    except BaseException as error:
                        go_on, given = steps.throw, error

            return generator

        @wraps(function)
        def inner(*args: Any, **kwargs: Any) -> Any:
            with mode():
                return function(*args, **kwargs)

        return inner

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        mode = super().__new__(cls)
        if function is None:
            return mode
        mode.__init__()  # type: ignore[misc]
        return mode(function)  # used bare, as in `@no_grad`


class no_grad(_Mode):
    """Do not record: results do not require grad.

    >>> import autograd_core as ag
    >>> w = ag.tensor(1.0, requires_grad=True)
    >>> with ag.no_grad():
    ...     (2 * w).requires_grad
    False
    """


class enable_grad(_Mode):
    """Record, also inside `no_grad`."""

    grad = True


class inference_mode(_Mode):
    """Do not record, and let nothing inside switch recording on again."""

    inference = True

    def __new__(cls, mode: Any = True) -> Any:
        if mode is False:
            return enable_grad() if thread.grad else no_grad()
        return super().__new__(cls, None if mode is True else mode)

    def __init__(self, mode: Any = True) -> None:
        super().__init__()
