"""What tells machines apart in every chart and table of a page: a name, a colour and a shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_benchmark_aws.core.compare.tables import Table
from pytest_benchmark_aws.report.text import printable, short

LONGEST = 28
"""Characters of a machine's name in a chart, before Vega would cut its end off."""


@dataclass(frozen=True, slots=True)
class Style:
    """A colour on light and on dark ground, and the shape that goes with it."""

    light: str
    dark: str
    shape: str
    """The name of one of Vega's point marks."""
    glyph: str
    """The same shape as a character."""
    hollow: str
    """The same, hollow, for machines of embedded AWS."""


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
"""The style of all machines beyond the palette, as a hue that repeats would make two machines look like one."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How one machine is shown."""

    name: str
    """The machine's name in full, harmless to print."""
    label: str
    """The name in a chart: short, and different from every other machine's."""
    number: int
    """The place in STYLES, from 1; 0 for OTHER."""

    @property
    def style(self) -> Style:
        """The colours and the shape."""
        return STYLES[self.number - 1] if self.number else OTHER


def marks_of(tables: Iterable[Table]) -> dict[str, Mark]:
    """Machine's name -> mark, for a whole page; the machines that are chosen most often get a colour of their own."""
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
    """Machine's name -> label; labels that shortening made the same get a number."""
    labels: dict[str, str] = {}
    for name in names:
        label = short(printable(name))
        count = 1
        while label in labels.values():
            count += 1
            label = short(printable(name), LONGEST - 4) + f" #{count}"
        labels[name] = label
    return labels
