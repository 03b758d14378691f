"""In whose name a request is made, before anything of it was checked."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from cloud_openapi.emulator.cloud_run import CloudRun
from cloud_openapi.emulator.errors import CREDENTIAL_PATHS
from cloud_openapi.emulator.tokens import Tokens


class Caller(NamedTuple):
    """The path that a request asks for, the mini program that asks, its good token, and where."""

    path: str
    appid: str | None
    token: str | None
    address: str


def caller_of(
    request: Request, tokens: Tokens, cloud_run: CloudRun, apps: Mapping[str, Any], now: datetime
) -> Caller:
    """Return who asks: by a good token, by Cloud Run, or by the appid of a request for a token."""
    path, address = request.path, request.remote_addr or ""
    if path in CREDENTIAL_PATHS:
        named = request.args.get("appid") or _appid_in(request)
        return Caller(path, named if named in apps else None, None, address)
    token = request.args.get("access_token")
    if token is None:
        return Caller(path, cloud_run.owner(request, now), None, address)
    appid = tokens.owner(token)
    return Caller(path, appid, None if appid is None else token, address)


def _appid_in(request: Request) -> str | None:
    try:
        value = json.loads(request.get_data())
    except (ValueError, RecursionError, RequestEntityTooLarge):
        return None
    appid = value.get("appid") if isinstance(value, dict) else None
    return appid if isinstance(appid, str) else None
