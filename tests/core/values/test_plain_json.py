"""Values of any kind as JSON has them: as pytest-benchmark stores them, and within bounds."""

from __future__ import annotations

import datetime
import enum
import json
import tracemalloc
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import pytest
from pytest_benchmark.utils import safe_dumps

from pytest_benchmark_aws.core.values.plain_json import Bounds, plain, plain_fields


class Color(str, enum.Enum):
    """A text that has another text."""

    RED = "red"


class Size(enum.IntEnum):
    """A number that has a name."""

    BIG = 3


class Point(NamedTuple):
    """A tuple that has a name."""

    x: int
    y: int


class Silent:
    """An object that refuses to be written."""

    def __repr__(self) -> str:
        raise RuntimeError

    __str__ = __repr__


STOCKS: list[Any] = [
    b"hello world", bytearray(b"x"), {1, 2}, object(), int, Decimal("0.5"), Fraction(1, 3), 1 + 2j, range(3),
    PurePosixPath("/x"), datetime.date(2026, 1, 2), Color.RED, Size.BIG, Point(1, 2), (1, [b"x"]), 'a "b" \\ é',
    {None: 1, True: 2, 3: 4, 0.5: 6, Color.RED: b"x"}, [None, True, 1, 0.25, "x"], lambda: 0, ValueError("no"),
]  # fmt: skip


@pytest.mark.parametrize("value", STOCKS, ids=lambda value: type(value).__name__)
def test_a2_what_has_no_json_is_written_as_pytest_benchmark_does(value: Any) -> None:
    """``UNSERIALIZABLE[...]`` with what Python writes; an enumeration's value; names of objects."""
    sent = plain_fields({"value": value}, Bounds())
    assert (sent.fields["value"], sent.cut) == (json.loads(safe_dumps(value)), ())


def test_a2_an_object_that_refuses_to_be_written_is_its_type() -> None:
    """Where pytest-benchmark stores nothing."""
    assert plain_fields({"value": Silent()}, Bounds()).fields == {"value": "UNSERIALIZABLE[<Silent>]"}
    assert plain(Silent()) == "<Silent>"


def test_a4_texts_of_a_whole_that_is_too_long_are_cut() -> None:
    """Its form stays, each text has its beginning and end, and what is not whole is named."""
    fields = {"data": ["," * 90_000] * 60, "few": [1, 2], "text": "abc"}
    sent = plain_fields(fields, Bounds(size=1_000_000))
    assert len(json.dumps(sent.fields)) < 1_000_000
    assert (len(sent.fields["data"]), sent.fields["few"], sent.fields["text"]) == (60, [1, 2], "abc")
    assert all(text.startswith(",,") and "80,000 characters are left out" in text for text in sent.fields["data"])
    assert sent.cut == ("data",)
    assert sent.values == 65


def test_a4_what_fits_is_whole() -> None:
    """Commas and brackets in a text are characters as others are."""
    fields = {"data": [",[{" * 30_000] * 10}
    sent = plain_fields(fields, Bounds())
    assert (sent.fields, sent.cut) == (fields, ())


@pytest.mark.parametrize(
    "value",
    [["x" * 50] * 90_000, {f"k{number}": "x" * 50 for number in range(90_000)}, [["x" * 10**6] * 10**6] * 10**5],
    ids=["texts", "names", "the same again"],
)
def test_a4_no_value_takes_more_than_its_share(value: Any) -> None:
    """Many short texts, many names, and 10^11 times the same long text, of which no more is looked at than is kept."""
    tracemalloc.start()
    try:
        sent = plain_fields({"value": value}, Bounds(size=200_000))
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    assert len(json.dumps(sent.fields)) < 250_000
    assert sent.cut == ("value",)
    assert str(sent.fields["value"])[0] in "[{"


def test_a4_an_object_of_too_many_fields_stays_one() -> None:
    """The first hundred are kept, and how many more there are is said."""
    sent = plain_fields({f"k{number}": number for number in range(5_000)}, Bounds(values=1_000))
    assert len(sent.fields) == 100
    assert sent.fields["k99"] == "99"
    assert sent.cut[-1] == "4,900 more fields"
