"""Several instances by one RunInstances: their places, and whether they reach each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.embedded.ec2.test_instance_metadata import ask, token

if TYPE_CHECKING:
    from tests.embedded.conftest import World


def launch(world: World, **options: Any) -> dict[str, Any]:
    """Three instances; what RunInstances says."""
    answer: dict[str, Any] = world.ec2.run_instances(
        ImageId=world.ami(), MinCount=3, MaxCount=3, InstanceType="m5.large", **options
    )
    return answer


def test_each_knows_its_place(world: World) -> None:
    """By its metadata, as DescribeInstances says it, in one reservation."""
    launched = launch(world)
    ids = [instance["InstanceId"] for instance in launched["Instances"]]
    places = [ask(world, name, "meta-data/ami-launch-index", token(world, name)) for name in ids]
    assert places == ["0", "1", "2"]
    (reservation,) = world.ec2.describe_instances(InstanceIds=ids)["Reservations"]
    assert reservation["ReservationId"] == launched["ReservationId"]
    assert [instance["AmiLaunchIndex"] for instance in reservation["Instances"]] == [0, 1, 2]


def test_they_reach_each_other_where_their_security_group_lets_them(world: World) -> None:
    """On this machine; without a rule, at an address that nobody answers at."""
    vpc = world.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    group = world.ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    instance = launch(world, SecurityGroupIds=[group])["Instances"][0]
    name, path = instance["InstanceId"], "meta-data/local-ipv4"
    assert ask(world, name, path, token(world, name)) == instance["PrivateIpAddress"] != "127.0.0.1"
    rule = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}]
    world.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=rule)
    assert ask(world, name, path, token(world, name)) == "127.0.0.1"
