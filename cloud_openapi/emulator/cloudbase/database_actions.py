"""Actions of the cloud database at the gateway: answers, failures, and what the journal shows."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, NamedTuple

import orjson

from cloud_openapi.emulator.cloudbase.gateway_fields import FailedActionError
from cloud_openapi.emulator.database.actions import ACTIONS, Answer, answer
from cloud_openapi.emulator.database.database import Database
from cloud_openapi.emulator.database.failures import DatabaseError
from cloud_openapi.emulator.database.request import Fields
from cloud_openapi.emulator.json_response import json_bytes
from cloud_openapi.emulator.state.journal import BODY_LIMIT
from cloud_openapi.json_text import read_json_body
from cloud_openapi.runtime import new_request_id

# Tokens and what every request has are left out.
_SHOWN: Final = (
    *("collectionName", "transactionId", "queryType", "query", "projection", "order", "offset"),
    *("limit", "stages", "_id", "data", "multi", "merge", "upsert", "instance", "database"),
)


class AnsweredAction(NamedTuple):
    """The body of an answer, and the request and the answer as the journal shows them.

    ``warnings`` are what a developer may not expect of it.
    """

    body: bytes
    request: str
    shown: bytes
    warnings: list[str]


def answer_action(
    database: Database, action: str, fields: Mapping[str, Any], options: str | None
) -> AnsweredAction | None:
    """Answer an action, None if it is unknown. Raises FailedActionError.

    ``options`` are those of the commands in reasons, None omits them.
    """
    if action not in ACTIONS:
        return None
    given = Fields(fields, database.decoder())
    try:
        found = answer(database, action, given)
    except DatabaseError as error:
        request = _shown(fields, given.decoded)
        reasons = error.reason_with(options), given.untranslated
        reason = ": ".join(filter(None, reasons))
        raise FailedActionError(error.code, error.message, reason, request) from None
    data = {} if found.data is None else {"data": found.data}
    body = json_bytes({"requestId": new_request_id(), **data, **found.beside})
    shown = _json(lambda embed: _answer(found, embed))[:BODY_LIMIT]
    warnings = [*filter(None, (given.untranslated, found.warning))]
    return AnsweredAction(body, _shown(fields, given.decoded), shown, warnings)


_Embed = Callable[[str], Any]
"""Makes a JSON value of a JSON text."""


def _json(build: Callable[[_Embed], Any]) -> bytes:
    """Return a value with texts of Extended JSON inside as JSON, if possible without parsing."""
    try:
        return orjson.dumps(build(orjson.Fragment))
    except TypeError:
        # Half a surrogate pair that a request had.
        return json_bytes(build(read_json_body))


def _answer(found: Answer, embed: _Embed) -> dict[str, Any]:
    """Return an answer as the journal shows it, with its documents as JSON."""
    data = found.data
    given = data if isinstance(data, dict) else {} if data is None else {"document": data}
    texts = ("list", "doc", "document")
    shown = {
        name: _readable(each, embed) if name in texts else each for name, each in given.items()
    }
    return {"count": found.documents, **shown, **found.beside}


def _shown(fields: Mapping[str, Any], decoded: Collection[str]) -> str:
    """Return the fields of an action as JSON; the texts of ``decoded`` fields are JSON, too."""
    shown = _json(lambda embed: _request(fields, decoded, embed))
    return shown[:BODY_LIMIT].decode("utf-8", "replace")


def _request(fields: Mapping[str, Any], decoded: Collection[str], embed: _Embed) -> dict[str, Any]:
    shown = {name: fields[name] for name in _SHOWN if fields.get(name) is not None}
    for name in shown.keys() & decoded:
        if name == "stages":
            stages = ((each["stageKey"], each["stageValue"]) for each in shown[name])
            shown[name] = [{key: _embedded(content, embed)} for key, content in stages]
        elif name == "data":
            shown[name] = _readable(shown[name], embed)
        else:
            shown[name] = _embedded(shown[name], embed)
    return shown


def _readable(value: Any, embed: _Embed) -> Any:
    """Return a text of Extended JSON, and those in a list, as JSON."""
    if isinstance(value, list):
        return [_embedded(each, embed) for each in value]
    return _embedded(value, embed)


def _embedded(value: Any, embed: _Embed) -> Any:
    """Return a text of Extended JSON as JSON, and any other value as it is."""
    return embed(value) if isinstance(value, str) else value
