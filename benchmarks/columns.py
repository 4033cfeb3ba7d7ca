"""Columns of a data file as numbers: feature values, class labels, and lines that say what was done with each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

# pyarrow ships no types; these names at least say which of its objects is meant.
ArrowColumn: TypeAlias = Any
ArrowType: TypeAlias = Any

MAX_CLASSES = 10_000
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


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Class indices: one int32 array (rows,) for each part, all in ``range(classes)``."""

    parts: tuple[NDArray[np.int32], ...]
    classes: int
    lines: tuple[str, ...]


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
    if _is_text(of) or (t.is_dictionary(arrow_type) and (t.is_primitive(of) or t.is_null(of))):
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
        f"column {name!r} has type {_type_name(arrow_type)}, which is neither a number nor a category: "
        "drop it, or store it as numbers or strings"
    )


def _type_name(arrow_type: ArrowType) -> str:
    return "binary (in a .csv: text that is not UTF-8)" if str(arrow_type) == "binary" else str(arrow_type)


def _is_text(arrow_type: ArrowType) -> bool:
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
        codes, values = _category_codes(column)
        count = len(values)
        if count > FLOAT32_INTEGERS:
            raise DataFileError(f"column {name!r} has {count:,} different {of} values: it is an id; drop it")
        numbers = _floats(codes)
        treatment = f"{of.value_type if pa.types.is_dictionary(of) else of} -> categorical"
    elif kind == "null":
        numbers = np.full(len(column), np.nan, dtype=np.float32)
        treatment = "no values -> numeric"
    elif kind == "bool":
        numbers = _floats(column.cast(pa.uint8()))
        treatment = "bool -> 0/1"
    elif kind in ("date", "timestamp"):
        # A date64 is milliseconds of whole days; date32 has whole days and avoids the division.
        days = column.cast(pa.date32()).cast(pa.int32()) if kind == "date" else column.cast(pa.int64())
        per_day = 1 if kind == "date" else _PER_SECOND[of.unit] * _SECONDS_PER_DAY
        numbers = _floats(days) / per_day
        treatment = f"{kind} -> numeric, days since 1970-01-01"
    elif kind in ("duration", "time"):
        whole = pa.int32() if pa.types.is_time32(of) else pa.int64()
        numbers = _floats(column.cast(whole)) / _PER_SECOND[of.unit]
        treatment = f"{kind} -> numeric, seconds"
    else:
        numbers = _floats(column)
        treatment = "numeric"
    return numbers, ColumnNote(name, treatment, int(np.isnan(numbers).sum()), count)


def _floats(column: ArrowColumn) -> NDArray[np.floating[Any]]:
    """Return numbers as float64, or float32 where they already are, with NaN for null."""
    import pyarrow as pa

    wanted = pa.float32() if pa.types.is_float32(column.type) else pa.float64()
    # safe=False: an integer beyond 2**53 rounds, as it does in every library that trains on floats.
    values: NDArray[np.floating[Any]] = column.cast(wanted, safe=False).to_numpy()
    return values


def _category_codes(column: ArrowColumn) -> tuple[ArrowColumn, ArrowColumn]:
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


def encode_column(name: str, column: ArrowColumn) -> Labels:
    """Return a label column's classes, numbered in the sorted order of the values.

    Raises:
        DataFileError: labels are missing, no classes (fractions, dates), of one class or of more than 10,000.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    t = pa.types
    what = f"label column {name!r}"
    if t.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    of = column.type
    gaps = pc.is_null(column, nan_is_null=True) if t.is_floating(of) else pc.is_null(column)
    _refuse_missing(what, np.asarray(gaps.to_numpy(), dtype=np.bool_))
    if _is_text(of):
        codes, values = _category_codes(column)
        _check_count(what, len(values))
        return Labels((codes.to_numpy().astype(np.int32),), len(values), (_class_line(len(values), "U"),))
    if t.is_floating(of) or t.is_decimal(of):
        return encode_arrays({what: _floats(column)})
    if t.is_boolean(of):
        return encode_arrays({what: column.cast(pa.uint8()).to_numpy().astype(np.bool_)})
    if t.is_integer(of):
        return encode_arrays({what: column.to_numpy()})
    raise DataFileError(
        f"{what} has type {_type_name(of)}: labels are integers, strings or booleans; convert it, or name another with "
        "--label"
    )


def encode_arrays(arrays: Mapping[str, NDArray[Any]]) -> Labels:
    """Return the classes of 1-D label arrays, numbered in the sorted order of the values of all of them.

    The first array is the training labels (or all); names are for messages.

    Raises:
        DataFileError: labels are missing, no classes (fractions, dates), of one class or of more than 10,000.
    """
    import numpy as np

    distinct: dict[str, NDArray[Any]] = {}
    for name, array in arrays.items():
        _check_array(name, array)
        distinct[name] = np.unique(array)
    first = next(iter(arrays))
    _check_count(first, len(distinct[first]))
    if len({array.dtype.kind if array.dtype.kind in "US" else "number" for array in arrays.values()}) > 1:
        types = ", ".join(f"{name} {array.dtype}" for name, array in arrays.items())
        raise DataFileError(f"labels of different types cannot be the same classes ({types}): save both alike")
    # Python's numbers compare exactly over types (1 == 1.0 == True), which no common numpy dtype always can.
    values = sorted({value for found in distinct.values() for value in found.tolist()})
    _check_count(" and ".join(arrays), len(values))
    index = {value: code for code, value in enumerate(values)}
    lines = [_class_line(len(values), arrays[first].dtype.kind)]
    parts = []
    for name, array in arrays.items():
        codes = np.array([index[value] for value in distinct[name].tolist()], dtype=np.int32)
        parts.append(codes[np.searchsorted(distinct[name], array)])
        unseen = sorted(set(distinct[name].tolist()) - set(distinct[first].tolist()))
        if unseen:
            lines.append(f"labels: {len(unseen):,} of the classes in {name} not in {first}: {shortlist(unseen)}")
    return Labels(tuple(parts), len(values), tuple(lines))


def _check_array(name: str, array: NDArray[Any]) -> None:
    import numpy as np

    kind = array.dtype.kind
    if kind not in "biufUS":
        raise DataFileError(f"{name} has dtype {array.dtype}: labels are integers, strings or booleans; convert them")
    if kind == "f":
        _refuse_missing(name, np.isnan(array))
        wrong = np.isinf(array) | (array != np.floor(array))
        if wrong.any():
            row = int(wrong.argmax())
            raise DataFileError(
                f"{name} is not classes: {float(array[row])} at row {row} (counted from 0), {int(wrong.sum()):,} such "
                "values; classification needs integers, strings or booleans"
            )


def _refuse_missing(what: str, gaps: NDArray[np.bool_]) -> None:
    missing = int(gaps.sum())
    if missing:
        raise DataFileError(
            f"{what} is missing (empty, null, NaN or, in a .csv, NA) in {missing:,} of {len(gaps):,} rows, first at "
            f"row {int(gaps.argmax())} (counted from 0): drop those rows or label them"
        )


def _check_count(what: str, classes: int) -> None:
    if classes < 2:
        raise DataFileError(f"{what} has {classes} class: training needs at least 2; is it the right column or array?")
    if classes > MAX_CLASSES:
        raise DataFileError(
            f"{what} has {classes:,} different values, more than {MAX_CLASSES:,} classes: it looks like a regression "
            "target or an id; choose labels with fewer classes"
        )


def _class_line(classes: int, kind: str) -> str:
    names = {"U": "strings", "S": "byte strings", "b": "booleans", "f": "whole numbers stored as floats"}
    return f"labels: {classes:,} classes ({names.get(kind, 'integers')})"
