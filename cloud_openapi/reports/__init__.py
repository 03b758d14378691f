"""Reports of the analysis of a mini program: answers as tables, charts, HTML, CSV and JSON."""

from cloud_openapi.reports._answers import Answer, is_shown, records, retained
from cloud_openapi.reports._charts import png_of, svg_of
from cloud_openapi.reports._cohorts import (
    cohort,
    retention_caption,
    retention_header,
    retention_row,
)
from cloud_openapi.reports._contents import (
    Bars,
    CohortTable,
    Content,
    Gap,
    Grid,
    GridRow,
    Section,
    Settings,
    content,
)
from cloud_openapi.reports._family import Report, reports
from cloud_openapi.reports._names import (
    INDEXES,
    METRICS,
    PAGE_FIELDS,
    PORTRAITS,
    key_meaning,
    key_names,
)
from cloud_openapi.reports._page import page_of

__all__ = [
    "INDEXES",
    "METRICS",
    "PAGE_FIELDS",
    "PORTRAITS",
    "Answer",
    "Bars",
    "CohortTable",
    "Content",
    "Gap",
    "Grid",
    "GridRow",
    "Report",
    "Section",
    "Settings",
    "cohort",
    "content",
    "is_shown",
    "key_meaning",
    "key_names",
    "page_of",
    "png_of",
    "records",
    "reports",
    "retained",
    "retention_caption",
    "retention_header",
    "retention_row",
    "svg_of",
]
