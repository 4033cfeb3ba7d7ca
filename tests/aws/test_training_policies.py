"""Training jobs by users and roles that hold exactly what is printed, on an embedded AWS that enforces it."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")

from pytest_benchmark_aws.aws.iam.policies import TRUST_OF_TRAINING
from pytest_benchmark_aws.embedded.iam.policy_evaluation import Question, verdict
from tests.acceptance.awsproject import Done, make_project, pytest_aws
from tests.aws.tenant import ACCOUNT, BUCKET, RUNNER, opened, printed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.aws.tenant import Tenant

ROLE = f"arn:aws:iam::{ACCOUNT}:role/trains"
CLIENT = printed("client", "--with", "sagemaker", "--sagemaker-role", "trains")
TRAINS = printed("sagemaker-role")
PROJECT = {
    "test_it.py": """\
import pytest

@pytest.mark.instance_type("ml.m5.large")
def test_it(benchmark):
    benchmark(int)  # a second: long enough that the guest uploads its checkpoint before the end
""",
    "pytest.ini": "[pytest]\n",
}
OURS = {statement["Sid"] for statement in CLIENT["Statement"]} - {
    statement["Sid"] for statement in printed("client")["Statement"]
}
"""The statements that --with sagemaker adds."""
BY_THE_GUIDE = {("LogGroup", "logs:DescribeLogStreams"), ("Output", "s3:PutObject")}
"""What SageMaker asks for in the role's name by its guide ("CreateTrainingJob API: Execution Role Permissions") and
embedded AWS does not: of an empty model it puts none."""


@dataclass(frozen=True)
class Trained:
    """A whole run, the first of its account, and what IAM was asked."""

    done: Done
    decisions: list[dict[str, Any]]
    jobs: list[dict[str, Any]]

    def asked(self, runner: bool) -> list[Question]:
        """Of whoever runs, or of the role."""
        return [Question(**one["question"]) for one in self.decisions if (one["caller"] == RUNNER) == runner]


def role(tenant: Tenant, policy: dict[str, Any] = TRAINS) -> None:
    """The execution role with that policy alone."""
    iam = tenant.client("iam")
    iam.create_role(RoleName="trains", AssumeRolePolicyDocument=json.dumps(TRUST_OF_TRAINING))
    iam.put_role_policy(RoleName="trains", PolicyName="only", PolicyDocument=json.dumps(policy))


def ran(folder: Path, policy: dict[str, Any], trains: dict[str, Any] = TRAINS) -> Trained:
    """``pytest --aws`` with an ``ml.`` type by a user with that policy."""
    with opened(folder) as tenant:
        role(tenant, trains)
        environment = tenant.user(policy)
        tenant.enforce()
        project = make_project(folder / "project", PROJECT)
        words = (f"--aws-sagemaker-role={ROLE}", "--aws-price=ml.m5.large=0.1")
        done = pytest_aws(project, "--aws", "--aws-target=cloud", *words, **environment)
        return Trained(done, tenant.decisions(), tenant.aws.control("training-jobs"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """With both policies as they are printed."""
    return ran(tmp_path_factory.mktemp("trained"), CLIENT)


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> list[Question]:
    """What comes after failures asks of the user's policy."""
    from pytest_benchmark_aws.aws import sagemaker
    from pytest_benchmark_aws.aws.clients import Clients

    with opened(tmp_path_factory.mktemp("failures")) as tenant:
        role(tenant)
        tenant.client("s3").create_bucket(Bucket=BUCKET)
        tenant.client("s3").put_object(Bucket=BUCKET, Key="runs/r/ml.m5.large/1/input/agent.pyz", Body=b"")
        clients = Clients(None, None, tenant.user(CLIENT))
        request = sagemaker.TrainingRequest(
            "pba-r-0", "ml.m5.large", 1, "image", ROLE, ["sh", "-c", "echo words"],
            f"s3://{BUCKET}/runs/r/ml.m5.large/1/input/", f"s3://{BUCKET}/runs/r/ml.m5.large/1/output",
            600, None, 10, {}, {},
        )  # fmt: skip
        tenant.enforce()
        sagemaker.create(clients, request)
        (job,) = sagemaker.managed_jobs(clients)
        sagemaker.stop(clients, job.name)
        with tenant.unenforced():
            logs = tenant.client("logs")
            if not logs.describe_log_groups()["logGroups"]:
                logs.create_log_group(logGroupName=sagemaker.LOG_GROUP)
            logs.create_log_stream(logGroupName=sagemaker.LOG_GROUP, logStreamName="pba-r-0/algo-9-1")
        sagemaker.log_end(clients, "pba-r-0", 10)
        return [Question(**one["question"]) for one in tenant.decisions() if one["caller"] == RUNNER]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def without(policy: dict[str, Any], sid: str, element: str, value: str) -> dict[str, Any]:
    """The policy without an action or a resource of one statement."""
    less = copy.deepcopy(policy)
    for statement in less["Statement"]:
        if statement["Sid"] == sid:
            statement[element] = [item for item in listed(statement[element]) if item != value]
    less["Statement"] = [statement for statement in less["Statement"] if statement[element]]
    return less


def refused(policy: dict[str, Any], questions: list[Question]) -> set[str]:
    """The actions that a policy refuses."""
    return {question.action for question in questions if verdict([policy], question) != "allowed"}


def parts(policy: dict[str, Any], element: str, sids: set[str]) -> list[Any]:
    """Statement and one of its actions, or of its resources."""
    return [
        pytest.param(statement["Sid"], value, id=f"{statement['Sid']}-{value.rpartition(':')[2]}")
        for statement in policy["Statement"]
        for value in listed(statement[element])
        if statement["Sid"] in sids
    ]


def test_a_whole_run_passes_with_exactly_the_printed_policies(trained: Trained) -> None:
    """It ends well, nothing is alive, and nothing of it was refused, neither to the user nor to the job's role."""
    assert trained.done.code == 0, trained.done.text
    assert "0 training jobs of this run are alive" in trained.done.out
    # Whichever comes first: its own end, or the client's, who has the result.
    assert [job["status"] in {"Completed", "Stopped"} for job in trained.jobs] == [True]
    assert [one for one in trained.decisions if not one["allowed"]] == []


def test_what_the_container_uploads_is_authorized_as_its_role(trained: Trained) -> None:
    """By the container's own credentials, and no presigned URL of the user's."""
    puts = {question.resource for question in trained.asked(runner=False) if question.action == "s3:PutObject"}
    assert {key.rpartition("/")[2] for key in puts} >= {"checkpoint", "heartbeat", "log", "data", "done"}
    own = {question.resource for question in trained.asked(runner=True) if question.action == "s3:PutObject"}
    assert not [key for key in own if key.endswith("/done")]


@pytest.mark.parametrize(("sid", "action"), parts(CLIENT, "Action", OURS))
def test_each_action_of_who_runs_is_needed(trained: Trained, failures: list[Question], sid: str, action: str) -> None:
    """Without it that action is refused, and no other."""
    asked = [*trained.asked(runner=True), *failures]
    assert refused(without(CLIENT, sid, "Action", action), asked) == {action}


@pytest.mark.parametrize(
    ("sid", "action"), parts(TRAINS, "Action", {statement["Sid"] for statement in TRAINS["Statement"]})
)
def test_each_action_of_the_role_is_needed(trained: Trained, sid: str, action: str) -> None:
    """Without it that action is refused, and no other, but for what SageMaker's guide alone tells of."""
    if (sid, action) in BY_THE_GUIDE:
        pytest.skip("by SageMaker's guide alone")
    assert refused(without(TRAINS, sid, "Action", action), trained.asked(runner=False)) == {action}


@pytest.mark.parametrize(
    ("sid", "resource"), parts(TRAINS, "Resource", {statement["Sid"] for statement in TRAINS["Statement"]} - {"Output"})
)
def test_each_resource_of_the_role_is_needed(trained: Trained, sid: str, resource: str) -> None:
    """Without it something is refused that the statement allows."""
    (statement,) = (statement for statement in TRAINS["Statement"] if statement["Sid"] == sid)
    denied = refused(without(TRAINS, sid, "Resource", resource), trained.asked(runner=False))
    assert denied
    assert denied <= set(statement["Action"])


def conditions() -> list[Any]:
    """Statement and key of each condition of what --with sagemaker adds."""
    return [
        pytest.param(statement["Sid"], key, id=f"{statement['Sid']}-{key}")
        for statement in CLIENT["Statement"]
        for keys in statement.get("Condition", {}).values()
        for key in keys
        if statement["Sid"] in OURS
    ]


@pytest.mark.parametrize(("sid", "key"), conditions())
def test_each_condition_bites(trained: Trained, failures: list[Question], sid: str, key: str) -> None:
    """What the statement allows, asked without that key or with another value, is refused."""
    (statement,) = (statement for statement in CLIENT["Statement"] if statement["Sid"] == sid)
    only = {"Version": "2012-10-17", "Statement": [statement]}
    asked = [*trained.asked(runner=True), *failures]
    allowed = [question for question in asked if verdict([only], question) == "allowed"]
    assert allowed
    for question in allowed:
        bare = {name: values for name, values in question.context.items() if name != key}
        for context in (bare, {**bare, key: ["another"]}):
            other = Question(question.action, question.resource, context)
            assert verdict([CLIENT], other) == "implicitly denied"


def test_nothing_of_another_account_region_or_name_is_allowed(trained: Trained) -> None:
    """Jobs whose names are not ours are nobody's business."""
    moved = 0
    for question in trained.asked(runner=True):
        if ":training-job/" in question.resource:
            for here, there in ((ACCOUNT, "210987654321"), ("us-east-1", "eu-central-1"), ("/pba-", "/theirs-")):
                other = Question(question.action, question.resource.replace(here, there), question.context)
                assert verdict([CLIENT], other) == "implicitly denied", other
                moved += 1
    assert moved


BEFORE = ["sagemaker:ListTrainingJobs", "sagemaker:CreateTrainingJob", "sagemaker:AddTags", "iam:PassRole"]


@pytest.mark.parametrize("action", BEFORE)
def test_a_run_that_lacks_an_action_launches_nothing_and_names_it(tmp_path: Path, action: str) -> None:
    """SageMaker has no dry run: what creating needs is found by the first launch, of which nothing comes."""
    (sid,) = (statement["Sid"] for statement in CLIENT["Statement"] if action in statement["Action"])
    trained = ran(tmp_path, without(CLIENT, sid, "Action", action))
    assert (
        f"the policy lacks {action}: pytest-benchmark-aws policy client --with sagemaker prints all"
        in trained.done.text
    )
    assert "Traceback" not in trained.done.text
    assert (trained.done.code != 0, trained.jobs) == (True, [])


def test_with_sagemaker_needs_the_role(capsys: pytest.CaptureFixture[str]) -> None:
    """Which is passed by its name."""
    from pytest_benchmark_aws import cli

    assert cli.main(["policy", "client", "--with", "sagemaker"]) == 2
    assert "--with sagemaker needs --sagemaker-role" in capsys.readouterr().err


def test_reap_stops_training_jobs_and_without_the_right_says_so(tmp_path: Path) -> None:
    """With the policy it finds them by name and tag; with one that knows no training jobs it says it did not look."""
    from tests.aws.test_policies_enforced import reap

    with opened(tmp_path) as tenant:
        role(tenant)
        s3, sagemaker = tenant.client("s3"), tenant.client("sagemaker")
        s3.create_bucket(Bucket=BUCKET)
        for run in ("r", "s"):
            prefix = f"runs/{run}/ml.m5.large/1"
            s3.put_object(Bucket=BUCKET, Key=f"{prefix}/input/agent.pyz", Body=b"")
            source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{prefix}/input/"}
            tags = {"managed-by": "pytest-benchmark-aws", "pytest-benchmark-aws:run": run}
            sagemaker.create_training_job(
                TrainingJobName=f"pba-{run}-0",
                RoleArn=ROLE,
                AlgorithmSpecification={
                    "TrainingImage": "image", "TrainingInputMode": "File", "ContainerEntrypoint": ["sleep", "600"],
                },
                InputDataConfig=[{"ChannelName": "agent", "DataSource": {"S3DataSource": source}}],
                OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/{prefix}/output"},
                ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
                StoppingCondition={"MaxRuntimeInSeconds": 600},
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            )  # fmt: skip
        without_jobs, with_jobs = tenant.user(printed("client"), "other"), tenant.user(CLIENT)
        tenant.enforce()
        blind = reap(without_jobs)
        assert (blind.code, "0 instances ended in 1 region" in blind.out) == (0, True), blind.text
        assert "training jobs were not looked for: the policy lacks sagemaker:ListTrainingJobs" in blind.err
        done = reap(with_jobs, "--run", "r")
        assert (done.code, "0 instances, 1 training jobs ended" in done.out) == (0, True), done.text
        assert "pba-r-0  InProgress" in done.out
        states = {job["name"]: job["status"] for job in tenant.aws.control("training-jobs")}
        assert (states["pba-r-0"] in {"Stopping", "Stopped"}, states["pba-s-0"]) == (True, "InProgress")
