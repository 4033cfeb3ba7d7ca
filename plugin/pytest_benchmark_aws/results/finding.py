"""Which files a command means by names, folders and patterns; links that lead in circles are not followed."""

from __future__ import annotations

import fnmatch
import glob
import operator
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.report.text import printable

DEFAULT = ".benchmarks"
"""pytest-benchmark's own default storage."""


def find_files(patterns: Sequence[str]) -> list[Path]:
    """The JSON files that names, folders and shell patterns mean, each once, in order.

    A folder that may not be looked into is among them: whoever reads it says so by its name.

    Raises:
        PlanError: a name or a pattern that means no file.
    """
    paths: dict[Path, None] = {}
    for pattern in patterns or (DEFAULT,):
        try:
            path = Path(pattern).expanduser()
            is_folder = path.is_dir()
            if is_folder:
                files = _json_files(path)
            elif path.exists():
                files = [path]
            else:
                files = [
                    file for match in _matches(path) for file in (_json_files(match) if match.is_dir() else [match])
                ]
        except (OSError, ValueError, RuntimeError) as error:  # no name of a file, or a home that is none
            raise PlanError(f"{printable(pattern[:200])}: {error}") from None
        if not files:
            what = "no such file" if not glob.has_magic(pattern) and not is_folder else "no .json file there"
            raise PlanError(f"{printable(pattern)}: {what}; give files, folders or patterns such as '.benchmarks/*/*'")
        paths.update(dict.fromkeys(files))
    return list(paths)


def _json_files(folder: Path) -> list[Path]:
    paths = [path for path, readable in _walk(folder) if path.name.endswith(".json") or not readable]
    return sorted(paths, key=operator.attrgetter("parts"))  # the order of paths, in a third of the time


def _walk(folder: Path) -> Iterator[tuple[Path, bool]]:
    """What is below a folder: files, and folders that may not be looked into, which are not readable."""
    waiting = [str(folder)]
    while waiting:
        current = waiting.pop()
        try:
            with os.scandir(current) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif not entry.is_dir():  # a link to a folder may lead back
                        yield Path(entry.path), True
        except OSError:
            yield Path(current), False


def _matches(pattern: Path) -> list[Path]:
    """What a shell pattern fits; ``**`` stands for any folders, those behind links aside."""
    # Two in a row are one: each would try every depth for itself.
    parts = [
        part
        for part, before in zip(pattern.parts, ("", *pattern.parts), strict=False)
        if part != "**" or before != "**"
    ]
    if "**" not in parts:
        return sorted(map(Path, glob.glob(str(pattern))))
    first = parts.index("**")
    bases = sorted(map(Path, glob.glob(str(Path(*parts[:first]))))) if first else [Path()]
    matches: dict[Path, None] = {}
    for base in bases:
        for path, readable in _walk(base):
            inside = path.relative_to(base).parts
            if not readable or _fits(inside, parts[first:]):
                matches[path] = None
            for depth in range(1, len(inside)):  # a folder that fits means what is below it
                if _fits(inside[:depth], parts[first:]):
                    matches[base / Path(*inside[:depth])] = None
    return sorted(matches)


def _fits(names: Sequence[str], pattern: Sequence[str]) -> bool:
    if not pattern:
        return not names
    if pattern[0] == "**":
        if len(pattern) == 1:
            return not any(name.startswith(".") for name in names)
        return any(
            _fits(names[place:], pattern[1:])
            for place in range(len(names) + 1)
            if not any(name.startswith(".") for name in names[:place])
        )
    hidden = bool(names) and names[0].startswith(".") and not pattern[0].startswith(".")
    return bool(names) and not hidden and fnmatch.fnmatchcase(names[0], pattern[0]) and _fits(names[1:], pattern[1:])
