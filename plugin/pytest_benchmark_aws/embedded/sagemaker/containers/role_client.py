"""Calls of S3 and CloudWatch Logs that SageMaker makes with the rights of a job's execution role.

They go over HTTP to embedded AWS itself, so that signatures, policies and bucket regions are looked at as for anyone.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import xml.etree.ElementTree as ET
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

if TYPE_CHECKING:
    from http.client import HTTPResponse

    from pytest_benchmark_aws.embedded.moto_models import RoleSession

SERVICE_HEADER = "X-Embedded-Service"
"""Names the service that makes a call on somebody's behalf: such calls are no client's, so they meet no faults that a
test has set for the client, and are not in the record of calls."""
SERVICE_VARIABLE = "HTTP_X_EMBEDDED_SERVICE"
"""The header in a WSGI environ."""
_XML = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class RoleError(Exception):
    """A call that AWS refuses, with its code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class RoleClient:
    """The calls of one session of a role in one region."""

    def __init__(self, endpoint: str, region: str, session: RoleSession) -> None:
        self._endpoint = endpoint
        self._region = region
        self._credentials = Credentials(session.key_id, session.secret, session.token)

    def keys(self, bucket: str, prefix: str, most: int | None = None) -> list[str]:
        """The keys that begin with the prefix, in order, at most ``most``.

        Raises:
            RoleError: the bucket is not there, not in the region, or may not be listed.
        """
        keys: list[str] = []
        token = ""
        while True:
            query = {"list-type": "2", "prefix": prefix}
            query |= {"max-keys": str(most)} if most else {}
            query |= {"continuation-token": token} if token else {}
            with self._s3("GET", bucket, query=query) as answer:
                page = ET.parse(answer).getroot()
            keys += [entry.findtext(f"{_XML}Key") or "" for entry in page.iter(f"{_XML}Contents")]
            token = page.findtext(f"{_XML}NextContinuationToken") or ""
            if not token or (most is not None and len(keys) >= most):
                return keys

    def get(self, bucket: str, key: str) -> IO[bytes]:
        """The content of an object, to be read and closed.

        Raises:
            RoleError: it is not there, or may not be read.
        """
        return self._s3("GET", bucket, key)

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Stores an object.

        Raises:
            RoleError: it may not be stored.
        """
        self._s3("PUT", bucket, key, body=body).close()

    def logs(self, action: str, **parameters: Any) -> None:
        """Makes a call of CloudWatch Logs.

        Raises:
            RoleError: it is refused.
        """
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"Logs_20140328.{action}"}
        request = AWSRequest("POST", f"{self._endpoint}/", headers, json.dumps(parameters).encode())
        SigV4Auth(self._credentials, "logs", self._region).add_auth(request)
        _send(request).close()

    def _s3(
        self, method: str, bucket: str, key: str = "", *, query: dict[str, str] | None = None, body: bytes | None = None
    ) -> HTTPResponse:
        url = f"{self._endpoint}/{bucket}" + (f"/{quote(key, safe='/-_.~')}" if key else "")
        headers = {} if body is None else {"Content-Type": "binary/octet-stream"}
        # The blanks of a query are signed as %20, not as the plus that a form has.
        url += f"?{urlencode(query, quote_via=quote, safe='-_.~')}" if query else ""
        request = AWSRequest(method, url, headers, body)
        S3SigV4Auth(self._credentials, "s3", self._region).add_auth(request)
        return _send(request)


def _send(request: AWSRequest) -> HTTPResponse:
    """The answer to a signed request."""
    headers = {**dict(request.headers.items()), SERVICE_HEADER: "sagemaker"}
    sent = urllib.request.Request(request.url, request.data, headers, method=request.method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        answer: HTTPResponse = opener.open(sent, timeout=30)
    except urllib.error.HTTPError as error:
        with error:
            raise RoleError(*_code(error.read(), error.code)) from None
    except (OSError, ValueError) as error:
        raise RoleError("RequestError", str(error)) from error
    return answer


def _code(body: bytes, status: int) -> tuple[str, str]:
    """Code and message of an error in JSON or XML."""
    text = body.decode(errors="replace")
    try:
        if text.startswith("{"):
            document = json.loads(text)
            return str(document["__type"]), str(document.get("message", ""))
        root = ET.fromstring(text)
        return root.findtext("Code") or str(status), root.findtext("Message") or ""
    except (ET.ParseError, ValueError, KeyError):
        return str(status), text[:200]
