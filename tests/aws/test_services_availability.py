"""In which regions a managed service is, by botocore's endpoint data."""

from __future__ import annotations

import pytest
from botocore.session import Session

from pytest_benchmark_aws.aws.services import availability
from pytest_benchmark_aws.aws.services.policies import ACTIONS
from pytest_benchmark_aws.session.services.measure import name_of_client


@pytest.fixture(autouse=True)
def without_endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the user's own."""
    for service in ACTIONS:
        monkeypatch.delenv(availability._endpoint_variable(name_of_client(service)), raising=False)


@pytest.mark.parametrize("service", ACTIONS)
def test_each_service_is_listed_somewhere_and_not_everywhere(service: str) -> None:
    """Personalize's runtime, which the data has not, by Personalize; so a region without it is known for each."""
    client = name_of_client(service)
    regions = Session().get_available_regions("ec2")
    with_it = [region for region in regions if not availability.missing(client, region)]
    assert "us-east-1" in with_it
    assert 5 < len(with_it) < len(regions)


@pytest.mark.parametrize(
    ("client", "region", "near"),
    [
        ("lexv2-runtime", "eu-north-1", "eu-central-1, eu-west-1, eu-west-2"),
        ("personalize-runtime", "eu-west-3", "eu-west-1, eu-central-1, us-west-2"),
        ("textract", "sa-east-1", "us-east-1, us-east-2, us-west-1"),
        ("comprehend", "af-south-1", "eu-central-1, eu-west-1, eu-west-2"),
        ("rekognition", "ca-west-1", "ca-central-1, us-west-1, us-west-2"),
        ("polly", "cn-north-1", "cn-northwest-1"),
        ("lexv2-runtime", "us-gov-east-1", "us-gov-west-1"),
        ("textract", "cn-north-1", ""),
    ],
)
def test_nearest_regions_are_named(client: str, region: str, near: str) -> None:
    """Of the same partition, the same area first, and in it the same side."""
    said = (
        f"nearest with it {'are' if ',' in near else 'is'} {near}"
        if near
        else "nor in any other region of its partition"
    )
    assert availability.missing(client, region).startswith(f"{said};")


def test_what_botocore_does_not_know_may_be() -> None:
    """A region that is newer than it."""
    assert availability.missing("polly", "eu-west-9") == ""
    assert not availability.is_listed("eu-west-9")


def test_endpoint_of_the_users_own_overrules(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the variable that AWS's tools read, which the refusal names."""
    variable = "AWS_ENDPOINT_URL_LEX_RUNTIME_V2"
    assert variable in availability.missing("lexv2-runtime", "eu-north-1")
    monkeypatch.setenv(variable, "https://runtime-v2-lex.eu-north-1.amazonaws.com")
    assert availability.missing("lexv2-runtime", "eu-north-1") == ""
