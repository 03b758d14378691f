"""Charts as text: HTML tables and SVG of retention and trends, without a browser or a library."""

from cloud_openapi.charts._bars import Bar, bar_svg, bar_table
from cloud_openapi.charts._cohorts import Cohort, Show, average, best_and_worst
from cloud_openapi.charts._csv import csv_text
from cloud_openapi.charts._curves import curve_svg
from cloud_openapi.charts._heat import HeatLinks, heat_colour, heat_scale, heat_svg, heat_table
from cloud_openapi.charts._scale import Scale
from cloud_openapi.charts._style import COLOURS, HEAT_STEPS, STYLE, stacked, svg_document
from cloud_openapi.charts._trend import Point, trend_svg
from cloud_openapi.charts._words import (
    Translate,
    chinese,
    english,
    escaped,
    label,
    number_text,
    percent_text,
    range_label,
    short_label,
)

__all__ = [
    "COLOURS",
    "HEAT_STEPS",
    "STYLE",
    "Bar",
    "Cohort",
    "HeatLinks",
    "Point",
    "Scale",
    "Show",
    "Translate",
    "average",
    "bar_svg",
    "bar_table",
    "best_and_worst",
    "chinese",
    "csv_text",
    "curve_svg",
    "english",
    "escaped",
    "heat_colour",
    "heat_scale",
    "heat_svg",
    "heat_table",
    "label",
    "number_text",
    "percent_text",
    "range_label",
    "short_label",
    "stacked",
    "svg_document",
    "trend_svg",
]
