"""What a picture or a recording says of itself: embedded AWS sees and hears nothing.

A service of AWS looks at the picture; embedded AWS reads the description that the file carries, in PNG's text chunks
and in the comment of a WAV. A file without one shows nothing. So what is checked on embedded AWS is the client's way
through an answer, never how well a service recognizes: each figure says ``embedded``.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

PNG = b"\x89PNG\r\n\x1a\n"
_JPEG, _PDF, _TIFF = b"\xff\xd8\xff", b"%PDF-", (b"II*\x00", b"MM\x00*")
KEYWORD = b"Description"
"""One of PNG's own keywords (PNG specification, 11.3.3)."""


@dataclass(frozen=True, slots=True)
class Described:
    """A file by its kind and by what it says of itself."""

    kind: str
    """``png``, ``jpeg``, ``pdf``, ``tiff``, ``wav``; empty of any other."""
    width: int = 0
    """Pixels of a PNG; 0 where it is not known."""
    height: int = 0
    seconds: float = 0.0
    """Of a WAV."""
    rate: int = 0
    """Samples a second of a WAV."""
    content: Any = None
    """The description, which is JSON; None without one."""


def described(data: bytes) -> Described:
    """What a file says of itself."""
    if data.startswith(PNG):
        return _png(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WAVE":
        return _wav(data)
    kinds = {"jpeg": data.startswith(_JPEG), "pdf": data.startswith(_PDF), "tiff": data.startswith(_TIFF)}
    return Described(next((kind for kind, fits in kinds.items() if fits), ""))


def _png(data: bytes) -> Described:
    width, height, content, place = 0, 0, None, len(PNG)
    while place + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[place : place + 8])
        chunk = data[place + 8 : place + 8 + size]
        if kind == b"IHDR" and len(chunk) >= 8:
            width, height = struct.unpack(">II", chunk[:8])
        elif kind == b"tEXt" and chunk.startswith(KEYWORD + b"\x00"):
            content = _content(chunk[len(KEYWORD) + 1 :])
        place += 12 + size
    return Described("png", width, height, content=content)


def _wav(data: bytes) -> Described:
    rate, bytes_a_second, samples, content, place = 0, 0, 0, None, 12
    while place + 8 <= len(data):
        kind, size = struct.unpack("<4sI", data[place : place + 8])
        chunk = data[place + 8 : place + 8 + size]
        if kind == b"fmt " and len(chunk) >= 12:
            rate, bytes_a_second = struct.unpack("<II", chunk[4:12])
        elif kind == b"data":
            samples = len(chunk)
        elif kind == b"LIST" and chunk[:8] == b"INFOICMT":
            length = int.from_bytes(chunk[8:12], "little")
            content = _content(chunk[12 : 12 + length].rstrip(b"\x00"))
        place += 8 + size + size % 2
    return Described("wav", seconds=samples / bytes_a_second if bytes_a_second else 0.0, rate=rate, content=content)


def _content(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
