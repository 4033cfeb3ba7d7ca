"""The instance metadata service (IMDS), version 2, as the guest asks it.

Standard library only, Python 3.9 and later.
"""

from __future__ import annotations

import json
import os
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone
from typing import Any

_SPARE = timedelta(minutes=5)
"""Credentials that end within this time are renewed."""


def read(path: str, timeout_s: float = 5) -> str:
    """The text of a path below ``latest/``.

    Raises:
        OSError: the service does not answer, or has no such path.
        http.client.HTTPException: the answer is no HTTP.
        ValueError: the answer is no UTF-8.
    """
    base = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254").rstrip("/")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(path: str, method: str, headers: dict[str, str]) -> str:
        request = urllib.request.Request(f"{base}/latest/{path}", method=method, headers=headers)
        with opener.open(request, timeout=timeout_s) as answer:
            text: str = answer.read(65_536).decode("utf-8")
        return text

    token = ask("api/token", "PUT", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    return ask(path, "GET", {"X-aws-ec2-metadata-token": token})


def role_credentials(current: dict[str, Any] | None = None) -> dict[str, Any]:
    """The credentials of the instance's role: ``current`` while these last, else new ones.

    Raises:
        OSError: the instance has no role, or the metadata service does not answer.
    """
    if current is not None:
        end = datetime.fromisoformat(current["Expiration"].replace("Z", "+00:00"))
        if end - datetime.now(timezone.utc) > _SPARE:
            return current
    folder = "meta-data/iam/security-credentials/"
    name = read(folder).split("\n")[0].strip()
    credentials: dict[str, Any] = json.loads(read(folder + urllib.parse.quote(name)))
    return credentials
