"""What ``pytest-benchmark-aws policy services`` prints."""

from __future__ import annotations

import pytest

from pytest_benchmark_aws import cli
from pytest_benchmark_aws.aws.services.policies import ACTIONS, services_policy
from tests.aws.tenant import ACCOUNT, printed


def test_only_the_named_services_are_in_it() -> None:
    """And the prices, which name no resource."""
    policy = printed("services", "--only", "polly,textract")
    actions = {action for statement in policy["Statement"] for action in statement["Action"]}
    assert {action.partition(":")[0] for action in actions} == {"polly", "textract", "pricing"}


@pytest.mark.parametrize("region", ["us-east-1", "cn-north-1", "us-gov-west-1"])
def test_each_statement_is_of_the_region(region: str) -> None:
    """By a condition, or by the ARN's partition and region."""
    for statement in services_policy(ACCOUNT, region)["Statement"]:
        assert "*" not in "".join(statement["Action"])
        if statement["Sid"] not in {"Prices", "TranscribeObjects"}:
            assert statement["Condition"]["StringEquals"]["aws:RequestedRegion"] == region
    objects = services_policy(ACCOUNT, region, ["transcribe"], "my-bucket")["Statement"][1]["Resource"]
    assert objects.endswith(":s3:::my-bucket/services/*")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only", ""], "--only names no managed service; there are polly, comprehend"),
        (["--only", " , "], "--only names no managed service; there are polly, comprehend"),
        (["--only", "forecast"], "has been closed to new customers since 2024-07-31"),
        (["--only", "polly,talk"], "no managed service is called talk; there are polly,"),
        (["--region", "nowhere"], "is no region"),
        (["--account", "12"], "is no account id"),
        (["--bucket", "*"], "is no bucket"),
    ],
)
def test_what_is_none_is_refused(capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    """With exit code 2 and the reason; no wildcard slips in."""
    assert cli.main(["policy", "services", *words]) == 2
    assert said in capsys.readouterr().err


def test_each_service_has_its_actions() -> None:
    """The first part of each action is the service's name in signatures."""
    assert all(action.startswith(f"{name}:") for name, actions in ACTIONS.items() for action in actions)
