"""One cloud call, from its parameters to its result."""

from collections.abc import Mapping
from typing import Any

from cloud_openapi.catalogue import Operation
from cloud_openapi.errors import CloudSDKError, advice
from cloud_openapi.naming import camel_to_snake, snake_to_camel, to_camel_case, to_snake_case
from cloud_openapi.permissions import Permissions
from cloud_openapi.transports import Transport, bad_body

ENVELOPE = frozenset({"errcode", "errmsg"})
"""The fields of an answer that a result does not have."""


class Client:
    """Makes calls by one transport, within the permissions of one config.json.

    With ``permissions=None`` the service decides, as the CloudBase gateway does.
    """

    def __init__(self, permissions: Permissions | None, transport: Transport) -> None:
        self._permissions = permissions
        self._transport = transport

    def __repr__(self) -> str:
        source = "the service" if self._permissions is None else self._permissions.source
        return f"<Client {self._transport}, permissions of {source}>"

    def call(
        self, operation: Operation, params: Mapping[str, Any], *, convert: bool
    ) -> dict[str, Any]:
        """Return the result in the cloud-call form; ``convert=False`` keeps WeChat's names.

        Raises CloudSDKError for a missing permission, for an error of WeChat's, and without a
        response. The permission is checked before the parameters, as on the platform.
        """
        if self._permissions is not None and operation.name not in self._permissions:
            raise self._permissions.denial(operation.name)
        answer = self._transport.send(operation, to_snake_case(params) if convert else params)
        code = answer.get("errcode")
        if code:
            hint = _hint(operation, code, params, convert=convert)
            text = answer.get("errmsg", "")
            raise CloudSDKError(code, f"openapi.{operation.name}:fail {text}", hint)
        body = {name: value for name, value in answer.items() if name not in ENVELOPE}
        try:
            result: dict[str, Any] = to_camel_case(body) if convert else body
        except RecursionError:
            raise bad_body("(nested too deep)").failure(operation.name) from None
        result["errMsg"] = f"openapi.{operation.name}:ok"
        return result


def _hint(operation: Operation, code: int, params: Mapping[str, Any], *, convert: bool) -> str:
    words = [advice(code)]
    rename = snake_to_camel if convert else None
    words += [rule.describe(rename) for rule in operation.rules if code in rule.CODES]
    if convert:
        words.append(_renamed(operation, params))
    return " ".join(filter(None, words))


def _renamed(operation: Operation, params: Mapping[str, Any]) -> str:
    """Return advice for parameters that HTTPS spells with capitals, such as roomId."""
    sent = to_snake_case(dict.fromkeys(params))
    for name in operation.schema("https", "request")["properties"]:
        snake = camel_to_snake(name)
        if snake != name and snake in sent:
            return (
                f"WeChat's name is {name}, but the call sent {snake}, as wx-server-sdk does. "
                f"To keep the names: cloud.openapi(convertCase=False).{operation.name}(…)"
            )
    return ""
