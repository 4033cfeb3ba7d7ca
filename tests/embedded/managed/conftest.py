"""One embedded AWS for all tests of a module: none changes what another sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.embedded.server import EmbeddedAWS
from pytest_benchmark_aws.embedded.state import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAWS]:
    """An embedded AWS whose jobs are short."""
    with EmbeddedAWS(tmp_path_factory.mktemp("aws"), Settings(state_delay=0.1)) as embedded:
        yield embedded


@pytest.fixture(scope="module")
def client(aws: EmbeddedAWS) -> Callable[..., Any]:
    """A boto3 client that tries once, by a service's name."""

    def made(service: str, region: str = "us-east-1") -> Any:
        import boto3
        from botocore.config import Config

        return boto3.client(
            service,
            region_name=region,
            endpoint_url=aws.endpoint,
            aws_access_key_id=aws.key.key_id,
            aws_secret_access_key=aws.key.secret,
            # What botocore itself would refuse is to reach the service.
            config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
        )

    return made


@pytest.fixture
def refused() -> Callable[..., tuple[str, str]]:
    """Code and message of the error that a call answers."""

    def error(act: Callable[..., Any], **parameters: Any) -> tuple[str, str]:
        from botocore.exceptions import ClientError

        with pytest.raises(ClientError) as caught:
            act(**parameters)
        answered = caught.value.response["Error"]
        return answered["Code"], answered["Message"]

    return error
