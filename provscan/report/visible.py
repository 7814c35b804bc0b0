"""Text of inputs made fit for a terminal: nothing in a document, an id or a file name may steer it."""

from __future__ import annotations


def visible(text: str) -> str:
    """The text with control, format and private characters and line ends as dots.

    >>> visible("red \\x1b[31m\\u202e text\\n")
    'red ·[31m· text·'
    """
    return "".join(char if char.isprintable() else "·" for char in text)
