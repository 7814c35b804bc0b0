"""Small corpora and indexes for the tests of whole stages, in folders that the tests give."""

from __future__ import annotations

import csv
import functools
import gzip
import io
import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from provscan import Index, Scanner
from provscan.index.build import BuildOptions, build
from provscan.read import Rejected
from provscan.text.tokenizer import Tokenizer

FIXTURES = Path(__file__).parents[1] / "fixtures"
CORPUS = FIXTURES / "corpus"
Row = dict[str, Any]


@functools.cache
def references() -> list[Row]:
    """The rows of fixtures/references.jsonl."""
    return [json.loads(line) for line in (FIXTURES / "references.jsonl").read_text(encoding="utf-8").splitlines()]


@functools.cache
def corpus() -> list[Row]:
    """The rows of fixtures/corpus with the path and row that a scan of the folder gives them."""
    shards: dict[str, Iterable[Row]] = {
        "part-0.parquet": pq.read_table(CORPUS / "part-0.parquet").to_pylist(),
        "part-1.jsonl": map(json.loads, (CORPUS / "part-1.jsonl").read_text(encoding="utf-8").splitlines()),
        "part-2.jsonl.gz": map(json.loads, gzip.decompress((CORPUS / "part-2.jsonl.gz").read_bytes()).splitlines()),
        "part-3.csv": csv.DictReader(io.StringIO((CORPUS / "part-3.csv").read_text(encoding="utf-8"), newline="")),
    }
    return [
        {**row, "truth_ref": row["truth_ref"] or None, "path": str(CORPUS / name), "row": number}
        for name, rows in shards.items()
        for number, row in enumerate(rows)
    ]


@functools.cache
def words() -> list[str]:
    """The distinct words of the clean English stock."""
    text = (FIXTURES / "stock" / "clean_en.txt").read_text(encoding="utf-8")
    return sorted({word for word in text.split() if word.isalpha()})


def nonsense(rng: random.Random, length: int) -> str:
    """A text of ``length`` words that nobody else wrote."""
    return " ".join(rng.choice(words()) for _ in range(length))


def substituted(rng: random.Random, text: str, count: int) -> str:
    """The text with ``count`` of its words replaced."""
    parts = text.split()
    for at in rng.sample(range(len(parts)), count):
        parts[at] = rng.choice([word for word in words() if word != parts[at]])
    return " ".join(parts)


def write_jsonl(path: Path, rows: Iterable[Row]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def write_parquet(path: Path, rows: Sequence[Row]) -> Path:
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return path


def write_csv_gz(path: Path, rows: Sequence[Row]) -> Path:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(gzip.compress(out.getvalue().encode()))
    return path


def never(rejected: Rejected) -> None:
    raise AssertionError(rejected)


def make_index(folder: Path, rows: Iterable[Row], **options: Any) -> Index:
    """An index of the rows, in ``folder``; fails if one of them is rejected."""
    source = write_jsonl(folder.with_suffix(".references.jsonl"), rows)
    build([str(source)], folder, BuildOptions(**options), never)
    return Index(folder)


def scanned(index: Index, texts: Sequence[str], type: pa.DataType | None = None) -> tuple[list[Row], list[list[Row]]]:
    """Rows of the documents, and for each document those of its hits."""
    result = Scanner(index).scan_batch(pa.record_batch({"text": pa.array(texts, type or pa.string())}))
    documents, hits = result.documents.to_pylist(), result.hits.to_pylist()
    return documents, [[hit for hit in hits if hit["row"] == k] for k in range(len(texts))]


def table(out: Path, kind: str) -> pa.Table:
    """All rows of one kind of a scan's tables, sorted by path and row; hits stay in their order within a document."""
    parts = [pq.read_table(path) for path in sorted(out.glob(f"{kind}-*.parquet"))]
    whole = pa.concat_tables(parts)
    order = sorted(range(len(whole)), key=lambda k: (whole["path"][k].as_py(), whole["row"][k].as_py()))
    return whole.take(pa.array(order, pa.int64()))


@functools.cache
def _tokenizer() -> Tokenizer:
    return Tokenizer()


def folded(text: str) -> list[int]:
    """Token ids of a text: what is left of it once case, marks, look-alikes and invisible characters are folded."""
    return _tokenizer()(text).ids.tolist()


def code_point_starts(text: str) -> list[int]:
    """Starts of a text's tokens in code points."""
    data = text.encode()
    return [len(data[:start].decode()) for start in _tokenizer()(text).starts.tolist()]
