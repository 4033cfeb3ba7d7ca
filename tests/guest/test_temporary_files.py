"""Where the tests' temporary files are, on an instance."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


def test_l16_temporary_files_are_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Amazon Linux's /tmp is in memory, half of it: what the tests write would be taken from what they measure with."""
    from pytest_benchmark_aws.guest import run_tests

    monkeypatch.delenv("TMPDIR", raising=False)
    program = f"import tempfile; open({str(tmp_path / 'said')!r}, 'w').write(tempfile.gettempdir())"
    monkeypatch.setattr(run_tests, "_PROGRAM", program)
    (tmp_path / "project").mkdir()
    launch: Any = SimpleNamespace(
        root=tmp_path,
        job={"args": [], "node_ids": [], "environment": {}, "cwd": "."},
        checkpoint=tmp_path / "checkpoint",
        log_path=tmp_path / "log",
        left=lambda: 60.0,
        say=lambda _: None,
    )
    assert run_tests.PytestRun(launch).run(Path(sys.executable)) == "passed"
    assert (tmp_path / "said").read_text() == str(tmp_path / "tmp") != tempfile.gettempdir()
