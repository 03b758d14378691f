"""Actions of the cloud database at the gateway: answers, failures, and what the journal shows."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from cloud_openapi.emulator.cloudbase.gateway_fields import FailedActionError
from cloud_openapi.emulator.database.actions import ACTIONS, answer
from cloud_openapi.emulator.database.database import Database
from cloud_openapi.emulator.database.failures import DatabaseError
from cloud_openapi.emulator.json_response import json_bytes
from cloud_openapi.emulator.state.journal import BODY_LIMIT
from cloud_openapi.json_text import read_json_body
from cloud_openapi.runtime import new_request_id

# Tokens and what every request has are left out.
_SHOWN: Final = (
    *("collectionName", "transactionId", "queryType", "query", "projection", "order", "offset"),
    *("limit", "stages", "_id", "data", "multi", "merge", "upsert", "instance", "database"),
)
_TEXTS: Final = ("query", "projection", "order", "data")


class AnsweredAction(NamedTuple):
    """The body of an answer, and the request and the answer as the journal shows them."""

    body: bytes
    request: str
    shown: bytes
    warning: str


def answer_action(
    database: Database, action: str, fields: Mapping[str, Any]
) -> AnsweredAction | None:
    """Answer an action, None if it is unknown. Raises FailedActionError."""
    if action not in ACTIONS:
        return None
    try:
        found = answer(database, action, fields)
    except DatabaseError as error:
        request = _shown(fields, valid=False)
        raise FailedActionError(error.code, error.message, error.reason, request) from None
    data = {} if found.data is None else {"data": found.data}
    body = json_bytes({"requestId": new_request_id(), **data, **found.beside})
    shown = json_bytes({"count": found.documents, **_shown_data(found.data), **found.beside})
    request = _shown(fields, valid=True)
    return AnsweredAction(body, request, shown[:BODY_LIMIT], found.warning)


def _shown(fields: Mapping[str, Any], *, valid: bool) -> str:
    """Return the fields of an action as JSON; ``valid`` says that its texts could be read."""
    shown = {name: fields[name] for name in _SHOWN if fields.get(name) is not None}
    for name in _TEXTS:
        if name in shown:
            shown[name] = _readable(shown[name], valid=valid)
    if valid and "stages" in shown:
        stages = ((each["stageKey"], each["stageValue"]) for each in shown["stages"])
        shown["stages"] = [{name: _readable(content)} for name, content in stages]
    return json_bytes(shown)[:BODY_LIMIT].decode("utf-8", "replace")


def _shown_data(data: Any) -> dict[str, Any]:
    """Return the data of an answer with its documents as JSON."""
    given = data if isinstance(data, dict) else {} if data is None else {"document": data}
    texts = ("list", "doc", "document")
    return {name: _readable(each) if name in texts else each for name, each in given.items()}


def _readable(value: Any, *, valid: bool = True) -> Any:
    """Return a text of Extended JSON, and those in a list, as JSON."""
    if isinstance(value, list):
        return [_readable(each, valid=valid) for each in value]
    return (
        orjson.Fragment(value) if isinstance(value, str) and (valid or _is_json(value)) else value
    )


def _is_json(text: str) -> bool:
    try:
        read_json_body(text)
    except ValueError:
        return False
    return True
