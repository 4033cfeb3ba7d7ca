"""Columns of a data file as numbers: feature values, and lines that say what was done with each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

# pyarrow ships no types; these names at least say which of its objects is meant.
ArrowColumn: TypeAlias = Any
ArrowType: TypeAlias = Any

FLOAT32_INTEGERS = 2**24  # float32 holds every integer up to this magnitude
ID_LIKE_VALUES = 1_000
SAME_TREATED_LISTED = 4  # more columns of one treatment than this share one line
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_SECONDS_PER_DAY = 86_400


class DataFileError(ValueError):
    """The user's data file cannot be trained on; the message says what is wrong with it and what to do."""


@dataclass(frozen=True, slots=True)
class ColumnNote:
    """What became of one feature column: ``missing`` rows are NaN, ``values`` counts a categorical's values."""

    name: str
    treatment: str
    missing: int
    values: int | None = None


def shortlist(items: Iterable[object], most: int = 8) -> str:
    """Return the first ``most`` items as code, and how many more there are."""
    texts = [repr(item) for item in items]
    more = f" and {len(texts) - most:,} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def kind_of(name: str, arrow_type: ArrowType) -> str:
    """Return how a feature column of this Arrow type is treated.

    One of categorical, null, bool, date, small (float32 holds every value), integer (its values decide), float,
    timestamp, duration and time.

    Raises:
        DataFileError: the type is no number and no category: nested, binary or an extension.
    """
    import pyarrow.types as t

    of = arrow_type.value_type if t.is_dictionary(arrow_type) else arrow_type
    if is_text(of) or (t.is_dictionary(arrow_type) and (t.is_primitive(of) or t.is_null(of))):
        return "categorical"
    tests = {
        "null": t.is_null,
        "bool": t.is_boolean,
        "date": t.is_date,
        "small": lambda a: t.is_int8(a) or t.is_int16(a) or t.is_uint8(a) or t.is_uint16(a) or _is_small_float(a),
        "integer": t.is_integer,
        "float": lambda a: t.is_floating(a) or t.is_decimal(a),
        "timestamp": t.is_timestamp,
        "duration": t.is_duration,
        "time": t.is_time,
    }
    for kind, test in tests.items():
        if test(arrow_type):
            return kind
    raise DataFileError(
        f"column {name!r} has type {type_name(arrow_type)}, which is neither a number nor a category: "
        "drop it, or store it as numbers or strings"
    )


def type_name(arrow_type: ArrowType) -> str:
    """Return the type as a person would call it."""
    return "binary (in a .csv: text that is not UTF-8)" if str(arrow_type) == "binary" else str(arrow_type)


def is_text(arrow_type: ArrowType) -> bool:
    """Return whether a column of this type holds text."""
    # By name, because string_view has no predicate in the oldest pyarrow that is supported.
    return str(arrow_type) in ("string", "large_string", "string_view")


def _is_small_float(arrow_type: ArrowType) -> bool:
    import pyarrow.types as t

    return bool(t.is_float16(arrow_type) or t.is_float32(arrow_type))


def float32_holds(low: int, high: int) -> bool:
    """Return whether float32 holds every integer from ``low`` to ``high``."""
    return low >= -FLOAT32_INTEGERS and high <= FLOAT32_INTEGERS


def column_fits_float32(column: ArrowColumn) -> bool:
    """Return whether float32 holds every value of an integer column (an empty or all-null one too)."""
    import pyarrow.compute as pc

    ends = pc.min_max(column).as_py()
    return ends["min"] is None or float32_holds(ends["min"], ends["max"])


def feature_values(name: str, column: ArrowColumn) -> tuple[NDArray[np.floating[Any]], ColumnNote]:
    """Return a column as float32 or float64 (rows,), NaN where it is null, and what was done.

    Categories become codes in the sorted order of their values, dates and timestamps days since 1970-01-01 (of UTC
    where there is a time zone), durations and times of day seconds. Infinities stay.

    Raises:
        DataFileError: as ``kind_of``; or there are more categories than float32 can tell apart.
    """
    import numpy as np
    import pyarrow as pa

    of = column.type
    kind = kind_of(name, of)
    count: int | None = None
    if kind == "categorical":
        codes, values = category_codes(column)
        count = len(values)
        if count > FLOAT32_INTEGERS:
            raise DataFileError(f"column {name!r} has {count:,} different {of} values: it is an id; drop it")
        numbers = floats(codes)
        treatment = f"{of.value_type if pa.types.is_dictionary(of) else of} -> categorical"
    elif kind == "null":
        numbers = np.full(len(column), np.nan, dtype=np.float32)
        treatment = "no values -> numeric"
    elif kind == "bool":
        numbers = floats(column.cast(pa.uint8()))
        treatment = "bool -> 0/1"
    elif kind in ("date", "timestamp"):
        # A date64 is milliseconds of whole days; date32 has whole days and avoids the division.
        days = column.cast(pa.date32()).cast(pa.int32()) if kind == "date" else column.cast(pa.int64())
        per_day = 1 if kind == "date" else _PER_SECOND[of.unit] * _SECONDS_PER_DAY
        numbers = floats(days) / per_day
        treatment = f"{kind} -> numeric, days since 1970-01-01"
    elif kind in ("duration", "time"):
        whole = pa.int32() if pa.types.is_time32(of) else pa.int64()
        numbers = floats(column.cast(whole)) / _PER_SECOND[of.unit]
        treatment = f"{kind} -> numeric, seconds"
    else:
        numbers = floats(column)
        treatment = "numeric"
    return numbers, ColumnNote(name, treatment, int(np.isnan(numbers).sum()), count)


def floats(column: ArrowColumn) -> NDArray[np.floating[Any]]:
    """Return numbers as float64, or float32 where they already are, with NaN for null."""
    import pyarrow as pa

    wanted = pa.float32() if pa.types.is_float32(column.type) else pa.float64()
    # safe=False: an integer beyond 2**53 rounds, as it does in every library that trains on floats.
    values: NDArray[np.floating[Any]] = column.cast(wanted, safe=False).to_numpy()
    return values


def category_codes(column: ArrowColumn) -> tuple[ArrowColumn, ArrowColumn]:
    """Return int32 codes (null where the value is) and the sorted values they index."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not pa.types.is_primitive(column.type):  # string_view lacks kernels; string's offsets end at 2 GiB
        column = column.cast(pa.large_string())
    elif pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    values = pc.unique(column).drop_null()
    values = values.take(pc.sort_indices(values))
    return pc.index_in(column, value_set=values), values


def describe(notes: Sequence[ColumnNote]) -> list[str]:
    """Return human lines for feature columns; many that were treated alike share one line."""
    groups: dict[tuple[str, str], list[ColumnNote]] = {}
    for note in notes:
        # What looks like an id is worth a line of its own, however many there are.
        own = note.name if note.values is not None and note.values > ID_LIKE_VALUES else ""
        groups.setdefault((note.treatment, own), []).append(note)
    lines: list[str] = []
    for (treatment, own), group in groups.items():
        if treatment == "numeric":
            head = "1 numeric column as it is" if len(group) == 1 else f"{len(group):,} numeric columns as they are"
            lines.append(head + _missing(group))
        elif len(group) > SAME_TREATED_LISTED:
            names = shortlist((note.name for note in group), 3)
            lines.append(f"{len(group):,} columns: {treatment}{_values(group)}{_missing(group)}: {names}")
        else:
            hint = ": looks like an id, which a model learns by heart; consider dropping it" if own else ""
            lines += [f"column {n.name!r}: {treatment}{_values([n])}{_missing([n])}{hint}" for n in group]
    return lines


def _values(group: Sequence[ColumnNote]) -> str:
    counts = [note.values for note in group if note.values is not None]
    if not counts:
        return ""
    low, high = min(counts), max(counts)
    return f", {low:,} to {high:,} values each" if low != high else f", {high:,} value{'s' * (high != 1)}"


def _missing(group: Sequence[ColumnNote]) -> str:
    missing = sum(note.missing for note in group)
    return f", {missing:,} missing" if missing else ""
