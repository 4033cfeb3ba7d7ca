"""Whether a run can be gone on with: its name, who works on it, and whether AWS still knows of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.run import history
from pytest_benchmark_aws.run.journal import RunInUseError
from pytest_benchmark_aws.run.journal_lines import read_run
from pytest_benchmark_aws.run.takeover import uploads

if TYPE_CHECKING:
    from pytest_benchmark_aws.aws.s3_run_bucket import Bucket
    from pytest_benchmark_aws.backends.protocol import Site
    from pytest_benchmark_aws.backends.registry import Backends


def refuse_name(run_id: str) -> None:
    """Refuses what cannot be gone on with, before anything is asked of AWS.

    Raises:
        PlanError: it is no name of a run.
        RunInUseError: another process works on it.
    """
    if not re.fullmatch(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}", run_id):
        raise PlanError(f"--aws-resume={run_id}: no name of a run; pytest-benchmark-aws runs lists them")
    path = history.runs_folder() / run_id / "journal.jsonl"
    if path.exists() and history.is_locked(path):
        raise RunInUseError(run_id)


def refuse_gone(site: Site, jobs: Iterable[str], backends: Backends, results: Path) -> None:
    """Refuses a run of which AWS shows no launch and keeps nothing, so that there is nothing to wait for.

    ``jobs`` are the names of those that the run has to end with, ``results`` is the folder of its results.

    Raises:
        PlanError: it is finished, or its AWS ended.
    """
    run_id, path = site.run_id, site.folder / "journal.jsonl"
    lines = read_run(path) if path.exists() else []
    if not any(line["kind"] == "launched" for line in lines):
        return
    if backends.launches() or uploads(_keys(site.bucket, f"runs/{run_id}/"), run_id):
        return
    if is_finished(lines, jobs):
        raise PlanError(f"run {run_id} is finished: its results are in {results}; run pytest --aws for new ones")
    about = next((line for line in lines if line["kind"] == "run"), {})
    if about.get("embedded"):
        raise PlanError(
            f"the embedded AWS of run {run_id} ended with its session, and its instances with it; run pytest --aws "
            "again; to keep it alive start python -m pytest_benchmark_aws.embedded, and export what it prints"
        )
    if site.clients.account().embedded:
        raise PlanError(
            f"run {run_id} is of account {about.get('account')}, and this session goes to embedded AWS: log in, or "
            "give --aws-target=cloud"
        )


def is_finished(lines: Sequence[Mapping[str, Any]], jobs: Iterable[str]) -> bool:
    """Whether by its journal a run was seen to end, after each of these jobs had delivered."""
    last = next((line["kind"] for line in reversed(lines) if line["kind"] in {"gone", "intent"}), "")
    whole = {line["job"] for line in lines if line["kind"] == "delivered" and line["whole"]}
    return last == "gone" and whole.issuperset(jobs)


def _keys(bucket: Bucket, prefix: str) -> Iterable[str]:
    from botocore.exceptions import ClientError

    from pytest_benchmark_aws.aws.errors import code_of

    try:
        return bucket.listing(prefix)
    except ClientError as error:
        if code_of(error) != "NoSuchBucket":
            raise
        return ()
