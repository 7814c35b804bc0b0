"""The few named exceptions of provscan.

Every message is one sentence or two: what was wrong, both values, what to do.
"""

from __future__ import annotations


class ProvscanError(Exception):
    """Base of everything that provscan raises on purpose; the command line prints it and exits with 2."""


class InputError(ProvscanError):
    """The request names inputs that do not exist or cannot be used as asked."""


class ColumnError(InputError):
    """A column that was asked for, or that is needed, is not in the input."""


class IndexFormatError(ProvscanError):
    """An index cannot be read: not an index, a newer version, or damaged bytes."""


class IndexLocked(ProvscanError):
    """Another process is writing to the index."""
