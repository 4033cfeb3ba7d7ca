"""The vCPU quotas of standard instances: what RunInstances refuses by them, and what Service Quotas answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.embedded import moto_models
from pytest_benchmark_aws.embedded.aws_error import AwsError
from pytest_benchmark_aws.embedded.ec2.lifecycle import ALIVE

if TYPE_CHECKING:
    from pytest_benchmark_aws.embedded.aws_request import AwsRequest
    from pytest_benchmark_aws.embedded.state import State

ON_DEMAND_QUOTA, SPOT_QUOTA = "L-1216C47A", "L-34B43A08"
QUOTA_NAMES = {
    ON_DEMAND_QUOTA: "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
    SPOT_QUOTA: "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests",
}
_STANDARD = frozenset({"a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"})
"""The families of the quotas "standard (A, C, D, H, I, M, R, T, Z)"; ``im4gn`` and ``is4gen`` are I's."""


def check_vcpus(state: State, region: str, instance_type: str, count: int, *, spot: bool) -> None:
    """Refuses a launch of ``count`` instances that would exceed the quota of its market."""
    if not is_standard(instance_type):
        return
    limit = state.settings.spot_vcpu_quota if spot else state.settings.vcpu_quota
    used = sum(
        _vcpus(instance.instance_type)
        for instance in moto_models.all_instances(region)
        if instance.state in ALIVE and (instance.lifecycle == "spot") == spot and is_standard(instance.instance_type)
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


def is_standard(instance_type: str) -> bool:
    """Whether the vCPUs of a type count against the standard quotas."""
    family = re.match("[a-z]+", instance_type)
    return family is not None and family[0] in _STANDARD


def _vcpus(name: str) -> int:
    """The vCPUs of an instance type; 1 where the catalog does not tell."""
    instance_type = catalog().types.get(name)
    return (instance_type.vcpus if instance_type is not None else None) or 1


def get_service_quota(request: AwsRequest, state: State) -> dict[str, Any]:
    """The answer to Service Quotas' GetServiceQuota: of the two vCPU quotas of standard instances, else a refusal."""
    code = str(request.document.get("QuotaCode", ""))
    if request.document.get("ServiceCode") != "ec2" or code not in QUOTA_NAMES:
        raise AwsError("NoSuchResourceException", "The request failed because the specified quota does not exist.")
    value = state.settings.vcpu_quota if code == ON_DEMAND_QUOTA else state.settings.spot_vcpu_quota
    return {
        "Quota": {
            "ServiceCode": "ec2",
            "ServiceName": "Amazon Elastic Compute Cloud (Amazon EC2)",
            "QuotaArn": f"arn:aws:servicequotas:{request.region}:{moto_models.ACCOUNT}:ec2/{code}",
            "QuotaCode": code,
            "QuotaName": QUOTA_NAMES[code],
            "Value": float(value),
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
        }
    }
