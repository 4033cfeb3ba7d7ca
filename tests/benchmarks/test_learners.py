"""Peers: what is not installed, the process that trains, the table."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

np = pytest.importorskip("numpy", reason="the benchmarks need the extra [bench]")
pytest.importorskip("lightgbm", reason="the benchmarks need the extra [bench]")

from benchmarks import datacache  # noqa: E402
from benchmarks.answering import ProcessEndedError  # noqa: E402
from benchmarks.learner_child import Child, Task, keep  # noqa: E402
from benchmarks.learners import LEARNERS, PeerResult, learner_memory, lines_of  # noqa: E402
from benchmarks.ratios import Ratio, Ratios  # noqa: E402
from benchmarks.workload import training_memory  # noqa: E402
from tests.acceptance.test_suite import suite  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = 5


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 rows of five classes, as a child reads them."""
    cache, folder = tmp_path_factory.mktemp("cache"), tmp_path_factory.mktemp("arrays")
    problem = datacache.load(600, 200, classes=CLASSES, folder=cache)
    keep(replace(problem, y_val=np.array(problem.y_val)), folder)  # one of the arrays is in memory, and is copied
    return folder


@pytest.mark.parametrize("name", LEARNERS)
def test_a_learner_trains_in_a_process_of_its_own(name: str, arrays: Path) -> None:
    """Twice in one process: the same model, better than guessing, with time and memory."""
    if LEARNERS[name].missing:
        pytest.skip(LEARNERS[name].missing)
    with Child(Task(name, str(arrays), CLASSES, rounds=4, threads=1)) as child:
        first, second = child.train(), child.train()
    assert first.log_loss == second.log_loss < np.log(CLASSES)
    assert first.accuracy > 1 / CLASSES
    assert first.seconds > 0
    assert first.peak_rss_bytes is None or first.peak_rss_bytes > 2**25
    assert json.loads(json.dumps(first.parameters)) == first.parameters


def test_a_learner_that_is_not_installed_says_what_has_it() -> None:
    """The reason of the skip."""
    missing = replace(LEARNERS["xgboost"], package="no_such_package")
    assert missing.missing == (
        "xgboost is not installed: pip install '.[peers]' in this repository has it; "
        "an instance gets it by --aws-requirements FILE"
    )
    assert LEARNERS["lightgbm"].missing is None


def test_a_process_that_ends_early_is_an_error(arrays: Path) -> None:
    """With how it ended and what it said."""
    with (
        Child(Task("lightgbm", f"{arrays}/nowhere", CLASSES, rounds=4, threads=1)) as child,
        pytest.raises(ProcessEndedError, match=r"lightgbm: its process ended with exit code 1\n(?s:.*)nowhere"),
    ):
        child.train()


def test_what_needs_more_memory_says_so() -> None:
    """CatBoost's many times LightGBM's."""
    assert learner_memory("laptop", "1", "lightgbm") == training_memory("laptop", "1")
    assert learner_memory("laptop", "1", "catboost") > 5 * training_memory("laptop", "1")


def test_the_table_has_time_memory_and_quality() -> None:
    """A row for each learner; what a system does not tell is a dash."""
    slow = Ratio(1.4, 1.3, 1.5)
    result = PeerResult(
        "xgboost", "5,000 rows", "3.2.0", 22.8, Ratios(slow, slow, 1), 300 * 2**20, None, 3.279, 0.544, None
    )
    lines = lines_of([result])
    assert lines[1] == "peers: 5,000 rows; load average unknown"
    assert lines[3].split()[:11] == [
        "xgboost",
        "3.2.0",
        "22.80",
        "1.40",
        "1.30",
        "to",
        "1.50",
        "1.40",
        "300",
        "-",
        "3.2790",
    ]


def test_a_run_ends_with_the_table(root: Path) -> None:
    """LightGBM beside itself, by the real command line."""
    done = suite(root, "-m", "peers", "--scale=smoke", "-k", "test_peer and lightgbm")
    assert done.returncode == 0, done.stdout + done.stderr
    table = done.stdout.partition("peers: 5,000 rows, 401 classes, 4 rounds, 882 validation rows, 1 thread;")[2]
    assert "\n  lightgbm " in table
