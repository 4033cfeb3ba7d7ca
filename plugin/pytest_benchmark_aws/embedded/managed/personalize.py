"""Amazon Personalize: GetRecommendations, by one campaign whose items are ranked by a user's name."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.embedded import moto_models
from pytest_benchmark_aws.embedded.aws_error import AwsError

if TYPE_CHECKING:
    from pytest_benchmark_aws.embedded.aws_request import AwsRequest

_ITEMS = tuple(f"item-{number}" for number in range(1000))
_DEFAULT, _MOST = 25, 500
"""botocore's model, GetRecommendationsRequest.numResults."""


def campaign(region: str) -> str:
    """The ARN of the only campaign that there is in a region."""
    partition = moto_models.partition(region)
    return f"arn:{partition}:personalize:{region}:{moto_models.ACCOUNT}:campaign/embedded"


def get_recommendations(request: AwsRequest) -> dict[str, Any]:
    """The answer to GetRecommendations: the scores of all items are 1 together, as the guide says."""
    document = request.document
    if not {"campaignArn", "recommenderArn"} & document.keys():
        raise AwsError("InvalidInputException", "Provide a campaignArn or a recommenderArn.")
    if document.get("campaignArn", document.get("recommenderArn")) != campaign(request.region):
        raise AwsError("ResourceNotFoundException", "The specified resource does not exist.", 404)
    if not {"userId", "itemId"} & document.keys():
        raise AwsError("InvalidInputException", "UserId is required for this recipe.")
    wanted = int(document.get("numResults", _DEFAULT))
    if wanted > _MOST:
        raise AwsError("InvalidInputException", f"numResults is {wanted}, at most {_MOST} are answered.")
    user = str(document.get("userId", document.get("itemId")))

    def rank(item: str) -> bytes:
        return hashlib.sha256(f"{user}/{item}".encode()).digest()

    total = sum(1 / place for place in range(1, len(_ITEMS) + 1))
    ranked = sorted(_ITEMS, key=rank)[:wanted]
    items = [{"itemId": item, "score": 1 / place / total} for place, item in enumerate(ranked, start=1)]
    return {"itemList": items, "recommendationId": f"RID-{hashlib.sha256(user.encode()).hexdigest()[:32]}"}
