"""Progress on a terminal: rate and time left; plain lines now and then elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TextIO

EVERY_TERMINAL = 0.2
EVERY_LINES = 30.0


class Progress:
    """Writes progress to a stream.

    Parameters
    ----------
    stream : file
    quiet : bool
        Write nothing.
    """

    def __init__(self, stream: TextIO, quiet: bool = False) -> None:
        self.stream = stream
        self.quiet = quiet
        self.terminal = stream.isatty()
        self.total = 0
        self.done = 0
        self.lock = threading.Lock()
        self.begun = time.monotonic()
        self.said = self.begun
        self.open = False

    def started(self, total: int) -> Callable[[int], None]:
        """Take the bytes there are to read; returns what is to be told of each piece that is done."""
        self.total = total
        self.begun = self.said = time.monotonic()
        return self.advance

    def advance(self, done: int) -> None:
        """Count bytes of text that are done."""
        with self.lock:
            self.done += done
            now = time.monotonic()
            if self.quiet or now - self.said < (EVERY_TERMINAL if self.terminal else EVERY_LINES):
                return
            self.said = now
            line = self.line(now - self.begun)
            self.stream.write(f"\r\x1b[K{line}" if self.terminal else f"{line}\n")
            self.stream.flush()
            self.open = self.terminal

    def line(self, seconds: float) -> str:
        """Text that is done, its rate and, as far as the sizes of the inputs tell, the time left."""
        rate = self.done / max(seconds, 1e-9)
        text = f"{self.done / 1e6:,.0f} MB at {rate / 1e6:,.0f} MB/s"
        if self.total > self.done:
            left = int((self.total - self.done) / max(rate, 1.0))
            text += f", {min(self.done / self.total, 1):.0%}, about {left // 60}:{left % 60:02d} left"
        return text

    def end(self) -> None:
        """Clear the line."""
        if self.open:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
            self.open = False
