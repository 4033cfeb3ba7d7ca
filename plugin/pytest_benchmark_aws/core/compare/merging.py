"""Results of parallel jobs -> one for each machine and launch, with nothing lost.

A file is taken apart into shards: what it says of itself, and the benchmarks that it holds. Shards of one launch are
put into one file, which keeps what each said, so that taking it apart again gives the same shards. Any order and any
grouping of the input therefore gives the same files, and a merge of a merge changes nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pytest_benchmark_aws.core.compare.records import RecordError, utc
from pytest_benchmark_aws.core.values.file_names import folder_name, safe_name
from pytest_benchmark_aws.core.values.json_fields import mapping, without
from pytest_benchmark_aws.core.values.node_ids import TARGET, bare_id, job_name

PARTS = "pytest_benchmark_aws_merged"
"""Key of a merged file: a list of what each of its shards said of itself, with the full names that it held."""
NOISE = (("cpu", "hz_actual"), ("cpu", "hz_actual_friendly"), ("steal",), ("phases",), ("ec2", "instance_id"))
"""What differs in machine_info between two sessions on one machine."""
_LONGEST = 80
"""Characters of a folder's name, and of a file's without its number."""

Json: TypeAlias = "dict[str, Any]"


@dataclass(frozen=True, slots=True)
class MergedFile:
    """One launch's results."""

    folder: str
    """Of the machine, one level deep, as stock pytest-benchmark looks for it."""
    name: str
    """The commit and the time, without number and suffix."""
    data: Json
    shards: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """A benchmark that one launch holds more than once with different content."""

    fullname: str
    machine: str
    """The folder's name."""
    files: tuple[int, ...]
    """Places in the merge's files."""


@dataclass(frozen=True, slots=True)
class Merge:
    """What a merge comes to."""

    files: tuple[MergedFile, ...]
    """In order of folder and time."""
    duplicates: int
    """Benchmarks that another file holds too, taken once."""
    conflicts: tuple[Conflict, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One benchmark, and what its file says of itself."""

    header: Json
    header_text: str
    """JSON with sorted keys, by which headers are told apart and ordered."""
    bench: Json
    text: str
    """Likewise."""


def merge(documents: Iterable[Json]) -> Merge:
    """The files that any number of result files come to.

    Results belong together that have the same instance id, or the same machine_info apart from noise, and the same
    commit, Python and run. Where two of these hold a benchmark with different content, a second file of the same
    launch is begun.

    Args:
        documents: JSON of result files that ``parse_records`` takes.

    Raises:
        RecordError: a merged file's list of shards is not one that a merge has written.
    """
    groups: dict[str, list[_Entry]] = {}
    for document in documents:
        for entry in _entries(document):
            groups.setdefault(_identity(entry), []).append(entry)
    files: list[tuple[tuple[object, ...], MergedFile, list[str]]] = []
    duplicates = 0
    for identity, members in sorted(groups.items()):
        single = _without_duplicates(members)
        duplicates += len(members) - len(single)
        for layer, shards in enumerate(_layers(single)):
            merged = _file(shards)
            order = (merged.folder, _when(shards[0][0].header), identity, layer)
            names = [entry.bench["fullname"] for shard in shards for entry in shard]
            files.append((order, merged, [identity, *names]))
    files.sort(key=lambda file: file[0])
    return Merge(tuple(merged for _, merged, _ in files), duplicates, _conflicts(files))


def _entries(document: Json) -> list[_Entry]:
    """The benchmarks of a file, each with the header of the file that it came from first."""
    header = {key: document[key] for key in sorted(document.keys() - {"benchmarks", PARTS})}
    parts = parts_of(document)
    texts: dict[int, str] = {}
    entries = []
    for stored in document["benchmarks"]:
        own = parts.get(stored["fullname"], header)
        said, bench = _of_one_machine(own, stored)
        text = texts.setdefault(id(own), _canonical(own)) if said is own else _canonical(said)
        entries.append(_Entry(said, text, bench, _canonical(bench)))
    return entries


def parts_of(document: Json) -> dict[str, Json]:
    """Full name -> the header of the shard that held it; nothing of a file that is no merge.

    Raises:
        RecordError: the list of shards is not one that a merge has written.
    """
    parts = document.get(PARTS, [])
    headers: dict[str, Json] = {}
    for part in map(mapping, parts if isinstance(parts, list) else [None]):
        names = part.get("benchmarks")
        if not isinstance(names, list) or not all(isinstance(name, str) and name not in headers for name in names):
            raise RecordError(f"{PARTS} is no list of shards, each with the full names that it held")
        header = {key: part[key] for key in sorted(part.keys() - {"benchmarks"})}
        headers.update(dict.fromkeys(names, header))
    return headers


def _of_one_machine(header: Json, bench: Json) -> tuple[Json, Json]:
    """Header and benchmark as the launch itself stores them, of a session that ran on several machines.

    There, test ids end with the target, and machine_info holds each machine under its target's name.
    """
    extra = mapping(bench.get("extra_info"))
    target = _target(bench, extra)
    if target is not None:
        bench = _bare(bench, target)
    machines = mapping(mapping(header.get("machine_info")).get("machines"))
    info = machines.get(target or job_name(extra))
    if not isinstance(info, dict):
        return header, bench
    return {**header, "machine_info": info}, bench


def _target(bench: Json, extra: Mapping[str, Any]) -> str | None:
    """The target in a test's id, where a session with --aws put one."""
    job = job_name(extra)
    if not job or TARGET not in mapping(bench.get("params")):
        return None
    return job if bench["fullname"].endswith((f"-{job}]", f"[{job}]")) else None


def _bare(bench: Json, target: str) -> Json:
    params = {key: value for key, value in mapping(bench.get("params")).items() if key != TARGET}
    bare: Json = {**bench, "params": params or None}
    for key in ("name", "fullname"):
        if isinstance(text := bench.get(key), str):
            bare[key] = bare_id(text, target)
    if isinstance(param := bench.get("param"), str):
        bare["param"] = None if param == target else param.removesuffix(f"-{target}")
    return bare


def _identity(entry: _Entry) -> str:
    """What entries of one launch have in common, as a text that sorts."""
    info, commit = mapping(entry.header.get("machine_info")), mapping(entry.header.get("commit_info"))
    extra = mapping(entry.bench.get("extra_info"))
    instance = extra.get("instance_id") or mapping(info.get("ec2")).get("instance_id")
    # A machine of a CI service runs several Pythons, which are no rounds of one another.
    python = [info.get("python_implementation"), info.get("python_version")]
    machine = [instance, *python] if instance else [None, without(info, NOISE)]
    return _canonical([machine, commit.get("id"), commit.get("dirty"), extra.get("run")])


def _without_duplicates(entries: Sequence[_Entry]) -> list[_Entry]:
    """Each benchmark once, of the first header in order; one with its rounds in place of the same one without."""
    single: dict[str, dict[str | None, _Entry]] = {}
    for entry in entries:
        stats = entry.bench["stats"]
        rest = _canonical({**entry.bench, "stats": {key: value for key, value in stats.items() if key != "data"}})
        rounds = _canonical(stats["data"]) if stats.get("data") else None
        same = single.setdefault(rest, {})
        if rounds not in same or _order(entry) < _order(same[rounds]):
            same[rounds] = entry
    return [entry for same in single.values() for rounds, entry in same.items() if rounds is not None or len(same) == 1]


def _order(entry: _Entry) -> tuple[str, ...]:
    """By time; what a file does not say of it sorts first."""
    return _when(entry.header), entry.header_text, entry.bench["fullname"], entry.text, json.dumps(entry.bench)


def _layers(entries: Sequence[_Entry]) -> list[list[list[_Entry]]]:
    """Files of shards of entries, in order of time: a benchmark that comes again begins the next file."""
    shards: dict[str, list[_Entry]] = {}
    for entry in sorted(entries, key=_order):
        shards.setdefault(entry.header_text, []).append(entry)
    layers: list[list[list[_Entry]]] = []
    taken: set[str] = set()
    for shard in (part for whole in shards.values() for part in _without_repetition(whole)):
        names = {entry.bench["fullname"] for entry in shard}
        if not layers or taken & names:
            layers.append([])
            taken = set()
        layers[-1].append(shard)
        taken |= names
    return layers


def _without_repetition(shard: Sequence[_Entry]) -> list[list[_Entry]]:
    """A shard in as many parts as its most frequent name needs."""
    parts: list[dict[str, _Entry]] = []
    for entry in shard:
        name = entry.bench["fullname"]
        part = next((part for part in parts if name not in part), None)
        if part is None:
            part = {}
            parts.append(part)
        part[name] = entry
    return [list(part.values()) for part in parts]


def _file(shards: Sequence[Sequence[_Entry]]) -> MergedFile:
    """What the first shard said of itself stands for the file; what each said is kept where they differ.

    Its keys are in order at every depth: of files that say the same in another order any may be left out of a merge.
    """
    first = shards[0][0]
    said = [json.loads(shard[0].header_text) for shard in shards]
    benches = sorted((entry.bench for shard in shards for entry in shard), key=lambda bench: str(bench["fullname"]))
    data = {**said[0], "benchmarks": benches}
    if len(shards) > 1:
        data[PARTS] = [
            {**header, "benchmarks": sorted(entry.bench["fullname"] for entry in shard)}
            for header, shard in zip(said, shards, strict=True)
        ]
    commit = str(mapping(first.header.get("commit_info")).get("id") or "unversioned")
    if re.fullmatch("[0-9a-f]{12,}", commit):
        commit = commit[:10]
    when = _when(first.header)[:19].replace("-", "").replace(":", "").replace("T", "-")
    name = safe_name("_".join(part for part in (commit, when) if part))[:_LONGEST]
    return MergedFile(_folder(first), name, data, len(shards))


def _folder(entry: _Entry) -> str:
    """The launch's name on AWS; else the name that stock pytest-benchmark has for the machine, and its host's."""
    info, extra = mapping(entry.header.get("machine_info")), mapping(entry.bench.get("extra_info"))
    ec2 = mapping(info.get("ec2"))
    on_aws = job_name(extra) or job_name(ec2)
    if on_aws:
        return folder_name(safe_name(on_aws)[:_LONGEST], embedded=bool(extra.get("embedded") or ec2.get("embedded")))
    python = ".".join(str(info.get("python_version") or "").split(".")[:2])
    words = (info.get("system"), info.get("python_implementation"), python, info.get("machine"), info.get("node"))
    return safe_name("-".join(str(word) for word in words if word) or "unknown-machine")[:_LONGEST]


def _conflicts(files: Sequence[tuple[object, MergedFile, list[str]]]) -> tuple[Conflict, ...]:
    places: dict[tuple[str, str], list[int]] = {}
    for place, (_, _, (identity, *names)) in enumerate(files):
        for name in names:
            places.setdefault((identity, name), []).append(place)
    return tuple(
        Conflict(name, files[holders[0]][1].folder, tuple(holders))
        for (_, name), holders in sorted(places.items())
        if len(holders) > 1
    )


def _when(header: Json) -> str:
    return utc(header.get("datetime"))


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
