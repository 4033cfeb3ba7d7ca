"""Values of any kind -> values that JSON has words for, of bounded length, depth and number."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii
from typing import Any

MOST_TEXT = 100_000
"""Characters of a text."""
MOST_DEPTH = 40
"""Levels of objects and lists; whoever reads a guest's result takes a few more."""
MOST_VALUES = 100_000
"""Of one whole; what comes after them is text."""
MOST_SIZE = 4 * 2**20
"""Characters of one whole, as JSON has it."""
MOST_INT = 10**300
"""Integers beyond are no float either, which half of all JSON readers make of them: they become text."""
_MOST_BITS = 13_000
"""Python makes no decimals of more than 4,300 digits."""
_SHORTER = (10_000, 1_000, 100)
"""Characters that each text of a whole keeps where the whole is too long."""
_FEW = 100
"""Fields that are kept of an object that even so is too long, each as text."""


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


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one whole may have."""

    text: int = MOST_TEXT
    """Characters of each text."""
    values: int = MOST_VALUES
    size: int = MOST_SIZE
    """Characters of the whole, as JSON has it."""


@dataclass(frozen=True, slots=True)
class PlainFields:
    """An object's fields as JSON has them."""

    fields: dict[str, Any]
    cut: tuple[str, ...]
    """Names of those that are not whole."""
    values: int
    """How many values they hold."""


def plain(value: object, bounds: Bounds = Bounds()) -> Any:
    """The value in None, booleans, finite numbers, texts, lists and objects; what is none of these is its text.

    Where the whole is too long, each of its texts is cut, so that it keeps its form; where there are too many, it is
    text as a whole.
    """
    for most_text in _lengths(bounds):
        try:
            return _Plain(bounds, most_text).value(value, MOST_DEPTH)
        except _TooLongError:
            continue
    return _written(value, min(bounds.size, bounds.text))


def plain_fields(fields: Mapping[Any, Any], bounds: Bounds) -> PlainFields:
    """The same of each field of an object, which stays one; what has no JSON is marked as pytest-benchmark does it.

    Of an object that stays too long even with its texts cut, the first fields are kept, as texts.
    """
    for most_text in _lengths(bounds):
        walk = _Plain(bounds, most_text, marked=True)
        try:
            return walk.fields(fields)
        except _TooLongError:
            continue
    most = max(_SHORTER[-1], min(bounds.text, bounds.size // _FEW))
    written = {_key(name, most): _written(item, most) for name, item in itertools.islice(fields.items(), _FEW)}
    more = [f"{len(fields) - _FEW:,} more fields"] if len(fields) > _FEW else []
    return PlainFields(written, (*written, *more), len(written))


def _lengths(bounds: Bounds) -> list[int]:
    return [bounds.text, *(length for length in _SHORTER if length < bounds.text)]


class _TooLongError(Exception):
    """The whole has more characters than it may have."""


class _Plain:
    """One whole on its way."""

    def __init__(self, bounds: Bounds, most_text: int, *, marked: bool = False) -> None:
        self._bounds, self._most_text, self._marked = bounds, most_text, marked
        self._left, self._room = bounds.values, bounds.size
        self._cut = False
        """Whether something is not whole, since it was asked last."""

    def fields(self, fields: Mapping[Any, Any]) -> PlainFields:
        """An object's fields.

        Raises:
            _TooLongError: they have more characters or values than they may have.
        """
        if len(fields) > self._left:
            raise _TooLongError
        taken, cut = {}, []
        for name, item in fields.items():
            self._cut = False
            text = self._text(_key(name, self._most_text + 1))
            taken[text] = self.value(item, MOST_DEPTH - 1)
            if self._cut:
                cut.append(text)
        return PlainFields(taken, tuple(cut), self._bounds.values - self._left)

    def value(self, value: Any, depth: int) -> Any:
        """A value, ``depth`` levels above the deepest that is kept.

        Raises:
            _TooLongError: the whole has more characters than it may have.
        """
        self._left -= 1
        self._take(2)
        if value is None or isinstance(value, bool):
            self._take(5)
            return value
        if isinstance(value, int) and -MOST_INT < value < MOST_INT:
            self._take(2 + value.bit_length() // 3)
            return int(value)
        if isinstance(value, float) and math.isfinite(value):
            self._take(24)
            return float(value)
        return self._held(value, depth) if isinstance(value, dict | list | tuple) else self._leaf(value)

    def _held(self, value: dict[Any, Any] | list[Any] | tuple[Any, ...], depth: int) -> Any:
        if depth == 0 or len(value) > self._left:
            self._cut = True
            return self._text(_written(value, self._most_text))
        if isinstance(value, dict):
            most = self._most_text + 1
            return {self._text(_key(key, most)): self.value(item, depth - 1) for key, item in value.items()}
        return [self.value(item, depth - 1) for item in value]

    def _leaf(self, value: Any) -> str:
        most = self._most_text + 1
        if isinstance(value, str | int | float) or not self._marked:
            return self._text(_text_of(value, most))
        # pytest-benchmark 5.3.1, utils.py, SafeJSONEncoder.default
        return f"UNSERIALIZABLE[{self._text(_text_of(value, most, of=repr))}]"

    def _text(self, text: str) -> str:
        self._cut |= len(text) > self._most_text
        text = shortened(text, self._most_text)
        self._take(len(encode_basestring_ascii(text)))
        return text

    def _take(self, characters: int) -> None:
        self._room -= characters
        if self._room < 0:
            raise _TooLongError


def _key(key: Any, most: int) -> str:
    """A name of an object as JSON has it."""
    return json.dumps(key) if key is None or isinstance(key, bool) else _text_of(key, most)


def _text_of(value: Any, most: int, of: Any = str) -> str:
    """The text of what is neither list nor object; of bytes so many are looked at, whose text may be longer."""
    try:
        if isinstance(value, str):
            return str.__str__(value)  # an enumeration's own text is another than its value
        if isinstance(value, bytes | bytearray):
            value = value[:most]
        elif isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > _MOST_BITS:
            return hex(value)
        return str(of(value))
    except Exception:  # whatever a project's own __str__ and __repr__ raise
        return f"<{type(value).__name__}>"


def _written(value: Any, most: int) -> str:
    """A value as Python writes it, as far as about so many characters: no more of it is looked at."""
    pieces, length = [], 0
    for piece in _pieces(value, most, MOST_DEPTH):
        pieces.append(piece)
        length += len(piece)
        if length > most:
            return f"{''.join(pieces)[:most]}\n[... the rest is left out ...]"
    return "".join(pieces)


def _pieces(value: Any, most: int, depth: int) -> Iterator[str]:
    if not isinstance(value, dict | list | tuple):
        yield repr(value[:most]) if isinstance(value, str) else _text_of(value, most, of=repr)
    elif depth == 0:
        yield "..."
    else:
        opening, closing = "{}" if isinstance(value, dict) else "[]" if isinstance(value, list) else "()"
        yield opening
        for place, item in enumerate(value):
            yield ", " if place else ""
            if isinstance(value, dict):
                yield f"{_text_of(item, most, of=repr)}: "
            yield from _pieces(value[item] if isinstance(value, dict) else item, most, depth - 1)
        yield closing
