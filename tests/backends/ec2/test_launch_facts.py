"""Rows of kind L that are about a launch: what is looked at before it, what it asks for, and what is refused."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.aws import ec2, quotas
from pytest_benchmark_aws.aws.images import RootDevice
from pytest_benchmark_aws.aws.prices import spot_price
from pytest_benchmark_aws.aws.s3_run_bucket import Bucket, default_bucket
from pytest_benchmark_aws.aws.vpc.routes import without_a_way_out
from pytest_benchmark_aws.backends.ec2 import launch_checks
from pytest_benchmark_aws.backends.ec2.backend import grace_s
from pytest_benchmark_aws.backends.ec2.launch_checks import Options, Place
from pytest_benchmark_aws.backends.ec2.request import launch_request
from pytest_benchmark_aws.backends.protocol import Placement
from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.fit import misfits
from pytest_benchmark_aws.core.model import LONGEST_URL_S, Requirements, Target
from pytest_benchmark_aws.core.plan import as_machine
from tests.faults.world import DELIVERS, HANGS, STAYS, World, make_backend, make_jobs, opened
from tests.run.fake_backend import make_job

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_benchmark_aws.core.model import Job

SUBNET = ec2.Subnet("subnet-1", "zone-a", "vpc")
PLACE = Place((SUBNET,), {}, {"vpc": "sg"}, {"x86_64": "ami-1", "arm64": "ami-2"})


def asked(job: Job, options: Options | None = None, place: Place = PLACE) -> dict[str, Any]:
    """What RunInstances is asked for."""
    placement = Placement("token", "zone-a", "subnet-1", 1)
    return launch_request("run", job, placement, place, "#!/bin/sh", options or Options()).parameters()


def look(world: World, jobs: list[Job], options: Options | None = None) -> tuple[Place, list[str]]:
    """What the preflight finds."""
    return launch_checks.look(world.clients(), options or Options(), jobs)


# The guest's memory.


def test_l6_the_plan_counts_with_the_memory_that_the_kernel_shows() -> None:
    """Of m5.large's 8 GiB about 7.4: what needs 7.5 is refused with all three numbers, what needs 7 is launched."""
    machine = as_machine(catalog().types["m5.large"])
    (reason,) = misfits(Requirements(memory_bytes=int(7.5 * 2**30)), machine)
    assert reason == "needs ≈ 7.5 GiB of memory, m5.large has 8 GiB, of which its kernel shows about 7.4 GiB"
    assert misfits(Requirements(memory_bytes=7 * 2**30), machine) == ()


# Metal.


@pytest.mark.parametrize(("name", "seconds"), [("c5.metal", 1800), ("m7i.metal-24xl", 1800), ("c5.large", 600)])
def test_l7_metal_has_twenty_minutes_more_to_start(name: str, seconds: int) -> None:
    """And the cap counts them."""
    assert grace_s(Target(name)) == seconds


# Quotas.


@pytest.mark.parametrize(
    ("name", "market", "code"),
    [
        ("m5.large", "on-demand", "L-1216C47A"),
        ("m5.large", "spot", "L-34B43A08"),
        ("im4gn.large", "on-demand", "L-1216C47A"),
        ("g5.xlarge", "on-demand", "L-DB2E81BA"),
        ("vt1.3xlarge", "spot", "L-3819A6DF"),
        ("p4d.24xlarge", "on-demand", "L-417A185B"),
        ("p5.48xlarge", "spot", None),
        ("x2idn.16xlarge", "on-demand", None),
        ("u-6tb1.metal", "on-demand", None),
    ],
)
def test_l8_each_family_has_its_quota(name: str, market: Any, code: str | None) -> None:
    """By its market; of one that is not known nothing is checked."""
    assert quotas.quota_code(name, market) == code


def test_l8_a_job_is_held_to_its_own_quota(tmp_path: Path) -> None:
    """A GPU type is refused by that of G, whatever the standard one allows, and a standard type is not."""
    with opened(tmp_path, vcpu_quota=64, gpu_vcpu_quota=0) as world:
        _, problems = look(world, [make_job("g5.xlarge"), make_job("m5.large"), make_job("x2idn.16xlarge")])
        assert [problem for problem in problems if "quota" in problem] == [
            "g5.xlarge has 4 vCPUs, the account's quota for running instances is 0: ask for more in Service Quotas, "
            "EC2, L-DB2E81BA (on demand)"
        ]


# Credentials.


def test_l9_credentials_that_are_too_short_are_told_the_longest_limit(world: World) -> None:
    """An hour's session with the default limit of an hour: 49 minutes fit."""
    clients = world.clients()
    clients.credentials_expire = lambda: datetime.now(timezone.utc) + timedelta(minutes=59, seconds=30)  # type: ignore[method-assign]
    _, (problem,) = launch_checks.look(clients, Options(), [make_job()])
    assert "lower --aws-time-limit, to 49m at most now" in problem
    assert launch_checks.look(clients, Options(instance_profile="p"), [make_job()])[1] == []


def test_l9_they_are_looked_at_before_each_launch(world: World, tmp_path: Path) -> None:
    """Those that have nearly ended when a later wave comes are named, and nothing is launched that cannot upload."""
    clients = world.clients()
    backend = make_backend(clients, tmp_path)
    clients.credentials_expire = lambda: datetime.now(timezone.utc) + timedelta(minutes=20)  # type: ignore[method-assign]
    job = make_job()
    with pytest.raises(Exception, match=r"was not launched: the credentials end in (20|19) min.*--aws-resume"):
        backend.launch(job, backend.placements(job, 1)[0])
    assert world.instances() == []


def test_l9_a_session_whose_end_is_not_known_is_warned_of(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_SESSION_TOKEN says nothing of its end."""
    clients = world.clients()
    monkeypatch.setattr(type(clients), "are_temporary", lambda _: True)
    place, problems = launch_checks.look(clients, Options(), [make_job()])
    assert (problems, any("do not say when they end" in note for note in place.notes)) == ([], True)


# The bucket.


def test_l10_a_bucket_of_another_region_is_refused_with_both(world: World) -> None:
    """Before anything is made: its presigned URLs would be signed for the wrong region."""
    elsewhere = world.clients().in_region("eu-central-1")
    elsewhere._clients = {}
    Bucket(elsewhere, "theirs", "123456789012").ensure()
    clients = world.clients()
    (problem,) = Bucket(clients, "theirs", "123456789012").problems()
    assert "bucket theirs is in eu-central-1, the run is in us-east-1" in problem
    assert default_bucket(clients, clients.account()).problems() == []


@pytest.mark.parametrize("code", ["OperationAborted", "NoSuchBucket"])
@pytest.mark.parametrize(
    "action",
    ["PutPublicAccessBlock", "PutBucketEncryption", "PutBucketLifecycleConfiguration"],
)
def test_l19_a_new_bucket_is_waited_for(world: World, action: str, code: str) -> None:
    """S3 knows of it everywhere a little later."""
    waits: list[float] = []
    world.fault(action, code, 409 if code == "OperationAborted" else 404, times=2)
    clients = world.clients()
    bucket = Bucket(clients, "pytest-benchmark-aws-123456789012-us-east-1", "123456789012", waits.append)
    bucket.ensure()
    assert waits == [1.0, 2.0]
    assert bucket._is_complete()


def test_l19_a_bucket_of_ours_that_lacks_a_setting_is_completed(world: World) -> None:
    """Its maker died before the last one: the next run sets all; a user's bucket is left as it is."""
    clients = world.clients()
    for name, calls in (("pytest-benchmark-aws-123456789012-us-east-1", 1), ("mine", 0)):
        clients("s3").create_bucket(Bucket=name)
        before = world.calls("PutBucketLifecycleConfiguration")
        for _ in range(2):
            Bucket(clients, name, "123456789012").ensure()
        assert world.calls("PutBucketLifecycleConfiguration") - before == calls


# URLs.


def test_l20_no_url_is_valid_for_longer_than_s3_allows(world: World) -> None:
    """The longest time limit leaves the longest grace; S3 refuses a second more."""
    from pytest_benchmark_aws.core.settings import _limit

    longest = _limit("167h")
    assert longest + grace_s(Target("c5.metal")) <= LONGEST_URL_S
    with pytest.raises(ValueError, match="167 hours"):
        _limit("168h")
    clients = world.clients()
    bucket = default_bucket(clients, clients.account())
    bucket.ensure()
    bucket.put("there", b"here")
    import urllib.error
    import urllib.request

    opener = urllib.request.build_opener()
    assert opener.open(bucket.url("get_object", "there", LONGEST_URL_S)).read() == b"here"
    with pytest.raises(urllib.error.HTTPError):
        opener.open(bucket.url("get_object", "there", LONGEST_URL_S + 1))


# Subnets.


def test_l11_a_subnet_without_a_way_out_is_warned_of(world: World) -> None:
    """By its routes and its public addresses; the default VPC's are well, and so is one with S3's endpoint."""
    client = world.clients()("ec2")
    vpc = client.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    shut = client.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24", AvailabilityZone="us-east-1a")["Subnet"]["SubnetId"]
    place, problems = look(world, [make_job()], Options(subnets=(shut,)))
    assert problems == []
    assert place.notes == (
        f"{shut}: it has no route out (0.0.0.0/0) and no gateway endpoint of S3, so that an instance may not reach S3; "
        "name another subnet with --aws-subnet",
    )
    gateway = client.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    client.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    (table,) = client.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    client.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    assert "no public address" in look(world, [make_job()], Options(subnets=(shut,)))[0].notes[0]
    client.modify_subnet_attribute(SubnetId=shut, MapPublicIpOnLaunch={"Value": True})
    assert look(world, [make_job()], Options(subnets=(shut,)))[0].notes == ()
    assert look(world, [make_job()])[0].notes == ()
    assert without_a_way_out(world.clients(), ()) == {}


# Image, disk, tags, credits.


def test_l12_the_root_device_is_the_images(world: World) -> None:
    """By DescribeImages: its name, and no less than its size; a disk that is asked for is no smaller either."""
    place, problems = look(world, [make_job()])
    assert problems == []
    (root,) = place.roots.values()
    assert root.name == "/dev/xvda"
    large = Place((SUBNET,), {}, {}, {"x86_64": "ami-1"}, {"ami-1": RootDevice("/dev/sda1", 60)})
    (disk,) = asked(make_job(), place=large)["BlockDeviceMappings"]
    assert (disk["DeviceName"], disk["Ebs"]["VolumeSize"]) == ("/dev/sda1", 60)
    (disk,) = asked(make_job(), Options(disk_gib=100), large)["BlockDeviceMappings"]
    assert disk["Ebs"]["VolumeSize"] == 100


def test_l13_tags_of_the_users_and_an_encrypted_root() -> None:
    """On instance and volume; ours are never replaced."""
    parameters = asked(make_job(), Options(tags=(("cost-center", "42"),)))
    for specification in parameters["TagSpecifications"]:
        tags = {tag["Key"]: tag["Value"] for tag in specification["Tags"]}
        assert (tags["cost-center"], tags["managed-by"]) == ("42", "pytest-benchmark-aws")
    assert parameters["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    assert parameters["MetadataOptions"]["HttpTokens"] == "required"


@pytest.mark.parametrize("text", ["cost-center", "=1", "aws:x=1", "managed-by=me", "Name=x", "k=" + "v" * 257])
def test_l13_a_tag_that_is_none_is_refused(text: str) -> None:
    """With what a tag is."""
    from pytest_benchmark_aws.core.settings import _tag

    with pytest.raises(ValueError, match=r"KEY=VALUE|own"):
        _tag(text)


def test_l14_t_types_get_no_surplus_credits(world: World) -> None:
    """Unlimited is the default of T3, T3a and T4g, and dearer than a t4g.small itself; other types have no credits."""
    assert asked(make_job("t4g.small"))["CreditSpecification"] == {"CpuCredits": "standard"}
    assert "CreditSpecification" not in asked(make_job("m5.large"))
    with pytest.raises(Exception, match="InvalidParameterCombination"):
        world.clients()("ec2").run_instances(
            ImageId=ec2.image(world.clients(), "x86_64"),
            InstanceType="m5.large",
            MinCount=1,
            MaxCount=1,
            CreditSpecification={"CpuCredits": "standard"},
        )


# Spot's price.


def test_l15_spot_is_said_at_its_own_price_and_capped_at_the_other(world: World) -> None:
    """What it was billed is less than the plan's most, which is on demand."""
    jobs = make_jobs(market="spot")
    (done,) = world.run(jobs, script=STAYS)
    own = spot_price(world.clients(), "m5.large", str(done.zone))
    assert own is not None
    assert own < jobs[0].price.usd_per_hour
    assert (done.usd_per_hour, done.usd) == (own, own * 60 / 3600)
    (on_demand,) = world.lines("intent")
    assert float(on_demand["reserved_usd"]) == pytest.approx(0.1 * 4200 / 3600)


# Architecture and image.


@pytest.mark.parametrize(
    ("name", "arch"),
    [("t2.micro", "x86_64"), ("c3.large", "x86_64"), ("m5.large", "x86_64"), ("m7g.large", "arm64")],
)
def test_l17_no_type_asks_for_an_i386_image(name: str, arch: str) -> None:
    """Those that are i386 and x86_64 take the image of the second."""
    assert make_job(name).arch == arch
    assert all(make_job(each).arch in {"x86_64", "arm64"} for each in catalog().types)


def test_l18_a1_does_not_run_the_default_image(world: World) -> None:
    """Amazon Linux 2023 is for Graviton2 and later; an image of one's own is not judged."""
    problems = look(world, [make_job("a1.large")])[1]
    assert "a1.large: Amazon Linux 2023 does not run on A1" in problems[0]
    image = ec2.image(world.clients(), "arm64")
    assert not any("Amazon Linux" in text for text in look(world, [make_job("a1.large")], Options(ami=image))[1])


# Answers of RunInstances.


def test_l21_a_subnet_without_addresses_is_passed_over(world: World) -> None:
    """Another may have some."""
    world.fault("RunInstances", "InsufficientFreeAddressesInSubnet")
    (done,) = world.run(make_jobs(), script=DELIVERS)
    assert (done.outcome.outcome, len(world.lines("refused"))) == ("passed", 1)


def test_l21_an_account_that_is_looked_at_is_asked_again(world: World) -> None:
    """PendingVerification passes."""
    world.fault("RunInstances", "PendingVerification", times=2)
    (done,) = world.run(make_jobs(), script=DELIVERS)
    assert (done.outcome.outcome, done.attempts) == ("passed", 1)


def test_l22_the_console_is_asked_for_its_latest(tmp_path: Path) -> None:
    """What a guest that never began said is shown, though EC2 has nothing yet for who does not ask for it."""
    with opened(tmp_path, console_is_late=True) as world:
        (done,) = world.run(make_jobs(), script="print('the disk is broken'); sys.stdout.flush()")
        assert "the disk is broken" in done.outcome.log


def test_l24_a_dry_run_says_no_launchs_token(world: World, tmp_path: Path) -> None:
    """The launch that follows says other words by its token, which EC2 might remember."""
    backend = make_backend(world.clients(), tmp_path, script=HANGS)
    job = make_job()
    assert backend.refusal(job) is None
    placement = backend.placements(job, 1)[0]
    _, (launched,) = ec2.run_instances(
        world.clients(),
        launch_request("run", job, placement, backend.place, "#!/bin/sh\nsleep 60\n", Options()),
    )
    assert launched.startswith("i-")


def test_l25_a_key_that_vanished_is_no_denial(world: World) -> None:
    """Without ListBucket on it S3 says 403 of what is not there; what the listing does not hold is not there."""
    clients = world.clients()
    bucket = default_bucket(clients, clients.account())
    bucket.ensure()
    bucket.put("there", b"here")
    world.fault("GetObject", "AccessDenied", 403)
    assert bucket.get("gone", 10) is None
    world.fault("GetObject", "AccessDenied", 403)
    with pytest.raises(Exception, match="AccessDenied"):
        bucket.get("there", 10)


def test_a_squatted_bucket_is_a_plan_error(world: World) -> None:
    """As before: with its owner."""
    Bucket(world.clients(), "theirs", "123456789012").ensure()
    with pytest.raises(PlanError, match="must belong to account 999999999999"):
        Bucket(world.clients(), "theirs", "999999999999").ensure()
