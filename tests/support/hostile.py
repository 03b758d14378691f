"""Content of others that must do nothing in the console but be shown."""

import json
from urllib.parse import quote, urlencode

from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET

MARKUP = (
    "</script></textarea></title><script>window.struck=1</script>"
    "<img src=x onerror=window.struck=1><style>*{display:none}</style>"
    "<a href=\"javascript:window.struck=1\" hx-get='/_console/' hx-trigger=load>{{7*7}}{%raw%}\"'"
)
# Right-to-left override, an open isolate, a zero-width space, a character of four bytes.
MARKS = "\u202egnp.exe\u2066\u200b\U0001f600"
_SOURCES = {
    "returnsMarkup": "return event",
    "printsMarkup": f"print({MARKUP + MARKS!r})",
    "printsBytes": "sys.stdout.buffer.write(b'\\xff\\xfe\\x00\\x1b[31m\\n')",
    "raisesMarkup": f"raise ValueError({MARKUP + MARKS!r})",
    "returnsMuch": "return 'x' * 5_000_000",
    "printsOneLongWord": "print('y' * 20_000)",
}


def write_functions(project):
    """Write functions whose results, logs and errors are hostile."""
    for name, line in _SOURCES.items():
        folder = project / "cloudfunctions" / name
        folder.mkdir(parents=True)
        (folder / "index.py").write_text(
            f"import sys\n\n\ndef main(event, context):\n    {line}\n", "utf-8"
        )
        (folder / "config.json").write_text('{"permissions": {"openapi": []}}', "utf-8")


def attack(served):
    """Send hostile paths, bodies and events, and let answers, faults and pins be hostile."""
    for name in _SOURCES:
        served.invoke(name, {"markup": MARKUP, MARKUP: MARKS})
    token_of = {"grant_type": "client_credential", "appid": DEMO_APPID, "secret": DEMO_SECRET}
    token = json.loads(served.send("GET", f"/cgi-bin/token?{urlencode(token_of)}"))["access_token"]
    answer = {"errcode": 40013, "errmsg": MARKUP + MARKS}
    pin = {"api": "analysis.getDailyRetain", "response": answer, "force": True}
    served.send("POST", "/_emulator/pins", pin)
    document = json.dumps({"_id": MARKUP + MARKS, MARKUP: ["z" * 100_000, MARKS]})
    collection = quote(f"<img src=x onerror=window.struck=1>{MARKS}", safe="")
    path = f"/_emulator/database/collections/{collection}/documents"
    served.send_raw("POST", path, document.encode())
    for path in (quote(MARKUP + MARKS), "markup.html", "markup.svg"):
        served.send_raw("PUT", f"/_emulator/storage/files/{path}", (MARKUP + MARKS).encode())
    fault = {"kind": "error", "errcode": 45009, "errmsg": MARKUP, "api": "wxacode.get"}
    served.send("POST", "/_emulator/faults", fault)
    for path in ("datacube/getweanalysisappiddailyretaininfo", "wxa/getwxacode", quote(MARKUP)):
        query = urlencode({"access_token": token, "page": MARKUP})
        served.send("POST", f"/{path}?{query}", {"path": MARKUP + MARKS, MARKUP: "z" * 100_000})
    served.send_raw("POST", f"/wxa/getwxacode?access_token={token}", b"\xff\xfe\x00<script>")
