"""The tables of a store, and the views of keys and trends."""

from typing import Any, Final

from sqlalchemy import JSON, Column, Date, DateTime, Integer, MetaData, String, Table, Text

METADATA: Final = MetaData()
# Case matters in an appid, which MariaDB's usual collation ignores.
_OPTIONS: Final[dict[str, Any]] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

WINDOWS: Final = Table(
    "history_windows",
    METADATA,
    Column("appid", String(64), primary_key=True),
    Column("api", String(64), primary_key=True),
    Column("params", String(255), primary_key=True),
    Column("span", String(16), primary_key=True),
    Column("first_day", Date, primary_key=True),
    Column("last_day", Date, nullable=False),
    Column("ref_date", String(17), nullable=False),
    Column("due", Date, comment="the day from which the answer may have a further key"),
    Column("asked", DateTime, nullable=False, comment="Beijing time"),
    Column("answer", JSON, nullable=False),
    **_OPTIONS,
)
"""One row for each window: WeChat's answer in its HTTPS form."""

FAILURES: Final = Table(
    "history_failures",
    METADATA,
    Column("appid", String(64), primary_key=True),
    Column("api", String(64), primary_key=True),
    Column("params", String(255), primary_key=True),
    Column("span", String(16), primary_key=True),
    Column("first_day", Date, primary_key=True),
    Column("last_day", Date, nullable=False),
    Column("asked", DateTime, nullable=False, comment="Beijing time"),
    Column("errcode", Integer, nullable=False),
    Column("errmsg", Text, nullable=False),
    **_OPTIONS,
)
"""The last error of each window that has no answer, or not its newest one."""

PAUSES: Final = Table(
    "history_pauses",
    METADATA,
    Column("appid", String(64), primary_key=True),
    Column("api", String(64), primary_key=True),
    Column("until", Date, nullable=False),
    **_OPTIONS,
)
"""The APIs of mini programs whose quota of the day is used up."""
