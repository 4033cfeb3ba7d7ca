"""Names of files and folders of results, whatever text they are made of."""

from __future__ import annotations

import re


def folder_name(instance_type: str, *, embedded: bool) -> str:
    """The folder of an instance type within a storage.

    Embedded AWS's results, whose times are this machine's, have a folder apart from the real ones; it is told by its
    name, as stock pytest-benchmark looks one folder deep.
    """
    return f"embedded-{instance_type}" if embedded else instance_type


def safe_name(text: str) -> str:
    """The text as part of a file's name: ASCII letters, digits, ``.``, ``_`` and ``-`` alone, never empty."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "unnamed"
