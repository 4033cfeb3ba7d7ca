"""The Pricing API's GetProducts, with the prices of the shipped tables, and SageMaker's made up from them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.catalog.service_prices import service_prices
from pytest_benchmark_aws.catalog.snapshot import PRICE_DATE, catalog
from pytest_benchmark_aws.core.instance_type_names import SAGEMAKER_PREFIX
from pytest_benchmark_aws.embedded.sagemaker.constraints import instance_types

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_benchmark_aws.core.catalog import InstanceType
    from pytest_benchmark_aws.embedded.aws_request import AwsRequest


SAGEMAKER_FACTOR = Decimal("1.2")
"""Price of an hour of training / price of the instance type in EC2. Made up: real ones are about 1.15 to 1.25."""


@dataclass(frozen=True, slots=True)
class _Product:
    """A product with the price of its hour on demand, or of another unit."""

    sku: str
    family: str
    attributes: dict[str, str]
    usd_per_hour: Decimal
    description: str
    unit: str = "Hrs"
    date: str = PRICE_DATE

    def meets(self, wanted: dict[str, str]) -> bool:
        """Whether it has the attributes that filters ask for, in small letters."""
        attributes = {**self.attributes, "productFamily": self.family}
        return all(attributes.get(name, "").lower() == value for name, value in wanted.items())


def get_products(request: AwsRequest) -> dict[str, Any]:
    """The answer to GetProducts: on-demand prices of us-east-1, in the price list's shape."""
    document = request.document
    wanted = {entry["Field"]: str(entry["Value"]).lower() for entry in document.get("Filters", ())}
    makers = {"AmazonEC2": _instances, "AmazonSageMaker": _training}
    service = str(document.get("ServiceCode"))
    made = makers[service](wanted) if service in makers else _requests(service)
    products = [json.dumps(_entry(service, product)) for product in made if product.meets(wanted)]
    start = int(document.get("NextToken") or 0)
    end = start + int(document.get("MaxResults") or 100)
    page = {"FormatVersion": "aws_v1", "PriceList": products[start:end]}
    return page | ({"NextToken": str(end)} if end < len(products) else {})


def _instances(wanted: dict[str, str]) -> Iterator[_Product]:
    """EC2's instances with Linux, by the catalog."""
    names = [wanted["instanceType"]] if "instanceType" in wanted else list(catalog().types)
    for instance_type in filter(None, map(catalog().types.get, names)):
        name, usd_per_hour = instance_type.name, instance_type.usd_per_hour
        if usd_per_hour is not None:
            description = f"${usd_per_hour} per On Demand Linux {name} Instance Hour"
            yield _Product(_sku(name), "Compute Instance", _attributes(instance_type), usd_per_hour, description)


def _training(wanted: dict[str, str]) -> Iterator[_Product]:
    """SageMaker's hours of training, of the types that it has and whose price in EC2 is known."""
    for name in instance_types():
        instance_type = catalog().types.get(name.removeprefix(SAGEMAKER_PREFIX))
        if instance_type is None or instance_type.usd_per_hour is None or wanted.get("instanceName", name) != name:
            continue
        usd_per_hour = instance_type.usd_per_hour * SAGEMAKER_FACTOR
        description = f"embedded: EC2's ${instance_type.usd_per_hour} x {SAGEMAKER_FACTOR} per Training {name} hour"
        attributes = {
            "servicecode": "AmazonSageMaker",
            "servicename": "Amazon SageMaker",
            "location": "US East (N. Virginia)",
            "locationType": "AWS Region",
            "regionCode": "us-east-1",
            "instanceName": name,
            "instanceType": f"{name}-Training",
            "component": "Training",
            "vCpu": str(instance_type.vcpus or ""),
            "operation": "RunInstance",
            "usagetype": f"USE1-Train:{name}",
        }
        yield _Product(_sku(name), "ML Instance", attributes, usd_per_hour, description)


def _requests(service: str) -> Iterator[_Product]:
    """What requests of a managed service are billed for, of the prices that are confirmed."""
    for price in service_prices().values():
        if price.service_code == service and price.usage_types and price.usd is not None:
            attributes = {
                "servicecode": service,
                "location": "US East (N. Virginia)",
                "locationType": "AWS Region",
                "regionCode": "us-east-1",
                "usagetype": f"USE1-{price.usage_types[0]}",
            }
            said = f"embedded: ${price.usd} per {price.unit}"
            yield _Product(_sku(price.key), "API Request", attributes, price.usd, said, price.unit, price.date)


def _sku(name: str) -> str:
    return "EMBEDDED" + name.upper().replace(".", "")


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


def _entry(service: str, product: _Product) -> dict[str, Any]:
    """An entry of the price list: the product with its on-demand term."""
    offer = f"{product.sku}.JRTCKXETXF"  # the offer term code of on demand
    rate = f"{offer}.6YS6EN2CT7"  # the rate code of one hour
    dimension = {
        "unit": product.unit,
        "beginRange": "0",
        "endRange": "Inf",
        "description": product.description,
        "appliesTo": [],
        "rateCode": rate,
        "pricePerUnit": {"USD": f"{product.usd_per_hour:.10f}"},
    }
    term = {
        "priceDimensions": {rate: dimension},
        "sku": product.sku,
        "effectiveDate": f"{product.date}T00:00:00Z",
        "offerTermCode": "JRTCKXETXF",
        "termAttributes": {},
    }
    return {
        "product": {"productFamily": product.family, "attributes": product.attributes, "sku": product.sku},
        "serviceCode": service,
        "terms": {"OnDemand": {offer: term}},
        "version": f"embedded-{product.date}",
        "publicationDate": f"{product.date}T00:00:00Z",
    }
