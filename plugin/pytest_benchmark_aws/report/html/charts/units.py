"""The units of a chart's axes: seconds, USD and work a second, with factors that make the numbers readable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_benchmark_aws.report.text import printable


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: what a value is multiplied by, and what that unit is called."""

    factor: float
    words: str

    def shown(self, value: float) -> str:
        """The value in this unit, to three digits or all before the point."""
        scaled = value * self.factor
        return f"{scaled:,.0f}" if scaled >= 100 else f"{scaled:.3g}"


def time_unit(seconds: Sequence[float]) -> Unit:
    """The unit of times: the largest of s, ms, µs and ns in which the smallest value is a tenth or more."""
    least = min(seconds, default=1.0)
    for words, size in (("s", 0.1), ("ms", 1e-4), ("µs", 1e-7)):
        if least >= size:
            return Unit({"s": 1.0, "ms": 1e3, "µs": 1e6}[words], words)
    return Unit(1e9, "ns")


def usd_unit(usd: Sequence[float]) -> Unit:
    """The unit of money: USD of one run, or of so many that the smallest value is 0.05 or more."""
    least = min((amount for amount in usd if amount > 0), default=1.0)
    for factor, words in ((1.0, "a run"), (1e3, "per 1,000 runs"), (1e6, "per million runs")):
        if least * factor >= 0.05:
            return Unit(factor, f"USD {words}")
    return Unit(1e9, "USD per billion runs")


def rate_unit(rates: Sequence[float], unit: str) -> Unit:
    """The unit of throughput: work a second, by the thousand, million or billion where all values are that large."""
    least = min((rate for rate in rates if rate > 0), default=1.0)
    words = printable(unit)
    for factor, prefix in ((1e9, "billion "), (1e6, "million "), (1e3, "thousand ")):
        if least >= factor / 10:
            return Unit(1 / factor, f"{prefix}{words} a second")
    return Unit(1.0, f"{words} a second")
