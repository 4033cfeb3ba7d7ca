"""The memory model against a real training's peak."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.workload import parse_scale, training_bytes


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peak memory is read from Linux's /proc")
def test_predicted_memory_is_what_a_training_takes(root: Path, tmp_path: Path) -> None:
    """The whole command at 60,000 rows peaks within 15 percent of the prediction."""
    out = tmp_path / "out.json"
    test = "benchmarks/test_train.py::test_train[60000-regularized-vcpus]"
    command = [sys.executable, "-m", "pytest", "--scale=60000", "--benchmark-only", f"--benchmark-json={out}", test]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    extra = json.loads(out.read_text())["benchmarks"][0]["extra_info"]
    assert extra["peak_rss_bytes"] == pytest.approx(training_bytes(parse_scale("60000"), extra["threads"]), rel=0.15)
