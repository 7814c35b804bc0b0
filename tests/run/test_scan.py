"""Whole scans: the truth of the fixtures, the output contract, and rows that depend on nothing but the input."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from making import (
    CORPUS,
    FIXTURES,
    corpus,
    make_index,
    nonsense,
    references,
    table,
    write_csv_gz,
    write_jsonl,
    write_parquet,
)

from provscan import Index, ScanOptions, __version__, scan
from provscan.decide.rates import wilson
from provscan.errors import ColumnError, IndexFormatError, InputError
from provscan.match.matcher import Thresholds
from provscan.read import ReadOptions
from provscan.run import tasks
from provscan.run.local import StrictError
from provscan.schema import DOCUMENTS, HITS, SCHEMA_VERSION, VERDICTS

pytestmark = pytest.mark.compiled


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return make_index(tmp_path_factory.mktemp("scan") / "index", references())


@pytest.fixture(scope="module")
def out(index: Index, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out") / "scan"
    scan([str(CORPUS)], index, folder)
    return folder


def summary_of(out: Path) -> dict[str, Any]:
    return json.loads((out / "summary.json").read_text(encoding="utf-8"))


# ---- truth -----------------------------------------------------------------------------------------------------------


def test_fixtures_every_contaminated_document_and_no_clean_one(out: Path) -> None:
    rows = table(out, "documents").to_pylist()
    assert [(r["path"], r["row"], r["id"]) for r in rows] == [(r["path"], r["row"], r["id"]) for r in corpus()]
    wrong = [
        (row["id"], truth["truth"], row["verdict"])
        for row, truth in zip(rows, corpus(), strict=True)
        if (row["verdict"] == "match") != (truth["truth"] != "clean")
    ]
    assert wrong == []


def test_fixtures_top_ref_is_the_reference_that_was_copied(out: Path) -> None:
    rows = table(out, "documents").to_pylist()
    pairs = [(r["id"], r["top_ref"], t["truth_ref"]) for r, t in zip(rows, corpus(), strict=True) if t["truth_ref"]]
    different = [pair for pair in pairs if pair[1] != pair[2]]
    assert len(different) <= 0.05 * len(pairs), different


def test_fixtures_kinds(out: Path) -> None:
    truth = {row["id"]: row["truth"] for row in corpus()}
    kinds = {}
    for hit in table(out, "hits").to_pylist():
        kinds.setdefault(hit["id"], hit["kind"])
    seen = Counter((truth[name], kind) for name, kind in kinds.items())
    assert {kind for name, kind in seen if name == "copy"} == {"exact"}
    assert {kind for name, kind in seen if name == "obfuscated"} == {"exact"}
    assert "exact" not in {kind for name, kind in seen if name in ("edited", "dropped", "passage", "masked")}


def test_tables_agree_with_each_other(out: Path) -> None:
    hits: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for hit in table(out, "hits").to_pylist():
        hits.setdefault((hit["path"], hit["row"]), []).append(hit)
    for row in table(out, "documents").to_pylist():
        found = hits.pop((row["path"], row["row"]), [])
        assert (row["verdict"] == "match") == bool(found)
        if found:
            assert row["top_ref"] == found[0]["ref_id"]
            assert row["top_model"] == found[0]["ref_model"]
            assert row["bits"] == found[0]["bits"] == max(h["bits"] for h in found)
            assert row["id"] == found[0]["id"]
            assert row["coverage"] >= max(h["doc_coverage"] for h in found) - 1e-6
        for hit in found:
            assert 0 < hit["doc_coverage"] <= 1 and 0 < hit["ref_coverage"] <= 1 and 0 <= hit["jaccard"] <= 1
            assert hit["spans"]
    assert not hits


# ---- contract --------------------------------------------------------------------------------------------------------


def test_schemas_on_disk(out: Path) -> None:
    for kind, schema in (("documents", DOCUMENTS), ("hits", HITS)):
        for path in out.glob(f"{kind}-*.parquet"):
            read = pq.read_schema(path)
            assert read.names == schema.names
            assert read.remove_metadata().equals(schema), read


def check_manifest(out: Path) -> None:
    manifest = json.loads((out / "manifest.json").read_text())
    files = {p.relative_to(out).as_posix(): p for p in out.rglob("*") if p.is_file()}
    del files["manifest.json"]
    assert manifest["files"] == {name: hashlib.sha256(p.read_bytes()).hexdigest() for name, p in files.items()}


def check_counts(out: Path, rows_in: int) -> None:
    summary = summary_of(out)
    rows = table(out, "documents").to_pylist()
    rejected = [json.loads(line) for line in (out / "rejected.jsonl").read_text(encoding="utf-8").split("\n") if line]
    assert summary["documents"] == len(rows)
    assert summary["verdicts"] == {v: sum(r["verdict"] == v for r in rows) for v in VERDICTS}
    assert sum(summary["verdicts"].values()) == summary["documents"]
    assert summary["rejected"] == len(rejected)
    records = [r for r in rejected if r["position"].startswith(("line ", "row ")) and "group" not in r["position"]]
    assert summary["documents"] + len(records) == rows_in
    assert summary["hits"] == len(table(out, "hits"))
    assert summary["tokens"] == sum(r["tokens"] for r in rows)
    assert summary["match_rate"] == wilson(summary["verdicts"]["match"], len(rows)).as_dict()
    assert summary["languages"] == Counter(r["lang"] or "(none)" for r in rows)
    assert summary["models"] == Counter(r["top_model"] or "(none)" for r in rows if r["verdict"] == "match")
    for shard in summary["shards"]:
        own = [r for r in rows if r["path"] == shard["path"]]
        assert shard["documents"] == len(own)
        assert shard["verdicts"] == Counter(r["verdict"] for r in own)
        assert shard["match_rate"] == wilson(shard["verdicts"].get("match", 0), len(own)).as_dict()
    assert sum(shard["documents"] for shard in summary["shards"]) == len(rows)


def test_summary(out: Path, index: Index) -> None:
    summary = summary_of(out)
    assert summary["schema"] == SCHEMA_VERSION
    assert summary["program"] == __version__
    assert summary["index"]["version"] == index.manifest.version
    assert summary["index"]["references"] == 200
    assert summary["index"]["parameters"] == index.parameters.as_dict()
    assert summary["requested"] == [str(CORPUS)]
    assert summary["parameters"]["thresholds"] == {"match": Thresholds().match, "exact": Thresholds().exact}
    assert summary["text_bytes"] == sum(len(row["text"].encode()) for row in corpus())
    assert summary["seconds"] > 0 and summary["started"].endswith("Z")
    files = sorted(CORPUS.iterdir())
    assert [(i["path"], i["bytes"], i["sha256"], i["format"], i["compression"]) for i in summary["inputs"]] == [
        (str(p), p.stat().st_size, hashlib.sha256(p.read_bytes()).hexdigest(), kind, compression)
        for p, kind, compression in zip(
            files, ["parquet", "jsonl", "jsonl", "csv"], [None, None, "gzip", None], strict=True
        )
    ]
    check_counts(out, 400)
    check_manifest(out)


def test_summary_strongest(out: Path) -> None:
    strongest = summary_of(out)["strongest"]
    hits = {(h["path"], h["row"], h["ref_id"]): h for h in table(out, "hits").to_pylist()}
    text_of = {(row["path"], row["row"]): row["text"] for row in corpus()}
    assert len(strongest) == 5
    assert [s["bits"] for s in strongest] == sorted((s["bits"] for s in strongest), reverse=True)
    assert strongest[0]["bits"] == max(h["bits"] for h in hits.values())
    assert len({s["ref_id"] for s in strongest}) == len({(s["path"], s["row"]) for s in strongest}) == 5
    for s in strongest:
        hit = hits[s["path"], s["row"], s["ref_id"]]
        assert (s["bits"], s["id"], s["ref_model"]) == (hit["bits"], hit["id"], hit["ref_model"])
        first = hit["spans"][0]["doc_start"]
        assert text_of[s["path"], s["row"]][first : first + len(s["text"])] == s["text"]
        assert 0 < len(s["text"]) <= 300


def test_scan_returns_the_summary(index: Index, tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "a.jsonl", [{"text": "one"}, {"text": references()[0]["text"]}])
    returned = scan([str(source)], index.path, tmp_path / "out")
    assert returned == summary_of(tmp_path / "out")


def test_rejected(index: Index, tmp_path: Path) -> None:
    summary = scan([str(FIXTURES / "bad"), str(CORPUS)], index, tmp_path / "out")
    lines = (tmp_path / "out" / "rejected.jsonl").read_text(encoding="utf-8").splitlines()
    rejected = [json.loads(line) for line in lines]
    assert all(list(r) == ["path", "position", "reason"] and all(r.values()) for r in rejected)
    by_file = {name: [r["position"] for r in rejected if r["path"].endswith(name)] for name in BAD_POSITIONS}
    assert by_file == BAD_POSITIONS
    assert summary["rejected"] == len(rejected)
    good = {Path(s["path"]).name: s["documents"] for s in summary["shards"]}
    assert good["mixed.jsonl"] == 3 and good["corrupt.parquet"] == 8 and good["nul.txt"] == 1
    assert sum(good.values()) - 400 == 3 + 8 + 1 + good["cut.jsonl.gz"]
    check_manifest(tmp_path / "out")


BAD_POSITIONS = {
    "empty.jsonl": ["file"],
    "corrupt.parquet": ["row group 1"],
    "cut.jsonl.gz": ["after line 7"],
    "mixed.jsonl": ["line 2", "line 3", "line 5", "line 6", "line 7", "line 8"],
    "nul.txt": [],
}


def test_rejected_rows_and_documents_add_up(index: Index, tmp_path: Path) -> None:
    lines = [json.dumps({"text": f"document {k}"}) for k in range(50)]
    for k in (3, 17, 44):
        lines[k] = "broken"
    source = tmp_path / "a.jsonl"
    source.write_text("\n".join(lines) + "\n")
    scan([str(source)], index, tmp_path / "out")
    check_counts(tmp_path / "out", 50)
    rows = [r["row"] for r in table(tmp_path / "out", "documents").to_pylist()]
    assert rows == [k for k in range(50) if k not in (3, 17, 44)]


def test_nothing_that_can_be_read(index: Index, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    summary = scan([str(tmp_path / "empty.jsonl")], index, tmp_path / "out")
    assert (summary["documents"], summary["rejected"]) == (0, 1)
    assert summary["match_rate"]["rate"] is None
    assert len(table(tmp_path / "out", "documents")) == len(table(tmp_path / "out", "hits")) == 0
    test_schemas_on_disk(tmp_path / "out")
    check_manifest(tmp_path / "out")


def test_empty_parquet(index: Index, tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "a.parquet", [{"text": "x"}])
    pq.write_table(pq.read_table(source).slice(0, 0), source)
    summary = scan([str(source)], index, tmp_path / "out")
    assert (summary["documents"], summary["rejected"]) == (0, 0)
    assert len(table(tmp_path / "out", "documents")) == 0


# ---- refused ---------------------------------------------------------------------------------------------------------


def test_out_that_is_not_empty(index: Index, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    for resume, words in ((False, "not empty"), (True, "no interrupted scan")):
        with pytest.raises(InputError, match=words):
            scan([str(CORPUS)], index, tmp_path / "out", ScanOptions(resume=resume))
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_out_that_is_empty_or_a_file(index: Index, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert scan([str(CORPUS)], index, tmp_path / "out")["documents"] == 400
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        scan([str(CORPUS)], index, tmp_path / "file")


def test_request_that_is_wrong_writes_nothing(index: Index, tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "a.jsonl", [{"text": "one"}])
    for inputs, options, error in (
        ([str(tmp_path / "nowhere")], None, InputError),
        ([], None, InputError),
        ([str(source)], ScanOptions(text="body"), ColumnError),
        ([str(source)], ScanOptions(id="key"), ColumnError),
    ):
        with pytest.raises(error):
            scan(inputs, index, tmp_path / "out", options)
    with pytest.raises(IndexFormatError):
        scan([str(source)], tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["mixed.jsonl", "cut.jsonl.gz", "corrupt.parquet", "empty.jsonl"])
def test_strict(index: Index, tmp_path: Path, name: str) -> None:
    with pytest.raises(StrictError, match=f"{name}, {BAD_POSITIONS[name][0]}"):
        scan([str(CORPUS), str(FIXTURES / "bad" / name)], index, tmp_path / "out", ScanOptions(strict=True))
    assert not (tmp_path / "out" / "summary.json").exists()


def test_strict_where_all_is_well(index: Index, tmp_path: Path) -> None:
    assert scan([str(CORPUS)], index, tmp_path / "out", ScanOptions(strict=True))["documents"] == 400


# ---- the same rows, whatever -----------------------------------------------------------------------------------------


def rows_of(out: Path, path: bool = True) -> tuple[list[Any], list[Any]]:
    names = [n for n in DOCUMENTS.names if path or n != "path"], [n for n in HITS.names if path or n != "path"]
    return table(out, "documents").select(names[0]).to_pylist(), table(out, "hits").select(names[1]).to_pylist()


def without_times(out: Path) -> dict[str, Any]:
    summary = summary_of(out)
    return {name: value for name, value in summary.items() if name not in ("started", "seconds")}


def as_written(out: Path) -> str:
    """The text of a summary but for its times: the order of what it lists counts too."""
    return json.dumps(without_times(out))


@pytest.mark.parametrize("workers", [1, 2, 4, 9])
@pytest.mark.parametrize("task_bytes", [1, 1 << 30])
def test_same_for_any_number_of_workers(
    index: Index, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int, task_bytes: int
) -> None:
    monkeypatch.setattr(tasks, "TASK_BYTES", task_bytes)
    scan([str(CORPUS)], index, tmp_path / "out", ScanOptions(workers=workers))
    assert len(list((tmp_path / "out").glob("documents-*"))) == (4 if task_bytes == 1 else 1)
    assert rows_of(tmp_path / "out") == rows_of(out)
    assert as_written(tmp_path / "out") == as_written(out)
    check_manifest(tmp_path / "out")


@pytest.mark.parametrize("size", [{"batch_rows": 1}, {"batch_rows": 13}, {"batch_bytes": 700}, {"unit_bytes": 5000}])
def test_same_for_any_batch_and_unit_size(
    index: Index, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: dict[str, int]
) -> None:
    monkeypatch.setattr(ScanOptions, "read_options", lambda self: ReadOptions(**size))
    monkeypatch.setattr(tasks, "TASK_BYTES", 20_000)
    scan([str(CORPUS)], index, tmp_path / "out", ScanOptions(workers=3))
    assert rows_of(tmp_path / "out") == rows_of(out)
    assert as_written(tmp_path / "out") == as_written(out)


def test_same_for_any_order_of_files(index: Index, out: Path, tmp_path: Path) -> None:
    files = sorted(map(str, CORPUS.iterdir()), reverse=True)
    scan(files, index, tmp_path / "out")
    assert rows_of(tmp_path / "out") == rows_of(out)
    one, other = without_times(tmp_path / "out"), without_times(out)
    for name in ("documents", "hits", "verdicts", "match_rate", "languages", "models", "tokens", "strongest"):
        assert one[name] == other[name], name


def test_same_for_one_file_or_many(index: Index, tmp_path: Path) -> None:
    rows = [{"id": row["id"], "text": row["text"]} for row in corpus()]
    write_jsonl(tmp_path / "whole.jsonl", rows)
    scan([str(tmp_path / "whole.jsonl")], index, tmp_path / "one")
    (tmp_path / "parts").mkdir()
    for k in range(0, 400, 9):
        write_jsonl(tmp_path / "parts" / f"{k:03d}.jsonl", rows[k : k + 9])
    scan([str(tmp_path / "parts")], index, tmp_path / "many")
    strip = ("path", "row")
    for kind in ("documents", "hits"):
        one, many = (table(tmp_path / name, kind).drop_columns(strip).to_pylist() for name in ("one", "many"))
        assert one == many
    names = ("bits", "id", "ref_id", "text")
    assert [[s[n] for n in names] for s in summary_of(tmp_path / "one")["strongest"]] == [
        [s[n] for n in names] for s in summary_of(tmp_path / "many")["strongest"]
    ]


def test_same_for_any_format(index: Index, tmp_path: Path) -> None:
    rows = [{"id": row["id"], "text": row["text"]} for row in corpus()]
    write_jsonl(tmp_path / "a.jsonl", rows)
    write_parquet(tmp_path / "a.parquet", rows)
    write_csv_gz(tmp_path / "a.csv.gz", rows)
    results = []
    for name in ("a.jsonl", "a.parquet", "a.csv.gz"):
        scan([str(tmp_path / name)], index, tmp_path / f"out-{name}")
        results.append(rows_of(tmp_path / f"out-{name}", path=False))
    assert results[0] == results[1] == results[2]


def test_strongest_does_not_depend_on_batches(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many copies of the strongest hit must not push the others out of a batch's best."""
    order = sorted(references(), key=lambda r: -len(r["text"]))
    rows = [{"text": order[0]["text"]}] * 60 + [{"text": r["text"]} for r in order[:40]]
    rows += [{"text": order[k]["text"] + " " + order[k + 1]["text"]} for k in range(6)]
    random.Random(1).shuffle(rows)
    write_jsonl(tmp_path / "a.jsonl", rows + [{"text": nonsense(random.Random(2), 30)}])
    found = []
    for size in (1, 7, 1000):
        monkeypatch.setattr(ScanOptions, "read_options", lambda self, size=size: ReadOptions(batch_rows=size))
        found.append(scan([str(tmp_path / "a.jsonl")], index, tmp_path / str(size))["strongest"])
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 5


def test_ids_that_repeat(index: Index, tmp_path: Path) -> None:
    rows = [{"id": "same", "text": r["text"]} for r in references()[:3]] + [{"id": "same", "text": "clean"}]
    scan([str(write_jsonl(tmp_path / "a.jsonl", rows))], index, tmp_path / "out")
    assert [r["verdict"] for r in table(tmp_path / "out", "documents").to_pylist()] == ["match"] * 3 + ["clean"]


def test_named_columns(index: Index, tmp_path: Path) -> None:
    rows = [{"id": 1, "nr": "n1", "text": "clean", "answer": {"body": references()[0]["text"]}}]
    scan(
        [str(write_jsonl(tmp_path / "a.jsonl", rows))],
        index,
        tmp_path / "out",
        ScanOptions(text="answer.body", id="nr"),
    )
    (row,) = table(tmp_path / "out", "documents").to_pylist()
    assert (row["id"], row["verdict"]) == ("n1", "match")
    assert summary_of(tmp_path / "out")["parameters"]["text"] == "answer.body"


def test_progress_is_told_every_byte(index: Index, tmp_path: Path) -> None:
    told: list[int] = []
    totals: list[int] = []

    def started(total: int) -> Any:
        totals.append(total)
        return told.append

    summary = scan([str(CORPUS)], index, tmp_path / "out", started=started)
    assert len(totals) == 1 and totals[0] > 0
    assert sum(told) >= summary["text_bytes"]
