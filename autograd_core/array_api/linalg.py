"""The standard's extension for linear algebra."""

from __future__ import annotations

import numpy as np

from .names import LINALG
from .wrapping import wrapped

globals().update({name: wrapped(np.linalg, name) for name in LINALG.split()})
__all__ = LINALG.split()
