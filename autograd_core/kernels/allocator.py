"""Freed memory stays with the process, up to a limit, so that the next arrays find it instead of fresh pages.

A backward pass frees what the forward pass allocated, megabytes at a time. The C library would hand them back to the system, and
get them again in the next step as pages that the system fills with zeros first: that costs five to fifteen times as much as adding two
arrays (docs/performance.md).
"""

from __future__ import annotations

import ctypes
import os
import sys

KEPT = 512 << 20  # bytes of free memory that are not handed back
LARGEST = 32 << 20  # bytes of an array up to which this holds: the C library's own bound
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of mallopt(3)
OTHERS = "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TOP_PAD_", "GLIBC_TUNABLES"  # a user's own settings are left alone


def keep_freed_memory() -> None:
    """Ask the C library to keep what is freed; where it cannot be asked (anything but glibc), nothing happens."""
    if sys.platform != "linux" or any(name in os.environ for name in OTHERS):
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        library.mallopt(M_TRIM_THRESHOLD, KEPT)
        library.mallopt(M_MMAP_THRESHOLD, LARGEST)
