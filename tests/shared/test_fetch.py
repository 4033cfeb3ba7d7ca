"""A shared storage as a folder, for whoever has a URL and clients."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pytest_benchmark_aws.core.errors import PlanError, UnreachableError
from pytest_benchmark_aws.results import s3_folder

if TYPE_CHECKING:
    from pytest_benchmark_aws.aws.clients import Clients
    from tests.shared.conftest import Bucket


@pytest.fixture(autouse=True)
def cache(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of its own, and nobody's credentials."""
    monkeypatch.setenv("PYTEST_BENCHMARK_AWS_CACHE", str(bucket.tmp_path / "cache"))
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)


def clients(environment: dict[str, str] | None = None) -> Clients:
    """Clients as a command makes them."""
    from pytest_benchmark_aws.aws.clients import Clients

    return Clients(None, None, environment, retries=s3_folder.RETRIES)


def test_fetch_gives_a_folder_with_what_the_bucket_has(bucket: Bucket) -> None:
    """Below it are the results, as stock pytest-benchmark reads them."""
    bucket.put("bench/m5.large/0001_x.json", 1)
    place = s3_folder.fetch(bucket.url, lambda: clients(bucket.aws.environment()))
    assert [path.relative_to(place).as_posix() for path in place.rglob("*.json")] == ["m5.large/0001_x.json"]


def test_a_wrong_url_makes_no_client() -> None:
    """The URL is looked at first."""
    with pytest.raises(PlanError, match="is no bucket's name"):
        s3_folder.fetch("s3://No/x", lambda: pytest.fail("made clients"))


def test_fetch_without_credentials_says_so(bucket: Bucket) -> None:
    """And the folder of the last sync can be had all the same."""
    with pytest.raises(UnreachableError, match="no AWS credentials were found"):
        s3_folder.fetch(bucket.url, clients)
    mirror = s3_folder.open_mirror(bucket.url, clients)
    assert mirror.place == bucket.tmp_path / "cache" / "storage" / bucket.name / "bench"
    assert mirror.last_synced() is None


def test_the_cache_is_this_users_alone(bucket: Bucket) -> None:
    """One that was open to others is closed."""
    folder = bucket.tmp_path / "cache" / "storage"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    place = s3_folder.fetch(bucket.url, lambda: clients(bucket.aws.environment()))
    assert folder.stat().st_mode & 0o777 == 0o700
    root = place.parent
    root.chmod(0o777)
    s3_folder.open_mirror(bucket.url, lambda: clients(bucket.aws.environment()))
    assert root.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("place", [".", ".private", "BUCKET"])
def test_another_users_cache_is_refused(bucket: Bucket, place: str) -> None:
    """With the remedy: whoever owns it could change what results are compared with."""
    folder = bucket.tmp_path / "cache" / "storage" / place.replace("BUCKET", bucket.name)
    folder.mkdir(parents=True)
    os.chown(folder, 12345, 12345)
    with pytest.raises(PlanError, match=r"another user's.*results that are compared with: set PYTEST_BENCHMARK_AWS"):
        s3_folder.open_mirror(bucket.url, clients)


@pytest.mark.parametrize(
    ("endpoint", "folder"),
    [
        ("https://s3.amazonaws.com", "team"),
        ("https://s3.eu-west-1.amazonaws.com", "team"),
        ("https://bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com", "team"),
        ("https://s3.cn-north-1.amazonaws.com.cn", "team@cn"),
        ("http://127.0.0.1:5000", "team@127.0.0.1-5000"),
        ("https://s3.amazonaws.com.evil.example", "team@s3.amazonaws.com.evil.example"),
    ],
)
def test_a_bucket_at_another_endpoint_has_a_cache_of_its_own(endpoint: str, folder: str) -> None:
    """What embedded AWS holds never mixes with a real bucket of the same name."""
    assert s3_folder._label("team", endpoint) == folder
