"""WeChat's management APIs: quotas, and the requests of rids."""

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
"""Takes the mini program and the body; returns the fields of the answer beside errcode."""


@cache
def management_apis() -> dict[str, dict[str, Any]]:
    """Return the APIs of management.json by path, the token endpoints among them."""
    text = Path(__file__).with_name("management.json").read_text("utf-8")
    return {entry["path"]: entry for entry in json.loads(text)}


def handlers(emulator: Emulator) -> dict[str, Handler]:
    """Return a handler for each path; they raise RefusalError."""
    quota_get, quota_clear = "/cgi-bin/openapi/quota/get", "/cgi-bin/openapi/quota/clear"
    rid_get = "/cgi-bin/openapi/rid/get"
    paths = emulator.paths.union(
        *(_documented_responses(p, "cgi_path") for p in (quota_get, quota_clear))
    )
    rids = _documented_responses(rid_get, "rid")

    def clear_quota(program: MiniProgram, fields: dict[str, Any]) -> dict[str, Any]:
        if fields.get("appid") != program.appid:
            raise RefusalError(40013, "appid")
        program.quota.clear(program.clock.now())
        return {}

    def cgi_path(fields: dict[str, Any]) -> str:
        path = fields.get("cgi_path")
        # As documented for /sns/; other kinds of accounts are not emulated.
        if isinstance(path, str) and "/sns/" in path:
            raise RefusalError(76022, "cgi_path")
        if not isinstance(path, str) or path not in paths:
            raise RefusalError(76021, "cgi_path")
        return path

    def quota_of_path(program: MiniProgram, fields: dict[str, Any]) -> dict[str, Any]:
        return program.quota.show(cgi_path(fields), program.clock.now())

    def clear_quota_of_path(program: MiniProgram, fields: dict[str, Any]) -> dict[str, Any]:
        program.quota.clear_one(cgi_path(fields), program.clock.now())
        return {}

    def request_of_rid(program: MiniProgram, fields: dict[str, Any]) -> dict[str, Any]:
        rid = checked_rid(fields.get("rid"), program.clock.now())
        if rid in rids:
            return {"request": rids[rid]["request"]}
        return {"request": emulator.record_of(rid, program).describe()}

    return {
        "/cgi-bin/clear_quota": clear_quota,
        quota_get: quota_of_path,
        quota_clear: clear_quota_of_path,
        rid_get: request_of_rid,
    }


def _documented_responses(path: str, field: str) -> dict[str, dict[str, Any]]:
    """Return the documented responses by a field of their requests."""
    examples = management_apis()[path]["examples"]
    return {example["request"][field]: example["response"] for example in examples}
