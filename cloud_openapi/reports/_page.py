"""A report as one HTML file, without scripts and without other files."""

from cloud_openapi._version import __version__
from cloud_openapi.charts import (
    STYLE,
    Translate,
    bar_table,
    english,
    escaped,
    heat_table,
    number_text,
)
from cloud_openapi.reports._charts import charts_of, curves_of
from cloud_openapi.reports._contents import Bars, CohortTable, Content, Grid, Section

# The page may be opened from anywhere: it allows itself its own styles, and nothing else.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 1.5rem auto; padding: 0 1rem; max-width: 80rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.05rem; } footer { margin-top: 2rem; font-size: .85rem; }
.heat-scroll { max-height: none; }
"""


def page_of(report: Content, t: Translate = english) -> str:
    """Return a report as HTML."""
    title = escaped(report.title)
    language = t("en", "zh")
    return "".join(
        (
            f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title><style>{STYLE}{_STYLE}</style></head>",
            f"<body><main><h1>{title}</h1>",
            *(f"<p>{escaped(note)}</p>" for note in report.notes),
            *(_section(each, t) for each in report.sections),
            f"</main><footer>cloud-openapi {__version__}</footer></body></html>\n",
        )
    )


def _section(section: Section, t: Translate) -> str:
    if isinstance(section, CohortTable):
        table = heat_table(
            section.cohorts,
            section.keys,
            caption=section.caption,
            span=section.span,
            show=section.show,
            t=t,
        )
        return table + "".join(_figure(*each) for each in curves_of(section, t))
    if isinstance(section, Grid):
        charts = charts_of(section, t) if section.is_series else ()
        return _grid(section) + "".join(_figure(*each) for each in charts)
    if isinstance(section, Bars):
        table = bar_table(section.bars, caption=section.caption, key=section.key, t=t)
        return f"<section>{table}</section>"
    return f"<h2>{escaped(section.caption)}</h2><p>– {escaped(section.problem)}</p>"


def _figure(heading: str, chart: str) -> str:
    caption = escaped(heading)
    return (
        f'<h2>{caption}</h2><div class="chart-scroll" tabindex="0" role="region" '
        f'aria-label="{caption}">{chart}</div>'
    )


def _grid(section: Grid) -> str:
    heads = "".join(
        f'<th scope="col" title="{escaped(name)}">{escaped(title)}</th>'
        for name, title in section.columns.items()
    )
    rows = []
    for row in section.rows:
        if row.problem:
            text = f"– {escaped(row.problem)}"
            cells = f'<td class="problem" colspan="{len(section.columns) or 1}">{text}</td>'
        else:
            values = map(row.values.get, section.columns)
            cells = "".join(
                f"<td>{'–' if value is None else number_text(value)}</td>" for value in values
            )
        rows.append(f'<tr><th scope="row"><bdi>{escaped(row.label)}</bdi></th>{cells}</tr>')
    caption = escaped(section.caption)
    return (
        f'<div class="heat-scroll" tabindex="0" role="region" aria-label="{caption}">'
        f'<table class="heat"><caption>{caption}</caption><thead><tr>'
        f'<th scope="col">{escaped(section.first)}</th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
