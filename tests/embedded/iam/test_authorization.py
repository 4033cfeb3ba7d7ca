"""Calls of an embedded AWS that enforces IAM."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.embedded.conftest import World

ALL = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
NONE = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "x:Y", "Resource": "*"}}


def user(world: World, policy: dict[str, Any], name: str = "user") -> dict[str, str]:
    """A user with that policy alone: the keyword arguments of a client of theirs. IAM is enforced from here on."""
    iam = world.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="only", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    world.aws.control("iam", {"enforced": True})
    return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}


def client(world: World, service: str, key: dict[str, str]) -> Any:
    """A client that signs with that key."""
    import boto3
    from botocore.config import Config

    options = {"signature_version": "s3v4", "s3": {"addressing_style": "path"}} if service == "s3" else {}
    config = Config(retries={"total_max_attempts": 1}, **options)
    return boto3.client(service, endpoint_url=world.aws.endpoint, region_name="us-east-1", config=config, **key)


def status(url: str, method: str = "GET", data: bytes | None = None) -> int:
    """The status of a request that no client has signed."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, method=method), timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_off_at_the_start(world: World) -> None:
    """This start's key may do all until enforcement is asked for, and again when it is taken back; IAM is not asked."""
    world.ec2.describe_instances()
    world.aws.control("iam", {"enforced": True})
    assert world.error(world.ec2.describe_instances) == ("AuthFailure", 401)
    world.aws.control("iam", {"enforced": False})
    world.ec2.describe_instances()
    assert world.aws.control("decisions") == []


@pytest.mark.parametrize("payload", [{}, {"enforced": "yes"}, {"enforced": True, "more": 1}])
def test_control_refuses_what_means_nothing(world: World, payload: dict[str, Any]) -> None:
    """``enforced`` is a Boolean, and nothing else is understood."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        world.aws.control("iam", payload)
    with caught.value as error:
        assert error.code == 400


@pytest.mark.parametrize(
    ("service", "method", "parameters", "expected"),
    [
        ("ec2", "describe_instances", {}, ("UnauthorizedOperation", 403)),
        ("s3", "list_objects_v2", {"Bucket": "box"}, ("AccessDenied", 403)),
        ("s3", "head_bucket", {"Bucket": "box"}, ("403", 403)),
        ("ssm", "get_parameter", {"Name": "/a"}, ("AccessDeniedException", 400)),
        ("pricing", "get_products", {"ServiceCode": "AmazonEC2"}, ("AccessDeniedException", 400)),
        ("scheduler", "get_schedule", {"Name": "a"}, ("AccessDeniedException", 400)),
        ("iam", "list_users", {}, ("AccessDenied", 403)),
    ],
)
def test_a_call_that_no_policy_allows_is_refused_as_its_service_does(
    world: World, service: str, method: str, parameters: dict[str, Any], expected: tuple[str, int]
) -> None:
    """Code and status are the service's own."""
    key = user(world, NONE)
    assert world.error(getattr(client(world, service, key), method), **parameters) == expected


def test_a_refusal_names_caller_action_and_resource(world: World) -> None:
    """In AWS's words, from which clients read the action."""
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as caught:
        client(world, "s3", user(world, NONE)).get_object(Bucket="box", Key="k/ü")
    said = caught.value.response["Error"]["Message"]
    assert said == (
        "User: arn:aws:iam::123456789012:user/user is not authorized to perform: s3:GetObject on resource: "
        "arn:aws:s3:::box/k/ü because no identity-based policy allows the s3:GetObject action"
    )


def test_who_one_is_is_always_answered(world: World) -> None:
    """sts:GetCallerIdentity needs no policy, and names the user."""
    answer = client(world, "sts", user(world, NONE)).get_caller_identity()
    assert answer["Arn"] == "arn:aws:iam::123456789012:user/user"


@pytest.mark.parametrize("service", ["sts", "ec2", "s3", "ssm", "scheduler"])
def test_a_key_without_its_secret_opens_nothing(world: World, service: str) -> None:
    """The signature is checked, of every protocol."""
    key = {**user(world, ALL), "aws_secret_access_key": "guess"}
    call = {
        "sts": ("get_caller_identity", {}),
        "ec2": ("describe_instances", {}),
        "s3": ("list_objects_v2", {"Bucket": "box"}),
        "ssm": ("get_parameter", {"Name": "/a"}),
        "scheduler": ("get_schedule", {"Name": "a"}),
    }[service]
    code, _ = world.error(getattr(client(world, service, key), call[0]), **call[1])
    assert code == ("AuthFailure" if service == "ec2" else "SignatureDoesNotMatch")


def test_a_policy_that_allows_everything_does(world: World) -> None:
    """What every protocol's signature is checked with is a true one too; keys with odd characters included."""
    key = user(world, ALL)
    s3 = client(world, "s3", key)
    s3.create_bucket(Bucket="box")
    s3.put_object(Bucket="box", Key="a b/ü+~*'(1)", Body=b"x" * 100_000)
    assert s3.list_objects_v2(Bucket="box", Prefix="a b/ü+")["KeyCount"] == 1
    assert s3.get_object(Bucket="box", Key="a b/ü+~*'(1)")["Body"].read() == b"x" * 100_000
    assert client(world, "ec2", key).describe_instances()["Reservations"] == []
    assert client(world, "scheduler", key).list_schedules()["Schedules"] == []


def test_an_unsigned_request_is_refused(world: World) -> None:
    """There is no anonymous access."""
    world.client("s3").create_bucket(Bucket="box")
    assert status(f"{world.aws.endpoint}/box/k") == 403
    user(world, ALL)
    assert status(f"{world.aws.endpoint}/box/k") == 403


def test_a_presigned_url_is_its_signers_call(world: World) -> None:
    """It does what the signer may do, and no more."""
    world.client("s3").create_bucket(Bucket="box")
    own = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::box/mine/*"}
    s3 = client(world, "s3", user(world, {**NONE, "Statement": own}))
    for key, expected in (("mine/a", 200), ("theirs/a", 403)):
        url = s3.generate_presigned_url("put_object", Params={"Bucket": "box", "Key": key})
        assert status(url, "PUT", b"x") == expected


def test_a_presigned_url_is_good_for_its_key_method_and_headers_alone(world: World) -> None:
    """Whoever holds one cannot make another of it."""
    world.client("s3").create_bucket(Bucket="box")
    s3 = client(world, "s3", user(world, ALL))
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "box", "Key": "mine"})
    assert status(url.replace("/box/mine", "/box/other"), "PUT", b"x") == 403
    assert status(url, "GET") == 403
    once = s3.generate_presigned_url("put_object", Params={"Bucket": "box", "Key": "mine", "IfNoneMatch": "*"})
    assert status(once, "PUT", b"x") == 403  # without the header that is signed


def test_a_session_needs_its_token(world: World) -> None:
    """Temporary credentials with another token, or with none, are nobody's."""
    world.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument="{}")
    arn = "arn:aws:iam::123456789012:role/role"
    found = world.client("sts").assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    world.aws.control("iam", {"enforced": True})
    key = {"aws_access_key_id": found["AccessKeyId"], "aws_secret_access_key": found["SecretAccessKey"]}
    right = client(world, "sts", {**key, "aws_session_token": found["SessionToken"]})
    assert right.get_caller_identity()["Arn"] == "arn:aws:sts::123456789012:assumed-role/role/me"
    for wrong in (key, {**key, "aws_session_token": "guess"}):
        assert world.error(client(world, "sts", wrong).get_caller_identity)[0] == "InvalidClientTokenId"


def test_a_launch_asks_for_all_that_it_makes_and_uses(world: World) -> None:
    """Each resource by itself, the tags that it makes, and the role that it hands on."""
    iam = world.client("iam")
    iam.create_role(RoleName="bench", AssumeRolePolicyDocument="{}", Path="/team/")
    iam.create_instance_profile(InstanceProfileName="profile")
    iam.add_role_to_instance_profile(InstanceProfileName="profile", RoleName="bench")
    image = world.ami()
    subnet = world.ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    group = world.ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    client(world, "ec2", user(world, ALL)).run_instances(
        ImageId=image,
        MinCount=1,
        MaxCount=1,
        InstanceType="m5.large",
        SubnetId=subnet,
        SecurityGroupIds=[group],
        IamInstanceProfile={"Name": "profile"},
        TagSpecifications=[{"ResourceType": "volume", "Tags": [{"Key": "a", "Value": "b"}]}],
    )
    asked = [decision["question"] for decision in world.aws.control("decisions")]
    head = "arn:aws:ec2:us-east-1:123456789012:"
    assert {(question["action"], question["resource"].removeprefix(head)) for question in asked} == {
        *(("ec2:RunInstances", f"{kind}/*") for kind in ("instance", "volume", "network-interface")),
        ("ec2:RunInstances", f"arn:aws:ec2:us-east-1::image/{image}"),
        ("ec2:RunInstances", f"subnet/{subnet}"),
        ("ec2:RunInstances", f"security-group/{group}"),
        ("ec2:CreateTags", "volume/*"),
        ("iam:PassRole", "arn:aws:iam::123456789012:role/team/bench"),
    }
    tagged = {question["resource"] for question in asked if question["context"].get("aws:RequestTag/a") == ["b"]}
    assert tagged == {f"{head}volume/*"}


def test_an_instance_profile_that_does_not_exist_is_refused(world: World) -> None:
    """Also by a dry run."""
    key = user(world, ALL)
    image = client(world, "ssm", key).get_parameter(
        Name="/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    )["Parameter"]["Value"]
    words = {"ImageId": image, "MinCount": 1, "MaxCount": 1, "InstanceType": "m5.large", "DryRun": True}
    run = client(world, "ec2", key).run_instances
    assert world.error(run, **words, IamInstanceProfile={"Name": "none"}) == ("InvalidParameterValue", 400)


def test_a_call_that_the_gate_does_not_know_needs_a_policy_for_everything(world: World) -> None:
    """No resource and no context are made up for it."""
    narrow = {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::box/*"}
    world.client("s3").create_bucket(Bucket="box")
    s3 = client(world, "s3", user(world, {**NONE, "Statement": narrow}))
    assert world.error(s3.put_object_acl, Bucket="box", Key="k", ACL="private")[0] == "AccessDenied"
