"""A ``.parquet`` or ``.csv`` as a problem: one row a line, one column of labels, features in all others."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.columns import (
    ArrowColumn,
    ArrowType,
    DataFileError,
    column_fits_float32,
    describe,
    feature_values,
    float32_holds,
    kind_of,
    shortlist,
)
from benchmarks.holdout import split_line, validation_mask
from benchmarks.labels import encode_column
from benchmarks.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


NOT_UTF8 = "convert it first: iconv -f LATIN1 -t UTF-8 data.csv > utf8.csv, where LATIN1 is what wrote it"
UNNAMED = ("", "Unnamed: 0")
"""How pandas writes the name of an index without one, and how it calls that column when it reads it."""
_BYTE_ORDER_MARKS = {b"\xff\xfe\0\0": "utf-32", b"\0\0\xfe\xff": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
"""Of csv files that are not UTF-8; the longer first."""


@dataclass(frozen=True, slots=True)
class Table:
    """Column types by name, how to read one column, and an integer column's extremes where metadata has them."""

    types: dict[str, ArrowType]
    read: Callable[[str], ArrowColumn]
    extremes: Callable[[str], tuple[int, int] | None]
    lines: tuple[str, ...]
    """A sentence on each column that is no feature."""


def open_table(path: Path, label: str | None, *, whole: bool, na_values: Sequence[str] | None) -> tuple[Table, str]:
    """Return the table and the label's name, once the columns can be what is needed; ``whole`` reads a csv at once.

    What pandas stored as a frame's index is no feature: it numbers the rows, and rows are often sorted by class.
    """
    if path.suffix.lower() == ".csv":
        names, types, read, extremes = _open_csv(path, whole=whole, na_values=na_values)
    elif na_values is not None:
        raise DataFileError("--na-values is for .csv: a .parquet says itself which values are missing")
    else:
        names, types, read, extremes = _open_parquet(path)
    if len(names) == 1:
        raise DataFileError(f"has no features: {names[0]!r} is its only column (a .csv is split at commas): add some")
    if label is None:
        raise DataFileError(f"name the column of the labels with --label; there are {shortlist(names, 40)}")
    if label not in names:
        near = difflib.get_close_matches(label, names, n=3, cutoff=0.5)
        folded = [name for name in names if name.lower() == label.lower()]
        hint = f"did you mean {shortlist(folded or near)}?" if folded or near else f"there are {shortlist(names, 40)}"
        raise DataFileError(f"has no column {label!r} for --label: {hint}")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataFileError(f"column names repeat: {shortlist(repeated)}; rename them so that each is there once")
    of_columns = dict(zip(names, types, strict=True))
    index = [name for name in _index_columns(path, names, of_columns, read) if name != label]
    lines = [f"column {name!r}: the rows' numbers or names (pandas' index), left out" for name in index]
    table = Table({name: of for name, of in of_columns.items() if name not in index}, read, extremes, tuple(lines))
    if len(table.types) == 1:
        raise DataFileError(f"has no features: beside the label there is only the index {shortlist(index)}: add some")
    for name, of in table.types.items():
        if name != label:
            kind_of(name, of)
    if not len(table.read(label)):
        raise DataFileError(f"has {len(names)} columns and no rows: add rows")
    return table, label


def _index_columns(
    path: Path, names: Sequence[str], types: Mapping[str, ArrowType], read: Callable[[str], ArrowColumn]
) -> list[str]:
    """The columns that were a pandas frame's index."""
    import pyarrow.types as t
    from pyarrow import parquet
    from pyarrow.compute import count_distinct

    if path.suffix.lower() == ".csv":
        first = names[0]
        if first not in UNNAMED or not t.is_integer(types[first]):
            return []
        column = read(first)
        return [first] if count_distinct(column, mode="all").as_py() == len(column) else []
    # Index columns by name, and a range as an object that is no column (pandas' developer guide, parquet metadata).
    stored = (parquet.read_schema(path).metadata or {}).get(b"pandas", b"{}")
    index = json.loads(stored).get("index_columns", [])
    return [name for name in index if isinstance(name, str) and name in types]


_Opened = tuple[list[str], list[ArrowType], "Callable[[str], ArrowColumn]", "Callable[[str], tuple[int, int] | None]"]


def _open_csv(path: Path, *, whole: bool, na_values: Sequence[str] | None) -> _Opened:
    from pyarrow import csv

    # An empty field is missing, whatever else is.
    nulls = {} if na_values is None else {"null_values": ["", *na_values]}
    options = csv.ConvertOptions(strings_can_be_null=True, **nulls)
    encoding = csv.ReadOptions(encoding=_encoding(path))
    if whole:
        table = csv.read_csv(path, encoding, convert_options=options)
        _refuse_bytes(table.schema)
        return list(table.column_names), list(table.schema.types), table.column, lambda _: None

    def read(name: str) -> ArrowColumn:
        only = csv.ConvertOptions(strings_can_be_null=True, include_columns=[name], **nulls)
        return csv.read_csv(path, encoding, convert_options=only).column(0)

    with csv.open_csv(path, encoding, convert_options=options) as reader:
        _refuse_bytes(reader.schema)
        # Types of the first block: a later one may make integers floats, so that none is a promise.
        return list(reader.schema.names), list(reader.schema.types), read, lambda _: None


def _encoding(path: Path) -> str:
    """The encoding that a byte order mark tells of, else UTF-8."""
    with path.open("rb") as file:
        start = file.read(4096)
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if start.startswith(mark):
            return encoding
    if b"\0" in start:
        raise DataFileError("holds NUL bytes, as UTF-16 and UTF-32 do: " + NOT_UTF8.replace("LATIN1", "UTF-16LE"))
    return "utf-8"


def _refuse_bytes(schema: ArrowType) -> None:
    """Refuses text that is not UTF-8, which pyarrow reads as bytes."""
    columns = [field.name for field in schema if str(field.type) == "binary"]
    if columns:
        raise DataFileError(f"the text in column {shortlist(columns)} is not UTF-8: {NOT_UTF8}")


def _open_parquet(path: Path) -> _Opened:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        schema, metadata = file.schema_arrow, file.metadata

    def read(name: str) -> ArrowColumn:
        # One column at a time: the whole table and the feature matrix together would be two copies.
        with parquet.ParquetFile(path) as again:
            return again.read(columns=[name]).column(0)

    def extremes(name: str) -> tuple[int, int] | None:
        column = schema.names.index(name)  # is a leaf's index too, because no feature is nested
        groups = [metadata.row_group(group).column(column).statistics for group in range(metadata.num_row_groups)]
        if any(statistics is None or not statistics.has_min_max for statistics in groups):
            return None
        return min(statistics.min for statistics in groups), max(statistics.max for statistics in groups)

    return list(schema.names), list(schema.types), read, extremes


def itemsize_by_metadata(table: Table, label: str) -> int | None:
    """Return the bytes of a feature value, or None where integer columns would have to be read to tell."""
    import pyarrow.types as t

    kinds = {name: kind_of(name, of) for name, of in table.types.items() if name != label}
    if not set(kinds.values()) <= {"categorical", "null", "bool", "date", "small", "integer"}:
        return 8
    for name in (name for name, kind in kinds.items() if kind == "integer"):
        # Statistics of unsigned columns are left alone: old writers compared them as signed.
        ends = table.extremes(name) if t.is_signed_integer(table.types[name]) else None
        if ends is None:
            return None
        if not float32_holds(*ends):
            return 8
    return 4


def load_table(path: Path, label: str | None, seed: int, na_values: Sequence[str] | None) -> tuple[Problem, list[str]]:
    """Return the problem in the table, and lines that say what was done."""
    import numpy as np

    table, name = open_table(path, label, whole=True, na_values=na_values)
    labels = encode_column(name, table.read(name))
    codes = labels.parts[0]
    mask = validation_mask(codes, seed=seed)
    features = [column for column in table.types if column != name]
    itemsize = itemsize_by_metadata(table, name)
    if itemsize is None:
        integers = [column for column in features if kind_of(column, table.types[column]) == "integer"]
        itemsize = 4 if all(column_fits_float32(table.read(column)) for column in integers) else 8
    held_out = int(mask.sum())
    dtype = np.dtype(np.float32 if itemsize == 4 else np.float64)
    x_train = np.empty((len(mask) - held_out, len(features)), dtype=dtype)
    x_val = np.empty((held_out, len(features)), dtype=dtype)
    notes = []
    trained = ~mask
    for place, column in enumerate(features):
        values, note = feature_values(column, table.read(column))
        x_train[:, place] = values[trained]
        x_val[:, place] = values[mask]
        notes.append(note)
    categorical = tuple(place for place, note in enumerate(notes) if note.values is not None)
    lines = [*table.lines, *describe(notes), *labels.lines, split_line(held_out, len(mask))]
    return Problem(x_train, codes[trained], x_val, codes[mask], labels.classes, categorical), lines
