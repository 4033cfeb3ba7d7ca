"""Times as people write them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.core.errors import UnitError
from pytest_benchmark_aws.core.values.durations import format_duration, parse_duration

_SHOWN = re.compile(r"(?:(\d+) h (\d\d) min)|(?:(\d+) min (\d\d) s)|(?:(\d+\.\d) s)")


@given(st.integers(0, 99_999), st.integers(0, 9_999_999), st.integers(0, 999_999_999))
def test_hours_minutes_and_seconds_add_up(hours: int, minutes: int, seconds: int) -> None:
    """A duration is the sum of its parts, each of which may be large."""
    expected = hours * 3600 + minutes * 60 + seconds
    for text in (f"{hours}h{minutes}m{seconds}s", f" {hours}H{minutes}M{seconds}S "):
        assert parse_duration(text) == expected


@given(st.integers(0, 999_999_999))
def test_a_plain_number_is_seconds(number: int) -> None:
    """Without a unit the number is seconds."""
    assert parse_duration(str(number)) == number == parse_duration(f"{number}s")


@given(st.integers(0, 9_999))
def test_each_part_may_stand_alone(number: int) -> None:
    """Hours alone and minutes alone are durations."""
    assert parse_duration(f"{number}h") == number * 3600
    assert parse_duration(f"{number}m") == number * 60


@given(st.text(max_size=12))
def test_any_text_parses_or_is_refused_by_name(text: str) -> None:
    """No text ends in another error than UnitError, and the error quotes the text."""
    try:
        seconds = parse_duration(text)
    except UnitError as error:
        message = str(error)
    else:
        assert seconds >= 0
        return
    assert repr(text) in message


@pytest.mark.parametrize(
    "text", ["", " ", "h", "1d", "-5", "1.5h", "30m1h", "1 h", "1e3", "inf", "1h30m10s5", "1h30", "90m30"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    """A text that is no duration is refused with examples of one."""
    with pytest.raises(UnitError, match="1h, 90m, 1h30m"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (12.34, "12.3 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (245, "4 min 05 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 00 min"),
        (3900, "1 h 05 min"),
        (100 * 3600, "100 h 00 min"),
    ],
)
def test_durations_are_shown_in_two_units(seconds: float, text: str) -> None:
    """Seconds below a minute, minutes and seconds below an hour, then hours and minutes."""
    assert format_duration(seconds) == text


@given(st.floats(0, 10**7))
def test_what_is_shown_is_the_time_to_its_last_digit(seconds: float) -> None:
    """The text means the same time to within its last place, and no part of it is 60."""
    found = _SHOWN.fullmatch(format_duration(seconds))
    assert found is not None
    hours, of_hour, minutes, of_minute, tenths = found.groups()
    if tenths is not None:
        assert float(tenths) == pytest.approx(seconds, abs=0.0501)
        assert float(tenths) < 60
    elif minutes is not None:
        assert int(minutes) * 60 + int(of_minute) == pytest.approx(seconds, abs=0.5)
        assert max(int(minutes), int(of_minute)) < 60
    else:
        assert int(hours) * 3600 + int(of_hour) * 60 == pytest.approx(seconds - 30, abs=30.5)
        assert int(of_hour) < 60
