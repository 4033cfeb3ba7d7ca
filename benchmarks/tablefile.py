"""A ``.parquet`` or ``.csv`` as a problem: one row a line, one column of labels, features in all others."""

from __future__ import annotations

import difflib
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
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Table:
    """Column types by name, how to read one column, and an integer column's extremes where metadata has them."""

    types: dict[str, ArrowType]
    read: Callable[[str], ArrowColumn]
    extremes: Callable[[str], tuple[int, int] | None]


def open_table(path: Path, label: str | None, *, whole: bool) -> tuple[Table, str]:
    """Return the table and the label's name, once the columns can be what is needed; ``whole`` reads a csv at once."""
    if path.suffix.lower() == ".csv":
        names, types, read, extremes = _open_csv(path, whole=whole)
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
    table = Table(dict(zip(names, types, strict=True)), read, extremes)
    for name, of in table.types.items():
        if name != label:
            kind_of(name, of)
    if not len(table.read(label)):
        raise DataFileError(f"has {len(names)} columns and no rows: add rows")
    return table, label


_Opened = tuple[list[str], list[ArrowType], "Callable[[str], ArrowColumn]", "Callable[[str], tuple[int, int] | None]"]


def _open_csv(path: Path, *, whole: bool) -> _Opened:
    from pyarrow import csv

    options = csv.ConvertOptions(strings_can_be_null=True)
    if whole:
        table = csv.read_csv(path, convert_options=options)
        return list(table.column_names), list(table.schema.types), table.column, lambda _: None

    def read(name: str) -> ArrowColumn:
        only = csv.ConvertOptions(strings_can_be_null=True, include_columns=[name])
        return csv.read_csv(path, convert_options=only).column(0)

    with csv.open_csv(path, convert_options=options) as reader:
        # Types of the first block: a later one may make integers floats, so that none is a promise.
        return list(reader.schema.names), list(reader.schema.types), read, lambda _: None


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


def known_itemsize(table: Table, label: str) -> int | None:
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


def load_table(path: Path, label: str | None, seed: int) -> tuple[Problem, list[str]]:
    """Return the problem in the table, and lines that say what was done."""
    import numpy as np

    table, name = open_table(path, label, whole=True)
    labels = encode_column(name, table.read(name))
    codes = labels.parts[0]
    mask = validation_mask(codes, seed=seed)
    features = [column for column in table.types if column != name]
    itemsize = known_itemsize(table, name)
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
    lines = [*describe(notes), *labels.lines, split_line(held_out, len(mask))]
    return Problem(x_train, codes[trained], x_val, codes[mask], labels.classes, categorical), lines
