"""Samples broken by a machine."""

import copy

from support.paths import SAMPLES, sample

from cloud_openapi.catalogue import default_catalogue

# The fields whose values WeChat's pages list.
LISTED_VALUES = frozenset({"key", "index", "module", "field", "errcode", "errCode", "errMsg"})
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


def written(path, body):
    """Return a path; an item of a list has WeChat's own index, or [] if it has none."""
    text, value = "$", body
    for part in path:
        value = value[part]
        kind = value.get("index", "") if isinstance(value, dict) else ""
        text += f"[{kind}]" if isinstance(part, int) else f".{part}"
    return text


def mutants(name):
    """Yield the name and the body of each mutant, once for all items of a list."""
    body = judged(name)[0]
    seen = set()
    for path, value in places(body):
        listed = bool(path) and path[-1] in LISTED_VALUES
        for mutation, new in mutations(value, path, listed=listed):
            what = (written(path, body), mutation)
            # Items of a list have the same schema.
            if what not in seen:
                seen.add(what)
                yield what, placed(body, path, new)
