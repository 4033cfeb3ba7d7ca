"""The peak memory that the suite reports."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.peak_memory import process_peak_rss, reset_peak_rss


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak is reset by Linux's /proc")
def test_the_peak_starts_anew() -> None:
    """Memory that was freed before the reset is not in the peak."""
    block = bytearray(256 * 2**20)
    high = process_peak_rss()
    del block
    if not reset_peak_rss():
        pytest.skip("this kernel refuses to reset the peak")
    low = process_peak_rss()
    assert high is not None
    assert low is not None
    assert high - low > 200 * 2**20
