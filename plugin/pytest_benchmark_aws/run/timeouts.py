"""Every waiting time and number of tries of a run, each with its reason; a backend's own are in its ``limits``.

How long a launch may live beyond its time limit is its job's ``grace_s``, as the plan's most cost counts it.
"""

from __future__ import annotations

CLOUD_POLL_S = 5.0
"""Between two looks: a second's cost of the largest machine matters less than calls that AWS would throttle."""
EMBEDDED_POLL_S = 0.3
"""The same on embedded AWS, which throttles nobody and whose instances start within a second."""
CLOUD_BEAT_S, EMBEDDED_BEAT_S = 5.0, 0.5
"""Between two heartbeats of a guest: what a look shows is as fresh as the look."""
NEVER_SEEN_S = 300
"""A new launch is shown within seconds; one that is not there after this is taken for gone."""
UNHEARD_S = 120
"""A launch that was never confirmed was none, where none is shown for so long: twice what AWS is late at most."""
TERMINATE_S = 300
"""How long a launch may take to go before its id is reported."""
THROTTLED_ATTEMPTS = 6
"""Times that a launch is refused as AWS is asked too often: with waits of 2, 4, 8, 16 and 32 s about a minute."""
QUOTA_RELEASE_S, QUOTA_RETRY_S = 900, 30
"""How long after a launch's end its vCPUs may still count against the quota, minutes by cml #649 and over 19 for metal,
which is shutting down for as long; and between two tries meanwhile."""
LAUNCHES_A_LOOK = 4
"""Between two looks: a launch is paced, and what runs already must not wait for all others to start."""
SPOT_ATTEMPTS = 3
"""Launches of one job that AWS takes back before it is given up, or launched on demand where that was asked for."""


def backoff_s(attempt: int) -> float:
    """Seconds before the launch is asked for again after so many tries (from 1): doubled each time, 32 at most."""
    return 2.0 ** min(attempt, 5)
