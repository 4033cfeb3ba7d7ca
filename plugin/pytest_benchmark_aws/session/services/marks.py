"""What the marker ``aws_service`` says of a benchmark: which service, and what each of its requests is billed for."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.core.errors import MarkError

if TYPE_CHECKING:
    import pytest

    from pytest_benchmark_aws.catalog.service_prices import ServicePrice

MARKER = "aws_service"
FIXTURE = "aws_service"
WARM_UP = 1
"""Requests before those that are timed: connection, credentials and rights are then there."""


_ONE_EACH = frozenset({"request", "page", "image"})
"""Units of which a request has one where its mark does not say."""


@dataclass(frozen=True, slots=True)
class ServiceMark:
    """One benchmark of a managed service."""

    service: str
    """As boto3 and the policy name it: ``polly``."""
    price: str | None
    """The key of its price; None of a service that is asked nothing."""
    units: Decimal
    """What one request is billed for."""
    most_rounds: int | None = None
    """Of dear requests: how many are timed at most."""

    def rounds(self, wanted: int) -> int:
        """How many requests are timed, of those that the session wants."""
        return wanted if self.most_rounds is None else min(wanted, self.most_rounds)

    def most_usd(self, price: ServicePrice, rounds: int) -> Decimal | None:
        """USD of all its requests; None where the price is not confirmed."""
        return None if price.usd is None else self.units * price.usd * (self.rounds(rounds) + WARM_UP)


def read(item: pytest.Item) -> ServiceMark | None:
    """The mark of an item; None without one.

    Raises:
        MarkError: it cannot be used.
    """
    marker = item.get_closest_marker(MARKER)
    return None if marker is None else _parsed(*marker.args, **marker.kwargs)


def region_of(item: pytest.Item) -> str | None:
    """The region that ``--aws-regions`` gave this case; None without it."""
    callspec: Any = getattr(item, "callspec", None)
    region = None if callspec is None else callspec.params.get(FIXTURE)
    return None if region is None else str(region)


def _parsed(*args: Any, **kwargs: Any) -> ServiceMark:
    from pytest_benchmark_aws.catalog.service_prices import service_prices

    form = "write aws_service('polly', price='polly.neural', units=120)"
    service, price, units = (args[0] if args else None), kwargs.pop("price", None), kwargs.pop("units", None)
    most_rounds = kwargs.pop("rounds", None)
    if len(args) != 1 or kwargs or not isinstance(service, str):
        raise MarkError(f"aws_service takes a service, price, units and rounds: {form}")
    if price is not None and price not in service_prices():
        raise MarkError(f"aws_service: no price is called {price!r}; there are {', '.join(service_prices())}")
    if price is not None and service_prices()[price].key.partition(".")[0] != service:
        raise MarkError(f"aws_service: {price} is no price of {service}; {_prices_of(service)}: {form}")
    if units is None:
        unit = "request" if price is None else service_prices()[price].unit
        if unit not in _ONE_EACH:
            raise MarkError(
                f"aws_service: {price} is per {unit}: give units, how many one request is billed for: {form}"
            )
        units = 1
    if isinstance(units, bool) or not isinstance(units, (int, float, Decimal)) or not 0 < units < 10**12:
        raise MarkError(f"aws_service: units is {units!r}, give what one request is billed for, above 0: {form}")
    if most_rounds is not None and (not isinstance(most_rounds, int) or most_rounds < 1):
        raise MarkError(f"aws_service: rounds is {most_rounds!r}, give how many requests are timed at most: {form}")
    return ServiceMark(service, price, Decimal(str(units)), most_rounds)


def _prices_of(service: str) -> str:
    from pytest_benchmark_aws.catalog.service_prices import service_prices

    keys = [key for key in service_prices() if key.partition(".")[0] == service]
    return f"there are {', '.join(keys)}" if keys else f"there are only {', '.join(service_prices())}"
