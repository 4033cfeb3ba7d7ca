"""pytest's settings of a project, read without starting pytest: the commands beside it share its ini values."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path


def project_settings(folder: Path) -> dict[str, str]:
    """``aws_throughput`` and the like from the ini file that pytest would take, or nothing.

    pytest looks in each folder upwards for the first of its ini files (pytest's documentation, "Configuration").
    """
    for place in (folder, *folder.parents):
        for values in _sections(place):
            return values
    return {}


def _sections(place: Path) -> Iterator[dict[str, str]]:
    """The settings of one folder, where it has some."""
    for name, section in (
        ("pytest.ini", "pytest"),
        (".pytest.ini", "pytest"),
        ("tox.ini", "pytest"),
        ("setup.cfg", "tool:pytest"),
    ):
        if not os.path.isfile(place / name):
            continue
        import iniconfig

        try:
            sections = iniconfig.IniConfig(str(place / name)).sections
        except (OSError, iniconfig.ParseError, UnicodeDecodeError):
            continue
        if section in sections:
            yield dict(sections[section])
        elif name.endswith("pytest.ini"):
            yield {}
    yield from _pyproject(place / "pyproject.toml")


def _pyproject(path: Path) -> Iterator[dict[str, str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    if "tool.pytest" not in text:
        return
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # a dependency of pytest there
    try:
        tool = tomllib.loads(text).get("tool", {}).get("pytest", {})
    except tomllib.TOMLDecodeError:
        return
    options = tool.get("ini_options", tool)
    if isinstance(options, dict):
        yield {name: str(value) for name, value in options.items()}
