"""What a cache knows of its bucket: which local file is which object, when it was last synced, and who works on it."""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.errors import UnreachableError
from pytest_benchmark_aws.results.storage import new_file, settle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_benchmark_aws.aws.objects import Remote

PATIENCE_S = 120.0
"""Seconds that a session waits for another one of this machine that syncs or uploads."""


@dataclass(frozen=True, slots=True)
class Known:
    """A local file as it was when it was known to be the same as an object."""

    etag: str
    size: int
    mtime_ns: int


@dataclass(slots=True)
class State:
    """Keys with what is known of them; a file that is not here, or not as here, exists on this machine alone."""

    path: Path
    files: dict[str, Known] = field(default_factory=dict)
    synced: dict[str, str] = field(default_factory=dict)
    """Prefix -> when its listing was last followed, ISO 8601, UTC."""

    @classmethod
    def load(cls, path: Path) -> State:
        """What is on disk; a damaged or missing file means that nothing is known, and everything is looked at again."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            files = {str(key): Known(str(etag), int(size), int(mtime)) for key, (etag, size, mtime) in data["files"]}
            return cls(path, files, {str(prefix): str(when) for prefix, when in data["synced"]})
        except (OSError, ValueError, TypeError, KeyError):
            return cls(path)

    def save(self) -> None:
        """Replaces the file on disk in one step."""
        files = [(key, (one.etag, one.size, one.mtime_ns)) for key, one in sorted(self.files.items())]
        data = json.dumps({"files": files, "synced": sorted(self.synced.items())})
        with new_file(self.path.parent) as file:
            file.write(data.encode())
            settle(file)
            os.replace(file.name, self.path)

    def is_known(self, key: str, path: Path) -> bool:
        """Whether a local file is the object, as far as this machine knows."""
        known = self.files.get(key)
        if known is None:
            return False
        try:
            now = path.stat()
        except OSError:
            return False
        return (now.st_size, now.st_mtime_ns) == (known.size, known.mtime_ns)

    def note(self, key: str, path: Path, remote: Remote) -> None:
        """Remembers that a local file is the object."""
        self.files[key] = Known(remote.etag, remote.size, path.stat().st_mtime_ns)


@contextmanager
def locked(path: Path, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """One process at a time.

    Raises:
        UnreachableError: another one has it for longer than ``patience_s`` seconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + patience_s
    with path.open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise UnreachableError(
                        f"another session has held the cache for {patience_s:.0f} s ({path}): wait for it, or end it"
                    ) from error
                time.sleep(0.05)
        yield
