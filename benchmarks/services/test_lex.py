"""Amazon Lex V2: a sentence to a bot. On an account the bot is yours, and orders a pizza or whatever it does."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from benchmarks.services import texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark_aws.session.services.measure import ManagedService

BOT = "SERVICES_LEX_BOT"
EMBEDDED = "EMBEDDED01/TSTALIASID/en_US"


@pytest.mark.aws_service("lex", price="lex.text")
def test_recognize_text(service: Callable[[str], ManagedService]) -> None:
    """The bot answers with an intent."""
    lex = service("lex")
    bot = EMBEDDED if lex.embedded else os.environ.get(BOT, "")
    if bot.count("/") != 2:
        pytest.skip(f"set {BOT} to your bot as BOT/ALIAS/LOCALE, such as {EMBEDDED}")
    bot_id, alias, locale = bot.split("/")
    answer = lex.time(
        lambda client: client.recognize_text(
            botId=bot_id, botAliasId=alias, localeId=locale, sessionId="benchmark", text=texts.ORDER
        ),
        {"operation": "RecognizeText", "characters": len(texts.ORDER)},
    )
    intent = answer["sessionState"]["intent"]["name"]
    assert intent == "OrderPizza" if lex.embedded else intent
