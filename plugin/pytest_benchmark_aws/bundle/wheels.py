"""Requirements -> their wheels for the target, in one archive with a lock file of their hashes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import sys
import tarfile
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pytest_benchmark_aws.backends.agent_archive import Archive
from pytest_benchmark_aws.bundle.compiled import GLIBC
from pytest_benchmark_aws.bundle.index import Download, check_with_pip, download_with_pip
from pytest_benchmark_aws.bundle.project import add_file
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.machine.folders import keeping, own_folder
from pytest_benchmark_aws.machine.regular_files import read_regular

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_benchmark_aws.bundle.requirements import Installation

_MOST_BYTES = 16 * 2**20
"""Of what is said of an archive: a name and a version for each wheel."""
PACKAGED_PYTHONS = ("3.11", "3.12", "3.13", "3.14")
"""That Amazon Linux 2023 packages beside its own 3.9 (its user guide, "Python in AL2023")."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the wheels must run on."""

    python: str
    """``3.11``."""
    arch: str
    local: bool
    """Embedded AWS: the guest is a process on this machine."""
    glibc: tuple[int, int] = GLIBC
    """The newest C library that wheels may be built against."""

    def pip_options(self) -> list[str]:
        """The options that make ``pip download`` choose for the target; none where that is this machine."""
        if self.local:
            return []
        machine = {"arm64": "aarch64"}.get(self.arch, self.arch)
        major, newest = self.glibc
        platforms = [f"manylinux_{major}_{minor}_{machine}" for minor in range(newest, 16, -1)]
        platforms += [f"manylinux2014_{machine}", f"linux_{machine}"]
        tag = "cp" + self.python.replace(".", "")
        options = ["--python-version", self.python, "--implementation", "cp"]
        options += [word for abi in (tag, "abi3", "none") for word in ("--abi", abi)]
        return options + [word for name in platforms for word in ("--platform", name)]

    def environment(self) -> dict[str, str]:
        """Values of the markers in requirements (PEP 508) that differ from here."""
        if self.local:
            return {}
        return {
            "python_version": self.python,
            "python_full_version": f"{self.python}.0",
            "platform_machine": {"arm64": "aarch64"}.get(self.arch, self.arch),
            "platform_system": "Linux",
            "sys_platform": "linux",
            "os_name": "posix",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
        }


def guest_python(local: bool) -> tuple[str, str | None]:
    """The minor version for the guest, and a sentence where it is not the one here."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if local or here in PACKAGED_PYTHONS:
        return here, None
    nearest = min(PACKAGED_PYTHONS, key=lambda python: abs(int(python.split(".")[1]) - sys.version_info.minor))
    return nearest, f"Amazon Linux 2023 packages no Python {here}: the instances use {nearest}"


def resolve(requirements: Iterable[str], target: Target, store: Path, wanted: Installation | None = None) -> Archive:
    """The wheels for the requirements and their ``requirements.lock``, downloaded once and kept in ``store``.

    ``wanted`` says what of the requirements is in a file, and which wheels are made of installed files.

    Raises:
        PlanError: for one of them there is no wheel for the target, in pip's words.
    """
    download = _download(requirements, target, wanted)
    folder = own_folder(store) / _key(download, target)
    stored = _read(folder)
    if stored is not None:
        return stored
    if folder.exists() or folder.is_symlink():  # damaged, or put there by somebody else
        _remove(folder)
    with keeping(store), tempfile.TemporaryDirectory(dir=store, prefix="new-") as new:
        wheels, done = Path(new) / "wheels", Path(new) / "done"
        wheels.mkdir()
        done.mkdir()
        notes = download_with_pip(download, wheels)
        _pack(wheels, done, notes)
        if not folder.exists():
            done.rename(folder)
    stored = _read(folder)
    if stored is None:
        _remove(folder)
        raise PlanError(f"{folder}: the wheels kept there cannot be read; it was removed, run again")
    return stored


def check(requirements: Iterable[str], target: Target, store: Path, wanted: Installation) -> tuple[str, ...]:
    """What ``resolve`` would say, from the index's metadata alone: nothing is downloaded, and the answer is kept.

    Raises:
        PlanError: as ``resolve`` does.
    """
    download = _download(requirements, target, wanted)
    folder = store / _key(download, target)
    stored = _read(folder)
    if stored is not None:
        return stored.notes
    path = folder.with_suffix(".checked")
    try:
        notes = json.loads(read_regular(path, _MOST_BYTES, own=True))
        if isinstance(notes, list):
            return tuple(map(str, notes))
    except (OSError, ValueError, RecursionError):
        pass
    notes, certain = check_with_pip(download)
    if certain:
        with suppress(OSError, PlanError):  # a dry run keeps what it can
            (own_folder(store) / path.name).write_text(json.dumps(notes), encoding="utf-8")
    return tuple(notes)


def _download(requirements: Iterable[str], target: Target, wanted: Installation | None) -> Download:
    lines = sorted(requirements)
    if wanted is None:
        return Download(target, tuple(lines), tuple(lines))
    return Download(target, tuple(lines), wanted.pins, wanted.file, wanted.built, wanted.installed, wanted.fingerprint)


def _key(download: Download, target: Target) -> str:
    file = "" if download.file is None else hashlib.sha256(download.file.read_bytes()).hexdigest()
    built = sorted((wheel.file_name, hashlib.sha256(wheel.data).hexdigest()) for wheel in download.built)
    parts = [download.lines, target.pip_options(), target.python, file, built, download.fingerprint]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]


def _read(folder: Path) -> Archive | None:
    """What is kept there; None where it is not this user's own, or not what it was when it was put there."""
    try:
        about = json.loads(read_regular(folder / "about.json", _MOST_BYTES, own=True))
        path = folder / "wheels.tar"
        status = path.lstat()
        own = status.st_uid == folder.lstat().st_uid == os.geteuid()
        if not own or not stat.S_ISREG(status.st_mode) or status.st_size != about["size"]:
            return None
        with path.open("rb") as file:
            if _sha256(file) != about["sha256"]:
                return None
        os.utime(folder)
        notes, names = tuple(map(str, about.get("notes", ()))), tuple(map(str, about["names"]))
        return Archive(about["sha256"], about["size"], path, names, notes=notes)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while part := file.read(2**20):
        digest.update(part)
    return digest.hexdigest()


def _remove(folder: Path) -> None:
    """Removes what is kept there, whatever it is."""
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder, ignore_errors=True)
    else:
        folder.unlink(missing_ok=True)


def _pack(wheels: Path, into: Path, notes: Iterable[str] = ()) -> None:
    """One archive, the same bytes for the same wheels; it is not compressed, as wheels are."""
    lock, names = [], []
    with tarfile.open(into / "wheels.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(wheels.iterdir()):
            data = path.read_bytes()
            name, version = path.name.split("-")[:2]
            lock.append(f"{name}=={version} --hash=sha256:{hashlib.sha256(data).hexdigest()}\n")
            names.append(f"{name}=={version}")
            add_file(archive, path.name, data)
        add_file(archive, "requirements.lock", "".join(lock).encode())
    data = (into / "wheels.tar").read_bytes()
    about = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "names": names, "notes": list(notes)}
    (into / "about.json").write_text(json.dumps(about), encoding="utf-8")
