"""Freed memory is used again by the next arrays; a user's own settings are left alone."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

glibc = sys.platform == "linux" and hasattr(ctypes.CDLL(None), "gnu_get_libc_version")

STEPS = """
import resource
import numpy as np
{imports}
def step():
    kept = [np.ones(1 << 18) for _ in range(20)]  # 40 MB
for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def fresh_pages(imports: str, **settings: str) -> int:
    """How many pages ten steps ask the system for, in a process of its own."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))}
    code = STEPS.format(imports=imports)
    return int(subprocess.run([sys.executable, "-c", code], env={**clean, **settings}, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(not glibc, reason="the C library here is not glibc, whose allocator this is about")
def test_steps_find_the_memory_of_earlier_steps():
    without, kept = fresh_pages(""), fresh_pages("import autograd_core")
    assert without > 10_000
    assert kept < without / 20
    left_alone = fresh_pages("import autograd_core", MALLOC_TRIM_THRESHOLD_="65536")
    assert left_alone > without / 2
