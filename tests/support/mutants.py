"""Samples broken by a machine."""

import copy
import json
from typing import Any, NamedTuple

from support.paths import SAMPLES, sample

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.json_schema.values import error_code

# The fields whose values WeChat's pages list.
LISTED_VALUES = frozenset({"key", "index", "module", "field", "errcode", "errCode", "errMsg"})
STATUS = frozenset({"errcode", "errmsg"})
OTHER_TYPE = {dict: [], list: {}, str: 7, int: "7", float: "7.5", bool: "true"}


def judged(name):
    """Return the body, API, form and side of a sample."""
    parts = name.removesuffix(".json").split(".")
    if parts[0] == "error":
        return sample(name), next(iter(default_catalogue())), "https", "error"
    form = "cloud" if parts[2].endswith("cloud") else "https"
    return sample(name), f"analysis.{parts[0]}", form, parts[1]


APIS = {name.rpartition(".")[2] for name in default_catalogue()}


def is_a_body(name):
    """Return whether a sample is an error or a complete body of an API of the catalogue."""
    method, side = name.split(".")[:2]
    return method == "error" or (method in APIS and side in {"request", "response"})


NAMES = sorted(path.name for path in SAMPLES.glob("*.json") if is_a_body(path.name))


def places(value, path=()):
    yield path, value
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


def mutations(value, path, *, listed):
    """Yield the name of each mutation of a value, and its replacement."""
    if isinstance(value, dict):
        for key in value:
            yield f"drop {key}", {name: inner for name, inner in value.items() if name != key}
        yield "add a key", {**value, "unheard_of": 1}
    if path:
        yield "null", None
    yield "other type", OTHER_TYPE[type(value)]
    if isinstance(value, int | float):
        yield "negative", -1 - abs(value)
    if isinstance(value, str):
        yield "empty", ""
    if listed:
        yield "value of no list", "unheard_of" if isinstance(value, str) else 999


def placed(body, path, value):
    if not path:
        return value
    mutant = copy.deepcopy(body)
    holder = mutant
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return mutant


def documented_bodies():
    """Yield WeChat's bodies and recorded answers of the APIs that answer by example."""
    by_example = {api.name: api for api in default_catalogue().values() if not api.simulation}
    for name, api in by_example.items():
        for example in (each for each in api.examples if "made" not in each):
            for side in example.keys() & {"request", "response"}:
                yield Body(name, "https", side, example[side])
    for path in sorted((SAMPLES / "documented_calls").glob("*.json")):
        call = json.loads(path.read_text("utf-8"))
        for side in ("request", "response"):
            # Of a page whose cloud form is not what the SDK makes, nothing follows.
            as_converted = not any(each.startswith(side) for each in call.get("differs", {}))
            if side in call["cloud"] and as_converted and "convertCase" not in call["cloud"]:
                yield Body(path.stem, "cloud", side, _with_status(path.stem, side, call["cloud"]))
    for path in sorted((SAMPLES / "recorded_calls").glob("*.json")):
        call = json.loads(path.read_text("utf-8"))
        if not error_code(call["body"]):
            yield Body(call["api"], call["form"], "response", call["body"])


class Body(NamedTuple):
    """A body of an API in one form."""

    api: str
    form: str
    side: str
    body: Any


def _with_status(api, side, call):
    """Return the body of a cloud call with the status that the SDK sets; pages vary in it."""
    if side == "request":
        return call[side]
    body = {name: value for name, value in call[side].items() if name.lower() not in STATUS}
    return {**body, "errMsg": f"openapi.{api}:ok"}


def refused_bodies(api):
    """Return the requests of an API that are known to be refused."""
    path = SAMPLES / "refused_calls" / f"{api}.json"
    changes = (
        [each["change"] for each in json.loads(path.read_text("utf-8"))] if path.exists() else []
    )
    first = default_catalogue()[api].examples[0]["request"]
    bodies = [{**first, **change} for change in changes]
    return [{key: value for key, value in each.items() if value is not None} for each in bodies]


def written(path, body):
    """Return a path; an item of a list has WeChat's own index, or [] if it has none."""
    text, value = "$", body
    for part in path:
        value = value[part]
        kind = value.get("index", "") if isinstance(value, dict) else ""
        text += f"[{kind}]" if isinstance(part, int) else f".{part}"
    return text


def mutants(body):
    """Yield the name and the body of each mutant, once for all items of a list."""
    seen = set()
    for path, value in places(body):
        listed = bool(path) and path[-1] in LISTED_VALUES
        for mutation, new in mutations(value, path, listed=listed):
            what = (written(path, body), mutation)
            # Items of a list have the same schema.
            if what not in seen:
                seen.add(what)
                yield what, placed(body, path, new)
