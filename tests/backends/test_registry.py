"""Which backend runs what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.backends import registry
from pytest_benchmark_aws.backends.ec2.backend import Ec2Backend
from pytest_benchmark_aws.backends.protocol import Site
from pytest_benchmark_aws.core.model import GRACE_S, Target
from pytest_benchmark_aws.session.options import read_settings
from tests.run.fake_backend import make_job

if TYPE_CHECKING:
    import pytest

SITE = Site("run", Path("folder"), None, None, 1.0)  # type: ignore[arg-type]


def test_ec2_runs_what_no_other_backend_does(pytestconfig: pytest.Config) -> None:
    """A type without a prefix of its own is EC2's; making its backend asks nothing of AWS."""
    job = make_job()
    backends = registry.make_backends([job], SITE, read_settings(pytestconfig))
    assert isinstance(backends.of(job), Ec2Backend)
    assert registry.grace_s(Target("m5.large")) == GRACE_S


def test_the_longest_prefix_counts(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the backends that the jobs need are made, each job's by the longest prefix that its type's name has."""
    made: list[str] = []

    class Module:
        GRACE_S = 900

        def __init__(self, name: str) -> None:
            self.name = name

        def make(self, *_: Any) -> str:
            made.append(self.name)
            return self.name

    monkeypatch.setattr(registry, "MODULES", {"": "any", "m5.": "m5", "m5.large": "large", "c5.": "c5"})
    monkeypatch.setattr(registry, "import_module", Module)
    jobs = [make_job(), make_job("m5.xlarge")]
    backends = registry.make_backends(jobs, SITE, read_settings(pytestconfig))
    assert [backends.of(job) for job in jobs] == made == ["large", "m5"]
    assert list(backends.grouped(jobs)) == [("large", jobs[:1]), ("m5", jobs[1:])]
    assert registry.grace_s(Target("m5.large")) == 900
