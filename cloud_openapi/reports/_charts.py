"""The charts of a report as SVG, and as PNG with the package resvg-py."""

import re
from collections.abc import Iterator

from cloud_openapi.charts import (
    Bar,
    Point,
    Translate,
    bar_svg,
    best_and_worst,
    curve_svg,
    english,
    heat_svg,
    stacked,
    svg_document,
    trend_svg,
)
from cloud_openapi.errors import ConfigError
from cloud_openapi.extras import install_command
from cloud_openapi.reports._contents import Bars, CohortTable, Content, Gap, Grid, Section

# Screens have two pixels a point.
_ZOOM = 2.0
_MOST_BARS = 40
# Compiled by re when a PNG is drawn: such a class of characters takes a millisecond.
_CHINESE = "[\u3400-\u9fff]"

_Charts = Iterator[tuple[str, str]]


def svg_of(report: Content, t: Translate = english) -> str:
    """Return all charts of a report as one SVG file. Raises ConfigError if there are none."""
    charts = [chart for section in report.sections for chart in charts_of(section, t)]
    if not charts:
        problems = dict.fromkeys(each.problem for each in report.sections if isinstance(each, Gap))
        raise ConfigError(f"There is nothing to draw: {'; '.join(problems)}.")
    return svg_document(stacked(charts), report.title)


def png_of(report: Content, t: Translate = english) -> bytes:
    """Return all charts of a report as a PNG.

    Raises ConfigError if there are none, or without the package resvg-py or a font with the texts.
    """
    svg = svg_of(report, t)
    try:
        # A report without a PNG does not need it.
        import resvg_py  # noqa: PLC0415
    except ModuleNotFoundError:
        raise ConfigError(
            f"A PNG needs the package resvg-py: {install_command('png')}. "
            "SVG and HTML need no package."
        ) from None

    draw = resvg_py.svg_to_bytes
    # Without a font both texts are blank, without its characters both are the same boxes.
    one, other = "中文" if re.search(_CHINESE, svg) else "01"
    if draw(svg_string=_of_text(one)) == draw(svg_string=_of_text(other)):
        raise ConfigError(
            f"A PNG would have texts without characters such as {one}, since this machine has no "
            "font for them. On Debian: apt-get install fonts-noto-cjk. "
            "SVG and HTML need no fonts here."
        )
    return bytes(draw(svg_string=svg, zoom=_ZOOM))


def _of_text(text: str) -> str:
    chart = f'<svg class="chart" width="40" height="20"><text y="15">{text}</text></svg>'
    return svg_document(chart, text)


def charts_of(section: Section, t: Translate = english) -> _Charts:
    """Yield the charts of a section as SVG, each with its heading."""
    if isinstance(section, CohortTable):
        span, show, caption = section.span, section.show, section.caption
        heat = heat_svg(section.cohorts, section.keys, caption=caption, span=span, show=show, t=t)
        yield "", heat
        yield from curves_of(section, t)
    elif isinstance(section, Grid):
        yield from _curves(section) if section.is_series else _pages(section)
    elif isinstance(section, Bars):
        yield "", bar_svg(section.bars[:_MOST_BARS], caption=section.caption)


def curves_of(section: CohortTable, t: Translate = english) -> _Charts:
    """Yield the curves of the average, the best and the worst cohort; none for a single key."""
    cohorts, keys, show = section.cohorts, section.keys, section.show
    if len(keys) > 2:  # noqa: PLR2004 - two keys make one point
        picked = best_and_worst(cohorts, keys[1], show) or ()
        caption = t("Average, best and worst", "平均、最高和最低")
        span = section.span
        yield caption, curve_svg(cohorts, picked, keys, caption=caption, span=span, show=show, t=t)


def _curves(section: Grid) -> _Charts:
    for name, title in section.columns.items():
        points = [Point(row.label, row.values.get(name)) for row in section.rows]
        heading = f"{title} ({name}), {section.caption}"
        yield heading, trend_svg(points, caption=heading)


def _pages(section: Grid) -> _Charts:
    for name, title in list(section.columns.items())[:1]:
        bars = [Bar("", row.label, row.values[name]) for row in section.rows if name in row.values]
        yield "", bar_svg(bars[:_MOST_BARS], caption=f"{title} ({name}), {section.caption}")
