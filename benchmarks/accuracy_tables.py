"""The tables of accuracy.py."""

from __future__ import annotations

import textwrap
from typing import Any

import tables

LANGUAGES = {"en": "English", "zh": "Chinese"}
PEERS = ("datasketch .5", "datasketch .7", "rensa .7")
SURE = 0.99
SHOWN = 40


def show(language: str, found: dict[str, Any]) -> None:
    """Print all tables of a language; adds the detection limit."""
    recall(language, found)
    found["detection_limit"] = limit(found["cells"])
    unit = "words" if language == "en" else "characters"
    said = f"{found['detection_limit']} {unit}" if found["detection_limit"] else "none of those tried"
    print(f"\n  Shortest passage from which on recall is at least {SURE}: {said}.")
    human(language, found["human"])


def recall(language: str, found: dict[str, Any]) -> None:
    """Print recall and truth of spans by cell."""
    rows = [
        [c["cell"], c["documents"], rate(c["provscan"]["rate"])]
        + [f"{c['provscan']['low']:.3f} to {c['provscan']['high']:.3f}"]
        + [rate(c[name]) for name in (*PEERS, "spans_true", "spans_equal", "kept_in_spans")]
        for c in found["cells"]
    ]
    unit = "words" if language == "en" else "characters"
    tables.show(
        f"{LANGUAGES[language]}: recall against {found['references']:,} references",
        [unit, "documents", "provscan", "95 %", *PEERS, "spans true", "equal", "complete"],
        rows,
        "Recall: the verdict is a match and the reference that the document was made of is among its hits; of the",
        "peers, that reference is a candidate. 95 %: Wilson score. Spans true: share of letters in words that the edit",
        "kept, at the place of the reference that the span names. Equal: share in spans whose two texts are equal",
        "when folded. Complete: share of the letters that the edit kept which spans cover.",
        *(["Peers: shingles of 5 characters."] if language == "zh" else []),
    )


def rate(value: float | None) -> str | None:
    """A share with three decimals; those that are not quite 1 do not become 1."""
    return None if value is None else f"{value if value == 1 else min(value, 0.999):.3f}"


def limit(cells: list[dict[str, Any]]) -> int | None:
    """Length of the shortest passage from which on all are found with the recall wanted."""
    shortest = None
    passages = [c for c in cells if c["cell"].startswith("passage")]
    for c in sorted(passages, key=lambda c: -int(c["cell"].split()[-1])):
        if c["provscan"]["rate"] < SURE:
            break
        shortest = int(c["cell"].split()[-1])
    return shortest


def human(language: str, found: dict[str, Any]) -> None:
    """Print human documents matched, by domain and one by one."""
    rate = found["matched"]
    rows: list[list[object]] = [
        [name, d["documents"], d["matched"], *[None] * len(PEERS)] for name, d in found["by_domain"].items()
    ]
    total = sum(d["matched"] for d in found["by_domain"].values())
    rows.append(["all", found["documents"], total, *(found["peers"][name] for name in PEERS)])
    tables.show(
        f"{LANGUAGES[language]}: human documents matched",
        ["domain", "documents", "provscan", *PEERS],
        rows,
        f"provscan: {rate['rate']:.5f} (95 %, Wilson score: {rate['low']:.5f} to {rate['high']:.5f})",
    )
    for m in found["matches"][:SHOWN]:
        print(f"\n  {m['bits']:.0f} bits, {m['kind']}: {m['id']} and {m['ref']}")
        print(textwrap.fill(textwrap.shorten(m["text"], 300), 110, initial_indent="    ", subsequent_indent="    "))
    if len(found["matches"]) > SHOWN:
        print(f"\n  and {len(found['matches']) - SHOWN} more, in the JSON")
