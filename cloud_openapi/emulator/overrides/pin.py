"""A pin, and the check of its definition."""

import base64
import binascii
import json
from collections.abc import Collection, Mapping
from fnmatch import fnmatch
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import orjson

from cloud_openapi.catalogue import Catalogue, Operation
from cloud_openapi.catalogue.cloud_calls import cloud_calls, meant_call
from cloud_openapi.emulator.control_schemas import checked_input
from cloud_openapi.emulator.errors import (
    InvalidInputError,
    RefusalError,
    has_text,
    meant,
    text_of,
)
from cloud_openapi.emulator.raw_response import RawResponse, is_content_type

_ERROR: Final = {
    "type": "object",
    "properties": {"errcode": {"type": "integer"}, "errmsg": {"type": "string"}},
    "required": ["errcode"],
    "additionalProperties": False,
}
_FILE: Final = frozenset({"contentType", "base64"})
_SENT_FILE: Final = frozenset({"filename", "contentType", "size"})
_A_SENT_FILE: Final = '{"filename": "a.png", "contentType": "image/png", "size": 1234}'
_A_FILE: Final = 'a file such as {"contentType": "image/png", "base64": "iVBORw0KGgo="}'


class PinnedAnswer(NamedTuple):
    """A pinned answer: the fields of an `Answer`."""

    body: Any
    source: str
    status: int = HTTPStatus.OK
    raw: RawResponse | None = None


class Pin:
    """A pinned response, or several in turn, and the number of requests that it answered.

    The last of several is repeated, until ``times`` ends the pin. ``operation`` is None for an API
    that the catalogue lacks.
    """

    def __init__(
        self, number: int, definition: Mapping[str, Any], operation: Operation | None
    ) -> None:
        self.id = number
        self.api: str = definition["api"]
        self.appid: str | None = definition.get("appid")
        self.request: Mapping[str, Any] = definition.get("request", {})
        self.given = 0
        self._definition = definition
        self._operation = operation
        self._times: int | None = definition.get("times")
        self._responses = [response for _place, response in _placed(definition)]

    @property
    def over(self) -> bool:
        """Return whether the pin has answered ``times`` requests."""
        return self._times is not None and self.given >= self._times

    @property
    def upcoming(self) -> Any:
        """Return the next response, without using it."""
        return self._responses[min(self.given, len(self._responses) - 1)]

    def next(self) -> Any:
        """Return the next response."""
        response = self.upcoming
        self.given += 1
        return response

    def as_sent(self, response: Any) -> PinnedAnswer:
        """Return a response as it is sent: a file as bytes.

        Raises RefusalError for an error without a text, which gets WeChat's text and a rid.
        """
        source = f"pin {self.id}"
        if _is_error(response) and "errmsg" not in response:
            code = response["errcode"]
            raise RefusalError(code, source, text_of(code, _errors_of(self._operation)))
        if not _is_file(response, self._operation):
            return PinnedAnswer(response, source)
        content = base64.b64decode(response["base64"])
        raw = RawResponse(HTTPStatus.OK, "OK", response["contentType"], content)
        return PinnedAnswer({}, source, raw=raw)

    def describe(self) -> dict[str, Any]:
        """Return the definition as JSON, with the pin's ``id`` and its count, ``given``."""
        return {"id": self.id, **self._definition, "given": self.given}


def checked_pin(
    definition: Any, catalogue: Catalogue, appids: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return a copy of a valid definition. Raises InvalidInputError.

    A documented API that the catalogue lacks takes any request and response. ``"force": true``
    accepts any other name too, and a request or response that breaks the API's schema.
    """
    copy = _copied(definition)
    force = isinstance(copy, dict) and copy.get("force") is True
    known = dict.fromkeys((*catalogue, *sorted(cloud_calls())))
    given = checked_input("pin", copy, appid=appids)
    if not force and given["api"] not in known:
        raise InvalidInputError(
            f"api: WeChat documents no cloud call {given['api']!r}{meant(given['api'], known)} "
            '("force": true pins it anyway)'
        )
    operation = catalogue.get(given["api"])
    for place, response in _placed(given):
        _check_text(place, response, operation)
        if _is_file(response, operation):
            _check_file(place, response)
    if force:
        _check_spelling(given["api"], known)
    elif operation is not None:
        _check_request(given.get("request", {}), operation)
        for place, response in _placed(given):
            _check_response(place, response, operation)
    return given


def _check_spelling(api: str, known: Collection[str]) -> None:
    """Raise InvalidInputError for the name of an API that is probably misspelt."""
    meant = None if api in known else meant_call(api)
    if meant is not None and meant.rpartition(".")[0] == api.rpartition(".")[0]:
        raise InvalidInputError(f'api: {api} is not in the catalogue; did you mean "{meant}"?')


def _copied(definition: Any) -> Any:
    """Return a copy that the caller cannot change and that can be sent as JSON."""
    try:
        copy = json.loads(json.dumps(definition, allow_nan=False))
        orjson.dumps(copy)  # The library that writes responses.
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"a pin is JSON: {error}") from None
    return copy


def _check_request(request: Mapping[str, Any], operation: Operation) -> None:
    known = operation.schema("https", "request")["properties"]
    unknown = [name for name in request if name not in known]
    if unknown:
        raise InvalidInputError(
            f"request: {', '.join(unknown)}: {operation.name} takes {', '.join(known)} "
            '("force": true pins it anyway)'
        )
    for name in filter(request.__contains__, operation.files):
        value = request[name]
        if not (isinstance(value, dict) and value.keys() == _SENT_FILE):
            raise InvalidInputError(
                f"request.{name} is a file such as {_A_SENT_FILE}, of which all three must match "
                '("force": true pins it anyway)'
            )


def _placed(definition: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return each response with its place in the definition."""
    if "response" in definition:
        return [("response", definition["response"])]
    return [(f"responses[{n}]", response) for n, response in enumerate(definition["responses"])]


def _check_text(place: str, response: Any, operation: Operation | None) -> None:
    if not _is_error(response) or "errmsg" in response:
        return
    if not has_text(response["errcode"], _errors_of(operation)):
        raise InvalidInputError(
            f"{place}: errcode {response['errcode']!r} has no text here: give errmsg"
        )


def _check_file(place: str, response: Mapping[str, Any]) -> None:
    """Raise InvalidInputError for a file that cannot be sent."""
    kind, content = response["contentType"], response["base64"]
    if not (isinstance(kind, str) and is_content_type(kind)):
        raise InvalidInputError(f"{place}.contentType is a type such as image/png, not {kind!r}")
    try:
        base64.b64decode(content, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise InvalidInputError(f"{place}.base64 is the file's content: {error}") from None


def _check_response(place: str, response: Any, operation: Operation) -> None:
    if operation.binary and not _is_error(response):
        _check_type(place, response, operation)
        return
    # Slow to load; only pins need it.
    from jsonschema import Draft202012Validator, exceptions  # noqa: PLC0415

    schema = _ERROR if _is_error(response) else operation.schema("https", "response")
    error = exceptions.best_match(Draft202012Validator(schema).iter_errors(response))
    if error is not None:
        raise _not_so(f"{place}{error.json_path[1:]}: {error.message}", operation)


def _check_type(place: str, response: Any, operation: Operation) -> None:
    """Raise InvalidInputError for an answer that is not a file of the API's type."""
    if not _is_file(response, operation):
        raise _not_so(f"{place} is {_A_FILE}, or an errcode", operation)
    kind = operation.schema("https", "response")["contentMediaType"]
    if not fnmatch(response["contentType"], f"{kind.partition('/')[0]}/*"):
        raise _not_so(f"{place}.contentType is {kind}, not {response['contentType']}", operation)


def _not_so(mistake: str, operation: Operation) -> InvalidInputError:
    return InvalidInputError(
        f'{mistake}: {operation.name} does not answer so ("force": true pins it anyway)'
    )


def _is_file(response: Any, operation: Operation | None) -> bool:
    """Return whether a response stands for a file, which only some APIs answer."""
    binary = operation is None or operation.binary
    return binary and isinstance(response, dict) and response.keys() == _FILE


def _is_error(response: Any) -> bool:
    return isinstance(response, dict) and bool(response.get("errcode"))


def _errors_of(operation: Operation | None) -> Mapping[int, str]:
    return {} if operation is None else operation.errors
