"""The table of managed services."""

from __future__ import annotations

from typing import Any

from pytest_benchmark_aws.report.services import service_lines

INFO: dict[str, Any] = {
    "service": "polly", "region": "us-east-1", "requests": 20, "p50_s": 0.0123, "p95_s": 0.5, "p99_s": 12.0,
    "throttled": 3, "given_up": 1, "errors": 2, "bytes_out": 221, "bytes_in": 256_000, "unit": "character",
    "price": "polly.neural", "price_source": "x", "price_date": "2026-10-07", "usd_per_unit": 0.000016,
    "usd_per_request": 0.0016, "usd_per_1000": 1.6,
}  # fmt: skip


def test_row_has_times_counts_and_price() -> None:
    """In columns under titles, without a note where AWS itself answered."""
    titles, row = service_lines([("test_speak", INFO)])
    assert titles.split()[:4] == ["benchmark", "region", "requests", "p50"]
    words = row.split()
    assert words[:12] == ["test_speak", "us-east-1", "20", "12.3", "ms", "500.0", "ms", "12.0", "s", "3", "1", "2"]
    assert row.endswith("221 B  256 kB            1.6  0.000016 per character, 2026-10-07")


def test_embedded_is_said_in_the_row_and_below() -> None:
    """So that nobody takes these times for a service's."""
    _, row, note = service_lines([("test_speak", {**INFO, "embedded": True})])
    assert "embedded us-east-1" in row
    assert note.startswith("embedded: answered by embedded AWS on this machine")


def test_price_that_is_not_confirmed_is_said_so() -> None:
    """And has no USD."""
    unpriced = {key: value for key, value in INFO.items() if "usd" not in key and key != "price_date"}
    _, row = service_lines([("test_speak", unpriced)])
    assert row.split()[-3:] == ["-", "not", "confirmed"]


def test_nothing_measured_is_no_table() -> None:
    """Not even titles."""
    assert service_lines([("test_other", {})]) == []
