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

from pytest_benchmark_aws.core.compare.heads import Newest, without_duplicates
from pytest_benchmark_aws.core.compare.heads import newest as newest_of
from pytest_benchmark_aws.core.compare.records import RecordError, heads_of, parse_records, records_of
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.report.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_benchmark_aws.core.compare.heads import Head
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


@dataclass(frozen=True, slots=True)
class ReadNewest:
    """What of files counts where each machine stands with its newest commit alone."""

    records: tuple[Record, ...]
    refused: tuple[str, ...]
    """A line for each file that is no result."""
    heads: Sequence[Head]
    """Of all results in the files."""
    duplicates: int
    """Results that pass and that another file holds too."""
    older: int
    """Results that pass, of older commits than the newest of their machine."""


def find_files(patterns: Sequence[str]) -> list[Path]:
    """The JSON files that names, folders and shell patterns mean, each once, in order.

    Raises:
        PlanError: a name or a pattern that means no file.
    """
    paths: dict[Path, None] = {}
    for pattern in patterns or (DEFAULT,):
        path = Path(pattern).expanduser()
        if path.is_dir():
            files = sorted(path.rglob("*.json"))
        elif path.exists():
            files = [path]
        else:
            files = sorted(Path(name) for name in glob.glob(str(path), recursive=True))
            files = [file for match in files for file in (sorted(match.rglob("*.json")) if match.is_dir() else [match])]
        if not files:
            what = "no such file" if not glob.has_magic(pattern) and not path.is_dir() else "no .json file there"
            raise PlanError(f"{printable(pattern)}: {what}; give files, folders or patterns such as '.benchmarks/*/*'")
        paths.update(dict.fromkeys(files))
    return list(paths)


def read_files(files: Sequence[Path], how: Reading) -> Read:
    """The records of the files; a faulty one is refused, whatever is wrong with it, and the others are read."""
    records: list[Record] = []
    refused = []
    for path in files:
        try:
            records += parse_records(read_json(path), str(path), how)
        except RecordError as error:
            refused.append(_refusal(path, error))
    return Read(tuple(records), len(files) - len(refused), tuple(refused))


def read_newest(files: Sequence[Path], how: Reading, passes: Callable[[Head], bool]) -> ReadNewest:
    """The records of each machine's newest commit, of those that pass; faulty files are refused as ``read_files`` does.

    Records are made while a file is read, of what is newest by then, and as a folder's last files are its newest, the
    last are read first; of what turns out to count after all, the file is read again.
    """
    heads: list[Head] = []
    passing: list[Head] = []
    refused = []
    newest = Newest()
    records: dict[tuple[str, int], Record] = {}
    for path in reversed(files):
        try:
            document = read_json(path)
            of_file = heads_of(document, str(path), how)
        except RecordError as error:
            refused.append(_refusal(path, error))
            continue
        heads += of_file
        fitting = list(filter(passes, of_file))
        passing += fitting
        wanted = list(filter(newest.add, fitting))
        for head, record in zip(wanted, records_of(document, wanted, how), strict=True):
            records[head.source, head.position] = record
    single, duplicates = without_duplicates(passing)
    # Of a result that counts once, the file whose commit is newer may be the one that was left out.
    counting = newest_of(single) if duplicates else newest.of(single)
    missing: dict[str, list[Head]] = {}
    for head in counting:
        if (head.source, head.position) not in records:
            missing.setdefault(head.source, []).append(head)
    for source, wanted in missing.items():
        try:
            document = read_json(Path(source))
            if not set(wanted) <= set(heads_of(document, source, how)):
                raise RecordError("it changed while it was read")
        except RecordError as error:
            refused.append(_refusal(Path(source), error))
            continue
        for head, record in zip(wanted, records_of(document, wanted, how), strict=True):
            records[head.source, head.position] = record
    places = [(head.source, head.position) for head in counting]
    return ReadNewest(
        records=tuple(records[place] for place in places if place in records),
        refused=tuple(reversed(refused)),
        heads=heads,
        duplicates=duplicates,
        older=len(single) - len(counting),
    )


def _refusal(path: Path, error: RecordError) -> str:
    return f"{printable(str(path))}: {printable(str(error))}"


@contextmanager
def without_collector() -> Iterator[None]:
    """Records and rows are parts of no cycle, and looking for cycles takes a third of the time of 10,000 files.

    Nor is what was made meanwhile looked through afterwards: a command needs it to its end.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
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
        # Without a file object: a quarter of Path.open's time on 10,000 small files. A pipe must not keep us waiting.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise RecordError("no regular file")
            if status.st_size > MAX_BYTES:
                raise RecordError(f"{status.st_size:,} bytes: more than {MAX_BYTES:,}, which no result has")
            data = os.read(descriptor, status.st_size)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise RecordError(f"cannot be read: {error.strerror or error}") from None
    if not data or data.isspace():
        raise RecordError("it is empty: the run that wrote it was killed before its end")
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise RecordError(f"no JSON: {error}") from None
    if not verbatim:
        return document
    try:
        exact = json.loads(data)
        json.dumps(exact)  # what is read only must not fail later, when it is written
    except (ValueError, RecursionError) as error:
        raise RecordError(f"cannot be written again as it is: {error}") from None
    return exact
