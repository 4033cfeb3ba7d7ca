"""The memory look of a session, on this machine and on an instance."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

TEST = """\
import pytest

@pytest.mark.requires(memory="900 TiB")
def test_large(benchmark):
    benchmark(int)
"""


@pytest.mark.parametrize(("guest", "outcome"), [(False, "1 skipped"), (True, "1 passed")])
def test_l6_an_instance_never_skips_what_it_was_launched_for(tmp_path: Path, *, guest: bool, outcome: str) -> None:
    """It was planned with the type's memory, of which a kernel shows less; it is paid for by then."""
    (tmp_path / "test_it.py").write_text(TEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    environment = {**os.environ, **({"PYTEST_BENCHMARK_AWS_GUEST": "1"} if guest else {})}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert outcome in done.stdout, done.stdout + done.stderr
