"""What a pin is, and which definitions of one are good."""

import json
from collections.abc import Mapping
from typing import Any, Final

import orjson

from cloud_openapi.catalogue import Catalogue, Operation
from cloud_openapi.emulator.errors import TEXTS, InvalidInputError
from cloud_openapi.json_schema.values import is_integer

_FIELDS: Final = ("api", "request", "response", "responses", "appid", "times", "force")
_EXAMPLE: Final = (
    'a pin is an object such as {"api": "analysis.getDailyRetain", '
    '"request": {"begin_date": "20260310"}, "response": {"errcode": 61504}}'
)
_ERROR: Final = {
    "type": "object",
    "properties": {"errcode": {"type": "integer"}, "errmsg": {"type": "string"}},
    "required": ["errcode"],
    "additionalProperties": False,
}


class Pin:
    """An answer that was pinned, or several in turn, and how often it was given.

    The last of several goes on for ever, unless ``times`` ends it.
    """

    def __init__(self, number: int, definition: Mapping[str, Any]) -> None:
        self.id = number
        self.api: str = definition["api"]
        self.appid: str | None = definition.get("appid")
        self.request: Mapping[str, Any] = definition.get("request", {})
        self.given = 0
        self._definition = definition
        self._times: int | None = definition.get("times")
        self._responses = _responses(definition)

    @property
    def over(self) -> bool:
        """Say whether it has answered as often as it was to."""
        return self._times is not None and self.given >= self._times

    def next(self) -> Any:
        """Return the next answer."""
        answer = self._responses[min(self.given, len(self._responses) - 1)]
        self.given += 1
        return answer

    def describe(self) -> dict[str, Any]:
        """Return the definition, as JSON, with the number and how often the pin has answered."""
        return {"id": self.id, **self._definition, "given": self.given}


def checked(definition: Any, catalogue: Catalogue, appids: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a definition that is good.

    Raises ValueError, which says what is wrong and what is allowed. What breaks the API's schema
    is let through with ``"force": true``.
    """
    definition = _copied(definition)
    if not isinstance(definition, dict):
        raise InvalidInputError(_EXAMPLE)
    unknown = [str(name) for name in definition if name not in _FIELDS]
    if unknown:
        raise InvalidInputError(f"{', '.join(unknown)}: a pin has {', '.join(_FIELDS)}")
    operation = _operation(definition.get("api"), catalogue)
    appid = definition.get("appid")
    if appid is not None and not (isinstance(appid, str) and appid in appids):
        raise InvalidInputError(f"appid is a mini program of the emulator, not {appid!r}")
    _check_times(definition.get("times"))
    force = definition.get("force", False)
    if not isinstance(force, bool):
        raise InvalidInputError(f"force is true or false, not {force!r}")
    _check_request(definition.get("request", {}), operation, force=force)
    for place, response in _placed(definition):
        _check_response(place, response, operation, force=force)
    left_out = {name for name in ("appid", "times") if definition.get(name) is None}
    return {name: value for name, value in definition.items() if name not in left_out}


def _copied(definition: Any) -> Any:
    """Return a copy that nobody else can change, and that can be sent."""
    try:
        copy = json.loads(json.dumps(definition, allow_nan=False))
        orjson.dumps(copy)  # which writes the answers
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"a pin is JSON: {error}") from None
    return copy


def _operation(api: Any, catalogue: Catalogue) -> Operation:
    if isinstance(api, str) and api in catalogue:
        return catalogue[api]
    raise InvalidInputError(f"api is one of {', '.join(catalogue)}, not {api!r}")


def _check_times(times: Any) -> None:
    if times is not None and not is_integer(times, 1):
        raise InvalidInputError(f"times is a whole number of at least 1, not {times!r}")


def _check_request(request: Any, operation: Operation, *, force: bool) -> None:
    if not isinstance(request, dict):
        raise InvalidInputError(f"request is an object of parameters, not {request!r}")
    known = operation.schema("https", "request")["properties"]
    unknown = [name for name in request if name not in known]
    if unknown and not force:
        raise InvalidInputError(
            f"request: {', '.join(unknown)}: {operation.name} takes {', '.join(known)} "
            '("force": true pins it all the same)'
        )


def _responses(definition: Mapping[str, Any]) -> list[Any]:
    return [response for _, response in _placed(definition)]


def _placed(definition: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return each answer with its place in the definition."""
    if ("response" in definition) == ("responses" in definition):
        raise InvalidInputError("a pin has either response or responses, which is a list")
    if "response" in definition:
        return [("response", definition["response"])]
    responses = definition["responses"]
    if not isinstance(responses, list) or not responses:
        raise InvalidInputError("responses is a list of at least one answer")
    return [(f"responses[{number}]", response) for number, response in enumerate(responses)]


def _check_response(place: str, response: Any, operation: Operation, *, force: bool) -> None:
    is_error = isinstance(response, dict) and bool(response.get("errcode"))
    if is_error and "errmsg" not in response and not _has_text(response["errcode"]):
        raise InvalidInputError(
            f"{place}: errcode {response['errcode']!r} has no text here: give errmsg"
        )
    if force:
        return
    # Loaded for those who pin only.
    from jsonschema import Draft202012Validator, exceptions  # noqa: PLC0415

    schema = _ERROR if is_error else operation.schema("https", "response")
    error = exceptions.best_match(Draft202012Validator(schema).iter_errors(response))
    if error is not None:
        raise InvalidInputError(
            f"{place}{error.json_path[1:]}: {error.message}: {operation.name} does not answer so "
            '("force": true pins it all the same)'
        )


def _has_text(errcode: Any) -> bool:
    return isinstance(errcode, int) and errcode in TEXTS
