"""Results on disk: ``<storage>/<instance type>/NNNN_name.json``, which stock pytest-benchmark reads."""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

EMBEDDED = "embedded"
"""Folder that keeps embedded AWS's results, whose times are this machine's, apart from real ones."""


def folder_name(instance_type: str, *, embedded: bool) -> str:
    """The folder of an instance type within a storage.

    Stock pytest-benchmark looks one folder deep, so that what is embedded is told by the folder's name.
    """
    return f"{EMBEDDED}-{instance_type}" if embedded else instance_type


def save(storage: Path, folder: str, name: str, data: Mapping[str, Any]) -> Path:
    """Writes a result under the next free number; never over another, also where two processes write at once."""
    place = storage / folder
    place.mkdir(parents=True, exist_ok=True)
    text = json.dumps(data, indent=4, default=str)
    handle, made = tempfile.mkstemp(dir=place, prefix=".new-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        number = _next_number(place)
        while True:
            path = place / f"{number:04}_{name}.json"
            try:
                # A number that another process takes for another name meanwhile is seen by the look before.
                os.link(made, path)
                return path
            except FileExistsError:
                number += 1
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


def safe_name(text: str) -> str:
    """A text as part of a file's name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "unnamed"


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
