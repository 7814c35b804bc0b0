"""A document and a reference side by side, with what they share marked."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from provscan.errors import InputError
from provscan.index.store import Index
from provscan.read import ReadOptions, plan
from provscan.report.visible import visible
from provscan.schema import DOCUMENTS, HITS, SCHEMA_VERSION

ON, OFF = "\x1b[1;31m", "\x1b[0m"
CONTEXT = 400
"""Code points shown before and after shared text; longer stretches of unshared text are cut."""
GUTTER = " │ "
LEAST_WIDTH = 10
"""Columns that each text gets on the narrowest page."""


class Document(NamedTuple):
    """A row of documents-*.parquet with its text, None where the input is gone."""

    row: dict[str, Any]
    text: str | None


def explain(out: Path, document: str, index: Path | None, most: int, width: int, color: bool) -> str:
    """The page that `provscan explain` prints.

    Parameters
    ----------
    out : Path
        A scan's results.
    document : str
        Id of the document, or its path and row as ``PATH:ROW``.
    index : Path or None
        The index, where it is not where it was.
    most : int
        References to show, the best first.
    width : int
        Columns.
    color : bool
        Mark by colour rather than brackets.

    Raises
    ------
    InputError
        If there is no such document in the results.
    """
    summary = read_summary(out)
    found = find_document(out, document, summary)
    hits = hits_of(out, found.row)
    row = found.row
    lines = [
        f"{row['path']}, row {row['row']}" + (f", id {row['id']}" if row["id"] is not None else ""),
        f"verdict {row['verdict']}" + (f" ({row['reason']})" if row["reason"] else ""),
    ]
    if row["coverage"] is not None:
        lines[1] += f", {row['coverage']:.1%} of {row['tokens']:,} tokens shared with references"
    if not hits:
        return "\n".join([*map(visible, lines), "No reference shares enough text with it."])
    lines = [visible(line) for line in lines]
    reference_index = Index(index or Path(summary["index"]["path"]))
    for hit in hits[:most]:
        lines += ["", *map(visible, describe_hit(hit)), *columns(found.text, hit, reference_index, width, color)]
    if len(hits) > most:
        lines += ["", f"and {len(hits) - most} more references (--most {len(hits)} shows all)"]
    return "\n".join(lines)


def read_summary(out: Path) -> dict[str, Any]:
    try:
        summary: dict[str, Any] = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{out} holds no finished scan: {error}. `provscan scan` makes one.") from error
    version = summary.get("schema") if isinstance(summary, dict) else None
    if version != SCHEMA_VERSION:
        raise InputError(
            f"{out / 'summary.json'} has schema version {version}, and this program knows {SCHEMA_VERSION}. Scan again."
        )
    return summary


def rows_of(out: Path, kind: str, schema: pa.Schema, wanted: pc.Expression) -> list[dict[str, Any]]:
    """The wanted rows of the scan's documents or hits, in the order of the scan."""
    try:
        table = ds.dataset(sorted(str(p) for p in out.glob(f"{kind}-*.parquet")), schema=schema)
        rows: list[dict[str, Any]] = table.to_table(filter=wanted).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{kind}-*.parquet in {out} cannot be read: {error}. Scan again.") from error
    return rows


def find_document(out: Path, document: str, summary: dict[str, Any]) -> Document:
    """A document by id or PATH:ROW, with its text as the input has it now."""
    path, colon, row = document.rpartition(":")
    rows = rows_of(out, "documents", DOCUMENTS, pc.field("id") == document)
    if not rows and colon and row.isdecimal() and len(row) < 19:
        rows = rows_of(out, "documents", DOCUMENTS, (pc.field("row") == int(row)) & (pc.field("path") == path))
    if not rows:
        raise InputError(f"{out} has no document '{document}'. Name an id, or PATH:ROW as in documents-*.parquet.")
    if len(rows) > 1:
        places = ", ".join(f"{r['path']}:{r['row']}" for r in rows[:5])
        raise InputError(f"{len(rows)} documents have the id '{document}': {places}. Name one as PATH:ROW.")
    return Document(rows[0], read_text(rows[0]["path"], rows[0]["row"], summary["parameters"]))


def read_text(path: str, row: int, parameters: dict[str, Any]) -> str | None:
    """The text of one row of an input, None where it cannot be read any more."""
    options = ReadOptions(text=parameters["text"], id=parameters["id"], meta=parameters["meta"])
    try:
        units = plan([path], options).units
    except InputError:
        return None
    before = [u for u in units if u.first_row <= row]
    for batch in before[-1].batches(options, lambda _: None) if before else ():
        at = pc.index(batch.column("row"), row).as_py()
        if at >= 0:
            return str(batch.column("text")[at].as_py())
    return None


def hits_of(out: Path, row: dict[str, Any]) -> list[dict[str, Any]]:
    """A document's hits, those of most bits first."""
    found = rows_of(out, "hits", HITS, (pc.field("row") == row["row"]) & (pc.field("path") == row["path"]))
    return sorted(found, key=lambda h: (-h["bits"], -h["ref_coverage"]))


def describe_hit(hit: dict[str, Any]) -> list[str]:
    who = ", ".join(v for v in (hit["ref_model"], hit["ref_provider"], hit["ref_source"]) if v) or "model unknown"
    return [
        f"{hit['kind']}: {hit['bits']:,.0f} bits, {hit['doc_coverage']:.1%} of the document and "
        f"{hit['ref_coverage']:.1%} of the reference, Jaccard about {hit['jaccard']:.2f}",
        f"reference {hit['ref_id']} ({who})",
    ]


def columns(text: str | None, hit: dict[str, Any], index: Index, width: int, color: bool) -> list[str]:
    """The two texts in two columns."""
    number = index.find(hit["ref_id"])
    reference = index.text_of(number) if number is not None else None
    spans = hit["spans"]
    left = mark(text, [(s["doc_start"], s["doc_end"]) for s in spans], "the input cannot be read any more")
    right = mark(
        reference,
        [(s["ref_start"], s["ref_end"]) for s in spans],
        "the index does not store texts (--store-text); the spans are in hits-*.parquet",
    )
    half = max((width - len(GUTTER)) // 2, LEAST_WIDTH)
    one, two = wrap(left, half, color), wrap(right, half, color)
    head = [pad("document", 8, half) + GUTTER + "reference", "─" * half + "─┼─" + "─" * half]
    blank = (" " * half, "")
    rows = max(len(one), len(two))
    one += [blank] * (rows - len(one))
    two += [blank] * (rows - len(two))
    return head + [a[0] + GUTTER + b[0].rstrip() for a, b in zip(one, two, strict=True)]


def mark(text: str | None, spans: list[tuple[int, int]], missing: str) -> list[tuple[str, bool]]:
    """Pieces of a text, each shared or not; far from shared text it is cut."""
    if text is None:
        return [(f"({missing})", False)]
    pieces: list[tuple[str, bool]] = []
    at = 0
    for first, last in sorted(spans):
        first = max(first, at)
        if first >= last:
            continue
        pieces.append((shorten(text[at:first], not pieces, False), False))
        pieces.append((text[first:last], True))
        at = last
    pieces.append((shorten(text[at:], False, True), False))
    return [(p, shared) for p, shared in pieces if p]


def shorten(text: str, is_first: bool, is_last: bool) -> str:
    """Cut a stretch of unshared text to `CONTEXT` at each end that touches shared text."""
    head, tail = 0 if is_first else CONTEXT, 0 if is_last else CONTEXT
    if len(text) <= head + tail + 20:
        return text
    return text[:head] + " […] " + (text[-tail:] if tail else "")


def cells(char: str) -> int:
    """Columns that a character takes on a terminal."""
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def pad(text: str, used: int, width: int) -> str:
    return text + " " * max(width - used, 0)


def wrap(pieces: list[tuple[str, bool]], width: int, color: bool) -> list[tuple[str, str]]:
    """Wrap marked pieces to lines of ``width`` columns; control characters become visible."""
    on, off = (ON, OFF) if color else ("[[", "]]")
    mark_cells = 0 if color else 2
    lines: list[tuple[str, str]] = []
    line, used, marked = "", 0, False

    def end_line() -> None:
        nonlocal line, used
        closed = line + off if marked else line
        lines.append((pad(closed, used + (mark_cells if marked else 0), width), ""))
        line, used = (on, mark_cells) if marked else ("", 0)

    for text, shared in pieces:
        if shared != marked:
            if used + 2 * mark_cells + 2 > width:
                end_line()
            line += on if shared else off
            used += mark_cells
            marked = shared
        for char in text:
            if char == "\n":
                end_line()
                continue
            char = char if char.isprintable() or cells(char) == 0 and unicodedata.category(char) == "Mn" else "·"
            if used + cells(char) + (mark_cells if marked else 0) > width:
                end_line()
                if char == " ":
                    continue
            line += char
            used += cells(char)
    if line or not lines:
        end_line()
    return lines
