"""Files, directories, globs and duplicates, in a stable order; inputs that do not exist."""

from __future__ import annotations

import hashlib
import os

import pytest
from read.reading import jsonl, read_all

from provscan.errors import InputError
from provscan.read import ReadOptions, digest, plan


@pytest.fixture
def tree(tmp_path, monkeypatch):
    names = ["b.jsonl", "a.jsonl", "sub/c.jsonl", "sub/deep/d.jsonl", ".hidden.jsonl", "_meta.jsonl", "_tmp/e.jsonl"]
    for name in names:
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_bytes(jsonl([{"text": name}]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _paths(*inputs):
    return [file.path for file in plan(list(inputs)).files]


def test_directory_is_sorted_and_recursive(tree):
    assert _paths("data") == ["data/a.jsonl", "data/b.jsonl", "data/sub/c.jsonl", "data/sub/deep/d.jsonl"]


def test_absolute_stays_absolute(tree):
    assert _paths(str(tree / "data" / "sub"))[0] == str(tree / "data" / "sub" / "c.jsonl")


def test_inputs_keep_their_order_and_files_are_read_once(tree):
    assert _paths("data/sub", "data/b.jsonl", "./data", "data/b.jsonl", str(tree / "data" / "a.jsonl")) == [
        "data/sub/c.jsonl",
        "data/sub/deep/d.jsonl",
        "data/b.jsonl",
        "./data/a.jsonl",
    ]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("data/*.jsonl", ["data/a.jsonl", "data/b.jsonl"]),
        ("data/**/*.jsonl", ["data/a.jsonl", "data/b.jsonl", "data/sub/c.jsonl", "data/sub/deep/d.jsonl"]),
        ("data/s*", ["data/sub/c.jsonl", "data/sub/deep/d.jsonl"]),
        ("data/[b]*", ["data/b.jsonl"]),
        ("data/_m*.jsonl", ["data/_meta.jsonl"]),
    ],
)
def test_glob(tree, pattern, expected):
    assert _paths(pattern) == expected


def test_hidden_file_named_itself_is_read(tree):
    assert _paths("data/.hidden.jsonl", "data/_tmp") == ["data/.hidden.jsonl", "data/_tmp/e.jsonl"]


def test_name_with_wildcards_that_exists(tree):
    (tree / "odd[1].jsonl").write_bytes(jsonl([{"text": "odd"}]))
    assert _paths("odd[1].jsonl") == ["odd[1].jsonl"]


def test_links_are_followed_without_circles(tree):
    os.symlink(tree / "data", tree / "data" / "sub" / "up")
    os.symlink(tree / "data" / "b.jsonl", tree / "data" / "zz.jsonl")
    (tree / "else").mkdir()
    (tree / "else" / "x.jsonl").write_bytes(jsonl([{"text": "x"}]))
    os.symlink(tree / "else", tree / "data" / "link")
    assert _paths("data") == [
        "data/a.jsonl",
        "data/b.jsonl",
        "data/link/x.jsonl",
        "data/sub/c.jsonl",
        "data/sub/deep/d.jsonl",
    ]


@pytest.mark.parametrize("name", ["nothing.jsonl", "no/where", "data/*.parquet", "empty", "memory://nothing/here"])
def test_input_that_is_not_there(tree, name):
    (tree / "empty").mkdir()
    with pytest.raises(InputError, match=name.replace("*", r"\*")):
        plan(["data", name])


def test_no_inputs_and_unknown_scheme(tree):
    with pytest.raises(InputError, match="no input"):
        plan([])
    with pytest.raises(InputError, match="nope://x"):
        plan(["nope://x"])


def test_what_cannot_be_read_is_rejected(tree):
    os.symlink(tree / "gone", tree / "data" / "dangling.jsonl")
    os.mkfifo(tree / "data" / "pipe.jsonl")
    records, rejected = read_all("data")
    assert len(records) == 4
    assert [(r.path, r.reason) for r in rejected] == [
        ("data/dangling.jsonl", "No such file or directory"),
        ("data/pipe.jsonl", "not a regular file"),
    ]


def test_permission_error_is_rejected(tree, monkeypatch):
    import builtins

    real = builtins.open

    def refuse(file, *args, **kwargs):
        if str(file).endswith("b.jsonl"):
            raise PermissionError(13, "Permission denied", file)
        return real(file, *args, **kwargs)

    monkeypatch.setattr(builtins, "open", refuse)
    records, rejected = read_all("data")
    assert len(records) == 3
    assert [(r.path, r.reason) for r in rejected] == [("data/b.jsonl", "Permission denied")]


def test_names_of_units_do_not_depend_on_other_options(tree):
    names = [unit.name for unit in plan(["data"]).units]
    assert names == ["000000-000000", "000001-000000", "000002-000000", "000003-000000"]
    assert [unit.name for unit in plan(["data"], ReadOptions(batch_rows=1)).units] == names


def test_digest_of_stored_bytes(tree):
    data = (tree / "data" / "a.jsonl").read_bytes()
    assert digest("data/a.jsonl") == hashlib.sha256(data).hexdigest()
