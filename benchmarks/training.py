"""One training as a user's script would run it, with clock readings at its phases."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from benchmarks.problem import Problem

VARIANTS: dict[str, dict[str, float]] = {
    "note": {},  # LightGBM's defaults, as the published experiment gives no parameters; they diverge at 401 classes
    "regularized": {"lambda_l2": 1.0},  # converges, so this one's quality is judged
}
PREDICT_ROWS = 8_192
"""Rows that are predicted at a time where time is not measured: 26 MB of probabilities at 401 classes."""


@dataclass(frozen=True, slots=True)
class Phases:
    """Where a training's time went, in seconds; together they are the whole call."""

    dataset_seconds: float
    init_seconds: float
    """Booster and first scores, until the first round."""
    rounds_seconds: float


class PhaseClock:
    """Reads the clock where a training passes from one phase to the next; a reading costs under a microsecond."""

    before_iteration = True  # how LightGBM knows a callback that comes before the round
    order = 0

    def __init__(self) -> None:
        self.started = self.finished = self.first_round = 0.0
        self.dataset_seconds = 0.0
        self.constructing = 0

    def __call__(self, env: Any) -> None:
        """LightGBM's callback, before each round."""
        if env.iteration == env.begin_iteration:
            self.first_round = perf_counter()

    def phases(self) -> Phases:
        """The phases of the call that has ended."""
        return Phases(
            dataset_seconds=self.dataset_seconds,
            init_seconds=self.first_round - self.started - self.dataset_seconds,
            rounds_seconds=self.finished - self.first_round,
        )


class ClockedDataset(lgb.Dataset):  # type: ignore[misc]  # lightgbm is untyped here
    """A Dataset whose construction the clock sees."""

    phase_clock: PhaseClock

    def construct(self) -> lgb.Dataset:
        """LightGBM's own construct, with a clock reading before and after the outermost one."""
        clock = self.phase_clock
        if self._handle is not None or clock.constructing:
            return super().construct()
        clock.constructing = 1
        started = perf_counter()
        try:
            return super().construct()
        finally:
            clock.dataset_seconds += perf_counter() - started
            clock.constructing = 0


def parameters(variant: str, classes: int, threads: int) -> dict[str, Any]:
    """LightGBM's parameters for a variant."""
    own = {"objective": "multiclass", "num_class": classes, "num_threads": threads, "verbosity": -1, "seed": 0}
    return {**own, **VARIANTS[variant]}


def train(
    problem: Problem, params: dict[str, Any], rounds: int, clock: PhaseClock, *, validate: bool = True
) -> lgb.Booster:
    """One ``lgb.train`` from raw arrays; Datasets are built inside it, the validation set is evaluated each round."""
    clock.started = perf_counter()
    train_set = ClockedDataset(problem.x_train, problem.y_train, categorical_feature=_categorical(problem))
    train_set.phase_clock = clock
    valid_sets = []
    if validate:
        valid_sets.append(ClockedDataset(problem.x_val, problem.y_val, reference=train_set))
        valid_sets[0].phase_clock = clock
    booster = lgb.train(params, train_set, num_boost_round=rounds, valid_sets=valid_sets, callbacks=[clock])
    clock.finished = perf_counter()
    return booster


def bare_train(problem: Problem, params: dict[str, Any], rounds: int) -> lgb.Booster:
    """What a script without this suite would write; the harness is measured against it."""
    train_set = lgb.Dataset(problem.x_train, problem.y_train, categorical_feature=_categorical(problem))
    valid_set = lgb.Dataset(problem.x_val, problem.y_val, reference=train_set)
    return lgb.train(params, train_set, num_boost_round=rounds, valid_sets=[valid_set])


def dataset(problem: Problem, params: dict[str, Any]) -> lgb.Dataset:
    """The constructed training Dataset."""
    made = lgb.Dataset(problem.x_train, problem.y_train, params=params, categorical_feature=_categorical(problem))
    return made.construct()


def _categorical(problem: Problem) -> list[int] | str:
    return list(problem.categorical_features) or "auto"


def warm_up(problem: Problem, params: dict[str, Any]) -> None:
    """Brings libraries, threads and the arrays' pages in: a round on a few rows, and a touch of each page."""
    from dataclasses import replace

    few = 2 * problem.classes
    for array in (problem.x_train, problem.x_val):
        array.reshape(-1)[:: 4096 // array.itemsize].sum()
    small = replace(
        problem,
        x_train=problem.x_train[:few],
        y_train=problem.y_train[:few],
        x_val=problem.x_val[:few],
        y_val=problem.y_val[:few],
    )
    bare_train(small, params, 1)


@dataclass(frozen=True, slots=True)
class Quality:
    """How good a model is on the validation set."""

    log_loss: float
    accuracy: float


@dataclass(frozen=True, slots=True, eq=False)
class JudgedRows:
    """Each validation row's log loss, and whether its most likely class is right."""

    losses: NDArray[np.float64]
    hits: NDArray[np.bool_]


def judge(booster: lgb.Booster, problem: Problem, threads: int) -> Quality:
    """Multiclass log loss, natural logarithm, probabilities clipped at 1e-15 as LightGBM does, and accuracy."""
    return quality_of(judge_rows(booster, problem, threads))


def quality_of(rows: JudgedRows) -> Quality:
    """Their mean."""
    return Quality(float(rows.losses.mean()), float(rows.hits.mean()))


def judge_rows(booster: lgb.Booster, problem: Problem, threads: int) -> JudgedRows:
    """Judges a model of this suite."""
    return judge_by(lambda block: booster.predict(block, num_threads=threads), problem)


def judge_by(predict: Callable[[NDArray[Any]], NDArray[Any]], problem: Problem) -> JudgedRows:
    """Judges any model by its probabilities, in blocks, so that judging never needs more memory than training did."""
    losses, hits = [], []
    for start in range(0, len(problem.y_val), PREDICT_ROWS):
        labels = problem.y_val[start : start + PREDICT_ROWS]
        probabilities = predict(problem.x_val[start : start + PREDICT_ROWS])
        right = probabilities[np.arange(len(labels)), labels].astype(np.float64)
        losses.append(-np.log(np.maximum(right, 1e-15)))
        hits.append(probabilities.argmax(axis=1) == labels)
    return JudgedRows(np.concatenate(losses), np.concatenate(hits))


def prior_log_loss(y_train: NDArray[np.int32], y_val: NDArray[np.int32], classes: int) -> float:
    """Validation log loss of the model that always answers with the training set's class frequencies."""
    prior = np.bincount(y_train, minlength=classes) / len(y_train)
    return float(-np.log(np.maximum(prior[y_val], 1e-15)).mean())
