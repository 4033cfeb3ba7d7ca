"""``python -m benchmarks.makedata full``: makes a scale's data ahead of a run, and says what that took.

Prints rows, seconds, CPU seconds, the peak resident memory of the largest process, and each file's SHA-256, which is
the same on every machine.
"""

from __future__ import annotations

import hashlib
import os
import resource
import sys
from time import perf_counter

import numpy as np

from benchmarks import datacache
from benchmarks.workload import DEFAULT_SCALE, ScaleError, parse_scale


def main(scale: str) -> int:
    """Makes the data where it is not there yet; 2 for what is no scale."""
    try:
        shape = parse_scale(scale)
    except ScaleError as error:
        print(error, file=sys.stderr)
        return 2
    started, cpu = perf_counter(), sum(os.times()[:4])
    problem = datacache.load(shape.rows, shape.validation_rows)
    seconds, cpu = perf_counter() - started, sum(os.times()[:4]) - cpu
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(f"{shape.rows:,} training and {shape.validation_rows:,} validation rows in {datacache.default_folder()}")
    print(f"{seconds:.1f} s, {cpu:.1f} s of CPU, peak of the largest process {peak / 1024:.0f} MiB")
    counts = np.bincount(problem.y_train, minlength=shape.classes)
    print(f"{np.count_nonzero(counts)} of {shape.classes} classes, {counts.min():,} to {counts.max():,} rows each")
    for name in ("x_train", "y_train", "x_val", "y_val"):
        array = getattr(problem, name)
        digest = hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
        print(f"{name:8} {array.nbytes / 2**20:8.1f} MiB  sha256 {digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else DEFAULT_SCALE))
