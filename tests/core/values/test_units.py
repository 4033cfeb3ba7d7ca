"""Memory and rates as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.core.values.units import UnitError, format_memory, format_rate, parse_memory

UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "kB": 10**3, "MB": 10**6, "GB": 10**9}


@given(st.integers(0, 2**50), st.sampled_from(sorted(UNITS)), st.sampled_from(["", " ", "  "]))
def test_whole_amounts_parse_exactly(number: int, unit: str, gap: str) -> None:
    """A whole number of a unit is exactly that many bytes, whatever the blanks and the case."""
    for text in (f"{number}{gap}{unit}", f"{number}{gap}{unit.lower()}", f" {number}{gap}{unit.upper()} "):
        assert parse_memory(text) == number * UNITS[unit]


@given(st.integers(0, 2**60))
def test_a_plain_number_is_bytes(number: int) -> None:
    """Without a unit the number is bytes."""
    if number < 10**18:
        assert parse_memory(str(number)) == number


@given(st.integers(0, 2**50))
def test_format_then_parse_stays_within_its_digits(amount: int) -> None:
    """Formatted memory parses back to within half of its last of three digits."""
    assert parse_memory(format_memory(amount)) == pytest.approx(amount, rel=0.006, abs=1)


@given(st.text(max_size=12))
def test_any_text_parses_or_is_refused_by_name(text: str) -> None:
    """No text ends in another error than UnitError, and the error quotes the text."""
    try:
        amount = parse_memory(text)
    except UnitError as error:
        message = str(error)
    else:
        assert amount >= 0
        return
    assert repr(text) in message


@pytest.mark.parametrize("text", ["", "GiB", "-1 GiB", "1e9", "12 parsecs", "1.5.2 GiB", "inf"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    """A text that is no amount is refused with an example of one."""
    with pytest.raises(UnitError, match="96 GiB"):
        parse_memory(text)


def test_a_fraction_of_a_unit_is_exact() -> None:
    """Fractions are exact, rounded up to a whole byte."""
    assert parse_memory("1.5 TiB") == 3 * 2**39
    assert parse_memory("0.0001 KiB") == 1


def test_negative_memory_is_refused() -> None:
    """Memory below zero is a bug of the caller."""
    with pytest.raises(UnitError, match="-1"):
        format_memory(-1)


@pytest.mark.parametrize(
    ("value", "text"), [(38_534_000.0, "38.5 M"), (1.2e9, "1.2 G"), (999.0, "999 "), (0.5, "0.5 "), (1500.0, "1.5 k")]
)
def test_rates_have_three_digits(value: float, text: str) -> None:
    """A rate has an SI prefix and three significant digits."""
    assert format_rate(value) == text
