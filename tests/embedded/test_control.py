"""Faults, the record of calls, start and stop."""

from __future__ import annotations

import urllib.error
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.embedded.conftest import World


def test_fault_of_ec2(world: World) -> None:
    """The next calls of an action fail, and then they succeed."""
    world.aws.control("faults", {"action": "RunInstances", "code": "RequestLimitExceeded", "status": 503, "times": 2})
    assert world.error(world.run) == ("RequestLimitExceeded", 503)
    assert world.error(world.run) == ("RequestLimitExceeded", 503)
    world.run()


def test_fault_of_s3_with_a_body(world: World) -> None:
    """An upload that fails has its body read and its error in S3's shape."""
    s3 = world.client("s3")
    s3.create_bucket(Bucket="bucket")
    world.aws.control("faults", {"action": "PutObject", "code": "SlowDown", "status": 503})
    body = b"x" * 3_000_000
    assert world.error(s3.put_object, Bucket="bucket", Key="k", Body=body) == ("SlowDown", 503)
    s3.put_object(Bucket="bucket", Key="k", Body=body)


@pytest.mark.parametrize(
    ("service", "action", "method", "parameters"),
    [
        ("ssm", "GetParameter", "get_parameter", {"Name": "/a"}),
        ("sts", "GetCallerIdentity", "get_caller_identity", {}),
        ("pricing", "GetProducts", "get_products", {"ServiceCode": "AmazonEC2"}),
    ],
)
def test_fault_of_other_services(world: World, service: str, action: str, method: str, parameters: dict) -> None:
    """Each service's error is in its own shape."""
    world.aws.control("faults", {"action": action, "code": "AccessDeniedException", "status": 400})
    assert world.error(getattr(world.client(service), method), **parameters) == ("AccessDeniedException", 400)


@pytest.mark.parametrize("action", ["RunInstances", "PutObject"])
def test_fault_after_the_effect(world: World, action: str) -> None:
    """A call may take effect though its answer is lost."""
    s3 = world.client("s3")
    s3.create_bucket(Bucket="bucket")
    world.aws.control("faults", {"action": action, "code": "InternalError", "status": 500, "after": True})
    if action == "PutObject":
        assert world.error(s3.put_object, Bucket="bucket", Key="k", Body=b"x")[0] == "InternalError"
        assert s3.get_object(Bucket="bucket", Key="k")["Body"].read() == b"x"
    else:
        assert world.error(world.run, ClientToken="t1")[0] == "InternalError"
        assert len(world.aws.control("instances")) == 1
        world.run(ClientToken="t1")
        assert len(world.aws.control("instances")) == 1


def test_calls_are_recorded(world: World) -> None:
    """Service, action and time of each call, in order."""
    world.client("sts").get_caller_identity()
    world.client("s3").create_bucket(Bucket="bucket")
    world.client("s3").list_objects_v2(Bucket="bucket")
    calls = world.aws.control("calls")
    found = [(call["service"], call["action"]) for call in calls]
    assert found == [("sts", "GetCallerIdentity"), ("s3", "CreateBucket"), ("s3", "ListObjectsV2")]
    assert calls[0]["time"] <= calls[2]["time"]


@pytest.mark.parametrize("payload", [{"action": "RunInstances"}, {"action": "A", "code": "B", "tines": 2}])
def test_wrong_payload_is_refused(world: World, payload: dict) -> None:
    """A missing and a misspelt name are errors of the request."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        world.aws.control("faults", payload)
    caught.value.close()
    assert caught.value.code == 400


def test_each_start_is_clean(world: World) -> None:
    """A second start has no resources of the first."""
    from pytest_benchmark_aws.embedded.server import EmbeddedAWS

    world.run(ClientToken="t1")
    world.client("s3").create_bucket(Bucket="bucket")
    world.aws.stop()
    with EmbeddedAWS(world.aws.root) as again:
        fresh = type(world)(again)
        assert fresh.ec2.describe_instances()["Reservations"] == []
        assert fresh.client("s3").list_buckets()["Buckets"] == []
        assert again.control("instances") == []


def test_one_at_a_time(world: World, tmp_path: Path) -> None:
    """The resources are of the process: a second embedded AWS beside the first is refused."""
    from pytest_benchmark_aws.embedded.server import EmbeddedAWS

    with pytest.raises(RuntimeError, match="running in this process"):
        EmbeddedAWS(tmp_path / "second").start()
    world.aws.control("calls")
