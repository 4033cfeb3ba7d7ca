"""Result files on disk -> records: what is faulty is refused by name."""

from __future__ import annotations

import gc
import json
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.core.compare.heads import Newest, without_duplicates
from pytest_benchmark_aws.core.compare.heads import newest as newest_of
from pytest_benchmark_aws.core.compare.records import RecordError, heads_of, records_of
from pytest_benchmark_aws.core.values import json_fields
from pytest_benchmark_aws.machine.regular_files import read_regular
from pytest_benchmark_aws.report.text import printable
from pytest_benchmark_aws.results.storage import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_benchmark_aws.core.compare.heads import Head
    from pytest_benchmark_aws.core.compare.records import Reading, Record


@dataclass(frozen=True, slots=True)
class Read:
    """What files held."""

    records: tuple[Record, ...]
    files: int
    """Those read, refused ones aside."""
    refused: tuple[str, ...]
    """A line for each file that is no result: its name and the reason."""
    attempts: int
    """Earlier attempts of a test in the same launch, which are left out."""


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
    attempts: int
    """Earlier attempts of a test in the same launch, which are left out."""


def read_files(files: Sequence[Path], how: Reading) -> Read:
    """The records of the files; a faulty one is refused, whatever is wrong with it, and the others are read."""
    records: list[Record] = []
    refused: list[str] = []
    attempts = 0
    for _, document, heads in _documents(files, how, refused):
        records += records_of(document, heads, how)
        attempts += len(document["benchmarks"]) - len(heads)
    return Read(tuple(records), len(files) - len(refused), tuple(refused), attempts)


def read_newest(files: Sequence[Path], how: Reading, passes: Callable[[Head], bool]) -> ReadNewest:
    """The records of each machine's newest commit, of those that pass; faulty files are refused as ``read_files`` does.

    Records are made while a file is read, of what is newest by then, and as a folder's last files are its newest, the
    last are read first; of what turns out to count after all, the file is read again.
    """
    heads: list[Head] = []
    passing: list[Head] = []
    refused: list[str] = []
    newest = Newest()
    attempts = 0
    records: dict[int, Record] = {}  # by the head's id()
    launches: set[str] = set()
    in_several_files: set[str] = set()

    def take(document: Any, wanted: list[Head]) -> None:
        records.update(zip(map(id, wanted), records_of(document, wanted, how), strict=True))

    for _, document, of_file in _documents(files[::-1], how, refused):
        heads += of_file
        attempts += len(document["benchmarks"]) - len(of_file)
        launches_of_file = {head.launch for head in of_file}
        in_several_files |= launches_of_file & launches
        launches |= launches_of_file
        fitting = list(filter(passes, of_file))
        passing += fitting
        take(document, list(filter(newest.add, fitting)))
    single, duplicates = without_duplicates(passing) if in_several_files else (passing, 0)
    # Of a result that counts once, the file whose commit is newer may be the one that was left out.
    counting = newest_of(single) if duplicates else newest.of(single)
    missing: dict[str, list[Head]] = {}
    for head in counting:
        if id(head) not in records:
            missing.setdefault(head.source, []).append(head)
    for path, document, of_file in _documents(list(map(Path, missing)), how, refused):
        wanted = missing[str(path)]
        if set(wanted) <= set(of_file):
            take(document, wanted)
        else:
            refused.append(_refusal(path, RecordError("it changed while it was read")))
    return ReadNewest(
        records=tuple([records[id(head)] for head in counting if id(head) in records]),
        refused=tuple(reversed(refused)),
        heads=heads,
        duplicates=duplicates,
        older=len(single) - len(counting),
        attempts=attempts,
    )


def _documents(files: Sequence[Path], how: Reading, refused: list[str]) -> Iterator[tuple[Path, Any, list[Head]]]:
    """Each file, its JSON and its heads; of a faulty one a line in ``refused``."""
    for path in files:
        try:
            document = read_json(path)
            heads = heads_of(document, str(path), how)
        except RecordError as error:
            refused.append(_refusal(path, error))
            continue
        yield path, document, heads


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
        data = read_regular(path, MAX_BYTES)
    except (OSError, ValueError) as error:
        raise RecordError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not data or data.isspace():
        raise RecordError("it is empty: the run that wrote it was killed before its end")
    if reason := json_fields.too_many(data):
        raise RecordError(reason)
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        try:
            document = json_fields.lenient(data)
        except (ValueError, RecursionError):
            raise RecordError(f"no JSON: {error}") from None
    if not verbatim:
        return document
    try:
        exact = json_fields.lenient(data)
        json.dumps(exact, allow_nan=False)  # what is read only must not fail later, when it is written
    except (ValueError, RecursionError) as error:
        raise RecordError(f"cannot be written again as it is: {error}") from None
    return exact
