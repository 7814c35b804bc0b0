"""Rates with their intervals."""

from __future__ import annotations

import math
from typing import NamedTuple

Z95 = 1.959963984540054


class Rate(NamedTuple):
    """A share with its 95 % interval; all null where there is nothing to count."""

    rate: float | None
    low: float | None
    high: float | None
    method: str = "Wilson score, 95 %"

    def as_dict(self) -> dict[str, object]:
        return self._asdict()


def wilson(hits: int, total: int) -> Rate:
    """Share of ``hits`` in ``total`` with the Wilson score interval (Wilson 1927, JASA 22:209).

    Examples
    --------
    >>> rate, low, high, method = wilson(3, 100)
    >>> print(f"{rate:.3f} {low:.4f} {high:.4f}")
    0.030 0.0103 0.0845
    """
    if total == 0:
        return Rate(None, None, None)
    p = hits / total
    scale = 1 + Z95**2 / total
    centre = (p + Z95**2 / (2 * total)) / scale
    half = Z95 * math.sqrt(p * (1 - p) / total + Z95**2 / (4 * total**2)) / scale
    return Rate(p, 0.0 if hits == 0 else centre - half, 1.0 if hits == total else centre + half)
