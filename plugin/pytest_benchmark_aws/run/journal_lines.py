"""What a journal's lines must hold for a run to be known by them: a checksum says not that they fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pytest_benchmark_aws.core.values import json_fields
from pytest_benchmark_aws.run.journal import JournalError, read

_MOST_SECONDS = 30 * 24 * 3600


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= json_fields.MOST_TEXT


def _is_count(value: object) -> bool:
    count = json_fields.whole(value)
    return count is not None and count < 1_000_000


def _is_seconds(value: object) -> bool:
    seconds = json_fields.whole(value)
    return seconds is not None and seconds <= _MOST_SECONDS


def _is_usd(value: object) -> bool:
    return json_fields.usd(value) is not None


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


_Checks = Mapping[str, Callable[[object], bool]]
_NEEDED: Mapping[str, _Checks] = {
    "gone": {"usd": _is_usd},
    "intent": {"job": _is_text, "token": _is_text, "zone": _is_text, "subnet": _is_text, "attempt": _is_count},
    "launched": {"job": _is_text, "instance_id": _is_text},
    "refused": {"job": _is_text},
    "delivered": {"job": _is_text, "whole": lambda value: isinstance(value, bool)},
    "terminating": {"job": _is_text, "instance_id": _is_text},
    "billed": {"job": _is_text, "instance_id": _is_text, "usd": _is_usd},
}
_OPTIONAL: Mapping[str, _Checks] = {  # not in journals of earlier versions, or only where there is something to say
    "run": {"jobs": _are_texts, "region": _is_text, "account": _is_text, "project": _is_text},
    "intent": {
        "instance_type": _is_text,
        "reserved_usd": _is_usd,
        "usd_per_hour": _is_usd,
        "time_limit_s": _is_seconds,
        "grace_s": _is_seconds,
    },
    "terminating": {"usd": _is_usd},
}


def read_run(path: Path) -> list[dict[str, Any]]:
    """The lines of a run's journal, each of which holds what its kind needs.

    Raises:
        JournalError: a line is damaged, or holds something else.
    """
    lines = read(path)
    for number, line in enumerate(lines, 1):
        needed = _NEEDED.get(line["kind"], {}).items()
        optional = ((name, fits) for name, fits in _OPTIONAL.get(line["kind"], {}).items() if name in line)
        for name, fits in (*needed, *optional):
            if not fits(line.get(name)):
                raise JournalError(
                    f"{path}: line {number} ({line['kind']}) has no {name} that can be one; look at the account by "
                    "tag instead: pytest-benchmark-aws reap --dry-run"
                )
    return lines
