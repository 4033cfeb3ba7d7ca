"""The IAM policies against the calls that a whole run makes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pytest_benchmark_aws
from pytest_benchmark_aws.aws.iam.policies import client_policy, instance_policy
from pytest_benchmark_aws.bundle.wheels import PACKAGED_PYTHONS
from pytest_benchmark_aws.embedded.control_client import control
from pytest_benchmark_aws.machine.folders import cache_folder
from tests.acceptance.awsproject import environment, make_project, pytest_aws
from tests.aws.tenant import ACCOUNT, BUCKET, PROJECT, REGION

if TYPE_CHECKING:
    from collections.abc import Callable

# Service Authorization Reference: an API call's action is its own name, but for these.
ACTION_OF: dict[str, tuple[str, ...]] = {
    "sts:GetCallerIdentity": (),  # STS API Reference: no permissions are required
    "s3:HeadBucket": ("s3:ListBucket",),
    "s3:ListObjectsV2": ("s3:ListBucket",),
    "s3:HeadObject": ("s3:GetObject",),
    "s3:PutPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "s3:PutBucketEncryption": ("s3:PutEncryptionConfiguration",),
    "s3:GetBucketLifecycleConfiguration": ("s3:GetLifecycleConfiguration",),
    "s3:PutBucketLifecycleConfiguration": ("s3:PutLifecycleConfiguration",),
    "s3:CreateBucket": ("s3:CreateBucket", "s3:PutBucketOwnershipControls"),  # it sets the ownership too
    "ec2:RunInstances": ("ec2:RunInstances", "ec2:CreateTags"),  # both tag what they make
    "ec2:CreateSecurityGroup": ("ec2:CreateSecurityGroup", "ec2:CreateTags"),
    "sagemaker:CreateTrainingJob": ("sagemaker:CreateTrainingJob", "sagemaker:AddTags"),
}
ONLY_ON_FAILURE = {
    "ec2:DescribeSpotPriceHistory": "a launch on the spot market is told at its own price",
    "ec2:DescribeRegions": "reap --all-regions",
    "ec2:GetConsoleOutput": "an instance that ended before it uploaded a log is asked for its console's",
}


def actions(policy: dict[str, Any]) -> set[str]:
    """All actions that a policy's statements name."""
    return {action for statement in policy["Statement"] for action in statement["Action"]}


def iam_actions(calls: set[str]) -> set[str]:
    """``ec2:RunInstances`` and the like -> what IAM asks for."""
    return {action for call in calls for action in ACTION_OF.get(call, (call,))}


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Every AWS call of a whole run, the first of its account: bucket and security group are made."""
    pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")
    if f"{sys.version_info.major}.{sys.version_info.minor}" not in PACKAGED_PYTHONS:
        pytest.skip("Amazon Linux 2023 has no package of this Python, so a launch needs another one here")
    root = tmp_path_factory.mktemp("policies")
    cache = root / "cache"
    cache.mkdir()
    (cache_folder() / "wheels").mkdir(parents=True, exist_ok=True)
    (cache / "wheels").symlink_to(cache_folder() / "wheels")  # the wheels are those of any run, the prices are not
    project = make_project(root / "project", PROJECT)
    command = [sys.executable, "-m", "pytest_benchmark_aws.embedded", "--watch-stdin"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        given_to: dict[str, str] = {}
        for line in iter(process.stdout.readline, ""):
            if line.startswith("#"):
                break
            name, _, value = line.rstrip("\n").partition("=")
            given_to[name] = value
        try:
            # As on an account: the same client code, the endpoint by the environment.
            done = pytest_aws(project, "--aws", "--aws-target=cloud", PYTEST_BENCHMARK_AWS_CACHE=str(cache), **given_to)
            assert done.code == 0, done.text
            assert "0 instances of this run are alive" in done.out
            recorded = control(given_to, "calls")
        finally:
            process.stdin.close()
            process.wait()
    return {f"{call['service']}:{call['action']}" for call in recorded}


def test_a_whole_run_needs_all_that_is_allowed_and_no_more(calls: set[str]) -> None:
    """The policy's actions are those of the recorded calls, and the listed ones that failures need."""
    assert actions(client_policy(ACCOUNT, REGION)) == iam_actions(calls) | set(ONLY_ON_FAILURE)
    assert not iam_actions(calls) & set(ONLY_ON_FAILURE)


def test_the_code_names_no_other_call() -> None:
    """Of all operations that boto3 knows of these services, the package names those that the policy allows."""
    botocore = pytest.importorskip("botocore.session").get_session()
    from botocore import xform_name

    folder = Path(pytest_benchmark_aws.__file__).parent
    sources = [path for part in ("aws", "backends", "run") for path in (folder / part).rglob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    services = {"ec2": "ec2", "s3": "s3", "ssm": "ssm", "sts": "sts", "pricing": "pricing", "scheduler": "scheduler"}
    services |= {"logs": "logs", "sagemaker": "sagemaker"}
    named = set()
    for service, prefix in {**services, "service-quotas": "servicequotas"}.items():
        for operation in botocore.get_service_model(service).operation_names:
            if re.search(rf'(\.{xform_name(operation)}\(|"{xform_name(operation)}")', text):
                named.add(f"{prefix}:{operation}")
    named.discard("sagemaker:Search")  # which is what the code calls of regular expressions
    policy = client_policy(ACCOUNT, REGION, scheduler_role="killer", sagemaker_role="bench", groups=True)
    assert actions(policy) == iam_actions(named) | {"iam:PassRole"}


# What the policies say.


def statements(policy: dict[str, Any], action: str) -> list[dict[str, Any]]:
    """The statements that allow an action."""
    return [statement for statement in policy["Statement"] if action in statement["Action"]]


def condition(policy: dict[str, Any], action: str) -> list[dict[str, Any]]:
    """The equalities that each of them asks for."""
    return [statement.get("Condition", {}).get("StringEquals", {}) for statement in statements(policy, action)]


def test_only_what_is_tagged_as_ours_is_launched() -> None:
    """An instance and a volume need the managed-by tag in the launch, and an instance IMDSv2."""
    launching = statements(client_policy(ACCOUNT, REGION), "ec2:RunInstances")
    found = {statement["Sid"]: statement for statement in launching}
    tagged = {"aws:RequestTag/managed-by": "pytest-benchmark-aws"}
    assert found["LaunchTagged"]["Resource"] == f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/*"
    assert found["LaunchTagged"]["Condition"]["StringEquals"] == {**tagged, "ec2:MetadataHttpTokens": "required"}
    assert found["LaunchVolumes"]["Condition"]["StringEquals"] == tagged
    assert not [name for name in found["LaunchWith"]["Resource"] if re.search(r":(instance|volume)/", name)]


def test_only_what_is_tagged_as_ours_is_terminated() -> None:
    """TerminateInstances and GetConsoleOutput ask for the tag on the instance."""
    policy = client_policy(ACCOUNT, REGION)
    for action in ("ec2:TerminateInstances", "ec2:GetConsoleOutput"):
        assert condition(policy, action) == [{"aws:ResourceTag/managed-by": "pytest-benchmark-aws"}]


def test_tags_are_given_on_creation_only() -> None:
    """Nobody can tag another's instance as ours and then terminate it."""
    (found,) = condition(client_policy(ACCOUNT, REGION), "ec2:CreateTags")
    assert found["ec2:CreateAction"] == ["CreateSecurityGroup", "RunInstances"]
    assert found["aws:RequestTag/managed-by"] == "pytest-benchmark-aws"


def test_the_launch_satisfies_the_conditions() -> None:
    """What RunInstances is called with has the tag on instance and volume, and demands IMDSv2."""
    from pytest_benchmark_aws.aws.ec2 import LaunchRequest

    words = {"image_id": "ami-1", "subnet_id": "s", "security_group_id": None, "token": "t", "user_data": ""}
    asked = LaunchRequest(
        instance_type="m5.large", market="on-demand", tags={"Name": "x"}, instance_profile=None, **words
    ).parameters()
    for specification in asked["TagSpecifications"]:
        assert {"Key": "managed-by", "Value": "pytest-benchmark-aws"} in specification["Tags"]
    assert {specification["ResourceType"] for specification in asked["TagSpecifications"]} == {"instance", "volume"}
    assert asked["MetadataOptions"]["HttpTokens"] == "required"


def test_s3_is_the_one_bucket() -> None:
    """No S3 action reaches another bucket."""
    policy = client_policy(ACCOUNT, REGION, "mine")
    for statement in policy["Statement"]:
        if any(action.startswith("s3:") for action in statement["Action"]):
            assert statement["Resource"] in (
                "arn:aws:s3:::mine",
                ["arn:aws:s3:::mine/bundles/*", "arn:aws:s3:::mine/runs/*"],
            )


def test_the_default_bucket_is_the_codes_own() -> None:
    """The policy's default bucket is the one that a run makes."""
    from pytest_benchmark_aws.aws.clients import Account
    from pytest_benchmark_aws.aws.s3_run_bucket import default_bucket

    name = default_bucket(None, Account(ACCOUNT, "arn", REGION)).name  # type: ignore[arg-type]
    assert name == BUCKET
    policy = client_policy(ACCOUNT, REGION)
    assert f"arn:aws:s3:::{BUCKET}" in [statement["Resource"] for statement in policy["Statement"]]


def test_the_parameters_are_those_the_code_reads() -> None:
    """ssm:GetParameter is allowed on the public parameters of Amazon Linux 2023 and the Deep Learning AMI.

    No account owns them.
    """
    from pytest_benchmark_aws.aws.ec2 import IMAGE
    from pytest_benchmark_aws.aws.images import GPU_IMAGE

    (statement,) = statements(client_policy(ACCOUNT, REGION), "ssm:GetParameter")
    head = f"arn:aws:ssm:{REGION}::parameter"
    amazon_linux, deep_learning = statement["Resource"]
    assert amazon_linux.startswith(f"{head}/aws/service/")
    assert deep_learning == f"{head}{GPU_IMAGE.format(arch='*')}"
    for arch in ("x86_64", "arm64"):
        assert f"{head}{IMAGE.format(arch=arch)}".startswith(amazon_linux.rstrip("*"))


def test_a_role_is_passed_only_where_one_is_named() -> None:
    """iam:PassRole is absent without an instance profile; with one it is that role's, to EC2 alone."""
    assert not statements(client_policy(ACCOUNT, REGION), "iam:PassRole")
    (statement,) = statements(client_policy(ACCOUNT, REGION, instance_role="bench"), "iam:PassRole")
    assert statement["Resource"] == f"arn:aws:iam::{ACCOUNT}:role/bench"
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}


def test_no_action_has_a_wildcard() -> None:
    """Each action is named."""
    whole = actions(client_policy(ACCOUNT, REGION, instance_role="bench")) | actions(instance_policy("mine"))
    assert not [action for action in whole if "*" in action]


def test_an_instance_reads_bundles_and_writes_its_run() -> None:
    """With a profile a guest fetches, and delivers to its own run, results once; it lists nothing and reads none."""
    policy = instance_policy("mine", "20260101-1")
    assert actions(policy) == {"s3:GetObject", "s3:PutObject"}
    (get,), (tell, deliver) = statements(policy, "s3:GetObject"), statements(policy, "s3:PutObject")
    run = "arn:aws:s3:::mine/runs/20260101-1/*"
    assert get["Resource"] == "arn:aws:s3:::mine/bundles/*"
    assert tell["Resource"] == [f"{run}/checkpoint", f"{run}/heartbeat", f"{run}/log"]
    assert deliver["Resource"] == [f"{run}/data", f"{run}/done"]
    assert deliver["Condition"] == {"Null": {"s3:if-none-match": "false"}}


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-cn"])
def test_the_partition_is_in_every_arn(partition: str) -> None:
    """GovCloud's and China's resources have other names."""
    regions = {"aws": "us-east-1", "aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1"}
    text = json.dumps(client_policy(ACCOUNT, regions[partition], partition=partition))
    assert set(re.findall(r"arn:([^:]*):", text)) == {partition}


def test_it_fits_a_managed_policy() -> None:
    """A managed policy has 6,144 characters at most, white space not counted (IAM quotas)."""
    text = json.dumps(client_policy(ACCOUNT, "ap-southeast-1", "b" * 63, "r" * 64), separators=(",", ":"))
    assert len(text) <= 6144


@given(st.tuples(st.text(max_size=10), st.sampled_from('*?${}"'), st.text(max_size=10)).map("".join))
def test_no_wildcard_comes_in_by_a_name(text: str) -> None:
    """Account, region, bucket, role, run and partition are refused where they hold an IAM wildcard or variable."""
    makers: list[Callable[[], object]] = [
        lambda: client_policy(text, REGION),
        lambda: client_policy(ACCOUNT, text),
        lambda: client_policy(ACCOUNT, REGION, text),
        lambda: client_policy(ACCOUNT, REGION, instance_role=text),
        lambda: client_policy(ACCOUNT, REGION, partition=text),
        lambda: instance_policy(text),
        lambda: instance_policy("mine", text),
    ]
    for make in makers:
        with pytest.raises(ValueError, match=" is no "):
            make()
