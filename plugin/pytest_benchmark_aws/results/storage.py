"""Results on disk: ``<storage>/<instance type>/NNNN_name.json``, which stock pytest-benchmark reads."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.core.values.file_names import folder_name, safe_name
from pytest_benchmark_aws.core.values.storage_url import number_of, renumbered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from io import BufferedWriter

__all__ = ["as_text", "find", "folder_name", "latest", "replace", "safe_name", "save", "save_once", "write_new"]


def save(storage: Path, folder: str, name: str, data: Mapping[str, Any]) -> Path:
    """Writes a result under the next free number; never over another, also where two processes write at once."""
    place = storage / folder
    place.mkdir(parents=True, exist_ok=True)
    with new_file(place) as file:
        file.write(as_text(data).encode())
        settle(file)
        return link_numbered(Path(file.name), place, f"0000_{name}.json", ())


def link_numbered(made: Path, place: Path, name: str, taken: Iterable[int]) -> Path:
    """Gives a file a second name: ``name`` with a number above all in the folder and all that are ``taken``.

    Raises:
        OSError: the folder cannot be written, or its file system has no hard links.
    """
    number = max((*numbered(place), *taken), default=0) + 1
    while True:
        path = place / renumbered(name, number)
        try:
            # A number that another process takes for another name meanwhile is seen by the look before.
            os.link(made, path)
            return path
        except FileExistsError:
            number += 1


def save_once(storage: Path, folder: str, name: str, data: Mapping[str, Any]) -> tuple[Path, bool]:
    """Saves a result unless the folder holds the very same already: the file, and whether it is new."""
    text = as_text(data).encode()
    for path in _files(storage / folder):
        if path.stat().st_size == len(text) and path.read_bytes() == text:
            return path, False
    return save(storage, folder, name, data), True


def write_new(path: Path, text: str) -> bool:
    """Writes a whole file or none, never over another; False where that very text is there already.

    Raises:
        FileExistsError: something else is there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with new_file(path.parent) as file:
        file.write(text.encode())
        settle(file)
        try:
            os.link(file.name, path)
        except FileExistsError:
            if path.is_file() and path.read_bytes() == text.encode():
                return False
            raise
    return True


def replace(path: Path, text: str) -> None:
    """Writes a file in place of another, through links, or leaves that one as it is."""
    path = Path(os.path.realpath(path))
    with new_file(path.parent) as file:
        file.write(text.encode())
        settle(file)
        os.replace(file.name, path)


def as_text(data: object) -> str:
    """JSON as pytest-benchmark writes it."""
    return json.dumps(data, indent=4, default=str)


@contextmanager
def new_file(place: Path) -> Iterator[BufferedWriter]:
    """A file with a name that no reader looks at, gone at the end; with the mode that the umask gives any new file."""
    path = place / f".new-{secrets.token_hex(8)}"
    try:
        with path.open("xb") as file:
            yield file
    finally:
        path.unlink(missing_ok=True)


def settle(file: BufferedWriter) -> None:
    """Forces to disk what was written so far."""
    file.flush()
    os.fsync(file.fileno())


def numbered(place: Path) -> dict[int, list[Path]]:
    """The result files of a folder by number, ascending; each number's by name."""
    found: dict[int, list[Path]] = {}
    for path in sorted(place.glob("*_*.json")):
        number = number_of(path.name)
        if number is not None:
            found.setdefault(number, []).append(path)
    return dict(sorted(found.items()))


def _files(place: Path) -> list[Path]:
    return [path for paths in numbered(place).values() for path in paths]


def find(storage: Path, folder: str, instance_id: str) -> Path | None:
    """The file that holds the results of an instance already, so that a resumed run stores nothing twice."""
    wanted = f'"{instance_id}"'
    for path in reversed(_files(storage / folder)):
        try:
            if wanted in path.read_text(encoding="utf-8"):
                return path
        except (OSError, ValueError):
            continue
    return None


def latest(storage: Path, folder: str, wanted: str | bool) -> list[Path]:
    """The files to compare with: the last one for True, else those whose name starts so, as in pytest-benchmark."""
    place = storage / folder
    files = _files(place)
    if wanted is True:
        return files[-1:]
    pattern = str(wanted).rstrip("*")
    exact = Path(str(wanted))
    return [exact] if exact.is_file() else [file for file in files if file.name.startswith(pattern)]
