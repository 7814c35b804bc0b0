"""Building and adding are all or nothing: killed at any moment, read at any moment, written by one at a time."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from making import make_index, never, references, scanned, write_jsonl

from provscan import Index
from provscan.errors import IndexLocked, InputError
from provscan.index.build import BuildOptions, add, build
from provscan.index.manifest import locked
from provscan.index.store import SEGMENTS
from provscan.read import Rejected

pytestmark = pytest.mark.compiled

SCRIPT = Path(__file__).with_name("killed.py")
MOMENTS = {
    "first batch": ("provscan.index.build:prepare-after", 1),
    "middle of the streams": ("provscan.index.writer:SegmentWriter.append-after", 3),
    "streams written": ("provscan.index.writer:SegmentWriter.finish_streams-after", 2),
    "first table": ("provscan.index.writer:seed_table-after", 1),
    "second segment": ("provscan.index.writer:SegmentWriter.finish", 2),
    "before the manifest": ("provscan.index.manifest:Manifest.write", 1),
    "in the middle of syncing": ("provscan.index.manifest:os.fsync", 20),
    "manifest not yet in place": ("provscan.index.manifest:Path.replace", 1),
}


def die(jobs: list[list[str]]) -> None:
    """Run the script with each list of arguments, all at once; every process dies of SIGKILL."""
    running = [
        subprocess.Popen([sys.executable, str(SCRIPT), *job], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for job in jobs
    ]
    for process, job in zip(running, jobs, strict=True):
        out, err = process.communicate()
        assert process.returncode == -signal.SIGKILL, (job, out.decode(), err.decode())


@pytest.fixture(scope="module")
def killed_builds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {name: tmp_path_factory.mktemp("build") for name in MOMENTS}
    source = write_jsonl(tmp_path_factory.mktemp("source") / "all.jsonl", references())
    die([[m, str(n), "build", str(source), str(folders[k] / "index")] for k, (m, n) in MOMENTS.items()])
    return folders


@pytest.fixture(scope="module")
def killed_adds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {name: tmp_path_factory.mktemp("add") for name in MOMENTS}
    for folder in folders.values():
        make_index(folder / "index", references()[:50], store_text=True)
    source = write_jsonl(tmp_path_factory.mktemp("source") / "rest.jsonl", references()[50:])
    die([[m, str(n), "add", str(source), str(folders[k] / "index")] for k, (m, n) in MOMENTS.items()])
    return folders


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_build_leaves_no_index_and_the_next_one_removes_what_is_left(
    killed_builds: dict[str, Path], moment: str
) -> None:
    folder = killed_builds[moment]
    assert not (folder / "index").exists()
    assert [p.name for p in folder.iterdir() if p.name.startswith(".index.")], "the case has something to clean"
    (folder / ".index2.999999999.partial").mkdir(exist_ok=True)
    index = make_index(folder / "index", references(), store_text=True)
    assert len(index) == 200 and not list(index.verify())
    assert sorted(p.name for p in folder.iterdir()) == [".index2.999999999.partial", "index", "index.references.jsonl"]


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_add_leaves_the_index_as_it_was_and_the_next_one_removes_what_is_left(
    killed_adds: dict[str, Path], moment: str
) -> None:
    path = killed_adds[moment] / "index"
    index = Index(path)
    assert len(index) == 50 and not list(index.verify())
    documents, _ = scanned(index, [references()[3]["text"], references()[60]["text"]])
    assert [d["top_ref"] for d in documents] == [references()[3]["id"], None]
    left = len(list((path / SEGMENTS).iterdir())) - len(index.segments)
    assert left or moment == "first batch", "the case has something to clean"
    source = write_jsonl(path.parent / "rest.jsonl", references()[50:])
    add([str(source)], path, BuildOptions(store_text=True), never)
    index = Index(path)
    assert len(index) == 200 and not list(index.verify())
    assert {p.name for p in (path / SEGMENTS).iterdir()} == {entry.id for entry in index.manifest.segments}
    assert {p.name for p in path.iterdir()} <= {"manifest.json", "lock", SEGMENTS}


def test_killed_after_the_manifest_the_new_references_are_there(tmp_path: Path) -> None:
    make_index(tmp_path / "index", references()[:50])
    source = write_jsonl(tmp_path / "rest.jsonl", references()[50:])
    die([["provscan.index.manifest:Path.replace-after", "1", "add", str(source), str(tmp_path / "index")]])
    assert len(Index(tmp_path / "index")) == 200
    assert not list(Index(tmp_path / "index").verify())


def test_readers_during_add_see_the_old_or_the_new(tmp_path: Path) -> None:
    rows = references()
    make_index(tmp_path / "index", rows[:20], store_text=True)
    sources = [write_jsonl(tmp_path / f"{k}.jsonl", rows[20 * k : 20 * k + 20]) for k in range(1, 10)]
    wanted = [row["text"] for row in rows]
    seen: list[int] = []
    errors: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                index = Index(tmp_path / "index")
                documents, _ = scanned(index, wanted)
                found = [d["top_ref"] for d in documents]
                assert found == [row["id"] for row in rows[: len(index)]] + [None] * (200 - len(index))
                assert index.text_of(len(index) - 1) == wanted[len(index) - 1]
                seen.append(len(index))
        except BaseException as error:
            errors.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for source in sources:
        scans = len(seen)
        add([str(source)], tmp_path / "index", BuildOptions(store_text=True), never)
        while len(seen) < scans + 2 and not errors:
            time.sleep(0.001)
    done.set()
    for reader in readers:
        reader.join()
    assert not errors, errors
    assert set(seen) <= set(range(20, 201, 20)) and len(set(seen)) > 1


def test_add_while_another_writes_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    index = make_index(tmp_path / "index", references()[:5])
    source = write_jsonl(tmp_path / "more.jsonl", references()[5:9])
    with locked(index.path), pytest.raises(IndexLocked):
        add([str(source)], index.path, BuildOptions(), never)
    assert Index(index.path).manifest == index.manifest
    assert len(list((index.path / SEGMENTS).iterdir())) == 1
    add([str(source)], index.path, BuildOptions(), never)
    assert len(Index(index.path)) == 9


def test_add_does_not_touch_segments_that_are_there(tmp_path: Path) -> None:
    index = make_index(tmp_path / "index", references()[:5])
    before = {p: p.stat().st_mtime_ns for p in index.segments[0].folder.iterdir()}
    add([str(write_jsonl(tmp_path / "more.jsonl", references()[5:9]))], index.path, BuildOptions(), never)
    assert {p: p.stat().st_mtime_ns for p in index.segments[0].folder.iterdir()} == before


def test_build_where_something_is(tmp_path: Path) -> None:
    source = str(write_jsonl(tmp_path / "refs.jsonl", references()[:2]))
    index = make_index(tmp_path / "index", references()[:5])
    with pytest.raises(InputError, match="exists already.*provscan index add"):
        build([source], index.path, BuildOptions(), never)
    (tmp_path / "other").mkdir()
    with pytest.raises(InputError, match="exists already.*no index"):
        build([source], tmp_path / "other", BuildOptions(), never)


def test_build_of_nothing_leaves_nothing(tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text("{}\nnot json\n")
    rejected: list[Rejected] = []
    with pytest.raises(InputError):
        build([str(bad)], tmp_path / "index", BuildOptions(text="text"), rejected.append)
    assert [p.name for p in tmp_path.iterdir()] == ["bad.jsonl"]


def test_add_of_nothing_leaves_the_index_as_it_was(tmp_path: Path) -> None:
    index = make_index(tmp_path / "index", references()[:5])
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"text": null}\n{"text": 5}\n')
    rejected: list[Rejected] = []
    with pytest.raises(InputError, match="as it was"):
        add([str(bad)], index.path, BuildOptions(text="text"), rejected.append)
    assert [r.position for r in rejected] == ["line 1", "line 2"]
    assert Index(index.path).manifest == index.manifest


def test_build_tells_what_it_rejects_and_keeps_the_rest(tmp_path: Path) -> None:
    source = tmp_path / "refs.jsonl"
    source.write_bytes(b'{"text": "one good line"}\n{"text": "\xff"}\n{"text": 3}\n{"text": "another good line"}\n')
    rejected: list[Rejected] = []
    build([str(source)], tmp_path / "index", BuildOptions(store_text=True), rejected.append)
    assert [r.position for r in rejected] == ["line 2", "line 3"]
    index = Index(tmp_path / "index")
    assert [index.text_of(k) for k in range(len(index))] == ["one good line", "another good line"]
    assert index.refs(["ref_id"])["ref_id"].to_pylist() == [f"{source}:0", f"{source}:3"]


def test_build_in_a_folder_that_does_not_exist_yet(tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "refs.jsonl", references()[:2])
    build([str(source)], tmp_path / "a" / "b" / "index", BuildOptions(), never)
    assert len(Index(tmp_path / "a" / "b" / "index")) == 2
    assert [p.name for p in (tmp_path / "a" / "b").iterdir()] == ["index"]
