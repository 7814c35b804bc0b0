"""The manifest: what is refused, how it is replaced, and who may write."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from making import make_index, references

from provscan import Index
from provscan.errors import IndexFormatError, IndexLocked
from provscan.index.manifest import FORMAT_VERSION, MANIFEST, checksum, locked, read_manifest
from provscan.index.parameters import ALGORITHM_VERSION, Parameters

pytestmark = pytest.mark.compiled


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return make_index(tmp_path / "index", references()[:5])


def change(index: Index, edit: Callable[[dict[str, Any]], object]) -> None:
    """Edit the manifest and give it the checksum of what it then says."""
    data = json.loads((index.path / MANIFEST).read_text())
    del data["sha256"]
    edit(data)
    (index.path / MANIFEST).write_text(json.dumps(data | {"sha256": checksum(data)}))


def test_read_manifest_round_trip(index: Index) -> None:
    data = json.loads((index.path / MANIFEST).read_text())
    assert set(data) >= {"format", "algorithm", "parameters", "segments"}
    assert read_manifest(index.path) == index.manifest
    assert index.manifest.references == 5
    assert Parameters(**data["parameters"]) == index.parameters


@pytest.mark.parametrize(("field", "known"), [("format", FORMAT_VERSION), ("algorithm", ALGORITHM_VERSION)])
def test_newer_version_is_refused_with_both_values(index: Index, field: str, known: int) -> None:
    change(index, lambda data: data.update({field: known + 6}))
    with pytest.raises(IndexFormatError, match=f"{field} version {known + 6}.*{known}.*Update provscan"):
        Index(index.path)


@pytest.mark.parametrize("field", ["format", "algorithm"])
def test_older_version_is_refused(index: Index, field: str) -> None:
    change(index, lambda data: data.update({field: 0}))
    with pytest.raises(IndexFormatError, match=f"{field} version 0.*Build the index anew"):
        Index(index.path)


def test_other_information_tables_are_refused(index: Index) -> None:
    change(index, lambda data: data["parameters"].update(digest="0123456789abcdef"))
    with pytest.raises(IndexFormatError, match=f"0123456789abcdef.*{index.parameters.digest}"):
        Index(index.path)


DAMAGE: dict[str, Callable[[dict[str, Any]], object]] = {
    "no segments": lambda data: data.pop("segments"),
    "no parameters": lambda data: data.pop("parameters"),
    "no format": lambda data: data.pop("format"),
    "unknown parameter": lambda data: data["parameters"].update(colour=1),
    "unknown in a segment": lambda data: data["segments"][0].update(colour=1),
    "no files": lambda data: data["segments"][0].pop("files"),
    "a file short": lambda data: data["segments"][0]["files"].pop("tokens.npy"),
    "files as a list": lambda data: data["segments"][0].update(files=[]),
    "no position bits": lambda data: data["segments"][0]["position_bits"].clear(),
    "format as text": lambda data: data.update(format="1"),
    "segments as a number": lambda data: data.update(segments=7),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_manifest_is_a_sentence(index: Index, name: str) -> None:
    change(index, DAMAGE[name])
    with pytest.raises(IndexFormatError):
        Index(index.path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'"manifest"'])
def test_manifest_that_is_no_manifest(index: Index, content: bytes) -> None:
    (index.path / MANIFEST).write_bytes(content)
    with pytest.raises(IndexFormatError, match=r"manifest\.json"):
        Index(index.path)


def test_flipped_digits_in_the_manifest_are_noticed(index: Index) -> None:
    text = (index.path / MANIFEST).read_bytes()
    digits = [k for k, byte in enumerate(text) if chr(byte).isdigit()]
    for at in random.Random(1).sample(digits, 30):
        broken = bytearray(text)
        broken[at] = ord("0") + (broken[at] - ord("0") + 1) % 10
        (index.path / MANIFEST).write_bytes(broken)
        with pytest.raises(IndexFormatError):
            Index(index.path)


def test_manifest_without_a_checksum_is_refused(index: Index) -> None:
    data = json.loads((index.path / MANIFEST).read_text())
    del data["sha256"]
    (index.path / MANIFEST).write_text(json.dumps(data))
    with pytest.raises(IndexFormatError, match="sha256"):
        Index(index.path)


@pytest.mark.parametrize("make", ["nothing", "file", "empty folder"])
def test_what_is_no_index(tmp_path: Path, make: str) -> None:
    path = tmp_path / "thing"
    if make == "file":
        path.write_text("text")
    elif make == "empty folder":
        path.mkdir()
    with pytest.raises(IndexFormatError, match="thing is not an index.*index build"):
        Index(path)


def test_locked_twice(index: Index) -> None:
    with locked(index.path), pytest.raises(IndexLocked, match="Another process is writing"), locked(index.path):
        pass
    with locked(index.path):
        pass


def test_locked_by_another_process_until_it_dies(index: Index) -> None:
    code = (
        "import sys; from pathlib import Path; from provscan.index.manifest import locked\n"
        "with locked(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(index.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline() == b"held\n"
        with pytest.raises(IndexLocked), locked(index.path):
            pass
        other.kill()
        other.wait()
    with locked(index.path):
        pass
