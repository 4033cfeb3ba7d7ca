"""Rows 11 to 20 of the fault table: the disk, the journal's end, and what AWS answers."""

from __future__ import annotations

import os
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.aws.clients import Clients
from pytest_benchmark_aws.core.errors import CleanupError
from pytest_benchmark_aws.core.plan import most_usd
from pytest_benchmark_aws.embedded.iam.authorization import Key
from pytest_benchmark_aws.run import history
from pytest_benchmark_aws.run.journal import JournalError, read
from tests.faults.wire import answer_with, answering, ec2_error, form
from tests.faults.world import HANGS, RUN, STAYS, QuickClock, World, make_backend, make_jobs, opened
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

NOT_ALLOWED = (
    "You are not authorized to perform this operation. User: arn:aws:iam::123456789012:user/x is not authorized to "
    "perform: ec2:CreateTags on resource: arn:aws:ec2:us-east-1:123456789012:instance/* because no identity-based "
    "policy allows the ec2:CreateTags action"
)
SHOWN_NOTHING = (
    '<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><reservationSet/>'
    "</DescribeInstancesResponse>"
)


@pytest.mark.parametrize(("room", "lines"), [(0, 0), (20, 0), (600, 1)])
def test_fault_11_disk_full_refuses_to_launch(world: World, room: int, lines: int) -> None:
    """Where the intent, or the request that its token stands for, cannot be written, nothing is launched."""
    with world.client(room=room) as process:
        said = process.communicate(timeout=60)[0]
    assert re.search("File too large|bytes written", said), said
    assert world.calls("RunInstances") == 0
    assert len(world.lines("intent")) == lines
    (done,) = world.run(make_jobs(), resume=True)  # once there is room
    assert done.outcome.outcome == "passed"
    assert len(world.instances()) == 1


def test_fault_12_a_torn_last_line_is_ignored(world: World) -> None:
    """The launch whose line the disk has only in part is found by the token of the line before."""
    world.killed_client(die_after="launched", script=STAYS)
    whole = world.journal_path.read_bytes()
    world.journal_path.write_bytes(whole[:-30])
    (done,) = world.run(make_jobs(), resume=True)
    (instance,) = world.instances()
    assert (done.instance_id, done.outcome.outcome) == (instance["id"], "passed")
    assert world.kinds()[:4] == ["run", "intent", "resumed", "intent"]
    assert world.alive() == []


def test_fault_12_a_torn_middle_is_loud(world: World) -> None:
    """A journal whose middle is damaged is not gone on with; the run is listed as open, with the line."""
    world.killed_client(die_after="launched", script=STAYS)
    run, intent, launched, end = world.journal_path.read_bytes().split(b"\n")
    world.journal_path.write_bytes(b"\n".join([run, intent[:-30], launched, end]))
    with pytest.raises(JournalError, match=r"line 2 is damaged; look at the account by tag"):
        world.run(make_jobs(), resume=True)
    (record,) = history.runs(world.folder / "runs")
    assert (record.state, "line 2 is damaged" in record.problem) == ("open", True)
    assert len(world.instances()) == 1


def test_fault_13_request_limit_exceeded_is_paced_with_the_same_token(world: World, no_backoff: list[float]) -> None:
    """Throttled beyond botocore's retries, the launch is said again, later and later, by its token."""
    clients = world.clients()
    asked = answering(clients, "ec2.RunInstances", *[lambda: ec2_error("RequestLimitExceeded", 503)] * 20)
    (done,) = world.run(make_jobs(), clients=clients, script=STAYS)
    assert done.outcome.outcome == "passed"
    assert len(asked) == 21
    assert len({form(request)["ClientToken"] for request in asked}) == 1
    assert world.clock.slept[:2] == [2.0, 4.0]
    assert len(no_backoff) == 7 + 7 + 4  # botocore's own waits, of 8 + 8 + 5 calls
    assert world.kinds()[:5] == ["run", "intent", "intent", "intent", "launched"]
    assert len(world.instances()) == 1


def test_fault_13_throttled_for_good_fails_alone(world: World) -> None:
    """Where the throttling does not end, the job fails in AWS's words, and nothing was launched."""
    clients = world.clients()
    answering(clients, "ec2.RunInstances", *[lambda: ec2_error("RequestLimitExceeded", 503)] * 10**4)
    (done,) = world.run(make_jobs(), clients=clients)
    assert "RequestLimitExceeded" in done.outcome.outcome
    assert world.instances() == []


def test_fault_14_no_capacity_next_zone_new_token(world: World) -> None:
    """InsufficientInstanceCapacity in two zones: the third launches, each asked under a token of its own."""
    clients = world.clients()
    tokens: dict[str, str] = {}

    def handler(request: Any, **_: Any) -> Any:
        said = form(request)
        tokens[said["SubnetId"]] = said["ClientToken"]
        return ec2_error("InsufficientInstanceCapacity", 500) if len(tokens) < 3 else None

    clients.on("before-send.ec2.RunInstances", handler)
    (done,) = world.run(make_jobs(), clients=clients)
    (instance,) = world.instances()
    assert done.outcome.outcome == "passed"
    assert len(set(tokens.values())) == 3
    assert instance["client_token"] == list(tokens.values())[-1]
    intents = world.lines("intent")
    assert {line["subnet"]: line["token"] for line in intents} == tokens
    assert done.zone == instance["zone"] == intents[-1]["zone"]


def test_fault_15_vcpu_limit_waits_for_its_wave(world: World) -> None:
    """Where the quota holds one instance, the second job waits for the first one's end, and passes."""
    world.aws.control("quota", {"vcpus": 2})
    done = world.run(make_jobs(2))
    assert [one.outcome.outcome for one in done] == ["passed", "passed"]
    assert any("VcpuLimitExceeded" in line and "waits" in line for line in world.watched)
    assert len(world.instances()) == 2


@pytest.mark.parametrize(
    ("market", "code", "quota"),
    [
        ("on-demand", "VcpuLimitExceeded", "L-1216C47A"),
        ("spot", "MaxSpotInstanceCountExceeded", "L-34B43A08"),
    ],
)
def test_fault_15_a_quota_too_small_is_named(world: World, market: Any, code: str, quota: str) -> None:
    """With nothing to wait for, the job fails with the quota's code; other zones, alike, are not asked."""
    world.aws.control("quota", {"vcpus": 1, "spot_vcpus": 1})
    (done,) = world.run(make_jobs(market=market))
    assert code in done.outcome.outcome
    assert f"Service Quotas, EC2, {quota}" in done.outcome.outcome
    assert world.calls("RunInstances") == 1
    assert world.instances() == []


def test_fault_16_not_shown_just_after_launch_is_not_gone(world: World) -> None:
    """Looks that do not show the instance, or say InvalidInstanceID.NotFound, are looked again."""
    clients = world.clients()
    said = [lambda: answer_with(200, SHOWN_NOTHING), lambda: ec2_error("InvalidInstanceID.NotFound")]
    answering(clients, "ec2.DescribeInstances", *said * 3)
    (done,) = world.run(make_jobs(), clients=clients)
    assert done.outcome.outcome == "passed"
    assert len(world.instances()) == 1


def test_fault_16_interrupted_just_after_launch_is_not_taken_for_gone(world: World) -> None:
    """Terminate knows no such id, and no look shows it: the run goes on asking until it is terminated."""
    clients = world.clients()
    answering(clients, "ec2.TerminateInstances", *[lambda: ec2_error("InvalidInstanceID.NotFound")] * 2)
    answering(clients, "ec2.DescribeInstances", *[lambda: answer_with(200, SHOWN_NOTHING)] * 3)
    world.run(make_jobs(), clients=clients, script=HANGS, stop=lambda: bool(world.lines("launched")))
    (instance,) = world.instances()
    assert instance["state"] in {"shutting-down", "terminated"}  # neither is alive
    assert world.kinds()[-1] == "gone"


def lose_at_start(world: World, times: int) -> Any:
    """Ends instances while they are pending, as EC2 does where a host fails."""
    lost: list[str] = []

    def lose(_: QuickClock) -> None:
        for one in world.instances():
            if one["state"] == "pending" and len(lost) < times:
                lost.append(one["id"])
                reason = {"code": "Server.InternalError", "message": "Internal error on launch"}
                world.aws.control(f"instances/{one['id']}/fail", reason)

    return lose


def test_fault_17_pending_to_terminated_is_tried_again(tmp_path: Path, no_backoff: list[float]) -> None:
    """An instance that EC2 loses at its start is launched again, as a new attempt by a new token."""
    with opened(tmp_path, state_delay=0.4) as world:
        world.clock.on_sleep = lose_at_start(world, 1)
        (done,) = world.run(make_jobs())
        assert (done.outcome.outcome, done.attempts) == ("passed", 2)
        assert any("Server.InternalError" in line and "attempt 1 of" in line for line in world.watched)
        assert [line["attempt"] for line in world.lines("intent")] == [1, 2]
        assert len({one["client_token"] for one in world.instances()}) == 2


@pytest.mark.parametrize("launches", [1, 3])
def test_fault_17_attempts_end_with_the_budget_or_their_number(
    tmp_path: Path, no_backoff: list[float], launches: int
) -> None:
    """No attempt is made that could pass the most USD, nor a fourth; the failure shows EC2's state reason."""
    with opened(tmp_path, state_delay=0.4) as world:
        world.clock.on_sleep = lose_at_start(world, 10)
        (job,) = make_jobs()
        most = most_usd(job) if launches == 1 else Decimal(100)
        (done,) = world.run([job], max_usd=most)
        assert "(Server.InternalError: Internal error on launch" in done.outcome.outcome
        assert len(world.instances()) == done.attempts == launches
        assert world.alive() == []


@pytest.mark.parametrize("operation", ["ec2.DescribeInstances", "s3.ListObjectsV2", "ec2.RunInstances"])
def test_fault_18_credentials_expire_and_come_back(world: World, operation: str) -> None:
    """The run pauses, says how to go on, and goes on when they are there again."""
    clients = world.clients()
    ended = (
        (lambda: answer_with(400, "<Error><Code>ExpiredToken</Code><Message>expired</Message></Error>"))
        if operation.startswith("s3")
        else (lambda: ec2_error("RequestExpired"))
    )
    answering(clients, operation, *[ended] * 3)
    (done,) = world.run(make_jobs(), clients=clients)
    assert done.outcome.outcome == "passed"
    assert any("the credentials have ended" in line and "log in again" in line for line in world.watched)
    assert len(world.instances()) == 1


KEYS = "[default]\naws_access_key_id = {0}\naws_secret_access_key = {0}\naws_session_token = {0}\n"


@pytest.fixture
def from_disk(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of keys that clients read, which at first holds AKIAOLD, a session's that AWS no longer knows."""
    file = tmp_path / "credentials"
    for name in ("AKIAOLD", "AKIANEW", "AKIAOTHER"):
        world.aws.accept(Key(name, name, name))
    file.write_text(KEYS.format("AKIAOLD"))
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    endpoint, region = world.aws.endpoint, world.aws.environment()["AWS_REGION"]
    told = {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": region, "AWS_SHARED_CREDENTIALS_FILE": str(file)}
    for name, value in (told | {"AWS_CONFIG_FILE": os.devnull}).items():
        monkeypatch.setenv(name, value)
    return file


def expire(clients: Clients, key: str) -> list[tuple[str, str]]:
    """From the first launch on AWS refuses what is signed with the key; gives service and key of what it takes."""
    taken: list[tuple[str, str]] = []
    launched: list[bool] = []

    def handler(request: Any, event_name: str, **_: Any) -> Any:
        signed = request.headers.get("Authorization", b"")
        used = re.search(r"Credential=(\w+)/", signed.decode() if isinstance(signed, bytes) else signed)
        if event_name.endswith(".RunInstances"):
            launched.append(True)
        elif launched and used and used[1] == key:
            code = "<Code>ExpiredToken</Code><Message>The security token has expired</Message>"
            ec2 = f"<Response><Errors><Error>{code}</Error></Errors></Response>"
            return answer_with(400, ec2 if ".ec2." in event_name else f"<Error>{code}</Error>")
        elif launched and used:
            taken.append((event_name.split(".")[1], used[1]))
        return None

    clients.on("before-send", handler)
    return taken


def test_fault_18_keys_that_are_rewritten_on_disk_are_taken(world: World, from_disk: Path) -> None:
    """Static keys that end are waited for, and those that a login writes to the same file are read and used."""
    clients = Clients(None, None)
    taken = expire(clients, "AKIAOLD")

    def log_in(_: QuickClock) -> None:
        if len(world.clock.slept) > 3:
            from_disk.write_text(KEYS.format("AKIANEW"))

    world.clock.on_sleep = log_in
    (done,) = world.run(make_jobs(), clients=clients, script=STAYS)
    assert done.outcome.outcome == "passed"
    assert any("the credentials have ended (ExpiredToken): log in again" in line for line in world.watched)
    assert {key for _, key in taken} == {"AKIANEW"}
    assert (len(world.instances()), world.alive()) == (1, [])


def test_fault_18_keys_of_another_account_are_not_taken(world: World, from_disk: Path) -> None:
    """They would not see the instances, which must not be taken for gone: the right account's are waited for."""
    clients = Clients(None, None)
    taken = expire(clients, "AKIAOLD")

    def of_another(request: Any, **_: Any) -> Any:
        if b"AKIAOTHER/" not in request.headers["Authorization"]:
            return None
        who = "<Arn>arn:aws:iam::999999999999:user/x</Arn><UserId>x</UserId><Account>999999999999</Account>"
        result = f"<GetCallerIdentityResult>{who}</GetCallerIdentityResult>"
        space = "https://sts.amazonaws.com/doc/2011-06-15/"
        return answer_with(200, f'<GetCallerIdentityResponse xmlns="{space}">{result}</GetCallerIdentityResponse>')

    clients.on("before-send.sts.GetCallerIdentity", of_another)

    def log_in(_: QuickClock) -> None:
        refused = any("are of account 999999999999, this run's is 123456789012" in line for line in world.watched)
        from_disk.write_text(KEYS.format("AKIANEW" if refused else "AKIAOTHER"))

    world.clock.on_sleep = log_in
    (done,) = world.run(make_jobs(), clients=clients, script=STAYS)
    assert done.outcome.outcome == "passed"
    assert any("are of account 999999999999" in line for line in world.watched)
    assert world.alive() == []
    assert {key for service, key in taken if service != "sts"} == {"AKIANEW"}


def test_fault_18_credentials_that_stay_away_the_guest_ends_itself(tmp_path: Path, no_backoff: list[float]) -> None:
    """Without credentials until the end, the client names what it could not see; the instance powers itself off."""
    with opened(tmp_path, minute=0.01) as world:
        clients = world.clients()
        answering(clients, "ec2.DescribeInstances", *[lambda: ec2_error("RequestExpired")] * 10**4)
        answering(clients, "ec2.TerminateInstances", *[lambda: ec2_error("RequestExpired")] * 10**4)

        def passes(clock: QuickClock) -> None:
            clock.skipped += 200

        world.clock.on_sleep = passes
        with pytest.raises(CleanupError, match=r"credentials have ended.* not seen to be gone: i-\w+"):
            world.run(make_jobs(), clients=clients, script=HANGS)
        wait_until(lambda: not world.alive())
        (instance,) = world.instances()
        assert instance["state_reason"] == "Client.InstanceInitiatedShutdown"


def test_fault_19_what_the_policy_lacks_is_found_by_a_dry_run(world: World) -> None:
    """Before any launch AWS is asked whether it would; the answer names the missing action and the remedy."""
    clients = world.clients()
    asked = answering(clients, "ec2.RunInstances", None, lambda: ec2_error("UnauthorizedOperation", 403, NOT_ALLOWED))
    backend = make_backend(clients, world.folder)
    (job,) = make_jobs()
    assert backend.refusal(job) is None
    told = backend.refusal(job)
    assert told is not None
    assert told.startswith("the policy lacks ec2:CreateTags: pytest-benchmark-aws policy client prints")
    assert [form(request)["DryRun"] for request in asked] == ["true", "true"]
    assert world.instances() == []


def test_fault_19_pytest_ends_before_a_launch_that_aws_would_refuse(world: World) -> None:
    """``pytest --aws``: the dry run's refusal is a usage error of one line, and nothing was launched."""
    world.fault("RunInstances", "UnauthorizedOperation", 403, message=NOT_ALLOWED)
    done = world.pytest()
    assert done.code == pytest.ExitCode.USAGE_ERROR, done.text
    assert "nothing was launched: the policy lacks ec2:CreateTags" in done.text
    assert "Traceback" not in done.text
    assert world.instances() == []


def test_fault_20_a_token_of_another_launch_stops_the_run(world: World) -> None:
    """IdempotentParameterMismatch: nothing more is launched, what runs is ended, and the reap command is named."""
    jobs = make_jobs(3)
    clients = world.clients()
    answering(clients, "ec2.RunInstances", None, lambda: ec2_error("IdempotentParameterMismatch"))
    with pytest.raises(CleanupError, match=rf"IdempotentParameterMismatch.*pytest-benchmark-aws reap --run {RUN}"):
        world.run(jobs, clients=clients, script=HANGS)
    assert len(world.instances()) == 1
    wait_until(lambda: not world.alive())
    assert len(world.lines("intent")) == 2


def test_fault_20_a_request_that_changed_on_disk_is_a_mismatch(world: World) -> None:
    """A replay with other words than the launch's is refused by AWS, and the launch is found and ended."""
    world.killed_client(die_at="response-received.ec2.RunInstances", script=HANGS)
    (kept,) = world.journal_path.parent.glob("launch-*.json")
    kept.write_text(kept.read_text().replace('"disk_gib": 30', '"disk_gib": 31'))
    with pytest.raises(CleanupError, match="IdempotentParameterMismatch"):
        world.run(make_jobs(), resume=True)
    assert len(world.instances()) == 1
    wait_until(lambda: not world.alive())
    assert [line["kind"] for line in read(world.journal_path)].count("launched") == 0
