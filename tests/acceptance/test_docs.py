"""Every example of README.md and docs/ is run as it is written, or listed here with what runs it."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.awsproject import environment, make_project
from tests.acceptance.docexamples import Command, Example, examples
from tests.result_files import benchmark, result, write

if TYPE_CHECKING:
    from collections.abc import Iterator

for _name in ("moto", "lightgbm", "pyarrow", "jinja2", "vl_convert"):
    pytest.importorskip(_name, reason="the examples need the extras [bench], [embedded] and [report]")

ROOT = Path(__file__).parents[2]
EXAMPLES = [one for file in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) for one in examples(file, ROOT)]


@dataclass(frozen=True)
class Elsewhere:
    """An example that is not run here as it is written."""

    reason: str
    where: str
    """What runs it: ``tox:ENVIRONMENT``, or a test; empty where nothing can."""
    instead: str = ""
    """What is run here for it: its output must have what the documentation shows."""


ACCOUNT = "needs an AWS account and costs money"
SERVICES = f"pytest --aws {ROOT}/benchmarks/services --rootdir={ROOT} --benchmark-only"
ELSEWHERE = {
    "tox -e aws": Elsewhere("trains for minutes", "tox:aws", "pytest --aws"),
    "tox -e services": Elsewhere(
        "makes an environment",
        "tox:services",
        f"{SERVICES} --benchmark-quiet -k test_sentiment",
    ),
    "tox -e services -- --aws-target=cloud --aws-max-cost=1 --aws-bucket=BUCKET --benchmark-autosave": Elsewhere(
        ACCOUNT, "", f"{SERVICES} --aws-max-cost=1 --collect-only -q"
    ),
    "python3 -m venv .venv && .venv/bin/pip install -q tox && .venv/bin/tox run -e aws": Elsewhere(
        "makes environments, trains for minutes", "tox:aws"
    ),
    "python3 -m venv .venv && .venv/bin/pip install -q tox && .venv/bin/tox run": Elsewhere(
        "runs this test among others", ".ci/run"
    ),
    "python -m benchmarks.backtest MEASURED.csv": Elsewhere(
        "needs the measured table, which the repository does not hold", "tests/benchmarks/test_machinemodel.py"
    ),
    "python -m benchmarks.backtest MEASURED.csv --cpus": Elsewhere(
        "needs the measured table, which the repository does not hold", "tests/benchmarks/test_machinemodel.py"
    ),
    "pip install -e '.[bench]'": Elsewhere("changes the environment that tests run in", "tox:py"),
    "pip install 'path/to/this/clone[report]'": Elsewhere("changes the environment that tests run in", "tox:py"),
    "pip install 'path/to/this/clone[embedded]'": Elsewhere("changes the environment that tests run in", "tox:aws"),
    "pytest --benchmark-only": Elsewhere(
        "trains at laptop scale, for minutes", "tox:bench", "pytest --benchmark-only --collect-only -q"
    ),
    "pytest --benchmark-only --scale=smoke": Elsewhere(
        "a minute", "tests/acceptance/test_suite.py::smoke", "pytest --benchmark-only --scale=smoke --collect-only -q"
    ),
    "pytest --benchmark-only --threads=1": Elsewhere(
        "trains at laptop scale, for minutes", "tox:bench", "pytest --benchmark-only --threads=1 --collect-only -q"
    ),
    "pytest --benchmark-only -m levers": Elsewhere(
        "minutes", "tox:learners", "pytest --benchmark-only -m levers --collect-only -q"
    ),
    "pytest --benchmark-only -m peers": Elsewhere(
        "minutes, and needs [peers]", "tox:learners", "pytest --benchmark-only -m peers --collect-only -q"
    ),
    "pytest --benchmark-only -m compiled": Elsewhere(
        "compiles for minutes, and needs [compiled]",
        "tox:compiled",
        "pytest --benchmark-only -m compiled --collect-only -q",
    ),
    "pytest --aws -m compiled --aws-instance-type=c7i.2xlarge "
    "--aws-requirements=benchmarks/compiled/requirements.txt": Elsewhere(
        "compiles for minutes", "tests/benchmarks/test_compiled.py"
    ),
    "pip install -e '.[bench,compiled]'": Elsewhere("changes the environment that tests run in", "tox:compiled"),
    "pytest --benchmark-only -m gpu": Elsewhere(
        "needs a GPU", "tests/benchmarks/test_gpu_training.py", "pytest --benchmark-only -m gpu --collect-only -q"
    ),
    "pytest --benchmark-only --scale=2.4M": Elsewhere(
        "an hour, and 16 GiB", "", "pytest --benchmark-only --scale=2.4M --collect-only -q"
    ),
    "pytest --benchmark-only --scale=full": Elsewhere(
        "93 GiB; the cases are skipped here", "", "pytest --benchmark-only --scale=full --collect-only -q"
    ),
    "pytest --aws --aws-instance-type='vcpus>=32 and memory>=96GiB and price<1.4'": Elsewhere(
        "launches several instances",
        "tests/core/test_instance_type_filter.py",
        "pytest --aws-dry-run --aws-instance-type='vcpus>=32 and memory>=96GiB and price<1.4'",
    ),
    "PYTEST_BENCHMARK_AWS_LIVE=1 pytest tests/live -v": Elsewhere(ACCOUNT, "", "pytest tests/live -v"),
    "alias live='pytest --aws --aws-target=cloud --aws-time-limit=3m --aws-max-cost=0.10'": Elsewhere(
        ACCOUNT, "", "pytest --aws-dry-run --aws-time-limit=3m --aws-max-cost=0.10"
    ),
    "for region in $(aws ec2 describe-regions --query 'Regions[].RegionName' --output text); do "
    'aws ec2 describe-instances --region "$region" --output text '
    "--filters Name=tag:managed-by,Values=pytest-benchmark-aws "
    "Name=instance-state-name,Values=pending,running,shutting-down,stopping,stopped "
    "--query 'Reservations[].Instances[].InstanceId' "
    'aws ec2 describe-volumes --region "$region" --output text '
    "--filters Name=tag:managed-by,Values=pytest-benchmark-aws --query 'Volumes[].VolumeId' done": Elsewhere(
        ACCOUNT, ""
    ),
}
"""Exact text, white space aside -> why it is not run, and what is done about it."""
OUTPUTS = {
    # At a scale that no machine holds: the published one fits where there is memory enough.
    "aws: 8 of 8 cases do not fit this machine and are skipped:": "pytest --benchmark-only --scale=9999M --co",
    "aws: the plan": "pytest --aws-dry-run",
}
"""First line of a block of output alone -> the command that makes the like."""
ON_SERVER = ("--aws-resume", "--aws-detach", "pytest-benchmark-aws runs", "pytest-benchmark-aws reap", "s3://")
"""Commands that are about runs of others, or a bucket: they share an AWS that outlives each of them."""
BUCKET = re.compile(r"s3://([a-z0-9.-]+)")
RUNNABLE = ("pytest", "pytest-benchmark", "pytest-benchmark-aws", "python")
"""First words of what is run unseen; the rest, such as tox and pip, is listed in ELSEWHERE or fails."""
LIMIT_S = 300

SAMPLE = """\
import pytest

@pytest.mark.instance_type("m5.large", "c5.large")
@pytest.mark.parametrize(
    ("scale", "variant", "threads"), [("smoke", "regularized", "vcpus"), ("smoke", "note", "vcpus")]
)
def test_train(benchmark, scale, variant, threads):
    benchmark.extra_info["row_trees_per_second"] = 1e6
    benchmark.pedantic(sum, args=(range(1000),), rounds=5)
"""
"""Named as this repository's own benchmark, whose output the documentation shows."""
SAMPLE_INI = """\
[pytest]
aws_throughput = row_trees_per_second
aws_scale_parameter = scale
aws_baselines = baselines
"""
PUBLISHED = ROOT / "benchmarks/baselines/m5.8xlarge/0001_published.json"


@dataclass
class World:
    """Folders that the examples are run in, and what earlier ones came to."""

    project: Path
    """A small one, for ``--aws``."""
    repository: Path
    """A copy of this one, with results in ``.benchmarks`` and ``jobs``."""
    cache: Path
    server: dict[str, str] = field(default_factory=dict)
    done: dict[str, subprocess.CompletedProcess[str]] = field(default_factory=dict)

    def run(self, text: str) -> subprocess.CompletedProcess[str]:
        """A command line by a shell, once."""
        if text not in self.done:
            for bucket in BUCKET.findall(text):
                make_bucket(bucket, self.server)
            here = "--aws" in text or any(word in text for word in ON_SERVER)
            self.done[text] = shell(text, self.project if here else self.repository, self.environment(text))
        return self.done[text]

    def environment(self, text: str) -> dict[str, str]:
        """The reader's: no credentials, but where a command looks after what others left."""
        whole = environment(PYTEST_BENCHMARK_AWS_CACHE=str(self.cache), NO_COLOR="1", COLUMNS="160")
        if any(word in text for word in ON_SERVER):
            whole |= self.server
        return whole


def shell(text: str, folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(Path(sys.executable).parent), env["PATH"]))
    return subprocess.run(
        ["bash", "-uo", "pipefail", "-c", text],
        cwd=folder, env={**env, "PATH": path}, capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip


def must(text: str, folder: Path, env: dict[str, str]) -> str:
    done = shell(text, folder, env)
    assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
    return done.stdout


COMMIT = "git init -q && git add -A && git -c user.name=a -c user.email=a@example.org commit -qm all"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A sample project that ran with --aws, and a copy of this repository with its results."""
    base = tmp_path_factory.mktemp("docs")
    files = {"benchmarks/test_train.py": SAMPLE, "pytest.ini": SAMPLE_INI, ".gitignore": ".*\n__pycache__\n"}
    # As the published result, of a type that the sample is for.
    files["baselines/m5.large/0001_published.json"] = PUBLISHED.read_text().replace("m5.8xlarge", "m5.large")
    found = World(make_project(base / "project", files, git=False), base / "repository", base / "cache")
    env = found.environment("")
    must(COMMIT, found.project, env)
    tracked = must("git ls-files -z --cached --others --exclude-standard", ROOT, env).split("\0")
    for name in filter(None, tracked):
        if (ROOT / name).is_file():  # not what is deleted and not yet committed
            (found.repository / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, found.repository / name)
    must(COMMIT, found.repository, env)
    done = found.run("pytest --aws")
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.copytree(found.project / ".benchmarks", found.repository / ".benchmarks")
    shutil.copytree(ROOT / "benchmarks/baselines", found.repository / ".benchmarks", dirs_exist_ok=True)
    shutil.copytree(found.project / ".benchmarks", found.repository / "jobs/aws")
    earlier_results(found.repository)
    own_data(found.repository / "mine.parquet")
    yield from with_server(found)


def earlier_results(folder: Path) -> None:
    """Made-up launches of today: ``old`` and ``new`` for the gate, of one machine and of a fleet that changed.

    And one beside the published baselines.
    """
    today = datetime.now(timezone.utc).isoformat()
    for place in ("old", "new", ".benchmarks"):
        for number, seconds in enumerate((1.0, 1.01, 0.99), 1):
            launch = f"i-{place}-{number}"
            data = result(benchmark([seconds]), instance_type="m5.8xlarge", launch=launch, when=today)
            write(folder / place / "m5.8xlarge" / f"{number + 1:04}_made-up.json", data)
    for place, name in (("old", "m5.large"), ("old", "c6i.xlarge"), ("old", "m7g.large"), ("new", "m7i.large")):
        data = result(benchmark([1.0]), instance_type=name, launch=f"i-{name}", when=today)
        write(folder / f"{place}-fleet" / name / "0001_made-up.json", data)


def make_bucket(name: str, environment: dict[str, str]) -> None:
    """The one that an example names, on the server."""
    import boto3

    keys = {"aws_access_key_id": environment["AWS_ACCESS_KEY_ID"], "region_name": "us-east-1"}
    keys |= {"aws_secret_access_key": environment["AWS_SECRET_ACCESS_KEY"]}
    client = boto3.client("s3", endpoint_url=environment["AWS_ENDPOINT_URL"], **keys)
    if name not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket=name)


def own_data(path: Path) -> None:
    """A table of 60 rows, 2 columns and 3 classes, as ``--data=mine.parquet --label=species`` asks for."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    count = 60
    columns = {"length": [row % 7 for row in range(count)], "width": [row % 5 for row in range(count)]}
    pq.write_table(pa.table({**columns, "species": [f"kind {row % 3}" for row in range(count)]}), path)


def with_server(found: World) -> Iterator[World]:
    command = [sys.executable, "-m", "pytest_benchmark_aws.embedded", "--watch-stdin"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(TMPDIR=str(found.cache.parent)),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("#"):
                break
            name, _, value = line.strip().partition("=")
            found.server[name] = value
        yield found
        process.stdin.close()
        process.wait(LIMIT_S)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: f"{one.file}:{one.line}")
def test_an_example_runs(example: Example, world: World, tmp_path: Path) -> None:
    """Commands end with exit code 0 and show what the page shows; Python is collected; data can be read."""
    if example.kind == "shell":
        for command in example.commands:
            check_command(command, world, f"{example.file}:{command.line}")
    elif example.kind == "python":
        check_python(example.text, tmp_path, world)
    elif example.kind == "output":
        check_output(example, world)
    elif example.kind in {"yaml", "yml"}:
        check_workflow(example, world)
    elif example.kind == "json":
        json.loads(example.text)
    elif example.kind in {"ini", "cfg"}:
        configparser.ConfigParser().read_string(example.text)
    elif example.kind == "toml":
        tomllib = pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")
        tomllib.loads(example.text)
    else:
        pytest.fail(f"{example.file}:{example.line}: nothing here tests a block of {example.kind!r}; add it")


def check_command(command: Command, world: World, place: str) -> None:
    text = command.text
    listed = ELSEWHERE.get(" ".join(text.split()))
    if listed is not None:
        text = listed.instead
    if not text:
        return
    assert listed or text.split()[0] in RUNNABLE, f"{place}: {text!r} is not run unseen: list it in ELSEWHERE"
    if re.search(r"\bRUN\b", text):
        text = re.sub(r"\bRUN\b", detached(world), text)
    done = world.run(text)
    told = f"{place}: {text}\n{done.stdout}{done.stderr}"
    assert done.returncode == 0, told
    for phrase in phrases(command.output):
        assert phrase in squeezed(done.stdout + done.stderr), f"{phrase!r} is not in what it shows\n{told}"


def detached(world: World) -> str:
    """The id of a run that was left to itself."""
    done = world.run("pytest --aws --aws-detach")
    found = re.search(r"--aws-resume (\S+)", done.stdout)
    assert found, done.stdout + done.stderr
    return found[1]


def phrases(lines: tuple[str, ...]) -> list[str]:
    """Lines that are the same each time: column headings and sentences without a number."""
    fixed = [squeezed(line) for line in lines if not re.search(r"\d", line)]
    return [line for line in fixed if re.search(r"\w", line)]


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def check_python(text: str, folder: Path, world: World) -> None:
    """A script is run; tests are collected, planned with --aws, and their markers understood."""
    if "dask_client" in text:
        pytest.importorskip("distributed", reason="groups need distributed: tox -e group")
    env = world.environment("")
    if not re.search(r"^\s*def test_", text, re.MULTILINE):
        (folder / "example.py").write_text(text)
        must("python example.py", folder, env)
        return
    names = sorted(
        set(re.findall(r"[(,]\s*(\w+)", "".join(re.findall(r"def test_\w+(\([^)]*\))", text)))) - {"benchmark"}
    )
    fixtures = "".join(f"@pytest.fixture\ndef {name}(): ...\n" for name in names)
    (folder / "conftest.py").write_text(f"import pytest\n{fixtures}")
    (folder / "test_example.py").write_text(text if "import pytest" in text else f"import pytest\n\n{text}")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\nfilterwarnings = error\n")
    count = len(re.findall(r"^\s*def test_", text, re.MULTILINE))
    assert f"{count} test" in must("pytest --collect-only -q", folder, env)
    said = "nothing asked" if "pytest.mark.aws_service" in text else "the plan"  # it asks AWS from here
    assert said in must("pytest --aws-dry-run --aws-max-cost=1000", folder, env)


def check_output(example: Example, world: World) -> None:
    """Each line is shown, whatever its numbers and its scale."""
    lines = example.text.splitlines()
    command = OUTPUTS.get(lines[0].strip())
    place = f"{example.file}:{example.line}"
    assert command, f"{place}: output of no command: write '$ command' above it, or list it in OUTPUTS: {lines[0]!r}"
    done = world.run(command)
    assert done.returncode == 0, done.stdout + done.stderr
    shown = squeezed(done.stdout + done.stderr)
    if fixed := phrases(tuple(lines)):
        for phrase in fixed:
            assert phrase in shown, f"{place}: {phrase!r} is not in what {command} shows\n{done.stdout}"
        return
    for line in lines:
        pattern = re.sub(r"full|\d[\d.,]*|[KMGT]iB", r"\\S+", re.escape(squeezed(line)).replace(r"\.", "."))
        assert re.search(pattern, shown), f"{place}: {line!r} is not in what {command} shows\n{done.stdout}"


def check_workflow(example: Example, world: World) -> None:
    """The commands in ``run:`` of a workflow, as those of a shell block."""
    yaml = pytest.importorskip("yaml")
    found: list[str] = []
    collect_runs(yaml.safe_load(example.text), found)
    for text in found:
        for command in Example(example.file, example.line, "sh", text).commands:
            check_command(command, world, f"{example.file}:{example.line}")


def collect_runs(node: Any, found: list[str]) -> None:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "run" and isinstance(value, str):
                found.append(value)
            else:
                collect_runs(value, found)
    elif isinstance(node, list):
        for value in node:
            collect_runs(value, found)


def test_what_is_listed_is_in_the_documentation() -> None:
    """An entry of the tables that no page has any more is taken out."""
    typed = {" ".join(command.text.split()) for one in EXAMPLES if one.kind == "shell" for command in one.commands}
    shown = {one.text.splitlines()[0].strip() for one in EXAMPLES if one.kind == "output" and one.text.strip()}
    assert ELSEWHERE.keys() - typed == set()
    assert OUTPUTS.keys() - shown == set()


@pytest.mark.parametrize("text", ELSEWHERE)
def test_what_is_not_run_here_is_run_where_it_is_said(text: str) -> None:
    """The environment, script or test that is named exists; where none is, a stand-in is run or an account needed."""
    listed = ELSEWHERE[text]
    assert listed.reason
    kind, _, name = listed.where.partition(":")
    if kind == "tox":
        ini = (ROOT / "tox.ini").read_text()
        assert f"[testenv:{name}]" in ini or (name == "py" and "[testenv]" in ini)
    elif listed.where:
        path, _, test = listed.where.partition("::")
        assert f"def {test}(" in (ROOT / path).read_text() if test else (ROOT / path).is_file()
    else:
        assert listed.instead or listed.reason == ACCOUNT


class Shown:
    """A world in which every command shows the same."""

    def __init__(self, output: str, code: int = 0) -> None:
        self.answer = subprocess.CompletedProcess[str]("", code, output, "")

    def run(self, text: str) -> subprocess.CompletedProcess[str]:
        return self.answer


@pytest.mark.parametrize(
    ("text", "world"),
    [
        ("$ tox run\n", Shown("")),
        ("$ pytest --gone\n", Shown("no such option", code=4)),
        ("$ pytest\n  instance type  launch\n", Shown("instance type  seconds")),
    ],
    ids=["unlisted", "fails", "shows something else"],
)
def test_an_example_that_is_wrong_is_noticed(text: str, world: Any) -> None:
    """What is not run unseen, what fails, and what shows other headings than the page."""
    (command,) = Example("README.md", 3, "console", text).commands
    with pytest.raises(AssertionError, match=r"README.md:3: "):
        check_command(command, world, f"README.md:{command.line}")


def test_blocks_and_commands_are_found(tmp_path: Path) -> None:
    """Indented fences, continuations, comments, quotes and shown output; a block without a language is looked into."""
    page = tmp_path / "page.md"
    page.write_text(
        "```\n# first\npytest -k 'a # b' \\\n  -x   # why\npip list\n```\n- item\n\n"
        "  ```console\n  $ pytest\n  one\n  two\n  $ tox\n  ```\n\n```\naws: 3 cases\n```\n```ini\n[a]\n```\n"
    )
    first, session, output, ini = examples(page, tmp_path)
    assert [(one.text, one.line) for one in first.commands] == [("pytest -k 'a # b'   -x", 3), ("pip list", 5)]
    assert [(one.text, one.line, one.output) for one in session.commands] == [
        ("pytest", 10, ("one", "two")),
        ("tox", 13, ()),
    ]
    assert (output.kind, ini.kind) == ("output", "ini")


def test_a_fence_that_is_never_closed_is_an_error(tmp_path: Path) -> None:
    """It would hide every example after it."""
    (tmp_path / "page.md").write_text("```\npytest\n")
    with pytest.raises(ValueError, match="never closed"):
        examples(tmp_path / "page.md", tmp_path)
