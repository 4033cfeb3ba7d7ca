"""The policy of a shared storage against the calls that it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.aws.iam.policies import storage_policy
from tests.aws.test_policies import actions, condition, iam_actions, statements

if TYPE_CHECKING:
    from tests.shared.conftest import Bucket


def test_a_shared_storage_needs_all_that_is_allowed_and_no_more(bucket: Bucket) -> None:
    """Two machines that save under one name, renumber, compare and sync make exactly the allowed calls."""
    one, two = bucket.machine("one"), bucket.machine("two")
    sent: list[Any] = []
    for machine in (one, two):
        machine.clients.on("before-send", lambda request, **_: sent.append(request))
        machine.save(machine.mirror.root.parent.name)
    calls: list[str] = []
    for machine in (one, two):
        machine.clients.on("before-call", lambda model, **_: calls.append(model.name))
        machine.mirror.upload()
        machine.mirror.sync()
        one.mirror.sync()
    assert len(bucket.values()) == 2
    called = {f"s3:{name}" for name in calls if name != "GetCallerIdentity"}  # which needs no permission
    assert actions(storage_policy(bucket.name, "bench")) == iam_actions(called)
    writes = [request for request in sent if request.method == "PUT"]
    assert len(writes) >= 4
    assert {request.headers["If-None-Match"] for request in writes} == {b"*"}
    assert all(b"123456789012" in request.headers["x-amz-expected-bucket-owner"] for request in writes)
    assert all("x-amz-checksum-sha256" in request.headers for request in writes)
    listings = [request.url for request in sent if "list-type=2" in request.url]
    assert listings
    assert all("prefix=bench%2F" in url for url in listings)


def test_the_policy_lets_nobody_write_over_a_result() -> None:
    """PutObject only with If-None-Match, below the prefix; nothing is deleted, and only the prefix is listed."""
    policy = storage_policy("team", "bench", "123456789012")
    (put,), (listing,) = statements(policy, "s3:PutObject"), statements(policy, "s3:ListBucket")
    assert put["Resource"] == "arn:aws:s3:::team/bench/*"
    assert put["Condition"]["Null"] == {"s3:if-none-match": "false"}
    assert listing["Resource"] == "arn:aws:s3:::team"
    assert condition(policy, "s3:ListBucket") == [
        {"aws:ResourceAccount": "123456789012", "s3:prefix": "bench/"},
    ]
    assert not [action for action in actions(policy) if "Delete" in action or "*" in action]


def test_a_reader_may_add_nothing() -> None:
    """Whoever compares only lists and reads."""
    assert actions(storage_policy("team", read_only=True)) == {
        "s3:ListBucket",
        "s3:GetObject",
    }


@pytest.mark.parametrize("wrong", ["*", "a/*", "a/../b", "${aws:username}", "a//b", "/a", "a/"])
def test_no_wildcard_comes_in_by_the_prefix(wrong: str) -> None:
    """A prefix with a wildcard, a variable or an empty part is refused."""
    with pytest.raises(ValueError, match="is no prefix"):
        storage_policy("team", wrong)
