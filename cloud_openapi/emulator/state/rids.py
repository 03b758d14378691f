"""What was asked and answered under a rid; the newest ones only."""

import re
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from cloud_openapi.emulator.errors import RefusalError
from cloud_openapi.emulator.state.bounded_store import Newest
from cloud_openapi.emulator.state.journal import cleaned

_VALID_FOR = timedelta(days=7)
_REMEMBERED = 1000
_LONGEST = 2048
_FORM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}")


class Record(NamedTuple):
    """A request that was answered with a rid. It holds no token and no secret."""

    time: datetime
    appid: str | None
    cost_in_ms: int
    body: bytes
    answer: bytes
    client_ip: str

    def describe(self) -> dict[str, Any]:
        """Return the record as WeChat's ``request`` object."""
        return {
            "invoke_time": int(self.time.timestamp()),
            "cost_in_ms": self.cost_in_ms,
            "request_url": "access_token=***",
            "request_body": self.body.decode("utf-8", "replace"),
            "response_body": self.answer.decode("utf-8", "replace"),
            "client_ip": self.client_ip,
        }


class Rids:
    """The records by rid. Safe to share between threads."""

    def __init__(self) -> None:
        self._records: Newest[str, Record] = Newest()

    def add(self, rid: str, record: Record) -> None:
        """Keep a record, its bodies cut; the oldest of the same mini program makes room."""
        # Cleaned while it is whole: half of a token would not be known as one.
        body = cleaned(record.body)[:_LONGEST]
        cut = record._replace(body=body, answer=record.answer[:_LONGEST])
        weight = len(cut.body) + len(cut.answer)
        self._records.add(record.appid, rid, cut, _REMEMBERED, weight)

    def get(self, rid: str, appid: str) -> Record:
        """Return what a mini program's rid stands for. Raises RefusalError."""
        record = self._records.get(rid)
        if record is None:
            raise RefusalError(76001, "rid")
        if record.appid != appid:
            raise RefusalError(76003, "rid")
        return record

    def clear(self, appid: str | None = None) -> None:
        """Forget the records of one mini program, or all."""
        if appid is None:
            self._records.clear()
        else:
            self._records.forget(appid)


def checked_rid(rid: object, now: datetime) -> str:
    """Return what is a rid of the last seven days. Raises RefusalError."""
    if not isinstance(rid, str) or _FORM.fullmatch(rid) is None:
        raise RefusalError(76002, "rid")
    if int(rid[:8], 16) < (now - _VALID_FOR).timestamp():
        raise RefusalError(76004, "rid")
    return rid
