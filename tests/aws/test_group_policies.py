"""A whole run of a group of machines on an account that enforces exactly what ``policy ... --with groups`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")
pytest.importorskip("distributed", reason="groups of machines need the extra [group]")

from pytest_benchmark_aws.embedded.iam.policy_evaluation import Question
from tests.acceptance.awsproject import make_project, pytest_aws
from tests.aws.tenant import BUCKET, RUNNER, TYPE, Ran, needs_a_launch, opened, printed
from tests.aws.test_policies_minimal import listed, refused, without

if TYPE_CHECKING:
    from collections.abc import Mapping

CLIENT = printed("client", "--role", "bench", "--with", "groups")
INSTANCE = printed("instance", "--bucket", BUCKET, "--with", "groups")
POLICIES: Mapping[str, dict[str, Any]] = {"client": CLIENT, "instance": INSTANCE}
OWN = ("OpenGroup", "DeleteKeys", "MeetAt", "Meet")
PROJECT = {
    "test_it.py": f"""\
import pytest

@pytest.mark.instance_type("{TYPE}", count=2)
def test_it(benchmark, dask_client):
    assert len(benchmark.pedantic(dask_client.run, args=(int,), rounds=3)) == 2
""",
    "pytest.ini": "[pytest]\n",
}


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The run, the first of its account, its machines with a role of their own."""
    folder = tmp_path_factory.mktemp("group")
    with opened(folder) as tenant:
        tenant.role(INSTANCE, "bench", profile="bench-profile")
        environment = tenant.user(CLIENT)
        tenant.enforce()
        project = make_project(folder / "project", PROJECT)
        words = ("--aws", "--aws-target=cloud", "--aws-instance-profile=bench-profile")
        done = pytest_aws(project, *words, **environment)
        return Ran(done, tenant.decisions(), tenant.aws.control("instances"))


def own_parts(element: str) -> list[Any]:
    """Each action, or resource, of the statements that are for groups alone."""
    return [
        pytest.param(kind, statement["Sid"], value, id=f"{statement['Sid']}-{value.rpartition(':')[2]}")
        for kind, policy in POLICIES.items()
        for statement in policy["Statement"]
        if statement["Sid"] in OWN
        for value in listed(statement[element])
    ]


def asked(group: Ran, kind: str) -> list[Question]:
    """What the run asked of the user's policy, or of the role's."""
    return [
        Question(**decision["question"])
        for decision in group.decisions
        if (decision["caller"] == RUNNER) == (kind == "client")
    ]


@needs_a_launch
def test_the_printed_policies_are_enough(group: Ran) -> None:
    """The run passes, and nothing of it was refused."""
    assert group.done.code == 0, group.done.text
    assert "0 instances of this run are alive" in group.done.out
    assert not {d["question"]["action"] for d in group.decisions if not d["allowed"]}
    assert len(group.instances) == 2


@needs_a_launch
@pytest.mark.parametrize("element", ["Action", "Resource"])
def test_nothing_can_be_taken_from_them(group: Ran, element: str) -> None:
    """Without an action or a resource of a group's statements, something of the run is refused."""
    for param in own_parts(element):
        kind, sid, value = param.values
        assert refused(without(POLICIES[kind], element, value, sid), asked(group, kind)), (sid, value)


@needs_a_launch
@pytest.mark.parametrize("kind", ["client", "instance"])
def test_without_the_option_a_group_is_refused(group: Ran, kind: str) -> None:
    """What ``policy`` prints by itself is for single machines."""
    words = ("--role", "bench") if kind == "client" else ("--bucket", BUCKET)
    own = {"ec2:AuthorizeSecurityGroupIngress", "s3:DeleteObject"}
    actions = {"client": own, "instance": {"s3:GetObject", "s3:PutObject"}}
    assert refused(printed(kind, *words), asked(group, kind)) == actions[kind]
