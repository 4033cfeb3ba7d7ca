"""Amounts as people write them: memory in binary units, rates with SI prefixes."""

from __future__ import annotations

import re
from decimal import Decimal

from pytest_benchmark_aws.core.errors import UnitError

KIB = 1024
_BINARY = {"b": 1, "kib": KIB, "mib": KIB**2, "gib": KIB**3, "tib": KIB**4}
_DECIMAL = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_UNITS = {"": 1, **_BINARY, **_DECIMAL}
_MEMORY = re.compile(r"\s*(\d{1,18})(?:\.(\d{1,18}))?\s*([A-Za-z]*)\s*")


def parse_memory(text: str) -> int:
    """Bytes from ``"96 GiB"``, ``"512MiB"``, ``"1.5 TB"`` or a plain number of bytes.

    KiB, MiB, GiB and TiB are powers of 1024, kB, MB, GB and TB of 1000 (IEC 80000-13); case does not matter. A part
    of a byte is rounded up.

    Raises:
        UnitError: the text is no amount, or its unit is unknown.
    """
    match = _MEMORY.fullmatch(text)
    factor = _UNITS.get(match[3].lower()) if match else None
    if match is None or factor is None:
        raise UnitError(f"{text!r} is no amount of memory: write a number and a unit, as in '96 GiB' or '512 MiB'")
    whole, fraction = int(match[1]), match[2] or ""
    scale: int = 10 ** len(fraction)
    numerator = (whole * scale + int(fraction or 0)) * factor
    return -(-numerator // scale)


def format_memory(amount: int) -> str:
    """Bytes in the largest binary unit that leaves at least 1, to three significant digits: ``"93.4 GiB"``."""
    if amount < 0:
        raise UnitError(f"{amount} bytes: memory is never negative")
    for unit, factor in (("TiB", KIB**4), ("GiB", KIB**3), ("MiB", KIB**2), ("KiB", KIB)):
        if amount >= factor:
            return f"{_three_digits(amount / factor)} {unit}"
    return f"{amount} B"


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


def format_usd(amount: Decimal, beside: Decimal | None = None) -> str:
    """USD to the cent: ``"1.79"``; less than a cent to two significant digits: ``"0.0042"``.

    Where that would read as the amount ``beside`` it, which is another, as many digits more as tell them apart.
    """
    digits = 2 if amount >= Decimal("0.01") or not amount else 1 - amount.adjusted()
    while beside is not None and beside != amount and f"{amount:.{digits}f}" == f"{beside:.{digits}f}":
        digits += 1
    return f"{amount:.{digits}f}"


def format_rate(value: float) -> str:
    """A rate with an SI prefix, to three significant digits: ``"38.5 M"``."""
    for prefix, factor in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= factor:
            return f"{_three_digits(value / factor)} {prefix}"
    return f"{_three_digits(value)} "


def format_seconds(value: float) -> str:
    """Seconds to four significant digits in a fitting unit: ``"719 ms"``, ``"574 s"``."""
    for unit, factor in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= factor:
            return f"{value / factor:.4g} {unit}" if value < 9999.5 else f"{value:.0f} s"
    return f"{value * 1e9:.4g} ns"


def format_run_usd(value: Decimal) -> str:
    """The USD of one run without the unit: four decimals, more where it is small: ``"0.2449"``, ``"0.000173"``."""
    if not value or value >= Decimal("0.1"):
        return f"{value:.4f}"
    return f"{value:.6f}" if value >= Decimal("0.0001") else f"{value:.2e}"


def _three_digits(value: float) -> str:
    """The value to three significant digits, without an exponent and without padding zeros after a whole number."""
    digits = 0 if value >= 99.95 else 1 if value >= 9.995 else 2
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
