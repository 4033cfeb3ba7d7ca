"""Whether an instance can run a compiled file that was built here: its architecture, its Python, its C library."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_benchmark_aws.bundle.wheels import Target

GLIBC = (2, 34)
"""Amazon Linux 2023's."""
# e_machine, the ELF header's bytes 18 and 19 (elf(5); the numbers are /usr/include/elf.h's).
_ARCHES = {3: "i386", 21: "ppc64", 22: "s390x", 40: "arm", 62: "x86_64", 183: "arm64", 243: "riscv64"}
_GLIBC_VERSION = re.compile(rb"GLIBC_2\.(\d{1,3})\0")
_PYTHON = re.compile(r"\.cpython-3(\d+)t?-")


def is_compiled(name: str) -> bool:
    """Whether a file's name is that of a compiled library: an extension module, or what one loads."""
    return name.endswith((".so", ".pyd", ".dylib", ".dll")) or ".so." in name


def cannot_run(path: Path, target: Target) -> str | None:
    """Why the target cannot load a compiled file; None where it can, and for all other files."""
    if target.local or not is_compiled(path.name):
        return None
    data = path.read_bytes()
    if data[:4] != b"\x7fELF":
        return "is compiled for another system than Linux"
    number = int.from_bytes(data[18:20], "big" if data[5] == 2 else "little")
    arch = _ARCHES.get(number, f"architecture {number}")
    if arch != target.arch:
        return f"is compiled for {arch}"
    python = _PYTHON.search(path.name)
    if python is not None and f"3.{python[1]}" != target.python:
        return f"is compiled for Python 3.{python[1]}, the instances have {target.python}"
    newest = max((int(match[1]) for match in _GLIBC_VERSION.finditer(data)), default=0)
    if newest > target.glibc[1]:
        system = "Amazon Linux 2023" if target.glibc == GLIBC else "the training jobs' container"
        return f"is compiled against glibc 2.{newest}, {system} has {target.glibc[0]}.{target.glibc[1]}"
    return None
