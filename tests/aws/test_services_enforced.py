"""The benchmarks of managed services by a user who holds exactly the printed policy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")

from tests.acceptance.awsproject import CLEARED
from tests.aws.tenant import BUCKET, Tenant, opened, printed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Tenant]:
    """A fresh account with the bucket that the policy names."""
    with opened(tmp_path) as made:
        made.client("s3").create_bucket(Bucket=BUCKET)
        yield made


def benchmarked(environment: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """The benchmarks on what stands for an account, two rounds each."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(CLEARED)}
    local = "--ignore=benchmarks/services/test_local.py"
    command = [local, "--aws", "--aws-target=cloud", f"--aws-bucket={BUCKET}", "--aws-service-rounds=2", "-q", *words]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "benchmarks/services", "--benchmark-only", "--benchmark-quiet", *command],
        env={**inherited, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_printed_policy_is_what_all_benchmarks_need(tenant: Tenant) -> None:
    """Nothing is refused, and all that is allowed is used."""
    policy = printed("services")
    environment = tenant.user(policy)
    tenant.enforce()
    done = benchmarked(environment)
    assert "16 passed, 5 skipped" in done.stdout, done.stdout
    assert tenant.refused() == set()
    asked = {decision["question"]["action"] for decision in tenant.decisions()}
    assert asked == {action for statement in policy["Statement"] for action in statement["Action"]}


def test_policy_of_some_services_lets_no_other_be_asked(tenant: Tenant) -> None:
    """With --only polly, Translate is refused, and the benchmark says what to print."""
    environment = tenant.user(printed("services", "--only", "polly"))
    tenant.enforce()
    done = benchmarked(environment, "-k", "translate or standard")
    assert "1 failed, 1 passed" in done.stdout, done.stdout
    assert "policy services --only translate" in done.stdout
    assert tenant.refused() == {"translate:TranslateText"}
