"""The rows of the table of operations, by kind; `tests/table.py` gathers them."""
