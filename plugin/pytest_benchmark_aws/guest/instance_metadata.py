"""The instance metadata service (IMDS), version 2: any of its texts, and the credentials of the instance's role."""

from __future__ import annotations

import json
import os
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone
from typing import Any

LIMIT = 64 * 1024
"""Bytes of a text; an identity document has under 1 KiB."""
_SPARE = timedelta(minutes=5)
"""Credentials that end within this time are renewed."""


class MetadataService:
    """The service of this instance, or the one at an endpoint, asked with one token for a minute."""

    def __init__(self, endpoint: str | None = None, timeout_s: float = 5) -> None:
        endpoint = endpoint or os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or "http://169.254.169.254"
        self._base, self._timeout_s = endpoint.rstrip("/"), timeout_s
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # it is never behind a proxy
        self._token = ""

    def read(self, path: str) -> str:
        """The text of a path below ``latest/``.

        Raises:
            OSError: the service does not answer, or has no such path.
            http.client.HTTPException: the answer is no HTTP.
            ValueError: the answer is too long, or no UTF-8.
        """
        if not self._token:
            self._token = self._ask("api/token", "PUT", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
        return self._ask(path, "GET", {"X-aws-ec2-metadata-token": self._token})

    def _ask(self, path: str, method: str, headers: dict[str, str]) -> str:
        request = urllib.request.Request(f"{self._base}/latest/{path}", method=method, headers=headers)
        with self._opener.open(request, timeout=self._timeout_s) as answer:
            body: bytes = answer.read(LIMIT + 1)
        if len(body) > LIMIT:
            raise ValueError(f"{path}: more than {LIMIT} bytes")
        return body.decode("utf-8")


def container_credentials_url() -> str | None:
    """Where a container gets its role's credentials; None outside of one.

    By the variables that AWS's SDKs read (SDKs and Tools reference guide, "Container credential provider"), which
    SageMaker sets in training jobs as ECS does in tasks.
    """
    relative = os.environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    return f"http://169.254.170.2{relative}" if relative else os.environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")


def role_credentials(current: dict[str, Any] | None = None) -> dict[str, Any]:
    """The credentials of the instance's or the container's role: ``current`` while these last, else new ones.

    Raises:
        OSError: the instance has no role, or the metadata service does not answer.
    """
    if current is not None:
        end = datetime.fromisoformat(current["Expiration"].replace("Z", "+00:00"))
        if end - datetime.now(timezone.utc) > _SPARE:
            return current
    url = container_credentials_url()
    if url is not None:
        token = os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
        request = urllib.request.Request(url, headers={"Authorization": token} if token else {})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=5) as answer:
            container_role: dict[str, Any] = json.loads(answer.read(LIMIT))
        return container_role
    service, folder = MetadataService(), "meta-data/iam/security-credentials/"
    name = service.read(folder).split("\n")[0].strip()
    credentials: dict[str, Any] = json.loads(service.read(folder + urllib.parse.quote(name)))
    return credentials
