"""Amazon Comprehend: sentiment, entities and language of a text, told by lists of words that stand for its models."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.embedded.aws_error import AwsError

if TYPE_CHECKING:
    from pytest_benchmark_aws.embedded.aws_request import AwsRequest

MOST_BYTES = {"DetectSentiment": 5_000, "DetectEntities": 100_000, "DetectDominantLanguage": 100_000}
"""Of UTF-8: 5 KB and 100 KB (botocore's model, the requests' Text)."""
_LEAST_CHARACTERS = 20
"""DetectDominantLanguageRequest.Text, botocore's model."""
_GOOD = frozenset({"beautiful", "best", "delight", "excellent", "good", "great", "happy", "love", "wonderful"})
_BAD = frozenset({"awful", "bad", "broken", "dirty", "hate", "rude", "sad", "terrible", "worst"})
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_ENTITIES = (
    ("DATE", rf"(?:{_MONTHS}) \d{{1,2}}, \d{{4}}"),
    ("LOCATION", r"Paris|Berlin|London|Seattle"),
    ("ORGANIZATION", r"Amazon|AWS|United Nations"),
    ("PERSON", r"[A-Z][a-z]+ [A-Z][a-z]+"),
)
_LANGUAGES = {
    "en": "the and is of to on was with a in",
    "de": "der die das und ist nicht auf ein mit von",
    "fr": "le la les et est dans un une avec de",
    "es": "el los y es en una con por que del",
}


def check_size(request: AwsRequest) -> None:
    """Refuses a text that is too long, before anything else is said of it."""
    size = len(str(request.document.get("Text", "")).encode())
    if size > MOST_BYTES[request.action]:
        raise AwsError(
            "TextSizeLimitExceededException",
            f"Input text size exceeds limit. Max length of request text allowed is {MOST_BYTES[request.action]} bytes "
            f"while in this request the text size is {size} bytes",
        )


def detect_sentiment(request: AwsRequest) -> dict[str, Any]:
    """The answer to DetectSentiment: the scores are shares of the words of each list."""
    check_size(request)
    words = re.findall(r"[a-z]+", str(request.document["Text"]).lower())
    good, bad = (sum(word in words_of for word in words) for words_of in (_GOOD, _BAD))
    total = good + bad + 0.2
    mixed = min(good, bad) / total
    scores = {
        "Positive": (good - min(good, bad)) / total,
        "Negative": (bad - min(good, bad)) / total,
        "Neutral": 0.2 / total,
        "Mixed": 2 * mixed,
    }
    return {"Sentiment": max(scores, key=lambda name: scores[name]).upper(), "SentimentScore": scores}


def detect_entities(request: AwsRequest) -> dict[str, Any]:
    """The answer to DetectEntities; offsets count characters from 0."""
    check_size(request)
    text, taken = str(request.document.get("Text", "")), [False] * 100_001
    if not text:
        raise AwsError("InvalidRequestException", "embedded Comprehend takes Text, and no Bytes")
    entities = []
    for kind, pattern in _ENTITIES:
        for match in re.finditer(pattern, text):
            if not any(taken[match.start() : match.end()]):
                taken[match.start() : match.end()] = [True] * len(match.group())
                begin, end = match.span()
                entities.append(
                    {"Score": 0.99, "Type": kind, "Text": match.group(), "BeginOffset": begin, "EndOffset": end}
                )
    return {"Entities": sorted(entities, key=lambda entity: int(str(entity["BeginOffset"])))}


def detect_dominant_language(request: AwsRequest) -> dict[str, Any]:
    """The answer to DetectDominantLanguage."""
    check_size(request)
    text = str(request.document["Text"])
    if len(text) < _LEAST_CHARACTERS:
        raise AwsError("InvalidRequestException", f"The text has {len(text)} characters, give {_LEAST_CHARACTERS}.")
    return {"Languages": [{"LanguageCode": language_of(text), "Score": 0.99}]}


def language_of(text: str) -> str:
    """The language whose small words a text has most of; English without any."""
    words = re.findall(r"\w+", text.lower())
    counts = {code: sum(word in small.split() for word in words) for code, small in _LANGUAGES.items()}
    return max(counts, key=lambda code: counts[code])
