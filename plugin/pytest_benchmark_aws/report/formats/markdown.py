"""The comparison as GitHub's Markdown, as a comment of a pull request."""

from __future__ import annotations

import html
import re

from pytest_benchmark_aws.report.columns import titled
from pytest_benchmark_aws.report.formats.view import View
from pytest_benchmark_aws.report.text import printable

_LIVE = re.compile(r"(@|#(?=\d)|\bGH-(?=\d)|\bwww(?=\.)|\b(?:https?|ftp|mailto|xmpp)(?=:))", re.IGNORECASE)
"""What GitHub makes a mention or a link of, escaped or not (GitHub Flavored Markdown, 6.9; "Autolinked references")."""
_APART = "\u200b"
"""A blank of no width behind it leaves the text as it looks, and nothing to press."""
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~@])")


def render(view: View) -> str:
    """A heading and a table for each section; the gate first, as that is what the comment is for."""
    lines: list[str] = []
    if view.gate:
        lines += [f"- {escaped(line.strip())}" for line in view.gate] + [""]
    for section in view.sections:
        lines += [f"### {escaped(section.title)}", ""]
        lines.append(
            "| " + " | ".join(escaped(titled(column, section.unit, view.how)) for column in view.columns) + " |"
        )
        lines.append("|" + "|".join(" :-- " if column.left else " --: " for column in view.columns) + "|")
        for row in section.rows:
            cells = [escaped(column.shown(row)) for column in view.columns]
            lines.append(
                "| "
                + " | ".join(f"**{cell}**" if row.is_best and not place else cell for place, cell in enumerate(cells))
                + " |"
            )
        cases = dict.fromkeys(row.case for row in section.rows)
        answers = [line for case in cases for line in view.answers.get(case, ())]
        lines += ["", *(f"- → {escaped(line)}" for line in answers), *([""] if answers else [])]
    lines += [f"<sub>{escaped(note)}</sub><br>" for note in view.notes]
    lines += [f"> left out: {escaped(line)}" for line in view.refused]
    return "\n".join(lines).rstrip() + "\n"


def escaped(text: str) -> str:
    """The text as itself: no markup, no HTML, no mention of anybody, on one line."""
    return _LIVE.sub(rf"\1{_APART}", _SPECIAL.sub(r"\\\1", html.escape(printable(text), quote=False)))
