"""The IAM actions, resources and condition keys of SageMaker's and CloudWatch Logs' calls.

Facts are from the Service Authorization Reference ("Actions, resources, and condition keys for" Amazon SageMaker,
Amazon CloudWatch Logs) and, where a comment says so, from another page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_benchmark_aws.embedded import moto_models
from pytest_benchmark_aws.embedded.iam.policy_evaluation import Question

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from pytest_benchmark_aws.embedded.aws_request import AwsRequest

_ON_A_JOB = frozenset({"DescribeTrainingJob", "StopTrainingJob"})
_TAGGING = frozenset({"AddTags", "DeleteTags", "ListTags"})
_LOG_STREAM_ACTIONS = frozenset({"CreateLogStream", "GetLogEvents", "PutLogEvents", "DeleteLogStream"})
_LOG_GROUP_ACTIONS = frozenset(
    {"CreateLogGroup", "DeleteLogGroup", "DescribeLogGroups", "DescribeLogStreams", "FilterLogEvents"}
)


def questions(request: AwsRequest, tags_of: Callable[[str], Mapping[str, str]]) -> list[Question]:
    """What IAM is asked about a call of SageMaker; of one that is not listed here, by its name on ``*`` alone."""
    action, context = f"sagemaker:{request.action}", {"aws:RequestedRegion": [request.region]}
    document = request.document
    if request.action == "ListTrainingJobs":
        return [Question(action, context=context)]
    if request.action in _TAGGING:
        arn = str(document.get("ResourceArn", "*"))
        tagged = _request_tags(document) if request.action == "AddTags" else {}
        keys = {"aws:TagKeys": list(document.get("TagKeys", ()))} if request.action == "DeleteTags" else {}
        return [Question(action, arn, {**context, **_resource_tags(tags_of(arn)), **tagged, **keys})]
    partition = moto_models.partition(request.region)
    name = str(document.get("TrainingJobName", "*"))
    arn = f"arn:{partition}:sagemaker:{request.region}:{moto_models.ACCOUNT}:training-job/{name}"
    if request.action in _ON_A_JOB:
        return [Question(action, arn, {**context, **_resource_tags(tags_of(arn))})]
    if request.action != "CreateTrainingJob":
        return [Question(action)]
    tags = _request_tags(document)
    asked = [Question(action, arn, {**context, **_creation(document), **tags})]
    if tags:  # SageMaker guide, "Provide permissions for tagging SageMaker AI resources"
        asked.append(
            Question("sagemaker:AddTags", arn, {**context, **tags, "sagemaker:TaggingAction": [request.action]})
        )
    passed = {**context, "iam:PassedToService": ["sagemaker.amazonaws.com"]}
    return [*asked, Question("iam:PassRole", str(document.get("RoleArn", "*")), passed)]


def _creation(document: Mapping[str, Any]) -> dict[str, list[str]]:
    """The condition keys of a CreateTrainingJob request, of those that it has."""
    resources, network = document.get("ResourceConfig", {}), document.get("VpcConfig", {})
    keys: dict[str, Any] = {
        "sagemaker:InstanceTypes": resources.get("InstanceType"),
        "sagemaker:KeepAlivePeriod": resources.get("KeepAlivePeriodInSeconds"),
        "sagemaker:MaxRuntimeInSeconds": document.get("StoppingCondition", {}).get("MaxRuntimeInSeconds"),
        "sagemaker:NetworkIsolation": document.get("EnableNetworkIsolation"),
        "sagemaker:InterContainerTrafficEncryption": document.get("EnableInterContainerTrafficEncryption"),
        "sagemaker:OutputKmsKey": document.get("OutputDataConfig", {}).get("KmsKeyId"),
        "sagemaker:VolumeKmsKey": resources.get("VolumeKmsKeyId"),
        "sagemaker:VpcSecurityGroupIds": network.get("SecurityGroupIds"),
        "sagemaker:VpcSubnets": network.get("Subnets"),
    }
    return {
        key: [str(item).lower() if isinstance(item, bool) else str(item) for item in values]
        for key, value in keys.items()
        if value is not None
        for values in [value if isinstance(value, list) else [value]]
    }


def _request_tags(document: Mapping[str, Any]) -> dict[str, list[str]]:
    tags = {str(tag["Key"]): str(tag["Value"]) for tag in document.get("Tags", ())}
    if not tags:
        return {}
    return {**{f"aws:RequestTag/{key}": [value] for key, value in tags.items()}, "aws:TagKeys": list(tags)}


def _resource_tags(tags: Mapping[str, str]) -> dict[str, list[str]]:
    return {f"{prefix}:ResourceTag/{key}": [value] for key, value in tags.items() for prefix in ("aws", "sagemaker")}


def logs_questions(request: AwsRequest) -> list[Question]:
    """What IAM is asked about a call of CloudWatch Logs.

    The ARN is a stream's, as AWS's denials have it, also where a stream is yet to be made
    (``...:log-group:NAME:log-stream:STREAM``, CodeBuild's logs); of a group it is that of no stream, so
    that a policy names a group with ``:*`` (CloudWatch Logs guide, "Overview of managing access permissions").
    """
    action, context = f"logs:{request.action}", {"aws:RequestedRegion": [request.region]}
    partition = moto_models.partition(request.region)
    group = request.document.get("logGroupName") or request.document.get("logGroupNamePrefix") or ""
    arn = f"arn:{partition}:logs:{request.region}:{moto_models.ACCOUNT}:log-group:{group}:log-stream:"
    if request.action in _LOG_STREAM_ACTIONS:
        return [Question(action, f"{arn}{request.document.get('logStreamName', '')}", context)]
    return [Question(action, arn, context) if request.action in _LOG_GROUP_ACTIONS else Question(action)]
