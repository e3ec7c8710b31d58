"""A real browser for tests of what is opened in one: Chromium, driven by Playwright.

`page` is an empty page, `open_page(viewport=..., has_touch=True)` makes another one in a context of its own. A test fails
at its end if one of its pages logged an error or a warning, raised, opened a dialog or a window, or asked for anything but
the file it was sent to: nothing of what is made here may need the network. Without a browser these tests are skipped.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
MISSING = (
    "NO BROWSER, so nothing that is opened in one was tested. Install Chromium (Debian: apt install chromium; "
    'elsewhere Chrome or Edge, on the PATH) and its driver (pip install "autograd-core[test]")'
)
PATIENCE = 10_000  # milliseconds for whatever a test waits for


def watched(page: Any) -> list[str]:
    """A list that grows by whatever the page does that it must not."""
    problems: list[str] = []

    def note(event: str, describe: Callable[[Any], str | None]) -> None:
        page.on(event, lambda happened: (told := describe(happened)) and problems.append(told))

    def request(made: Any) -> str | None:
        opened = made.is_navigation_request() and made.frame == page.main_frame and made.url.startswith("file:")
        return None if opened or made.url.startswith(("data:", "blob:", "about:")) else f"request: {made.url}"

    note("console", lambda said: f"console {said.type}: {said.text}" if said.type in ("error", "warning", "assert") else None)
    note("pageerror", lambda error: f"error: {error}")
    note("request", request)
    note("websocket", lambda socket: f"request: {socket.url}")
    note("popup", lambda window: f"window: {window.url}")
    note("crash", lambda _: "the page crashed")

    def dialog(opened: Any) -> None:
        problems.append(f"dialog: {opened.message}")
        opened.dismiss()

    page.on("dialog", dialog)
    return problems


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A running browser; made anew for each file of tests, since its driver keeps an event loop in this thread."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        pytest.skip(f"{MISSING}: there is no playwright")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(f"{MISSING}: none of {', '.join(PROGRAMS)} is on the PATH")
    with sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(executable_path=program, timeout=60_000)  # in no sandbox, which root may not use
        except Error as error:
            pytest.skip(f"{MISSING}: {program} does not start: {str(error).splitlines()[0]}")
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens empty pages; keywords are those of Playwright's `Browser.new_context`."""
    contexts, seen = [], []

    def opened(**options: Any) -> Any:
        contexts.append(browser.new_context(offline=True, **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        seen.append(watched(page))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not any(seen), f"the page did what it must not: {[problem for problems in seen for problem in problems]}"


@pytest.fixture
def page(open_page: Callable[..., Any]) -> Any:
    """An empty page, 1200 by 900."""
    return open_page(viewport={"width": 1200, "height": 900})
