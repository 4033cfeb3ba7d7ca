"""What the plan says of time and money where the storage holds results of its tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.acceptance.awsproject import make_project, pytest_aws
from tests.result_files import benchmark, result, write

TEST = """\
import pytest

@pytest.mark.instance_type("m5.large", "m7i.large")
def test_it(benchmark): raise SystemError("ran")
"""


def store(root: Path, name: str, seconds: float, day: str, **extra: Any) -> None:
    """A launch of three rounds on an instance type."""
    bench = benchmark([seconds] * 3, **extra) | {"fullname": "test_it.py::test_it"}
    folder = f"embedded-{name}" if extra else name
    data = result(bench, instance_type=name, launch=f"i-{name}", when=f"{day}T10:00:00+00:00")
    write(root / ".benchmarks" / folder / "0001_x.json", data)


def test_the_plan_tells_time_money_and_a_time_limit_that_is_passed(tmp_path: Path) -> None:
    """Measured on one type, predicted on the other, each with its source; real results tell nothing of embedded AWS.

    Without results the plan has no such column.
    """
    root = make_project(tmp_path, {"test_it.py": TEST})
    for name in ("m5.large", "c5.large", "c6i.xlarge", "m7g.2xlarge"):
        store(root, name, 7000.0, "2026-11-19")
    before = pytest_aws(root, "--aws", "--aws-dry-run")
    assert before.code == 0, before.text
    assert "USD expected" not in before.out
    for name, seconds in (("m5.large", 30.0), ("c5.large", 27.0), ("c6i.xlarge", 24.0), ("m7g.2xlarge", 25.0)):
        store(root, name, seconds, "2026-11-20", embedded=True)
    done = pytest_aws(root, "--aws", "--aws-dry-run", "--aws-time-limit=80s")
    assert done.code == 0, done.text
    rows = {line.split()[0]: line for line in done.out.splitlines() if line.startswith(("  m5.large ", "  m7i.large "))}
    # Three rounds of 30 s, and the two minutes of a launch, at 0.096 USD an hour.
    assert "  3 min 30 s  3 min 30 s " in rows["m5.large"]
    assert rows["m5.large"].endswith("  0.0056  measured on 2026-11-20")
    assert rows["m7i.large"].endswith("  predicted from 4 results")
    assert "! m5.large: test_it.py::test_it was measured to take 1 min 30 s, --aws-time-limit is 1 min 20 s" in done.out
    assert "! m7i.large: test_it.py::test_it is predicted to take 1 min " in done.out
    assert done.out.index("--aws-time-limit is") < done.out.index("nothing launched")
    assert "predicted: by the machine model" in done.out
    assert "embedded AWS: stored times are those of the machine that it ran on" in done.out
