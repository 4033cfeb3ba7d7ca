"""What gives a result its number, ``12`` of ``0012_name.json``, in the folder where it is saved and in the bucket."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

NUMBERS = ".numbers/"
"""Below a shared storage's prefix: an empty object for each number that is taken. An upload takes its number first, so
that no two results get the same one, whatever their names."""
_HIGHEST = 999_999_999
_FARTHEST = 100_000
"""Numbers between two results that follow one another: whole storages that were deleted in between."""
_NUMBERED = re.compile(r"([0-9]{4,9})_(.+)\.json", re.ASCII | re.DOTALL)


def number_of(name: str) -> int | None:
    """The number of a result file's name, ``12`` of ``0012_name.json``; None for another file's."""
    match = _NUMBERED.fullmatch(name)
    return int(match[1]) if match else None


def renumbered(name: str, number: int) -> str:
    """The name of a result file under another number: at least four digits, as pytest-benchmark has."""
    return f"{number:04}_{name.partition('_')[2]}"


def numbered(folder: Path) -> dict[int, list[Path]]:
    """The result files of a folder by number, ascending; each number's by name."""
    files: dict[int, list[Path]] = {}
    for path in sorted(folder.glob("*_*.json")):
        number = number_of(path.name)
        if number is not None:
            files.setdefault(number, []).append(path)
    return dict(sorted(files.items()))


def next_number(taken: Iterable[int]) -> int:
    """A free number above all that are taken; one that is far above the others is taken, and nothing goes on from it.

    Anybody who may write to a shared storage can take the highest number that there is.
    """
    numbers = set(taken)
    last = 0
    for number in sorted(numbers):
        if number > last + _FARTHEST:
            break
        last = max(last, number)
    following = range(last + 1, min(last + len(numbers) + 2, _HIGHEST + 1))
    free = next((number for number in following if number not in numbers), None)
    return free or next(number for number in range(1, len(numbers) + 2) if number not in numbers)


def link_numbered(file: Path, folder: Path, name: str, taken: Iterable[int]) -> Path:
    """Gives a file a second name: ``name`` with the next number of those in the folder and all that are ``taken``.

    Raises:
        OSError: the folder cannot be written, or its file system has no hard links.
    """
    numbers = {*numbered(folder), *taken}
    while True:
        number = next_number(numbers)
        path = folder / renumbered(name, number)
        try:
            # A number that another process takes for another name meanwhile is seen by the look before.
            os.link(file, path)
            return path
        except FileExistsError:
            numbers.add(number)


def number_key(folder: str, number: int) -> str:
    """The key below a storage's prefix that says that a number of a folder (``m5.large/``) is taken."""
    return f"{NUMBERS}{folder}{number:04}"


def taken_numbers(keys: Iterable[str], folder: str) -> set[int]:
    """The numbers of a folder (``m5.large/``) that results in the bucket have, or that an upload has taken for one.

    ``keys`` are without the storage's prefix.
    """
    taken: set[int | None] = set()
    for key in keys:
        if key.startswith(f"{NUMBERS}{folder}"):
            digits = key.removeprefix(f"{NUMBERS}{folder}")
            if digits.isascii() and digits.isdigit() and len(digits) < 10:
                taken.add(int(digits))
        elif key.startswith(folder) and "/" not in key.removeprefix(folder):
            taken.add(number_of(key.removeprefix(folder)))
    return {number for number in taken if number is not None}
