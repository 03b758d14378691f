"""What is secret in a request or an answer, as data."""

import re
from typing import NamedTuple

REDACTED = "REDACTED"


class Pattern(NamedTuple):
    """A secret in a text: what stands before it, and itself.

    If ``head`` has a group ``name``, that name decides whether the value is secret. None of these
    may take long on whatever a body holds, so each head begins at one place only.
    """

    head: re.Pattern[str]
    value: re.Pattern[str]


class Rules(NamedTuple):
    """What is taken out of a recording; ``RULES._replace(names=RULES.names | {…})`` adds to it."""

    names: frozenset[str]
    """Endings of names, in lower case without - and _, whose value is secret: in queries, forms,
    headers, cookies, and JSON at any depth. A plural counts too."""
    headers: frozenset[str]
    """Headers, in lower case, whose value may be kept: that of any other is not."""
    patterns: tuple[Pattern, ...]
    """Secrets in a text that is neither JSON nor a form."""

    def secret(self, name: str) -> bool:
        """Say whether the value of a name is secret."""
        plain = _PUNCTUATION.sub("", name[-_LONGEST_NAME:]).lower()
        return plain.endswith(tuple(self.names)) or plain.rstrip("s").endswith(tuple(self.names))


_LONGEST_NAME = 64
_PUNCTUATION = re.compile(r"[-_.\s\[\]]")
_VALUE = re.compile(r"""(?:(?!%26)[^\s"'`&,;<>\\}\])])+""")
_LINE = re.compile(r"[^\r\n]+")

RULES = Rules(
    names=frozenset(
        {
            "apikey",
            "appid",
            "authorization",
            "cookie",
            "jscode",
            "openid",
            "passwd",
            "password",
            "secret",
            "secretid",
            "secretkey",
            "sessionid",
            "sessionkey",
            "signature",
            "ticket",
            "token",
            "unionid",
        }
    ),
    headers=frozenset(
        {
            "accept",
            "accept-charset",
            "accept-encoding",
            "accept-language",
            "allow",
            "cache-control",
            "connection",
            "content-encoding",
            "content-language",
            "content-length",
            "content-type",
            "date",
            "host",
            "keep-alive",
            "logicret",
            "pragma",
            "retkey",
            "retry-after",
            "server",
            "transfer-encoding",
            "user-agent",
            "vary",
        }
    ),
    patterns=(
        # A header in a log or a dump: all of the line.
        Pattern(
            re.compile(r"(?im)^[^\w\n-]*(?P<name>[\w-]*(?:authorization|cookie))[ \t]*:[ \t]*"),
            _LINE,
        ),
        Pattern(re.compile(r"(?i)\b(?:bearer|basic)\s+"), _VALUE),
        # name=value, name: value, "name": "value", also escaped once more or URL-encoded.
        Pattern(
            re.compile(
                r"""(?<![\w.-])(?P<name>[\w.-]+)\\*["'`]?\s*(?:[=:]|%(?:25)*3[ADad])\s*\\*["'`]?"""
            ),
            _VALUE,
        ),
        # A part of a multipart form, an element of XML.
        Pattern(
            re.compile(
                r"""(?i)\bname="?(?P<name>[\w.-]{1,99})"?[^\r\n]{0,999}"""
                r"""(?:\r?\n[^\r\n]{1,999}){0,9}\r?\n\r?\n"""
            ),
            _LINE,
        ),
        Pattern(
            re.compile(r"<(?P<name>[\w.-]+)(?:\s[^<>]*)?>\s*(?:<!\[CDATA\[)?"),
            re.compile(r"[^<>\[\]]+"),
        ),
        Pattern(re.compile(r"://(?=[^\s/@]+@)"), re.compile(r"[^\s/@]+")),
        # What is a credential by its look: an appid, a JSON web token.
        Pattern(
            re.compile(r"(?<![0-9A-Za-z])(?=wx[0-9a-f]{16}(?![0-9A-Za-z]))"), re.compile(r"\w+")
        ),
        Pattern(
            re.compile(r"(?<![\w-])(?=eyJ[\w-]{8,}\.[\w-]+\.)"),
            re.compile(r"[\w-]+\.[\w-]+\.[\w-]*"),
        ),
    ),
)
"""The rules that hold unless others are given."""
