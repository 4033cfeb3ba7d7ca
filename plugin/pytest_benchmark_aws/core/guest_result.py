"""A guest's result, which nobody here has reason to trust: parsed within bounds, line by line taken or refused.

What it may hold is bounded before anything is built of it, so that a result costs memory in proportion to its size. A
line that is not as it must be is refused alone, and stays in its place as a line that says why.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from pytest_benchmark_aws.core.errors import PytestBenchmarkAWSError
from pytest_benchmark_aws.core.values.json_values import count_values
from pytest_benchmark_aws.core.values.plain_json import shortened

SCHEMA = 1
MAX_VALUES = 10_000_000
"""Commas and brackets outside texts: what bounds the number of values that a result becomes."""
MAX_DEPTH = 64
MAX_DIGITS = 300
"""Of an integer, so that it is a float too; a longer one is kept as text."""
MAX_TEXT = 2**18
"""Characters of a text; what is between beginning and end of a longer one is left out."""
MAX_OUTCOME = 4_000
"""Characters of a launch's outcome, which each of its cases may show."""
MAX_NAME = 4_000
"""Characters of a field's name."""
MAX_FACTS = 100
"""Phases, and facts of validity."""
MAX_NUMBER = 1e100
"""Seconds, or what a timer of the project's own counts: beyond it squares are infinite."""
REFUSED = "refused"
"""The kind of a line in the place of one that is not as it must be."""
LEFT_OUT = "left-out"
"""The kind of a line in the place of one that the guest did not send, as the result would have been too large."""
_TEXTS = {
    "session": ("rootdir",),
    "start": ("nodeid",),
    "test": ("nodeid",),
    "warning": ("nodeid", "when", "category", "text", "filename"),
    "collect-error": ("nodeid", "text"),
    "note": ("nodeid", "text"),
    REFUSED: ("nodeid", "text", "of"),
    LEFT_OUT: ("nodeid", "text", "of"),
}
"""Kind of a line -> its fields that are texts."""
_PHASES = ("setup", "call", "teardown")


class EnvelopeError(PytestBenchmarkAWSError, ValueError):
    """A result is not as it must be; the message says where and why."""


class _Odd(str):
    """In the place of what is no value of JSON's, or no number: why."""

    __slots__ = ()


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
        if len(part) > MAX_FACTS or any(len(fact) > MAX_FACTS for fact in part):
            raise EnvelopeError(f"{name} are more than {MAX_FACTS}, or have longer names")
        facts |= part
    if not isinstance(lines, list):
        raise EnvelopeError("lines are no list")
    outcome = shortened(result["outcome"], MAX_OUTCOME)
    return Envelope(outcome, tuple(_taken(line, number) for number, line in enumerate(lines, 1)), facts)


def parse_lines(data: bytes) -> tuple[dict[str, Any], ...]:
    """The lines of a checkpoint, without a last one that is not whole."""
    texts = data.split(b"\n")
    lines = []
    for number, text in enumerate(texts, 1):
        try:
            line = _load(text)
        except EnvelopeError as error:
            if number < len(texts):
                lines.append(_refusal({}, f"line {number}: {error}"))
        else:
            lines.append(_taken(line, number))
    return tuple(lines)


def _load(data: bytes) -> object:
    """The value that a JSON text is, within the bounds above; what is no number in it is odd.

    Raises:
        EnvelopeError: it is none, or beyond a bound.
    """
    if (count := count_values(data, MAX_VALUES)) > MAX_VALUES:
        raise EnvelopeError(f"it holds about {count:,} values, {MAX_VALUES:,} are read: send fewer rounds or params")
    try:
        text = data.decode("utf-8", "surrogatepass")  # in UTF-16, which Python reads too, quotes are other bytes
        return json.loads(text, parse_constant=_constant, parse_float=_float, parse_int=_int)
    except RecursionError:
        raise EnvelopeError(f"it is nested deeper than {MAX_DEPTH}") from None
    except ValueError as error:
        raise EnvelopeError(f"it is no JSON: {error}") from None


def _constant(text: str) -> _Odd:
    return _Odd(f"{text} is no finite number")


def _float(text: str) -> float | _Odd:
    value = float(text)
    return value if math.isfinite(value) else _constant(text[:20])


def _int(text: str) -> int | str:
    return int(text) if len(text) <= MAX_DIGITS else text


def _taken(line: object, number: int) -> dict[str, Any]:
    """The line, or one in its place that says why it is refused."""
    if not _is_mapping(line):
        return _refusal(line, f"line {number} is no object")
    try:
        taken: dict[str, Any] = _bounded(line, MAX_DEPTH)
        _check(taken)
    except EnvelopeError as error:
        return _refusal(line, f"line {number}: {error}")
    return taken


def _refusal(line: object, why: str) -> dict[str, Any]:
    names = line if _is_mapping(line) else {}
    kind, node_id = (name if isinstance(name, str) else "" for name in (names.get("kind"), names.get("nodeid")))
    return {
        "kind": REFUSED,
        "of": kind[:20],
        "nodeid": shortened(node_id, MAX_TEXT),
        "text": shortened(why, MAX_OUTCOME),
    }


def _bounded(value: Any, depth: int) -> Any:
    """The value with its texts cut.

    Raises:
        EnvelopeError: something in it is no number, or it is nested too deep.
    """
    if isinstance(value, _Odd):
        raise EnvelopeError(str(value))
    if isinstance(value, str):
        return shortened(value, MAX_TEXT)
    if not isinstance(value, dict | list):
        return value
    if depth == 0:
        raise EnvelopeError(f"it is nested deeper than {MAX_DEPTH}")
    if isinstance(value, dict):
        return {key[:MAX_NAME]: _bounded(item, depth - 1) for key, item in value.items()}
    if {int, float}.issuperset(map(type, value)):  # rounds, of which there are many
        return value
    return [_bounded(item, depth - 1) for item in value]


def _check(line: dict[str, Any]) -> None:
    """Refuses a line that is not as its kind must be.

    Raises:
        EnvelopeError: the reason.
    """
    _texts(line, ("kind",), "it")
    kind = line["kind"]
    _texts(line, _TEXTS.get(kind, ()) or ("nodeid",) * ("nodeid" in line), "it")
    if kind == "session":
        _mappings(line, ("machine_info",), "it")
        _mappings(line.get("machine_info") or {}, ("ec2", "hardware"), "machine_info")
    elif kind == "warning" and type(line.get("lineno")) is not int:
        raise EnvelopeError("lineno is no number")
    elif kind == "test":
        reports = _list(line, "reports")
        if not reports:
            raise EnvelopeError("it has no reports")
        for report in reports:
            kind = "_report_type" if "_report_type" in report else "$report_type"  # plugins' own have the former
            _texts(report, ("nodeid", "outcome", "when", kind), "a report")
            if report["when"] not in _PHASES:
                raise EnvelopeError(f"a report of the phase {report['when'][:40]!r}")
        for bench in _list(line, "benchmarks"):
            _benchmark(bench)


def _benchmark(bench: dict[str, Any], where: str = "a benchmark") -> None:
    _texts(bench, ("name", "fullname"), where)
    _mappings(bench, ("options", "params", "extra_info"), where)
    if bench.get("group") is not None:
        _texts(bench, ("group",), where)
    stats = bench.get("stats")
    if not _is_mapping(stats):
        raise EnvelopeError(f"{where}: stats are no object")
    rounds = stats.get("data")
    if not isinstance(rounds, list) or not rounds or not all(map(_is_number, rounds)):
        raise EnvelopeError(f"{where}: stats.data are no numbers")
    if type(stats.get("iterations")) is not int or stats["iterations"] < 1:
        raise EnvelopeError(f"{where}: stats.iterations is no number above 0")
    if not _is_number(stats.get("median")):
        raise EnvelopeError(f"{where}: stats.median is no number")
    for name, value in stats.items():
        if name not in {"data", "iterations", "outliers"} and not _is_amount(value):
            raise EnvelopeError(f"{where}: stats.{name[:40]} is {str(value)[:40]}, no number from 0 to {MAX_NUMBER:g}")
    if not (min(rounds) >= 0 and max(rounds) < MAX_NUMBER):
        raise EnvelopeError(f"{where}: stats.data holds what is no number from 0 to {MAX_NUMBER:g}")
    if not stats.get("min", 0) <= stats["median"] <= stats.get("max", MAX_NUMBER):
        raise EnvelopeError(f"{where}: stats.median is not between min and max")
    if not isinstance(stats.get("outliers", ""), str):
        raise EnvelopeError(f"{where}: stats.outliers is no text")


def _texts(fields: Mapping[str, Any], names: Iterable[str], where: str) -> None:
    for name in names:
        if not isinstance(fields.get(name), str):
            raise EnvelopeError(f"{where}: {name} is no text")


def _mappings(fields: Mapping[str, Any], names: Iterable[str], where: str) -> None:
    for name in names:
        if fields.get(name) is not None and not _is_mapping(fields[name]):
            raise EnvelopeError(f"{where}: {name} is no object")


def _list(fields: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    values = fields.get(name)
    if not isinstance(values, list) or not all(map(_is_mapping, values)):
        raise EnvelopeError(f"{name} are no objects")
    return values


def _is_mapping(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_number(value: object) -> bool:
    return type(value) in {int, float} and -MAX_NUMBER < value < MAX_NUMBER  # type: ignore[operator]  # of which bool is none


def _is_amount(value: object) -> bool:
    return _is_number(value) and value >= 0  # type: ignore[operator]
