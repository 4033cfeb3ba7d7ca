"""The project's hooks on pytest-benchmark's files: called for what ``--aws`` stores, and no result is lost for them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.session import outcome, remote_hooks
from pytest_benchmark_aws.session.ending import file_hooks, finish
from tests.faults.guests import line_of, result
from tests.session.test_outcome import finished, run_of

if TYPE_CHECKING:
    from collections.abc import Sequence

TESTS = ("test_one", "test_two")


def configured(pytester: pytest.Pytester, conftest: str) -> pytest.Config:
    """A session with ``--aws`` of a project with this conftest."""
    pytester.makeconftest(conftest)
    config = pytester.parseconfigure("--aws-target=embedded")
    config.pluginmanager.register(remote_hooks, "benchmark_aws_remote")
    return config


def stored(pytester: pytest.Pytester, conftest: str) -> tuple[list[dict[str, Any]], list[str], Any]:
    """The files of two launches with these hooks, what was raised, and the first launch's own data afterwards."""
    from dataclasses import replace

    config, results = configured(pytester, conftest), pytester.path / "results"
    launch = finished(result(*map(line_of, TESTS)))
    run = run_of(pytester.path, launch)
    run = replace(run, finished=(launch, replace(launch, instance_id="i-2")))
    raised: list[str] = []
    paths, problems = outcome.saved_files(run, config, results, None, raised)
    assert problems == []
    # A resumed run stores nothing twice, and calls no hook again.
    assert outcome.saved_files(run, config, results, None, []) == (paths, [])
    return [json.loads(path.read_text()) for path in paths.values()], raised, outcome.result_json(run, launch)


def test_e7_update_json_is_called_once_for_each_stored_file(pytester: pytest.Pytester) -> None:
    """With the launch's own machine and benchmarks; what it changes is in the file, and not in what is shown after."""
    files, raised, own = stored(
        pytester,
        """
        calls = []
        def pytest_benchmark_update_json(config, benchmarks, output_json):
            calls.append(1)
            output_json["call"] = len(calls)
            output_json["names"] = [bench.name for bench in benchmarks]
            output_json["seen"] = output_json["machine_info"]["ec2"].pop("instance_id")
            for bench in output_json["benchmarks"]:
                bench["extra_info"]["from_hook"] = bench["stats"].pop("median")
        """,
    )
    assert raised == []
    seen = [(data["call"], data["seen"], data["names"]) for data in files]
    assert seen == [(1, "i-1", [*TESTS]), (2, "i-2", [*TESTS])]
    medians = [bench["stats"]["median"] for bench in own["benchmarks"]]
    assert [bench["extra_info"]["from_hook"] for bench in files[0]["benchmarks"]] == medians
    assert all("from_hook" not in bench["extra_info"] for bench in own["benchmarks"])
    assert "instance_id" in own["machine_info"]["ec2"]


def test_e7_without_a_change_a_file_is_as_without_hooks(pytester: pytest.Pytester) -> None:
    """pytest-benchmark makes the file of a launch's benchmarks: all that was sent is in it, with the same values."""
    files, _, own = stored(pytester, "def pytest_benchmark_update_json(output_json): pass")
    for key in ("machine_info", "version"):
        assert files[0][key] == own[key]
    for bench, sent in zip(files[0]["benchmarks"], own["benchmarks"], strict=True):
        assert {**bench, **sent, "stats": {**bench["stats"], **sent["stats"]}} == bench


def test_e7_generate_json_may_write_another_file(pytester: pytest.Pytester) -> None:
    """As with ``--benchmark-save``; it gets the instance's machine and the commit of the project's own hook."""
    files, raised, _ = stored(
        pytester,
        """
        def pytest_benchmark_generate_commit_info(config): return {"id": "r7"}
        def pytest_benchmark_update_commit_info(commit_info): commit_info["by"] = "us"
        def pytest_benchmark_generate_json(benchmarks, include_data, machine_info, commit_info):
            medians = {bench.fullname: bench.stats.median for bench in benchmarks}
            return {"medians": medians, "on": machine_info["ec2"]["instance_id"], "commit": commit_info}
        """,
    )
    assert raised == []
    assert [data["on"] for data in files] == ["i-1", "i-2"]
    assert files[0]["commit"] == {"id": "r7", "by": "us"}
    assert len(files[0]["medians"]) == 2


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("def pytest_benchmark_update_json(output_json):\n    output_json['benchmarks'].clear()\n    {}['gone']",
         "KeyError: 'gone' (pytest_benchmark_update_json, conftest.py:3)"),
        ("import pytest\ndef helper(): pytest.fail('no')\ndef pytest_benchmark_generate_json(): helper()",
         "Failed: no (pytest_benchmark_generate_json, conftest.py:2)"),
        ("def pytest_benchmark_update_json(output_json): output_json['self'] = output_json",
         "ValueError: Circular reference detected"),
        ("def pytest_benchmark_generate_json(): return [1]", "pytest_benchmark_generate_json gave list and no object"),
    ],
)  # fmt: skip
def test_e7_a_hook_that_raises_loses_no_result(pytester: pytest.Pytester, body: str, why: str) -> None:
    """Each launch is stored as without it; the hook is said with its file and line."""
    files, raised, own = stored(pytester, body)
    assert files[0]["benchmarks"] == own["benchmarks"]
    assert raised == [f"m5.large is stored without what a hook makes of it: {why}"] * 2


def test_e7_without_a_commit_results_are_stored(pytester: pytest.Pytester) -> None:
    """Where its hook raises, that is said once."""
    files, raised, _ = stored(pytester, "def pytest_benchmark_update_commit_info(commit_info): commit_info['a']['b']")
    assert [data["commit_info"] for data in files] == [{}, {}]
    assert raised == ["stored without a commit: KeyError: 'a' (pytest_benchmark_update_commit_info, conftest.py:1)"]


def compared(pytester: pytest.Pytester, conftest: str, data: object) -> tuple[Sequence[Any], list[str]]:
    """What a launch is compared with, where the storage holds this file, and what was raised."""
    from types import SimpleNamespace

    config, results = configured(pytester, conftest), pytester.path / "results"
    (results / "m5.large").mkdir(parents=True)
    (results / "m5.large" / "0001_a.json").write_text(json.dumps(data))
    settings: Any = SimpleNamespace()
    run = run_of(pytester.path, finished(result(line_of("test_one"))))
    session: Any = config._benchmarksession  # type: ignore[attr-defined]
    session.compared_mapping = {}
    raised: list[str] = []
    outcome.compare(outcome.SessionOutcome(run, settings, interrupted=False), config, results, "0001", raised)
    return list(session.compared_mapping), raised


def test_e7_a_hook_may_refuse_what_is_compared_with(pytester: pytest.Pytester) -> None:
    """It sees the instance's machine and the file's; the file is left out, and that is said."""
    (bench,) = line_of("test_one")["benchmarks"]
    hook = """
        def pytest_benchmark_compare_machine_info(config, benchmarksession, machine_info, compared_benchmark):
            if machine_info["ec2"]["instance_type"] != compared_benchmark["machine_info"]["was"]:
                raise RuntimeError("another machine")
        """
    machine = {"was": "m5.large"}
    data = {"machine_info": machine, "benchmarks": [bench]}
    paths, raised = compared(pytester, hook, data)
    assert (len(paths), raised) == (1, [])


def test_e7_a_file_that_a_hook_refuses_is_not_compared_with(pytester: pytest.Pytester) -> None:
    """The hook is said with its file and line."""
    (bench,) = line_of("test_one")["benchmarks"]
    hook = "def pytest_benchmark_compare_machine_info(): raise RuntimeError('another machine')"
    assert compared(pytester, hook, {"machine_info": {}, "benchmarks": [bench]}) == (
        [],
        [
            "0001_a.json is not compared with m5.large: RuntimeError: another machine "
            "(pytest_benchmark_compare_machine_info, conftest.py:1)"
        ],
    )


def test_e7_a_file_that_a_hook_made_another_thing_of_is_not_compared_with(pytester: pytest.Pytester) -> None:
    """It ends no session."""
    paths, (problem,) = compared(pytester, "", {"medians": {}})
    assert paths == []
    assert problem == "0001_a.json is not compared with: it is no file of benchmarks (KeyError('benchmarks'))"


def session_of(pytester: pytest.Pytester, conftest: str, *, raised: bool) -> Any:
    """A session whose run is over."""
    from types import SimpleNamespace

    config = configured(pytester, conftest)
    settings: Any = SimpleNamespace()
    run = run_of(pytester.path, finished(result(line_of("test_one"))))
    config.stash[outcome.OUTCOME] = outcome.SessionOutcome(run, settings, interrupted=False, raised=raised)
    return SimpleNamespace(config=config, exitstatus=pytest.ExitCode.OK)


@pytest.mark.parametrize(("raised", "code"), [(True, pytest.ExitCode.INTERNAL_ERROR), (False, pytest.ExitCode.OK)])
def test_e7_a_hook_that_raised_makes_no_success(pytester: pytest.Pytester, raised: bool, code: pytest.ExitCode) -> None:
    """pytest-benchmark would have ended the session there."""
    session = session_of(pytester, "", raised=raised)
    finish.finish(session)
    assert session.exitstatus == code


def test_a10_what_fails_at_the_end_is_said_with_its_hook_file_and_line(pytester: pytest.Pytester) -> None:
    """Of a hook of the project; of another plugin's the exception alone."""
    hook = "def pytest_benchmark_group_stats(benchmarks):\n    engine, kind = 'a-b-c'.split('-')\n"
    session = session_of(pytester, hook, raised=False)
    with finish.finishing(session):
        session.config.hook.pytest_benchmark_group_stats(config=session.config, benchmarks=[], group_by="group")
    (note,) = session.config.stash[outcome.OUTCOME].notes
    assert note.startswith("the session could not be finished in order: ValueError: too many values to unpack (exp")
    assert note.endswith("(pytest_benchmark_group_stats, conftest.py:2)")
    assert session.exitstatus == pytest.ExitCode.INTERNAL_ERROR
    with pytest.raises(ZeroDivisionError) as caught:
        1 / 0  # noqa: B018
    assert file_hooks.described(caught.value, pytester.path) == "ZeroDivisionError: division by zero"


def test_e7_what_ran_here_is_saved_as_the_hook_has_it(pytester: pytest.Pytester) -> None:
    """With ``--aws`` and nothing for an instance, as without it."""
    pytester.makeconftest("def pytest_benchmark_update_json(output_json): output_json['from_hook'] = 1")
    pytester.makepyfile("def test_it(benchmark): benchmark.pedantic(int, rounds=2)")
    done = pytester.runpytest("--aws", "--aws-target=embedded", "--benchmark-save=here", "-p", "no:cacheprovider")
    done.assert_outcomes(passed=1)
    (path,) = (pytester.path / ".benchmarks").glob("*/0001_here.json")
    assert json.loads(path.read_text())["from_hook"] == 1
