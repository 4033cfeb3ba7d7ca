"""A ``.npz`` as a problem: headers first, so that what is wrong is known before gigabytes are read."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

from benchmarks.columns import DataFileError, float32_holds
from benchmarks.holdout import split_line, validation_mask
from benchmarks.labels import Labels, encode_arrays
from benchmarks.problem import Problem

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

_BLOCK_ROWS = 65_536

Header = tuple[tuple[int, ...], "np.dtype[Any]"]


def read_headers(path: Path, label: str | None) -> dict[str, Header]:
    """Return shape and dtype of each array of the problem, once they fit together."""
    from numpy.lib import format as npy

    if label is not None:
        raise DataFileError(f"--label {label!r} is for .parquet and .csv; a .npz has its labels in y_train: leave it")
    headers: dict[str, Header] = {}
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
        _check_array(name, shape, dtype)
    for part in ("train", "val") if "x_val" in headers else ("train",):
        x, y = headers[f"x_{part}"][0], headers[f"y_{part}"][0]
        if x[0] != y[0]:
            raise DataFileError(f"x_{part} has {x[0]:,} rows, y_{part} has {y[0]:,}: save one label for each row")
        if x[1] != headers["x_train"][0][1]:
            raise DataFileError(
                f"x_val has {x[1]:,} features, x_train {headers['x_train'][0][1]:,}: save the same ones"
            )
    return headers


def _check_array(name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
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


def feature_arrays(headers: dict[str, Header]) -> list[str]:
    """Return the names of the arrays of features."""
    return [name for name in headers if name.startswith("x")]


def feature_itemsize(dtype: np.dtype[Any]) -> int | None:
    """Return the bytes that a feature of this dtype is given; None for integers whose values decide."""
    if dtype.kind == "f":
        return 4 if dtype.itemsize <= 4 else 8
    return 4 if dtype.itemsize <= 2 else None


def read_labels(path: Path, headers: dict[str, Header]) -> Labels:
    """Return the labels of the archive, training part first."""
    import numpy as np

    with np.load(path, allow_pickle=False) as arrays:
        return encode_arrays({name: arrays[name] for name in headers if name.startswith("y")})


def load_npz(path: Path, label: str | None, seed: int) -> tuple[Problem, list[str]]:
    """Return the problem in the archive, and lines that say what was done."""
    import numpy as np

    headers = read_headers(path, label)
    labels = read_labels(path, headers)
    names = feature_arrays(headers)
    with np.load(path, allow_pickle=False) as arrays:
        raw = [arrays[name] for name in names]
    wide = any(
        not float32_holds(int(x.min()), int(x.max())) if (size := feature_itemsize(x.dtype)) is None else size == 8
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
        lines.append(split_line(int(mask.sum()), len(mask)))
        x_val, y_val, y_train = x_train[mask], y_train[mask], y_train[~mask]
        x_train = _keep_rows(x_train, np.flatnonzero(~mask))
    return Problem(x_train, y_train, x_val, y_val, labels.classes), lines


def _keep_rows(x: NDArray[np.floating[Any]], rows: NDArray[np.intp]) -> NDArray[np.floating[Any]]:
    """Move the ascending ``rows`` of ``x`` to its start, in place: the training data is never held twice."""
    for start in range(0, len(rows), _BLOCK_ROWS):
        block = rows[start : start + _BLOCK_ROWS]
        x[start : start + len(block)] = x[block]  # block[i] >= start + i: nothing yet to be moved is overwritten
    return x[: len(rows)]
