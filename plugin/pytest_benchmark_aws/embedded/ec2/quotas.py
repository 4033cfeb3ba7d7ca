"""The vCPU quotas by family and market: what RunInstances refuses by them, and what Service Quotas answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.embedded import moto_models
from pytest_benchmark_aws.embedded.aws_error import AwsError
from pytest_benchmark_aws.embedded.ec2.lifecycle import ALIVE

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_benchmark_aws.embedded.aws_request import AwsRequest
    from pytest_benchmark_aws.embedded.state import State

ON_DEMAND_QUOTA, SPOT_QUOTA = "L-1216C47A", "L-34B43A08"
QUOTA_NAMES = {
    ON_DEMAND_QUOTA: "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
    SPOT_QUOTA: "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests",
    "L-DB2E81BA": "Running On-Demand G and VT instances",
    "L-3819A6DF": "All G and VT Spot Instance Requests",
    "L-417A185B": "Running On-Demand P instances",
    "L-7212CCBC": "All P4, P3 and P2 Spot Instance Requests",
}
"""Service Quotas' codes and names, as ListServiceQuotas gives them."""
_POOLS = {
    **dict.fromkeys(("a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"), (ON_DEMAND_QUOTA, SPOT_QUOTA)),
    **dict.fromkeys(("g", "gr", "vt"), ("L-DB2E81BA", "L-3819A6DF")),
    "p": ("L-417A185B", "L-7212CCBC"),
}
"""Family -> quotas, on demand and spot; ``im4gn`` and ``is4gen`` are I's."""


def check_vcpus(
    state: State, region: str, instance_type: str, count: int, *, spot: bool, held: Collection[str] = ()
) -> None:
    """Refuses a launch of ``count`` instances that would exceed the quota of its family and market.

    ``held`` are the ids of instances that are over and still count.
    """
    code = quota_of(instance_type, spot=spot)
    if code is None:
        return
    limit = _limit(state, code)
    used = sum(
        _vcpus(instance.instance_type)
        for instance in moto_models.all_instances(region)
        if (instance.state in ALIVE or instance.id in held)
        and quota_of(instance.instance_type, spot=instance.lifecycle == "spot") == code
    )
    if used + count * _vcpus(instance_type) <= limit:
        return
    if spot:
        raise AwsError("MaxSpotInstanceCountExceeded", "Max spot instance count exceeded")
    raise AwsError(
        "VcpuLimitExceeded",
        f"You have requested more vCPU capacity than your current vCPU limit of {limit} allows for the instance "
        "bucket that the specified instance type belongs to. Please visit "
        "http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.",
    )


def quota_of(instance_type: str, *, spot: bool) -> str | None:
    """The code of the quota that counts a type's vCPUs; None for families that are not modelled."""
    family = re.match("[a-z]+", instance_type)
    pools = None if family is None else _POOLS.get(family[0])
    return None if pools is None else pools[spot]


def _limit(state: State, code: str) -> int:
    """The vCPUs that a quota allows: those of GPU families have a setting in common."""
    settings = state.settings
    return {ON_DEMAND_QUOTA: settings.vcpu_quota, SPOT_QUOTA: settings.spot_vcpu_quota}.get(
        code, settings.gpu_vcpu_quota
    )


def _vcpus(name: str) -> int:
    """The vCPUs of an instance type; 1 where the catalog does not tell."""
    instance_type = catalog().types.get(name)
    return (instance_type.vcpus if instance_type is not None else None) or 1


def get_service_quota(request: AwsRequest, state: State) -> dict[str, Any]:
    """The answer to Service Quotas' GetServiceQuota: of a vCPU quota that is modelled, else a refusal."""
    code = str(request.document.get("QuotaCode", ""))
    if request.document.get("ServiceCode") != "ec2" or code not in QUOTA_NAMES:
        raise AwsError("NoSuchResourceException", "The request failed because the specified quota does not exist.")
    return {
        "Quota": {
            "ServiceCode": "ec2",
            "ServiceName": "Amazon Elastic Compute Cloud (Amazon EC2)",
            "QuotaArn": f"arn:aws:servicequotas:{request.region}:{moto_models.ACCOUNT}:ec2/{code}",
            "QuotaCode": code,
            "QuotaName": QUOTA_NAMES[code],
            "Value": float(_limit(state, code)),
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
        }
    }
