"""Asks embedded AWS's control API; the standard library alone."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN = "x-embedded-token"
"""The header that holds the secret access key of this start, without which the control API does nothing."""


def control(environment: Mapping[str, str], path: str, payload: dict[str, Any] | None = None) -> Any:
    """The answer of a control path, such as ``calls``: by GET, or by POST where there is a payload.

    ``environment`` is what embedded AWS prints at its start.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(
        f"{environment['AWS_ENDPOINT_URL']}/_embedded/{path}",
        None if payload is None else json.dumps(payload).encode(),
        {TOKEN: environment["AWS_SECRET_ACCESS_KEY"]},
    )
    with opener.open(request, timeout=30) as answer:
        return json.load(answer)
