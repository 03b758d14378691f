"""The protobuf messages that the CloudBase gateway and wx-server-sdk exchange.

The definitions are those of wx-server-sdk 4.0.2 (``src/protobuf/openapi.js``), as far as a call
needs them. They are built here, not generated, so that any protobuf from 4 on will do.
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

OPEN_API: Final = 0
"""The ``apiType`` of a call of an API by its name."""

_FIELD = descriptor_pb2.FieldDescriptorProto
_STRING, _BYTES, _INT32, _UINT32 = (
    _FIELD.TYPE_STRING,
    _FIELD.TYPE_BYTES,
    _FIELD.TYPE_INT32,
    _FIELD.TYPE_UINT32,
)

# Each message with its fields by number: a name and a type, or a message of this table in a list
# if it repeats. apiType is an enum in the original, which is the same on the wire; as a number,
# unknown values are kept.
_MESSAGES: Final[dict[str, dict[int, tuple[str, Any]]]] = {
    "HttpHeader": {1: ("key", _STRING), 2: ("value", _STRING)},
    "KeyValuePair": {
        1: ("key", _STRING),
        2: ("value", _BYTES),
        3: ("contenttype", _STRING),
        4: ("filename", _STRING),
    },
    "OpenApiData": {1: ("pairs", ["KeyValuePair"])},
    "CommApiData": {
        1: ("apiType", _INT32),
        2: ("openapiData", "OpenApiData"),
        6: ("appid", _STRING),
    },
    "CommOpenApiResp": {
        1: ("respData", _BYTES),
        2: ("contentType", _STRING),
        3: ("errorCode", _INT32),
        4: ("httpCode", _UINT32),
        5: ("headers", ["HttpHeader"]),
        6: ("svrkitErrorCode", _INT32),
    },
}


class Pair(NamedTuple):
    """A parameter: its value is JSON, or the content of a file that has a name."""

    key: str
    value: bytes
    filename: str = ""


class Request(NamedTuple):
    """A call: its kind, its parameters, and the appid to call for or an empty text."""

    api_type: int
    pairs: tuple[Pair, ...]
    appid: str = ""


class Answer(NamedTuple):
    """WeChat's response, or the platform's own error code."""

    body: bytes
    content_type: str = ""
    error_code: int = 0


class MessageError(ValueError):
    """An invalid message; the error text is that of protobuf.js."""


def write_request(pairs: Iterable[Pair], appid: str = "") -> bytes:
    """Return a call's ``CommApiData``."""
    message = _CommApiData()
    message.apiType = OPEN_API
    message.openapiData.SetInParent()
    for pair in pairs:
        added = message.openapiData.pairs.add(key=pair.key, value=pair.value)
        if pair.filename:
            added.filename = pair.filename
    if appid:
        message.appid = appid
    return bytes(message.SerializeToString())


def read_request(data: bytes) -> Request:
    """Parse a ``CommApiData``. Raises MessageError."""
    message = _read(_CommApiData(), data)
    pairs = (
        Pair(_text(pair.key), pair.value, _text(pair.filename))
        for pair in message.openapiData.pairs
    )
    return Request(message.apiType, tuple(pairs), _text(message.appid))


def write_answer(body: bytes, content_type: str) -> bytes:
    """Return the ``CommOpenApiResp`` of a response of WeChat."""
    message = _CommOpenApiResp(respData=body, contentType=content_type, httpCode=200)
    return bytes(message.SerializeToString())


def write_error(code: int) -> bytes:
    """Return the ``CommOpenApiResp`` of an error of the platform."""
    return bytes(_CommOpenApiResp(errorCode=code).SerializeToString())


def read_answer(data: bytes) -> Answer:
    """Parse a ``CommOpenApiResp``. Raises MessageError."""
    message = _read(_CommOpenApiResp(), data)
    return Answer(message.respData, _text(message.contentType), message.errorCode)


def _read(message: Any, data: bytes) -> Any:
    try:
        message.ParseFromString(data)
    except (DecodeError, UnicodeDecodeError):
        raise MessageError(_complaint(data)) from None
    return message


def _text(value: str | bytes) -> str:
    # protobuf returns bytes for a string that is not UTF-8.
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def _complaint(data: bytes) -> str:
    """Return protobuf.js's error for a message; its text is part of the SDK's errMsg."""
    position = 0

    def varint() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:  # noqa: PLR2004 - the last byte of a varint
                return value
            shift += 7

    try:
        while position < len(data):
            kind = varint() & 7
            if kind not in _SKIP:
                return f"Error: invalid wire type {kind} at offset {position}"
            step = varint() if kind == 2 else _SKIP[kind]  # noqa: PLR2004 - a length comes first
            if kind == 0:
                varint()
            if position + step > len(data):
                break
            position += step
        else:
            return "Error: invalid message"
    except IndexError:
        step = 1
    return f"RangeError: index out of range: {position} + {step} > {len(data)}"


# Bytes to skip by wire type. 0 and 2 are 0: varints and lengths are read. 3 starts a group.
_SKIP: Final = {0: 0, 1: 8, 2: 0, 3: 0, 5: 4}


def _build() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="cloud_openapi/wx.proto", syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in fields.items():
            repeated = isinstance(kind, list)
            added = message.field.add(name=field, number=number)
            added.label = _FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL
            if isinstance(kind, int):
                added.type = kind  # type: ignore[assignment]
            else:
                added.type = _FIELD.TYPE_MESSAGE
                added.type_name = f".{kind[0] if repeated else kind}"
    # A separate pool: another package may have a message of the same name.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(name))
        for name in _MESSAGES
    }


_CLASSES: Final = _build()
_CommApiData: Final = _CLASSES["CommApiData"]
_CommOpenApiResp: Final = _CLASSES["CommOpenApiResp"]
