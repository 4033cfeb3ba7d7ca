"""What a session reads and imports for what its plan expects."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.core.catalog import InstanceType
from pytest_benchmark_aws.core.model import Case, Plan, Price, Requirements, Target
from pytest_benchmark_aws.core.plan import make_plan
from pytest_benchmark_aws.session.plan import NEWEST_FILES, expected_of
from tests.result_files import benchmark, result, write

NODE = "tests/test_one.py::test_it"
LAZY = """
import sys
from pathlib import Path
from tests.session.test_plan import planned
from pytest_benchmark_aws.session.plan import expected_of
assert expected_of(planned("m5.large"), Path(sys.argv[1]), embedded=False) == {}
print(*(name for name in sys.modules if name.startswith(("pytest_benchmark_aws.predict", "orjson"))))
"""


def planned(*names: str) -> Plan:
    def price_of(instance_type: InstanceType) -> Price | None:
        return None if instance_type.usd_per_hour is None else Price(instance_type.usd_per_hour, "snapshot")

    cases = [Case(f"{NODE}[{name}]", NODE, Target(name), Requirements()) for name in names]
    return make_plan(cases, catalog(), price_of, 3600)


def store(folder: Path, name: str, seconds: float, number: int = 1, commit: str = "a" * 40, **extra: object) -> None:
    when = f"2026-11-{number:02}T10:00:00+00:00"
    data = result(
        benchmark([seconds] * 3, **extra), instance_type=name, launch=f"i-{name}-{number}", when=when, commit=commit
    )
    write(folder / name / f"{number:04}_x.json", data)


@pytest.mark.parametrize("case", ["no folder", "results of another test"])
def test_without_results_nothing_of_the_model_is_imported(tmp_path: Path, case: str) -> None:
    """Where there is no folder, no JSON is read either."""
    folder = tmp_path / "absent"
    if case != "no folder":
        folder = tmp_path
        write(folder / "m5.large/0001_x.json", result(benchmark([1.0], name="test_other"), instance_type="m5.large"))
    done = subprocess.run(
        [sys.executable, "-c", LAZY, str(folder)],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "pytest_benchmark_aws.predict" not in done.stdout
    assert ("orjson" in done.stdout) == (case != "no folder")


def test_the_newest_commit_of_each_type_counts(tmp_path: Path) -> None:
    """Whatever commit is to be measured; of another launch of it, the mean."""
    store(tmp_path, "m5.large", 9.0, 1, "b" * 40)
    store(tmp_path, "m5.large", 2.0, 2), store(tmp_path, "m5.large", 2.0, 3)
    times = expected_of(planned("m5.large"), tmp_path, embedded=False)["m5.large"]
    assert round(times.test_seconds, 6) == 6.0
    assert (times.cases[0].when, times.cases[0].results) == ("2026-11-03", 2)


def test_real_results_are_of_real_runs_and_embedded_ones_of_embedded(tmp_path: Path) -> None:
    """Neither tells anything of the other."""
    store(tmp_path, "m5.large", 1.0), store(tmp_path, "c5.large", 5.0, embedded=True)
    real = expected_of(planned("m5.large", "c5.large"), tmp_path, embedded=False)
    assert [(name, times.predicted) for name, times in real.items()] == [("m5.large", False), ("c5.large", True)]
    embedded = expected_of(planned("m5.large", "c5.large"), tmp_path, embedded=True)
    assert [(name, times.predicted) for name, times in embedded.items()] == [("m5.large", True), ("c5.large", False)]
    assert embedded["c5.large"].test_seconds > 14


def test_faulty_files_and_unknown_machines_are_left_out(tmp_path: Path) -> None:
    """A plan is never refused for what the storage holds."""
    write(tmp_path / "m5.large" / "0001_torn.json", "x")
    (tmp_path / "m5.large" / "0002_torn.json").write_text("{")
    store(tmp_path, "x9.huge", 1.0)
    assert expected_of(planned("m5.large"), tmp_path, embedded=False) == {}


def test_old_files_are_not_read(tmp_path: Path) -> None:
    """However many there are: the last ones of a folder count."""
    store(tmp_path, "m5.large", 1.0, 1)
    for number in range(2, NEWEST_FILES + 2):
        write(tmp_path / "m5.large" / f"{number:04}_x.json", {"benchmarks": []})
    assert expected_of(planned("m5.large"), tmp_path, embedded=False) == {}
