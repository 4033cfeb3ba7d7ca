"""The project: what of it decides what is shipped, and its files as an archive whose bytes depend on them alone."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import subprocess
import tarfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pytest_benchmark_aws.backends.agent_archive import Archive
from pytest_benchmark_aws.bundle.secrets import is_allowed, is_secret, key_in
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
    more_requirements: Path | None = None
    """The requirements file that adds to it."""
    loaded: Mapping[str, str] = field(default_factory=dict)
    """Module -> its file, of what this session has loaded for the project."""
    conftests: frozenset[Path] = frozenset()
    """The files of the conftests that are loaded."""
    read: frozenset[Path] = frozenset()
    """Files that pytest itself reads there, relative to the root: the ini file."""
    plugin_modules: tuple[str, ...] = ()
    """Modules that the command line names as plugins."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Environment variables of pytest there; their values are shown nowhere."""
    ship_secrets: tuple[str, ...] = ()
    """Files, or patterns of them, that are shipped though they look like secrets."""
    training_image: str | None = None
    """The container of training jobs that the user named."""


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
    pairs = sorted(files)
    check_size(pairs)
    total, buffer, names = 0, io.BytesIO(), []
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, compresslevel=6) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, path in pairs:
            with path.open("rb") as file:  # it may have grown
                data = file.read(LIMIT_BYTES - total + 1)
            total += len(data)
            if total > LIMIT_BYTES:
                raise _too_large(name)
            names.append(str(PurePosixPath(name)))
            add_file(archive, names[-1], data, 0o755 if os.access(path, os.X_OK) else 0o644)
    content = buffer.getvalue()
    return Archive(hashlib.sha256(content).hexdigest(), len(content), content, tuple(names), tuple(map(str, left_out)))


def check_size(files: Iterable[tuple[str, Path]]) -> None:
    """Refuses too many bytes before any file is read.

    Raises:
        PlanError: the files are larger than ``LIMIT_BYTES``.
    """
    total = 0
    for name, path in sorted(files):
        total += path.stat().st_size
        if total > LIMIT_BYTES:
            raise _too_large(name)


def _too_large(name: str) -> PlanError:
    return PlanError(
        f"the project's files are more than {format_memory(LIMIT_BYTES)} ({name} is where that is passed): let git "
        "ignore what the benchmarks do not need"
    )


def add_file(archive: tarfile.TarFile, name: str, data: bytes, mode: int = 0o644) -> None:
    """Adds a file without time and owner."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), mode
    archive.addfile(info, io.BytesIO(data))


def files_to_ship(
    root: Path, needed: Iterable[Path], imported: Iterable[Path] = (), ship_secrets: Iterable[str] = ()
) -> tuple[list[tuple[str, Path]], dict[Path, str]]:
    """The project's files as (name, file), and those that are left out as secrets, each with what says so.

    ``imported`` are files that this session has imported: they are shipped also where git does not track them, and
    whatever they are called. ``ship_secrets`` are patterns of files that are shipped whatever they hold.

    Raises:
        PlanError: a file that is ``needed`` (a collected test file) is not among those to ship or holds a key, a link
            leads to a file that is not, or a pattern means none.
    """
    used, ship_secrets = {*needed, *imported}, tuple(ship_secrets)
    files, named = project_files(root)
    for pattern in ship_secrets:
        if not any(is_allowed(file, [pattern]) for file in (*files, *named)):
            raise PlanError(
                f"--aws-ship-secret={pattern}: no file of the project, relative to {root}; git tracks what is shipped"
            )
    secret = {file: "its name" for file in named if file not in used and not is_allowed(file, ship_secrets)}
    files += [file for file in named if file not in secret]
    missing = sorted(set(needed) - set(files))
    if missing:
        shown = ", ".join(map(str, missing[:5]))
        raise PlanError(f"not tracked by git, so not shipped: {shown}; git add {'it' if len(missing) == 1 else 'them'}")
    base, shipped = root.resolve(), {*files, *imported}
    folders: dict[Path, Path] = {}
    pairs = []
    for file in sorted(shipped):
        path = root / file
        # A folder on the way may be a link as well as the file itself.
        folder = folders.setdefault(path.parent, path.parent.resolve())
        real = path.resolve() if path.is_symlink() else folder / path.name
        inside = real.relative_to(base) if base in real.parents else None
        if inside is None and (path.is_symlink() or path.exists()):
            link = next(place for place in (path, *path.parents) if place.is_symlink()).relative_to(root)
            raise PlanError(f"{link} is a link out of the project: ship the file itself, or let git ignore the link")
        linked = False if inside is None or inside == file else path.is_file() or path.is_symlink()
        if linked and inside is not None and is_secret(inside) and not is_allowed(inside, ship_secrets):
            secret[file] = f"a link to {inside}"
        elif linked and path.is_file() and inside not in shipped:
            raise PlanError(
                f"{file} is a link to {inside}, which is not shipped, as git ignores it or "
                "does not track it: git add that file, or let git ignore the link too"
            )
        elif path.is_file():  # tracked and deleted, or a submodule's folder: nothing to ship
            pairs.append((file.as_posix(), path))
        elif linked and inside is not None and path.is_dir():
            behind = [other for other in shipped if inside in other.parents and (root / other).is_file()]
            pairs += [((file / other.relative_to(inside)).as_posix(), root / other) for other in behind]
    unread = [pair for pair in pairs if not is_allowed(Path(pair[0]), ship_secrets)]
    encrypted = _encrypted(root, [name for name, _ in unread])
    for name, path in unread:
        what = "what git encrypts" if name in encrypted else key_in(path)
        if what and Path(name) in used:
            raise PlanError(
                f"{name} is needed and holds {what}, so that it is not shipped: give the key by --aws-env, or ship the "
                f"file all the same with --aws-ship-secret={name}"
            )
        if what:
            secret[Path(name)] = what
    return [pair for pair in pairs if Path(pair[0]) not in secret], dict(sorted(secret.items()))


def _encrypted(root: Path, names: list[str]) -> set[str]:
    """Files that git has encrypted in the repository (git-crypt, transcrypt and their kin) and that are plain here."""
    attributes = [name for name in names if PurePosixPath(name).name == ".gitattributes"]
    if not any(b"filter" in (root / name).read_bytes() for name in attributes):
        return set()
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "check-attr", "-z", "--stdin", "filter"],
            input=b"\0".join(map(os.fsencode, names)), capture_output=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return set()
    parts = [os.fsdecode(part) for part in done.stdout.split(b"\0")]
    return {name for name, value in zip(parts[::3], parts[2::3], strict=False) if "crypt" in value}


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
        paths += [(folder / name).relative_to(root) for name in folders if (folder / name).is_symlink()]
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
