"""A guest's result, which nobody here has reason to trust: parsed within bounds, refused where it is not as it must be.

What it may hold is bounded before anything is built of it, so that a result costs memory in proportion to its size.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeGuard

from pytest_benchmark_aws.core.errors import PytestBenchmarkAWSError

SCHEMA = 1
MAX_VALUES = 10_000_000
"""Commas and brackets: what bounds the number of values that a text becomes."""
MAX_DEPTH = 64
MAX_DIGITS = 300
"""Of an integer, so that it is a float too."""
_STARTS = (b"[", b"{", b",")
_TEXTS = {
    "session": ("rootdir",),
    "start": ("nodeid",),
    "test": ("nodeid",),
    "warning": ("nodeid", "when", "category", "text", "filename"),
    "collect-error": ("nodeid", "text"),
}
"""Kind of a line -> its fields that are texts."""


class EnvelopeError(PytestBenchmarkAWSError, ValueError):
    """A result is not as it must be; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A guest's result, checked."""

    outcome: str
    lines: tuple[dict[str, Any], ...]
    """What pytest did there, each with its ``kind``, in order."""
    facts: dict[str, float]
    """Its phases, and what tells how steady the machine was."""


def parse(data: bytes) -> Envelope:
    """The result that these bytes are.

    Raises:
        EnvelopeError: they are none.
    """
    result = _load(data)
    if not _is_mapping(result) or result.get("schema") != SCHEMA:
        raise EnvelopeError(f"it is no result of schema {SCHEMA}")
    _texts(result, ("outcome",), "the result")
    lines: object = result.get("lines")
    facts: dict[str, float] = {}
    for name in ("phases", "validity"):
        part = result.get(name, {})
        if not _is_mapping(part) or not all(_is_number(value) for value in part.values()):
            raise EnvelopeError(f"{name} are no numbers by name")
        facts |= part
    if not isinstance(lines, list):
        raise EnvelopeError("lines are no list")
    return Envelope(result["outcome"], tuple(_line(line, number) for number, line in enumerate(lines, 1)), facts)


def parse_lines(data: bytes) -> tuple[dict[str, Any], ...]:
    """The lines of a checkpoint up to the first that is not whole or not as it must be."""
    lines = []
    for number, text in enumerate(data.splitlines(), 1):
        try:
            lines.append(_line(_load(text), number))
        except EnvelopeError:
            break
    return tuple(lines)


def _load(data: bytes) -> object:
    """The value that a JSON text is, within the bounds above."""
    count = sum(data.count(char) for char in _STARTS)
    if count > MAX_VALUES:
        raise EnvelopeError(f"it holds about {count:,} values, {MAX_VALUES:,} are read")
    try:
        value = json.loads(data, parse_constant=_no_constant, parse_float=_float, parse_int=_int)
    except EnvelopeError:
        raise
    except RecursionError:
        raise EnvelopeError(f"it is nested deeper than {MAX_DEPTH}") from None
    except ValueError as error:
        raise EnvelopeError(f"it is no JSON: {error}") from None
    _check_depth(value)
    return value


def _no_constant(text: str) -> NoReturn:
    raise EnvelopeError(f"{text} is no finite number")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise EnvelopeError(f"{text[:20]} is no finite number")
    return value


def _int(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise EnvelopeError(f"an integer of {len(text):,} digits, {MAX_DIGITS} are read")
    return int(text)


def _check_depth(value: object) -> None:
    """Level by level: nothing here goes as deep as the data."""
    level, depth = [value] if isinstance(value, dict | list) else [], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise EnvelopeError(f"it is nested deeper than {MAX_DEPTH}")
        children = (child for node in level for child in (node.values() if isinstance(node, dict) else node))
        level = [child for child in children if isinstance(child, dict | list)]


def _line(line: object, number: int) -> dict[str, Any]:
    where = f"line {number}"
    if not _is_mapping(line):
        raise EnvelopeError(f"{where} is no object")
    _texts(line, ("kind",), where)
    kind = line["kind"]
    _texts(line, _TEXTS.get(kind, ()), where)
    if kind == "session":
        _mappings(line, ("machine_info",), where)
        _mappings(line.get("machine_info") or {}, ("ec2", "hardware"), f"{where}, machine_info")
    elif kind == "warning" and not _is_number(line.get("lineno")):
        raise EnvelopeError(f"{where}: lineno is no number")
    elif kind == "test":
        for report in _list(line, "reports", where):
            _texts(report, ("nodeid", "outcome", "when", "$report_type"), f"{where}, a report")
        for bench in _list(line, "benchmarks", where):
            _benchmark(bench, f"{where}, a benchmark")
    return line


def _benchmark(bench: dict[str, Any], where: str) -> None:
    _texts(bench, ("name", "fullname"), where)
    _mappings(bench, ("options", "params", "extra_info"), where)
    stats = bench.get("stats")
    if not _is_mapping(stats):
        raise EnvelopeError(f"{where}: stats are no object")
    rounds = stats.get("data")
    if not isinstance(rounds, list) or not all(map(_is_number, rounds)):
        raise EnvelopeError(f"{where}: stats.data are no numbers")
    for name in ("median", "iterations"):
        if not _is_number(stats.get(name)):
            raise EnvelopeError(f"{where}: stats.{name} is no number")


def _texts(fields: Mapping[str, Any], names: Iterable[str], where: str) -> None:
    for name in names:
        if not isinstance(fields.get(name), str):
            raise EnvelopeError(f"{where}: {name} is no text")


def _mappings(fields: Mapping[str, Any], names: Iterable[str], where: str) -> None:
    for name in names:
        if fields.get(name) is not None and not _is_mapping(fields[name]):
            raise EnvelopeError(f"{where}: {name} is no object")


def _list(fields: Mapping[str, Any], name: str, where: str) -> list[dict[str, Any]]:
    values = fields.get(name)
    if not isinstance(values, list) or not all(map(_is_mapping, values)):
        raise EnvelopeError(f"{where}: {name} are no objects")
    return values


def _is_mapping(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
