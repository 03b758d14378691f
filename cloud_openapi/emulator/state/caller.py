"""In whose name a request is made, before anything of it was checked."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from cloud_openapi.emulator.errors import CREDENTIAL_PATHS, STABLE_TOKEN
from cloud_openapi.emulator.state.cloud_run import CloudRun
from cloud_openapi.emulator.state.tokens import Tokens


class Caller(NamedTuple):
    """The path that a request asks for, the mini program that asks, its good token, and where.

    ``named`` is the mini program that the request is about, even if its token works no longer.

    A call by the CloudBase gateway has no token.
    """

    path: str
    appid: str | None
    token: str | None
    named: str | None
    address: str
    gateway: bool = False


def caller_of(
    request: Request, tokens: Tokens, cloud_run: CloudRun, apps: Mapping[str, Any]
) -> Caller:
    """Return who asks: by a good token, by Cloud Run, or by the appid of a request for a token."""
    path, address = request.path, request.remote_addr or ""
    if path in CREDENTIAL_PATHS:
        asked = None if path == STABLE_TOKEN else request.args.get("appid")
        given = asked or _appid_in(request)
        named = given if given in apps else None
        return Caller(path, named, None, named, address)
    token = request.args.get("access_token")
    if token is None:
        owner = cloud_run.owner(request)
        return Caller(path, owner, None, owner, address)
    appid = tokens.owner(token)
    if appid is None:
        return Caller(path, None, None, tokens.granted_to(token), address)
    return Caller(path, appid, token, appid, address)


def _appid_in(request: Request) -> str | None:
    try:
        value = json.loads(request.get_data())
    except (ValueError, RecursionError, RequestEntityTooLarge):
        return None
    appid = value.get("appid") if isinstance(value, dict) else None
    return appid if isinstance(appid, str) else None
