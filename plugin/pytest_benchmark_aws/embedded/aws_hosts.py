"""AWS's own host names: what a request to one of them asks for, and what S3 and the others answer by the name alone.

A request that comes by such a name, through a proxy, is told apart here; from then on it is as if it had come to
``127.0.0.1``, with the bucket in its path. Its signature is looked at before, as it is of what was sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pytest_benchmark_aws.embedded import moto_models
from pytest_benchmark_aws.embedded.aws_error import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    in_host: bool = False
    """Whether the bucket came in the host."""
    location: str = ""
    """Path and query as they were sent."""


def address_of(environ: Mapping[str, Any]) -> Address:
    """What the host of a request says."""
    host = str(environ.get("HTTP_HOST", "")).removesuffix(":443").lower()
    path, query = str(environ.get("PATH_INFO", "/")), str(environ.get("QUERY_STRING", ""))
    first = path.lstrip("/").partition("/")[0]
    if not host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return Address(bucket=first)
    quoted = quote(path.encode("latin-1"), safe="/-_.~")
    location = f"{quoted}?{query}" if query else quoted
    s3 = _S3_HOST.fullmatch(host)
    if s3 is None:
        other = _HOST.fullmatch(host)
        return Address(host, other["region"] if other else None, location=location)
    return Address(host, s3["region"], s3["bucket"] or first, in_host=bool(s3["bucket"]), location=location)


def enter(address: Address, environ: dict[str, Any]) -> None:
    """Has a request go on as one to this machine, its bucket in the path."""
    if not address.host:
        return
    environ["HTTP_HOST"] = f"127.0.0.1:{environ.get('SERVER_PORT', '80')}"
    if address.in_host:
        environ["PATH_INFO"] = f"/{address.bucket}{environ.get('PATH_INFO', '/')}"
        environ["RAW_URI"] = environ["REQUEST_URI"] = f"/{address.bucket}{address.location}"


def check(address: Address, service: str, signed_region: str, environ: Mapping[str, Any]) -> None:
    """Refuses, as AWS does, a request that came to another place than it is signed for, or than its bucket is in.

    AWS says so before it looks at the signature itself.
    """
    if service != "s3":
        if address.region not in {None, signed_region}:
            raise AwsError(
                "SignatureDoesNotMatch", f"Credential should be scoped to a valid region, not {signed_region}.", 403
            )
        return
    region = moto_models.bucket_region(address.bucket, signed_region)
    path, query = str(environ.get("PATH_INFO", "/")).strip("/"), str(environ.get("QUERY_STRING", ""))
    creates = environ["REQUEST_METHOD"] == "PUT" and not query and path in {"", address.bucket}
    if region is None or creates:
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
    if signed_region != region:  # S3 API reference, error responses
        code = "AuthorizationQueryParametersError" if "X-Amz-Signature" in query else "AuthorizationHeaderMalformed"
        message = f"The authorization is malformed; the region '{signed_region}' is wrong; expecting '{region}'"
        raise AwsError(code, message, 400, there)
