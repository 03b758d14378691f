"""A client of the CloudBase gateway, as wx-server-sdk."""

import json
import time
from typing import NamedTuple

from support.values import API, OTHER

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Emulator, create_app
from cloud_openapi.runtime import Credentials, Outcome, UnknownFunctionError
from cloud_openapi.wire import messages, multipart, signature
from cloud_openapi.wire.messages import Pair

PATH = default_catalogue()[API].path
DAY = [Pair("begin_date", b'"20170313"'), Pair("end_date", b'"20170313"')]


class Invocation(NamedTuple):
    request_id: str
    function: str
    source: str


class Functions:
    """A stub of the runtime with two running functions; ``denied`` has no permissions."""

    folder = "functions"

    def __init__(self):
        self.credentials = Credentials.new()
        self.names = ["reader", "denied"]
        self.running = {"token-a": "reader", "token-b": "denied"}
        self.root = frozenset()
        self.invoked = []
        self.reasons = []
        self.outcome = None

    def __iter__(self):
        return iter(self.names)

    def invocation_of(self, token):
        name = self.running.get(token)
        return name and Invocation("r", name, "wx_client")

    def running_of(self, name):
        return Invocation("r", name, "wx_client") if name in self.running.values() else None

    def explain(self, function, reason, mark, token="", *, nested=False):
        self.reasons.append((function, reason))

    def times_of(self, function):
        return []

    def why_denied(self, function, api, nearest, known):
        return f"{api} is not in config.json"

    def secrets_of(self, name):
        variables = self.credentials.variables_for(name)
        return variables["TENCENTCLOUD_SECRETID"], variables["TENCENTCLOUD_SECRETKEY"]

    def timers(self):
        return []

    def permissions_of(self, function):
        return frozenset({API, "made.up"} if function == "reader" else ())

    def root_permissions(self):
        return self.root

    def invoke(self, name, event, now, source, *, parent=None):
        if name not in self.names:
            raise UnknownFunctionError(name)
        self.invoked.append((name, event, now, source))
        return self.outcome or Outcome(json.dumps(event), 200)


class Gateway:
    """An emulator and a client of its gateway."""

    def __init__(self, **settings):
        self.functions = Functions()
        apps = {DEMO_APPID: DEMO_SECRET, OTHER: "other-secret"}
        self.emulator = Emulator(apps=apps, **settings)
        self.client = create_app(self.emulator, self.functions).test_client()

    def post(self, fields, signed=None):
        """Send fields as a form."""
        kind = "multipart/form-data; boundary=----x"
        body = multipart.write(fields, "----x")
        headers = self.sign(fields, kind, signed)
        return self.client.post("/admin", data=body, content_type=kind, headers=headers)

    def sign(self, fields, kind, signed):
        """Return the headers of a signature; ``signed`` is a secret id and a key, () for none.

        By default the function of the token signs.
        """
        if signed is None and fields.get("wxCloudApiToken") in self.functions.running:
            signed = self.functions.secrets_of(self.functions.running[fields["wxCloudApiToken"]])
        if not signed:
            return {}
        encoded = {name: _bytes_of(value) for name, value in fields.items()}
        headers = {"content-type": kind, "host": "localhost"}
        request = signature.Signed("//localhost/admin", "", headers, encoded)
        now = int(time.time())
        return {"Authorization": signature.sign(request, *signed, now), "X-Timestamp": str(now)}

    def call(self, pairs=DAY, api=API, token="token-a", appid="", signed=None):
        fields = {"action": "wx.openApi", "apiName": api}
        fields["requestData"] = messages.write_request(pairs, appid)
        reply = self.post(fields | {"wxCloudApiToken": token}, signed)
        assert reply.content_type == "application/octet-stream"
        return messages.read_answer(reply.data)

    def code(self, **parameters):
        answer = self.call(**parameters)
        return answer.error_code or json.loads(answer.body).get("errcode", 0)

    def json(self, signed=None, **fields):
        """Send a JSON action; a token of None is left out."""
        fields = {"wxCloudApiToken": "token-a", **fields}
        fields = {name: value for name, value in fields.items() if value is not None}
        headers = self.sign(fields, "application/json", signed)
        # Flask's client would sort the names, and so change what is signed.
        body = _bytes_of(fields)
        kind = "application/json"
        reply = self.client.post("/admin", data=body, content_type=kind, headers=headers)
        assert reply.status_code == 200
        assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
        return reply.json

    @property
    def last(self):
        return list(self.emulator.journal)[-1]


def _bytes_of(value):
    """Return what Node.js writes and signs; JSON.stringify escapes half a surrogate pair."""
    if isinstance(value, bytes | str):
        return value if isinstance(value, bytes) else value.encode()
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")
