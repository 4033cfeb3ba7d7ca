"""Files that are there whole or not at all, also where the process is killed or the disk is full."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedWriter
from pathlib import Path


@contextmanager
def new_file(folder: Path) -> Iterator[BufferedWriter]:
    """A file with a name that no reader looks at, gone at the end; with the mode that the umask gives any new file."""
    path = folder / f".new-{os.urandom(8).hex()}"
    try:
        with path.open("xb") as file:
            yield file
    finally:
        path.unlink(missing_ok=True)


def settle(file: BufferedWriter) -> None:
    """Forces to disk what was written so far."""
    file.flush()
    os.fsync(file.fileno())


def replace(path: Path, content: bytes) -> None:
    """Writes a file in place of another, through links, and makes its folder; else leaves that one as it is."""
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    with new_file(path.parent) as file:
        file.write(content)
        settle(file)
        os.replace(file.name, path)


def write_new(path: Path, content: bytes) -> bool:
    """Writes a file where none is; False where one of that very content is there already.

    Raises:
        FileExistsError: something else is there.
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with new_file(path.parent) as file:
        file.write(content)
        settle(file)
        try:
            os.link(file.name, path)
        except FileExistsError:
            if path.is_file() and path.read_bytes() == content:
                return False
            raise
    return True
