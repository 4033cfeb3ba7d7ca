"""The agents of groups, which hold the keys of their clusters: in the bucket only as long as the groups live."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_benchmark_aws.aws.errors import refusal
from pytest_benchmark_aws.core.errors import CapacityError, CleanupError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_benchmark_aws.aws.s3_run_bucket import Bucket
    from pytest_benchmark_aws.core.model import Job


@dataclass(slots=True)
class GroupAgents:
    """Those of one run that this process knows of."""

    keys: set[str] = field(default_factory=set)
    """In the bucket."""

    def note(self, job: Job, key: str) -> None:
        """Takes note of a launch's agent, where that is a group's."""
        if job.count > 1:
            self.keys.add(key)

    def check_rights(self, bucket: Bucket, jobs: Iterable[Job], key: str) -> None:
        """Deletes a key that nobody has made, where there are groups: who may not is to hear it before a launch.

        Raises:
            botocore.exceptions.ClientError: AWS answers that the caller may not.
        """
        if any(job.count > 1 for job in jobs):
            bucket.delete(key)

    def check(self, bucket: Bucket, job: Job, key: str) -> None:
        """Sees that what a group's machines fetch is still there: a request that is kept may be of an ended run.

        Raises:
            CapacityError: it was deleted when nothing was alive, so that nothing came of the request, nor will.
        """
        self.note(job, key)
        if job.count > 1 and key not in bucket.listing(key):
            raise CapacityError(
                "the keys of its cluster were deleted when the run ended: another attempt makes new ones"
            )

    def delete(self, bucket: Bucket) -> None:
        """Deletes them, where no group of the run is alive.

        Raises:
            CleanupError: AWS answers that the caller may not.
        """
        from botocore.exceptions import ClientError

        for key in sorted(self.keys):
            try:
                bucket.delete(key)
            except ClientError as error:
                raise CleanupError(f"the keys of a cluster that is over stay in {key}: {refusal(error)}") from error
            self.keys.discard(key)
