"""The states of instances, with delays and reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.embedded.conftest import World


def test_pending_comes_before_running(world: World) -> None:
    """RunInstances answers a pending instance, which then runs."""
    launched = world.run()
    assert launched["State"] == {"Code": 0, "Name": "pending"}
    world.wait_for(launched["InstanceId"], "running")


def test_terminate_passes_shutting_down(world: World) -> None:
    """A terminated instance was shutting down, says why, and stays describable."""
    instance = world.launch()
    world.wait_for(instance, "running")
    change = world.ec2.terminate_instances(InstanceIds=[instance])["TerminatingInstances"][0]
    assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("running", "shutting-down")
    assert world.state(instance) == "shutting-down"
    found = world.wait_for(instance, "terminated")
    assert found["StateReason"]["Code"] == "Client.UserInitiatedShutdown"
    assert found["StateTransitionReason"].startswith("User initiated (")


def test_terminate_twice_is_no_error(world: World) -> None:
    """TerminateInstances of a terminated instance says that it is terminated."""
    instance = world.launch()
    world.ec2.terminate_instances(InstanceIds=[instance])
    world.wait_for(instance, "terminated")
    change = world.ec2.terminate_instances(InstanceIds=[instance])["TerminatingInstances"][0]
    assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("terminated", "terminated")


def test_one_unknown_id_terminates_none(world: World) -> None:
    """TerminateInstances does all or nothing."""
    instance = world.launch()
    unknown = "i-0123456789abcdef0"
    found = world.error(world.ec2.terminate_instances, InstanceIds=[instance, unknown])
    assert found == ("InvalidInstanceID.NotFound", 400)
    world.wait_for(instance, "running")


def test_instance_that_ends_while_pending_never_runs(world: World) -> None:
    """Terminated while pending: its user data is not run."""
    instance = world.launch("#!/bin/sh\necho ran\n")
    world.ec2.terminate_instances(InstanceIds=[instance])
    world.wait_for(instance, "terminated")
    assert world.record(instance)["pid"] is None


def test_shutdown_by_the_instance_terminates_where_launched_so(world: World) -> None:
    """InstanceInitiatedShutdownBehavior=terminate."""
    instance = world.launch()
    world.wait_for(instance, "running")
    world.aws.control(f"instances/{instance}/poweroff", {})
    found = world.wait_for(instance, "terminated")
    assert found["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"
    assert found["StateTransitionReason"].startswith("Instance initiated")


def test_shutdown_by_the_instance_stops_otherwise(world: World) -> None:
    """InstanceInitiatedShutdownBehavior=stop, the default; a stopped instance can be terminated."""
    instance = world.run()["InstanceId"]
    world.wait_for(instance, "running")
    world.aws.control(f"instances/{instance}/poweroff", {})
    world.wait_for(instance, "stopped")
    world.ec2.terminate_instances(InstanceIds=[instance])
    world.wait_for(instance, "terminated")


def test_stop_and_start(world: World) -> None:
    """A stopped instance starts again and does not repeat its user data."""
    instance = world.launch("#!/bin/sh\necho first boot\n")
    world.wait_for_line(instance, "first boot")
    world.ec2.stop_instances(InstanceIds=[instance])
    world.wait_for(instance, "stopped")
    world.ec2.start_instances(InstanceIds=[instance])
    world.wait_for(instance, "running")
    assert world.console(instance).count("first boot") == 1


def test_spot_interruption_has_its_reason(world: World) -> None:
    """A spot instance that is interrupted is terminated by the server."""
    instance = world.launch(InstanceMarketOptions={"MarketType": "spot"})
    world.wait_for(instance, "running")
    world.aws.control(f"instances/{instance}/spot-kill", {})
    assert world.wait_for(instance, "terminated")["StateReason"]["Code"] == "Server.SpotInstanceTermination"
