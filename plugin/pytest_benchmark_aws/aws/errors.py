"""AWS's errors: which may be asked again, which are final, and what the caller's policy lacks."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.errors import PlanError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_benchmark_aws.aws.clients import Clients


def code_of(error: Exception) -> str:
    """A ClientError's code, such as ``InsufficientInstanceCapacity``; empty for other errors."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


@contextmanager
def unless(*codes: str) -> Iterator[None]:
    """A context that just ends where AWS answers with an error whose code begins with one of these."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if not code_of(error).startswith(codes):
            raise


_DENIED = frozenset({"UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "403"})
_OF_HEAD = {"HeadBucket": "s3:ListBucket", "HeadObject": "s3:GetObject"}
"""HEAD operation -> the action that it needs: its answer has no body, so that S3 cannot say what is lacking."""


def is_denied(error: Exception) -> bool:
    """Whether AWS answered that the caller may not."""
    return code_of(error) in _DENIED


def refusal(error: Exception) -> str:
    """The error in words; where the caller's policy is too narrow, first the action that it lacks, and the remedy."""
    if not is_denied(error):
        return str(error)
    action = re.search(r"not authorized to perform: ([a-z0-9-]+:\w+)", str(error))
    operation = str(getattr(error, "operation_name", ""))
    lacks = f"lacks {action[1]}" if action else f"may lack {_OF_HEAD.get(operation) or f'what {operation} needs'}"
    jobs = " --with sagemaker" if "TrainingJob" in operation or "sagemaker:" in lacks else ""
    return f"the policy {lacks}: pytest-benchmark-aws policy client{jobs} prints all that is needed ({error})"


@contextmanager
def planning() -> Iterator[None]:
    """A context in which AWS's errors become PlanError, as nothing was launched yet.

    Raises:
        PlanError: in AWS's words, with what the policy lacks.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise PlanError(f"nothing was launched: {refusal(error)}") from error


_ENDED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "AuthFailure"}
    # SageMaker's and CloudWatch Logs'.
    | {"UnrecognizedClientException"}
    # S3's words for keys that have been replaced.
    | {"InvalidAccessKeyId", "InvalidToken", "TokenRefreshRequired"}
)


@contextmanager
def reaching(clients: Clients) -> Iterator[None]:
    """A context in which errors that may pass become UnreachableError: no network, ended credentials, throttling.

    Raises:
        UnreachableError: AWS may be asked again; the message has the error and what to do about it.
        botocore.exceptions.ClientError: AWS answered, and the answer is no.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except BotoCoreError as error:
        raise UnreachableError(f"AWS cannot be reached ({error})") from error
    except ClientError as error:
        code, status = code_of(error), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code == "InvalidInstanceID.NotFound":
            raise UnreachableError(f"EC2 does not show an instance that it made just now ({error})") from error
        if code in _ENDED:
            raise UnreachableError(f"the credentials have ended ({code}): {clients.renew()}") from error
        if status >= 500 or status == 429 or "Throttl" in code or code == "RequestLimitExceeded":
            raise UnreachableError(f"AWS is out of breath ({code})") from error
        raise
