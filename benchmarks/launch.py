"""Runs a command and writes what it took as JSON: `python launch.py RESULT COMMAND...`.

A process of its own, and a small one: on Linux a child's peak memory begins at its parent's, so a benchmark that holds
a corpus cannot measure the programs that it starts.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

EVERY = 0.02
"""Seconds between looks at the child's anonymous memory."""


class Watch(threading.Thread):
    """Notes the most anonymous memory of a process, in bytes; None where /proc does not say."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.status = Path(f"/proc/{pid}/status")
        self.most: int | None = None

    def run(self) -> None:
        while True:
            try:
                lines = self.status.read_text().splitlines()
            except OSError:
                return
            now = [1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon")]
            if not now:
                return
            self.most = max(self.most or 0, now[0])
            time.sleep(EVERY)


def main() -> int:
    result, command = Path(sys.argv[1]), sys.argv[2:]
    begun = time.perf_counter()
    child = subprocess.Popen(command)
    watch = Watch(child.pid)
    watch.start()
    _, status, used = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begun
    unit = 1 if sys.platform == "darwin" else 1024
    took = {
        "wall": wall,
        "cpu": used.ru_utime + used.ru_stime,
        "peak": max(used.ru_maxrss, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) * unit,
        "anonymous": watch.most,
    }
    result.write_text(json.dumps(took))
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
