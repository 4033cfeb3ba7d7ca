"""The security groups of instances: one that lets nothing in, and one whose members reach each other alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.aws.ec2 import TAG, tag_list
from pytest_benchmark_aws.aws.errors import unless
from pytest_benchmark_aws.core.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_benchmark_aws.aws.clients import Clients

GROUP_NAME = f"{TAG}-group"
"""Of the security group of groups of machines."""


def security_group(clients: Clients, vpc_id: str, *, make: bool, tags: Mapping[str, str] | None = None) -> str | None:
    """The id of our security group in the VPC, which has no ingress rule.

    Where it is missing, it is made if ``make``, else None.
    """
    for group in _named(clients, vpc_id, TAG):
        if not group.get("IpPermissions"):
            return str(group["GroupId"])
    return _make(clients, vpc_id, TAG, "nothing may come in", tags) if make else None


def open_to_itself(clients: Clients, vpc_id: str, tags: Mapping[str, str] | None = None) -> str:
    """The id of our security group in the VPC whose members reach each other, and whom nobody else reaches.

    Where it is missing, it is made; the rule of one that an earlier run made and did not finish is added.

    Raises:
        PlanError: somebody has changed its rules.
    """
    groups = _named(clients, vpc_id, GROUP_NAME)
    rules = groups[0].get("IpPermissions", []) if groups else []
    group_id = str(groups[0]["GroupId"]) if groups else None
    if group_id is None:
        group_id = _make(clients, vpc_id, GROUP_NAME, "its members reach each other, nothing else may come in", tags)
    if not rules:
        own = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group_id}]}]
        with unless("InvalidPermission.Duplicate"):  # by a try of this whose answer was lost, or another run
            clients("ec2").authorize_security_group_ingress(GroupId=group_id, IpPermissions=own)
    elif not (len(rules) == 1 and lets_itself_in(rules, group_id) and _is_closed_else(rules[0])):
        raise PlanError(
            f"security group {group_id} ({GROUP_NAME}) of {vpc_id} has other rules than the one that lets its members "
            "reach each other: delete it, and the next run makes it anew, or name one with --aws-security-group"
        )
    return group_id


def is_open_to_itself(clients: Clients, group_id: str) -> bool:
    """Whether the members of a security group reach each other by all protocols and ports."""
    answer = clients("ec2").describe_security_groups(Filters=[{"Name": "group-id", "Values": [group_id]}])
    return any(lets_itself_in(group.get("IpPermissions", []), group_id) for group in answer["SecurityGroups"])


def lets_itself_in(rules: list[dict[str, Any]], group_id: str) -> bool:
    """Whether one of a group's ingress rules lets all traffic of its own members in."""
    return any(
        rule.get("IpProtocol") == "-1"
        and group_id in [pair.get("GroupId") for pair in rule.get("UserIdGroupPairs", ())]
        for rule in rules
    )


def _is_closed_else(rule: Mapping[str, Any]) -> bool:
    """Whether a rule lets one security group in and no range of addresses."""
    others = ("IpRanges", "Ipv6Ranges", "PrefixListIds")
    return len(rule.get("UserIdGroupPairs", ())) == 1 and not any(rule.get(name) for name in others)


def _named(clients: Clients, vpc_id: str, name: str) -> list[dict[str, Any]]:
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "group-name", "Values": [name]}]
    groups: list[dict[str, Any]] = clients("ec2").describe_security_groups(Filters=filters)["SecurityGroups"]
    return groups


def _make(clients: Clients, vpc_id: str, name: str, what: str, tags: Mapping[str, str] | None) -> str:
    answer = clients("ec2").create_security_group(
        GroupName=name,
        Description=f"pytest-benchmark-aws: {what}",
        VpcId=vpc_id,
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tag_list({**(tags or {}), "managed-by": TAG})}],
    )
    return str(answer["GroupId"])
