"""The page as HTML: one file that loads nothing, and lets nothing but its own style and script run."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from importlib.resources import files

from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.report.html.charts.chart import Chart
from pytest_benchmark_aws.report.html.charts.drawing import svg_for_page
from pytest_benchmark_aws.report.html.charts.vega import ACCENT, GRID, INK, MUTED
from pytest_benchmark_aws.report.html.machine_styles import OTHER, STYLES
from pytest_benchmark_aws.report.html.managed_services import HEADER
from pytest_benchmark_aws.report.html.page import Page

SHOWN_FIRST = 100
"""Rows of the big table before ``show more``; without scripts all are shown."""
_GROUNDS = (
    ("ground", "#f6f7f9", "#14181d"),
    ("card", "#ffffff", "#1b2027"),
    ("edge", "#7d8690", "#6e7883"),
    ("hover", "#eef1f4", "#252c35"),
)
_INKS = (("ink", INK), ("muted", MUTED), ("grid", GRID), ("accent", ACCENT))
_DARK = {INK: "#e8ebef", MUTED: "#9aa5b1", GRID: "#343b44", ACCENT: "#ff9d5c"}


def need_extra() -> None:
    """Refuses at once where the report's libraries are missing.

    Raises:
        PlanError: at least one is, with the command that installs them.
    """
    try:
        import jinja2  # noqa: F401
        import vl_convert  # noqa: F401
    except ImportError as error:
        raise PlanError(f"a report needs {error.name}: pip install jinja2 vl-convert-python") from None


def render(page: Page, draw: Callable[[Chart], str] = svg_for_page) -> str:
    """The whole HTML document; the same page gives the same text. ``draw`` makes the markup of a chart."""
    import jinja2
    from markupsafe import Markup

    folder = files("pytest_benchmark_aws") / "report" / "html"
    style = palette() + (folder / "page.css").read_text(encoding="utf-8") + _aligned(page)
    script = (folder / "page.js").read_text(encoding="utf-8")
    # Undefined names are errors; everything but what is marked as markup below is escaped.
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string((folder / "page.html.j2").read_text(encoding="utf-8"))

    def drawn(chart: Chart) -> object:
        return Markup(draw(chart))

    return template.render(
        page=page,
        style=Markup(style),
        script=Markup(script),
        policy=policy(style, script),
        draw=drawn,
        shown_first=SHOWN_FIRST,
        services_header=HEADER,
    )


def policy(style: str, script: str) -> str:
    """The Content-Security-Policy that allows this style sheet and this script, and nothing from anywhere."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def palette() -> str:
    """The colours as custom properties, light and dark, and rules that turn the charts' colours into them."""
    pairs = [(f"s{number}", style.light, style.dark) for number, style in enumerate(STYLES, 1)]
    pairs.append(("s0", OTHER.light, OTHER.dark))
    pairs += [(name, light, _DARK[light]) for name, light in _INKS]
    properties = (*pairs, *_GROUNDS)
    light = "".join(f"--{name}:{light};" for name, light, _ in properties)
    dark = "".join(f"--{name}:{dark};" for name, _, dark in properties)
    rules = [
        f":root{{{light}}}",
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}",
        f":root[data-theme=dark]{{{dark}}}",
    ]
    for name, light, _ in pairs:
        rules += [f'.chart [{paint}="{light}"]{{{paint}:var(--{name})}}' for paint in ("fill", "stroke")]
    for number, style in enumerate((OTHER, *STYLES)):
        rules.append(f'.g{number}::before{{content:"{style.glyph}";content:"{style.glyph}"/"";color:var(--s{number})}}')
        rules.append(f'.g{number}.hollow::before{{content:"{style.hollow}";content:"{style.hollow}"/""}}')
    return "\n".join(rules) + "\n"


def _aligned(page: Page) -> str:
    """The rules that align the table's left columns: a class for each of its cells would be a tenth of the page."""
    return "".join(
        f".big :is(td,th):nth-child({number}){{text-align:left}}\n"
        for number, column in enumerate(page.columns, 1)
        if column.left
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
