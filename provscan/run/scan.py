"""A whole scan: plan, scan, and write what says what was done."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import provscan
from provscan.decide.rates import wilson
from provscan.errors import InputError
from provscan.index.store import Index
from provscan.match.matcher import Thresholds
from provscan.read import Plan, ReadOptions, Rejected, digest, plan
from provscan.run.local import LocalRun, StrictError
from provscan.run.scanner import Scanner
from provscan.run.tasks import TASKS, Task, TaskResult, done_task, make_tasks, strongest_of, write_task
from provscan.schema import SCHEMA_VERSION, VERDICTS

STATE = "state.json"
SUMMARY = "summary.json"
REJECTED = "rejected.jsonl"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class ScanOptions:
    """How a scan reads and works.

    Attributes
    ----------
    text, id, meta
        As in `ReadOptions`.
    thresholds : Thresholds
    workers : int
        Threads; the results do not depend on it.
    strict : bool
        Fail at the first input that is rejected.
    resume : bool
        Go on with an interrupted scan in the same folder.
    """

    text: str | None = None
    id: str | None = None
    meta: Mapping[str, str] = field(default_factory=dict)
    thresholds: Thresholds = field(default_factory=Thresholds)
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    strict: bool = False
    resume: bool = False

    def read_options(self) -> ReadOptions:
        return ReadOptions(text=self.text, id=self.id, meta=self.meta)

    def parameters(self) -> dict[str, Any]:
        """What the results depend on."""
        return {"text": self.text, "id": self.id, "meta": dict(self.meta), "thresholds": asdict(self.thresholds)}


def scan(
    inputs: Sequence[str],
    index: Index | str | Path,
    out: str | Path,
    options: ScanOptions | None = None,
    started: Callable[[int], Callable[[int], None]] | None = None,
) -> dict[str, Any]:
    """Scan inputs against an index and write the results to a folder.

    Parameters
    ----------
    inputs : sequence of str
        Files, directories, globs and URLs.
    index : Index or path
    out : path
        A folder that does not exist yet or is empty, unless the scan is resumed.
    options : ScanOptions
    started : callable
        Told the bytes there are to read, it returns what is to be told of those that are done.

    Returns
    -------
    dict
        What summary.json holds.

    Raises
    ------
    InputError
        If the request cannot be carried out; nothing is written then.
    StrictError
        If ``options.strict`` and some input was rejected.
    """
    begun = time.time()
    clock = time.perf_counter()
    options = options or ScanOptions()
    index = index if isinstance(index, Index) else Index(index)
    out = Path(out)
    work = plan(inputs, options.read_options())
    if options.strict and work.rejected:
        raise StrictError(work.rejected[0])
    prepare_out(out, inputs, work, index, options)
    tasks = make_tasks(work.units)
    done = {task.name: result for task in tasks if options.resume and (result := done_task(out, task))}
    todo = [task for task in tasks if task.name not in done]
    progress = started(sum(task.bytes for task in todo)) if started else None
    runner = LocalRun(Scanner(index, options.thresholds), out, options.read_options(), options.strict, progress)
    digests: dict[str, str | None] = {}
    fresh = runner.run(todo, options.workers, [partial(take_digest, f.path, digests) for f in work.files])
    done.update(zip((task.name for task in todo), fresh, strict=True))
    total = TaskResult()
    for task in tasks:
        total.merge(done[task.name])
    if not tasks:  # nothing could be read: the tables are there, and empty
        write_task(out, Task("000000-000000", ()), [], total)
    total.rejected[:0] = work.rejected
    summary = summarise(inputs, work, index, options, total, digests)
    summary["started"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begun))
    summary["seconds"] = round(time.perf_counter() - clock, 3)
    write_outputs(out, tasks, summary, total.rejected)
    return summary


def prepare_out(out: Path, inputs: Sequence[str], work: Plan, index: Index, options: ScanOptions) -> None:
    """Make the output folder, or check that it holds the same scan, interrupted."""
    state = json.dumps(
        {
            "program": provscan.__version__,
            "schema": SCHEMA_VERSION,
            "index": index.manifest.version,
            "inputs": list(inputs),
            "files": [[f.path, f.size] for f in work.files],
            "parameters": options.parameters(),
        },
        indent=1,
        ensure_ascii=False,
    )
    path = out / TASKS / STATE
    if out.is_file():
        raise InputError(f"{out} is a file; name a folder for the results.")
    if out.exists() and any(out.iterdir()):
        if not options.resume:
            raise InputError(f"{out} exists and is not empty. Name another folder, or add --resume to go on with it.")
        if not path.exists():
            raise InputError(f"{out} holds no interrupted scan to resume. Name another folder.")
        if path.read_text(encoding="utf-8") != state:
            raise InputError(
                f"{out} holds a scan of other inputs, another index or other parameters. Name another folder."
            )
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".partial")
    temporary.write_text(state, encoding="utf-8")
    temporary.replace(path)


def take_digest(path: str, digests: dict[str, str | None]) -> None:
    """Note the SHA-256 of a file, None where it cannot be read any more."""
    try:
        digests[path] = digest(path)
    except OSError:
        digests[path] = None


def summarise(
    inputs: Sequence[str],
    work: Plan,
    index: Index,
    options: ScanOptions,
    total: TaskResult,
    digests: Mapping[str, str | None],
) -> dict[str, Any]:
    """What summary.json says, but for the times."""
    shards = [(f.path, total.shards[f.path]) for f in work.files if f.path in total.shards]
    documents = sum(s.documents for _, s in shards)
    verdicts = {v: sum(s.verdicts[v] for _, s in shards) for v in VERDICTS}
    return {
        "schema": SCHEMA_VERSION,
        "program": provscan.__version__,
        "index": {
            "path": str(index.path),
            "version": index.manifest.version,
            "references": len(index),
            "parameters": index.parameters.as_dict(),
        },
        "inputs": [
            {
                "path": f.path,
                "bytes": f.size,
                "sha256": digests[f.path],
                "format": f.format,
                "compression": f.compression,
            }
            for f in work.files
        ],
        "requested": list(inputs),
        "parameters": options.parameters(),
        "documents": documents,
        "rejected": len(total.rejected),
        "tokens": sum(s.tokens for _, s in shards),
        "text_bytes": sum(s.bytes for _, s in shards),
        "hits": total.hits,
        "verdicts": verdicts,
        "match_rate": wilson(verdicts["match"], documents).as_dict(),
        "languages": most_common(total.languages),
        "models": most_common(total.models),
        "shards": [
            {
                "path": path,
                "documents": s.documents,
                "verdicts": {v: s.verdicts[v] for v in VERDICTS if s.verdicts[v]},
                "match_rate": wilson(s.verdicts["match"], s.documents).as_dict(),
            }
            for path, s in shards
        ],
        "strongest": [asdict(s) for s in strongest_of(total.strongest)],
    }


def most_common(counts: Counter[str]) -> dict[str, int]:
    """Counts, the largest first, equal ones by name."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def write_outputs(out: Path, tasks: list[Task], summary: dict[str, Any], rejected: list[Rejected]) -> None:
    """Write rejected.jsonl, summary.json and, last, the manifest of everything."""
    lines = [json.dumps(asdict(r), ensure_ascii=False) + "\n" for r in rejected]
    (out / REJECTED).write_text("".join(lines), encoding="utf-8")
    (out / SUMMARY).write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    files = sorted(p for p in out.rglob("*") if p.is_file() and p.name != MANIFEST)
    manifest = {
        "program": provscan.__version__,
        "files": {p.relative_to(out).as_posix(): sha256(p) for p in files},
    }
    temporary = out / (MANIFEST + ".partial")
    temporary.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    temporary.replace(out / MANIFEST)


def sha256(path: Path) -> str:
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()
