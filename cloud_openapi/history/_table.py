"""Windows as a table: a row for each innermost object of an answer."""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.errors import ConfigError
from cloud_openapi.history._windows import Window
from cloud_openapi.json_schema.rows import rows_of


class Windows(Iterator[Window]):
    """An iterator of windows, which can also be read as a table.

    The columns are ``appid``, the ``begin`` and the ``end`` of the window, WeChat's fields, and
    ``errcode``. A window without an answer or without data is one row without fields. Where
    answers have several lists, ``users`` and ``group`` have the names of the row's lists.
    """

    def __init__(self, windows: Iterator[Window]) -> None:
        self._windows = windows

    def __next__(self) -> Window:
        return next(self._windows)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of the table; a row lacks the fields that its object lacks."""
        for window in self:
            yield from _rows(window)

    def to_pandas(self) -> Any:
        """Return the table as a DataFrame of pandas. Raises ConfigError without pandas."""
        pandas = _installed("pandas")
        rows = list(self.rows())
        frame = pandas.DataFrame.from_records(rows, columns=_columns(rows)).convert_dtypes()
        return frame.astype({"begin": "datetime64[s]", "end": "datetime64[s]", "errcode": "Int64"})

    def to_polars(self) -> Any:
        """Return the table as a DataFrame of polars. Raises ConfigError without polars."""
        polars = _installed("polars")
        rows = list(self.rows())
        columns = dict.fromkeys(_columns(rows))
        known = {"appid": polars.String, "begin": polars.Date, "end": polars.Date}
        schema = columns | known | {"errcode": polars.Int64}
        return polars.DataFrame(rows, schema=schema, infer_schema_length=None)


def _columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the columns in the order in which the rows have them, the code last."""
    names = dict.fromkeys(("appid", "begin", "end"))
    for row in rows:
        names.update(dict.fromkeys(row))
    return [*(name for name in names if name != "errcode"), "errcode"]


def _installed(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ConfigError(
            f"This needs {name}, which is not installed: pip install {name}"
        ) from None


def _rows(window: Window) -> Iterator[dict[str, Any]]:
    period = window.period
    row = {"appid": window.appid, "begin": period.begin, "end": period.end}
    code = window.error.errCode if window.error else None
    schema = default_catalogue()[window.api].schema("https", "response")
    found = list(rows_of(window.answer, schema)) if window.answer else []
    # A window without data has a row, too: its fields are missing, not zero.
    return ({**row, **fields, "errcode": code} for fields in found or [{}])
