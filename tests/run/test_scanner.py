"""The library: batches of every shape in, rows of the two schemas out."""

from __future__ import annotations

import pyarrow as pa
import pytest
from making import make_index, references

import provscan
from provscan import Index, Scanner
from provscan.errors import ColumnError
from provscan.schema import DOCUMENTS, HITS

pytestmark = pytest.mark.compiled

TEXTS = [references()[0]["text"], "nothing to see", "", references()[150]["text"], "…"]
VERDICTS = ["match", "clean", "abstain", "match", "abstain"]
TOPS = [references()[0]["id"], None, None, references()[150]["id"], None]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return make_index(tmp_path_factory.mktemp("scanner") / "index", references())


@pytest.fixture(scope="module")
def scanner(index: Index) -> Scanner:
    return Scanner(index)


def test_public_names() -> None:
    from provscan import Index, Scanner, ScanOptions, scan  # noqa: F401

    assert set(provscan.__all__) == {"Index", "ScanOptions", "Scanner", "__version__", "scan"}
    assert all(getattr(provscan, name) for name in provscan.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        provscan.nothing  # noqa: B018


@pytest.mark.parametrize("type", [pa.string(), pa.large_string()])
def test_scan_batch_text_only(scanner: Scanner, type: pa.DataType) -> None:
    result = scanner.scan_batch(pa.record_batch({"text": pa.array(TEXTS, type)}))
    assert result.documents.schema.equals(DOCUMENTS)
    assert result.hits.schema.equals(HITS)
    result.documents.validate(full=True)
    result.hits.validate(full=True)
    rows = result.documents.to_pylist()
    assert [r["row"] for r in rows] == [0, 1, 2, 3, 4]
    assert [r["verdict"] for r in rows] == VERDICTS
    assert [r["top_ref"] for r in rows] == TOPS
    assert {(r["path"], r["id"]) for r in rows} == {("", None)}
    assert [(h["row"], h["ref_id"]) for h in result.hits.to_pylist()] == [(0, TOPS[0]), (3, TOPS[3])]


def test_scan_batch_absent_values_are_null(scanner: Scanner) -> None:
    rows = scanner.scan_batch(pa.record_batch({"text": TEXTS})).documents.to_pylist()
    match, clean, empty = rows[:3]
    assert match["reason"] is clean["reason"] is None
    assert (clean["coverage"], clean["bits"], clean["top_ref"], clean["top_model"]) == (0, None, None, None)
    assert (empty["tokens"], empty["coverage"], empty["bits"], empty["lang"]) == (0, None, None, None)
    assert empty["reason"] == "no words or characters to compare"
    assert match["top_model"] == references()[0]["model"]
    assert {r["style_score"] for r in rows} == {r["style_p"] for r in rows} == {None}


def test_scan_batch_path_row_and_id(scanner: Scanner) -> None:
    batch = pa.record_batch(
        {
            "id": pa.array(["a", None, "c", "d", "d"]),
            "row": pa.array([5, 9, 11, 1 << 40, 3]),
            "path": ["x", "x", "y", "z", "z"],
            "text": TEXTS,
        }
    )
    result = scanner.scan_batch(batch, "ignored")
    assert result.documents.select(["path", "row", "id"]).to_pylist() == batch.select(["path", "row", "id"]).to_pylist()
    assert [(h["path"], h["row"], h["id"]) for h in result.hits.to_pylist()] == [("x", 5, "a"), ("z", 1 << 40, "d")]
    rows = scanner.scan_batch(batch.drop_columns(["path"]), "given").documents.to_pylist()
    assert {r["path"] for r in rows} == {"given"}


@pytest.mark.parametrize("type", [pa.string(), pa.large_string()])
@pytest.mark.parametrize(("offset", "length"), [(0, 5), (1, 4), (3, 1), (2, 2), (5, 0), (0, 0)])
def test_scan_batch_slices(scanner: Scanner, type: pa.DataType, offset: int, length: int) -> None:
    whole = pa.record_batch({"row": pa.array(range(5)), "text": pa.array(TEXTS, type), "id": list("abcde")})
    expected = scanner.scan_batch(whole)
    result = scanner.scan_batch(whole.slice(offset, length))
    assert result.documents.to_pylist() == expected.documents.to_pylist()[offset : offset + length]
    wanted = [h for h in expected.hits.to_pylist() if offset <= h["row"] < offset + length]
    assert result.hits.to_pylist() == wanted


@pytest.mark.parametrize("type", [pa.string(), pa.large_string()])
def test_scan_batch_empty(scanner: Scanner, type: pa.DataType) -> None:
    result = scanner.scan_batch(pa.record_batch({"text": pa.array([], type)}))
    assert (len(result.documents), len(result.hits)) == (0, 0)
    assert result.documents.schema.equals(DOCUMENTS)
    assert result.hits.schema.equals(HITS)


@pytest.mark.parametrize(
    "text",
    [pa.array([1, 2]), pa.array([b"bytes"]), pa.array(["a"]).dictionary_encode(), pa.nulls(2), pa.array([["a"]])],
)
def test_scan_batch_wrong_type(scanner: Scanner, text: pa.Array) -> None:
    with pytest.raises(TypeError, match="not string or large_string") as error:
        scanner.scan_batch(pa.record_batch({"text": text}))
    assert str(text.type) in str(error.value)


def test_scan_batch_without_text(scanner: Scanner) -> None:
    with pytest.raises(ColumnError, match="no column 'text'; it has: body, id"):
        scanner.scan_batch(pa.record_batch({"body": ["a"], "id": ["b"]}))


def test_scan_batch_is_repeatable_and_shared_by_threads(scanner: Scanner) -> None:
    from concurrent.futures import ThreadPoolExecutor

    batch = pa.record_batch({"text": [row["text"] for row in references()]})
    expected = scanner.scan_batch(batch)
    with ThreadPoolExecutor(4) as pool:
        for result in pool.map(lambda _: scanner.scan_batch(batch), range(12)):
            assert result.documents.equals(expected.documents)
            assert result.hits.equals(expected.hits)


def test_scan_batch_hits_are_grouped_by_document(scanner: Scanner) -> None:
    one, two = references()[0]["text"], references()[1]["text"]
    texts = [one + two, two, two + " " + one + " " + references()[2]["text"]]
    hits = scanner.scan_batch(pa.record_batch({"text": texts})).hits.to_pylist()
    assert [h["row"] for h in hits] == [0, 0, 1, 2, 2, 2]
    for row in (0, 2):
        bits = [h["bits"] for h in hits if h["row"] == row]
        assert bits == sorted(bits, reverse=True)
