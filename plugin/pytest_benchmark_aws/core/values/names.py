"""Names of files, folders, launches and tests, whatever text they are made of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

EMBEDDED = "embedded"
"""Folder that keeps embedded AWS's results, whose times are this machine's, apart from real ones."""

TARGET = "aws_instance_type"
"""The parameter that a session with --aws adds to a test."""


def folder_name(instance_type: str, *, embedded: bool) -> str:
    """The folder of an instance type within a storage.

    Stock pytest-benchmark looks one folder deep, so that what is embedded is told by the folder's name.
    """
    return f"{EMBEDDED}-{instance_type}" if embedded else instance_type


def safe_name(text: str) -> str:
    """A text as part of a file's name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "unnamed"


def job_name(extra: Mapping[str, Any]) -> str:
    """What --aws calls the launch that an extra_info tells of: ``m5.8xlarge-spot-launch2``; empty without one."""
    named, launch = extra.get("instance_type"), extra.get("launch")
    if not isinstance(named, str) or not named:
        return ""
    # On demand because spot was not to be had: the launch keeps the name that it was asked for by.
    spot = extra.get("market") == "spot" or "fallback" in extra
    return named + "-spot" * spot + (f"-launch{launch}" if isinstance(launch, int) and launch > 1 else "")


def bare_id(text: str, target: str) -> str:
    """A test's name without the target, which stands last in it."""
    if text.endswith(f"-{target}]"):
        return text.removesuffix(f"-{target}]") + "]"
    return text.removesuffix(f"[{target}]")
