"""Nothing can be taken from the printed policies: what whole runs asked of IAM, asked of policies with less.

And what a run says that lacks an action, by the real command.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")

from pytest_benchmark_aws.embedded.iam.policy_evaluation import Question, verdict
from tests.acceptance.awsproject import Done, make_project, pytest_aws
from tests.aws.tenant import ACCOUNT, KILLER, PROJECT, REGION, RUNNER, Ran, needs_a_launch, opened, printed
from tests.aws.test_policies import actions

if TYPE_CHECKING:
    from pathlib import Path

    from tests.aws.tenant import Tenant

CLIENT = printed("client", "--role", "bench", "--scheduler-role", "killer")
INSTANCE = printed("instance")
POLICIES = {"client": CLIENT, "instance": INSTANCE}
ALONE = {"servicequotas:GetServiceQuota", "pricing:GetProducts"}
"""A run goes on without: no quota is known then, and the prices are the snapshot's."""
ON_FAILURE = {"ec2:DescribeRegions", "ec2:GetConsoleOutput", "ec2:DescribeSpotPriceHistory"}
"""``reap --all-regions``; an instance that ended before it uploaded a log; a launch on the spot market."""
AT_THE_END = {"ec2:TerminateInstances"}
"""EC2 has no dry run of it for an instance that is not there yet."""


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def parts(element: str) -> list[Any]:
    """Each statement's actions, or its resources: policy, statement and one of them."""
    return [
        pytest.param(kind, statement["Sid"], value, id=f"{kind}-{statement['Sid']}-{value.rpartition(':')[2]}")
        for kind, policy in POLICIES.items()
        for statement in policy["Statement"]
        for value in listed(statement[element])
    ]


def conditions() -> list[Any]:
    """Policy, statement and key of each condition."""
    return [
        pytest.param(kind, statement["Sid"], key, id=f"{kind}-{statement['Sid']}-{key}")
        for kind, policy in POLICIES.items()
        for statement in policy["Statement"]
        for keys in statement.get("Condition", {}).values()
        for key in keys
    ]


def without(policy: dict[str, Any], element: str, value: str, sid: str | None = None) -> dict[str, Any]:
    """The policy without an action or a resource, in one statement or in all."""
    less = copy.deepcopy(policy)
    for statement in less["Statement"]:
        if sid in {None, statement["Sid"]}:
            statement[element] = [item for item in listed(statement[element]) if item != value]
    less["Statement"] = [statement for statement in less["Statement"] if statement[element]]
    return less


@pytest.fixture(scope="session")
def asked(
    plain: Ran, with_profile: Ran, with_scheduler: Ran, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Question]]:
    """What whole runs, GPU types, and what comes after failures, asked of the user's policy and of the role's."""
    from pytest_benchmark_aws.aws import ec2, images
    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.aws.prices import spot_price

    decisions = [*plain.decisions, *with_profile.decisions, *with_scheduler.decisions]
    with opened(tmp_path_factory.mktemp("failures")) as tenant:
        instance = ours(tenant)
        clients = Clients(None, None, tenant.user(CLIENT))
        tenant.enforce()
        ec2.regions(clients)
        ec2.console_output(clients, instance)
        spot_price(clients, "m5.large", f"{REGION}a")
        images.image(clients, "x86_64-gpu")
        decisions += tenant.decisions()
    found: dict[str, list[Question]] = {"client": [], "instance": []}
    for decision in decisions:
        found["client" if decision["caller"] == RUNNER else "instance"].append(Question(**decision["question"]))
    return found


def ours(tenant: Tenant) -> str:
    """The id of an instance with our tag."""
    image = tenant.client("ssm").get_parameter(
        Name="/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    )["Parameter"]["Value"]
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "managed-by", "Value": "pytest-benchmark-aws"}]}]
    words = {"ImageId": image, "MinCount": 1, "MaxCount": 1, "InstanceType": "m5.large", "TagSpecifications": tags}
    return str(tenant.client("ec2").run_instances(**words)["Instances"][0]["InstanceId"])


def refused(policy: dict[str, Any], questions: list[Question]) -> set[str]:
    """The actions that a policy refuses."""
    return {question.action for question in questions if verdict([policy], question) != "allowed"}


@needs_a_launch
@pytest.mark.parametrize(("kind", "sid", "action"), parts("Action"))
def test_each_action_is_needed(asked: dict[str, list[Question]], kind: str, sid: str, action: str) -> None:
    """Without it that action is refused, and no other."""
    assert refused(without(POLICIES[kind], "Action", action, sid), asked[kind]) == {action}


@needs_a_launch
@pytest.mark.parametrize(("kind", "sid", "resource"), parts("Resource"))
def test_each_resource_is_needed(asked: dict[str, list[Question]], kind: str, sid: str, resource: str) -> None:
    """Without it something is refused that the statement allows."""
    (statement,) = (statement for statement in POLICIES[kind]["Statement"] if statement["Sid"] == sid)
    found = refused(without(POLICIES[kind], "Resource", resource, sid), asked[kind])
    assert found
    assert found <= set(statement["Action"])


@needs_a_launch
@pytest.mark.parametrize(("kind", "sid", "key"), conditions())
def test_each_condition_bites(asked: dict[str, list[Question]], kind: str, sid: str, key: str) -> None:
    """What the statement allows, asked without that key or with another value, is refused."""
    (statement,) = (statement for statement in POLICIES[kind]["Statement"] if statement["Sid"] == sid)
    only = {"Version": "2012-10-17", "Statement": [statement]}
    allowed = [question for question in asked[kind] if verdict([only], question) == "allowed"]
    assert allowed
    for question in allowed:
        bare = {name: values for name, values in question.context.items() if name != key}
        assert verdict([POLICIES[kind]], Question(question.action, question.resource, bare)) == "implicitly denied"
        if key != "s3:if-none-match":  # which may have any value: S3 itself knows but one
            other = Question(question.action, question.resource, {**bare, key: ["another"]})
            assert verdict([POLICIES[kind]], other) == "implicitly denied"


@needs_a_launch
def test_nothing_of_another_account_or_region_is_allowed(asked: dict[str, list[Question]]) -> None:
    """What names an account or a region in its ARN is allowed in these alone."""
    moved = 0
    for question in asked["client"]:
        for here, there in ((f":{ACCOUNT}:", ":210987654321:"), (f":{REGION}:", ":eu-central-1:")):
            if here in question.resource:
                other = Question(question.action, question.resource.replace(here, there), question.context)
                assert verdict([CLIENT], other) == "implicitly denied", other
                moved += 1
    assert moved


# What a run says that lacks an action.


def run(folder: Path, policy: dict[str, Any], *words: str) -> tuple[Done, list[dict[str, Any]], set[str]]:
    """``pytest --aws`` by a user with that policy: what it said, all instances, and the actions that were refused."""
    with opened(folder) as tenant:
        environment = tenant.user(policy)
        tenant.role(INSTANCE, "bench", profile="bench-profile")
        tenant.enforce()
        project = make_project(folder / "project", PROJECT)
        done = pytest_aws(project, "--aws", "--aws-target=cloud", *words, **environment)
        return done, tenant.aws.control("instances"), tenant.refused()


BEFORE = sorted(actions(printed("client")) - ALONE - ON_FAILURE - AT_THE_END)


@needs_a_launch
@pytest.mark.parametrize("action", BEFORE)
def test_a_run_that_lacks_an_action_ends_before_a_launch_and_names_it(tmp_path: Path, action: str) -> None:
    """One line, a usage error, no traceback, no instance; where S3 cannot say what is lacking, what may be."""
    done, instances, denied = run(tmp_path, without(printed("client"), "Action", action))
    assert denied == {action}
    assert done.code == pytest.ExitCode.USAGE_ERROR, done.text
    may = "may lack" if action in {"s3:GetObject", "s3:ListBucket"} else "lacks"
    assert f"the policy {may} {action}: pytest-benchmark-aws policy client prints all" in done.text
    assert "Traceback" not in done.text
    assert instances == []


@needs_a_launch
def test_a_role_that_may_not_be_passed_to_instances_ends_the_run_before_a_launch(tmp_path: Path) -> None:
    """The dry run asks for it: --aws-instance-profile without ``policy client --role``."""
    done, instances, denied = run(tmp_path, printed("client"), "--aws-instance-profile=bench-profile")
    assert (done.code, denied) == (pytest.ExitCode.USAGE_ERROR, {"iam:PassRole"}), done.text
    assert "the policy lacks iam:PassRole" in done.text
    assert instances == []


@needs_a_launch
@pytest.mark.parametrize("action", ["scheduler:CreateSchedule", "iam:PassRole"])
def test_a_switch_that_cannot_be_armed_ends_the_run_and_its_instance(tmp_path: Path, action: str) -> None:
    """A schedule names its instance, so this is found just after the launch: nothing of it stays."""
    policy = without(printed("client", "--scheduler-role", "killer"), "Action", action)
    done, instances, denied = run(tmp_path, policy, f"--aws-scheduler-role={KILLER}")
    assert (done.code, denied) == (pytest.ExitCode.INTERNAL_ERROR, {action}), done.text
    assert f"the policy lacks {action}" in done.text
    assert "Traceback" not in done.text
    assert [instance["state"] for instance in instances] == ["terminated"]


@needs_a_launch
def test_a_schedule_that_cannot_be_removed_is_named(tmp_path: Path) -> None:
    """The instance is ended as always; the schedule, which would end it again and then itself, stays and is told of."""
    policy = without(printed("client", "--scheduler-role", "killer"), "Action", "scheduler:DeleteSchedule")
    done, instances, denied = run(tmp_path, policy, f"--aws-scheduler-role={KILLER}")
    assert (done.code, denied) == (pytest.ExitCode.INTERNAL_ERROR, {"scheduler:DeleteSchedule"}), done.text
    assert "the policy lacks scheduler:DeleteSchedule" in done.text
    assert [instance["state"] for instance in instances] == ["terminated"]


@needs_a_launch
def test_an_instance_that_cannot_be_ended_is_named_and_its_result_is_not_lost(tmp_path: Path) -> None:
    """Without TerminateInstances the instance ends itself; with the whole policy the run is resumed and delivered."""
    with opened(tmp_path) as tenant:
        environment = tenant.user(without(printed("client"), "Action", "ec2:TerminateInstances"))
        tenant.enforce()
        project = make_project(tmp_path / "project", PROJECT)
        done = pytest_aws(project, "--aws", "--aws-target=cloud", **environment)
        assert done.code == pytest.ExitCode.INTERNAL_ERROR, done.text
        assert "the policy lacks ec2:TerminateInstances" in done.text
        assert f"AWS refuses to end {tenant.aws.control('instances')[0]['id']}" in done.text
        with tenant.unenforced():
            whole = json.dumps(printed("client"))
            tenant.client("iam").put_user_policy(UserName="runner", PolicyName="only", PolicyDocument=whole)
        (name,) = (path.name for path in (tenant.cache / "runs").iterdir())
        again = pytest_aws(project, "--aws", "--aws-target=cloud", f"--aws-resume={name}", **environment)
        assert again.code == 0, again.text
        assert len(tenant.aws.control("instances")) == 1
        assert tenant.alive() == []


@needs_a_launch
def test_a_run_goes_on_without_prices_and_quota(tmp_path: Path) -> None:
    """They make the plan better, not possible."""
    policy = printed("client")
    for action in ALONE:
        policy = without(policy, "Action", action)
    done, instances, denied = run(tmp_path, policy)
    assert (done.code, denied) == (0, ALONE), done.text
    assert "prices: snapshot of" in done.out
    assert [instance["state"] for instance in instances] == ["terminated"]
