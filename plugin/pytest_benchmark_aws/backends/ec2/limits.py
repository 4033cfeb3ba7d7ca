"""What EC2 asks of its callers in time, each with its reason; what a run waits for is in ``run/timeouts``."""

from __future__ import annotations

LEAST_BILLED_S = 60.0
"""EC2 bills Linux by the second, a minute at least (EC2's on-demand pricing)."""
SHOWN_S = 120.0
"""EC2 shows an instance within seconds; one that is not there for longer is gone."""
METAL_START_S = 1200
"""A metal type is pending for up to 20 minutes (pycloudlib #192)."""
FORGOTTEN_S = 300.0
"""An instance that was launched before this and is not shown is over for about an hour: EC2 shows it no more."""
PACE_BURST, PACE_S = 5, 0.5
"""RunInstances has a bucket of 5 calls that refills at 2 a second (EC2's API throttling)."""
AGENT_URL_S = 3600
"""How long the URL in the user data fetches the agent: an instance fetches it within minutes of its launch."""
