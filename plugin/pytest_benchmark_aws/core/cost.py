"""What a run costs."""

from __future__ import annotations

from decimal import Decimal


def usd(usd_per_hour: Decimal, seconds: float) -> Decimal:
    """The price of so many seconds; EC2 bills Linux by the second."""
    return usd_per_hour * Decimal(repr(seconds)) / 3600


def usd_at_pace(usd_per_hour: Decimal, work: float, throughput: float) -> Decimal:
    """The price of so many units of work at so many a second: a projection where the measured work was another."""
    return usd(usd_per_hour, work / throughput)
