"""Entries of APIs that WeChat does not have, one of each kind that the catalogue can describe."""

import json

from cloud_openapi.catalogue import Catalogue

OK = {"errcode": 0, "errmsg": "ok"}


def _object(properties, required=(), **more):
    return {
        "type": "object",
        "additionalProperties": True,
        "$comment": "Open: a test.",
        "required": list(required),
        "properties": properties,
        **more,
    }


def entry(name, method="POST", **more):
    """Return an entry with the keys that every entry has."""
    return {
        "$schema": "../entry.schema.json",
        "name": name,
        "summary": f"Test {name}",
        "docs": "https://developers.weixin.qq.com/miniprogram/dev/server/API/test",
        "method": method,
        "path": f"/test/{name.replace('.', '/').lower()}",
        "request": _object({}),
        "response": _object({"errcode": {"type": "integer"}, "errmsg": {"type": "string"}}),
        "examples": [{"request": {}, "response": OK}],
        **more,
    }


TEXT, NUMBER, FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
LIST = {"type": "array"}
DONE = _object({}, OK)
IMAGE = {"contentMediaType": "image/png"}
ANY_IMAGE = {"contentMediaType": "image/*"}
FILE = {**ANY_IMAGE, "description": "The picture"}
EMPTY = {"properties": {"size": {"const": 0}}}
SHORT = {"required": ["value"], "properties": {"value": {"maxLength": 5}}}
LARGE = {"properties": {"size": {"exclusiveMinimum": 5000}}}

SEND = entry(
    "notice.send",
    lacks=["cloud example"],
    request=_object(
        {
            "touser": {"type": "string", "description": "The user"},
            "lang": TEXT,
            "notice_id": TEXT,
            "list": LIST,
        },
        ["touser"],
    ),
    response=DONE,
    errors={
        "43101": "user refuse to accept the msg",
        "47003": "argument invalid!",
        "-1": "busy",
    },
    answers=[
        {
            "when": {"properties": {"notice_id": {"const": ""}}, "required": ["notice_id"]},
            "errcode": 43101,
            "because": "notice_id is empty",
        },
        {
            "when": {
                "$comment": "The shorter, the better.",
                "not": {"properties": {"data": {"type": "object", "additionalProperties": SHORT}}},
            },
            "errcode": 47003,
            "because": "a value of data is missing or long",
        },
        {
            "when": {"properties": {"touser": {"const": "many"}}},
            "response": {
                "list": {"$each": "list", "item": {"id": {"$param": "id"}, "code": 0}},
                "at": {"$now": 60},
                "notice_id": {"$param": "notice_id"},
                "to": {"$param": "touser", "or": "nobody"},
                "kind": {"$param": "kind", "or": "none"},
                "items": {"$each": "list", "item": {"$param": "."}},
                "appid": {"$appid": True},
            },
        },
        {
            "response": {
                **OK,
                "msgid": {"$made": "##########", "as": "integer"},
                "trace": {"$made": "a-????-****-####"},
                "link": {"$made": "go\\?t=\\#\\*#"},
            }
        },
    ],
    examples=[{"request": {"touser": "OPENID"}, "response": OK}],
)

ROOMS = entry(
    "rooms.list",
    "GET",
    lacks=["errors", "cloud example"],
    request=_object({"roomId": NUMBER, "key_word": TEXT, "ready": FLAG, "tags": LIST}, ["roomId"]),
    response=_object({"rooms": {"type": "array", "items": {"$ref": "#/$defs/room"}}}, ["rooms"])
    | {"$defs": {"room": _object({"room_id": NUMBER, "any_thing": {}}, ["room_id"])}},
    answers=[
        {
            "response": {
                "rooms": [{"room_id": {"$param": "roomId"}}],
                "key_word": {"$param": "key_word", "or": ""},
                "ready": {"$param": "ready"},
            }
        }
    ],
    examples=[{"request": {"roomId": 7}, "response": {"rooms": [{"room_id": 7}]}}],
)
CHECK = entry(
    "pictures.check",
    query=["type", "img_url"],
    request=_object({"type": TEXT, "img_url": TEXT, "img_file": FILE}),
    errors={"40006": "invalid file size"},
    answers=[
        {
            "when": {"required": ["img_file"], "properties": {"img_file": EMPTY}},
            "errcode": 40006,
            "because": "img_file is empty",
        },
        {"when": {"required": ["img_file"]}, "response": {"media_id": {"$keep": "img_file"}}},
        {"response": {**OK, "url": {"$param": "img_url", "or": ""}}},
    ],
    examples=[{"request": {"img_file": {"filename": "a.png"}}, "response": {"errcode": 0}}],
)
UPLOAD = entry(
    "pictures.upload",
    query=["type"],
    request=_object({"type": TEXT, "media": FILE}, ["type", "media"]),
    response=_object({"media_id": {}}, ["media_id"]),
    errors={"41005": "media data missing", "40009": "invalid image size"},
    answers=[
        {
            "when": {"not": {"required": ["media"]}},
            "errcode": 41005,
            "because": "the form has no media",
        },
        {
            "when": {"properties": {"media": LARGE}},
            "errcode": 40009,
            "because": "media is larger than 5,000 bytes",
        },
        {"response": {"media_id": {"$keep": "media"}, "created_at": {"$now": 0}}},
    ],
    examples=[
        {
            "request": {"type": "image", "media": {"filename": "test.jpg"}},
            "response": {"media_id": "MEDIA"},
        }
    ],
)
DRAW = entry(
    "pictures.draw",
    request=_object(
        {"text": TEXT, "width": NUMBER, "line_color": _object({"r": {}, "is_dark": FLAG}, ["r"])}
    ),
    response=IMAGE,
    answers=[{"response": {"$qr": ["text"], "width": "width"}}],
    examples=[{"request": {"text": "a"}}],
)
FETCH = entry(
    "pictures.fetch",
    "GET",
    request=_object({"media_id": TEXT}, ["media_id"]),
    response=ANY_IMAGE,
    errors={"40007": "invalid media_id"},
    answers=[{"response": {"$kept": "media_id", "errcode": 40007}}],
    examples=[{"request": {"media_id": "m"}}],
)
TASK = entry(
    "tasks.add",
    query=["open_id"],
    request=_object({"open_id": TEXT, "id_list": {"type": "array", "items": TEXT}}, ["open_id"]),
    answers=[{"response": {**OK, "to": {"$param": "open_id"}}}],
    examples=[{"request": {"open_id": "OPENID", "id_list": ["1"]}, "response": OK}],
)
ORDER = entry(
    "shop.sec.order.getOrder",
    request=_object(
        {
            "from": TEXT,
            "order_key": _object({"order_number_type": NUMBER, "mch_id": TEXT}, ["mch_id"]),
            "item_list": {"type": "array", "items": _object({"item_desc": TEXT}, ["item_desc"])},
            "more": _object({}),
        },
        ["order_key"],
    ),
    response=_object({"order": _object({"order_state": {"type": ["string", "integer"]}})}),
    examples=[
        {"request": {"order_key": {"mch_id": "1"}}, "response": {"order": {"order_state": 2}}}
    ],
)
NOTHING = entry("shop.ping", "GET")
# Two APIs of one path and method: what they want differs.
OPEN_DOOR = entry(
    "door.open",
    path="/test/door",
    request=_object({"action": {"const": "open"}, "door": TEXT}, ["action", "door"]),
    response=DONE,
    errors={"89001": "door is stuck"},
    examples=[{"request": {"action": "open", "door": "D"}, "response": OK}],
)
DOORS = entry(
    "door.list",
    path="/test/door",
    request=_object({"action": {"const": "list"}}, ["action"]),
    response=_object({"doors": {"type": "array", "items": TEXT}}, ["doors"]),
    errors={"89002": "no doors"},
    examples=[{"request": {"action": "list"}, "response": {"doors": ["D"]}}],
)
# One more name of an API.
GATE = {"$schema": "../entry.schema.json", "name": "gate.open", "same_as": "door.open"}
ENTRIES = (
    SEND, ROOMS, CHECK, UPLOAD, DRAW, FETCH, TASK, ORDER, NOTHING, OPEN_DOOR, DOORS,
)  # fmt: skip


def catalogue_of(folder, entries=ENTRIES):
    """Write entries below a folder, and return their catalogue."""
    for each in entries:
        namespace, _, method = each["name"].rpartition(".")
        file = folder / namespace / f"{method}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(each), "utf-8")
    return Catalogue.load(folder)
