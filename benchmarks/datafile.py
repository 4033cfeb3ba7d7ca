"""The user's own data (``--data FILE --label NAME``) as a :class:`~benchmarks.problem.Problem`.

A ``.npz`` holds ``x_train``, ``y_train`` and, if it likes, ``x_val`` and ``y_val``. A ``.parquet`` or ``.csv`` holds
one row a line, one column of labels, and features in all others. Features become float32 where float32 holds every
value of every column (float32, integers up to 2**24, booleans, dates, categories), float64 otherwise; a ``.npz`` of
float32 or float64 stays as it is.
"""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks import npzfile, tablefile
from benchmarks.columns import DataFileError
from benchmarks.holdout import part_sizes
from benchmarks.labels import encode_column

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.problem import Problem

__all__ = ["DataFileError", "DataShape", "load", "probe"]

SUFFIXES = (".npz", ".parquet", ".csv")


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


def probe(path: Path, label: str | None, *, na_values: Sequence[str] | None = None) -> DataShape:
    """Return the size of the problem in a file, from headers, metadata and labels alone.

    ``na_values`` are a csv's texts for a missing value beside the empty one; None means pyarrow's, such as NA and null.

    Raises:
        DataFileError: the file is missing, unreadable or holds no classification problem.
    """
    with _reading(path):
        if _suffix(path) == ".npz":
            _no_na_values(na_values)
            headers = npzfile.read_headers(path, label)
            labels = npzfile.read_labels(path, headers)
            sizes = part_sizes(labels)
            itemsize = (
                8
                if any(npzfile.feature_itemsize(headers[name][1]) != 4 for name in npzfile.feature_arrays(headers))
                else 4
            )
            return DataShape(*sizes, headers["x_train"][0][1], labels.classes, itemsize)
        table, name = tablefile.open_table(path, label, whole=False, na_values=na_values)
        labels = encode_column(name, table.read(name))
        return DataShape(
            *part_sizes(labels), len(table.types) - 1, labels.classes, tablefile.itemsize_by_metadata(table, name) or 8
        )


def load(
    path: Path, label: str | None, *, seed: int = 0, na_values: Sequence[str] | None = None
) -> tuple[Problem, list[str]]:
    """Return the problem in a file, and lines for a human that say what was done with columns, labels and rows.

    ``seed`` chooses the rows that are held out where the file has no validation rows of its own; ``na_values`` is as in
    ``probe``.

    Raises:
        DataFileError: the file is missing, unreadable or holds no classification problem.
    """
    with _reading(path):
        if _suffix(path) == ".npz":
            _no_na_values(na_values)
            return npzfile.load_npz(path, label, seed)
        return tablefile.load_table(path, label, seed, na_values)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what zipfile, numpy and pyarrow raise for an unreadable file into DataFileError."""
    try:
        yield
    except DataFileError as error:
        raise DataFileError(f"{path}: {error}") from None
    except (OSError, EOFError, ValueError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        kind = path.suffix.lower()
        if kind == ".csv" and ("utf8" in str(error).lower() or isinstance(error, UnicodeDecodeError)):
            raise DataFileError(f"{path}: its text is not UTF-8 ({error}): {tablefile.NOT_UTF8}") from error
        raise DataFileError(f"{path}: cannot be read as {kind} ({error}): is it complete, and a {kind}?") from error


def _no_na_values(na_values: Sequence[str] | None) -> None:
    if na_values is not None:
        raise DataFileError("--na-values is for .csv: in a .npz, NaN is missing")


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise DataFileError(f"unknown kind of file {suffix!r}: use one of {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise DataFileError("is not a file" if path.exists() else "does not exist: check the path given with --data")
    return suffix
