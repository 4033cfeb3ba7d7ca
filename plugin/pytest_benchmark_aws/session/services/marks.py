"""What the marker ``aws_service`` says of a benchmark: which service, and what each of its requests is billed for."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.core.errors import MarkError

if TYPE_CHECKING:
    from collections.abc import Callable

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
    """The key of its price; None where the mark says USD, or of a service that is asked nothing."""
    units: Decimal
    """What one request is billed for."""
    most_rounds: int | None = None
    """Of dear requests: how many are timed at most."""
    usd: Decimal | None = None
    """Of one unit, as the mark says it: of a service that the table of prices has not."""

    def rounds(self, wanted: int) -> int:
        """How many requests are timed, of those that the session wants."""
        return wanted if self.most_rounds is None else min(wanted, self.most_rounds)

    def priced(self, price_of: Callable[[str], ServicePrice]) -> ServicePrice | None:
        """The price that its key has, or as the mark says it; None where it says none."""
        from pytest_benchmark_aws.catalog.service_prices import ServicePrice

        if self.price is not None:
            return price_of(self.price)
        if self.usd is None:
            return None
        return ServicePrice(self.service, self.service, (), "unit", self.usd, "given", "usd of aws_service")

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
    most_rounds, usd = kwargs.pop("rounds", None), kwargs.pop("usd", None)
    if len(args) != 1 or kwargs or not isinstance(service, str):
        raise MarkError(f"aws_service takes a service, price, units, rounds and usd: {form}")
    if price is not None and usd is not None:
        raise MarkError(f"aws_service: price and usd are two prices: give usd where the table has none of {service}")
    if price is not None and price not in service_prices():
        raise MarkError(f"aws_service: no price is called {price!r}; there are {', '.join(service_prices())}")
    if price is not None and service_prices()[price].key.partition(".")[0] != service:
        raise MarkError(f"aws_service: {price} is no price of {service}; {_named_prices(service)}: {form}")
    if units is None:
        unit = "request" if price is None else service_prices()[price].unit
        if unit not in _ONE_EACH:
            raise MarkError(
                f"aws_service: {price} is per {unit}: give units, how many one request is billed for: {form}"
            )
        units = 1
    if not _is_amount(units, 10**12):
        raise MarkError(f"aws_service: units is {units!r}, give what one request is billed for, above 0: {form}")
    if usd is not None and not _is_amount(usd, 10**9):
        raise MarkError(f"aws_service: usd is {usd!r}, give what one unit costs, above 0, as in usd=0.0035")
    if most_rounds is not None and (not isinstance(most_rounds, int) or most_rounds < 1):
        raise MarkError(f"aws_service: rounds is {most_rounds!r}, give how many requests are timed at most: {form}")
    return ServiceMark(service, price, Decimal(str(units)), most_rounds, None if usd is None else Decimal(str(usd)))


def _is_amount(value: Any, limit: int) -> bool:
    is_number = isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
    return is_number and Decimal(value).is_finite() and 0 < value < limit


def prices_of(service: str) -> list[str]:
    """The keys of a service in the table of prices."""
    from pytest_benchmark_aws.catalog.service_prices import service_prices

    return [key for key in service_prices() if key.partition(".")[0] == service]


def _named_prices(service: str) -> str:
    from pytest_benchmark_aws.catalog.service_prices import service_prices

    keys = prices_of(service)
    return (
        f"there are {', '.join(keys)}"
        if keys
        else f"there are only {', '.join(service_prices())}; give usd, what one unit costs"
    )
