"""A source of dlt, which loads a store into a warehouse."""

from collections.abc import Iterator, Sequence
from typing import Any

from cloud_openapi.errors import ConfigError
from cloud_openapi.history._series import Series
from cloud_openapi.history._store import DEFAULT_STORE, Store
from cloud_openapi.history._windows import Window


def dlt_source(apis: Sequence[str | Series], store: Store | str = DEFAULT_STORE) -> Any:
    """Return a source of dlt's with a table for each API and a row for each window.

    A retention has a column for each key, such as ``visit_uv_7``, and a trend one for each number;
    other answers are JSON in ``answer``. A run loads the windows that were asked for since the last
    one, in place of their former rows. dlt's telemetry is switched off.

    Raises ConfigError without the package dlt, and for a store without windows.
    """
    try:
        import dlt  # noqa: PLC0415
    except ModuleNotFoundError:
        raise ConfigError("A source of dlt's needs the package dlt: pip install dlt") from None
    dlt.config["runtime.dlthub_telemetry"] = False
    opened = Store(store, create=False) if isinstance(store, str) else store

    def resource(series: Series) -> Any:
        # The merge by key drops what two runs have in common; an empty key says so to dlt.
        newest: Any = dlt.sources.incremental("asked", primary_key=())

        def windows(asked: Any = newest) -> Iterator[dict[str, Any]]:
            for window in opened.asked_since(series, asked.last_value):
                yield wide(window, series)

        return dlt.resource(
            windows,
            name=series.api.rpartition(".")[2],
            write_disposition="merge",
            primary_key=("appid", "span", "first_day", "params"),
            columns={"answer": {"data_type": "json"}},
        )

    named = [Series(each) if isinstance(each, str) else each for each in apis]
    return dlt.source(lambda: [resource(each) for each in named], name="cloud_openapi")()


def wide(window: Window, series: Series) -> dict[str, Any]:
    """Return a window as one row of a warehouse."""
    answer: Any = window.answer or {}
    row: dict[str, Any] = {
        "appid": window.appid,
        "span": series.span,
        "params": window.params,
        "first_day": window.period.begin,
        "last_day": window.period.end,
        "ref_date": window.ref,
        "asked": window.asked,
    }
    for field in series.operation.keyed:
        row |= {f"{field}_{each['key']}": each["value"] for each in answer.get(field, ())}
    rows = answer.get("list")
    if not series.operation.keyed and set(answer) == {"list"} and len(rows) == 1:
        return {**rows[0], **row}
    return row if series.operation.keyed else {**row, "answer": answer}
