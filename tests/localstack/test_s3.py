"""The client's and the guest's requests, answered by an S3 that shares none of this project's assumptions."""

from __future__ import annotations

import hashlib
import io
import urllib.error
import urllib.request
import uuid
from typing import Any

import pytest

from pytest_benchmark_aws.aws.clients import Clients
from pytest_benchmark_aws.aws.s3_run_bucket import Bucket, default_bucket
from pytest_benchmark_aws.aws.s3_shared_storage import Objects
from pytest_benchmark_aws.guest.s3 import AgentError, Uploader

ACCOUNT = "000000000000"
REGIONS = ["us-east-1", "eu-central-1", "ap-east-1", "cn-north-1", "us-gov-west-1"]


def clients(endpoint: str, region: str = "us-east-1") -> Clients:
    """The product's own, of LocalStack."""
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    return Clients(region, None, {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": region, **keys})


def made(endpoint: str, region: str = "us-east-1") -> Bucket:
    """A bucket of a run, of a new name."""
    bucket = Bucket(clients(endpoint, region), f"pytest-benchmark-aws-{uuid.uuid4().hex[:12]}-{region}", ACCOUNT)
    bucket.ensure()
    return bucket


@pytest.mark.parametrize("region", REGIONS)
def test_a_bucket_is_set_up_in_any_region(endpoint: str, region: str) -> None:
    """Private, encrypted, expiring, in its region; again it is left as it is."""
    bucket = made(endpoint, region)
    assert bucket._is_complete()
    assert bucket.problems() == []
    client = bucket.clients("s3")
    rule = client.get_bucket_lifecycle_configuration(Bucket=bucket.name)["Rules"][0]
    assert rule["Expiration"]["Days"] == 14
    assert all(client.get_public_access_block(Bucket=bucket.name)["PublicAccessBlockConfiguration"].values())
    bucket.ensure()


def test_a_half_made_bucket_is_completed(endpoint: str) -> None:
    """Whose maker died before the last setting."""
    client = clients(endpoint)
    name = f"pytest-benchmark-aws-{uuid.uuid4().hex[:12]}-us-east-1"
    client("s3").create_bucket(Bucket=name)
    bucket = Bucket(client, name, ACCOUNT)
    bucket.ensure()
    assert bucket._is_complete()


def test_a_bucket_of_another_region_is_named(endpoint: str) -> None:
    """With both regions."""
    theirs = made(endpoint, "eu-central-1")
    (problem,) = Bucket(clients(endpoint, "us-west-2"), theirs.name, ACCOUNT).problems()
    assert "is in eu-central-1, the run is in us-west-2" in problem


def test_the_guests_uploads(endpoint: str) -> None:
    """By presigned URLs, as the agent sends them: taken, and what is written once is written once."""
    bucket = made(endpoint)
    puts: dict[str, Any] = {"log": {"url": bucket.url("put_object", "runs/r/log", 600)}}
    for name in ("data", "done"):
        url = bucket.url("put_object", f"runs/r/{name}", 600, IfNoneMatch="*")
        puts[name] = {"url": url, "headers": {"If-None-Match": "*"}}
    uploader = Uploader(puts)
    for data in (b"one", b"two"):
        for name in puts:
            uploader.put(name, data, attempts=1)
    assert {name: bucket.get(f"runs/r/{name}", 10) for name in puts} == {"log": b"two", "data": b"one", "done": b"one"}
    assert set(bucket.listing("runs/r/")) == {"runs/r/log", "runs/r/data", "runs/r/done"}
    assert bucket.has("runs/r/log", 3)
    assert bucket.get("runs/r/none", 10) is None


def test_a_url_is_of_one_method_key_and_header(endpoint: str) -> None:
    """Whatever is changed in what was signed is refused."""
    bucket = made(endpoint)
    bucket.put("there", b"here")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    url = bucket.url("get_object", "there", 600)
    with opener.open(url) as answer:
        assert answer.read() == b"here"
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open(url.replace("/there?", "/other?"))
    assert caught.value.code in {403, 404}
    caught.value.close()
    once = bucket.url("put_object", "once", 600, IfNoneMatch="*")
    refused(Uploader({"once": {"url": once}}))  # without the header that is signed
    changed = once[:-1] + ("0" if once[-1] != "0" else "1")
    refused(Uploader({"once": {"url": changed, "headers": {"If-None-Match": "*"}}}))


def refused(uploader: Uploader) -> None:
    """S3 does not take what it uploads."""
    with pytest.raises(AgentError, match=r"HTTP 40[03]") as caught:
        uploader.put("once", b"x", attempts=1)
    caught.value.__cause__.close()  # type: ignore[union-attr]


def test_the_accounts_own_bucket(endpoint: str) -> None:
    """Named by STS's account and the region."""
    own = clients(endpoint)
    bucket = default_bucket(own, own.account())
    bucket.ensure()
    data = b"x" * 100_000
    bucket.put(f"bundles/{hashlib.sha256(data).hexdigest()}.tar", data)
    assert bucket.has(f"bundles/{hashlib.sha256(data).hexdigest()}.tar", len(data))


def test_shared_baselines_are_added_once(endpoint: str) -> None:
    """The storage's own writes: one of two that take the same name gets it, and what is there is read."""
    bucket = made(endpoint)
    objects = Objects(bucket.clients, bucket.name, ACCOUNT)
    key, first = "results/m5.large/0001_first.json", b'{"benchmarks": []}'
    assert objects.add(key, first) is not None
    assert objects.add(key, b'{"benchmarks": [1]}') is None
    listed = objects.listing("results/")
    assert objects.holds(key, first) == listed[key]
    into = io.BytesIO()
    assert objects.download(key, listed[key], into)
    assert into.getvalue() == first
