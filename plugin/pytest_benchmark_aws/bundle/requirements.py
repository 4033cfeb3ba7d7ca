"""What is to be installed on an instance: what the project declares and its tests import, as it is installed here."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.core.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_benchmark_aws.bundle.project import Project
    from pytest_benchmark_aws.bundle.wheels import Target

SELF = "pytest-benchmark-aws"
_ALWAYS = ("pip", "pytest", "pytest-benchmark")
NEVER = frozenset({SELF, "setuptools", "wheel", "boto3", "botocore", "s3transfer", "moto", "orjson"})
"""Of these, boto3, its parts and orjson are shipped only where the project itself asks for them."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What pip is asked for."""

    lines: tuple[str, ...]
    """As in a requirements file."""
    complete: bool
    """Whether nothing but the lines is needed; else pip chooses what they need in turn."""
    missing: tuple[str, ...] = ()
    """Names that the project declares and that are not installed here, so that no version is known."""


def installation(project: Project, target: Target) -> Installation:
    """What a guest of the target needs: the file that was named, else what is declared, imported and plugged in here.

    Raises:
        PlanError: the named file does not exist.
    """
    if project.requirements is not None:
        if not project.requirements.is_file():
            raise PlanError(f"--aws-requirements {project.requirements}: no such file")
        lines = _without_comments(project.requirements.read_text(encoding="utf-8").splitlines())
        return Installation((*lines, *_pinned(pins((), target))), complete=False)
    from packaging.utils import canonicalize_name

    names = declared(project.root)
    installed = {canonicalize_name(dist.metadata["Name"]) for dist in metadata.distributions()}
    missing = sorted(name for name in names if canonicalize_name(name) not in installed)
    roots = {*project.plugins, *project.imported, *names} - NEVER | names
    return Installation(_pinned(pins(sorted(roots), target)), complete=True, missing=tuple(missing))


def pins(roots: Iterable[str], target: Target) -> dict[str, str]:
    """Name -> version of the roots and all that they require on the target, as installed here.

    A root that is not installed, or that comes from no index, is left to the caller.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    versions: dict[str, str] = {}
    queue: list[tuple[str, tuple[str, ...]]] = [(name, ()) for name in (*_ALWAYS, *roots)]
    seen = set()
    while queue:
        name, extras = queue.pop()
        key = (canonicalize_name(name), extras)
        if key in seen:
            continue
        seen.add(key)
        try:
            dist = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        if key[0] == SELF:
            continue
        if not is_local(dist):
            versions[key[0]] = dist.version
        for text in dist.requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or any(
                requirement.marker.evaluate({**target.environment(), "extra": extra}) for extra in extras or ("",)
            ):
                queue.append((requirement.name, tuple(sorted(requirement.extras))))
    return dict(sorted(versions.items()))


def imported_distributions(but: frozenset[str]) -> frozenset[str]:
    """Names of the distributions whose modules are imported in this process, modules named in ``but`` aside."""
    owners = metadata.packages_distributions()
    packages = {name.partition(".")[0] for name in list(sys.modules) if name not in but}
    return frozenset(owner for package in packages for owner in owners.get(package, ()))


def declared(root: Path) -> set[str]:
    """Names of what the project says it needs: by its metadata where it is installed, else by its files."""
    from packaging.requirements import InvalidRequirement, Requirement

    texts: list[str] = []
    for dist in metadata.distributions():
        if dist.metadata["Name"] == SELF:
            continue  # this plugin's own repository: what of it runs on an instance needs nothing of AWS
        origin = direct_url(dist) or {}
        if origin.get("url", "").removeprefix("file://") == str(root):
            texts += dist.requires or []
    names = set()
    for text in texts or _from_files(root):
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue  # an option or a URL of a requirements file
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            names.add(requirement.name)
    return names


def is_local(dist: metadata.Distribution) -> bool:
    """Whether a distribution was installed from a folder (PEP 610), so that no index has it."""
    origin = direct_url(dist)
    return origin is not None and "dir_info" in origin


def direct_url(dist: metadata.Distribution) -> dict[str, Any] | None:
    """Where a distribution was installed from, as PEP 610 records it; None where that is an index."""
    text = dist.read_text("direct_url.json")
    return None if text is None else json.loads(text)


def _from_files(root: Path) -> list[str]:
    import configparser

    texts: list[str] = []
    if Path(__file__).is_relative_to(root / "plugin"):
        return texts  # this plugin's own repository again
    pyproject = root / "pyproject.toml"
    if pyproject.is_file():
        texts += _toml(pyproject).get("project", {}).get("dependencies", [])
    setup = configparser.ConfigParser(interpolation=None)
    setup.read(root / "setup.cfg", encoding="utf-8")
    texts += setup.get("options", "install_requires", fallback="").splitlines()
    requirements = root / "requirements.txt"
    if requirements.is_file():
        texts += requirements.read_text(encoding="utf-8").splitlines()
    return _without_comments(texts)


def _without_comments(lines: Iterable[str]) -> list[str]:
    return [text for line in lines if (text := line.split("#")[0].strip())]


def _pinned(versions: dict[str, str]) -> tuple[str, ...]:
    return tuple(f"{name}=={version}" for name, version in versions.items())


def _toml(path: Path) -> dict[str, dict[str, list[str]]]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # a dependency of pytest there
    data: dict[str, dict[str, list[str]]] = tomllib.loads(path.read_text(encoding="utf-8"))
    return data
