"""User data: a fixed template that arms the power-off, fetches the agent, checks it and runs it.

It holds no secret but one short-lived URL, and nothing of it comes from a test's id.
"""

from __future__ import annotations

import re
from pathlib import Path

USER_DATA_LIMIT = 16_384
"""Bytes, decoded (EC2's RunInstances)."""
_HEX = re.compile(r"[0-9a-f]{64}")
_URL = re.compile(r"https?://[A-Za-z0-9._~:/?&=%+\-@]+")


def user_data(url: str, sha256: str, power_off_minutes: int) -> str:
    """The user data of a launch: a shell script.

    Raises:
        ValueError: the URL or the digest has a character that is none of its kind, there are no minutes, or the script
            is too long.
    """
    if not _URL.fullmatch(url) or not _HEX.fullmatch(sha256):
        raise ValueError(f"no URL and digest for user data: {url!r}, {sha256!r}")
    if power_off_minutes < 1:
        raise ValueError(f"a power-off in {power_off_minutes} minutes would end the instance at its start")
    template = (Path(__file__).parent / "user-data.sh").read_text(encoding="utf-8")
    script = template.replace("@MINUTES@", str(int(power_off_minutes)))
    script = script.replace("@SHA256@", sha256).replace("@URL@", url)
    if len(script.encode()) > USER_DATA_LIMIT:
        raise ValueError(f"user data of {len(script.encode()):,} bytes; EC2 takes {USER_DATA_LIMIT:,}")
    return script
