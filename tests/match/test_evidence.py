"""Spans of hits: slices of both original texts, in code points, that fold to the same tokens."""

from __future__ import annotations

import unicodedata
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making import code_point_starts, corpus, folded, make_index, references, scanned

from provscan import Index
from provscan.match.evidence import document_points
from provscan.text.tokenizer import Tokenizer

Row = dict[str, Any]


def check_spans(document: str, reference: str, hit: Row) -> None:
    """What holds of the spans of any hit."""
    spans = [(s["doc_start"], s["doc_end"], s["ref_start"], s["ref_end"]) for s in hit["spans"]]
    assert spans
    assert spans == sorted(spans)
    for doc_start, doc_end, ref_start, ref_end in spans:
        assert 0 <= doc_start < doc_end <= len(document)
        assert 0 <= ref_start < ref_end <= len(reference)
        one, other = document[doc_start:doc_end], reference[ref_start:ref_end]
        assert folded(one) == folded(other), (one, other)
    for (_, one_end, _, one_ref_end), (other_start, _, other_ref_start, _) in pairwise(spans):
        assert one_end <= other_start or other_ref_start < one_ref_end, "documents overlap where references repeat"
    tokens = sum(len(folded(document[first:last])) for first, last, *_ in spans)
    assert tokens >= round(hit["doc_coverage"] * len(folded(document)))


# ---- the fixtures, and what obfuscation makes of them ----------------------------------------------------------------


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return make_index(tmp_path_factory.mktemp("evidence") / "index", references())


@pytest.mark.compiled
def test_spans_of_the_fixtures(index: Index) -> None:
    text_of = {row["id"]: row["text"] for row in references()}
    texts = [row["text"] for row in corpus()]
    documents, hits = scanned(index, texts)
    assert sum(map(len, hits)) >= 160
    for text, found in zip(texts, hits, strict=True):
        for hit in found:
            check_spans(text, text_of[hit["ref_id"]], hit)


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["copy", "edited", "dropped", "passage", "obfuscated", "masked"])
def test_spans_and_coverage_by_kind_of_editing(index: Index, name: str) -> None:
    rows = [row for row in corpus() if row["truth"] == name]
    documents, _ = scanned(index, [row["text"] for row in rows])
    least = {"copy": 1.0, "edited": 0.6, "dropped": 0.6, "passage": 0.15, "obfuscated": 0.9, "masked": 0.6}[name]
    assert min(d["coverage"] for d in documents) >= least
    assert [d["top_ref"] for d in documents] == [row["truth_ref"] for row in rows]


SEPARATORS = [" ", "  ", "\n\n", ", ", " — ", "\u3000", "\u00a0", " \U0001f600 ", "\u2028", ".", " [\u200b] "]
INSIDE = ["\u200b", "\u200d", "\u00ad", "\u2060", "\ufeff", "\u0301", "\u0327", "\ufe0f"]
LOOK_ALIKES = str.maketrans(
    {"a": "\u0430", "e": "\u0435", "o": "\u043e", "p": "\u0440", "c": "\u0441", "x": "\U0001d431"}
)


def full_width(word: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in word)


def obfuscated(draw: Any, word: str) -> str:
    how = draw(st.integers(0, 7))
    if how == 1:
        return word.upper()
    if how == 2:
        return word.translate(LOOK_ALIKES)
    if how == 3:
        return full_width(word)
    if how == 4:
        return word.replace("fi", "\ufb01").replace("ff", "\ufb00")
    if how == 5:
        at = draw(st.integers(1, len(word)))
        return word[:at] + draw(st.sampled_from(INSIDE)) + word[at:]
    if how == 6:
        return unicodedata.normalize("NFD", word)
    return word


@st.composite
def rewritings(draw: Any) -> tuple[str, str]:
    """A reference of the fixtures in its own words and in a form that folds to the same, inside another text."""
    row = draw(st.sampled_from(references()))
    words = row["text"].split(" ")
    first = draw(st.integers(0, max(len(words) - 30, 0)))
    pieces = [draw(st.sampled_from(["", "\U0001f600 ", "前言。", "Foreword: \u0301", "\u200b\n"]))]
    for word in words[first : first + 60]:
        pieces.append(obfuscated(draw, word) if word else word)
        pieces.append(draw(st.sampled_from(SEPARATORS)) if draw(st.booleans()) else " ")
    pieces.append(draw(st.sampled_from(["", "the end", "\U00020000。", "\u0301"])))
    return row["id"], "".join(pieces)


@pytest.mark.compiled
@settings(max_examples=150)
@given(rewritings())
def test_spans_of_any_obfuscation(index: Index, pair: tuple[str, str]) -> None:
    name, text = pair
    text_of = {row["id"]: row["text"] for row in references()}
    (document,), (hits,) = scanned(index, [text])
    assert document["top_ref"] == name
    for hit in hits:
        check_spans(text, text_of[hit["ref_id"]], hit)


# ---- references with characters of many widths -----------------------------------------------------------------------

PLAIN = ["marmot", "juggler", "ocarina", "twelve", "reykjavik", "quicksilver", "obsidian", "zeppelin", "marzipan"]
PLAIN += ["gazpacho", "kumquat", "xylophone"]
HAN = "鹧鸪衔着琥珀罗盘飞过喀什噶尔戈壁绿洲驼铃悠扬月色如霜"


@st.composite
def odd_texts(draw: Any) -> str:
    """Rare words and Han characters among separators of every width: what stands between words, not inside them."""
    words = draw(st.lists(st.sampled_from(PLAIN + list(HAN)), min_size=15, max_size=30, unique=True))
    return "".join(word + draw(st.sampled_from(SEPARATORS)) for word in words)


@pytest.mark.compiled
@settings(max_examples=60)
@given(odd_texts(), st.sampled_from(["", "Prefix \U0001f600 ", "前"]), st.sampled_from(["", " suffix", "。"]))
def test_spans_of_references_with_any_separators(
    tmp_path_factory: pytest.TempPathFactory, text: str, before: str, after: str
) -> None:
    index = make_index(tmp_path_factory.mktemp("odd") / "index", [{"id": "r", "text": text}])
    documents = [text, before + text + after, before + text.upper() + after, " ".join(text.split())]
    _, found = scanned(index, documents)
    for document, hits in zip(documents, found, strict=True):
        for hit in hits:
            check_spans(document, text, hit)
    assert found[0]


REFERENCE_FORMS = {
    "zero width inside": lambda word: word[:2] + "\u200b" + word[2:],
    "two soft hyphens": lambda word: word[:1] + "\u00ad" + word[1:2] + "\u00ad" + word[2:],
    "combining marks": lambda word: word[:1] + "\u0301" + word[1:],
    "expanded by the document": lambda word: word,
}


@pytest.mark.compiled
@pytest.mark.xfail(
    strict=True,
    reason="the index keeps where tokens start: a reference's last token is taken to be as long as the document's",
)
@pytest.mark.parametrize("form", REFERENCE_FORMS)
def test_spans_of_references_with_longer_tokens_than_the_document(tmp_path: Path, form: str) -> None:
    words = [word + "fix" for word in PLAIN]
    reference = " ".join(map(REFERENCE_FORMS[form], words))
    document = " ".join(words).replace("fi", "\ufb01") if form == "expanded by the document" else " ".join(words)
    index = make_index(tmp_path / "index", [{"id": "r", "text": reference}])
    _, (hits,) = scanned(index, [document])
    check_spans(document, reference, hits[0])


@pytest.mark.compiled
def test_spans_where_one_character_is_several_tokens(tmp_path: Path) -> None:
    """Characters that expand to several tokens are in a span as a whole."""
    reference = "㍿という会社は昭和の時代に" + HAN + "を売っていた"
    index = make_index(tmp_path / "index", [{"id": "r", "text": reference}])
    document = "株式会社という会社は昭和の時代に" + HAN + "を売っていた"
    for one, other in ((document, reference), (reference, reference)):
        _, ((hit,),) = scanned(index, [one])
        (span,) = hit["spans"]
        assert (span["doc_start"], span["doc_end"]) == (0, len(one))
        assert (span["ref_start"], span["ref_end"]) == (0, len(other))


# ---- the kernel ------------------------------------------------------------------------------------------------------

TOKENIZER = Tokenizer()


@given(
    st.text(max_size=60) | st.text(st.sampled_from("ab \u200b\u0301ßﬁ㍿ﷺ中あ\U0001f600"), max_size=60),
    st.binary(max_size=3),
)
def test_document_points_gives_what_python_counts(text: str, before: bytes) -> None:
    data = text.encode()
    tokens = TOKENIZER(text)
    n = len(tokens.ids)
    # As in a chunk: the tokens of other texts stand before and after.
    starts = np.concatenate([[7, 7], tokens.starts, [7]]).astype(np.uint32)
    ends = np.concatenate([[8, 8], tokens.ends, [8]]).astype(np.uint32)
    points = np.full(n + 1, -7, np.int32), np.full(n + 1, -7, np.int32)
    document_points(np.frombuffer(before + data + b"x", np.uint8), len(before), starts, ends, 2, 2 + n, *points)
    assert points[0].tolist() == [*code_point_starts(text), -7]
    assert points[1].tolist() == [*(len(data[:end].decode()) for end in tokens.ends.tolist()), -7]
