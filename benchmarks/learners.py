"""Other learners on the same data, rounds, leaves and threads: what ``pytest -m peers`` trains.

Each library is imported where it is trained, so that one that is not installed is in nobody's way. What they share:
rounds, 31 leaves grown best first, learning rate 0.1, an L2 penalty of 1, as many bins as LightGBM has by default, the
validation set evaluated each round, raw arrays in and a model out. What they do not share is said for each. Categories
of a user's own data are numbers here, for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from benchmarks.ratios import how, loads, read_ratios, shape_of
from pytest_benchmark_aws.report.text import aligned

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from benchmarks.problem import Problem
    from benchmarks.ratios import Ratios

    Predict = Callable[[NDArray[Any]], NDArray[Any]]
    Train = Callable[[Problem, int, int], "Trained"]
    """From the data, the number of rounds and of threads."""

LEAVES = 31
LEARNING_RATE = 0.1
L2 = 1.0
BINS = 255


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A model: its probabilities for rows, and the parameters that it was trained with."""

    predict: Predict
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Learner:
    """A library's gradient boosting."""

    package: str
    distribution: str
    train: Train
    memory: float
    """Peak over LightGBM's, at most, for the check that a machine holds it."""
    differs: str
    """From LightGBM, with the same rounds and leaves."""

    @property
    def missing(self) -> str | None:
        """Why it cannot be trained here; None where it is installed."""
        if find_spec(self.package) is not None:
            return None
        return (
            f"{self.distribution} is not installed: pip install '.[peers]' in this repository has it; an instance gets "
            f"it by --aws-requirements FILE"
        )

    @property
    def version(self) -> str:
        """Of what is installed."""
        return metadata.version(self.distribution)


def _lightgbm(problem: Problem, rounds: int, threads: int) -> Trained:
    from dataclasses import replace

    from benchmarks.training import bare_train, parameters

    params = parameters("regularized", problem.classes, threads)
    booster = bare_train(replace(problem, categorical_features=()), params, rounds)
    return Trained(lambda block: booster.predict(block, num_threads=threads), params)


def _xgboost(problem: Problem, rounds: int, threads: int) -> Trained:
    import xgboost

    params = {
        "objective": "multi:softprob",
        "num_class": problem.classes,
        "tree_method": "hist",
        "grow_policy": "lossguide",
        "max_leaves": LEAVES,
        "max_depth": 0,
        "eta": LEARNING_RATE,
        "lambda": L2,
        "min_child_weight": 1e-3,  # as LightGBM's min_sum_hessian_in_leaf; the default of 1 stops at rare classes
        "max_bin": BINS,
        "nthread": threads,
        "seed": 0,
    }
    train_set = xgboost.QuantileDMatrix(problem.x_train, problem.y_train, max_bin=BINS, nthread=threads)
    valid_set = xgboost.QuantileDMatrix(problem.x_val, problem.y_val, ref=train_set, max_bin=BINS, nthread=threads)
    booster = xgboost.train(params, train_set, rounds, evals=[(valid_set, "validation")], verbose_eval=False)
    return Trained(booster.inplace_predict, params)


def _catboost(problem: Problem, rounds: int, threads: int) -> Trained:
    import catboost

    params = {
        "iterations": rounds,
        "loss_function": "MultiClass",
        "classes_count": problem.classes,
        "grow_policy": "Lossguide",
        "max_leaves": LEAVES,
        "learning_rate": LEARNING_RATE,
        "l2_leaf_reg": L2,
        "border_count": BINS - 1,
        "bootstrap_type": "No",
        "thread_count": threads,
        "random_seed": 0,
        "allow_writing_files": False,
        "verbose": False,
    }
    model = catboost.CatBoostClassifier(**params)
    train_set = catboost.Pool(problem.x_train, problem.y_train, thread_count=threads)
    valid_set = catboost.Pool(problem.x_val, problem.y_val, thread_count=threads)
    model.fit(train_set, eval_set=valid_set, use_best_model=False)
    return Trained(lambda block: model.predict_proba(block, thread_count=threads), params)


def _hist_gradient_boosting(problem: Problem, rounds: int, threads: int) -> Trained:  # noqa: ARG001
    # It takes its threads from OMP_NUM_THREADS, which the process was started with.
    from sklearn.ensemble import HistGradientBoostingClassifier

    params = {
        "max_iter": rounds,
        "max_leaf_nodes": LEAVES,
        "learning_rate": LEARNING_RATE,
        "l2_regularization": L2,
        "min_samples_leaf": 20,
        "max_bins": BINS,
        "random_state": 0,
        # Evaluates the validation set each round, and never stops before the last.
        "early_stopping": True,
        "scoring": "loss",
        "n_iter_no_change": rounds,
    }
    model = HistGradientBoostingClassifier(**params)
    model.fit(problem.x_train, problem.y_train, X_val=problem.x_val, y_val=problem.y_val)
    return Trained(model.predict_proba, params)


LEARNERS: dict[str, Learner] = {
    "lightgbm": Learner("lightgbm", "lightgbm", _lightgbm, 1.0, "a tree for each class and round"),
    "hist-gradient-boosting": Learner(
        "sklearn", "scikit-learn", _hist_gradient_boosting, 1.5, "the same trees; the training loss each round too"
    ),
    "xgboost": Learner(
        "xgboost", "xgboost", _xgboost, 1.5, "the same trees, steps about half as long: its hessian is 2 p (1 - p)"
    ),
    "catboost": Learner("catboost", "catboost", _catboost, 8.0, "one tree a round for all classes"),
}
"""By the names in the tests' ids."""


def learner_memory(scale: str, threads: str, learner: str) -> int:
    """Bytes that a training needs, for ``requires(memory=...)``."""
    from benchmarks.workload import training_memory

    return round(training_memory(scale, threads) * LEARNERS[learner].memory)


@dataclass(frozen=True, slots=True)
class PeerResult:
    """A row of the table."""

    name: str
    shape: str
    """Rows, threads and machine; a table is of one shape."""
    version: str
    seconds: float
    ratios: Ratios
    peak_rss_bytes: int | None
    grown_bytes: int | None
    log_loss: float
    accuracy: float
    load: float | None


def read(median: float, extra: Mapping[str, Any]) -> PeerResult | None:
    """A result from a benchmark's ``extra_info``; None where nothing was timed."""
    ratios = read_ratios(extra)
    if ratios is None:
        return None
    return PeerResult(
        name=extra["learner"],
        shape=shape_of(extra),
        version=extra["learner_version"],
        seconds=median,
        ratios=ratios,
        peak_rss_bytes=extra["peak_rss_bytes"],
        grown_bytes=extra["grown_bytes"],
        log_loss=extra["validation_log_loss"],
        accuracy=extra["validation_accuracy"],
        load=extra["load_average"],
    )


def lines_of(results: Sequence[PeerResult]) -> list[str]:
    """A table for each shape."""
    lines: list[str] = []
    for shape in dict.fromkeys(result.shape for result in results):
        same = [result for result in results if result.shape == shape]
        lines += ["", f"peers: {shape}; {loads([result.load for result in same])}", *_table(same)]
        lines.append(
            f"  {how([result.ratios for result in same], 'LightGBM')}; grown: the peak over what was resident before"
        )
    return lines


def _table(results: Sequence[PeerResult]) -> list[str]:
    head = (
        "  learner", "version", "seconds", "time ratio", "95 % interval", "by the clock", "peak MiB", "grown MiB",
        "log loss", "accuracy", "differs",
    )  # fmt: skip
    rows: list[Sequence[str]] = [head]
    rows += [
        (
            f"  {result.name}",
            result.version,
            f"{result.seconds:.2f}",
            f"{result.ratios.time.value:.2f}",
            result.ratios.time.interval(),
            f"{result.ratios.wall.value:.2f}",
            *("-" if size is None else f"{size / 2**20:,.0f}" for size in (result.peak_rss_bytes, result.grown_bytes)),
            f"{result.log_loss:.4f}",
            f"{result.accuracy:.4f}",
            LEARNERS[result.name].differs if result.name in LEARNERS else "",
        )
        for result in results
    ]
    return aligned(rows, left=(0, 1, 10))
