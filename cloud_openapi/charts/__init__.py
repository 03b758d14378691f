"""Charts as text: HTML tables and SVG of retention and trends, without a browser or a library."""

from cloud_openapi.charts._bars import Bar, bar_table
from cloud_openapi.charts._cohorts import Cohort, Show, average, best_and_worst
from cloud_openapi.charts._csv import csv_text
from cloud_openapi.charts._curves import curve_svg
from cloud_openapi.charts._heat import HeatLinks, heat_svg, heat_table
from cloud_openapi.charts._style import STYLE, svg_document
from cloud_openapi.charts._trend import Point, trend_svg
from cloud_openapi.charts._words import Translate, chinese, english

__all__ = [
    "STYLE",
    "Bar",
    "Cohort",
    "HeatLinks",
    "Point",
    "Show",
    "Translate",
    "average",
    "bar_table",
    "best_and_worst",
    "chinese",
    "csv_text",
    "curve_svg",
    "english",
    "heat_svg",
    "heat_table",
    "svg_document",
    "trend_svg",
]
