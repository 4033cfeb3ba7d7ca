"""The security group of groups of machines: made once, completed, refused where somebody opened it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.aws import ec2
from pytest_benchmark_aws.aws.vpc import security_groups
from pytest_benchmark_aws.aws.vpc.security_groups import is_open_to_itself, open_to_itself, security_group
from pytest_benchmark_aws.backends.ec2.launch_checks import Options, look
from pytest_benchmark_aws.core.errors import PlanError
from tests.faults.test_groups import group_jobs

if TYPE_CHECKING:
    from tests.faults.world import World


def vpc_of(world: World) -> str:
    return ec2.subnets(world.clients(), ())[0].vpc_id


def rules(world: World, group_id: str) -> list[dict[str, Any]]:
    answer = world.clients()("ec2").describe_security_groups(GroupIds=[group_id])
    found: list[dict[str, Any]] = answer["SecurityGroups"][0]["IpPermissions"]
    return found


def test_it_is_made_once_and_lets_itself_in_alone(world: World) -> None:
    """Beside that of single machines, which lets nothing in."""
    clients, vpc = world.clients(), vpc_of(world)
    group_id = open_to_itself(clients, vpc, {"team": "x"})
    assert open_to_itself(clients, vpc) == group_id
    (rule,) = rules(world, group_id)
    assert (rule["IpProtocol"], rule["IpRanges"]) == ("-1", [])
    assert [pair["GroupId"] for pair in rule["UserIdGroupPairs"]] == [group_id]
    closed = security_group(clients, vpc, make=True)
    assert closed not in {None, group_id}
    assert rules(world, str(closed)) == []
    assert is_open_to_itself(clients, group_id)
    assert not is_open_to_itself(clients, str(closed))


def test_one_that_was_never_finished_is_completed(world: World) -> None:
    """A run that died between the two calls left it without its rule."""
    clients, vpc = world.clients(), vpc_of(world)
    world.fault("AuthorizeSecurityGroupIngress", "InternalError", 400)
    with pytest.raises(Exception, match="InternalError"):
        open_to_itself(clients, vpc)
    group_id = open_to_itself(clients, vpc)
    assert len(rules(world, group_id)) == 1


def test_a_lost_reply_is_no_error(world: World) -> None:
    """The rule is there when it is asked for again."""
    clients, vpc = world.clients(), vpc_of(world)
    world.fault("AuthorizeSecurityGroupIngress", "InternalError", 500, after=True)
    assert len(rules(world, open_to_itself(clients, vpc))) == 1


def test_one_that_somebody_opened_is_refused(world: World) -> None:
    """Nobody's machines are put where the world comes in."""
    clients, vpc = world.clients(), vpc_of(world)
    group_id = open_to_itself(clients, vpc)
    anywhere = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    clients("ec2").authorize_security_group_ingress(GroupId=group_id, IpPermissions=anywhere)
    with pytest.raises(PlanError, match=f"security group {group_id}.*has other rules.*delete it"):
        open_to_itself(clients, vpc)


def test_a_named_group_must_let_its_members_in(world: World) -> None:
    """Said with all other problems, before anything is made."""
    clients, vpc = world.clients(), vpc_of(world)
    closed = str(security_group(clients, vpc, make=True))
    _, problems = look(clients, Options(security_group=closed), group_jobs())
    assert any(f"--aws-security-group={closed} does not let its own members in" in problem for problem in problems)
    _, problems = look(clients, Options(security_group=open_to_itself(clients, vpc)), group_jobs())
    assert problems == []
    assert security_groups.GROUP_NAME == "pytest-benchmark-aws-group"


def test_the_quota_of_a_group_is_that_of_all(world: World) -> None:
    """Said before the launch, with the number of vCPUs of all."""
    world.aws.control("quota", {"vcpus": 3})
    _, problems = look(world.clients(), Options(), group_jobs())
    assert any("a group of 2 m5.large has 4 vCPUs, the account's quota" in problem for problem in problems)
