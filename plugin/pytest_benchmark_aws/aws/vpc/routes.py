"""Whether what is launched in a subnet can reach S3, by the VPC's routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.aws.ec2 import Subnet


def without_a_way_out(clients: Clients, subnets: Iterable[Subnet]) -> dict[str, str]:
    """Subnet id -> why an instance there cannot reach S3, by the routes; those that can are left out."""
    subnets, tables = list(subnets), list[dict[str, Any]]()
    vpcs = sorted({subnet.vpc_id for subnet in subnets})
    pages = clients("ec2").get_paginator("describe_route_tables")
    for page in pages.paginate(Filters=[{"Name": "vpc-id", "Values": vpcs}]) if vpcs else ():
        tables += page["RouteTables"]
    reasons = {subnet.subnet_id: _no_way_out(subnet, tables) for subnet in subnets}
    return {subnet_id: reason for subnet_id, reason in reasons.items() if reason}


def _no_way_out(subnet: Subnet, tables: Sequence[Mapping[str, Any]]) -> str:
    """Amazon VPC user guide, "Route tables": a subnet without a table of its own has its VPC's main one."""
    of_vpc = [table for table in tables if table.get("VpcId") == subnet.vpc_id]
    own = [table for table in of_vpc if any(link.get("SubnetId") == subnet.subnet_id for link in table["Associations"])]
    main = [table for table in of_vpc if any(link.get("Main") for link in table["Associations"])]
    if not own and not main:
        return ""  # it is not known
    routes = [route for route in (own or main)[0]["Routes"] if route.get("State", "active") == "active"]
    if any(str(route.get("GatewayId", "")).startswith("vpce-") for route in routes):
        return ""  # S3's gateway endpoint
    out = [route for route in routes if route.get("DestinationCidrBlock") == "0.0.0.0/0"]
    if not out:
        return "it has no route out (0.0.0.0/0) and no gateway endpoint of S3"
    if str(out[0].get("GatewayId", "")).startswith("igw-") and not subnet.public_ip:
        return "its way out is an internet gateway, and instances get no public address there"
    return ""
