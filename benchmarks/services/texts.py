"""Texts of stated length."""

from __future__ import annotations

import math

SENTENCE = (
    "Every launch of this benchmark is measured on a machine of its own, and what it cost is written beside the time. "
)
REVIEW = (
    "We love this wonderful hotel in Paris: the staff was excellent and the breakfast a delight. "
    "Maria Lopez of Amazon booked it for us on June 3, 2026."
)
LETTER = "Good morning, the weather is beautiful today."
ORDER = "I would like to order a large pizza"


def of_length(characters: int) -> str:
    """A text of that many characters."""
    return (SENTENCE * math.ceil(characters / len(SENTENCE)))[:characters]


SPOKEN = of_length(120)


def comprehend_units(text: str) -> int:
    """What Comprehend bills a text for: units of 100 characters, 3 at least (aws.amazon.com/comprehend/pricing)."""
    return max(3, math.ceil(len(text) / 100))
