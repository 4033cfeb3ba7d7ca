"""What groups cost after their end was asked for: orders of events that the machine meets seldom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.soak.group_cloud import GroupCloud
from tests.soak.groups import GroupRun

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class CutOff(GroupCloud):
    """The network goes when the first end is asked for."""

    for_s = 0.0

    def terminate(self, instance_ids: Iterable[str]) -> None:
        """Nothing arrives, for so long."""
        if self.for_s:
            self.outage_until, self.for_s = self.now + self.for_s, 0.0
            self.reach()
        super().terminate(instance_ids)


class CutOffRun(GroupRun):
    """Two groups, and money for one of them to be launched twice."""

    cloud_kind = CutOff

    def to_its_end(self, gap: float) -> None:
        """The first loses a machine at once; all that is launched beside and after it hangs until its deadline."""
        self.plan(jobs=2, launches=2, shown=0.0)
        self.launches(gap=gap, leader_last=False, boots=True, stillborn=None)
        self.start_or_resume(fallback=False)
        self.machine_dies(number=0, index=0, delay=0.0)
        while self.process is not None:
            self.poll(count=1)
            for group in self._cloud.groups()[1:]:
                group.deaf = True


def test_a_machine_that_is_shown_after_the_end_of_its_group_is_ended_then() -> None:
    """It does not run on beside what is launched for the money that is left."""
    run = CutOffRun()
    try:
        run.to_its_end(gap=45.0)
        first = run.cloud.instances["r-000"]
        assert len(run.cloud.instances) == 3
        assert first.ended is not None
        assert first.ended < 120
    finally:
        run.teardown()


@pytest.mark.parametrize("seconds", [400.0, 590.0])
def test_a_group_costs_until_aws_has_heard_of_its_end(seconds: float) -> None:
    """What is left of it runs on while nothing arrives at AWS; a launch after that keeps within the cap."""
    run = CutOffRun()
    assert isinstance(run.cloud, CutOff)
    run.cloud.for_s = seconds
    try:
        run.to_its_end(gap=0.0)
        assert run.cloud.spent() <= run.cloud.cap
        assert _counted(run.folder / "journal.jsonl") >= run.cloud.instances["r-000"].usd(run.cloud.now)
    finally:
        run.teardown()


def _counted(journal: Path) -> float:
    """What the journal says that the first group cost."""
    from pytest_benchmark_aws.run.journal import read

    return max(float(line["usd"]) for line in read(journal) if line.get("instance_id") == "r-000" and "usd" in line)
