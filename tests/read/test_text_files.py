"""CSV, TSV, JSON arrays and plain text: quoting, ragged rows, broken syntax."""

from __future__ import annotations

import json

import pytest
from read.reading import COMPRESSORS, read_all, texts

from provscan.errors import ColumnError
from provscan.read import ReadOptions, delimited, json_array, plain, plan


def test_ragged_rows_cost_themselves(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'id,text\n1,a\n\n2\n3,"c\nc"\n4,d,x\n,\n6,\xff\n7,"say ""hi"""\n')
    records, rejected = read_all(path)
    assert [(r["row"], r["id"], r["text"]) for r in records] == [
        (0, "1", "a"),
        (2, "3", "c\nc"),
        (4, None, ""),
        (6, "7", 'say "hi"'),
    ]
    assert sorted((r.position, r.reason) for r in rejected) == [
        ("row 1", "the row has 1 fields, the header has 2"),
        ("row 3", "the row has 3 fields, the header has 2"),
        ("row 5", "invalid UTF-8 at byte 0 of the text"),
    ]


@pytest.mark.parametrize("block", [40, 64, 300, 1 << 20])
def test_rows_are_numbered_across_blocks(tmp_path, monkeypatch, block):
    monkeypatch.setattr(delimited, "BLOCK_BYTES", block)
    path = tmp_path / "a.csv"
    lines = ["id,text", *(f"{i},t{i}" if i % 7 else f"{i}" for i in range(300))]
    path.write_text("\n".join(lines))
    records, rejected = read_all(path)
    assert [(r["row"], r["text"]) for r in records] == [(i, f"t{i}") for i in range(300) if i % 7]
    assert [r.position for r in rejected] == [f"row {i}" for i in range(0, 300, 7)]


def test_long_row_is_read_with_larger_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK_BYTES", 64)
    path = tmp_path / "a.csv"
    path.write_text("id,text\n" + "1,a\n" * 40 + "2\n" + f'3,"{"long " * 100}"\n4\n5,b\n')
    records, rejected = read_all(path)
    assert [r["row"] for r in records] == [*range(40), 41, 43]
    assert [r.position for r in rejected] == ["row 40", "row 42"]


def test_row_over_the_limit_costs_the_rest(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK_BYTES", 64)
    monkeypatch.setattr(delimited, "MAX_RECORD_BYTES", 128)
    path = tmp_path / "a.csv"
    path.write_text("id,text\n" + "1,a\n" * 60 + f'3,"{"long " * 100}"\n4,b\n')
    records, rejected = read_all(path)
    (rejection,) = rejected
    assert rejection.position == f"after row {len(records) - 1}" and "longer than 128 bytes" in rejection.reason


@pytest.mark.parametrize("data", [b"id,text", b"id,text\n", b"id,text\r\n"])
def test_header_only(tmp_path, data):
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    assert read_all(path) == ([], [])


def test_csv_bom_and_missing_column(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbfText,n\nhello,1\n")
    assert texts(path) == ["hello"]
    with pytest.raises(ColumnError, match="it has: Text, n"):
        plan([str(path)], ReadOptions(text="body"))


def test_numbers_in_csv_stay_text(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,text,model\n007,1.50,NA\n")
    records, _ = read_all(path, metadata=("model",))
    assert (records[0]["id"], records[0]["text"], records[0]["model"]) == ("007", "1.50", "NA")


def test_array_elements_that_cannot_be_used(tmp_path):
    path = tmp_path / "a.json"
    elements = ['{"text": "a", "id": 1}', "5", "{}", '{"text": null}', '{"text": "\\ud800"}', '{"text": "b"}', '"s"']
    data = "[" + ",\n ".join(elements) + "]\n"
    path.write_bytes(data.encode().replace(b'"b"', b'"b"') + b"")
    records, rejected = read_all(path)
    assert [(r["row"], r["id"], r["text"]) for r in records] == [(0, "1", "a"), (5, None, "b")]
    assert [r.position for r in rejected] == ["row 1", "row 2", "row 3", "row 4", "row 6"]


def test_array_with_invalid_utf8_costs_the_element(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b'[{"text": "a"}, {"text": "\xff"}, {"text": "b"}]')
    records, rejected = read_all(path)
    assert [r["text"] for r in records] == ["a", "b"] and [r.position for r in rejected] == ["row 1"]


@pytest.mark.parametrize(
    ("tail", "word"),
    [
        ('{"text": ', "bad JSON"),
        ('{"text": "c"} {"text": "d"}]', "stands where"),
        ('{"text": "c"}', "no end"),
        ('{"text": "c"}] more', "after the end"),
        ('{"text": oops}, {"text": "d"}]', "bad JSON"),
    ],
)
def test_broken_array_gives_what_comes_before(tmp_path, tail, word):
    path = tmp_path / "a.json"
    path.write_text('[{"text": "a"}, {"text": "b"}, ' + tail)
    records, (rejection,) = read_all(path)
    assert [r["text"] for r in records][:2] == ["a", "b"]
    assert word in rejection.reason and rejection.position == f"after row {len(records) - 1}"


def test_array_element_over_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(json_array, "MAX_RECORD_BYTES", 1 << 20)
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"text": "a"}, {"text": "x" * (3 << 20)}, {"text": "b"}]))
    records, (rejection,) = read_all(path)
    assert [r["text"] for r in records] == ["a"] and "longer than" in rejection.reason


def test_large_array_in_small_pieces(tmp_path):
    path = tmp_path / "a.json.gz"
    elements = [{"text": f"{i} " * (i % 400), "n": [i, {"x": None}]} for i in range(3000)]
    path.write_bytes(COMPRESSORS[".gz"](json.dumps(elements).encode()))
    assert texts(path, batch_bytes=10000) == [element["text"] for element in elements]


def test_empty_array(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(" [ ] \n")
    assert read_all(path) == ([], [])


def test_plain_text_that_is_not_utf8_or_too_long(tmp_path, monkeypatch):
    monkeypatch.setattr(plain, "MAX_RECORD_BYTES", 1000)
    (tmp_path / "a.txt").write_bytes("latin é".encode("latin-1"))
    (tmp_path / "b.txt").write_bytes(b"x" * 1001)
    (tmp_path / "c.md").write_bytes(b"{ not json")
    records, rejected = read_all(tmp_path, text="body")
    assert [(r["id"], r["text"]) for r in records] == [("c.md", "{ not json")]
    assert [(r.position, r.reason) for r in rejected] == [
        ("file", "invalid UTF-8 at byte 6 of the text"),
        ("file", "the text is longer than 1000 bytes"),
    ]
