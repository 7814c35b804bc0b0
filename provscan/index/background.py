"""`index background`: phrases of trusted human text, which tell nothing about where a document is from.

Only bits of their hashes are kept, in a filter sized for the text (16 bits a token, 512 MB at most).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numba import njit

from provscan.errors import InputError
from provscan.index.build import BuildOptions, Reject
from provscan.index.manifest import BackgroundEntry, Manifest, file_entry, locked, read_manifest, sync_folder
from provscan.index.store import BACKGROUND, drop_unknown
from provscan.read import Plan, ReadOptions, plan
from provscan.sketch.phrases import filter_bytes, learn, phrase_hashes
from provscan.sketch.seeds import LONGEST
from provscan.sketch.sketcher import Sketcher
from provscan.text.information import load_information

BYTES_A_TOKEN = 3
COMPRESSION = 6
UNKNOWN_BYTES = 1 << 30
"""What a filter is sized by: the least bytes of text that a token has, the most text that a compressed byte holds, and
the size that a file of unknown size is taken to have."""


@njit(cache=True, nogil=True)
def learn_chunk(ids, token_offsets, single, sums, rolling, hashes, bits):
    """Put the phrases of each text of a chunk into a filter; returns their number."""
    count = np.int64(0)
    for d in range(len(token_offsets) - 1):
        first, last = token_offsets[d], token_offsets[d + 1]
        phrase_hashes(ids, first, last, single, sums, rolling, hashes)
        learn(bits, hashes, last - first)
        count += last - first
    return count


def add_background(inputs: Sequence[str], folder: Path, options: BuildOptions, reject: Reject) -> Manifest:
    """Learn the phrases of trusted human text; readers use them from then on.

    Raises
    ------
    InputError
        If no text could be read.
    """
    read_options = ReadOptions(text=options.text, id=options.id, meta=options.meta)
    work = plan(inputs, read_options)
    for rejected in work.rejected:
        reject(rejected)
    with locked(folder):
        manifest = read_manifest(folder)
        drop_unknown(folder, manifest)
        bits = np.zeros(filter_bytes(text_bytes(work) // BYTES_A_TOKEN), np.uint8)
        sketcher = Sketcher(manifest.parameters.least, manifest.parameters.limits)
        documents = tokens = 0
        for unit in work.units:
            for batch in unit.batches(read_options, reject):
                documents += len(batch)
                tokens += learn_batch(batch, sketcher, bits)
        if not tokens:
            raise InputError(f"No text could be read from {', '.join(inputs)}; {folder} is as it was.")
        name = f"{uuid.uuid4().hex[:12]}.npy"
        path = folder / BACKGROUND / name
        path.parent.mkdir(exist_ok=True)
        np.save(path, bits, allow_pickle=False)
        entry = BackgroundEntry(name, documents, tokens, file_entry(path))
        sync_folder(path.parent)
        manifest = manifest.with_background((*manifest.background, entry))
        manifest.write(folder)
    return manifest


def text_bytes(work: Plan) -> int:
    """About the most text that a plan may hold, in bytes."""
    known = {f.path: f.size is not None for f in work.files}
    return sum(
        (u.bytes if known[u.path] else UNKNOWN_BYTES) * (COMPRESSION if u.compression else 1) for u in work.units
    )


def learn_batch(batch: pa.RecordBatch, sketcher: Sketcher, bits: np.ndarray) -> int:
    """Put the phrases of a batch into ``bits``; returns the number of tokens."""
    single = load_information().single
    tokens = 0
    for chunk in sketcher.chunks(batch.column("text")):
        room = len(chunk.ids) + LONGEST + 1
        sums, rolling, hashes = np.empty(room, np.uint32), np.empty(room, np.uint64), np.empty(room, np.uint64)
        tokens += int(learn_chunk(chunk.ids, chunk.token_offsets, single, sums, rolling, hashes, bits))
    return tokens
