"""An embedded AWS, a bucket for each test, and machines with caches of their own."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.results import storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_benchmark_aws.embedded.server import EmbeddedAWS
    from pytest_benchmark_aws.results.mirror import Mirror

FOLDER = "m5.large"


def result(value: object) -> dict[str, Any]:
    """A result file's content, as far as anybody here looks."""
    return {"benchmarks": [{"fullname": "test_it", "value": value}]}


class Machine:
    """A cache folder, and what a session does with it."""

    def __init__(self, cache: Path, url: str, environment: dict[str, str]) -> None:
        from pytest_benchmark_aws.aws.clients import Clients
        from pytest_benchmark_aws.aws.s3_shared_storage import Objects
        from pytest_benchmark_aws.core.values.storage_url import StorageUrl
        from pytest_benchmark_aws.results.mirror import Mirror

        self.clients = Clients(None, None, environment)
        self.waits: list[float] = []
        parsed = StorageUrl.parse(url)
        objects = Objects(self.clients, parsed.bucket, parsed.owner, self.waits.append)
        self.mirror: Mirror = Mirror(parsed, objects, cache / parsed.bucket, cache / ".private" / parsed.bucket)

    def save(self, value: object, name: str = "same", folder: str = FOLDER) -> Path:
        """Stores a result, as a session does."""
        return storage.save(self.mirror.place, folder, name, result(value))

    def files(self) -> dict[str, Any]:
        """Path below the place -> value, of all results."""
        place = self.mirror.place
        return {
            path.relative_to(place).as_posix(): json.loads(path.read_text())["benchmarks"][0]["value"]
            for path in sorted(place.rglob("*.json"))
        }


class Bucket:
    """A bucket as its owner sees it."""

    def __init__(self, aws: EmbeddedAWS, name: str, tmp_path: Path) -> None:
        import boto3

        self.aws, self.name, self.tmp_path = aws, name, tmp_path
        keys = {
            "aws_access_key_id": aws.key.key_id,
            "aws_secret_access_key": aws.key.secret,
            "region_name": "us-east-1",
        }
        self.s3 = boto3.client("s3", endpoint_url=aws.endpoint, **keys)
        self.s3.create_bucket(Bucket=name)
        self.url = f"s3://{name}/bench"

    def machine(self, name: str = "one", url: str | None = None) -> Machine:
        """A machine that knows the bucket's URL."""
        return Machine(self.tmp_path / name, url or self.url, self.aws.environment())

    def put(self, key: str, value: object = None, body: bytes | None = None) -> None:
        """Writes an object by hand."""
        self.s3.put_object(Bucket=self.name, Key=key, Body=body or json.dumps(result(value)).encode())

    def delete(self, key: str) -> None:
        """Deletes an object by hand."""
        self.s3.delete_object(Bucket=self.name, Key=key)

    def values(self) -> dict[str, Any]:
        """Key below the prefix -> value, of all results."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix="bench/")
        keys = [found["Key"] for page in pages for found in page.get("Contents", ())]
        read: Callable[[str], bytes] = lambda key: self.s3.get_object(Bucket=self.name, Key=key)["Body"].read()  # noqa: E731
        return {
            key.removeprefix("bench/"): json.loads(read(key))["benchmarks"][0]["value"]
            for key in keys
            if "/.numbers/" not in key
        }

    def calls(self, action: str) -> list[str]:
        """Bucket and key of each call of an action for this bucket."""
        found = self.aws.control("calls")
        return [one["path"] for one in found if one["action"] == action and one["path"].split("/")[1:2] == [self.name]]

    def fail(self, action: str, code: str, status: int, times: int = 1, *, after: bool = False) -> None:
        """Lets the next calls of an action fail; ``after``: they take effect, and the answer is lost."""
        fault = {"action": action, "code": code, "status": status, "times": times, "after": after}
        self.aws.control("faults", fault)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAWS]:
    """An embedded AWS for the tests of a file."""
    pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")
    from pytest_benchmark_aws.embedded.server import EmbeddedAWS

    with EmbeddedAWS(tmp_path_factory.mktemp("aws")) as started:
        yield started


@pytest.fixture
def bucket(aws: EmbeddedAWS, tmp_path: Path, request: pytest.FixtureRequest) -> Bucket:
    """A bucket of its own."""
    number = request.session.stash.setdefault(_NUMBER, [0])
    number[0] += 1
    return Bucket(aws, f"team-{number[0]}", tmp_path)


@pytest.fixture
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Botocore's own retries happen as always, but at once; the list is what it would have waited."""
    endpoint = pytest.importorskip("botocore.endpoint")
    waits: list[float] = []
    quick = SimpleNamespace(sleep=waits.append, time=time.time, monotonic=time.monotonic)
    monkeypatch.setattr(endpoint, "time", quick)
    return waits


_NUMBER = pytest.StashKey[list[int]]()
