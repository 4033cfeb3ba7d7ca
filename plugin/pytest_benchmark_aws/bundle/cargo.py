"""What goes to an instance: the project, this plugin, the wheels, and the command line that pytest gets there."""

from __future__ import annotations

import os
import shlex
import sys
from collections import deque
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_benchmark_aws.bundle import wheels
from pytest_benchmark_aws.bundle.project import SHIPPED, Archive, bundle_project, untracked_files
from pytest_benchmark_aws.core.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pytest

    from pytest_benchmark_aws.core.settings import Settings

# What selects, reports, saves or starts elsewhere is this session's business; with so many arguments, or, where the
# number is negative, at most so many.
_OURS = {
    "-k": 1, "-m": 1, "--lf": 0, "--last-failed": 0, "--ff": 0, "--failed-first": 0, "--nf": 0, "--new-first": 0,
    "--sw": 0, "--stepwise": 0, "--sw-skip": 0, "--stepwise-skip": 0, "--cache-clear": 0, "--junitxml": 1,
    "--junit-xml": 1, "--junit-prefix": 1, "--pdb": 0, "--trace": 0, "-n": 1, "--rootdir": 1, "-c": 1,
    "--config-file": 1, "--basetemp": 1, "--ignore": 1, "--ignore-glob": 1, "--deselect": 1, "--confcutdir": 1,
    "--collect-only": 0, "--co": 0, "--color": 1, "--benchmark-save": 1, "--benchmark-autosave": 0,
    "--benchmark-compare-fail": -9, "--benchmark-storage": 1, "--benchmark-histogram": -1, "--benchmark-json": 1,
    "--benchmark-save-data": 0, "--benchmark-compare": -1, "--pyargs": 0, "--log-file": 1, "--dist": 1,
    "--numprocesses": 1, "--maxprocesses": 1, "--tx": 1, "--collectonly": 0, "--junitprefix": 1, "--sw-reset": 0,
    "--stepwise-reset": 0,
}  # fmt: skip


_OUR_FLAGS = frozenset(
    f"--aws{name}" for name in ("", "-dry-run", "-show-bundle", "-detach", "-spot-fallback", "-allow-burstable")
)


@dataclass(frozen=True, slots=True)
class Cargo:
    """What is the same for every launch of one architecture."""

    project: Archive
    wheels: wheels.Wheels
    python: str
    packages: tuple[str, ...]
    args: tuple[str, ...]
    sys_path: tuple[str, ...]
    notes: tuple[str, ...]


def load(
    config: pytest.Config,
    items: Sequence[pytest.Item],
    settings: Settings,
    arch: str,
    imported: frozenset[str],
    *,
    local: bool,
) -> Cargo:
    """Puts together what an instance of that architecture gets.

    Raises:
        PlanError: a test file is not shipped, or there is no wheel for the architecture.
    """
    root = config.rootpath
    python, _ = wheels.guest_python(local)
    target = wheels.Target(python, arch, local)
    needed = {path for item in items if (path := _relative(item.path, root)) is not None}
    found_wheels, missing = _wheels(config, settings, target, imported)
    notes: list[str] = []
    if missing:
        notes.append(f"required by the project and not installed here, so not shipped: {', '.join(missing)}")
    left = [file for file in untracked_files(root) if file.suffix == ".py"]
    if left:
        shown = ", ".join(map(str, left[:3])) + (f" and {len(left) - 3} more" if len(left) > 3 else "")
        notes.append(f"not tracked by git, so not shipped: {shown}; git add what the benchmarks need")
    if _relative(Path.cwd(), root) is None:
        raise PlanError(f"the rootdir {root} does not hold the working directory {Path.cwd()}: run pytest inside it")
    return Cargo(
        project=bundle_project(root, needed, extra_files()),
        wheels=found_wheels,
        python=python,
        packages=(f"python{python}", "libgomp"),  # LightGBM's and scikit-learn's wheels need the latter there
        args=_hooked(config),
        sys_path=tuple(import_paths(root)),
        notes=tuple(notes),
    )


def _hooked(config: pytest.Config) -> tuple[str, ...]:
    args = guest_args(config)
    config.hook.pytest_benchmark_aws_guest_args(config=config, args=args)
    return tuple(args)


def guest_args(config: pytest.Config) -> list[str]:
    """The command line of this session without what is its own, and with what finds the same rootdir and ini file."""
    given = [*shlex.split(os.environ.get("PYTEST_ADDOPTS", "")), *map(str, config.invocation_params.args)]
    args = ["--rootdir=.", "--color=no", "-rN", "-p", "pytest_benchmark_aws.guest.checkpoint"]
    if config.inipath is not None and config.inipath.parent == config.rootpath:
        args += ["-c", config.inipath.name]
    return args + _forwarded(given, set(config.args))


def _forwarded(given: Sequence[str], positional: Iterable[str]) -> list[str]:
    kept: list[str] = []
    ours, words = set(positional), deque(given)
    while words:
        word = words.popleft()
        name, sign, _ = word.partition("=")
        if name.startswith("--aws"):
            takes = int(name not in _OUR_FLAGS)
        elif name in _OURS:
            takes = _OURS[name]
        else:
            # -kEXPR and -n2 are ours too
            if not (word in ours or (word[:2] in {"-k", "-m", "-n", "-c"} and not word.startswith("--"))):
                kept.append(word)
            continue
        for _ in range(0 if sign else abs(takes)):
            if words and (takes > 0 or not words[0].startswith("-")):
                words.popleft()
    return kept


def import_paths(root: Path) -> list[str]:
    """Folders of the project, relative to its root, that imports here start from: flat, src, or any other layout."""
    found: dict[str, None] = {}
    for entry in sys.path:
        inside = _relative(Path(entry), root) if entry else None
        if inside is not None and not _environment(inside, root):
            found[str(inside)] = None
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not file or "." in name or name == "__main__":
            continue
        inside = _relative(Path(file), root)
        if inside is None or _environment(inside, root) or inside.stem == "conftest":
            continue
        # Where the module's own name starts: the parent of a package, the folder of a module.
        start = inside.parent.parent if inside.name == "__init__.py" else inside.parent
        top = inside.parent.name if inside.name == "__init__.py" else inside.stem
        if top == name:
            found[str(start)] = None
    return list(found)


def _environment(inside: Path, root: Path) -> bool:
    """Whether a path lies in a virtual environment within the project, or in a hidden folder."""
    folders = [root.joinpath(*inside.parts[: n + 1]) for n in range(len(inside.parts))]
    return any(folder.name.startswith(".") or (folder / "pyvenv.cfg").exists() for folder in folders)


def extra_files() -> dict[str, Path]:
    """This plugin's files, and what makes pytest find the plugins that the project itself is (their metadata)."""
    package = Path(__file__).parents[1]
    found = {
        f"pytest_benchmark_aws/{path.relative_to(package).as_posix()}": path
        for path in sorted(package.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and path.suffix in {".py", ".csv", ".sh", ".typed"}
    }
    for dist in metadata.distributions():
        name = dist.metadata["Name"]
        if name != wheels.SELF and not wheels.is_local(dist):
            continue
        folder = f"{name.replace('-', '_')}-{dist.version}.dist-info"
        for file in dist.files or ():
            if file.name in {"METADATA", "entry_points.txt"} and file.parent.name.endswith(".dist-info"):
                found[f"{folder}/{file.name}"] = Path(str(dist.locate_file(file)))
    return found


def _wheels(
    config: pytest.Config, settings: Settings, target: wheels.Target, imported: frozenset[str]
) -> tuple[wheels.Wheels, list[str]]:
    if settings.requirements is not None:
        if not settings.requirements.is_file():
            raise PlanError(f"--aws-requirements {settings.requirements}: no such file")
        own = [
            line.split("#")[0].strip()
            for line in settings.requirements.read_text(encoding="utf-8").splitlines()
            if line.split("#")[0].strip()
        ]
        pinned = [f"{name}=={version}" for name, version in wheels.pins((), target).items()]
        return wheels.resolve([*own, *pinned], target, with_dependencies=True), []
    from packaging.utils import canonicalize_name

    declared = _declared(config.rootpath)
    installed = {canonicalize_name(dist.metadata["Name"]) for dist in metadata.distributions()}
    missing = sorted(name for name in declared if canonicalize_name(name) not in installed)
    roots = {*_plugins(config), *imported, *declared} - wheels.NEVER | declared
    found = wheels.pins(sorted(roots), target)
    return wheels.resolve([f"{name}=={version}" for name, version in found.items()], target), missing


def _plugins(config: pytest.Config) -> set[str]:
    """Distributions of the plugins that are loaded: the project's options may be theirs."""
    return {str(dist.metadata["Name"]) for _, dist in config.pluginmanager.list_plugin_distinfo()}


def imported_distributions(but: frozenset[str]) -> frozenset[str]:
    """Distributions of the modules that collecting the tests has imported, ``but`` those."""
    owners = metadata.packages_distributions()
    tops = {name.partition(".")[0] for name in list(sys.modules) if name not in but}
    return frozenset(owner for top in tops for owner in owners.get(top, ()))


def _declared(root: Path) -> set[str]:
    """What the project says it needs: its metadata where it is installed, else its files."""
    from packaging.requirements import InvalidRequirement, Requirement

    texts: list[str] = []
    for dist in metadata.distributions():
        if dist.metadata["Name"] == wheels.SELF:
            continue  # this plugin's own repository: what of it runs on an instance needs nothing of AWS
        origin = wheels.direct_url(dist) or {}
        if origin.get("url", "").removeprefix("file://") == str(root):
            texts += dist.requires or []
    if not texts:
        texts = _from_files(root)
    names = set()
    for text in texts:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue  # an option or a URL of a requirements file
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            names.add(requirement.name)
    return names


def _from_files(root: Path) -> list[str]:
    import configparser

    texts: list[str] = []
    if Path(__file__).is_relative_to(root / "plugin"):
        return texts  # the same
    pyproject = root / "pyproject.toml"
    if pyproject.is_file():
        texts += _toml(pyproject).get("project", {}).get("dependencies", [])
    setup = configparser.ConfigParser(interpolation=None)
    setup.read(root / "setup.cfg", encoding="utf-8")
    texts += setup.get("options", "install_requires", fallback="").splitlines()
    requirements = root / "requirements.txt"
    if requirements.is_file():
        texts += requirements.read_text(encoding="utf-8").splitlines()
    return [text.split("#")[0].strip() for text in texts if text.split("#")[0].strip()]


def _toml(path: Path) -> dict[str, dict[str, list[str]]]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # a dependency of pytest there
    data: dict[str, dict[str, list[str]]] = tomllib.loads(path.read_text(encoding="utf-8"))
    return data


def _relative(path: Path, root: Path) -> Path | None:
    try:
        return path.resolve().relative_to(root.resolve())
    except ValueError:
        return None


__all__ = ["SHIPPED", "Cargo", "extra_files", "guest_args", "import_paths", "load"]
