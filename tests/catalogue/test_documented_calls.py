"""WeChat's cloud-call examples are what the SDK's rule makes of its examples over HTTPS.

A sample has both forms as WeChat's page prints them. ``differs`` lists the paths where the page
does not print the converted form, each with the reason; a prefix stands for all paths below it.
"""

import json

import pytest
from support.paths import SAMPLES

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.naming import to_camel_case, to_snake_case

CALLS = {path.stem: path for path in sorted((SAMPLES / "documented_calls").glob("*.json"))}
# Either form has its own spelling of these, and the SDK sets them.
_STATUS = frozenset({"errcode", "errmsg", "errCode", "errMsg"})


@pytest.mark.parametrize("name", CALLS)
def test_the_cloud_form_of_a_page_is_the_converted_https_form(name):
    call = json.loads(CALLS[name].read_text("utf-8"))
    unlisted, listed = set(), set()
    for path in _differences(call):
        prefixes = {prefix for prefix in call.get("differs", {}) if _below(path, prefix)}
        listed |= prefixes
        if not prefixes:
            unlisted.add(path)
    assert not unlisted
    assert listed == set(call.get("differs", {})), "differs lists a path that does not differ"


@pytest.mark.parametrize("name", CALLS)
def test_the_https_form_of_a_page_is_an_example_of_the_entry(name):
    call = json.loads(CALLS[name].read_text("utf-8"))
    examples = [
        {key: value for key, value in example.items() if key != "made"}
        for example in default_catalogue()[name].examples
    ]
    assert call["https"] in examples


def _differences(call):
    """Return the paths where the forms differ: of the request over HTTPS, of the SDK's answer."""
    https, cloud = call["https"], call["cloud"]
    convert = cloud.get("convertCase", True)
    sent = to_snake_case(cloud["request"]) if convert else cloud["request"]
    answered = https.get("response", {})
    got = to_camel_case(answered) if convert else answered
    documented = dict(_leaves({"request": https["request"], "response": cloud.get("response", {})}))
    converted = dict(_leaves({"request": sent, "response": got}))
    for path in documented.keys() | converted.keys():
        if documented.get(path, _STATUS) != converted.get(path, _STATUS):
            yield path


def _leaves(value, path=""):
    """Yield each innermost value with its path; the status of an answer is left out."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            if not (path == "response" and name in _STATUS):
                yield from _leaves(inner, f"{path}.{name}".removeprefix("."))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{index}]")
    else:
        yield path, value


def _below(path, prefix):
    return path == prefix or path.startswith((f"{prefix}.", f"{prefix}["))
