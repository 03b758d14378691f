"""Calls of an emulator in either form: over HTTPS, and through the gateway."""

import io
import json
from urllib.parse import urlencode

from support.gateway import Gateway
from support.values import NOW
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from cloud_openapi.demo import DEMO_APPID
from cloud_openapi.emulator import Clock, Emulator, create_app
from cloud_openapi.wire import messages
from cloud_openapi.wire.messages import Pair


class _Client:
    """Calls of an emulator. A file is its name, content type and content."""

    def call(self, api, params, files=None):
        """Return the content type and the body of an answer."""
        raise NotImplementedError

    def answer(self, api, params, files=None):
        """Return the JSON that answers a call."""
        kind, data = self.call(api, params, files)
        assert kind.startswith("application/json")
        return json.loads(data)


class HTTPS(_Client):
    """Calls over HTTPS."""

    def __init__(self, catalogue):
        self.catalogue = catalogue
        self.emulator = Emulator(clock=Clock(NOW), catalogue=catalogue)
        app = create_app(self.emulator)
        app.testing = True
        self.client = app.test_client()

    @property
    def token(self):
        return self.emulator.program(DEMO_APPID).tokens.grant_stable(force=False)[0]

    def call(self, api, params, files=None):
        operation = self.catalogue[api]
        query = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in params.items()
            if name in operation.query
        }
        rest = {name: params[name] for name in params if name not in operation.query}
        given = {}
        if files:
            parts = {
                name: FileStorage(io.BytesIO(content), filename, name, kind)
                for name, (filename, kind, content) in files.items()
            }
            boundary, form = encode_multipart(parts)
            given = {"data": form, "content_type": f"multipart/form-data; boundary={boundary}"}
        if not files and operation.method == "POST" and (rest or not query):
            given = {"json": rest}
        answer = self.client.open(
            operation.path,
            method=operation.method,
            query_string=urlencode({"access_token": self.token, **query}, errors="surrogatepass"),
            **given,
        )
        assert answer.status_code == 200
        return answer.content_type, answer.data


class CloudCall(_Client):
    """Calls through the gateway."""

    def __init__(self, catalogue):
        self.gateway = Gateway(catalogue=catalogue)
        self.emulator = self.gateway.emulator
        self.emulator.clock.freeze(NOW)
        self.gateway.functions.permissions_of = lambda _function: frozenset(catalogue)

    def call(self, api, params, files=None):
        pairs = [Pair(name, json.dumps(value).encode()) for name, value in params.items()]
        files = files or {}
        pairs += [Pair(name, content, filename) for name, (filename, _, content) in files.items()]
        answer = self.gateway.call(pairs, api=api)
        assert isinstance(answer, messages.Answer)
        return answer.content_type, answer.body


def split_files(params):
    """Return the parameters of a call and its files, which are as large as they say."""
    files = {
        name: (value["filename"], value.get("contentType", ""), bytes(value.get("size", 1)))
        for name, value in params.items()
        if isinstance(value, dict) and "filename" in value
    }
    return {name: value for name, value in params.items() if name not in files}, files
