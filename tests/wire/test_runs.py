"""Whole runs by AWS's own names, with the policy that is printed for the region."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.acceptance.awsproject import make_project, pytest_aws
from tests.aws.tenant import PROJECT, TYPE, needs_a_launch, printed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.wire.conftest import Wire


@needs_a_launch
@pytest.mark.parametrize("region", ["eu-central-1", "ap-east-1", "cn-north-1", "us-gov-west-1"])
def test_l1_l23_a_run_in_any_region_and_partition(wire: Wire, tmp_path: Path, region: str) -> None:
    """Bundle, launch, the guest's uploads and the end: nothing is told of an endpoint, each signature is checked."""
    from pytest_benchmark_aws.machine.folders import cache_folder

    cache = tmp_path / "cache"
    cache.mkdir()
    (cache_folder() / "wheels").mkdir(parents=True, exist_ok=True)
    (cache / "wheels").symlink_to(cache_folder() / "wheels")
    user = wire.become(region, printed("client", "--region", region))
    root = make_project(tmp_path / "project", PROJECT)
    words = ("--aws", "--aws-target=cloud", f"--aws-price={TYPE}=0.1", "--benchmark-autosave")
    environment = {**wire.environment, **user, "PYTEST_BENCHMARK_AWS_CACHE": str(cache)}
    done = pytest_aws(root, *words, "-p", "no:randomly", **environment)
    assert done.code == 0, done.text
    assert "0 instances of this run are alive" in done.out
    others = [host for host in wire.proxy.hosts if not host.endswith((".amazonaws.com", ".amazonaws.com.cn"))]
    assert others == []
    (instance,) = wire.aws.control("instances")
    assert (instance["region"], len(done.saved(f"embedded-{TYPE}"))) == (region, 1)


@needs_a_launch
@pytest.mark.parametrize("region", ["eu-central-1", "cn-north-1"])
def test_a_training_job_in_any_region_and_partition(wire: Wire, tmp_path: Path, region: str) -> None:
    """CreateTrainingJob, the container's uploads by its role and the end: nothing is told of an endpoint."""
    import json

    from pytest_benchmark_aws.aws.iam.policies import TRUST_OF_TRAINING
    from pytest_benchmark_aws.machine.folders import cache_folder

    cache = tmp_path / "cache"
    cache.mkdir()
    (cache_folder() / "wheels").mkdir(parents=True, exist_ok=True)
    (cache / "wheels").symlink_to(cache_folder() / "wheels")
    iam = wire.client("iam", region)
    role = iam.create_role(RoleName="trains", AssumeRolePolicyDocument=json.dumps(TRUST_OF_TRAINING))["Role"]["Arn"]
    policy = json.dumps(printed("sagemaker-role", "--region", region))
    iam.put_role_policy(RoleName="trains", PolicyName="only", PolicyDocument=policy)
    with_jobs = ("--with", "sagemaker", "--sagemaker-role", "trains")
    user = wire.become(region, printed("client", "--region", region, *with_jobs))
    root = make_project(tmp_path / "project", PROJECT)
    words = ("--aws", "--aws-target=cloud", "--aws-instance-type=ml.m5.large", "--aws-price=ml.m5.large=0.1")
    environment = {**wire.environment, **user, "PYTEST_BENCHMARK_AWS_CACHE": str(cache)}
    done = pytest_aws(root, *words, f"--aws-sagemaker-role={role}", "-p", "no:randomly", **environment)
    assert done.code == 0, done.text
    assert "0 training jobs of this run are alive" in done.out
    china = ".cn" if region.startswith("cn-") else ""
    assert f"api.sagemaker.{region}.amazonaws.com{china}" in wire.proxy.hosts
    others = [host for host in wire.proxy.hosts if not host.endswith((".amazonaws.com", ".amazonaws.com.cn"))]
    assert others == []
    (job,) = wire.aws.control("training-jobs")
    # Whichever comes first: its own end, or the client's, who has the result.
    assert (job["region"], job["status"] in {"Completed", "Stopped"}) == (region, True)
