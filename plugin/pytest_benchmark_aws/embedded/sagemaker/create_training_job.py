"""CreateTrainingJob: SageMaker's checks before a job is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.embedded import moto_models
from pytest_benchmark_aws.embedded.aws_error import AwsError
from pytest_benchmark_aws.embedded.sagemaker import constraints
from pytest_benchmark_aws.embedded.sagemaker.containers import data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_benchmark_aws.embedded.aws_request import AwsRequest
    from pytest_benchmark_aws.embedded.sagemaker.containers.role_client import RoleClient

PRINCIPAL = "sagemaker.amazonaws.com"
"""In the partition aws-cn too (SageMaker guide for China, "SageMaker AI roles")."""
_NOT_EMBEDDED = ("InstanceGroups", "InstancePreferences", "KeepAlivePeriodInSeconds", "TrainingPlanArn")
CHECKPOINTS = "/opt/ml/checkpoints"
"""CheckpointConfig.LocalPath where it is not given (botocore's model)."""
LONGEST_S = 28 * 86_400
"""Of MaxRuntimeInSeconds (botocore's model, StoppingCondition)."""


def check_request(request: AwsRequest) -> None:
    """Refuses, as SageMaker does, what its model or its documentation forbids, and what embedded AWS cannot run."""
    document = request.document
    constraints.check("CreateTrainingJob", document)
    resources = document.get("ResourceConfig", {})
    algorithm = document.get("AlgorithmSpecification", {})
    # The model requires none of these: serverless jobs, groups of instances and training plans do without.
    for name, value in (
        ("algorithmSpecification", algorithm),
        ("resourceConfig", resources),
        ("stoppingCondition", document.get("StoppingCondition")),
        ("resourceConfig.instanceType", resources.get("InstanceType")),
        ("resourceConfig.instanceCount", resources.get("InstanceCount")),
        ("resourceConfig.volumeSizeInGB", resources.get("VolumeSizeInGB")),
    ):
        if not value:
            problem = f"Value null at '{name}' failed to satisfy constraint: Member must not be null"
            raise _invalid(f"1 validation error detected: {problem}")
    if not (algorithm.get("TrainingImage") or algorithm.get("AlgorithmName")):
        raise _invalid("You must specify either TrainingImage or AlgorithmName in AlgorithmSpecification")
    _check_stopping(document)
    _check_runnable(document)


def _check_stopping(document: Mapping[str, Any]) -> None:
    stopping = document["StoppingCondition"]
    runtime = stopping.get("MaxRuntimeInSeconds", 86_400)
    wait = stopping.get("MaxWaitTimeInSeconds")
    spot = bool(document.get("EnableManagedSpotTraining"))
    if runtime > LONGEST_S:
        raise _invalid(f"Invalid MaxRuntimeInSeconds. It must be less than or equal to {LONGEST_S}")
    if wait is not None and not spot:  # word for word, sagify issue 111
        raise _invalid(
            "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true"
        )
    if spot and (wait is None or wait < runtime):
        raise _invalid(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"
        )


def _check_runnable(document: Mapping[str, Any]) -> None:
    """Refuses what AWS takes and this does not do, rather than doing something else."""
    if "ContainerEntrypoint" not in document["AlgorithmSpecification"]:
        raise _invalid("embedded AWS runs no image: name a program in AlgorithmSpecification.ContainerEntrypoint")
    asked_for = {
        "CheckpointConfig.LocalPath": document.get("CheckpointConfig", {}).get("LocalPath", CHECKPOINTS) != CHECKPOINTS,
        "EnableNetworkIsolation": document.get("EnableNetworkIsolation"),
        "RetryStrategy": document.get("RetryStrategy"),
        "ServerlessJobConfig": document.get("ServerlessJobConfig"),
        "OutputDataConfig.CompressionType NONE": document["OutputDataConfig"].get("CompressionType") == "NONE",
        **{f"ResourceConfig.{name}": document["ResourceConfig"].get(name) for name in _NOT_EMBEDDED},
    }
    if unknown := [name for name, value in asked_for.items() if value]:
        raise _invalid(f"embedded AWS has no {', '.join(unknown)} of training jobs: leave it out")
    for channel in document.get("InputDataConfig", ()):
        source = channel["DataSource"].get("S3DataSource", {})
        mode = channel.get("InputMode") or document["AlgorithmSpecification"]["TrainingInputMode"]
        if source.get("S3DataType") != "S3Prefix" or mode == "Pipe":
            raise _invalid(
                f"embedded AWS fetches the channel {channel['ChannelName']} only as S3Prefix in mode File or FastFile"
            )


def check_role(arn: str, region: str) -> None:
    """Refuses a role that is not there or that SageMaker may not assume.

    The words are AWS's: awslabs/predictive-maintenance-using-machine-learning issue 3.
    """
    if not moto_models.is_trusted_role(arn, PRINCIPAL, region):
        raise _invalid(
            f"Could not assume role {arn}. Please ensure that the role exists and allows principal '{PRINCIPAL}' to "
            "assume the role."
        )


def check_channels(client: RoleClient, request: AwsRequest) -> None:
    """Refuses a channel without an object that the role may list.

    The words are AWS's: amazon-sagemaker-examples issue 2267.
    """
    for channel in request.document.get("InputDataConfig", ()):
        uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
        if not data.has_objects(client, uri):
            bucket = data.split(uri)[0]
            raise _invalid(
                f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket '
                f"exists in the selected region ({request.region}), that objects exist under that S3 prefix, and that "
                f'the role "{request.document["RoleArn"]}" has "s3:ListBucket" permissions on bucket "{bucket}".'
            )


def name_in_use(arn: str) -> AwsError:
    """The refusal of a second job of one name, word for word (amazon-sagemaker-examples pull request 3108)."""
    return AwsError(
        "ResourceInUse",
        "Training job names must be unique within an AWS account and region, and a training job with this name already "
        f"exists ({arn})",
    )


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
