"""A folder that mirrors an S3 prefix both ways: what is new there comes here, what is new here goes there.

Each local file has the path of its key, so that stock pytest-benchmark reads the folder. A result that is no object, as
far as this machine knows, is pending: a session that is killed after it saved leaves it so, and the next one uploads
it. Nothing is ever written over or deleted, here or there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.errors import PytestBenchmarkAWSError
from pytest_benchmark_aws.core.values.storage_url import LARGEST, StorageUrl, refusal
from pytest_benchmark_aws.machine.regular_files import read_regular
from pytest_benchmark_aws.results import numbering
from pytest_benchmark_aws.results.files import settle
from pytest_benchmark_aws.results.mirror_state import MirrorState, locked

if TYPE_CHECKING:
    from pytest_benchmark_aws.aws.s3_shared_storage import Objects, Remote

_THREADS = 8
"""Downloads at once: the first sync of a large storage is a thousand round trips."""


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync brought."""

    new: int
    """Results that were downloaded."""
    total: int
    """Results that the bucket holds."""
    refused: tuple[str, ...]
    """Each key that is not taken, with the reason."""
    removed: tuple[Path, ...]
    """Where files now are whose objects are gone."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What an upload did."""

    names: tuple[str, ...]
    """Results that are in the bucket now, ``m5.large/0001_name.json``."""
    pending: int
    """Results that are still on this machine alone."""
    problem: str
    """Why; empty where none is left."""


@dataclass(slots=True)
class Mirror:
    """One machine's cache of one storage."""

    url: StorageUrl
    objects: Objects
    root: Path
    """Mirrors the whole bucket; of two URLs in one bucket, each file is there once."""
    private: Path
    """State, lock and files under way; out of sight of whoever reads the results."""
    moved: dict[Path, Path] = field(default_factory=dict)
    """Local files that got another number, as theirs was taken."""

    @property
    def place(self) -> Path:
        """The folder that pytest-benchmark reads."""
        return self.root / self.url.prefix

    def last_synced(self) -> str | None:
        """When the listing was last followed, ISO 8601, UTC; None: never."""
        return MirrorState.load(self._state_path).synced.get(self.url.prefix)

    def pending(self) -> list[Path]:
        """Results that are on this machine alone, by folder, the highest number first."""
        return list(self._pending(MirrorState.load(self._state_path)))

    def sync(self) -> Synced:
        """Brings what is new or changed, and takes away what is gone there.

        Raises:
            PlanError: the bucket is missing or may not be read.
            UnreachableError: AWS cannot be asked now; what had come by then is kept.
            OSError: the cache cannot be written.
        """
        with locked(self.private / "lock"):
            self.place.mkdir(parents=True, exist_ok=True)
            state = MirrorState.load(self._state_path)
            refused: list[str] = []
            wanted: dict[str, Remote] = {}
            listing = self.objects.listing(self.url.key_prefix)
            for key, remote in listing.items():
                name = key.removeprefix(self.url.key_prefix)
                if not name.endswith(".json") or name.startswith(numbering.NUMBERS):
                    continue
                reason = refusal(name, remote.size)
                if reason is None:
                    wanted[key] = remote
                else:
                    refused.append(f"{key}: {reason}")
            try:
                new = self._download_new(wanted, state, refused)
                removed = self._set_aside(set(listing), state)
                state.synced[self.url.prefix] = datetime.now(timezone.utc).isoformat(timespec="seconds")
            finally:
                state.save()
        return Synced(new, len(wanted), tuple(refused), tuple(removed))

    def upload(self) -> Uploaded:
        """Adds each pending result to the bucket, under a number that is free there and here; raises nothing."""
        uploaded: list[str] = []
        problems: list[str] = []
        try:
            with locked(self.private / "lock"):
                state = MirrorState.load(self._state_path)
                waiting = list(self._pending(state))
                if waiting:
                    try:
                        self._upload(waiting, state, uploaded, problems)
                    finally:
                        state.save()
        except (PytestBenchmarkAWSError, OSError) as error:
            problems.append(str(error))
        return Uploaded(tuple(uploaded), len(self.pending()), "; ".join(problems))

    @property
    def _state_path(self) -> Path:
        return self.private / "state.json"

    def _key(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _pending(self, state: MirrorState) -> Iterator[Path]:
        folders = [self.place, *sorted(path for path in self.place.glob("[!.]*") if path.is_dir())]
        for folder in folders:
            inodes: set[tuple[int, int]] = set()
            # The highest number first: a process that was killed while it renumbered left two names of one file.
            for path in reversed([path for paths in numbering.numbered(folder).values() for path in paths]):
                if state.is_object(self._key(path), path):
                    continue
                status = path.stat()
                if (status.st_dev, status.st_ino) not in inodes:
                    inodes.add((status.st_dev, status.st_ino))
                    yield path
                else:
                    path.unlink()

    def _download_new(self, wanted: dict[str, Remote], state: MirrorState, refused: list[str]) -> int:
        """Downloads what is not here as it is there, and gives its number; what has no place here is ``refused``."""
        missing = {}
        for key, remote in wanted.items():
            path = self.root / key
            if state.is_object(key, path) and state.files[key].etag == remote.etag:
                continue
            if path.is_file() and not state.is_object(key, path) and _is_md5(path, remote):
                state.remember(key, path, remote)  # by a process that was killed before it noted it
                continue
            missing[key] = remote
        incoming = self.private / "incoming"
        shutil.rmtree(incoming, ignore_errors=True)  # of a process that was killed; the lock is ours
        incoming.mkdir(parents=True)
        new = 0
        with ThreadPoolExecutor(_THREADS) as pool:
            downloads = pool.map(lambda item: self._download(incoming, *item), missing.items())
            for (key, remote), download in zip(missing.items(), downloads, strict=True):
                if download is None:
                    continue
                try:
                    self._place(download, key, remote, state)
                    new += 1
                except OSError as error:
                    refused.append(f"{key}: {error}")
        shutil.rmtree(incoming, ignore_errors=True)
        return new

    def _download(self, incoming: Path, key: str, remote: Remote) -> Path | None:
        """Downloads an object beside the mirror; None where it is gone or changed since it was listed."""
        path = incoming / hashlib.sha256(key.encode()).hexdigest()
        with path.open("wb") as file:
            whole = self.objects.download(key, remote, file)
            settle(file)
        return path if whole else None

    def _place(self, download: Path, key: str, remote: Remote, state: MirrorState) -> None:
        """Puts a downloaded object in its place; a result of ours that has its name there gets another number."""
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        if state.is_object(key, path):
            os.replace(download, path)  # the object was changed; whoever saves meanwhile takes no name that exists
        else:
            while True:
                try:
                    os.link(download, path)
                    break
                except FileExistsError:
                    if path.read_bytes() == download.read_bytes():
                        break
                    self._renumber(path, set())  # it is not uploaded yet
        state.remember(key, path, remote)

    def _set_aside(self, listed: set[str], state: MirrorState) -> list[Path]:
        """Moves away files whose objects somebody took away, so that nothing is compared with them."""
        gone = [key for key in state.files if key.startswith(self.url.key_prefix) and key not in listed]
        moved = []
        for key in gone:
            path = self.root / key
            if state.is_object(key, path):
                aside = self.private / "removed" / key
                aside.parent.mkdir(parents=True, exist_ok=True)
                os.replace(path, aside)
                moved.append(aside)
            del state.files[key]
        return moved

    def _upload(self, waiting: list[Path], state: MirrorState, uploaded: list[str], problems: list[str]) -> None:
        listing = self.objects.listing(self.url.key_prefix)
        names = [key.removeprefix(self.url.key_prefix) for key in listing]
        taken: dict[str, set[int]] = {}
        for result in sorted(waiting):
            data = _read(result)
            if isinstance(data, str):
                problems.append(f"{result}: {data}")
                continue
            path, folder = result, result.parent.relative_to(self.place).as_posix()
            folder = "" if folder == "." else f"{folder}/"
            numbers = taken.setdefault(folder, numbering.taken_numbers(names, folder))
            while True:
                key, number = self._key(path), numbering.number_of(path.name) or 0
                remote = self.objects.holds(key, data) if key in listing else None
                if remote is None and number not in numbers:
                    remote = self._add(key, self.url.key_prefix + numbering.number_key(folder, number), data)
                numbers.add(number)
                if remote is not None:
                    state.remember(key, path, remote)
                    uploaded.append(path.relative_to(self.place).as_posix())
                    break
                path = self._renumber(path, numbers)

    def _add(self, key: str, key_of_number: str, data: bytes) -> Remote | None:
        """Takes the number, then adds the object; None where either is somebody else's."""
        if self.objects.add(key_of_number, b"") is None:
            return None
        # Where somebody copied a file there by hand: the same one, as when a reply was lost, or another's.
        return self.objects.add(key, data) or self.objects.holds(key, data)

    def _renumber(self, path: Path, taken: set[int]) -> Path:
        renamed = numbering.link_numbered(path, path.parent, path.name, taken)
        path.unlink()
        self.moved = {old: renamed if new == path else new for old, new in self.moved.items()} | {path: renamed}
        return renamed


def _read(path: Path) -> bytes | str:
    """A result file's content, or in words why it is none."""
    size = path.stat().st_size
    reason = refusal(path.name, size)
    if reason is not None:
        return f"it cannot be an object ({reason}): rename or remove it"
    try:
        data = read_regular(path, LARGEST)
        if isinstance(json.loads(data)["benchmarks"], list):
            return data
        return "no pytest-benchmark result: remove it"
    except (ValueError, TypeError, KeyError, RecursionError):
        return f"no whole JSON ({size:,} bytes), as a process leaves it that is killed while it saves: remove it"
    except OSError as error:
        return f"it cannot be read ({error.strerror or error}): remove it"


def _is_md5(path: Path, remote: Remote) -> bool:
    """Whether the entity tag is the file's MD5, as of objects written in one piece without KMS; False: not known."""
    if path.stat().st_size != remote.size:
        return False
    digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    return remote.etag.strip('"') == digest
