"""Which machine: the front of time against money, and the best within a limit."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Offer:
    """What one machine takes for one run."""

    machine: str
    seconds: float
    usd_per_hour: Decimal

    @property
    def usd(self) -> Decimal:
        """Of one run."""
        return self.usd_per_hour * Decimal(repr(self.seconds)) / 3600


def front(offers: Iterable[Offer]) -> list[Offer]:
    """The offers that no other beats in both time and money (Pareto), fastest first; of equals one stays."""
    best: list[Offer] = []
    for offer in sorted(offers, key=lambda one: (one.seconds, one.usd, one.machine)):
        if not best or offer.usd < best[-1].usd:
            best.append(offer)
    return best


def cheapest_within(offers: Sequence[Offer], max_seconds: float) -> Offer | None:
    """The cheapest that keeps the time; of equals the fastest."""
    keeping = [one for one in offers if one.seconds <= max_seconds]
    return min(keeping, key=lambda one: (one.usd, one.seconds, one.machine), default=None)


def fastest_within(offers: Sequence[Offer], max_usd: Decimal) -> Offer | None:
    """The fastest that keeps the money; of equals the cheapest."""
    keeping = [one for one in offers if one.usd <= max_usd]
    return min(keeping, key=lambda one: (one.seconds, one.usd, one.machine), default=None)


def break_even_seconds(usd_per_hour: Decimal, other: Offer) -> float:
    """Below this time a machine at that price is cheaper than the other offer."""
    return float(other.usd * 3600 / usd_per_hour)
