"""A real browser for tests of the page: the Chromium of this machine, driven by selenium; nothing is downloaded."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver.chrome.webdriver import WebDriver

BINARIES = ("chromium", "chromium-browser", "google-chrome")


def missing() -> str:
    """Why there is no browser here; empty where there is one."""
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "selenium is not installed: pip install 'pytest-benchmark-aws[browser]'"
    if not any(map(shutil.which, BINARIES)):
        return "no Chromium is installed: apt-get install chromium"
    return "" if shutil.which("chromedriver") else "no chromedriver is installed: apt-get install chromium-driver"


@contextmanager
def chromium(width: int = 1280, height: int = 900) -> Iterator[WebDriver]:
    """A headless browser with a profile of its own, that notes what it says and asks of the network."""
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = Options()
        options.binary_location = next(path for path in map(shutil.which, BINARIES) if path)
        for argument in (
            "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", f"--user-data-dir={profile}",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),  # Chromium as root refuses to start with it
        ):  # fmt: skip
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = Service(shutil.which("chromedriver"), log_output=os.devnull)
        driver = webdriver.Chrome(options=options, service=service)
        try:
            resize(driver, width, height)
            yield driver
        finally:
            driver.quit()


def resize(driver: WebDriver, width: int, height: int = 900) -> None:
    """The viewport: a window cannot be as narrow as a phone."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def prefer(driver: WebDriver, theme: str) -> None:
    """The system's theme, ``light`` or ``dark``."""
    features = [{"name": "prefers-color-scheme", "value": theme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def open_page(driver: WebDriver, page: Path) -> None:
    """From disk, as a person opens it."""
    driver.get(page.resolve().as_uri())


def said(driver: WebDriver) -> list[str]:
    """What the page wrote to the console: errors, and what the Content-Security-Policy refused."""
    return [str(entry["message"]) for entry in _log(driver, "browser")]


def asked(driver: WebDriver) -> list[str]:
    """The URLs that the browser asked for since the last call."""
    found = []
    for entry in _log(driver, "performance"):
        message: dict[str, Any] = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            found.append(str(message["params"]["request"]["url"]))
    return found


def _log(driver: WebDriver, name: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = driver.get_log(name)  # type: ignore[no-untyped-call]
    return entries
