"""``--aws-search`` on embedded AWS, by the real command line, on guests that are as fast as their instance type.

A guest reads its instance type from the metadata service and advances the benchmark's own timer by what the type takes:
so the times of a table are measured in real sessions, launches, uploads and all, on whatever machine this is.
"""

from __future__ import annotations

import csv
import json
import math
import os
import re
import subprocess
from pathlib import Path

import pytest

from pytest_benchmark_aws.catalog import snapshot
from tests.acceptance.awsproject import Done, make_project, pytest_aws
from tests.predict.machines_here import machines
from tests.predict.test_search import times

pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")

MEASURED = "PYTEST_BENCHMARK_AWS_MEASURED"
"""A CSV file of rates, as benchmarks/machinemodel.py reads it."""
FILTER = "vcpus>=2 and vcpus<=64"
TEST = """\
import json, os, urllib.request
from pathlib import Path
import pytest

class Pace:
    now = 0.0
    def __call__(self):
        return self.now

pace = Pace()

def its_type():
    base = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254").rstrip("/")
    asked = urllib.request.Request(
        base + "/latest/api/token", method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    )
    token = urllib.request.urlopen(asked).read().decode()
    asked = urllib.request.Request(
        base + "/latest/meta-data/instance-type", headers={"X-aws-ec2-metadata-token": token}
    )
    return urllib.request.urlopen(asked).read().decode()

def measured(benchmark, share):
    seconds = json.loads((Path(__file__).parent / "pace.json").read_text())[its_type()] * share
    def work():
        pace.now += seconds
    benchmark.pedantic(work, rounds=3)

@pytest.mark.benchmark(timer=pace)
def test_first(benchmark):
    measured(benchmark, 0.25)

@pytest.mark.benchmark(timer=pace)
def test_second(benchmark):
    measured(benchmark, 0.75)

def test_here():
    assert True
"""


def truth() -> dict[str, float]:
    """Seconds by instance type: of a measured table where one is at hand, else of a kind and CPU factors."""
    table = os.environ.get(MEASURED)
    if table is None:
        return times("up to 16", seed=3)
    with Path(table).open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    rates = {row["instance_type"]: row["geekbench 6 multi-core: Clang"] for row in rows}
    return {name: 1e5 / float(rates[name]) for name in times("one thread", 1) if rates.get(name)}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tests that take a share each, and one that runs here."""
    seconds = truth()
    files = {
        "pytest.ini": "[pytest]\n",
        "tests/test_pace.py": TEST,
        "tests/pace.json": json.dumps(seconds),
        ".gitignore": ".benchmarks\n__pycache__\n",
    }
    root = make_project(tmp_path_factory.mktemp("search") / "project", files)
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *identity, "commit", "-qm", "all"], cwd=root, check=True, capture_output=True)
    return root


def search(project: Path, *args: str) -> Done:
    """A session that searches among the machines of the table."""
    named = [word for name in args if name.startswith("names:") for word in name[6:].split(",")]
    rest = [word for word in args if not word.startswith("names:")]
    # Of a measured table, not every type that there is was measured.
    all_types = list(truth()) if MEASURED in os.environ else [FILTER]
    chosen = [f"--aws-instance-type={name}" for name in named or all_types]
    return pytest_aws(project, "--aws", "--aws-target=embedded", "-v", *chosen, *rest)


@pytest.fixture(scope="module")
def first(project: Path) -> Done:
    """A whole search for the cheapest, of eight launches."""
    return search(project, "--aws-search=cheapest")


def usd(name: str, seconds: float) -> float:
    """Of one run."""
    price = machines()[name].usd_per_hour
    assert price is not None
    return price * seconds / 3600


def launched(done: Done) -> list[str]:
    """The instance types that the session launched on, in order."""
    return re.findall(r"aws: search: \d of \d: ([a-z0-9.-]+),", done.out)


def test_eight_real_launches_end_within_a_tenth_of_the_best(first: Done) -> None:
    """Of all candidates, by what is stored; each launch is on another type."""
    assert first.code == 0, first.text
    types = launched(first)
    assert len(set(types)) == len(types) <= 8
    seconds = truth()
    best = min(usd(name, value) for name, value in seconds.items())
    assert min(usd(name, seconds[name]) for name in types) <= 1.1 * best


def test_the_answer_says_how_sure_it_is_and_what_others_are_worth(first: Done) -> None:
    """With a table that marks what was measured."""
    (answer,) = re.findall(
        r"▸ cheapest: ([a-z0-9.-]+), .*; \d+% sure that no other is better by more than 5%", first.out
    )
    seconds = truth()
    assert answer == min(launched(first), key=lambda name: usd(name, seconds[name]))
    assert re.search(rf"● {re.escape(answer)} .*measured, 1 launch", first.out)
    assert re.search(r"○ .*predicted", first.out)


def test_a_case_is_named_by_its_step_and_reported_with_its_type(first: Done) -> None:
    """Both tests of a step ran on one instance; the local test ran once, here."""
    types = launched(first)
    for name in ("first", "second"):
        assert f"tests/test_pace.py::test_{name}[search-1] PASSED on {types[0]}" in first.out
    assert "tests/test_pace.py::test_here PASSED" in first.out


def test_results_are_stored_as_every_launchs_are(first: Done) -> None:
    """Under the instance type, with bare node ids and the table's times."""
    seconds = truth()
    for name in launched(first):
        (data,) = first.saved(f"embedded-{name}")
        medians = {bench["fullname"]: bench["stats"]["median"] for bench in data["benchmarks"]}
        assert set(medians) == {"tests/test_pace.py::test_first", "tests/test_pace.py::test_second"}
        assert math.fsum(medians.values()) == pytest.approx(seconds[name], rel=1e-6)


def test_a_later_search_begins_with_what_is_stored(first: Done, project: Path) -> None:
    """It launches nothing twice, and says how many results count; steps that it does not need are skipped."""
    before = launched(first)
    done = search(project, "--aws-search=cheapest", "--aws-search-launches=2")
    assert f"{len(before)} earlier results count" in done.out
    assert not set(launched(done)) & set(before)
    assert done.code == 0, done.text


def test_times_of_other_code_do_not_count(first: Done, project: Path) -> None:
    """With a change that is not committed nothing that is stored does, and the search begins anew."""
    path = project / "tests" / "test_pace.py"
    text = path.read_text()
    try:
        path.write_text(f"{text}\n# other code\n")
        done = search(project, "--aws-search=cheapest", "--aws-dry-run")
    finally:
        path.write_text(text)
    assert launched(first)
    assert "earlier result" not in done.out
    assert len(launched(done)) == 3


def test_a_test_that_fails_everywhere_ends_a_search_after_its_first_round(project: Path) -> None:
    """With its name and what to do; what was not launched is skipped."""
    path = project / "tests" / "test_broken.py"
    try:
        path.write_text("def test_broken(benchmark):\n    benchmark.pedantic(int, rounds=1)\n    assert 0\n")
        subprocess.run(["git", "add", str(path)], cwd=project, check=True)
        done = search(
            project, "--aws-search=cheapest", "--aws-search-launches=4", "--benchmark-storage=file://./broken",
            "names:m7i.large,m7a.large,m7g.large,m6i.large",
        )  # fmt: skip
    finally:
        subprocess.run(["git", "rm", "-qf", str(path)], cwd=project, check=True)
    assert done.code == 1
    assert len(launched(done)) == 3
    assert "tests/test_broken.py::test_broken; mend these tests, or leave them out" in done.out
    assert "search: no answer, as nothing was measured" in done.out


def test_a_dry_run_names_the_first_round_and_launches_nothing(project: Path) -> None:
    """With what it can cost."""
    done = search(project, "--aws-search=fastest", "--aws-dry-run", "names:m7i.large,m7a.large,m7g.large,m6i.large")
    assert done.code == 0, done.text
    assert "the fastest of 4 instance types for 2 tests, at most 8 launches" in done.out
    assert "nothing launched" in done.out


def test_what_the_cap_does_not_allow_is_not_launched(project: Path) -> None:
    """A cap that holds one launch at a time ends with what it allows, and no launch fails for it."""
    price = snapshot.catalog().types["m7i.large"].usd_per_hour
    assert price is not None
    done = search(
        project, "--aws-search=cheapest", "--aws-search-launches=3", f"--aws-max-cost={float(price) * 1.5:.4f}",
        "--aws-time-limit=1h", "--benchmark-storage=file://./apart", "names:m7i.large,m7i.8xlarge",
    )  # fmt: skip
    assert launched(done) == ["m7i.large"]
    assert "search: the " in done.out
    assert "that --aws-max-cost leaves allow no launch more" in done.out
    assert "SKIPPED" in done.out
    assert done.code == 0, done.text


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--aws-search=best"], "choose one of cheapest, fastest, front"),
        (["--aws-search=front", "--aws-launches=3"], "give --aws-search-launches"),
        (["--aws-search=front", "--aws-detach"], "has to wait for them"),
        (["--aws-search=front", "--aws-search-regret=x"], "give a percentage"),
        (["--aws-search=front", "--aws-search-launches=0"], "give a whole number from 1"),
        (["--aws-search=front", "--aws-max-cost=0.0001", "--benchmark-storage=file://./none"], "raise --aws-max-cost"),
        (["--aws-search=front", "--aws-instance-type=t3.large"], "--aws-allow-burstable has those too"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_anything(project: Path, args: list[str], words: str) -> None:
    """One error, exit code 4."""
    done = pytest_aws(project, "--aws", "--aws-target=embedded", *args)
    assert (done.code, words in done.text) == (4, True), done.text
