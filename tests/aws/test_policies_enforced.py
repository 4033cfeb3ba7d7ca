"""Runs by users and roles that hold exactly the printed policies, on an embedded AWS that enforces them."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.awsproject import Done

pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")

from tests.aws.tenant import ACCOUNT, BUCKET, KILLER, REGION, RUNNER, Ran, Tenant, needs_a_launch, opened, printed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@needs_a_launch
@pytest.mark.parametrize("which", ["plain", "with_profile", "with_scheduler"])
def test_a_whole_run_passes_with_exactly_the_printed_policies(which: str, request: pytest.FixtureRequest) -> None:
    """It ends well, nothing is alive, and nothing of it was refused, neither to the user nor to the instance."""
    ran: Ran = request.getfixturevalue(which)
    assert ran.done.code == 0, ran.done.text
    assert "0 instances of this run are alive" in ran.done.out
    assert [instance["state"] for instance in ran.instances] == ["terminated"]
    assert [decision for decision in ran.decisions if not decision["allowed"]] == []


@needs_a_launch
def test_a_guest_without_a_profile_signs_as_the_user(plain: Ran) -> None:
    """Its uploads come by URLs that the user presigned, and are authorized as the user's; nobody else calls."""
    assert {decision["caller"] for decision in plain.decisions} == {RUNNER}
    assert any(action == "s3:PutObject" and resource.endswith("/1/done") for action, resource in plain.by(RUNNER))


@needs_a_launch
def test_a_guest_with_a_profile_signs_as_its_role(with_profile: Ran) -> None:
    """Bundles and deliveries are its role's, by the credentials of its own metadata service, and no one else's."""
    role = f"arn:aws:sts::{ACCOUNT}:assumed-role/bench/{with_profile.instances[0]['id']}"
    delivered = {key.rpartition("/")[2] for action, key in with_profile.by(role) if action == "s3:PutObject"}
    assert delivered == {"checkpoint", "heartbeat", "log", "data", "done"}
    assert not [key for action, key in with_profile.by(RUNNER) if action == "s3:PutObject" and key.endswith("/done")]
    assert {decision["caller"] for decision in with_profile.decisions} == {RUNNER, role}
    assert ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/bench") in with_profile.by(RUNNER)


@needs_a_launch
def test_a_guest_with_a_profile_does_all_that_its_policy_allows(with_profile: Ran) -> None:
    """The instance's policy has no resource that a run does not use."""
    role = f"arn:aws:sts::{ACCOUNT}:assumed-role/bench/"
    used = {key.removeprefix(f"arn:aws:s3:::{BUCKET}/") for _, key in with_profile.by(role)}
    for statement in printed("instance")["Statement"]:
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        for resource in resources:
            head, _, tail = resource.removeprefix(f"arn:aws:s3:::{BUCKET}/").partition("*")
            assert [key for key in used if key.startswith(head) and key.endswith(tail.removeprefix("/*"))], resource


@needs_a_launch
def test_the_scheduler_role_is_passed_to_the_scheduler(with_scheduler: Ran) -> None:
    """Arming asks for the schedule and for the role, disarming for the schedule."""
    allowed = with_scheduler.by(RUNNER)
    schedule = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/pytest-benchmark-aws-"
    schedule += with_scheduler.instances[0]["id"]
    assert {("scheduler:CreateSchedule", schedule), ("scheduler:DeleteSchedule", schedule)} <= allowed
    assert ("iam:PassRole", KILLER) in allowed


# Each policy by itself, against what is not its holder's business.


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Tenant]:
    """A fresh account."""
    with opened(tmp_path) as made:
        yield made


def code(act: Callable[..., Any], **words: Any) -> str:
    """The code of the error that a call answers."""
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as caught:
        act(**words)
    return str(caught.value.response["Error"]["Code"])


def launched(tenant: Tenant, tags: dict[str, str]) -> str:
    """An instance that somebody launched with those tags."""
    from pytest_benchmark_aws.aws.ec2 import IMAGE

    image = tenant.client("ssm").get_parameter(Name=IMAGE.format(arch="x86_64"))["Parameter"]["Value"]
    marks = [{"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]
    made = tenant.client("ec2").run_instances(
        ImageId=image, MinCount=1, MaxCount=1, InstanceType="m5.large", **({"TagSpecifications": marks} if tags else {})
    )
    return str(made["Instances"][0]["InstanceId"])


OURS = {"managed-by": "pytest-benchmark-aws", "pytest-benchmark-aws:run": "a-run"}


def reap(environment: dict[str, str], *words: str) -> Done:
    """``pytest-benchmark-aws reap``, by its own command."""
    import subprocess
    from pathlib import Path

    from tests.acceptance.awsproject import environment as cleared

    command = [sys.executable, "-m", "pytest_benchmark_aws.cli", "reap", *words]
    done = subprocess.run(command, env=cleared(**environment), capture_output=True, text=True, timeout=120, check=False)
    return Done(done.returncode, done.stdout, done.stderr, Path())


def test_reap_ends_what_is_ours_with_the_client_policy(tenant: Tenant) -> None:
    """It finds by tag and ends, and leaves what has no tag of ours."""
    ours, others = launched(tenant, OURS), launched(tenant, {"managed-by": "somebody"})
    environment = tenant.user(printed("client"))
    tenant.enforce()
    done = reap(environment)
    assert (done.code, "1 instances ended" in done.out) == (0, True), done.text
    assert ours in done.out
    states = {instance["id"]: instance["state"] for instance in tenant.aws.control("instances")}
    assert states[ours] in {"shutting-down", "terminated"}
    assert states[others] in {"pending", "running"}


def test_reap_of_all_regions_says_where_the_policy_of_one_does_not_reach(tenant: Tenant) -> None:
    """The policy's own region is looked at and what is ours there is ended; of each other one it says why not."""
    ours = launched(tenant, OURS)
    environment = tenant.user(printed("client"))
    tenant.enforce()
    done = reap(environment, "--all-regions")
    assert done.code == 1
    assert ours in done.out
    assert "could not look: eu-central-1" in done.err
    assert "not authorized to perform: ec2:DescribeInstances" in done.err
    assert f"could not look: {REGION}:" not in done.err


@pytest.mark.parametrize("tags", [{}, {"managed-by": "somebody"}, {"managed-by-too": "pytest-benchmark-aws"}])
def test_the_client_cannot_end_or_read_anothers_instance(tenant: Tenant, tags: dict[str, str]) -> None:
    """Without our tag on it TerminateInstances and GetConsoleOutput are refused, also beside one of ours."""
    others, ours = launched(tenant, tags), launched(tenant, OURS)
    ec2 = tenant.client("ec2", tenant.user(printed("client")))
    tenant.enforce()
    assert code(ec2.terminate_instances, InstanceIds=[others]) == "UnauthorizedOperation"
    assert code(ec2.terminate_instances, InstanceIds=[ours, others]) == "UnauthorizedOperation"
    assert code(ec2.get_console_output, InstanceId=others) == "UnauthorizedOperation"
    assert set(tenant.alive()) == {others, ours}
    ec2.terminate_instances(InstanceIds=[ours])


def test_the_client_cannot_make_anothers_instance_its_own(tenant: Tenant) -> None:
    """Tags are given by a launch alone: tagging what is there is refused."""
    others = launched(tenant, {})
    ec2 = tenant.client("ec2", tenant.user(printed("client")))
    tenant.enforce()
    tags = [{"Key": key, "Value": value} for key, value in OURS.items()]
    assert code(ec2.create_tags, Resources=[others], Tags=tags) == "UnauthorizedOperation"


@pytest.mark.parametrize(
    ("change", "lacking"),
    [
        ({"MetadataOptions": {"HttpTokens": "optional"}}, "instance/*"),
        ({"TagSpecifications": None}, "instance/*"),
        ({"TagSpecifications": ["instance"]}, "volume/*"),
        ({"KeyName": "a-key"}, "key-pair/a-key"),
        ({"IamInstanceProfile": {"Name": "bench-profile"}}, "role/bench"),
    ],
)
def test_the_client_launches_nothing_but_what_a_run_launches(
    tenant: Tenant, change: dict[str, Any], lacking: str
) -> None:
    """Without IMDSv2 or our tags on instance and disk, with a key to log in by, or with a role: refused."""
    from pytest_benchmark_aws.aws import ec2
    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.aws.vpc import security_groups

    tenant.role(printed("instance"), "bench", profile="bench-profile")
    clients = Clients(None, None, tenant.user(printed("client")))
    tenant.enforce()
    subnet = ec2.subnets(clients, ())[0]
    words = ec2.LaunchRequest(
        instance_type="m5.large", market="on-demand", image_id=ec2.image(clients, "x86_64"), token="t",
        subnet_id=subnet.subnet_id, security_group_id=security_groups.security_group(clients, subnet.vpc_id, make=True),
        user_data="", tags={}, instance_profile=None,
    )  # fmt: skip
    assert ec2.dry_run(clients, words) is None
    asked = {**words.parameters(), **change}
    kinds = asked.pop("TagSpecifications")
    if kinds and isinstance(kinds[0], str):
        kinds = [tags for tags in words.parameters()["TagSpecifications"] if tags["ResourceType"] in kinds]
    if kinds:
        asked["TagSpecifications"] = kinds
    assert code(clients("ec2").run_instances, **asked) == "UnauthorizedOperation"
    refused = [decision["question"]["resource"] for decision in tenant.decisions() if not decision["allowed"]]
    assert [resource.partition(":123456789012:")[2] for resource in refused] == [lacking]
    assert tenant.aws.control("instances") == []


def test_a_spot_launch_needs_no_more(tenant: Tenant) -> None:
    """A spot request that is not tagged is not asked for by itself."""
    from pytest_benchmark_aws.aws import ec2
    from pytest_benchmark_aws.aws.clients import Clients

    clients = Clients(None, None, tenant.user(printed("client")))
    tenant.enforce()
    subnet = ec2.subnets(clients, ())[0]
    words = {"image_id": ec2.image(clients, "x86_64"), "token": "t", "user_data": "", "tags": {}}
    request = ec2.LaunchRequest(
        instance_type="m5.large", market="spot", subnet_id=subnet.subnet_id, security_group_id=None,
        instance_profile=None, **words,
    )  # fmt: skip
    assert ec2.dry_run(clients, request) is None


@pytest.mark.parametrize("region", ["eu-central-1", "us-west-2"])
def test_the_client_launches_and_looks_in_its_region_alone(tenant: Tenant, region: str) -> None:
    """In another region nothing is answered."""
    from pytest_benchmark_aws.aws.clients import Clients

    clients = Clients(region, None, tenant.user(printed("client")))
    tenant.enforce()
    assert code(clients("ec2").describe_instances) == "UnauthorizedOperation"
    assert code(clients("ec2").run_instances, MinCount=1, MaxCount=1, ImageId="ami-1") == "UnauthorizedOperation"


@pytest.fixture
def filled(tenant: Tenant) -> Tenant:
    """Two buckets with objects of ours and of others."""
    s3 = tenant.client("s3")
    for bucket in (BUCKET, "another"):
        s3.create_bucket(Bucket=bucket)
        for key in ("private", "bundles/a.tar", *(f"runs/r/m5/1/{name}" for name in ("data", "log", "agent.pyz"))):
            s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    return tenant


def test_the_client_reaches_bundles_and_runs_of_its_bucket_alone(filled: Tenant) -> None:
    """Not another bucket, not another prefix; and it deletes nothing."""
    s3 = filled.client("s3", filled.user(printed("client")))
    filled.enforce()
    s3.get_object(Bucket=BUCKET, Key="bundles/a.tar")
    s3.put_object(Bucket=BUCKET, Key="runs/r/m5/1/agent.pyz", Body=b"y")
    for bucket, key in ((BUCKET, "private"), ("another", "bundles/a.tar"), ("another", "runs/r/m5/1/data")):
        assert code(s3.get_object, Bucket=bucket, Key=key) == "AccessDenied"
        assert code(s3.put_object, Bucket=bucket, Key=key, Body=b"y") == "AccessDenied"
    assert code(s3.list_objects_v2, Bucket="another") == "AccessDenied"
    assert code(s3.delete_object, Bucket=BUCKET, Key="bundles/a.tar") == "AccessDenied"
    assert code(s3.delete_bucket, Bucket=BUCKET) == "AccessDenied"


def test_an_instance_reads_bundles_and_nothing_that_a_run_delivered(filled: Tenant) -> None:
    """Nor lists, nor another bucket's bundles, nor an agent, which comes by a URL."""
    filled.role(printed("instance"), "bench")
    s3 = filled.client("s3", filled.session("bench"))
    filled.enforce()
    s3.get_object(Bucket=BUCKET, Key="bundles/a.tar")
    for key in ("private", "runs/r/m5/1/data", "runs/r/m5/1/log", "runs/r/m5/1/agent.pyz"):
        assert code(s3.get_object, Bucket=BUCKET, Key=key) == "AccessDenied"
    assert code(s3.get_object, Bucket="another", Key="bundles/a.tar") == "AccessDenied"
    assert code(s3.list_objects_v2, Bucket=BUCKET, Prefix="runs/") == "AccessDenied"
    assert code(s3.delete_object, Bucket=BUCKET, Key="runs/r/m5/1/data") == "AccessDenied"


def test_an_instance_overwrites_no_result_no_agent_and_no_bundle(filled: Tenant) -> None:
    """``data`` and ``done`` are put where nothing is, or not at all; what others fetch is not put by it."""
    filled.role(printed("instance"), "bench")
    s3 = filled.client("s3", filled.session("bench"))
    filled.enforce()
    for key in ("runs/r/m5/1/data", "runs/r/m5/1/done", "runs/r/m5/1/agent.pyz", "bundles/a.tar", "private"):
        assert code(s3.put_object, Bucket=BUCKET, Key=key, Body=b"forged") == "AccessDenied"
    assert code(s3.put_object, Bucket=BUCKET, Key="bundles/a.tar", Body=b"y", IfNoneMatch="*") == "AccessDenied"
    assert (
        code(s3.put_object, Bucket=BUCKET, Key="runs/r/m5/1/data", Body=b"y", IfNoneMatch="*") == "PreconditionFailed"
    )
    s3.put_object(Bucket=BUCKET, Key="runs/r/m5/1/done", Body=b"{}", IfNoneMatch="*")


def test_an_instances_role_can_do_nothing_of_ec2(filled: Tenant) -> None:
    """It neither looks at instances nor ends any, not even its own."""
    ours = launched(filled, OURS)
    filled.role(printed("instance"), "bench")
    ec2 = filled.client("ec2", filled.session("bench"))
    filled.enforce()
    assert code(ec2.describe_instances) == "UnauthorizedOperation"
    assert code(ec2.terminate_instances, InstanceIds=[ours]) == "UnauthorizedOperation"


def test_the_schedulers_role_ends_what_is_ours_and_no_more(filled: Tenant) -> None:
    """``policy scheduler``: TerminateInstances by tag; it sees nothing and reads nothing."""
    ours, others = launched(filled, OURS), launched(filled, {})
    filled.role(printed("scheduler"), "killer")
    ec2, s3 = (filled.client(service, filled.session("killer")) for service in ("ec2", "s3"))
    filled.enforce()
    assert code(ec2.terminate_instances, InstanceIds=[others]) == "UnauthorizedOperation"
    assert code(ec2.describe_instances) == "UnauthorizedOperation"
    assert code(s3.get_object, Bucket=BUCKET, Key="bundles/a.tar") == "AccessDenied"
    ec2.terminate_instances(InstanceIds=[ours])


def test_a_url_that_a_guest_has_opens_that_object_alone(filled: Tenant) -> None:
    """The user's presigned upload cannot be bent to another key: the guest never has more than its own five."""
    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.aws.s3_run_bucket import Bucket

    clients = Clients(None, None, filled.user(printed("client")))
    filled.enforce()
    url = Bucket(clients, BUCKET, ACCOUNT).url("put_object", "runs/r/m5/2/done", 60, IfNoneMatch="*")

    def put(to: str) -> int:
        try:
            sent = urllib.request.Request(to, b"{}", {"If-None-Match": "*"}, method="PUT")
            with urllib.request.urlopen(sent, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    assert put(url.replace("m5/2/done", "m5/3/done")) == 403
    assert put(url) == 200
