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


_OPENAPI_DATA, _PAIRS = 2, 1
_MOST_FIELDS: Final = 10_000
# protobuf.js's limit, and protobuf's own.
_MOST_GROUPS: Final = 100
# The wire types, the fixed ones with their lengths.
_VARINT, _LENGTH, _GROUP, _GROUP_END = 0, 2, 3, 4
_FIXED: Final = {1: 8, 5: 4}
# All bytes of a varint but the last have this bit.
_MORE: Final = 0x80
_LONGEST_VARINT: Final = 10


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
    """An invalid message, or one of over 10,000 fields; the text is that of protobuf.js."""


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
    message = _read(_CommApiData(), data, (_OPENAPI_DATA, _PAIRS))
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


def _read(message: Any, data: bytes, path: tuple[int, ...] = ()) -> Any:
    _Check(data).message(len(data), path)
    try:
        message.ParseFromString(data)
    except (DecodeError, UnicodeDecodeError):
        raise MessageError("Error: invalid message") from None
    return message


def _text(value: str | bytes) -> str:
    # protobuf returns bytes for a string that is not UTF-8.
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


class _Check:
    """Walks through a message as protobuf.js does, and raises its errors.

    Their text is part of the SDK's errMsg. The number of fields is limited because protobuf
    itself fills the memory with millions of empty ones.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0
        self._left = _MOST_FIELDS

    def message(self, end: int, path: tuple[int, ...]) -> None:
        """Walk to the end of a message; ``path`` leads to the messages inside to walk through."""
        groups = 0
        while self._position < end or groups:
            tag = self._varint32()
            kind = tag & 7
            self._left -= 1
            if self._left < 0:
                raise MessageError(f"Error: more than {_MOST_FIELDS} fields")
            if kind == _GROUP_END and groups:
                groups -= 1
            elif groups > _MOST_GROUPS:
                raise MessageError("Error: maximum nesting depth exceeded")
            elif kind == _GROUP:
                groups += 1
            elif kind == _LENGTH:
                inside = bool(path) and not groups and tag >> 3 == path[0]
                self._delimited(path[1:] if inside else None)
            elif kind == _VARINT:
                self._varint()
            elif kind in _FIXED:
                self._skip(_FIXED[kind])
            else:
                raise MessageError(f"Error: invalid wire type {kind} at offset {self._position}")

    def _delimited(self, path: tuple[int, ...] | None) -> None:
        length = self._varint32()
        begin = self._position
        self._skip(length)
        if path is not None:
            end, self._position = self._position, begin
            self.message(end, path)
            self._position = end

    def _skip(self, length: int) -> None:
        if self._position + length > len(self._data):
            raise self._out_of_range(length)
        self._position += length

    def _varint(self) -> None:
        for _ in range(_LONGEST_VARINT):
            if self._byte() < _MORE:
                return
        raise MessageError("Error: invalid varint encoding")

    def _varint32(self) -> int:
        value = 0
        for shift in range(0, 35, 7):
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < _MORE:
                return value & 0xFFFFFFFF
        # The upper half of a number of 64 bits is skipped.
        if self._position + 5 > len(self._data):
            self._position = len(self._data)
            raise self._out_of_range(_LONGEST_VARINT)
        self._position += 5
        return value & 0xFFFFFFFF

    def _byte(self) -> int:
        if self._position >= len(self._data):
            raise self._out_of_range(1)
        self._position += 1
        return self._data[self._position - 1]

    def _out_of_range(self, length: int) -> MessageError:
        where = f"{self._position} + {length or 1} > {len(self._data)}"
        return MessageError(f"RangeError: index out of range: {where}")


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
