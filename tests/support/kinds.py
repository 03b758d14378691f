"""Entries of the catalogue for tests: every way in which an API may take and give what it has."""

import json

from cloud_openapi.catalogue import Catalogue

_OPEN = {
    "additionalProperties": True,
    "$comment": "Open: the service ignores what it does not know.",
}
_DOCS = "https://developers.weixin.qq.com/miniprogram/dev/server/API/"


def _object(required=(), /, **properties):
    return {"type": "object", **_OPEN, "required": list(required), "properties": properties}


def _entry(name, method, path, request, response, examples, **more):  # noqa: PLR0913
    return {
        "$schema": "../entry.schema.json",
        "name": name,
        "summary": f"Do what {name.rpartition('.')[2]} does",
        "docs": f"{_DOCS}{name}",
        **{key: more[key] for key in ("lacks",) if key in more},
        "method": method,
        "path": path,
        **{key: more[key] for key in ("query",) if key in more},
        "request": request,
        "response": response,
        **{key: more[key] for key in ("errors", "answers") if key in more},
        "examples": examples,
    }


_OK = {"errcode": 0, "errmsg": "ok"}
_RESULT = {"errcode": {"type": "integer"}, "errmsg": {"type": "string"}}

SEND = _entry(
    "notice.send",
    "POST",
    "/test/notice/send",
    _object(
        ["touser"], touser={"type": "string", "description": "The user"}, lang={"type": "string"}
    ),
    _object(["errcode", "errmsg"], **_RESULT),
    [{"request": {"touser": "OPENID", "lang": "zh_CN"}, "response": _OK}],
    lacks=["cloud example"],
    errors={"40003": "invalid openid", "43101": "user refuse to accept the msg", "-1": "busy"},
    answers=[
        {
            "when": {"properties": {"touser": {"const": ""}}},
            "errcode": 40003,
            "because": "touser is empty",
        },
        {"response": _OK},
    ],
)
LIST = _entry(
    "notice.list",
    "GET",
    "/test/notice/list",
    _object(["start"], start={"type": "integer"}, kind={"type": "string"}, all={"type": "boolean"}),
    _object(["count"], count={"type": "integer"}),
    [{"request": {"start": 0, "kind": "new"}, "response": {"count": 3}}],
)
CLEAR = _entry(
    "notice.clear",
    "POST",
    "/test/notice/clear",
    _object(
        ["scope"], scope={"type": "string"}, ids={"type": "array", "items": {"type": "string"}}
    ),
    _object(["errcode", "errmsg"], **_RESULT),
    [{"request": {"scope": "read", "ids": ["1"]}, "response": _OK}],
    query=["scope"],
)
CODE = _entry(
    "picture.code",
    "POST",
    "/test/picture/code",
    _object(["scene"], scene={"type": "string"}, width={"type": "integer"}),
    {"contentMediaType": "image/png"},
    [{"request": {"scene": "a=1", "width": 280}}],
    errors={"45029": "qrcode count out of limit"},
    answers=[{"response": {"$qr": ["scene"]}}],
)
UPLOAD = _entry(
    "picture.upload",
    "POST",
    "/test/picture/upload",
    _object(
        ["type", "media"],
        type={"type": "string", "enum": ["image", "voice"]},
        media={"contentMediaType": "image/*", "description": "The image, at most 1 MB"},
    ),
    _object(["media_id"], media_id={"type": "string"}),
    [
        {
            "request": {"type": "image", "media": {"filename": "test.jpg"}},
            "response": {"media_id": "MEDIA_ID"},
        }
    ],
    query=["type"],
    answers=[{"response": {"media_id": {"$keep": "media"}}}],
)
DOWNLOAD = _entry(
    "picture.download",
    "GET",
    "/test/picture/download",
    _object(["media_id"], media_id={"type": "string"}),
    {"contentMediaType": "image/*"},
    [{"request": {"media_id": "MEDIA_ID"}}],
    errors={"40007": "invalid media_id"},
    answers=[{"response": {"$kept": "media_id", "errcode": 40007}}],
)
# Two APIs of one path and method: what they want differs.
OPEN_DOOR = _entry(
    "door.open",
    "POST",
    "/test/door",
    _object(["action", "door"], action={"const": "open"}, door={"type": "string"}),
    _object(["errcode", "errmsg"], **_RESULT),
    [{"request": {"action": "open", "door": "D"}, "response": _OK}],
    errors={"89001": "door is stuck"},
)
DOORS = _entry(
    "door.list",
    "POST",
    "/test/door",
    _object(["action"], action={"const": "list"}),
    _object(["doors"], doors={"type": "array", "items": {"type": "string"}}),
    [{"request": {"action": "list"}, "response": {"doors": ["D"]}}],
    errors={"89002": "no doors"},
)
ENTRIES = (SEND, LIST, CLEAR, CODE, UPLOAD, DOWNLOAD, OPEN_DOOR, DOORS)


def catalogue_of(folder, *entries):
    """Return the catalogue of some entries, all by default, which a folder holds."""
    for entry in entries or ENTRIES:
        namespace, _, method = entry["name"].rpartition(".")
        path = folder / namespace / f"{method}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(entry, ensure_ascii=False, indent=2), "utf-8")
    return Catalogue.load(folder)
