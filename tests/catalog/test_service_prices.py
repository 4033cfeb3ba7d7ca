"""The shipped prices of managed services."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from pytest_benchmark_aws.catalog.service_prices import service_prices


@pytest.mark.parametrize("key", service_prices())
def test_each_price_has_a_source_and_a_day(key: str) -> None:
    """Or is not confirmed, and then has neither price nor day."""
    price = service_prices()[key]
    assert price.service_code
    assert price.unit
    if price.usd is None:
        assert (price.date, price.source, price.said) == ("", "", "not confirmed")
        return
    assert Decimal("0.000001") < price.usd < Decimal("0.1")
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", price.date)
    assert len(price.source) > 20
    assert price.usage_types


def test_personalize_has_no_confirmed_price() -> None:
    """Its price is known by hearsay alone."""
    assert [price.key for price in service_prices().values() if price.usd is None] == ["personalize.recommendations"]
