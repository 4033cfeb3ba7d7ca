"""The user's own data file becomes a Problem, or an error that says what is wrong and what to do."""

from __future__ import annotations

import datetime
import decimal
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given

from benchmarks.columns import feature_values
from benchmarks.datafile import DataFileError, DataShape, load, probe
from benchmarks.holdout import validation_mask
from benchmarks.labels import encode_arrays, encode_column

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.problem import Problem

LABELS = ["c", "a", "b", "a"] * 10


def rows_of(problem: Problem) -> list[tuple[float, ...]]:
    """All rows, features and then label, in sorted order."""
    x = np.vstack([problem.x_train, problem.x_val])
    y = np.concatenate([problem.y_train, problem.y_val])
    return sorted((*row, label) for row, label in zip(x.tolist(), y.tolist(), strict=True))


def shape_of(problem: Problem) -> DataShape:
    """What probe must have said of the file."""
    (rows, features), itemsize = problem.x_train.shape, problem.x_train.itemsize
    return DataShape(rows, len(problem.x_val), features, problem.classes, itemsize)


def save_npz(folder: Path, **arrays: Any) -> Path:
    path = folder / "data.npz"
    np.savez(path, **arrays)
    return path


def save_parquet(folder: Path, columns: dict[str, Any]) -> Path:
    path = folder / "data.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def save_csv(folder: Path, text: str) -> Path:
    path = folder / "data.csv"
    path.write_text(text)
    return path


def x_of(rows: int = 40, dtype: str = "float32") -> np.ndarray[Any, Any]:
    return np.arange(rows * 2).reshape(rows, 2).astype(dtype)


def column_of(folder: Path, values: Any, name: str = "f") -> tuple[list[float], str]:
    """A parquet feature column as numbers, in the order of the file, and its line."""
    rows = len(values)
    labels = ["a", "b"] * rows
    values = pa.chunked_array([values, values])
    path = save_parquet(folder, {"row": pa.array(range(2 * rows), pa.int16()), name: values, "y": labels[: 2 * rows]})
    problem, lines = load(path, "y")
    x = np.vstack([problem.x_train, problem.x_val])
    line = next(line for line in lines if not line.startswith(("1 numeric column as it is", "labels", "validation")))
    return x[np.argsort(x[:, 0])][:rows, 1].tolist(), line


# Problems that load.


def test_npz_arrays_are_used_as_they_are(tmp_path: Path) -> None:
    """x_train, y_train, x_val and y_val give the problem without a split."""
    path = save_npz(tmp_path, x_train=x_of(), y_train=LABELS, x_val=x_of(8), y_val=LABELS[:8])
    problem, _ = load(path, None)
    np.testing.assert_array_equal(problem.x_train, x_of())
    np.testing.assert_array_equal(problem.x_val, x_of(8))
    assert problem.y_train.tolist()[:4] == problem.y_val.tolist()[:4] == [2, 0, 1, 0]


@pytest.mark.parametrize(
    ("saved", "loaded"),
    [
        ("float32", "float32"),
        ("float64", "float64"),
        ("float16", "float32"),
        (">f4", "float32"),
        ("int64", "float32"),
        ("bool", "float32"),
    ],
)
def test_npz_feature_dtype(tmp_path: Path, saved: str, loaded: str) -> None:
    """float32 and float64 stay, others become float32 where that holds their values."""
    problem, _ = load(save_npz(tmp_path, x_train=x_of(dtype=saved), y_train=LABELS), None)
    assert problem.x_train.dtype == problem.x_val.dtype == np.dtype(loaded)


def test_npz_integers_beyond_float32_become_float64(tmp_path: Path) -> None:
    """2**24 + 1 is the first integer that float32 lacks."""
    problem, _ = load(save_npz(tmp_path, x_train=x_of(dtype="int64") + 2**24 + 1, y_train=LABELS), None)
    assert problem.x_train.dtype == np.float64


def test_npz_fortran_order_becomes_c_order(tmp_path: Path) -> None:
    """LightGBM reads rows, so a transposed array is laid out anew."""
    problem, _ = load(save_npz(tmp_path, x_train=np.asfortranarray(x_of()), y_train=LABELS), None)
    assert problem.x_train.flags.c_contiguous
    assert problem.x_val.flags.c_contiguous


def test_npz_split_keeps_rows_with_their_labels(tmp_path: Path) -> None:
    """The rows that stay for training are moved in place, over several blocks, with none lost."""
    rows = 200_000
    x = np.arange(rows, dtype=np.float64).reshape(rows, 1)
    problem, lines = load(save_npz(tmp_path, x_train=x, y_train=np.arange(rows) % 7), None)
    assert rows_of(problem) == [(float(row), row % 7) for row in range(rows)]
    assert lines[-1] == "validation: 15 % held out, stratified, 30,000 of 200,000 rows"


def test_split_depends_on_the_seed_alone(tmp_path: Path) -> None:
    """The same seed holds the same rows out; another seed holds out others."""
    path = save_npz(tmp_path, x_train=x_of(), y_train=LABELS)
    one, again, other = (load(path, None, seed=seed)[0].x_val.tolist() for seed in (1, 1, 2))
    assert one == again != other


def test_class_in_validation_alone_is_told(tmp_path: Path) -> None:
    """A class that training lacks counts as a class, and a line names it."""
    path = save_npz(tmp_path, x_train=x_of(4), y_train=[5, 7, 5, 7], x_val=x_of(2), y_val=[5, 6])
    problem, lines = load(path, None)
    assert (problem.classes, problem.y_val.tolist()) == (3, [0, 1])
    assert "labels: 1 of the classes in y_val not in y_train: 6" in lines


@pytest.mark.parametrize("save", [save_parquet, None], ids=["parquet", "csv"])
def test_table_columns_become_features(tmp_path: Path, save: Callable[..., Path] | None) -> None:
    """Every column but the label's is a feature, in the order of the file; each row keeps its label."""
    columns = {"a": list(range(40)), "y": LABELS, "b": [row % 3 == 0 for row in range(40)]}
    text = "a,y,b\n" + "".join(f"{row},{LABELS[row]},{str(row % 3 == 0).lower()}\n" for row in range(40))
    path = save(tmp_path, columns) if save else save_csv(tmp_path, text)
    problem, _ = load(path, "y")
    assert rows_of(problem) == [(float(row), float(row % 3 == 0), "abc".index(LABELS[row])) for row in range(40)]


@pytest.mark.parametrize(
    ("values", "numbers", "line"),
    [
        (pa.array(["b", "a", None]), [1, 0, np.nan], "column 'f': string -> categorical, 2 values, 2 missing"),
        (
            pa.array(["b", "a", None]).dictionary_encode(),
            [1, 0, np.nan],
            "column 'f': string -> categorical, 2 values, 2 missing",
        ),
        (pa.array([True, None, False]), [1, np.nan, 0], "column 'f': bool -> 0/1, 2 missing"),
        (pa.array([None, None], pa.null()), [np.nan] * 2, "column 'f': no values -> numeric, 4 missing"),
        (
            pa.array([datetime.date(1970, 1, 3), None]),
            [2, np.nan],
            "column 'f': date -> numeric, days since 1970-01-01, 2 missing",
        ),
        (
            pa.array([datetime.datetime(1970, 1, 2, 12), None], pa.timestamp("us")),
            [1.5, np.nan],
            "column 'f': timestamp -> numeric, days since 1970-01-01, 2 missing",
        ),
        (
            pa.array([1500, None], pa.duration("ms")),
            [1.5, np.nan],
            "column 'f': duration -> numeric, seconds, 2 missing",
        ),
        (pa.array([1500, None], pa.time32("ms")), [1.5, np.nan], "column 'f': time -> numeric, seconds, 2 missing"),
        (pa.array([1500, None], pa.time64("us")), [0.0015, np.nan], "column 'f': time -> numeric, seconds, 2 missing"),
        (pa.array([1, None, 3]), [1, np.nan, 3], "2 numeric columns as they are, 2 missing"),
        (pa.array([decimal.Decimal("1.25"), None]), [1.25, np.nan], "2 numeric columns as they are, 2 missing"),
        (pa.array([np.inf, -np.inf, np.nan]), [np.inf, -np.inf, np.nan], "2 numeric columns as they are, 2 missing"),
        (pa.array(np.array([1.5, 2], "float16")), [1.5, 2], "2 numeric columns as they are"),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_column_type(tmp_path: Path, values: Any, numbers: list[float], line: str) -> None:
    """Each type of column becomes the numbers, and the line, that its users expect."""
    loaded, told = column_of(tmp_path, values)
    np.testing.assert_array_equal(loaded, numbers)
    assert told == line


@pytest.mark.parametrize(
    ("values", "itemsize"),
    [
        (pa.array([0, 2**24]), 4),
        (pa.array([0, 2**24 + 1]), 8),
        (pa.array([0, -(2**24) - 1]), 8),
        (pa.array([0.5, 1], pa.float32()), 4),
        (pa.array([0.5, 1], pa.float64()), 8),
        (pa.array(["a", None]), 4),
        (pa.array([datetime.date(2026, 1, 1)] * 2), 4),
        (pa.array([0, 0], pa.timestamp("s")), 8),
    ],
    ids=str,
)
def test_parquet_feature_width_is_probed_and_loaded_alike(tmp_path: Path, values: Any, itemsize: int) -> None:
    """float32 where it holds every value; the metadata of a parquet tells without reading the column."""
    path = save_parquet(tmp_path, {"f": pa.chunked_array([values] * 20), "y": LABELS})
    assert probe(path, "y").itemsize == load(path, "y")[0].x_train.itemsize == itemsize


def test_unsigned_parquet_is_probed_as_wide(tmp_path: Path) -> None:
    """Statistics of unsigned columns are not trusted: probe says the most it can be, load reads."""
    path = save_parquet(tmp_path, {"f": pa.array([1] * 40, pa.uint64()), "y": LABELS})
    assert (probe(path, "y").itemsize, load(path, "y")[0].x_train.itemsize) == (8, 4)


def test_probe_of_npz_is_what_load_gives(tmp_path: Path) -> None:
    """Sizes, classes and width are known from headers and labels."""
    path = save_npz(tmp_path, x_train=x_of(), y_train=LABELS)
    assert probe(path, None) == shape_of(load(path, None)[0]) == DataShape(34, 6, 2, 3, 4)


def test_probe_of_csv_is_what_load_gives(tmp_path: Path) -> None:
    """A csv of floats is known but for its width, for which probe says the most it can be."""
    path = save_csv(tmp_path, "a,y\n" + "".join(f"{row}.5,{label}\n" for row, label in enumerate(LABELS)))
    assert probe(path, "y") == shape_of(load(path, "y")[0])


def test_categories_are_named_to_lightgbm(tmp_path: Path) -> None:
    """categorical_features are feature positions, so the label's column is not counted."""
    path = save_parquet(tmp_path, {"a": range(40), "y": LABELS, "b": ["u", "v"] * 20})
    assert load(path, "y")[0].categorical_features == (1,)


def test_categories_like_an_id_are_told(tmp_path: Path) -> None:
    """More than 1,000 values of a category are most likely an id."""
    path = save_parquet(tmp_path, {"key": [f"k{row}" for row in range(1200)], "y": LABELS * 30})
    assert load(path, "y")[1][0].startswith("column 'key': string -> categorical, 1,200 values: looks like an id")


def test_columns_treated_alike_share_a_line(tmp_path: Path) -> None:
    """A wide file has a short list."""
    columns: dict[str, Any] = {f"n{place}": range(40) for place in range(24)}
    columns |= {f"s{place}": ["u", None] * 20 for place in range(9)}
    lines = load(save_parquet(tmp_path, columns | {"y": LABELS}), "y")[1]
    assert lines == [
        "24 numeric columns as they are",
        "9 columns: string -> categorical, 1 value, 180 missing: 's0', 's1', 's2' and 6 more",
        "labels: 3 classes (strings)",
        "validation: 15 % held out, stratified, 6 of 40 rows",
    ]


@pytest.mark.parametrize(
    "labels",
    [["a", "b"] * 20, [3, -1] * 20, [True, False] * 20, [1.0, 2.0] * 20, pa.array(["a", "b"] * 20).dictionary_encode()],
    ids=["strings", "integers", "booleans", "floats", "dictionary"],
)
def test_label_types(tmp_path: Path, labels: Any) -> None:
    """Strings, integers, booleans and whole floats are classes; probe counts what load counts."""
    path = save_parquet(tmp_path, {"x": range(40), "y": labels})
    assert probe(path, "y").classes == load(path, "y")[0].classes == 2


def test_lightgbm_accepts_a_loaded_csv(tmp_path: Path) -> None:
    """Strings, dates and gaps as loaded train in LightGBM, with the categories passed to it."""
    lightgbm = pytest.importorskip("lightgbm")
    cities = ["Oslo", "", "Rome"]
    rows = [f"{cities[row % 3]},2026-01-{row % 28 + 1:02},{'' if row % 5 else row},{row % 2}" for row in range(300)]
    problem, lines = load(save_csv(tmp_path, "\n".join(["city,day,size,kind", *rows])), "kind")
    assert lines[0] == "column 'city': string -> categorical, 2 values, 100 missing"
    data = lightgbm.Dataset(problem.x_train, problem.y_train, categorical_feature=list(problem.categorical_features))
    parameters = {"objective": "multiclass", "num_class": problem.classes, "verbose": -1, "num_threads": 1}
    booster = lightgbm.train(parameters, data, num_boost_round=1)
    assert booster.predict(problem.x_val).shape == (len(problem.x_val), 2)


# Files that cannot be trained on.


@pytest.mark.parametrize("check", [probe, load])
@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": x_of(), "y": LABELS}, "lacks x_train, y_train; it holds X, y"),
        ({"x_train": x_of(), "y_train": LABELS, "x_val": x_of()}, "lacks y_val"),
        ({"x_train": np.zeros(40), "y_train": LABELS}, r"x_train has shape \(40,\): it must be 2-D"),
        ({"x_train": x_of(), "y_train": np.zeros((40, 1))}, r"y_train has shape \(40, 1\): it must be 1-D"),
        ({"x_train": x_of(39), "y_train": LABELS}, "x_train has 39 rows, y_train has 40"),
        (
            {"x_train": x_of(), "y_train": LABELS, "x_val": np.zeros((2, 3)), "y_val": ["a", "b"]},
            "x_val has 3 features, x_train 2",
        ),
        ({"x_train": np.zeros((0, 2)), "y_train": np.zeros(0)}, "at least one row and one feature"),
        ({"x_train": np.zeros((40, 0)), "y_train": LABELS}, "at least one row and one feature"),
        ({"x_train": x_of().astype(str), "y_train": LABELS}, "x_train has dtype <U.*not numeric"),
        ({"x_train": x_of(), "y_train": np.array(LABELS, object)}, "y_train is an object array.*dtype U"),
        ({"x_train": x_of(), "y_train": [0.0, np.nan] * 20}, "in 20 of 40 rows, first at row 1"),
        ({"x_train": x_of(), "y_train": [0, 1, 2, 1.5] * 10}, "not classes: 1.5 at row 3 .*10 such values"),
        ({"x_train": x_of(), "y_train": ["a"] * 40}, "y_train has 1 class: training needs at least 2"),
        ({"x_train": x_of(10_001), "y_train": range(10_001)}, "10,001 different values, more than 10,000 classes"),
        ({"x_train": x_of(4), "y_train": range(4)}, "each of the 4 classes has one row"),
        ({"x_train": x_of(2), "y_train": [0, 1], "x_val": x_of(1), "y_val": ["0"]}, "labels of different types"),
    ],
)
def test_npz_error(tmp_path: Path, check: Any, arrays: dict[str, Any], message: str) -> None:
    """What is wrong is said before training data is read, with the numbers."""
    path = save_npz(tmp_path, **arrays)
    with pytest.raises(DataFileError, match=message):
        check(path, None)


@pytest.mark.parametrize("check", [probe, load])
@pytest.mark.parametrize(
    ("columns", "label", "message"),
    [
        ({"x": range(40), "kind": LABELS}, None, "with --label; there are 'x', 'kind'"),
        ({"x": range(40), "kind": LABELS}, "kin", "no column 'kin' for --label: did you mean 'kind'?"),
        ({"x": range(40), "kind": LABELS}, "zzz", "no column 'zzz' for --label: there are 'x', 'kind'"),
        ({"y": LABELS}, "y", "no features"),
        ({"x": pa.array([], pa.int64()), "y": pa.array([], pa.string())}, "y", "no rows"),
        ({"x": [[1]] * 40, "y": LABELS}, "y", "column 'x' has type list.*drop it"),
        ({"x": [b"1"] * 40, "y": LABELS}, "y", "column 'x' has type binary"),
        ({"x": range(40), "y": ["a", None, "b", "a"] * 10}, "y", "in 10 of 40 rows, first at row 1"),
        ({"x": range(40), "y": [0.0, 1.0, None, np.nan] * 10}, "y", "in 20 of 40 rows, first at row 2"),
        ({"x": range(40), "y": pa.nulls(40)}, "y", "in 40 of 40 rows"),
        ({"x": range(40), "y": [datetime.date(2026, 1, 1)] * 40}, "y", "type date32.*name another with --label"),
        ({"x": range(10_001), "y": [str(row) for row in range(10_001)]}, "y", "10,001 different values"),
    ],
)
def test_table_error(tmp_path: Path, check: Any, columns: dict[str, Any], label: str | None, message: str) -> None:
    """What is wrong is said from metadata and the label column, with the numbers."""
    path = save_parquet(tmp_path, columns)
    with pytest.raises(DataFileError, match=message):
        check(path, label)


@pytest.mark.parametrize("check", [probe, load])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read as .csv"),
        ("x,y\n", "no rows"),
        ("x,y\n1,2\n3\n", "cannot be read as .csv .*Expected 2 columns, got 1"),
        ("x;y\n1;2\n", "no features: 'x;y' is its only column .a .csv is split at commas"),
        ("x,x,y\n1,2,3\n", "column names repeat: 'x'"),
        ("x,y\n1,a\n2,\n3,NA\n", "in 2 of 3 rows, first at row 1"),
    ],
)
def test_csv_error(tmp_path: Path, check: Any, text: str, message: str) -> None:
    """A csv that is no table, or has no labels, is told from one that is."""
    path = save_csv(tmp_path, text)
    with pytest.raises(DataFileError, match=message):
        check(path, "y")


@pytest.mark.parametrize("check", [probe, load])
@pytest.mark.parametrize("name", ["data.npz", "data.parquet", "data.csv"])
def test_missing_file(tmp_path: Path, check: Any, name: str) -> None:
    """A wrong path is named."""
    with pytest.raises(DataFileError, match="does not exist"):
        check(tmp_path / name, None)


@pytest.mark.parametrize("name", ["data.npz", "data.parquet"])
def test_damaged_file(tmp_path: Path, name: str) -> None:
    """A file that is not of its suffix's kind is said to be unreadable, without a traceback of zipfile or pyarrow."""
    (tmp_path / name).write_bytes(b"not this kind of file")
    with pytest.raises(DataFileError, match="cannot be read as"):
        probe(tmp_path / name, None)


def test_unknown_suffix(tmp_path: Path) -> None:
    """The kinds of file that are read are listed."""
    with pytest.raises(DataFileError, match=r"'\.xlsx': use one of \.npz, \.parquet, \.csv"):
        probe(tmp_path / "data.xlsx", None)


def test_label_with_npz(tmp_path: Path) -> None:
    """A .npz has no columns to name."""
    with pytest.raises(DataFileError, match="y_train"):
        probe(save_npz(tmp_path, x_train=x_of(), y_train=LABELS), "y")


# Properties.


@given(st.lists(st.integers(0, 5), min_size=7), st.integers(0, 9))
def test_split_keeps_every_class_in_training(labels: list[int], seed: int) -> None:
    """Seven rows of six classes leave one to hold out, and none of the classes loses its last row."""
    codes = np.unique(labels, return_inverse=True)[1].astype(np.int32)
    mask = validation_mask(codes, seed=seed)
    assert mask.shape == codes.shape
    assert mask.any()
    assert set(codes[~mask].tolist()) == set(codes.tolist())


@given(st.lists(st.integers(0, 5), min_size=7, max_size=60), st.integers(0, 9))
def test_split_holds_out_each_class_in_proportion(labels: list[int], seed: int) -> None:
    """No class is off the 15 % by a row or more, but where one row is the least there can be."""
    codes = np.array(labels, dtype=np.int32)
    counts, held_out = np.bincount(codes), np.bincount(codes[validation_mask(codes, seed=seed)], minlength=6)
    assert all(abs(held_out[code] - count * 0.15) < 1.001 for code, count in enumerate(counts))


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3), min_size=2).filter(lambda v: len(set(v)) > 1))
def test_codes_of_integers_lead_back_to_labels(values: list[int]) -> None:
    """The sorted values at the codes are the labels, in numpy and in Arrow alike."""
    names = sorted(set(values))
    for labels in (encode_arrays({"y": np.array(values)}), encode_column("y", pa.chunked_array([values]))):
        assert [names[code] for code in labels.parts[0]] == values
        assert labels.classes == len(names)


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=2))
def test_codes_of_strings_lead_back_to_labels(values: list[str]) -> None:
    """Numpy and Arrow sort strings alike, by code point."""
    values = [*values, values[0] + "x"]
    names = sorted(set(values))
    for labels in (encode_arrays({"y": np.array(values)}), encode_column("y", pa.chunked_array([values]))):
        assert [names[code] for code in labels.parts[0]] == values


@given(
    st.one_of(
        st.lists(st.none() | st.text(max_size=2)).map(lambda v: pa.array(v, pa.string())),
        st.lists(st.none() | st.text(max_size=2)).map(lambda v: pa.array(v, pa.string()).dictionary_encode()),
        st.lists(st.none() | st.integers(-9, 9)).map(lambda v: pa.array(v, pa.int64())),
        st.lists(st.none() | st.booleans()).map(lambda v: pa.array(v, pa.bool_())),
        st.lists(st.none() | st.dates()).map(lambda v: pa.array(v, pa.date32())),
        st.lists(st.none() | st.dates()).map(lambda v: pa.array(v, pa.date64())),
        st.lists(st.none() | st.floats(allow_nan=False)).map(lambda v: pa.array(v, pa.float64())),
    )
)
def test_missing_stays_missing(column: Any) -> None:
    """NaN is where null was, and nowhere else."""
    numbers, note = feature_values("f", pa.chunked_array([column]))
    assert np.isnan(numbers).tolist() == [not value.is_valid for value in column]
    assert note.missing == column.null_count


PANDAS = {
    "unnamed": b'{"index_columns": ["__index_level_0__"], "columns": []}',
    "named": b'{"index_columns": ["number"], "columns": []}',
    "range": b'{"index_columns": [{"kind": "range", "name": null, "start": 0, "stop": 40, "step": 1}]}',
}


@pytest.mark.parametrize("kind", PANDAS)
def test_j1_what_pandas_stored_as_its_index_is_no_feature(tmp_path: Path, kind: str) -> None:
    """Rows sorted by class and numbered would tell each one's class; a range is no column of the file at all."""
    name = {"unnamed": "__index_level_0__", "named": "number"}.get(kind)
    columns = {"x": list(range(40))[::-1], "y": sorted(LABELS)} | ({name: list(range(40))} if name else {})
    path = tmp_path / "data.parquet"
    pq.write_table(pa.table(columns).replace_schema_metadata({b"pandas": PANDAS[kind]}), path)
    problem, lines = load(path, "y")
    assert problem.x_train.shape[1] == probe(path, "y").features == 1
    said = [line for line in lines if "index" in line]
    assert said == ([f"column {name!r}: the rows' numbers or names (pandas' index), left out"] if name else [])


@pytest.mark.parametrize("name", ["", "Unnamed: 0"])
@pytest.mark.parametrize("numbers", [range(40), range(100, 20, -2)], ids=["counted", "shuffled"])
def test_j1_an_unnamed_first_column_of_distinct_integers_is_no_feature(
    tmp_path: Path, name: str, numbers: range
) -> None:
    """``to_csv`` writes a frame's index so, also where its rows were drawn from another frame's."""
    rows = [f"{number},{place % 7},{label}" for place, (number, label) in enumerate(zip(numbers, LABELS, strict=True))]
    path = save_csv(tmp_path, "\n".join([f"{name},x,y", *rows]))
    problem, lines = load(path, "y")
    assert problem.x_train.shape[1] == probe(path, "y").features == 1
    assert f"column {name!r}: the rows' numbers or names (pandas' index), left out" in lines


def test_j1_an_unnamed_column_of_values_is_a_feature(tmp_path: Path) -> None:
    """It numbers nothing where a value comes twice."""
    rows = [f"{place % 7},{place},{label}" for place, label in enumerate(LABELS)]
    assert probe(save_csv(tmp_path, "\n".join([",x,y", *rows])), "y").features == 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_j2_a_csv_is_read_in_the_encoding_that_its_mark_tells(tmp_path: Path, encoding: str) -> None:
    """Spreadsheets write UTF-16 with a byte order mark."""
    path = tmp_path / "data.csv"
    path.write_text("größe,y\n" + "".join(f"{place},{label}\n" for place, label in enumerate(LABELS)), encoding)
    shape, read = probe(path, "y"), shape_of(load(path, "y")[0])
    assert (shape.rows, shape.features, shape.classes) == (read.rows, read.features, read.classes) == (34, 1, 3)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("größe,y\n1,a\n2,b\n", "latin-1"), ("x,y\nä,a\nö,b\n", "latin-1"), ("x,y\n1,ä\n2,ö\n", "latin-1"),
     ("x,y\n1,a\n2,b\n", "utf-16-le")],
    ids=["header", "feature", "label", "no-mark"],
)  # fmt: skip
def test_j2_another_encoding_is_refused_with_the_way_out(tmp_path: Path, text: str, encoding: str) -> None:
    """Which of the encodings without a mark a file has, nobody can tell."""
    path = tmp_path / "data.csv"
    path.write_bytes(text.encode(encoding))
    with pytest.raises(DataFileError, match="iconv -f "):
        probe(path, "y")
    with pytest.raises(DataFileError, match="iconv -f "):
        load(path, "y")


def test_j3_na_is_a_text_where_that_is_asked_for(tmp_path: Path) -> None:
    """Namibia's code is NA; --na-values= leaves the empty field alone as missing."""
    rows = [f"{place if place else ''},{'NA' if label == 'a' else label}" for place, label in enumerate(LABELS)]
    path = save_csv(tmp_path, "\n".join(["x,y", *rows]))
    with pytest.raises(DataFileError, match="--na-values= keeps NA as a text"):
        probe(path, "y")
    problem, _ = load(path, "y", na_values=[])
    assert problem.classes == probe(path, "y", na_values=[]).classes == 3
    assert np.isnan(np.vstack([problem.x_train, problem.x_val])).sum() == 1


def test_j3_na_values_are_for_csv_alone(tmp_path: Path) -> None:
    """The other files say themselves what is missing."""
    with pytest.raises(DataFileError, match=r"--na-values is for \.csv"):
        probe(save_parquet(tmp_path, {"x": [1, 2], "y": ["a", "b"]}), "y", na_values=[])
    with pytest.raises(DataFileError, match=r"--na-values is for \.csv"):
        load(save_npz(tmp_path, x_train=np.ones((2, 1)), y_train=[0, 1]), None, na_values=[])
