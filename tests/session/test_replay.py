"""What a guest says of its tests, in a real session: odd reports fail their case alone, and nothing of them is raw."""

from __future__ import annotations

import copy
import importlib.util
import json
import os
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.session.replay.items import param_of
from tests.faults.guests import line_of

if TYPE_CHECKING:
    from pathlib import Path

PLUGIN = """\
import json, os, pathlib
import pytest
from pytest_benchmark_aws.core.guest_result import parse
from pytest_benchmark_aws.core.guest_tests import cases_of
from pytest_benchmark_aws.core.model import Case, Requirements, Target
from pytest_benchmark_aws.session.replay.items import Replayed, replay

lines = parse(pathlib.Path("result.json").read_bytes()).lines

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    name = item.nodeid.replace("[m5.large]", "").replace("-m5.large]", "]")
    test = cases_of(lines, [name]).by_id[name]
    case = Case(item.nodeid, name, Target("m5.large", "on-demand", 1), Requirements())
    replay(item, nextitem, Replayed(case, tuple(test.reports), tuple(test.benchmarks), tuple(test.warnings),
                                    test.refused or "nothing came", "/remote"))
    return True
"""
SOURCE = """\
import pytest
@pytest.mark.parametrize("machine", ["m5.large"])
def test_one(machine): raise AssertionError("ran here")
@pytest.mark.parametrize("machine", ["m5.large"])
def test_two(machine): raise AssertionError("ran here")
"""


def replayed(
    pytester: pytest.Pytester, *lines: dict[str, Any], args: tuple[str, ...] = (), source: str = SOURCE, hooks: str = ""
) -> pytest.RunResult:
    """A session whose tests were run elsewhere, with these lines."""
    from tests.faults.guests import result

    (pytester.path / "result.json").write_bytes(result(*lines))
    pytester.makeconftest(PLUGIN + hooks)
    pytester.makepyfile(test_it=source)
    return pytester.runpytest("-p", "no:cacheprovider", "-rA", "--junitxml=out.xml", *args)


def with_call(**fields: Any) -> dict[str, Any]:
    """A test's line whose report of the call has other fields."""
    line = copy.deepcopy(line_of("test_one"))
    line["reports"][1] |= fields
    return line


def with_bench(**fields: Any) -> dict[str, Any]:
    """A test's line whose statistics are other ones."""
    line = copy.deepcopy(line_of("test_one"))
    line["benchmarks"][0]["stats"] |= fields
    return line


CRASH = {"path": "a.py", "lineno": 1, "message": "no"}
ENTRY_DATA = {"lines": ["E  no"], "reprfuncargs": None, "reprlocals": None, "reprfileloc": CRASH, "style": "long"}
ENTRY = {"type": "ReprEntry", "data": ENTRY_DATA}


def longrepr(entry: Any = ENTRY, crash: Any = CRASH, sections: Any = ()) -> dict[str, Any]:
    """A failure as pytest serializes it."""
    trace = {"reprentries": [entry], "extraline": None, "style": "long"}
    return {"reprcrash": crash, "reprtraceback": trace, "sections": list(sections), "chain": [[trace, crash, None]]}


ODD = {
    "longrepr is a number": with_call(outcome="failed", longrepr=7),
    "longrepr without a crash": with_call(outcome="failed", longrepr={"reprcrash": 1, "reprtraceback": 2}),
    "an entry of no kind": with_call(outcome="failed", longrepr=longrepr({"type": "Evil", "data": {}})),
    "an entry without lines": with_call(outcome="failed", longrepr=longrepr({**ENTRY, "data": {"lines": 1}})),
    "a crash without a line": with_call(
        outcome="failed", longrepr=longrepr(crash={"path": 1, "lineno": "x", "message": []})
    ),
    "sections of three numbers": with_call(outcome="failed", longrepr=longrepr(sections=[[1, 2, 3]])),
    "a skip of two": with_call(outcome="skipped", longrepr=["a", 1]),
    "a skip without a reason": with_call(outcome="skipped", longrepr=None),
    "sections": with_call(sections=[["a"]]),
    "sections of numbers": with_call(sections=[["out", 7]]),
    "keywords": with_call(keywords=[1]),
    "user_properties": with_call(user_properties=[[1, 2, 3]]),
    "outcome": with_call(outcome="weird"),
    "when": with_call(when="later"),
    "duration": with_call(duration="long"),
    "start": with_call(start=1e308),
    "wasxfail": with_call(outcome="skipped", wasxfail=[1]),
    "toterminal": with_call(toterminal="x", outcome="failed", longrepr={"a": 1}),
    **(
        {"subtest": with_call(**{"_report_type": "SubTestReport", "_subtest.context": {"msg": 1, "kwargs": [1]}})}
        if pytest.version_tuple >= (9,)  # the first with subtests: to earlier ones it is a report as any other
        else {}
    ),
    "of no kind": with_call(**{"$report_type": "Evil"}),
    "no longrepr": {
        **line_of("test_one"),
        "reports": [{"$report_type": "TestReport", "nodeid": "x", "outcome": "passed", "when": "call"}],
    },
    "no reports": {**line_of("test_one"), "reports": []},
    "no rounds": with_bench(data=[]),
    "iterations": with_bench(iterations=0),
    "a negative time": with_bench(data=[-1.0]),
    "an endless time": with_bench(data=[1e308], median=1e308),
    "a list for a mean": with_bench(mean=[]),
    "a median beyond": with_bench(min=1.0),
    "a group that is a list": {
        **line_of("test_one"),
        "benchmarks": [{**line_of("test_one")["benchmarks"][0], "group": []}],
    },
}


@pytest.mark.parametrize("line", ODD.values(), ids=list(ODD))
def test_a5_an_odd_report_fails_its_case_alone(pytester: pytest.Pytester, line: dict[str, Any]) -> None:
    """The case fails with the reason, the honest one passes with its time, and the session ends in order."""
    done = replayed(pytester, line, line_of("test_two"))
    done.assert_outcomes(failed=1, passed=1)
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    done.stdout.no_fnmatch_line("*INTERNALERROR*")
    done.stdout.fnmatch_lines(["*test_two*250.0000*", "FAILED test_it.py::test_one*"])


def test_k2_a_warning_reads_no_file_here(pytester: pytest.Pytester) -> None:
    """Neither a file of this machine is shown nor a pipe read that a guest names; its own line of source is shown."""
    (pytester.path / "secret.txt").write_text("the secret\n")
    os.mkfifo(pytester.path / "pipe")
    files = {"secret.txt": None, "pipe": None, "/dev/zero": None, "there.py": "x = there()\n"}
    warnings = [
        {"kind": "warning", "nodeid": "test_it.py::test_one", "when": "runtest", "category": "UserWarning",
         "text": "told there", "filename": name, "lineno": 1, **({"line": line} if line else {})}
        for name, line in files.items()
    ]  # fmt: skip
    done = replayed(pytester, line_of("test_one"), line_of("test_two"), *warnings)
    done.assert_outcomes(passed=2, warnings=4)
    assert "the secret" not in done.stdout.str()
    done.stdout.fnmatch_lines(["*there.py:1: UserWarning: told there*", "*x = there()*"])


ESCAPE = "\x1b[2J\x1b]0;owned\x07\u202e"


def test_k3_nothing_of_a_guest_is_raw(pytester: pytest.Pytester) -> None:
    """Traceback, crash line, captured output, sections' names, warnings and their files, skips, refusals."""
    entry = {"type": "ReprEntryNative", "data": {"lines": [f"E  {ESCAPE}\tafter a tab"], "style": "native"}}
    failed = with_call(
        outcome="failed",
        longrepr=longrepr(entry, {**CRASH, "message": f"no{ESCAPE}", "path": f"a{ESCAPE}.py"}),
        sections=[[f"Captured {ESCAPE}", f"said {ESCAPE}\r\nand more"]],
    )
    two = line_of("test_two")
    two["reports"][1] |= {"outcome": "skipped", "longrepr": [f"/remote/{ESCAPE}.py", 1, f"Skipped: {ESCAPE}"]}
    warning = {"kind": "warning", "nodeid": "test_it.py::test_one", "when": "runtest", "category": f"A{ESCAPE}",
               "text": f"told {ESCAPE}", "filename": f"{ESCAPE}.py", "lineno": 1, "line": ESCAPE}  # fmt: skip
    done = replayed(pytester, failed, two, warning, args=("--color=no",))
    done.assert_outcomes(failed=1, skipped=1, warnings=1)
    out = done.stdout.str()
    assert not set("\x1b\x07\u202e") & set(out)
    done.stdout.fnmatch_lines([r"E  \x1b[[]2J*after a tab*", r"said \x1b*", "and more"])


def test_a8_texts_are_cut(pytester: pytest.Pytester) -> None:
    """Of 60 MB of captured output begin and end are shown, with the number of characters between."""
    line = with_call(outcome="failed", longrepr="no", sections=[["Captured stdout call", "x" * 60_000_000]])
    done = replayed(pytester, line, line_of("test_two"))
    done.assert_outcomes(failed=1, passed=1)
    assert len(done.stdout.str()) < 10**6
    done.stdout.fnmatch_lines(["[[]... 59,737,856 characters are left out ...]"])


def test_h1_an_attempt_that_is_run_again_is_told_and_not_timed(pytester: pytest.Pytester) -> None:
    """Two attempts of a test: one benchmark, of the second, and the rerun is counted."""
    first, second = with_call(outcome="rerun", longrepr="flaked"), line_of("test_one", [0.75])
    done = replayed(pytester, first, second, line_of("test_two"))
    done.assert_outcomes(passed=2)
    if importlib.util.find_spec("pytest_rerunfailures"):
        done.stdout.fnmatch_lines(["*1 rerun*"])
    (line,) = [line for line in done.outlines if line.startswith("test_one[m5.large]  ")]
    assert line.split()[1] == "750.0000"


def test_a10_a_debugger_is_not_entered_for_what_failed_elsewhere(pytester: pytest.Pytester) -> None:
    """With ``--pdb`` the failure is shown, and the next test reported."""
    done = replayed(pytester, with_call(outcome="failed", longrepr="no"), line_of("test_two"), args=("--pdb",))
    done.assert_outcomes(failed=1, passed=1)


GROUPS = """
class Engine:
    name = "fast"
    def __reduce__(self): raise TypeError("in this process alone")

def pytest_benchmark_group_stats(benchmarks):
    groups = {}
    for bench in benchmarks:
        engine, kind = bench["param"].split("-")
        groups.setdefault(f"{bench['params']['engine'].name} {kind}", []).append(bench)
    return sorted(groups.items())
"""
GROUPED = """\
import pytest
from conftest import Engine
@pytest.mark.parametrize("machine", ["m5.large"])
@pytest.mark.parametrize("engine", [Engine()], ids=["fast-100"])
def test_it(engine, machine): raise AssertionError("ran here")
"""


def test_e7_a_hook_that_groups_sees_the_parameters_as_without_aws(pytester: pytest.Pytester) -> None:
    """Their id has no instance type, and their values are the session's own; a file has them as they were sent."""
    line = line_of("test_it[fast-100]")
    line["benchmarks"][0] |= {"param": "fast-100", "params": {"engine": "<Engine>"}}
    done = replayed(pytester, line, args=("--benchmark-json=it.json",), source=GROUPED, hooks=GROUPS)
    done.assert_outcomes(passed=1)
    done.stdout.fnmatch_lines(["*benchmark 'fast 100': 1 tests*", "test_it*fast-100-m5.large*"])
    (bench,) = json.loads((pytester.path / "it.json").read_text())["benchmarks"]
    assert bench["params"] == {"engine": "<Engine>", "aws_instance_type": "m5.large"}
    assert (bench["param"], bench["name"]) == ("fast-100", "test_it[fast-100-m5.large]")


@pytest.mark.parametrize(
    ("callspec_id", "target", "param"),
    [
        ("m5.large", "m5.large", None),
        ("a-b-m5.large", "m5.large", "a-b"),
        ("m5.large-m5.large-spot-launch2", "m5.large-spot-launch2", "m5.large"),
    ],
)
def test_e7_the_parameters_id_is_without_the_target(callspec_id: str, target: str, param: str | None) -> None:
    """None where a test has no parameters of its own, as without ``--aws``."""
    assert param_of(callspec_id, target) == param


def test_a9_statistics_are_those_of_the_instance(tmp_path: Path) -> None:
    """Of 64 rounds here, the mean and the number of rounds are those of all rounds there."""
    from pytest_benchmark_aws.session.replay.items import remote_stats

    stats = remote_stats({"data": [1.0, 2.0], "rounds": 1_000, "mean": 1.25, "outliers": "3;4", "median": 1.5})
    assert (stats.rounds, stats.mean, stats.outliers, stats.max, bool(stats)) == (1_000, 1.25, "3;4", 2.0, True)
    assert stats.as_dict()["rounds"] == 1_000


MANY = """\
import pytest
@pytest.mark.parametrize("machine", ["m5.large"])
@pytest.mark.parametrize("number", range(400))
def test_it(number, machine): raise AssertionError("ran here")
"""
VALUES: list[Any] = [
    None,
    True,
    -1,
    1e308,
    10**400,
    "",
    "x" * 300_000,
    "\ud800\x1b[2J",
    [],
    [[]],
    [1, 2, 3],
    {},
    {"a": []},
]


def mutated(line: Any, random: Random) -> Any:
    """The line with one value somewhere within it gone, or in another's place."""
    line = copy.deepcopy(line)
    node = line["reports"][1] if "reports" in line and random.random() < 0.7 else line.get("benchmarks", [line])[0]
    while True:
        keys = list(node) if isinstance(node, dict) else range(len(node))
        key = random.choice(keys)
        if isinstance(node[key], dict | list) and node[key] and random.random() < 0.9:
            node = node[key]
            continue
        if random.random() < 0.2:
            del node[key]
        else:
            node[key] = random.choice(VALUES)
        return line


@pytest.mark.parametrize("seed", range(2))
def test_a5_of_lines_with_any_odd_value_none_ends_the_session(pytester: pytest.Pytester, seed: int) -> None:
    """400 cases whose lines are each odd somewhere, in every shape of report: each has an outcome, and an end comes."""
    random = Random(seed)
    skip = ["/remote/a.py", 1, "Skipped: no"]
    shapes = [{"outcome": "failed", "longrepr": longrepr()}, {"outcome": "skipped", "longrepr": skip}, {},
              {"outcome": "skipped", "wasxfail": "known", "longrepr": longrepr()},
              {"_report_type": "SubTestReport", "_subtest.context": {"msg": "m", "kwargs": {"a": "1"}}}]  # fmt: skip
    lines = []
    for number in range(400):
        name = f"test_it[{number}]"
        line = line_of(name)
        line["reports"][1] |= random.choice(shapes)
        line["reports"][1]["sections"] = [["Captured stdout call", "said"]]
        line["benchmarks"][0]["stats"] |= {"min": 0.25, "max": 0.5, "mean": 0.3, "outliers": "0;0"}
        warning = {"kind": "warning", "nodeid": f"test_it.py::{name}", "when": "runtest", "category": "UserWarning",
                   "text": "told", "filename": "there.py", "lineno": 1, "line": "x"}  # fmt: skip
        lines += [mutated(line, random), mutated(warning, random)]
    done = replayed(pytester, *lines, source=MANY)
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    assert "INTERNALERROR" not in done.stdout.str() + done.stderr.str()
    assert not set("\x1b\ud800") & set(done.stdout.str())
    outcomes = done.parseoutcomes()
    assert outcomes["failed"] > 100
    assert outcomes["passed"] + outcomes["skipped"] > 20
