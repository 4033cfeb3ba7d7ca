"""A place where jobs run that is no AWS: each launch is a process here, its uploads are the files that it writes."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.backends.protocol import Handle, Outcome, Placement, SeenLaunch, Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pytest_benchmark_aws.core.model import Job

GUEST = """\
echo '{"kind": "session"}' > checkpoint; printf log > log; echo begun
read -r outcome && printf %s "$outcome" > done.new && mv done.new done && echo delivered && read -r end
"""
"""Says that it begins, delivers the outcome that it is given, and stays until it is ended."""


@dataclass
class ProcessBackend:
    """The processes of one run; a launch's name is ``i-N``, and so is its folder's."""

    folder: Path
    zones: tuple[str, ...] = ("a", "b", "c")
    processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    handles: dict[str, Handle] = field(default_factory=dict)

    noun = "process"
    least_billed_s = 1.0

    def check(self, jobs: Sequence[Job]) -> list[str]:
        return [] if self.folder.is_dir() else [f"{self.folder} is no folder, {len(jobs)} jobs need one"]

    def prepare(self, jobs: Sequence[Job], shipments: Mapping[str, Any]) -> None:
        """A process needs nothing."""

    def placements(self, job: Job, attempt: int) -> list[Placement]:
        return [Placement(f"{job.name}/{zone}/{attempt}", zone, f"here-{zone}", attempt) for zone in self.zones]

    def quota(self, _: Job) -> None:
        """No limit."""

    def launch(self, job: Job, placement: Placement) -> Handle:
        for earlier in self.handles.values():
            if earlier.placement.token == placement.token:
                return earlier
        handle = Handle(job, f"i-{len(self.handles)}", placement)
        (self.folder / handle.instance_id).mkdir()
        process = subprocess.Popen(
            ["/bin/sh", "-c", GUEST], cwd=self.folder / handle.instance_id, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.handles[handle.instance_id], self.processes[handle.instance_id] = handle, process
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        return handle

    def deliver(self, instance_id: str, outcome: str) -> None:
        """Tells a guest what its tests came to, and waits until it has delivered that."""
        process = self.processes[instance_id]
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{outcome}\n")
        process.stdin.flush()
        assert process.stdout.readline() == "delivered\n"

    def _text(self, instance_id: str, name: str) -> str:
        path = self.folder / instance_id / name
        return path.read_text() if path.exists() else ""

    def poll(self, handles: Sequence[Handle]) -> dict[str, Status]:
        statuses = {}
        for handle in handles:
            process = self.processes.get(handle.instance_id)
            done = bool(self._text(handle.instance_id, "done"))
            if process is None:
                statuses[handle.instance_id] = Status("unknown", done=done)
            elif process.poll() is None:
                statuses[handle.instance_id] = Status("running", done=done)
            else:
                statuses[handle.instance_id] = Status("gone", f"exit code {process.returncode}", done=done)
        return statuses

    def log(self, handle: Handle) -> str:
        return self._text(handle.instance_id, "log")

    def collect(self, handle: Handle) -> Outcome:
        done, log = self._text(handle.instance_id, "done"), self.log(handle)
        lines = tuple(json.loads(line) for line in self._text(handle.instance_id, "checkpoint").splitlines())
        return Outcome(done or "error: cut", lines, {}, log, whole=bool(done))

    def billed_s(self, _: Handle) -> None:
        """Nothing is billed."""

    def terminate(self, instance_ids: Sequence[str]) -> None:
        for instance_id in instance_ids:
            if process := self.processes.get(instance_id):
                process.kill()
                process.communicate()

    def alive(self) -> list[str]:
        return [instance_id for instance_id, process in self.processes.items() if process.poll() is None]

    def launches(self) -> list[SeenLaunch]:
        return [
            SeenLaunch("here", handle.job.name, instance_id, handle.placement, None, None, fallback=False)
            for instance_id, handle in self.handles.items()
        ]

    def end_overdue(self) -> Iterator[SeenLaunch]:
        """Nothing has a deadline."""
        yield from ()

    def close(self) -> None:
        """Ends what a test left."""
        self.terminate(self.alive())
