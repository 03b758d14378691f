"""Signature check of requests to the gateway."""

from collections.abc import Mapping

from flask import Request

from cloud_openapi import clocks
from cloud_openapi.emulator.cloudbase.gateway_fields import GatewayError
from cloud_openapi.runtime import Functions
from cloud_openapi.wire import old_signature, signature


def signing_function(
    request: Request,
    fields: Mapping[str, bytes],
    functions: Functions | None,
    secret: str | None,
) -> str | None:
    """Return the function that signed a request, None for another program.

    A function's secret id requires a signature with that function's key. Every other request must
    be signed with ``secret``, unless that is None. Raises GatewayError, also for an Authorization
    that is not a signature.
    """
    content = _signed_content(request, fields)
    # SDKs before 2.1 sign in a field of the body.
    given = content.headers.get("authorization")
    old = not given and bool(fields.get(old_signature.FIELD))
    if secret is None and not given and not old:
        return None
    try:
        # Parsed once: the function that is verified is the one that calls.
        claim = (old_signature if old else signature).read(content)
        function = None
        # Clients sign with the machine's time, not with the emulator's or a frozen one; functions
        # also with the time that they see.
        times = [clocks.now()]
        if functions is not None and (signer := functions.credentials.function_of(claim.secret_id)):
            function, secret = signer, functions.credentials.secret_key_of(signer)
            times += functions.times_of(signer)
        if secret is not None:
            claim.verify(content, secret, min(times, key=claim.seconds_from))
    except signature.SignatureError as error:
        raise GatewayError("SIGN_PARAM_INVALID", str(error)) from None
    return function


def claimed_function(request: Request, functions: Functions | None) -> str | None:
    """Return the function that a request says signed it, without a check; None for another one."""
    try:
        claim = signature.read(_signed_content(request, {}))
    except signature.SignatureError:
        return None
    return None if functions is None else functions.credentials.function_of(claim.secret_id)


def _signed_content(request: Request, fields: Mapping[str, bytes]) -> signature.Signed:
    headers = {name.lower(): value for name, value in request.headers.items()}
    query = request.query_string.decode("latin-1")
    return signature.Signed(f"//{headers.get('host', '')}{request.path}", query, headers, fields)
