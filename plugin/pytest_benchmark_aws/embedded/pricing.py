"""Prices and quotas: the Pricing API, spot price history, Service Quotas."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.catalog.snapshot import PRICE_DATE, catalog
from pytest_benchmark_aws.embedded import moto_models
from pytest_benchmark_aws.embedded.aws_error import REQUEST_ID, AwsError

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.model import InstanceType
    from pytest_benchmark_aws.embedded.aws_request import AwsRequest
    from pytest_benchmark_aws.embedded.state import State

SPOT_SHARE = Decimal("0.35")
"""Spot price / on-demand price. Made up: real ones move by the hour, from about 0.1 to 0.9."""
SPOT_PRODUCT = "Linux/UNIX"
QUOTA_NAMES = {
    "L-1216C47A": "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
    "L-34B43A08": "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests",
}


def get_products(request: AwsRequest) -> dict[str, Any]:
    """Pricing's GetProducts: the catalog's on-demand prices of Linux in us-east-1, in the price list's shape."""
    document = request.document
    if document.get("ServiceCode") != "AmazonEC2":
        return {"FormatVersion": "aws_v1", "PriceList": []}
    wanted = {entry["Field"]: str(entry["Value"]).lower() for entry in document.get("Filters", ())}
    if "instanceType" in wanted:
        one = catalog().types.get(wanted["instanceType"])
        types = [] if one is None else [one]
    else:
        types = list(catalog().types.values())
    found = []
    for known in types:
        attributes = _attributes(known)
        if known.usd_per_hour is not None and all(attributes.get(k, "").lower() == v for k, v in wanted.items()):
            found.append(json.dumps(_product(known, known.usd_per_hour, attributes)))
    start = int(document.get("NextToken") or 0)
    end = start + int(document.get("MaxResults") or 100)
    page = {"FormatVersion": "aws_v1", "PriceList": found[start:end]}
    return page | ({"NextToken": str(end)} if end < len(found) else {})


def _attributes(known: InstanceType) -> dict[str, str]:
    return {
        "servicecode": "AmazonEC2",
        "servicename": "Amazon Elastic Compute Cloud",
        "location": "US East (N. Virginia)",
        "locationType": "AWS Region",
        "regionCode": "us-east-1",
        "instanceType": known.name,
        "currentGeneration": "Yes" if known.current_generation else "No",
        "vcpu": str(known.vcpus or ""),
        "memory": "" if known.memory_bytes is None else f"{known.memory_bytes / 2**30:g} GiB",
        "tenancy": "Shared",
        "operatingSystem": "Linux",
        "licenseModel": "No License required",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
        "marketoption": "OnDemand",
        "operation": "RunInstances",
        "usagetype": f"BoxUsage:{known.name}",
    }


def _product(known: InstanceType, usd_per_hour: Decimal, attributes: dict[str, str]) -> dict[str, Any]:
    sku = "EMBEDDED" + known.name.upper().replace(".", "")
    offer = f"{sku}.JRTCKXETXF"  # the offer term code of on demand
    rate = f"{offer}.6YS6EN2CT7"  # the rate code of one hour
    dimension = {
        "unit": "Hrs",
        "beginRange": "0",
        "endRange": "Inf",
        "description": f"${usd_per_hour} per On Demand Linux {known.name} Instance Hour",
        "appliesTo": [],
        "rateCode": rate,
        "pricePerUnit": {"USD": f"{usd_per_hour:.10f}"},
    }
    term = {
        "priceDimensions": {rate: dimension},
        "sku": sku,
        "effectiveDate": f"{PRICE_DATE}T00:00:00Z",
        "offerTermCode": "JRTCKXETXF",
        "termAttributes": {},
    }
    return {
        "product": {"productFamily": "Compute Instance", "attributes": attributes, "sku": sku},
        "serviceCode": "AmazonEC2",
        "terms": {"OnDemand": {offer: term}},
        "version": f"embedded-{PRICE_DATE}",
        "publicationDate": f"{PRICE_DATE}T00:00:00Z",
    }


def spot_price(known: InstanceType) -> Decimal | None:
    """The made-up spot price of a type."""
    return None if known.usd_per_hour is None else (known.usd_per_hour * SPOT_SHARE).quantize(Decimal("0.000001"))


def spot_price_history(request: AwsRequest) -> bytes:
    """EC2's DescribeSpotPriceHistory: one price, now, for each type and zone."""
    filters = request.filters()
    types = request.listed("InstanceType") or filters.get("instance-type") or list(catalog().types)
    products = request.listed("ProductDescription") or filters.get("product-description") or [SPOT_PRODUCT]
    zones = moto_models.zones(request.region)
    one_zone = request.params.get("AvailabilityZone")
    wanted_zones = [one_zone] if one_zone else filters.get("availability-zone") or zones
    if not {SPOT_PRODUCT, "Linux/UNIX (Amazon VPC)"} & set(products):
        types = []
    now = f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%S.000Z}"
    items = []
    for name in types:
        known = catalog().types.get(name)
        price = None if known is None else spot_price(known)
        if price is None:
            continue
        offered = moto_models.offered_zones(request.region, name) or zones
        items += [
            f"<item><instanceType>{name}</instanceType><productDescription>{SPOT_PRODUCT}</productDescription>"
            f"<spotPrice>{price}</spotPrice><timestamp>{now}</timestamp><availabilityZone>{zone}</availabilityZone>"
            "</item>"
            for zone in offered
            if zone in wanted_zones
        ]
    return (
        '<DescribeSpotPriceHistoryResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
        f"<requestId>{REQUEST_ID}</requestId><spotPriceHistorySet>{''.join(items)}</spotPriceHistorySet><nextToken/>"
        "</DescribeSpotPriceHistoryResponse>"
    ).encode()


def get_service_quota(request: AwsRequest, state: State) -> dict[str, Any]:
    """Service Quotas' GetServiceQuota, for the two vCPU quotas of standard instances."""
    code = str(request.document.get("QuotaCode", ""))
    if request.document.get("ServiceCode") != "ec2" or code not in QUOTA_NAMES:
        raise AwsError("NoSuchResourceException", "The request failed because the specified quota does not exist.")
    value = state.vcpu_quota if code == "L-1216C47A" else state.spot_vcpu_quota
    return {
        "Quota": {
            "ServiceCode": "ec2",
            "ServiceName": "Amazon Elastic Compute Cloud (Amazon EC2)",
            "QuotaArn": f"arn:aws:servicequotas:{request.region}:{moto_models.ACCOUNT}:ec2/{code}",
            "QuotaCode": code,
            "QuotaName": QUOTA_NAMES[code],
            "Value": float(value),
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
        }
    }
