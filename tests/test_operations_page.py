"""docs/operations.md says what the declarations and the table of tests say."""

from __future__ import annotations

from tests.operations_page import PAGE, page
from tests.table import declared


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page(), "docs/operations.md is out of date: make docs"


def test_every_operation_is_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    assert not [name for name in declared() if f"| `{name.partition('.')[2]}`" not in text]
