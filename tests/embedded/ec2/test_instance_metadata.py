"""The instance metadata service of an instance."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.embedded.conftest import World

TTL = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}


def ask(world: World, instance: str, path: str, headers: dict[str, str], method: str = "GET") -> str:
    url = f"{world.metadata_service(instance)}/latest/{path}"
    request = urllib.request.Request(url, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


def status(world: World, instance: str, path: str, headers: dict[str, str], method: str = "GET") -> int:
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(world, instance, path, headers, method)
    caught.value.close()
    return caught.value.code


def token(world: World, instance: str) -> dict[str, str]:
    return {"X-aws-ec2-metadata-token": ask(world, instance, "api/token", TTL, "PUT")}


def test_identity_document(world: World) -> None:
    """It describes the instance and says that it is embedded."""
    launched = world.run("m5.xlarge")
    instance = launched["InstanceId"]
    document = json.loads(ask(world, instance, "dynamic/instance-identity/document", token(world, instance)))
    assert document["embedded"] is True
    assert document["instanceType"] == "m5.xlarge"
    assert document["instanceId"] == instance
    assert document["availabilityZone"] == launched["Placement"]["AvailabilityZone"]
    assert document["region"] == "us-east-1"
    assert document["imageId"] == launched["ImageId"]
    assert document["accountId"] == "123456789012"
    assert document["architecture"] == "x86_64"


def test_only_version_2(world: World) -> None:
    """Without a token there is no answer, and without a lifetime no token."""
    instance = world.launch()
    assert status(world, instance, "meta-data/instance-id", {}) == 401
    assert status(world, instance, "meta-data/instance-id", {"X-aws-ec2-metadata-token": "guess"}) == 401
    assert status(world, instance, "api/token", {}, "PUT") == 400


@pytest.mark.parametrize("market", ["on-demand", "spot"])
def test_metadata(world: World, market: str) -> None:
    """Id, type, zone and market."""
    instance = world.launch(**({"InstanceMarketOptions": {"MarketType": "spot"}} if market == "spot" else {}))
    headers = token(world, instance)
    assert ask(world, instance, "meta-data/instance-id", headers) == instance
    assert ask(world, instance, "meta-data/instance-type", headers) == "m5.large"
    assert ask(world, instance, "meta-data/instance-life-cycle", headers) == market
    assert ask(world, instance, "meta-data/placement/availability-zone", headers) == "us-east-1a"


def test_spot_notice(world: World) -> None:
    """The interruption of a spot instance is announced by spot/instance-action, which is missing before."""
    instance = world.launch(InstanceMarketOptions={"MarketType": "spot"})
    headers = token(world, instance)
    assert status(world, instance, "meta-data/spot/instance-action", headers) == 404
    world.aws.control(f"instances/{instance}/spot-notice", {})
    notice = json.loads(ask(world, instance, "meta-data/spot/instance-action", headers))
    assert notice["action"] == "terminate"
    assert notice["time"].endswith("Z")


def test_guest_reads_its_own(world: World) -> None:
    """The variable that AWS's tools know leads a guest to its own metadata."""
    script = f"""#!/usr/bin/env python3
import os, urllib.request
base = os.environ["AWS_EC2_METADATA_SERVICE_ENDPOINT"]
ask = lambda path, method, headers: urllib.request.urlopen(
    urllib.request.Request(base + path, method=method, headers=headers)).read().decode()
token = ask("/latest/api/token", "PUT", {TTL!r})
print("I am", ask("/latest/meta-data/instance-id", "GET", {{"X-aws-ec2-metadata-token": token}}), flush=True)
"""
    instance = world.launch(script)
    world.wait_for_line(instance, f"I am {instance}")
