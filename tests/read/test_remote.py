"""URLs through fsspec: memory:// and a web server on the loopback interface."""

from __future__ import annotations

import functools
import hashlib
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from read.reading import COMPRESSORS, jsonl, read_all, texts

from provscan.errors import InputError
from provscan.read import ReadOptions, digest, plan

ROWS = [{"id": str(i), "text": f"text {i} \u2028 é"} for i in range(200)]
TEXTS = [row["text"] for row in ROWS]


@pytest.fixture
def memory():
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


def test_memory_directory_glob_and_ranges(memory):
    memory.pipe("/in/b.jsonl", jsonl(ROWS))
    memory.pipe("/in/sub/a.jsonl.gz", COMPRESSORS[".gz"](jsonl(ROWS)))
    memory.pipe("/in/_skip/c.jsonl", b"{}")
    assert [file.path for file in plan(["memory://in"]).files] == [
        "memory:///in/b.jsonl",
        "memory:///in/sub/a.jsonl.gz",
    ]
    assert [file.path for file in plan(["memory://in/*.jsonl"]).files] == ["memory:///in/b.jsonl"]
    assert texts("memory://in") == TEXTS * 2
    assert texts("memory://in/b.jsonl", unit_bytes=500) == TEXTS
    assert len(plan(["memory://in/b.jsonl"], ReadOptions(unit_bytes=500)).units) > 5
    assert digest("memory://in/b.jsonl") == hashlib.sha256(jsonl(ROWS)).hexdigest()


def test_memory_tables(memory):
    table = pa.Table.from_pylist(ROWS)
    with memory.open("/t/a.parquet", "wb") as file:
        pq.write_table(table, file, row_group_size=50)
    for name, new in (("b.arrow", pa.ipc.new_file), ("c.arrows", pa.ipc.new_stream)):
        with memory.open(f"/t/{name}", "wb") as file, new(file, table.schema) as writer:
            writer.write_table(table)
    assert texts("memory://t", unit_bytes=1) == TEXTS * 3


def test_file_url_is_reported_as_given(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(jsonl(ROWS))
    records, rejected = read_all(f"file://{path}")
    assert rejected == [] and {r["path"] for r in records} == {f"file://{path}"}


def test_driver_that_fails_costs_the_file(memory, monkeypatch):
    memory.pipe("/in/a.jsonl", jsonl(ROWS))
    units = plan(["memory://in/a.jsonl"]).units

    class Timeout(Exception):
        pass

    def fail(*args, **kwargs):
        raise Timeout("the store did not answer")

    monkeypatch.setattr(type(memory), "_open", fail)
    rejected = []
    assert list(units[0].batches(ReadOptions(), rejected.append)) == []
    assert [(r.position, r.reason) for r in rejected] == [("file", "the store did not answer")]


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path):
    handler = functools.partial(_Handler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


def test_http_streams(tmp_path, server):
    pytest.importorskip("aiohttp")
    (tmp_path / "a.jsonl").write_bytes(jsonl(ROWS))
    (tmp_path / "b.jsonl.zst").write_bytes(COMPRESSORS[".zst"](jsonl(ROWS)))
    assert texts([f"{server}/a.jsonl", f"{server}/b.jsonl.zst?version=2"], unit_bytes=1000) == TEXTS * 2
    assert digest(f"{server}/a.jsonl") == hashlib.sha256(jsonl(ROWS)).hexdigest()


def test_http_missing_file_and_parquet_without_ranges(tmp_path, server):
    pytest.importorskip("aiohttp")
    (tmp_path / "a.jsonl").write_bytes(jsonl(ROWS))
    pq.write_table(pa.Table.from_pylist(ROWS * 2000), tmp_path / "b.parquet")
    records, rejected = read_all([f"{server}/a.jsonl", f"{server}/b.parquet"])
    assert len(records) in (200, 200 + 400_000)  # this server sends no ranges: read whole or rejected, never raised
    assert len(records) > 200 or [r.path for r in rejected] == [f"{server}/b.parquet"]
    with pytest.raises(InputError, match="gone.jsonl does not exist"):
        plan([f"{server}/gone.jsonl"])


def test_http_without_its_driver_says_what_to_install(server):
    try:
        import aiohttp  # noqa: F401
    except ImportError:
        with pytest.raises(InputError, match="aiohttp"):
            plan([f"{server}/a.jsonl"])
