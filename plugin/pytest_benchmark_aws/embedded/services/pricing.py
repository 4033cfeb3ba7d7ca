"""The Pricing API's GetProducts, with the prices of the shipped catalog."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.catalog.snapshot import PRICE_DATE, catalog

if TYPE_CHECKING:
    from decimal import Decimal

    from pytest_benchmark_aws.core.catalog import InstanceType
    from pytest_benchmark_aws.embedded.aws_request import AwsRequest


def get_products(request: AwsRequest) -> dict[str, Any]:
    """The answer to GetProducts: the catalog's on-demand prices of Linux in us-east-1, in the price list's shape."""
    document = request.document
    if document.get("ServiceCode") != "AmazonEC2":
        return {"FormatVersion": "aws_v1", "PriceList": []}
    wanted = {entry["Field"]: str(entry["Value"]).lower() for entry in document.get("Filters", ())}
    if "instanceType" in wanted:
        wanted_type = catalog().types.get(wanted["instanceType"])
        types = [] if wanted_type is None else [wanted_type]
    else:
        types = list(catalog().types.values())
    products = []
    for instance_type in types:
        attributes, usd_per_hour = _attributes(instance_type), instance_type.usd_per_hour
        if usd_per_hour is not None and all(attributes.get(k, "").lower() == v for k, v in wanted.items()):
            products.append(json.dumps(_product(instance_type.name, usd_per_hour, attributes)))
    start = int(document.get("NextToken") or 0)
    end = start + int(document.get("MaxResults") or 100)
    page = {"FormatVersion": "aws_v1", "PriceList": products[start:end]}
    return page | ({"NextToken": str(end)} if end < len(products) else {})


def _attributes(instance_type: InstanceType) -> dict[str, str]:
    """The product attributes that a price list's filters compare."""
    return {
        "servicecode": "AmazonEC2",
        "servicename": "Amazon Elastic Compute Cloud",
        "location": "US East (N. Virginia)",
        "locationType": "AWS Region",
        "regionCode": "us-east-1",
        "instanceType": instance_type.name,
        "currentGeneration": "Yes" if instance_type.current_generation else "No",
        "vcpu": str(instance_type.vcpus or ""),
        "memory": "" if instance_type.memory_bytes is None else f"{instance_type.memory_bytes / 2**30:g} GiB",
        "tenancy": "Shared",
        "operatingSystem": "Linux",
        "licenseModel": "No License required",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
        "marketoption": "OnDemand",
        "operation": "RunInstances",
        "usagetype": f"BoxUsage:{instance_type.name}",
    }


def _product(name: str, usd_per_hour: Decimal, attributes: dict[str, str]) -> dict[str, Any]:
    """An entry of the price list: the product with its on-demand term."""
    sku = "EMBEDDED" + name.upper().replace(".", "")
    offer = f"{sku}.JRTCKXETXF"  # the offer term code of on demand
    rate = f"{offer}.6YS6EN2CT7"  # the rate code of one hour
    dimension = {
        "unit": "Hrs",
        "beginRange": "0",
        "endRange": "Inf",
        "description": f"${usd_per_hour} per On Demand Linux {name} Instance Hour",
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
