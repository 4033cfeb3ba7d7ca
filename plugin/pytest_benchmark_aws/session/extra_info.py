"""What is known of a launch, as pytest-benchmark's files hold it: in extra_info and in machine_info."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_benchmark_aws.run.ledger import Finished
    from pytest_benchmark_aws.run.start import RunOutcome


def flags(launch: Finished) -> tuple[str, ...]:
    """What speaks against a launch's timings, a few words each; none where nothing does."""
    from pytest_benchmark_aws.core import launch_flags

    fallback = ("on demand, spot was not to be had",) if launch.job.fallback else ()
    return (*launch_flags.flags(launch.outcome.phases), *fallback)


def extra_info(run: RunOutcome, launch: Finished) -> dict[str, Any]:
    """What goes into each benchmark's extra_info, because stock compare drops machine_info; USD and seconds."""
    facts = {
        "instance_type": launch.job.target.instance_type,
        **({"count": launch.job.count} if launch.job.count > 1 else {}),
        "market": launch.job.market,
        "launch": launch.job.target.launch,
        "region": run.region,
        "zone": launch.zone,
        "instance_id": launch.instance_id,
        "usd_per_hour": float(launch.job.price.usd_per_hour if launch.usd_per_hour is None else launch.usd_per_hour),
        "price_source": launch.job.price.source if launch.usd_per_hour is None else "spot price at the launch",
        "launch_usd": float(launch.usd),
        "launch_seconds": launch.billed_seconds,
        "run": run.run_id,
        "attempts": launch.attempts,
        **({"search_step": launch.job.target.step} if launch.job.target.step else {}),
        "flags": list(flags(launch)),
        **({"fallback": "on demand, as spot was not to be had"} if launch.job.fallback else {}),
    }
    return {**facts, "embedded": True} if run.embedded else facts


def machine_info(run: RunOutcome, launch: Finished) -> dict[str, Any]:
    """The guest's machine information, with where it was launched under ``ec2`` and the seconds of its ``phases``."""
    lines = launch.outcome.lines
    info = next((line.get("machine_info") for line in lines if line["kind"] == "session"), None) or {}
    identity = info.get("ec2") or {}
    embedded = run.embedded or identity.get("embedded")
    identity = {
        **identity,
        "instance_type": launch.job.target.instance_type,
        **({"count": launch.job.count} if launch.job.count > 1 else {}),
        "instance_id": launch.instance_id,
        "zone": launch.zone,
        "region": run.region,
        "market": launch.job.market,
        **({"embedded": True} if embedded else {}),
    }
    return {**info, "ec2": identity, "phases": launch.outcome.phases}


def describe_machines(run: RunOutcome, output: dict[str, Any]) -> None:
    """Gives a file that holds the results of a whole run the machine that made them; of several, all of them."""
    machines = {launch.job.name: machine_info(run, launch) for launch in run.finished if launch.outcome.lines}
    if len(machines) == 1:
        output["machine_info"] = next(iter(machines.values()))
    elif machines:
        output["machine_info"] = {"node": "several, see machines", "machines": machines}
    if run.embedded:
        output["embedded"] = True
