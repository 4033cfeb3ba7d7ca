"""Cases become jobs, and what they can cost is bounded."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.core.catalog import InstanceType
from pytest_benchmark_aws.core.cost import usd
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.fit import misfits
from pytest_benchmark_aws.core.model import GRACE_S, Case, Price, Requirements, Target
from pytest_benchmark_aws.core.plan import as_machine, make_plan, most_usd

GIB = 2**30
NOTHING = Requirements()
TARGETS = st.builds(
    Target,
    st.sampled_from(["m5.large", "m5.8xlarge", "r5.4xlarge", "m7g.large"]),
    st.sampled_from(["on-demand", "spot"]),
    st.integers(1, 3),
)
NEEDS = st.builds(
    Requirements,
    st.none() | st.integers(0, 200 * GIB),
    st.none() | st.integers(1, 40),
    st.sampled_from([None, "arm64"]),
)


def case(target: Target, needs: Requirements = NOTHING, name: str = "test_it") -> Case:
    return Case(f"t.py::{name}[{target}]", f"t.py::{name}", target, needs)


CASES = st.lists(st.builds(case, TARGETS, NEEDS, st.sampled_from(["test_a", "test_b", "test_c"])), max_size=12)


def price_of(known: InstanceType) -> Price | None:
    return None if known.usd_per_hour is None else Price(known.usd_per_hour, "snapshot")


@settings(deadline=None)
@given(CASES, st.integers(10, 10**6))
def test_every_case_is_in_one_job_or_is_a_misfit(cases: list[Case], limit: int) -> None:
    """No case is lost, and none is both run and refused."""
    plan = make_plan(cases, catalog(), price_of, limit)
    planned = [one for job in plan.jobs for one in job.cases] + [misfit.case for misfit in plan.misfits]
    assert sorted(map(repr, planned)) == sorted(map(repr, cases))


@settings(deadline=None)
@given(CASES)
def test_a_job_is_one_launch_of_one_type_in_the_order_of_the_cases(cases: list[Case]) -> None:
    """Jobs have different names, in the order of their first cases, each of its target's cases in theirs."""
    plan = make_plan(cases, catalog(), price_of, 60)
    unfit = [misfit.case for misfit in plan.misfits]
    fitting = [one for one in cases if one not in unfit]
    assert [job.target for job in plan.jobs] == list(dict.fromkeys(one.target for one in fitting))
    assert len({job.name for job in plan.jobs}) == len(plan.jobs)
    for job in plan.jobs:
        assert list(job.cases) == [one for one in fitting if one.target == job.target]
        assert job.instance_type.name == job.target.instance_type


@settings(deadline=None)
@given(CASES)
def test_what_is_planned_fits_and_what_is_refused_does_not(cases: list[Case]) -> None:
    """A case is a misfit exactly where its machine lacks what it requires, with every reason."""
    plan = make_plan(cases, catalog(), price_of, 60)
    for job in plan.jobs:
        assert not any(misfits(one.requirements, as_machine(job.instance_type)) for one in job.cases)
    for misfit in plan.misfits:
        machine = as_machine(catalog().types[misfit.case.target.instance_type])
        assert misfit.reasons == misfits(misfit.case.requirements, machine) != ()


@settings(deadline=None)
@given(CASES)
def test_what_would_fit_fits(cases: list[Case]) -> None:
    """At most three types are suggested, each of which holds the case and has a price."""
    for misfit in make_plan(cases, catalog(), price_of, 60).misfits:
        assert len(misfit.would_fit) <= 3
        for name in misfit.would_fit:
            known = catalog().types[name]
            assert known.usd_per_hour is not None
            assert misfits(misfit.case.requirements, as_machine(known)) == ()


@settings(deadline=None)
@given(CASES, st.integers(10, 10**6))
def test_the_most_is_the_sum_of_the_jobs_most(cases: list[Case], limit: int) -> None:
    """The plan costs at most what its jobs cost at most, each its price for the limit and the grace."""
    plan = make_plan(cases, catalog(), price_of, limit)
    assert plan.most_usd == sum((most_usd(job) for job in plan.jobs), Decimal(0))
    for job in plan.jobs:
        assert most_usd(job) == usd(job.price.usd_per_hour, limit + GRACE_S)


def test_spot_is_reserved_at_the_full_price() -> None:
    """A spot launch can cost as much as one on demand."""
    plan = make_plan([case(Target("m5.large")), case(Target("m5.large", "spot"))], catalog(), price_of, 60)
    on_demand, spot = plan.jobs
    assert most_usd(on_demand) == most_usd(spot)


def test_no_cases_are_no_jobs() -> None:
    """A plan of nothing costs nothing."""
    plan = make_plan([], catalog(), price_of, 60)
    assert (plan.jobs, plan.misfits, plan.most_usd) == ((), (), 0)


def test_an_unknown_type_is_refused_with_the_nearest() -> None:
    """The error names the type and one that is known."""
    with pytest.raises(PlanError, match=r"m5\.9xlarge: no such .* did you mean m5\."):
        make_plan([case(Target("m5.9xlarge"))], catalog(), price_of, 60)


def test_a_type_without_a_price_is_a_misfit_that_names_the_remedy() -> None:
    """What has no price has no bound, so it is not launched."""
    (misfit,) = make_plan([case(Target("m5.large"))], catalog(), lambda _: None, 60).misfits
    assert misfit.reasons == (
        "the price of m5.large is not known, so its cost cannot be bounded: give --aws-price m5.large=USD",
    )


def test_a_given_price_is_the_one_that_counts() -> None:
    """The price is asked for once the type is known, whatever the catalog says."""
    plan = make_plan([case(Target("m5.large"))], catalog(), lambda _: Price(Decimal(36), "--aws-price"), 3600)
    assert plan.most_usd == Decimal(36) + Decimal(6)


def test_sagemakers_types_are_planned_at_their_own_price() -> None:
    """``ml.m5.large`` is the machine ``m5.large``, whose price says nothing of it."""
    plan = make_plan([case(Target("ml.m5.large"))], catalog(), lambda _: Price(Decimal(36), "test"), 3600)
    (job,) = plan.jobs
    assert (job.instance_type.vcpus, job.instance_type.usd_per_hour, job.platform) == (2, None, "ml.x86_64")


def test_what_is_refused_whatever_it_requires_has_that_one_reason() -> None:
    """Neither memory nor the price is a reason beside it, and no type is suggested again."""
    cases = [case(Target("p3.2xlarge"), Requirements(2**50)), case(Target("m5.large"))]
    why = {"p3.2xlarge": "p3.2xlarge is gone"}
    plan = make_plan(cases, catalog(), price_of, 60, refusal_of=why.get)
    (misfit,) = plan.misfits
    assert (misfit.reasons, misfit.would_fit) == (("p3.2xlarge is gone",), ())
    assert [job.name for job in plan.jobs] == ["m5.large"]


def test_what_is_refused_is_not_suggested() -> None:
    """For eight GPUs the cheapest that is not."""
    wanted = case(Target("m5.large"), Requirements(gpu=8))
    (before,) = make_plan([wanted], catalog(), price_of, 60).misfits
    first = before.would_fit[0]
    (after,) = make_plan([wanted], catalog(), price_of, 60, refusal_of={first: "gone"}.get).misfits
    assert after.would_fit[0] == before.would_fit[1]


def test_the_same_family_is_suggested_first() -> None:
    """For too small an m7i, the cheapest m7i that holds the case comes first."""
    (misfit,) = make_plan([case(Target("m7i.large"), Requirements(100 * GIB))], catalog(), price_of, 60).misfits
    assert misfit.would_fit[0] == "m7i.8xlarge"


def test_what_nothing_holds_has_no_suggestion() -> None:
    """A case for a pebibyte fits no type, and none is named."""
    (misfit,) = make_plan([case(Target("m5.large"), Requirements(2**50))], catalog(), price_of, 60).misfits
    assert misfit.would_fit == ()


def test_where_the_price_is_the_reason_no_other_type_is_suggested() -> None:
    """Another type's price is not known either."""
    (misfit,) = make_plan([case(Target("m5.large"))], catalog(), lambda _: None, 60).misfits
    assert misfit.would_fit == ()


def test_a_reason_that_all_prices_are_unknown_for_is_the_same_for_all_types() -> None:
    """Cases of two types have the one reason that was given."""
    cases = [case(Target("m5.large")), case(Target("c5.large"))]
    unfit = make_plan(cases, catalog(), lambda _: None, 60, unpriced="log in").misfits
    assert [misfit.reasons for misfit in unfit] == [("log in",), ("log in",)]
