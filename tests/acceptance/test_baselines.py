"""The published baselines, by the stock tool."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def test_the_stock_tool_shows_the_published_times(root: Path, tmp_path: Path) -> None:
    """``pytest-benchmark compare`` reads the baselines and shows 574 and 763 seconds."""
    command = [
        "-m",
        "pytest_benchmark",
        "--storage=file://benchmarks/baselines",
        "compare",
        "*/0001*",
        "--columns=median",
    ]
    done = subprocess.run([sys.executable, *command], cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "574.0000 (1.0)" in done.stdout
    assert "763.0000 (1.33)" in done.stdout
    assert "m5.8xlarge" in done.stdout
