"""What JSON from anywhere holds, as a value of its kind or as nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any


def usd(value: object) -> Decimal | None:
    """A finite, not negative amount."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None


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
    """A text that is not empty."""
    return value if isinstance(value, str) and value else None


def whole(value: object) -> int | None:
    """A whole number above nought."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
