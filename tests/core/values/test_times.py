"""What a file has for times, looked at as a whole and one by one."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.core.values.times import all_sound, check_times

TIMES = st.one_of(
    st.floats(1e-9, 1e3),
    st.sampled_from([0, 0.0, -1.0, 1, 10**400, 1e-30, 1e15, math.nan, math.inf, True, None, "1", [], {}]),
)
DATA = st.one_of(st.lists(TIMES, max_size=4), st.sampled_from([None, "", "12", {}, {"1": 1}, 0, 7]))
STATS = st.fixed_dictionaries({}, optional={**dict.fromkeys(("median", "mean", "min", "max"), TIMES), "data": DATA})


@given(st.lists(st.fixed_dictionaries({}, optional={"stats": STATS | st.sampled_from([None, "x", []])}), max_size=3))
def test_a_file_that_is_sound_as_a_whole_is_so_in_each_benchmark(benches: list[dict[str, Any]]) -> None:
    """The quick look passes nothing that the careful one refuses; what it doubts may still be sound."""
    if all_sound(benches):
        for bench in benches:
            check_times(bench["stats"])


@pytest.mark.parametrize("benches", [[None], ["x"], [[]], [{}], [{"stats": {"median": 10**400}}], []])
def test_what_is_no_benchmark_is_not_sound(benches: list[Any]) -> None:
    """And makes no error of its own."""
    assert not all_sound(benches)
