"""A pin, and the check of its definition."""

import json
from collections.abc import Mapping
from typing import Any, Final

import orjson

from cloud_openapi.catalogue import Catalogue, Operation
from cloud_openapi.emulator.control_schemas import checked_input
from cloud_openapi.emulator.errors import TEXTS, InvalidInputError

_ERROR: Final = {
    "type": "object",
    "properties": {"errcode": {"type": "integer"}, "errmsg": {"type": "string"}},
    "required": ["errcode"],
    "additionalProperties": False,
}


class Pin:
    """A pinned response, or several in turn, and the number of requests that it answered.

    The last of several is repeated, until ``times`` ends the pin.
    """

    def __init__(self, number: int, definition: Mapping[str, Any]) -> None:
        self.id = number
        self.api: str = definition["api"]
        self.appid: str | None = definition.get("appid")
        self.request: Mapping[str, Any] = definition.get("request", {})
        self.given = 0
        self._definition = definition
        self._times: int | None = definition.get("times")
        self._responses = [response for _place, response in _placed(definition)]

    @property
    def over(self) -> bool:
        """Return whether the pin has answered ``times`` requests."""
        return self._times is not None and self.given >= self._times

    def next(self) -> Any:
        """Return the next response."""
        response = self._responses[min(self.given, len(self._responses) - 1)]
        self.given += 1
        return response

    def describe(self) -> dict[str, Any]:
        """Return the definition as JSON, with the pin's ``id`` and its count, ``given``."""
        return {"id": self.id, **self._definition, "given": self.given}


def checked_pin(
    definition: Any, catalogue: Catalogue, appids: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return a copy of a valid definition. Raises InvalidInputError.

    ``"force": true`` accepts a request or response that breaks the API's schema, and an API that
    the catalogue lacks.
    """
    copy = _copied(definition)
    force = isinstance(copy, dict) and copy.get("force") is True
    given = checked_input("pin", copy, appid=appids, **({} if force else {"api": catalogue}))
    for place, response in _placed(given):
        _check_text(place, response)
    if force:
        _check_spelling(given["api"], catalogue)
    else:
        operation = catalogue[given["api"]]
        _check_request(given.get("request", {}), operation)
        for place, response in _placed(given):
            _check_response(place, response, operation)
    return given


def _check_spelling(api: str, catalogue: Catalogue) -> None:
    """Raise InvalidInputError for the name of an API that is probably misspelt."""
    nearest = None if api in catalogue else catalogue.nearest(api)
    if nearest is not None and nearest.partition(".")[0] == api.partition(".")[0]:
        raise InvalidInputError(f'api: {api} is not in the catalogue; did you mean "{nearest}"?')


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


def _placed(definition: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return each response with its place in the definition."""
    if "response" in definition:
        return [("response", definition["response"])]
    return [(f"responses[{n}]", response) for n, response in enumerate(definition["responses"])]


def _check_text(place: str, response: Any) -> None:
    if _is_error(response) and "errmsg" not in response and not _has_text(response["errcode"]):
        raise InvalidInputError(
            f"{place}: errcode {response['errcode']!r} has no text here: give errmsg"
        )


def _check_response(place: str, response: Any, operation: Operation) -> None:
    # Slow to load; only pins need it.
    from jsonschema import Draft202012Validator, exceptions  # noqa: PLC0415

    schema = _ERROR if _is_error(response) else operation.schema("https", "response")
    error = exceptions.best_match(Draft202012Validator(schema).iter_errors(response))
    if error is not None:
        raise InvalidInputError(
            f"{place}{error.json_path[1:]}: {error.message}: {operation.name} does not answer so "
            '("force": true pins it anyway)'
        )


def _is_error(response: Any) -> bool:
    return isinstance(response, dict) and bool(response.get("errcode"))


def _has_text(errcode: Any) -> bool:
    return isinstance(errcode, int) and errcode in TEXTS
