"""The measurements of speed.py, each in processes of their own, and their tables."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import program
import tables
from corpora import Corpus, batches
from machine import measure

if TYPE_CHECKING:
    from speed import Files

HERE = Path(__file__).parent
WORKERS = (1, 2)
BASE = 100_000
"""References that others are compared with."""


def sketching(corpus: Path, megabytes: float) -> dict[str, Any]:
    """Run sketching.py and print its table."""
    took = measure([sys.executable, HERE / "sketching.py", corpus, megabytes], one_thread=True)
    found: dict[str, Any] = json.loads(took.output)
    base = found["rates"]["datasketch: update_batch"]["text_mb_s"]
    tables.show(
        "Sketching, one thread, MB of text a second",
        ["", "from text", "x datasketch", "sketch alone"],
        [[name, r["text_mb_s"], r["text_mb_s"] / base, r["sketch_mb_s"]] for name, r in found["rates"].items()],
        f"{found['documents']:,} documents, {found['megabytes']:.0f} MB, the same for all. From text: the peers are",
        "given shingles of five words made in Python, as their users make them. Sketch alone: those are ready.",
    )
    return found


def peer(name: str, files: Files, count: int, megabytes: float) -> dict[str, Any]:
    """Run a peer on the first references and documents."""
    references = files.references[min(n for n in files.references if n >= count)]
    out = files.corpus.path.with_name(f"pairs-{name}.parquet")
    command = [sys.executable, HERE / "peers.py", name, references, files.corpus.path, out]
    took = measure([*command, "--references", count, "--megabytes", megabytes], one_thread=True)
    return {"name": name, **json.loads(took.output), "peak": took.peak}


def floor(corpus: Corpus) -> float:
    """MB of text a second that pyarrow reads, one thread, and does nothing with."""
    seconds = []
    for _ in range(2):
        begun = time.perf_counter()
        for _ in batches(corpus.path):
            pass
        seconds.append(time.perf_counter() - begun)
    return corpus.bytes / min(seconds) / 1e6


def provscan(files: Files, runs: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Build an index of each size and scan the corpus; the indexes and the scans."""
    indexes, scans = [], []
    for count, references in files.references.items():
        index = references.with_suffix(".index")
        out = index.with_suffix(".out")
        built = program.build(references, index)
        indexes.append(
            {
                "references": count,
                "text_bytes": files.reference_bytes[count],
                "bytes": built.bytes,
                "build_s": built.took.wall,
                "build_cpu_s": built.took.cpu,
                "build_peak": built.took.peak,
                "build_anonymous": built.took.anonymous,
                "start_up_s": program.best_scan(files.single, index, out, 1, 3)[0].wall,
                **program.open_index(index),
            }
        )
        program.scan(files.corpus.path, index, out, max(WORKERS))
        for workers in WORKERS:
            scans.append(scan_row(files.corpus.path, files.corpus.bytes, count, workers, index, out, runs))
            if count == compared(list(files.references)):
                scans.append(scan_row(files.quarter, files.quarter_bytes, count, workers, index, out, 1))
    return indexes, scans


def scan_row(corpus: Path, size: int, count: int, workers: int, index: Path, out: Path, runs: int) -> dict[str, Any]:
    """One line of figures: the fastest of several scans."""
    took, summary = program.best_scan(corpus, index, out, workers, runs)
    return {
        "corpus": corpus.stem,
        "corpus_bytes": size,
        "references": count,
        "workers": workers,
        "seconds": took.wall,
        "cpu_s": took.cpu,
        "mb_s": size / took.wall / 1e6,
        "peak": took.peak,
        "anonymous": took.anonymous,
        "documents": summary["documents"],
        "matched": summary["verdicts"]["match"],
        "hits": summary["hits"],
    }


def compared(counts: list[int]) -> int:
    """The number of references that others are compared with: 100,000 or the next below."""
    return max([n for n in counts if n <= BASE] or counts)
