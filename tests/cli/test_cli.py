"""The command line: help everywhere, exit statuses, sentences instead of tracebacks, data apart from messages."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from making import CORPUS, FIXTURES, make_index, references, table, write_jsonl

from provscan import Index, __version__
from provscan.cli import COMMANDS, main
from provscan.index.manifest import checksum, locked

REFERENCES = str(FIXTURES / "references.jsonl")


def run(*args: object, status: int = 0) -> Result:
    """Run a command; it may end with ``status`` only, and never with a traceback."""
    result = CliRunner().invoke(main, [str(arg) for arg in args], prog_name="provscan")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, result.output
    assert "Traceback" not in result.output
    return result


def commands(group: click.Group = main, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = dict(commands())


# ---- help ------------------------------------------------------------------------------------------------------------


def test_commands() -> None:
    assert {"index", "scan", "explain"} <= set(COMMANDS)
    assert {("index", "build"), ("index", "add"), ("index", "info"), ("index", "verify")} <= set(ALL)


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_has_help(path: tuple[str, ...]) -> None:
    result = run(*path, "--help")
    assert result.stdout.startswith(f"Usage: provscan {' '.join(path)}")
    assert ALL[path].help, "the command says what it does"
    for parameter in ALL[path].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{parameter.name} says what it does"
            assert max(parameter.opts, key=len) in result.stdout


def test_main_help_names_every_command_and_exit_status() -> None:
    text = run("--help").stdout
    for name, (_, line) in COMMANDS.items():
        assert name in text
        assert line in " ".join(text.split())
    for status in ("0 done", "1 a gate is closed", "2 the request was wrong", "3 done but"):
        assert status in " ".join(text.split())
    assert run("-h").stdout == text
    assert run("--version").stdout == f"provscan, version {__version__}\n"


@pytest.mark.parametrize(
    "args", [["--help"], ["--version"], ["index", "--help"], ["scan", "--help"], ["explain", "-h"]]
)
def test_help_imports_nothing_heavy(args: list[str]) -> None:
    code = (
        "import sys\nfrom provscan.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as end:\n    assert not end.code\n"
        "heavy = {'numpy', 'pyarrow', 'numba', 'sklearn', 'fsspec'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_unknown_commands_and_options() -> None:
    assert "No such command 'scna'" in run("scna", status=2).stderr
    assert "No such option" in run("scan", "--colour", status=2).stderr
    assert "No such command" in run("index", "delete", status=2).stderr
    run("scan", status=2)
    run("index", "build", status=2)
    run("explain", status=2)


# ---- work ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_index(tmp_path_factory.mktemp("cli") / "index", references(), store_text=True).path


@pytest.fixture(scope="module")
def out(index: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "out"
    run("scan", CORPUS, "-i", index, "-o", folder, "--quiet")
    return folder


@pytest.mark.compiled
def test_index_build_add_info_verify(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    result = run("index", "build", REFERENCES, "-o", folder, "--store-text", "--workers", 1)
    assert result.stdout == ""
    assert f"{folder}: 200 references" in result.stderr
    more = write_jsonl(tmp_path / "more.jsonl", [{"text": "an answer", "stamp": "2024-02-03"}, {"text": "another"}])
    options = ["--model", "house-8b", "--provider", "in-house", "--source", "logs", "--meta", "created=stamp"]
    assert "202 references" in run("index", "add", folder, more, "--store-text", *options).stderr
    info = json.loads(run("index", "info", folder, "--json").stdout)
    assert (info["references"], info["models"]["house-8b"]) == (202, 2)
    assert info["months"]["2024-02"] == 1 + sum(row["created"].startswith("2024-02") for row in references())
    assert "house-8b" in run("index", "info", folder).stdout
    result = run("index", "verify", folder)
    assert result.stdout == "" and "every file is as it was written" in result.stderr


@pytest.mark.compiled
def test_scan_messages_on_stderr_and_nothing_on_stdout(index: Path, tmp_path: Path) -> None:
    result = run("scan", CORPUS, "-i", index, "-o", tmp_path / "out")
    assert result.stdout == ""
    assert "400 documents" in result.stderr and "match           160" in result.stderr
    quiet = run("scan", CORPUS, "-i", index, "-o", tmp_path / "quiet", "--quiet")
    assert quiet.output == ""


@pytest.mark.compiled
def test_scan_of_bad_input(index: Path, tmp_path: Path) -> None:
    result = run("scan", FIXTURES / "bad", CORPUS, "-i", index, "-o", tmp_path / "out", status=3)
    assert "9 inputs or records could not be read" in result.stderr
    assert str(tmp_path / "out" / "rejected.jsonl") in result.stderr
    rows = table(tmp_path / "out", "documents").to_pylist()
    good = [r for r in rows if "bad" in Path(r["path"]).parent.name]
    assert len(rows) - len(good) == 400
    assert [r["row"] for r in good if r["path"].endswith("mixed.jsonl")] == [0, 3, 8]
    assert len([r for r in good if r["path"].endswith("corrupt.parquet")]) == 8
    assert len((tmp_path / "out" / "rejected.jsonl").read_text().splitlines()) == 9


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["mixed.jsonl", "empty.jsonl"])
def test_scan_strict(index: Path, tmp_path: Path, name: str) -> None:
    bad = FIXTURES / "bad" / name
    result = run("scan", bad, CORPUS, "-i", index, "-o", tmp_path / "out", "--strict", status=3)
    assert str(bad) in result.stderr and "--strict" in result.stderr
    assert not (tmp_path / "out" / "manifest.json").exists()
    run("scan", CORPUS, "-i", index, "-o", tmp_path / "fine", "--strict")


@pytest.mark.compiled
def test_index_build_of_bad_input(tmp_path: Path) -> None:
    result = run("index", "build", FIXTURES / "bad" / "mixed.jsonl", "-o", tmp_path / "index", status=3)
    assert "line 3: invalid UTF-8" in result.stderr
    assert "3 references" in result.stderr
    assert "6 inputs or records could not be read" in result.stderr
    assert len(Index(tmp_path / "index")) == 3


@pytest.mark.compiled
def test_scan_resume(index: Path, tmp_path: Path) -> None:
    run("scan", CORPUS, "-i", index, "-o", tmp_path / "out")
    assert "--resume" in run("scan", CORPUS, "-i", index, "-o", tmp_path / "out", status=2).stderr
    run("scan", CORPUS, "-i", index, "-o", tmp_path / "out", "--resume")
    other = run("scan", REFERENCES, "-i", index, "-o", tmp_path / "out", "--resume", status=2)
    assert "other inputs" in other.stderr


@pytest.mark.compiled
def test_scan_named_columns(index: Path, tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "a.jsonl", [{"nr": "n1", "said": {"body": references()[0]["text"]}}])
    run("scan", source, "-i", index, "-o", tmp_path / "out", "--text", "said.body", "--id", "nr", "--workers", 2)
    (row,) = table(tmp_path / "out", "documents").to_pylist()
    assert (row["id"], row["verdict"]) == ("n1", "match")
    assert (
        "has no column 'body'"
        in run("scan", source, "-i", index, "-o", tmp_path / "x", "--text", "body", status=2).stderr
    )


# ---- errors ----------------------------------------------------------------------------------------------------------


def sentence(result: Result) -> str:
    """The one line that an error is; before it stand only inputs that were rejected, each on a line."""
    *rejected, line = result.stderr.strip().split("\n")
    assert all(re.search(r", (file|line \d+|row \d+): ", r) for r in rejected)
    assert line.startswith("provscan: ")
    assert line.rstrip()[-1] in ".)", line
    assert result.stdout == ""
    return line


@pytest.mark.compiled
def test_errors_of_requests(index: Path, out: Path, tmp_path: Path) -> None:
    missing, source = tmp_path / "missing", write_jsonl(tmp_path / "a.jsonl", [{"text": "x"}])
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    free = tmp_path / "free"
    cases: list[tuple[list[object], str]] = [
        (["scan", source, "-i", missing, "-o", free], "missing is not an index"),
        (["scan", source, "-i", source, "-o", free], "is a file"),
        (["scan", missing, "-i", index, "-o", free], "missing does not exist"),
        (["scan", tmp_path / "*.nothing", "-i", index, "-o", free], "matches no files"),
        (["scan", source, "-i", index, "-o", tmp_path / "full"], "not empty"),
        (["scan", source, "-i", index, "-o", source], "is a file"),
        (["scan", source, "-i", index, "-o", source / "under"], "Not a directory"),
        (["scan", source, "-i", index, "-o", free, "--text", "body"], "has no column 'body'"),
        (["scan", source, "-i", index, "-o", free, "--id", "nr"], "has no column 'nr'"),
        (["index", "build", source, "-o", index], "exists already"),
        (["index", "build", missing, "-o", free], "missing does not exist"),
        (["index", "build", source, "-o", source / "under"], "a.jsonl: File exists"),
        (["index", "build", FIXTURES / "bad" / "empty.jsonl", "-o", free], "nothing was built"),
        (["index", "add", missing, source], "missing is not an index"),
        (["index", "add", index, missing], "missing does not exist"),
        (["index", "info", tmp_path], "is not an index"),
        (["index", "verify", missing], "is not an index"),
        (["explain", tmp_path, "x"], "holds no finished scan"),
        (["explain", out, "nobody"], "has no document 'nobody'"),
        (["explain", out, "doc-065", "-i", missing], "missing is not an index"),
    ]
    for args, words in cases:
        result = run(*args, status=2)
        assert words in result.stderr, (args, result.stderr)
        if not result.stderr.startswith("Usage: "):
            sentence(result)
    assert not free.exists()


@pytest.mark.parametrize(
    "options",
    [["--workers", "0"], ["--workers", "many"], ["--meta", "created"], ["--meta", "colour=c"], ["--meta", "created="]],
)
def test_usage_errors(tmp_path: Path, options: list[str]) -> None:
    run("scan", CORPUS, "-i", tmp_path, "-o", tmp_path / "out", *options, status=2)
    run("explain", tmp_path, "x", "--most", "0", status=2)
    run("explain", tmp_path, "x", "--width", "0", status=2)
    run("explain", tmp_path / "nowhere", "x", status=2)


@pytest.mark.compiled
def test_index_that_is_locked(index: Path, tmp_path: Path) -> None:
    with locked(index):
        assert "Another process is writing" in sentence(run("index", "add", index, REFERENCES, status=2))


@pytest.mark.compiled
def test_index_that_is_newer(tmp_path: Path) -> None:
    folder = make_index(tmp_path / "index", references()[:3]).path
    data = json.loads((folder / "manifest.json").read_text())
    for field in ("format", "algorithm"):
        newer = {name: value for name, value in data.items() if name != "sha256"} | {field: 99}
        (folder / "manifest.json").write_text(json.dumps(newer | {"sha256": checksum(newer)}))
        for args in (["scan", CORPUS, "-i", folder, "-o", tmp_path / "out"], ["index", "verify", folder]):
            line = sentence(run(*args, status=2))
            assert f"{field} version 99" in line and "Update provscan" in line


@pytest.mark.compiled
@pytest.mark.parametrize("change", ["flipped", "truncated"])
@pytest.mark.parametrize("name", ["tokens.npy", "seeds-postings.npy", "refs.parquet", "text.parquet"])
def test_index_that_is_damaged(tmp_path: Path, name: str, change: str) -> None:
    index = make_index(tmp_path / "index", references()[:20], store_text=True)
    path = index.segments[0].folder / name
    data = bytearray(path.read_bytes())
    if change == "flipped":
        data[len(data) // 2] ^= 1
    path.write_bytes(data if change == "flipped" else data[:-7])
    assert str(path) in sentence(run("index", "verify", index.path, status=2))
    if change == "truncated" and name.endswith(".npy"):
        for args in (["scan", CORPUS, "-i", index.path, "-o", tmp_path / "out"], ["index", "info", index.path]):
            assert str(path) in sentence(run(*args, status=2))


# ---- explain ---------------------------------------------------------------------------------------------------------


@pytest.mark.compiled
def test_explain(out: Path, index: Path) -> None:
    text = run("explain", out, "doc-065", "--width", 90).stdout
    assert "verdict match" in text and "[[" in text and "\x1b" not in text
    place = text.split(", row ")
    assert run("explain", out, f"{place[0]}:{place[1].split(',')[0]}", "--width", 90).stdout == text
    assert run("explain", out, "doc-065", "-i", index, "--width", 90, "--most", 1).stdout == text


def environment() -> dict[str, Any]:
    return {**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "100"}


@pytest.mark.compiled
def test_program_in_a_shell(out: Path, tmp_path: Path) -> None:
    """The installed program: statuses and streams as a shell sees them, and a pipe that closes early."""
    program = [sys.executable, "-c", "from provscan.cli import main; main()"]
    done = subprocess.run([*program, "explain", str(out), "doc-065"], capture_output=True, env=environment())
    assert done.returncode == 0 and "verdict match" in done.stdout.decode() and b"\x1b" not in done.stdout
    done = subprocess.run([*program, "explain", str(out), "nobody"], capture_output=True, env=environment())
    assert done.returncode == 2 and done.stdout == b"" and done.stderr.startswith(b"provscan: ")
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*program, "explain", str(out), "doc-065"], stdout=write, stderr=subprocess.PIPE, env=environment()
    )
    os.close(write)
    assert b"Traceback" not in done.stderr
