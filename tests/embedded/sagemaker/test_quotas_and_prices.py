"""SageMaker's quotas by Service Quotas, its prices by the Pricing API."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from pytest_benchmark_aws.catalog.snapshot import catalog

if TYPE_CHECKING:
    from tests.embedded.conftest import World


def quotas(world: World) -> dict[str, dict]:
    """Name -> quota, of all pages."""
    pages = world.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    return {quota["QuotaName"]: quota for page in pages for quota in page["Quotas"]}


def test_quotas_are_found_by_name(world: World) -> None:
    """Each type has one on demand and one for spot; a test sets one, and takes it back."""
    found = quotas(world)
    name = "ml.m5.xlarge for training job usage"
    assert found[name]["Value"] == found["ml.m5.xlarge for spot training job usage"]["Value"] == 20
    assert found["Longest run time for a training job"]["Value"] == 432_000
    assert len({quota["QuotaCode"] for quota in found.values()}) == len(found) > 200
    world.aws.control("training-quota", {"name": name, "value": 0})
    code = found[name]["QuotaCode"]
    get = world.client("service-quotas").get_service_quota
    assert get(ServiceCode="sagemaker", QuotaCode=code)["Quota"]["Value"] == quotas(world)[name]["Value"] == 0
    world.aws.control("training-quota", {"name": name, "value": None})
    assert get(ServiceCode="sagemaker", QuotaCode=code)["Quota"]["Value"] == 20
    assert world.error(get, ServiceCode="sagemaker", QuotaCode="L-1216C47A") == ("NoSuchResourceException", 400)


def test_quotas_come_in_pages(world: World) -> None:
    """Of 100 at most."""
    first = world.client("service-quotas").list_service_quotas(ServiceCode="sagemaker")
    assert len(first["Quotas"]) == 100
    assert first["NextToken"]


@pytest.mark.parametrize("name", ["ml.m5.xlarge", "ml.c5.18xlarge", "ml.g5.xlarge"])
def test_price_of_training(world: World, name: str) -> None:
    """1.2 times EC2's, and said to be embedded's."""
    wanted = {"instanceName": name, "component": "Training", "productFamily": "ML Instance", "regionCode": "us-east-1"}
    filters = [{"Type": "TERM_MATCH", "Field": key, "Value": value} for key, value in wanted.items()]
    answer = world.client("pricing").get_products(ServiceCode="AmazonSageMaker", Filters=filters)
    [product] = [json.loads(text) for text in answer["PriceList"]]
    [term] = product["terms"]["OnDemand"].values()
    [dimension] = term["priceDimensions"].values()
    ec2 = catalog().types[name.removeprefix("ml.")].usd_per_hour
    assert ec2 is not None
    assert Decimal(dimension["pricePerUnit"]["USD"]) == ec2 * Decimal("1.2")
    assert dimension["description"].startswith("embedded: ")
    assert product["product"]["productFamily"] == "ML Instance"
    assert product["serviceCode"] == "AmazonSageMaker"


@pytest.mark.parametrize(
    "wanted", [{"instanceName": "ml.m5.8xlarge"}, {"instanceName": "ml.m5.xlarge", "component": "Hosting"}]
)
def test_what_has_no_price(world: World, wanted: dict[str, str]) -> None:
    """A type that SageMaker has not, and another use of one that it has."""
    filters = [{"Type": "TERM_MATCH", "Field": key, "Value": value} for key, value in wanted.items()]
    assert world.client("pricing").get_products(ServiceCode="AmazonSageMaker", Filters=filters)["PriceList"] == []
