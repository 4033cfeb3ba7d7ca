"""The note's blank cell, predicted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks import blank
from benchmarks.c5_metal import CURVES
from pytest_benchmark_aws.predict.estimate import Estimate

if TYPE_CHECKING:
    from pathlib import Path


def test_the_published_times_are_the_baselines(root: Path) -> None:
    """Seconds and threads are those of benchmarks/baselines."""
    for published in blank.PUBLISHED:
        path = root / f"benchmarks/baselines/{published.instance_type}/0001_published.json"
        (bench,) = json.loads(path.read_text())["benchmarks"]
        assert bench["stats"]["median"] == published.seconds
        assert bench["extra_info"]["threads"] == published.placement.threads


def test_one_socket_is_the_fastest_and_all_vcpus_the_least_sure() -> None:
    """As on c5.metal at ten million rows; and no interval promises that it is cheaper than r5.4xlarge."""
    cells = [
        blank.cell(CURVES, blank.clock_ratios(), placement)
        for placement in (blank.ONE_SOCKET, blank.ALL_CORES, blank.ALL_VCPUS)
    ]
    assert [each.value for each in cells] == sorted(each.value for each in cells)
    assert [each.width for each in cells] == sorted(each.width for each in cells)
    assert min(each.low for each in cells) > 188.5


def test_each_published_time_is_predicted_from_the_other() -> None:
    """Within 15 %, and inside its interval."""
    first, second = blank.PUBLISHED
    for of, other in ((first, second), (second, first)):
        estimate = blank.from_the_other(CURVES, of, other)
        assert estimate.value == pytest.approx(of.seconds, rel=0.15)
        assert estimate.holds(of.seconds)


def test_another_ratio_of_machines_is_taken() -> None:
    """A core that is twice as slow takes twice as long, and a ratio that is less sure makes the cell so."""
    sure = {name: Estimate(0.8, 0.75, 0.8533) for name in ("m5.8xlarge", "r5.4xlarge")}
    twice = {name: each.times(2) for name, each in sure.items()}
    unsure = {name: Estimate(0.8, 0.4, 1.6) for name in sure}
    cell, slow, wide = (blank.cell(CURVES, ratios, blank.ONE_SOCKET) for ratios in (sure, twice, unsure))
    assert slow.value == pytest.approx(2 * cell.value)
    assert wide.value == pytest.approx(cell.value)
    assert wide.width > 2 * cell.width


def test_the_page_has_what_the_command_prints(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """docs/blank.md shows the table as it is today."""
    assert blank.main([]) == 0
    page = (root / "docs/blank.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out.strip() in page
    assert "No figure of c5.24xlarge on this page is measured" in page


def test_a_clock_that_is_not_listed_is_an_error() -> None:
    """With what to give instead."""
    with pytest.raises(ValueError, match="not in the catalog"):
        blank.clock_ratio("m5.8xlarge", "no.such-type")
