"""A call as a request over HTTPS, for recordings and the real service."""

from typing import Any
from urllib.parse import urlencode

from werkzeug.exceptions import RequestEntityTooLarge

from cloud_openapi.catalogue import Operation
from cloud_openapi.emulator.sources.source import Sent
from cloud_openapi.emulator.weixin.request_fields import INVALID_JSON
from cloud_openapi.emulator.weixin.respond import Call
from cloud_openapi.wire import https_form
from cloud_openapi.wire.multipart import Part


def sent_by(call: Call, operation: Operation) -> Sent:
    """Return a call as HTTPS carries it, also one through the gateway, without its token."""
    if call.via == "https":
        return _as_received(call, operation)
    if operation.takes_json or not call.has_valid_json(INVALID_JSON):
        return Sent("", https_form.JSON_TYPE, call.journal_body())
    params = {
        name: _part(value, call.files[name]) if name in call.files else value
        for name, value in call.params().items()
    }
    written = https_form.write(params, operation.method, operation.query)
    return Sent(written.query, written.content_type, written.body or b"")


def _as_received(call: Call, operation: Operation) -> Sent:
    request = call.request
    # Anything else in the URL belongs to the caller: its token, or a secret by mistake.
    pairs = [pair for pair in request.args.items(multi=True) if pair[0] in operation.query]
    try:
        body = request.get_data()
    except RequestEntityTooLarge:
        body = b"(too large)"
    return Sent(urlencode(pairs), request.headers.get("Content-Type", ""), body)


def _part(file: dict[str, Any], content: bytes) -> Part:
    return Part(content, file["filename"], file["contentType"])
