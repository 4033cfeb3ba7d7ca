"""The account, or embedded AWS in a process beside this one; and everything that is wrong, before anything is made."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_benchmark_aws.aws.clients import Clients, without_metadata_probe
from pytest_benchmark_aws.core.errors import CleanupError, PlanError

if TYPE_CHECKING:
    from pytest_benchmark_aws.backends.registry import Backends
    from pytest_benchmark_aws.core.model import Job
    from pytest_benchmark_aws.core.settings import Settings

READY = "# embedded AWS is ready"


def wants_embedded(settings: Settings) -> bool:
    """Whether the run goes to embedded AWS: asked for, or ``auto`` with no credentials at all."""
    if settings.target != "auto":
        return settings.target == "embedded"
    with without_metadata_probe():
        return not Clients(settings.region, settings.profile).has_credentials()


@contextmanager
def connected(settings: Settings, *, embedded: bool) -> Iterator[Clients]:
    """Clients of the account, or of an embedded AWS that ends with this.

    Raises:
        PlanError: embedded AWS is not installed or did not start, or no region is given.
    """
    if not embedded:
        clients = Clients(settings.region, settings.profile)
        if not clients.region_is_given:
            raise PlanError("no region: give --aws-region, or set AWS_REGION")
        yield clients
        return
    from importlib.util import find_spec

    if find_spec("moto") is None:
        raise PlanError(
            "embedded AWS is not installed: pip install 'pytest-benchmark-aws[embedded]'; or run on an account with "
            "--aws-target=cloud and credentials"
        )
    command = [sys.executable, "-m", "pytest_benchmark_aws.embedded", "--watch-stdin", "--quick-end"]
    if settings.region:
        command += ["--region", settings.region]
    # Its end is bound to ours by the pipe: where this process dies, however it does, its stdin ends.
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=_without_credentials(),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        environment = {}
        for line in process.stdout:
            if line.startswith(READY):
                break
            key, _, value = line.strip().partition("=")
            environment[key] = value
        if "AWS_ENDPOINT_URL" not in environment:
            raise PlanError(f"embedded AWS did not start (exit code {process.wait()}); its words are above")

        def refuse_dead(**_: object) -> None:
            if process.poll() is not None:
                how = f"killed by signal {-process.returncode}" if process.returncode < 0 else "with an error"
                raise CleanupError(
                    f"the embedded AWS of this session ended ({how}), and with it what its instances had not "
                    "delivered. Run it again"
                )

        clients = Clients(settings.region, None, environment)
        clients.on("before-send", refuse_dead)  # a call to nobody would be tried again and again
        try:
            yield clients
        finally:
            process.stdin.close()
            process.wait()


def _without_credentials() -> dict[str, str]:
    """The environment of embedded AWS, which is nobody's account: no file of keys that it could stumble over."""
    nowhere = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
    named = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    return {**{name: value for name, value in os.environ.items() if name not in named}, **nowhere}


def refuse_problems(backends: Backends, jobs: Sequence[Job]) -> None:
    """Asks AWS, read-only, whether the jobs can be run.

    Raises:
        PlanError: they cannot; every reason at once.
    """
    problems = [problem for backend, its_jobs in backends.grouped(jobs) for problem in backend.check(its_jobs)]
    if problems:
        raise PlanError("\n".join(dict.fromkeys(problems)))
