"""Amazon Translate: from one language to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.services import texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark_aws.session.services.measure import ManagedService


@pytest.mark.aws_service("translate", price="translate.text", units=len(texts.LETTER))
def test_translate_text(service: Callable[[str], ManagedService]) -> None:
    """A greeting in English, whose language is told, is a greeting in German."""
    answer = service("translate").time(
        lambda translate: translate.translate_text(
            Text=texts.LETTER, SourceLanguageCode="auto", TargetLanguageCode="de"
        ),
        {"operation": "TranslateText", "characters": len(texts.LETTER)},
    )
    assert (answer["SourceLanguageCode"], answer["TargetLanguageCode"]) == ("en", "de")
    assert "guten morgen" in answer["TranslatedText"].lower()
