"""The filter language of --aws-instance-type: ``"vcpus>=32 and memory>=96GiB and price<2"``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from pytest_benchmark_aws.core.catalog import Catalog, InstanceType
from pytest_benchmark_aws.core.errors import PlanError, UnitError
from pytest_benchmark_aws.core.instance_type_names import family_of, size_of
from pytest_benchmark_aws.core.values.units import parse_memory

_Test: TypeAlias = "Callable[[InstanceType], bool]"

_FIELDS: dict[str, Callable[[InstanceType], Any]] = {
    "vcpus": lambda t: t.vcpus,
    "cores": lambda t: t.cores,
    "memory": lambda t: t.memory_bytes,
    "price": lambda t: t.usd_per_hour,
    "gpus": lambda t: t.gpus,
    "clock": lambda t: t.clock_ghz,
    "arch": lambda t: t.arches,
    "family": lambda t: family_of(t.name),
    "size": lambda t: size_of(t.name),
    "manufacturer": lambda t: (t.cpu_manufacturer or "").lower(),
}
_TEXT = {"arch", "family", "size", "manufacturer"}
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
    ">": operator.gt, "<": operator.lt, "=": operator.eq,
}  # fmt: skip
_MOST_TOKENS = 500
_TOKEN = re.compile(r"\s*(>=|<=|==|!=|>|<|=|\(|\)|[A-Za-z0-9_.\-]+)")
_HELP = (
    "write comparisons joined by and, or, as in 'vcpus>=32 and memory>=96GiB and price<2'; the fields are "
    + ", ".join(_FIELDS)
)


def is_filter(text: str) -> bool:
    """Whether a text is meant as a filter, not as an instance type's name."""
    return any(char in text for char in "<>=!( ")


def select(text: str, catalog: Catalog) -> tuple[InstanceType, ...]:
    """The priced, not burstable types that the filter holds for, cheapest first.

    Raises:
        PlanError: the filter cannot be read, or nothing fits.
    """
    tokens = _tokens(text)
    test, rest = _either(tokens, text)
    if rest:
        raise PlanError(f"filter {text!r}: {rest[0]!r} is not expected there; {_HELP}")
    candidates = [
        candidate
        for candidate in catalog.types.values()
        if candidate.usd_per_hour is not None and not candidate.burstable
    ]
    selected = sorted(filter(test, candidates), key=lambda t: (t.usd_per_hour or 0, t.name))
    if not selected:
        raise PlanError(f"filter {text!r}: none of the {len(candidates):,} priced, not burstable instance types is so")
    return tuple(selected)


def choose(text: str, catalog: Catalog) -> tuple[InstanceType, ...]:
    """What a filter stands for: of what it holds for, the current generation's types where there are any.

    A filter that names a family means every type that it holds for.

    Raises:
        PlanError: as ``select`` does.
    """
    selected = select(text, catalog)
    if "family" in map(str.lower, _tokens(text)):
        return selected
    steady = tuple(candidate for candidate in selected if not candidate.bursts)
    return tuple(candidate for candidate in steady if candidate.current_generation) or steady or selected


def _tokens(text: str) -> list[str]:
    tokens, place, stripped = [], 0, text.rstrip()
    while place < len(stripped):
        match = _TOKEN.match(stripped, place)
        if match is None:
            raise PlanError(f"filter {text!r}: {stripped[place:]!r} cannot be read; {_HELP}")
        tokens.append(match[1])
        place = match.end()
        if len(tokens) > _MOST_TOKENS:
            raise PlanError(f"filter of {len(text):,} characters: more than {_MOST_TOKENS} words and signs; {_HELP}")
    return tokens


def _either(tokens: list[str], text: str) -> tuple[_Test, list[str]]:
    """The test that the tokens begin with, its parts joined by ``or``, and the tokens behind it."""
    test, tokens = _both(tokens, text)
    while tokens and tokens[0].lower() == "or":
        other, tokens = _both(tokens[1:], text)
        test = _joined(any, test, other)
    return test, tokens


def _both(tokens: list[str], text: str) -> tuple[_Test, list[str]]:
    """The same, joined by ``and``, which binds closer."""
    test, tokens = _comparison(tokens, text)
    while tokens and tokens[0].lower() == "and":
        other, tokens = _comparison(tokens[1:], text)
        test = _joined(all, test, other)
    return test, tokens


def _joined(how: Callable[[list[bool]], bool], left: _Test, right: _Test) -> _Test:
    return lambda candidate: how([left(candidate), right(candidate)])


def _comparison(tokens: list[str], text: str) -> tuple[_Test, list[str]]:
    """The comparison, or the whole in brackets, that the tokens begin with, and the tokens behind it."""
    if tokens and tokens[0] == "(":
        inner, rest = _either(tokens[1:], text)
        if not rest or rest[0] != ")":
            raise PlanError(f"filter {text!r}: a bracket is not closed; {_HELP}")
        return inner, rest[1:]
    if len(tokens) < 3 or tokens[0].lower() not in _FIELDS or tokens[1] not in _OPERATORS:
        raise PlanError(f"filter {text!r}: {' '.join(tokens[:3]) or 'its end'!r} is no comparison; {_HELP}")
    field, sign, amount = tokens[0].lower(), tokens[1], tokens[2]
    read, compare = _FIELDS[field], _OPERATORS[sign]
    if field in _TEXT and sign not in {"=", "==", "!="}:
        raise PlanError(f"filter {text!r}: {field} is a text, compare it with = or !=")
    value = _value(field, amount, text)
    if field == "arch":
        return (lambda candidate: (value in candidate.arches) == (sign != "!=")), tokens[3:]

    def test(candidate: InstanceType) -> bool:
        actual = read(candidate)
        return actual is not None and compare(Decimal(str(actual)) if field == "clock" else actual, value)

    return test, tokens[3:]


def _value(field: str, amount: str, text: str) -> Any:
    """The amount of a comparison, as the field has it: a text, bytes or a number."""
    try:
        if field in _TEXT:
            return amount.lower() if field == "manufacturer" else amount
        if field == "memory":
            return parse_memory(amount)
        number = Decimal(amount)
        if number.is_nan():
            raise InvalidOperation  # it compares with nothing
        return number
    except (UnitError, InvalidOperation) as error:
        raise PlanError(f"filter {text!r}: {amount!r} is no {field}") from error
