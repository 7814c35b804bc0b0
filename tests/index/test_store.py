"""One protocol over every form of index: built at once, added to, of several segments, reopened."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from making import corpus, make_index, never, references, scanned, write_jsonl

from provscan import Index
from provscan.errors import IndexFormatError
from provscan.index import build as library
from provscan.index.build import BuildOptions, add, build
from provscan.index.store import SEGMENTS
from provscan.read import ReadOptions

pytestmark = pytest.mark.compiled


def built(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    return make_index(folder, references(), store_text=True)


def built_by_one_worker(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    return make_index(folder, references(), store_text=True, workers=1)


def added_to(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    make_index(folder, references()[:90], store_text=True)
    for name, rows in (("second", references()[90:91]), ("third", references()[91:])):
        source = write_jsonl(folder.parent / f"{name}.jsonl", rows)
        add([str(source)], folder, BuildOptions(store_text=True), never)
    return Index(folder)


def segmented(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    def in_small_batches(options: BuildOptions) -> ReadOptions:
        return ReadOptions(metadata=library.REFERENCE_COLUMNS, batch_rows=7)

    monkeypatch.setattr(library, "SEGMENT_TOKENS", 3000)
    monkeypatch.setattr(BuildOptions, "read_options", in_small_batches)
    index = make_index(folder, references(), store_text=True)
    assert len(index.segments) > 4
    return index


def reopened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    moved = make_index(folder, references(), store_text=True).path.rename(folder.with_name("moved"))
    return Index(str(moved))


FORMS: list[Callable[[Path, pytest.MonkeyPatch], Index]] = [built, built_by_one_worker, added_to, segmented, reopened]


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return [row["text"] for row in corpus()]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        return scanned(built(tmp_path_factory.mktemp("expected") / "index", patch), texts)


@pytest.fixture(scope="module", params=FORMS, ids=lambda form: form.__name__)
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with pytest.MonkeyPatch.context() as patch:
        yield request.param(tmp_path_factory.mktemp(request.param.__name__) / "index", patch)


def promised(documents: list[dict[str, Any]], hits: list[list[dict[str, Any]]]) -> Any:
    """What does not depend on the segments: verdicts, references, spans."""
    return [
        (document["verdict"], document["top_ref"], {hit["ref_id"]: hit["spans"] for hit in found})
        for document, found in zip(documents, hits, strict=True)
    ]


def test_scan_gives_the_same(index: Index, texts: list[str], expected: Any) -> None:
    """Every column if there is one segment. Boilerplate is counted in each segment for itself: bits may differ."""
    found = scanned(index, texts)
    assert promised(*found) == promised(*expected)
    if len(index.segments) == 1:
        assert found == expected


def test_len_find_and_locate(index: Index) -> None:
    assert len(index) == 200
    for number, row in enumerate(references()):
        assert index.find(row["id"]) == number
        segment, local = index.locate(number)
        assert segment.refs["ref_id"][local].as_py() == row["id"]
        assert index.first[index.segments.index(segment)] + local == number
    assert index.find("nobody") is None


def test_text_of(index: Index) -> None:
    assert index.has_text
    assert [index.text_of(number) for number in range(200)] == [row["text"] for row in references()]


def test_refs(index: Index) -> None:
    columns = ["ref_id", "model", "provider", "source", "created", "key", "project", "prompt_id"]
    wanted = [{"ref_id": r["id"], "source": None, **{c: r[c] for c in columns if c in r}} for r in references()]
    assert index.refs(columns).to_pylist() == [{c: row[c] for c in columns} for row in wanted]


def test_info(index: Index) -> None:
    info = index.info()
    assert info["references"] == 200
    assert info["tokens"] == sum(index.refs(["tokens"])["tokens"].to_pylist())
    assert info["text_bytes"] == sum(len(row["text"].encode()) for row in references())
    assert info["stores_text"] is True
    assert info["models"] == Counter(row["model"] for row in references())
    assert info["providers"] == Counter(row["provider"] for row in references())
    assert info["months"] == Counter(row["created"][:7] for row in references())
    assert info["version"] == index.manifest.version
    assert sum(s["references"] for s in info["segments"]) == 200
    assert sum(s["tokens"] for s in info["segments"]) == info["tokens"]
    on_disk = [p for p in (index.path / SEGMENTS).rglob("*") if p.is_file()]
    assert sum(s["bytes"] for s in info["segments"]) == sum(p.stat().st_size for p in on_disk)
    assert info["bytes"] == sum(p.stat().st_size for p in on_disk if p.name != "text.parquet")
    json.dumps(info)


def test_verify_finds_nothing(index: Index) -> None:
    assert list(index.verify()) == []


def test_version_changes_with_what_is_added(tmp_path: Path) -> None:
    index = make_index(tmp_path / "index", references()[:3])
    source = write_jsonl(tmp_path / "more.jsonl", references()[3:5])
    add([str(source)], tmp_path / "index", BuildOptions(), never)
    assert Index(tmp_path / "index").manifest.version != index.manifest.version


def test_parameters_stay_those_of_the_first_build(tmp_path: Path) -> None:
    index = make_index(tmp_path / "index", references()[:3])
    add([str(write_jsonl(tmp_path / "b.jsonl", references()))], tmp_path / "index", BuildOptions(), never)
    assert Index(tmp_path / "index").parameters == index.parameters


def test_text_of_without_stored_texts(tmp_path: Path) -> None:
    index = make_index(tmp_path / "index", references()[:3])
    assert not index.has_text
    assert index.text_of(1) is None
    assert not list(index.path.rglob("text.parquet"))
    add(
        [str(write_jsonl(tmp_path / "b.jsonl", references()[3:5]))],
        tmp_path / "index",
        BuildOptions(store_text=True),
        never,
    )
    mixed = Index(tmp_path / "index")
    assert not mixed.has_text
    assert mixed.text_of(3) == references()[3]["text"]


def test_text_of_beyond_one_row_group(tmp_path: Path) -> None:
    rows = [{"text": f"number {k}"} for k in range(2500)]
    index = make_index(tmp_path / "index", rows, store_text=True)
    for number in (0, 1023, 1024, 2047, 2048, 2499):
        assert index.text_of(number) == rows[number]["text"]


def test_ids_and_metadata_that_are_absent(tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "outputs.jsonl", [{"text": "one"}, {"text": "two", "id": "b", "model": "own"}])
    build([str(source)], tmp_path / "index", BuildOptions(constants={"model": "said", "source": "logs"}), never)
    refs = Index(tmp_path / "index").refs(["ref_id", "model", "source", "provider"]).to_pylist()
    assert refs == [
        {"ref_id": f"{source}:0", "model": "said", "source": "logs", "provider": None},
        {"ref_id": "b", "model": "own", "source": "logs", "provider": None},
    ]


def test_references_without_tokens(tmp_path: Path) -> None:
    rows = [{"text": ""}, {"text": " ... "}, {"id": "a", "text": references()[0]["text"]}, {"text": "\u200b"}]
    index = make_index(tmp_path / "index", rows, store_text=True)
    assert len(index) == 4
    documents, hits = scanned(index, ["", references()[0]["text"], "?!"])
    assert [d["verdict"] for d in documents] == ["abstain", "match", "abstain"]
    assert [h["ref_id"] for h in hits[1]] == ["a"]


def test_index_of_nothing_but_punctuation(tmp_path: Path) -> None:
    index = make_index(tmp_path / "index", [{"text": "..."}, {"text": ""}])
    documents, hits = scanned(index, ["...", "words to scan", references()[0]["text"]])
    assert [d["verdict"] for d in documents] == ["abstain", "clean", "clean"]
    assert hits == [[], [], []]


def files_of(index: Index) -> list[Path]:
    return sorted(p for p in (index.path / SEGMENTS).rglob("*") if p.is_file())


NAMES = [
    "bands-buckets.npy",
    "bands-postings.npy",
    "long-starts.npy",
    "offsets.npy",
    "phrases.npy",
    "prints-buckets.npy",
    "prints-postings.npy",
    "refs.parquet",
    "seeds-buckets.npy",
    "seeds-postings.npy",
    "starts.npy",
    "text.parquet",
    "tokens.npy",
]


@pytest.fixture
def small(tmp_path: Path) -> Index:
    index = make_index(tmp_path / "index", references()[:20], store_text=True)
    assert [p.name for p in files_of(index)] == NAMES
    return index


@pytest.mark.parametrize("name", NAMES)
def test_verify_names_a_file_with_a_flipped_byte(small: Index, name: str) -> None:
    path = small.segments[0].folder / name
    data = bytearray(path.read_bytes())
    data[len(data) - 5] ^= 0x20
    path.write_bytes(data)
    (sentence,) = Index(small.path).verify()
    assert str(path) in sentence
    assert small.manifest.segments[0].files[name]["sha256"] in sentence


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(".npy")])
@pytest.mark.parametrize("change", ["truncated", "longer", "empty", "gone"])
def test_open_refuses_an_array_of_another_size(small: Index, name: str, change: str) -> None:
    path = small.segments[0].folder / name
    data = path.read_bytes()
    if change == "gone":
        path.unlink()
    else:
        path.write_bytes({"truncated": data[:-1], "longer": data + b"\0", "empty": b""}[change])
    with pytest.raises(IndexFormatError, match=name):
        Index(small.path)


def test_open_refuses_arrays_with_damaged_headers(small: Index) -> None:
    """A flipped byte in a header is refused with a sentence, or changes nothing that counts."""
    rng = random.Random(1)
    for path in files_of(small):
        data = path.read_bytes()
        if path.suffix != ".npy":
            continue
        for at in [*range(12), *rng.sample(range(12, 128), 12)]:
            broken = bytearray(data)
            broken[at] ^= 1 << rng.randrange(8)
            path.write_bytes(broken)
            try:
                Index(small.path)
            except IndexFormatError as error:
                assert path.name in str(error)
        path.write_bytes(data)


@pytest.mark.parametrize("name", ["refs.parquet", "text.parquet"])
def test_verify_names_a_file_that_is_gone(small: Index, name: str) -> None:
    (small.segments[0].folder / name).unlink()
    (sentence,) = Index(small.path).verify()
    assert name in sentence


def test_refs_that_are_gone_are_a_sentence(small: Index) -> None:
    (small.segments[0].folder / "refs.parquet").write_bytes(b"PAR1")
    with pytest.raises(IndexFormatError, match=r"refs\.parquet"):
        Index(small.path).refs(["ref_id"])


def test_texts_that_are_damaged_are_a_sentence(small: Index) -> None:
    (small.segments[0].folder / "text.parquet").write_bytes(b"PAR1")
    with pytest.raises(IndexFormatError, match=r"text\.parquet"):
        Index(small.path).text_of(0)
