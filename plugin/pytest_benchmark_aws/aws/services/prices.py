"""What a unit of a managed service costs: by the Price List, else by the table that ships."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.catalog.service_prices import REGION, service_prices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.catalog.service_prices import ServicePrice

_API_REGION = "us-east-1"
"""The Pricing API is in few regions, and each has the prices of all."""


@dataclass(frozen=True, slots=True)
class ServicePrices:
    """Prices of one region, by their keys."""

    region: str
    option_prices: Mapping[str, Decimal]
    """Key -> USD a unit, as --aws-price says."""
    listed: Mapping[str, ServicePrice]
    """By the Price List."""

    def __call__(self, key: str) -> ServicePrice:
        """The price of a key, without USD where none is confirmed for the region.

        Raises:
            KeyError: the table has no such key.
        """
        shipped = service_prices()[key]
        if key in self.option_prices:
            return replace(shipped, usd=self.option_prices[key], source="--aws-price", date="given")
        if key in self.listed:
            return self.listed[key]
        return shipped if self.region == REGION else replace(shipped, usd=None)


def fetch(clients: Clients, region: str, keys: Iterable[str]) -> dict[str, ServicePrice]:
    """Key -> price in a region by the Price List; a key that it does not answer is left out."""
    from botocore.exceptions import BotoCoreError, ClientError

    asked = [service_prices()[key] for key in dict.fromkeys(keys)]
    prices: dict[str, ServicePrice] = {}
    for code in dict.fromkeys(price.service_code for price in asked if price.usage_types):
        try:
            products = list(_products(clients, code, region))
        except (BotoCoreError, ClientError):
            continue  # no right to ask, or no way to: the table answers
        for price in asked:
            usd, day = _first_tier(products, price) if price.service_code == code else (None, "")
            if usd is not None:
                source = f"Price List {code} {region}, published" + (", embedded" if clients.account().embedded else "")
                prices[price.key] = replace(price, usd=usd, date=day, source=source)
    return prices


def _products(clients: Clients, code: str, region: str) -> Iterator[dict[str, Any]]:
    pages = clients("pricing", _API_REGION).get_paginator("get_products")
    filters = [{"Type": "TERM_MATCH", "Field": "regionCode", "Value": region}]
    for page in pages.paginate(ServiceCode=code, Filters=filters):
        yield from map(json.loads, page["PriceList"])


def _first_tier(products: Iterable[Mapping[str, Any]], price: ServicePrice) -> tuple[Decimal | None, str]:
    """USD of a unit in the first tier above what is free, and the day of the list."""
    usage = re.compile(rf"(?:[A-Z]+\d*-)?(?:{'|'.join(map(re.escape, price.usage_types))})")
    tiers: list[tuple[Decimal, Decimal, str]] = []
    for product in products:
        if not usage.fullmatch(str(product["product"]["attributes"].get("usagetype", ""))):
            continue
        for term in product.get("terms", {}).get("OnDemand", {}).values():
            for dimension in term["priceDimensions"].values():
                try:
                    usd, begin = Decimal(dimension["pricePerUnit"]["USD"]), Decimal(dimension.get("beginRange") or 0)
                except (KeyError, InvalidOperation):
                    continue
                if usd > 0:
                    tiers.append((begin, usd, str(product.get("publicationDate", ""))[:10]))
    if not tiers:
        return None, ""
    _, usd, day = min(tiers)
    return usd, day
