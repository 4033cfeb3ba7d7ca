"""A killed client's run is taken over or ended, by the real command lines, on an embedded AWS that outlives it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.embedded.control_client import control
from tests.acceptance.awsproject import Done, environment, make_project, pytest_aws

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")

TEST = {
    "test_it.py": "import pytest\n"
    "@pytest.mark.instance_type('m5.large', 'c5.large')\n"
    "def test_it(benchmark): benchmark.pedantic(int, rounds=3)\n"
}


class World:
    """An embedded AWS, a project, and a cache of their own."""

    def __init__(self, root: Path, aws: dict[str, str]) -> None:
        self.root, self.aws = root, {**aws, "PYTEST_BENCHMARK_AWS_CACHE": str(root.parent / "cache")}

    def pytest(self, *args: str) -> Done:
        """A whole pytest --aws."""
        return pytest_aws(self.root, "--aws-target=cloud", *args, **self.aws)

    def command(self, *args: str) -> Done:
        """A whole pytest-benchmark-aws."""
        whole = [sys.executable, "-m", "pytest_benchmark_aws.cli", *args]
        done = subprocess.run(
            whole, env=environment(**self.aws), capture_output=True, text=True, timeout=60, check=False
        )
        return Done(done.returncode, done.stdout, done.stderr, self.root)

    def killed(self, when: str, *args: str, number: int = signal.SIGKILL, twice: bool = False) -> Done:
        """A pytest --aws that gets a signal as soon as its output holds some words; twice where told."""
        whole = [sys.executable, "-u", "-m", "pytest", "--aws", "--aws-target=cloud", *args]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        seen = ""
        with subprocess.Popen(whole, cwd=self.root, env=environment(**self.aws), **pipes) as process:
            for line in process.stdout or ():
                seen += line
                if when in line:
                    process.send_signal(number)
                    when = "once more to end at once" if twice else "\0"
        return Done(process.returncode, seen, "", self.root)

    @property
    def run_id(self) -> str:
        """The newest run."""
        return max(path.name for path in (self.root.parent / "cache" / "runs").iterdir())

    def journal(self) -> bytes:
        """The newest run's."""
        return (self.root.parent / "cache" / "runs" / self.run_id / "journal.jsonl").read_bytes()

    def alive(self) -> int:
        """Instances that are neither terminated nor on their way there, as the server knows them."""
        return sum(one["state"] not in {"shutting-down", "terminated"} for one in control(self.aws, "instances"))

    def bundles(self) -> int:
        """Archives that were uploaded so far."""
        calls = control(self.aws, "calls")
        return sum(call["action"] == "PutObject" and "/bundles/" in call["path"] for call in calls)

    def stored(self) -> int:
        """Result files."""
        return len(list((self.root / ".benchmarks").glob("*/*.json")))


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    """An embedded AWS of its own."""
    command = [sys.executable, "-m", "pytest_benchmark_aws.embedded", "--watch-stdin"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "# embedded AWS is ready\n")
        yield {key: value for key, _, value in (line.strip().partition("=") for line in lines)}
        process.stdin.close()


@pytest.fixture
def world(server: dict[str, str], tmp_path: Path) -> World:
    """A fresh project on the server."""
    return World(make_project(tmp_path / "project", TEST), server)


def test_a_killed_run_is_resumed(world: World) -> None:
    """After SIGKILL both instances go on; --aws-resume delivers each result, a second one stores nothing anew."""
    world.killed("install")
    assert world.alive() == 2
    assert re.search(rf"{world.run_id}.*open", world.command("runs").out)
    done = world.pytest("--aws-resume", world.run_id)
    assert done.code == 0, done.text
    assert "2 passed" in done.out
    assert (world.alive(), world.stored()) == (0, 2)
    again = world.pytest("--aws-resume", world.run_id)
    assert again.code == 0, again.text
    assert world.stored() == 2
    assert re.search(rf"{world.run_id}.*gone", world.command("runs").out)


def test_a_killed_run_is_resumed_on_another_machine(world: World) -> None:
    """Without the journal the instances are found by their tags, and what cannot be known of the money is said."""
    world.killed("install")
    run_id, runs = world.run_id, world.root.parent / "cache" / "runs"
    (runs / run_id).rename(runs.parent / "elsewhere")
    done = world.pytest("--aws-resume", run_id)
    assert done.code == 0, done.text
    assert "2 passed" in done.out
    assert "not counted against --aws-max-cost" in done.out
    assert (world.alive(), world.stored()) == (0, 2)


def test_a_killed_run_is_reaped(world: World) -> None:
    """With --dry-run reap shows the instances, without it ends them, by tag alone: the journal may be lost."""
    world.killed("install")
    (world.root.parent / "cache" / "runs" / world.run_id / "journal.jsonl").unlink()
    shown = world.command("reap", "--dry-run")
    assert "2 instances would be ended" in shown.out, shown.text
    assert world.alive() == 2
    ended = world.command("reap", "--all-regions")
    assert "2 instances ended" in ended.out, ended.text
    while world.alive():
        pass  # shutting down
    assert "0 instances ended" in world.command("reap").out


def test_a_detached_run_is_fetched_later(world: World) -> None:
    """--aws-detach leaves at once, says how to come back, and the results come then."""
    done = world.pytest("--aws", "--aws-detach")
    assert done.code == 0, done.text
    assert f"pytest --aws-resume {world.run_id}" in done.out
    assert "2 skipped" in done.out
    fetched = world.pytest("--aws-resume", world.run_id)
    assert fetched.code == 0, fetched.text
    assert (world.alive(), world.stored()) == (0, 2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_drains(world: World, number: int) -> None:
    """Ctrl-C, SIGTERM and a closed terminal: the instances are ended and confirmed gone, exit code 2."""
    done = world.killed("install", number=number)
    assert done.code == 2, done.out
    assert "ending the instances and fetching what they have" in done.out
    assert world.alive() == 0


def test_a_second_signal_tells_how_to_end_this_run(world: World) -> None:
    """By its name and region, so that the command finds it from any shell, and no other run."""
    done = world.killed("install", number=signal.SIGINT, twice=True)
    assert done.code == 2, done.out
    assert f"pytest-benchmark-aws reap --run {world.run_id} --region {world.aws['AWS_REGION']}" in done.out
    world.command("reap", "--run", world.run_id)


def test_a_second_signal_on_the_sessions_own_embedded_aws_advises_no_command(tmp_path: Path) -> None:
    """It ends with its session, and no instance outlives it."""
    world = World(make_project(tmp_path / "project", TEST), {})
    done = world.killed("install", "--aws-target=embedded", number=signal.SIGINT, twice=True)
    assert done.code == 2, done.out
    assert "the embedded AWS of this session ends with it, and its instances too" in done.out
    assert "reap" not in done.out


def test_a_second_run_ships_nothing_again(world: World) -> None:
    """With unchanged code no bundle is uploaded and no wheel resolved; with a changed file only the project is."""
    assert world.pytest("--aws", "-k", "m5").code == 0
    before, cache = world.bundles(), sorted((world.root.parent / "cache" / "wheels").iterdir())
    assert world.pytest("--aws", "-k", "c5").code == 0
    assert world.bundles() == before
    assert sorted((world.root.parent / "cache" / "wheels").iterdir()) == cache
    (world.root / "test_it.py").write_text(TEST["test_it.py"] + "# changed, not committed\n")
    assert world.pytest("--aws", "-k", "m5").code == 0
    assert world.bundles() == before + 1


def test_an_unknown_run_is_refused(world: World) -> None:
    """Neither a journal nor a tag knows it."""
    done = world.pytest("--aws-resume", "20200101-000000-abcdef")
    assert done.code == 4
    assert "neither a journal" in done.err


def test_what_is_no_name_of_a_run_is_refused(world: World) -> None:
    """A path would lead out of the folder of the runs."""
    done = world.pytest("--aws-resume", "../../etc")
    assert done.code == 4
    assert "--aws-resume=../../etc: no name of a run; pytest-benchmark-aws runs lists them" in done.err
    assert "Traceback" not in done.text


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (None, "is finished: its results are in "),
        ("install", "ended with its session, and its instances with it; run pytest --aws again"),
    ],
)
def test_a_run_whose_embedded_aws_ended_is_refused_at_once(tmp_path: Path, when: str | None, said: str) -> None:
    """Whether it is finished or was killed, nothing is launched for it, and nothing is waited for."""
    world = World(make_project(tmp_path / "project", TEST), {})
    words = ("--aws-target=embedded", "-k", "m5")
    done = pytest_aws(world.root, "--aws", *words, **world.aws) if when is None else world.killed(when, *words)
    assert done.code == (0 if when is None else -signal.SIGKILL), done.text
    before = world.journal()
    again = pytest_aws(world.root, *words, "--aws-resume", world.run_id, **world.aws)
    assert again.code == 4, again.text
    assert f"run {world.run_id} {said}" in again.err
    assert world.journal() == before


def test_policies_are_printed() -> None:
    """Each of the three is JSON, and a wildcard for a name is refused."""
    for kind in ("client", "instance", "scheduler"):
        whole = [sys.executable, "-m", "pytest_benchmark_aws.cli", "policy", kind]
        done = subprocess.run(whole, capture_output=True, text=True, check=True)
        assert json.loads(done.stdout)["Version"] == "2012-10-17"
    wrong = subprocess.run([*whole, "--account", "*"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2


def test_an_interrupted_run_goes_on_with_what_is_left(world: World) -> None:
    """What was finished before Ctrl-C is taken as it is, and no case of it is launched again."""
    gate = world.root.parent / "gate"
    (world.root / "test_it.py").write_text(
        "import pathlib, pytest, threading\n"
        "pytestmark = pytest.mark.instance_type('m5.large')\n"
        "def test_first(benchmark): benchmark.pedantic(int, rounds=3)\n"
        "def test_second(benchmark):\n"
        "    benchmark.pedantic(int, rounds=3)\n"
        f"    while not pathlib.Path({str(gate)!r}).exists():\n"
        "        threading.Event().wait(0.1)\n"
    )
    first = world.killed("test_first PASSED", "-v", number=signal.SIGINT)
    assert (first.code, world.alive(), world.stored()) == (2, 0, 1), first.out
    assert f"launch what is left with: pytest --aws-resume {world.run_id} --aws-target=cloud -v\n" in first.out
    assert "aws: interrupted: tests without a result are left out" in first.out
    assert "KeyboardInterrupt" not in first.out
    gate.touch()
    done = world.pytest("--aws-resume", world.run_id)
    assert done.code == 0, done.text
    assert "2 passed" in done.out
    assert "m5.large: of 2 cases 1 had finished when the run was ended, 1 to be launched now" in done.out
    assert (world.alive(), world.stored()) == (0, 2)


SEARCH = (
    "--aws-search=cheapest",
    "--aws-search-launches=3",
    *(f"--aws-instance-type={name}" for name in ("m7i.large", "m7a.large", "m7g.large", "c7i.large")),
)


def test_a_killed_search_is_resumed(world: World) -> None:
    """What it launched is taken over by its steps' types, and what is left of its launches is made."""
    world.killed("install", *SEARCH)
    started = world.alive()
    assert 1 <= started <= 3
    done = world.pytest("--aws-resume", world.run_id, *SEARCH)
    assert done.code == 0, done.text
    assert "3 passed" in done.out
    assert re.search(r"▸ cheapest: [a-z0-9.]+, ", done.out)
    assert (world.alive(), world.stored()) == (0, 3)


def test_an_interrupted_search_keeps_what_it_has(world: World) -> None:
    """Its instances end, what was not launched is not run here, and a later search runs."""
    done = world.killed("✓ search-", *SEARCH, number=signal.SIGINT)
    assert done.code == 2, done.text
    assert world.alive() == 0
    again = world.pytest("--aws", *SEARCH)
    assert again.code == 0, again.text
    launched = len(re.findall(r"aws: search: \d of \d: ", again.out))
    assert launched
    assert world.alive() == 0
    assert world.stored() >= launched
