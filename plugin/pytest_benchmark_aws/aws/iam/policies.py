"""IAM policies with the least that is needed: of whoever starts a run, of an instance, a scheduler, a shared storage.

Pure functions of the standard library; a test holds them against the calls that a whole run makes. All raise
ValueError for a name that is none of its kind, so that no wildcard ever slips into a policy.
"""

from __future__ import annotations

import re
from typing import Any

TAG = "pytest-benchmark-aws"
"""The managed-by tag's value, our security group's name, and the start of our bucket's name."""
_DESCRIBE = (
    "DescribeImages",
    "DescribeInstances",
    "DescribeInstanceTypeOfferings",
    "DescribeRegions",
    "DescribeRouteTables",
    "DescribeSecurityGroups",
    "DescribeSpotPriceHistory",
    "DescribeSubnets",
)
_BUCKET = (
    "s3:CreateBucket",
    "s3:GetLifecycleConfiguration",  # whether an earlier run set all that it is to have
    "s3:ListBucket",  # HeadBucket and ListObjectsV2; without it a missing key is 403 and not 404
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
)
_IMAGES = (
    "ami-amazon-linux-latest/al2023-ami-kernel-default-*",
    "deeplearning/ami/*/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id",  # GPU types
)
_MANAGED = {"aws:RequestTag/managed-by": TAG}
_PATTERNS = {
    "account id": r"\d{12}",
    "bucket": r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
    "partition": r"aws(-[a-z]+)*",
    "prefix": r"([A-Za-z0-9_][A-Za-z0-9_.=@+-]*(/[A-Za-z0-9_][A-Za-z0-9_.=@+-]*)*)?",
    "region": r"[a-z]{2,5}(-[a-z]+)+-\d",
    "role": r"[\w+=,.@/-]{1,512}",
    "run": r"[A-Za-z0-9-]+",
}


SAGEMAKER = "sagemaker.amazonaws.com"
"""The service principal, in the partition aws-cn too (SageMaker guide for China, "SageMaker AI roles")."""
TRUST_OF_TRAINING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": SAGEMAKER}, "Action": "sts:AssumeRole"}],
}
"""Who may assume the execution role of training jobs."""
_JOBS = "training-job/pba-*"
_JOB_LOGS = "log-group:/aws/sagemaker/TrainingJobs"
_PARTITIONS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
    "eusc-": "aws-eusc",
}
"""How a region's name begins -> its partition; botocore's endpoints."""


def partition_of(region: str) -> str:
    """The partition of a region, as ARNs name it."""
    return next((name for start, name in _PARTITIONS.items() if region.startswith(start)), "aws")


def client_policy(
    account_id: str,
    region: str,
    bucket: str | None = None,
    instance_role: str | None = None,
    partition: str | None = None,
    scheduler_role: str | None = None,
    sagemaker_role: str | None = None,
    *,
    groups: bool = False,
) -> dict[str, Any]:
    """What a user who runs ``pytest --aws`` may do: launch only what is tagged as ours, and end only that.

    ``instance_role`` names the role of an instance profile, where instances get one; ``scheduler_role`` that of
    ``--aws-scheduler-role``; ``sagemaker_role`` that of ``--aws-sagemaker-role``, for who uses training jobs, too.
    ``groups``: also groups of machines, which reach each other.
    """
    bucket, partition = bucket or f"{TAG}-{account_id}-{region}", partition or partition_of(region)
    check_names(account_id=account_id, region=region, partition=partition, bucket=bucket)

    def ec2(kind: str, account: str = account_id) -> str:
        return f"arn:{partition}:ec2:{region}:{account}:{kind}/*"

    def pass_role(name: str, role: str, service: str) -> dict[str, Any]:
        check_names(role=role)
        arn = f"arn:{partition}:iam::{account_id}:role/{role.lstrip('/')}"
        return _allow(name, ["iam:PassRole"], arn, {"StringEquals": {"iam:PassedToService": service}})

    in_region = {"StringEquals": {"aws:RequestedRegion": region}}
    tagged_launch = {"StringEquals": {**_MANAGED, "ec2:MetadataHttpTokens": "required"}}
    statements = [
        # These name no resource in IAM. Who one is (sts:GetCallerIdentity) is answered without any permission.
        _allow("Look", [f"ec2:{name}" for name in _DESCRIBE], "*", in_region),
        _allow("Quota", ["servicequotas:GetServiceQuota"], "*", in_region),
        _allow("Prices", ["pricing:GetProducts"], "*"),
        _allow(
            "Image",
            ["ssm:GetParameter"],
            [f"arn:{partition}:ssm:{region}::parameter/aws/service/{name}" for name in _IMAGES],
        ),
        # RunInstances is allowed where each resource that it makes or uses is.
        _allow("LaunchTagged", ["ec2:RunInstances"], ec2("instance"), tagged_launch),
        _allow("LaunchVolumes", ["ec2:RunInstances"], ec2("volume"), {"StringEquals": _MANAGED}),
        _allow(
            "LaunchWith",
            ["ec2:RunInstances"],
            [*(ec2(kind) for kind in ("network-interface", "security-group", "subnet")), ec2("image", "")],
        ),
        _allow("MakeGroup", ["ec2:CreateSecurityGroup"], ec2("security-group"), {"StringEquals": _MANAGED}),
        _allow("MakeGroupIn", ["ec2:CreateSecurityGroup"], ec2("vpc")),
        _allow(
            "TagOnCreate",
            ["ec2:CreateTags"],
            [ec2(kind) for kind in ("instance", "security-group", "volume")],
            {"StringEquals": {**_MANAGED, "ec2:CreateAction": ["CreateSecurityGroup", "RunInstances"]}},
        ),
        _allow(
            "OursOnly",
            ["ec2:GetConsoleOutput", "ec2:TerminateInstances"],
            ec2("instance"),
            {"StringEquals": {"aws:ResourceTag/managed-by": TAG}},
        ),
        # No condition on the owner here: a bucket that is not there yet has none.
        _allow("Bucket", list(_BUCKET), f"arn:{partition}:s3:::{bucket}"),
        _allow(
            "Objects",
            ["s3:GetObject", "s3:PutObject"],
            [f"arn:{partition}:s3:::{bucket}/{folder}/*" for folder in ("bundles", "runs")],
            {"StringEquals": {"aws:ResourceAccount": account_id}},
        ),
    ]
    if instance_role is not None:
        # IAM user guide, "AWS service principals in China Regions".
        service = "ec2.amazonaws.com.cn" if partition == "aws-cn" else "ec2.amazonaws.com"
        statements.append(pass_role("PassRole", instance_role, service))
    if scheduler_role is not None:
        schedules = f"arn:{partition}:scheduler:{region}:{account_id}:schedule/default/{TAG}-*"
        statements.append(_allow("Schedule", ["scheduler:CreateSchedule", "scheduler:DeleteSchedule"], schedules))
        statements.append(pass_role("PassSchedulerRole", scheduler_role, "scheduler.amazonaws.com"))
    if groups:
        ours = {"StringEquals": {"aws:ResourceTag/managed-by": TAG}}
        statements.append(_allow("OpenGroup", ["ec2:AuthorizeSecurityGroupIngress"], ec2("security-group"), ours))
        agents = f"arn:{partition}:s3:::{bucket}/runs/*/agent.pyz"
        owned = {"StringEquals": {"aws:ResourceAccount": account_id}}
        statements.append(_allow("DeleteKeys", ["s3:DeleteObject"], agents, owned))
    if sagemaker_role is not None:
        statements += _training(f"arn:{partition}:", f":{region}:{account_id}:", in_region)
        statements.append(pass_role("PassTrainingRole", sagemaker_role, SAGEMAKER))
    return {"Version": "2012-10-17", "Statement": statements}


def _training(start: str, place: str, in_region: dict[str, Any]) -> list[dict[str, Any]]:
    """What training jobs need of who runs them, by their names: SageMaker has no dry run and these are ours alone.

    The resource types are those of the Service Authorization Reference, "Amazon SageMaker".
    """
    jobs, group = f"{start}sagemaker{place}{_JOBS}", f"{start}logs{place}{_JOB_LOGS}"
    ours = {"StringEquals": {"aws:ResourceTag/managed-by": TAG}}
    return [
        _allow("CreateTagged", ["sagemaker:CreateTrainingJob"], jobs, {"StringEquals": _MANAGED}),
        _allow(
            "TagJobOnCreate",
            ["sagemaker:AddTags"],
            jobs,
            # SageMaker guide, "Provide permissions for tagging SageMaker AI resources".
            {"StringEquals": {**_MANAGED, "sagemaker:TaggingAction": "CreateTrainingJob"}},
        ),
        _allow("Jobs", ["sagemaker:DescribeTrainingJob", "sagemaker:ListTags"], jobs),
        _allow("StopOurs", ["sagemaker:StopTrainingJob"], jobs, ours),
        _allow("ListJobs", ["sagemaker:ListTrainingJobs"], "*", in_region),
        _allow("TrainingQuotas", ["servicequotas:ListServiceQuotas"], "*", in_region),
        _allow("JobLogs", ["logs:DescribeLogStreams"], f"{group}:*"),
        _allow("JobLogEvents", ["logs:GetLogEvents"], f"{group}:log-stream:pba-*"),
    ]


def sagemaker_role_policy(
    account_id: str, region: str, bucket: str, partition: str | None = None, *, groups: bool = False
) -> dict[str, Any]:
    """What the execution role of training jobs may do: as an instance's, and what SageMaker does in its name.

    That is to fetch the agent and AWS's container, to log, and to put the empty model. SageMaker must be allowed to
    assume it. What it is, the SageMaker guide lists in "How to use SageMaker AI execution roles". ``groups``: also of
    jobs of several machines.
    """
    partition = partition or partition_of(region)
    check_names(account_id=account_id, region=region, bucket=bucket, partition=partition)
    place, group = f"arn:{partition}:s3:::{bucket}", f"arn:{partition}:logs:{region}:{account_id}:{_JOB_LOGS}"
    pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    statements = [
        *instance_policy(bucket, partition=partition, groups=groups)["Statement"],
        _allow("ListInput", ["s3:ListBucket"], place, {"StringLike": {"s3:prefix": "runs/*/input/*"}}),
        _allow("FetchInput", ["s3:GetObject"], f"{place}/runs/*/input/*"),
        _allow("Output", ["s3:PutObject"], f"{place}/runs/*/output/*"),
        _allow("Registry", ["ecr:GetAuthorizationToken"], "*"),
        _allow("Image", pull, f"arn:{partition}:ecr:{region}:*:repository/*"),
        _allow("LogGroup", ["logs:CreateLogGroup", "logs:DescribeLogStreams"], f"{group}:*"),
        _allow("Log", ["logs:CreateLogStream", "logs:PutLogEvents"], f"{group}:log-stream:*"),
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def scheduler_policy(account_id: str, region: str, partition: str | None = None) -> dict[str, Any]:
    """What the role of ``--aws-scheduler-role`` may do: end instances that are tagged as ours.

    EventBridge Scheduler (scheduler.amazonaws.com) must be allowed to assume it.
    """
    partition = partition or partition_of(region)
    check_names(account_id=account_id, region=region, partition=partition)
    tagged = {"StringEquals": {"aws:ResourceTag/managed-by": TAG}}
    instances = f"arn:{partition}:ec2:{region}:{account_id}:instance/*"
    return {"Version": "2012-10-17", "Statement": [_allow("End", ["ec2:TerminateInstances"], instances, tagged)]}


def instance_policy(
    bucket: str, run_id: str | None = None, partition: str = "aws", *, groups: bool = False
) -> dict[str, Any]:
    """What the role of an instance profile may do: read bundles, and put the objects that an agent delivers.

    It may not list, not delete, not read what any run delivered, and not overwrite a result, be it its own. Without
    ``run_id`` it is of all runs: an instance could put a result before another does, and is refused after. ``groups``:
    also of groups of machines, which read where their scheduler is, and whether the others have delivered.
    """
    check_names(bucket=bucket, run=run_id)
    objects = f"arn:{partition}:s3:::{bucket}"
    runs = f"{objects}/runs/{run_id or '*'}/*"
    once = {"Null": {"s3:if-none-match": "false"}}  # S3 User Guide, "Enforce conditional writes"
    statements = [
        _allow("Fetch", ["s3:GetObject"], f"{objects}/bundles/*"),  # the agent itself comes by a presigned URL
        _allow("Tell", ["s3:PutObject"], [f"{runs}/{name}" for name in ("checkpoint", "heartbeat", "log")]),
        _allow("DeliverOnce", ["s3:PutObject"], [f"{runs}/{name}" for name in ("data", "done")], once),
    ]
    if groups:
        statements.append(_allow("MeetAt", ["s3:PutObject"], f"{runs}/scheduler"))
        met = [f"{runs}/scheduler", f"{runs}/members/*/done"]
        statements.append(_allow("Meet", ["s3:GetObject"], met))
    return {"Version": "2012-10-17", "Statement": statements}


def storage_policy(
    bucket: str, prefix: str = "", account_id: str | None = None, partition: str = "aws", *, read_only: bool = False
) -> dict[str, Any]:
    """What a session with ``--benchmark-storage=s3://bucket/prefix`` may do: list, read, and add what is not there.

    S3 refuses whoever holds this and nothing more to write over a result, or to delete one. ``account_id`` names the
    bucket's account.
    """
    check_names(bucket=bucket, prefix=prefix, partition=partition, account_id=account_id)
    place = f"arn:{partition}:s3:::{bucket}"
    objects = f"{place}/{prefix}/*" if prefix else f"{place}/*"
    owned = {"aws:ResourceAccount": account_id} if account_id is not None else {}
    listed = {**owned, **({"s3:prefix": f"{prefix}/"} if prefix else {})}
    of_owner = {"StringEquals": owned} if owned else {}
    statements = [
        _allow("List", ["s3:ListBucket"], place, {"StringEquals": listed} if listed else None),
        _allow("Read", ["s3:GetObject"], objects, of_owner or None),
    ]
    if not read_only:
        statements.append(_allow("Add", ["s3:PutObject"], objects, {**of_owner, "Null": {"s3:if-none-match": "false"}}))
    return {"Version": "2012-10-17", "Statement": statements}


def _allow(
    name: str, allowed: list[str], resource: str | list[str], condition: dict[str, Any] | None = None
) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": name, "Effect": "Allow", "Action": allowed, "Resource": resource}
    return statement if condition is None else {**statement, "Condition": condition}


def check_names(**values: str | None) -> None:
    """Refuses a value that is given and none of its kind."""
    for name, value in values.items():
        kind = name.replace("_", " ")
        if value is not None and not re.fullmatch(_PATTERNS[kind], value, re.ASCII):
            raise ValueError(f"{value!r} is no {kind}")
