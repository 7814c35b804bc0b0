"""Tables for a terminal, and the files beside them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *notes: str) -> None:
    """Print a table: the first column to the left, the others to the right; None is shown as a dash."""
    cells = [list(columns), *([cell(value) for value in row] for row in rows)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(columns))]
    print(f"\n{title}\n")
    for at, row in enumerate(cells):
        first, *others = row
        line = [first.ljust(widths[0]), *(c.rjust(w) for c, w in zip(others, widths[1:], strict=True))]
        print("  " + "  ".join(line).rstrip())
        if at == 0:
            print("  " + "  ".join("-" * w for w in widths))
    for note in notes:
        print(f"  {note}")


def values(title: str, named: Mapping[str, object]) -> None:
    """Print names and values."""
    width = max(map(len, named))
    print(f"\n{title}\n")
    for name, value in named.items():
        print(f"  {name.ljust(width)}  {value}")


def cell(value: object) -> str:
    """A value as text: three significant digits of a float.

    >>> cell(0.98765), cell(123.4), cell(12_345), cell(None)
    ('0.988', '123', '12,345', '-')
    """
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
        return f"{value:,.{digits}f}"
    return str(value)


def save(name: str, found: Mapping[str, Any]) -> Path:
    """Write results to benchmarks/results/NAME.json."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"\n{path}")
    return path
