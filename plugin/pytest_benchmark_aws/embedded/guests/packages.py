"""What ``dnf install`` does on a simulated instance: the packages that it knows, and the host's interpreters."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from pytest_benchmark_aws.embedded.guests.machine import host_python, write_command

_PACKAGES = frozenset(
    {"curl", "curl-minimal", "gcc", "gcc-c++", "git", "gzip", "libgomp", "numactl", "procps-ng", "python3"}
    | {"python3-devel", "python3-pip", "tar", "unzip", "util-linux", "wget", "which", "xz", "zstd"}
)
"""Packages of Amazon Linux 2023 that install here without effect: the host has what they bring, or does not."""
_PYTHON_PACKAGE = re.compile(r"python(3\.\d+)(-pip|-devel|-libs|-setuptools)?")


def install(directory: Path, packages: list[str]) -> dict[str, Any]:
    """Installs all of the packages in a guest's folder or, where at least one does not exist, none.

    Returns dnf's exit ``status`` and ``output``.
    """
    unknown = []
    interpreters = {}
    for package in packages:
        python = _PYTHON_PACKAGE.fullmatch(package)
        interpreter = _interpreter(python[1]) if python is not None else None
        if interpreter is not None:
            interpreters[package.partition("-")[0]] = interpreter
        elif package not in _PACKAGES:
            unknown.append(package)
    if unknown:
        lines = [f"No match for argument: {package}" for package in unknown]
        return {"status": 1, "output": "\n".join([*lines, f"Error: Unable to find a match: {' '.join(unknown)}", ""])}
    for name, path in interpreters.items():
        write_command(directory / "bin" / name, [path])
    return {"status": 0, "output": f"Installed (embedded): {' '.join(packages)}\nComplete!\n"}


def _interpreter(version: str) -> str | None:
    """The path of this host's interpreter ``3.N``; None where it has none that runs."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return host_python()
    python = shutil.which(f"python{version}", path=os.environ.get("PATH"))
    if python is None:
        return None
    # It may be a version manager's script, which works only in the host's environment, or not at all.
    code = "import sys; print('%d.%d' % sys.version_info[:2], getattr(sys, '_base_executable', sys.executable))"
    try:
        answer = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    actual, _, path = answer.stdout.strip().partition(" ")
    return path if actual == version and Path(path).exists() else None
