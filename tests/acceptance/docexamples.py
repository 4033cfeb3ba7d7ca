"""The examples of the documentation, as they are written: blocks between fences, and the commands in them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = {
    "asv",
    "bencher",
    "git",
    "pip",
    "pytest",
    "pytest-benchmark",
    "pytest-benchmark-aws",
    "python",
    "python3",
    "tox",
}
"""First words of lines that are meant to be typed, in a block that names no language."""
FENCE = re.compile(r"(?P<indent> *)(?P<fence>```+|~~~+)(?P<language>[\w-]*) *")
SHELLS = {"sh", "bash", "shell", "console"}


@dataclass(frozen=True, slots=True)
class Command:
    """A line that is meant to be typed, continuations joined, without its comment."""

    text: str
    line: int
    """In the file."""
    output: tuple[str, ...] = ()
    """What the documentation shows below it."""


@dataclass(frozen=True, slots=True)
class Example:
    """A block between fences."""

    file: str
    line: int
    """Of its first line, in the file."""
    language: str
    text: str

    @property
    def kind(self) -> str:
        """``shell``, ``output``, or the language."""
        if self.language in SHELLS:
            return "shell"
        if self.language:
            return self.language
        typed = [line for line in self.text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        if typed and (typed[0].startswith("$ ") or all(_is_typed(line) for line in typed)):
            return "shell"
        return "output"

    @property
    def commands(self) -> list[Command]:
        """Of a shell block."""
        lines = self.text.splitlines()
        session = any(line.startswith("$ ") for line in lines)
        found: list[Command] = []
        number = 0
        while number < len(lines):
            first, line = number, lines[number]
            number += 1
            if session and not line.startswith("$ "):
                if found:
                    found[-1] = Command(found[-1].text, found[-1].line, (*found[-1].output, line))
                continue
            while number < len(lines) and (line.endswith("\\") or not _complete(line)):
                line = line.removesuffix("\\") + ("" if line.endswith("\\") else "\n") + lines[number]
                number += 1
            text = _without_comment(line.removeprefix("$ "))
            if text:
                found.append(Command(text, self.line + first))
        return found


def examples(file: Path, root: Path) -> list[Example]:
    """The blocks of a file, in order.

    Raises:
        ValueError: a fence that is never closed.
    """
    found = []
    lines = file.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        match = FENCE.fullmatch(lines[number])
        number += 1
        if not match:
            continue
        start, indent = number, len(match["indent"])
        while number < len(lines) and lines[number].strip() != match["fence"]:
            number += 1
        if number == len(lines):
            raise ValueError(f"{file}:{start}: a fence that is never closed")
        text = "\n".join(line[indent:] if line[:indent].isspace() else line for line in lines[start:number])
        found.append(Example(str(file.relative_to(root)), start + 1, match["language"], text))
        number += 1
    return found


def _is_typed(line: str) -> bool:
    return line.startswith(" ") or line.split(maxsplit=1)[0] in COMMANDS


def _complete(text: str) -> bool:
    """Whether a shell would take the line, as far as its quotes, parentheses and loops go."""
    try:
        words = shlex.split(text.removeprefix("$ "), comments=True)
    except ValueError:
        return False
    return words.count("do") == words.count("done")


def _without_comment(line: str) -> str:
    """The line before a ``#`` that begins a word outside of quotes."""
    quote = ""
    for place, char in enumerate(line):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == "#" and (not place or line[place - 1].isspace()):
            return line[:place].strip()
    return line.strip()
