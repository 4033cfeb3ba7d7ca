"""A request as the AWS call that it is: service, action, region, parameters."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from pytest_benchmark_aws.embedded.aws_error import AwsError
from pytest_benchmark_aws.embedded.managed.wire import protocols

_TARGETS = {
    "AWSPriceListService": "pricing",
    "AmazonSSM": "ssm",
    "Logs_20140328": "logs",
    "SageMaker": "sagemaker",
    "ServiceQuotasV20190624": "servicequotas",
}
_S3_SUBRESOURCES = {
    "lifecycle": "BucketLifecycleConfiguration",
    "publicAccessBlock": "PublicAccessBlock",
    "encryption": "BucketEncryption",
    "tagging": "BucketTagging",
    "policy": "BucketPolicy",
    "versioning": "BucketVersioning",
    "ownershipControls": "BucketOwnershipControls",
    "acl": "BucketAcl",
    "location": "BucketLocation",
}
_SCHEDULER = {"POST": "Create", "GET": "Get", "PUT": "Update", "DELETE": "Delete"}
"""HTTP method of ``/schedules/NAME`` -> the verb of its action."""
_S3_VERBS = {"PUT": "Put", "GET": "Get", "DELETE": "Delete"}
_S3_OBJECT = {"PUT": "PutObject", "GET": "GetObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}
_S3_OBJECT_SUBRESOURCES = {"acl": "Acl", "tagging": "Tagging", "retention": "Retention", "legal-hold": "LegalHold"}
_S3_BUCKET = {"PUT": "CreateBucket", "GET": "ListObjectsV2", "HEAD": "HeadBucket", "DELETE": "DeleteBucket"}


@dataclass(frozen=True, slots=True)
class AwsRequest:
    """One call of an AWS service."""

    service: str
    action: str
    region: str
    params: dict[str, str]
    """The form of query protocols (EC2, STS), the query string of REST ones (S3, Scheduler)."""
    document: dict[str, Any]
    """The body of JSON protocols; empty of others."""

    def listed(self, name: str) -> list[str]:
        """The values of ``name.1``, ``name.2``, ... of the form."""
        return [self.params[key] for key in (f"{name}.{n}" for n in range(1, 1001)) if key in self.params]

    def filters(self) -> dict[str, list[str]]:
        """Name of each ``Filter.n`` -> its values."""
        filters: dict[str, list[str]] = {}
        for n in range(1, 201):
            name = self.params.get(f"Filter.{n}.Name")
            if name is None:
                break
            filters[name] = self.listed(f"Filter.{n}.Value")
        return filters

    def end_dry_run(self) -> None:
        """Ends a call that asks only whether it would succeed, and would."""
        if self.params.get("DryRun", "").lower() == "true":
            raise AwsError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)


def parse_request(environ: dict[str, Any], default_region: str) -> AwsRequest:
    """The AWS call in a WSGI environ; the body stays readable for the next application."""
    query = _flat(environ.get("QUERY_STRING", ""))
    service, region = scope(environ, default_region)
    if service in protocols.MODELS:
        managed = protocols.parsed(service, environ, read_body(environ))
        if managed is not None:
            return AwsRequest(service, managed.operation, region, query, managed.document)
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        prefix, _, action = target.rpartition(".")
        document = json.loads(read_body(environ) or b"{}")
        return AwsRequest(_TARGETS.get(prefix, service), action, region, {}, document)
    is_form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
    if is_form and environ["REQUEST_METHOD"] == "POST":
        form = query | _flat(read_body(environ).decode())
        if "Action" in form:
            return AwsRequest(service, form["Action"], region, form, {})
    if service == "scheduler":  # REST, with JSON bodies
        action = _SCHEDULER.get(environ["REQUEST_METHOD"], "") + "Schedule"
        return AwsRequest(service, action, region, query, json.loads(read_body(environ) or b"{}"))
    if service == "s3":
        return AwsRequest("s3", _s3_action(environ, query), region, query, {})
    return AwsRequest(service, query.get("Action", environ.get("PATH_INFO", "")), region, query, {})


def scope(environ: dict[str, Any], default_region: str) -> tuple[str, str]:
    """Service and region of the signature: ``Credential=KEY/20260101/us-east-1/ec2/aws4_request``; S3's without one."""
    query = _flat(environ.get("QUERY_STRING", ""))
    authorization = environ.get("HTTP_AUTHORIZATION", "")
    credential = query.get("X-Amz-Credential") or authorization.partition("Credential=")[2].partition(",")[0]
    parts = credential.split("/")
    return (parts[-2].lower(), parts[-3]) if len(parts) >= 5 else ("s3", default_region)


def read_body(environ: dict[str, Any], limit: int | None = None) -> bytes:
    """The request's body, which stays readable for the next application; one of more than ``limit`` is refused."""
    stream, digits = environ["wsgi.input"], str(environ.get("CONTENT_LENGTH") or "0")
    length = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else 0
    if environ.get("wsgi.input_terminated"):
        length = -1 if limit is None else limit + 1
    if limit is not None and length > limit and not environ.get("wsgi.input_terminated"):
        raise AwsError("RequestEntityTooLarge", f"the body has {length:,} bytes, {limit:,} are read", 413)
    body: bytes = stream.read(length)
    if limit is not None and len(body) > limit:
        raise AwsError("RequestEntityTooLarge", f"the body has more than {limit:,} bytes", 413)
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _flat(text: str) -> dict[str, str]:
    return {key: values[-1] for key, values in parse_qs(text, keep_blank_values=True).items()}


def _s3_action(environ: dict[str, Any], query: dict[str, str]) -> str:
    method = str(environ["REQUEST_METHOD"])
    bucket, _, key = environ.get("PATH_INFO", "").lstrip("/").partition("/")
    if not bucket:
        return "ListBuckets"
    if "uploads" in query:
        return "CreateMultipartUpload" if method == "POST" else "ListMultipartUploads"
    if "uploadId" in query:
        multipart = {"PUT": "UploadPart", "POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload"}
        return multipart.get(method, "ListParts")
    if key:
        for name, part in _S3_OBJECT_SUBRESOURCES.items():
            if name in query and method in _S3_VERBS:
                return f"{_S3_VERBS[method]}Object{part}"
        copies = method == "PUT" and "HTTP_X_AMZ_COPY_SOURCE" in environ
        return "CopyObject" if copies else _S3_OBJECT.get(method, method)
    return _bucket_action(method, query)


def _bucket_action(method: str, query: dict[str, str]) -> str:
    if method == "POST" and "delete" in query:
        return "DeleteObjects"
    for name, action in _S3_SUBRESOURCES.items():
        if name in query and method in _S3_VERBS:
            return _S3_VERBS[method] + action
    return _S3_BUCKET.get(method, method)
