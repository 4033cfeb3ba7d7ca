"""The page: what it holds, what it lets in, and that the same results give the same bytes."""

from __future__ import annotations

import base64
import copy
import hashlib
import random
import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("jinja2", reason="the page needs the extra [report]")

from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.report.html import page as view_module
from pytest_benchmark_aws.report.html import render as page_module
from pytest_benchmark_aws.report.html.page import view
from pytest_benchmark_aws.report.html.render import need_extra, palette, render
from tests.report import made

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.compare.records import Record
    from pytest_benchmark_aws.report.html.charts.chart import Chart

HOSTILE = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style><script>alert(1)</script>", "'--></title>",
    "javascript:alert(1)", "{{ 7*7 }}{% raw %}", "\x1b[2J\x1b]0;title\x07", "\u202etxt.exe", "\x00\x0b\x7f",
    "&lt;b&gt;", "</table></main>", "]]><!--", "\ud800", "${alert(1)}", "%s%n", "a" * 300,
)  # fmt: skip
VOID = {"meta", "input", "wbr"}


class Elements(HTMLParser):
    """The elements of a page in order, their attributes, and the text outside of style and script."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.texts: list[str] = []
        self.raw: dict[str, str] = {}
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        inside = self.open[-1] if self.open else ""
        if inside in {"style", "script"}:
            self.raw[inside] = self.raw.get(inside, "") + data
        else:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.texts)


def drawn_by_none(chart: Chart) -> str:
    """In place of vl-convert, which takes 40 ms a chart; its own escaping is tested in test_drawing.py."""
    return '<svg class="chart" role="img" viewBox="0 0 1 1"></svg>'


def page_of(records: list[Record], **how: Any) -> str:
    return render(view(records, **{"title": "Benchmarks", **how}), drawn_by_none)


def with_names(name: str) -> list[Record]:
    """A result whose every text is that name."""
    data = made.results("m5.8xlarge", tests=("test_it",), threads=(1, 2))
    for number, bench in enumerate(data["benchmarks"]):
        bench["fullname"] = f"{name}::{name}[{name}-{number + 1}]"
        bench["params"] = {name: name, "threads": number + 1}
        bench["extra_info"] |= {
            "instance_type": name, "instance_id": None, "market": name, "region": name, "flags": [name],
            "usd_per_hour": "1.5", "price_source": f"{name}, 2026-11-24", f"{name}_per_second": 5.0,
        }  # fmt: skip
    data["machine_info"] |= {"node": name, "system": name, "python_version": name, "cpu": {"brand_raw": name}}
    data["commit_info"] |= {"id": name, "branch": name}
    older = copy.deepcopy(data)
    older["commit_info"]["id"] = f"older {name}"
    older["datetime"] = "2019-01-01T00:00:00+00:00"
    other = made.results("c5.24xlarge", tests=("test_it",))
    for bench in other["benchmarks"]:
        bench["fullname"] = f"{name}::{name}[{name}-1]"
    return [record for one in (data, older, other) for record in made.records(one)]


def plain() -> Elements:
    return Elements(page_of(with_names("plain")))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_adds_no_element_and_no_attribute(name: str) -> None:
    """In ids, params, keys, machines, commits, flags, regions: the page has the elements it has with a plain name."""
    found, expected = Elements(page_of(with_names(name), title=name, refused=[f"{name}: {name}"])), plain()
    assert set(found.tags) - set(expected.tags) <= {"ul", "li", "h2"}  # of the refused files
    assert {(tag, attribute) for tag, attribute, _ in found.attributes} <= {
        *((tag, attribute) for tag, attribute, _ in expected.attributes), ("ul", "class")
    }  # fmt: skip
    assert found.open == []
    assert found.raw.keys() == {"style", "script"}
    assert found.raw["script"] == expected.raw["script"]
    assert "alert" not in found.raw["style"]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.characters(codec=None), min_size=1, max_size=40))
def test_any_name_is_text_alone(name: str) -> None:
    """Whatever the characters: every element is closed, none is new, and no control character is in the page."""
    html = page_of(with_names(name), title=name)
    found = Elements(html)
    assert set(found.tags) <= set(plain().tags)
    assert found.open == []
    assert [char for char in html if not char.isprintable() and char not in "\n\xa0"] == []
    html.encode()


def test_names_are_shown_as_they_are() -> None:
    """Markup is text on the page, to the letter."""
    found = Elements(page_of(with_names("<b>bold</b>")))
    assert "<b>bold</b>::" in found.text
    assert "b" in found.tags
    assert found.tags.count("b") == plain().tags.count("b")


def test_the_policy_lets_in_its_own_style_and_script_alone() -> None:
    """By their hashes; nothing is loaded, framed, or sent, and no element has a style, a handler or a foreign URL."""
    html = page_of(made.records(commits=1))
    found = Elements(html)
    policy = next(value for tag, name, value in found.attributes if (tag, name) == ("meta", "content") and value)
    for kind in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(found.raw[kind].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert not any(name.startswith("on") or name in {"style", "src"} for _, name, _ in found.attributes)
    assert all(str(value).startswith("#") for _, name, value in found.attributes if name == "href")
    assert "http" not in re.sub(r"Content-Security-Policy|http-equiv", "", html)


def test_any_order_of_results_gives_the_same_bytes() -> None:
    """And so does a second time."""
    records = made.records()
    first = page_of(records)
    assert page_of(records) == first
    for seed in range(3):
        shuffled = list(records)
        random.Random(seed).shuffle(shuffled)
        assert page_of(shuffled) == first


def test_what_is_simulated_says_so_wherever_it_is() -> None:
    """Each mention of an embedded machine has ``(embedded)`` in its name, and the page begins with what that means."""
    found = Elements(page_of(made.records(types=("m5.8xlarge", "c5.24xlarge"), embedded=True, commits=1)))
    mentions = re.findall(r"(?:m5\.8xlarge|c5\.24xlarge)( \(embedded\))?", found.text)
    assert mentions
    # The machine's details name the type itself, under the heading of its embedded name.
    assert mentions.count("") == 2
    assert "are times of the machine that ran embedded AWS" in found.text
    real = Elements(page_of(made.records(commits=1)))
    assert "embedded AWS" not in real.text


def test_prices_stand_with_their_date() -> None:
    """On top and at each machine."""
    found = Elements(page_of(made.records(commits=1)))
    assert "prices of 2026-07-20" in found.text
    assert found.text.count("price of 2026-07-20") == len(made.TYPES)


def test_the_time_now_is_nowhere() -> None:
    """The dates are those of the results."""
    found = Elements(page_of(made.records(commits=1)))
    assert "measured 2020-01-02 to 2020-01-06 (UTC)" in found.text


def test_refused_files_are_named_at_the_end() -> None:
    """With the reason, in order."""
    found = Elements(page_of(made.records(commits=1), refused=["b.json: it is empty", "a.json: no JSON"]))
    assert found.text.index("a.json: no JSON") < found.text.index("b.json: it is empty")


def test_headings_have_no_gaps_and_ids_are_unique() -> None:
    """One h1; no level is left out on the way down; every link and label has its target."""
    found = Elements(page_of(made.records()))
    levels = [int(tag[1]) for tag in found.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    ids = [value for _, name, value in found.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    wanted = {str(value).lstrip("#") for _, name, value in found.attributes if name in {"href", "for"}}
    wanted |= {str(value) for _, name, value in found.attributes if name in {"aria-labelledby", "aria-describedby"}}
    assert wanted <= set(ids)


def test_each_table_has_a_caption_and_scopes() -> None:
    """So that a screen reader can say what a number is of."""
    found = Elements(page_of(made.records()))
    assert found.tags.count("caption") == found.tags.count("table") > 2
    scopes = [value for tag, name, value in found.attributes if (tag, name) == ("th", "scope")]
    assert len(scopes) == found.tags.count("th")
    assert ("html", "lang", "en") in found.attributes


def luminance(colour: str) -> float:
    """WCAG 2.2's relative luminance."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(colour: str, other: str) -> float:
    darker, lighter = sorted((luminance(colour), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast_is_enough_in_both_themes(theme: str) -> None:
    """WCAG AA: 4.5 for text, 3 for marks in charts and the edges of controls, on the page and on its cards."""
    start = ":root{" if theme == "light" else ":root[data-theme=dark]{"
    block = palette().split(start, 1)[1].split("}", 1)[0]
    colours = dict(part.removeprefix("--").split(":") for part in block.split(";") if part)
    for ground in ("ground", "card"):
        for name in ("ink", "muted", "accent"):
            assert contrast(colours[name], colours[ground]) >= 4.5, name
        for name in [*(f"s{number}" for number in range(8)), "edge"]:
            assert contrast(colours[name], colours[ground]) >= 3, name
    assert contrast(colours["ink"], colours["hover"]) >= 4.5


def test_no_two_colours_of_a_chart_are_one() -> None:
    """The style sheet tells them apart by their value."""
    rules = re.findall(r'\.chart \[fill="(#[0-9a-f]{6})"\]', palette())
    assert len(rules) == len(set(rules)) == 12


def test_gpus_and_groups_have_their_columns_and_facts() -> None:
    """The GPU's name, a group's speed-up over one machine of its type, and what its price and vCPUs are of."""
    one, four, gpu = (
        made.results(name, tests=("test_it",), threads=(1,)) for name in ("m5.large", "m5.large", "g5.xlarge")
    )
    four["benchmarks"][0]["extra_info"] |= {"count": 4, "instance_id": "i-group"}
    gpu["machine_info"]["gpu"] = {"name": "NVIDIA A10G", "count": 1}
    page = view([record for data in (one, four, gpu) for record in made.records(data)], title="T")
    cells = {line.mark.name: dict(zip((column.name for column in page.columns), line.cells, strict=True))
             for line in page.lines}  # fmt: skip
    assert cells["g5.xlarge"]["gpu"].text == "NVIDIA A10G"
    assert " of 4 at " in cells["m5.large ×4"]["speed-up"].text
    assert cells["m5.large"]["gpu"].text == cells["m5.large"]["speed-up"].text == "-"
    facts = {machine.mark.name: dict(machine.facts) for machine in page.machines}
    assert facts["m5.large ×4"]["machines"] == "4, with this price, vCPUs and memory together"
    assert "machines" not in facts["m5.large"]
    names = {column.name for column in view(made.records(one), title="T").columns}
    assert not names & {"gpu", "speed-up"}


def test_many_tests_have_their_choice_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """With more tests than are said in words, the page says where the others are, and the table has all."""
    monkeypatch.setattr(view_module, "MOST_SAID", 3)
    monkeypatch.setattr(view_module, "MOST_CHARTED", 2)
    found = Elements(page_of(made.records(commits=1)))
    assert "6 more tests" in found.text
    assert "Charts are of 2 of the 8 tests" in found.text
    rows = [value for tag, name, value in found.attributes if (tag, name, value) == ("th", "scope", "row")]
    assert len(rows) >= 8 * len(made.TYPES)


def test_rows_after_the_first_are_hidden_until_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the document, so that they are there without scripts too."""
    monkeypatch.setattr(page_module, "SHOWN_FIRST", 10)
    found = Elements(page_of(made.records(commits=1)))
    hidden = [tag for tag, name, _ in found.attributes if (tag, name) == ("tr", "hidden")]
    assert len(hidden) == 8 * len(made.TYPES) - 10


def test_m6_without_the_extra_there_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names what is missing and the command that installs it."""
    monkeypatch.setitem(__import__("sys").modules, "vl_convert", None)
    with pytest.raises(PlanError, match="pip install jinja2 vl-convert-python"):
        need_extra()


def test_a_reference_that_is_no_machine_is_refused() -> None:
    """With the names there are."""
    with pytest.raises(PlanError, match=re.escape("m5.2xlarge")):
        view(made.records(commits=1), title="", reference="x9.huge")
