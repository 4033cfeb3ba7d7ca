"""Values of a JSON text are counted before they are built, and what is in texts is none."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.core.values import json_values
from pytest_benchmark_aws.core.values.json_values import count_values

TEXTS = st.text(st.sampled_from(',[{}]:"\\\n é\U0001f600a'), max_size=12)
TREES = st.recursive(
    st.none() | st.integers(0, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def starts(value: Any) -> int:
    """Brackets and commas of a value as JSON has it."""
    if not isinstance(value, dict | list):
        return 0
    items = list(value.values()) if isinstance(value, dict) else value
    return 1 + max(0, len(items) - 1) + sum(map(starts, items))


@given(TREES, st.booleans(), st.integers(1, 9))
def test_what_is_in_texts_is_no_value(value: Any, ascii_only: bool, part: int) -> None:
    """Wherever the text is cut into parts, escapes and quotes among them."""
    data = json.dumps(value, ensure_ascii=ascii_only).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_values, "_PART", part)
        assert count_values(data, -1) == starts(value)


@pytest.mark.parametrize("rest", [b'"', b'"\\', b'",[', b"\\\\,"])
def test_values_before_the_place_that_is_no_json_are_counted(rest: bytes) -> None:
    """A quote or a backslash that is foul hides nothing of what comes before it."""
    assert count_values(b"[" + b"{}," * 1_000 + rest, 10) >= 2_001


def test_the_count_takes_no_memory() -> None:
    """Of 8 MB of commas and quotes, in a text and between texts."""
    for data in (b'["' + b"," * 8_000_000 + b'"]', b'",' * 4_000_000, b'\\"' * 4_000_000):
        tracemalloc.start()
        try:
            count_values(data, 10)
            assert tracemalloc.get_traced_memory()[1] < 8_000_000
        finally:
            tracemalloc.stop()
