"""``docs/live-check.md`` as tests: a real account, real instances, real money (less than 0.10 USD in all).

Skipped unless PYTEST_BENCHMARK_AWS_LIVE=1. Credentials and region are found as by any AWS tool.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.awsproject import CLEARED, make_project

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    os.environ.get("PYTEST_BENCHMARK_AWS_LIVE") != "1",
    reason="launches real instances: set PYTEST_BENCHMARK_AWS_LIVE=1, see docs/live-check.md",
)

TYPE = os.environ.get("PYTEST_BENCHMARK_AWS_LIVE_TYPE", "c7g.medium")
"""Its price must be known and below 0.20 USD an hour."""
LIMIT = os.environ.get("PYTEST_BENCHMARK_AWS_LIVE_LIMIT", "3m")
REHEARSAL = "AWS_ENDPOINT_URL" in os.environ
"""These tests themselves can be tried against ``python -m pytest_benchmark_aws.embedded``, for nothing."""
TAG = "pytest-benchmark-aws"
ALIVE = ["pending", "running", "shutting-down", "stopping", "stopped"]
LAUNCH_S, GONE_S = 600, 1200
PROJECT = {
    "pytest.ini": "[pytest]\n",
    "test_it.py": f"""\
import threading
import pytest

pytestmark = pytest.mark.instance_type("{TYPE}")

def test_quick(benchmark):
    benchmark.pedantic(sum, args=(range(1000),), rounds=5)

def test_hang(benchmark):
    threading.Event().wait()
""",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a test that ends at once and one that never does."""
    return make_project(tmp_path / "project", PROJECT)


def start(project: Path, *args: str) -> subprocess.Popen[str]:
    """Starts pytest on the account, with this process's own credentials."""
    ours = ("PYTEST_BENCHMARK_AWS_LIVE", *(name for name in CLEARED if name != "AWS_"))
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    cache = {key: os.environ[key] for key in ("PYTEST_BENCHMARK_AWS_CACHE",) if key in os.environ}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--aws", "--aws-target=cloud"]
    limits = [f"--aws-time-limit={LIMIT}", "--aws-max-cost=0.10"]
    return subprocess.Popen(
        [*command, *limits, *args],
        cwd=project,
        env={**kept, **cache, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(project: Path, *args: str) -> tuple[int, str]:
    """Exit code and output of one whole run."""
    with start(project, *args) as process:
        out, _ = process.communicate(timeout=1800)
    return process.returncode, out


def read_until(process: subprocess.Popen[str], pattern: str) -> str:
    """The output up to a line that matches."""
    assert process.stdout is not None
    timer = threading.Timer(LAUNCH_S, process.kill)
    timer.start()
    read = ""
    try:
        for line in iter(process.stdout.readline, ""):
            read += line
            if re.search(pattern, line):
                return read
    finally:
        timer.cancel()
    raise AssertionError(f"no line matched {pattern!r}:\n{read}")


def client(service: str, region: str | None = None) -> Any:
    """A client of the account."""
    import boto3

    return boto3.client(
        service, region_name=region or os.environ.get("AWS_REGION") or boto3.Session().region_name or "us-east-1"
    )


def alive(region: str | None = None) -> set[str]:
    """Our instances of a region that are not terminated."""
    filters = [
        {"Name": "tag:managed-by", "Values": [TAG]},
        {"Name": "instance-state-name", "Values": ALIVE},
    ]
    pages = client("ec2", region).get_paginator("describe_instances").paginate(Filters=filters)
    return {one["InstanceId"] for page in pages for group in page["Reservations"] for one in group["Instances"]}


def stored(project: Path, machine: str = TYPE) -> list[dict[str, Any]]:
    """What was saved under the machine's own name, and nothing under another."""
    files = sorted((project / ".benchmarks").rglob("*.json"))
    assert {path.parent.name for path in files} == {f"embedded-{machine}" if REHEARSAL else machine}
    return [json.loads(path.read_text()) for path in files]


def test_1_credentials_work() -> None:
    """STS knows the caller."""
    assert re.fullmatch(r"\d{12}", client("sts").get_caller_identity()["Account"])


def test_2_the_policies_are_valid() -> None:
    """IAM Access Analyzer, which is free for this, finds no error and no warning in either policy."""
    if REHEARSAL:
        pytest.skip("AWS_ENDPOINT_URL names another endpoint than AWS's, which has no Access Analyzer")
    from pytest_benchmark_aws.aws.iam.policies import client_policy, instance_policy

    account = client("sts").get_caller_identity()["Account"]
    for policy in (client_policy(account, "us-east-1", instance_role="bench"), instance_policy("some-bucket", "1")):
        answer = client("accessanalyzer").validate_policy(
            policyDocument=json.dumps(policy), policyType="IDENTITY_POLICY"
        )
        assert [one for one in answer["findings"] if one["findingType"] in {"ERROR", "SECURITY_WARNING"}] == []


def test_3_a_dry_run_makes_nothing(project: Path) -> None:
    """The plan with its price is printed, and nothing is launched."""
    before = alive()
    code, out = run(project, "--aws-dry-run")
    assert (code, "nothing launched" in out, TYPE in out) == (0, True, True), out
    assert alive() == before


def test_4_a_plan_over_the_cap_is_refused(project: Path) -> None:
    """Exit code 4, before anything is made."""
    before = alive()
    code, out = run(project, "--aws-max-cost=0.0001")
    assert (code, "--aws-max-cost allows" in out) == (4, True), out
    assert alive() == before


@pytest.mark.parametrize("market", ["on-demand", "spot"])
def test_5_a_benchmark_is_measured(project: Path, market: str) -> None:
    """It passes, its result is stored with the real machine, and no instance is left."""
    code, out = run(project, "-k", "quick", f"--aws-market={market}", "--benchmark-autosave")
    assert (code, "0 instances of this run are alive" in out) == (0, True), out
    (result,) = stored(project, TYPE if market == "on-demand" else f"{TYPE}-{market}")
    ec2 = result["machine_info"]["ec2"]
    assert (ec2["instance_type"], ec2["market"]) == (TYPE, market)
    assert ec2.get("embedded", False) is REHEARSAL
    (bench,) = result["benchmarks"]
    assert (bench["fullname"], len(bench["stats"]["data"])) == ("test_it.py::test_quick", 5)
    assert bench["extra_info"]["launch_usd"] < 0.10


def test_6_a_hanging_test_ends_at_the_time_limit(project: Path) -> None:
    """The hanging test fails by name, the finished one's timing is kept, and no instance is left."""
    code, out = run(project, "--benchmark-autosave")
    assert (code, "1 failed, 1 passed" in out) == (1, True), out
    assert "it had not ended at the --aws-time-limit" in out
    assert "0 instances of this run are alive" in out
    (result,) = stored(project)
    assert [bench["name"] for bench in result["benchmarks"]] == ["test_quick"]


def test_7_ctrl_c_terminates(project: Path) -> None:
    """One Ctrl-C while the instance runs: exit code 2, and no instance is left."""
    with start(project, "-k", "hang") as process:
        read_until(process, rf"{re.escape(TYPE)} .*running|{re.escape(TYPE)} +run")
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=LAUNCH_S)
    assert (process.returncode, "0 instances of this run are alive" in rest) == (2, True), rest


def test_8_an_instance_ends_itself(project: Path) -> None:
    """The client is killed while the test hangs; the instance powers itself off, and that terminates it."""
    before = alive()
    with start(project, "-k", "hang") as process:
        read_until(process, rf"{re.escape(TYPE)} .*running|{re.escape(TYPE)} +run")
        process.kill()
    (instance,) = alive() - before
    print(f"waiting for {instance} to end itself")
    deadline = time.monotonic() + GONE_S
    while instance in alive():
        assert time.monotonic() < deadline, (
            f"{instance} is alive: aws ec2 terminate-instances --instance-ids {instance}"
        )
        time.sleep(10)  # a real instance, minutes: nothing here could be waited for but the API


def test_9_nothing_is_left_in_any_region() -> None:
    """No instance and no volume of ours in any region of the account."""
    deadline = time.monotonic() + GONE_S
    while left := _left():  # what is shutting down is over, and is shown for minutes more
        if time.monotonic() > deadline:
            break
        time.sleep(10)
    assert left == {}


def _left() -> dict[str, list[str]]:
    """Region -> ids of our instances that are not terminated, and of our volumes."""
    left: dict[str, list[str]] = {}
    for region in [one["RegionName"] for one in client("ec2").describe_regions()["Regions"]]:
        tagged = [{"Name": "tag:managed-by", "Values": [TAG]}]
        volumes = client("ec2", region).describe_volumes(Filters=tagged)["Volumes"]
        found = [*alive(region), *(one["VolumeId"] for one in volumes)]
        if found:
            left[region] = found
    return left
