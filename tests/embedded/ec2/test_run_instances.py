"""RunInstances as EC2 does it and moto does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.embedded.conftest import World

ARM = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"


def subnets(world: World) -> dict[str, str]:
    found = world.ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    return {subnet["AvailabilityZone"]: subnet["SubnetId"] for subnet in found}


def test_same_token_answers_the_same_instance(world: World) -> None:
    """A repeated RunInstances with its ClientToken launches nothing new."""
    options = {"ImageId": world.ami(), "InstanceType": "m5.large", "MinCount": 1, "MaxCount": 1, "ClientToken": "t1"}
    first = world.ec2.run_instances(**options)
    world.wait_for(first["Instances"][0]["InstanceId"], "running")
    again = world.ec2.run_instances(**options)
    assert again["ReservationId"] == first["ReservationId"]
    assert again["Instances"][0]["InstanceId"] == first["Instances"][0]["InstanceId"]
    assert again["Instances"][0]["State"]["Name"] == "running"
    assert len(world.aws.control("instances")) == 1


def test_same_token_with_other_parameters_is_refused(world: World) -> None:
    """A token stands for one set of parameters."""
    world.run("m5.large", ClientToken="t1")
    assert world.error(world.run, instance_type="m5.xlarge", ClientToken="t1") == ("IdempotentParameterMismatch", 400)


def test_token_is_zonal(world: World) -> None:
    """The same token in another zone is another launch."""
    by_zone = subnets(world)
    first = world.run(SubnetId=by_zone["us-east-1a"], ClientToken="t1")
    second = world.run(SubnetId=by_zone["us-east-1b"], ClientToken="t1")
    assert first["InstanceId"] != second["InstanceId"]
    assert second["Placement"]["AvailabilityZone"] == "us-east-1b"


def test_token_is_shown_and_filtered_by(world: World) -> None:
    """RunInstances and DescribeInstances show the token; the client-token filter finds by it."""
    world.run(ClientToken="other")
    launched = world.run(ClientToken="t1")
    assert launched["ClientToken"] == "t1"
    assert world.describe(launched["InstanceId"])["ClientToken"] == "t1"
    found = world.ec2.describe_instances(Filters=[{"Name": "client-token", "Values": ["t1"]}])["Reservations"]
    assert [instance["InstanceId"] for group in found for instance in group["Instances"]] == [launched["InstanceId"]]


@pytest.mark.parametrize("name", ["m5.huge", "ml.m5.large"])
def test_unknown_type_is_refused(world: World, name: str) -> None:
    """An instance type that EC2 does not have is an invalid value."""
    assert world.error(world.run, instance_type=name) == ("InvalidParameterValue", 400)


def test_user_data_has_a_limit(world: World) -> None:
    """16384 bytes of user data are accepted, one more is not."""
    world.run(UserData="#" * 16384)
    assert world.error(world.run, UserData="#" * 16385) == ("InvalidParameterValue", 400)


def test_vcpu_quota_counts_what_is_alive(world: World) -> None:
    """64 vCPUs hold one m5.8xlarge twice and not three times, until one is terminated."""
    first, _ = world.run("m5.8xlarge"), world.run("m5.8xlarge")
    assert world.error(world.run, instance_type="m5.8xlarge") == ("VcpuLimitExceeded", 400)
    world.ec2.terminate_instances(InstanceIds=[first["InstanceId"]])
    world.run("m5.8xlarge")


def test_quota_can_be_set(world: World) -> None:
    """POST /_embedded/quota changes the limit and what Service Quotas answers."""
    world.aws.control("quota", {"vcpus": 1})
    assert world.error(world.run) == ("VcpuLimitExceeded", 400)
    quota = world.client("service-quotas").get_service_quota(ServiceCode="ec2", QuotaCode="L-1216C47A")["Quota"]
    assert quota["Value"] == 1


def test_spot_has_a_quota_of_its_own(world: World) -> None:
    """Spot instances do not count against the on-demand quota, but against theirs."""
    world.aws.control("quota", {"vcpus": 0, "spot_vcpus": 2})
    spot = {"InstanceMarketOptions": {"MarketType": "spot"}}
    world.run(**spot)
    assert world.error(world.run, **spot) == ("MaxSpotInstanceCountExceeded", 400)


def test_gpu_types_are_not_of_the_standard_quota(world: World) -> None:
    """A p3 is not refused for the quota of standard types."""
    world.aws.control("quota", {"vcpus": 0})
    world.run("p3.2xlarge", SubnetId=subnets(world)["us-east-1c"])


def test_capacity_runs_out_in_one_zone(world: World) -> None:
    """What one zone lacks another may have."""
    by_zone = subnets(world)
    world.aws.control("capacity", {"zone": "us-east-1a", "instance_type": "m5.large", "available": 1})
    world.run(SubnetId=by_zone["us-east-1a"])
    assert world.error(world.run, SubnetId=by_zone["us-east-1a"]) == ("InsufficientInstanceCapacity", 500)
    world.run(SubnetId=by_zone["us-east-1b"])


def test_dry_run_validates_and_launches_nothing(world: World) -> None:
    """DryRun answers DryRunOperation for what is valid, whatever quota and capacity are, and errors for the rest."""
    world.aws.control("quota", {"vcpus": 0})
    assert world.error(world.run, DryRun=True) == ("DryRunOperation", 412)
    assert world.error(world.run, DryRun=True, instance_type="m5.huge") == ("InvalidParameterValue", 400)
    assert world.aws.control("instances") == []


def test_zone_that_does_not_offer_the_type_is_unsupported(world: World) -> None:
    """us-east-1e has no m7g."""
    subnet = subnets(world)["us-east-1e"]
    found = world.error(world.run, instance_type="m7g.large", ImageId=world.ami(ARM), SubnetId=subnet)
    assert found == ("Unsupported", 400)


def test_image_of_the_wrong_architecture_is_refused(world: World) -> None:
    """An arm64 type does not start an x86_64 image."""
    assert world.error(world.run, instance_type="m7g.large") == ("InvalidParameterValue", 400)
    world.run("m7g.large", ImageId=world.ami(ARM))


def test_unknown_image_is_refused(world: World) -> None:
    """An image that does not exist is no image."""
    assert world.error(world.run, ImageId="ami-0123456789abcdef0") == ("InvalidAMIID.NotFound", 400)


def test_spot_instance_says_so(world: World) -> None:
    """InstanceMarketOptions make a spot instance."""
    launched = world.run(InstanceMarketOptions={"MarketType": "spot"})
    assert launched["InstanceLifecycle"] == "spot"
    assert world.describe(launched["InstanceId"])["InstanceLifecycle"] == "spot"


def test_launch_as_the_plugin_does_it(world: World) -> None:
    """Tags in the call, IMDSv2, a gp3 root that goes with the instance, and shutdown that terminates."""
    root = {"VolumeSize": 20, "VolumeType": "gp3", "DeleteOnTermination": True}
    launched = world.run(
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "run", "Value": "r1"}]}],
        MetadataOptions={"HttpTokens": "required"},
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": root}],
        InstanceInitiatedShutdownBehavior="terminate",
    )
    found = world.ec2.describe_instances(Filters=[{"Name": "tag:run", "Values": ["r1"]}])["Reservations"]
    assert found[0]["Instances"][0]["MetadataOptions"]["HttpTokens"] == "required"
    assert len(world.ec2.describe_volumes()["Volumes"]) == 1
    world.ec2.terminate_instances(InstanceIds=[launched["InstanceId"]])
    world.wait_for(launched["InstanceId"], "terminated")
    assert world.ec2.describe_volumes()["Volumes"] == []


def test_launches_at_once_are_one_each(world: World) -> None:
    """Eight threads with a token each launch eight instances, all of which run."""
    from concurrent.futures import ThreadPoolExecutor

    image = world.ami()
    with ThreadPoolExecutor(8) as pool:
        launched = list(pool.map(lambda n: world.run(ImageId=image, ClientToken=f"t{n % 8}"), range(16)))
    ids = {instance["InstanceId"] for instance in launched}
    assert len(ids) == 8
    for instance in ids:
        world.wait_for(instance, "running")
