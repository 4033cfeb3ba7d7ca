"""What the guest fetches and puts: requests to presigned URLs, or to plain ones with the role's signature.

Standard library only, Python 3.9 and later.
"""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from datetime import datetime, timezone
from typing import Any

from . import role


class AgentError(Exception):
    """A step failed; the message says which and why."""


def refusal(error: urllib.error.HTTPError) -> str:
    """What S3 answered; where a presigned URL has run out, which clocks to look at."""
    text = f"HTTP {error.code}: {error.read(2000).decode('utf-8', 'replace')}"
    if error.code == 403 and ("expired" in text.lower() or "TimeTooSkewed" in text):
        there = error.headers.get("Date", "unknown")
        text += (
            f"; the URL was signed by the clock of the machine that launched this one: is it right? S3's says {there}"
        )
    return text


class Signer:
    """Requests as they are, or, where the instance has a role for it, signed with that role's credentials."""

    def __init__(self, region: str | None) -> None:
        self._region = region
        self._role: dict[str, Any] | None = None

    def request(self, method: str, url: str, data: bytes | None, headers: dict[str, str]) -> urllib.request.Request:
        """The request to send."""
        if self._region is not None:
            self._role = role.credentials(self._role)
            headers = role.sign(method, url, headers, self._region, self._role, datetime.now(timezone.utc))
        return urllib.request.Request(url, data=data, method=method, headers=headers)


class Uploads:
    """Puts objects to presigned URLs, or to plain ones with the role's signature."""

    def __init__(self, urls: dict[str, Any], signer: Signer | None = None) -> None:
        self._urls, self._signer = urls, signer or Signer(None)

    def put(self, name: str, data: bytes, attempts: int = 8) -> None:
        """Uploads one object, again where S3 or the network fails for a moment.

        An object that is there already is what an earlier attempt of this very call left: S3 answers 412.
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
