"""The clock that botocore signs by."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING

import botocore.auth

if TYPE_CHECKING:
    import pytest


def sign_at(patch: pytest.MonkeyPatch, moment: datetime) -> None:
    """Has botocore sign as if it was that moment, in UTC."""
    if hasattr(botocore.auth, "get_current_datetime"):
        patch.setattr("botocore.auth.get_current_datetime", lambda: moment)
        return

    class Clock(datetime):  # boto3 1.36 asks the class itself
        @classmethod
        def utcnow(cls) -> datetime:
            return moment.replace(tzinfo=None)

    patch.setattr("botocore.auth.datetime", SimpleNamespace(datetime=Clock))
