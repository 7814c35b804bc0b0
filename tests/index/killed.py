"""Builds or adds to an index and kills itself with SIGKILL at a named moment: run by test_build.py.

    python killed.py MOMENT COUNT build|add INPUT INDEX

MOMENT is MODULE:NAME or MODULE:CLASS.NAME, a function; the process dies when it is called for the COUNT-th time, or,
with ``-after`` behind the name, when that call returns.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Any


def arm(moment: str, count: int) -> None:
    module, _, name = moment.removesuffix("-after").partition(":")
    owner: Any = import_module(module)
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    original = getattr(owner, last)
    calls = 0

    def deadly(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        mine = calls
        if mine == count and not moment.endswith("-after"):
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if mine == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, last, deadly)


if __name__ == "__main__":
    from provscan.index import build as library
    from provscan.read import ReadOptions

    moment, count, action, source, index = sys.argv[1:]
    arm(moment, int(count))
    library.BuildOptions.read_options = lambda self: ReadOptions(metadata=library.REFERENCE_COLUMNS, batch_rows=10)
    library.SEGMENT_TOKENS = 1500
    getattr(library, action)([source], Path(index), library.BuildOptions(workers=2, store_text=True), print)
    print("finished")
