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
    "A": "0111010001100011111110001", "B": "1111010001111101000111110", "C": "0111110000100001000001111",
    "D": "1111010001100011000111110", "E": "1111110000111101000011111", "F": "1111110000111101000010000",
    "G": "0111110000101111000101111", "H": "1000110001111111000110001", "I": "1111100100001000010011111",
    "J": "0011100010000101001001100", "K": "1000110010111001001010001", "L": "1000010000100001000011111",
    "M": "1000111011101011000110001", "N": "1000111001101011001110001", "O": "0111010001100011000101110",
    "P": "1111010001111101000010000", "Q": "0111010001101011001001101", "R": "1111010001111101001010001",
    "S": "0111110000011100000111110", "T": "1111100100001000010000100", "U": "1000110001100011000101110",
    "V": "1000110001100010101000100", "W": "1000110001101011101110001", "X": "1000101010001000101010001",
    "Y": "1000101010001000010000100", "Z": "1111100010001000100011111", "0": "0111010011101011100101110",
    "1": "0010001100001000010001110", "2": "1111000001011101000011111", "3": "1111000001011100000111110",
    "4": "1001010010111110001000010", "5": "1111110000111100000111110", "6": "0111010000111101000101110",
    "7": "1111100001000100010000100", "8": "0111010001011101000101110", "9": "0111010001011110000101110",
    ":": "0000000100000000010000000", ".": "0000000000000000000000100", "-": "0000000000011100000000000",
    " ": "0" * 25,
}  # fmt: skip
"""Letters of five by five dots, row by row."""


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
            for dot, bit in enumerate(_GLYPHS[char]):
                if bit == "1":
                    row, column = divmod(dot, 5)
                    self.box(left + (place * _COLUMNS + column) * scale, top + row * scale, scale, scale)
        width, height = len(text) * _COLUMNS * scale, 5 * scale
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
