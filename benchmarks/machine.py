"""What the benchmarks run on, and how they measure a program."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LAUNCH = HERE / "launch.py"
PACKAGES = ("provscan", "numpy", "numba", "pyarrow", "datasketch", "rensa")
ONE_THREAD = {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Environment of the peers, so that one core is compared with one core."""


def describe() -> dict[str, Any]:
    """Date, processor, memory and versions."""
    return {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cpu": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "commit": commit(),
        "load": round(os.getloadavg()[0], 2),
    }


def processor() -> str:
    """Model of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = dict(line.split(":", 1) for line in lines if ":" in line)
    named = {k.strip(): v.strip() for k, v in named.items()}
    numbers = "/".join(named.get(k, "?") for k in ("cpu family", "model", "stepping"))
    return f"{named.get('model name', platform.machine())} (family/model/stepping {numbers})"


def commit() -> str | None:
    """Commit of the checkout, with a + where files under provscan/ differ from it."""
    git = ["git", "-C", str(HERE)]
    try:
        head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run([*git, "status", "--porcelain", "../provscan"], capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")


@dataclass(frozen=True)
class Took:
    """What a run of a program took.

    Attributes
    ----------
    wall, cpu : float
        Seconds from start to exit, start-up included, and of processor time.
    peak : int
        Peak resident memory in bytes: what the process allocated and the pages of mapped files that it touched.
    anonymous : int or None
        The most memory that it held itself, in bytes, looked at 50 times a second; None where the system does not say.
    output : str
        Its standard output.
    """

    wall: float
    cpu: float
    peak: int
    anonymous: int | None
    output: str


def measure(command: Sequence[object], one_thread: bool = False) -> Took:
    """Run a command that must succeed."""
    words = [str(word) for word in command]
    with tempfile.NamedTemporaryFile() as result:
        run = subprocess.run(
            [sys.executable, "-I", "-S", str(LAUNCH), result.name, *words],
            capture_output=True,
            text=True,
            env={**os.environ, **(ONE_THREAD if one_thread else {})},
        )
        if run.returncode:
            raise SystemExit(f"{' '.join(words[:4])} ...: exit status {run.returncode}\n{run.stderr[-2000:]}")
        return Took(**json.loads(Path(result.name).read_text()), output=run.stdout)
