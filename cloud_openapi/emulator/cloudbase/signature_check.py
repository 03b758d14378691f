"""Whose credentials signed a request to the gateway."""

import time
from collections.abc import Mapping

from flask import Request

from cloud_openapi.emulator.cloudbase.gateway_fields import GatewayError
from cloud_openapi.runtime import Credentials
from cloud_openapi.wire import old_signature, signature


def signer_of(
    asked: Request, fields: Mapping[str, bytes], credentials: Credentials | None, secret: str | None
) -> str | None:
    """Return the function that signed a request; nothing, if it was another program.

    Whoever names a function's secret id must have signed with that function's key; all others,
    where there is a ``secret``, with that. Raises GatewayError.
    """
    header = asked.headers.get("Authorization", "")
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
        # By the real time: the client knows nothing of the emulator's.
        signed = verify(_signed(asked, fields), secret, time.time())
    except signature.SignatureError as error:
        raise GatewayError("SIGN_PARAM_INVALID", str(error)) from None
    return function if signed == secret_id else None


def _signed(asked: Request, fields: Mapping[str, bytes]) -> signature.Signed:
    headers = {name.lower(): value for name, value in asked.headers.items()}
    query = asked.query_string.decode("latin-1")
    return signature.Signed(f"//{headers.get('host', '')}{asked.path}", query, headers, fields)
