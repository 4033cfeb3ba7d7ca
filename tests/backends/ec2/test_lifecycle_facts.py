"""Rows of kind L that are about the life of an instance: what real EC2 does, and what a run makes of it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from pytest_benchmark_aws.core.errors import CleanupError
from pytest_benchmark_aws.run.follow import Follower
from tests.faults.world import HANGS, STAYS, World, make_jobs, opened
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_benchmark_aws.core.model import Job


@pytest.fixture
def slow_to_go(tmp_path: Path) -> Iterator[World]:
    """EC2 whose instances are shutting down for longer than any test lasts, as a metal's are for 19 minutes."""
    with opened(tmp_path, shutting_down_delay=600.0) as world:
        yield world


def test_l2_an_instance_that_shuts_down_is_not_alive(slow_to_go: World) -> None:
    """The run ends with its result at once, and does not wait until EC2 says that it is terminated."""
    (done,) = slow_to_go.run(make_jobs(), script=STAYS)
    assert done.outcome.outcome == "passed"
    assert [instance["state"] for instance in slow_to_go.instances()] == ["shutting-down"]
    assert sum(slow_to_go.clock.slept) < 300
    assert slow_to_go.kinds()[-1] == "gone"


def test_l2_a_guest_that_powers_off_is_over_while_it_shuts_down(slow_to_go: World) -> None:
    """Without a result it is collected then, and not minutes later."""
    (done,) = slow_to_go.run(make_jobs(), script="put('log', b'no result')")
    assert (done.outcome.whole, "Instance initiated shutdown" in done.outcome.outcome) == (False, True)


def test_l2_what_came_home_is_not_lost_where_an_instance_stays(
    slow_to_go: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error that names what may be alive carries the outcome of every job."""
    monkeypatch.setattr(Follower, "confirm_gone", lambda *_: (_ for _ in ()).throw(CleanupError("still alive: i-0")))
    with pytest.raises(CleanupError) as caught:
        slow_to_go.run(make_jobs(2), script=STAYS)
    assert [launch.outcome.outcome for launch in caught.value.finished] == ["passed", "passed"]  # type: ignore[attr-defined]


def killed_after_its_launch(world: World) -> str:
    """A client that died, whose guest delivered and powered off; the id of the instance."""
    world.killed_client(die_after="launched")
    (instance,) = wait_until(lambda: [each for each in world.instances() if each["state"] == "terminated"])
    return str(instance["id"])


def test_l3_what_ec2_no_longer_shows_is_not_asked_to_end(world: World) -> None:
    """Resumed an hour later with a policy that ends what has our tag alone: the result is fetched."""
    instance_id = killed_after_its_launch(world)
    world.aws.control(f"instances/{instance_id}/forget", {})
    for request in world.journal_path.parent.glob("launch-*.json"):
        os.utime(request, (time.time() - 3600,) * 2)
    (done,) = world.run(make_jobs(), resume=True)
    assert (done.outcome.outcome, done.instance_id) == ("passed", instance_id)
    assert world.calls("TerminateInstances") == 0


def test_l4_the_token_of_a_terminated_instance_finds_its_result(world: World) -> None:
    """A client that died before it heard of its launch: EC2 refuses the token, its tag tells the instance."""
    world.killed_client(die_at="response-received.ec2.RunInstances")
    (instance,) = wait_until(lambda: [each for each in world.instances() if each["state"] == "terminated"])
    (done,) = world.run(make_jobs(), resume=True)
    assert (done.outcome.outcome, done.instance_id) == ("passed", instance["id"])
    assert len(world.instances()) == 1


def test_l4_also_where_ec2_no_longer_shows_it(world: World) -> None:
    """What its guest uploaded is found by the attempt, and nothing is launched in its place."""
    world.killed_client(die_at="response-received.ec2.RunInstances")
    (instance,) = wait_until(lambda: [each for each in world.instances() if each["state"] == "terminated"])
    world.aws.control(f"instances/{instance['id']}/forget", {})
    (done,) = world.run(make_jobs(), resume=True)
    assert (done.outcome.outcome, world.instances()) == ("passed", [])
    assert world.calls("TerminateInstances") == 0


def jobs_of_two_waves() -> list[Job]:
    return make_jobs(2)


def test_l5_a_quota_that_ones_own_ended_launch_still_fills_is_waited_for(tmp_path: Path) -> None:
    """VcpuLimitExceeded between two waves passes: the second job is launched once EC2 has let go of the first."""
    with opened(tmp_path, vcpu_quota=2, quota_release_delay=0.5) as world:
        done = world.run(jobs_of_two_waves(), script=STAYS, poll_s=5)
        assert [launch.outcome.outcome for launch in done] == ["passed", "passed"]
        assert len(world.lines("refused")) >= 1
        assert len(world.instances()) == 2


def test_l5_a_quota_that_others_fill_is_not_waited_for(tmp_path: Path, no_backoff: list[float]) -> None:
    """Where nothing of this run has ended, nothing of it will make room."""
    with opened(tmp_path, vcpu_quota=1) as world:
        begun = time.monotonic()
        (done,) = world.run(make_jobs(), script=HANGS)
        assert "L-1216C47A" in done.outcome.outcome
        assert time.monotonic() - begun < 30
