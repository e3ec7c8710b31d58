"""What the library under NumPy's matrix products reads when it is loaded: told before that, unless the user has.

OpenBLAS's threads wait for the next product by turning, for some twenty milliseconds after each, and take half a processor from
whoever works next: our own threads, mostly. A tenth of a millisecond is enough (docs/performance.md). Where NumPy was imported
first, this comes too late, and nothing but time is lost.
"""

import os
import sys

if "numpy" not in sys.modules:
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "18")  # 2¹⁸ cycles
