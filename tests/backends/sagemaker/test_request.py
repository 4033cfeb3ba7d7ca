"""What CreateTrainingJob is told: names, times and tags, against botocore's own model."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.backends import registry
from pytest_benchmark_aws.backends.protocol import Placement
from pytest_benchmark_aws.backends.sagemaker import request
from pytest_benchmark_aws.backends.sagemaker.check import Options, Place
from pytest_benchmark_aws.backends.sagemaker.limits import STOP_S, UPLOAD_S
from pytest_benchmark_aws.core.model import Target
from tests.faults.training import TYPE, make_jobs

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.model import Job

ROLE = "arn:aws:iam::123456789012:role/trains"
TOKEN = "0123456789abcdef" * 3
RUN = "20261124-120000-abc123"
SITE: Any = SimpleNamespace(
    run_id=RUN, bucket=SimpleNamespace(name="bucket"), prefix=lambda job, attempt: f"runs/{RUN}/{job.name}/{attempt}"
)
PLACE = Place(ROLE, {TYPE: "image:1"})


def asked(job: Job, options: Options | None = None) -> dict[str, Any]:
    """The parameters of the call."""
    placement = Placement(TOKEN, "us-east-1", "sagemaker", 2)
    return request.training_request(SITE, job, placement, PLACE, options or Options()).parameters()


def is_model(parameters: dict[str, Any]) -> bool:
    """Whether botocore finds nothing wrong with it."""
    botocore = pytest.importorskip("botocore.session")
    from botocore.validate import ParamValidator

    model = botocore.get_session().get_service_model("sagemaker")
    shape = model.operation_model("CreateTrainingJob").input_shape
    return not ParamValidator().validate(parameters, shape).has_errors()


@pytest.mark.parametrize("market", ["on-demand", "spot"])
def test_the_request_is_one_of_botocores_model(market: Any) -> None:
    """Every member is known, and of its type."""
    (job,) = make_jobs(market=market)
    parameters = asked(job, Options(tags=(("cost-center", "1234"),), disk_gib=50))
    assert is_model(parameters)
    assert parameters["ResourceConfig"] == {"InstanceType": TYPE, "InstanceCount": 1, "VolumeSizeInGB": 50}
    (channel,) = parameters["InputDataConfig"]
    assert channel["DataSource"]["S3DataSource"]["S3Uri"] == f"s3://bucket/runs/{RUN}/{job.name}/2/input/"
    tags = {tag["Key"]: tag["Value"] for tag in parameters["Tags"]}
    assert {"cost-center", "managed-by"} <= set(tags)
    assert (tags["pytest-benchmark-aws:run"], tags["pytest-benchmark-aws:token"]) == (RUN, TOKEN)
    # TagValue's pattern in the model.
    assert all(re.fullmatch(r"[\w\s.:/=+\-@]*", value) for value in tags.values())


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789-", max_size=30), st.binary(min_size=32, max_size=32))
def test_a_name_is_one_that_sagemaker_takes(run: str, token: bytes) -> None:
    """63 characters at most, of its pattern (TrainingJobName); runs are named by time and six letters."""
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", request.job_name(run, token.hex()))


def test_what_is_billed_keeps_within_what_was_reserved() -> None:
    """Until SageMaker ends the job, with SIGTERM's time and the last upload, and its start, which is not billed."""
    (job,) = make_jobs()
    runtime = asked(job)["StoppingCondition"]["MaxRuntimeInSeconds"]
    assert job.time_limit_s < runtime
    assert runtime + STOP_S + UPLOAD_S < job.longest_s
    assert "MaxWaitTimeInSeconds" not in asked(job)["StoppingCondition"]


def test_spot_waits_for_its_machine_for_as_long_as_it_may_live() -> None:
    """MaxWaitTimeInSeconds is MaxRuntimeInSeconds at least; a fallback is on demand, and tagged so."""
    (job,) = make_jobs(market="spot")
    stopping = asked(job)["StoppingCondition"]
    assert stopping["MaxWaitTimeInSeconds"] == job.longest_s >= stopping["MaxRuntimeInSeconds"]
    assert asked(job)["EnableManagedSpotTraining"] is True
    fallen = asked(replace(job, fallback=True))
    assert fallen["EnableManagedSpotTraining"] is False
    assert {"Key": "pytest-benchmark-aws:fallback", "Value": "on-demand"} in fallen["Tags"]


def test_a_group_is_one_job_of_several_machines() -> None:
    """InstanceCount is the target's."""
    (job,) = make_jobs()
    group = replace(job, target=replace(job.target, count=3))
    assert asked(group)["ResourceConfig"]["InstanceCount"] == 3


def test_training_jobs_may_live_longer_beyond_their_limit() -> None:
    """They start slowly, on the spot market more so."""
    ec2, training, spot = (
        registry.grace_s(target) for target in (Target("m5.large"), Target(TYPE), Target(TYPE, "spot"))
    )
    assert ec2 < training < spot
