"""Training on several machines by ``lightgbm.dask``: stratified partitions, one for each worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import lightgbm as lgb
    from distributed import Client
    from numpy.typing import NDArray

    from benchmarks.problem import Problem


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What one worker holds of the training set."""

    rows: NDArray[np.int64]
    weights: NDArray[np.float64]


def partitions(labels: NDArray[np.int32], parts: int) -> list[Part]:
    """The rows of each part: those of a class are dealt out in turn, so that every part has a share of every class.

    A worker that lacks a class crashes lightgbm.dask, or has it train a wrong model without a word. Of a class with
    fewer rows than there are parts each gets a copy of one, with a weight such that all together weigh what they did.
    """
    counts = np.bincount(labels)
    by_class = np.argsort(labels, kind="stable")
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    part = (np.arange(len(labels)) - np.repeat(starts, counts)) % parts
    common = np.repeat(counts >= parts, counts)
    rare = np.flatnonzero((counts < parts) & (counts > 0))
    dealt = []
    for number in range(parts):
        copied = by_class[starts[rare] + number % counts[rare]]
        rows = np.concatenate([by_class[common & (part == number)], copied])
        weights = np.concatenate([np.ones(len(rows) - len(rare)), counts[rare] / parts])
        order = np.argsort(rows, kind="stable")
        dealt.append(Part(rows[order], weights[order]))
    return dealt


class Scattered:
    """The training rows in the workers' memory, as Dask's collections."""

    def __init__(self, client: Client, problem: Problem) -> None:
        import dask.array as da

        self.workers = sorted(client.scheduler_info(n_workers=-1)["workers"])
        self.futures: list[Any] = []
        blocks: list[list[Any]] = [[], [], []]
        for worker, part in zip(self.workers, partitions(problem.y_train, len(self.workers)), strict=True):
            values: tuple[NDArray[Any], ...] = (problem.x_train[part.rows], problem.y_train[part.rows], part.weights)
            for of_kind, array in zip(blocks, values, strict=True):
                future = client.scatter(array, workers=[worker], hash=False)
                self.futures.append(future)
                of_kind.append(da.from_delayed(future, shape=array.shape, dtype=array.dtype))
        self.x, self.y, self.weights = map(da.concatenate, blocks)


def train(client: Client, rows: Scattered, params: dict[str, Any], rounds: int) -> lgb.LGBMClassifier:
    """One fit on all workers; the model of the first, which is the same on each."""
    from lightgbm.dask import DaskLGBMClassifier

    own = {name: value for name, value in params.items() if name not in {"num_class", "num_threads", "seed"}}
    model = DaskLGBMClassifier(client=client, n_estimators=rounds, random_state=params["seed"], **own)
    return model.fit(rows.x, rows.y, sample_weight=rows.weights).to_local()
