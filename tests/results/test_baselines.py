"""Saved baselines on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.compare.records import Reading
from pytest_benchmark_aws.results.baselines import load_baselines
from tests.result_files import benchmark, result, write

PUBLISHED = Path(__file__).parents[2] / "benchmarks" / "baselines"
HOW = Reading(snapshot.catalog(), "row_trees_per_second", "scale")


def test_the_published_results_are_read_as_published() -> None:
    """574 and 763 seconds, 38.5 and 29.0 million row trees a second, with two threads a core."""
    (m5, r5), problems = load_baselines(PUBLISHED, HOW)
    assert problems == []
    assert (m5.median, r5.median) == (574.0, 763.0)
    assert m5.throughput == pytest.approx(38.53e6, rel=1e-3)
    assert m5.throughput / 32 == pytest.approx(1.20e6, rel=5e-3)
    assert r5.throughput / 16 == pytest.approx(1.81e6, rel=5e-3)
    assert m5.machine.published
    assert m5.work == pytest.approx(13_788_428 * 4 * 401)
    assert [base.machine.threads_per_core for base in (m5, r5)] == [2, 2]


def test_of_a_machines_baselines_the_last_counts(tmp_path: Path) -> None:
    """A later file of the same machine replaces the earlier, a published figure too."""
    for number, (seconds, published) in enumerate(((10.0, True), (5.0, False)), 1):
        data = result(benchmark([seconds], published=published), instance_type="m5.large", launch=f"i-{number}")
        write(tmp_path / "m5.large" / f"{number:04}_x.json", data)
    (base,), _ = load_baselines(tmp_path, HOW)
    assert base.median == 5.0


def test_a_file_that_does_not_say_its_machine_is_named_by_its_folder(tmp_path: Path) -> None:
    """With that instance type's price; what is in the folder of another name has that name."""
    for folder in ("m5.large", "workstation"):
        write(tmp_path / folder / "0001_x.json", result(benchmark([1.0]), machine={"hardware": {"vcpus": 6}}))
    (m5, own), _ = load_baselines(tmp_path, HOW)
    assert (m5.machine.name, str(m5.machine.usd_per_hour)[:5], m5.machine.vcpus) == ("m5.large", "0.096", 6)
    assert (own.machine.name, own.machine.usd_per_hour) == ("workstation", None)


@pytest.mark.parametrize("content", ["[1, 2", "[]", '{"benchmarks": 3}', '{"benchmarks": [{"fullname": "t"}]}'])
def test_a_broken_baseline_is_named_and_the_rest_read(tmp_path: Path, content: str) -> None:
    """A file that is no result is left out, with its name and the reason."""
    write(tmp_path / "m5.large" / "0001_x.json", result(benchmark([1.0])))
    (tmp_path / "m5.large" / "0002_broken.json").write_text(content)
    found, (problem,) = load_baselines(tmp_path, HOW)
    assert len(found) == 1
    assert "0002_broken.json: no pytest-benchmark result file (" in problem
    assert load_baselines(tmp_path / "nowhere", HOW)[1][0].endswith("--aws-baselines (ini: aws_baselines) names it")
