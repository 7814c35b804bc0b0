"""Parquet and Arrow IPC: types, nested columns, row groups, damaged pages."""

from __future__ import annotations

import datetime as dt
import random
from contextlib import suppress

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from read.reading import read_all, texts

from provscan.errors import ColumnError
from provscan.read import ReadOptions, arrays, plan
from provscan.read.utf8 import invalid_rows

WORDS = ["alpha", "", "中文", "x" * 50, "\U0001f600 \u2028 \0"]


def _write(table: pa.Table, path, format: str) -> None:
    if format == "parquet":
        pq.write_table(table, path)
        return
    new = pa.ipc.new_file if format == "arrow" else pa.ipc.new_stream
    with new(str(path), table.schema) as writer:
        writer.write_table(table, max_chunksize=2)


@pytest.fixture(params=["parquet", "arrow", "arrows"])
def format(request):
    return request.param


@pytest.mark.parametrize(
    "type",
    [
        pa.string(),
        pa.large_string(),
        pa.binary(),
        pa.large_binary(),
        pa.string_view(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.dictionary(pa.int8(), pa.large_string()),
    ],
    ids=str,
)
def test_read_text_types(tmp_path, format, type):
    path = tmp_path / "a"
    array = pa.array([*WORDS, None], pa.string())
    array = array.cast(pa.binary()).cast(type) if "binary" in str(type) else array.cast(type)
    _write(pa.table({"text": array, "model": array}), path, format)
    records, rejected = read_all(path, metadata=("model",))
    assert [r["text"] for r in records] == WORDS == [r["model"] for r in records]
    assert [(r.position, r.reason) for r in rejected] == [("row 5", "text is null")]


def test_read_labels_as_text(tmp_path, format):
    moment = dt.datetime(2024, 1, 2, 3, 4, 5)
    table = pa.table(
        {
            "id": pa.array([2**63], pa.uint64()),
            "text": ["t"],
            "naive": pa.array([moment], pa.timestamp("us")),
            "utc": pa.array([moment], pa.timestamp("ms", "UTC")),
            "fraction": pa.array([moment.replace(microsecond=500000)], pa.timestamp("ms")),
            "day": pa.array([moment.date()]),
            "flag": [True],
            "ratio": [0.5],
            "many": [[1, 2]],
        }
    )
    path = tmp_path / "a"
    _write(table, path, format)
    names = ("naive", "utc", "fraction", "day", "flag", "ratio", "many", "model")
    (record,), _ = read_all(path, metadata=names)
    assert record["id"] == "9223372036854775808"
    assert [record[name] for name in names] == [
        "2024-01-02T03:04:05",
        "2024-01-02T03:04:05Z",
        "2024-01-02T03:04:05.500",
        "2024-01-02",
        "true",
        "0.5",
        None,
        None,
    ]


def test_read_nested_columns(tmp_path, format):
    rows = [{"r": {"b": {"t": "deep", "n": 1}}}, {"r": None}, {"r": {"b": None}}, {"r": {"b": {"t": "x", "n": None}}}]
    path = tmp_path / "a"
    _write(pa.Table.from_pylist(rows), path, format)
    records, rejected = read_all(path, text="r.b.t", metadata=("n",), meta={"n": "r.b.n"})
    assert [(r["row"], r["text"], r["n"]) for r in records] == [(0, "deep", "1"), (3, "x", None)]
    assert [r.position for r in rejected] == ["row 1", "row 2"]


def test_literal_dotted_name_wins(tmp_path, format):
    path = tmp_path / "a"
    _write(pa.table({"a": [{"b": "nested"}], "a.b": ["literal"]}), path, format)
    assert texts(path, text="a.b") == ["literal"]


def test_invalid_utf8_costs_its_row(tmp_path, format):
    values = [b"good", b"ab\xff", "é".encode(), b"\xed\xa0\x80", b"\xc3", b"\xa9", b"end"]
    path = tmp_path / "a"
    array = pa.array(values).view(pa.string())
    _write(pa.table({"text": array, "id": array}), path, format)
    records, rejected = read_all(path)
    assert [(r["row"], r["text"]) for r in records] == [(0, "good"), (2, "é"), (6, "end")]
    assert [(r.position, r.reason) for r in rejected] == [
        ("row 1", "invalid UTF-8 at byte 2 of the text"),
        ("row 3", "invalid UTF-8 at byte 0 of the text"),
        ("row 4", "invalid UTF-8 at byte 0 of the text"),
        ("row 5", "invalid UTF-8 at byte 0 of the text"),
    ]


def test_invalid_utf8_in_labels_is_replaced(tmp_path, format):
    path = tmp_path / "a"
    _write(pa.table({"text": ["a", "b"], "id": pa.array([b"caf\xe9", b"ok"]).view(pa.string())}), path, format)
    records, rejected = read_all(path)
    assert [r["id"] for r in records] == ["caf\ufffd", "ok"] and rejected == []


def test_invalid_utf8_in_a_dictionary(tmp_path):
    path = tmp_path / "a"
    array = pa.array([b"ok", b"\xff", b"ok"]).view(pa.string()).dictionary_encode()
    _write(pa.table({"text": array}), path, "arrow")
    records, rejected = read_all(path)
    assert [r["row"] for r in records] == [0, 2] and [r.position for r in rejected] == ["row 1"]


def test_invalid_rows_by_definition():
    rng = random.Random(5)
    pieces = [b"a", b"\xc3\xa9", b"\xff", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b""]
    for _ in range(200):
        values = [b"".join(rng.choices(pieces, [9, 3, 1, 1, 3, 1, 1, 3], k=3)) for _ in range(rng.randrange(20))]

        def bad(value: bytes) -> bool:
            try:
                value.decode()
            except UnicodeDecodeError:
                return True
            return False

        array = pa.array([b"pad", *values], pa.large_binary()).view(pa.large_string()).slice(1)
        assert invalid_rows(array) == [i for i, value in enumerate(values) if bad(value)]


@pytest.mark.parametrize("unit_bytes", [1, 3000, 1 << 30])
@pytest.mark.parametrize("batch_rows", [1, 7, 8192])
def test_row_groups_as_units(tmp_path, unit_bytes, batch_rows):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [f"text {i}" * 10 for i in range(100)]}), path, row_group_size=13)
    options = ReadOptions(unit_bytes=unit_bytes)
    units = plan([str(path)], options).units
    assert len(units) == (8 if unit_bytes == 1 else 1 if unit_bytes == 1 << 30 else len(units))
    assert sum(unit.rows or 0 for unit in units) == 100
    assert texts(path, unit_bytes=unit_bytes, batch_rows=batch_rows) == [f"text {i}" * 10 for i in range(100)]


def test_only_wanted_columns_are_read(tmp_path):
    path = tmp_path / "a.parquet"
    table = pa.table({"text": ["t"] * 1000, "junk": [random.Random(i).randbytes(100) for i in range(1000)]})
    pq.write_table(table, path, compression="none")
    data = bytearray(path.read_bytes())
    start = pq.read_metadata(path).row_group(0).column(1).dictionary_page_offset
    data[start : start + 5000] = bytes(5000)  # whoever reads the other column fails
    path.write_bytes(data)
    assert len(texts(path)) == 1000


@pytest.mark.parametrize("batch_rows", [1, 50, 8192])
def test_corrupt_page_costs_its_row_group(tmp_path, batch_rows):
    rng = random.Random(7)
    path = tmp_path / "a.parquet"
    table = pa.table({"text": ["".join(rng.choices("abcdefgh ", k=200)) for _ in range(3000)]})
    pq.write_table(table, path, row_group_size=1000, compression="zstd", data_page_size=20000, use_dictionary=False)
    column = pq.read_metadata(path).row_group(1).column(0)
    data = bytearray(path.read_bytes())
    middle = column.data_page_offset + column.total_compressed_size // 2
    data[middle : middle + 2000] = bytes(2000)
    path.write_bytes(data)
    records, rejected = read_all(path, batch_rows=batch_rows)
    (rejection,) = rejected
    assert rejection.position == "row group 1"
    assert read_all(path)[0] == records, "what is read must not depend on the batch size"
    rows = [r["row"] for r in records]
    assert set(rows) >= {*range(1000), *range(2000, 3000)}
    assert [r["text"] for r in records] == table["text"].take(rows).to_pylist()


def test_flipped_byte_under_a_checksum_is_found(tmp_path):
    path = tmp_path / "a.parquet"
    options = {"compression": "none", "use_dictionary": False, "write_page_checksum": True}
    pq.write_table(pa.table({"text": ["needle in the haystack"]}), path, **options)
    page = b"\x16\0\0\0needle in"  # its length before it: the page, not a statistic
    assert path.read_bytes().count(page) == 1
    path.write_bytes(path.read_bytes().replace(page, page.replace(b"ee", b"oo")))
    records, rejected = read_all(path)
    assert records == [] and [r.position for r in rejected] == ["row group 0"]


def test_truncated_parquet_is_rejected_and_others_read(tmp_path):
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "good.parquet")
    data = (tmp_path / "good.parquet").read_bytes()
    (tmp_path / "short.parquet").write_bytes(data[:-9])
    (tmp_path / "head.parquet").write_bytes(data[:6])
    (tmp_path / "zero.parquet").write_bytes(b"")
    records, rejected = read_all(tmp_path)
    assert len(records) == 1
    assert [r.path.rsplit("/", 1)[1] for r in rejected] == ["head.parquet", "short.parquet", "zero.parquet"]


@pytest.mark.parametrize("seed", range(30))
def test_any_damage_to_arrow_never_raises(tmp_path, seed):
    rng = random.Random(seed)
    path = tmp_path / "a.arrow"
    format = rng.choice(["arrow", "arrows", "parquet"])
    dictionary = pa.array(["x", "y", "x"] * 20).dictionary_encode()
    _write(pa.table({"text": [f"text {i}" for i in range(60)], "model": dictionary}), path, format)
    data = bytearray(path.read_bytes())
    for _ in range(rng.randrange(1, 4)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    if rng.random() < 0.3:
        del data[rng.randrange(len(data)) :]
    path.write_bytes(data)
    with suppress(ColumnError):  # the damage may hit a name
        read_all(path, metadata=("model",))


def test_bad_offsets_in_arrow_are_rejected(tmp_path):
    offsets = pa.py_buffer(b"".join(n.to_bytes(4, "little") for n in (0, 1 << 20, 4)))
    array = pa.StringArray.from_buffers(2, offsets, pa.py_buffer(b"abcd"))
    path = tmp_path / "a.arrow"
    batch = pa.record_batch({"text": array})
    with pa.ipc.new_file(str(path), batch.schema) as writer:
        writer.write_batch(batch)
    records, rejected = read_all(path)
    assert records == [] and [r.position for r in rejected] == ["record batch 0"]


def test_column_of_another_type(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [1], "text": [5]}), path)
    with pytest.raises(ColumnError, match="no text column"):
        plan([str(path)])
    with pytest.raises(ColumnError, match="column 'a' is int64, not a string"):
        plan([str(path)], ReadOptions(text="a"))


def test_missing_column_names_what_exists(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pq.write_table(pa.table({"a": [1], "b": ["x"]}), "nocol.parquet")
    with pytest.raises(ColumnError) as caught:
        plan(["nocol.parquet"], ReadOptions(text="body"))
    expected = "nocol.parquet has no column 'body'; it has: a, b. Name the text column with --text."
    assert str(caught.value) == expected


def test_missing_column_in_some_files_rejects_those(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"text": ["t"]}), tmp_path / "b.parquet")
    records, rejected = read_all(tmp_path)
    assert len(records) == 1
    assert [r.position for r in rejected] == ["file"] and "it has: a" in rejected[0].reason


def test_named_metadata_column_must_exist_somewhere(tmp_path):
    pq.write_table(pa.table({"text": ["t"], "llm": ["m"]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"text": ["u"]}), tmp_path / "b.parquet")
    records, rejected = read_all(tmp_path, metadata=("model",), meta={"model": "llm"})
    assert [r["model"] for r in records] == ["m", None] and rejected == []
    with pytest.raises(ColumnError, match="no column 'nope'.*--meta"):
        plan([str(tmp_path)], ReadOptions(metadata=("model",), meta={"model": "nope"}))
    with pytest.raises(ColumnError, match="no column 'nope'.*--id"):
        plan([str(tmp_path)], ReadOptions(id="nope"))


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["content", "text"], "text"),
        (["body", "output"], "output"),
        (["Text", "body"], "body"),
        (["x", "TEXT"], "TEXT"),
        (["generated_text", "message"], "generated_text"),
    ],
)
def test_text_column_is_found(tmp_path, names, chosen):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({name: [name] for name in names}), path)
    assert texts(path) == [chosen]


def test_all_null_text_and_empty_table(tmp_path, format):
    path = tmp_path / "a"
    _write(pa.table({"text": pa.nulls(2)}), path, format)
    records, rejected = read_all(path)
    assert records == [] and [r.reason for r in rejected] == ["text is null"] * 2
    _write(pa.table({"text": pa.array([], pa.string())}), path, format)
    assert read_all(path) == ([], [])


def test_large_batches_are_cut_by_bytes(tmp_path, format):
    path = tmp_path / "a"
    _write(pa.table({"text": ["x" * 1000] * 50 + [""] * 50}), path, format)
    options = ReadOptions(batch_bytes=3000)
    (unit,) = plan([str(path)], options).units
    sizes = [sum(map(len, batch["text"].to_pylist())) for batch in unit.batches(options, print)]
    assert max(sizes) <= 6000 and sum(sizes) == 50000


@pytest.mark.parametrize("format", ["parquet", "arrow"])
def test_dictionary_bomb_is_written_out_in_parts(tmp_path, monkeypatch, format):
    monkeypatch.setattr(arrays, "MAX_RECORD_BYTES", 100_000)
    seen = []
    decode = arrays.strings
    monkeypatch.setattr(arrays, "strings", lambda array: seen.append(array) or decode(array))
    path = tmp_path / "a"
    _write(pa.table({"text": pa.array(["x" * 10_000, "y"] * 500).dictionary_encode()}), path, format)
    assert texts(path) == ["x" * 10_000, "y"] * 500
    assert max(len(array) for array in seen) <= 20
