"""A page with known words and a picture with known shapes, drawn here, as PNG files of the standard library alone.

Each says in a text chunk what it shows: a service of AWS looks at the pixels and finds that out itself, embedded AWS
reads the chunk.
"""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

SCALE = 5
"""Pixels of a dot of the letters."""
_COLUMNS, _ROWS, _MARGIN = 6, 7, 40
_GLYPHS = {
    "A": "7c1211127c", "B": "7f49494936", "C": "3e41414122", "D": "7f4141413e", "E": "7f49494941", "F": "7f09090901",
    "G": "3e41495932", "H": "7f0808087f", "I": "00417f4100", "J": "204041413f", "K": "7f08142241", "L": "7f40404040",
    "M": "7f020c027f", "N": "7f0408107f", "O": "3e4141413e", "P": "7f09090906", "Q": "3e4151215e", "R": "7f09192946",
    "S": "2649494932", "T": "01017f0101", "U": "3f4040403f", "V": "1f2040201f", "W": "3f4038403f", "X": "6314081463",
    "Y": "0304780403", "Z": "6151494543", "0": "3e4141413e", "1": "00427f4000", "2": "4261514946", "3": "2241494936",
    "4": "1814127f10", "5": "2745454539", "6": "3c4a494930", "7": "0171090503", "8": "3649494936", "9": "064949291e",
    ":": "0036360000", ".": "0060600000", "-": "0808080808", " ": "0000000000",
}  # fmt: skip
"""Letters of five columns of seven dots: a byte for each column, its lowest bit on top."""


class Canvas:
    """A grey picture that is drawn on in black."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._rows = [bytearray(b"\xff" * width) for _ in range(height)]

    def box(self, left: int, top: int, width: int, height: int, shade: int = 0) -> None:
        """Fills a box."""
        for row in self._rows[max(0, top) : top + height]:
            row[left : left + width] = bytes([shade]) * len(row[left : left + width])

    def disc(self, x: int, y: int, radius: int, shade: int) -> None:
        """Fills a disc around a point."""
        for row in range(-radius, radius + 1):
            half = int((radius**2 - row**2) ** 0.5)
            self.box(x - half, y + row, 2 * half, 1, shade)

    def text(self, left: int, top: int, text: str, scale: int = SCALE) -> list[float]:
        """Writes a line; returns its box, each number a share of the picture."""
        for place, char in enumerate(text.upper()):
            for column, dots in enumerate(bytes.fromhex(_GLYPHS[char])):
                for row in range(_ROWS):
                    if dots >> row & 1:
                        self.box(left + (place * _COLUMNS + column) * scale, top + row * scale, scale, scale)
        width, height = len(text) * _COLUMNS * scale, _ROWS * scale
        return [left / self.width, top / self.height, width / self.width, height / self.height]

    def png(self, description: Any) -> bytes:
        """The picture as a PNG that says what it shows."""
        pixels = b"".join(b"\x00" + bytes(row) for row in self._rows)
        chunks = (
            (b"IHDR", struct.pack(">IIBBBBB", self.width, self.height, 8, 0, 0, 0, 0)),
            (b"tEXt", b"Description\x00" + json.dumps(description).encode("ascii")),
            (b"IDAT", zlib.compress(pixels, 9)),
            (b"IEND", b""),
        )
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def page(lines: list[str], table: list[list[str]] | None = None, form: dict[str, str] | None = None) -> bytes:
    """A page with lines of text, then a table with ruled cells, then a form of keys and values."""
    table, form = table or [], form or {}
    step = (_ROWS + 3) * SCALE
    canvas = Canvas(1200, 2 * _MARGIN + step * (len(lines) + len(form)) + 2 * step * len(table))
    top, shown = _MARGIN, []
    for line in [*lines, *(f"{key}: {value}" for key, value in form.items())]:
        shown.append({"text": line, "box": canvas.text(_MARGIN, top, line)})
        top += step
    width = (canvas.width - 2 * _MARGIN) // max(1, max(map(len, table), default=1))
    for row in table:
        for column, cell in enumerate(row):
            left = _MARGIN + column * width
            canvas.box(left, top, width, 2 * step - SCALE)
            canvas.box(left + 4, top + 4, width - 8, 2 * step - SCALE - 8, 255)
            shown.append({"text": cell, "box": canvas.text(left + 20, top + step // 2, cell)})
        top += 2 * step
    return canvas.png({"lines": shown, "tables": [table] if table else [], "form": form})


def face() -> bytes:
    """A face beside a ball: two discs, one with eyes and a mouth."""
    canvas = Canvas(640, 480)
    canvas.disc(220, 240, 150, 200)
    for x in (160, 280):
        canvas.disc(x, 190, 22, 255)
        canvas.disc(x, 190, 10, 0)
    canvas.box(205, 215, 30, 60, 150)
    canvas.box(150, 310, 140, 16, 60)
    canvas.disc(520, 320, 80, 90)
    ball = [440 / 640, 240 / 480, 160 / 640, 160 / 480]
    head = [70 / 640, 90 / 480, 300 / 640, 300 / 480]
    return canvas.png(
        {"labels": [{"name": "Face", "boxes": [head]}, {"name": "Sphere", "boxes": [ball]}], "faces": [head]}
    )
