"""Result files of parallel jobs, put together by machine and launch."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.compare.merging import PARTS, merge
from pytest_benchmark_aws.core.compare.records import Reading, RecordError, parse_records

if TYPE_CHECKING:
    import random

Json = dict[str, Any]


def bench(name: str, median: float = 1.0, **more: Any) -> Json:
    """A benchmark as pytest-benchmark writes it, as far as a merge looks at it."""
    stats = {"median": median, "rounds": 3, "data": [median] * 3}
    made = {"name": name, "fullname": f"test_it.py::{name}", "params": None, "param": None, "extra_info": {}}
    return {**made, "options": {"timer": "perf_counter", "unknown": [1]}, "stats": stats, **more}


def document(*benches: Json, node: str = "host1", commit: str = "c" * 40, when: str = "10:00", **info: Any) -> Json:
    """A result file of one machine."""
    machine = {"node": node, "system": "Linux", "machine": "x86_64", "python_implementation": "CPython"}
    machine |= {"python_version": "3.11.2", "cpu": {"brand_raw": "EPYC", "hz_actual": [when]}, **info}
    return {
        "machine_info": machine,
        "commit_info": {"id": commit, "dirty": False},
        "benchmarks": list(benches),
        "datetime": f"2026-11-24T{when}:00+00:00",
        "version": "5.3.1",
    }


def on_aws(name: str, instance_id: str, kind: str = "m5.large", launch: int = 1, **more: Any) -> Json:
    extra = {"instance_type": kind, "market": "on-demand", "launch": launch, "instance_id": instance_id, **more}
    return bench(name, extra_info=extra)


def names(data: Json) -> list[str]:
    return [one["name"] for one in data["benchmarks"]]


def test_shards_of_one_launch_become_one_file() -> None:
    """The same machine at the same commit, hours, clock rates and load apart, is one launch."""
    one = document(bench("test_a"), steal=0.1, phases={"boot": 1})
    (file,) = merge([one, document(bench("test_b"), when="11:00", steal=0.2)]).files
    assert names(file.data) == ["test_a", "test_b"]
    assert file.shards == 2


@pytest.mark.parametrize(
    "other",
    [{"node": "host2"}, {"commit": "d" * 40}, {"python_version": "3.12.1"}, {"release": "6.1"}],
    ids=["host", "commit", "python", "kernel"],
)
def test_what_differs_beyond_noise_stays_apart(other: Json) -> None:
    """Distinct hosts of one kind, commits and Pythons are distinct launches."""
    merged = merge([document(bench("test_a")), document(bench("test_b"), **other)])
    assert [names(file.data) for file in merged.files] in ([["test_a"], ["test_b"]], [["test_b"], ["test_a"]])


def test_an_instance_id_tells_launches_apart_and_together() -> None:
    """The same instance is one launch though its kernel's name changed; another of the same type is not."""
    one = document(on_aws("test_a", "i-1"), release="6.1")
    same = document(on_aws("test_b", "i-1"), release="6.2")
    other = document(on_aws("test_a", "i-2"), release="6.1")
    merged = merge([one, same, other])
    assert sorted(names(file.data) for file in merged.files) == [["test_a"], ["test_a", "test_b"]]
    assert {file.folder for file in merged.files} == {"m5.large"}
    assert merged.conflicts == ()


@pytest.mark.parametrize("other", [{"python_version": "3.12.1"}, {"run": "run2"}], ids=["python", "run"])
def test_one_instance_has_a_launch_for_each_python_and_run(other: Json) -> None:
    """An instance that serves a CI for months measures many times."""
    python = {key: value for key, value in other.items() if key != "run"}
    again = document(on_aws("test_b", "i-1", run=other.get("run", "run1")), **python)
    assert len(merge([document(on_aws("test_a", "i-1", run="run1")), again]).files) == 2


def test_rounds_of_two_hosts_are_never_blended() -> None:
    """The same test of two shards' hosts stays two results, each with its own rounds."""
    merged = merge([document(bench("test_a", 1.0)), document(bench("test_a", 2.0), node="host2")])
    assert sorted(file.data["benchmarks"][0]["stats"]["data"] for file in merged.files) == [[1.0] * 3, [2.0] * 3]


def test_the_same_benchmark_in_two_files_is_taken_once() -> None:
    """A saved file and the --benchmark-json of one session differ by the time of writing; so many are duplicates."""
    merged = merge([document(bench("test_a")), document(bench("test_a"), bench("test_b"), when="10:01")])
    (file,) = merged.files
    assert names(file.data) == ["test_a", "test_b"]
    assert merged.duplicates == 1
    assert merged.conflicts == ()


def test_of_the_same_result_the_one_with_rounds_stays() -> None:
    """Stock pytest-benchmark saves without rounds what --benchmark-json has with them."""
    short = bench("test_a")
    del short["stats"]["data"]
    merged = merge([document(short), document(bench("test_a"), when="11:00")])
    assert [one["stats"]["data"] for one in merged.files[0].data["benchmarks"]] == [[1.0] * 3]
    assert merged.duplicates == 1


def test_different_numbers_of_one_launch_are_kept_apart_and_named() -> None:
    """A second file of the launch begins with the benchmark that came again, and takes what came after it."""
    first = [document(bench("test_a"), when="10:00"), document(bench("test_b"), when="10:05")]
    again = [document(bench("test_b", 2.0), when="11:00"), document(bench("test_c"), when="11:05")]
    merged = merge(again + first)
    assert [names(file.data) for file in merged.files] == [["test_a", "test_b"], ["test_b", "test_c"]]
    (conflict,) = merged.conflicts
    assert (conflict.fullname, conflict.files) == ("test_it.py::test_b", (0, 1))


def test_a_session_on_several_machines_is_taken_apart() -> None:
    """Each machine gets a file with its own machine_info, and test names as they are on every machine."""
    whole = document(
        in_session(on_aws("test_a", "i-1"), "m5.large"),
        in_session(on_aws("test_a", "i-2", launch=2), "m5.large-launch2"),
        in_session(on_aws("test_b[x]", "i-1"), "m5.large", "x"),
        bench("test_here"),
    )
    machines = {"m5.large": {"node": "ip-1"}, "m5.large-launch2": {"node": "ip-2"}}
    whole["machine_info"] = {"node": "several, see machines", "machines": machines}
    files = {file.folder: file.data for file in merge([whole]).files}
    assert files["m5.large"]["machine_info"] == {"node": "ip-1"}
    assert files["m5.large"]["benchmarks"] == [on_aws("test_a", "i-1"), {**on_aws("test_b[x]", "i-1"), "param": "x"}]
    assert files["m5.large-launch2"]["machine_info"] == {"node": "ip-2"}
    assert names(files["several-see-machines"]) == ["test_here"]
    assert files["several-see-machines"]["machine_info"] == whole["machine_info"]


def in_session(one: Json, target: str, param: str | None = None) -> Json:
    """The benchmark as --benchmark-json of a session with --aws has it."""
    ending = f"{one['name'][:-1]}-{target}]" if param else f"{one['name']}[{target}]"
    params = {"aws_instance_type": one["extra_info"]["instance_type"]}
    made = {**one, "name": ending, "fullname": f"test_it.py::{ending}", "params": params}
    return {**made, "param": f"{param}-{target}" if param else target}


def test_a_launch_on_demand_in_place_of_spot_is_found_by_the_name_it_was_asked_for_by() -> None:
    """Its market says on-demand, its test ids say spot."""
    extra = {"fallback": "on demand, as spot was not to be had"}
    whole = document(in_session(on_aws("test_a", "i-1", **extra), "m5.large-spot"))
    whole["machine_info"] = {"machines": {"m5.large-spot": {"node": "ip-1"}}}
    (file,) = merge([whole]).files
    assert (file.folder, names(file.data)) == ("m5.large-spot", ["test_a"])


def test_a_session_and_its_stored_file_are_the_same_results() -> None:
    """--benchmark-json and the stored file of one launch have nothing twice."""
    stored = document(on_aws("test_a", "i-1"))
    merged = merge([stored, document(in_session(on_aws("test_a", "i-1"), "m5.large"), when="10:01")])
    assert [names(file.data) for file in merged.files] == [["test_a"]]
    assert merged.duplicates == 1


def test_a_parameter_that_is_called_like_the_target_stays() -> None:
    """Only what a session with --aws put into an id is taken out of it, however often it is merged."""
    stored = document(on_aws("test_a[x-m5.large]", "i-1"))
    again = merge([merge([stored]).files[0].data]).files[0].data
    assert names(again) == ["test_a[x-m5.large]"]


def test_embedded_results_have_a_folder_of_their_own() -> None:
    """What embedded AWS measured never lies beside what an instance measured."""
    (file,) = merge([document(on_aws("test_a", "i-1", embedded=True))]).files
    assert file.folder == "embedded-m5.large"


@pytest.mark.parametrize("name", ["../../etc", "a/b", "", ".", "\x1b[2J", "x" * 500])
def test_a_file_cannot_name_a_folder_elsewhere(name: str) -> None:
    """An instance type or a host's name in a file is text, never a path."""
    for made in (document(on_aws("test_a", "i-1", kind=name)), document(bench("test_a"), node=name)):
        folder = merge([made]).files[0].folder
        assert folder.isascii()
        assert folder.isprintable()
        assert 0 < len(folder) <= 80
        assert "/" not in folder
        assert not folder.startswith(".")


def test_records_of_the_merge_are_those_of_the_input() -> None:
    """Cases, machines, launches and times of a session on two machines are the same before and after."""
    whole = document(
        in_session(on_aws("test_a", "i-1"), "m5.large"), in_session(on_aws("test_a", "i-2", "c5.large"), "c5.large")
    )
    whole["machine_info"] = {"machines": {"m5.large": {"node": "ip-1"}, "c5.large": {"node": "ip-2"}}}
    how = Reading(snapshot.catalog())

    def told(data: Json) -> list[tuple[object, ...]]:
        return [(one.case, one.machine, one.launch, one.rounds, one.when) for one in parse_records(data, "x", how)]

    merged = [record for file in merge([whole]).files for record in told(file.data)]
    assert len(merged) == 2
    assert sorted(merged, key=str) == sorted(told(whole), key=str)


def test_what_nobody_knows_is_kept() -> None:
    """Unknown keys of the file, the machine, the options and a benchmark's extra_info are there, value for value."""
    extra = {"deep": {"list": [1, None, 2**70, 0.1]}, "instance_id": None}
    given = document(bench("test_a", extra_info=extra, new_in_6=True), when="10:00", odd={"k": [{}]})
    given["session"] = {"id": 7}
    (file,) = merge([given, document(bench("test_b"), when="11:00", odd={"k": [{}]})]).files
    assert file.data["benchmarks"][0] == given["benchmarks"][0]
    assert file.data["session"] == {"id": 7}
    assert file.data["machine_info"] == given["machine_info"]
    assert file.data[PARTS][1]["datetime"] == "2026-11-24T11:00:00+00:00"


@pytest.mark.parametrize(
    "parts", [{}, [1], [{}], [{"benchmarks": ["a"]}, {"benchmarks": ["a"]}], [{"benchmarks": [1]}]]
)
def test_a_broken_list_of_shards_is_refused(parts: object) -> None:
    """A merged file that somebody edited is named, not guessed at."""
    with pytest.raises(RecordError, match="list of shards"):
        merge([{**document(bench("a")), PARTS: parts}])


BENCHES = st.builds(
    lambda name, median, kind, instance, rounds, turned: shortened(
        bench(name, median, extra_info={"instance_type": kind, "instance_id": instance} if kind else {}),
        rounds=rounds,
        turned=turned,
    ),
    st.sampled_from(["test_a", "test_b", "test_c"]),
    st.sampled_from([1.0, 2.0]),
    st.sampled_from([None, "m5.large", "c5.large"]),
    st.sampled_from(["i-1", "i-2"]),
    st.booleans(),
    st.booleans(),
)
DOCUMENTS = st.builds(
    lambda benches, node, commit, when, other: reordered(
        {**document(*benches, node=node, commit=commit, when=when), **other}
    ),
    st.lists(BENCHES, max_size=4),
    st.sampled_from(["host1", "host2"]),
    st.sampled_from(["c", "d"]),
    st.sampled_from(["10:00", "11:00", "x"]),
    st.sampled_from([{}, {"version": "4.0.0"}, {"note": [1]}]),
)


def shortened(one: Json, *, rounds: bool, turned: bool) -> Json:
    if not rounds:
        del one["stats"]["data"]
    return dict(reversed(one.items())) if turned else one


def reordered(one: Json) -> Json:
    """Another order of keys is the same content; which order a file has depends on its content alone, or on none."""
    if len(one["benchmarks"]) % 2:
        one = dict(reversed(one.items()))
        one["machine_info"] = dict(reversed(one["machine_info"].items()))
    return one


def outcome(documents: list[Json]) -> list[tuple[str, str, str]]:
    return [(file.folder, file.name, json.dumps(file.data)) for file in merge(documents).files]


@given(st.lists(DOCUMENTS, max_size=6), st.randoms())
@settings(deadline=None)
def test_any_order_gives_the_same_files(documents: list[Json], source: random.Random) -> None:
    """To the byte."""
    first = outcome(documents)
    source.shuffle(documents)
    assert outcome(documents) == first


@given(st.lists(st.tuples(DOCUMENTS, st.integers(0, 2)), max_size=6))
@settings(deadline=None)
def test_any_grouping_gives_the_same_files(documents: list[tuple[Json, int]]) -> None:
    """Merging merges of parts comes to what merging all comes to; merging the merge changes nothing."""
    whole = outcome([one for one, _ in documents])
    groups = [[one for one, group in documents if group == wanted] for wanted in range(3)]
    merges = [json.loads(text) for group in groups for _, _, text in outcome(group)]
    assert outcome(merges) == whole
    assert outcome([json.loads(text) for _, _, text in whole]) == whole


@given(st.lists(DOCUMENTS, max_size=6))
@settings(deadline=None)
def test_every_benchmark_and_every_header_is_found_again(documents: list[Json]) -> None:
    """Each result of the input is in just one file of the output, but those that say less than another."""
    given_ones = {json.dumps(one, sort_keys=True) for given_one in documents for one in given_one["benchmarks"]}
    merged = merge(deepcopy(documents))
    kept = [json.dumps(one, sort_keys=True) for file in merged.files for one in file.data["benchmarks"]]
    assert set(kept) <= given_ones
    for lost in given_ones - set(kept):
        assert "data" not in json.loads(lost)["stats"]
    assert len(kept) + merged.duplicates == sum(len(given_one["benchmarks"]) for given_one in documents)
    for file in merged.files:
        full = [one["fullname"] for one in file.data["benchmarks"]]
        assert len(full) == len(set(full))


@given(st.lists(DOCUMENTS, max_size=6))
@settings(deadline=None)
def test_the_input_is_left_as_it_was(documents: list[Json]) -> None:
    """A merge changes nothing that it is given."""
    before = deepcopy(documents)
    merge(documents)
    assert documents == before


def test_a_file_of_which_nothing_is_left_leaves_no_trace_in_the_order_of_keys() -> None:
    """Two files say the same of themselves in two orders; the benchmark of one is a double of a third file's."""
    aws = [on_aws("test_b", "i-1"), on_aws("test_b", "i-1")]
    whole, double = document(bench("test_a"), when="11:00"), document(aws[0], when="11:00")
    double["machine_info"] = dict(reversed(double["machine_info"].items()))
    earlier = document(aws[1], when="10:00")
    merges = [json.loads(text) for part in ([whole], [double, earlier]) for _, _, text in outcome(part)]
    assert outcome(merges) == outcome([whole, double, earlier])
