"""Which results are compared: ``vcpus>=16``, ``machine=m5.*``, and how new they must be."""

from __future__ import annotations

import operator
import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.core.errors import PlanError, UnitError
from pytest_benchmark_aws.core.instance_type_names import is_meant
from pytest_benchmark_aws.core.values.units import parse_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_benchmark_aws.core.compare.heads import Result

_TEXTS: dict[str, Callable[[Result], str | None]] = {
    "machine": lambda result: result.machine.name,
    "type": lambda result: result.machine.instance_type,
    "market": lambda result: result.machine.market,
    "cpu": lambda result: result.machine.cpu,
    "gpu": lambda result: result.machine.gpu,
    "arch": lambda result: result.machine.arch,
    "python": lambda result: result.machine.python,
    "region": lambda result: result.machine.region,
    "test": lambda result: result.case,
    "scale": lambda result: result.scale,
    "commit": lambda result: result.commit.id,
    "branch": lambda result: result.commit.branch,
    "file": lambda result: result.source,
}
_NUMBERS: dict[str, Callable[[Result], Any]] = {
    "vcpus": lambda result: result.machine.vcpus,
    "cores": lambda result: result.machine.cores,
    "machines": lambda result: result.machine.count,
    "smt": lambda result: result.machine.threads_per_core,
    "memory": lambda result: result.machine.memory_bytes,
    "gpus": lambda result: result.machine.gpus or 0,
    "gpu-memory": lambda result: result.machine.gpu_memory_bytes,
    "usd-hour": lambda result: result.machine.usd_per_hour,
    "rounds": lambda result: result.round_count,
}
_YES: dict[str, Callable[[Result], bool]] = {
    "embedded": lambda result: result.machine.embedded,
    "published": lambda result: result.machine.published,
    "dirty": lambda result: result.commit.dirty,
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


def parse_filter(text: str) -> Callable[[Result], bool]:
    """A test of results from ``"vcpus>=16"``, ``"machine=m5.*"``, ``"embedded=no"``; what is not known fits none.

    Raises:
        PlanError: the text is no such filter.
    """
    match = _FILTER.fullmatch(text)
    name, sign, value = match.groups() if match else ("", "", "")
    compare = _SIGNS.get(sign)
    if name in _TEXTS and sign in {"=", "==", "!="}:
        read_text = _TEXTS[name]
        wanted = sign != "!="
        return lambda result: ((text := read_text(result)) is not None and is_meant(text, value)) == wanted
    if name in _YES and sign in {"=", "==", "!="} and value in {"yes", "no"}:
        read_yes, yes = _YES[name], (value == "yes") == (sign != "!=")
        return lambda result: read_yes(result) == yes
    if name in _NUMBERS and compare is not None:
        read, number = _NUMBERS[name], _number(name, value, text)
        return lambda result: (value_of := read(result)) is not None and compare(value_of, number)
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
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        return moment.astimezone(timezone.utc).isoformat(timespec="microseconds")
    except (ValueError, OverflowError):
        raise PlanError(
            f"since {text!r} is no time: give a date as in 2026-11-01, or 12h, 7d, 2w for so long ago"
        ) from None


def all_of(filters: Sequence[Callable[[Result], bool]], since: str | None) -> Callable[[Result], bool]:
    """A test that holds where every filter does; with ``since`` only for results that say when they were made."""
    if not filters and since is None:
        return lambda _: True
    return lambda result: (since is None or result.when >= since) and all(holds(result) for holds in filters)


def _number(name: str, value: str, text: str) -> Any:
    try:
        number = parse_memory(value) if name in {"memory", "gpu-memory"} else Decimal(value)
    except (InvalidOperation, UnitError):
        raise PlanError(f"filter {text!r}: {value!r} is no {name}; {HELP}") from None
    if isinstance(number, Decimal) and not number.is_finite():
        raise PlanError(f"filter {text!r}: {value!r} compares with nothing; {HELP}")
    return number
