"""Rates against scipy's interval."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from provscan.decide.rates import wilson


@given(st.integers(1, 10_000_000), st.floats(0, 1))
def test_wilson_equals_scipy(total: int, share: float) -> None:
    hits = round(share * total)
    rate, low, high, _ = wilson(hits, total)
    interval = binomtest(hits, total).proportion_ci(confidence_level=0.95, method="wilson")
    assert rate == hits / total
    assert low == pytest.approx(interval.low, abs=1e-12)
    assert high == pytest.approx(interval.high, abs=1e-12)
    assert 0 <= low <= rate <= high <= 1


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_published(hits: int, total: int, low: float, high: float) -> None:
    assert wilson(hits, total)[1:3] == pytest.approx((low, high), abs=5e-5)


def test_wilson_ends() -> None:
    assert wilson(0, 7).low == 0 and wilson(7, 7).high == 1


def test_wilson_of_nothing_abstains() -> None:
    assert wilson(0, 0).as_dict() == {"rate": None, "low": None, "high": None, "method": "Wilson score, 95 %"}
