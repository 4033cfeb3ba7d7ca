"""CBOR (RFC 8949) as far as Smithy's protocol ``rpc-v2-cbor`` goes: newer SDKs speak it with several services."""

from __future__ import annotations

import struct
from datetime import datetime
from typing import Any

_SIZES = {24: 1, 25: 2, 26: 4, 27: 8}
"""Additional information of a head -> bytes of the number behind it."""
_SIMPLE = {20: False, 21: True, 22: None, 23: None}
_FLOATS = {25: ">e", 26: ">f", 27: ">d"}
_INDEFINITE = 31
_BREAK = 0xFF
_EPOCH_TAG = 1


def encoded(value: Any) -> bytes:
    """A value as CBOR; a time as its seconds since 1970, tagged so."""
    if isinstance(value, dict):
        return _head(5, len(value)) + b"".join(encoded(key) + encoded(item) for key, item in value.items())
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(map(encoded, value))
    if isinstance(value, datetime):
        return _head(6, _EPOCH_TAG) + encoded(value.timestamp())
    if isinstance(value, (bytes, str)):
        text = value if isinstance(value, bytes) else value.encode()
        return _head(2 if isinstance(value, bytes) else 3, len(text)) + text
    return _scalar(value)


def _scalar(value: float | bool | None) -> bytes:
    if value is None or isinstance(value, bool):
        return bytes([0xE0 | {False: 20, True: 21, None: 22}[value]])
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    return b"\xfb" + struct.pack(">d", value)


def decoded(body: bytes) -> Any:
    """The value of a CBOR text.

    Raises:
        ValueError: it is none, or ends early.
    """
    try:
        return _Reader(body).item()
    except (IndexError, KeyError, TypeError, RecursionError, struct.error, UnicodeDecodeError) as error:
        raise ValueError(f"the body is no CBOR: {type(error).__name__}: {error}") from error


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    info, size = next((info, size) for info, size in _SIZES.items() if number < 1 << 8 * size)
    return bytes([major << 5 | info]) + number.to_bytes(size, "big")


class _Reader:
    """Reads items one after the other."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._place = 0

    def item(self) -> Any:
        """The next value."""
        head = self._take(1)[0]
        major, info = head >> 5, head & 0b11111
        if major == 7:
            return _SIMPLE[info] if info in _SIMPLE else struct.unpack(_FLOATS[info], self._take(_SIZES[info]))[0]
        if info == _INDEFINITE:
            return self._indefinite(major)
        number = info if info < 24 else int.from_bytes(self._take(_SIZES[info]), "big")
        if major in {2, 3}:
            text = self._take(number)
            return text if major == 2 else text.decode()
        if major == 4:
            return [self.item() for _ in range(number)]
        if major == 5:
            return {self.item(): self.item() for _ in range(number)}
        return {0: number, 1: -1 - number}[major] if major < 2 else self.item()  # a tag says what the value stands for

    def _indefinite(self, major: int) -> Any:
        items = []
        while self._body[self._place] != _BREAK:
            items.append(self.item())
        self._place += 1
        if major == 5:
            return dict(zip(items[::2], items[1::2], strict=True))
        return items if major == 4 else (b"" if major == 2 else "").join(items)

    def _take(self, size: int) -> bytes:
        part = self._body[self._place : self._place + size]
        if len(part) < size:
            raise IndexError("it ends early")
        self._place += size
        return part
