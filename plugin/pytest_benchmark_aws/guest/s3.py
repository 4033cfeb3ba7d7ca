"""The guest's requests to S3: by presigned URLs, or signed with the credentials of the instance's role.

Signature Version 4 as AWS documents it ("Authenticating Requests:
Using the Authorization Header"), with the payload unsigned, as TLS protects it and its digest is checked elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timezone
from typing import Any

from .instance_metadata import role_credentials

PAYLOAD = "UNSIGNED-PAYLOAD"


class AgentError(Exception):
    """A step of the agent failed; the message says which and why."""


def refusal(error: urllib.error.HTTPError) -> str:
    """What S3 answered; where a presigned URL has run out, also which clocks to look at."""
    text = f"HTTP {error.code}: {error.read(2000).decode('utf-8', 'replace')}"
    if error.code == 403 and ("expired" in text.lower() or "TimeTooSkewed" in text):
        there = error.headers.get("Date", "unknown")
        text += (
            f"; the URL was signed by the clock of the machine that launched this one: is it right? S3's says {there}"
        )
    return text


class Signer:
    """Makes requests: as they are or, where a region is named, signed with the role's credentials."""

    def __init__(self, region: str | None) -> None:
        self._region = region
        self._role: dict[str, Any] | None = None

    def request(self, method: str, url: str, data: bytes | None, headers: dict[str, str]) -> urllib.request.Request:
        """The request to send.

        Raises:
            OSError: the role's credentials cannot be had.
        """
        if self._region is not None:
            self._role = role_credentials(self._role)
            headers = sign(method, url, headers, self._region, self._role, datetime.now(timezone.utc))
        return urllib.request.Request(url, data=data, method=method, headers=headers)


class Uploader:
    """Uploads objects to the URLs that the job names."""

    def __init__(self, urls: dict[str, Any], signer: Signer | None = None) -> None:
        self._urls, self._signer = urls, signer or Signer(None)

    def put(self, name: str, data: bytes, attempts: int = 8) -> None:
        """Uploads one object, again where S3 or the network fails for a moment.

        An object that is there already was put by an earlier attempt of this very call: S3 answers 412.

        Raises:
            AgentError: S3 refuses it, or no attempt succeeded.
        """
        target = self._urls[name]
        headers = {"Content-Type": "application/octet-stream", **target.get("headers", {})}
        for attempt in range(attempts):
            try:
                request = self._signer.request("PUT", target["url"], data, headers)
                with urllib.request.urlopen(request, timeout=60):
                    return
            except urllib.error.HTTPError as error:
                if error.code == 412:
                    return
                if error.code not in (409, 429, 500, 502, 503, 504) or attempt == attempts - 1:
                    raise AgentError(f"upload of {name}: {refusal(error)}") from error
            except (OSError, http.client.HTTPException) as error:
                if attempt == attempts - 1:
                    raise AgentError(f"upload of {name}: {error}") from error
            time.sleep(min(2**attempt, 20))


def sign(
    method: str, url: str, headers: dict[str, str], region: str, role: dict[str, Any], now: datetime
) -> dict[str, str]:
    """The headers of an S3 request, with its signature; ``url`` has no query."""
    parts = urllib.parse.urlsplit(url)
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    whole = {**headers, "host": parts.netloc, "x-amz-date": stamp, "x-amz-content-sha256": PAYLOAD}
    whole["x-amz-security-token"] = role["Token"]
    signed = {key.lower(): " ".join(value.split()) for key, value in whole.items()}
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    request = "\n".join((method, parts.path or "/", parts.query, lines, names, PAYLOAD))
    scope = f"{day}/{region}/s3/aws4_request"
    text = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{role['SecretAccessKey']}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    credential = f"{role['AccessKeyId']}/{scope}"
    whole["Authorization"] = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return whole
