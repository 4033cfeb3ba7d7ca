"""Spot instances: their made-up price, and the notice and the end of an interruption."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING

from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.embedded import moto_models
from pytest_benchmark_aws.embedded.ec2.lifecycle import Reason

if TYPE_CHECKING:
    from pytest_benchmark_aws.embedded.aws_request import AwsRequest
    from pytest_benchmark_aws.embedded.ec2.lifecycle import Record

SPOT_SHARE = Decimal("0.35")
"""Spot price / on-demand price. Made up: real ones move by the hour, from about 0.1 to 0.9."""
SPOT_PRODUCT = "Linux/UNIX"
NOTICE = timedelta(minutes=2)
"""Between an interruption's notice and the interruption, as AWS documents it."""
INTERRUPTED = Reason("Server.SpotInstanceTermination", "Spot instance termination", "Server.SpotInstanceTermination")
"""The end of an instance that EC2 takes back."""


def announce_interruption(record: Record) -> None:
    """Gives an instance its notice, which its metadata shows; ending it for ``INTERRUPTED`` is another act."""
    record.interruption_time = datetime.now(timezone.utc) + NOTICE


def notice_documents(record: Record) -> dict[str, str]:
    """Metadata path -> text of the notice; empty without one."""
    if record.interruption_time is None:
        return {}
    when = f"{record.interruption_time.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
    return {
        "latest/meta-data/spot/instance-action": json.dumps({"action": "terminate", "time": when}),
        "latest/meta-data/spot/termination-time": when,
    }


def spot_price_history(request: AwsRequest) -> str:
    """The content of a DescribeSpotPriceHistory answer: one price, as of now, for each type and zone."""
    filters = request.filters()
    types = request.listed("InstanceType") or filters.get("instance-type") or list(catalog().types)
    products = request.listed("ProductDescription") or filters.get("product-description") or [SPOT_PRODUCT]
    zones = moto_models.zones(request.region)
    zone_parameter = request.params.get("AvailabilityZone")
    wanted_zones = [zone_parameter] if zone_parameter else filters.get("availability-zone") or zones
    if not {SPOT_PRODUCT, "Linux/UNIX (Amazon VPC)"} & set(products):
        types = []
    now = f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%S.000Z}"
    items = []
    for name in types:
        instance_type = catalog().types.get(name)
        if instance_type is None or instance_type.usd_per_hour is None:
            continue
        price = (instance_type.usd_per_hour * SPOT_SHARE).quantize(Decimal("0.000001"))
        items += [
            f"<item><instanceType>{name}</instanceType><productDescription>{SPOT_PRODUCT}</productDescription>"
            f"<spotPrice>{price}</spotPrice><timestamp>{now}</timestamp><availabilityZone>{zone}</availabilityZone>"
            "</item>"
            for zone in moto_models.offered_zones(request.region, name) or zones
            if zone in wanted_zones
        ]
    return f"<spotPriceHistorySet>{''.join(items)}</spotPriceHistorySet><nextToken/>"
