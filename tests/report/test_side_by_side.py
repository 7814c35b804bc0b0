"""The page of explain: columns that keep their width, text that cannot steer a terminal, documents found by name."""

from __future__ import annotations

import random
import re
import unicodedata
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from making import corpus, make_index, never, nonsense, references, write_jsonl

from provscan import Index, scan
from provscan.errors import IndexFormatError, InputError
from provscan.index.build import BuildOptions, build
from provscan.report.side_by_side import CONTEXT, GUTTER, explain, mark, wrap

pytestmark = pytest.mark.compiled

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def cells(text: str) -> int:
    """Columns on a terminal, colours aside."""
    return sum(
        0 if unicodedata.category(c) in ("Mn", "Me", "Cf") else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in COLOUR.sub("", text)
    )


def blocks(page: str) -> list[list[str]]:
    """The two-column blocks of a page."""
    out: list[list[str]] = []
    for line in page.split("\n"):
        if line.startswith("document ") and GUTTER in line:
            out.append([])
        if not line:
            continue
        if out and (GUTTER in line or "┼" in line or line.rstrip().endswith("│")):
            out[-1].append(line)
    return out


def shared(text: str) -> list[str]:
    return re.findall(r"\[\[(.*?)\]\]", text)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scan of odd documents; the index stores its texts."""
    folder = tmp_path_factory.mktemp("explain")
    make_index(folder / "index", references(), store_text=True)
    one, two, zh = references()[0]["text"], references()[1]["text"], references()[150]["text"]
    rows = [
        {"id": "copy", "text": one},
        {"id": "zh", "text": "前言。" + zh + "后记"},
        {"id": "escape", "text": "\x1b[31mred\x1b]0;title\x07 " + one.replace(" ", " \x9b2J\u202e", 3) + "\r\x08\x00"},
        {"id": "both", "text": f"{one}\n\n{two}"},
        {"id": "twice", "text": one},
        {"id": "twice", "text": two},
        {"id": "clean", "text": "nothing of theirs"},
        {"id": "empty", "text": ""},
        {"id": "\x1b[2Jevil", "text": two},
        {"id": "a.jsonl:3", "text": "an id that looks like a place"},
        {"text": two},
        {"id": "long", "text": nonsense(random.Random(1), 900) + " " + one + " " + "tail " * 900},
        {"id": "emoji", "text": "👩‍👩‍👧 한국어 ｆｕｌｌ e\u0301\u0327 " + zh[:40] + " 🎉 " + zh[40:]},
    ]
    write_jsonl(folder / "a.jsonl", rows)
    scan([str(folder / "a.jsonl"), *sorted({row["path"] for row in corpus()})], folder / "index", folder / "out")
    return folder


def page(work: Path, document: str, width: int = 100, color: bool = False, most: int = 3, **changes: Any) -> str:
    return explain(changes.get("out", work / "out"), document, changes.get("index"), most, width, color)


def test_explain_by_id_and_by_place(work: Path) -> None:
    by_id = page(work, "copy")
    assert by_id == page(work, f"{work / 'a.jsonl'}:0")
    assert by_id.startswith(f"{work / 'a.jsonl'}, row 0, id copy\nverdict match, 100.0% of ")
    assert "exact: " in by_id and f"reference {references()[0]['id']} ({references()[0]['model']}" in by_id


def test_explain_document_without_an_id(work: Path) -> None:
    text = page(work, f"{work / 'a.jsonl'}:10")
    assert text.split("\n")[0] == f"{work / 'a.jsonl'}, row 10"
    assert references()[1]["id"] in text


def test_explain_id_that_looks_like_a_place(work: Path) -> None:
    assert "row 9, id a.jsonl:3" in page(work, "a.jsonl:3")


def test_explain_every_place_of_the_fixtures_formats(work: Path) -> None:
    for row in corpus()[::40]:
        text = page(work, f"{row['path']}:{row['row']}")
        assert f"row {row['row']}, id {row['id']}" in text
        if row["truth_ref"]:
            assert row["truth_ref"] in text


def test_explain_ambiguous_id(work: Path) -> None:
    with pytest.raises(InputError, match=r"2 documents have the id 'twice'.*a\.jsonl:4, .*a\.jsonl:5.*PATH:ROW"):
        page(work, "twice")


@pytest.mark.parametrize("name", ["nobody", "nowhere:3", "a.jsonl:99", "x:²", "x:" + "9" * 30, ":", "", "x:-1"])
def test_explain_unknown_document(work: Path, name: str) -> None:
    with pytest.raises(InputError, match="has no document"):
        page(work, name)


def test_explain_clean_and_empty(work: Path) -> None:
    assert page(work, "clean").endswith("No reference shares enough text with it.")
    assert "verdict abstain (no words or characters to compare)" in page(work, "empty")


def test_explain_marks_what_is_shared(work: Path) -> None:
    one = references()[0]["text"]
    left, right = [], []
    for line in blocks(page(work, "copy", 160))[0][2:]:
        a, b = line.split(GUTTER)
        left.append(a.rstrip())
        right.append(b.rstrip())
    for side in (left, right):
        marked = "".join(part for line in side for part in shared(line))
        assert marked.replace(" ", "") in one.replace(" ", "")
        assert len(marked) > 0.9 * len(one)


def test_explain_several_references(work: Path) -> None:
    text = page(work, "both", most=1)
    assert len(blocks(text)) == 1
    assert text.endswith("and 1 more references (--most 2 shows all)")
    assert len(blocks(page(work, "both"))) == 2


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("width", [40, 41, 80, 200])
@pytest.mark.parametrize("name", ["copy", "zh", "escape", "both", "long", "emoji"])
def test_explain_columns_are_aligned(work: Path, name: str, width: int, color: bool) -> None:
    text = page(work, name, width, color)
    found = blocks(text)
    assert found
    for block in found:
        half = (width - len(GUTTER)) // 2
        assert len(block) > 3
        for line in block:
            left, bar, right = re.split("([│┼])", line, maxsplit=1)
            assert cells(left) == half + 1, line
            assert cells(left + bar + right) <= width, line
    assert len(re.findall(r"\x1b\[1;31m", text)) == len(re.findall(r"\x1b\[0m", text))
    assert bool(COLOUR.search(text)) == color


@pytest.mark.parametrize("name", ["escape", "\x1b[2Jevil", "emoji"])
@pytest.mark.parametrize("color", [False, True])
def test_explain_control_characters_do_not_reach_the_terminal(work: Path, name: str, color: bool) -> None:
    text = COLOUR.sub("", page(work, name, 120, color)) if color else page(work, name, 120)
    odd = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs") and c != "\n"}
    assert odd == set()


def test_explain_cuts_what_is_far_from_shared_text(work: Path) -> None:
    text = page(work, "long", 120)
    assert text.count("[…]") == 2
    assert len(text) < 20 * CONTEXT


def test_explain_without_stored_text(work: Path, tmp_path: Path) -> None:
    index = make_index(tmp_path / "index", references())
    scan([str(work / "a.jsonl")], index, tmp_path / "out")
    text = page(work, "copy", out=tmp_path / "out")
    assert "does not store" in text.replace("\n", " ")
    assert "[[" in text


def test_explain_with_a_moved_index(work: Path, tmp_path: Path) -> None:
    index = make_index(tmp_path / "index", references(), store_text=True)
    scan([str(work / "a.jsonl")], index, tmp_path / "out")
    expected = page(work, "copy", out=tmp_path / "out")
    index.path.rename(tmp_path / "moved")
    with pytest.raises(IndexFormatError, match="is not an index"):
        page(work, "copy", out=tmp_path / "out")
    assert page(work, "copy", out=tmp_path / "out", index=tmp_path / "moved") == expected
    assert len(Index(tmp_path / "moved")) == 200


def test_explain_after_the_input_is_gone(work: Path, tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "a.jsonl", references()[:1])
    scan([str(source)], work / "index", tmp_path / "out")
    source.unlink()
    text = page(work, references()[0]["id"], out=tmp_path / "out")
    assert "(the input cannot be read any more)" in text
    assert "[[" in text


@pytest.mark.xfail(strict=True, reason="marks are put on whatever stands in the input now")
def test_explain_after_the_input_changed_says_so(work: Path, tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "a.jsonl", references()[:1])
    scan([str(source)], work / "index", tmp_path / "out")
    write_jsonl(source, [{**references()[0], "text": "entirely different words " * 30}])
    assert "[[entirely" not in page(work, references()[0]["id"], out=tmp_path / "out")


REPEATED = pytest.mark.xfail(
    strict=True, reason="Index.find gives the first reference of that id, hits do not say which one it is"
)


@pytest.mark.parametrize("given", [{}, pytest.param({"id": "answer"}, marks=REPEATED)], ids=["no ids", "equal ids"])
def test_explain_shows_the_reference_that_was_hit(tmp_path: Path, given: dict[str, str]) -> None:
    """Of two, from files of one name in two folders."""
    sources = []
    for k in (0, 1):
        (tmp_path / str(k)).mkdir()
        row = {**given, "text": references()[k]["text"]}
        sources.append(str(write_jsonl(tmp_path / str(k) / "out.jsonl", [row])))
    build(sources, tmp_path / "index", BuildOptions(store_text=True), never)
    source = write_jsonl(tmp_path / "a.jsonl", [{"id": "d", "text": references()[1]["text"]}])
    scan([str(source)], tmp_path / "index", tmp_path / "out")
    text = explain(tmp_path / "out", "d", None, 1, 2000, False)
    assert text.count(references()[1]["text"][:60]) == 2


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"schema": 999}', '{"schema": null}'])
def test_explain_of_no_scan(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "summary.json").write_text(content)
    with pytest.raises(InputError):
        explain(tmp_path, "x", None, 3, 80, False)


@pytest.mark.parametrize("damage", ["gone", "cut", "other columns"])
def test_explain_of_damaged_tables(work: Path, tmp_path: Path, damage: str) -> None:
    scan([str(work / "a.jsonl")], work / "index", tmp_path / "out")
    (path,) = (tmp_path / "out").glob("documents-*")
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-20])
    else:
        pq.write_table(pa.table({"id": [{"a": 1}]}), path)
    with pytest.raises(InputError):
        explain(tmp_path / "out", "copy", None, 3, 80, False)


def test_mark_pieces() -> None:
    text = "aaa bbb ccc ddd"
    assert mark(text, [(4, 7), (12, 15)], "") == [("aaa ", False), ("bbb", True), (" ccc ", False), ("ddd", True)]
    assert mark(text, [(0, 7), (4, 11)], "") == [("aaa bbb", True), (" ccc", True), (" ddd", False)]
    assert mark(text, [], "") == [(text, False)]
    assert mark(None, [(0, 1)], "gone") == [("(gone)", False)]
    assert mark("", [], "") == []


def test_wrap_keeps_every_character() -> None:
    text = "word 漢字かな 한국어 e\u0301 " * 20
    for width in (10, 11, 37):
        lines = wrap([(text, False), (text, True), (text, False)], width, False)
        plain = "".join(line for line, _ in lines)
        assert plain.replace("[[", "").replace("]]", "").replace(" ", "") == (text * 3).replace(" ", "")
        assert {cells(line) for line, _ in lines} == {width}
