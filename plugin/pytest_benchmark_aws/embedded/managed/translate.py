"""Amazon Translate: TranslateText, word for word by a small table that stands for its models."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.embedded.aws_error import AwsError
from pytest_benchmark_aws.embedded.managed.comprehend import language_of

if TYPE_CHECKING:
    from pytest_benchmark_aws.embedded.aws_request import AwsRequest

MOST_BYTES = 10_000
"""botocore's model, TranslateTextRequest.Text; AWS's news of 2022-12-29."""
_CODES = (
    "af sq am ar hy az bn bs bg ca zh zh-TW hr cs da fa-AF nl en et fa tl fi fr fr-CA ka de el gu ht ha he hi hu is id "
    "ga it ja kn kk ko lv lt mk ms ml mt mr mn no ps pl pt pt-PT pa ro ru sr si sk sl so es es-MX sw sv ta te th tr uk "
    "ur uz vi cy"
)
LANGUAGES = frozenset(_CODES.split())
"""Translate guide, "Supported languages and language codes"."""
_WORDS = {
    "de": "good=guten morning=Morgen the=das weather=Wetter is=ist beautiful=schön today=heute",
    "fr": "good=bon morning=matin the=le weather=temps is=est beautiful=beau today=aujourd'hui",
}


def check_size(request: AwsRequest) -> None:
    """Refuses a text that is too long; it is the service that says so, before its model's constraints."""
    size = len(str(request.document.get("Text", "")).encode())
    if size > MOST_BYTES:
        raise AwsError(
            "TextSizeLimitExceededException",
            f"Input text size exceeds limit. Max length of request text allowed is {MOST_BYTES} bytes while in this "
            f"request the text size is {size} bytes",
        )


def translate_text(request: AwsRequest) -> dict[str, Any]:
    """The answer to TranslateText; words that the table has not stay as they are."""
    document = request.document
    text, target = str(document["Text"]), str(document["TargetLanguageCode"])
    source = str(document["SourceLanguageCode"])
    source = language_of(text) if source == "auto" else source
    if source not in LANGUAGES or target not in LANGUAGES:
        raise AwsError(
            "UnsupportedLanguagePairException", f"Unsupported language pair: {source} to {target}. Target language "
            f"'{target}' is not supported for source language '{source}'",
        )  # fmt: skip
    table = dict(pair.split("=") for pair in _WORDS.get(target, "").split()) if source == "en" else {}

    def word(match: re.Match[str]) -> str:
        translated = table.get(match.group().lower(), match.group())
        return translated.capitalize() if match.group()[0].isupper() else translated

    return {
        "TranslatedText": re.sub(r"[A-Za-z]+", word, text),
        "SourceLanguageCode": source,
        "TargetLanguageCode": target,
    }
