"""Compressed streams that are cut, flipped or bombs: what comes before the damage is read, then it is reported."""

from __future__ import annotations

import random
import tracemalloc

import pytest
from read.reading import COMPRESSORS, jsonl, read_all

from provscan.errors import ColumnError
from provscan.read import ReadOptions, plan
from provscan.read.decompress import CHUNK, Damaged, chunks, compression_of

COMPRESSED = [suffix for suffix in COMPRESSORS if suffix]


def _records(count: int) -> list[dict[str, str]]:
    rng = random.Random(11)
    return [{"id": str(i), "text": " ".join(rng.choices("abcdefghijklm", k=50))} for i in range(count)]


@pytest.mark.parametrize("suffix", COMPRESSED)
@pytest.mark.parametrize("keep", [0.3, 0.9, 0.999])
def test_truncated_stream(tmp_path, suffix, keep):
    rows = _records(20000)
    data = COMPRESSORS[suffix](jsonl(rows))
    path = tmp_path / f"cut.jsonl{suffix}"
    path.write_bytes(data[: int(len(data) * keep)])
    records, rejected = read_all(path)
    assert [r["text"] for r in records] == [r["text"] for r in rows[: len(records)]]
    if records:
        # a whole block of the codec may be lost with its end, never more
        assert len(records) > 20000 * keep * (0.3 if suffix in (".bz2", ".xz") else 0.8)
        (rejection,) = rejected
        assert rejection.position == f"after line {len(records)}" and "damaged" in rejection.reason
    else:
        assert len(rejected) == 1


@pytest.mark.parametrize("suffix", COMPRESSED)
def test_every_truncation_is_noticed(tmp_path, suffix):
    data = COMPRESSORS[suffix](jsonl(_records(3)))
    path = tmp_path / f"cut.jsonl{suffix}"
    for size in range(12, len(data)):
        path.write_bytes(data[:size])
        _, rejected = read_all(path)
        assert len(rejected) == 1, size


@pytest.mark.parametrize("suffix", COMPRESSED)
def test_damage_in_the_second_member_keeps_the_first(tmp_path, suffix):
    rows = _records(500)
    first, second = COMPRESSORS[suffix](jsonl(rows)), bytearray(COMPRESSORS[suffix](jsonl(rows)))
    second[: len(second) // 2] = b"\xaa" * (len(second) // 2)
    path = tmp_path / f"two.jsonl{suffix}"
    path.write_bytes(first + second)
    records, rejected = read_all(path)
    assert [r["id"] for r in records] == [r["id"] for r in rows]
    assert [r.position for r in rejected] == ["after line 500"]


def test_gzip_damage_loses_nothing_before_it(tmp_path):
    rows = _records(5000)
    data = bytearray(COMPRESSORS[".gz"](jsonl(rows)))
    data[-8] ^= 1  # the checksum: all of the data is there
    path = tmp_path / "crc.jsonl.gz"
    path.write_bytes(data)
    records, rejected = read_all(path)
    assert len(records) == 5000
    assert [r.position for r in rejected] == ["after line 5000"] and "incorrect data check" in rejected[0].reason


@pytest.mark.parametrize("suffix", COMPRESSED)
@pytest.mark.parametrize("seed", range(8))
def test_any_flip_never_raises(tmp_path, suffix, seed):
    rng = random.Random(seed)
    rows = _records(2000)
    data = bytearray(COMPRESSORS[suffix](jsonl(rows)))
    for _ in range(3):
        data[rng.randrange(20, len(data))] ^= 1 << rng.randrange(8)
    path = tmp_path / f"flip.jsonl{suffix}"
    path.write_bytes(data)
    try:
        records, rejected = read_all(path)
    except ColumnError:
        return  # the damage hit every name in the first lines
    assert len(records) + len(rejected) > 0
    assert read_all(path, batch_bytes=1000) == (records, rejected)


@pytest.mark.parametrize("suffix", [".gz", ".xz"])
def test_zero_padding_after_a_member(tmp_path, suffix):
    path = tmp_path / f"padded.jsonl{suffix}"
    path.write_bytes(COMPRESSORS[suffix](jsonl(_records(3))) + bytes(512) + COMPRESSORS[suffix](jsonl(_records(2))))
    records, rejected = read_all(path)
    assert len(records) == 5 and rejected == []


@pytest.mark.parametrize("suffix", COMPRESSED)
def test_bomb_stays_small_in_memory(tmp_path, suffix):
    line = b'{"text": "after"}\n'
    path = tmp_path / f"bomb.jsonl{suffix}"
    path.write_bytes(COMPRESSORS[suffix](b'{"text": "' + bytes(200 << 20) + b'"}\n' + line))
    tracemalloc.start()
    records, rejected = read_all(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(r["row"], r["text"]) for r in records] == [(1, "after")]
    assert [r.position for r in rejected] == ["line 1"]
    assert peak < 100 << 20


@pytest.mark.parametrize("suffix", COMPRESSED)
def test_chunks_are_bounded_and_whole(tmp_path, suffix):
    data = random.Random(1).randbytes(100_000) + bytes(3 << 20)
    path = tmp_path / "a"
    path.write_bytes(COMPRESSORS[suffix](data))
    compression = compression_of(path.read_bytes()[:64])
    pieces = list(chunks(str(path), compression))
    assert b"".join(pieces) == data and max(map(len, pieces)) <= CHUNK


def test_damage_says_where(tmp_path):
    data = COMPRESSORS[".gz"](random.Random(2).randbytes(50_000))
    path = tmp_path / "a"
    path.write_bytes(data[:30_000])
    with pytest.raises(Damaged) as caught:
        for _ in chunks(str(path), "gzip"):
            pass
    assert caught.value.offset == 30_000


@pytest.mark.parametrize("name", ["a.csv", "a.txt"])
def test_cut_text_and_csv_give_what_is_there(tmp_path, name):
    body = "é" * 3 + "".join(f"{i},text {random.Random(i).random()} é\n" for i in range(3000))
    data = COMPRESSORS[".gz"](("id,text\n" + body).encode())
    path = tmp_path / (name + ".gz")
    path.write_bytes(data[: len(data) // 2])
    records, (rejection,) = read_all(path)
    assert records and "damaged gzip stream" in rejection.reason
    if name == "a.txt":
        assert ("id,text\n" + body).startswith(records[0]["text"])
        assert rejection.position == f"byte {len(data) // 2}"
    else:
        assert rejection.position == f"after row {records[-1]['row']}"


def test_file_that_vanishes_or_is_replaced_after_planning(tmp_path):
    for name in ("a.jsonl", "b.jsonl.gz", "c.txt"):
        suffix = ".gz" if name.endswith(".gz") else ""
        (tmp_path / name).write_bytes(COMPRESSORS[suffix](jsonl(_records(3))))
    units = plan([str(tmp_path)], ReadOptions()).units
    for unit in units:
        (tmp_path / unit.path).unlink()
        rejected = []
        assert list(unit.batches(ReadOptions(), rejected.append)) == []
        assert [(r.position, r.reason) for r in rejected] == [("file", "No such file or directory")]
