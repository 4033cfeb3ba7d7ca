"""AWS's own host names: what a request to one of them asks for, and what S3 and the others answer by the name alone.

A request that comes by such a name, through a proxy, is told apart here; from then on it is as if it had come to
``127.0.0.1``, with the bucket in its path. What was signed is kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pytest_benchmark_aws.embedded import moto_models
from pytest_benchmark_aws.embedded.aws_error import AwsError

if TYPE_CHECKING:
    from pytest_benchmark_aws.embedded.aws_request import AwsRequest

SIGNED_HOST, SIGNED_PATH = "embedded_aws.host", "embedded_aws.path"
"""Names in a WSGI environ of the host and the path that a signature is of."""
_OLD_REGIONS = (
    "us-east-1 us-east-2 us-west-1 us-west-2 ca-central-1 sa-east-1 eu-central-1 eu-north-1 eu-west-1 eu-west-2 "
    "eu-west-3 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-southeast-1 ap-southeast-2"
)
BEFORE_2019_03_20 = frozenset(_OLD_REGIONS.split())
"""Regions of the partition ``aws`` whose buckets the global host redirects to; it refuses those of later ones (S3 user
guide, "Virtual hosting of buckets" and "Request routing")."""
_REGION = r"[a-z]{2,5}(?:-[a-z]+)+-\d+"
_HOST = re.compile(rf"(?:.+\.)?(?P<region>{_REGION})\.amazonaws\.com(?:\.cn)?")
_S3_HOST = re.compile(rf"(?:(?P<bucket>.+)\.)?s3(?:[.-](?P<region>{_REGION}))?\.amazonaws\.com(?P<china>\.cn)?")


@dataclass(frozen=True, slots=True)
class Address:
    """What the host name of a request says; nothing of it where the name is not AWS's."""

    host: str = ""
    region: str | None = None
    """None: a global host, or no name of AWS's."""
    bucket: str = ""
    """Also where it came in the path."""
    location: str = ""
    """Path and query as they were sent."""


def enter(environ: dict[str, Any]) -> Address:
    """Reads the host of a request, and has it go on as one to this machine, its bucket in the path."""
    host = str(environ.get("HTTP_HOST", "")).removesuffix(":443").lower()
    path, query = str(environ.get("PATH_INFO", "/")), str(environ.get("QUERY_STRING", ""))
    if not host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return Address(bucket=path.lstrip("/").partition("/")[0])
    environ[SIGNED_HOST], environ[SIGNED_PATH] = host, path
    environ["HTTP_HOST"] = f"127.0.0.1:{environ.get('SERVER_PORT', '80')}"
    quoted = quote(path.encode("latin-1"), safe="/-_.~")
    location = f"{quoted}?{query}" if query else quoted
    s3 = _S3_HOST.fullmatch(host)
    if s3 is None:
        other = _HOST.fullmatch(host)
        return Address(host, other["region"] if other else None, location=location)
    bucket = s3["bucket"] or path.lstrip("/").partition("/")[0]
    if s3["bucket"]:
        environ["PATH_INFO"] = f"/{bucket}{path}"
        environ["RAW_URI"] = environ["REQUEST_URI"] = f"/{bucket}{location}"
    return Address(host, s3["region"], bucket, location)


def check(address: Address, request: AwsRequest) -> None:
    """Refuses, as AWS does, a request that came to another place than it is signed for, or than its bucket is in."""
    if request.service != "s3":
        if address.region not in {None, request.region}:
            raise AwsError(
                "SignatureDoesNotMatch", f"Credential should be scoped to a valid region, not {request.region}.", 403
            )
        return
    region = moto_models.bucket_region(address.bucket, request.region)
    if region is None or request.action == "CreateBucket":
        return
    there = {"x-amz-bucket-region": region}
    if address.host and address.region is None and region != "us-east-1":
        if region not in BEFORE_2019_03_20:
            message = f"The {region} location constraint is incompatible for the endpoint this request was sent to."
            raise AwsError("IllegalLocationConstraintException", message, 400, there)
        # For up to 24 hours after the bucket was made; the host is signed, so that what follows this is no longer.
        suffix = address.host.partition("s3.")[2]
        where = f"https://{address.bucket}.s3.{region}.{suffix}{address.location}"
        message = "Please re-send this request to the specified temporary endpoint."
        raise AwsError("TemporaryRedirect", message, 307, {**there, "Location": where})
    if address.region not in {None, region}:
        message = "The bucket you are attempting to access must be addressed using the specified endpoint."
        raise AwsError("PermanentRedirect", message, 301, there)
    if request.region != region:  # S3 API reference, error responses
        code = (
            "AuthorizationQueryParametersError"
            if "X-Amz-Signature" in request.params
            else "AuthorizationHeaderMalformed"
        )
        message = f"The authorization is malformed; the region '{request.region}' is wrong; expecting '{region}'"
        raise AwsError(code, message, 400, there)
