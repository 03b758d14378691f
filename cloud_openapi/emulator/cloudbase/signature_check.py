"""Signature check of requests to the gateway."""

from collections.abc import Mapping

from flask import Request

from cloud_openapi import clocks
from cloud_openapi.emulator.cloudbase.gateway_fields import GatewayError
from cloud_openapi.runtime import Credentials
from cloud_openapi.wire import old_signature, signature


def signing_function(
    request: Request,
    fields: Mapping[str, bytes],
    credentials: Credentials | None,
    secret: str | None,
) -> str | None:
    """Return the function that signed a request, None for another program.

    A function's secret id requires a signature with that function's key. Every other request must
    be signed with ``secret``, unless that is None. Raises GatewayError.
    """
    header = request.headers.get("Authorization", "")
    # SDKs before 2.1 sign in a field of the body.
    old = not header and old_signature.FIELD in fields
    given = fields[old_signature.FIELD].decode("utf-8", "replace") if old else header
    secret_id = signature.secret_id_of(given)
    function = None if credentials is None else credentials.function_of(secret_id)
    if credentials is not None and function is not None:
        secret = credentials.secret_key_of(function)
    if secret is None:
        return None
    verify = old_signature.verify if old else signature.verify
    try:
        # Clients sign with the machine's time, not with the emulator's or a frozen one.
        verified_id = verify(_signed_content(request, fields), secret, clocks.now())
    except signature.SignatureError as error:
        raise GatewayError("SIGN_PARAM_INVALID", str(error)) from None
    return function if verified_id == secret_id else None


def _signed_content(request: Request, fields: Mapping[str, bytes]) -> signature.Signed:
    headers = {name.lower(): value for name, value in request.headers.items()}
    query = request.query_string.decode("latin-1")
    return signature.Signed(f"//{headers.get('host', '')}{request.path}", query, headers, fields)
