"""Whether what a result file has for times are times: at once for a whole file, one by one where something is odd."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_S = 1e12
"""Longer than there are people; so that no quotient is infinite."""
_LEAST_S = 1e-18
"""A clock's tick over its iterations."""
NUMBERS = frozenset({int, float})
"""Of which bool is none."""
_MIDDLES = itemgetter("median", "mean", "min", "max")


def all_sound(benches: Sequence[Any]) -> bool:
    """Whether each benchmark of a file has all its times, and these are positive, finite numbers.

    Nearly all files are so, and a look at all of a file's numbers takes half the time of one at each benchmark's.
    """
    times: list[Any] = []
    try:
        for bench in benches:
            stats = bench["stats"]
            times += _MIDDLES(stats)
            times += stats.get("data") or ()
        return _sound(times)
    except (KeyError, TypeError, AttributeError, OverflowError):
        return False


def check_times(stats: object) -> None:
    """Refuses a benchmark's times where these are no positive, finite numbers, with the first that is none.

    Raises:
        KeyError: there is no median.
        OverflowError: a whole number is beyond what a float holds.
        ValueError: another time is none.
    """
    if not isinstance(stats, dict):
        raise ValueError("stats are no object")
    data, median = stats.get("data"), stats["median"]
    rounds = data if isinstance(data, list) and data else [median]
    if not _sound([median, stats.get("mean", median), stats.get("min", median), stats.get("max", median), *rounds]):
        _check_seconds("median", median)
        for name in ("mean", "min", "max"):
            seconds = stats.get(name, median)
            if seconds != 0:  # which a coarse clock shows of what is too short for it
                _check_seconds(name, seconds)
        if not _sound([time for time in rounds if time != 0]):
            raise ValueError("stats.data holds what is no positive, finite number of seconds")


def _sound(times: Sequence[Any]) -> bool:
    """Whether there are any, all positive, finite numbers: so is a sum then alone, and NaN compares as nothing."""
    return bool(times) and NUMBERS.issuperset(map(type, times)) and sum(times) < MOST_S and min(times) > _LEAST_S


def _check_seconds(name: str, value: Any) -> None:
    if type(value) not in NUMBERS or not _LEAST_S < value < MOST_S:
        shown = f"{value:.3g}" if isinstance(value, float) else repr(value)[:40]
        raise ValueError(f"stats.{name} is {shown}, no positive, finite number of seconds that a test takes")
