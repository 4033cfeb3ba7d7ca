"""Which records are compared: ``vcpus>=16``, ``machine=m5.*``, and how new they must be."""

from __future__ import annotations

import fnmatch
import operator
import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.core.errors import PlanError, UnitError
from pytest_benchmark_aws.core.values.units import parse_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_benchmark_aws.core.compare.records import Record

_TEXTS: dict[str, Callable[[Record], str | None]] = {
    "machine": lambda record: record.machine.name,
    "type": lambda record: record.machine.instance_type,
    "market": lambda record: record.machine.market,
    "cpu": lambda record: record.machine.cpu,
    "arch": lambda record: record.machine.arch,
    "python": lambda record: record.machine.python,
    "region": lambda record: record.machine.region,
    "test": lambda record: record.case,
    "scale": lambda record: record.scale,
    "commit": lambda record: record.commit.id,
    "branch": lambda record: record.commit.branch,
    "file": lambda record: record.source,
}
_NUMBERS: dict[str, Callable[[Record], Any]] = {
    "vcpus": lambda record: record.machine.vcpus,
    "cores": lambda record: record.machine.cores,
    "smt": lambda record: record.machine.threads_per_core,
    "memory": lambda record: record.machine.memory_bytes,
    "usd-hour": lambda record: record.machine.usd_per_hour,
    "rounds": lambda record: record.round_count,
}
_YES: dict[str, Callable[[Record], bool]] = {
    "embedded": lambda record: record.machine.embedded,
    "published": lambda record: record.machine.published,
    "dirty": lambda record: record.commit.dirty,
}
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le, ">=": operator.ge, "!=": operator.ne, "==": operator.eq,
    "=": operator.eq, "<": operator.lt, ">": operator.gt,
}  # fmt: skip
_FILTER = re.compile(r"\s*([a-z-]+)\s*(<=|>=|!=|==|=|<|>)\s*(.*?)\s*", re.DOTALL)
_AGO = re.compile(r"(\d{1,5})\s*([hdw])")
HELP = (
    f"write a field, a sign and a value: text ({', '.join(_TEXTS)}) with = or != and shell wildcards, numbers "
    f"({', '.join(_NUMBERS)}) with = != < <= > >=, and {', '.join(_YES)} with =yes or =no"
)


def parse_filter(text: str) -> Callable[[Record], bool]:
    """A test of records from ``"vcpus>=16"``, ``"machine=m5.*"``, ``"embedded=no"``; what is not known fits none.

    Raises:
        PlanError: the text is no such filter.
    """
    match = _FILTER.fullmatch(text)
    name, sign, value = match.groups() if match else ("", "", "")
    compare = _SIGNS.get(sign)
    if name in _TEXTS and sign in {"=", "==", "!="}:
        read_text = _TEXTS[name]
        wanted = sign != "!="
        return lambda record: _fits(read_text(record), value) == wanted
    if name in _YES and sign in {"=", "==", "!="} and value in {"yes", "no"}:
        read_yes, yes = _YES[name], (value == "yes") == (sign != "!=")
        return lambda record: read_yes(record) == yes
    if name in _NUMBERS and compare is not None:
        read, number = _NUMBERS[name], _number(name, value, text)
        return lambda record: (value_of := read(record)) is not None and compare(value_of, number)
    raise PlanError(f"filter {text!r} cannot be read: {HELP}")


def parse_since(text: str, now: datetime) -> str:
    """The ISO 8601 time in UTC from ``"2026-11-01"``, a whole time, or ``"12h"``, ``"7d"``, ``"2w"`` before now.

    Raises:
        PlanError: the text is none of these.
    """
    ago = _AGO.fullmatch(text.strip().lower())
    try:
        if ago:
            unit = {"h": "hours", "d": "days", "w": "weeks"}[ago[2]]
            moment = now - timedelta(**{unit: int(ago[1])})
        else:
            moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except (ValueError, OverflowError):
        raise PlanError(
            f"since {text!r} is no time: give a date as in 2026-11-01, or 12h, 7d, 2w for so long ago"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc).isoformat(timespec="microseconds")


def chosen(
    records: Iterable[Record], filters: Sequence[Callable[[Record], bool]] = (), since: str | None = None
) -> list[Record]:
    """The records that every filter holds for; with ``since`` also those alone that say when they were made."""
    return [
        record
        for record in records
        if (since is None or record.when >= since) and all(holds(record) for holds in filters)
    ]


def _fits(text: str | None, pattern: str) -> bool:
    return text is not None and (text == pattern or fnmatch.fnmatchcase(text, pattern))


def _number(name: str, value: str, text: str) -> Any:
    try:
        number = parse_memory(value) if name == "memory" else Decimal(value)
    except (InvalidOperation, UnitError):
        raise PlanError(f"filter {text!r}: {value!r} is no {name}; {HELP}") from None
    if isinstance(number, Decimal) and not number.is_finite():
        raise PlanError(f"filter {text!r}: {value!r} compares with nothing; {HELP}")
    return number
