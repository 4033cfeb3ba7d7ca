"""Groups of machines: each row of the fault table that can happen to one, and what only can happen to a group."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.aws.s3_run_bucket import default_bucket
from pytest_benchmark_aws.backends.ec2.groups import Groups
from pytest_benchmark_aws.core.errors import ThrottledError
from pytest_benchmark_aws.core.model import Job, Market
from pytest_benchmark_aws.core.plan import most_usd
from pytest_benchmark_aws.run.ledger import Past
from tests.faults.wire import form, lose_replies
from tests.faults.world import RUN, QuickClock, World, make_backend, make_jobs
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pytest_benchmark_aws.aws.ec2 import Instance

ZONES = ("us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d", "us-east-1e", "us-east-1f")
PLACE = """
import os
base = os.environ["AWS_EC2_METADATA_SERVICE_ENDPOINT"] + "/latest"

def imds(path, method="GET", **headers):
    request = urllib.request.Request(f"{base}/{path}", method=method, headers=headers)
    return urllib.request.urlopen(request).read().decode()

token = imds("api/token", "PUT", **{"X-aws-ec2-metadata-token-ttl-seconds": "60"})
place = int(imds("meta-data/ami-launch-index", **{"X-aws-ec2-metadata-token": token}))

def end(outcome):
    what = job["group"]["members"][place - 1]
    for name, data in (("log", b"a member's log"), ("done", json.dumps({"outcome": outcome}).encode())):
        request = urllib.request.Request(what[name]["url"], data, what[name].get("headers", {}), method="PUT")
        urllib.request.urlopen(request)
"""
IN_ORDER = f"""{PLACE}
if place:
    end("passed")
else:
    for url in job["group"]["ends"]:
        while True:
            try:
                urllib.request.urlopen(url)
                break
            except urllib.error.HTTPError:
                time.sleep(0.05)
    deliver()
"""
"""The others deliver and end; then the first does."""
WAITS = "put('heartbeat', b'{}'); signal.pause()"


def group_jobs(count: int = 2, market: Market = "on-demand") -> list[Job]:
    """One job of a group of m5.large."""
    return make_jobs(market=market, machines=count)


def agents(world: World) -> list[str]:
    """Keys in the bucket of what holds the keys of clusters."""
    clients = world.clients()
    return [key for key in default_bucket(clients, clients.account()).listing("runs/") if key.endswith("agent.pyz")]


def once_running(world: World, act: Any) -> None:
    """Acts on the instances of each launch, in the order of their index, as soon as all of them run."""
    acted: set[str] = set()

    def on_sleep(_: QuickClock) -> None:
        instances = [instance for instance in world.instances() if instance["id"] not in acted]
        if instances and all(instance["state"] == "running" for instance in instances):
            acted.update(instance["id"] for instance in instances)
            act(instances)

    world.clock.on_sleep = on_sleep


def fails(world: World, index: int, reason: str = "Server.InternalError") -> None:
    """One of the machines breaks once all run."""
    told = {"code": reason, "message": "a fault of the machine"}
    once_running(world, lambda instances: world.aws.control(f"instances/{instances[index]['id']}/fail", told))


def test_a_group_is_one_launch_of_all(world: World) -> None:
    """One call, one reservation, all in one subnet; each is tagged with its share; their logs and no keys are left."""
    (job,) = group_jobs(3)
    (done,) = world.run([job], script=IN_ORDER)
    assert done.outcome.outcome == "passed"
    assert (done.instance_id or "").startswith("r-")
    assert done.outcome.log.count("a member's log") == 2
    assert done.outcome.log.endswith("the guest's log")
    instances = world.instances()
    assert (len(instances), world.alive(), world.calls("RunInstances")) == (3, [], 1)
    assert len({instance["zone"] for instance in instances}) == 1
    tags = [instance["tags"] for instance in instances]
    assert {tag["pytest-benchmark-aws:price"] for tag in tags} == {"0.1"}
    assert {tag["pytest-benchmark-aws:count"] for tag in tags} == {"3"}
    assert agents(world) == []
    kept = [path for path in world.folder.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
    assert kept == []


def test_the_keys_are_there_while_the_group_runs(world: World) -> None:
    """And gone once it is over, though it never delivered."""
    seen: list[list[str]] = []

    def look_and_power_off(instances: list[dict[str, Any]]) -> None:
        seen.append(agents(world))
        world.aws.control(f"instances/{instances[0]['id']}/poweroff", {})

    once_running(world, look_and_power_off)
    world.run(group_jobs(), script=WAITS)
    assert seen == [[f"runs/{RUN}/m5.large-x2/1/agent.pyz"]]
    assert agents(world) == []


def test_half_a_group_is_refused_for_capacity(world: World) -> None:
    """No zone has room for both: nothing is launched, nothing is paid, no keys are left."""
    for zone in ZONES:
        world.aws.control("capacity", {"zone": zone, "instance_type": "m5.large", "available": 1})
    (done,) = world.run(group_jobs())
    assert "no capacity for m5.large" in done.outcome.outcome
    assert (done.usd, world.instances(), agents(world)) == (Decimal(0), [], [])


def test_another_zone_has_room_for_all(world: World) -> None:
    """A zone that has one machine launches none of them; the next launches both."""
    for zone in ZONES[:1]:
        world.aws.control("capacity", {"zone": zone, "instance_type": "m5.large", "available": 1})
    (done,) = world.run(group_jobs(), script=IN_ORDER)
    assert done.outcome.outcome == "passed"
    assert {instance["zone"] for instance in world.instances()} == {done.zone}
    assert done.zone != ZONES[0]
    assert len(world.instances()) == 2


def test_the_quota_counts_all_machines(world: World) -> None:
    """Two of two vCPUs each do not fit into three: none is launched."""
    world.aws.control("quota", {"vcpus": 3})
    (done,) = world.run(group_jobs())
    assert "VcpuLimitExceeded" in done.outcome.outcome
    assert world.instances() == []


def test_the_cap_counts_all_machines(world: World) -> None:
    """What two may cost is more than a cap that one would keep."""
    (job,) = group_jobs()
    (done,) = world.run([job], max_usd=most_usd(job) * Decimal("0.75"))
    assert "--aws-max-cost" in done.outcome.outcome
    assert world.instances() == []


@pytest.mark.parametrize("index", [0, 1])
def test_a_machine_dies_and_the_rest_is_ended(world: World, index: int) -> None:
    """Whichever it is; the outcome says which, and whose doing it was."""
    fails(world, index)
    (done,) = world.run(group_jobs(), script=WAITS)
    assert f"machine {index + 1} of 2, is gone (Server.InternalError: a fault of the machine)" in done.outcome.outcome
    assert (done.outcome.cause, world.alive(), agents(world)) == ("lost", [], [])
    assert done.usd <= most_usd(group_jobs()[0])


def test_a_spot_machine_is_taken_back(world: World) -> None:
    """One of them ends the group, and its cause is that of one machine's: it may be launched again."""
    once_running(world, lambda instances: world.aws.control(f"instances/{instances[1]['id']}/spot-kill", {}))
    (done,) = world.run(group_jobs(market="spot"), script=WAITS)
    assert (done.outcome.cause, world.alive()) == ("taken back", [])
    assert done.usd_per_hour == 2 * Decimal("0.0336")  # spot's own price, of both


def test_a_machine_that_could_not_begin_ends_the_group(world: World) -> None:
    """Its own words are the reason; the first, which waits for it, is ended at once."""
    script = f"{PLACE}\nif place: end('error: dnf could not install python3.11')\nelse: {WAITS}\n"
    (done,) = world.run(group_jobs(), script=script)
    assert "machine 2 of 2: error: dnf could not install python3.11" in done.outcome.outcome
    assert world.alive() == []


def test_a_lost_reply_is_the_same_group(world: World) -> None:
    """However often it is lost, two machines are launched by one token."""
    clients = world.clients()
    sent = lose_replies(clients, "ec2.RunInstances", 12)
    (done,) = world.run(group_jobs(), script=IN_ORDER, clients=clients)
    assert done.outcome.outcome == "passed"
    assert len({form(request)["ClientToken"] for request in sent}) == 1
    assert (len(world.instances()), world.alive()) == (2, [])


@pytest.mark.parametrize(
    "died", [{"die_before": "intent"}, {"die_at": "response-received.ec2.RunInstances"}, {"die_after": "launched"}]
)
def test_a_killed_client_is_gone_on_with(world: World, died: dict[str, str]) -> None:
    """Before the launch, after it and before its answer, and after that: there is one group, and it delivers."""
    world.killed_client(script=f"{IN_ORDER}\nsignal.pause()", machines=2, **died)
    (done,) = world.run(group_jobs(), script=IN_ORDER, resume=True)
    assert done.outcome.outcome == "passed"
    assert (len(world.instances()), world.alive(), agents(world)) == (2, [], [])


def test_a_group_is_found_by_its_tags_on_another_machine(world: World) -> None:
    """Without the journal, the tags tell the launch and the price of all; it is taken over and not made again."""
    (job,) = group_jobs()
    backend = make_backend(world.clients(), world.journal_path.parent, script=f"{IN_ORDER}\nsignal.pause()")
    world.journal_path.parent.mkdir(parents=True)
    handle = backend.launch(job, backend.placements(job, 1)[0])
    elsewhere = World(world.aws, world.folder.parent / "elsewhere")
    (past,) = elsewhere.past_by_tags()
    assert (past.instance_id, past.usd_per_hour) == (handle.instance_id, Decimal("0.2"))
    (done,) = elsewhere.run([job], past=[past])
    assert (done.instance_id, done.outcome.outcome) == (handle.instance_id, "passed")
    assert (len(world.instances()), world.alive(), agents(world)) == (2, [], [])


def test_a_token_of_a_group_that_is_half_over(world: World) -> None:
    """EC2 answers that the token's instance is terminated; the other one is found by the tag, and ended."""
    (job,) = group_jobs()
    world.journal_path.parent.mkdir(parents=True)
    backend = make_backend(world.clients(), world.journal_path.parent, script=WAITS)
    placement = backend.placements(job, 1)[0]
    backend.launch(job, placement)
    world.aws.control(f"instances/{world.instances()[1]['id']}/fail", {"code": "Server.X", "message": "gone"})
    again = make_backend(world.clients(), world.journal_path.parent, script=WAITS)
    handle = again.launch(job, placement)
    assert again.poll([handle])[handle.instance_id].state == "gone"
    assert again.alive() == [handle.instance_id]
    assert again.machines(again.alive()) == [instance["id"] for instance in world.instances()]
    again.terminate([handle.instance_id])
    assert world.alive() == []


def test_a_group_past_its_deadline_is_ended_whole(world: World) -> None:
    """By any later run."""
    (job,) = group_jobs(3)
    world.journal_path.parent.mkdir(parents=True)
    backend = make_backend(world.clients(), world.journal_path.parent, script=WAITS)
    backend.launch(replace(job, time_limit_s=120, grace_s=-119), backend.placements(job, 1)[0])
    assert len(world.alive()) == 3
    another, overdue = make_backend(world.clients(), world.folder, run="another"), []
    wait_until(lambda: overdue.extend(another.end_overdue()) or overdue)
    assert [launch.instance_id[:2] for launch in overdue] == ["r-"]
    assert world.alive() == []


def test_reap_ends_all_of_them(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As instances, whose ids it prints."""
    from pytest_benchmark_aws import cli

    (job,) = group_jobs()
    world.journal_path.parent.mkdir(parents=True)
    backend = make_backend(world.clients(), world.journal_path.parent, script=WAITS)
    backend.launch(job, backend.placements(job, 1)[0])
    for name, value in world.aws.environment().items():
        monkeypatch.setenv(name, value)
    assert cli.main(["reap", "--run", RUN]) == 0
    assert "2 instances ended" in capsys.readouterr().out
    assert world.alive() == []


def test_a_request_whose_keys_are_gone_is_never_launched(world: World) -> None:
    """A run that was ended before AWS answered has deleted them: gone on with, it makes an attempt with new ones."""
    (job,) = group_jobs()
    world.journal_path.parent.mkdir(parents=True)
    backend = make_backend(world.clients(), world.journal_path.parent)
    placement = backend.placements(job, 1)[0]
    world.fault("RunInstances", "RequestLimitExceeded", 503, times=20)
    with pytest.raises(ThrottledError):
        backend.launch(job, placement)
    assert (backend.alive(), agents(world)) == ([], [])
    past = Past(job.name, placement, None, 0.0)
    (done,) = world.run([job], script=IN_ORDER, past=[past])
    assert (done.outcome.outcome, done.attempts) == ("passed", 2)
    assert (len(world.instances()), world.alive(), agents(world)) == (2, [], [])


def test_a_refused_end_is_asked_for_again(world: World) -> None:
    """TerminateInstances that fails for a moment leaves nothing alive."""
    clients = world.clients()
    world.fault("TerminateInstances", "InternalError", 500, times=8)
    (done,) = world.run(group_jobs(), script=f"{IN_ORDER}\nsignal.pause()", clients=clients)
    assert done.outcome.outcome == "passed"
    assert world.alive() == []


def test_keys_that_may_not_be_deleted_are_said_before_a_launch(world: World) -> None:
    """The policy lacks s3:DeleteObject: nothing is launched."""
    (job,) = group_jobs()
    world.journal_path.parent.mkdir(parents=True)
    backend = make_backend(world.clients(), world.journal_path.parent)
    world.fault("DeleteObject", "AccessDenied", 403)
    with pytest.raises(Exception, match="AccessDenied"):
        backend.prepare([job], backend.shipments)
    assert world.instances() == []


def member(index: int, state: str = "running", *, count: int = 2, age_s: float = 10.0) -> Instance:
    """A machine of a group as EC2 shows it."""
    from pytest_benchmark_aws.aws.ec2 import Instance

    launched = datetime.now(timezone.utc) - timedelta(seconds=age_s)
    return Instance(
        f"i-{index}", state, "", "us-east-1a", "job", 1, "token", RUN, "subnet", launched, None,
        usd_per_hour=Decimal("0.1"), reservation="r-1", count=count, index=index,
    )  # fmt: skip


def test_a_machine_that_is_not_shown_yet_is_missed() -> None:
    """Of a group that is half shown nobody says that it is over, be the shown half terminated."""
    groups = Groups()
    (launch,) = groups.look([member(0, "terminated")])
    assert (launch.instance_id, launch.alive, launch.usd_per_hour) == ("r-1", True, Decimal("0.2"))
    (launch,) = groups.look([member(0, "terminated", age_s=600)])
    assert not launch.alive


def test_a_machine_that_is_shown_no_more_is_gone() -> None:
    """Minutes after the launch; one that has ended in order is none."""
    groups = Groups()
    groups.look([member(0, age_s=600)])
    now = datetime.now(timezone.utc)
    loss = groups.members["r-1"].loss(now, {})
    assert loss is not None
    assert "machine 2 of 2 is gone" in loss.reason
    assert groups.members["r-1"].loss(now, {1: "passed"}) is None
    groups.look([member(0)])
    assert groups.members["r-1"].loss(now, {}) is None


def test_workers_that_fail_as_aws_took_a_machine_do_not_hide_it() -> None:
    """The scheduler's machine was taken back, so that the other's worker ended: the group is launched again."""
    groups = Groups()
    taken = replace(member(0, "terminated"), reason="Server.SpotInstanceTermination: taken back")
    groups.look([taken, member(1)])
    loss = groups.members["r-1"].loss(datetime.now(timezone.utc), {1: "error: its worker ended with exit code 1"})
    assert loss is not None
    assert (loss.cause, "machine 1 of 2, is gone" in loss.reason) == ("taken back", True)


def test_single_instances_stay_as_they_are() -> None:
    """Their reservation is nobody's name."""
    groups = Groups()
    alone = member(0, count=1)
    assert groups.look([alone]) == [alone]
    assert groups.instance_ids(["i-0", "r-unknown"]) == ["i-0"]
