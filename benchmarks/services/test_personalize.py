"""Amazon Personalize: recommendations for a user. On an account the campaign is yours.

Its price is not confirmed, and a campaign bills a minimum of one request a second for as long as it exists.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark_aws.session.services.measure import ManagedService

CAMPAIGN = "SERVICES_PERSONALIZE_CAMPAIGN"
EMBEDDED = "arn:aws:personalize:{}:123456789012:campaign/embedded"
WANTED = 25


@pytest.mark.aws_service("personalize", price="personalize.recommendations")
def test_recommendations(service: Callable[[str], ManagedService]) -> None:
    """As many items as were asked for, each once, the likeliest first."""
    personalize = service("personalize")
    campaign = EMBEDDED.format(personalize.region) if personalize.embedded else os.environ.get(CAMPAIGN)
    if not campaign:
        pytest.skip(f"set {CAMPAIGN} to the ARN of your campaign")
    answer = personalize.time(
        lambda client: client.get_recommendations(campaignArn=campaign, userId="1", numResults=WANTED),
        {"operation": "GetRecommendations", "items": WANTED},
    )
    items = [item["itemId"] for item in answer["itemList"]]
    scores = [item["score"] for item in answer["itemList"] if "score" in item]
    assert 0 < len(items) == len(set(items)) <= WANTED
    assert scores == sorted(scores, reverse=True)
