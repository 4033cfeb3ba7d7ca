"""The user's own data (``--data FILE --label NAME``) as a :class:`~benchmarks.problem.Problem`.

A ``.npz`` holds ``x_train``, ``y_train`` and, if it likes, ``x_val`` and ``y_val``. A ``.parquet`` or ``.csv`` holds
one row a line, one column of labels, and features in all others. Features become float32 where float32 holds every
value of every column (float32, integers up to 2**24, booleans, dates, categories), float64 otherwise; a ``.npz`` of
float32 or float64 stays as it is.
"""

from __future__ import annotations

import contextlib
import difflib
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.columns import (
    ArrowColumn,
    ArrowType,
    DataFileError,
    Labels,
    column_fits_float32,
    describe,
    encode_arrays,
    encode_column,
    feature_values,
    float32_holds,
    kind_of,
    shortlist,
)
from benchmarks.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["DataFileError", "DataShape", "load", "probe", "validation_mask"]

SUFFIXES = (".npz", ".parquet", ".csv")
VALIDATION_SHARE = 2_433_253 / (13_788_428 + 2_433_253)  # of the published experiment: 15 %
_BLOCK_ROWS = 65_536


@dataclass(frozen=True, slots=True)
class DataShape:
    """The size of the problem in a data file.

    ``rows`` counts training rows and ``validation_rows`` those given or to be held out, which ``rows`` leaves out.
    ``itemsize`` is the bytes of a feature value (4 or 8): 8 too where only reading every value could tell.
    """

    rows: int
    validation_rows: int
    features: int
    classes: int
    itemsize: int


def probe(path: Path, label: str | None) -> DataShape:
    """Return the size of the problem in a file, from headers, metadata and labels alone.

    Raises:
        DataFileError: the file is missing, unreadable or holds no classification problem.
    """
    with _reading(path):
        if _suffix(path) == ".npz":
            headers = _npz_headers(path, label)
            labels = _npz_labels(path, headers)
            sizes = _sizes(labels)
            itemsize = 8 if any(_npz_itemsize(headers[name][1]) != 4 for name in _npz_x(headers)) else 4
            return DataShape(*sizes, headers["x_train"][0][1], labels.classes, itemsize)
        table, name = _open_table(path, label, whole=False)
        labels = encode_column(name, table.read(name))
        return DataShape(*_sizes(labels), len(table.types) - 1, labels.classes, _known_itemsize(table, name) or 8)


def load(path: Path, label: str | None, *, seed: int = 0) -> tuple[Problem, list[str]]:
    """Return the problem in a file, and lines for a human that say what was done with columns, labels and rows.

    ``seed`` chooses the rows that are held out where the file has no validation rows of its own.

    Raises:
        DataFileError: the file is missing, unreadable or holds no classification problem.
    """
    with _reading(path):
        return _load_npz(path, label, seed) if _suffix(path) == ".npz" else _load_table(path, label, seed)


def validation_mask(codes: NDArray[np.int32], *, seed: int) -> NDArray[np.bool_]:
    """Return which rows (rows,) to hold out: 15 % of each class, and never a class's last training row.

    Raises:
        DataFileError: every class has one row, so that none can be spared.
    """
    import numpy as np

    counts = np.bincount(codes)
    held_out = _held_out(counts)
    # Shuffled, then grouped by class: a row's place in its group is random, and the first ones are held out.
    shuffled = np.random.default_rng(seed).permutation(len(codes))
    grouped = shuffled[np.argsort(codes[shuffled], kind="stable")]
    starts = np.cumsum(counts) - counts
    mask = np.zeros(len(codes), dtype=np.bool_)
    for start, count in zip(starts.tolist(), held_out.tolist(), strict=True):
        mask[grouped[start : start + count]] = True
    return mask


def _held_out(counts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the rows to hold out of each class (classes,), whose total is 15 % or as near as the classes allow."""
    import numpy as np

    exact = counts * VALIDATION_SHARE
    held_out: NDArray[np.intp] = np.floor(exact).astype(np.intp)
    wanted = max(1, round(int(counts.sum()) * VALIDATION_SHARE)) - int(held_out.sum())
    # Largest remainders get what rounding down left over; a class of one row keeps it for training.
    order = np.argsort(-(exact - held_out), kind="stable")
    spare = order[counts[order] - held_out[order] > 1]
    held_out[spare[: max(0, wanted)]] += 1
    if not held_out.any():
        raise DataFileError(
            f"each of the {len(counts):,} classes has one row, so none can be held out for validation: "
            "add rows, or give x_val and y_val in a .npz"
        )
    return held_out


def _sizes(labels: Labels) -> tuple[int, int]:
    """Return training and validation rows, held out of the former where there is one part alone."""
    import numpy as np

    rows = len(labels.parts[0])
    if len(labels.parts) == 2:
        return rows, len(labels.parts[1])
    held_out = int(_held_out(np.bincount(labels.parts[0])).sum())
    return rows - held_out, held_out


def _split_line(held_out: int, rows: int) -> str:
    return f"validation: {held_out / rows:.0%} held out, stratified, {held_out:,} of {rows:,} rows".replace("%", " %")


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what zipfile, numpy and pyarrow raise for an unreadable file into DataFileError."""
    try:
        yield
    except DataFileError as error:
        raise DataFileError(f"{path}: {error}") from None
    except (OSError, EOFError, ValueError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        kind = path.suffix.lower()
        raise DataFileError(f"{path}: cannot be read as {kind} ({error}): is it complete, and a {kind}?") from error


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise DataFileError(f"unknown kind of file {suffix!r}: use one of {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise DataFileError("is not a file" if path.exists() else "does not exist: check the path given with --data")
    return suffix


# .npz: headers first, so that what is wrong is known before gigabytes are read.

_Header = tuple[tuple[int, ...], "np.dtype[Any]"]


def _npz_headers(path: Path, label: str | None) -> dict[str, _Header]:
    """Return shape and dtype of each array of the problem, once they fit together."""
    from numpy.lib import format as npy

    if label is not None:
        raise DataFileError(f"--label {label!r} is for .parquet and .csv; a .npz has its labels in y_train: leave it")
    headers: dict[str, _Header] = {}
    with zipfile.ZipFile(path) as archive:
        there = [name.removesuffix(".npy") for name in archive.namelist()]
        needed = ["x_train", "y_train"] + ["x_val", "y_val"] * bool({"x_val", "y_val"} & set(there))
        missing = [name for name in needed if name not in there]
        if missing:
            raise DataFileError(f"lacks {', '.join(missing)}; it holds {', '.join(there) or 'nothing'}: add or rename")
        for name in needed:
            with archive.open(f"{name}.npy") as file:
                first = npy.read_magic(file) == (1, 0)
                shape, _, dtype = (npy.read_array_header_1_0 if first else npy.read_array_header_2_0)(file)
            headers[name] = shape, dtype
    for name, (shape, dtype) in headers.items():
        _check_npz_array(name, shape, dtype)
    for part in ("train", "val") if "x_val" in headers else ("train",):
        x, y = headers[f"x_{part}"][0], headers[f"y_{part}"][0]
        if x[0] != y[0]:
            raise DataFileError(f"x_{part} has {x[0]:,} rows, y_{part} has {y[0]:,}: save one label for each row")
        if x[1] != headers["x_train"][0][1]:
            raise DataFileError(
                f"x_val has {x[1]:,} features, x_train {headers['x_train'][0][1]:,}: save the same ones"
            )
    return headers


def _check_npz_array(name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if dtype.hasobject:
        raise DataFileError(
            f"{name} is an object array, which needs pickle to read: save it as numbers"
            + (", or strings with dtype U" if name.startswith("y") else "")
        )
    if name.startswith("x") and len(shape) != 2:
        raise DataFileError(f"{name} has shape {shape}: it must be 2-D, (rows, features)")
    if name.startswith("y") and len(shape) != 1:
        raise DataFileError(f"{name} has shape {shape}: it must be 1-D, one label for each row")
    if 0 in shape:
        raise DataFileError(f"{name} has shape {shape}: there must be at least one row and one feature")
    if name.startswith("x") and dtype.kind not in "biuf":
        raise DataFileError(f"{name} has dtype {dtype}, which is not numeric: save numbers, categories as codes")


def _npz_x(headers: dict[str, _Header]) -> list[str]:
    return [name for name in headers if name.startswith("x")]


def _npz_itemsize(dtype: np.dtype[Any]) -> int | None:
    """Return the bytes that a feature of this dtype is given; None for integers whose values decide."""
    if dtype.kind == "f":
        return 4 if dtype.itemsize <= 4 else 8
    return 4 if dtype.itemsize <= 2 else None


def _npz_labels(path: Path, headers: dict[str, _Header]) -> Labels:
    import numpy as np

    with np.load(path, allow_pickle=False) as arrays:
        return encode_arrays({name: arrays[name] for name in headers if name.startswith("y")})


def _load_npz(path: Path, label: str | None, seed: int) -> tuple[Problem, list[str]]:
    import numpy as np

    headers = _npz_headers(path, label)
    labels = _npz_labels(path, headers)
    names = _npz_x(headers)
    with np.load(path, allow_pickle=False) as arrays:
        raw = [arrays[name] for name in names]
    wide = any(
        not float32_holds(int(x.min()), int(x.max())) if (size := _npz_itemsize(x.dtype)) is None else size == 8
        for x in raw
    )
    dtype = np.dtype(np.float64 if wide else np.float32)
    lines = [
        f"{name}: {x.dtype}, {x.shape[1]:,} features" + ("" if x.dtype == dtype else f" -> {dtype}")
        for name, x in zip(names, raw, strict=True)
    ]
    x_train = np.ascontiguousarray(raw.pop(0), dtype=dtype)
    y_train = labels.parts[0]
    lines += labels.lines
    if raw:
        x_val, y_val = np.ascontiguousarray(raw.pop(), dtype=dtype), labels.parts[1]
        lines.append(f"validation: {len(x_val):,} rows of x_val and y_val, {len(x_train):,} rows to train on")
    else:
        mask = validation_mask(y_train, seed=seed)
        lines.append(_split_line(int(mask.sum()), len(mask)))
        x_val, y_val, y_train = x_train[mask], y_train[mask], y_train[~mask]
        x_train = _keep_rows(x_train, np.flatnonzero(~mask))
    return Problem(x_train, y_train, x_val, y_val, labels.classes), lines


def _keep_rows(x: NDArray[np.floating[Any]], rows: NDArray[np.intp]) -> NDArray[np.floating[Any]]:
    """Move the ascending ``rows`` of ``x`` to its start, in place: the training data is never held twice."""
    for start in range(0, len(rows), _BLOCK_ROWS):
        block = rows[start : start + _BLOCK_ROWS]
        x[start : start + len(block)] = x[block]  # block[i] >= start + i: nothing yet to be moved is overwritten
    return x[: len(rows)]


# .parquet and .csv.


@dataclass(frozen=True, slots=True)
class _Table:
    """Column types by name, how to read one column, and an integer column's extremes where metadata has them."""

    types: dict[str, ArrowType]
    read: Callable[[str], ArrowColumn]
    extremes: Callable[[str], tuple[int, int] | None]


def _open_table(path: Path, label: str | None, *, whole: bool) -> tuple[_Table, str]:
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
    table = _Table(dict(zip(names, types, strict=True)), read, extremes)
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
        found = [metadata.row_group(group).column(column).statistics for group in range(metadata.num_row_groups)]
        if any(one is None or not one.has_min_max for one in found):
            return None
        return min(one.min for one in found), max(one.max for one in found)

    return list(schema.names), list(schema.types), read, extremes


def _known_itemsize(table: _Table, label: str) -> int | None:
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


def _load_table(path: Path, label: str | None, seed: int) -> tuple[Problem, list[str]]:
    import numpy as np

    table, name = _open_table(path, label, whole=True)
    labels = encode_column(name, table.read(name))
    codes = labels.parts[0]
    mask = validation_mask(codes, seed=seed)
    features = [column for column in table.types if column != name]
    itemsize = _known_itemsize(table, name)
    if itemsize is None:
        integers = [column for column in features if kind_of(column, table.types[column]) == "integer"]
        itemsize = 4 if all(column_fits_float32(table.read(column)) for column in integers) else 8
    held_out = int(mask.sum())
    dtype = np.dtype(np.float32 if itemsize == 4 else np.float64)
    x_train = np.empty((len(mask) - held_out, len(features)), dtype=dtype)
    x_val = np.empty((held_out, len(features)), dtype=dtype)
    notes = []
    kept = ~mask
    for place, column in enumerate(features):
        values, note = feature_values(column, table.read(column))
        x_train[:, place] = values[kept]
        x_val[:, place] = values[mask]
        notes.append(note)
    categorical = tuple(place for place, note in enumerate(notes) if note.values is not None)
    lines = [*describe(notes), *labels.lines, _split_line(held_out, len(mask))]
    return Problem(x_train, codes[kept], x_val, codes[mask], labels.classes, categorical), lines
