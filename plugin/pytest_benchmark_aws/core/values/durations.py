"""Durations as people write them: ``1h30m`` read, ``4 min 05 s`` and ``719 ms`` written."""

from __future__ import annotations

import re

from pytest_benchmark_aws.core.errors import UnitError

_DURATION = re.compile(r"(?:(\d{1,5})h)?(?:(\d{1,7})m)?(?:(\d{1,9})s)?")
_SECONDS = re.compile(r"\d{1,9}")


def parse_duration(text: str) -> int:
    """Seconds from ``"1h"``, ``"90m"``, ``"1h30m"``, ``"5400s"`` or a plain number of seconds.

    A number without a unit stands alone: ``"1h30"`` is refused, as some would read minutes and others seconds.

    Raises:
        UnitError: the text is no duration, or none at all.
    """
    words = text.strip().lower()
    if _SECONDS.fullmatch(words):
        return int(words)
    match = _DURATION.fullmatch(words)
    if not match or not any(match.groups()):
        raise UnitError(f"{text!r} is no duration: write 1h, 90m, 1h30m, 1h30m10s or seconds")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def format_duration(seconds: float) -> str:
    """Seconds as ``"12.3 s"``, ``"4 min 05 s"`` or ``"1 h 05 min"``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min"


def format_seconds(value: float) -> str:
    """Seconds to four significant digits in a fitting unit: ``"719 ms"``, ``"574 s"``."""
    for unit, factor in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= factor:
            return f"{value / factor:.4g} {unit}" if value < 9999.5 else f"{value:.0f} s"
    return f"{value * 1e9:.4g} ns"
