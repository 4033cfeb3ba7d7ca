"""S3 where moto is laxer: owners of buckets, expired URLs, conditional writes, bodies without a type."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.embedded import moto_models
from pytest_benchmark_aws.embedded.aws_error import AwsError
from pytest_benchmark_aws.embedded.aws_request import read_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_benchmark_aws.embedded.aws_request import AwsRequest

LONGEST_S = 604_800
"""Of a presigned URL (S3 API reference, "Authenticating Requests: Using Query Parameters")."""
_FORM = "application/x-www-form-urlencoded"


def check(request: AwsRequest, environ: Mapping[str, object]) -> None:
    """Refuses a bucket that does not belong to the expected owner, and a presigned URL that has expired."""
    expected = environ.get("HTTP_X_AMZ_EXPECTED_BUCKET_OWNER") or request.params.get("x-amz-expected-bucket-owner")
    # All buckets belong to the one account that there is.
    if expected and expected != moto_models.ACCOUNT:
        raise AwsError("AccessDenied", "Access Denied", 403)
    seconds = request.params.get("X-Amz-Expires", "1")
    if not (seconds.isdigit() and 1 <= int(seconds) <= LONGEST_S):
        message = (
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than "
            f"{LONGEST_S} seconds"
        )
        raise AwsError("AuthorizationQueryParametersError", message)
    if datetime.now(timezone.utc) > _expiry(request.params):
        raise AwsError("AccessDenied", "Request has expired", 403)


def keep_body(environ: dict[str, Any]) -> None:
    """Keeps moto from reading an uploaded object as a form, of which it would store nothing.

    ``urllib.request`` gives every body that has no type the type of a form.
    """
    if environ.get("REQUEST_METHOD") == "PUT" and str(environ.get("CONTENT_TYPE", "")).startswith(_FORM):
        environ["CONTENT_TYPE"] = "binary/octet-stream"


def is_conditional(environ: dict[str, Any]) -> bool:
    """Whether a write is only for a key that has no object.

    The body of such a write is read here, so that no slow client holds the lock that is taken for it.
    """
    conditional = environ.get("REQUEST_METHOD") == "PUT" and "HTTP_IF_NONE_MATCH" in environ
    if conditional:
        read_body(environ)
    return conditional


def _expiry(query: Mapping[str, str]) -> datetime:
    """When a presigned URL ends; the end of time for other requests."""
    if "X-Amz-Date" in query and "X-Amz-Expires" in query:
        start = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
        return start + timedelta(seconds=int(query["X-Amz-Expires"]))
    return datetime.max.replace(tzinfo=timezone.utc)
