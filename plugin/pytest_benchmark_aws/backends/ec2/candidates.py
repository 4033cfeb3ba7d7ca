"""Which of many instance types an account could launch at all, so that a search does not choose what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_benchmark_aws.aws import ec2, quotas
from pytest_benchmark_aws.aws.images import unsupported

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.core.catalog import InstanceType
    from pytest_benchmark_aws.core.model import Market


def launchable(clients: Clients, types: Iterable[InstanceType], market: Market) -> set[str]:
    """The names of the types that the region offers, the quota of vCPUs allows and a default image serves.

    A quota that may not be asked for is none.
    """
    types = [t for t in types if unsupported(t) is None]
    offered = ec2.offered_types(clients)
    codes = {quotas.quota_code(t.name, market) for t in types} - {None}
    limits = {code: quotas.vcpu_quota(clients, code) for code in codes if code is not None}

    def within(instance_type: InstanceType) -> bool:
        limit = limits.get(quotas.quota_code(instance_type.name, market) or "")
        return limit is None or (instance_type.vcpus or 0) <= limit

    return {t.name for t in types if t.name in offered and within(t)}
