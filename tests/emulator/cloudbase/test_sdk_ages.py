"""wx-server-sdk of four ages, unmodified, calls each API by example in a function.

The results are WeChat's documented answers, converted as the SDK does. Files that it sends or gets,
and made values, are those of the same calls over HTTPS.
"""

import json

import pytest
from support.both_forms import HTTPS
from support.serving import Served
from support.values import NOW

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.naming import to_camel_case, to_snake_case

CATALOGUE = default_catalogue()
EXAMPLES = [
    (operation, example)
    for operation in CATALOGUE.values()
    if not operation.simulation
    for example in operation.examples
]
AGES = ["0.4.3", "1.8.3", "2.6.3", "4.0.2"]
WITHOUT_OPTIONS = {"0.4.3": {"error": "cloud.openapi is not a function"}}
"""What ages without ``convertCase: false`` say; they cannot send names with capitals."""
UPLOAD, DOWNLOAD = (CATALOGUE[f"officialAccount.media.{name}"] for name in ("upload", "get"))
CONTENT = bytes(range(256)) + b"\r\n--x\r\n"
SOURCE = """
const cloud = require('wx-server-sdk')
cloud.init({ env: process.env.TCB_ENV })

const revive = (_key, value) => value && value.type === 'Buffer' ? Buffer.from(value.data) : value

async function call({ api, params, options }) {
  const openapi = options ? cloud.openapi(options) : cloud.openapi
  return api.split('.').reduce((found, name) => found[name], openapi)(params)
}

exports.main = async ({ calls }) => {
  const outcomes = []
  for (const one of JSON.parse(JSON.stringify(calls), revive)) {
    outcomes.push(await call(one).catch(({ message }) => ({ error: message })))
  }
  return outcomes
}
"""


def buffer(content):
    """Return what JSON makes of a Buffer."""
    return {"type": "Buffer", "data": list(content)}


def files_of(request):
    return {
        name: (f"{name}.jpeg", "image/jpeg", CONTENT)
        for name, value in request.items()
        if isinstance(value, dict) and value.keys() == {"filename"}
    }


def options_of(request):
    """Return the options of a call: the SDK's conversion breaks names with capitals."""
    is_kept = to_snake_case(to_camel_case(request)) == request
    return None if is_kept else {"convertCase": False}


def by_sdk(operation, request):
    """Return the SDK's call for a request in the HTTPS form."""
    file = {"contentType": "image/jpeg", "value": buffer(CONTENT)}
    params = {**request, **dict.fromkeys(files_of(request), file)}
    options = options_of(request)
    params = params if options else to_camel_case(params)
    return {"api": operation.name, "params": params, "options": options}


def result(operation, answer, options=None):
    """Return the SDK's result for an answer over HTTPS."""
    own = {name: value for name, value in answer.items() if name not in {"errcode", "errmsg"}}
    own = own if options else to_camel_case(own)
    return {**own, "errMsg": f"openapi.{operation.name}:ok", "errCode": 0}


def by_https(client, operation, request):
    """Make a call over HTTPS, and return the SDK's result for its answer."""
    files = files_of(request)
    params = {name: value for name, value in request.items() if name not in files}
    kind, body = client.call(operation.name, params, files)
    if kind.startswith("image/"):
        return result(operation, {"contentType": kind, "buffer": buffer(body)})
    return result(operation, json.loads(body), options_of(request))


def downloads(outcomes):
    """Return calls that get each file which was kept, by the id that its upload returned."""
    for (operation, _), outcome in zip(EXAMPLES, outcomes, strict=True):
        if operation.path == UPLOAD.path:
            for download in CATALOGUE.values():
                if download.path == DOWNLOAD.path:
                    yield download, {"media_id": outcome["mediaId"]}


@pytest.mark.slow
@pytest.mark.parametrize("age", AGES)
def test_each_api_answers_the_sdk_as_documented(age, installed, tmp_path, monkeypatch):
    packages = installed(f"wx-server-sdk@{age}")
    client = HTTPS(CATALOGUE)
    with Served(tmp_path, monkeypatch, node_path=packages) as served:
        served.emulator.clock.freeze(NOW)
        served.write("all", SOURCE, list(CATALOGUE))

        def call(asked):
            calls = [by_sdk(operation, request) for operation, request in asked]
            return served.call("all", {"calls": calls})

        asked = [(operation, example["request"]) for operation, example in EXAMPLES]
        outcomes = call(asked)
        kept = list(downloads(outcomes))
        files = call(kept)
    for (operation, example), outcome in zip(EXAMPLES, outcomes, strict=True):
        request = example["request"]
        options = options_of(request)
        over_https = by_https(client, operation, request)
        if options and age in WITHOUT_OPTIONS:
            assert outcome == WITHOUT_OPTIONS[age]
            continue
        assert outcome == over_https
        if "response" in example and not files_of(request):
            assert outcome == result(operation, example["response"], options)
    assert len(kept) == 4
    for (operation, request), file in zip(kept, files, strict=True):
        assert file == by_https(client, operation, request)
        assert file["buffer"] == buffer(CONTENT)
