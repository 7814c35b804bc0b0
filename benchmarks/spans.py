"""How true reported spans are: held against the words that an edit is known to have kept."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from edits import LATIN, LOOKALIKE, Edited

LOOK_LIKE = str.maketrans(LOOKALIKE, LATIN)


def fold(text: str) -> str:
    """Letters and digits only, without case, accents, widths, invisible characters and lookalikes."""
    plain = unicodedata.normalize("NFKD", text).translate(LOOK_LIKE).casefold()
    return "".join(letter for letter in plain if letter.isalnum())


@dataclass
class Agreement:
    """Letters and digits of documents, counted.

    Attributes
    ----------
    reported : int
        In spans.
    true : int
        Of these, in words that the document has from the place of the reference that the span names.
    equal : int
        Of these, in spans whose two texts are equal when folded.
    kept : int
        Of the documents, in words that they have from the reference.
    found : int
        Of these, in spans.
    """

    reported: int = 0
    true: int = 0
    equal: int = 0
    kept: int = 0
    found: int = 0

    def add(self, edited: Edited, reference: str, spans: Iterable[dict[str, int]]) -> None:
        """Count the spans of a document's hit on the reference that it was made of."""
        letters = np.array([letter.isalnum() for letter in edited.text], bool)
        origin = np.full(len(letters), -1)
        for word in edited.kept:
            origin[word.start : word.end] = word.ref_start
        kept = letters & (origin >= 0)
        covered = np.zeros(len(letters), bool)
        for span in spans:
            inside = slice(span["doc_start"], span["doc_end"])
            place = origin[inside]
            count = int(letters[inside].sum())
            self.reported += count
            self.true += int((kept[inside] & (place >= span["ref_start"]) & (place < span["ref_end"])).sum())
            if fold(edited.text[inside]) == fold(reference[span["ref_start"] : span["ref_end"]]):
                self.equal += count
            covered[inside] = True
        self.kept += int(kept.sum())
        self.found += int((kept & covered).sum())

    def shares(self) -> dict[str, float | None]:
        """True and equal shares of what was reported, and the share of what was kept that was reported."""
        return {
            "spans_true": self.true / self.reported if self.reported else None,
            "spans_equal": self.equal / self.reported if self.reported else None,
            "kept_in_spans": self.found / self.kept if self.kept else None,
        }
