"""The page's section of managed services, and that they are in no other part of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("jinja2", reason="the page needs the extra [report]")

from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.core.compare.records import Reading, parse_records
from pytest_benchmark_aws.core.compare.tables import compare_records
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.report.html import managed_services
from pytest_benchmark_aws.report.html.page import view
from tests.report.html.test_page import HOSTILE, Elements, page_of
from tests.result_files import benchmark, result

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.compare.records import Record
    from pytest_benchmark_aws.report.html.page import Page

ASKED: dict[str, Any] = {
    "service": "polly", "requests": 20, "p50_s": 0.2, "p95_s": 0.3, "p99_s": 0.4, "throttled": 3, "given_up": 1,
    "errors": 2, "usd_per_request": 0.0016, "usd_per_1000": 1.6, "usd_per_unit": 0.000016, "unit": "character",
    "price_date": "2026-10-07", "price_source": "a price list, 2026-10-07", "latencies_s": [0.2],
}  # fmt: skip
TASK = "speech of 120 characters"
OWN = {"instance_type": "m5.large", "usd_per_hour": 0.096, "price_source": "Pricing API, 2026-11-24"}


def records(*benches: dict[str, Any], when: str = "2026-11-01T10:00:00+00:00") -> list[Record]:
    """Of one file."""
    return parse_records(result(*benches, when=when), f"{when}.json", Reading(catalog()))


def polly(region: str = "us-east-1", seconds: float = 0.2, **more: Any) -> dict[str, Any]:
    """A result of Polly in a region."""
    params = {"aws_service": region}
    return benchmark([seconds], f"test_speak[{region}]", params=params, region=region, **{**ASKED, **more})


def page(found: list[Record], **how: Any) -> Page:
    """Their page."""
    return view(found, title="Benchmarks", **how)


def test_each_region_is_a_row_of_its_benchmark() -> None:
    """Percentiles, counts, USD per 1,000, and the price with its day and source; the fastest first."""
    services = page(records(polly("us-east-1"), polly("eu-west-1", 0.1, p50_s=0.1, usd_per_unit=None))).services
    [test] = services.tests
    assert (test.name.path, test.name.test) == ("tests/test_one.py::", "test_speak")
    there, here = test.answered
    assert (there.name, there.mark, there.embedded) == ("polly in eu-west-1", None, False)
    assert here.cells == (
        "20", "200 ms", "300 ms", "400 ms", "3", "1", "2", "1.6", "0.000016 per character, 2026-10-07: a price list",
    )  # fmt: skip
    assert there.cells[-1] == "not confirmed"
    assert all(len(row.cells) == len(managed_services.HEADER) - 1 for row in test.answered)
    assert not services.embedded


def test_embedded_is_marked_in_its_row_and_above() -> None:
    """The section warns; the page's warning of machines does not stand where no machine is embedded."""
    found = Elements(page_of(records(polly(embedded=True))))
    assert "polly in us-east-1 (embedded)" in found.text
    assert "were answered by embedded AWS on a machine" in found.text
    assert "the fastest first, those of embedded AWS last" in found.text
    assert "not of the instance types" not in found.text
    real = Elements(page_of(records(polly()))).text
    assert "were answered by embedded AWS" not in real
    assert "the fastest first" in real
    assert "those of embedded AWS last" not in real


def test_embedded_rows_are_last_and_say_nothing_beside_real_ones() -> None:
    """However fast they are; the break-even is over AWS's own answers, or theirs where there are no others."""
    own = benchmark([0.05], "test_local", service_task=TASK, **OWN)
    quick = polly(seconds=0.001, p50_s=0.001, service_task=TASK, embedded=True)
    [test] = page(records(own, quick, polly(service_task=TASK))).services.tests
    assert [row.name for row in test.answered] == ["m5.large", "polly in us-east-1", "polly in us-east-1 (embedded)"]
    assert [("(embedded)" in line) for line in test.said] == [False]
    [test] = page(records(own, quick)).services.tests
    assert [("(embedded)" in line) for line in test.said] == [True]


def test_services_are_no_machines() -> None:
    """A page of services alone has no choice, no charts, no results and no machines, and counts none."""
    made = page(records(polly("us-east-1"), polly("eu-west-1", 0.1)))
    assert made.facts[0] == "2 results of managed services"
    assert not any("machine" in fact or "test" in fact for fact in made.facts)
    assert (made.tests, made.lines, made.machines, made.legend, made.headline) == ((), (), (), (), ())
    found = Elements(page_of(records(polly())))
    anchors = {value for tag, name, value in found.attributes if (tag, name) == ("a", "href")}
    assert anchors == {"#main", "#services", "#reading"}
    assert "front" not in found.text


def test_beside_machines_services_stand_in_their_section_alone() -> None:
    """Results of other tests are as without them."""
    bench = benchmark([1.0, 1.1], "test_train")
    of_machines = parse_records(result(bench, instance_type="m5.large"), "a.json", Reading(catalog()))
    alone, both = page(of_machines), page([*of_machines, *records(polly("us-east-1"), polly("eu-west-1"))])
    assert both.services.results == 2
    assert both.facts[:4] == alone.facts[:4]
    for part in ("tests", "lines", "columns", "machines", "legend", "headline", "notes", "predictions"):
        assert getattr(both, part) == getattr(alone, part), part


def test_model_of_ones_own_stands_beside_with_the_break_even() -> None:
    """Its rounds are requests that nobody throttles; it is among the machines, compared without the service."""
    rounds = [0.05, 0.06, 0.07]
    made = page(records(polly(service_task=TASK), benchmark(rounds, "test_local", service_task=TASK, **OWN)))
    [test] = made.services.tests
    local, service = test.answered
    assert test.name.test == TASK
    assert local.mark is not None
    assert (local.name, service.name) == ("m5.large", "polly in us-east-1")
    assert local.cells == ("3", "60 ms", "69 ms", "69.8 ms", "-", "-", "-", "0.0016", "0.0960 an hour, 2026-11-24")
    assert test.said == (
        "m5.large (0.0960 USD/hour, on all day) is cheaper than polly in us-east-1, 200 ms, 0.001600 USD, from 1,440 "
        "requests a day on",
    )
    assert [line.mark.name for line in made.lines] == ["m5.large"]
    assert [machine.mark.name for machine in made.machines] == ["m5.large"]
    assert "One machine" in made.tests[0].sure


def test_machines_beside_a_service_are_corrected_with_all_rows_of_the_page() -> None:
    """As the page says of Holm's correction: what is compared is what would be without the service."""
    own, asked = [], []
    for number, task in enumerate((TASK, "another task")):
        asked += records(polly(service_task=task))
        for place, instance_type in enumerate(("m5.large", "c5.large")):
            for launch in range(4):
                bench = benchmark([1.0 + place / 5 + number / 20 + launch / 50], f"test_{number}", service_task=task)
                file = result(bench, instance_type=instance_type, launch=f"i-{place}{launch}")
                own += parse_records(file, f"{number}{place}{launch}.json", Reading(catalog()))
    alone = compare_records(own).tables
    tables = managed_services.without_services(compare_records([*own, *asked]), None)
    assert tables == alone
    [first, second] = [row for table in alone for row in table.rows if row.speed and row.speed.p_value is not None]
    assert first.speed is not None
    assert first.adjusted_p != first.speed.p_value or second.adjusted_p != second.speed.p_value  # type: ignore[union-attr]


def test_machine_without_a_price_is_told_how_to_get_a_break_even() -> None:
    """By the option of compare."""
    [test] = page(records(polly(service_task=TASK), benchmark([0.05], "test_local", service_task=TASK))).services.tests
    [line] = test.said
    assert "no price of an hour is known; pytest-benchmark-aws compare --break-even TYPE" in line


def test_newest_session_counts() -> None:
    """Its percentiles are shown; the earlier one is in the same row."""
    first, second = records(polly(p50_s=0.1)), records(polly(p50_s=0.25), when="2026-11-02T10:00:00+00:00")
    [test] = page([*second, *first]).services.tests
    assert [row.cells[1] for row in test.answered] == ["250 ms"]


@pytest.mark.parametrize("reference", ["polly*", "m5.large"])
def test_reference_may_be_a_service_or_a_machine(reference: str) -> None:
    """What is neither is refused."""
    found = records(polly(), benchmark([1.0], "test_train", **OWN))
    assert page(found, reference=reference).services.tests
    with pytest.raises(PlanError, match="polly in us-east-1"):
        page(found, reference="x9.huge")


def test_more_benchmarks_than_are_shown_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says which command has all."""
    monkeypatch.setattr(managed_services, "MOST_TESTS", 2)
    benches = [benchmark([0.2], f"test_{number}", region="us-east-1", **ASKED) for number in range(5)]
    found = Elements(page_of(records(*benches)))
    assert "3 more: pytest-benchmark-aws services has all." in found.text


def test_own_model_saved_without_its_rounds_has_a_median_alone() -> None:
    """As --benchmark-autosave writes it: a p95 of ten runs is not their median; with the rounds it is there."""
    own = benchmark([0.04, 0.05, 0.09], "a", service_task=TASK, **OWN)
    [test] = page(records(own, polly(service_task=TASK))).services.tests
    assert test.answered[0].cells[:4] == ("3", "50 ms", "86 ms", "89.2 ms")
    del own["stats"]["data"]
    [test] = page(records(own, polly(service_task=TASK))).services.tests
    assert test.answered[0].cells[:4] == ("3", "50 ms", "-", "-")


@pytest.mark.parametrize("value", [*HOSTILE, None, 7, [], {}, True, float("nan"), 10**400, "x" * 50_000])
def test_hostile_values_are_text_or_blank(value: Any) -> None:
    """In every field: no element that a plain page has not, no control character, nothing raised."""
    task = value if isinstance(value, str) else TASK
    plain = Elements(page_of(records(polly(service_task=TASK), benchmark([0.05], "a", service_task=TASK, **OWN))))
    for key in (*ASKED, "region", "variant", "embedded"):
        own = benchmark([0.05], "a", service_task=task, **OWN)
        service = polly(service_task=task)
        service["extra_info"][key] = value
        html = page_of(records(service, own))
        found = Elements(html)
        assert set(found.tags) <= {*plain.tags, "strong", "em"}, key  # of the warning
        assert found.open == []
        assert [char for char in html if not char.isprintable() and char not in "\n\xa0"] == [], key
        html.encode()
