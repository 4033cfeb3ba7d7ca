"""What a target can run of what was compiled here."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from pytest_benchmark_aws.bundle.compiled import cannot_run
from pytest_benchmark_aws.bundle.wheels import Target
from tests.bundle.test_wheels import LOCAL

if TYPE_CHECKING:
    from pathlib import Path

X86, ARM = (Target("3.11", arch, local=False) for arch in ("x86_64", "arm64"))


def elf(machine: int, *versions: str) -> bytes:
    """The beginning of a shared object, and names of versions that it needs."""
    head = b"\x7fELF\x02\x01" + bytes(12) + machine.to_bytes(2, "little")
    return head + b"".join(f"{version}\0".encode() for version in versions)


@pytest.mark.parametrize(
    ("name", "data", "target", "reason"),
    [
        ("_fast.cpython-311-x86_64-linux-gnu.so", elf(62, "GLIBC_2.17"), X86, None),
        ("_fast.so", elf(62, "GLIBC_2.34"), X86, None),
        ("_fast.so", elf(62, "GLIBC_2.2.5"), ARM, "is compiled for x86_64"),
        ("_fast.so", elf(183), ARM, None),
        ("x.so", elf(62, "GLIBC_2.4", "GLIBC_2.38"), X86, "is compiled against glibc 2.38, Amazon Linux 2023 has 2.34"),
        ("_fast.cpython-312-x86_64-linux-gnu.so", elf(62), X86, "is compiled for Python 3.12, the instances have 3.11"),
        ("_fast.abi3.so", elf(62), X86, None),
        ("_fast.cpython-311-darwin.so", b"\xcf\xfa\xed\xfe", X86, "is compiled for another system than Linux"),
        ("_fast.pyd", b"MZ", X86, "is compiled for another system than Linux"),
        ("libfast.so.1", elf(62), ARM, "is compiled for x86_64"),
        ("_fast.so", b"", X86, "is compiled for another system than Linux"),
        ("fast.py", b"\x7fELF", ARM, None),
        ("_fast.so", b"anything", LOCAL, None),
    ],
)  # fmt: skip
def test_d1_a_compiled_file_is_for_its_machine(
    tmp_path: Path, name: str, data: bytes, target: Target, reason: str | None
) -> None:
    """By its header, its name and the C library's versions that it names; on this machine all run."""
    (tmp_path / name).write_bytes(data)
    assert cannot_run(tmp_path / name, target) == reason


@pytest.mark.skipif(sys.platform != "linux", reason="it reads this Python's own libraries")
def test_a_real_library_is_read() -> None:
    """An installed package's extension module is of this machine's architecture."""
    import platform
    from pathlib import Path as Place

    import numpy

    here = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    library = next(Place(numpy.__file__).parent.rglob("_multiarray_umath*.so"))
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert cannot_run(library, Target(python, here, local=False)) is None
    other = ({"x86_64", "arm64"} - {here}).pop()
    assert cannot_run(library, Target(python, other, local=False)) == f"is compiled for {here}"
