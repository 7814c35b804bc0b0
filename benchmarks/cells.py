"""What accuracy is measured on: references, human documents, and the cells of edited references."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from pathlib import Path

import edits
import pyarrow.parquet as pq
from edits import UNITS, Edit, Edited

FIXTURES = Path(__file__).parents[1] / "fixtures"
HELD_BACK = frozenset(
    (
        "gpt-4o-mini-2024-07-18",
        "claude-3-sonnet-20240229",
        "gemma-7b-it",
        "Qwen1.5-72B-Chat",
        "Meta-Llama-3-70B-Instruct",
        "mistral-medium",
        "yi-large-preview",
    )
)
"""Models of alpaca_eval whose answers nothing was tuned on."""
HUMAN = {
    "en": tuple(
        f"human_{name}"
        for name in ("abc", "brown", "inaugural", "movie_reviews", "state_union", "webtext", "ewt", "gum", "lines")
    ),
    "zh": ("cmrc_zh_human", "csl_zh_human"),
}
LENGTHS = {
    "en": ((20, 30), (30, 40), (40, 60), (60, 120), (120, 1000)),
    "zh": ((30, 60), (60, 120), (120, 1000)),
}
WHOLE = (60, 400)
"""Lengths of references for edits that are measured at one length."""
PASSAGES = {"en": (8, 10, 12, 15, 25, 60), "zh": (12, 15, 20, 25, 30, 40, 60)}
DISGUISES = {
    "en": ("homoglyphs", "zero width", "soft hyphen", "accents", "full width", "case"),
    "zh": ("zero width", "soft hyphen", "spaces", "line breaks"),
}
LEAST = 20
"""Words, or characters, of a reference; and documents of a cell that is worth a figure."""
HOST = 60


@dataclass(frozen=True)
class Texts:
    """Texts of one language by id.

    Attributes
    ----------
    references : dict
        Distinct texts, of 20 words (characters) and more.
    others : dict
        Further references that go into the index and that no document is made of.
    human : dict
        By ``domain|id``.
    """

    language: str
    references: dict[str, str]
    human: dict[str, str]
    others: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cell:
    """Documents made in one way of references of so many words, or in Chinese characters."""

    group: str
    name: str
    low: int
    high: int
    edit: Edit


@dataclass(frozen=True)
class Document:
    cell: str
    reference: str
    edited: Edited


def units(text: str, language: str) -> int:
    """Words, in Chinese characters."""
    return len(UNITS[language].findall(text))


def load(data: Path | None, language: str, everything: bool) -> Texts:
    """Texts of a folder of corpora, or of the fixtures where there is none.

    Parameters
    ----------
    data : Path or None
    language : {"en", "zh"}
    everything : bool
        Put all of alpaca_eval and alpaca_en into the index too.
    """
    if data is None:
        return from_fixtures(language)
    rows = read(data / ("alpaca_eval" if language == "en" else "alpaca_zh"))
    held = [r for r in rows if language == "zh" or r["model"] in HELD_BACK]
    references = distinct({r["id"]: r["text"] for r in held}, language)
    human = {f"{name}|{r['id']}": r["text"] for name in HUMAN[language] for r in read(data / name) if r["text"]}
    others: dict[str, str] = {}
    if everything and language == "en":
        others = {r["id"]: r["text"] for r in rows + read(data / "alpaca_en") if r["id"] not in references}
    return Texts(language, references, human, others)


def read(path: Path) -> list[dict[str, str]]:
    columns = ["id", "text", "model"]
    return pq.read_table(path.with_suffix(".parquet"), columns=columns).to_pylist()


def from_fixtures(language: str) -> Texts:
    """The project's own references and clean documents: few, so that cells are small."""
    texts = {r["id"]: r["text"] for r in lines(FIXTURES / "references.jsonl") if f"-{language}-" in r["id"]}
    corpus = pq.read_table(FIXTURES / "corpus" / "part-0.parquet").to_pylist()
    corpus += lines(FIXTURES / "corpus" / "part-1.jsonl")
    human = {f"fixtures|{r['id']}": r["text"] for r in corpus if r["truth"] == "clean" and r["lang"] == language}
    return Texts(language, distinct(texts, language), human)


def lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def distinct(texts: dict[str, str], language: str) -> dict[str, str]:
    """Texts that are long enough, each once."""
    once = {text: name for name, text in reversed(texts.items()) if text and units(text, language) >= LEAST}
    return {name: text for text, name in reversed(once.items())}


def cells(texts: Texts) -> list[Cell]:
    """All cells of a language."""
    language = texts.language
    words = [w for t in list(texts.references.values())[:1500] for w in UNITS[language].findall(t)]
    hosts = [t for t in texts.human.values() if units(t, language) >= HOST] or list(texts.human.values())
    found = [cell for low, high in LENGTHS[language] for cell in cells_by_length(low, high, words)]
    low, high = WHOLE
    found.append(Cell("sentences shuffled", f"{low} to {high}", low, high, edits.shuffle))
    found += [Cell("disguised", how, low, high, edits.disguise(how)) for how in DISGUISES[language]]
    found += [Cell("passage", str(n), n + LEAST, 1000, edits.passage(n, hosts)) for n in PASSAGES[language]]
    return found


def cells_by_length(low: int, high: int, words: list[str]) -> list[Cell]:
    """The cells of whole references of so many words."""
    named = f"{low} to {high}" if high < 1000 else f"over {low}"
    kinds = [
        ("substituted", (0, 10, 20, 30, 40, 50, 60), lambda share: edits.substitute(share, words)),
        ("dropped, inserted, replaced", (20, 40), lambda share: edits.disturb(share, words)),
    ]
    if low >= 40:
        kinds.append(("masked", (10, 30, 50), edits.mask))
    return [
        Cell(group, f"{named}, {share} %", low, high, edit(share / 100))
        for group, shares, edit in kinds
        for share in shares
    ]


def documents(texts: Texts, some: list[Cell], most: int, seed: int) -> list[Document]:
    """At most ``most`` documents for each cell; a cell's do not depend on the other cells."""
    counted = {name: units(text, texts.language) for name, text in texts.references.items()}
    made = []
    for cell in some:
        rng = random.Random(f"{seed} {texts.language} {cell.group} {cell.name}")
        fitting = [name for name, count in counted.items() if cell.low <= count < cell.high]
        if len(fitting) < LEAST:
            continue
        for name in rng.sample(fitting, min(most, len(fitting))):
            edited = cell.edit(texts.references[name], texts.language, rng)
            made.append(Document(f"{cell.group}: {cell.name}", name, edited))
    return made
