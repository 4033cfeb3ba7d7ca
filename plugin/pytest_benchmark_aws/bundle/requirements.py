"""What is to be installed on an instance: what the tests import and the project declares, as it is installed here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_benchmark_aws.bundle.declared import Need, declared, needs, read_requirements
from pytest_benchmark_aws.bundle.imports import OURS
from pytest_benchmark_aws.bundle.installed import (
    SELF,
    BuiltWheel,
    Environment,
    build_wheel,
    canonical,
    changed_files,
    direct_url,
    from_index,
    in_tree,
    is_editable,
    module_files,
    origin_folder,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib import metadata

    from pytest_benchmark_aws.bundle.imports import Imports
    from pytest_benchmark_aws.bundle.project import Project
    from pytest_benchmark_aws.bundle.wheels import Target

_ALWAYS = ("pip", "pytest", "pytest-benchmark")


@dataclass(frozen=True, slots=True)
class Installation:
    """What pip is asked for."""

    lines: tuple[str, ...]
    """As in a requirements file: of the file that was named, and the pins."""
    complete: bool
    """Whether nothing but the lines is needed; else pip chooses what they need in turn."""
    missing: tuple[str, ...] = ()
    """Names that the project declares and that are not installed here, so that no version is known."""
    optional: tuple[str, ...] = ()
    """Of these, those that only its groups and extras for tests name."""
    pins: tuple[str, ...] = ()
    """Of the lines, those that pin what is installed here."""
    file: Path | None = None
    """The requirements file that was named."""
    built: tuple[BuiltWheel, ...] = ()
    """Wheels of installed files that no index has."""
    notes: tuple[str, ...] = ()
    """Sentences on what is shipped otherwise than by an index."""
    fingerprint: str = ""
    """Of the installed files that the index's wheels must agree with."""
    installed: Mapping[str, metadata.Distribution] = field(default_factory=dict)
    """The pinned distributions, by canonical name."""


def installation(project: Project, target: Target, imports: Imports | None = None) -> Installation:
    """What a guest of the target needs: what is imported, declared and plugged in here, and the files that were named.

    Raises:
        PlanError: a named file cannot be read, or the files of a distribution that no index has do not run there.
    """
    environment = Environment()
    markers = target.environment()
    file = project.requirements or project.more_requirements
    named = _of_the_file(project)
    own = {need.name for need in needs(named, markers)}
    roots, missing, optional = set[Need](), list[str](), list[str]()
    if project.requirements is None:
        wanted = declared(project.root, environment, markers)
        missing = sorted({need.name for need in wanted} - set(environment.distributions) - own)
        if missing:
            required = {need.name for need in declared(project.root, environment, markers, groups=False)}
            optional = [name for name in missing if name not in required]
        seen = {*project.imported, *project.plugins}
        reached = imports.distributions if imports is not None else frozenset()
        roots = {Need(canonical(name)) for name in (seen - OURS) | reached if canonical(name) not in OURS - reached}
        roots |= wanted
    chosen = {name: dist for name, dist in closure(roots, target, environment).items() if name not in own}
    built, notes = _built(project, chosen, target, imports)
    names = {wheel.file_name.partition("-")[0].replace("_", "-") for wheel in built}
    pinned = {name: dist for name, dist in chosen.items() if not is_local(dist) and name not in names}
    lines = _pinned({name: dist.version for name, dist in sorted(pinned.items())})
    texts = [(name, dist.read_text("RECORD") or "") for name, dist in sorted(pinned.items())]
    return Installation(
        lines=(*named, *lines),
        complete=file is None,
        missing=tuple(missing),
        optional=tuple(optional),
        pins=lines,
        file=file,
        built=tuple(built),
        notes=tuple(notes),
        fingerprint=hashlib.sha256(repr(texts).encode()).hexdigest(),
        installed=pinned,
    )


def names(project: Project, target: Target, name: str) -> bool:
    """Whether the requirements file that was named has a distribution for the target.

    Raises:
        PlanError: it cannot be read.
    """
    return any(need.name == name for need in needs(_of_the_file(project), target.environment()))


def _of_the_file(project: Project) -> list[str]:
    file = project.requirements or project.more_requirements
    if file is None:
        return []
    option = "--aws-requirements" if project.requirements is None else "--aws-requirements or its -only- twin"
    return [line.requirement for line in read_requirements(file, option) if not line.constraint]


def _built(
    project: Project, chosen: Mapping[str, metadata.Distribution], target: Target, imports: Imports | None
) -> tuple[list[BuiltWheel], list[str]]:
    """Wheels of what no index has as it is here, and sentences on them."""
    wheels, notes = [], []
    reached = frozenset() if imports is None else imports.distributions
    for name, dist in chosen.items():
        title = f"{dist.metadata['Name']} {dist.version}"
        if is_editable(dist):
            outside = {} if imports is None else imports.outside.get(name, {})
            if outside:
                wheels.append(build_wheel(dist, target, module_files(outside.items())))
                notes.append(f"{title} is installed editable: shipped as its files are in {origin_folder(dist)}")
            continue
        folder = origin_folder(dist)
        if from_index(dist):
            changed = changed_files(dist)
            if changed:
                wheels.append(build_wheel(dist, target))
                more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
                notes.append(f"{title} is not as it was installed ({changed[0]}{more}): shipped as it is here")
        elif imports is not None and folder is not None and name not in reached and folder.resolve() == project.root:
            continue  # the project's own files are imported in its place
        elif imports is not None:
            wheels.append(build_wheel(dist, target))
            origin = (direct_url(dist) or {}).get("url")
            notes.append(f"{title} was installed from {origin}: shipped as it is here")
            changed = changed_files(dist)
            if changed:
                notes.append(f"{title} is not as it was installed ({changed[0]})")
    return wheels, notes


def closure(roots: Iterable[Need], target: Target, environment: Environment) -> dict[str, metadata.Distribution]:
    """The distributions of the roots, what pytest itself needs, and all that they require on the target."""
    from packaging.requirements import InvalidRequirement, Requirement

    chosen: dict[str, metadata.Distribution] = {}
    queue = [*map(Need, _ALWAYS), *roots]
    seen = set()
    while queue:
        need = queue.pop()
        dist = environment.distributions.get(need.name)
        if need in seen or dist is None or need.name == SELF:
            continue
        seen.add(need)
        chosen[need.name] = dist
        for text in dist.requires or ():
            try:
                requirement = Requirement(text)
            except InvalidRequirement:  # of old metadata; pip would not install it today
                continue
            if requirement.marker is None or any(
                requirement.marker.evaluate({**target.environment(), "extra": extra}) for extra in ("", *need.extras)
            ):
                queue.append(Need(canonical(requirement.name), tuple(sorted(requirement.extras))))
    return chosen


def is_local(dist: metadata.Distribution) -> bool:
    """Whether a distribution was installed from a folder (PEP 610), so that no index has it."""
    origin = direct_url(dist)
    return in_tree(dist) or (origin is not None and "dir_info" in origin and not from_index(dist))


def _pinned(versions: dict[str, str]) -> tuple[str, ...]:
    return tuple(f"{name}=={version}" for name, version in versions.items())
