"""A folder that mirrors an S3 prefix both ways: what is new there comes here, what is new here goes there.

Each local file has the path of its key, so that stock pytest-benchmark reads the folder. A result that no object is
known of is pending: a session that is killed after it saved leaves it so, and the next one uploads it. Nothing is ever
written over or deleted, here or there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.errors import PytestBenchmarkAWSError
from pytest_benchmark_aws.core.values.storage_url import LARGEST, number_of, refusal
from pytest_benchmark_aws.results.mirror_state import State, locked
from pytest_benchmark_aws.results.storage import link_numbered, numbered, settle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_benchmark_aws.aws.objects import Objects, Remote
    from pytest_benchmark_aws.core.values.storage_url import StorageUrl

NUMBERS = ".numbers/"
"""Below the prefix: an empty object for each number that is taken. An upload takes its number first, so that no two
results get the same one, whatever their names."""
_THREADS = 8
"""Downloads at once: the first sync of a large storage is a thousand round trips."""


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync brought."""

    new: int
    total: int
    refused: tuple[str, ...]
    """Each key that is not taken, with the reason."""
    removed: tuple[Path, ...]
    """Where files now are whose objects are gone."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What an upload did."""

    names: tuple[str, ...]
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
        return State.load(self._state_path).synced.get(self.url.prefix)

    def pending(self) -> list[Path]:
        """Results that no object is known of, by folder and number."""
        return list(self._pending(State.load(self._state_path)))

    def sync(self) -> Synced:
        """Brings what is new or changed, and takes away what is gone there.

        Raises:
            PlanError: the bucket is missing or may not be read.
            UnreachableError: AWS cannot be asked now; what had come by then is kept.
            OSError: the cache cannot be written.
        """
        with locked(self.private / "lock"):
            self.place.mkdir(parents=True, exist_ok=True)
            state = State.load(self._state_path)
            refused: list[str] = []
            wanted: dict[str, Remote] = {}
            listing = self.objects.listing(self.url.key_prefix)
            for key, remote in listing.items():
                name = key.removeprefix(self.url.key_prefix)
                if not name.endswith(".json") or name.startswith(NUMBERS):
                    continue
                reason = refusal(name, remote.size)
                if reason is None:
                    wanted[key] = remote
                else:
                    refused.append(f"{key}: {reason}")
            try:
                new = self._bring(wanted, state, refused)
                removed = self._remove(set(listing), state)
                state.synced[self.url.prefix] = datetime.now(timezone.utc).isoformat(timespec="seconds")
            finally:
                state.save()
        return Synced(new, len(wanted), tuple(refused), tuple(removed))

    def upload(self) -> Uploaded:
        """Adds each pending result to the bucket, under a number that is free there and here; raises nothing."""
        done: list[str] = []
        problems: list[str] = []
        try:
            with locked(self.private / "lock"):
                state = State.load(self._state_path)
                waiting = list(self._pending(state))
                if waiting:
                    try:
                        self._upload(waiting, state, done, problems)
                    finally:
                        state.save()
        except (PytestBenchmarkAWSError, OSError) as error:
            problems.append(str(error))
        return Uploaded(tuple(done), len(self.pending()), "; ".join(problems))

    @property
    def _state_path(self) -> Path:
        return self.private / "state.json"

    def _key(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _pending(self, state: State) -> Iterator[Path]:
        folders = [self.place, *sorted(path for path in self.place.glob("[!.]*") if path.is_dir())]
        for folder in folders:
            seen: set[tuple[int, int]] = set()
            # The highest number first: a process that was killed while it renumbered left two names of one file.
            for path in reversed([path for paths in numbered(folder).values() for path in paths]):
                if state.is_known(self._key(path), path):
                    continue
                about = path.stat()
                if (about.st_dev, about.st_ino) not in seen:
                    seen.add((about.st_dev, about.st_ino))
                    yield path
                else:
                    path.unlink()

    def _bring(self, wanted: dict[str, Remote], state: State, refused: list[str]) -> int:
        missing = {}
        for key, remote in wanted.items():
            path = self.root / key
            if state.is_known(key, path) and state.files[key].etag == remote.etag:
                continue
            if path.is_file() and not state.is_known(key, path) and _is_md5(path, remote):
                state.note(key, path, remote)  # uploaded or brought by a process that was killed before it said so
                continue
            missing[key] = remote
        incoming = self.private / "incoming"
        shutil.rmtree(incoming, ignore_errors=True)  # of a process that was killed; the lock is ours
        incoming.mkdir(parents=True)
        brought = 0
        with ThreadPoolExecutor(_THREADS) as pool:
            for (key, remote), came in zip(
                missing.items(), pool.map(lambda item: self._fetch(incoming, *item), missing.items()), strict=True
            ):
                if came is None:
                    continue
                try:
                    self._place(came, key, remote, state)
                    brought += 1
                except OSError as error:
                    refused.append(f"{key}: {error}")
        shutil.rmtree(incoming, ignore_errors=True)
        return brought

    def _fetch(self, incoming: Path, key: str, remote: Remote) -> Path | None:
        """Downloads an object beside the mirror; None where it is gone or changed since it was listed."""
        path = incoming / hashlib.sha256(key.encode()).hexdigest()
        with path.open("wb") as file:
            whole = self.objects.download(key, remote, file)
            settle(file)
        return path if whole else None

    def _place(self, came: Path, key: str, remote: Remote, state: State) -> None:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        if state.is_known(key, path):
            os.replace(came, path)  # the object was changed; whoever saves meanwhile takes no name that exists
        else:
            while True:
                try:
                    os.link(came, path)
                    break
                except FileExistsError:
                    if path.read_bytes() == came.read_bytes():
                        break
                    self._renumber(path, set())  # a result of ours that is not uploaded yet
        state.note(key, path, remote)

    def _remove(self, listed: set[str], state: State) -> list[Path]:
        """Puts aside files whose objects somebody took away, so that nothing is compared with them."""
        gone = [key for key in state.files if key.startswith(self.url.key_prefix) and key not in listed]
        aside = []
        for key in gone:
            path = self.root / key
            if state.is_known(key, path):
                to = self.private / "removed" / key
                to.parent.mkdir(parents=True, exist_ok=True)
                os.replace(path, to)
                aside.append(to)
            del state.files[key]
        return aside

    def _upload(self, waiting: list[Path], state: State, done: list[str], problems: list[str]) -> None:
        listing = self.objects.listing(self.url.key_prefix)
        numbers: dict[str, set[int]] = {}
        for given in sorted(waiting):
            data = _read(given)
            if isinstance(data, str):
                problems.append(f"{given}: {data}")
                continue
            path, folder = given, given.parent.relative_to(self.place).as_posix()
            folder = "" if folder == "." else f"{folder}/"
            taken = numbers.setdefault(folder, _taken(listing, self.url.key_prefix, folder))
            while True:
                key, number = self._key(path), number_of(path.name) or 0
                found = self.objects.holds(key, data) if key in listing else None
                if found is None and number not in taken:
                    found = self._add(key, f"{self.url.key_prefix}{NUMBERS}{folder}{number:04}", data)
                if found is not None:
                    taken.add(number)
                    state.note(key, path, found)
                    done.append(path.relative_to(self.place).as_posix())
                    break
                taken.add(number)
                path = self._renumber(path, taken)

    def _add(self, key: str, number_key: str, data: bytes) -> Remote | None:
        if self.objects.add(number_key, b"") is None:
            return None
        # Where somebody copied a file there by hand: the same one, as when a reply was lost, or another's.
        return self.objects.add(key, data) or self.objects.holds(key, data)

    def _renumber(self, path: Path, taken: set[int]) -> Path:
        to = link_numbered(path, path.parent, path.name, taken)
        path.unlink()
        self.moved = {old: to if new == path else new for old, new in self.moved.items()} | {path: to}
        return to


def _taken(listing: dict[str, Remote], prefix: str, folder: str) -> set[int]:
    """The numbers of a folder that results in the bucket have, or that an upload has taken for one."""
    found: set[int] = set()
    for key in listing:
        name = key.removeprefix(prefix)
        if name.startswith(f"{NUMBERS}{folder}"):
            digits = name.removeprefix(f"{NUMBERS}{folder}")
            if digits.isascii() and digits.isdigit() and len(digits) < 10:
                found.add(int(digits))
        elif name.startswith(folder):
            number = number_of(name.removeprefix(folder)) if "/" not in name.removeprefix(folder) else None
            if number is not None:
                found.add(number)
    return found


def _read(path: Path) -> bytes | str:
    """A result file's content, or why it is none."""
    size = path.stat().st_size
    why = refusal(path.name, size)
    if why is not None:
        return f"it cannot be an object ({why}): rename or remove it"
    data = path.read_bytes()[: LARGEST + 1]
    try:
        if isinstance(json.loads(data)["benchmarks"], list):
            return data
        return "no pytest-benchmark result: remove it"
    except (ValueError, TypeError, KeyError, RecursionError):
        return f"no whole JSON ({size:,} bytes), as a process leaves it that is killed while it saves: remove it"


def _is_md5(path: Path, remote: Remote) -> bool:
    """Whether the entity tag is the file's MD5, as of objects written in one piece without KMS; False: not known."""
    if path.stat().st_size != remote.size:
        return False
    digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    return remote.etag.strip('"') == digest
