"""USD as people write them."""

from __future__ import annotations

from decimal import Decimal


def format_usd(amount: Decimal, beside: Decimal | None = None) -> str:
    """USD to the cent: ``"1.79"``; less than a cent to two significant digits: ``"0.0042"``.

    Where that would read as the amount ``beside`` it, which is another, as many digits more as tell them apart.
    """
    digits = 2 if amount >= Decimal("0.01") or not amount else 1 - amount.adjusted()
    while beside is not None and beside != amount and f"{amount:.{digits}f}" == f"{beside:.{digits}f}":
        digits += 1
    return f"{amount:.{digits}f}"


def format_run_usd(value: Decimal) -> str:
    """The USD of one run without the unit: four decimals, more where it is small: ``"0.2449"``, ``"0.000173"``."""
    if not value or value >= Decimal("0.1"):
        return f"{value:.4f}"
    return f"{value:.6f}" if value >= Decimal("0.0001") else f"{value:.2e}"
