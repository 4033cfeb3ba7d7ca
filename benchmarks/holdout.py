"""Which rows of the user's own data validate, where the file does not say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.columns import DataFileError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from benchmarks.labels import Labels

VALIDATION_SHARE = 2_433_253 / (13_788_428 + 2_433_253)  # of the published experiment: 15 %


def validation_mask(codes: NDArray[np.int32], *, seed: int) -> NDArray[np.bool_]:
    """Return which rows (rows,) to hold out: 15 % of each class, and never a class's last training row.

    Raises:
        DataFileError: every class has one row, so that none can be spared.
    """
    import numpy as np

    counts = np.bincount(codes)
    held_out = held_out_counts(counts)
    # Shuffled, then grouped by class: a row's place in its group is random, and the first ones are held out.
    shuffled = np.random.default_rng(seed).permutation(len(codes))
    grouped = shuffled[np.argsort(codes[shuffled], kind="stable")]
    starts = np.cumsum(counts) - counts
    mask = np.zeros(len(codes), dtype=np.bool_)
    for start, count in zip(starts.tolist(), held_out.tolist(), strict=True):
        mask[grouped[start : start + count]] = True
    return mask


def held_out_counts(counts: NDArray[np.intp]) -> NDArray[np.intp]:
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


def part_sizes(labels: Labels) -> tuple[int, int]:
    """Return training and validation rows, held out of the former where there is one part alone."""
    import numpy as np

    rows = len(labels.parts[0])
    if len(labels.parts) == 2:
        return rows, len(labels.parts[1])
    held_out = int(held_out_counts(np.bincount(labels.parts[0])).sum())
    return rows - held_out, held_out


def split_line(held_out: int, rows: int) -> str:
    """Return the line that says what was held out."""
    return f"validation: {held_out / rows:.0%} held out, stratified, {held_out:,} of {rows:,} rows".replace("%", " %")
