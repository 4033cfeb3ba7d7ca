"""What is known of a run whose journal is on another machine: what EC2 shows of it, and what its guests uploaded."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.aws.ec2 import Instance
from pytest_benchmark_aws.backends.ec2.backend import seen_launch
from pytest_benchmark_aws.core.cost import usd
from pytest_benchmark_aws.run.history import runs
from pytest_benchmark_aws.run.journal import Journal
from pytest_benchmark_aws.run.takeover import past_seen, unknown_spend, uploads

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pytest_benchmark_aws.run.ledger import Past

NOW = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)


def instance(attempt: int = 1, age_s: float = 600, job: str = "m5.large", state: str = "terminated") -> Instance:
    """A launch at one USD an hour that may live 4200 s."""
    launched = NOW - timedelta(seconds=age_s)
    return Instance(
        instance_id=f"i-{job}-{attempt}",
        state=state,
        reason="",
        zone="a",
        job=job,
        attempt=attempt,
        token=f"token-{attempt}",
        launched=launched,
        deadline=launched + timedelta(seconds=4200),
        usd_per_hour=Decimal(1),
    )


def past_instances(instances: Iterable[Instance], uploaded: Iterable[tuple[str, int]] = ()) -> list[Past]:
    """What the backend makes of them, taken over."""
    return past_seen([seen_launch(instance, NOW) for instance in instances], uploaded)


AGES = st.lists(st.floats(0, 10**6), min_size=1, max_size=5)


@given(AGES, st.data())
def test_earlier_launches_cost_no_more_than_is_counted(ages: list[float], data: st.DataObject) -> None:
    """Whenever each of them really ended, within its deadline and by now, its money is in the bound."""
    launches = [instance(number, age) for number, age in enumerate(sorted(ages, reverse=True), 1)]
    lived = [max(60.0, data.draw(st.floats(0, min(age, 4200)))) for age in sorted(ages, reverse=True)]
    (past,) = past_instances(launches)
    assert past.placement.attempt == len(ages)
    slack = Decimal("1e-6")  # launch times have microseconds
    assert past.spent_usd + slack >= sum(usd(Decimal(1), seconds) for seconds in lived[:-1])
    assert past.last_usd + slack >= usd(Decimal(1), lived[-1])


def test_what_is_alive_is_counted_until_its_deadline() -> None:
    """It may live that long."""
    assert instance(state="running").most_usd(NOW) == usd(Decimal(1), 4200.0)
    assert instance(state="terminated").most_usd(NOW) == usd(Decimal(1), 600.0)
    assert instance(state="terminated", age_s=1.0).most_usd(NOW) == usd(Decimal(1), 60.0)


def test_a_launch_without_its_tags_counts_as_the_jobs_most() -> None:
    """Where somebody removed the price, what it cost is bounded by what its job can cost."""
    untagged = replace(instance(1), usd_per_hour=None)
    assert untagged.most_usd(NOW) is None
    (past,) = past_instances([untagged, instance(2)])
    assert (past.unseen, past.spent_usd) == (1, 0)


def test_a_launch_that_only_the_bucket_tells_of_counts_as_the_jobs_most() -> None:
    """EC2 shows an instance for about an hour after its end, the bucket keeps what it uploaded for days."""
    told = {("m5.large", 1), ("m5.large", 2), ("m5.large", 5), ("c5.large", 4)}
    m5, c5 = past_instances([instance(2), instance(3)], told)
    assert (m5.job, m5.unseen, m5.placement.attempt, m5.attempts) == ("m5.large", 2, 3, 5)
    assert (c5.job, c5.unseen, c5.refused, c5.placement.attempt) == ("c5.large", 1, True, 4)


def test_what_only_the_client_uploaded_is_no_launch() -> None:
    """The agent is in the bucket before the instance is asked for; what a guest puts there tells that it was."""
    keys = ["runs/r/m5.large/1/agent.pyz", "runs/r/m5.large/2/heartbeat", "runs/r/m5.large/2/log", "runs/r/x",
            "runs/other/m5.large/3/log", "runs/r/m5.large/x/log", "bundles/1.tar"]  # fmt: skip
    assert uploads(keys, "r") == {("m5.large", 2)}


def test_what_is_not_known_is_said() -> None:
    """What counts and as how much, and what does not count."""
    text = unknown_spend(past_instances([instance(1), instance(2)], {("c5.large", 1)}))
    assert "count as 0.1667 USD, and 1 that only the bucket tells of" in text
    assert "uploaded nothing is not counted against --aws-max-cost" in text


def test_a_run_that_was_resumed_cost_what_its_last_end_tells(tmp_path: Path) -> None:
    """Each line of an end tells the whole run's money, so that of earlier ends is in it already."""
    journal = Journal.open(tmp_path / "run")
    for usd_so_far in ("0.25", "0.75"):
        journal.write("gone", usd=usd_so_far)
    journal.close()
    assert [one.usd for one in runs(tmp_path)] == [Decimal("0.75")]


def test_the_steps_of_a_search_are_named_with_their_types(tmp_path: Path) -> None:
    """Also those that only their launches tell of; a job whose name says its type is not named twice."""
    opened = Journal.open(tmp_path / "run")
    opened.write("run", run="run", jobs=["search-1", "search-2", "m5.large"])
    for job, instance_type in {"search-1": "m7i.large", "search-3": "ml.m5.large", "m5.large": "m5.large"}.items():
        opened.write("intent", job=job, instance_type=instance_type, token="t", zone="a", subnet="s", attempt=1)
    opened.close()
    (record,) = runs(tmp_path)
    assert record.jobs == ("search-1 (m7i.large)", "search-2", "m5.large", "search-3 (ml.m5.large)")
    assert record.instance_types == {"m7i.large", "ml.m5.large", "m5.large"}
