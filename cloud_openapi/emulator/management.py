"""WeChat's APIs about APIs: the quota of a day, and what a rid stands for."""

from collections.abc import Callable
from typing import Any

from cloud_openapi.emulator.errors import RefusalError
from cloud_openapi.emulator.state import Emulator

Handler = Callable[[str, dict[str, Any]], dict[str, Any]]
"""Takes the caller's appid and the body; returns what a good answer holds beside errcode."""


def handlers(emulator: Emulator) -> dict[str, Handler]:
    """Return a handler for each path. They raise RefusalError."""

    def clear_quota(appid: str, fields: dict[str, Any]) -> dict[str, Any]:
        if fields.get("appid") != appid:
            raise RefusalError(40013, "appid")
        emulator.quota.clear(appid, emulator.now(appid))
        return {}

    def get_quota(appid: str, fields: dict[str, Any]) -> dict[str, Any]:
        path = fields.get("cgi_path")
        if not isinstance(path, str) or path not in emulator.paths:
            raise RefusalError(76021, "cgi_path")
        return {"quota": emulator.quota.show(appid, path, emulator.now(appid))}

    def get_rid(appid: str, fields: dict[str, Any]) -> dict[str, Any]:
        record = emulator.rids.get(fields.get("rid"), appid, emulator.now(appid))
        return {"request": record.describe()}

    return {
        "/cgi-bin/clear_quota": clear_quota,
        "/cgi-bin/openapi/quota/get": get_quota,
        "/cgi-bin/openapi/rid/get": get_rid,
    }
