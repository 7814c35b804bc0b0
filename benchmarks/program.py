"""provscan as its users run it: commands in processes of their own."""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from machine import Took, measure

BESIDE = Path(sys.executable).parent / "provscan"


def program() -> str:
    """The installed `provscan`: the one beside this Python, or else the one on the path."""
    found = str(BESIDE) if BESIDE.exists() else shutil.which("provscan")
    if not found:
        raise SystemExit(f"provscan is neither in {BESIDE.parent} nor on the path; run pip install -e . first")
    return found


@dataclass(frozen=True)
class Built:
    """An index, and what it took.

    Attributes
    ----------
    took : Took
    bytes : int
        Of its files, without the stored texts.
    """

    path: Path
    took: Took
    bytes: int


def build(references: Path, index: Path) -> Built:
    """`provscan index build --store-text` with all cores."""
    shutil.rmtree(index, ignore_errors=True)
    took = measure([program(), "index", "build", references, "-o", index, "--store-text"])
    size = sum(p.stat().st_size for p in index.rglob("*") if p.is_file() and p.name != "text.parquet")
    return Built(index, took, size)


def scan(corpus: Path, index: Path, out: Path, workers: int) -> tuple[Took, dict[str, Any]]:
    """`provscan scan`; what it took and its summary."""
    shutil.rmtree(out, ignore_errors=True)
    took = measure([program(), "scan", corpus, "-i", index, "-o", out, "--workers", workers, "--quiet"])
    return took, json.loads((out / "summary.json").read_text(encoding="utf-8"))


def best_scan(corpus: Path, index: Path, out: Path, workers: int, runs: int) -> tuple[Took, dict[str, Any]]:
    """The fastest of several scans."""
    return min((scan(corpus, index, out, workers) for _ in range(runs)), key=lambda found: found[0].wall)


def open_index(index: Path, runs: int = 5) -> dict[str, float]:
    """Median milliseconds to open an index in a new process, imports excluded, and to answer its first batch."""
    found = [json.loads(measure([sys.executable, __file__, index]).output) for _ in range(runs)]
    return {key: statistics.median(f[key] for f in found) for key in found[0]}


def open_once(index: Path) -> dict[str, float]:
    """Milliseconds of one opening and one first batch, in this process."""
    import pyarrow as pa

    from provscan import Index, Scanner

    batch = pa.RecordBatch.from_pydict({"text": pa.array(["A short text, to see what the first one costs."])})
    begun = time.perf_counter()
    opened = Index(index)
    ready = time.perf_counter()
    Scanner(opened).scan_batch(batch)
    done = time.perf_counter()
    return {"open_ms": 1000 * (ready - begun), "first_batch_ms": 1000 * (done - ready)}


if __name__ == "__main__":
    print(json.dumps(open_once(Path(sys.argv[1]))))
