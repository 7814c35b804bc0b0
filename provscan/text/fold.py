"""The fold table: what each code point becomes before it is hashed. Numbers made by make_fold.py."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

SCRIPTS = ("latin", "han", "kana", "hangul", "thai", "sea", "arabic", "cyrillic", "greek", "hebrew", "devanagari")
"""Scripts that the table tells apart, by the number in bits 22-25 of a value; 0 also holds every other script."""


class FoldTable(NamedTuple):
    """Values are described in make_fold.py.

    Attributes
    ----------
    page_of : ndarray of int32, shape (4352,)
        For each block of 256 code points its page.
    pages : ndarray of int32, shape (256 * pages,)
    expansions : ndarray of int32
    """

    page_of: np.ndarray
    pages: np.ndarray
    expansions: np.ndarray


@cache
def load_fold() -> FoldTable:
    """The shipped table."""
    here = Path(__file__).parent
    return FoldTable(*(np.load(here / f"fold-{name}.npy") for name in ("index", "pages", "expansions")))
