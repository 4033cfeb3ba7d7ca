"""Result files on disk -> records: what is asked for is found, what is faulty is refused by name."""

from __future__ import annotations

import gc
import glob
import json
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.core.compare.records import RecordError, parse_records
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.report.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_benchmark_aws.core.compare.records import Reading, Record

MAX_BYTES = 256 * 2**20
"""Of one file: a result of ten thousand benchmarks has 10 MiB."""
DEFAULT = ".benchmarks"
"""pytest-benchmark's own default storage."""


@dataclass(frozen=True, slots=True)
class Read:
    """What files held."""

    records: tuple[Record, ...]
    files: int
    """Those read, refused ones aside."""
    refused: tuple[str, ...]
    """A line for each file that is no result: its name and the reason."""


def find_files(patterns: Sequence[str]) -> list[Path]:
    """The JSON files that names, folders and shell patterns mean, each once, in order.

    Raises:
        PlanError: a name or a pattern that means no file.
    """
    found: dict[Path, None] = {}
    for pattern in patterns or (DEFAULT,):
        path = Path(pattern).expanduser()
        if path.is_dir():
            files = sorted(path.rglob("*.json"))
        elif path.exists():
            files = [path]
        else:
            files = sorted(Path(name) for name in glob.glob(str(path), recursive=True))
            files = [file for one in files for file in (sorted(one.rglob("*.json")) if one.is_dir() else [one])]
        if not files:
            what = "no such file" if not glob.has_magic(pattern) and not path.is_dir() else "no .json file there"
            raise PlanError(f"{printable(pattern)}: {what}; give files, folders or patterns such as '.benchmarks/*/*'")
        found.update(dict.fromkeys(files))
    return list(found)


def read_files(files: Sequence[Path], how: Reading) -> Read:
    """The records of the files; a faulty one is refused, whatever is wrong with it, and the others are read."""
    records: list[Record] = []
    refused = []
    for path in files:
        try:
            records += _records(path, how)
        except RecordError as error:
            refused.append(f"{printable(str(path))}: {printable(str(error))}")
    return Read(tuple(records), len(files) - len(refused), tuple(refused))


@contextmanager
def without_collector() -> Iterator[None]:
    """Records and rows are parts of no cycle, and looking for cycles takes a third of the time of 10,000 files."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def read_json(path: Path, *, verbatim: bool = False) -> Any:
    """A file's JSON, once it is sure that it is some.

    Args:
        path: the file.
        verbatim: integers beyond 64 bits stay as they are, which takes three times as long.

    Raises:
        RecordError: it cannot be read, is empty, too large, no JSON, or more of it than Python's own reader takes.
    """
    import orjson  # takes no NaN, no infinity, no number beyond a float, and no nesting deeper than 1,024

    try:
        # Without a buffer: a third of the time of Path.open on 10,000 small files. A pipe must not keep us waiting.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb", buffering=0) as file:
            told = os.fstat(file.fileno())
            if not stat.S_ISREG(told.st_mode):
                raise RecordError("no regular file")
            if told.st_size > MAX_BYTES:
                raise RecordError(f"{told.st_size:,} bytes: more than {MAX_BYTES:,}, which no result has")
            data = file.read(told.st_size)
    except OSError as error:
        raise RecordError(f"cannot be read: {error.strerror or error}") from None
    if not data.strip():
        raise RecordError("it is empty: the run that wrote it was killed before its end")
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise RecordError(f"no JSON: {error}") from None
    if not verbatim:
        return found
    try:
        exact = json.loads(data)
        json.dumps(exact)  # what is read only must not fail later, when it is written
    except (ValueError, RecursionError) as error:
        raise RecordError(f"cannot be written again as it is: {error}") from None
    return exact


def _records(path: Path, how: Reading) -> list[Record]:
    return parse_records(read_json(path), str(path), how)
