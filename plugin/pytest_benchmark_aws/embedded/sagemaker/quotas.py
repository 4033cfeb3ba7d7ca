"""SageMaker's quotas by name: what CreateTrainingJob refuses by them, and what Service Quotas answers."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.embedded import moto_models
from pytest_benchmark_aws.embedded.aws_error import AwsError
from pytest_benchmark_aws.embedded.sagemaker.constraints import instance_types
from pytest_benchmark_aws.embedded.sagemaker.job import ALIVE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_benchmark_aws.embedded.aws_request import AwsRequest
    from pytest_benchmark_aws.embedded.sagemaker.job import TrainingJob
    from pytest_benchmark_aws.embedded.state import State

LONGEST_RUN = "Longest run time for a training job"
"""In seconds; with its value and the next two in the SageMaker guide, "Training Limits per Region"."""
MOST_INSTANCES = "Maximum number of instances per training job"
_FIXED = {LONGEST_RUN: 432_000, MOST_INSTANCES: 20}
_MOST_A_PAGE = 100


def usage_name(instance_type: str, *, spot: bool) -> str:
    """The name of the quota that counts a type's instances."""
    return f"{instance_type} for {'spot ' if spot else ''}training job usage"


def value_of(state: State, name: str) -> int:
    """What a quota allows: as a test set it, else as the settings say."""
    return state.training_quotas.get(name, _FIXED.get(name, state.settings.training_quota))


def check(state: State, jobs: Iterable[TrainingJob], region: str, request: Mapping[str, Any]) -> None:
    """Refuses a job that would exceed a quota."""
    resources = request["ResourceConfig"]
    instance_type, count = str(resources["InstanceType"]), int(resources["InstanceCount"])
    spot = bool(request.get("EnableManagedSpotTraining"))
    used = sum(
        job.instance_count
        for job in jobs
        if job.region == region and job.status in ALIVE and job.instance_type == instance_type and job.spot == spot
    )
    seconds = int(request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 0))
    _refuse(state, MOST_INSTANCES, "Instances", 0, count)
    _refuse(state, LONGEST_RUN, "Seconds", 0, seconds)
    _refuse(state, usage_name(instance_type, spot=spot), "Instances", used, count)


def _refuse(state: State, name: str, unit: str, used: int, asked: int) -> None:
    limit = value_of(state, name)
    if used + asked > limit:
        raise AwsError(
            "ResourceLimitExceeded",
            f"The account-level service limit '{name}' is {limit} {unit}, with current utilization of {used} {unit} "
            f"and a request delta of {asked} {unit}. Please contact AWS support to request an increase for this limit.",
        )


def list_service_quotas(request: AwsRequest, state: State) -> dict[str, Any]:
    """The answer to ListServiceQuotas of SageMaker, a page of at most 100."""
    all_names = names()
    start = int(request.document.get("NextToken") or 0)
    end = start + min(int(request.document.get("MaxResults") or _MOST_A_PAGE), _MOST_A_PAGE)
    page = {"Quotas": [_quota(request, state, name) for name in all_names[start:end]]}
    return page | ({"NextToken": str(end)} if end < len(all_names) else {})


def get_service_quota(request: AwsRequest, state: State) -> dict[str, Any]:
    """The answer to GetServiceQuota of SageMaker."""
    by_code = {code_of(name): name for name in names()}
    code = str(request.document.get("QuotaCode", ""))
    if code not in by_code:
        raise AwsError("NoSuchResourceException", "The request failed because the specified quota does not exist.")
    return {"Quota": _quota(request, state, by_code[code])}


def names() -> list[str]:
    """The names of all quotas that are modelled."""
    usages = [usage_name(name, spot=spot) for name in instance_types() for spot in (False, True)]
    return sorted([*_FIXED, *usages], key=code_of)  # AWS's order is that of the codes, or none: not that of the names


def code_of(name: str) -> str:
    """A quota's code, made up: AWS's are no function of the name, so that nobody may know them by heart."""
    return f"L-{hashlib.sha256(name.encode()).hexdigest()[:8].upper()}"


def _quota(request: AwsRequest, state: State, name: str) -> dict[str, Any]:
    code = code_of(name)
    partition = moto_models.partition(request.region)
    return {
        "ServiceCode": "sagemaker",
        "ServiceName": "Amazon SageMaker",
        "QuotaArn": f"arn:{partition}:servicequotas:{request.region}:{moto_models.ACCOUNT}:sagemaker/{code}",
        "QuotaCode": code,
        "QuotaName": name,
        "Value": float(value_of(state, name)),
        "Unit": "Second" if name == LONGEST_RUN else "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }
