"""What the guest sends of its tests: bounded, whatever they are, and without ``--benchmark-save-data`` a few rounds."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_benchmark_aws.core import guest_result
from pytest_benchmark_aws.core.compare.records import MOST_ROUNDS
from pytest_benchmark_aws.core.guest_tests import GuestTest, cases_of
from pytest_benchmark_aws.guest import agent, checkpoint
from tests.guest.conftest import pack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.guest.conftest import Launch


def brought(launch: Launch, monkeypatch: pytest.MonkeyPatch, *args: str) -> dict[str, GuestTest]:
    """What the launch's tests brought, read as the client does, by the name of each."""
    monkeypatch.setattr(agent, "install", lambda _: python_here())
    launch.job["args"] += args
    launch.run()
    lines = guest_result.parse(launch.storage.last("data")).lines
    assert not [line for line in lines if line["kind"] == guest_result.REFUSED]
    ids = [line["nodeid"] for line in lines if line["kind"] == "test"]
    return {node_id.partition("::")[2]: test for node_id, test in cases_of(lines, ids).by_id.items()}


def python_here() -> Path:
    """This Python."""
    from pathlib import Path

    return Path(sys.executable)


def test_a9_rounds_are_thinned_and_statistics_are_of_all(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 5,000 rounds 64 are sent, the least and the greatest among them, with the statistics of all of them."""
    launch.tests("def test_it(benchmark): benchmark.pedantic(int, rounds=5_000)\n")
    (bench,) = brought(launch, monkeypatch)["test_it"].benchmarks
    stats = bench["stats"]
    assert (stats["rounds"], len(stats["data"])) == (5_000, MOST_ROUNDS)
    assert (stats["data"][0], stats["data"][-1]) == (stats["min"], stats["max"])


def test_a9_save_data_sends_every_round(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``--benchmark-save-data`` the rounds are there in their order."""
    launch.tests("def test_it(benchmark): benchmark.pedantic(int, rounds=500)\n")
    (bench,) = brought(launch, monkeypatch, "--benchmark-save-data")["test_it"].benchmarks
    assert len(bench["stats"]["data"]) == bench["stats"]["rounds"] == 500


def test_a4_saved_rounds_are_bounded_and_it_is_said(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 950,000 rounds with ``--benchmark-save-data`` a share comes home, and a note has both numbers."""
    launch.tests("def test_it(benchmark): benchmark.pedantic(int, rounds=950_000)\n")
    (bench,) = brought(launch, monkeypatch, "--benchmark-save-data")["test_it"].benchmarks
    rounds = len(bench["stats"]["data"])
    assert checkpoint.BUDGET // 200 < rounds < checkpoint.BUDGET // 100
    assert bench["stats"]["rounds"] == 950_000
    lines = guest_result.parse(launch.storage.last("data")).lines
    (note,) = (line["text"] for line in lines if line["kind"] == "note")
    assert note == f"{rounds:,} of its 950,000 rounds are sent, at evenly spread ranks: a launch's are bounded"


ODD = """\
import pytest

class Refuses:
    def __str__(self):
        raise RuntimeError("no")

deep = []
for _ in range(100):
    deep = [deep]
circle = []
circle.append(circle)

@pytest.mark.parametrize("value", [2**2048 - 1, 10**5000, deep, circle, Refuses(), {(1, 2): 3}, b"x" * 10**7,
                                   "x" * 10**7, [0] * 10**6, float("nan")], ids=list("abcdefghij"))
def test_it(benchmark, value):
    benchmark.extra_info["value"] = value
    benchmark.pedantic(int, rounds=1)
"""


def test_a2_a3_values_that_json_has_no_words_for_come_as_text(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Huge integers, deep and circular lists, objects without a text, huge texts: each test brings its time."""
    launch.tests(ODD)
    launch.job["node_ids"] = ["test_it.py"]
    tests = brought(launch, monkeypatch)
    values = {name: test.benchmarks[0]["params"]["value"] for name, test in tests.items()}
    assert len(values) == 10
    assert values["test_it[a]"] == str(2**2048 - 1)
    assert values["test_it[b]"].startswith("0x")
    assert values["test_it[e]"].startswith("UNSERIALIZABLE[<test_it.Refuses object at ")
    assert values["test_it[f]"] == {"(1, 2)": 3}
    assert "characters are left out" in values["test_it[g]"]
    assert values["test_it[j]"] == "nan"
    assert len(launch.storage.last("data")) < 2 * 2**20


def test_a2_a_test_with_a_long_name_comes_home(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """One whose id has 150,000 characters is found by it, in its line and in its benchmark."""
    launch.tests("import pytest\n@pytest.mark.parametrize('text', ['x'], ids=['x' * 150_000])\n"
                 "def test_it(benchmark, text): benchmark.pedantic(int, rounds=1)\n")  # fmt: skip
    launch.job["node_ids"] = ["test_it.py"]
    ((name, test),) = brought(launch, monkeypatch).items()
    assert (len(name), len(test.benchmarks)) == (len("test_it[]") + 150_000, 1)


SUBTESTS = """\
def test_subs(subtests, benchmark):
    benchmark.pedantic(int, rounds=2)
    for number in range(3):
        with subtests.test(number=number):
            assert number != 1

def test_plain(benchmark):
    benchmark.pedantic(int, rounds=2)
"""


@pytest.mark.skipif(not hasattr(pytest, "Subtests"), reason="pytest has subtests since 9.0")
def test_a1_reports_of_subtests_come_home(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each subtest has its report, the test fails with the one that did, and the other test has its timing."""
    launch.tests(SUBTESTS)
    tests = brought(launch, monkeypatch)
    outcomes = [report["outcome"] for report in tests["test_subs"].reports if report["when"] == "call"]
    assert outcomes == ["passed", "failed", "passed", "failed"]
    assert (tests["test_subs"].benchmarks, len(tests["test_plain"].benchmarks)) == ([], 1)


def test_a9_the_checkpoint_is_uploaded_in_parts(launch: Launch) -> None:
    """A full part is sent once; of what grows after it only the new part is sent."""
    from pytest_benchmark_aws.guest import uploads

    launch.job["put"] |= {f"checkpoint-{n}": {"url": launch.storage.url(f"checkpoint-{n}")} for n in (1, 2)}
    guest = launch.on_the_instance()
    parts = uploads.Checkpoint(guest)
    line = json.dumps({"kind": "test", "nodeid": "x" * 1_000}).encode() + b"\n"
    written = b""
    for count in (100, 100, 100, 0, 1, 600):
        written += line * count
        guest.checkpoint.write_bytes(written)
        parts.read()
        parts.upload()
    sizes = [(name, len(data)) for name, data, _ in launch.storage.puts]
    assert [name for name, _ in sizes] == ["checkpoint"] * 3 + ["checkpoint-1"] * 3 + ["checkpoint-2"]
    assert sizes[2][1] == uploads.PART
    assert b"".join(launch.storage.last(name) for name in ("checkpoint", "checkpoint-1", "checkpoint-2")) == written
    assert json.loads(parts.heartbeat())["done"] == 901


def test_a4_what_of_extra_info_is_cut_is_said(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """A serialized table of 300,000 characters is no longer one; what comes whole is not named."""
    info = "benchmark.extra_info.update(table='x' * 300_000, whole='y' * 300, few=[1, 2])"
    launch.tests(f"def test_it(benchmark):\n    {info}\n    benchmark.pedantic(int, rounds=2)\n")
    (bench,) = brought(launch, monkeypatch)["test_it"].benchmarks
    assert (len(bench["extra_info"]["table"]) < 300_000, bench["extra_info"]["few"]) == (True, [1, 2])
    lines = guest_result.parse(launch.storage.last("data")).lines
    (note,) = (line["text"] for line in lines if line["kind"] == "note")
    assert note == "extra_info is not sent whole, as it is too long or too deep: table"


LARGE = """\
import pytest

@pytest.mark.parametrize("data", [["," * 90_000] * 60, ["," * 90_001] * 60], ids=["a", "b"])
def test_large(benchmark, data): benchmark.pedantic(len, (data,), rounds=2)

def test_small(benchmark): benchmark.pedantic(len, ("x",), rounds=2)
"""


def test_a4_params_of_commas_cost_no_test_its_result(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tests with 5 MB of them and one after these: all have their time, and of which the params are cut is said."""
    launch.tests(LARGE)
    launch.job["node_ids"] = ["test_it.py"]
    tests = brought(launch, monkeypatch)
    assert [len(test.benchmarks) for test in tests.values()] == [1, 1, 1]
    assert [len(tests[f"test_large[{name}]"].benchmarks[0]["params"]["data"]) for name in "ab"] == [60, 60]
    assert len(launch.storage.last("data")) < checkpoint.BUDGET // 4
    lines = guest_result.parse(launch.storage.last("data")).lines
    notes = {line["nodeid"]: line["text"] for line in lines if line["kind"] == "note"}
    why = "params is not sent whole, as it is too long or too deep: data"
    assert notes == {f"test_it.py::test_large[{name}]": why for name in "ab"}


def test_e7_a_hook_on_the_machine_that_raises_loses_no_test(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is described without the project's hooks, and that is said."""
    monkeypatch.setattr(agent, "install", lambda _: python_here())
    hook = "def pytest_benchmark_update_machine_info(machine_info): machine_info['a']['b']\n"
    files = {"conftest.py": hook, "pytest.ini": "[pytest]\n"}
    launch.ship("project", pack({**files, "test_it.py": "def test_it(benchmark): benchmark.pedantic(int, rounds=2)\n"}))
    launch.job["node_ids"] = ["test_it.py::test_it"]
    launch.run()
    result = guest_result.parse(launch.storage.last("data"))
    (session,) = (line for line in result.lines if line["kind"] == "session")
    (note,) = (line["text"] for line in result.lines if line["kind"] == "note")
    assert (result.outcome, note) == (
        "passed",
        "machine_info is without the project's hooks, as one raised KeyError: 'a'",
    )
    assert {"cpu", "node", "hardware"} <= set(session["machine_info"])
