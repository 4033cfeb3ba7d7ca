"""What comes before the tests: archives fetched and unpacked, the interpreter and the wheels installed."""

from __future__ import annotations

import errno
import hashlib
import http.client
import shutil
import sys
import tarfile
import time
import urllib.error
import urllib.request
import zipfile
from typing import TYPE_CHECKING

from .s3 import AgentError, refusal

if TYPE_CHECKING:
    from pathlib import Path

    from .launch import Launch


def fetch(launch: Launch, name: str) -> Path:
    """Downloads the archive that the job calls ``name``, in at most six attempts; returns its path.

    Raises:
        AgentError: S3 refuses it, the disk is full, or its size and SHA-256 never were the job's.
    """
    archive, path = launch.job[name], launch.root / f"{name}.tar"
    for attempt in range(6):
        if attempt:
            time.sleep(2 ** (attempt - 1))
        digest, size = hashlib.sha256(), 0
        try:
            with (
                urllib.request.urlopen(launch.signer.request("GET", archive["url"], None, {}), timeout=60) as answer,
                path.open("wb") as file,
            ):
                while True:
                    block = answer.read(1 << 20)
                    if not block:
                        break
                    size += len(block)
                    if size > archive["size"]:
                        break
                    digest.update(block)
                    file.write(block)
            if size == archive["size"] and digest.hexdigest() == archive["sha256"]:
                return path
            launch.say(f"{name}: {size:,} bytes, {archive['size']:,} expected, or another SHA-256; again")
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, urllib.error.HTTPError) and error.code == 403:
                raise AgentError(f"{name}: {refusal(error)}") from error
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
                raise AgentError(f"{name}: {error}") from error
            launch.say(f"{name}: {error}; again")
    raise AgentError(f"{name} could not be fetched whole in 6 attempts")


def unpack(launch: Launch, name: str, into: Path) -> None:
    """Fetches an archive and unpacks it into a folder.

    Raises:
        AgentError: it cannot be fetched, or has a member that is no file or folder inside ``into``.
    """
    into.mkdir(parents=True, exist_ok=True)
    base = into.resolve()
    with tarfile.open(fetch(launch, name)) as archive:
        for member in archive.getmembers():
            place = (base / member.name).resolve()
            if base not in place.parents or not (member.isfile() or member.isdir()):
                raise AgentError(f"{name}: {member.name!r} is no file inside the bundle")
        if hasattr(tarfile, "data_filter"):  # not on every Python 3.9; without it, Python 3.12 and 3.13 warn
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(base)


def install(launch: Launch) -> Path:
    """Installs the job's packages by dnf, and the shipped wheels in a virtual environment; returns its Python.

    Raises:
        AgentError: a step failed, or took too long.
    """
    wanted, packages = f"python{launch.job['python']}", list(launch.job["packages"])
    if packages:
        for attempt in range(4):
            time.sleep(5 * attempt)
            if launch.run("dnf", "install", "-y", "-q", *packages) == 0:
                break
            launch.say(f"dnf failed, attempt {attempt + 1} of 4")
        else:
            raise AgentError(f"dnf could not install {' '.join(packages)}")
    interpreter: str | None = sys.executable  # in a container the image's own, whatever else is on its path
    if not launch.in_container or wanted != f"python3.{sys.version_info[1]}":
        interpreter = shutil.which(wanted)
    if interpreter is None:
        after = f" after dnf installed {' '.join(packages)}" if packages else ""
        raise AgentError(f"{wanted} is not there{after}; python3 is {sys.version.split()[0]}")
    wheels, venv = launch.root / "wheels", launch.root / "venv"
    unpack(launch, "wheels", wheels)
    if launch.run(interpreter, "-m", "venv", "--without-pip", str(venv)):
        raise AgentError("the virtual environment could not be made")
    python = venv / "bin" / "python"
    pip = launch.root / "pip"  # pip is not installed there: it runs from its own wheel, unpacked
    with zipfile.ZipFile(next(wheels.glob("pip-*.whl"))) as archive:
        archive.extractall(pip)
    lock = ["--no-index", "--no-deps", "--require-hashes", "--no-compile", "--disable-pip-version-check", "-q"]
    command = [interpreter, f"{pip}/pip", "--python", str(python), "install", *lock]
    if launch.run(*command, "--find-links", str(wheels), "-r", str(wheels / "requirements.lock")):
        raise AgentError("the wheels could not be installed")
    site = next((venv / "lib").glob("python*/site-packages"))
    paths = [launch.root / "project" / path for path in (*launch.job["sys_path"], ".pba")]
    (site / "pytest_benchmark_aws_project.pth").write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
    return python
