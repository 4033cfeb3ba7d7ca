"""A plan as text."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.core.catalog import InstanceType
from pytest_benchmark_aws.core.model import Case, Misfit, Plan, Price, Requirements, Target
from pytest_benchmark_aws.core.plan import make_plan
from pytest_benchmark_aws.core.values.usd import format_usd
from pytest_benchmark_aws.predict.expected import CaseTime, Expected
from pytest_benchmark_aws.report.plan import misfit_lines, plan_lines, time_limit_lines

GIB = 2**30
NOTHING = Requirements()


def price_of(instance_type: InstanceType) -> Price | None:
    return None if instance_type.usd_per_hour is None else Price(instance_type.usd_per_hour, "snapshot of 2026-07-20")


def planned(*targets: Target, needs: Requirements = NOTHING) -> Plan:
    cases = [Case(f"t.py::test_it[{target}]", "t.py::test_it", target, needs) for target in targets]
    return make_plan(cases, catalog(), price_of, 3600)


def test_a_job_is_a_line_with_all_that_decides() -> None:
    """Type, launch, shape, market, cases, price, limit and the most it can cost stand in one line."""
    header, job, *_ = plan_lines(planned(Target("m5.8xlarge", "spot", 2)), Decimal(10), embedded=False)
    assert header.split()[:2] == ["instance", "type"]
    assert job.split("  ")[1:2] == ["m5.8xlarge"]
    words = ["m5.8xlarge", "2", "32", "128", "GiB", "spot", "1", "1.5360", "1", "h", "00", "min", "1.79"]
    assert job.split() == words


@settings(deadline=None)
@given(
    st.lists(
        st.builds(Target, st.sampled_from(sorted(catalog().types)), st.sampled_from(["on-demand", "spot"])),
        min_size=1,
        max_size=8,
    )
)
def test_every_job_and_every_misfit_is_shown(targets: list[Target]) -> None:
    """Each job has its line, each misfit is in one of its reasons, and the total is the plan's."""
    plan = planned(*targets)
    text = plan_lines(plan, Decimal("12.5"), embedded=False)
    said = [line.partition(": ")[0] for line in text if line.startswith("  ✗ ")]
    counted = [1 + int(line.split(" and ")[1].split()[0]) if line.endswith(" more") else 1 for line in said]
    assert sum(counted) == len(plan.misfits)
    if not plan.jobs:
        return
    for job in plan.jobs:
        assert any(line.split()[0] == job.target.instance_type and job.target.market in line for line in text)
    most, cap = plan.most_usd, Decimal("12.5")
    shown = f"at most {format_usd(most, cap)} USD in all, --aws-max-cost is {format_usd(cap, most)} USD"
    assert shown in text[-1]


def test_columns_are_aligned() -> None:
    """The header and every job end at the same place."""
    plan = planned(Target("m5.large"), Target("m5.8xlarge", "spot"), Target("c5.24xlarge"))
    assert len({len(line) for line in plan_lines(plan, Decimal(10), embedded=False)[:4]}) == 1


def test_what_is_not_known_is_a_dash() -> None:
    """A type whose shape is not known has dashes, never zeros."""
    instance_type = next(candidate for candidate in catalog().types.values() if candidate.memory_bytes is None)
    case = Case("t", "t", Target(instance_type.name), Requirements())
    plan = make_plan([case], catalog(), lambda _: Price(Decimal(1), "--aws-price"), 3600)
    assert plan_lines(plan, Decimal(10), embedded=False)[1].split()[2:4] == ["-", "-"]


def test_without_jobs_nothing_would_be_launched() -> None:
    """A plan of misfits alone says so, and names neither a source of prices nor a total."""
    text = plan_lines(planned(Target("m5.large"), needs=Requirements(GIB * 100)), Decimal(10), embedded=False)
    assert text[0] == "  no instance would be launched"
    assert not any("prices:" in line or "USD" in line for line in text)


def test_embedded_runs_are_said_to_cost_nothing() -> None:
    """Embedded, nothing is billed; in the account, what the bound leaves out is named."""
    plan = planned(Target("m5.large"))
    assert plan_lines(plan, Decimal(10), embedded=True)[-1].endswith("on embedded AWS nothing is billed")
    assert plan_lines(plan, Decimal(10), embedded=False)[-1].endswith("data transfer and disks aside")


def test_the_sources_of_the_prices_are_named_once() -> None:
    """Two jobs priced by one source name it once."""
    text = plan_lines(planned(Target("m5.large"), Target("m5.8xlarge")), Decimal(10), embedded=False)
    assert [line for line in text if "prices" in line] == ["  prices: snapshot of 2026-07-20; on demand, Linux"]


def test_a_misfit_has_its_reasons_and_what_would_fit() -> None:
    """Reasons are joined, and types that fit are named only where there are some."""
    case = Case("t.py::test_it[m5.large]", "t.py::test_it", Target("m5.large"), Requirements())
    both, neither = misfit_lines([Misfit(case, ("too small", "too slow"), ("m5.8xlarge",)), Misfit(case, ("no",), ())])
    assert both == "  ✗ t.py::test_it[m5.large]: too small; too slow; would fit: m5.8xlarge"
    assert neither == "  ✗ t.py::test_it[m5.large]: no"


def test_misfits_of_the_same_reasons_are_one_line() -> None:
    """The first case stands for the others, which are counted."""
    cases = [Case(f"t.py::test_it[{n}]", "t.py::test_it", Target("m5.large"), Requirements()) for n in range(1200)]
    lines = misfit_lines([Misfit(case, ("too small",), ("m5.8xlarge",)) for case in cases])
    assert lines == ["  ✗ t.py::test_it[0] and 1,199 more: too small; would fit: m5.8xlarge"]


def test_launches_of_the_same_cases_are_one_row() -> None:
    """A row for each type and market has the range of its launches, and the most that all of them cost."""
    kinds = [Target("m5.large"), Target("m5.8xlarge", "spot")]
    plan = planned(*(replace(kind, launch=launch) for launch in range(1, 1001) for kind in kinds))
    header, *rows = plan_lines(plan, Decimal(10), embedded=False)[:3]
    assert [row.split()[:2] for row in rows] == [["m5.large", "1-1000"], ["m5.8xlarge", "1-1000"]]
    assert [row.split()[-1] for row in rows] == ["112.00", "1792.00"]
    assert len({len(line) for line in [header, *rows]}) == 1


def test_launches_of_other_cases_are_rows_of_their_own() -> None:
    """What differs in its cases is not summed up, and a range names each launch it is for."""
    cases = [
        Case(f"t.py::{name}", f"t.py::{name}", Target("m5.large", "on-demand", launch), NOTHING)
        for launch in (1, 2, 3, 5)
        for name in (("test_a", "test_b") if launch == 2 else ("test_a",))
    ]
    first, second, *_ = plan_lines(make_plan(cases, catalog(), price_of, 3600), Decimal(10), embedded=False)[1:]
    assert " 1, 3, 5 " in first
    assert second.split()[1] == "2"


def test_without_anything_stored_the_plan_is_as_it_was() -> None:
    """No column and no line more."""
    plan = planned(Target("m5.large"))
    assert plan_lines(plan, Decimal(10), embedded=False, expected={}) == plan_lines(plan, Decimal(10), embedded=False)
    assert time_limit_lines(plan, {}) == []


def time_of(
    seconds: float, low: float, high: float, case: str = "t.py::test_it", *, measured: bool = False
) -> CaseTime:
    return CaseTime(case, seconds, low, high, measured, 5, "2026-11-20" if measured else "")


def test_expected_time_and_money_stand_beside_the_most() -> None:
    """For each launch, with where it is from; what nothing is stored of is a dash."""
    plan = planned(Target("m5.large"), Target("m5.large", launch=2), Target("c5.large"), Target("m7i.large"))
    here = Expected((time_of(240.0, 240.0, 240.0, measured=True),), 0)
    expected = {"m5.large": here, "m5.large-launch2": here, "c5.large": Expected((time_of(60.0, 30.0, 120.0),), 2)}
    lines = plan_lines(plan, Decimal(10), embedded=False, expected=expected)
    assert lines[0].split()[-6:] == ["95", "%", "interval", "USD", "expected", "source"]
    assert "  6 min 00 s  6 min 00 s " in lines[1]
    assert lines[1].endswith("  0.02  measured on 2026-11-20")  # both launches
    assert "  3 min 00 s  2 min 30 s to 4 min 00 s  " in lines[2]
    assert lines[2].endswith("  0.0042  predicted from 5 results; nothing stored of 2 more")
    assert lines[3].endswith("  nothing is stored")
    text = "\n".join(lines)
    assert "expected 0.02 USD for 3 of 4 launches" in text
    assert "predicted: by the machine model, from results on other instance types; not measured" in text


def test_a_group_has_the_vcpus_memory_and_price_of_all_its_machines() -> None:
    """As in the comparison; of its results nothing is predicted, which is no lack of results."""
    plan = planned(Target("m5.large"), Target("m5.large", count=2))
    expected = {"m5.large": Expected((time_of(240.0, 240.0, 240.0, measured=True),), 0)}
    lines = plan_lines(plan, Decimal(10), embedded=False, expected=expected)
    assert lines[2].split()[:9] == ["m5.large", "×2", "1", "4", "16", "GiB", "on-demand", "1", "0.1920"]
    assert lines[2].endswith("  not known of groups")


def test_a_time_limit_that_is_passed_is_said_with_the_numbers() -> None:
    """By one test, or by all together; nothing where the limit holds."""
    plan = planned(Target("m5.large"), Target("c5.large"), Target("m7i.large"))
    expected = {
        "m5.large": Expected((time_of(7560.0, 5040.0, 11520.0),), 0),
        "c5.large": Expected((time_of(2000.0, 1800.0, 2200.0), time_of(1900.0, 1800.0, 2200.0, "t.py::test_b")), 0),
        "m7i.large": Expected((time_of(600.0, 500.0, 700.0),), 0),
    }
    assert time_limit_lines(plan, expected) == [
        "  ! m5.large: t.py::test_it is predicted to take 2 h 06 min (1 h 24 min to 3 h 12 min), "
        "--aws-time-limit is 1 h 00 min",
        "  ! c5.large: 2 tests together are predicted to take 1 h 05 min (1 h 00 min to 1 h 13 min), "
        "--aws-time-limit is 1 h 00 min",
    ]
