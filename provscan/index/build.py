"""`index build` and `index add`: references from inputs into new segments."""

from __future__ import annotations

import glob
import os
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from provscan.errors import InputError
from provscan.index.manifest import Manifest, SegmentEntry, locked, read_manifest, sync_folder
from provscan.index.parameters import Parameters
from provscan.index.store import SEGMENTS, drop_unknown, is_index
from provscan.index.writer import SEGMENT_TOKENS, Prepared, SegmentWriter, prepare
from provscan.read import Plan, ReadOptions, Rejected, plan
from provscan.schema import REFERENCE_COLUMNS
from provscan.sketch.sketcher import Sketcher

Reject = Callable[[Rejected], None]


@dataclass(frozen=True)
class BuildOptions:
    """How references are read and kept.

    Attributes
    ----------
    text, id, meta
        As in `ReadOptions`.
    constants : mapping
        Metadata for references that have none of their own: ``model``, ``provider`` and so on.
    store_text : bool
        Keep the texts, for `explain` and side-by-side reports.
    workers : int
    """

    text: str | None = None
    id: str | None = None
    meta: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    store_text: bool = False
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)

    def read_options(self) -> ReadOptions:
        return ReadOptions(text=self.text, id=self.id, meta=self.meta, metadata=REFERENCE_COLUMNS)


def build(inputs: Sequence[str], folder: Path, options: BuildOptions, reject: Reject) -> Manifest:
    """Build an index of the texts in ``inputs``; the folder appears when it is complete.

    Raises
    ------
    InputError
        If the folder exists, or no reference could be read.
    """
    if folder.exists():
        hint = "`provscan index add` adds to it" if is_index(folder) else "it is no index"
        raise InputError(f"{folder} exists already ({hint}). Remove it or choose another name.")
    work = plan(inputs, options.read_options())
    folder.parent.mkdir(parents=True, exist_ok=True)
    drop_killed_builds(folder)
    temporary = folder.parent / f".{folder.name}.{os.getpid()}.partial"
    try:
        (temporary / SEGMENTS).mkdir(parents=True)
        writers = write_streams(work, temporary / SEGMENTS, options, reject)
        if not writers:
            raise InputError(f"No reference could be read from {', '.join(inputs)}; nothing was built.")
        parameters = Parameters().for_tokens(sum(w.n_tokens for w in writers))
        manifest = Manifest(parameters, finish(writers, parameters, options))
        manifest.write(temporary)
        temporary.rename(folder)
        sync_folder(folder.parent)
        return manifest
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def drop_killed_builds(folder: Path) -> None:
    """Remove what builds of an index left whose processes are gone."""
    for path in folder.parent.glob(f".{glob.escape(folder.name)}.*.partial"):
        process = path.name.split(".")[-2]
        try:
            if process.isdecimal() and int(process) != os.getpid():
                os.kill(int(process), 0)
                continue  # it is alive
        except ProcessLookupError:
            pass
        except OSError:
            continue  # it is alive, and another user's
        shutil.rmtree(path, ignore_errors=True)


def add(inputs: Sequence[str], folder: Path, options: BuildOptions, reject: Reject) -> Manifest:
    """Add the texts in ``inputs`` to an index as new segments, with the parameters that it has."""
    manifest = read_manifest(folder)
    work = plan(inputs, options.read_options())
    with locked(folder):
        manifest = read_manifest(folder)
        drop_unknown(folder, manifest)
        writers = write_streams(work, folder / SEGMENTS, options, reject)
        if not writers:
            raise InputError(f"No reference could be read from {', '.join(inputs)}; {folder} is as it was.")
        manifest = manifest.with_segments(manifest.segments + finish(writers, manifest.parameters, options))
        sync_folder(folder / SEGMENTS)
        manifest.write(folder)
    return manifest


def write_streams(work: Plan, segments: Path, options: BuildOptions, reject: Reject) -> list[SegmentWriter]:
    """Write the token streams, metadata and texts of all references; the tables come later."""
    for rejected in work.rejected:
        reject(rejected)
    writers: list[SegmentWriter] = []
    for prepared in in_order(work, options, reject):
        if not writers or writers[-1].n_tokens + len(prepared.tokens) > SEGMENT_TOKENS:
            if writers:
                writers[-1].finish_streams()
            writers.append(SegmentWriter(segments, options.store_text))
        writers[-1].append(prepared)
    if writers:
        writers[-1].finish_streams()
    return writers


def in_order(work: Plan, options: BuildOptions, reject: Reject) -> Iterator[Prepared]:
    """Batches of references, prepared by several threads and given in the order of the input."""
    local = threading.local()
    parameters = Parameters()
    constants = dict(options.constants)

    def one(batch: pa.RecordBatch, name: str) -> Prepared:
        if not hasattr(local, "sketcher"):
            local.sketcher = Sketcher(parameters.least, parameters.limits)
        return prepare(batch, local.sketcher, constants, name)

    waiting: deque[Future[Prepared]] = deque()
    with ThreadPoolExecutor(options.workers) as pool:
        for unit in work.units:
            for batch in unit.batches(options.read_options(), reject):
                waiting.append(pool.submit(one, batch, unit.path))
                if len(waiting) > 2 * options.workers:
                    yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def finish(writers: list[SegmentWriter], parameters: Parameters, options: BuildOptions) -> tuple[SegmentEntry, ...]:
    """Make the posting tables of the segments."""
    return tuple(w.finish(parameters, options.workers) for w in writers)
