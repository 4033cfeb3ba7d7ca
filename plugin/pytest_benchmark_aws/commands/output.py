"""Where a command's product goes: a file, whole or not at all; a device or a pipe as it is; or standard output."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from pathlib import Path

from pytest_benchmark_aws.core.errors import PlanError

STDOUT = "-"


def write(name: str | Path, content: bytes) -> None:
    """Writes to a path, through links; ``-`` is standard output.

    A regular file is written beside its place and renamed, so that it is there whole or as it was. What is no regular
    file, such as ``/dev/null`` or a shell's ``>(command)``, is written to and never replaced.

    Raises:
        PlanError: it cannot be written.
    """
    if str(name) == STDOUT:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        return
    path = Path(os.path.realpath(name))
    try:
        if Path(name).exists() and not stat.S_ISREG(Path(name).stat().st_mode):
            with Path(name).open("wb") as file:
                file.write(content)
        else:
            _replace(path, content)
    except OSError as error:
        raise PlanError(f"{name} cannot be written: {error.strerror or error}") from None


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    """The process's: mkstemp makes files for their owner alone, and results are to be shown."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
