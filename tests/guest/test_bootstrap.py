"""User data: what runs first on an instance, checked by shells, by a linter, and by running it."""

from __future__ import annotations

import ast
import hashlib
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.backends.agent_archive import MODULES
from pytest_benchmark_aws.guest import agent
from pytest_benchmark_aws.guest.user_data import USER_DATA_LIMIT, user_data
from tests.guest.sources import commands, embedded_python, imports, programs

if TYPE_CHECKING:
    from collections.abc import Iterator

# Amazon Linux 2023 User Guide, docs.aws.amazon.com/linux/al2023/ug/: the standard AMI has systemd (shutdown, poweroff),
# coreutils (mkdir), bash as sh, dnf ("Package management tool") and, for as long as it lives, Python 3.9 as
# /usr/bin/python3 ("Python in AL2023"). Newer Pythons are packages: python3.11 and so on.
DEFAULT_INSTALL = {"shutdown", "poweroff", "mkdir", "python3", "dnf"}
INSTALLED_BY_IT = {"python{}"}
BUILTINS = {"[", "cd", "exit", "export", "umask"}
DIGEST = "0" * 64
URL = "https://bucket.s3.amazonaws.com/runs/1/agent.pyz?X-Amz-Expires=3600&X-Amz-Signature=0a"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """Rendered user data."""
    path = tmp_path / "user-data"
    path.write_text(user_data(URL, DIGEST, 70), encoding="utf-8")
    return path


@pytest.mark.parametrize("words", ["sh -n", "dash -n", "bash -n", "shellcheck --shell=sh"])
def test_no_shell_finds_fault(script: Path, words: str) -> None:
    """Each shell parses the script, and shellcheck has nothing to say."""
    command = shlex.split(words)
    found = shutil.which(command[0]) or shutil.which(command[0], path=str(Path(sys.executable).parent))
    if found is None:
        pytest.skip(f"{command[0]} is not installed")
    result = subprocess.run([found, *command[1:], str(script)], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_every_command_of_the_script_is_on_the_image(script: Path) -> None:
    """Amazon Linux 2023's default install has every command that user data names."""
    found = set(commands(script.read_text(encoding="utf-8"))) - BUILTINS
    assert found == DEFAULT_INSTALL - {"dnf"}


def test_every_program_of_the_agent_is_on_the_image_or_installed() -> None:
    """The agent starts dnf, the Python it installed, its own venv's Python, and nothing else."""
    folder = Path(agent.__file__).parent
    found = [programs((folder / name).read_text(encoding="utf-8")) for name in MODULES]
    assert set().union(*found) == {"dnf", *INSTALLED_BY_IT, "python", "command"}
    # The last two are parameters: run() is what the others are called through, PytestRun gets install()'s venv. A GPU
    # type's nvidia-smi is looked for, and is on its image (DLAMI release notes).


def test_the_parsers_see_what_they_are_for() -> None:
    """A command after an assignment, a separator or a keyword is found, and a traced program too."""
    script = "A=1 curl x && { wget y; }\nif aws s3 ls; then jq .; fi | tee z\ncat <<'E'\nrm x\nE\n"
    assert commands(script) == ["curl", "wget", "aws", "jq", "tee", "cat"]
    source = "def f(self):\n    a, b = 'curl', 1\n    c = [a, '-s']\n    subprocess.run(c)\n    os.system('aws s3')"
    assert programs(source) == {"curl", "aws s3"}


def test_the_power_off_is_armed_first(script: Path) -> None:
    """The first command of all is the shutdown, with the minutes given."""
    text = script.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines[0].startswith("shutdown -P +70 ||")
    assert commands(text)[0] == "shutdown"


def test_the_embedded_program_runs_on_python_39(script: Path) -> None:
    """The here-document is Python 3.9 with the standard library alone."""
    assert imports(embedded_python(script.read_text(encoding="utf-8"))) <= sys.stdlib_module_names


# What runs: only the given commands are there, so that one more would be "not found".


def run_script(script: Path, folder: Path, **exits: int) -> tuple[list[str], str]:
    """Runs a script with recording stand-ins for all external commands; their calls, and standard error."""
    calls, bin_folder = folder / "calls", folder / "bin"
    bin_folder.mkdir()
    calls.touch()
    for name in DEFAULT_INSTALL:
        path = bin_folder / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> "{calls}"\nexit {exits.get(name, 0)}\n', encoding="utf-8")
        path.chmod(0o755)
    result = subprocess.run(
        ["/bin/sh", str(script)],
        env={"PATH": str(bin_folder), "PYTEST_BENCHMARK_AWS_ROOT": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return calls.read_text(encoding="utf-8").splitlines(), result.stderr


def test_it_powers_off_where_no_agent_comes(script: Path, tmp_path: Path) -> None:
    """Shutdown is armed, python3 fails, and the instance powers off; no other command is looked for."""
    calls, errors = run_script(script, tmp_path, python3=1)
    assert calls == ["shutdown -P +70", f"mkdir -p {tmp_path}", "python3 -", "poweroff "]
    assert errors == ""


def test_it_powers_off_where_the_power_off_cannot_be_armed(script: Path, tmp_path: Path) -> None:
    """An instance that could live on for ever does nothing at all."""
    calls, _ = run_script(script, tmp_path, shutdown=1)
    assert calls == ["shutdown -P +70", "poweroff "]


def test_the_agent_runs_and_then_the_power_off(script: Path, tmp_path: Path) -> None:
    """With an agent there it is run, and whatever it answers, the instance powers off."""
    (tmp_path / "agent.pyz").touch()
    calls, _ = run_script(script, tmp_path, python3=3)
    assert calls[-2:] == ["python3 agent.pyz", "poweroff "]


class Bodies(BaseHTTPRequestHandler):
    """Answers each request with the next of the server's bodies, of the length that is claimed."""

    def do_GET(self) -> None:
        """One answer."""
        claimed, body = self.server.bodies.pop(0)  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", str(claimed))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    """A loopback server of bodies."""
    with HTTPServer(("127.0.0.1", 0), Bodies) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        yield http
        http.shutdown()
        thread.join()


def fetch_agent(server: HTTPServer, bodies: list[tuple[int, bytes]]) -> None:
    """Runs the here-document's program in this process."""
    server.bodies = bodies  # type: ignore[attr-defined]
    url = f"http://127.0.0.1:{server.server_port}/agent.pyz"
    program = embedded_python(user_data(url, hashlib.sha256(b"agent").hexdigest(), 1))
    exec(compile(program, "user-data", "exec"), {})


def test_a_truncated_agent_is_fetched_again(
    server: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that ends early is tried again, and what is whole is written."""
    monkeypatch.chdir(tmp_path)
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    fetch_agent(server, [(5, b"age"), (5, b"agent")])
    assert (tmp_path / "agent.pyz").read_bytes() == b"agent"
    assert waits == [1]


def test_another_agent_is_refused(server: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has not the digest is never written, so never run."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="not what was sent"):
        fetch_agent(server, [(5, b"other")])
    assert not (tmp_path / "agent.pyz").exists()


def test_an_agent_that_never_comes_ends_the_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After ten attempts, within four minutes, it gives up and says where to look."""
    monkeypatch.chdir(tmp_path)
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: (_ for _ in ()).throw(OSError("no route")))
    with pytest.raises(SystemExit, match="way to S3"):
        exec(embedded_python(user_data(URL, DIGEST, 1)), {})
    assert len(waits) == 10
    assert sum(waits) <= 240


# Rendering.

PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~:/?&=%+-@"


@given(st.text(PLAIN, min_size=1, max_size=1000), st.text("0123456789abcdef", min_size=64, max_size=64))
def test_a_presigned_url_arrives_as_it_is(rest: str, digest: str) -> None:
    """Whatever a URL and a digest are made of, the program reads exactly them."""
    url = f"https://{rest}"
    tree = ast.parse(embedded_python(user_data(url, digest, 5)))
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert {url, digest} <= texts


@given(st.text(PLAIN, max_size=30), st.characters().filter(lambda char: char not in PLAIN), st.text(PLAIN, max_size=30))
def test_a_url_with_an_odd_character_is_refused(before: str, odd: str, after: str) -> None:
    """Quotes, spaces, newlines, dollars, anything beyond a presigned URL's own characters."""
    with pytest.raises(ValueError, match="no URL and digest"):
        user_data(f"https://{before}{odd}{after}", DIGEST, 5)


@given(st.text(max_size=80).filter(lambda text: not re.fullmatch("[0-9a-f]{64}", text)))
def test_a_digest_that_is_none_is_refused(digest: str) -> None:
    """64 lower-case hexadecimal digits, and nothing else."""
    with pytest.raises(ValueError, match="no URL and digest"):
        user_data(URL, digest, 5)


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "ftp://host/x", " https://host/x", "https://host/x\n"])
def test_what_is_no_web_url_is_refused(url: str) -> None:
    """Only http and https."""
    with pytest.raises(ValueError, match="no URL and digest"):
        user_data(url, DIGEST, 5)


@pytest.mark.parametrize("minutes", [0, -5])
def test_a_power_off_in_the_past_is_refused(minutes: int) -> None:
    """``shutdown +0`` would end the instance at its start, and ``+-5`` is no time."""
    with pytest.raises(ValueError, match="minutes"):
        user_data(URL, DIGEST, minutes)


def test_it_stays_under_2_kb() -> None:
    """With a URL of 1 KB and a week's minutes."""
    url = "https://host/" + "x" * (1024 - len("https://host/"))
    assert len(url) == 1024
    assert len(user_data(url, DIGEST, 7 * 24 * 60 + 10).encode()) < 2048


def test_ec2s_limit_is_enforced() -> None:
    """16,384 bytes pass, one more is refused with both numbers."""
    spare = USER_DATA_LIMIT - len(user_data("https://host/", DIGEST, 5))
    assert len(user_data("https://host/" + "x" * spare, DIGEST, 5)) == 16_384
    with pytest.raises(ValueError, match="16,385 bytes; EC2 takes 16,384"):
        user_data("https://host/" + "x" * (spare + 1), DIGEST, 5)
