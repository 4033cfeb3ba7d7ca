"""``pytest-benchmark-aws compare s3://...``, by the real command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.result_files import benchmark
from tests.result_files import result as launch

if TYPE_CHECKING:
    from tests.shared.conftest import Bucket


def compare(bucket: Bucket, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """With a cache of its own, and no credentials but those given."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    clean |= {
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "PYTEST_BENCHMARK_AWS_CACHE": str(bucket.tmp_path / "cache"),
    }
    command = [sys.executable, "-m", "pytest_benchmark_aws.cli", "compare", *args]
    return subprocess.run(
        command, cwd=bucket.tmp_path, env=clean | environment, capture_output=True, text=True, check=False
    )


def fill(bucket: Bucket) -> None:
    """Two machines' results."""
    for name, seconds in (("m5.large", 1.0), ("c5.large", 2.0)):
        data = launch(benchmark([seconds]), instance_type=name, launch=f"i-{name}")
        bucket.put(f"bench/{name}/0001_x.json", body=json.dumps(data).encode())


def test_a_shared_storage_is_compared_as_files_are(bucket: Bucket) -> None:
    """Both machines, by their names."""
    fill(bucket)
    found = compare(bucket, bucket.url, **bucket.aws.environment())
    assert (found.returncode, found.stderr) == (0, "")
    assert "m5.large" in found.stdout
    assert "c5.large" in found.stdout


def test_without_aws_its_cache_is_compared_and_its_age_said(bucket: Bucket) -> None:
    """After a first time with AWS."""
    fill(bucket)
    compare(bucket, bucket.url, **bucket.aws.environment())
    endpoint = bucket.aws.environment()["AWS_ENDPOINT_URL"]
    found = compare(bucket, bucket.url, AWS_ENDPOINT_URL=endpoint)
    assert found.returncode == 0
    assert "as of its last sync, 20" in found.stderr
    assert "m5.large" in found.stdout


def test_without_aws_and_cache_it_says_what_to_do(bucket: Bucket) -> None:
    """One line, exit code 2."""
    found = compare(bucket, bucket.url)
    assert (found.returncode, found.stdout) == (2, "")
    assert "never fetched here" in found.stderr
    assert "log in" in found.stderr
    assert found.stderr.count("\n") == 1
