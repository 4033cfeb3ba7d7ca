"""Which of many instance types an account could use for a training job at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_benchmark_aws.aws import quotas

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.core.catalog import InstanceType
    from pytest_benchmark_aws.core.model import Market


def launchable(clients: Clients, types: Iterable[InstanceType], market: Market) -> set[str]:
    """The names of the types whose quota allows one; a quota that may not be asked for is none."""
    limits = quotas.training_quotas(clients)
    return {t.name for t in types if limits.get(quotas.training_quota_name(t.name, market), 1)}
