"""What a request of a managed service costs in us-east-1, by a table that ships: each price with its day and source.

A price that no source confirms is none: general knowledge is no source.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

REGION = "us-east-1"
"""The table's only region; of others the Price List knows."""


@dataclass(frozen=True, slots=True)
class ServicePrice:
    """The first tier's price of one kind of request."""

    key: str
    """As marks name it: ``polly.neural``."""
    service_code: str
    """Of the Price List."""
    usage_types: tuple[str, ...]
    """In the Price List, without the region in front: ``SyncTextPagesProcessed``; none where none is known."""
    unit: str
    usd: Decimal | None
    """Of one unit; None where it is not confirmed."""
    date: str
    """The day that it was in force (ISO 8601)."""
    source: str

    @property
    def said(self) -> str:
        """Source and day in a few words."""
        return f"{self.source}, {self.date}" if self.usd is not None else "not confirmed"


@lru_cache(maxsize=1)
def service_prices() -> dict[str, ServicePrice]:
    """Key -> price, of all that the table has."""
    with (Path(__file__).parent / "data" / "service-prices.csv").open(encoding="utf-8", newline="") as file:
        return {row["key"]: _price(row) for row in csv.DictReader(file)}


def _price(row: dict[str, str]) -> ServicePrice:
    usd = Decimal(row["usd"]) if row["usd"] else None
    usages = tuple(filter(None, row["usage_types"].split("|")))
    return ServicePrice(row["key"], row["service_code"], usages, row["unit"], usd, row["date"], row["source"])
