"""Text in columns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

GAP = "  "


def aligned(rows: Sequence[Sequence[str]], left: Collection[int] = (0,)) -> list[str]:
    """A line for each row, each column as wide as its widest cell; ``left`` columns start at the left."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(GAP.join(cells).rstrip())
    return lines


def few(names: Iterable[str], most: int = 3) -> str:
    """The first of the names, each once, and how many more there are."""
    each = list(dict.fromkeys(names))
    return ", ".join(each[:most]) + (f" and {len(each) - most} more" if len(each) > most else "")


def short(text: str, most: int = 28) -> str:
    """The text without its middle where it is longer than ``most``; its end stays, which may be ``(embedded)``."""
    if len(text) <= most:
        return text
    tail = most * 2 // 5
    return f"{text[: most - tail - 1]}…{text[-tail:]}"


def printable(text: str) -> str:
    """The text with what would steer a terminal escaped."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def printable_lines(text: str) -> str:
    """The same for a text of several lines, which stay lines."""
    return "\n".join(map(printable, text.split("\n")))


def printable_block(text: str) -> str:
    """The same for what a program wrote, in which tabs and both kinds of line ends are at home."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in lines)


def with_texts(value: Any, shown: Callable[[str], str]) -> Any:
    """A value as JSON has it, with all its texts and keys as they are shown."""
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, dict):
        return {shown(key): with_texts(item, shown) for key, item in value.items()}
    return [with_texts(item, shown) for item in value] if isinstance(value, list) else value
