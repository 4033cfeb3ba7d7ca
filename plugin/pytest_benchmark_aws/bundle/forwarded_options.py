"""How pytest is started on an instance: the arguments that it gets there, and the folders that imports start from."""

from __future__ import annotations

import itertools
import re
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_benchmark_aws.bundle.imports import is_environment
from pytest_benchmark_aws.bundle.project import relative

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
    "--stepwise-reset": 0, "--cov-fail-under": 1, "--cov-report": 1,
}  # fmt: skip
_OUR_FLAGS = frozenset(
    f"--aws{name}" for name in ("", "-dry-run", "-show-bundle", "-detach", "-spot-fallback", "-allow-burstable")
)


def guest_args(words: Sequence[str], paths: Iterable[str], ini_file: str | None, root: str = ".") -> list[str]:
    """The arguments on an instance, node ids aside: what finds the same rootdir and ini file, and what is forwarded.

    ``words`` is this session's command line with the ini file's ``addopts`` before it, ``paths`` what pytest took of it
    for paths and node ids; ``ini_file`` and ``root``, the rootdir, are relative to the folder that pytest runs in.
    """
    args = [f"--rootdir={root}", "--color=no", "-rN", "-p", "pytest_benchmark_aws.guest.checkpoint"]
    if ini_file is not None:
        args += ["-c", ini_file]
    args += ["-o", "addopts="]  # they are among the words, and are not to be read again there
    return args + _forwarded(words, paths)


def _forwarded(words: Sequence[str], paths: Iterable[str]) -> list[str]:
    """The words without paths and without what is this session's business, arguments of such options included."""
    forwarded: list[str] = []
    positional, rest = set(paths), deque(words)
    while rest:
        word = rest.popleft()
        name, sign, _ = word.partition("=")
        if name.startswith("--aws"):
            takes = int(name not in _OUR_FLAGS)
        elif name in _OURS:
            takes = _OURS[name]
        else:
            if word in {"-o", "--override-ini"} and rest and rest[0].partition("=")[0].strip() == "addopts":
                rest.popleft()
                continue
            together = re.fullmatch(r"(-[vqsxl]+)[kmnc](.*)", word, re.DOTALL)  # -xk EXPR is -x -k EXPR
            if together:
                forwarded.append(together[1])
                if not together[2] and rest:
                    rest.popleft()
                continue
            # -kEXPR and -n2 are ours too
            if word.startswith(("-oaddopts=", "--override-ini=addopts=")):
                continue
            if not (word in positional or (word[:2] in {"-k", "-m", "-n", "-c"} and not word.startswith("--"))):
                forwarded.append(word)
            continue
        for _ in range(0 if sign else abs(takes)):
            if rest and (takes > 0 or not rest[0].startswith("-")):
                rest.popleft()
    return forwarded


def named_plugins(words: Sequence[str]) -> tuple[str, ...]:
    """The modules that ``-p`` names, entry points among them."""
    following = [after for word, after in itertools.pairwise(words) if word == "-p"]
    joined = [word[2:] for word in words if word.startswith("-p") and not word.startswith("--") and len(word) > 2]
    return tuple(name for name in (*following, *joined) if not name.startswith("no:"))


def import_paths(root: Path) -> list[str]:
    """Folders of the project, relative to its root, that imports here start from: flat, src, or any other layout."""
    folders: dict[str, None] = {}
    for entry in sys.path:
        inside = relative(Path(entry), root) if entry else None
        if inside is not None and not is_environment(inside, root):
            folders[str(inside)] = None
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not file or "." in name or name == "__main__":
            continue
        inside = relative(Path(file), root)
        if inside is None or is_environment(inside, root) or inside.stem == "conftest":
            continue
        # Where the module's own name starts: the parent of a package, the folder of a module.
        start = inside.parent.parent if inside.name == "__init__.py" else inside.parent
        top = inside.parent.name if inside.name == "__init__.py" else inside.stem
        if top == name:
            folders[str(start)] = None
    return list(folders)
