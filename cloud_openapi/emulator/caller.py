"""In whose name a request is made, before anything of it was checked."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from cloud_openapi.emulator.errors import TOKEN_PATHS
from cloud_openapi.emulator.tokens import Tokens


class Caller(NamedTuple):
    """The path that a request asks for, the mini program that asks, and its good token.

    A call by the CloudBase gateway has no token.
    """

    path: str
    appid: str | None
    token: str | None
    gateway: bool = False


def caller_of(request: Request, tokens: Tokens, apps: Mapping[str, Any]) -> Caller:
    """Return who asks: by a good token, or by the appid of a request for one."""
    token = request.args.get("access_token")
    appid = tokens.owner(token) if token else None
    if appid is not None:
        return Caller(request.path, appid, token)
    if request.path not in TOKEN_PATHS:
        return Caller(request.path, None, None)
    named = request.args.get("appid") or _appid_in(request)
    return Caller(request.path, named if named in apps else None, None)


def _appid_in(request: Request) -> str | None:
    try:
        value = json.loads(request.get_data())
    except (ValueError, RecursionError, RequestEntityTooLarge):
        return None
    appid = value.get("appid") if isinstance(value, dict) else None
    return appid if isinstance(appid, str) else None
