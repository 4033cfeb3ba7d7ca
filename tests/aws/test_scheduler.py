"""Kill switch 2 against moto's EventBridge Scheduler."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_benchmark_aws.aws.clients import Clients

pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")

ROLE = "arn:aws:iam::123456789012:role/killer"
AT = datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


@pytest.fixture
def clients(tmp_path: Path) -> Iterator[Clients]:
    """Clients of an embedded AWS."""
    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.embedded.server import EmbeddedAWS
    from pytest_benchmark_aws.embedded.state import Settings

    with EmbeddedAWS(tmp_path, Settings()) as aws:
        yield Clients(None, None, aws.environment())


def test_a_schedule_ends_that_instance_at_that_time(clients: Clients) -> None:
    """It calls TerminateInstances with the id, once, in UTC, and deletes itself."""
    from pytest_benchmark_aws.aws import scheduler

    scheduler.arm(clients, "i-1", AT, ROLE)
    found = clients("scheduler").get_schedule(Name=scheduler.schedule_name("i-1"))
    assert found["ScheduleExpression"] == "at(2030-01-02T03:04:05)"
    assert found["Target"]["Arn"] == "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances"
    assert json.loads(found["Target"]["Input"]) == {"InstanceIds": ["i-1"]}
    assert found["Target"]["RoleArn"] == ROLE
    assert found["ActionAfterCompletion"] == "DELETE"


def test_arming_twice_is_arming_once(clients: Clients) -> None:
    """A replayed launch finds its schedule there."""
    from pytest_benchmark_aws.aws import scheduler

    scheduler.arm(clients, "i-1", AT, ROLE)
    scheduler.arm(clients, "i-1", AT, ROLE)
    assert len(clients("scheduler").list_schedules()["Schedules"]) == 1


def test_disarming_removes_it_and_may_be_repeated(clients: Clients) -> None:
    """One that is gone is fine."""
    from pytest_benchmark_aws.aws import scheduler

    scheduler.arm(clients, "i-1", AT, ROLE)
    scheduler.disarm(clients, "i-1")
    scheduler.disarm(clients, "i-1")
    assert clients("scheduler").list_schedules()["Schedules"] == []
