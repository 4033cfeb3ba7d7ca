"""Reads scripts and modules for what they start and import."""

from __future__ import annotations

import ast
import re
import shlex

KEYWORDS = {"!", "{", "}", "if", "then", "else", "elif", "fi", "while", "until", "do", "done"}


def commands(script: str) -> list[str]:
    """The commands of a shell script in their order, builtins too; here-documents are left out."""
    script = re.sub(r"<<'(\w+)'\n.*?\n\1\n", "\n", script, flags=re.DOTALL)
    found = []
    for line in script.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        starts = True
        for word in lexer:
            if set(word) <= set(";|&()") or word in KEYWORDS:
                starts = True
            elif starts and not re.match(r"\w+=", word):
                found.append(word)
                starts = False
    return found


def embedded_python(script: str) -> str:
    """The program that the script feeds to python3."""
    match = re.search(r"<<'END'\n(.*?)\nEND\n", script, flags=re.DOTALL)
    assert match is not None
    return match[1]


def programs(source: str) -> set[str]:
    """What a Python module starts: the first words of its subprocess and ``run`` calls, traced to their values.

    ``{}`` stands for what is computed; a value that cannot be traced is its source text.
    """
    found = set()
    for function in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)):
        values = {
            target.id: node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            for target, value in [(node.targets[0], node.value)]
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
                assert isinstance(node.value, ast.Tuple)
                pairs = zip(node.targets[0].elts, node.value.elts, strict=True)
                values |= {target.id: value for target, value in pairs if isinstance(target, ast.Name)}
        for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
            if re.fullmatch(r"launch\.run|subprocess\.\w+|os\.(system|popen|exec\w+|spawn\w+)", ast.unparse(call.func)):
                found.add(_trace(call.args[0], values))
    return found


def _trace(node: ast.expr, values: dict[str, ast.expr]) -> str:
    inner: ast.expr | None = None
    if isinstance(node, ast.Name):
        inner = values.get(node.id)
        values = {name: value for name, value in values.items() if name != node.id}
    elif isinstance(node, ast.List):
        inner = node.elts[0]
    elif isinstance(node, ast.Starred):
        inner = node.value
    elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"str", "shutil.which"}:
        inner = node.args[0]
    if inner is not None:
        return _trace(inner, values)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else ast.unparse(node)


def imports(source: str) -> set[str]:
    """The top-level modules that a source imports, its own package aside; it must be Python 3.9."""
    found = set()
    for node in ast.walk(ast.parse(source, feature_version=(3, 9))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module or "")
    return {name.partition(".")[0] for name in found}


def siblings(source: str, inside: str = "") -> set[str]:
    """The modules of its own package that a source imports, which is in the package ``inside`` of it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = inside if node.level == 1 else ""
            names = {node.module} if node.module else {alias.name for alias in node.names}
            found |= {f"{folder}.{name}".lstrip(".") for name in names}
    return found
