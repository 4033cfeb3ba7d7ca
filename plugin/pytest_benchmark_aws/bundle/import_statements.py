"""The import statements in a source, and the calls that import a module by its name."""

from __future__ import annotations

import ast
import warnings
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_BY_NAME = frozenset({"import_module", "importorskip", "__import__"})
"""Functions whose first argument, where it is a text, is a module's name."""
_MISSING = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


@dataclass(frozen=True, slots=True)
class Import:
    """A module that a source names."""

    name: str
    """``pkg.module``; of a relative import, without the dots."""
    level: int = 0
    """The dots of a relative import."""
    guarded: bool = False
    """Whether its absence is expected there: ``try: import x`` with ``except ImportError``."""
    late: bool = False
    """Whether it is within a function, so that its module may be loaded without it."""


def imports_of(source: str) -> set[Import]:
    """The imports in a source at any depth, but for those for type checkers alone; none where it has a syntax error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape has been warned of when pytest read the file
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return set()
    return set(_walk(tree))


def _walk(tree: ast.AST) -> Iterator[Import]:
    nodes: deque[tuple[ast.AST, bool, bool]] = deque([(tree, False, False)])
    while nodes:
        node, guarded, late = nodes.popleft()
        late = late or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, guarded=guarded, late=late) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if base:
                yield Import(base, node.level, guarded, late)
            # What is imported from a package may be a module of it.
            names = (f"{base}.{alias.name}".lstrip(".") for alias in node.names if alias.name != "*")
            yield from (Import(name, node.level, True, late) for name in names)
        elif isinstance(node, ast.Call):
            yield from _named_in_call(node, guarded, late)
        elif isinstance(node, ast.Assign) and any(getattr(goal, "id", "") == "pytest_plugins" for goal in node.targets):
            texts = (item.value for item in ast.walk(node.value) if isinstance(item, ast.Constant))
            yield from (Import(text) for text in texts if isinstance(text, str))
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            nodes.extend((child, guarded, late) for child in node.orelse)
            continue
        if isinstance(node, ast.Try) and any(_expects_absence(handler) for handler in node.handlers):
            nodes.extend((child, True, late) for child in node.body)
            rest = [*node.handlers, *node.orelse, *node.finalbody]
            nodes.extend((child, guarded, late) for child in rest)
            continue
        nodes.extend((child, guarded, late) for child in ast.iter_child_nodes(node))


def _named_in_call(node: ast.Call, guarded: bool, late: bool) -> Iterator[Import]:
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name in _BY_NAME and node.args and isinstance(node.args[0], ast.Constant):
        text = node.args[0].value
        if isinstance(text, str) and text and not text.startswith("."):
            yield Import(text, guarded=guarded or name == "importorskip", late=late)


def _expects_absence(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    return any(getattr(node, "id", "") in _MISSING for node in ast.walk(handler.type))
