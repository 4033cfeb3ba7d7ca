"""What launches need, made where it is missing: bucket, security groups, shipped archives. None costs by the hour."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_benchmark_aws.aws import ec2

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.aws.s3_run_bucket import Bucket
    from pytest_benchmark_aws.backends.agent_archive import Shipment
    from pytest_benchmark_aws.backends.ec2.launch_checks import Place


def with_security_groups(clients: Clients, place: Place, group: str | None) -> Place:
    """The place with a security group in each of its VPCs: the one that is asked for, else ours."""
    vpcs = dict.fromkeys(subnet.vpc_id for subnet in place.subnets)
    return replace(place, security_groups={vpc: group or ec2.security_group(clients, vpc, make=True) for vpc in vpcs})


def upload(bucket: Bucket, shipments: Iterable[Shipment]) -> None:
    """Makes the bucket, and puts each archive there that it does not hold.

    Raises:
        PlanError: the bucket is somebody else's.
        botocore.exceptions.ClientError: AWS refuses.
    """
    bucket.ensure()
    for shipment in shipments:
        for archive in (shipment.project, shipment.wheels):
            if not bucket.has(archive.key, archive.size):
                bucket.put(archive.key, archive.data)
