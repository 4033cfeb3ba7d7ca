"""What a run costs."""

from __future__ import annotations

from decimal import Decimal


def usd(usd_per_hour: Decimal, seconds: float) -> Decimal:
    """The price of so many seconds; EC2 bills Linux by the second."""
    return usd_per_hour * Decimal(repr(seconds)) / 3600
