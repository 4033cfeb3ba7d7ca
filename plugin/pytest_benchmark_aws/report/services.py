"""The table of the benchmarks of managed services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.report.text import aligned, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TITLES = (
    "benchmark", "region", "requests", "p50", "p95", "p99", "throttled", "given up", "errors", "out", "in",
    "USD per 1,000", "price",
)  # fmt: skip
NOT_CONFIRMED = "not confirmed"


def service_lines(results: Iterable[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """A line for each benchmark by its name and its ``extra_info``, under titles; none where there is none."""
    rows = [(name, info) for name, info in results if "p50_s" in info and "service" in info]
    if not rows:
        return []
    cells = [_TITLES, *(_cells(name, info) for name, info in rows)]
    lines = aligned(cells, left=(0, 1, len(_TITLES) - 1))
    if any(info.get("embedded") for _, info in rows):
        lines.append("embedded: answered by embedded AWS on this machine; no service's times, and nothing was billed")
    return lines


def _cells(name: str, info: Mapping[str, Any]) -> tuple[str, ...]:
    usd = info.get("usd_per_1000")
    return (
        printable(name),
        f"embedded {info['region']}" if info.get("embedded") else str(info["region"]),
        f"{info['requests']:,}",
        *(_time(info[f"p{percent}_s"]) for percent in (50, 95, 99)),
        *(f"{info[key]:,}" for key in ("throttled", "given_up", "errors")),
        *(_bytes(info[key]) for key in ("bytes_out", "bytes_in")),
        "-" if usd is None else f"{usd:.4f}".rstrip("0").rstrip("."),
        _price(info),
    )


def _price(info: Mapping[str, Any]) -> str:
    if "usd_per_unit" not in info:
        return NOT_CONFIRMED if "price" in info else "-"
    usd = f"{info['usd_per_unit']:.8f}".rstrip("0").rstrip(".")
    return f"{usd} per {info['unit']}, {info['price_date']}"


def _time(seconds: float) -> str:
    return f"{seconds * 1000:,.1f} ms" if seconds < 10 else f"{seconds:,.1f} s"


def _bytes(count: int) -> str:
    return f"{count:,} B" if count < 10_000 else f"{count / 1000:,.0f} kB"
