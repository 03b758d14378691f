"""The answers of a range of days, weeks or months: fetched at once, and kept in a database.

`fetch` calls the service; `sync` keeps what it answers; `stored` reads what is kept. A database
needs the extra ``history``, which is loaded when it is used.
"""

from typing import TYPE_CHECKING, Any

from cloud_openapi.errors import ConfigError
from cloud_openapi.history._clock import Clock
from cloud_openapi.history._fetch import fetch
from cloud_openapi.history._series import Series
from cloud_openapi.history._table import Windows
from cloud_openapi.history._windows import Window

if TYPE_CHECKING:
    from cloud_openapi.history._export import export
    from cloud_openapi.history._status import Status, status
    from cloud_openapi.history._store import DEFAULT_STORE, Store, StoreError
    from cloud_openapi.history._stored import stored
    from cloud_openapi.history._sync import Failure, Progress, sync
    from cloud_openapi.history._warehouse import dlt_source

__all__ = [
    "DEFAULT_STORE",
    "Clock",
    "Failure",
    "Progress",
    "Series",
    "Status",
    "Store",
    "StoreError",
    "Window",
    "Windows",
    "dlt_source",
    "export",
    "fetch",
    "status",
    "stored",
    "sync",
]

_PLACES = {
    "DEFAULT_STORE": "_store",
    "Store": "_store",
    "StoreError": "_store",
    "Status": "_status",
    "dlt_source": "_warehouse",
    "export": "_export",
    "status": "_status",
    "stored": "_stored",
    "Failure": "_sync",
    "Progress": "_sync",
    "sync": "_sync",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    try:
        module = import_module(f"{__name__}.{_PLACES[name]}")
    except ModuleNotFoundError as error:
        if error.name != "sqlalchemy":
            raise
        from cloud_openapi.extras import install_command  # noqa: PLC0415

        raise ConfigError(
            f"The store of a history needs SQLAlchemy: {install_command('history')}"
        ) from None
    return getattr(module, name)
