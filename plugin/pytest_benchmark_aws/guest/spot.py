"""The notice that comes two minutes before AWS takes a spot instance back."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING

from .instance_metadata import MetadataService

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable


def watch(interval_s: float, stopping: threading.Event, take_back: Callable[[str], None]) -> None:
    """Asks for the notice again and again until ``stopping``; calls ``take_back`` with its time, once."""
    while not stopping.wait(interval_s):
        when = spot_notice()
        if when is not None:
            take_back(when)
            return


def spot_notice() -> str | None:
    """When AWS takes this spot instance back, by the metadata service; None while it does not say."""
    try:
        notice = json.loads(MetadataService(timeout_s=2).read("meta-data/spot/instance-action"))
    except (OSError, ValueError, http.client.HTTPException):
        return None
    return str(notice.get("time", "a time that it does not say")) if isinstance(notice, dict) else None
