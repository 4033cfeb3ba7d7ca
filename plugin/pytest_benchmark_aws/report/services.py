"""The benchmarks of managed services: the table of a session, and what saved results say of each."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.report.text import aligned, printable, short

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_benchmark_aws.core.compare.records import Record
    from pytest_benchmark_aws.core.values.service_requests import ServiceRequests

_TITLES = (
    "benchmark", "region", "requests", "p50", "p95", "p99", "throttled", "given up", "errors", "out", "in",
    "USD per 1,000", "price",
)  # fmt: skip
NOT_CONFIRMED = "not confirmed"
EMBEDDED = "embedded: answered by embedded AWS on this machine; no service's times, and nothing was billed"
MEASURED = ("region", "requests", "p50", "p95", "USD per 1,000", "measured")
"""What ``measured_cells`` has."""
_MOST_TEXT = 60
"""Characters of a cell: a name that is longer loses its middle."""


def service_lines(results: Iterable[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """A line for each benchmark by its name and its ``extra_info``, under titles; none where there is none."""
    rows = [(name, info) for name, info in results if "p50_s" in info and "service" in info]
    if not rows:
        return []
    cells = [_TITLES, *(_cells(name, info) for name, info in rows)]
    lines = aligned(cells, left=(0, 1, len(_TITLES) - 1))
    if any(info.get("embedded") for _, info in rows):
        lines.append(EMBEDDED)
    return lines


def benchmark_name(record: Record, requests: ServiceRequests) -> str:
    """The benchmark's name without its file, and the variant of its requests; harmless and short."""
    name = record.case.rpartition("::")[2]
    return shown(f"{name}, {requests.variant}" if requests.variant else name)


def measured_cells(record: Record, requests: ServiceRequests) -> tuple[str, ...]:
    """The cells of ``MEASURED`` of a saved result."""
    p50, p95 = ("-", "-") if requests.latency_s is None else map(_time, requests.latency_s[:2])
    region = short(printable(requests.region or "-"))
    return (
        f"embedded {region}" if requests.embedded else region,
        "-" if requests.requests is None else f"{requests.requests:,}",
        p50,
        p95,
        per_1000(requests.usd_per_1000),
        record.when[:10] or "-",
    )


def measured_fields(record: Record, requests: ServiceRequests) -> dict[str, Any]:
    """The same for other programs, in seconds and USD."""
    p50, p95, p99 = requests.latency_s or (None, None, None)
    usd = requests.usd_per_1000
    return {
        "benchmark": record.case,
        "variant": requests.variant,
        "region": requests.region,
        "embedded": requests.embedded,
        "date": record.when or None,
        "requests": requests.requests,
        "p50_s": p50,
        "p95_s": p95,
        "p99_s": p99,
        "throttled": requests.throttled,
        "given_up": requests.given_up,
        "errors": requests.errors,
        "usd_per_1000": None if usd is None else float(usd),
        "price_date": requests.price_date if usd is not None else None,
        "price_source": requests.price_source if usd is not None else None,
        "file": record.source,
    }


def shown(text: str) -> str:
    """A text of a result file as a cell has it."""
    return short(printable(text), _MOST_TEXT)


def per_1000(usd: Decimal | None) -> str:
    """USD of 1,000 requests: ``1.6``, ``0.000397``."""
    if usd is None:
        return "-"
    return _plain(usd, 4) if not usd or usd >= Decimal("0.01") else f"{float(usd):.3g}"


def price_said(requests: ServiceRequests) -> str:
    """The price of a unit with its day: ``0.000016 per character, 2026-10-07``; or that none is confirmed."""
    if requests.usd_per_unit is None:
        return NOT_CONFIRMED
    day = f", {shown(requests.price_date)}" if requests.price_date else ""
    return f"{_plain(requests.usd_per_unit, 12)} per {shown(requests.unit or 'request')}{day}"


def _plain(number: Decimal | float, digits: int) -> str:
    return f"{number:.{digits}f}".rstrip("0").rstrip(".")


def _cells(name: str, info: Mapping[str, Any]) -> tuple[str, ...]:
    usd = info.get("usd_per_1000")
    return (
        printable(name),
        f"embedded {info['region']}" if info.get("embedded") else str(info["region"]),
        f"{info['requests']:,}",
        *(_time(info[f"p{percent}_s"]) for percent in (50, 95, 99)),
        *(f"{info[key]:,}" for key in ("throttled", "given_up", "errors")),
        *(_bytes(info[key]) for key in ("bytes_out", "bytes_in")),
        "-" if usd is None else _plain(usd, 4),
        _price(info),
    )


def _price(info: Mapping[str, Any]) -> str:
    if "usd_per_unit" not in info:
        return NOT_CONFIRMED if "price" in info else "-"
    return f"{_plain(info['usd_per_unit'], 8)} per {info['unit']}, {info['price_date']}"


def _time(seconds: float) -> str:
    return f"{seconds * 1000:,.1f} ms" if seconds < 10 else f"{seconds:,.1f} s"


def _bytes(count: int) -> str:
    return f"{count:,} B" if count < 10_000 else f"{count / 1000:,.0f} kB"
