"""What a case is called at any scale."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.compare.identity import split_id, without_parameter
from pytest_benchmark_aws.core.compare.records import Reading, parse_records
from pytest_benchmark_aws.core.compare.tables import compare_records
from tests.result_files import benchmark, result

HOW = Reading(snapshot.catalog(), scale_parameter="scale")
FUNCTION = "tests/test_one.py::test_it"
OBJECT = "<object at 0x7f>"
"""The text of a value whose id is the user's, or pytest's own."""


def bare(inside: str, params: dict[str, Any], name: str = "scale") -> str | None:
    """The id without that parameter's part."""
    return without_parameter(f"{FUNCTION}[{inside}]", params, name)


@pytest.mark.parametrize(
    ("inside", "params", "rest"),
    [
        ("laptop", {"scale": "laptop"}, None),
        ("laptop-note-vcpus", {"scale": "laptop", "variant": "note", "threads": "vcpus"}, "note-vcpus"),
        ("note-laptop-vcpus", {"variant": "note", "scale": "laptop", "threads": "vcpus"}, "note-vcpus"),
        ("note-laptop", {"variant": "note", "scale": "laptop"}, "note"),
        ("laptop-bubble", {"scale": "laptop", "f": "<function bubble at 0x7f..>"}, "bubble"),
        ("laptop-int", {"scale": "laptop", "v": 1}, "int"),
        ("laptop-str", {"scale": "laptop", "v": "1"}, "str"),
        ("a-laptop-b[c]-d", {"x": "a-laptop-b[c]", "scale": "d"}, "a-laptop-b[c]"),
        ("p-a-q-a-r", {"x": "p", "scale": "a", "y": "q-a-r"}, "p-q-a-r"),
        ("p-a-q-a-r", {"x": "p-a-q", "scale": "a", "y": "r"}, "p-a-q-r"),
        ("a-a-a", {"x": OBJECT, "scale": "a", "y": OBJECT}, "a-a"),
        ("a-x-a", {"scale": "a", "x": OBJECT, "y": OBJECT}, "x-a"),
        ("2.4M-x", {"scale": "2.4M", "x": "x"}, "x"),
        ("1000-x", {"scale": 1000, "x": "x"}, "x"),
        ("big-x", {"scale": 1000, "x": "x"}, "x"),
        ("x-big-1", {"x": "x", "scale": 1000, "y": 1}, "x-1"),
        ("gro\\xdf-x", {"scale": "groß", "x": "x"}, "x"),
        ("laptop-", {"scale": "laptop", "x": ""}, ""),
    ],
)
def test_the_scales_own_part_is_cut_out(inside: str, params: dict[str, Any], rest: str | None) -> None:
    """Whatever the ids of the other parameters are, and wherever the scale stands."""
    assert bare(inside, params) == (FUNCTION if rest is None else f"{FUNCTION}[{rest}]")


@pytest.mark.parametrize(
    ("inside", "params"),
    [
        ("p-a-q-a-r", {"x": OBJECT, "scale": "a", "y": OBJECT}),
        ("big-x", {"scale": 1000, "x": OBJECT}),
        ("big-ger-x", {"scale": 1000, "x": "x"}),
        ("quick", {"scale": "laptop", "x": "note"}),
    ],
)
def test_where_nobody_can_tell_the_part_there_is_no_answer(inside: str, params: dict[str, Any]) -> None:
    """Two places where it may be, or none."""
    assert bare(inside, params) is None


def test_brackets_of_an_id_are_the_first_behind_the_file() -> None:
    """In folders and in values there may be more of them."""
    assert split_id("a[b]/t.py::test_it[x[y]]") == ("a[b]/t.py::test_it", "x[y]")
    assert split_id("a[b]/t.py::TestIt::test_it") == ("a[b]/t.py::TestIt::test_it", None)


PART = st.text("ab-[]", max_size=4)
PLAIN = PART.map(lambda text: (text, text))
"""An id that is its value's text."""
OTHERS = st.lists(PLAIN | PART.map(lambda text: (text, OBJECT)), max_size=3)


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, str, dict[str, Any]]:
    """The id without the scale's part, the whole id, and the parameters; all of functions with scale at place 1."""
    head, scale, tail = draw(OTHERS.map(lambda parts: parts[:1])), draw(PART), draw(OTHERS)
    params = {f"p{number}": text for number, (_, text) in enumerate(head)} | {"scale": scale}
    params |= {f"q{number}": text for number, (_, text) in enumerate(tail)}
    rest = "-".join(part for part, _ in (*head, *tail))
    return rest, "-".join([*(part for part, _ in head), scale, *(part for part, _ in tail)]), params


@given(cases())
def test_what_is_cut_out_is_the_scale_or_nothing(case: tuple[str, str, dict[str, Any]]) -> None:
    """The rest is the other parameters' ids: two tests whose other ids differ are never the same case."""
    rest, inside, params = case
    found = bare(inside, params)
    assert found in {None, f"{FUNCTION}[{rest}]" if len(params) > 1 else FUNCTION}


@given(cases())
def test_ids_of_plain_values_always_tell_their_scale(case: tuple[str, str, dict[str, Any]]) -> None:
    """Where no value has an id of its own, the part is known, dashes and brackets in values or not."""
    rest, inside, params = case
    assume(OBJECT not in params.values())
    assert bare(inside, params) == (f"{FUNCTION}[{rest}]" if len(params) > 1 else FUNCTION)


def cases_of(*benches: dict[str, Any]) -> list[str]:
    """The tables' cases."""
    files = [result(bench, instance_type=kind, launch=kind) for bench in benches for kind in ("m5.large", "c5.large")]
    records = [record for number, data in enumerate(files) for record in parse_records(data, str(number), HOW)]
    tables = compare_records(records).tables
    assert all(len(table.rows) == 2 for table in tables)
    return [table.case for table in tables]


def measured(inside: str, **params: object) -> dict[str, Any]:
    """A benchmark with a rate, so that its scales compare."""
    return benchmark([1.0], f"test_it[{inside}]", params=params, rows_per_second=1.0)


def test_b1_functions_of_different_addresses_are_one_test() -> None:
    """Each process has an address of its own; the id is what counts."""
    first = measured("laptop-bubble", scale="laptop", f="<function bubble at 0x7f01>")
    assert cases_of(first) == [f"{FUNCTION}[bubble]"]
    second = measured("laptop-bubble", scale="laptop", f="<function bubble at 0x7f02>")
    files = [result(first, instance_type="m5.large"), result(second, instance_type="c5.large")]
    (table,) = compare_records(record for data in files for record in parse_records(data, "x", HOW)).tables
    assert [row.machine.name for row in table.rows] == ["c5.large", "m5.large"]


def test_b2_values_of_the_same_text_are_two_tests() -> None:
    """``1`` and ``"1"``, told apart by their ids."""
    benches = measured("laptop-int", scale="laptop", v=1), measured("laptop-str", scale="laptop", v="1")
    assert cases_of(*benches) == [f"{FUNCTION}[int]", f"{FUNCTION}[str]"]


def test_b3_an_ambiguous_scale_stays_in_the_id() -> None:
    """Such a test is compared with itself at that scale, and with no other."""
    ambiguous = measured("p-a-q-a-r", x=OBJECT, scale="a", y=OBJECT)
    clear = measured("p-a-b-q-a-r", x="p-a", scale="b", y="q-a-r")
    assert cases_of(ambiguous, clear) == [f"{FUNCTION}[p-a-q-a-r]", f"{FUNCTION}[p-a-q-a-r] at a"]
