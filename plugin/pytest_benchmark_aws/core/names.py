"""Names of files and folders: plain ones, whatever text they are made of."""

from __future__ import annotations

import re

EMBEDDED = "embedded"
"""Folder that keeps embedded AWS's results, whose times are this machine's, apart from real ones."""


def folder_name(instance_type: str, *, embedded: bool) -> str:
    """The folder of an instance type within a storage.

    Stock pytest-benchmark looks one folder deep, so that what is embedded is told by the folder's name.
    """
    return f"{EMBEDDED}-{instance_type}" if embedded else instance_type


def safe_name(text: str) -> str:
    """A text as part of a file's name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "unnamed"
