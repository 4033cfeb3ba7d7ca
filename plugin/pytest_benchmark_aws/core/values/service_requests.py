"""What a saved result says of its requests to a managed service: latency, counts, price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.core.values import json_fields
from pytest_benchmark_aws.core.values.times import MOST_S, NUMBERS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

_LEAST_S = 1e-9


@dataclass(frozen=True, slots=True)
class ServiceRequests:
    """The requests of one benchmark in one session; what the file does not say, or says as nothing can be, is None."""

    service: str
    """As boto3 and the policy name it: ``polly``."""
    variant: str | None
    """Which of its ways to do the same: ``neural``."""
    region: str | None
    embedded: bool
    """Whether embedded AWS answered."""
    latency_s: tuple[float, float, float] | None
    """p50, p95 and p99 of the requests that were answered."""
    requests: int | None
    throttled: int | None
    """Attempts."""
    given_up: int | None
    """Requests."""
    errors: int | None
    """Attempts."""
    usd_per_1000: Decimal | None
    usd_per_unit: Decimal | None
    unit: str | None
    price_date: str | None
    price_source: str | None


def is_service(extra: Mapping[str, Any]) -> bool:
    """Whether a benchmark's extra_info is that of a managed service."""
    return "latencies_s" in extra and isinstance(extra.get("service"), str)


def service_requests(extra: Mapping[str, Any]) -> ServiceRequests | None:
    """What extra_info says of requests; None where it is no managed service's."""
    if not is_service(extra):
        return None
    return ServiceRequests(
        service=json_fields.shortened(extra["service"]),
        variant=json_fields.text(extra.get("variant")),
        region=json_fields.text(extra.get("region")),
        embedded=bool(extra.get("embedded")),
        latency_s=_percentiles([extra.get(f"p{percent}_s") for percent in (50, 95, 99)]),
        requests=json_fields.whole(extra.get("requests")),
        throttled=_count(extra.get("throttled")),
        given_up=_count(extra.get("given_up")),
        errors=_count(extra.get("errors")),
        usd_per_1000=json_fields.usd(extra.get("usd_per_1000")),
        usd_per_unit=json_fields.usd(extra.get("usd_per_unit")),
        unit=json_fields.text(extra.get("unit")),
        price_date=json_fields.text(extra.get("price_date")),
        price_source=json_fields.text(extra.get("price_source")),
    )


def _percentiles(values: list[Any]) -> tuple[float, float, float] | None:
    """The values where they are times of requests, in order."""
    if any(type(value) not in NUMBERS for value in values):
        return None
    low, middle, high = values
    return (float(low), float(middle), float(high)) if _LEAST_S < low <= middle <= high < MOST_S else None


def _count(value: object) -> int | None:
    return 0 if value == 0 and type(value) is int else json_fields.whole(value)
