"""What an hour of an instance costs: by --aws-price, the Pricing API, or the shipped snapshot with its date."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.core.catalog import InstanceType
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.instance_type_names import SAGEMAKER_PREFIX
from pytest_benchmark_aws.core.model import Price
from pytest_benchmark_aws.core.values import json_fields
from pytest_benchmark_aws.machine.folders import own_folder
from pytest_benchmark_aws.machine.regular_files import read_regular

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.core.catalog import Catalog

FRESH_S = 24 * 3600
"""Seconds that a fetched price is used for."""
_MOST_BYTES = 16 * 2**20
"""Of the file that keeps prices: a thousand instance types have 100 kB."""
_HOUR = {"Hrs", "Hours", "hours"}
"""The unit of an hour, in the lists of EC2 and of SageMaker."""
_API_REGION = "us-east-1"
"""The Pricing API is in few regions, and each has the prices of all."""


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices of one region, on demand, Linux, shared tenancy."""

    option_prices: Mapping[str, Decimal]
    """Instance type -> USD an hour, as --aws-price says."""
    fetched: Mapping[str, Price]
    catalog: Catalog
    region: str

    def __call__(self, instance_type: InstanceType) -> Price | None:
        """The price of a type, or None where it is not known. The snapshot speaks for us-east-1 alone."""
        name = instance_type.name
        if name in self.option_prices:
            return Price(self.option_prices[name], "--aws-price")
        if name in self.fetched:
            return self.fetched[name]
        if self.region != "us-east-1" or instance_type.usd_per_hour is None:
            return None
        return Price(instance_type.usd_per_hour, f"snapshot of {self.catalog.price_date}")


def fetch(clients: Clients, names: Iterable[str], folder: Path, source: str) -> dict[str, Price]:
    """Instance type -> price by the Pricing API, which is kept on disk for a day; unknown ones are left out.

    ``source`` says whose they are, with ``{today}`` where the day belongs.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    prices: dict[str, Price] = {}
    path: Path | None = None
    with suppress(PlanError):  # what another user may write is no price, and what cannot be kept is asked again
        path = own_folder(folder) / f"{clients.region}.json"
    entries = {} if path is None else _read(path)
    missing = []
    for name in dict.fromkeys(names):
        price = _price(entries.get(name))
        if price is None:
            missing.append(name)
        else:
            prices[name] = price
    dated = source.replace("{today}", datetime.now(timezone.utc).date().isoformat())
    for name in missing:
        try:
            usd = _ask(clients, name)
        except (BotoCoreError, ClientError):
            break  # no right to ask, or no way to: the snapshot answers
        if usd is not None:
            prices[name] = Price(usd, dated)
            entries[name] = {"usd": str(usd), "time": time.time(), "source": dated}
    if missing and path is not None:
        with suppress(OSError):
            path.write_text(json.dumps(entries), encoding="utf-8")
    return prices


def _price(entry: Any) -> Price | None:
    """The price in an entry from disk; None where it is no price, or older than a day."""
    try:
        fresh = 0 <= time.time() - entry["time"] < FRESH_S
        usd, source = json_fields.usd(entry["usd"]), json_fields.text(entry["source"])
    except (KeyError, TypeError, OverflowError):
        return None
    return Price(usd, source) if fresh and usd and source else None


def _product(name: str) -> tuple[str, dict[str, str]]:
    """The service whose price an instance type has, and the attributes of its product besides the region.

    SageMaker's are those of its price list (AmazonSageMaker, current/index.json).
    """
    if name.startswith(SAGEMAKER_PREFIX):
        return "AmazonSageMaker", {"instanceName": name, "productFamily": "ML Instance", "component": "Training"}
    return "AmazonEC2", {
        "instanceType": name,
        "operatingSystem": "Linux",
        "tenancy": "Shared",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
    }


def _ask(clients: Clients, name: str) -> Decimal | None:
    """USD an hour of an instance type by the Pricing API; None where it knows no price."""
    service, filters = _product(name)
    filters["regionCode"] = clients.region
    answer = clients("pricing", _API_REGION).get_products(
        ServiceCode=service,
        Filters=[{"Type": "TERM_MATCH", "Field": key, "Value": value} for key, value in filters.items()],
        MaxResults=10,
    )
    for text in answer["PriceList"]:
        product: dict[str, Any] = json.loads(text) if isinstance(text, str) else text
        for offer in product.get("terms", {}).get("OnDemand", {}).values():
            for dimension in offer["priceDimensions"].values():
                usd = json_fields.usd(dimension.get("pricePerUnit", {}).get("USD"))
                if usd and dimension.get("unit", "Hrs") in _HOUR:
                    return usd
    return None


def spot_price(clients: Clients, instance_type: str, zone: str) -> Decimal | None:
    """USD an hour of a type on the spot market of a zone now; None where it cannot be asked."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = clients("ec2").describe_spot_price_history(
            InstanceTypes=[instance_type],
            AvailabilityZone=zone,
            ProductDescriptions=["Linux/UNIX"],
            StartTime=datetime.now(timezone.utc),
            MaxResults=10,
        )
    except (BotoCoreError, ClientError):
        return None
    prices = sorted((entry["Timestamp"], entry["SpotPrice"]) for entry in answer["SpotPriceHistory"])
    return json_fields.usd(prices[-1][1]) if prices else None


def _read(path: Path) -> dict[str, Any]:
    """The entries of a file; none where it is missing or no JSON object."""
    try:
        data = json.loads(read_regular(path, _MOST_BYTES, own=True))
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
