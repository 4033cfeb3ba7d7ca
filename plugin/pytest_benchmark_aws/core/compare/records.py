"""pytest-benchmark's JSON, ours or stock, of any machine -> records that can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_benchmark_aws.core.compare.heads import Head, version_of
from pytest_benchmark_aws.core.compare.identity import without_parameter
from pytest_benchmark_aws.core.compare.machine_info import MachineInfo, machine_of
from pytest_benchmark_aws.core.errors import PytestBenchmarkAWSError
from pytest_benchmark_aws.core.values import json_fields
from pytest_benchmark_aws.core.values.node_ids import TARGET, bare_id, job_name
from pytest_benchmark_aws.core.values.service_requests import is_service, service_requests
from pytest_benchmark_aws.core.values.times import MOST_S, NUMBERS, all_sound, check_times

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from pytest_benchmark_aws.core.catalog import Catalog
    from pytest_benchmark_aws.core.compare.heads import Version
    from pytest_benchmark_aws.core.values.service_requests import ServiceRequests

MOST_ROUNDS = 64
"""Rounds kept of a launch, as evenly spread order statistics: more tell the interval over launches nothing new."""
RATE = "_per_second"
"""How a key of extra_info ends that holds a throughput."""
_LEAST_RATE, _MOST_RATE = 1e-18, 1e24
"""Units of work a second."""
_MOST_FLAGS = 32
TASK = "service_task"
"""Key of extra_info: what a managed service does, and a model of one's own too; such results are one case."""
SERVICE_REGION = "aws_service"
"""The parameter that holds a managed service's region."""


class RecordError(PytestBenchmarkAWSError, ValueError):
    """A file is no pytest-benchmark result; the message says what is wrong and where."""


@dataclass(frozen=True, slots=True)
class Commit:
    """The project's state; an empty id where none is known."""

    id: str
    dirty: bool
    branch: str | None
    time: str | None

    def __str__(self) -> str:
        """Short, with a plus sign where there were uncommitted changes."""
        return (self.id[:10] or "-") + ("+" if self.dirty else "")


class Record(NamedTuple):
    """One benchmark of one launch; a tuple, as 100,000 of them are made."""

    case: str
    """The node id without the part that scales the work: the same on every machine, at every scale."""
    node_id: str
    """As it is on every machine, the scale in it."""
    scale: str | None
    machine: MachineInfo
    launch: str
    """What tells launches apart: the instance's id, or what the file says of itself."""
    commit: Commit
    when: str
    """ISO 8601, UTC; empty where the file does not say."""
    median: float
    """Seconds, as are mean, min and max; of these None where the file's is no time: 0.0 of a coarse clock."""
    mean: float | None
    min: float | None
    max: float | None
    rounds: tuple[float, ...]
    """Seconds, in ascending order, at most MOST_ROUNDS of them; the median alone where the file has no data."""
    round_count: int
    throughput: float
    """Units of work a second; runs a second where the file has no throughput."""
    unit: str
    """Of the work: ``row trees``, or ``runs``."""
    launch_usd: Decimal | None
    flags: tuple[str, ...]
    params: Mapping[str, Any]
    """All but the instance type, in the order of their ids."""
    source: str
    """The file."""
    quartiles: tuple[float, float] | None = None
    """The first and the third, in seconds; None of a single round, or where the file does not say."""
    session: str = ""
    """What tells sessions apart: the run's id, or what the file says of itself."""
    iterations: int = 1
    """Runs of a round."""
    service: ServiceRequests | None = None
    """Of a managed service: its requests."""

    @property
    def version(self) -> Version:
        """What of the project was measured."""
        return version_of(self.commit, self.session)

    @property
    def work(self) -> float:
        """Units of work in one run."""
        return self.throughput * self.median


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are read."""

    catalog: Catalog
    throughput_key: str | None = None
    """None: the one key of extra_info that ends in ``_per_second``, if there is just one."""
    scale_parameter: str | None = None


def parse_records(document: object, source: str, how: Reading) -> list[Record]:
    """The records of one file's JSON; ``source`` names the file.

    Stock pytest-benchmark 4 and 5 write the same shape; what a file lacks is None, or blank.

    Raises:
        RecordError: it is no pytest-benchmark result, or holds a time that is none.
    """
    return records_of(document, heads_of(document, source, how), how)


def heads_of(document: object, source: str, how: Reading) -> list[Head]:
    """What each benchmark of a file says first, once it is sure that records can be made of all of them.

    Of several attempts of a test in one launch the last is taken, as pytest counts it.

    Raises:
        RecordError: as ``parse_records``.
    """
    if not isinstance(document, dict) or not isinstance(document.get("benchmarks"), list):
        raise RecordError("no pytest-benchmark result: it has no list of benchmarks")
    benches = document["benchmarks"]
    info = json_fields.mapping(document.get("machine_info"))
    commit = _commit(json_fields.mapping(document.get("commit_info")))
    when = utc(document.get("datetime"))
    several = json_fields.mapping(info.get("machines"))
    machines: dict[tuple[str, object], MachineInfo] = {}
    heads: dict[tuple[str, str | None, str, str], Head] = {}
    sound = all_sound(benches)
    for position, bench in enumerate(benches):
        if not isinstance(bench, dict):
            raise RecordError(f"benchmark {position + 1} is no object")
        extra = bench.get("extra_info")
        if not isinstance(extra, dict):
            extra = {}
        # A --benchmark-json file of a run on several machines names them by job.
        job = job_name(extra)
        price = extra.get("usd_per_hour")
        if is_service(extra):
            price = [extra.get(name) for name in ("service", "variant", "region", "usd_per_request", "embedded")]
        key = (job, str(price))
        machine = machines.get(key)
        if machine is None:
            own = json_fields.mapping(several.get(job)) if job in several else info
            machine = machines[key] = machine_of(own, extra, how.catalog)
        try:
            stats = bench["stats"]
            if not sound:
                check_times(stats)
            case, _, scale, _ = _identity(bench, job, how)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise RecordError(f"benchmark {_name(bench, position)}: {_reason(error)}") from None
        launch = json_fields.text(extra.get("instance_id")) or (f"{machine.node or ''} {when}" if when else source)
        # A test that is run again in one launch, as after a failure, is one result: the last.
        session = json_fields.text(extra.get("run")) or when or source
        heads[case, scale, launch, machine.name] = Head(
            when,
            launch,
            case,
            source,
            float(stats["median"]),
            _round_count(stats),
            scale,
            machine,
            commit,
            position,
            session,
        )
    return list(heads.values())


def records_of(document: Any, heads: Iterable[Head], how: Reading) -> list[Record]:
    """The records of some heads of a file's JSON."""
    benches = document["benchmarks"]
    return [_record(benches[head.position], head, how) for head in heads]


def _identity(bench: Mapping[str, Any], job: str, how: Reading) -> tuple[str, str, str | None, Mapping[str, Any]]:
    """The case, the node id with its scale, the scale, and all parameters but the target."""
    params = json_fields.mapping(bench.get("params"))
    node_id = bench["fullname"]
    if not isinstance(node_id, str):
        raise RecordError("fullname is no text")
    if len(node_id) > json_fields.MOST_TEXT:
        node_id = json_fields.shortened(node_id)
    if job and TARGET in params:  # an id of the session with --aws, not of the instance
        params = {name: value for name, value in params.items() if name != TARGET}
        node_id = bare_id(node_id, job)
    extra = json_fields.mapping(bench.get("extra_info"))
    if TASK in extra or is_service(extra):  # the same request to several regions, or to a model of one's own
        node_id = without_parameter(node_id, params, SERVICE_REGION) or node_id if SERVICE_REGION in params else node_id
        node_id = json_fields.text(extra.get(TASK)) or node_id
    scale = params.get(how.scale_parameter) if how.scale_parameter else None
    if how.scale_parameter is None or scale is None:
        return node_id, node_id, None, params
    # A test whose scale nobody can tell in its id is compared at that scale alone, under a name that no id has.
    case = without_parameter(node_id, params, how.scale_parameter) or f"{node_id} at {scale}"
    return json_fields.shortened(case), node_id, json_fields.shortened(str(scale)), params


def _round_count(stats: Mapping[str, Any]) -> int:
    """As the file says, else of the rounds that it holds."""
    if count := json_fields.whole(stats.get("rounds")):
        return count
    data = stats.get("data")
    return min(len(data), MOST_ROUNDS) if isinstance(data, list) and data else 1


def _record(bench: Mapping[str, Any], head: Head, how: Reading) -> Record:
    """The record of a benchmark whose head was made, so that its times are sound."""
    stats, extra = bench["stats"], json_fields.mapping(bench.get("extra_info"))
    _, node_id, _, params = _identity(bench, job_name(extra), how)
    median, data = head.median, stats.get("data")
    mean = float(stats.get("mean", median)) or None
    least, most = float(stats.get("min", median)) or None, float(stats.get("max", median)) or None
    rounds: tuple[float, ...] = (median,)
    if isinstance(data, list) and data:
        rounds = thin([time for time in data if time] if 0 in data else data)
    throughput, unit = _throughput(extra, how) or (1 / median, "runs")
    # By position, in half the time that names take.
    return Record(
        head.case, node_id, head.scale, head.machine, head.launch, head.commit, head.when, median, mean, least, most,
        rounds, head.round_count, throughput, unit, json_fields.usd(extra.get("launch_usd")), _flags(extra), params,
        head.source, _quartiles(stats) if stats.get("rounds") != 1 else None, head.session,
        json_fields.whole(stats.get("iterations")) or 1, service_requests(extra),
    )  # fmt: skip


def thin(rounds: Sequence[float], most: int = MOST_ROUNDS) -> tuple[float, ...]:
    """The rounds in order, or ``most`` of them at evenly spread ranks, the least and the greatest among them."""
    ordered = sorted(rounds)
    if len(ordered) > most:
        step = (len(ordered) - 1) / (most - 1)
        ordered = [ordered[round(rank * step)] for rank in range(most)]
    return tuple(map(float, ordered))


def _throughput(extra: Mapping[str, Any], how: Reading) -> tuple[float, str] | None:
    """Units of work a second, and the unit's name; None where extra_info has none, or several."""
    key = how.throughput_key
    if not key:
        keys = [key for key, value in extra.items() if key.endswith(RATE) and isinstance(value, int | float)]
        if len(keys) != 1:
            return None
        key = keys[0]
    rate: Any = extra.get(key)
    if type(rate) not in NUMBERS or not _LEAST_RATE < rate < _MOST_RATE:
        return None
    return float(rate), json_fields.shortened(key.removesuffix(RATE).replace("_", " "))


def _flags(extra: Mapping[str, Any]) -> tuple[str, ...]:
    flags = extra.get("flags")
    if not isinstance(flags, list):
        return ()
    return tuple(flag for flag in map(json_fields.text, flags) if flag)[:_MOST_FLAGS]


def _commit(info: Mapping[str, Any]) -> Commit:
    return Commit(
        id=json_fields.text(info.get("id")) or "",
        dirty=info.get("dirty") is True,
        branch=json_fields.text(info.get("branch")),
        time=json_fields.text(info.get("time")),
    )


def utc(time: object) -> str:
    """ISO 8601 in UTC to the microsecond, so that texts sort by time; stock writes UTC, at times without saying."""
    moment = json_fields.moment(time)
    return "" if moment is None else moment.isoformat(timespec="microseconds")


def _quartiles(stats: Mapping[str, Any]) -> tuple[float, float] | None:
    low: Any = stats.get("q1")
    high: Any = stats.get("q3")
    if type(low) not in NUMBERS or type(high) not in NUMBERS or not 0 < low <= high < MOST_S:
        return None
    return float(low), float(high)


def _name(bench: Mapping[str, Any], position: int) -> str:
    named = json_fields.text(bench.get("fullname")) or json_fields.text(bench.get("name"))
    return (named or str(position + 1))[:200]


def _reason(error: Exception) -> str:
    return f"it has no {error.args[0]!r}" if isinstance(error, KeyError) else str(error)
