"""Labels of a data file as class indices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.columns import ArrowColumn, DataFileError, category_codes, floats, is_text, shortlist, type_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

MAX_CLASSES = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Class indices: one int32 array (rows,) for each part, all in ``range(classes)``."""

    parts: tuple[NDArray[np.int32], ...]
    classes: int
    lines: tuple[str, ...]


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
    if is_text(of):
        codes, values = category_codes(column)
        _check_count(what, len(values))
        return Labels((codes.to_numpy().astype(np.int32),), len(values), (_class_line(len(values), "U"),))
    if t.is_floating(of) or t.is_decimal(of):
        return encode_arrays({what: floats(column)})
    if t.is_boolean(of):
        return encode_arrays({what: column.cast(pa.uint8()).to_numpy().astype(np.bool_)})
    if t.is_integer(of):
        return encode_arrays({what: column.to_numpy()})
    raise DataFileError(
        f"{what} has type {type_name(of)}: labels are integers, strings or booleans; convert it, or name another with "
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
    values = sorted({value for part_values in distinct.values() for value in part_values.tolist()})
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
            f"row {int(gaps.argmax())} (counted from 0): drop those rows or label them; "
            "in a .csv, --na-values= keeps NA as a text"
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
