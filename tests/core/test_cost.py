"""What a run costs."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.core.cost import usd


@given(st.decimals(0, 100, places=4), st.integers(0, 10**6))
def test_an_hour_costs_its_price(price: Decimal, hours: int) -> None:
    """So many hours cost so many times the hourly price, to a billionth."""
    assert abs(usd(price, hours * 3600.0) - price * hours) < Decimal("1e-9")
