"""``python -m benchmarks.overhead.page 10000``: a report of so many results, and how it behaves in Chromium.

Three shapes: a row for each result, a test for each, a commit for each. Prints a JSON object for each: the file's size,
seconds to write it, and in the browser the milliseconds to load, sort and filter it, until the next frame is drawn.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.cli import main as command
from tests.report import made
from tests.report.html import browser

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

REPEATS = 5
_FRAME = """
const done = arguments[arguments.length - 1], start = performance.now();
(function () { %s })();
requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
"""
_SORT = "document.querySelectorAll('#table thead button')[%d].click()"
_FILTER = "const f = document.getElementById('filter'); f.value = %s; f.dispatchEvent(new Event('input'))"


def measure(shape: str, how: dict[str, Any], folder: Path) -> dict[str, object]:
    """One shape's figures: medians of REPEATS."""
    results, page = made.write(folder / shape, launches=1, **how), folder / f"{shape}.html"
    start = perf_counter()
    if command(["report", str(results), "-o", str(page)]):
        raise SystemExit(1)
    wrote = perf_counter() - start
    with browser.chromium() as driver:
        loads = [_load(driver, page) for _ in range(REPEATS)]
        # Time first, then the machine's name: a number and a text.
        sorts = [_timed(driver, _SORT % column) for _ in range(REPEATS) for column in (2, 0)]
        filters = [_timed(driver, _FILTER % json.dumps(word)) for word in ("m5", "large -m5", "9", "none", "")]
        every = _timed(driver, "document.getElementById('all-rows').click()")
        rows = driver.execute_script("return document.getElementById('count').textContent")
    return {
        "shape": shape,
        "rows": rows,
        "MiB": round(page.stat().st_size / 2**20, 2),
        "write_s": round(wrote, 1),
        "load_ms": round(statistics.median(loads)),
        "sort_ms": round(statistics.median(sorts)),
        "filter_ms": round(statistics.median(filters)),
        "show_all_ms": round(every),
    }


def _load(driver: WebDriver, page: Path) -> float:
    """From the start of the navigation to the end of its load event, the table ready."""
    browser.open_page(driver, page)
    entry = "performance.getEntriesByType('navigation')[0]"
    return float(driver.execute_script(f"return {entry}.loadEventEnd - {entry}.startTime"))


def _timed(driver: WebDriver, script: str) -> float:
    return float(driver.execute_async_script(_FRAME % script))


def main(count: int) -> None:
    """All three shapes."""
    types = sorted(name for name, instance_type in catalog().types.items() if instance_type.usd_per_hour)
    machines, tests = 100, [f"test_{number}" for number in range(count)]
    shapes: dict[str, dict[str, Any]] = {
        "rows": {
            "types": types[:machines],
            "commits": 1,
            "tests": [f"test_{n}" for n in range(count // machines // 4)],
        },
        "tests": {"types": types[:1], "commits": 1, "threads": (1,), "tests": tests},
        "commits": {"types": types[:1], "commits": count, "threads": (1,), "tests": ["test_it"]},
    }
    with tempfile.TemporaryDirectory() as folder:
        for shape, how in shapes.items():
            print(json.dumps(measure(shape, how, Path(folder))), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
