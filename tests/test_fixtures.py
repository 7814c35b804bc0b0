"""The fixtures are what fixtures/README.md says they are."""

from __future__ import annotations

import csv
import gzip
import json
import re
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

FIXTURES = Path(__file__).parents[1] / "fixtures"
Row = dict[str, str | None]


def jsonl(data: bytes) -> list[Row]:
    return [json.loads(line) for line in data.decode().split("\n") if line]


@pytest.fixture(scope="module")
def references() -> list[Row]:
    return jsonl((FIXTURES / "references.jsonl").read_bytes())


@pytest.fixture(scope="module")
def shards() -> list[list[Row]]:
    corpus = FIXTURES / "corpus"
    with (corpus / "part-3.csv").open(encoding="utf-8", newline="") as file:
        from_csv: list[Row] = [{**row, "truth_ref": row["truth_ref"] or None} for row in csv.DictReader(file)]
    return [
        pq.read_table(corpus / "part-0.parquet").to_pylist(),
        jsonl((corpus / "part-1.jsonl").read_bytes()),
        jsonl(gzip.decompress((corpus / "part-2.jsonl.gz").read_bytes())),
        from_csv,
    ]


@pytest.fixture(scope="module")
def documents(shards: list[list[Row]]) -> list[Row]:
    return [row for shard in shards for row in shard]


def runs(lang: str | None, text: str | None) -> Iterator[tuple[str, ...] | str]:
    """Every run of 8 words, or of 16 Han characters: the lengths below which sharing is no evidence."""
    folded = unicodedata.normalize("NFKC", text or "").casefold()
    units = re.findall(r"\w+", folded) if lang == "en" else re.findall(r"[\u4e00-\u9fff]", folded)
    length = 8 if lang == "en" else 16
    for start in range(len(units) - length + 1):
        yield tuple(units[start : start + length])


def lang_of(reference: Row) -> str:
    return str(reference["id"]).split("-")[1]


def test_references_counts_and_columns(references: list[Row]) -> None:
    assert Counter(map(lang_of, references)) == {"en": 120, "zh": 80}
    assert len({row["id"] for row in references}) == 200
    for row in references:
        assert list(row) == ["id", "model", "provider", "created", "key", "project", "prompt_id", "prompt", "text"]
        assert all(row.values())
    by_prompt = Counter((row["prompt_id"], row["model"]) for row in references)
    assert max(by_prompt.values()) == 1, "two answers to a prompt are by two models"


def test_references_share_no_runs(references: list[Row]) -> None:
    owner: dict[object, str | None] = {}
    for row in references:
        for run in set(runs(lang_of(row), row["text"])):
            assert owner.setdefault(run, row["id"]) == row["id"], run


def test_corpus_truth_counts(documents: list[Row], shards: list[list[Row]]) -> None:
    assert [len(shard) for shard in shards] == [100] * 4
    assert len({row["id"] for row in documents}) == 400
    kinds = ("copy", "edited", "dropped", "passage", "obfuscated", "masked")
    counts = Counter((row["lang"], row["truth"]) for row in documents)
    assert counts == {
        ("en", "clean"): 144,
        ("zh", "clean"): 96,
        **{("en", kind): 16 for kind in kinds},
        **{("zh", kind): 10 if kind in ("obfuscated", "masked") else 11 for kind in kinds},
    }


def test_corpus_truth_ref_exists(documents: list[Row], references: list[Row]) -> None:
    text_of = {row["id"]: row["text"] for row in references}
    for row in documents:
        if row["truth"] == "clean":
            assert row["truth_ref"] is None
        else:
            assert row["truth_ref"] in text_of
            assert (row["text"] == text_of[row["truth_ref"]]) == (row["truth"] == "copy"), row["id"]


def test_corpus_passages_hold_a_run_of_their_reference(documents: list[Row], references: list[Row]) -> None:
    text_of = {row["id"]: row["text"] for row in references}
    for row in documents:
        if row["truth"] == "passage":
            theirs = set(runs(row["lang"], text_of[row["truth_ref"]]))
            flags = [run in theirs for run in runs(row["lang"], row["text"])]
            # 25 words are 18 runs of 8, 40 characters with their punctuation at least 15 runs of 16 Han characters.
            assert sum(flags) >= (18 if row["lang"] == "en" else 15), row["id"]
            assert sum(after and not before for before, after in pairwise([False, *flags])) == 1, row["id"]
            assert not all(flags), row["id"]


def test_clean_documents_share_no_run_with_a_reference(documents: list[Row], references: list[Row]) -> None:
    theirs = {run: row["id"] for row in references for run in runs(lang_of(row), row["text"])}
    for row in documents:
        if row["truth"] == "clean":
            shared = [(theirs[run], run) for run in runs(row["lang"], row["text"]) if run in theirs]
            assert not shared, (row["id"], shared)


def test_bad_files_are_bad() -> None:
    bad = FIXTURES / "bad"
    good = 0
    for line in (bad / "mixed.jsonl").read_bytes().splitlines():
        try:
            record = json.loads(line.decode())
        except ValueError:
            continue
        good += isinstance(record, dict) and isinstance(record.get("text"), str)
    assert good == 3
    with pytest.raises(EOFError):
        gzip.decompress((bad / "cut.jsonl.gz").read_bytes())
    corrupt = pq.ParquetFile(bad / "corrupt.parquet")
    assert corrupt.read_row_groups([0, 2]).num_rows == 8
    with pytest.raises((OSError, pa.ArrowException)):
        corrupt.read_row_group(1)
    assert (bad / "empty.jsonl").read_bytes() == b""
    assert b"\0" in (bad / "nul.txt").read_bytes()


def test_regenerating_is_identical() -> None:
    done = subprocess.run([sys.executable, FIXTURES / "generate.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
