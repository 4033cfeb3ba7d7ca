"""Rows 1 to 10 of the fault table: the client dies, is interrupted, sleeps, or is not alone."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.core.model import GRACE_S
from pytest_benchmark_aws.run.journal import JournalError
from pytest_benchmark_aws.run.ledger import RealClock
from tests.faults.wire import answer_with, answering, form, lose_calls, lose_replies
from tests.faults.world import HANGS, LIMIT_S, RUN, STAYS, QuickClock, World, make_jobs, opened
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path


def test_fault_01_killed_before_the_intent_nothing_exists(world: World) -> None:
    """A client that dies before it wrote what it is about to do has done nothing."""
    world.killed_client(die_before="intent")
    assert world.instances() == []
    assert world.calls("RunInstances") == 0
    assert "intent" not in world.kinds()
    (done,) = world.run(make_jobs(), resume=True)
    assert done.outcome.outcome == "passed"
    assert len(world.instances()) == 1


def test_fault_02_killed_before_the_launch_resume_replays_the_token(world: World) -> None:
    """What was announced and never asked for is asked for by the announced token."""
    world.killed_client(die_at="before-send.ec2.RunInstances")
    assert world.instances() == []
    (intent,) = world.lines("intent")
    (done,) = world.run(make_jobs(), resume=True)
    assert done.outcome.outcome == "passed"
    (instance,) = world.instances()
    assert instance["client_token"] == intent["token"]


def test_fault_03_killed_after_the_launch_found_by_token(world: World) -> None:
    """An instance whose id its client never learned is found by the token, and is the only one."""
    world.killed_client(die_at="response-received.ec2.RunInstances", script=STAYS)
    (instance,) = world.instances()
    assert "launched" not in world.kinds()
    (done,) = world.run(make_jobs(), resume=True)
    assert (done.instance_id, done.outcome.outcome) == (instance["id"], "passed")
    assert instance["tags"]["pytest-benchmark-aws:run"] == RUN
    assert len(world.instances()) == 1
    assert world.alive() == []


def test_fault_03_killed_after_the_launch_found_by_tag_on_another_machine(world: World) -> None:
    """Without the journal, the instance's tags tell the launch, which is taken over and not made again."""
    world.killed_client(die_after="launched", script=STAYS)
    (instance,) = world.instances()
    elsewhere = World(world.aws, world.folder.parent / "elsewhere")
    past = elsewhere.past_by_tags()
    (done,) = elsewhere.run(make_jobs(), past=past)
    assert (done.instance_id, done.outcome.outcome) == (instance["id"], "passed")
    assert (len(world.instances()), world.alive()) == (1, [])


@pytest.mark.parametrize("times", [1, 12])
def test_fault_04_launch_reply_lost_one_instance(world: World, times: int) -> None:
    """However often the reply breaks off, within botocore's retries or beyond them, one instance is launched."""
    clients = world.clients()
    sent = lose_replies(clients, "ec2.RunInstances", times)
    (done,) = world.run(make_jobs(), clients=clients)
    assert done.outcome.outcome == "passed"
    assert len(sent) == times
    assert len({form(request)["ClientToken"] for request in sent}) == 1
    assert [one["id"] for one in world.instances()] == [done.instance_id]


def test_fault_04_launch_done_and_answered_with_an_error_one_instance(world: World) -> None:
    """Where EC2 launches and says 500, ten times, the instance is still one."""
    world.fault("RunInstances", "InternalError", 500, times=10, after=True)
    (done,) = world.run(make_jobs())
    assert done.outcome.outcome == "passed"
    assert [one["id"] for one in world.instances()] == [done.instance_id]
    assert len({line["token"] for line in world.lines("intent")}) == 1


def test_fault_04_launch_reply_lost_for_good_is_ended_by_its_tag(world: World) -> None:
    """An instance whose launch was never confirmed is no job's, and is ended with the run."""
    clients = world.clients()
    lose_replies(clients, "ec2.RunInstances", 10**6)
    world.clock.on_sleep = lambda clock: setattr(clock, "skipped", clock.skipped + 150)
    (done,) = world.run(make_jobs(), clients=clients, script=HANGS)
    assert (done.instance_id, done.outcome.whole) == (None, False)
    assert "could not be launched" in done.outcome.outcome
    assert (len(world.instances()), world.alive()) == (1, [])
    assert world.kinds()[-1] == "gone"


@pytest.mark.parametrize("key", ["/data", "/done", "/log"])
def test_fault_05_killed_while_fetching_delivered_once(world: World, key: str) -> None:
    """A result of which a part was fetched is fetched again, and is delivered once."""
    world.killed_client(die_at="before-send.s3.GetObject", die_key=key, script=STAYS)
    assert "delivered" not in world.kinds()
    (done,) = world.run(make_jobs(), resume=True)
    assert (done.outcome.outcome, done.outcome.log) == ("passed", "the guest's log")
    assert len(world.lines("delivered")) == 1
    assert (len(world.instances()), world.alive()) == (1, [])


@pytest.mark.parametrize("died", [{"die_after": "delivered"}, {"die_at": "before-send.ec2.TerminateInstances"}])
def test_fault_06_killed_before_terminate_resume_terminates(world: World, died: dict[str, str]) -> None:
    """The instance whose result is home, and whose end was never asked for, is ended by the resumed run."""
    world.killed_client(script=STAYS, **died)
    assert len(world.alive()) == 1
    (done,) = world.run(make_jobs(), resume=True)
    assert done.outcome.outcome == "passed"
    assert (len(world.instances()), world.alive()) == (1, [])


def test_fault_07_terminate_reply_lost_the_end_is_seen(world: World) -> None:
    """Calls that end the instance and are never answered are no failure: it is gone once it is described so."""
    clients = world.clients()
    sent = lose_replies(clients, "ec2.TerminateInstances", 10**6)
    (done,) = world.run(make_jobs(), clients=clients, script=STAYS)
    assert done.outcome.outcome == "passed"
    assert sent != []
    assert world.alive() == []
    assert world.kinds()[-1] == "gone"


def test_fault_07_a_terminate_that_never_arrived_is_asked_again(world: World) -> None:
    """Where none of one call's tries arrived the instance lives, and is asked again until it ends."""
    clients = world.clients()
    lost = lose_calls(clients, "ec2.TerminateInstances", 10)
    (done,) = world.run(make_jobs(), clients=clients, script=STAYS)
    assert done.outcome.outcome == "passed"
    assert len(lost) == 10
    assert world.calls("TerminateInstances") > 0
    assert world.alive() == []


def test_fault_07_an_answered_terminate_is_not_trusted(world: World) -> None:
    """Where EC2 says "shutting-down" and nothing ends, the run asks until the instance is described as terminated."""
    clients = world.clients()
    said = (
        '<TerminateInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><instancesSet><item>'
        "<instanceId>i-1</instanceId><currentState><code>32</code><name>shutting-down</name></currentState>"
        "</item></instancesSet></TerminateInstancesResponse>"
    )
    alive: list[int] = []

    def answer() -> Any:
        alive.append(len(world.alive()))
        return answer_with(200, said)

    answering(clients, "ec2.TerminateInstances", answer, answer, answer)
    world.run(make_jobs(), clients=clients, script=STAYS)
    assert alive == [1, 1, 1]
    assert world.alive() == []
    assert world.kinds()[-1] == "gone"


def test_fault_08_interrupted_once_drains(world: World) -> None:
    """After one Ctrl-C the instances are ended, what they have is fetched, and the client ends in order."""
    with world.client(script=HANGS, jobs=2) as process:
        wait_until(lambda: len(world.alive()) == 2 and len(world.lines("launched")) == 2)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[0]
    assert process.returncode == 0, said
    assert said.count("error: interrupted") == 2
    assert "once more to end at once" in said
    assert world.alive() == []
    assert world.kinds()[-1] == "gone"


def test_fault_08_interrupted_twice_ends_at_once_with_the_reap_command(world: World) -> None:
    """The second Ctrl-C, while AWS does not let the instances end, ends the client, which says how to end them."""
    with world.client(script=HANGS) as process:
        wait_until(lambda: world.lines("launched"))
        world.fault("TerminateInstances", "RequestLimitExceeded", 503, times=10**6)
        process.send_signal(signal.SIGINT)
        wait_until(lambda: world.calls("TerminateInstances"))
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[0]
    assert process.returncode == 2, said
    assert "pytest-benchmark-aws reap\n" in said
    assert len(world.alive()) == 1
    assert world.kinds()[-1] == "terminating"


def test_fault_09_asleep_for_hours_late_results_are_fetched(world: World) -> None:
    """A client that wakes when all is long over, and its network a while later, finds the result, not a failure."""
    clients = world.clients()

    def sleeps(clock: QuickClock) -> None:
        if clock.skipped < 8 * 3600:
            wait_until(lambda: world.instances() and not world.alive())
            clock.skipped += 8 * 3600
            world.fault("DescribeInstances", "Unavailable", 503, times=20)

    world.clock.on_sleep = sleeps
    (done,) = world.run(make_jobs(), clients=clients)
    assert done.outcome.outcome == "passed"
    assert done.billed_seconds == LIMIT_S + GRACE_S  # no instance lives longer, however long the client slept
    assert any("waits for AWS" in line for line in world.watched)


def test_fault_09_asleep_for_hours_the_deadline_holds(tmp_path: Path, no_backoff: list[float]) -> None:
    """While the client sleeps, the instance that hangs powers itself off; the client wakes and says so."""
    with opened(tmp_path, minute=0.01) as world:

        def sleeps(clock: QuickClock) -> None:
            if clock.skipped < 8 * 3600:
                wait_until(lambda: world.instances() and not world.alive())
                clock.skipped += 8 * 3600

        world.clock.on_sleep = sleeps
        (done,) = world.run(make_jobs(), script=HANGS)
        assert not done.outcome.whole
        assert "Client.InstanceInitiatedShutdown" in done.outcome.outcome
        assert "past its time limit" in done.outcome.outcome
        assert world.calls("TerminateInstances") == 1


def test_fault_09_the_clock_counts_a_machines_sleep() -> None:
    """The runner's clock is the one that goes on while the machine is suspended."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    before = time.clock_gettime(clock)
    assert before <= RealClock().monotonic() <= time.clock_gettime(clock)


def test_fault_10_a_second_client_is_refused(world: World) -> None:
    """While a process works on a run, another one that would go on with it ends, and launches nothing."""
    with world.client(script=HANGS) as first:
        wait_until(lambda: world.lines("launched"))
        with world.client(resume=True) as second:
            said = second.communicate(timeout=60)[0]
        assert second.returncode == 3, said
        assert "is being followed by another process" in said
        with pytest.raises(JournalError, match="is being followed by another process"):
            world.run(make_jobs(), resume=True)
        done = world.pytest("--aws-resume", RUN)
        assert done.code == pytest.ExitCode.USAGE_ERROR, done.text
        assert "Errno" not in done.text
        assert "is being followed by another process" in done.text
        assert "Traceback" not in done.text
        assert len(world.instances()) == 1
        first.send_signal(signal.SIGINT)
        assert "error: interrupted" in first.communicate(timeout=60)[0]
    assert world.alive() == []
