"""A call as text to copy: for a shell with curl, for Python, for JavaScript.

The credentials are variables. Any parameter is written so that the language reads it unchanged.
"""

import base64
import json
import keyword
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from cloud_openapi.emulator.console.forms import CloudForm, HTTPSForm
from cloud_openapi.wire.multipart import Part

_TOKEN: Final = r"""token=$(curl -sS "$CLOUD_OPENAPI_BASE_URL/cgi-bin/stable_token" \
  -H 'Content-Type: application/json' -d @- <<END |
{"grant_type": "client_credential", "appid": "$CLOUD_OPENAPI_APPID",
 "secret": "$CLOUD_OPENAPI_SECRET"}
END
sed -n 's/.*"access_token": *"\([^"]*\)".*/\1/p')
"""  # noqa: S105 - a program
_ROUND: Final = 2**53
_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_MOST_ON_A_LINE: Final = 70
_DEEPEST_IN_LINES: Final = 10


def curl(form: HTTPSForm) -> str:
    """Return the commands of a shell that send a request, with a token got by variables."""
    if not form.has_token:
        return ""
    url = f'"$CLOUD_OPENAPI_BASE_URL"{shlex.quote(f"{quote(form.path)}?access_token=")}"$token"'
    if form.query:
        url += shlex.quote(f"&{form.query}")
    lines = [f"curl -sS -X {shlex.quote(form.method)} {url}"]
    before = ""
    if form.files:
        before, parts = _curl_files(form.files)
        lines += parts
    elif form.body:
        lines.append(f"-H {shlex.quote(f'Content-Type: {form.content_type}')}")
        before, data = _curl_body(form.body)
        lines.append(data)
    return _TOKEN + before + " \\\n  ".join(lines) + "\n"


def token_command() -> str:
    """Return the commands of a shell that get an access token."""
    return _TOKEN


def exports(variables: Mapping[str, str | None]) -> str:
    """Return the lines of a shell that set variables; a secret, which is None, is left open."""
    return "".join(
        f"export {name}={'…' if value is None else shlex.quote(value)}\n"
        for name, value in variables.items()
    )


def python(form: CloudForm) -> str:
    """Return a program in Python that makes a cloud call."""
    call = f"{_path(form, _PYTHON)}({_arguments(form, _PYTHON)})"
    imports = "import base64\n\n" if form.files else ""
    return f"{imports}from cloud_openapi import cloud\n\ncloud.init()\nprint({call})\n"


def javascript(form: CloudForm) -> str:
    """Return a program for Node.js that makes a cloud call by wx-server-sdk."""
    call = f"{_path(form, _JAVASCRIPT)}({_arguments(form, _JAVASCRIPT)})"
    return (
        'const cloud = require("wx-server-sdk");\n\n'
        "cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });\n"
        f"{call}\n"
        "  .then((answer) => console.log(JSON.stringify(answer, null, 2)), console.error);\n"
    )


def shown_call(form: CloudForm) -> str:
    """Return a cloud call as a function writes it, with the sizes of its files alone."""
    short = _JAVASCRIPT._replace(content=lambda data: f"/* {len(data):,} bytes */")
    return f"{_path(form, short)}({_arguments(form, short)})"


class _Language(NamedTuple):
    """How a language writes values that JSON writes otherwise, or that its JSON cannot write."""

    constants: Mapping[object, str]
    escape: Callable[[str], str]
    integer: Callable[[int], str]
    key: Callable[[str, str], str]
    content: Callable[[bytes], str]
    unconverted: str
    takes_name: Callable[[str], bool]


def _escape_python(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"  # noqa: PLR2004


def _escape_javascript(char: str) -> str:
    return json.dumps(char)[1:-1]


def _big_integer(value: int) -> str:
    # wx-server-sdk writes a BigInt as a number; as a number it would be rounded.
    return str(value) if abs(value) <= _ROUND else f"{value}n"


def _own_key(name: str, written: str) -> str:
    # Without brackets it would set the prototype.
    return "[" + written + "]" if name == "__proto__" else written


def _base64(data: bytes) -> str:
    return json.dumps(base64.b64encode(data).decode())


_PYTHON: Final = _Language(
    constants={True: "True", False: "False", None: "None"},
    escape=_escape_python,
    integer=str,
    key=lambda _name, written: written,
    content=lambda data: f"base64.b64decode({_base64(data)})",
    unconverted="cloud.openapi(convertCase=False)",
    takes_name=lambda name: not keyword.iskeyword(name) and not name.startswith("_"),
)
_JAVASCRIPT: Final = _Language(
    constants={True: "true", False: "false", None: "null"},
    escape=_escape_javascript,
    integer=_big_integer,
    key=_own_key,
    content=lambda data: f'Buffer.from({_base64(data)}, "base64")',
    unconverted="cloud.openapi({ convertCase: false })",
    takes_name=lambda _name: True,
)


def _path(form: CloudForm, language: _Language) -> str:
    """Return the method of an API; a name that is not a word is written in brackets."""
    steps = [
        f".{step}"
        if _NAME.fullmatch(step) and language.takes_name(step)
        else f"[{_text(step, language)}]"
        for step in form.api.split(".")
    ]
    return ("cloud.openapi" if form.convert else language.unconverted) + "".join(steps)


def _arguments(form: CloudForm, language: _Language) -> str:
    members = [(name, _literal(value, language, 1)) for name, value in form.values.items()]
    for name, part in form.files.items():
        file = (
            ("contentType", _text(part.content_type, language)),
            ("value", language.content(part.content)),
        )
        members.append((name, _object(file, language, 1)))
    return _object(members, language, 0)


def _literal(value: Any, language: _Language, level: int) -> str:
    if value is None or isinstance(value, bool):
        return language.constants[value]
    if isinstance(value, str):
        return _text(value, language)
    if isinstance(value, int):
        return language.integer(value)
    if isinstance(value, dict):
        members = [(name, _literal(one, language, level + 1)) for name, one in value.items()]
        return _object(members, language, level)
    if isinstance(value, list):
        return _in_lines("[", [_literal(one, language, level + 1) for one in value], "]", level)
    return repr(value)


def _object(members: Iterable[tuple[str, str]], language: _Language, level: int) -> str:
    written = [f"{language.key(name, _text(name, language))}: {one}" for name, one in members]
    return _in_lines("{", written, "}", level)


def _in_lines(begin: str, members: list[str], end: str, level: int) -> str:
    """Return members on a line each, or inner ones on one line if they are short."""
    on_one = ", ".join(members)
    short = level > 0 and "\n" not in on_one and len(on_one) <= _MOST_ON_A_LINE - 2 * level
    # The spaces before the lines of deep levels would be longer than all else.
    if short or not members or level > _DEEPEST_IN_LINES:
        return begin + on_one + end
    inner, outer = "  " * (level + 1), "  " * level
    lines = "".join(f"{inner}{member},\n" for member in members)
    return f"{begin}\n{lines}{outer}{end}"


def _text(value: str, language: _Language) -> str:
    written = json.dumps(value, ensure_ascii=False)
    # Marks that turn the direction of a text, and halves of surrogate pairs.
    return "".join(each if each.isprintable() else language.escape(each) for each in written)


def _curl_body(body: bytes) -> tuple[str, str]:
    """Return what comes before curl, and its option with a body."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = "\0"
    if all(each.isprintable() or each in "\n\t" for each in text):
        return "", f"--data-raw {shlex.quote(text)}"
    return f"{_decoded(body)} | ", "--data-binary @-"


def _curl_files(files: Mapping[str, Part]) -> tuple[str, list[str]]:
    """Return what comes before curl, and its options with the files: the first by a pipe."""
    (first, *others) = files.items()
    before, made = f"{_decoded(first[1].content)} | ", [_form_part(*first, "-")]
    for number, (name, part) in enumerate(others, 2):
        before = f"{_decoded(part.content)} > part{number}\n{before}"
        made.append(_form_part(name, part, f"part{number}"))
    return before, made


def _form_part(name: str, part: Part, place: str) -> str:
    filename = part.filename.replace("\\", "\\\\").replace('"', '\\"')
    value = f'{name}=@{place};filename="{filename}";type={part.content_type}'
    return f"-F {shlex.quote(value)}"


def _decoded(data: bytes) -> str:
    return f"printf %s {base64.b64encode(data).decode()} | base64 -d"
