"""Amazon Lex V2: RecognizeText, by one bot that orders pizza."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.embedded.aws_error import AwsError

if TYPE_CHECKING:
    from pytest_benchmark_aws.embedded.aws_request import AwsRequest

BOT = {"botId": "EMBEDDED01", "botAliasId": "TSTALIASID", "localeId": "en_US"}
"""The only bot that there is; TSTALIASID is the test alias that each bot has (Lex V2 guide, "Aliases")."""
_SIZES = ("small", "medium", "large")


def recognize_text(request: AwsRequest) -> dict[str, Any]:
    """The answer to RecognizeText: it asks for what it still lacks."""
    document = request.document
    if any(document[name] != value for name, value in BOT.items()):
        raise AwsError("ResourceNotFoundException", "BotAlias could not be found for the request.", 404)
    words = str(document["text"]).lower().split()
    size = next((word for word in _SIZES if word in words), None)
    orders = "pizza" in words
    slots = {"Size": {"value": {"originalValue": size, "interpretedValue": size, "resolvedValues": [size]}}}
    intent = {
        "name": "OrderPizza" if orders else "FallbackIntent",
        "slots": slots if orders and size else {},
        "state": "ReadyForFulfillment" if orders and size else "InProgress" if orders else "Failed",
        "confirmationState": "None",
    }
    action = {"type": "ElicitSlot", "slotToElicit": "Size"} if orders and not size else {"type": "Close"}
    said = "Which size?" if orders and not size else f"A {size} pizza it is." if orders else "I did not understand."
    return {
        "messages": [{"content": said, "contentType": "PlainText"}],
        "sessionState": {"dialogAction": action, "intent": intent, "sessionAttributes": {}},
        "interpretations": [
            {"intent": intent, "interpretationSource": "Lex", **({"nluConfidence": {"score": 0.9}} if orders else {})}
        ],
        "requestAttributes": document.get("requestAttributes", {}),
        "sessionId": document["sessionId"],
    }
