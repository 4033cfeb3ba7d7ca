"""CBOR, held against botocore's own reader and writer where it has them."""

from __future__ import annotations

import contextlib
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.embedded.managed.wire import cbor

SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary()
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(VALUES)
def test_what_is_written_is_read(value: object) -> None:
    """Each value comes back as it was."""
    assert cbor.decoded(cbor.encoded(value)) == value


@given(VALUES)
def test_botocore_reads_what_is_written(value: object) -> None:
    """The reader of botocore, which is another's, agrees; it leaves out what is null in a map."""
    parsers = pytest.importorskip("botocore.parsers")
    if not hasattr(parsers, "BaseCBORParser"):
        pytest.skip("this botocore speaks no CBOR")
    reader = parsers.BaseCBORParser()
    stream = reader.get_peekable_stream_from_bytes(cbor.encoded(value))
    assert reader.parse_data_item(stream) == _without_nulls(value)


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """What is no CBOR is a ValueError, never another error."""
    with contextlib.suppress(ValueError):
        cbor.decoded(body)


def test_times_are_tagged() -> None:
    """Seconds since 1970 behind tag 1."""
    assert cbor.encoded(datetime(2026, 1, 1, tzinfo=timezone.utc))[:2] == b"\xc1\xfb"


def test_indefinite_items_are_read() -> None:
    """RFC 8949, 3.2: arrays, maps and texts whose end is a break."""
    assert cbor.decoded(bytes.fromhex("9f0102ff")) == [1, 2]
    assert cbor.decoded(bytes.fromhex("bf616101ff")) == {"a": 1}
    assert cbor.decoded(bytes.fromhex("7f61616162ff")) == "ab"
