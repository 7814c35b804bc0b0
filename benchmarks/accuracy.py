"""What is found and what is found wrongly: provscan beside datasketch and rensa, on the same documents.

    python benchmarks/accuracy.py [--data DIR] [--documents N] [--language en,zh] [--all-references]

Prints tables and writes benchmarks/results/accuracy.json. Without --data it uses fixtures/, whose cells are small.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import accuracy_tables
import machine
import program
import pyarrow as pa
import pyarrow.parquet as pq
import tables
from cells import Document, Texts, cells, documents, load
from peers import WORDS, WORDS_OR_CHARACTERS, Datasketch, Peer, Rensa, shingles
from spans import Agreement

from provscan.decide.rates import wilson

PEERS = {"datasketch .5": lambda: Datasketch(0.5), "datasketch .7": lambda: Datasketch(0.7), "rensa .7": Rensa}
CHUNK = 1_000


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of corpora (alpaca_eval, alpaca_zh, human_*, ...)")
    parser.add_argument("--documents", type=int, default=250, metavar="N", help="of each cell  [250]")
    parser.add_argument("--language", default="en,zh", metavar="LANG,...")
    parser.add_argument("--all-references", action="store_true", help="index all of alpaca_eval and alpaca_en")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    given = options()
    found: dict[str, Any] = {"machine": machine.describe(), "seed": given.seed}
    tables.values("Machine", found["machine"])
    for language in given.language.split(","):
        texts = load(given.data, language, given.all_references)
        made = documents(texts, cells(texts), given.documents, given.seed)
        found[language] = measure(texts, made)
        accuracy_tables.show(language, found[language])
    tables.save("accuracy", found)


def measure(texts: Texts, made: list[Document]) -> dict[str, Any]:
    """All figures of a language."""
    pattern = WORDS if texts.language == "en" else WORDS_OR_CHARACTERS
    rows, verdicts, hits = scan(texts, made)
    peers = {name: candidates(peer(), texts, rows, pattern) for name, peer in PEERS.items()}
    counted = {
        name: by_cell(made, [d.reference in found[k] for k, d in enumerate(made)]) for name, found in peers.items()
    }
    ours = by_cell(made, [verdicts[k] == "match" and d.reference in hits.get(k, ()) for k, d in enumerate(made)])
    any_reference = by_cell(made, [verdicts[k] == "match" for k in range(len(made))])
    right = agreements(texts, made, hits)
    kinds = {cell: Counter[str]() for cell in ours}
    for k, d in enumerate(made):
        kinds[d.cell].update(hit["kind"] for name, hit in hits.get(k, {}).items() if name == d.reference)
    return {
        "references": len(texts.references) + len(texts.others),
        "edited": len(made),
        "human": human(texts, made, rows, verdicts, hits, peers),
        "cells": [
            {
                "cell": cell,
                "documents": n,
                "provscan": wilson(k, n).as_dict(),
                "provscan, any reference": any_reference[cell][0] / n,
                **{name: c[cell][0] / n for name, c in counted.items()},
                **right[cell].shares(),
                "kinds": dict(kinds[cell]),
            }
            for cell, (k, n) in ours.items()
        ],
    }


def scan(texts: Texts, made: list[Document]) -> tuple[list[str], dict[int, str], dict[int, dict[str, dict[str, Any]]]]:
    """All documents (edited, then human), their verdicts, and by document and reference their hits."""
    rows = [d.edited.text for d in made] + list(texts.human.values())
    references = texts.references | texts.others
    with tempfile.TemporaryDirectory(prefix="provscan-accuracy-") as folder:
        work = Path(folder)
        pq.write_table(pa.table({"id": list(references), "text": list(references.values())}), work / "refs.parquet")
        pq.write_table(pa.table({"id": [str(k) for k in range(len(rows))], "text": rows}), work / "corpus.parquet")
        index = program.build(work / "refs.parquet", work / "index").path
        program.scan(work / "corpus.parquet", index, work / "out", 2)
        verdicts = {int(r["id"]): r["verdict"] for r in read(work / "out", "documents", ["id", "verdict"])}
        hits: dict[int, dict[str, dict[str, Any]]] = {}
        for hit in read(work / "out", "hits", ["id", "ref_id", "kind", "bits", "spans"]):
            hits.setdefault(int(hit["id"]), {})[hit["ref_id"]] = hit
    if len(verdicts) != len(rows):
        raise SystemExit(f"{len(rows)} documents went in and {len(verdicts)} verdicts came out")
    return rows, verdicts, hits


def read(out: Path, kind: str, columns: list[str]) -> list[dict[str, Any]]:
    """Rows of the tables that a scan wrote."""
    return [
        r for path in sorted(out.glob(f"{kind}-*.parquet")) for r in pq.read_table(path, columns=columns).to_pylist()
    ]


def candidates(peer: Peer, texts: Texts, rows: list[str], pattern: re.Pattern[str]) -> list[set[str]]:
    """References that a peer names for each document."""
    names = [*texts.references, *texts.others]
    indexed = [*texts.references.values(), *texts.others.values()]
    for at in range(0, len(indexed), CHUNK):
        peer.insert(at, peer.sketch([shingles(text, pattern) for text in indexed[at : at + CHUNK]]))
    return [
        {names[number] for number in numbers}
        for at in range(0, len(rows), CHUNK)
        for numbers in peer.query(peer.sketch([shingles(text, pattern) for text in rows[at : at + CHUNK]]))
    ]


def by_cell(made: list[Document], found: list[bool]) -> dict[str, tuple[int, int]]:
    """Of each cell the documents that were found, and all of them."""
    total = Counter(d.cell for d in made)
    of_these = Counter(d.cell for d, yes in zip(made, found, strict=True) if yes)
    return {cell: (of_these[cell], n) for cell, n in total.items()}


def agreements(texts: Texts, made: list[Document], hits: dict[int, dict[str, dict[str, Any]]]) -> dict[str, Agreement]:
    """How true the spans of each cell are, over the documents whose reference was found."""
    found = {d.cell: Agreement() for d in made}
    for k, d in enumerate(made):
        hit = hits.get(k, {}).get(d.reference)
        if hit is not None:
            found[d.cell].add(d.edited, texts.references[d.reference], hit["spans"])
    return found


def human(
    texts: Texts,
    made: list[Document],
    rows: list[str],
    verdicts: dict[int, str],
    hits: dict[int, dict[str, dict[str, Any]]],
    peers: dict[str, list[set[str]]],
) -> dict[str, Any]:
    """Human documents that were matched, by domain, and each with the text that it shares."""
    numbered = dict(enumerate(texts.human, len(made)))
    matched = [k for k in numbered if verdicts[k] == "match"]
    domains = Counter(name.split("|")[0] for name in numbered.values())
    of_these = Counter(numbered[k].split("|")[0] for k in matched)
    listed = []
    for k in matched:
        hit = max(hits[k].values(), key=lambda h: h["bits"])
        shared = " … ".join(rows[k][s["doc_start"] : s["doc_end"]] for s in hit["spans"])
        listed.append(
            {"id": numbered[k], "kind": hit["kind"], "bits": hit["bits"], "ref": hit["ref_id"], "text": shared}
        )
    return {
        "documents": len(numbered),
        "matched": wilson(len(matched), len(numbered)).as_dict(),
        "by_domain": {name: {"documents": n, "matched": of_these[name]} for name, n in domains.items()},
        "peers": {name: sum(bool(found[k]) for k in numbered) for name, found in peers.items()},
        "matches": sorted(listed, key=lambda m: -m["bits"]),
    }


if __name__ == "__main__":
    main()
