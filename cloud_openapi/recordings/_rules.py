"""What is secret in a request or an answer, as data."""

import re
from typing import NamedTuple

REDACTED = "REDACTED"


class Rules(NamedTuple):
    """What is taken out of a recording; ``RULES._replace(names=RULES.names | {…})`` adds to it."""

    names: frozenset[str]
    """Endings of names, in lower case without - and _, whose value is secret: in queries, forms,
    headers, cookies, and JSON at any depth. A plural counts too."""
    headers: frozenset[str]
    """Headers, in lower case, whose value may be kept: that of any other is not."""
    patterns: tuple[re.Pattern[str], ...]
    """Secrets in a text: the group ``value``, where the group ``name``, if there is one, has a
    name that is secret."""

    def secret(self, name: str) -> bool:
        """Say whether the value of a name is secret."""
        plain = _PUNCTUATION.sub("", name).lower()
        return plain.endswith(tuple(self.names)) or plain.rstrip("s").endswith(tuple(self.names))


_PUNCTUATION = re.compile(r"[-_.\s\[\]]")
_END = r"""(?:(?!%26)[^\s"'`&,;<>\\}\])])+"""

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
        re.compile(r"(?im)^\W*(?P<name>[\w-]*(?:authorization|cookie))\s*:\s*(?P<value>\S.*?)\s*$"),
        re.compile(rf"(?i)\b(?:bearer|basic)\s+(?P<value>{_END})"),
        # name=value, name: value, "name": "value", also escaped once more or URL-encoded.
        re.compile(
            r"""(?P<name>[\w.-]+)\\*["'`]?\s*(?:[=:]|%(?:25)*3[ADad])\s*\\*["'`]?"""
            rf"(?P<value>{_END})"
        ),
        # A part of a multipart form, an element of XML.
        re.compile(
            r"""(?i)\bname="?(?P<name>[\w.-]+)"?[^\r\n]*(?:\r?\n[^\r\n]+)*\r?\n\r?\n(?P<value>[^\r\n]+)"""
        ),
        re.compile(r"<(?P<name>[\w.-]+)[^<>]*>\s*(?:<!\[CDATA\[)?(?P<value>[^<>\[\]]+)"),
        re.compile(r"://(?P<value>[^\s/@]+)@"),
        # What is a credential by its look: an appid, a JSON web token.
        re.compile(r"(?<![0-9A-Za-z])(?P<value>wx[0-9a-f]{16})(?![0-9A-Za-z])"),
        re.compile(r"\b(?P<value>eyJ[\w-]{8,}\.[\w-]+\.[\w-]*)"),
    ),
)
"""The rules that hold unless others are given."""
