"""Distributions as they are installed here: whose a file is, where one came from, and one's files as a wheel."""

from __future__ import annotations

import base64
import csv
import hashlib
import inspect
import io
import json
import os
import re
import sys
import sysconfig
import zipfile
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from pytest_benchmark_aws.bundle.compiled import cannot_run, is_compiled
from pytest_benchmark_aws.bundle.secrets import is_secret, key_in
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.values.units import format_memory

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_benchmark_aws.bundle.wheels import Target

SELF = "pytest-benchmark-aws"
_LEFT_OUT = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "WHEEL"})
LIMIT_BYTES = 512 * 2**20
"""Of the installed files of one distribution, packed in memory."""
_SLACK_S = 60.0
"""An installer writes RECORD last, at most so many seconds before what it still touches."""


def canonical(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def direct_url(dist: metadata.Distribution) -> dict[str, Any] | None:
    """Where a distribution was installed from, as PEP 610 records it; None where that is an index."""
    text = dist.read_text("direct_url.json")
    try:
        origin = None if text is None else json.loads(text)
    except ValueError:
        return None
    return origin if isinstance(origin, dict) else None


def in_tree(dist: metadata.Distribution) -> bool:
    """Whether a distribution's metadata lies beside its sources, as setuptools leaves it, and none is installed."""
    base = Path(str(dist.locate_file("")))
    if base.name in {"site-packages", "dist-packages"} or dist.read_text("METADATA"):
        return False
    return dist.read_text("PKG-INFO") is not None


def origin_folder(dist: metadata.Distribution) -> Path | None:
    """The folder that a distribution was installed from; None where that is no folder of this machine."""
    if in_tree(dist):
        return Path(os.path.abspath(str(dist.locate_file(""))))
    origin = direct_url(dist)
    if origin is None or not isinstance(origin.get("dir_info"), dict):
        return None
    parts = urlsplit(str(origin.get("url", "")))
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def is_editable(dist: metadata.Distribution) -> bool:
    """Whether a distribution's modules are imported from the folder that it was installed from."""
    origin = direct_url(dist) or {}
    return in_tree(dist) or (isinstance(origin.get("dir_info"), dict) and bool(origin["dir_info"].get("editable")))


def from_index(dist: metadata.Distribution) -> bool:
    """Whether an index is asked for a distribution by its version: it came from one, or conda built it (PEP 610)."""
    if in_tree(dist):
        return False
    return direct_url(dist) is None or (dist.read_text("INSTALLER") or "").strip() == "conda"


def files_of(dist: metadata.Distribution) -> list[metadata.PackagePath]:
    """The files that a distribution's RECORD lists; none where there is no list, or one that cannot be read."""
    try:
        return list(dist.files or ())
    except (TypeError, ValueError, OSError):
        return []


def _top_levels(dist: metadata.Distribution) -> set[str]:
    """What it says it holds, which setuptools alone writes and Python 3.10 alone reads, else what its files are."""
    declared = set((dist.read_text("top_level.txt") or "").split())
    tops = {(*file.parts[:-1], name)[0] for file in files_of(dist) if (name := inspect.getmodulename(file.name))}
    return declared or set(filter(str.isidentifier, tops))


class Environment:
    """The distributions of this session's Python; each file belongs to the first that claims it."""

    def __init__(self) -> None:
        self.distributions: dict[str, metadata.Distribution] = {}
        for dist in metadata.distributions():
            name = canonical(dist.metadata["Name"] or "")
            shadowed = name in self.distributions and in_tree(self.distributions[name]) and not in_tree(dist)
            if name and (shadowed or name not in self.distributions):
                self.distributions[name] = dist

    @cached_property
    def _of_file(self) -> Mapping[str, str]:
        owners: dict[str, str] = {}
        for name, dist in self.distributions.items():
            base = os.path.abspath(str(dist.locate_file("")))
            for file in () if in_tree(dist) else files_of(dist):
                if file.suffix in {".py", ".pyc", ".so", ".pyd"}:
                    owners.setdefault(os.path.normpath(os.path.join(base, str(file))), name)
        return owners

    @cached_property
    def of_top_level(self) -> Mapping[str, list[str]]:
        """Top-level module -> the distributions that hold one of that name."""
        names = defaultdict[str, list[str]](list)
        for dist in metadata.distributions():
            for top in _top_levels(dist):
                names[top].append(dist.metadata["Name"] or "")
        return names

    @cached_property
    def _editable(self) -> list[tuple[Path, str]]:
        folders = [
            (folder.resolve(), name)
            for name, dist in self.distributions.items()
            if is_editable(dist) and (folder := origin_folder(dist)) is not None
        ]
        return sorted(folders, key=lambda pair: len(pair[0].parts), reverse=True)

    def owner(self, file: str, module: str) -> str | None:
        """The distribution that a module's file belongs to, by its canonical name; None where that is none."""
        owner = self._of_file.get(os.path.abspath(file))
        if owner is not None:
            return owner
        for name in self.of_top_level.get(module.partition(".")[0], ()):  # what its installation made, or no RECORD
            dist = self.distributions.get(canonical(name))
            if dist is None or is_editable(dist):
                continue
            if os.path.abspath(file).startswith(os.path.abspath(str(dist.locate_file(""))) + os.sep):
                return canonical(name)
        real = Path(file).resolve()
        return next((name for folder, name in self._editable if folder in real.parents), None)

    def is_outside(self, name: str, file: Path) -> bool:
        """Whether a file is an editable distribution's by its folder alone, not as one of the installed files."""
        dist = self.distributions[name]
        return is_editable(dist) and os.path.abspath(file) not in self._of_file


@dataclass(frozen=True, slots=True)
class BuiltWheel:
    """A wheel of a distribution's files as they are here."""

    file_name: str
    data: bytes


def changed_files(dist: metadata.Distribution) -> list[str]:
    """Files that are not as their RECORD says: of another size, or written after it with another hash."""
    record = next((file for file in files_of(dist) if file.name == "RECORD" and _in_info(file)), None)
    if record is None:
        return []
    try:
        recorded_s = os.stat(str(record.locate())).st_mtime
    except OSError:
        return []
    changed = []
    for file in _module_files(dist):
        path = Path(str(file.locate()))
        try:
            status = path.stat()
            differs = file.size is not None and status.st_size != file.size
            if not differs and file.hash is not None and status.st_mtime > recorded_s + _SLACK_S:
                differs = file.hash.mode == "sha256" and _digest(path.read_bytes()) != file.hash.value
        except OSError:
            differs = True
        if differs:
            changed.append(str(file))
    return changed


def record_hashes(dist: metadata.Distribution) -> dict[str, str]:
    """SHA-256 of each module and data file of a distribution, as its RECORD has them."""
    return {str(file): file.hash.value for file in _module_files(dist) if file.hash and file.hash.mode == "sha256"}


def wheel_hashes(data: bytes | Path) -> dict[str, str]:
    """The same of a wheel that was downloaded."""
    with zipfile.ZipFile(io.BytesIO(data) if isinstance(data, bytes) else data) as archive:
        name = next((name for name in archive.namelist() if name.endswith(".dist-info/RECORD")), None)
        text = "" if name is None else archive.read(name).decode("utf-8", "replace")
    hashes = {}
    for path, digest, *_ in (row for row in csv.reader(text.splitlines()) if len(row) > 1):
        if digest.startswith("sha256=") and not _skipped(PurePosixPath(path)) and ".data/" not in path:
            hashes[path] = digest.removeprefix("sha256=")
    return hashes


def build_wheel(dist: metadata.Distribution, target: Target, modules: Mapping[str, Path] | None = None) -> BuiltWheel:
    """A wheel of a distribution's installed files; ``modules`` (name in the wheel -> file) are an editable one's.

    Raises:
        PlanError: the target cannot run a compiled file of it, or a file is gone.
    """
    name, version = re.sub(r"[-_.]+", "_", dist.metadata["Name"]).lower(), dist.version
    info = f"{name}-{version}.dist-info"
    files = {path: Path(str(file.locate())) for file in files_of(dist) if (path := _place(file, info, name, version))}
    files = {path: file for path, file in files.items() if modules is None or path.startswith(info)}
    files.update(modules or {})
    # Debian's and conda's tools leave no list of files: then there is nothing to ship it from.
    if f"{info}/METADATA" not in files:
        raise PlanError(f"{dist.metadata['Name']} {version} has no list of its files here: install it by pip")
    where, total = f"Amazon Linux 2023 on {target.arch}", 0
    for file in files.values():
        total += file.stat().st_size if file.is_file() else 0
        if total > LIMIT_BYTES:
            raise PlanError(
                f"{dist.metadata['Name']} {version} was {_came(dist)}, and its files are more than "
                f"{format_memory(LIMIT_BYTES)}: name its wheel, or an index that has it, in --aws-requirements FILE"
            )
        if not file.is_file():
            raise PlanError(f"{dist.metadata['Name']} {version}: {file} is gone: install it again")
        if (reason := cannot_run(file, target)) is not None:
            raise PlanError(
                f"{dist.metadata['Name']} {version} was {_came(dist)}, so its files are shipped as they are here, and "
                f"{file.name} {reason}; the instances are {where}: name a wheel for them in --aws-requirements FILE"
            )
    pure = not any(map(is_compiled, files))
    tag = "py3-none-any" if pure else _tag(target)
    entries = {path: file.read_bytes() for path, file in sorted(files.items())}
    entries[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nRoot-Is-Purelib: {str(pure).lower()}\nTag: {tag}\n".encode()
    record = [f"{_quoted(path)},sha256={_digest(data)},{len(data)}\n" for path, data in entries.items()]
    entries[f"{info}/RECORD"] = "".join([*record, f"{info}/RECORD,,\n"]).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in entries.items():
            entry = zipfile.ZipInfo(path)  # of 1980: the same files are the same bytes
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o755 << 16
            archive.writestr(entry, data)
    return BuiltWheel(f"{name}-{version}-{tag}.whl", buffer.getvalue())


def _came(dist: metadata.Distribution) -> str:
    origin = direct_url(dist)
    return "changed after its installation" if origin is None else f"installed from {origin.get('url')}"


def _tag(target: Target) -> str:
    if target.local:
        from packaging.tags import sys_tags

        return str(next(sys_tags()))
    python = "cp" + target.python.replace(".", "")
    machine = {"arm64": "aarch64"}.get(target.arch, target.arch)
    return f"{python}-{python}-linux_{machine}"


def _module_files(dist: metadata.Distribution) -> Iterator[metadata.PackagePath]:
    return (file for file in files_of(dist) if not _skipped(file))


def _skipped(file: PurePosixPath) -> bool:
    """Whether a file is none of the code: metadata, byte code, or what lies beside the modules, as scripts do."""
    return ".." in file.parts or file.suffix == ".pyc" or any(part.endswith(".dist-info") for part in file.parts[:1])


def _in_info(file: PurePosixPath) -> bool:
    return len(file.parts) == 2 and file.parts[0].endswith((".dist-info", ".egg-info"))


def _place(file: metadata.PackagePath, info: str, name: str, version: str) -> str | None:
    """Where an installed file lies in a wheel; None where an installation makes it anew."""
    if file.suffix == ".pyc" or file.name.startswith("__editable__"):
        return None
    if file.parts[0].endswith(".dist-info"):
        return None if file.name in _LEFT_OUT else f"{info}/{'/'.join(file.parts[1:])}"
    if ".." not in file.parts:
        return str(file)
    path = Path(os.path.normpath(str(file.locate())))
    if path.parent == Path(sysconfig.get_path("scripts")):
        return None  # a console script, which its entry point makes again
    try:
        return f"{name}-{version}.data/data/{path.relative_to(sys.prefix).as_posix()}"
    except ValueError:
        return None


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _quoted(path: str) -> str:
    return f'"{path}"' if "," in path else path


def module_files(top_level: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    """Name in a wheel -> file, of (top-level module, its ``__init__.py`` or file), without files that hold keys."""
    files: dict[str, Path] = {}
    for module, start in top_level:
        if start.name != "__init__.py":
            files[start.name] = start
            continue
        for path in sorted(start.parent.rglob("*")):
            name = path.relative_to(start.parent)
            if path.is_file() and "__pycache__" not in name.parts and not (is_secret(name) or key_in(path)):
                files[f"{module.replace('.', '/')}/{name.as_posix()}"] = path
    return files
