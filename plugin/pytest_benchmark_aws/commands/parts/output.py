"""Where a command's product goes: a file, whole or not at all; a device or a pipe as it is; or standard output."""

from __future__ import annotations

import sys
from pathlib import Path

from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.results import files

STDOUT = "-"


def write(name: str | Path, content: bytes) -> None:
    """Writes to a path, through links; ``-`` is standard output.

    A regular file is there whole or as it was. What is no regular file, such as ``/dev/null`` or a shell's
    ``>(command)``, is written to and never replaced.

    Raises:
        PlanError: it cannot be written.
    """
    if str(name) == STDOUT:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        return
    path = Path(name)
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                file.write(content)
        else:
            files.replace(path, content)
    except OSError as error:
        raise PlanError(f"{name} cannot be written: {error.strerror or error}") from None
