"""What JSON from anywhere holds, as a value of its kind and of a sensible size, or as nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

from pytest_benchmark_aws.core.values.json_values import count_values

MOST_TEXT = 2_000
"""Characters of a name: pytest's ids are shorter, and tables hold each name many times."""
_MOST_USD, _LEAST_USD = Decimal(10**9), Decimal("1e-12")
"""The dearest instance costs some hundred USD an hour, a round of a nanosecond on the cheapest 1e-15 of a USD."""
_MOST_DIGITS = 60
_MOST_WHOLE = 2**63 - 1
_YEARS = range(1970, 2200)
MOST_VALUES = 16_000_000
"""Of one document: 60 MB of empty lists are 20 million, and take 1.7 GB when they are read."""
_UNCOUNTED = 2**20
"""Bytes of a document that is too short to hold too much."""


def usd(value: object) -> Decimal | None:
    """A finite, not negative amount that money can be."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, int) and value > _MOST_USD:
        return None  # whose text may have more digits than Python writes
    text = str(value)
    try:
        amount = Decimal(text) if len(text) <= _MOST_DIGITS else Decimal("NaN")
    except InvalidOperation:
        return None
    return amount if amount == 0 or (amount.is_finite() and _LEAST_USD <= amount <= _MOST_USD) else None


def mapping(value: object) -> Mapping[str, Any]:
    """An object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def without(value: Any, names: Iterable[Sequence[str]]) -> Any:
    """A copy of an object, as JSON has it, without what these dotted names, in parts, lead to."""
    rest = json.loads(json.dumps(value, default=str))
    for *parents, key in names:
        node = rest
        for parent in parents:
            node = node.get(parent) if isinstance(node, dict) else None
        if isinstance(node, dict):
            node.pop(key, None)
    return rest


def text(value: object) -> str | None:
    """A text that is not empty, cut where it is too long."""
    return shortened(value) if isinstance(value, str) and value else None


def shortened(name: str) -> str:
    """A name of at most ``MOST_TEXT`` characters; a longer one ends in its digest, so that two stay two."""
    if len(name) <= MOST_TEXT:
        return name
    import hashlib  # which loads OpenSSL

    return f"{name[: MOST_TEXT - 20]}... {hashlib.sha256(name.encode(errors='replace')).hexdigest()[:16]}"


def whole(value: object) -> int | None:
    """A whole number above nought, of at most 63 bits."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST_WHOLE else None


def moment(value: object) -> datetime | None:
    """A time as ISO 8601 writes it, in UTC, of a year in which a computer may have written it."""
    if not isinstance(value, str) or len(value) > MOST_TEXT:
        return None
    try:
        time = datetime.fromisoformat(value.replace("Z", "+00:00"))
        time = time.astimezone(timezone.utc) if time.tzinfo is not None else time.replace(tzinfo=timezone.utc)
    except (ValueError, OverflowError):
        return None
    return time if time.year in _YEARS else None


def too_many(data: bytes) -> str:
    """In words, that a JSON document holds more values than are read; empty where it does not."""
    if len(data) < _UNCOUNTED:
        return ""
    count = count_values(data, MOST_VALUES)
    return f"about {count:,} values: more than {MOST_VALUES:,}, which no result has" if count > MOST_VALUES else ""


def lenient(data: bytes) -> Any:
    """JSON as Python writes it: NaN and infinity are nothing, and half a surrogate pair is its escape.

    Raises:
        ValueError: it is none, or holds an integer of more digits than Python reads.
        RecursionError: it is nested too deep.
    """
    document = json.loads(data.decode("utf-8"), parse_constant=lambda _: None, parse_float=_finite)
    return _whole_texts(document) if b"\\u" in data else document


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if abs(number) != float("inf") else None


def _whole_texts(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, list):
        return [_whole_texts(item) for item in value]
    if isinstance(value, dict):
        return {_whole_texts(key): _whole_texts(item) for key, item in value.items()}
    return value
