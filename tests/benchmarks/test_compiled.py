"""Compiled models: agreement with LightGBM, the limit, what is not there, the table."""

from __future__ import annotations

import configparser
import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

np = pytest.importorskip("numpy", reason="the benchmarks need the extra [bench]")
pytest.importorskip("lightgbm", reason="the benchmarks need the extra [bench]")

from benchmarks import datacache  # noqa: E402
from benchmarks.answering import ProcessEndedError  # noqa: E402
from benchmarks.compiled import compilers  # noqa: E402
from benchmarks.compiled.agreement import agreement  # noqa: E402
from benchmarks.compiled.child import MODEL, ROWS, Child, NotCompiledError, Task, compile_within  # noqa: E402
from benchmarks.compiled.compilers import COMPILERS  # noqa: E402
from benchmarks.compiled.table import CompiledResult, LeftOut, left_out, lines_of, read  # noqa: E402
from benchmarks.ratios import Ratio, Ratios  # noqa: E402
from benchmarks.training import bare_train, parameters  # noqa: E402
from tests.acceptance.test_suite import suite  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.compiled.agreement import Agreement

CLASSES = 5
LIMIT_S = 300
RESULT = CompiledResult(
    name="onnxruntime",
    version="1.32.0",
    shape="20,000 rows",
    rows=3529,
    threads=1,
    seconds=0.08,
    cpu_seconds=0.05,
    ratios=Ratios(wall=Ratio(0.5, 0.2, 2.0), cpu=Ratio(0.25, 0.2, 0.4), threads=1),
    compile_seconds=2.4,
    compile_cpu_seconds=1.8,
    compile_peak_bytes=300 * 2**20,
    size_bytes=3 * 2**19,
    load_seconds=0.5,
    grown_bytes=None,
    largest_difference=1.4e-6,
    equal_classes=1.0,
    is_gpu=False,
    does="one operator",
    load=0.5,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of 20 trees and 200 rows, as a child reads them, and in ``double`` the same rows in double precision."""
    path = tmp_path_factory.mktemp("model")
    problem = datacache.load(600, 200, classes=CLASSES, folder=path)
    booster = bare_train(problem, parameters("regularized", CLASSES, 1), 4)
    for place, dtype in ((path, "float32"), (path / "double", "float64")):
        place.mkdir(exist_ok=True)
        booster.save_model(place / MODEL)
        rows = np.asarray(problem.x_val, dtype)
        np.save(place / ROWS, rows)
        np.save(place / "expected.npy", booster.predict(rows, num_threads=1))
    return path


def _agreement(task: Task) -> Agreement:
    with Child(task) as child:
        loaded = child.loaded()
        assert loaded.load_seconds > 0
        assert loaded.grown_bytes is None or loaded.grown_bytes > 0
        timings = [child.predict(), child.predict()]
        assert all(timing.seconds > 0 and timing.calls >= 1 for timing in timings)
        assert child.cpu_seconds > 0
        return agreement(np.load(task.probabilities), np.load(f"{task.folder}/expected.npy"))


@pytest.mark.parametrize("name", COMPILERS)
def test_a_compiled_model_predicts_what_lightgbm_does(name: str, folder: Path) -> None:
    """Each that installs: all rows at once with two threads; and one after the other, with one, in double precision.

    What compares in single precision rounds those, and agrees less closely.
    """
    library = COMPILERS[name]
    if library.missing:
        pytest.skip(library.missing)
    task = Task(name, str(folder), threads=2)
    compilation = compile_within(task, LIMIT_S)
    assert compilation.size_bytes > 0
    assert (compilation.seconds > 0) is (library.compile is not None)
    assert library.version
    assert _agreement(task).trouble(name, library.tolerance, is_rounded=False) is None
    double = Task(name, str(folder / "double"), single_row=True)
    shutil.copy(task.artifact, double.artifact)
    assert _agreement(double).trouble(name, library.tolerance, is_rounded=library.single) is None


def test_a_compiler_that_is_not_ready_in_time_is_ended(folder: Path, tmp_path: Path) -> None:
    """With all that it started, and with the option that gives it longer."""
    if COMPILERS["treelite"].missing:
        pytest.skip(COMPILERS["treelite"].missing)
    (tmp_path / MODEL).write_bytes((folder / MODEL).read_bytes())
    task = Task("treelite", str(tmp_path))
    with pytest.raises(NotCompiledError, match=r"treelite did not finish compiling in 0\.0 s: --compile-limit gives"):
        compile_within(task, 0.01)
    assert not task.artifact.exists()


def test_a_compiler_that_fails_says_why(tmp_path: Path) -> None:
    """The last line of what it wrote."""
    if COMPILERS["treelite"].missing:
        pytest.skip(COMPILERS["treelite"].missing)
    (tmp_path / MODEL).write_text("no model\n")
    with pytest.raises(NotCompiledError, match=r"^treelite did not compile the model: \S+"):
        compile_within(Task("treelite", str(tmp_path)), LIMIT_S)


def test_a_process_that_ends_early_is_an_error(tmp_path: Path) -> None:
    """With how it ended and what it said."""
    with (
        Child(Task("lightgbm", str(tmp_path / "nowhere"))) as child,
        pytest.raises(ProcessEndedError, match=r"lightgbm: its process ended with exit code 1\n(?s:.*)nowhere"),
    ):
        child.loaded()


def test_what_is_not_there_says_what_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reasons of the skips: a library, llvmlite's version, a C compiler."""
    assert replace(COMPILERS["onnxruntime"], package="no_such_package").missing == (
        "onnxruntime is not installed: pip install '.[compiled]' in this repository has it; "
        "an instance gets it by --aws-requirements=benchmarks/compiled/requirements.txt"
    )
    assert COMPILERS["lightgbm"].missing is None
    monkeypatch.setattr(compilers.metadata, "version", {"llvmlite": "0.50.0"}.__getitem__)
    assert COMPILERS["lleaves"].lacks() == "lleaves does not work with llvmlite 0.50.0: pip install 'llvmlite<0.45'"
    monkeypatch.setattr(compilers.metadata, "version", {"llvmlite": "0.44.0rc1"}.__getitem__)
    assert COMPILERS["lleaves"].lacks() is None
    monkeypatch.setenv("PATH", "")
    assert COMPILERS["tl2cgen"].lacks() == (
        "tl2cgen needs gcc or clang to compile with, and neither is on this machine"
    )


def test_models_that_differ_are_told_apart() -> None:
    """By the largest difference and the classes; what is not a number agrees with nothing."""
    reference = np.array([[0.7, 0.3], [0.4, 0.6]])
    same = agreement(reference.astype(np.float32), reference)
    assert same.largest_difference == pytest.approx(0, abs=1e-7)
    assert same.equal_classes == 1
    assert same.trouble("x", 1e-6, is_rounded=False) is None
    other = agreement(reference[::-1], reference)
    assert (other.largest_difference, other.equal_classes) == (pytest.approx(0.3), 0)
    assert other.trouble("lleaves", 1e-6, is_rounded=True) == (
        "lleaves does not predict what LightGBM does: probabilities differ by up to 3.0e-01 (at most 1.0e-06 was "
        "expected), the class is the same for 0.00% of the rows (at least 99.0%)"
    )
    assert agreement(reference * np.nan, reference).trouble("x", 1e-6, is_rounded=True) is not None
    with pytest.raises(ValueError, match=r"\(1, 2\), LightGBM's have \(2, 2\)"):
        agreement(reference[:1], reference)


def test_the_table_says_how_many_times_as_fast() -> None:
    """The inverse of the ratio and of its interval; of CPU seconds with one thread, by the clock on a GPU."""
    assert RESULT.faster == Ratio(4.0, 2.5, 5.0)
    assert replace(RESULT, is_gpu=True).faster == Ratio(2.0, 0.5, 5.0)
    control = replace(RESULT, name="lightgbm", compile_seconds=None, ratios=Ratios(Ratio(1, 1, 1), Ratio(1, 1, 1), 1))
    lines = lines_of([control, RESULT, replace(RESULT, rows=1, cpu_seconds=25e-6, size_bytes=2**21)])
    assert lines[1] == "compiled: 20,000 rows; load average 0.5 to 0.5"
    (cost, speed) = [line for line in lines if line.startswith("  onnxruntime")]
    assert cost.split()[1:10] == ["1.32.0", "2.4", "1.8", "300", "1.50", "0.50", "-", "1.4e-06", "100.00%"]
    assert speed.split("  ")[-2:] == ["50 ms: 4.00 (2.50 to 5.00)", "25 µs: 4.00 (2.50 to 5.00)"]
    assert lines[-2:] == [
        "  → surely faster than LightGBM at 3,529 rows, 1 thread: onnxruntime (4.00)",
        "  → surely faster than LightGBM at 1 row, 1 thread: onnxruntime (4.00)",
    ]


def test_what_was_left_out_is_a_row_that_says_why() -> None:
    """Each reason once for each machine; a case that was skipped for its threads or memory is none."""
    test = "benchmarks/test_predict_compiled.py::test_predict_compiled"
    reason = "lleaves did not finish compiling in 10 min 00 s: --compile-limit gives it longer"
    rows = left_out(
        [
            (f"{test}[20000-lleaves-batch-1]", reason),
            (f"{test}[20000-lleaves-row-vcpus]", reason),
            (f"{test}[data-a-b.csv-lleaves-row-vcpus-m5.8xlarge]", reason),
            (f"{test}[20000-lleaves-row-1]", "1 is 1 here, as another of 1, socket, cores, vcpus"),
        ]
    )
    assert rows == [LeftOut("lleaves", reason), LeftOut("lleaves", reason, "m5.8xlarge")]
    assert lines_of([], rows)[1:] == [
        "compiled: left out",
        f"  lleaves              {reason}",
        f"  lleaves  m5.8xlarge  {reason}",
    ]
    assert lines_of([]) == []


def test_a_benchmark_that_timed_nothing_is_no_row() -> None:
    """As with --benchmark-disable."""
    assert read(1.0, {"compiler": "lleaves"}) is None


def test_an_instance_gets_what_the_extra_has(root: Path) -> None:
    """But for tl2cgen, which has no wheel for Graviton."""
    lines = (root / "benchmarks" / "compiled" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    setup = configparser.ConfigParser(interpolation=None)
    setup.read(root / "setup.cfg", encoding="utf-8")
    extra = setup["options.extras_require"]["compiled"].splitlines()
    there, here = ({line for line in each if line and not line.startswith("#")} for each in (lines, extra))
    assert there < here
    assert [line.split(">")[0] for line in here - there] == ["tl2cgen"]


def test_reading_the_table_imports_no_compiler(root: Path) -> None:
    """What the conftests import is shipped to every instance: none of these is among it."""
    import subprocess

    names = sorted({library.package for library in COMPILERS.values()})
    code = f"import sys, benchmarks.compiled.table; print([n for n in {names} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_compiled_models_are_left_out_unless_they_are_asked_for(root: Path) -> None:
    """With one thread and with all, at the scale of what a marker chooses; the limit must be a duration."""
    assert "test_predict_compiled" not in suite(root, "--co", "-q", "--benchmark-only").stdout
    chosen = suite(root, "--co", "-q", "-m", "compiled", "--compile-limit=90s")
    assert set(chosen.stdout.splitlines()) >= {
        f"benchmarks/test_predict_compiled.py::test_predict_compiled[20000-{name}-{rows}-vcpus]"
        for name in COMPILERS
        for rows in ("batch", "row")
    }
    assert "-cores]" not in chosen.stdout
    wrong = suite(root, "--co", "-q", "-m", "compiled", "--compile-limit=soon")
    assert wrong.returncode == 4
    assert "'soon' is no duration: write 1h, 90m" in wrong.stderr


def test_a_run_ends_with_the_table(root: Path) -> None:
    """LightGBM beside itself, and what is not installed, by the real command line."""
    missing = [name for name, library in COMPILERS.items() if library.missing]
    chosen = " or ".join(["lightgbm-row-1", *(f"{name}-row-1" for name in missing)])
    done = suite(root, "-m", "compiled", "--scale=smoke", "-k", chosen)
    assert done.returncode == 0, done.stdout + done.stderr
    table = done.stdout.partition("compiled: 5,000 rows, 401 classes, 4 rounds, 882 validation rows;")[2]
    assert "1 row, 1 thread" in table
    assert "0.0e+00        100.00%" in table
    for name in missing:
        assert f"\n  {name} " in table.partition("compiled: left out")[2]
