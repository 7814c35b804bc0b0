"""Hits of whole documents: kinds, coverages, similarity, thresholds, order, and texts that stand in many references."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest
from making import (
    corpus,
    folded,
    make_index,
    never,
    nonsense,
    references,
    scanned,
    substituted,
    words,
    write_jsonl,
)

from provscan import Index, Scanner
from provscan.index.build import BuildOptions, add
from provscan.match.matcher import Thresholds

pytestmark = pytest.mark.compiled

SHORT = "Quicksilver marmots juggle twelve ocarinas under Reykjavik."


def shingles(text: str) -> set[tuple[int, ...]]:
    ids = folded(text)
    size = min(len(ids), 5)
    return {tuple(ids[k : k + size]) for k in range(len(ids) - size + 1)} if ids else set()


def jaccard(one: str, other: str) -> float:
    a, b = shingles(one), shingles(other)
    return len(a & b) / len(a | b)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return make_index(tmp_path_factory.mktemp("matcher") / "index", references())


def reference(index: Index, name: str) -> str:
    number = index.find(name)
    assert number is not None
    return str(references()[number]["text"])


# ---- kinds, coverage, similarity ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ref-en-001", "ref-en-077", "ref-zh-001", "ref-zh-080"])
def test_kind_exact(index: Index, name: str) -> None:
    text = reference(index, name)
    copies = [text, text.upper(), f"  «{text}» \n", text.replace(" ", "\u00a0\u200b").replace("a", "\u0430")]
    documents, hits = scanned(index, copies)
    for document, (hit, *others), copy in zip(documents, hits, copies, strict=True):
        assert (hit["ref_id"], hit["kind"]) == (name, "exact")
        assert (hit["jaccard"], hit["doc_coverage"], hit["ref_coverage"]) == (1, 1, 1)
        assert not others
        assert (document["coverage"], document["top_ref"]) == (1, name)
        assert document["bits"] == hit["bits"] > 300
        assert len(hit["spans"]) == 1
        assert folded(copy[hit["spans"][0]["doc_start"] : hit["spans"][0]["doc_end"]]) == folded(text)


@pytest.mark.parametrize("count", [1, 5, 12])
def test_kind_near(index: Index, count: int) -> None:
    text = reference(index, "ref-en-020")
    near = substituted(random.Random(count), text, count)
    (document,), ((hit, *_),) = scanned(index, [near])
    assert (hit["kind"], hit["ref_id"]) == ("near", "ref-en-020")
    share = 1 - count / len(text.split())
    assert hit["doc_coverage"] == pytest.approx(share, abs=0.03)
    assert hit["ref_coverage"] == pytest.approx(share, abs=0.03)
    assert document["coverage"] == hit["doc_coverage"]


@pytest.mark.parametrize("before", [0, 3, 200])
def test_kind_passage(index: Index, before: int) -> None:
    rng = random.Random(before)
    text = reference(index, "ref-en-030")
    passage = " ".join(text.split()[20:45])
    document = f"{nonsense(rng, before)} {passage} {nonsense(rng, 90)}".strip()
    (row,), ((hit, *others),) = scanned(index, [document])
    assert (hit["kind"], hit["ref_id"], others) == ("passage", "ref-en-030", [])
    total, shared = len(folded(document)), len(folded(passage))
    # A word beside the passage may agree by chance.
    assert -1e-6 <= hit["doc_coverage"] - shared / total <= 2 / total + 1e-6
    assert -1e-6 <= hit["ref_coverage"] - shared / len(folded(text)) <= 2 / len(folded(text)) + 1e-6
    assert row["coverage"] == hit["doc_coverage"]
    assert passage in document[hit["spans"][0]["doc_start"] : hit["spans"][-1]["doc_end"]]


def test_kind_of_a_reference_inside_a_document(index: Index) -> None:
    """The whole reference, but less than half of the document: a passage."""
    text = reference(index, "ref-en-050")
    document = nonsense(random.Random(1), 200) + ". " + text
    _, ((hit, *_),) = scanned(index, [document])
    assert hit["kind"] == "passage"
    assert hit["ref_coverage"] == 1
    assert hit["doc_coverage"] == pytest.approx(len(folded(text)) / len(folded(document)), abs=0.01)


def test_kind_same_words_in_another_order_is_not_exact(index: Index) -> None:
    text = reference(index, "ref-en-040").split()
    _, ((hit, *_),) = scanned(index, [" ".join(text[30:] + text[:30])])
    assert hit["kind"] == "near"
    assert hit["doc_coverage"] == hit["ref_coverage"] == 1


def test_jaccard_estimates_the_exact_one(index: Index) -> None:
    """128 permutations: a standard error of at most .045, so that .15 is beyond three of them."""
    rng = random.Random(5)
    errors = []
    for name in ("ref-en-003", "ref-en-044", "ref-en-099"):
        text = reference(index, name)
        for count in (0, 1, 2, 3, 5, 8):
            document = substituted(rng, text, count) + " " + nonsense(rng, rng.choice([0, 0, 10, 40]))
            _, (hits,) = scanned(index, [document])
            estimate = next(hit["jaccard"] for hit in hits if hit["ref_id"] == name)
            errors.append(estimate - jaccard(document, text))
    assert max(map(abs, errors)) < 0.15
    assert abs(sum(errors) / len(errors)) < 0.03


# ---- what is evidence -----------------------------------------------------------------------------------------------


def test_short_texts_need_information(tmp_path: Path) -> None:
    common = ["Yes, that is correct.", "Thank you!", "对，没错。", "好的。", "42"]
    rare = [SHORT, "鹧鸪衔着琥珀罗盘飞过喀什噶尔"]
    index = make_index(tmp_path / "index", [{"id": text, "text": text} for text in common + rare])
    documents, hits = scanned(index, common + rare)
    assert [d["verdict"] for d in documents] == ["clean"] * len(common) + ["match"] * len(rare)
    for text, (hit,) in zip(rare, hits[len(common) :], strict=True):
        assert (hit["ref_id"], hit["kind"]) == (text, "exact")
        assert hit["bits"] >= 45


def test_exact_threshold_is_for_whole_equal_texts_only(tmp_path: Path) -> None:
    """Words worth between the thresholds match when they are all there is, not inside another text."""
    rng = random.Random(3)
    limits = Thresholds()
    texts = [" ".join(rng.sample(words(), 5)) for _ in range(200)]
    index = make_index(tmp_path / "index", [{"text": text} for text in texts])
    bits = {}
    for text, found in zip(texts, scanned(index, texts)[1], strict=True):
        if found:
            bits[text] = found[0]["bits"]
    between = [text for text in bits if bits[text] < limits.match - 5]
    assert min(bits.values()) >= limits.exact
    assert len(between) > 20
    documents, _ = scanned(index, [nonsense(rng, 40) + " " + text + " " + nonsense(rng, 40) for text in between])
    assert {d["verdict"] for d in documents} == {"clean"}


def test_thresholds_decide(index: Index) -> None:
    batch = pa.record_batch({"text": [reference(index, "ref-en-001"), nonsense(random.Random(9), 50)]})
    for match, exact, verdict in ((80.0, 45.0, "match"), (1e5, 1e5, "clean"), (1e5, 45.0, "match")):
        rows = Scanner(index, Thresholds(match, exact)).scan_batch(batch).documents.to_pylist()
        assert [row["verdict"] for row in rows] == [verdict, "clean"]


def test_thresholds_grow_with_the_index() -> None:
    limits = Thresholds(80.0, 45.0)
    assert limits.least(0) == limits.least(1_500_000) == (80 * 16, 45 * 16)
    assert limits.least(3_000_000) == (81 * 16, 46 * 16)
    assert limits.least(1_500_000 << 10) == (90 * 16, 55 * 16)


def test_nothing_in_common(index: Index) -> None:
    documents, hits = scanned(index, [nonsense(random.Random(k), 300) for k in range(20)])
    assert {d["verdict"] for d in documents} == {"clean"}
    assert all(d["coverage"] == 0 and d["bits"] is None and d["top_ref"] is None for d in documents)
    assert hits == [[]] * 20


# ---- several references ---------------------------------------------------------------------------------------------


def test_document_copying_two_references_reports_both(index: Index) -> None:
    one, two = reference(index, "ref-en-010"), reference(index, "ref-zh-010")
    rng = random.Random(2)
    document = f"{nonsense(rng, 30)} {one} {nonsense(rng, 30)} {two} {nonsense(rng, 30)}"
    (row,), (hits,) = scanned(index, [document])
    assert {hit["ref_id"] for hit in hits} == {"ref-en-010", "ref-zh-010"}
    assert row["coverage"] == pytest.approx(sum(hit["doc_coverage"] for hit in hits), abs=1e-6)
    assert row["top_ref"] == hits[0]["ref_id"]
    assert hits[0]["bits"] >= hits[1]["bits"]
    for hit in hits:
        assert hit["ref_coverage"] == 1


def test_coverage_is_of_the_union(tmp_path: Path) -> None:
    """Two references that share half of their text cover its tokens once."""
    rng = random.Random(4)
    a, b, c, rest = (nonsense(rng, 30) for _ in range(4))
    index = make_index(tmp_path / "index", [{"id": "ab", "text": f"{a} {b}"}, {"id": "bc", "text": f"{b} {c}"}])
    (row,), (hits,) = scanned(index, [f"{a} {b} {c} {rest}"])
    assert sorted(hit["ref_id"] for hit in hits) == ["ab", "bc"]
    assert [hit["doc_coverage"] for hit in hits] == pytest.approx([0.5, 0.5], abs=0.01)
    assert row["coverage"] == pytest.approx(0.75, abs=0.01)


def test_coverage_is_of_the_union_over_segments(tmp_path: Path) -> None:
    rng = random.Random(4)
    a, b, c, rest = (nonsense(rng, 30) for _ in range(4))
    make_index(tmp_path / "index", [{"id": "ab", "text": f"{a} {b}"}])
    add(
        [str(write_jsonl(tmp_path / "bc.jsonl", [{"id": "bc", "text": f"{b} {c}"}]))],
        tmp_path / "index",
        BuildOptions(),
        never,
    )
    (row,), (hits,) = scanned(Index(tmp_path / "index"), [f"{a} {b} {c} {rest}"])
    assert sorted(hit["ref_id"] for hit in hits) == ["ab", "bc"]
    assert row["coverage"] == pytest.approx(0.75, abs=0.01)


def test_hits_are_ordered_by_bits_then_coverage_then_number(tmp_path: Path) -> None:
    rng = random.Random(6)
    text, tail = nonsense(rng, 40), nonsense(rng, 60)
    rows = [("z", text), ("long", f"{text} {tail}"), ("y", text), ("part", " ".join(text.split()[:30])), ("x", text)]
    index = make_index(tmp_path / "index", [{"id": name, "text": body} for name, body in rows])
    documents, hits = scanned(index, [text, nonsense(rng, 50) + " " + text])
    for document, found in zip(documents, hits, strict=True):
        assert [hit["ref_id"] for hit in found] == ["z", "y", "x", "long", "part"]
        assert [h["bits"] for h in found] == sorted((h["bits"] for h in found), reverse=True)
        assert found[0]["bits"] == found[3]["bits"] > found[4]["bits"]
        assert document["top_ref"] == "z"


def test_repeated_passage_is_one_hit_with_all_its_places(index: Index) -> None:
    text = reference(index, "ref-en-060")
    rng = random.Random(8)
    document = f"{text} {nonsense(rng, 25)} {text}"
    (row,), (hits,) = scanned(index, [document])
    (hit,) = hits
    assert (
        hit["doc_coverage"] == row["coverage"] == pytest.approx(2 * len(folded(text)) / len(folded(document)), abs=0.02)
    )
    assert hit["ref_coverage"] == 1
    places = [(s["doc_start"], s["doc_end"]) for s in hit["spans"]]
    assert places == sorted(places)
    assert any(first == 0 for first, _ in places)
    assert any(last >= len(document) - 1 for _, last in places)


# ---- texts that are in many references ------------------------------------------------------------------------------

MANY = 60


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Index, str, str]:
    """Sixty times the same long answer, sixty times the same short one; the first 16 of each have postings."""
    rng = random.Random(11)
    long, short = nonsense(rng, 150), nonsense(rng, 45)
    rows = [{"id": f"long-{k}", "text": long} for k in range(MANY)]
    rows += [{"id": f"short-{k}", "text": short} for k in range(MANY)]
    rows += [{"id": f"other-{k}", "text": nonsense(rng, 100)} for k in range(20)]
    return make_index(tmp_path_factory.mktemp("crowded") / "index", rows), long, short


def test_common_text_is_found_whole(crowded: tuple[Index, str, str]) -> None:
    index, long, short = crowded
    for text, name in ((long, "long-0"), (short, "short-0"), (long.upper(), "long-0")):
        (document,), (hits,) = scanned(index, [text])
        assert (document["verdict"], document["top_ref"]) == ("match", name)
        assert {hit["kind"] for hit in hits} == {"exact"}


def test_common_text_is_found_nearly_whole(crowded: tuple[Index, str, str]) -> None:
    index, long, _ = crowded
    rng = random.Random(12)
    documents, hits = scanned(index, [substituted(rng, long, 1) for _ in range(30)])
    assert [d["verdict"] for d in documents] == ["match"] * 30
    assert all(hit["kind"] == "near" and hit["ref_id"].startswith("long-") for found in hits for hit in found)


def test_common_text_is_found_in_every_document_of_a_chunk(crowded: tuple[Index, str, str]) -> None:
    index, long, _ = crowded
    rng = random.Random(13)
    documents, _ = scanned(index, [substituted(rng, long, 1) for _ in range(400)])
    assert [k for k, d in enumerate(documents) if d["verdict"] != "match"] == []


@pytest.mark.parametrize("kind", ["passage", "edited", "short edited", "with more around it"])
def test_common_text_is_found_in_part(crowded: tuple[Index, str, str], kind: str) -> None:
    index, long, short = crowded
    rng = random.Random(14)
    document = {
        "passage": f"{nonsense(rng, 60)} {' '.join(long.split()[40:90])} {nonsense(rng, 60)}",
        "edited": substituted(rng, long, 15),
        "short edited": substituted(rng, short, 1),
        "with more around it": f"{nonsense(rng, 40)} {long} {nonsense(rng, 40)}",
    }[kind]
    (row,), _ = scanned(index, [document])
    assert row["verdict"] == "match"


def test_equal_short_texts_are_found_in_every_document_of_a_chunk(tmp_path: Path) -> None:
    """A text without a sampled seed, which only its fingerprint can find, in 20 references."""
    text = "Ouagadougou kumquat zeppelin marzipan ocelot"
    index = make_index(tmp_path / "index", [{"id": f"r{k}", "text": text} for k in range(20)])
    alone, _ = scanned(index, [text])
    assert alone[0]["verdict"] == "match"
    documents, _ = scanned(index, [text] * 40)
    assert [d["verdict"] for d in documents] == ["match"] * 40


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> tuple[Index, list[str]]:
    """Sixty answers that differ in a word, whose seeds are common, among so many others that they are no template."""
    rng = random.Random(17)
    long = nonsense(rng, 150)
    variants = [substituted(rng, long, 1) for _ in range(MANY)]
    rows = [{"id": f"variant-{k}", "text": text} for k, text in enumerate(variants)]
    rows += [{"id": f"other-{k}", "text": nonsense(rng, 6)} for k in range(8000)]
    return make_index(tmp_path_factory.mktemp("varied") / "index", rows), variants


def test_variants_are_found_nearly_whole(varied: tuple[Index, list[str]]) -> None:
    """In every document of a chunk, in which bands find more hits than there is room for at once."""
    index, variants = varied
    rng = random.Random(18)
    assert index.parameters.most < MANY
    documents, hits = scanned(index, [substituted(rng, rng.choice(variants), 1) for _ in range(600)])
    assert [k for k, d in enumerate(documents) if d["verdict"] != "match"] == []
    assert {hit["kind"] for found in hits for hit in found} == {"near"}


def test_templates(tmp_path: Path) -> None:
    """What a hundred references have in common is no evidence for any of them; what is their own is."""
    rng = random.Random(15)
    opening = "Certainly! Here is a detailed overview of the topic that you asked me about, in several steps:"
    closing = "I hope that this helps! Let me know if there is anything else that I can do for you today."
    own = [nonsense(rng, 40) for _ in range(100)]
    index = make_index(
        tmp_path / "index", [{"id": str(k), "text": f"{opening} {text} {closing}"} for k, text in enumerate(own)]
    )
    documents, hits = scanned(
        index,
        [
            f"{opening} {nonsense(rng, 60)} {closing}",
            f"{opening} {own[7]} {closing}",
            f"{nonsense(rng, 60)} {own[8]} {nonsense(rng, 60)}",
        ],
    )
    assert [d["verdict"] for d in documents] == ["clean", "match", "match"]
    assert documents[1]["top_ref"] == "7" and hits[1][0]["kind"] == "exact"
    assert [hit["ref_id"] for hit in hits[2]] == ["8"]


# ---- batches --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 17, 400])
def test_scanner_any_batch_size(index: Index, size: int) -> None:
    rows = corpus()
    table = pa.table({"text": [row["text"] for row in rows], "row": pa.array(range(len(rows)))})
    scanner = Scanner(index)
    whole = scanner.scan_batch(table.combine_chunks().to_batches()[0])
    parts = [scanner.scan_batch(batch) for batch in table.to_batches(max_chunksize=size)]
    assert pa.Table.from_batches([p.documents for p in parts]).to_pylist() == whole.documents.to_pylist()
    assert pa.Table.from_batches([p.hits for p in parts]).to_pylist() == whole.hits.to_pylist()


def test_scanner_documents_and_references_of_any_length(tmp_path: Path) -> None:
    """Documents larger than the slab, references longer than any document, and small ones between them."""
    rng = random.Random(16)
    huge, tiny = nonsense(rng, 150_000), nonsense(rng, 30)
    index = make_index(tmp_path / "index", [{"id": "huge", "text": huge}, {"id": "tiny", "text": tiny}])
    around = nonsense(rng, 120_000)
    texts = [tiny, f"{around} {tiny} {around}", "", huge, " ".join(huge.split()[70_000:70_040]), tiny]
    documents, hits = scanned(index, texts)
    assert [d["top_ref"] for d in documents] == ["tiny", "tiny", None, "huge", "huge", "tiny"]
    assert [found[0]["kind"] for found in hits if found] == ["exact", "passage", "exact", "passage", "exact"]
    (span,) = hits[1][0]["spans"]
    assert folded(texts[1][span["doc_start"] : span["doc_end"]]) == folded(tiny)
    (span,) = hits[4][0]["spans"]
    assert folded(huge[span["ref_start"] : span["ref_end"]]) == folded(texts[4])
