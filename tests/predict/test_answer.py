"""A prediction: its rows, what it says of poor results, and what it names next."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_benchmark_aws.predict import answer
from pytest_benchmark_aws.predict.measured import CaseResults, measured_of
from tests.predict.machines_here import machines, prior, results, some

if TYPE_CHECKING:
    from pytest_benchmark_aws.predict.answer import Prediction


def predict(case: CaseResults, goal: str = "usd", count: int = 0, candidates: int = 60) -> Prediction:
    """On so many candidates, and those that were measured."""
    named = {machine.name: machine for machine in some(candidates)}
    named |= {measured.probe.machine.name: measured.probe.machine for measured in case.measured}
    return answer.predict_case(prior(), case, list(named.values()), goal, count)  # type: ignore[arg-type]


def factor(prediction: Prediction) -> float:
    """Half the width of the middle predicted interval, as a factor."""
    widths = sorted(math.log(row.high / row.low) / 2 for row in prediction.rows if not row.measured)
    return math.exp(widths[len(widths) // 2])


def test_one_machine_tells_little_and_it_is_said() -> None:
    """Half of the candidates are known within a factor of more than four."""
    prediction = predict(results(m5_large=1.0))
    assert factor(prediction) > 4
    assert any("1 instance type measured" in note for note in prediction.notes)


def test_machines_of_one_cpu_model_tell_nothing_of_others() -> None:
    """The intervals of other makers stay wide, and a sentence asks for another CPU."""
    prediction = predict(results(c8g_large=8.0, c8g_xlarge=4.0, c8g_4xlarge=1.0, c8g_16xlarge=0.25))
    rows = [row for row in prediction.rows if row.machine.vendor == "intel"]
    assert min(row.high / row.low for row in rows) > 1.5
    assert any("one CPU model, Neoverse-V2" in note for note in prediction.notes)


def test_machines_of_one_size_tell_nothing_of_others() -> None:
    """A sentence asks for another size."""
    prediction = predict(results(m5_large=1.0, c7g_large=0.8, m7a_large=0.6))
    assert any("all measured types have 2 vCPUs" in note for note in prediction.notes)


def test_results_that_contradict_each_other_make_wide_intervals() -> None:
    """And a sentence, not a confident answer."""
    prediction = predict(results(m5_large=1.0, m5_xlarge=100.0, m5_2xlarge=0.5, m5_8xlarge=70.0))
    assert factor(prediction) > 10
    assert any("contradict each other" in note for note in prediction.notes)
    assert not any("sure)" in note for note in prediction.notes)


def test_launches_that_differ_make_a_probe_that_says_little() -> None:
    """Two launches tenfold apart leave their twin unknown."""
    sure, unsure = (predict(results(m7i_xlarge=value, m7a_xlarge=1.0, m7g_xlarge=1.0)) for value in (3.0, [1.0, 10.0]))
    width = [next(r.high / r.low for r in p.rows if not r.measured and "7i" in r.machine.name) for p in (sure, unsure)]
    assert width[1] > 1.5 * width[0]


def test_a_benchmark_of_one_thread_is_told_so_and_is_cheapest_on_the_smallest() -> None:
    """Equal times on 2 to 64 vCPUs: no large machine is the cheapest."""
    prediction = predict(results(m5_large=1.0, m5_8xlarge=1.0, c7g_4xlarge=0.9, m7a_16xlarge=0.6))
    assert any("runs on one thread" in note for note in prediction.notes)
    assert prediction.rows[0].machine.vcpus <= 2


def test_a_benchmark_of_all_threads_is_fastest_on_a_large_machine() -> None:
    """Times halve with the vCPUs."""
    case = results(m5_large=32.0, m5_8xlarge=2.0, m5_24xlarge=0.68, c7g_4xlarge=2.6, m7a_16xlarge=0.42)
    prediction = predict(case, goal="time")
    assert prediction.rows[0].machine.vcpus >= 64
    assert any("uses all vCPUs" in note for note in prediction.notes)


def test_what_was_measured_is_shown_as_it_was_measured() -> None:
    """Also where it is no candidate; and its twin is predicted near it."""
    prediction = predict(results(m5_large=[1.0, 1.02, 0.98], c7g_large=0.8, m7a_8xlarge=0.6))
    row = next(row for row in prediction.rows if row.machine.name == "m5.large")
    assert (row.measured, row.launches) == (True, 3)
    assert row.seconds == pytest.approx(1.0, rel=0.01)
    assert 0.9 < row.low < row.seconds < row.high < 1.1


def test_two_launches_that_differ_have_no_interval_of_powers_of_ten() -> None:
    """Student's t of two is nearly thirteen times their deviation: they are shown themselves."""
    prediction = predict(results(m5_large=[1.0, 4.0], c7g_large=0.8, m7a_8xlarge=0.6))
    row = next(row for row in prediction.rows if row.machine.name == "m5.large")
    assert (row.low, row.high) == (1.0, 4.0)


@settings(max_examples=15)
@given(
    st.dictionaries(
        st.sampled_from(sorted(machines())),
        st.lists(st.floats(1e-9, 1e6), min_size=1, max_size=3),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_was_measured_rows_are_sound(seconds: dict[str, list[float]]) -> None:
    """Positive, finite, in order; chances are chances and add up to one; money follows from time."""
    measured = tuple(measured_of(machines()[name], values) for name, values in sorted(seconds.items()))
    prediction = predict(CaseResults("x", None, measured, False, ()), count=2, candidates=14)
    assert len(prediction.rows) == len({*(m.name for m in some(14)), *seconds})
    for row in prediction.rows:
        assert 0 < row.low <= row.seconds <= row.high < math.inf
        assert 0 <= row.cheapest <= 1
        assert 0 <= row.fastest <= 1
    assert sum(row.fastest for row in prediction.rows) == pytest.approx(1)
    costs = [row.usd_run for row in prediction.rows if row.usd_run is not None]
    assert costs == sorted(costs)
    names = [step.machine.name for step in prediction.next]
    assert len(names) == len(set(names))
    assert not set(names) & set(seconds)


def test_the_first_machines_span_makers_and_sizes() -> None:
    """Without any result; each costs something to launch."""
    steps = answer.first(prior(), list(machines().values()), 5).next
    assert len({step.machine.cpu for step in steps}) >= 4
    assert max(step.machine.vcpus for step in steps) >= 8 * min(step.machine.vcpus for step in steps)
    assert all(step.usd and step.usd > 0 for step in steps)


def test_with_few_results_the_next_narrows_and_with_more_it_may_beat_the_best() -> None:
    """From five machines on."""
    few = predict(results(m5_large=1.0, c7g_4xlarge=0.9, m7a_16xlarge=0.6), count=1)
    many = predict(results(m5_large=1.0, c7g_4xlarge=0.9, m7a_16xlarge=0.6, m6i_xlarge=0.9, c8g_large=0.7), count=1)
    assert few.next[0].why.startswith("narrows most")
    assert many.next[0].why.startswith("most likely to beat the best")


def test_where_all_is_measured_nothing_is_next() -> None:
    """No launch is named twice."""
    three = [machines()[name] for name in ("m5.large", "c7g.large", "m7a.large")]
    case = results(m5_large=1.0, c7g_large=0.8, m7a_large=0.6)
    assert answer.predict_case(prior(), case, three, "usd", 3).next == ()


def test_what_was_measured_and_is_no_candidate_is_never_the_best() -> None:
    """It is shown, without a chance, and the candidates share all of it."""
    case = results(c8g_48xlarge=0.01, m5_large=1.0, c7g_large=0.8)
    two = [machines()[name] for name in ("m7i.large", "c7i.large")]
    prediction = answer.predict_case(prior(), case, two, "time", 1)
    others = [row for row in prediction.rows if not row.candidate]
    assert {row.machine.name for row in others} == {"c8g.48xlarge", "m5.large", "c7g.large"}
    assert {row.fastest for row in others} == {0}
    assert sum(row.fastest for row in prediction.rows) == pytest.approx(1)
    assert {step.machine.name for step in prediction.next} <= {"m7i.large", "c7i.large"}
