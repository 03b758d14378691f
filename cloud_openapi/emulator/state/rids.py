"""The newest requests and answers by rid."""

import re
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from cloud_openapi.emulator.errors import RefusalError
from cloud_openapi.emulator.state.bounded_store import BoundedStore
from cloud_openapi.masking import mask_json

_VALID_FOR = timedelta(days=7)
_MOST_RECORDS = 1000
_BODY_LIMIT = 2048
_FORM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}")


class Record(NamedTuple):
    """A request that was answered with a rid, without tokens and secrets."""

    time: datetime
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
    """The newest records of one mini program by rid. Safe to share between threads."""

    def __init__(self) -> None:
        self._records: BoundedStore[str, Record] = BoundedStore(_MOST_RECORDS)

    def add(self, rid: str, record: Record) -> None:
        """Keep a record with its bodies cut; the oldest is evicted."""
        # Masked before the cut: half a token would not be recognised.
        body = mask_json(record.body)[:_BODY_LIMIT]
        cut = record._replace(body=body, answer=record.answer[:_BODY_LIMIT])
        self._records.add(rid, cut, len(cut.body) + len(cut.answer))

    def get(self, rid: str) -> Record | None:
        """Return the record of a rid, or None if it is unknown or evicted."""
        return self._records.get(rid)


def checked_rid(rid: object, now: datetime) -> str:
    """Return a valid rid of the last seven days. Raises RefusalError."""
    if not isinstance(rid, str) or _FORM.fullmatch(rid) is None:
        raise RefusalError(76002, "rid")
    if int(rid[:8], 16) < (now - _VALID_FOR).timestamp():
        raise RefusalError(76004, "rid")
    return rid
