"""Programs written for PyTorch, as tutorials are; `tests/test_tutorials.py` runs them with their import line changed."""
