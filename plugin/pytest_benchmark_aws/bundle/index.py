"""What pip says and brings of an index: the wheels of the pins and of a requirements file, for a target."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_benchmark_aws.bundle.installed import BuiltWheel, build_wheel, canonical, record_hashes, wheel_hashes
from pytest_benchmark_aws.core.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib import metadata

    from pytest_benchmark_aws.bundle.wheels import Target

_NO_WHEEL = re.compile(r"No matching distribution found for ([A-Za-z0-9._-]+)")
_NO_ROOM = re.compile(r"\[Errno \d+\] (No space left on device|Read-only file system|Disk quota exceeded)[^\n]*")
_NO_NETWORK = re.compile(r"Retrying \(|NewConnectionError|ConnectTimeout|ProxyError|SSLError|Name or service not known")


@dataclass(frozen=True, slots=True)
class Download:
    """What is asked for."""

    target: Target
    lines: tuple[str, ...]
    """All requirements, those of the file among them."""
    pins: tuple[str, ...]
    """Those without which nothing is right, complete in themselves."""
    file: Path | None = None
    """A requirements file, whose own needs pip chooses; the pins constrain them."""
    built: tuple[BuiltWheel, ...] = ()
    """Wheels that are shipped in place of an index's."""
    installed: Mapping[str, metadata.Distribution] = field(default_factory=dict)
    """The pinned distributions as they are here, by canonical name."""
    fingerprint: str = ""
    """Of their files."""


def download_with_pip(download: Download, into: Path) -> list[str]:
    """Fills a folder with all wheels of a download; returns sentences on those that are no index's.

    Raises:
        PlanError: there is no wheel for the target, in pip's words.
    """
    built, notes = {_name(wheel.file_name): wheel for wheel in download.built}, list[str]()
    if download.file is not None:
        _from_file(download, into, ["download", "--dest", str(into)])
    there = {_name(path.name) for path in into.iterdir()}

    def fetch(pins: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return _pip(["download", "--dest", str(into), "--no-deps"], download.target, pins)

    pins = [pin for pin in download.pins if canonical(pin.partition("==")[0]) not in there]
    _fall_back(download, pins, fetch, built, notes)
    for path in sorted(into.iterdir()):
        name = _name(path.name)
        dist = download.installed.get(name)
        if name in built:
            path.unlink()
        elif dist is not None and (file := _differs(path, dist)) is not None:
            built[name] = build_wheel(dist, download.target)
            notes.append(f"{name} {dist.version} is not the index's here ({file}): shipped as it is installed")
            path.unlink()
    for wheel in built.values():
        (into / wheel.file_name).write_bytes(wheel.data)
    return notes


def check_with_pip(download: Download) -> tuple[list[str], bool]:
    """What ``download_with_pip`` would say, by metadata alone, and whether the index could be asked at all.

    Raises:
        PlanError: there is no wheel for the target, in pip's words.
    """
    notes: list[str] = []
    with tempfile.TemporaryDirectory(prefix="pytest-benchmark-aws-") as folder:
        quick = ["--retries", "1", "--timeout", "15"]
        words = ["install", "--dry-run", "--ignore-installed", "--target", folder, *quick]

        def ask(pins: Sequence[str]) -> subprocess.CompletedProcess[str]:
            return _pip([*words, "--no-deps"], download.target, pins)

        try:
            if download.file is not None:
                _from_file(download, Path(folder), words)
            _fall_back(download, list(download.pins), ask, {}, notes)
        except NoNetworkError as error:
            return [f"no index could be asked whether it has wheels of all that is shipped: {error}"], False
    return notes, True


class NoNetworkError(PlanError):
    """pip could not reach an index."""


def _from_file(download: Download, folder: Path, words: Sequence[str]) -> None:
    """Has pip read the requirements file and choose what it needs, in the versions that are pinned here."""
    assert download.file is not None
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="pins-") as beside:
        constraints = Path(beside) / "pins.txt"
        constraints.write_text("".join(f"{pin}\n" for pin in download.pins), encoding="utf-8")
        for wheel in download.built:
            (Path(beside) / wheel.file_name).write_bytes(wheel.data)
        more = ["--find-links", beside, "--constraint", str(constraints), "--requirement", str(download.file)]
        done = _pip([*words, *more], download.target, (), quiet=False)  # it says aloud what conflicts with what
    if done.returncode:
        if "ResolutionImpossible" not in done.stderr:
            raise _refusal(download.target, done.stderr)
        lines = [line for line in done.stderr.splitlines() if "ERROR: Cannot install" in line]
        lines += [line for line in done.stdout.splitlines() if " depends on " in line or "The user requested" in line]
        words_of_pip = "\n  ".join(line.strip() for line in lines)
        raise PlanError(
            f"{download.file} cannot be installed beside what the project needs; pip says:\n  {words_of_pip}\n"
            "Change it, or install it alone with --aws-only-requirements FILE"
        )


def _fall_back(
    download: Download,
    pins: list[str],
    ask: Callable[[Sequence[str]], subprocess.CompletedProcess[str]],
    built: dict[str, BuiltWheel],
    notes: list[str],
) -> None:
    """Asks for the pins; what no index has a wheel of is taken from its installed files, where the target runs them."""
    while pins:
        done = ask(pins)
        if not done.returncode:
            return
        refusal = _refusal(download.target, done.stderr)
        lacking = _NO_WHEEL.search(done.stderr)
        dist = download.installed.get(canonical(lacking[1])) if lacking is not None else None
        if dist is None or _NO_NETWORK.search(done.stderr):
            raise refusal
        name = canonical(dist.metadata["Name"])
        try:
            built[name] = build_wheel(dist, download.target)
        except PlanError:
            raise refusal from None
        notes.append(f"no index has a wheel of {name} {dist.version} for the instances: shipped as it is installed")
        pins = [pin for pin in pins if canonical(pin.partition("==")[0]) != name]


def _pip(
    words: Sequence[str], target: Target, requirements: Sequence[str], *, quiet: bool = True
) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable, "-m", "pip", words[0], "--disable-pip-version-check", "--only-binary=:all:",
        *(["--quiet"] if quiet else []), *words[1:], *target.pip_options(), *requirements,
    ]  # fmt: skip
    environment = {**os.environ, "PIP_USER": "0"}  # a configuration with user = true refuses --target
    return subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env=environment
    )


def _refusal(target: Target, stderr: str) -> PlanError:
    if (full := _NO_ROOM.search(stderr)) is not None:
        return PlanError(
            f"the wheels cannot be kept: {full[0].partition('] ')[2]}: make room, or set "
            "PYTEST_BENCHMARK_AWS_CACHE and TMPDIR to folders with room"
        )
    where = "this machine" if target.local else f"Amazon Linux 2023 on {target.arch}"
    words = "\n  ".join(line for line in stderr.splitlines() if "ERROR" in line) or stderr.strip()
    kind = NoNetworkError if _NO_NETWORK.search(stderr) else PlanError
    return kind(
        f"no wheels for {where} with Python {target.python}; pip says:\n  {words}\n"
        "Install a version that has one, or say what to install with --aws-requirements FILE"
    )


def _name(file_name: str) -> str:
    return canonical(file_name.partition("-")[0])


def _differs(wheel: Path, dist: metadata.Distribution) -> str | None:
    """A file that the index's wheel has otherwise than this installation, where both are of the same build."""
    if (dist.read_text("INSTALLER") or "").strip() == "conda":
        return None  # built by conda, so that no file need agree
    tags = [line.partition(":")[2].strip() for line in (dist.read_text("WHEEL") or "").splitlines() if "Tag:" in line]
    *_, pythons, abis, platforms = wheel.name.removesuffix(".whl").split("-")
    theirs = {f"{py}-{abi}-{platform}" for py in pythons.split(".") for abi in abis.split(".")
              for platform in platforms.split(".")}  # fmt: skip
    if not theirs & set(tags):
        return None
    there, here = wheel_hashes(wheel), record_hashes(dist)
    if not there or not here:
        return None
    return next((path for path in sorted(there) if there[path] != here.get(path)), None)
