"""CSV, also for spreadsheets, which read a text as a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(
    header: Sequence[str], rows: Iterable[Sequence[object]], *, spreadsheet: bool = False
) -> bytes:
    """Return CSV in UTF-8, with lines that end as RFC 4180 says.

    For a ``spreadsheet`` the file begins with a byte order mark, without which Excel reads Chinese
    wrongly, and a text that would be a formula begins with an apostrophe.
    """
    written = io.StringIO()
    writer = csv.writer(written)
    for row in (header, *rows):
        writer.writerow([_harmless(value) for value in row] if spreadsheet else row)
    return written.getvalue().encode("utf-8-sig" if spreadsheet else "utf-8", "replace")


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
