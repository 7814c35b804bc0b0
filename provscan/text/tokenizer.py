"""Tokens of one text at a time: what tests, training scripts and `explain` use; scans call the kernel directly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from provscan.text.fold import SCRIPTS, load_fold
from provscan.text.tokens import ROOM, tokenise


class Tokens(NamedTuple):
    """Attributes
    ----------
    ids : ndarray of uint16
    starts, ends : ndarrays of uint32
        Byte offsets in the text's UTF-8.
    scripts : ndarray of int64
        Tokens by script, in the order of `fold.SCRIPTS`.
    fingerprint : int
        64-bit hash of the sequence of folded tokens.
    """

    ids: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    scripts: np.ndarray
    fingerprint: int


class Tokenizer:
    """Callable that turns a str or UTF-8 bytes into `Tokens`."""

    def __init__(self) -> None:
        self.fold = load_fold()

    def __call__(self, text: str | bytes) -> Tokens:
        data = text.encode("utf-8") if isinstance(text, str) else text
        buf = np.frombuffer(data, np.uint8)
        scripts = np.empty(len(SCRIPTS), np.int64)
        room = len(buf) // 2 + ROOM + 1
        n = -1
        while n < 0:
            ids = np.empty(room, np.uint16)
            starts = np.empty(room, np.uint32)
            ends = np.empty(room, np.uint32)
            n, fingerprint = tokenise(buf, 0, len(buf), *self.fold, ids, starts, ends, scripts)
            room *= 2
        return Tokens(ids[:n], starts[:n], ends[:n], scripts, int(fingerprint))
