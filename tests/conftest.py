"""What every test shares: reproducible property tests, and the runs in which kernels are interpreted."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

INTERPRETED = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")

# Derandomized, so that a run says the same thing twice; `--hypothesis-profile=explore` looks for new examples.
# No deadline: the first call of a kernel compiles it, which takes seconds.
settings.register_profile("ci", derandomize=True, deadline=None, max_examples=15 if INTERPRETED else 100)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile("ci")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is marked ``compiled`` when the kernels run as plain Python."""
    if INTERPRETED:
        skip = pytest.mark.skip(reason="needs compiled kernels")
        for item in items:
            if item.get_closest_marker("compiled"):
                item.add_marker(skip)
