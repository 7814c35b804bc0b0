"""What a segment's files hold, against the texts that they were made from."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making import code_point_starts, folded, make_index, references

from provscan import Index
from provscan.index.positions import unpack_starts
from provscan.index.segment import Segment
from provscan.index.tables import SAME_TEXT
from provscan.schema import REFERENCES

pytestmark = pytest.mark.compiled


def starts_of(segment: Segment, reference: int) -> list[int]:
    first, after = int(segment.offsets[reference]), int(segment.offsets[reference + 1])
    out = np.empty(after - first, np.int32)
    unpack_starts(segment.starts, segment.long_starts, first, after, out)
    return out.tolist()


def check(index: Index, texts: list[str]) -> None:
    assert len(index) == len(texts)
    for number, text in enumerate(texts):
        segment, local = index.locate(number)
        assert segment.tokens_of(local).tolist() == folded(text)
        assert starts_of(segment, local) == [*code_point_starts(text), len(text)]
        assert segment.tokens[int(segment.offsets[local]) - 1] == 0
        assert segment.tokens[int(segment.offsets[local + 1]) - 1] == 0
    for segment in index.segments:
        assert segment.tokens[0] == 0
        assert not segment.tokens[int(segment.offsets[-1]) :].any()
        assert len(segment.tokens) == int(segment.offsets[-1]) + 64
        assert segment.entry.tokens == sum(segment.refs["tokens"].to_pylist())
        assert segment.entry.text_bytes == sum(len(t.encode()) for t in texts) or len(index.segments) > 1


def test_streams_of_the_fixtures(tmp_path: Path) -> None:
    check(make_index(tmp_path / "index", references()), [row["text"] for row in references()])


@settings(max_examples=25)
@given(st.lists(st.text(st.sampled_from("ab .\u200b\u0301é中㍿\U0001f600"), max_size=40), min_size=1, max_size=40))
def test_streams_of_any_texts(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    index = make_index(tmp_path_factory.mktemp("any") / "index", [{"text": text} for text in texts])
    check(index, texts)


@pytest.mark.parametrize("counts", [(1, 1, 1), (2, 3, 4), (5,), (1, 2, 2, 1)])
def test_half_bytes_of_batches_of_odd_and_even_length(
    tmp_path: Path, counts: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The half byte that one batch leaves over is the next one's; many small batches are one stream."""
    from provscan.index.build import BuildOptions
    from provscan.read import ReadOptions

    rng = random.Random(sum(counts))
    texts = [" " * rng.randrange(30) + "w " * rng.choice(counts) + "." * rng.randrange(30) for _ in range(40)]
    options = ReadOptions(metadata=tuple(REFERENCES.names[1:-2]), batch_rows=1)
    monkeypatch.setattr(BuildOptions, "read_options", lambda self: options)
    check(make_index(tmp_path / "index", [{"text": text} for text in texts]), texts)


def test_refs_parquet_has_the_schema(tmp_path: Path) -> None:
    index = make_index(tmp_path / "index", references()[:9])
    table = pq.read_table(index.segments[0].folder / "refs.parquet")
    assert table.schema.equals(REFERENCES, check_metadata=False)
    for row, reference in zip(table.to_pylist(), references(), strict=False):
        assert row["ref_id"] == reference["id"]
        assert row["digest"] == hashlib.blake2b(reference["text"].encode(), digest_size=16).digest()
        assert row["tokens"] == len(folded(reference["text"]))
        assert row["source"] is None


def test_files_are_listed_with_their_digests(tmp_path: Path) -> None:
    index = make_index(tmp_path / "index", references()[:9])
    (entry,) = index.manifest.segments
    on_disk = {p.name: p for p in index.segments[0].folder.iterdir()}
    assert set(entry.files) == set(on_disk)
    for name, known in entry.files.items():
        data = on_disk[name].read_bytes()
        assert known == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def test_arrays_are_mapped_not_read(tmp_path: Path) -> None:
    segment = make_index(tmp_path / "index", references()).segments[0]
    for array in (segment.tokens, segment.offsets, segment.starts, segment.seeds.postings):
        assert isinstance(array.base, np.memmap)
        assert not array.flags.writeable


def test_fingerprints_of_equal_texts_are_bounded(tmp_path: Path) -> None:
    index = make_index(tmp_path / "index", [{"text": "the same again"}] * (SAME_TEXT + 5) + [{"text": "other"}])
    postings = index.segments[0].prints
    assert int(postings.buckets[-1]) == SAME_TEXT + 1


def test_build_is_the_same_for_any_number_of_workers(tmp_path: Path) -> None:
    one = make_index(tmp_path / "one", references(), workers=1).segments[0]
    four = make_index(tmp_path / "four", references(), workers=4).segments[0]
    assert {n: f["sha256"] for n, f in one.entry.files.items()} == {n: f["sha256"] for n, f in four.entry.files.items()}
