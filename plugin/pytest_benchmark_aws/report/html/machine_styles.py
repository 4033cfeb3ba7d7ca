"""What tells machines apart in every chart and table of a page: a name, a colour and a shape."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_benchmark_aws.report.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_benchmark_aws.core.compare.tables import Table

LONGEST = 28
"""Characters of a machine's name in a chart: what is longer loses its middle, before Vega would cut its end off."""


@dataclass(frozen=True, slots=True)
class Style:
    """A colour on light and on dark ground, and the shape that goes with it."""

    light: str
    dark: str
    shape: str
    """Of Vega's point marks."""
    glyph: str
    """The same shape as a character."""
    hollow: str
    """And for what is embedded AWS's."""


# Any two differ by 10 or more in CIELAB under simulated protanopia and deuteranopia (Machado et al. 2009), and each
# has 3:1 or more against its ground (WCAG 2.2, 1.4.11); no red or green is told by its colour alone, for the shapes.
STYLES = (
    Style("#1157bb", "#4f86e6", "circle", "●", "○"),
    Style("#1f8a57", "#35dd8e", "square", "■", "□"),
    Style("#8f1258", "#f0479a", "triangle-up", "▲", "△"),
    Style("#93801a", "#ead75e", "diamond", "◆", "◇"),
    Style("#2b8fc9", "#7fe0fd", "triangle-down", "▼", "▽"),
    Style("#4b2f91", "#c9a8ff", "cross", "✚", "✛"),
    Style("#b02318", "#f2603c", "triangle-right", "▶", "▷"),
)
OTHER = Style("#5a6672", "#a0aab5", "circle", "•", "◦")
"""Of machines beyond the palette: hues that repeat would tell two machines to be one."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How one machine is shown."""

    name: str
    """In full, harmless to print."""
    label: str
    """In a chart: short, and of no other machine."""
    number: int
    """From 1, in STYLES; 0 for OTHER."""

    @property
    def style(self) -> Style:
        """The colours and the shape."""
        return STYLES[self.number - 1] if self.number else OTHER


def marks_of(tables: Iterable[Table]) -> dict[str, Mark]:
    """Machine's name -> mark, the same all over a page; those that are chosen most often have a colour each."""
    seen: Counter[str] = Counter()
    for table in tables:
        for row in table.rows:
            seen[row.machine.name] += 1 + 100 * len(row.choice)
    ranked = sorted(seen, key=lambda name: (-seen[name], name))
    # Within the palette by name, so that one more result changes as little as it can.
    named = sorted(ranked[: len(STYLES)])
    number = {name: place for place, name in enumerate(named, 1)}
    labels = _labels(sorted(seen))
    return {name: Mark(printable(name), labels[name], number.get(name, 0)) for name in sorted(seen)}


def _labels(names: Iterable[str]) -> Mapping[str, str]:
    taken: dict[str, str] = {}
    for name in names:
        label = short(printable(name))
        count = 1
        while label in taken.values():
            count += 1
            label = short(printable(name), LONGEST - 4) + f" #{count}"
        taken[name] = label
    return taken


def short(text: str, most: int = LONGEST) -> str:
    """The text with its middle left out where it is long: the end, as in ``(embedded)``, says what a figure is."""
    if len(text) <= most:
        return text
    tail = most * 2 // 5
    return f"{text[: most - tail - 1]}…{text[-tail:]}"
