"""Results on disk: ``<storage>/<instance type>/NNNN_name.json``, which stock pytest-benchmark reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_benchmark_aws.results.files import new_file, settle
from pytest_benchmark_aws.results.numbering import link_numbered, numbered


def save(storage: Path, folder: str, name: str, data: Mapping[str, Any]) -> Path:
    """Writes a result under the next free number; never over another, also where two processes write at once."""
    place = storage / folder
    place.mkdir(parents=True, exist_ok=True)
    with new_file(place) as file:
        file.write(as_text(data).encode())
        settle(file)
        return link_numbered(Path(file.name), place, f"0000_{name}.json", ())


def save_once(storage: Path, folder: str, name: str, data: Mapping[str, Any]) -> tuple[Path, bool]:
    """Saves a result unless the folder holds the very same already: the file, and whether it is new."""
    content = as_text(data).encode()
    for path in _files(storage / folder):
        if path.stat().st_size == len(content) and path.read_bytes() == content:
            return path, False
    return save(storage, folder, name, data), True


def as_text(data: object) -> str:
    """JSON as pytest-benchmark writes it."""
    return json.dumps(data, indent=4, default=str)


def find(storage: Path, folder: str, instance_id: str) -> Path | None:
    """The file that holds the results of an instance already, so that a resumed run stores nothing twice."""
    for path in reversed(_files(storage / folder)):
        try:
            if f'"{instance_id}"' in path.read_text(encoding="utf-8"):
                return path
        except (OSError, ValueError):
            continue
    return None


def latest(storage: Path, folder: str, wanted: str | bool) -> list[Path]:
    """The files to compare with: the last one for True, else those whose name starts so, as in pytest-benchmark."""
    files = _files(storage / folder)
    if wanted is True:
        return files[-1:]
    path = Path(str(wanted))
    return [path] if path.is_file() else [file for file in files if file.name.startswith(str(wanted).rstrip("*"))]


def _files(folder: Path) -> list[Path]:
    """The folder's results, the highest number last."""
    return [path for paths in numbered(folder).values() for path in paths]
