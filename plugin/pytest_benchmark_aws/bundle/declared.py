"""What a project declares that it needs: by its metadata where it is installed, and by its files."""

from __future__ import annotations

import ast
import configparser
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_benchmark_aws.bundle.installed import SELF, canonical, origin_folder
from pytest_benchmark_aws.core.errors import PlanError

if TYPE_CHECKING:
    from pytest_benchmark_aws.bundle.installed import Environment

_GROUPS = re.compile(r"(.*[-_.])?(bench|benchmarks?|perf|performance|tests?|testing)([-_.].*)?", re.IGNORECASE)
"""Names of extras and dependency groups that benchmarks may need; a group of tools for development need not run."""

_Wanted: TypeAlias = "Callable[[str], object]"
"""Whether a group of that name is."""


@dataclass(frozen=True, slots=True)
class Need:
    """A distribution that is asked for, with its extras."""

    name: str
    """Canonical."""
    extras: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileLine:
    """A line of a requirements file, as pip reads it."""

    requirement: str
    constraint: bool


def declared(root: Path, environment: Environment, markers: Mapping[str, str], *, groups: bool = True) -> set[Need]:
    """What the project needs on a machine of these markers: its dependencies, and its extras and groups for tests.

    Without ``groups`` the dependencies alone.

    Raises:
        PlanError: ``requirements.txt`` or ``pyproject.toml`` cannot be read.
    """
    wanted: _Wanted = _GROUPS.fullmatch if groups else lambda _: None
    texts: list[str] = []
    for dist in environment.distributions.values():
        folder = origin_folder(dist)
        if canonical(dist.metadata["Name"]) != SELF and folder is not None and folder.resolve() == root.resolve():
            extras = [extra for extra in dist.metadata.get_all("Provides-Extra") or () if wanted(extra)]
            texts += [line for text in dist.requires or () for line in _of_extras(text, extras, markers)]
    if not Path(__file__).is_relative_to(root / "plugin"):  # what of this repository runs there needs nothing of AWS
        texts += _from_files(root, wanted, declares=not texts)
    return {need for text in texts for need in needs((text,), markers)}


def needs(texts: Iterable[str], markers: Mapping[str, str]) -> Iterator[Need]:
    """The named requirements whose markers hold; what has no name, as a path, is left out."""
    from packaging.requirements import InvalidRequirement, Requirement

    for text in texts:
        egg = re.search(r"#egg=([A-Za-z0-9._-]+)", text)
        try:
            requirement = Requirement(egg[1] if egg else text)
        except InvalidRequirement:
            continue
        if requirement.marker is None or requirement.marker.evaluate({"extra": "", **markers}):
            yield Need(canonical(requirement.name), tuple(sorted(requirement.extras)))


def read_requirements(path: Path, option: str) -> list[FileLine]:
    """A requirements file with all that it includes, by pip's own parser: encodings, ``-r``, ``-c``, hashes.

    Raises:
        PlanError: pip cannot read it, in pip's words.
    """
    from pip._internal.exceptions import PipError
    from pip._internal.network.session import PipSession
    from pip._internal.req.req_file import parse_requirements

    if not path.is_file():
        raise PlanError(f"{option} {path}: no such file")
    try:
        lines = list(parse_requirements(str(path), session=PipSession()))
    except (PipError, OSError, UnicodeError) as error:
        raise PlanError(f"{option} {path}: pip cannot read it: {error}") from error
    return [FileLine(_without_marks(line.requirement), line.constraint) for line in lines]


def _without_marks(text: str) -> str:
    return text.lstrip("\ufeff").strip()


def _of_extras(text: str, extras: list[str], markers: Mapping[str, str]) -> list[str]:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return []
    marker, requirement.marker = requirement.marker, None
    wanted = marker is None or any(marker.evaluate({**markers, "extra": extra}) for extra in ("", *extras))
    return [str(requirement)] if wanted else []


def _from_files(root: Path, wanted: _Wanted, *, declares: bool) -> list[str]:
    """Texts of requirements; of the project's own declaration only where it is not installed, so that it counts."""
    texts: list[str] = []
    pyproject = root / "pyproject.toml"
    document = _toml(pyproject) if pyproject.is_file() else {}
    if declares:
        project = _table(document, "project")
        texts += _texts(project.get("dependencies"))
        for name, group in _table(project, "optional-dependencies").items():
            texts += _texts(group) if wanted(name) else []
        texts += _poetry(_table(_table(document, "tool"), "poetry"), wanted)
        texts += _setup_files(root, wanted)
    groups = _table(document, "dependency-groups")
    for name in groups:
        texts += _group(groups, name, ()) if wanted(name) else []
    for name, group in _table(_table(_table(document, "tool"), "pdm"), "dev-dependencies").items():
        texts += _texts(group) if wanted(name) else []
    requirements = root / "requirements.txt"
    if requirements.is_file():
        texts += [line.requirement for line in read_requirements(requirements, "the project's") if not line.constraint]
    return texts


def _group(groups: Mapping[str, Any], name: str, within: tuple[str, ...]) -> list[str]:
    """A dependency group with those that it includes (PEP 735)."""
    texts = []
    for item in groups.get(name) or () if name not in within else ():
        if isinstance(item, str):
            texts.append(item)
        elif isinstance(item, dict) and isinstance(item.get("include-group"), str):
            texts += _group(groups, item["include-group"], (*within, name))
    return texts


def _poetry(table: Mapping[str, Any], wanted: _Wanted) -> list[str]:
    """Poetry's own tables (its documentation, "The pyproject.toml file"), names and extras alone."""
    tables = [_table(table, "dependencies")]
    groups = _table(table, "group")
    tables += [_table(_table(groups, name), "dependencies") for name in groups if wanted(name)]
    texts = []
    for dependencies in tables:
        for name, value in dependencies.items():
            details = value if isinstance(value, dict) else {}
            if name.lower() != "python" and not details.get("optional"):
                extras = ",".join(_texts(details.get("extras")))
                texts.append(f"{name}[{extras}]" if extras else name)
    return texts


def _setup_files(root: Path, wanted: _Wanted) -> list[str]:
    texts: list[str] = []
    setup = configparser.ConfigParser(interpolation=None)
    try:
        setup.read(root / "setup.cfg", encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return texts  # pytest has read it, or it is not used
    texts += setup.get("options", "install_requires", fallback="").splitlines()
    for name, group in setup.items("options.extras_require") if setup.has_section("options.extras_require") else ():
        texts += group.splitlines() if wanted(name) else []
    try:
        tree = ast.parse((root / "setup.py").read_bytes())
    except (OSError, SyntaxError, ValueError):
        tree = ast.Module([], [])
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "install_requires":
            texts += [str(item.value) for item in ast.walk(node.value) if isinstance(item, ast.Constant)]
    return [line for text in texts if (line := text.split("#")[0].strip())]


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _toml(path: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # a dependency of pytest there
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise PlanError(f"{path}: cannot be read: {error}") from error
