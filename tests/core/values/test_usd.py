"""USD as people write them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.core.values.usd import format_usd


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "0.00"),
        ("10", "10.00"),
        ("1.7919", "1.79"),
        ("0.01", "0.01"),
        ("0.0042", "0.0042"),
        ("0.00001", "0.000010"),
    ],
)
def test_money_is_never_rounded_to_nothing(amount: str, text: str) -> None:
    """To the cent; what is less than a cent to two significant digits."""
    assert format_usd(Decimal(amount)) == text


@given(st.decimals(0, 1000, places=9), st.decimals(0, 1000, places=9))
def test_two_amounts_that_differ_read_differently(one: Decimal, other: Decimal) -> None:
    """A plan that costs a little more than is allowed does not read as what is allowed."""
    assert (format_usd(one, other) == format_usd(other, one)) == (one == other)
