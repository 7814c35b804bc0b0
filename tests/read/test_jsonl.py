"""JSON lines: the native path does what the path line by line does, whatever stands in the lines."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from read.reading import jsonl, read_all, texts

from provscan.errors import ColumnError, InputError
from provscan.read import ReadOptions, plan
from provscan.read import jsonl as reader
from provscan.read import lines as lines_module
from provscan.read.json_native import NativeParser
from provscan.read.lines import Block, Oversize, blocks

# (line, the id and text it gives, or a part of the reason why it gives none); blank lines give None
CASES: list[tuple[bytes, tuple[str | None, str] | str | None]] = [
    (b'{"id": "a", "text": "good"}', ("a", "good")),
    (b'{"id": 7, "text": "number id"}', ("7", "number id")),
    (b'{"id": -0, "text": "zero"}', ("0", "zero")),
    (b'{"id": 123456789012345678901234567890, "text": "long id"}', ("123456789012345678901234567890", "long id")),
    (b'{"id": 1.50, "text": "float id"}', ("1.50", "float id")),
    (b'{"id": true, "text": "bool id"}', ("true", "bool id")),
    (b'{"id": null, "text": "null id"}', (None, "null id")),
    (b'{"id": [1], "text": "list id"}', (None, "list id")),
    (b'{"text": "no id"}', (None, "no id")),
    (b'{"text": ""}', (None, "")),
    (b'{"text": "first", "text": "last"}', (None, "last")),
    (b'{"text": "x", "n": {"text": 1}, "l": [{"text": null}]}', (None, "x")),
    (
        '{"text": "\u2028 \u2029 \u0085 \x7f é 中 \U0001f600"}'.encode(),
        (None, "\u2028 \u2029 \u0085 \x7f é 中 \U0001f600"),
    ),
    (b'{"text": "\\u2028 \\ud83d\\ude00 \\/ \\n \\u0000"}', (None, "\u2028 \U0001f600 / \n \0")),
    (b'{"\\u0074ext": "escaped key"}', (None, "escaped key")),
    (b'  {"text": "spaces"}  ', (None, "spaces")),
    (b'\t{"text": "return"}\r', (None, "return")),
    (b'{"text": "return"}\r', (None, "return")),
    (b'{"text": "a } null b"}', (None, "a } null b")),
    (b'{"text": "inf", "x": Inf, "y": NaN, "z": -Infinity}', (None, "inf")),
    (b'{"text": "big", "x": 1e99999}', (None, "big")),
    (b'{"text": "digits", "x": ' + b"1" * 5000 + b"}", (None, "digits")),
    (b'{"text": "deep", "x": ' + b"[" * 3000 + b"]" * 3000 + b"}", (None, "deep")),
    (b'{"text": "other lone surrogate", "x": "\\ud800"}', (None, "other lone surrogate")),
    (b'{"id": "a\\ud800b", "text": "lone surrogate id"}', ("a\ufffdb", "lone surrogate id")),
    (b"", None),
    (b" \t", None),
    (b"\r", None),
    (b'{"text": "\\ud800"}', "lone surrogate"),
    (b'{"text": "x\\udc00"}', "lone surrogate"),
    (b'{"text": "\xff"}', "invalid UTF-8 at byte 10"),
    (b'{"text": "\xed\xa0\x80"}', "invalid UTF-8"),
    (b'{"text": "x", "other": "\xc3"}', "invalid UTF-8"),
    (b'{"text": null}', "text is null"),
    (b'{"text": 5}', "text is int, not a string"),
    (b'{"text": 5.5}', "text is float, not a string"),
    (b'{"text": false}', "text is bool, not a string"),
    (b'{"text": ["a"]}', "text is list, not a string"),
    (b'{"text": {"a": 1}}', "text is object, not a string"),
    (b"{}", "no field 'text'"),
    (b'{"id": "i"}', "no field 'text'"),
    (b"null", "not an object"),
    (b"[1, 2]", "not an object"),
    (b'"text"', "not an object"),
    (b"5", "not an object"),
    (b'{"text": "a"}null', "bad JSON"),
    (b'{"text": "a"} null {"text": "b"}', "bad JSON"),
    (b'{"text": "a"}{"text": "b"}', "bad JSON"),
    (b'{"text": "a"},', "bad JSON"),
    (b'{"text": "a",', "bad JSON"),
    (b'"id": "b"}', "bad JSON"),
    (b'{"text": "a",}', "bad JSON"),
    (b'{"text": "open', "bad JSON"),
    (b'{"text": "a\x00b"}', "bad JSON"),
    (b'{"text": "a"}\x00}', "bad JSON"),
    (b'{"text": "a\tb"}', "bad JSON"),
    (b'{"text": "\\q"}', "bad JSON"),
    (b"{'text': 'a'}", "bad JSON"),
    (b'\xef\xbb\xbf{"text": "bom"}', "bad JSON"),
]


def _expected(cases, first_line=0):
    records, rejected = [], []
    for number, (_, outcome) in enumerate(cases, first_line):
        if isinstance(outcome, tuple):
            records.append((number, *outcome))
        elif isinstance(outcome, str):
            rejected.append((f"line {number + 1}", outcome))
    return records, rejected


def _check(path, cases, end=b"\n", **options):
    # a first line that shows both columns, whatever follows
    path.write_bytes(b'{"id": "0", "text": "0"}\n' + b"\n".join(line for line, _ in cases) + end)
    records, rejected = read_all(path, **options)
    good, bad = _expected(cases, 1)
    assert [(r["row"], r["id"], r["text"]) for r in records] == [(0, "0", "0"), *good]
    assert [r.position for r in rejected] == [position for position, _ in bad]
    for rejection, (_, part) in zip(rejected, bad, strict=True):
        assert part in rejection.reason
    return records, rejected


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case[0][:30]))
def test_line_alone_and_among_good_ones(tmp_path, case):
    good = (b'{"id": "g", "text": "g"}', ("g", "g"))
    _check(tmp_path / "a.jsonl", [case])
    _check(tmp_path / "a.jsonl", [good, case, good])
    _check(tmp_path / "a.jsonl", [good, case], end=b"")


@given(st.lists(st.sampled_from(CASES), max_size=40), st.sampled_from([b"\n", b"", b"\r\n"]))
def test_native_path_equals_line_by_line(tmp_path_factory, cases, end):
    path = tmp_path_factory.mktemp("j") / "a.jsonl"
    native = _check(path, cases, end, metadata=("id2",), meta={"id2": "id"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader._LineReader, "_fast", lambda self, block: None)
        slow = _check(path, cases, end, metadata=("id2",), meta={"id2": "id"})
        patch.undo()
        patch.setattr(reader, "PIECE_BYTES", 30)
        pieces = _check(path, cases, end, metadata=("id2",), meta={"id2": "id"})
    assert native == slow == pieces


@given(st.lists(st.sampled_from([c for c in CASES if b"Inf" not in c[0]]), max_size=30), st.binary(max_size=30))
def test_any_bytes_never_raise(tmp_path_factory, cases, noise):
    path = tmp_path_factory.mktemp("j") / "a.jsonl"
    _, rejected = _check(path, cases)
    data = path.read_bytes() + noise
    path.write_bytes(data)
    records, rejected = read_all(path)
    lines = data.split(b"\n")
    blank = sum(not line.strip(b" \t\r") for line in lines)
    assert len(records) + len(rejected) == len(lines) - blank


@given(st.integers(1, 400), st.integers(1, 300), st.integers(1, 5))
def test_byte_ranges_equal_one_unit(tmp_path_factory, unit_bytes, batch_bytes, batch_rows):
    path = tmp_path_factory.mktemp("j") / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + b"\n".join(line for line, _ in CASES if len(line) < 100))
    whole = read_all(path)
    assert read_all(path, unit_bytes=unit_bytes, batch_bytes=batch_bytes, batch_rows=batch_rows) == whole
    units = plan([str(path)], ReadOptions(unit_bytes=unit_bytes)).units
    assert units[0].start == 0 and units[-1].stop in (None, path.stat().st_size)
    assert all(left.stop == right.start for left, right in zip(units, units[1:], strict=False))


def test_good_block_is_native(tmp_path, monkeypatch):
    declined = []
    parse = NativeParser.parse

    def spy(self, block):
        parsed = parse(self, block)
        declined.append(parsed is None)
        return parsed

    monkeypatch.setattr(NativeParser, "parse", spy)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"id": 1, "text": "a", "ok": true}\r\n\n{"text": "b", "x": [null, {"id": 2}]}\n' * 10)
    assert texts(path, metadata=("ok",)) == ["a", "b"] * 10
    assert declined == [False]


def test_one_bad_line_costs_one_piece(tmp_path, monkeypatch):
    slow = []
    by_line = reader._LineReader._slow
    monkeypatch.setattr(
        reader._LineReader, "_slow", lambda self, block: slow.append(len(block.data)) or by_line(self, block)
    )
    good = jsonl([{"text": "word " * 20}]) * 20000
    path = tmp_path / "a.jsonl"
    path.write_bytes(good[: len(good) // 2].rsplit(b"\n", 1)[0] + b"\nbad\n" + good)
    records, rejected = read_all(path)
    assert len(rejected) == 1 and len(slow) == 1 and slow[0] <= reader.PIECE_BYTES
    assert [r["row"] for r in records] == [i for i in range(len(records) + 1) if i != int(rejected[0].position[5:]) - 1]


def test_nested_text_and_metadata(tmp_path):
    path = tmp_path / "log.jsonl"
    rows = [
        {"custom_id": "r1", "response": {"body": {"text": "deep", "model": "m"}}, "n": 1},
        {"custom_id": "r2", "response": {"body": {"text": None}}},
        {"custom_id": "r3", "response": None},
        {"custom_id": "r4", "response": "x"},
        {"custom_id": "r5", "response": {"body": {"model": "m"}}},
        {"custom_id": "r6", "response": {"body": {"text": "more"}}},
    ]
    path.write_bytes(jsonl(rows))
    options = {"text": "response.body.text", "id": "custom_id", "metadata": ("model", "n")}
    records, rejected = read_all(path, meta={"model": "response.body.model"}, **options)
    assert [(r["id"], r["text"], r["model"], r["n"]) for r in records] == [
        ("r1", "deep", "m", "1"),
        ("r6", "more", None, None),
    ]
    no_field = "no field 'response.body.text'"
    assert [(r.position, r.reason) for r in rejected] == [
        ("line 2", "text is null"),
        ("line 3", no_field),
        ("line 4", no_field),
        ("line 5", no_field),
    ]


def test_literal_dotted_name_wins(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(jsonl([{"a": {"b": "nested"}, "a.b": "literal"}]))
    assert texts(path, text="a.b") == ["literal"]


def test_sparse_id_beyond_the_first_lines(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(jsonl([{"text": "a"}] * 150 + [{"text": "b", "id": "late", "model": 5}]))
    records, _ = read_all(path, metadata=("model",))
    assert (records[-1]["id"], records[-1]["model"]) == ("late", "5")


def test_path_wanted_as_value_and_as_object(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(jsonl([{"r": {"t": "a"}}, {"r": {"t": "b"}}]))
    records, _ = read_all(path, text="r.t", metadata=("whole",), meta={"whole": "r"})
    assert [(r["text"], r["whole"]) for r in records] == [("a", None), ("b", None)]


def test_missing_column_lists_nested_names(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(jsonl([{"a": {"b": 1}}, {"c": 2}]))
    with pytest.raises(ColumnError, match=r"no column 'body'; it has: a, a\.b, c\. Name the text column with --text"):
        plan([str(path)], ReadOptions(text="body"))


def test_oversize_line_is_skipped_in_bounded_memory(tmp_path, monkeypatch):
    limit = 1 << 20
    monkeypatch.setattr(lines_module.blocks, "__defaults__", (limit,))
    monkeypatch.setattr(reader, "MAX_RECORD_BYTES", limit)
    good = jsonl([{"text": "good"}])
    path = tmp_path / "a.jsonl"
    path.write_bytes(good + b'{"text": "' + b"x" * (3 * limit) + b'"}\n' + good + b"y" * (2 * limit))
    records, rejected = read_all(path)
    assert [r["row"] for r in records] == [0, 2]
    assert [r.position for r in rejected] == ["line 2", "line 4"]
    assert all("longer than 1048576 bytes" in r.reason for r in rejected)
    assert (records, rejected) == read_all(path, unit_bytes=limit)


@given(
    st.lists(st.binary(max_size=12).map(lambda b: b.replace(b"\n", b"x")), max_size=20),
    st.integers(1, 9),
    st.integers(1, 30),
    st.booleans(),
)
def test_blocks_by_any_chunks(lines, chunk, block_bytes, end):
    data = b"\n".join(lines) + (b"\n" if end else b"")
    pieces = [data[i : i + chunk] for i in range(0, len(data), chunk)]
    seen: dict[int, bytes | None] = {}
    for block in blocks(pieces, 5, block_bytes, 9):
        if isinstance(block, Oversize):
            seen[block.line] = None
            continue
        assert list(block.ends) == [i for i, byte in enumerate(block.data) if byte == 10]
        for number, line in enumerate(block.data.removesuffix(b"\n").split(b"\n"), block.line):
            seen[number] = line
    expected = data.removesuffix(b"\n").split(b"\n") if data else []
    assert seen == {i: line if len(line) <= 9 else None for i, line in enumerate(expected, 5)}


@pytest.mark.parametrize(
    "lines",
    [
        [b'{"text": "a"}{"text": "b"}', b'{"text": "c", "x":', b'{"y": 1}}'],
        [b'{"text": "a"}{"text": "b"}', b'{"text": "c",', b'"id": "d"}'],
        [b'{"text": "a"}{"text": "b"}', b'{"text": "c"}\x00}', b'{"text": "d"}'],
        [b'{"text": "a"}', b'\xef\xbb\xbf{"text": "b"}'],
    ],
)
def test_native_parser_declines_objects_that_are_not_lines(lines):
    """As many objects as lines, but not one in each: the rows would be wrong and nothing would say so."""
    assert NativeParser(plan_columns()).parse(Block.of(0, b"\n".join(lines) + b"\n")) is None


def test_native_parser_survives_null_outside_objects():
    columns = plan_columns()
    for line in (b"null\n", b'{"text":"a"}null}\n', b'{"text":"a"} null {"text":"b"}\n', b'{"text":"a"}\t\rnull{}\n'):
        assert NativeParser(columns).parse(Block.of(0, line)) is None


def plan_columns():
    from provscan.read.columns import Columns

    return Columns(("text",), ("id",), (), ())


def test_file_that_shrank_after_planning(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(jsonl([{"text": "word " * 10}]) * 100)
    options = ReadOptions(unit_bytes=2000)
    units = plan([str(path)], options).units
    path.write_bytes(path.read_bytes()[: units[1].start + 1000])
    rejected = []
    rows = sum(batch.num_rows for unit in units[:3] for batch in unit.batches(options, rejected.append))
    assert rows == units[1].first_row + 1000 // len(jsonl([{"text": "word " * 10}]))
    assert len(rejected) == 2 and all("bytes before where it ended" in r.reason for r in rejected)


@pytest.mark.parametrize("options", [{"batch_rows": 0}, {"unit_bytes": -1}, {"metadata": ("id",)}])
def test_options_are_checked(options):
    with pytest.raises(InputError):
        ReadOptions(**options)


def test_units_are_picklable_and_deterministic(tmp_path):
    import pickle

    path = tmp_path / "a.jsonl"
    path.write_bytes(jsonl([{"text": json.dumps(i)} for i in range(100)]))
    options = ReadOptions(unit_bytes=300)
    first, second = plan([str(path)], options), plan([str(path)], options)
    assert first == second and len(first.units) > 3
    assert pickle.loads(pickle.dumps(first.units)) == first.units


def test_units_in_threads_equal_units_in_turn(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join(line for line, _ in CASES * 30))
    options = ReadOptions(unit_bytes=3000)
    units = plan([str(path)], options).units

    def read(unit):
        rejected = []
        return [batch.to_pylist() for batch in unit.batches(options, rejected.append)], rejected

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, units)) == [read(unit) for unit in units]
