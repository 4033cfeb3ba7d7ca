"""What a cache knows of its bucket: which local file is which object, when it was last synced, and who works on it."""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.errors import UnreachableError
from pytest_benchmark_aws.machine.regular_files import read_regular
from pytest_benchmark_aws.results.files import replace

if TYPE_CHECKING:
    from pytest_benchmark_aws.aws.s3_shared_storage import Remote

_MOST_BYTES = 256 * 2**20
PATIENCE_S = 120.0
"""Seconds that a session waits for another one of this machine that syncs or uploads."""


@dataclass(frozen=True, slots=True)
class SyncedFile:
    """A local file as it was when it was the same as an object."""

    etag: str
    size: int
    """Bytes."""
    mtime_ns: int


@dataclass(slots=True)
class MirrorState:
    """Keys and their local files; a file that is not here, or not as here, exists on this machine alone."""

    path: Path
    files: dict[str, SyncedFile] = field(default_factory=dict)
    synced: dict[str, str] = field(default_factory=dict)
    """Prefix -> when its listing was last followed, ISO 8601, UTC."""

    @classmethod
    def load(cls, path: Path) -> MirrorState:
        """What is on disk; a damaged or missing file is an empty one: everything is looked at again."""
        try:
            data = json.loads(read_regular(path, _MOST_BYTES, own=True))
            files = {
                str(key): SyncedFile(str(etag), int(size), int(mtime)) for key, (etag, size, mtime) in data["files"]
            }
            return cls(path, files, {str(prefix): str(when) for prefix, when in data["synced"]})
        except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return cls(path)

    def save(self) -> None:
        """Replaces the file on disk in one step."""
        files = [(key, (file.etag, file.size, file.mtime_ns)) for key, file in sorted(self.files.items())]
        replace(self.path, json.dumps({"files": files, "synced": sorted(self.synced.items())}).encode())

    def is_object(self, key: str, path: Path) -> bool:
        """Whether a local file is the object of that key, as far as this machine knows."""
        file = self.files.get(key)
        if file is None:
            return False
        try:
            now = path.stat()
        except OSError:
            return False
        return (now.st_size, now.st_mtime_ns) == (file.size, file.mtime_ns)

    def remember(self, key: str, path: Path, remote: Remote) -> None:
        """Notes that a local file is the object of that key."""
        self.files[key] = SyncedFile(remote.etag, remote.size, path.stat().st_mtime_ns)


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
