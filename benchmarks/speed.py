"""How fast: sketching, and end to end from zstd Parquet to written results, beside datasketch and rensa.

    python benchmarks/speed.py [--data DIR] [--size MB] [--references N,N,...] [--quick]

Prints tables and writes benchmarks/results/speed.json. Without --data the texts are generated from a seed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import endtoend
import machine
import speed_tables
import tables
from corpora import Corpus, first_rows, write_corpus, write_references
from sources import load

HERE = Path(__file__).parent
WORK = HERE.parent / "build" / "bench"
MAKERS = ("sources.py", "synthetic.py", "corpora.py")
"""What is written to WORK depends on these files; it is kept for the next run."""


@dataclass(frozen=True)
class Files:
    """What a run reads: references by their number with the bytes of their text; a corpus, its quarter, one row."""

    source: str
    spliced: dict[int, int]
    references: dict[int, Path]
    reference_bytes: dict[int, int]
    corpus: Corpus
    quarter: Path
    quarter_bytes: int
    single: Path


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of corpora (alpaca_eval, alpaca_en, human_*.parquet)")
    parser.add_argument("--size", type=int, default=300, metavar="MB", help="text of the corpus  [300]")
    parser.add_argument("--references", default="5000,100000,1000000", metavar="N,...")
    parser.add_argument("--peer-megabytes", type=float, default=20, metavar="MB", help="what datasketch is given  [20]")
    parser.add_argument("--peer-references", type=int, default=100_000, metavar="N", help="at most  [100000]")
    parser.add_argument("--runs", type=int, default=2, help="of which the fastest counts, after a warm-up  [2]")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="a minute: 40 MB, 2,000 and 20,000 references")
    given = parser.parse_args()
    if given.quick:
        given.size, given.references, given.peer_megabytes, given.peer_references = 40, "2000,20000", 4, 5_000
    given.references = sorted(int(n) for n in given.references.split(","))
    return given


def prepare(given: argparse.Namespace) -> Files:
    """Write the files, or find those of an earlier run with the same options."""
    made_by = b"".join((HERE / name).read_bytes() for name in MAKERS)
    asked = [str(given.data and given.data.resolve()), given.size, given.references, given.seed]
    folder = WORK / hashlib.sha256(made_by + json.dumps(asked).encode()).hexdigest()[:12]
    said = folder / "files.json"
    if not said.exists():
        for old in WORK.glob("*/files.json"):
            shutil.rmtree(old.parent)
        folder.mkdir(parents=True, exist_ok=True)
        print("making references and corpus ...", file=sys.stderr)
        source = load(given.data, given.seed, max(given.references))
        sizes = {
            n: write_references(source, n, folder / f"references-{n}.parquet", given.seed) for n in given.references
        }
        corpus = write_corpus(source, given.size * 10**6, min(given.references), folder / "corpus.parquet", given.seed)
        quarter = first_rows(corpus.path, corpus.documents // 4, folder / "quarter.parquet")
        first_rows(corpus.path, 1, folder / "single.parquet")
        spliced = {n: max(0, n - len(source.references)) for n in given.references}
        found = [source.name, spliced, sizes, corpus.documents, corpus.bytes, corpus.copies, quarter]
        said.write_text(json.dumps(found))
    name, spliced, sizes, documents, size, copies, quarter = json.loads(said.read_text())
    return Files(
        name,
        {int(n): count for n, count in spliced.items()},
        {n: folder / f"references-{n}.parquet" for n in given.references},
        {int(n): count for n, count in sizes.items()},
        Corpus(folder / "corpus.parquet", documents, size, copies),
        folder / "quarter.parquet",
        quarter,
        folder / "single.parquet",
    )


def main() -> None:
    given = options()
    found: dict[str, Any] = {"machine": machine.describe()}
    tables.values("Machine", found["machine"])
    files = prepare(given)
    found["data"] = say_data(files, given)
    found["sketching"] = endtoend.sketching(files.corpus.path, given.peer_megabytes)
    found["peers"] = [
        endtoend.peer(name, files, n, given.peer_megabytes * (1 if name == "datasketch" else 2))
        for n in sorted({min(n, given.peer_references) for n in given.references})
        for name in ("datasketch", "rensa")
    ]
    found["read"] = endtoend.floor(files.corpus)
    found["indexes"], found["scans"] = endtoend.provscan(files, given.runs)
    speed_tables.end_to_end(found)
    speed_tables.indexes(found)
    speed_tables.memory(found)
    tables.save("speed", found)


def say_data(files: Files, given: argparse.Namespace) -> dict[str, Any]:
    """Print what the texts are; returns it."""
    data = {
        "source": files.source,
        "seed": given.seed,
        "reference_bytes": files.reference_bytes,
        "spliced_references": files.spliced,
        "corpus_bytes": files.corpus.bytes,
        "documents": files.corpus.documents,
        "copies": files.corpus.copies,
    }
    spliced = ", ".join(f"{n:,} of {of:,}" for of, n in files.spliced.items() if n) or "none"
    print(f"\nTexts: {files.source}, seed {given.seed}.")
    print(
        f"Corpus: {files.corpus.documents:,} documents, {files.corpus.bytes / 1e6:.0f} MB, sentences shuffled in each,"
    )
    print(f"{files.corpus.copies:,} replaced by a copy of one of the first {min(files.references):,} references.")
    print(f"References spliced from others (benchmarks/corpora.py says how): {spliced}.")
    return data


if __name__ == "__main__":
    main()
