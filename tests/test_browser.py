"""The browser that other tests lean on notices what a page must not do."""

from __future__ import annotations

import pytest

from tests.browser import watched


@pytest.mark.parametrize(
    ("script", "noticed"),
    [
        ("console.error('bad')", "console error: bad"),
        ("console.warn('odd')", "console warning: odd"),
        ("throw new Error('broken')", "error: broken"),
        ("alert('hello')", "dialog: hello"),
        ("fetch('http://localhost:9/x').catch(() => 0)", "request: http://localhost:9/x"),
        ("new Image().src = 'file:///x.png'", "request: file:///x.png"),
        ("document.body.innerHTML = \"<iframe src='http://localhost:9/y'></iframe>\"", "request: http://localhost:9/y"),
        ("window.open('about:blank')", "window: about:blank"),
    ],
)
def test_what_a_page_must_not_do_is_noticed(browser, tmp_path, script, noticed):
    file = tmp_path / "page.html"
    file.write_text(f"<!doctype html><body><script>{script}</script></body>")
    context = browser.new_context(offline=True)
    page = context.new_page()
    problems = watched(page)
    page.goto(file.as_uri())
    page.wait_for_timeout(50)
    context.close()
    assert any(problem.startswith(noticed) for problem in problems), problems


def test_a_quiet_page_may_do_the_rest(page, tmp_path):
    file = tmp_path / "page.html"
    pixel = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="
    file.write_text(f"<!doctype html><title>x</title><img src='{pixel}'><script>console.log(1)</script>")
    page.goto(file.as_uri())
    page.evaluate("fetch(URL.createObjectURL(new Blob(['x']))).then(answer => answer.text())")
    assert page.title() == "x"
