"""A shared storage by users who hold exactly the printed policies, on an embedded AWS that enforces them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")

from tests.aws.tenant import Tenant, opened, printed
from tests.shared.conftest import Machine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

URL = "s3://team/bench"
PRINTED = ("storage", "--bucket", "team", "--prefix", "bench")


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Tenant]:
    """A fresh account with the team's bucket."""
    with opened(tmp_path) as made:
        made.client("s3").create_bucket(Bucket="team")
        yield made


def refused(tenant: Tenant, environment: dict[str, str], call: str, **words: Any) -> bool:
    """Whether S3 denies a call."""
    from botocore.exceptions import ClientError

    try:
        getattr(tenant.client("s3", environment), call)(Bucket="team", **words)
    except ClientError as error:
        return str(error.response["Error"]["Code"]) in {"AccessDenied", "403"}
    return False


def test_a_team_works_with_exactly_the_printed_policy(tenant: Tenant, tmp_path: Path) -> None:
    """Two machines save under one name, renumber, compare and sync; nothing is refused, all that is allowed is used."""
    environment = tenant.user(printed(*PRINTED))
    tenant.enforce()
    first, second = (Machine(tmp_path / name, URL, environment) for name in ("one", "two"))
    first.save(1)
    second.save(2)
    for machine in (first, second, first):
        machine.mirror.sync()
        assert machine.mirror.upload().problem == ""
        machine.mirror.sync()
    assert first.files() == second.files() == {"m5.large/0001_same.json": 1, "m5.large/0002_same.json": 2}
    assert tenant.refused() == set()
    asked = {decision["question"]["action"] for decision in tenant.decisions()}
    allowed = {action for statement in printed(*PRINTED)["Statement"] for action in statement["Action"]}
    assert asked - {"sts:GetCallerIdentity"} == allowed  # which IAM allows to all


def test_whoever_holds_the_policy_can_take_nothing_away(tenant: Tenant, tmp_path: Path) -> None:
    """A result is neither written over nor deleted, and nothing outside the prefix is read, written or listed."""
    environment = tenant.user(printed(*PRINTED))
    key = "bench/m5.large/0001_x.json"
    tenant.client("s3").put_object(Bucket="team", Key="private/a.json", Body=b"{}")
    tenant.enforce()
    machine = Machine(tmp_path / "one", URL, environment)
    machine.save(1, "x")
    assert machine.mirror.upload().problem == ""
    assert refused(tenant, environment, "put_object", Key=key, Body=b"{}")
    assert refused(tenant, environment, "put_object", Key="bench/new.json", Body=b"{}")
    assert not refused(tenant, environment, "put_object", Key=key, Body=b"{}", IfNoneMatch="*")  # 412: it is there
    assert refused(tenant, environment, "delete_object", Key=key)
    assert refused(tenant, environment, "get_object", Key="private/a.json")
    assert refused(tenant, environment, "put_object", Key="private/b.json", Body=b"{}", IfNoneMatch="*")
    assert refused(tenant, environment, "list_objects_v2", Prefix="private/")
    assert refused(tenant, environment, "list_objects_v2")
    assert machine.mirror.sync().total == 1


def test_a_reader_compares_and_keeps_what_it_saves(tenant: Tenant, tmp_path: Path) -> None:
    """With --read-only a sync works, and an upload names the missing action and the policy that has it."""
    writer, reader = tenant.user(printed(*PRINTED)), tenant.user(printed(*PRINTED, "--read-only"), "reader")
    tenant.enforce()
    first, second = Machine(tmp_path / "one", URL, writer), Machine(tmp_path / "two", URL, reader)
    first.save(1)
    first.mirror.upload()
    assert second.mirror.sync().new == 1
    second.save(2)
    done = second.mirror.upload()
    assert (done.names, done.pending) == ((), 1)
    assert "s3:PutObject" in done.problem
    assert "pytest-benchmark-aws policy storage --bucket team" in done.problem
    assert tenant.refused() == {"s3:PutObject"}
