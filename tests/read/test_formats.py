"""Every format through every compression gives the same records; content decides, not the name."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from read.reading import COMPRESSORS, jsonl, read_all, texts

from provscan.read import plan

RECORDS = [
    {"id": "a", "text": "plain words", "model": "m1"},
    {"id": "b", "text": 'two\nlines, a comma and "quotes"', "model": "m2"},
    {"id": "c", "text": "separators \u2028 \u2029 \u0085 \x0b \x0c inside", "model": "m3"},
    {"id": "d", "text": "", "model": "m4"},
    {"id": "e", "text": "中文 \U0001f600 a\u0301 \x00 nul", "model": "m5"},
]


def _csv(delimiter: str) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "text", "model"])
    writer.writerows([r["id"], r["text"], r["model"]] for r in RECORDS)
    return out.getvalue().encode()


def _arrow(new: object) -> bytes:
    sink = io.BytesIO()
    table = pa.Table.from_pylist(RECORDS)
    with new(sink, table.schema) as writer:  # type: ignore[operator]
        writer.write_table(table, max_chunksize=2)
    return sink.getvalue()


FORMATS = {
    "jsonl": jsonl(RECORDS),
    "jsonl-escaped": b"".join(json.dumps(r).encode() + b"\r\n" for r in RECORDS),
    "json": json.dumps(RECORDS, indent=2).encode(),
    "csv": _csv(","),
    "tsv": _csv("\t"),
    "arrow": _arrow(pa.ipc.new_file),
    "arrows": _arrow(pa.ipc.new_stream),
}


@pytest.mark.parametrize("format", FORMATS)
def test_read_every_format_and_compression(tmp_path, format, compression):
    suffix, compress = compression
    path = tmp_path / f"data.{format}{suffix}"
    path.write_bytes(compress(FORMATS[format]))
    records, rejected = read_all(path, metadata=("model", "key"))
    assert rejected == []
    expected = [{"path": str(path), "row": i, **r, "key": None} for i, r in enumerate(RECORDS)]
    assert records == expected


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "zstd", "brotli", "lz4"])
def test_read_parquet_every_codec(tmp_path, codec):
    path = tmp_path / "misnamed.jsonl"
    pq.write_table(pa.Table.from_pylist(RECORDS), path, compression=codec)
    assert texts(path) == [r["text"] for r in RECORDS]


@pytest.mark.parametrize("format", ["jsonl", "json", "arrow", "arrows"])
def test_read_misnamed(tmp_path, format):
    path = tmp_path / "data.bin"
    path.write_bytes(FORMATS[format])
    assert texts(path) == [r["text"] for r in RECORDS]


def test_read_compression_by_content(tmp_path):
    path = tmp_path / "data.jsonl"  # without an end that tells
    for suffix, compress in COMPRESSORS.items():
        path.write_bytes(compress(FORMATS["jsonl"]))
        assert len(texts(path)) == len(RECORDS), suffix


def test_read_concatenated_members(tmp_path, compression):
    suffix, compress = compression
    path = tmp_path / f"data.jsonl{suffix}"
    path.write_bytes(b"".join(compress(jsonl([r])) for r in RECORDS))
    assert texts(path) == [r["text"] for r in RECORDS]


def test_read_plain_text_and_bom(tmp_path, compression):
    suffix, compress = compression
    path = tmp_path / f"essay.txt{suffix}"
    path.write_bytes(compress("\ufeffone\r\ntwo \x00 {".encode()))
    records, rejected = read_all(path)
    assert rejected == []
    assert [(r["row"], r["id"], r["text"]) for r in records] == [(0, path.name, "one\r\ntwo \x00 {")]


def test_read_jsonl_after_a_broken_first_line(tmp_path):
    path = tmp_path / "data.jsonl"
    path.write_bytes(b"oops\n" + jsonl(RECORDS))
    records, rejected = read_all(path)
    assert len(records) == len(RECORDS)
    assert [r.position for r in rejected] == ["line 1"]


@pytest.mark.parametrize("stored", [b"", COMPRESSORS[".gz"](b""), COMPRESSORS[".zst"](b""), COMPRESSORS[".bz2"](b"")])
def test_plan_empty_file(tmp_path, stored):
    path = tmp_path / "empty.jsonl"
    path.write_bytes(stored)
    (rejected,) = plan([str(path)]).rejected
    assert (rejected.position, rejected.reason) == ("file", "file is empty")


@pytest.mark.parametrize(
    ("head", "word"), [(b"PK\x03\x04", "zip"), (b"%PDF-1.7", "PDF"), (b"\xff\xfeh\x00", "UTF-16"), (b"Obj\x01", "Avro")]
)
def test_plan_unsupported_kind_is_named(tmp_path, head, word):
    path = tmp_path / "thing.txt"
    path.write_bytes(head + b"\0" * 100)
    (rejected,) = plan([str(path)]).rejected
    assert word in rejected.reason


def test_plan_parquet_inside_gzip(tmp_path):
    pq.write_table(pa.Table.from_pylist(RECORDS), tmp_path / "a")
    (tmp_path / "a.gz").write_bytes(COMPRESSORS[".gz"]((tmp_path / "a").read_bytes()))
    (rejected,) = plan([str(tmp_path / "a.gz")]).rejected
    assert "Parquet inside gzip" in rejected.reason


def test_import_is_light():
    heavy = ["pyarrow.csv", "pyarrow.json", "pyarrow.parquet", "fsspec", "zstandard", "orjson"]
    code = f"import sys, provscan.read; print([m for m in {heavy!r} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
