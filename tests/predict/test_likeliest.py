"""The likeliest best machines of a case."""

from __future__ import annotations

import pytest

from pytest_benchmark_aws.predict.answer import predict_case
from pytest_benchmark_aws.predict.likeliest import MOST_PROBES, likeliest
from pytest_benchmark_aws.predict.measured import CaseResults, measured_of
from tests.predict.machines_here import machines, prior, results


def test_they_are_those_that_a_row_for_each_type_has() -> None:
    """The cheapest of all rows is among them with nearly its chance, in a tenth of the time; times are the same."""
    case = results(m5_8xlarge=10.0, c6i_large=98.0, c8g_48xlarge=2.4, m7i_2xlarge=30.0)
    candidates = [machine for place, machine in enumerate(machines().values()) if place % 4 == 0]
    found = likeliest(prior(), case, candidates, 12)
    every = {row.machine.name: row for row in predict_case(prior(), case, candidates, "usd", 0).rows}
    best = max((row for row in every.values() if not row.measured), key=lambda row: row.cheapest)
    shown = {row.machine.name: row for row in found.predicted}
    assert shown[best.machine.name].cheapest == pytest.approx(best.cheapest, abs=0.15)
    assert len(found.predicted) == 12
    for name, row in shown.items():
        assert not row.measured
        assert (row.low, row.seconds, row.high) == pytest.approx(
            (every[name].low, every[name].seconds, every[name].high), rel=0.02
        )
    assert {row.machine.name for row in found.measured} == {m.probe.machine.name for m in case.measured}


def test_of_many_results_some_of_all_sizes_count() -> None:
    """And the best ones always."""
    names = [name for name, machine in machines().items() if machine.usd_per_hour][::30]
    case = CaseResults(
        "a", None, tuple(measured_of(machines()[name], [1.0 + place]) for place, name in enumerate(names)), False, ()
    )
    assert len(names) > MOST_PROBES
    found = likeliest(prior(), case, list(machines().values())[:50], 3)
    assert len(found.measured) == MOST_PROBES
    assert names[0] in {row.machine.name for row in found.measured}
    assert len(found.predicted) == 3
