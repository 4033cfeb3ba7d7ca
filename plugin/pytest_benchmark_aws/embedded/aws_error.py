"""AWS errors, in the XML or JSON shape that each service sends them in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from pytest_benchmark_aws.embedded.managed.wire import cbor, protocols

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUEST_ID = "00000000-0000-4000-8000-000000000000"
_JSON_SERVICES = frozenset({"ssm", "pricing", "servicequotas", "sagemaker", "logs", "scheduler", *protocols.MODELS})


class AwsError(Exception):
    """The error that a service answers a call with: AWS's code, a message, and the HTTP status.

    Whatever is said to be refused here raises it.
    """

    def __init__(self, code: str, message: str, status: int = 400, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.headers = dict(headers or {})


def render_error(service: str, error: AwsError, protocol: str = "") -> tuple[bytes, list[tuple[str, str]]]:
    """The HTTP body and headers with which a service sends an error, in a protocol of Smithy's where one is named."""
    if protocol == protocols.CBOR:
        document = {"__type": error.code, "message": error.message}
        return cbor.encoded(document), [("Content-Type", "application/cbor"), ("smithy-protocol", protocol)]
    code, message = escape(error.code), escape(error.message)
    if service in _JSON_SERVICES:
        body = json.dumps({"__type": error.code, "message": error.message})
        return body.encode(), [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-ErrorType", error.code)]
    if service == "ec2":
        body = (
            f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
            f"<RequestID>{REQUEST_ID}</RequestID></Response>"
        )
    elif service == "s3":
        body = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{REQUEST_ID}</RequestId></Error>"
    else:  # the query protocol: STS, IAM
        body = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            f"<RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
        )
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + body.encode(), [("Content-Type", "text/xml;charset=UTF-8")]
