"""Results on disk: ``<storage>/<instance type>/NNNN_name.json``, which stock pytest-benchmark reads."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.values import json_fields
from pytest_benchmark_aws.core.values.plain_json import encodable
from pytest_benchmark_aws.machine.regular_files import read_regular
from pytest_benchmark_aws.results.files import new_file, settle
from pytest_benchmark_aws.results.numbering import link_numbered, numbered

MAX_BYTES = 256 * 2**20
"""Of one file: a result of ten thousand benchmarks has 10 MiB."""


def save(storage: Path, folder: str, name: str, data: Mapping[str, Any]) -> Path:
    """Writes a result under the next free number; never over another, also where two processes write at once."""
    place = storage / folder
    place.mkdir(parents=True, exist_ok=True)
    with new_file(place) as file:
        file.write(as_text(data).encode())
        settle(file)
        return link_numbered(Path(file.name), place, f"0000_{name}.json", ())


def check(storage: Path) -> None:
    """Makes sure that results can be stored, by what ``save`` does: a file that is linked to its name.

    Raises:
        PlanError: they cannot, and why.
    """
    try:
        storage.mkdir(parents=True, exist_ok=True)
        with new_file(storage) as file:
            settle(file)
            name = Path(f"{file.name}.link")
            try:
                os.link(file.name, name)
            finally:
                name.unlink(missing_ok=True)
    except OSError as error:
        raise PlanError(
            f"results cannot be stored in {storage} ({error.strerror or error}), nothing was launched: make the folder "
            "writable, or name another with --benchmark-storage=file://FOLDER, on a file system with hard links"
        ) from error


def save_once(storage: Path, folder: str, name: str, data: Mapping[str, Any]) -> tuple[Path, bool]:
    """Saves a result unless the folder holds the very same already: the file, and whether it is new."""
    content = as_text(data).encode()
    for path in _files(storage / folder):
        if path.stat().st_size == len(content) and path.read_bytes() == content:
            return path, False
    return save(storage, folder, name, data), True


def as_text(data: object) -> str:
    """JSON as pytest-benchmark writes it, that any reader takes: NaN and infinity, which are no JSON, are null."""
    try:
        text = json.dumps(data, indent=4, default=str, allow_nan=False)
    except ValueError:
        finite = json_fields.lenient(json.dumps(data, default=str).encode())
        text = json.dumps(finite, indent=4, allow_nan=False)
    return json.dumps(encodable(json.loads(text)), indent=4) if "\\ud" in text else text


def find(storage: Path, folder: str, instance_id: str) -> Path | None:
    """The file that holds the results of an instance already, so that a resumed run stores nothing twice."""
    for path in reversed(_files(storage / folder)):
        try:
            if f'"{instance_id}"'.encode() in read_regular(path, MAX_BYTES):
                return path
        except OSError:
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
