"""What is sent: archives that launches share, and the agent, the guest's modules with one launch's job."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.backends.cluster_keys import make_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_benchmark_aws.aws.s3_run_bucket import Bucket
    from pytest_benchmark_aws.backends.protocol import Site
    from pytest_benchmark_aws.core.model import Job

MODULES = tuple(
    f"{name}.py"
    for name in (
        "agent",
        "gpu",
        "group/__init__",
        "group/cluster",
        "group/members",
        "install",
        "instance_metadata",
        "launch",
        "run_tests",
        "s3",
        "spot",
        "uploads",
        "validity",
    )
)
"""Of the package ``guest``: the agent and what it imports."""
CHECKPOINT_PARTS = 11
"""Objects that a guest's checkpoint grows into; ``guest/uploads.py`` says how large each may be, together 512 MiB."""
JOIN_S = 900
"""Seconds that the machines of a group wait for each other: their starts differ by minutes, their installations too."""
_MAIN = "from guest.agent import main\n\nmain()\n"


@dataclass(frozen=True, slots=True)
class Archive:
    """Bytes that are shipped, from memory or a file, and put into the bucket once for all who ship the same."""

    sha256: str
    size: int
    data: bytes | Path
    names: tuple[str, ...] = ()
    """The files or distributions in it."""
    left_out: tuple[str, ...] = ()
    """Files that look like secrets."""
    notes: tuple[str, ...] = ()
    """Sentences on what is in it otherwise than was asked for."""

    @property
    def key(self) -> str:
        """In the bucket."""
        return f"bundles/{self.sha256}.tar"


@dataclass(frozen=True, slots=True)
class Shipment:
    """What every launch of a platform fetches, and how it runs the tests."""

    project: Archive
    wheels: Archive
    python: str
    """Minor version, as ``3.12``."""
    packages: tuple[str, ...]
    """Of the system, to be installed there."""
    args: tuple[str, ...]
    """pytest's."""
    sys_path: tuple[str, ...]
    """Folders of the project that imports start from."""
    notes: tuple[str, ...] = ()
    """Sentences on what is not shipped and may be missed."""
    cwd: str = "."
    """Folder of the project that pytest runs in."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Environment variables of pytest there; their values are shown nowhere."""


def upload(bucket: Bucket, shipments: Iterable[Shipment]) -> None:
    """Makes the bucket, and puts each archive there that it does not hold.

    Raises:
        PlanError: the bucket is somebody else's.
        botocore.exceptions.ClientError: AWS refuses.
    """
    bucket.ensure()
    for shipment in shipments:
        for archive in (shipment.project, shipment.wheels):
            if not bucket.has(archive.key, archive.size):
                bucket.put(archive.key, archive.data)


def checkpoint_key(prefix: str, part: int) -> str:
    """The key of a part of the checkpoint; the role of an instance may put what is called ``checkpoint``."""
    return f"{prefix}/parts/{part}/checkpoint" if part else f"{prefix}/checkpoint"


def agent_key(prefix: str) -> str:
    """The key of a launch's agent; of a group's, which holds its keys, it is deleted with the group's end."""
    return f"{prefix}/agent.pyz"


def member_key(prefix: str, place: int, name: str) -> str:
    """The key of what a group's machine that does not lead uploads; places begin with 0, which leads."""
    return f"{prefix}/members/{place}/{name}"


def group_manifest(job: Job, prefix: str, url: Callable[..., str]) -> dict[str, Any]:
    """What the machines of a group are told more: how many they are, where they meet, and the keys of their cluster."""
    others = range(1, job.count)
    done = {place: member_key(prefix, place, "done") for place in others}
    once = {"headers": {"If-None-Match": "*"}}
    return {
        "count": job.count,
        "join_s": JOIN_S,
        "tls": make_keys(job.longest_s),
        "scheduler": url("get_object", f"{prefix}/scheduler"),
        "members": [
            {
                "log": {"url": url("put_object", member_key(prefix, place, "log"))},
                "done": {"url": url("put_object", done[place], IfNoneMatch="*"), **once},
            }
            for place in others
        ],
        "ends": [url("get_object", done[place]) for place in others],
    }


def manifest(
    site: Site,
    job: Job,
    attempt: int,
    shipment: Shipment,
    url: Callable[..., str],
    *,
    role_region: str | None,
    gpus: int = 0,
) -> dict[str, Any]:
    """All that the agent is told: what to fetch and to run, by when, and where to put what.

    ``url`` gives the URL of a method and a key, and takes headers that are signed; ``role_region`` is given where the
    instance signs its requests itself; ``gpus`` are those whose driver the agent waits for.
    """
    prefix = site.prefix(job, attempt)
    puts: dict[str, Any] = {name: {"url": url("put_object", f"{prefix}/{name}")} for name in ("heartbeat", "log")}
    for part in range(CHECKPOINT_PARTS):
        name = f"checkpoint-{part}" if part else "checkpoint"
        puts[name] = {"url": url("put_object", checkpoint_key(prefix, part))}
    if job.count > 1:
        puts["scheduler"] = {"url": url("put_object", f"{prefix}/scheduler")}
    for name in ("data", "done"):
        once = url("put_object", f"{prefix}/{name}", IfNoneMatch="*")
        puts[name] = {"url": once, "headers": {"If-None-Match": "*"}}
    return {
        "run": site.run_id,
        "job": job.name,
        "time_limit_s": job.time_limit_s,
        "beat_s": site.beat_s,
        "role_region": role_region,
        "market": job.market,
        "gpus": gpus,
        "python": shipment.python,
        "packages": shipment.packages,
        "args": shipment.args,
        "sys_path": shipment.sys_path,
        "environment": dict(shipment.environment),
        "cwd": shipment.cwd,
        "node_ids": [case.bare_id for case in job.cases],
        "put": puts,
        **{
            name: {"url": url("get_object", archive.key), "sha256": archive.sha256, "size": archive.size}
            for name, archive in (("project", shipment.project), ("wheels", shipment.wheels))
        },
        **({"group": group_manifest(job, prefix, url)} if job.count > 1 else {}),
    }


def pack(job: Mapping[str, Any]) -> bytes:
    """The archive; of the same job and modules, the same files."""
    guest = Path(__file__).parents[1] / "guest"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("__main__.py", _MAIN)
        archive.writestr("guest/__init__.py", "")
        for name in MODULES:
            archive.writestr(f"guest/{name}", (guest / name).read_text(encoding="utf-8"))
        archive.writestr("job.json", json.dumps(job))
    return buffer.getvalue()
