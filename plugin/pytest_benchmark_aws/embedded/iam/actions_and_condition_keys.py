"""The IAM actions, resources and condition keys of each AWS call.

Facts are from the Service Authorization Reference ("Actions, resources, and condition keys for" Amazon EC2, Amazon S3,
AWS Systems Manager, AWS Service Quotas, AWS Price List, Amazon EventBridge Scheduler, AWS IAM) and, where a comment
says so, from another page. They are complete for the calls of this project: a call that is not here is asked for by its
own name, without context, on ``*``, so that no policy but one that allows everything lets it through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.embedded import moto_models
from pytest_benchmark_aws.embedded.iam import sagemaker_questions
from pytest_benchmark_aws.embedded.iam.policy_evaluation import Question
from pytest_benchmark_aws.embedded.managed.wire.protocols import MODELS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_benchmark_aws.embedded.aws_request import AwsRequest

_ACCOUNT = moto_models.ACCOUNT
_S3_BUCKET_ACTIONS = {  # S3 User Guide, "Required permissions for Amazon S3 API operations"
    "CreateBucket": "CreateBucket",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "HeadBucket": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
_S3_OBJECT_ACTIONS = {
    "GetObject": "GetObject",
    "HeadObject": "GetObject",
    "PutObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "DeleteObject": "DeleteObject",
}
_OF_NO_RESOURCE = frozenset({"pricing", "servicequotas", "iam"})
"""Services whose actions, those that are called here, name no resource."""


def questions(
    request: AwsRequest, environ: Mapping[str, Any], tags_of: Callable[[str], Mapping[str, str]]
) -> list[Question]:
    """What IAM is asked about a call, allowed where each question is; an unknown instance profile is refused.

    ``tags_of`` answers the tags of a resource that is not moto's, by its ARN.
    """
    if (request.service, request.action) == ("sts", "GetCallerIdentity"):
        return []  # STS API Reference, GetCallerIdentity: no permissions are required, not even against a deny
    askers: dict[str, Callable[[], list[Question]]] = {
        "ec2": lambda: _ec2(request),
        "s3": lambda: _s3(request, environ),
        "sagemaker": lambda: sagemaker_questions.questions(request, tags_of),
        "logs": lambda: sagemaker_questions.logs_questions(request),
        "scheduler": lambda: _scheduler(request, environ),
    }
    if request.service in askers:
        return askers[request.service]()
    action = f"{request.service}:{request.action}"
    context = _context(request)
    if request.service in MODELS:
        return [Question(action, _managed_resource(request), context)]
    if action == "ssm:GetParameter":
        return [Question(action, _parameter(request), context)]
    return [Question(action, context=context if request.service in _OF_NO_RESOURCE else {})]


def _managed_resource(request: AwsRequest) -> str:
    """What a managed request names (Service Authorization Reference, Amazon Lex V2 and Amazon Personalize)."""
    document = request.document
    if request.action == "RecognizeText":
        alias = f"bot-alias/{document['botId']}/{document['botAliasId']}"
        return f"arn:{_partition(request)}:lex:{request.region}:{_ACCOUNT}:{alias}"
    if request.action == "GetRecommendations":
        return str(document.get("campaignArn") or document.get("recommenderArn") or "*")
    return "*"


def _partition(request: AwsRequest) -> str:
    return moto_models.partition(request.region)


def _context(request: AwsRequest, **more: str) -> dict[str, list[str]]:
    """The condition keys that every request has, and ``more``."""
    return {"aws:RequestedRegion": [request.region], **{key: [value] for key, value in more.items()}}


# EC2


def _ec2(request: AwsRequest) -> list[Question]:
    askers: dict[str, Callable[[AwsRequest], list[Question]]] = {
        "RunInstances": _run_instances,
        "CreateSecurityGroup": _create_security_group,
        "AuthorizeSecurityGroupIngress": _on_security_group,
        "TerminateInstances": _on_instances,
        "StopInstances": _on_instances,
        "StartInstances": _on_instances,
        "GetConsoleOutput": _on_instances,
    }
    ask = askers.get(request.action)
    if ask is not None:
        return ask(request)
    # Describe* names no resource; an action that is not listed here is not asked with a context either.
    context = _ec2_context(request) if request.action.startswith("Describe") else {}
    return [Question(f"ec2:{request.action}", context=context)]


def _ec2_context(request: AwsRequest) -> dict[str, list[str]]:
    return {**_context(request), "ec2:Region": [request.region]}


def _ec2_arn(request: AwsRequest, kind: str, resource_id: str = "*", account: str = _ACCOUNT) -> str:
    """The ARN of an EC2 resource; EC2 too has ``*`` for the id of a resource that is yet to be made."""
    return f"arn:{_partition(request)}:ec2:{request.region}:{account}:{kind}/{resource_id}"


def _run_instances(request: AwsRequest) -> list[Question]:
    params, context = request.params, _ec2_context(request)
    subnet = params.get("SubnetId") or params.get("NetworkInterface.1.SubnetId")
    groups = request.listed("SecurityGroupId") + request.listed("NetworkInterface.1.SecurityGroupId")
    profile = params.get("IamInstanceProfile.Arn") or params.get("IamInstanceProfile.Name")
    role = moto_models.role_of_profile(profile, request.region) if profile else None
    tags = _tags_to_make(request)
    instance = {
        "ec2:InstanceType": params.get("InstanceType"),
        "ec2:InstanceMarketType": params.get("InstanceMarketOptions.MarketType", "on-demand"),
        "ec2:MetadataHttpTokens": params.get("MetadataOptions.HttpTokens"),
        "ec2:MetadataHttpEndpoint": params.get("MetadataOptions.HttpEndpoint"),
        "ec2:MetadataHttpPutResponseHopLimit": params.get("MetadataOptions.HttpPutResponseHopLimit"),
    }
    instance_keys = {key: [value] for key, value in instance.items() if value is not None}
    # The resources that it makes are asked for with their tags, those that it uses each by itself. Of a spot request
    # that is so only where it is tagged (EC2 User Guide, "Example policies").
    made = ["instance", "volume", "network-interface", *({"spot-instances-request"} & set(tags))]
    keys = {kind: {**context, **tags.get(kind, {})} for kind in made}
    keys["instance"] |= instance_keys
    asked = [Question("ec2:RunInstances", _ec2_arn(request, kind), keys[kind]) for kind in made]
    used = [("image", params.get("ImageId", "*"), ""), ("subnet", subnet or "*")]
    used += [("security-group", group) for group in groups or ["*"]]
    used += [("key-pair", params["KeyName"])] if "KeyName" in params else []
    asked += [Question("ec2:RunInstances", _ec2_arn(request, *resource), context) for resource in used]
    if role is not None:
        # IAM user guide, "AWS service principals in China Regions".
        service = "ec2.amazonaws.com.cn" if _partition(request) == "aws-cn" else "ec2.amazonaws.com"
        asked.append(Question("iam:PassRole", role, {**context, "iam:PassedToService": [service]}))
    return asked + _tagging(request, tags)


def _create_security_group(request: AwsRequest) -> list[Question]:
    context, tags = _ec2_context(request), _tags_to_make(request)
    made = {**context, **tags.get("security-group", {})}
    asked = [Question("ec2:CreateSecurityGroup", _ec2_arn(request, "security-group"), made)]
    vpc = _ec2_arn(request, "vpc", request.params.get("VpcId", "*"))
    return [*asked, Question("ec2:CreateSecurityGroup", vpc, context), *_tagging(request, tags)]


def _tags_to_make(request: AwsRequest) -> dict[str, dict[str, list[str]]]:
    """Kind of resource -> the condition keys of the tags that the request gives it."""
    keys_by_kind: dict[str, dict[str, list[str]]] = {}
    for n in range(1, 21):
        head = f"TagSpecification.{n}"
        kind = request.params.get(f"{head}.ResourceType")
        if kind is None:
            break
        heads = [f"{head}.Tag.{m}" for m in range(1, 51) if f"{head}.Tag.{m}.Key" in request.params]
        tags = {request.params[f"{tag}.Key"]: request.params.get(f"{tag}.Value", "") for tag in heads}
        keys = {f"aws:RequestTag/{key}": [value] for key, value in tags.items()}
        keys_by_kind[kind] = {**keys, "aws:TagKeys": list(tags)}
    return keys_by_kind


def _tagging(request: AwsRequest, tags: Mapping[str, Mapping[str, list[str]]]) -> list[Question]:
    """The questions for the tags: EC2 User Guide, "Grant permission to tag resources during creation"."""
    context = {**_ec2_context(request), "ec2:CreateAction": [request.action]}
    return [Question("ec2:CreateTags", _ec2_arn(request, kind), {**context, **keys}) for kind, keys in tags.items()]


def _on_security_group(request: AwsRequest) -> list[Question]:
    """One about the security group, with its tags; its rules are asked for where the request tags them alone."""
    group_id = request.params.get("GroupId", "*")
    tags = moto_models.tags_of(group_id, request.region)
    keys = {f"aws:ResourceTag/{key}": [value] for key, value in tags.items()}
    arn = _ec2_arn(request, "security-group", group_id)
    return [Question(f"ec2:{request.action}", arn, {**_ec2_context(request), **keys})]


def _on_instances(request: AwsRequest) -> list[Question]:
    """A question for each instance, with its tags; an unknown one has none (terraform-aws-runs-on #60)."""
    ids = request.listed("InstanceId") or [request.params.get("InstanceId", "")]
    instances = {instance.id: instance for instance in moto_models.all_instances(request.region)}
    asked = []
    for instance_id in ids:
        instance = instances.get(instance_id)
        tags = instance.get_tags() if instance is not None else []
        keys = {f"aws:ResourceTag/{tag['key']}": [tag["value"]] for tag in tags}
        arn = _ec2_arn(request, "instance", instance_id)
        asked.append(Question(f"ec2:{request.action}", arn, {**_ec2_context(request), **keys}))
    return asked


# The other services


def _s3(request: AwsRequest, environ: Mapping[str, Any]) -> list[Question]:
    bucket, _, key = str(environ.get("PATH_INFO", "")).lstrip("/").partition("/")
    if not bucket:
        return [Question(f"s3:{request.action}")]
    context = _context(request)
    if moto_models.has_bucket(bucket, request.region):
        context["aws:ResourceAccount"] = [_ACCOUNT]  # of a bucket that is not there yet nobody is the owner
    arn = f"arn:{_partition(request)}:s3:::{bucket}"
    if key:
        key = key.encode("latin-1").decode("utf-8", "replace")  # WSGI's idea of a path
        return _s3_object(request, environ, f"{arn}/{key}", context)
    action = _S3_BUCKET_ACTIONS.get(request.action)
    if action is None:
        return [Question(f"s3:{request.action}")]
    if request.action == "ListObjectsV2" and "prefix" in request.params:
        context["s3:prefix"] = [request.params["prefix"]]
    asked = [Question(f"s3:{action}", arn, context)]
    if request.action == "CreateBucket" and "HTTP_X_AMZ_OBJECT_OWNERSHIP" in environ:
        asked.append(Question("s3:PutBucketOwnershipControls", arn, context))
    return asked


def list_question(request: AwsRequest, environ: Mapping[str, Any]) -> Question:
    """Whether the caller may list the bucket of a request for an object."""
    bucket = str(environ.get("PATH_INFO", "")).lstrip("/").partition("/")[0]
    context = _context(request, **{"aws:ResourceAccount": _ACCOUNT})
    return Question("s3:ListBucket", f"arn:{_partition(request)}:s3:::{bucket}", context)


def _s3_object(
    request: AwsRequest, environ: Mapping[str, Any], arn: str, context: dict[str, list[str]]
) -> list[Question]:
    action = _S3_OBJECT_ACTIONS.get(request.action)
    if action is None or "versionId" in request.params:  # versions have actions of their own
        return [Question(f"s3:{request.action}")]
    if action == "PutObject" and "HTTP_IF_NONE_MATCH" in environ:  # S3 User Guide, "Enforce conditional writes"
        context = {**context, "s3:if-none-match": [str(environ["HTTP_IF_NONE_MATCH"])]}
    more = {"HTTP_X_AMZ_ACL": "PutObjectAcl", "HTTP_X_AMZ_TAGGING": "PutObjectTagging"}
    actions = [action, *(name for header, name in more.items() if header in environ)]
    return [Question(f"s3:{name}", arn, context) for name in actions]


def _parameter(request: AwsRequest) -> str:
    """The ARN of the Systems Manager parameter that a call names."""
    name = str(request.document.get("Name", "")).lstrip("/")
    # Systems Manager User Guide, "Working with public parameters": the ARNs of AWS's own name no account.
    account = "" if name.startswith("aws/service/") else _ACCOUNT
    return f"arn:{_partition(request)}:ssm:{request.region}:{account}:parameter/{name}"


def _scheduler(request: AwsRequest, environ: Mapping[str, Any]) -> list[Question]:
    if request.action not in {"CreateSchedule", "DeleteSchedule", "GetSchedule", "UpdateSchedule"}:
        return [Question(f"scheduler:{request.action}")]
    name = str(environ.get("PATH_INFO", "")).rpartition("/")[2]
    group = request.document.get("GroupName") or request.params.get("groupName") or "default"
    arn = f"arn:{_partition(request)}:scheduler:{request.region}:{_ACCOUNT}:schedule/{group}/{name}"
    asked = [Question(f"scheduler:{request.action}", arn, _context(request))]
    role = request.document.get("Target", {}).get("RoleArn")
    if role is not None:
        passed = {**_context(request), "iam:PassedToService": ["scheduler.amazonaws.com"]}
        asked.append(Question("iam:PassRole", str(role), passed))
    return asked
