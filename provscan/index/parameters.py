"""What an index was built with: everything that a scan must do the same way."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from provscan.text.information import UNIT, load_information

ALGORITHM_VERSION = 1
"""Raised whenever tokens, information or seeds change, so that an older program refuses a newer index."""

INFORMATION_AT = (30.25, 1.5e6)
INFORMATION_GROWTH = 1.2
"""Bits that a seed needs in an index of so many tokens, and how many more each time the tokens double.

With one bit more the chance hits of a document would stay the same; a hit costs more in a larger index, where each is a
cache miss. Measured on alpaca_eval (docs/architecture.md): at 1.5 million tokens 31 bits give 15 hits a human document
and recall .96 at 20 to 30 words with 20 % substituted; 28 bits twice the hits and .97, 32 bits 10 hits and .94.
"""
LEAST_INFORMATION = 27.0


@dataclass(frozen=True)
class Parameters:
    """Parameters of an index.

    Attributes
    ----------
    information : float
        Bits that a seed carries at least.
    word_scaled, character_scaled : int
        One in so many seeds is kept, by whether it begins with a word or with a character of an unsegmented script.
        Chinese has about twice the tokens for the same content, so more of its seeds can go.
    most : int
        A seed with more postings than this in a segment is common and not looked up.
    num_perm, bands, rows : int
        Of the MinHash signatures and their LSH bands: datasketch's choice for a Jaccard of .8.
    banded_tokens : int
        References of fewer tokens have no bands: their seeds and fingerprint say as much in fewer bytes.
    algorithm : int
    digest : str
        Of the information tables.
    """

    information: float = 30.0
    word_scaled: int = 2
    character_scaled: int = 4
    most: int = 50
    num_perm: int = 128
    bands: int = 9
    rows: int = 13
    banded_tokens: int = 64
    algorithm: int = ALGORITHM_VERSION
    digest: str = ""

    def for_tokens(self, tokens: int) -> Parameters:
        """The same with the information that an index of so many tokens needs, in 1/16 bit steps."""
        bits, at = INFORMATION_AT
        information = max(LEAST_INFORMATION, bits + INFORMATION_GROWTH * math.log2(max(tokens, 1) / at))
        return replace(self, information=round(information * UNIT) / UNIT, digest=load_information().digest)

    @property
    def least(self) -> int:
        """Information of a seed in 1/16 bit."""
        return round(self.information * UNIT)

    @property
    def limits(self) -> tuple[np.uint64, np.uint64]:
        """Largest hashes of kept seeds that begin with a word and with a character."""
        return np.uint64((1 << 64) // self.word_scaled - 1), np.uint64((1 << 64) // self.character_scaled - 1)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
