"""Results on disk: ``<storage>/<instance type>/NNNN_name.json``, which stock pytest-benchmark reads."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.core.names import folder_name, safe_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["as_text", "find", "folder_name", "latest", "replace", "safe_name", "save", "save_once", "write_new"]


def save(storage: Path, folder: str, name: str, data: Mapping[str, Any]) -> Path:
    """Writes a result under the next free number; never over another, also where two processes write at once."""
    place = storage / folder
    place.mkdir(parents=True, exist_ok=True)
    with _written(place, as_text(data)) as made:
        number = _next_number(place)
        while True:
            path = place / f"{number:04}_{name}.json"
            try:
                # A number that another process takes for another name meanwhile is seen by the look before.
                os.link(made, path)
                return path
            except FileExistsError:
                number += 1


def save_once(storage: Path, folder: str, name: str, data: Mapping[str, Any]) -> tuple[Path, bool]:
    """Saves a result unless the folder holds the very same already: the file, and whether it is new."""
    text = as_text(data).encode()
    for path in sorted((storage / folder).glob("[0-9][0-9][0-9][0-9]_*.json")):
        if path.stat().st_size == len(text) and path.read_bytes() == text:
            return path, False
    return save(storage, folder, name, data), True


def write_new(path: Path, text: str) -> bool:
    """Writes a whole file or none, never over another; False where that very text is there already.

    Raises:
        FileExistsError: something else is there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _written(path.parent, text) as made:
        try:
            os.link(made, path)
        except FileExistsError:
            if path.is_file() and path.read_bytes() == text.encode():
                return False
            raise
    return True


def replace(path: Path, text: str) -> None:
    """Writes a file in place of another, or leaves that one as it is."""
    with _written(path.parent, text) as made:
        os.link(made, f"{made}.new")
        os.replace(f"{made}.new", path)


def as_text(data: object) -> str:
    """JSON as pytest-benchmark writes it."""
    return json.dumps(data, indent=4, default=str)


@contextlib.contextmanager
def _written(place: Path, text: str) -> Iterator[str]:
    """The name of a file in the folder that holds the text, on disk for sure; gone at the end."""
    handle, made = tempfile.mkstemp(dir=place, prefix=".new-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield made
    finally:
        os.unlink(made)


def find(storage: Path, folder: str, instance_id: str) -> Path | None:
    """The file that holds the results of an instance already, so that a resumed run stores nothing twice."""
    wanted = f'"{instance_id}"'
    for path in sorted((storage / folder).glob("[0-9][0-9][0-9][0-9]_*.json"), reverse=True):
        try:
            if wanted in path.read_text(encoding="utf-8"):
                return path
        except (OSError, ValueError):
            continue
    return None


def latest(storage: Path, folder: str, wanted: str | bool) -> list[Path]:
    """The files to compare with: the last one for True, else those whose name starts so, as in pytest-benchmark."""
    place = storage / folder
    files = sorted(place.glob("[0-9][0-9][0-9][0-9]_*.json"))
    if wanted is True:
        return files[-1:]
    pattern = str(wanted).rstrip("*")
    exact = Path(str(wanted))
    return [exact] if exact.is_file() else [file for file in files if file.name.startswith(pattern)]


def _next_number(place: Path) -> int:
    numbers = [int(file.name[:4]) for file in place.glob("[0-9][0-9][0-9][0-9]_*.json")]
    return max(numbers, default=0) + 1
