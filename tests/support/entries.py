"""Entries of APIs that WeChat does not have, one of each kind that the catalogue can describe."""

import json

from cloud_openapi.catalogue import Catalogue


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
        "examples": [{"request": {}, "response": {"errcode": 0, "errmsg": "ok"}}],
        **more,
    }


TEXT, NUMBER, FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
IMAGE = {"contentMediaType": "image/png"}
FILE = {"contentMediaType": "image/*", "description": "The picture"}
EMPTY = {"properties": {"size": {"const": 0}}}

ROOMS = entry(
    "rooms.list",
    "GET",
    lacks=["errors", "cloud example"],
    request=_object(
        {"roomId": NUMBER, "key_word": TEXT, "ready": FLAG, "tags": {"type": "array"}}, ["roomId"]
    ),
    response=_object({"rooms": {"type": "array", "items": {"$ref": "#/$defs/room"}}}, ["rooms"])
    | {"$defs": {"room": _object({"room_id": NUMBER, "any_thing": {}}, ["room_id"])}},
    answers=[
        {
            "response": {
                "rooms": [{"room_id": {"$param": "roomId"}}],
                "key_word": {"$param": "key_word", "or": ""},
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
        {"response": {"errcode": 0, "errmsg": "ok", "url": {"$param": "img_url", "or": ""}}},
    ],
    examples=[{"request": {"img_file": {"filename": "a.png"}}, "response": {"errcode": 0}}],
)
DRAW = entry(
    "pictures.draw",
    request=_object({"text": TEXT, "line_color": _object({"r": {}, "is_dark": FLAG}, ["r"])}),
    response=IMAGE,
    answers=[{"response": {"$qr": ["text"]}}],
    examples=[{"request": {"text": "a"}}],
)
FETCH = entry(
    "pictures.fetch",
    "GET",
    request=_object({"media_id": TEXT}, ["media_id"]),
    response=IMAGE,
    errors={"40007": "invalid media_id"},
    answers=[{"response": {"$kept": "media_id", "errcode": 40007}}],
    examples=[{"request": {"media_id": "m"}}],
)
TASK = entry(
    "tasks.add",
    query=["open_id"],
    request=_object({"open_id": TEXT, "id_list": {"type": "array", "items": TEXT}}, ["id_list"]),
    answers=[{"response": {"errcode": 0, "errmsg": "ok", "to": {"$param": "open_id", "or": ""}}}],
    examples=[{"request": {"id_list": ["a"]}, "response": {"errcode": 0}}],
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
ENTRIES = (ROOMS, CHECK, DRAW, FETCH, TASK, ORDER, NOTHING)


def catalogue_of(folder, entries=ENTRIES):
    """Write entries below a folder, and return their catalogue."""
    for each in entries:
        namespace, _, method = each["name"].rpartition(".")
        file = folder / namespace / f"{method}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(each), "utf-8")
    return Catalogue.load(folder)
