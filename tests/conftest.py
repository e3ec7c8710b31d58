"""Settings of the whole suite."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from tests.browser import browser, open_page, page  # noqa: F401 (fixtures)

# Examples are the same in every run, and a slow machine is no failure.
settings.register_profile(
    "suite", derandomize=True, deadline=None, database=None, print_blob=False, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes some seconds")


@pytest.fixture
def rng():
    """A NumPy random generator that is the same in every run."""
    return np.random.default_rng(0)


@pytest.fixture
def assert_no_cycles():
    """Run a function and assert that all it made is gone by itself, without the garbage collector."""

    def check(run):
        run()  # the first time, what is made once and kept
        gc.collect()
        gc.disable()
        try:
            run()
            assert gc.collect() == 0
        finally:
            gc.enable()

    return check
