"""An instance profile's role: its credentials by the metadata service, and S3 requests signed with them.

Standard library only, Python 3.9 and later. Signature Version 4 as AWS documents it ("Authenticating Requests:
Using the Authorization Header"), with the payload unsigned, as TLS protects it and its digest is checked elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone
from typing import Any

PAYLOAD = "UNSIGNED-PAYLOAD"
_SPARE = timedelta(minutes=5)


def credentials(kept: dict[str, Any] | None = None) -> dict[str, Any]:
    """The role's credentials: those ``kept`` while they last, else new ones.

    Raises:
        OSError: the instance has no role, or the metadata service does not answer.
    """
    now = datetime.now(timezone.utc)
    if kept is not None and _time(kept["Expiration"]) - now > _SPARE:
        return kept
    base = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254").rstrip("/")
    token = _ask(f"{base}/latest/api/token", "PUT", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    headers = {"X-aws-ec2-metadata-token": token}
    folder = f"{base}/latest/meta-data/iam/security-credentials/"
    name = _ask(folder, "GET", headers).split("\n")[0].strip()
    found: dict[str, Any] = json.loads(_ask(folder + urllib.parse.quote(name), "GET", headers))
    return found


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


def _ask(url: str, method: str, headers: dict[str, str]) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, method=method, headers=headers), timeout=5) as answer:
        text: str = answer.read(65_536).decode("utf-8")
    return text


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
