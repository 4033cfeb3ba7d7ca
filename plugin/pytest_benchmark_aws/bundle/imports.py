"""What a session's tests import: the modules that are loaded, and the imports in the source of tests and project.

No module is loaded to find this out. Each file is the project's, a distribution's or the standard library's, or it is
nobody's, and then an instance would not have it.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import re
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_benchmark_aws.bundle.compiled import is_compiled
from pytest_benchmark_aws.bundle.import_statements import Import, imports_of
from pytest_benchmark_aws.bundle.installed import SELF, canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_benchmark_aws.bundle.installed import Environment

OURS = frozenset({"setuptools", "wheel", "boto3", "botocore", "s3transfer", "moto", "orjson"})
"""Distributions that this plugin or an environment's start loads: shipped only where something else imports them."""
_PACKAGE = Path(__file__).resolve().parents[1]
_NEITHER = sys.stdlib_module_names | {"__main__"}


@dataclass(frozen=True, slots=True)
class Imports:
    """What is imported."""

    project_files: frozenset[Path]
    """The project's, relative to its root."""
    distributions: frozenset[str]
    """Canonical names."""
    strays: Mapping[str, Path]
    """Module -> its file, which is neither the project's nor a distribution's nor the standard library's."""
    outside: Mapping[str, Mapping[str, Path]]
    """Distributions that are installed editable from beside the project: top-level module -> where it starts."""
    renamed: Mapping[str, Path]
    """Top-level modules of the project whose file or folder has another name than they have."""


class Reader:
    """Follows imports from sources through the project's own files."""

    def __init__(self, root: Path, environment: Environment) -> None:
        self._root, self._environment = root.resolve(), environment
        self._standard = [Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")]
        self._project: dict[Path, None] = {}
        self._distributions: set[str] = set()
        self._strays: dict[str, Path] = {}
        self._outside: dict[str, dict[str, Path]] = {}
        self._renamed: dict[str, Path] = {}
        self._inside: dict[Path, bool] = {}

    def read(self, sources: Iterable[Path], loaded: Mapping[str, str], plugins: Sequence[str] = ()) -> Imports:
        """What is imported.

        Args:
            sources: the tests' files and conftests.
            loaded: the modules that are loaded for the project, with their files.
            plugins: modules that pytest is told to load.
        """
        tests = {source.resolve() for source in sources}
        for name, file in loaded.items():
            self._take(name, file, stray=False)
        self._distributions = (self._distributions - OURS) | self._imported_by_others(loaded)
        for name in plugins:
            self._follow(Import(name), None, stray=True, distributions=True)
        done: set[Path] = set()
        reached = dict.fromkeys(tests)
        # First what the tests reach, then what else of the project is loaded: other tests, whose needs are not theirs.
        for theirs in (True, False):
            while todo := [file for file in (reached if theirs else self._project) if file not in done]:
                for source in todo:
                    done.add(source)
                    for imported in imports_of(_text(source)) if source.suffix == ".py" else ():
                        # What the project can do without, and has not loaded, is not shipped for it.
                        wanted = theirs and (source in tests or not imported.guarded)
                        files = self._follow(imported, source, stray=theirs, distributions=wanted)
                        reached.update(dict.fromkeys(files))
        return Imports(
            frozenset(file.relative_to(self._root) for file in self._project),
            frozenset(self._distributions),
            dict(sorted(self._strays.items())),
            self._outside,
            self._renamed,
        )

    def _imported_by_others(self, loaded: Mapping[str, str]) -> set[str]:
        """Of ``OURS``, what the loaded modules of other distributions have imported: cattrs.preconf.orjson orjson."""
        owners = {
            top: name
            for top, names in self._environment.of_top_level.items()
            for name in map(canonical, names)
            if name in OURS and top in sys.modules
        }
        mentions = re.compile("|".join(map(re.escape, owners)) or r"(?!)")
        theirs = [(name, Path(file)) for name, file in loaded.items() if file.endswith(".py")]
        used = set()
        for name, path in theirs:
            owner = self._environment.owner(str(path), name)
            if owner is None or owner in {*OURS, SELF} or not mentions.search(text := _text(path)):
                continue
            tops = {
                (imported.name.partition(".")[0], imported.late) for imported in imports_of(text) if not imported.level
            }
            # What a function of theirs imports may be loaded for this plugin alone.
            used |= {owners[top] for top, late in tops if top in owners and (top in loaded or not late)}
        return used

    def _follow(self, imported: Import, source: Path | None, *, stray: bool, distributions: bool) -> list[Path]:
        """Notes whose the files of an import are; returns those of the project."""
        modules: list[tuple[str, str]] = []
        if imported.level and source is not None:
            folder = source.parents[min(imported.level, len(source.parents)) - 1]
            modules = [("", file) for file in _modules_below([str(folder)], imported.name.split("."))]
            stray = distributions = False
        elif not imported.level and (top := imported.name.partition(".")[0]) not in _NEITHER:
            start, places = _locate(top)
            modules = [] if start is None else [(top, start)]
            modules += [(imported.name, file) for file in _modules_below(places, imported.name.split(".")[1:])]
        files = [self._take(name, file, stray=stray, distributions=distributions) for name, file in modules]
        return [file for file in files if file is not None]

    def _take(self, name: str, file: str, *, stray: bool, distributions: bool = True) -> Path | None:
        """Notes whose a module's file is; returns the file where it is the project's."""
        owner = self._environment.owner(file, name)
        path = Path(file).resolve()
        if owner == SELF or _PACKAGE in path.parents:
            return None  # it is shipped by itself
        if owner is None or self._is_editable_here(owner, path):
            if self._is_project(path):
                self._project[path] = None
                self._note_name(name, path)
                return path
            if stray and not self._is_standard(path):
                self._strays[name.partition(".")[0]] = path
        elif distributions:
            self._distributions.add(owner)
            top, start = _outermost(name, path)
            if self._environment.is_outside(owner, path) and start is not None:
                self._outside.setdefault(owner, {})[top] = start
        return None

    def _is_editable_here(self, owner: str, path: Path) -> bool:
        return self._environment.is_outside(owner, path) and self._is_project(path)

    def _is_project(self, path: Path) -> bool:
        if self._root not in path.parents:
            return False
        folder = path.parent
        if folder not in self._inside:
            self._inside[folder] = not is_environment(folder.relative_to(self._root), self._root)
        return self._inside[folder]

    def _is_standard(self, path: Path) -> bool:
        installed = {"site-packages", "dist-packages"} & set(path.parts)
        return not installed and any(folder in path.parents for folder in self._standard)

    def _note_name(self, name: str, path: Path) -> None:
        if not name or "." in name or path.stem == "conftest" or name == "__main__":
            return
        if name != (path.parent.name if path.name == "__init__.py" else path.name.partition(".")[0]):
            self._renamed[name] = path


def loaded_modules(but: frozenset[str]) -> dict[str, str]:
    """The modules of this process that have a file, with it; those named in ``but`` aside."""
    files = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and name not in but:
            files[name] = os.path.abspath(file)
    return files


def mapped_libraries() -> dict[str, str]:
    """The compiled libraries that this process has mapped, as by ctypes, which no module names; on Linux alone."""
    try:
        lines = Path("/proc/self/maps").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return {}
    paths = {line.partition("/")[2] for line in lines if "/" in line}  # proc(5): the path is what stands last
    return {f"/{path}": f"/{path}" for path in sorted(paths) if is_compiled(path)}


def is_environment(inside: Path, root: Path) -> bool:
    """Whether a path lies in a virtual environment within the project, or in a hidden folder."""
    folders = [root.joinpath(*inside.parts[: n + 1]) for n in range(len(inside.parts))]
    return any(
        folder.name.startswith(".") or (folder / "pyvenv.cfg").exists() or (folder / "conda-meta").is_dir()
        for folder in folders
    )


def _outermost(name: str, path: Path) -> tuple[str, Path | None]:
    """The outermost regular package that holds a module's file, and its ``__init__.py``; or the module itself."""
    parts = name.split(".")
    start, top = path, name
    folder = path.parent if path.name != "__init__.py" else path.parent.parent
    depth = len(parts) - 1
    while depth > 0 and (folder / "__init__.py").exists():
        start, top = folder / "__init__.py", ".".join(parts[:depth])
        folder, depth = folder.parent, depth - 1
    return top, start


def _locate(top: str) -> tuple[str | None, list[str]]:
    """The file of a top-level module, and the folders of its submodules; None and none where there is no such."""
    module = sys.modules.get(top)
    if module is not None:
        file = getattr(module, "__file__", None)
        places = [str(place) for place in getattr(module, "__path__", ())]
        return (os.path.abspath(file) if isinstance(file, str) else None), places
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return None, []
    if spec is None:
        return None, []
    origin = spec.origin if spec.has_location else None
    return origin, list(spec.submodule_search_locations or ())


def _modules_below(places: Sequence[str], parts: Sequence[str]) -> Iterator[str]:
    """The files of a package's submodules along a dotted name, as far as there are any; nothing is loaded."""
    for part in parts:
        spec = importlib.machinery.PathFinder.find_spec(part, list(places)) if part and places else None
        if spec is None:
            return
        if spec.has_location and spec.origin:
            yield spec.origin
        places = list(spec.submodule_search_locations or ())


def _text(file: Path) -> str:
    try:
        return importlib.util.decode_source(file.read_bytes())
    except (OSError, SyntaxError, UnicodeDecodeError):
        return ""
