"""What a journal tells the next process beside the last launch of each job."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pytest_benchmark_aws.run.takeover import past_launches
from tests.soak.process import world_time


def line(kind: str, **what: Any) -> dict[str, Any]:
    return {"kind": kind, "time": world_time(0).isoformat(), "job": "m5.large", **what}


def intent(attempt: int, zone: str = "a") -> dict[str, Any]:
    return line("intent", attempt=attempt, token=f"{zone}{attempt}", zone=zone, subnet=f"subnet-{zone}")


def test_what_earlier_attempts_cost_is_known() -> None:
    """A resumed run counts what its job has spent on launches before the last, and each of them once."""
    over = line("terminating", instance_id="i-1", usd="0.25")
    lines = [intent(1), line("launched", instance_id="i-1"), over, over]
    (first,) = past_launches(lines, world_time(60))
    assert (first.instance_id, first.spent_usd, first.age_s) == ("i-1", Decimal(0), 60.0)
    assert (first.last_usd, first.ended) == (Decimal("0.25"), True)
    (second,) = past_launches([*lines, {**intent(2), "reserved_usd": "0.5"}], world_time(60))
    assert (second.last_usd, second.ended) == (Decimal("0.5"), False)
    assert (second.instance_id, second.spent_usd, second.placement.attempt) == (None, Decimal("0.25"), 2)


def test_an_intent_that_was_refused_is_no_launch() -> None:
    """AWS said no: a replay would launch what nothing is reserved for; the intent after it counts again."""
    lines = [intent(1), line("refused", attempt=1, token="a1")]
    assert [one.refused for one in past_launches(lines, world_time(0))] == [True]
    (other,) = past_launches([*lines, intent(1, "b")], world_time(0))
    assert (other.refused, other.placement.zone) == (False, "b")


def test_a_launch_on_demand_in_place_of_spot_is_known() -> None:
    """The intent says it; once launched it still holds, and the intent after it may be for spot again."""
    on_demand = [{**intent(1), "fallback": True}, line("launched", instance_id="i-1")]
    assert [one.fallback for one in past_launches(on_demand, world_time(0))] == [True]
    assert [one.fallback for one in past_launches([*on_demand, intent(2)], world_time(0))] == [False]
