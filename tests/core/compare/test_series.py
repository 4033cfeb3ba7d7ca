"""Lines over a parameter and over commits."""

from __future__ import annotations

from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.core.compare.records import Reading, Record, parse_records
from pytest_benchmark_aws.core.compare.series import histories, scalings
from pytest_benchmark_aws.core.compare.tables import compare_records
from tests.result_files import benchmark, result


def read(*files: dict[str, object], scale_parameter: str | None = None) -> list[Record]:
    how = Reading(catalog(), None, scale_parameter)
    return [record for number, data in enumerate(files) for record in parse_records(data, f"{number}.json", how)]


def over(name: str, *values: object, **more: object) -> dict[str, object]:
    """A file with a benchmark for each value of one parameter."""
    benches = [
        benchmark([8.0 / (1 + place)], f"test_it[{value}]", params={name: value, **more})
        for place, value in enumerate(values)
    ]
    return result(*benches, instance_type="m5.8xlarge")


def test_a_parameter_of_numbers_gives_a_line_in_their_order() -> None:
    """Threads 1, 2 and 16 are places on one line, not 1, 16, 2."""
    (found,) = scalings(compare_records(read(over("threads", 1, 16, 2))).tables)
    assert (found.test, found.parameter, found.parallel) == ("tests/test_one.py::test_it", "threads", True)
    assert [point.x for point in found.lines[0].points] == [1, 2, 16]


def test_vcpus_and_cores_are_the_machines_numbers() -> None:
    """``threads=vcpus`` on m5.8xlarge is 32, ``cores`` 16."""
    (found,) = scalings(compare_records(read(over("threads", "1", "cores", "vcpus"))).tables)
    assert [(point.x, point.label) for point in found.lines[0].points] == [(1, "1"), (16, "cores"), (32, "vcpus")]


def test_words_of_a_name_count_and_other_numbers_do_not() -> None:
    """``batch_size`` and ``n_jobs`` scale a test; a seed or a learning rate does not."""
    assert [one.parameter for one in scalings(compare_records(read(over("batch_size", 16, 32))).tables)] == [
        "batch_size"
    ]
    assert [one.parallel for one in scalings(compare_records(read(over("n_jobs", 1, 2))).tables)] == [True]
    assert not scalings(compare_records(read(over("seed", 1, 2))).tables)
    assert not scalings(compare_records(read(over("rate", 0.1, 0.2))).tables)


def test_one_value_is_no_line() -> None:
    """Nothing scales over a single number, nor over texts, booleans, zero and less."""
    for values in ([4], ["a", "b"], [True, False], [0, -1], [None, 3]):
        assert not scalings(compare_records(read(over("threads", *values))).tables)


def test_other_parameters_make_lines_of_their_own() -> None:
    """Threads 1 and 2 of one variant are never joined with those of another."""
    files = [
        result(
            *(
                benchmark([1.0], f"test_it[{variant}-{count}]", params={"variant": variant, "threads": count})
                for count in (1, 2)
            ),
            instance_type="m5.large",
        )
        for variant in ("a", "b")
    ]
    found = scalings(compare_records(read(*files)).tables)
    assert [one.test for one in found] == ["tests/test_one.py::test_it[a]", "tests/test_one.py::test_it[b]"]


def test_the_scale_parameter_is_work() -> None:
    """With a throughput the place is units of work in one run, without one what the scale says."""
    rated = [
        benchmark([1.0], f"test_it[{rows}]", params={"scale": rows}, items_per_second=1000.0 * place)
        for place, rows in enumerate(("1000", "50k"), 1)
    ]
    data = read(result(*rated, instance_type="m5.large"), scale_parameter="scale")
    (found,) = scalings(compare_records(data).tables, "scale")
    assert (found.parameter, found.unit) == ("work (items)", "items")
    plain = [benchmark([1.0], f"test_it[{rows}]", params={"scale": rows}) for rows in ("1000", "50k")]
    data = read(result(*plain, instance_type="m5.large"), scale_parameter="scale")
    (found,) = scalings(compare_records(data).tables, "scale")
    assert [point.x for point in found.lines[0].points] == [1000, 50_000]


def committed(*commits: str, instance_type: str = "m5.large") -> list[dict[str, object]]:
    return [
        result(
            benchmark([1.0 + day / 10]), instance_type=instance_type, launch=f"i-{instance_type}-{day}", commit=commit,
            when=f"2026-11-{day:02}T00:00:00+00:00",
        )
        for day, commit in enumerate(commits, 1)
    ]  # fmt: skip


def test_history_is_in_order_of_time() -> None:
    """Commits stand as they were measured, whatever their ids; the files' order does not matter."""
    files = committed("f" * 40, "1" * 40, "7" * 40)
    (found,) = histories(compare_records(read(*reversed(files)), row_of="commit").tables)
    assert found.commits == ("f" * 10, "1" * 10, "7" * 10)
    assert [point.x for point in found.lines[0].points] == [0, 1, 2]


def test_commits_that_begin_alike_are_told_apart() -> None:
    """Two ids with the same first ten digits are shown whole, and are two places."""
    (found,) = histories(compare_records(read(*committed("a" * 39 + "1", "a" * 39 + "2")), row_of="commit").tables)
    assert found.commits == ("a" * 39 + "1", "a" * 39 + "2")


def test_one_commit_is_no_history() -> None:
    """Nor are two machines with a commit each, nor results without a commit."""
    assert not histories(compare_records(read(*committed("a" * 40)), row_of="commit").tables)
    apart = [*committed("a" * 40), *committed("b" * 40, instance_type="c5.large")]
    assert not histories(compare_records(read(*apart), row_of="commit").tables)
    assert not histories(compare_records(read(*committed("", "")), row_of="commit").tables)
