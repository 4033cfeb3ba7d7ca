"""Values of any kind -> values that JSON has words for, of bounded length, depth and number."""

from __future__ import annotations

import math
from collections.abc import Sized
from typing import Any

MOST_TEXT = 100_000
"""Characters of a text."""
MOST_DEPTH = 40
"""Levels of objects and lists; whoever reads a guest's result takes a few more."""
MOST_VALUES = 100_000
"""Of one whole; what comes after them is text."""
MOST_INT = 10**300
"""Integers beyond are no float either, which half of all JSON readers make of them: they become text."""


def shortened(text: str, most: int = MOST_TEXT) -> str:
    """The text, or its beginning and its end with the number of characters between them that are left out."""
    if len(text) <= most:
        return text
    tail = most // 3
    head = most - tail
    return f"{text[:head]}\n[... {len(text) - most:,} characters are left out ...]\n{text[-tail:]}"


def encodable(value: Any) -> Any:
    """The value, as JSON has it, with lone surrogates, which no UTF-8 holds and strict readers refuse, written out."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {encodable(key): encodable(item) for key, item in value.items()}
    return [encodable(item) for item in value] if isinstance(value, list | tuple) else value


def plain(value: object, most_text: int = MOST_TEXT) -> Any:
    """The value in None, booleans, finite numbers, texts, lists and objects; what is none of these is its text."""
    return _Plain(most_text).value(value, MOST_DEPTH)


class _Plain:
    """One value on its way."""

    def __init__(self, most_text: int) -> None:
        self._most_text, self._left = most_text, MOST_VALUES

    def value(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int) and -MOST_INT < value < MOST_INT:
            return int(value)
        if isinstance(value, float) and math.isfinite(value):
            return float(value)
        if isinstance(value, dict) and self._has_room(value, depth):
            return {self._text(key): self.value(item, depth - 1) for key, item in value.items()}
        if isinstance(value, list | tuple) and self._has_room(value, depth):
            return [self.value(item, depth - 1) for item in value]
        return self._text(value)

    def _has_room(self, items: Sized, depth: int) -> bool:
        return depth > 0 and len(items) <= self._left

    def _text(self, value: Any) -> str:
        try:
            if isinstance(value, bytes | bytearray):
                value = value[: self._most_text + 1]  # its text may be four times as long
            elif isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**4000:
                value = hex(value)  # Python makes no decimals of more than 4,300 digits
            text = str(value)
        except Exception:  # whatever a project's own __str__ raises
            text = f"<{type(value).__name__}>"
        return shortened(text, self._most_text)
