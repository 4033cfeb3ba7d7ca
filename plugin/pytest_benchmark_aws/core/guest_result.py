"""A guest's result, which nobody here has reason to trust: parsed within bounds, refused where it is not as it must be.

What it may hold is bounded before anything is built of it, so that a result costs memory in proportion to its size.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeGuard

from pytest_benchmark_aws.core.errors import PytestBenchmarkAWSError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
"""Kind of line -> what of it is text."""


class EnvelopeError(PytestBenchmarkAWSError, ValueError):
    """A result is not as it must be; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a guest delivered."""

    outcome: str
    lines: tuple[dict[str, Any], ...]
    facts: dict[str, float]
    """Its phases, and what tells how steady the machine was."""


def parse(data: bytes) -> Envelope:
    """The result that these bytes are.

    Raises:
        EnvelopeError: they are none.
    """
    found = _load(data)
    if not _is_mapping(found) or found.get("schema") != SCHEMA:
        raise EnvelopeError(f"it is no result of schema {SCHEMA}")
    _texts(found, ("outcome",), "the result")
    lines: object = found.get("lines")
    facts: dict[str, float] = {}
    for name in ("phases", "validity"):
        part = found.get(name, {})
        if not _is_mapping(part) or not all(_is_number(value) for value in part.values()):
            raise EnvelopeError(f"{name} are no numbers by name")
        facts |= part
    if not isinstance(lines, list):
        raise EnvelopeError("lines are no list")
    return Envelope(found["outcome"], tuple(_line(line, number) for number, line in enumerate(lines, 1)), facts)


def parse_lines(data: bytes) -> tuple[dict[str, Any], ...]:
    """The lines of a checkpoint up to the first that is not whole or not as it must be."""
    found = []
    for number, text in enumerate(data.splitlines(), 1):
        try:
            found.append(_line(_load(text), number))
        except EnvelopeError:
            break
    return tuple(found)


def _load(data: bytes) -> object:
    count = sum(data.count(char) for char in _STARTS)
    if count > MAX_VALUES:
        raise EnvelopeError(f"it holds about {count:,} values, {MAX_VALUES:,} are read")
    try:
        found = json.loads(data, parse_constant=_no_constant, parse_float=_float, parse_int=_int)
    except EnvelopeError:
        raise
    except RecursionError:
        raise EnvelopeError(f"it is nested deeper than {MAX_DEPTH}") from None
    except ValueError as error:
        raise EnvelopeError(f"it is no JSON: {error}") from None
    _check_depth(found)
    return found


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


def _check_depth(found: object) -> None:
    """Level by level: nothing here goes as deep as the data."""
    level, depth = [found], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise EnvelopeError(f"it is nested deeper than {MAX_DEPTH}")
        values = (value for one in level for value in _values(one))
        level = [value for value in values if isinstance(value, dict | list)]


def _values(one: object) -> Iterable[object]:
    return one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()


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


def _texts(one: Mapping[str, Any], names: Iterable[str], where: str) -> None:
    for name in names:
        if not isinstance(one.get(name), str):
            raise EnvelopeError(f"{where}: {name} is no text")


def _mappings(one: Mapping[str, Any], names: Iterable[str], where: str) -> None:
    for name in names:
        if one.get(name) is not None and not _is_mapping(one[name]):
            raise EnvelopeError(f"{where}: {name} is no object")


def _list(one: Mapping[str, Any], name: str, where: str) -> list[dict[str, Any]]:
    found = one.get(name)
    if not isinstance(found, list) or not all(map(_is_mapping, found)):
        raise EnvelopeError(f"{where}: {name} are no objects")
    return found


def _is_mapping(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
