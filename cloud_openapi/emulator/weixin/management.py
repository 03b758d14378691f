"""WeChat's management APIs: quotas, and the request of a rid."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.errors import RefusalError
from cloud_openapi.emulator.mini_program import MiniProgram
from cloud_openapi.emulator.state.rids import checked_rid

Handler = Callable[[MiniProgram, dict[str, Any]], dict[str, Any]]
"""Takes the caller and the body; returns the fields of a good answer beside errcode."""


@cache
def described() -> dict[str, dict[str, Any]]:
    """Return the name, method, summary, page, schemas and examples of each API by its path."""
    text = Path(__file__).with_name("management.json").read_text("utf-8")
    return {entry["path"]: entry for entry in json.loads(text)}


def handlers(emulator: Emulator) -> dict[str, Handler]:
    """Return a handler for each path that takes a token. They raise RefusalError."""
    quota_get, quota_clear = "/cgi-bin/openapi/quota/get", "/cgi-bin/openapi/quota/clear"
    rid_get = "/cgi-bin/openapi/rid/get"
    paths = emulator.paths.union(*(_documented(p, "cgi_path") for p in (quota_get, quota_clear)))
    rids = _documented(rid_get, "rid")

    def clear_quota(program: MiniProgram, fields: dict[str, Any]) -> dict[str, Any]:
        if fields.get("appid") != program.appid:
            raise RefusalError(40013, "appid")
        program.quota.clear(program.clock.now())
        return {}

    def cgi_path(fields: dict[str, Any]) -> str:
        path = fields.get("cgi_path")
        # The page says so of these; other kinds of accounts have no token here.
        if isinstance(path, str) and "/sns/" in path:
            raise RefusalError(76022, "cgi_path")
        if not isinstance(path, str) or path not in paths:
            raise RefusalError(76021, "cgi_path")
        return path

    def get_quota(program: MiniProgram, fields: dict[str, Any]) -> dict[str, Any]:
        return program.quota.show(cgi_path(fields), program.clock.now())

    def clear_one(program: MiniProgram, fields: dict[str, Any]) -> dict[str, Any]:
        program.quota.clear_one(cgi_path(fields), program.clock.now())
        return {}

    def get_rid(program: MiniProgram, fields: dict[str, Any]) -> dict[str, Any]:
        rid = checked_rid(fields.get("rid"), program.clock.now())
        if rid in rids:
            return {"request": rids[rid]["request"]}
        return {"request": emulator.record_of(rid, program).describe()}

    return {
        "/cgi-bin/clear_quota": clear_quota,
        quota_get: get_quota,
        quota_clear: clear_one,
        rid_get: get_rid,
    }


def _documented(path: str, field: str) -> dict[str, dict[str, Any]]:
    """Return the documented answers by a field of their requests."""
    examples = described()[path]["examples"]
    return {example["request"][field]: example["response"] for example in examples}
