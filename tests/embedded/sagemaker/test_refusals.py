"""What CreateTrainingJob refuses before there is a job, in AWS's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.embedded.sagemaker.conftest import ALL, BUCKET, TRUST, channel, training_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.embedded.sagemaker.conftest import TrainingWorld


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingWorld]:
    """One for all: nothing here leaves anything there."""
    with training_world(tmp_path_factory.mktemp("aws"), {}) as world:
        yield world


def refusal(world: TrainingWorld, **changes: Any) -> str:
    """What is said to a request with these changes; None takes a member away."""
    request = {key: value for key, value in world.request(**changes).items() if value is not None}
    sagemaker = world.client("sagemaker", parameter_validation=False)  # it is the server that is to refuse
    message = world.message(sagemaker.create_training_job, **request)
    assert world.aws.control("training-jobs") == []
    return message


@pytest.mark.parametrize("name", ["under_score", "-first", "last-", "x" * 64])
def test_name_has_a_pattern(world: TrainingWorld, name: str) -> None:
    """Letters, digits and hyphens between them, 63 at most."""
    said = refusal(world, TrainingJobName=name)
    assert said.startswith(f"ValidationException: 1 validation error detected: Value '{name}' at 'trainingJobName'")


@pytest.mark.parametrize("name", ["ml.m5.8xlarge", "m5.xlarge", "ml.m7g.large", "ml.c5.24xlarge"])
def test_types_that_sagemaker_has_not(world: TrainingWorld, name: str) -> None:
    """The refusal lists those that it has."""
    said = refusal(world, ResourceConfig={"InstanceType": name})
    assert f"Value '{name}' at 'resourceConfig.instanceType'" in said
    assert "Member must satisfy enum value set: [" in said
    assert "ml.m6i.8xlarge" in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"AlgorithmSpecification": {"ContainerEntrypoint": ["x" * 257]}},
            "'algorithmSpecification.containerEntrypoint.1",
        ),
        ({"AlgorithmSpecification": {"ContainerEntrypoint": ["x"] * 101}}, "have length less than or equal to 100"),
        ({"AlgorithmSpecification": {"ContainerArguments": ["x" * 257]}}, "have length less than or equal to 256"),
        ({"Environment": {"URL": "x" * 513}}, "have length less than or equal to 512"),
        ({"Environment": {"1": "x"}}, "satisfy regular expression pattern: [a-zA-Z_][a-zA-Z0-9_]*"),
        ({"Environment": {f"X{n}": "" for n in range(101)}}, "have length less than or equal to 100"),
        ({"HyperParameters": {"x": "x" * 2501}}, "have length less than or equal to 2500"),
        ({"Tags": [{"Key": f"k{n}", "Value": ""} for n in range(51)]}, "have length less than or equal to 50"),
        ({"RoleArn": "arn:aws:iam::123456789012:user/somebody"}, "at 'roleArn' failed to satisfy constraint"),
        ({"OutputDataConfig": {"S3OutputPath": "/a/folder"}}, "at 'outputDataConfig.s3OutputPath'"),
        ({"ResourceConfig": None}, "Value null at 'resourceConfig'"),
        ({"AlgorithmSpecification": {"TrainingImage": ""}}, "You must specify either TrainingImage or AlgorithmName"),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 2_419_201}}, "less than or equal to 2419200"),
        (
            {"StoppingCondition": {"MaxWaitTimeInSeconds": 900}},
            "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true",
        ),
        ({"EnableManagedSpotTraining": True}, "It must be present and be greater than or equal to MaxRuntimeInSeconds"),
        (
            {"EnableManagedSpotTraining": True, "StoppingCondition": {"MaxWaitTimeInSeconds": 599}},
            "It must be present and be greater than or equal to MaxRuntimeInSeconds",
        ),
    ],
)
def test_what_is_out_of_bounds(world: TrainingWorld, changes: dict[str, Any], said: str) -> None:
    """Each limit of the model, and the rules of StoppingCondition, which it does not have."""
    message = refusal(world, **changes)
    assert message.startswith("ValidationException: ")
    assert said in message


def test_all_problems_are_said_at_once(world: TrainingWorld) -> None:
    """As AWS counts them."""
    said = refusal(world, TrainingJobName="a_b", Environment={"1": "x" * 513})
    assert said.startswith("ValidationException: 3 validation errors detected: ")


@pytest.mark.parametrize("role", ["missing", "untrusting", "denying"])
def test_role_must_trust_sagemaker(world: TrainingWorld, role: str) -> None:
    """A role that is not there, or that trusts another service, is refused at once."""
    statement = TRUST["Statement"]
    trust = {
        "untrusting": {**TRUST, "Statement": [{**statement, "Principal": {"Service": ["ec2.amazonaws.com"]}}]},
        "denying": {**TRUST, "Statement": {**statement, "Effect": "Deny"}},
    }
    arn = f"arn:aws:iam::123456789012:role/{role}"
    if role in trust:
        assert world.make_role(role, ALL, trust[role]) == arn
    assert refusal(world, RoleArn=arn) == (
        f"ValidationException: Could not assume role {arn}. Please ensure that the role exists and allows principal "
        "'sagemaker.amazonaws.com' to assume the role."
    )


def test_channel_must_have_objects(world: TrainingWorld) -> None:
    """In a bucket that is there, in the job's region, below the prefix."""
    s3 = world.client("s3", region="eu-central-1")
    s3.create_bucket(Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket="elsewhere", Key="input/x", Body=b"x")
    for uri in ("s3://no-such-bucket/input/", f"s3://{BUCKET}/nothing/here/", "s3://elsewhere/input/"):
        said = refusal(world, InputDataConfig=[channel("code", uri)])
        assert said.startswith(f'ValidationException: No S3 objects found under S3 URL "{uri}" given in input data')
        assert f'the role "{world.role}" has "s3:ListBucket" permissions' in said


def test_what_is_not_embedded_is_said(world: TrainingWorld) -> None:
    """An image of which no program is named, and data that is no S3 prefix, are refused, and not taken for another."""
    algorithm = {"TrainingImage": "image", "TrainingInputMode": "File"}
    request = {**world.request(), "AlgorithmSpecification": algorithm}
    assert "embedded AWS runs no image" in world.message(world.sagemaker.create_training_job, **request)
    manifest = channel("code", f"s3://{BUCKET}/manifest")
    manifest["DataSource"]["S3DataSource"]["S3DataType"] = "ManifestFile"
    assert "embedded AWS fetches the channel code only as S3Prefix" in refusal(world, InputDataConfig=[manifest])


@pytest.mark.parametrize(
    "changes",
    [
        {"EnableNetworkIsolation": True},
        {"ResourceConfig": {"KeepAlivePeriodInSeconds": 600}},
        {"OutputDataConfig": {"CompressionType": "NONE"}},
        {"CheckpointConfig": {"S3Uri": "s3://training/checkpoints", "LocalPath": "/elsewhere"}},
        {"RetryStrategy": {"MaximumRetryAttempts": 3}},
    ],
)
def test_what_would_be_done_otherwise_is_refused(world: TrainingWorld, changes: dict[str, Any]) -> None:
    """Isolation, warm pools, artifacts that are no archive, checkpoints elsewhere, retries."""
    assert "ValidationException: embedded AWS has no " in refusal(world, **changes)


@pytest.mark.parametrize(
    ("changes", "quota"),
    [
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 432_001}}, "Longest run time for a training job"),
        ({"ResourceConfig": {"InstanceCount": 21}}, "Maximum number of instances per training job"),
    ],
)
def test_other_quotas(world: TrainingWorld, changes: dict[str, Any], quota: str) -> None:
    """Five days, 20 instances."""
    assert refusal(world, **changes).startswith(f"ResourceLimitExceeded: The account-level service limit '{quota}' is ")
