"""Threads that wait for a share of the work: NumPy computes outside of Python's lock, so they run side by side."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextvars import Context, copy_context
from functools import cache
from typing import Any


class Worker:
    """A thread that does one job after the other, for whoever has taken it."""

    def __init__(self) -> None:
        self.job: tuple[Context, Callable[[Any], None], Any] | None = None
        self.error: BaseException | None = None
        self.begin, self.done = threading.Lock(), threading.Lock()  # each is held by who waits for it
        self.begin.acquire()
        self.done.acquire()
        threading.Thread(target=self.run, name="optim-worker", daemon=True).start()

    def run(self) -> None:
        while True:
            self.begin.acquire()
            context, work, items = self.job  # type: ignore[misc]
            try:
                context.run(work, items)
            except BaseException as error:
                self.error = error
            self.job = context = work = items = None  # type: ignore[assignment]
            self.done.release()

    def start(self, work: Callable[[Any], None], items: Any) -> None:
        self.job = copy_context(), work, items  # NumPy's error state is part of the context
        self.begin.release()

    def finish(self) -> None:
        """Wait for the job to end; what it raised is raised here."""
        self.done.acquire()
        if self.error is not None:
            error, self.error = self.error, None
            raise error


_idle: list[Worker] = []
os.register_at_fork(after_in_child=_idle.clear)  # a child process has none of its parent's threads


@cache
def threads() -> int:
    """How many threads share large work: the processors this process may use, at most four."""
    return min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def share(work: Callable[[Iterator[Any]], None], items: Iterator[Any], count: int) -> None:
    """Run `work(items)` on `count` threads, this one among them; all take from the one iterator."""
    helpers = []
    for _ in range(count - 1):
        helper = _idle.pop() if _idle else Worker()
        helper.start(work, items)
        helpers.append(helper)
    try:
        work(items)
    finally:
        for helper in helpers:
            helper.finish()
            _idle.append(helper)
