"""Verdicts: hits and counts of documents become the rows of the output tables."""

from __future__ import annotations

import numpy as np

from provscan.text.fold import SCRIPTS

LANGUAGES = ("en", "zh", "ja", "ko", "th", None, "ar", "ru", "el", "he", "hi")
"""Language said of a document most of whose tokens are in a script (`fold.SCRIPTS`): a guess from the script."""
ENGLISH_BITS = 12.5
"""Mean information of a token, in bits, above which Latin text is not taken for English."""
KANA_SHARE = 0.1
"""Share of kana among Han and kana from which a text is Japanese."""

HAN, KANA = SCRIPTS.index("han"), SCRIPTS.index("kana")


def languages(scripts: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """Index in `LANGUAGES` of each document, -1 where nothing can be said.

    Parameters
    ----------
    scripts : ndarray of int64, shape (documents, len(SCRIPTS))
        Tokens by script.
    bits : ndarray of int64, shape (documents,)
        Information of the document in 1/16 bit.
    """
    total = scripts.sum(axis=1)
    han_kana = scripts[:, HAN] + scripts[:, KANA]
    merged = scripts.copy()
    # Japanese mixes kana with Han; its Han counts for it.
    japanese = scripts[:, KANA] > KANA_SHARE * np.maximum(han_kana, 1)
    merged[:, HAN] = np.where(japanese, 0, han_kana)
    merged[:, KANA] = np.where(japanese, han_kana, 0)
    found = merged.argmax(axis=1)
    other_latin = (found == 0) & (bits > ENGLISH_BITS * 16 * np.maximum(total, 1))
    unknown = (total == 0) | other_latin | np.array([name is None for name in LANGUAGES])[found]
    return np.where(unknown, -1, found)
