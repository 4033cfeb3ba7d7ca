"""Prices, quotas, images, identity and S3, by real clients."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from pytest_benchmark_aws.catalog.snapshot import catalog
from tests.signing import sign_at

if TYPE_CHECKING:
    from tests.embedded.conftest import World

TYPES = ["m5.8xlarge", "r5.4xlarge", "c5.24xlarge", "m7g.large"]


def products(world: World, instance_type: str) -> list[dict]:
    filters = [{"Type": "TERM_MATCH", "Field": "instanceType", "Value": instance_type}]
    filters.append({"Type": "TERM_MATCH", "Field": "operatingSystem", "Value": "Linux"})
    answer = world.client("pricing").get_products(ServiceCode="AmazonEC2", Filters=filters)
    return [json.loads(entry) for entry in answer["PriceList"]]


def http_status(url: str, method: str = "GET", data: bytes | None = None) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method, data=data), timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@pytest.mark.parametrize("name", TYPES)
def test_price_list(world: World, name: str) -> None:
    """GetProducts answers the catalog's price in the price list's shape."""
    [product] = products(world, name)
    assert product["product"]["attributes"]["instanceType"] == name
    [term] = product["terms"]["OnDemand"].values()
    [dimension] = term["priceDimensions"].values()
    assert Decimal(dimension["pricePerUnit"]["USD"]) == catalog().types[name].usd_per_hour


@pytest.mark.parametrize("name", ["m5.huge", "hpc6a.48xlarge"])
def test_type_without_price_has_no_products(world: World, name: str) -> None:
    """What has no price in the catalog has an empty list."""
    assert products(world, name) == []


def test_spot_prices_of_each_zone(world: World) -> None:
    """One Linux price a zone, 35 % of on demand to six digits."""
    history = world.ec2.describe_spot_price_history(InstanceTypes=["m5.8xlarge"], ProductDescriptions=["Linux/UNIX"])[
        "SpotPriceHistory"
    ]
    assert {price["SpotPrice"] for price in history} == {"0.537600"}
    assert {price["ProductDescription"] for price in history} == {"Linux/UNIX"}
    assert {price["AvailabilityZone"] for price in history} >= {"us-east-1a", "us-east-1b"}


@pytest.mark.parametrize(("code", "value"), [("L-1216C47A", 64), ("L-34B43A08", 256)])
def test_vcpu_quotas(world: World, code: str, value: int) -> None:
    """Service Quotas answers the settings."""
    quota = world.client("service-quotas").get_service_quota(ServiceCode="ec2", QuotaCode=code)["Quota"]
    assert quota["Value"] == value
    assert quota["QuotaCode"] == code


def test_unknown_quota(world: World) -> None:
    """A quota that does not exist is no resource."""
    get = world.client("service-quotas").get_service_quota
    assert world.error(get, ServiceCode="ec2", QuotaCode="L-00000000") == ("NoSuchResourceException", 400)


def test_images_of_both_architectures(world: World) -> None:
    """The public parameters name images that EC2 has."""
    for arch in ("x86_64", "arm64"):
        image = world.ami(f"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{arch}")
        [found] = world.ec2.describe_images(ImageIds=[image])["Images"]
        assert (found["Architecture"], found["RootDeviceName"]) == (arch, "/dev/xvda")


def test_instance_types_are_described_and_offered(world: World) -> None:
    """EC2 describes and offers the types that the benchmarks are for."""
    found = world.ec2.describe_instance_types(InstanceTypes=TYPES)["InstanceTypes"]
    assert {offer["InstanceType"] for offer in found} == set(TYPES)
    offers = world.ec2.describe_instance_type_offerings(
        LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": TYPES}]
    )["InstanceTypeOfferings"]
    assert {offer["InstanceType"] for offer in offers} == set(TYPES)


def test_default_subnets_in_several_zones(world: World) -> None:
    """There are zones to try."""
    found = world.ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    assert len({subnet["AvailabilityZone"] for subnet in found}) >= 3


def test_caller_identity(world: World) -> None:
    """STS says who calls."""
    assert world.client("sts").get_caller_identity()["Account"] == "123456789012"


def test_s3_put_if_absent(world: World) -> None:
    """IfNoneMatch='*' writes once."""
    s3 = world.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="k", Body=b"one", IfNoneMatch="*")
    assert world.error(s3.put_object, Bucket="bucket", Key="k", Body=b"two", IfNoneMatch="*") == (
        "PreconditionFailed",
        412,
    )
    assert s3.get_object(Bucket="bucket", Key="k")["Body"].read() == b"one"


def test_s3_expected_owner(world: World) -> None:
    """A bucket of another owner is not touched."""
    s3 = world.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="k", Body=b"one", ExpectedBucketOwner="123456789012")
    other = {"Bucket": "bucket", "Key": "k", "ExpectedBucketOwner": "210987654321"}
    assert world.error(s3.put_object, Body=b"two" * 100_000, **other) == ("AccessDenied", 403)
    assert world.error(s3.get_object, **other) == ("AccessDenied", 403)


def test_s3_presigned(world: World) -> None:
    """Presigned URLs put and get, by urllib, which calls every body a form."""
    s3 = world.client("s3", signature_version="s3v4")
    s3.create_bucket(Bucket="bucket")
    put = s3.generate_presigned_url("put_object", Params={"Bucket": "bucket", "Key": "k"}, ExpiresIn=60)
    get = s3.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "k"}, ExpiresIn=60)
    assert http_status(put, "PUT", b"x" * 300_000) == 200
    with urllib.request.urlopen(get, timeout=10) as answer:
        assert answer.read() == b"x" * 300_000


def test_s3_takes_no_url_of_the_old_signature(world: World) -> None:
    """As of every bucket made after 24 June 2020 (S3 User Guide, "AWS Signature Version 2 turned off")."""
    s3 = world.client("s3", signature_version="s3")
    world.client("s3").create_bucket(Bucket="bucket")
    assert http_status(s3.generate_presigned_url("put_object", Params={"Bucket": "bucket", "Key": "k"}), "PUT") == 403


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_s3_presigned_expires(world: World, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL of a minute that was signed two minutes ago is forbidden; one of the old signature is in any case."""
    s3 = world.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="k", Body=b"one")
    s3 = world.client("s3", signature_version=version)
    params = {"Bucket": "bucket", "Key": "k"}
    before = datetime.now(timezone.utc) - timedelta(minutes=2)
    with monkeypatch.context() as patch:
        sign_at(patch, before)
        url = s3.generate_presigned_url("get_object", Params=params, ExpiresIn=60)
    assert http_status(url) == 403
    assert http_status(s3.generate_presigned_url("get_object", Params=params)) == (200 if version == "s3v4" else 403)


def test_of_writes_at_once_on_condition_one_is_done(world: World, request: pytest.FixtureRequest) -> None:
    """S3 looks and writes in one step: of those with If-None-Match at once, one succeeds, and its object is there."""
    before = sys.getswitchinterval()
    request.addfinalizer(lambda: sys.setswitchinterval(before))
    sys.setswitchinterval(1e-6)  # seconds that a thread runs at a time
    s3 = world.client("s3", max_pool_connections=8)
    s3.create_bucket(Bucket="team")
    start = Barrier(8)

    def write(key: str, number: int) -> int | None:
        start.wait()
        try:
            s3.put_object(Bucket="team", Key=key, Body=bytes([number]) * 100_000, IfNoneMatch="*")
        except s3.exceptions.ClientError as error:
            return None if error.response["Error"]["Code"] == "PreconditionFailed" else -1
        return number

    with ThreadPoolExecutor(8) as pool:
        for key in map(str, range(60)):
            done = [writer for writer in pool.map(partial(write, key), range(8)) if writer is not None]
            assert [s3.get_object(Bucket="team", Key=key)["Body"].read(1)[0]] == done
