"""The catalog that ships with the package: specifications and prices of one day, usable offline."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.catalog import Catalog

PRICE_DATE = "2026-07-20"
"""When AWS generated the price list that the snapshot holds (us-east-1, Linux, on demand)."""


@lru_cache(maxsize=1)
def catalog() -> Catalog:
    """The shipped catalog, read once for each process."""
    from pytest_benchmark_aws.core.catalog import parse_catalog

    text = (Path(__file__).parent / "data" / "ec2-instance-types.csv").read_text(encoding="utf-8")
    return parse_catalog(text.splitlines(), PRICE_DATE)
