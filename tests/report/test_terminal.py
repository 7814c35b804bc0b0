"""What people read: pages of builds, indexes and scans, and progress."""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path

import pytest
from making import CORPUS, make_index, references, write_jsonl

from provscan import scan
from provscan.report import progress
from provscan.report.progress import Progress
from provscan.report.terminal import describe_build, describe_index, describe_scan, percent, size
from provscan.report.visible import visible

EVIL = "\x1b[31m\x07\x9b\u202e"


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (2_500_000, "2.5 MB"),
        (3.2e9, "3.2 GB"),
        (7e12, "7.0 TB"),
        (9e15, "9000.0 TB"),
    ],
)
def test_size(n: float, text: str) -> None:
    assert size(n) == text


def test_percent() -> None:
    assert percent({"rate": 0.4, "low": 0.35, "high": 0.449}) == "40.00 % (95 %: 35.00 to 44.90)"
    assert percent({"rate": None, "low": None, "high": None}) == "-"


def test_visible() -> None:
    assert visible("plain 中文 é 😀") == "plain 中文 é 😀"
    assert visible(EVIL + "\n\t\x00\u200b") == "·[31m·······"


@pytest.mark.compiled
def test_pages_of_an_index(tmp_path: Path) -> None:
    index = make_index(tmp_path / "index", references(), store_text=True)
    line = describe_build(index.path, index.manifest)
    assert line.startswith(f"{index.path}: 200 references, ") and line.endswith("in 1 segment")
    page = describe_index(index.info())
    assert "references  200" in page and ", stored" in page
    for name in ("gpt-4-0613", "openai", "2024-07"):
        assert name in page
    unnamed = make_index(tmp_path / "unnamed", [{"text": "x", "model": f"m{k}"} for k in range(25)])
    page = describe_index(unnamed.info())
    assert "and 5 more (--json lists all)" in page
    assert "(none)" in page and ", not stored" in page


@pytest.mark.compiled
def test_page_of_a_scan(tmp_path: Path) -> None:
    make_index(tmp_path / "index", references())
    summary = scan([str(CORPUS)], tmp_path / "index", tmp_path / "out")
    page = describe_scan(summary, tmp_path / "out")
    assert "400 documents" in page and "against 200 references" in page
    assert "match           160   40.00 % (95 %: 35.32 to 44.87)" in page
    assert page.index("part-2.jsonl.gz") < page.index("part-1.jsonl") < page.index("part-0.parquet")
    strongest = summary["strongest"][0]
    assert page.endswith(f"provscan explain {tmp_path / 'out'} {strongest['id']}")
    assert not [c for c in page if unicodedata.category(c) in ("Cc", "Cf") and c != "\n"]


@pytest.mark.compiled
def test_page_of_a_scan_that_found_nothing(tmp_path: Path) -> None:
    make_index(tmp_path / "index", references()[:3])
    source = write_jsonl(tmp_path / "a.jsonl", [{"text": "clean"}])
    page = describe_scan(scan([str(source)], tmp_path / "index", tmp_path / "out"), tmp_path / "out")
    assert "1 documents" in page and "Strongest" not in page and "Models" not in page


@pytest.mark.compiled
def test_pages_hide_control_characters(tmp_path: Path) -> None:
    rows = [{**references()[k], "id": f"{EVIL}{k}", "model": EVIL, "created": EVIL} for k in range(3)]
    index = make_index(tmp_path / "index", rows)
    source = write_jsonl(tmp_path / f"{EVIL}.jsonl", [{"id": EVIL, "text": EVIL + row["text"]} for row in rows])
    pages = [
        describe_index(index.info()),
        describe_scan(scan([str(source)], index, tmp_path / "out"), tmp_path / "out"),
    ]
    for page in pages:
        assert "·[31m" in page
        assert not [c for c in page if unicodedata.category(c) in ("Cc", "Cf") and c != "\n"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "EVERY_TERMINAL", 0.0)
    stream = Terminal()
    bar = Progress(stream)
    advance = bar.started(10_000_000)
    advance(4_000_000)
    assert stream.getvalue().startswith("\r\x1b[K4 MB at ")
    assert ", 40%, about " in stream.getvalue() and stream.getvalue().endswith(" left")
    advance(8_000_000)
    assert "12 MB" in stream.getvalue() and "left" not in stream.getvalue().split("\r")[-1]
    bar.end()
    assert stream.getvalue().endswith("\r\x1b[K")


def test_progress_in_lines_and_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "EVERY_LINES", 0.0)
    stream = io.StringIO()
    bar = Progress(stream)
    bar.started(10)(5)
    bar.end()
    assert stream.getvalue().count("\n") == 1 and "\x1b" not in stream.getvalue() and "\r" not in stream.getvalue()
    quiet = Terminal()
    bar = Progress(quiet, quiet=True)
    bar.started(10)(5)
    bar.end()
    assert quiet.getvalue() == ""


def test_progress_not_more_often_than_it_should() -> None:
    stream = io.StringIO()
    advance = Progress(stream).started(100)
    for _ in range(50):
        advance(2)
    assert stream.getvalue() == ""
