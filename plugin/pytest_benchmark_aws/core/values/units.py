"""Memory in binary units and rates with SI prefixes, as people write them."""

from __future__ import annotations

import re

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


def format_rate(value: float) -> str:
    """A rate with an SI prefix, to three significant digits: ``"38.5 M"``."""
    for prefix, factor in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= factor:
            return f"{_three_digits(value / factor)} {prefix}"
    return f"{_three_digits(value)} "


def _three_digits(value: float) -> str:
    """The value to three significant digits, without an exponent and without padding zeros after a whole number."""
    digits = 0 if value >= 99.95 else 1 if value >= 9.995 else 2
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
