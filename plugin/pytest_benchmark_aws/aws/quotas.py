"""The account's quotas: EC2's of vCPUs, by their codes; SageMaker's of training jobs, by their names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.core.model import Market

_CODES: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"), ("L-1216C47A", "L-34B43A08")),
    **dict.fromkeys(("g", "gr", "vt"), ("L-DB2E81BA", "L-3819A6DF")),
    "p": ("L-417A185B", "L-7212CCBC"),
}
"""Family -> Service Quotas' codes, on demand and spot: standard (A, C, D, H, I, M, R, T, Z), "G and VT", and P, by the
names that ListServiceQuotas gives. Other families have quotas of their own, which are not looked at."""


def quota_code(instance_type: str, market: Market) -> str | None:
    """The code of the quota that counts an instance's vCPUs; None for a family of which it is not known."""
    family = re.match("[a-z]+", instance_type)
    if family is None or (market == "spot" and re.match(r"p[5-9]", instance_type)):  # these have a spot quota apart
        return None
    codes = _CODES.get(family[0])
    return None if codes is None else codes[market == "spot"]


def vcpu_quota(clients: Clients, code: str) -> int | None:
    """The number of vCPUs that may run at once by a quota; None where it cannot be asked."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = clients("service-quotas").get_service_quota(ServiceCode="ec2", QuotaCode=code)
    except (BotoCoreError, ClientError):
        return None
    return int(answer["Quota"]["Value"])


LONGEST_TRAINING = "Longest run time for a training job"
"""In seconds (SageMaker guide, "Training Limits per Region")."""


def training_quota_name(instance_type: str, market: Market) -> str:
    """The name of the quota that counts instances of a type in training jobs; its code is a type's own."""
    return f"{instance_type} for {'spot ' if market == 'spot' else ''}training job usage"


def training_quotas(clients: Clients) -> dict[str, int]:
    """SageMaker's quotas by name; none where they cannot be asked.

    ListServiceQuotas has no filter by name: it is over a thousand entries, a hundred a page.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    pages = clients("service-quotas").get_paginator("list_service_quotas")
    try:
        return {
            str(quota["QuotaName"]): int(quota["Value"])
            for page in pages.paginate(ServiceCode="sagemaker", PaginationConfig={"PageSize": 100})
            for quota in page["Quotas"]
        }
    except (BotoCoreError, ClientError):
        return {}
