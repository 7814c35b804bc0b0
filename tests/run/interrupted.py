"""Scans with small tasks and kills itself with SIGKILL: run by test_resume.py.

    python interrupted.py MOMENT COUNT INDEX OUT INPUT...

MOMENT is MODULE:NAME; the process dies when that function is called for the COUNT-th time (0: it does not).
"""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from typing import Any

if __name__ == "__main__":
    from provscan import ScanOptions, scan
    from provscan.read import ReadOptions
    from provscan.run import tasks

    moment, count, index, out, *inputs = sys.argv[1:]
    module, _, name = moment.partition(":")
    owner: Any = import_module(module)
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    original, calls = getattr(owner, last), 0

    def deadly(*args: Any, **kwargs: Any) -> Any:
        global calls
        calls += 1
        if calls == int(count):
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **kwargs)

    setattr(owner, last, deadly)
    tasks.TASK_BYTES = 1
    ScanOptions.read_options = lambda self: ReadOptions(unit_bytes=8000, batch_rows=5)  # type: ignore[method-assign]
    scan(inputs, index, out, ScanOptions(workers=2))
    print("finished")
