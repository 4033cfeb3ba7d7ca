"""The project: what of it decides what is shipped, and its files as an archive whose bytes depend on them alone."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pytest_benchmark_aws.backends.agent_archive import Archive
from pytest_benchmark_aws.bundle.secrets import is_secret
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.values.units import format_memory

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LIMIT_BYTES = 200 * 2**20
SHIPPED = ".pba"
"""Folder in the shipped project for what is no file of it: this plugin, and what is installed from elsewhere."""
_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "venv", "env", "build", "dist", SHIPPED})


@dataclass(frozen=True, slots=True)
class Project:
    """The project of this session, and what of the session's process its guests need to be alike."""

    root: Path
    """pytest's rootdir."""
    working_directory: Path
    test_files: Mapping[str, Path]
    """Node id -> the file of the collected test, relative to the root; tests outside of it have none."""
    args: tuple[str, ...]
    """pytest's on the guest, node ids aside."""
    import_paths: tuple[str, ...]
    """Folders that imports start from, relative to the root."""
    imported: frozenset[str]
    """Distributions of the modules that collecting the tests has imported."""
    plugins: frozenset[str]
    """Distributions of the loaded pytest plugins: the project's options may be theirs."""
    requirements: Path | None
    """The requirements file that takes the place of what is declared and imported."""


def project_files(root: Path) -> tuple[list[Path], list[Path]]:
    """The files to ship, relative to the root, and those that git tracks but that look like secrets.

    In a git repository: what git tracks, as it is on disk. Elsewhere: all files but hidden ones, environments and
    caches.
    """
    tracked = _git_files(root)
    files = _walk(root) if tracked is None else tracked
    shipped: list[Path] = []
    secret: list[Path] = []
    for file in sorted(files):
        (secret if is_secret(file) else shipped).append(file)
    return shipped, secret


def untracked_files(root: Path) -> list[Path]:
    """Files that git neither tracks nor ignores: they stay here, which their author may not have meant."""
    return [file for file in _git_files(root, "--others", "--exclude-standard") or () if not is_secret(file)]


def make_archive(files: Iterable[tuple[str, Path]], left_out: Iterable[Path] = ()) -> Archive:
    """The archive of (name in it, file on disk): sorted, without times and owners, compressed.

    Raises:
        PlanError: it is larger than ``LIMIT_BYTES``, or a link leads out of the project.
    """
    total, buffer, names = 0, io.BytesIO(), []
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, compresslevel=6) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, path in sorted(files):
            data = path.read_bytes()
            total += len(data)
            if total > LIMIT_BYTES:
                raise PlanError(
                    f"the project's files are more than {format_memory(LIMIT_BYTES)} ({name} is where that is "
                    "passed): let git ignore what the benchmarks do not need"
                )
            names.append(str(PurePosixPath(name)))
            add_file(archive, names[-1], data, 0o755 if os.access(path, os.X_OK) else 0o644)
    content = buffer.getvalue()
    return Archive(hashlib.sha256(content).hexdigest(), len(content), content, tuple(names), tuple(map(str, left_out)))


def add_file(archive: tarfile.TarFile, name: str, data: bytes, mode: int = 0o644) -> None:
    """Adds a file without time and owner."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), mode
    archive.addfile(info, io.BytesIO(data))


def bundle_project(root: Path, needed: Iterable[Path], extra: Mapping[str, Path]) -> Archive:
    """The project as it is, with ``extra`` files under ``SHIPPED``.

    Raises:
        PlanError: a file that is ``needed`` (a collected test file) is not among those to ship, a link leads to a file
            that is not, or it is too large.
    """
    files, secret = project_files(root)
    missing = sorted(set(needed) - set(files))
    if missing:
        shown = ", ".join(map(str, missing[:5]))
        raise PlanError(f"not tracked by git, so not shipped: {shown}; git add {'it' if len(missing) == 1 else 'them'}")
    base, shipped = root.resolve(), set(files)
    pairs = []
    for file in files:
        path = root / file
        if path.is_symlink() and base not in path.resolve().parents:
            raise PlanError(f"{file} is a link out of the project: ship the file itself, or let git ignore the link")
        if path.is_symlink() and is_secret(path.resolve().relative_to(base)):
            secret.append(file)
        elif path.is_symlink() and path.is_file() and path.resolve().relative_to(base) not in shipped:
            raise PlanError(
                f"{file} is a link to {path.resolve().relative_to(base)}, which is not shipped, as git ignores it or "
                "does not track it: git add that file, or let git ignore the link too"
            )
        elif path.is_file():  # tracked and deleted, or a submodule's folder: nothing to ship
            pairs.append((file.as_posix(), path))
    pairs += [(f"{SHIPPED}/{name}", path) for name, path in extra.items()]
    return make_archive(pairs, secret)


def _git_files(root: Path, *which: str) -> list[Path] | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z", *(which or ("--cached", "--recurse-submodules"))],
            capture_output=True, check=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError) as error:
        if not (root / ".git").exists():
            return None
        words = getattr(error, "stderr", b"") or str(error).encode()
        reason = words.decode("utf-8", "replace").strip()
        raise PlanError(f"git cannot say which files are the project's, so none are shipped: {reason}") from error
    files = [Path(os.fsdecode(name)) for name in done.stdout.split(b"\0") if name]
    return files or None


def _walk(root: Path) -> list[Path]:
    paths = []
    for path, folders, files in os.walk(root):
        folder = Path(path)
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".")
            and name not in _SKIPPED_FOLDERS
            and not name.endswith(".egg-info")
            and not (folder / name / "pyvenv.cfg").exists()
        ]
        paths += [
            (folder / name).relative_to(root) for name in files if not name.startswith(".") or name == ".coveragerc"
        ]
    return paths


def relative(path: Path, root: Path) -> Path | None:
    """The path relative to the root, links of both followed; None where it lies outside of it."""
    try:
        return path.resolve().relative_to(root.resolve())
    except ValueError:
        return None
