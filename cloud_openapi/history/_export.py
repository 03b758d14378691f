"""Write stored answers to a file, as rows that a spreadsheet or a data frame can read."""

import csv
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, Final

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.drafts import draft_of, naming
from cloud_openapi.errors import ConfigError, UsageError
from cloud_openapi.history._days import EARLIEST, LATEST, Day
from cloud_openapi.history._store import DEFAULT_STORE, Store
from cloud_openapi.history._stored import stored
from cloud_openapi.json_text import json_text
from cloud_openapi.reports import records

Row = Mapping[str, Any]
_AT_ONCE: Final = 10_000
_KINDS: Final = ("date", "integer", "number", "text")
# The columns of every export, also of one without rows, by their place in the kinds.
_COMMON: Final = {"appid": 3, "ref_date": 3, "first_day": 0, "last_day": 0}


def export(  # noqa: PLR0913 - each selects rows
    api: str,
    path: str | Path,
    begin: Day = EARLIEST,
    end: Day = LATEST,
    appid: str | Collection[str] | None = None,
    *,
    store: Store | str = DEFAULT_STORE,
    params: Mapping[str, Any] | None = None,
    days: int = 1,
) -> int:
    """Write the stored windows of an API to a file, and return the number of rows.

    The file's name ends with .csv, .jsonl or .parquet, which needs pyarrow or polars. A row has
    ``appid``, ``ref_date``, ``first_day`` and ``last_day`` of its window, and the plain fields of
    one innermost object of the answer. The file appears when it is complete.

    Raises ConfigError for other names and values, StoreError if the database fails, OSError if the
    file cannot be written.
    """
    path = Path(path)
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        raise UsageError(f"{path.name}: the name of an export ends with {', '.join(_WRITERS)}")
    operation = default_catalogue().find(api)

    def rows() -> Iterator[Row]:
        found = stored(api, begin, end, appid, store=store, params=params, days=days)
        for window in found:
            common = {
                "appid": window.appid,
                "ref_date": window.ref,
                "first_day": window.period.begin,
                "last_day": window.period.end,
            }
            for row in records(operation, window.answer or {}):
                yield {**common, **{k: v for k, v in row.items() if k not in common}}

    # The first look finds the columns: an answer may have fields that no other one has.
    columns, number = _columns(rows())
    with naming(path), draft_of(path) as draft:
        write(draft, columns, rows())
    return number


def _columns(rows: Iterator[Row]) -> tuple[dict[str, str], int]:
    """Return the kind of each column, the widest of its values', and the number of rows."""
    kinds = dict(_COMMON)
    number = 0
    for row in rows:
        number += 1
        for name, value in row.items():
            kinds[name] = max(kinds.get(name, 0), _kind(value))
    return {name: _KINDS[kind] for name, kind in kinds.items()}, number


def _kind(value: Any) -> int:
    if value is None or isinstance(value, date):
        return 0
    if isinstance(value, int) and not isinstance(value, bool):
        return 1 if -(2**63) <= value < 2**63 else 3
    return 2 if isinstance(value, float) else 3


def _write_csv(path: Path, columns: Mapping[str, str], rows: Iterator[Row]) -> None:
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def _write_lines(path: Path, _columns: Mapping[str, str], rows: Iterator[Row]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            plain = {k: v.isoformat() if isinstance(v, date) else v for k, v in row.items()}
            file.write(json_text(plain, compact=True) + "\n")


def _write_parquet(path: Path, columns: Mapping[str, str], rows: Iterator[Row]) -> None:
    try:
        _write_by_pyarrow(path, columns, rows)
    except ModuleNotFoundError:
        try:
            _write_by_polars(path, columns, rows)
        except ModuleNotFoundError:
            raise ConfigError(
                "Parquet needs pyarrow or polars: pip install pyarrow, or export .csv or .jsonl"
            ) from None


def _write_by_pyarrow(path: Path, columns: Mapping[str, str], rows: Iterator[Row]) -> None:
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    types = {"date": pa.date32(), "integer": pa.int64(), "number": pa.float64()}
    schema = pa.schema([(name, types.get(kind, pa.string())) for name, kind in columns.items()])
    with parquet.ParquetWriter(path, schema) as writer:
        while part := _part(columns, rows):
            writer.write_table(pa.table(part, schema=schema))


def _write_by_polars(path: Path, columns: Mapping[str, str], rows: Iterator[Row]) -> None:
    import polars as pl  # noqa: PLC0415

    types = {"date": pl.Date, "integer": pl.Int64, "number": pl.Float64}
    schema = {name: types.get(kind, pl.String) for name, kind in columns.items()}
    parts = [pl.DataFrame(schema=schema)]
    while part := _part(columns, rows):
        parts.append(pl.DataFrame(part, schema=schema))
    pl.concat(parts).write_parquet(path)


def _part(columns: Mapping[str, str], rows: Iterator[Row]) -> dict[str, list[Any]]:
    """Return the next rows by columns, empty at the end."""
    part = list(islice(rows, _AT_ONCE))
    texts = {name for name, kind in columns.items() if kind == "text"}
    if not part:
        return {}
    return {
        name: [_text(row.get(name)) if name in texts else row.get(name) for row in part]
        for name in columns
    }


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json_text(value)


_WRITERS: Final[Mapping[str, Callable[[Path, Mapping[str, str], Iterator[Row]], None]]] = {
    ".csv": _write_csv,
    ".jsonl": _write_lines,
    ".parquet": _write_parquet,
}
