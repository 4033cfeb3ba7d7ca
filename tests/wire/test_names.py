"""What AWS answers by the name that a request comes to, and the names that the client chooses."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.aws.s3_run_bucket import Bucket

if TYPE_CHECKING:
    from tests.wire.conftest import Wire

REGIONS = ["us-east-1", "eu-central-1", "ap-east-1", "cn-north-1", "us-gov-west-1"]
"""Before and after 2019-03-20, and of each partition."""
ACCOUNT = "123456789012"


def ask(url: str, data: bytes | None = None, **headers: str) -> tuple[int, str]:
    """Status and text of a request by urllib, as a guest sends it."""
    method = "GET" if data is None else "PUT"
    sent = {"Content-Type": "application/octet-stream", **headers} if data is not None else {}
    try:
        opener = urllib.request.build_opener()  # the one that urlopen keeps would remember an earlier proxy
        with opener.open(urllib.request.Request(url, data, sent, method=method), timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def global_client() -> Any:
    """S3 as boto3 signs for it by default: its presigned URLs are of the global host."""
    import boto3
    from botocore.config import Config

    return boto3.client("s3", region_name="eu-central-1", config=Config(signature_version="s3v4"))


@pytest.mark.parametrize("region", REGIONS)
def test_l1_presigned_urls_are_of_the_buckets_region(wire: Wire, region: str) -> None:
    """The bucket is made, filled and read by its name, and a guest's upload and download are taken at the first try."""
    wire.become(region)
    bucket = Bucket(wire.clients(region), f"results-{region}", ACCOUNT)
    bucket.ensure()
    bucket.put("there", b"put by the client")
    china = ".cn" if region.startswith("cn-") else ""
    host = f"results-{region}.s3.{region}.amazonaws.com{china}"
    assert bucket.url("get_object", "there", 60).startswith(f"https://{host}/there?")
    assert ask(bucket.url("get_object", "there", 60)) == (200, "put by the client")
    once = bucket.url("put_object", "once", 60, IfNoneMatch="*")
    assert ask(once, b"1", **{"If-None-Match": "*"})[0] == 200
    assert ask(once, b"2", **{"If-None-Match": "*"})[0] == 412
    assert bucket.get("once", 10) == b"1"
    assert set(wire.proxy.hosts) == {host}


def test_l1_a_bucket_whose_name_has_dots_is_in_the_path(wire: Wire) -> None:
    """No certificate of S3 is for such a host name (S3 user guide, bucket naming rules)."""
    wire.become("eu-central-1")
    bucket = Bucket(wire.clients("eu-central-1"), "re.sul.ts", ACCOUNT)
    bucket.ensure()
    bucket.put("there", b"here")
    url = bucket.url("get_object", "there", 60)
    assert url.startswith("https://s3.eu-central-1.amazonaws.com/re.sul.ts/there?")
    assert ask(url) == (200, "here")


def test_l1_the_global_host_redirects_and_the_signature_is_then_none(wire: Wire) -> None:
    """What every run outside us-east-1 met: a download is sent on and refused, an upload is not sent on."""
    wire.become("eu-central-1")
    bucket = Bucket(wire.clients("eu-central-1"), "results", ACCOUNT)
    bucket.ensure()
    bucket.put("there", b"here")
    client = global_client()
    get = client.generate_presigned_url("get_object", Params={"Bucket": "results", "Key": "there"})
    put = client.generate_presigned_url("put_object", Params={"Bucket": "results", "Key": "new"})
    assert get.startswith("https://results.s3.amazonaws.com/there?")
    status, text = ask(get)
    assert (status, "SignatureDoesNotMatch" in text) == (403, True)
    assert ask(put, b"data")[0] == 307


def test_l1_the_global_host_refuses_a_region_of_after_march_2019(wire: Wire) -> None:
    """With 400, whatever the bucket's age."""
    wire.become("ap-east-1")
    bucket = Bucket(wire.clients("ap-east-1"), "results", ACCOUNT)
    bucket.ensure()
    url = bucket.url("get_object", "there", 60).replace("s3.ap-east-1.", "s3.")
    assert ask(url)[0] == 400


def test_l1_s3_refuses_a_signature_of_another_region(wire: Wire) -> None:
    """Also by the bucket's own host."""
    wire.become("eu-central-1")
    Bucket(wire.clients("eu-central-1"), "results", ACCOUNT).ensure()
    url = Bucket(wire.clients("us-west-2"), "results", ACCOUNT).url("get_object", "there", 60)
    assert ask(url)[0] == 301
    status, text = ask(url.replace("s3.us-west-2.", "s3.eu-central-1."))
    assert (status, "expecting 'eu-central-1'" in text) == (400, True)


@pytest.mark.parametrize("region", REGIONS)
def test_every_service_is_asked_by_its_regions_own_name(wire: Wire, region: str) -> None:
    """EC2, STS, Systems Manager and Service Quotas, in the partition's domain."""
    from pytest_benchmark_aws.aws import ec2

    wire.become(region)
    clients = wire.clients(region)
    assert clients.account().account_id == ACCOUNT
    assert ec2.subnets(clients, ())
    china = ".cn" if region.startswith("cn-") else ""
    assert {f"sts.{region}.amazonaws.com{china}", f"ec2.{region}.amazonaws.com{china}"} <= set(wire.proxy.hosts)


@pytest.mark.parametrize("region", REGIONS)
def test_sagemaker_and_its_logs_are_asked_by_their_regions_own_names(wire: Wire, region: str) -> None:
    """Training jobs by ``api.sagemaker``, what their containers print by ``logs``, their quotas by Service Quotas."""
    from pytest_benchmark_aws.aws import quotas, sagemaker

    wire.become(region)
    clients = wire.clients(region)
    assert list(sagemaker.jobs(clients, sagemaker.PREFIX)) == []
    assert sagemaker.describe(clients, "pba-none") is None
    sagemaker.stop(clients, "pba-none")
    assert sagemaker.log_end(clients, "pba-none", 10) == ""
    assert quotas.training_quotas(clients)[quotas.training_quota_name("ml.m5.xlarge", "spot")] > 0
    china = ".cn" if region.startswith("cn-") else ""
    names = {f"{name}.{region}.amazonaws.com{china}" for name in ("api.sagemaker", "logs", "servicequotas")}
    assert names <= set(wire.proxy.hosts)
