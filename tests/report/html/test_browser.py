"""The page in a real browser, from disk, as a person uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("jinja2", reason="the page needs the extra [report]")
pytest.importorskip("vl_convert", reason="the page needs the extra [report]")

from pytest_benchmark_aws.report.html.page import view
from pytest_benchmark_aws.report.html.render import render
from tests.report import made
from tests.report.html import browser
from tests.report.html.test_page import HOSTILE, drawn_by_none, with_names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver.chrome.webdriver import WebDriver

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # selenium's own, of its pipes to the driver
ROWS = 8 * len(made.TYPES)


@pytest.fixture(scope="module")
def driver() -> Iterator[WebDriver]:
    """One browser for all tests here; each opens its page anew."""
    if browser.missing():
        pytest.skip(browser.missing())
    with browser.chromium() as found:
        yield found


@pytest.fixture(scope="module")
def made_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six instance types, five launches, three commits, two tests over threads."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(view(made.records(), title="Benchmarks")), encoding="utf-8")
    return path


@pytest.fixture
def page(driver: WebDriver, made_page: Path) -> WebDriver:
    """The page, opened at a desktop's width in the light."""
    browser.resize(driver, 1280)
    browser.prefer(driver, "light")
    browser.said(driver), browser.asked(driver)
    browser.open_page(driver, made_page)
    return driver


def run(driver: WebDriver, script: str, *args: object) -> Any:
    return driver.execute_script(f"return {script}", *args)


def column(driver: WebDriver, number: int) -> list[str]:
    """The texts of the big table's shown rows."""
    found: list[str] = run(
        driver,
        "[...document.querySelectorAll('#table tbody tr')].map(row => row.cells[arguments[0]].textContent)",
        number,
    )
    return found


def heads(driver: WebDriver) -> list[str]:
    found: list[str] = run(driver, "[...document.querySelectorAll('#table thead th')].map(head => head.textContent)")
    return found


def press(driver: WebDriver, *keys: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    for key in keys:
        ActionChains(driver).send_keys(key).perform()


def sort_by(driver: WebDriver, name: str) -> None:
    run(driver, "document.querySelectorAll('#table thead button')[arguments[0]].click()", heads(driver).index(name))


def write(driver: WebDriver, text: str) -> None:
    from selenium.webdriver.common.by import By

    field = driver.find_element(By.ID, "filter")
    field.clear()
    field.send_keys(text)


def count(driver: WebDriver) -> str:
    return str(run(driver, "document.getElementById('count').textContent"))


def test_it_opens_from_disk_asks_for_nothing_and_complains_of_nothing(page: WebDriver, made_page: Path) -> None:
    """One request, for the file itself; no error, no warning, nothing that the policy refused."""
    sort_by(page, "time")
    assert browser.said(page) == []
    assert [url for url in browser.asked(page) if not url.startswith("chrome")] == [made_page.as_uri()]
    assert run(page, "performance.getEntriesByType('resource').length") == 0


def test_columns_sort_by_their_numbers_both_ways(page: WebDriver) -> None:
    """Time by its seconds, not by its text; a second press turns it round, and it is said."""
    place = heads(page).index("time")
    seconds = "[...document.querySelectorAll('#table tbody tr')].map(row => Number(row.cells[arguments[0]].dataset.v))"
    sort_by(page, "time")
    ascending = run(page, seconds, place)
    assert ascending == sorted(ascending)
    assert run(page, "document.querySelectorAll('th[aria-sort]').length") == 1
    assert count(page) == f"{ROWS} of {ROWS} rows, by time, ascending"
    sort_by(page, "time")
    assert run(page, seconds, place) == sorted(ascending, reverse=True)
    assert run(page, "document.querySelector('th[aria-sort]').getAttribute('aria-sort')") == "descending"


def test_names_sort_by_their_numbers_too_and_blanks_come_last(page: WebDriver) -> None:
    """``test_sort[2]`` before ``test_sort[8]``; rows without a choice stay below in either direction."""
    sort_by(page, "test")
    assert column(page, 1)[0].endswith("test_sort[1]")
    sort_by(page, "choice")
    place = heads(page).index("choice")
    assert column(page, place)[-1] in {"", "-"}
    sort_by(page, "choice")
    assert column(page, place)[0] == "front" or "fastest" in column(page, place)[0]
    assert column(page, place)[-1] in {"", "-"}


def test_the_filter_takes_words_and_words_with_a_minus(page: WebDriver) -> None:
    """Every word must be there, none with a minus; the count follows, and nothing found is said as 0."""
    write(page, "c7g test_sum")
    assert count(page) == f"4 of {ROWS} rows"
    assert set(column(page, 0)) == {"c7g.2xlarge"}
    write(page, "test_sum -c7g -m5")
    assert set(column(page, 0)) == {"m6i.2xlarge", "m7g.2xlarge", "c6i.2xlarge", "r5.2xlarge"}
    write(page, "no such thing")
    assert count(page) == f"0 of {ROWS} rows"
    write(page, "")
    assert run(page, "document.getElementById('count').getAttribute('aria-live')") == "polite"


def test_a_sorted_table_stays_sorted_when_it_is_filtered(page: WebDriver) -> None:
    """And says both."""
    sort_by(page, "time")
    write(page, "test_sum")
    assert count(page) == f"24 of {ROWS} rows, by time, ascending"
    seconds = [float(text.split()[0]) for text in column(page, heads(page).index("time"))]
    assert seconds == sorted(seconds)


def test_the_keyboard_alone_sorts(page: WebDriver) -> None:
    """The skip link is the first stop; Tab reaches a column's button and its focus is seen; Enter and space sort."""
    from selenium.webdriver.common.keys import Keys

    press(page, Keys.TAB)
    assert run(page, "document.activeElement.className") == "skip"
    press(page, Keys.ENTER)
    for _ in range(400):
        press(page, Keys.TAB)
        if run(page, "document.activeElement.textContent") == "relative":
            break
    assert run(page, "document.activeElement.matches('#table thead button:focus-visible')")
    assert run(page, "getComputedStyle(document.activeElement).outlineStyle") == "solid"
    press(page, Keys.ENTER)
    assert count(page).endswith("by relative, ascending")
    press(page, Keys.SPACE)
    assert count(page).endswith("by relative, descending")
    assert run(page, "document.activeElement.textContent") == "relative"


def test_details_open_by_keyboard(page: WebDriver) -> None:
    """A machine's facts are folded, and Enter unfolds them."""
    from selenium.webdriver.common.keys import Keys

    summary = "document.querySelector('#machines ~ details summary')"
    assert not run(page, f"{summary}.parentElement.open")
    run(page, f"{summary}.focus()")
    press(page, Keys.ENTER)
    assert run(page, f"{summary}.parentElement.open")
    assert run(page, f"{summary}.parentElement.querySelector('dl').checkVisibility()")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_theme_is_the_systems_until_the_button_is_pressed(page: WebDriver, theme: str) -> None:
    """Ground and charts turn over; the button names the other; nothing is stored."""
    other = {"light": "dark", "dark": "light"}[theme]
    browser.prefer(page, theme)
    look = "[getComputedStyle(document.documentElement).backgroundColor, " + (
        "getComputedStyle(document.querySelector('.chart text')).fill]"
    )
    before, button = run(page, look), "document.getElementById('theme')"
    assert run(page, f"{button}.textContent") == f"{other.capitalize()} theme"
    run(page, f"{button}.click()")
    after = run(page, look)
    assert all(earlier != later for earlier, later in zip(before, after, strict=True))
    assert run(page, f"{button}.textContent") == f"{theme.capitalize()} theme"
    browser.prefer(page, other)
    run(page, f"{button}.click()")
    assert run(page, look) == before
    assert run(page, "localStorage.length + sessionStorage.length") == 0
    assert run(page, "document.cookie") == ""


def test_a_phone_scrolls_down_alone(page: WebDriver) -> None:
    """390 pixels wide the page is no wider; the table scrolls within a region that has a name and takes the focus."""
    browser.resize(page, 390, 844)
    assert run(page, "document.documentElement.scrollWidth") == 390
    region = "document.querySelector('.big')"
    assert run(page, f"{region}.scrollWidth > {region}.clientWidth")
    assert run(page, f"{region}.tabIndex") == 0
    assert run(page, f"document.getElementById({region}.getAttribute('aria-labelledby')).textContent")
    # Text in charts is as large as it was drawn, 11 pixels, or larger.
    drawn = "document.querySelector('.chart')"
    assert run(page, f"{drawn}.getBoundingClientRect().width / {drawn}.viewBox.baseVal.width") > 0.85


def test_motion_is_reduced_where_it_is_asked_for(page: WebDriver) -> None:
    """Links jump."""
    features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    assert run(page, "getComputedStyle(document.documentElement).scrollBehavior") == "auto"


def test_without_scripts_all_rows_are_there(driver: WebDriver, tmp_path: Path) -> None:
    """Also those after the first hundred; what does nothing without scripts is not shown."""
    types = sorted(made.SPEED)
    path = tmp_path / "report.html"
    records = made.records(types=types, commits=1, launches=1, tests=[f"test_{n}" for n in range(4)])
    path.write_text(render(view(records, title="Many"), drawn_by_none), encoding="utf-8")
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.open_page(driver, path)
        rows = "[...document.querySelectorAll('#table tbody tr')].filter(row => row.checkVisibility()).length"
        assert run(driver, rows) == 160
        assert not run(driver, "document.getElementById('theme').checkVisibility()")
        assert not run(driver, "document.getElementById('tools').checkVisibility()")
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    browser.open_page(driver, path)
    assert run(driver, rows) == 100
    assert count(driver) == "160 of 160 rows, the first 100 shown"
    run(driver, "document.getElementById('more-rows').click()")
    assert run(driver, rows) == 160
    assert not run(driver, "document.getElementById('more').checkVisibility()")


@pytest.mark.parametrize("name", [name for name in HOSTILE if "<" in name or "{" in name])
def test_hostile_names_do_nothing(driver: WebDriver, tmp_path: Path, name: str) -> None:
    """No dialog, no error, no request, one script on the page: its own; charts too."""
    from selenium.common.exceptions import NoAlertPresentException

    path = tmp_path / "report.html"
    name = name.replace("alert(1)", "window.pwned=1")
    path.write_text(render(view(with_names(name), title=name)), encoding="utf-8")
    browser.said(driver), browser.asked(driver)
    browser.open_page(driver, path)
    sort_by(driver, "test")
    assert run(driver, "window.pwned") is None
    assert run(driver, "document.scripts.length") == 1
    assert run(driver, "document.querySelectorAll('img, iframe, [onerror]').length") == 0
    assert browser.said(driver) == []
    assert [url for url in browser.asked(driver) if not url.startswith("chrome")] == [path.as_uri()]
    with pytest.raises(NoAlertPresentException):
        driver.switch_to.alert.accept()


def test_ten_thousand_rows_are_usable(driver: WebDriver, tmp_path: Path) -> None:
    """Loaded, sorted and filtered in seconds at the most; docs/measured.md has the milliseconds."""
    types = [f"CPU {number}" for number in range(100)]
    path = tmp_path / "report.html"
    records = made.records(types=types, commits=1, launches=1, rounds=1, tests=[f"test_{n}" for n in range(25)])
    path.write_text(render(view(records, title="Many"), drawn_by_none), encoding="utf-8")
    browser.open_page(driver, path)
    assert count(driver) == "10,000 of 10,000 rows, the first 100 shown"
    click = "document.querySelectorAll('#table thead button')[2].click(); document.body.offsetHeight"
    timed = f"(() => {{ const start = performance.now(); {click}; return performance.now() - start; }})()"
    assert run(driver, timed) < 2000
    write(driver, "test_1[8")
    assert count(driver) == "100 of 10,000 rows, by time, ascending"
    assert run(driver, "performance.getEntriesByType('navigation')[0].loadEventEnd") < 15_000
