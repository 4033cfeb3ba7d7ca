"""Comprehend, Translate, Lex V2 and Personalize, by real clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

BOT = {"botId": "EMBEDDED01", "botAliasId": "TSTALIASID", "localeId": "en_US", "sessionId": "tests"}
CAMPAIGN = "arn:aws:personalize:us-east-1:123456789012:campaign/embedded"


@pytest.mark.parametrize(
    ("text", "sentiment"),
    [
        ("We love this wonderful place.", "POSITIVE"),
        ("The room was dirty and the staff rude.", "NEGATIVE"),
        ("The train leaves at nine.", "NEUTRAL"),
        ("I love the room and hate the noise.", "MIXED"),
    ],
)
def test_sentiment(client: Callable[..., Any], text: str, sentiment: str) -> None:
    """Good and bad words decide; the scores are 1 together."""
    answer = client("comprehend").detect_sentiment(Text=text, LanguageCode="en")
    assert answer["Sentiment"] == sentiment
    assert sum(answer["SentimentScore"].values()) == pytest.approx(1, abs=0.01)


def test_entities_are_where_they_stand(client: Callable[..., Any]) -> None:
    """Offsets count characters, not bytes."""
    text = "Älteste Briefe: Maria Lopez of Amazon flew to Paris on June 3, 2026."
    entities = client("comprehend").detect_entities(Text=text, LanguageCode="en")["Entities"]
    assert [(entity["Type"], entity["Text"]) for entity in entities] == [
        ("PERSON", "Maria Lopez"), ("ORGANIZATION", "Amazon"), ("LOCATION", "Paris"), ("DATE", "June 3, 2026"),
    ]  # fmt: skip
    assert all(text[entity["BeginOffset"] : entity["EndOffset"]] == entity["Text"] for entity in entities)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The weather is beautiful and the sea is calm", "en"),
        ("Das Wetter ist schön und die See ist ruhig", "de"),
        ("Le temps est beau et la mer est calme", "fr"),
        ("El tiempo es bueno y la mar es con calma", "es"),
    ],
)
def test_language(client: Callable[..., Any], text: str, code: str) -> None:
    """The language is told."""
    assert client("comprehend").detect_dominant_language(Text=text)["Languages"][0]["LanguageCode"] == code


@pytest.mark.parametrize(
    ("operation", "request_", "code"),
    [
        ("detect_sentiment", {"Text": "x" * 5001, "LanguageCode": "en"}, "TextSizeLimitExceededException"),
        ("detect_sentiment", {"Text": "ä" * 2501, "LanguageCode": "en"}, "TextSizeLimitExceededException"),
        ("detect_sentiment", {"Text": "", "LanguageCode": "en"}, "ValidationException"),
        ("detect_sentiment", {"Text": "x", "LanguageCode": "xx"}, "ValidationException"),
        ("detect_sentiment", {"Text": "x"}, "ValidationException"),
        ("detect_entities", {"Text": "x" * 100_001, "LanguageCode": "en"}, "TextSizeLimitExceededException"),
        ("detect_entities", {"LanguageCode": "en"}, "InvalidRequestException"),
        ("detect_dominant_language", {"Text": "too short"}, "InvalidRequestException"),
        ("detect_dominant_language", {"Text": "x" * 100_001}, "TextSizeLimitExceededException"),
    ],
)
def test_limits_of_comprehend(
    client: Callable[..., Any],
    refused: Callable[..., tuple[str, str]],
    operation: str,
    request_: dict[str, Any],
    code: str,
) -> None:
    """Text of any size at the limit passes; more is refused by its code."""
    assert refused(getattr(client("comprehend"), operation), **request_)[0] == code


def test_text_at_the_limit_passes(client: Callable[..., Any]) -> None:
    """5,000 bytes are read, and so are 10,000 of Translate."""
    assert client("comprehend").detect_sentiment(Text="x" * 5000, LanguageCode="en")["Sentiment"] == "NEUTRAL"
    answer = client("translate").translate_text(Text="x" * 10_000, SourceLanguageCode="en", TargetLanguageCode="de")
    assert len(answer["TranslatedText"]) == 10_000


@pytest.mark.parametrize(
    ("target", "translated"), [("de", "Guten Morgen"), ("fr", "Bon matin"), ("it", "Good morning")]
)
def test_translation(client: Callable[..., Any], target: str, translated: str) -> None:
    """Words that the table has are translated, the others stay; the source's language is told."""
    answer = client("translate").translate_text(
        Text="Good morning", SourceLanguageCode="auto", TargetLanguageCode=target
    )
    assert (answer["TranslatedText"], answer["SourceLanguageCode"]) == (translated, "en")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Text": "x" * 10_001}, "TextSizeLimitExceededException"),
        ({"Text": "ä" * 5_001}, "TextSizeLimitExceededException"),
        ({"TargetLanguageCode": "xx"}, "UnsupportedLanguagePairException"),
        ({"SourceLanguageCode": "xx"}, "UnsupportedLanguagePairException"),
        ({"Text": ""}, "ValidationException"),
        ({"Settings": {"Formality": "RUDE"}}, "ValidationException"),
    ],
)
def test_limits_of_translate(
    client: Callable[..., Any], refused: Callable[..., tuple[str, str]], change: dict[str, Any], code: str
) -> None:
    """What passes a limit is refused by its code."""
    request = {"Text": "x", "SourceLanguageCode": "en", "TargetLanguageCode": "de", **change}
    assert refused(client("translate").translate_text, **request)[0] == code


def test_bot_asks_for_what_it_lacks(client: Callable[..., Any]) -> None:
    """Without a size it asks for one; with it the order is ready; anything else is the fallback intent."""
    lex = client("lexv2-runtime")
    states = [
        lex.recognize_text(**BOT, text=text)["sessionState"]["intent"]
        for text in ("I want a pizza", "A large pizza please", "What time is it")
    ]
    assert [(state["name"], state["state"]) for state in states] == [
        ("OrderPizza", "InProgress"), ("OrderPizza", "ReadyForFulfillment"), ("FallbackIntent", "Failed"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"botId": "ABCDEFGHIJ"}, "ResourceNotFoundException"),
        ({"localeId": "de_DE"}, "ResourceNotFoundException"),
        ({"text": "x" * 1025}, "ValidationException"),
        ({"sessionId": "x"}, "ValidationException"),
    ],
)
def test_limits_of_lex(
    client: Callable[..., Any], refused: Callable[..., tuple[str, str]], change: dict[str, Any], code: str
) -> None:
    """What passes a limit is refused by its code."""
    assert refused(client("lexv2-runtime").recognize_text, **{**BOT, "text": "pizza", **change})[0] == code


def test_recommendations_are_each_users_own(client: Callable[..., Any]) -> None:
    """25 by default, the likeliest first, the same for the same user."""
    personalize = client("personalize-runtime")
    first, again, other = (
        personalize.get_recommendations(campaignArn=CAMPAIGN, userId=user)["itemList"] for user in ("1", "1", "2")
    )
    assert len(first) == 25
    assert first == again != other
    assert sum(item["score"] for item in first) < 1


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"userId": "1"}, "InvalidInputException"),
        ({"campaignArn": CAMPAIGN}, "InvalidInputException"),
        ({"campaignArn": CAMPAIGN, "userId": "1", "numResults": 501}, "InvalidInputException"),
        ({"campaignArn": CAMPAIGN + "x", "userId": "1"}, "ResourceNotFoundException"),
        ({"campaignArn": "no arn", "userId": "1"}, "ValidationException"),
        ({"campaignArn": CAMPAIGN, "userId": "x" * 257}, "ValidationException"),
    ],
)
def test_limits_of_personalize(
    client: Callable[..., Any], refused: Callable[..., tuple[str, str]], request_: dict[str, Any], code: str
) -> None:
    """What passes a limit is refused by its code."""
    assert refused(client("personalize-runtime").get_recommendations, **request_)[0] == code
