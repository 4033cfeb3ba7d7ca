"""What IAM is asked about training jobs: the client's rights, and those of the execution role."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.embedded.sagemaker.conftest import ALL, BUCKET
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.embedded.sagemaker.conftest import TrainingWorld

JOBS = "arn:aws:sagemaker:us-east-1:123456789012:training-job/job-*"
LOG_GROUP = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/TrainingJobs"
IMAGE = "arn:aws:ecr:us-east-1:683313688378:repository/sagemaker-scikit-learn"


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement} for statement in statements]}


ROLE = {
    "list": {"Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"},
    "read": {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*/input/*"},
    "write": {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/*/output/*"},
    "token": {"Action": "ecr:GetAuthorizationToken", "Resource": "*"},
    "image": {
        "Action": ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        "Resource": IMAGE,
    },
    "logs": {
        "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{LOG_GROUP}:*",
    },
}
"""What an execution role needs, by what for."""
MODEL = "import os; open(os.environ['PYTEST_BENCHMARK_AWS_OPT_ML'] + '/model/m', 'w').write('m'); print('made')"


def become(world: TrainingWorld, rights: dict[str, Any], name: str = "client") -> Any:
    """A SageMaker client of a user with that policy alone; from here on IAM is enforced."""
    import boto3
    from botocore.config import Config

    world.aws.control("iam", {"enforced": False})
    iam = world.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="only", PolicyDocument=json.dumps(rights))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    world.aws.control("iam", {"enforced": True})
    return boto3.client(
        "sagemaker",
        endpoint_url=world.aws.endpoint,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        config=Config(retries={"total_max_attempts": 1}),
    )


def trained_by(world: TrainingWorld, *left_out: str) -> dict[str, Any]:
    """The description of a job whose role lacks some of its rights, when it is over."""
    rights = policy(*(statement for what, statement in ROLE.items() if what not in left_out))
    request = world.request(MODEL, RoleArn=world.make_role("least", rights))
    client = become(world, ALL)
    client.create_training_job(**request)
    world.sagemaker = client
    world.ended(request["TrainingJobName"])
    world.aws.control("iam", {"enforced": False})
    world.sagemaker = world.client("sagemaker")
    return world.job(request["TrainingJobName"])


def test_role_with_what_it_needs(world: TrainingWorld) -> None:
    """It reads the channels, writes the model, pulls the image and writes logs; nothing else is asked of it."""
    job = trained_by(world)
    assert job["TrainingJobStatus"] == "Completed"
    assert world.printed(job["TrainingJobName"]) == ["made"]
    decisions = [entry for entry in world.aws.control("decisions") if ":assumed-role/least/" in entry["caller"]]
    assert all(entry["allowed"] for entry in decisions)
    asked = {entry["question"]["action"] for entry in decisions}
    needed = [statement["Action"] for statement in ROLE.values()]
    assert asked == {action for actions in needed for action in ([actions] if isinstance(actions, str) else actions)}


@pytest.mark.parametrize(
    ("left_out", "reason"),
    [
        ("read", "ClientError: Data download failed:Failed to download data. AccessDenied"),
        ("write", "ClientError: Artifact upload failed:AccessDenied"),
        ("token", "allows ecr:GetAuthorizationToken on *."),
        ("image", f"allows ecr:BatchCheckLayerAvailability on {IMAGE}."),
    ],
)
def test_role_that_lacks_a_right(world: TrainingWorld, left_out: str, reason: str) -> None:
    """The job fails, and says what it could not do."""
    job = trained_by(world, left_out)
    assert job["TrainingJobStatus"] == "Failed"
    assert reason in job["FailureReason"]


def test_role_that_may_not_log(world: TrainingWorld) -> None:
    """The job goes on, and has no logs."""
    job = trained_by(world, "logs")
    assert job["TrainingJobStatus"] == "Completed"
    assert world.printed(job["TrainingJobName"]) == []


def test_role_that_may_not_list_has_no_channel(world: TrainingWorld) -> None:
    """It is refused before there is a job."""
    request = world.request(RoleArn=world.make_role("blind", policy(ROLE["read"])))
    client = become(world, ALL)
    assert "No S3 objects found under S3 URL" in world.message(client.create_training_job, **request)


CREATE = {
    "Action": "sagemaker:CreateTrainingJob",
    "Resource": JOBS,
    "Condition": {
        "StringEquals": {"aws:RequestTag/owner": "me"},
        "ForAllValues:StringEquals": {"sagemaker:InstanceTypes": ["ml.m5.xlarge"]},
        "NumericLessThanEquals": {"sagemaker:MaxRuntimeInSeconds": "600"},
    },
}
TAG = {
    "Action": "sagemaker:AddTags",
    "Resource": JOBS,
    "Condition": {"StringEquals": {"sagemaker:TaggingAction": "CreateTrainingJob"}},
}
PASS = {
    "Action": "iam:PassRole",
    "Resource": "arn:aws:iam::123456789012:role/training",
    "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
}
ON_OWN = {
    "Action": ["sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob", "sagemaker:ListTags"],
    "Resource": JOBS,
    "Condition": {"StringEquals": {"aws:ResourceTag/owner": "me"}},
}
MINE = [{"Key": "owner", "Value": "me"}]


def test_client_with_what_it_needs(world: TrainingWorld) -> None:
    """Jobs are made with a tag and used by it; a list names no resource."""
    request = world.request(Tags=MINE)
    other = world.train(Tags=[{"Key": "owner", "Value": "another"}])
    rights = policy(CREATE, TAG, PASS, ON_OWN, {"Action": "sagemaker:ListTrainingJobs", "Resource": "*"})
    client = become(world, rights)
    arn = client.create_training_job(**request)["TrainingJobArn"]
    name = request["TrainingJobName"]
    assert client.list_tags(ResourceArn=arn)["Tags"] == MINE
    assert len(client.list_training_jobs()["TrainingJobSummaries"]) == 2
    wait_until(lambda: client.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] == "Completed")
    assert "is in status Completed" in world.message(client.stop_training_job, TrainingJobName=name)
    for act in (client.describe_training_job, client.stop_training_job):
        assert world.error(act, TrainingJobName=other) == ("AccessDeniedException", 400)
    assert world.error(client.add_tags, ResourceArn=arn, Tags=MINE) == ("AccessDeniedException", 400)


@pytest.mark.parametrize(
    ("rights", "changes", "action"),
    [
        ([TAG, PASS], {}, "sagemaker:CreateTrainingJob"),
        ([CREATE, PASS], {}, "sagemaker:AddTags"),
        ([CREATE, TAG], {}, "iam:PassRole"),
        ([CREATE, TAG, PASS], {"Tags": [{"Key": "owner", "Value": "you"}]}, "sagemaker:CreateTrainingJob"),
        ([CREATE, TAG, PASS], {"ResourceConfig": {"InstanceType": "ml.m5.large"}}, "sagemaker:CreateTrainingJob"),
        ([CREATE, TAG, PASS], {"StoppingCondition": {"MaxRuntimeInSeconds": 1200}}, "sagemaker:CreateTrainingJob"),
        ([CREATE, TAG, PASS], {"RoleArn": "arn:aws:iam::123456789012:role/another"}, "iam:PassRole"),
    ],
)
def test_client_that_lacks_a_right(
    world: TrainingWorld, rights: list[dict[str, Any]], changes: dict[str, Any], action: str
) -> None:
    """The refusal names the action, and there is no job."""
    request = world.request(**{"Tags": MINE, **changes})
    client = become(world, policy(*rights))
    said = world.message(client.create_training_job, **request)
    assert said.startswith("AccessDeniedException: User: arn:aws:iam::123456789012:user/client is not authorized")
    assert f"to perform: {action} on resource: " in said
    assert world.aws.control("training-jobs") == []


@pytest.mark.parametrize(("service", "act"), [("sagemaker", "list_training_jobs"), ("logs", "describe_log_groups")])
def test_key_that_nobody_has(world: TrainingWorld, service: str, act: str) -> None:
    """The code is that of the JSON protocol's services."""
    from dataclasses import replace

    world.aws.key = replace(world.aws.key, key_id="AKIANOBODY")
    assert world.error(getattr(world.client(service), act)) == ("UnrecognizedClientException", 400)


def test_logs_of_one_group(world: TrainingWorld) -> None:
    """A log stream is a resource by its group's name; other groups are another's."""
    import boto3

    name = world.train("print('secret')")
    world.ended(name)
    [stream] = world.logs.describe_log_streams(logGroupName="/aws/sagemaker/TrainingJobs")["logStreams"]
    read = {"Action": ["logs:GetLogEvents", "logs:DescribeLogStreams"], "Resource": f"{LOG_GROUP}:*"}
    world.logs.create_log_group(logGroupName="another")
    become(world, policy(read), "reader")
    world.aws.control("iam", {"enforced": False})
    key = world.client("iam").create_access_key(UserName="reader")["AccessKey"]
    world.aws.control("iam", {"enforced": True})
    logs = boto3.client(
        "logs",
        endpoint_url=world.aws.endpoint,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    where = {"logGroupName": "/aws/sagemaker/TrainingJobs", "logStreamName": stream["logStreamName"]}
    assert [event["message"] for event in logs.get_log_events(**where)["events"]] == ["secret"]
    assert world.error(logs.describe_log_streams, logGroupName="another") == ("AccessDeniedException", 400)
    assert world.error(logs.delete_log_stream, **where) == ("AccessDeniedException", 400)
