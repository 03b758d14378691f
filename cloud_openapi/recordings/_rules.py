"""Rules that define the secrets in a request or a response."""

import re
from typing import NamedTuple

REDACTED = "REDACTED"


class Pattern(NamedTuple):
    """A secret ``value`` in a text, after a ``head``.

    If ``head`` has a group ``name``, the value is secret if that name is. A head matches at one
    place only, so that no body takes long.
    """

    head: re.Pattern[str]
    value: re.Pattern[str]


class Rules(NamedTuple):
    """The secrets of a recording; ``RULES._replace(names=RULES.names | {…})`` adds names."""

    names: frozenset[str]
    """Endings of names with a secret value, in lower case, without - and _. They apply to queries,
    forms, headers, cookies, and JSON at any depth; a plural s is ignored."""
    headers: frozenset[str]
    """Headers, in lower case, that keep their values; all others lose them."""
    patterns: tuple[Pattern, ...]
    """Secrets in a text that is neither JSON nor a form."""

    def secret(self, name: str) -> bool:
        """Return whether the value of a name is secret."""
        plain = _PUNCTUATION.sub("", name[-_LONGEST_NAME:]).lower()
        return plain.endswith(tuple(self.names)) or plain.rstrip("s").endswith(tuple(self.names))


_LONGEST_NAME = 64
_PUNCTUATION = re.compile(r"[-_.\s\[\]]")
_VALUE = re.compile(r"""(?:(?!%26)[^\s"'`&,;<>\\}\])])+""")
# In quotes, or in escaped ones, a value goes on to the same quote.
_QUOTED = re.compile(
    "|".join(
        rf"(?<=[^\\]{quote})(?=\S)(?:[^{quote}\\]|\\[\s\S])+(?={quote})"
        rf"|(?<=\\{quote})(?=\S)[^{quote}\\]+(?=\\+{quote})"
        for quote in "\"'`"
    )
    + f"|{_VALUE.pattern}"
)
_LINE = re.compile(r"[^\r\n]+")

RULES = Rules(
    names=frozenset(
        {
            "accesskey",
            "accesskeyid",
            "aeskey",
            "apikey",
            "appid",
            "authorization",
            "ciphertext",
            "cookie",
            "credential",
            "encrypt",
            "encrypteddata",
            "encryptkey",
            "jscode",
            "jwt",
            "mchkey",
            "openid",
            "passcode",
            "passphrase",
            "passwd",
            "password",
            "paysign",
            "privatekey",
            "pwd",
            "secret",
            "secretid",
            "secretkey",
            "sessionid",
            "sessionkey",
            "signature",
            "ticket",
            "token",
            "unionid",
            "v3key",
            "令牌",
            "口令",
            "密码",
            "密钥",
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
        # A header in a log or a dump: the whole line.
        Pattern(
            re.compile(r"(?im)^[^\w\n-]*(?P<name>[\w-]*(?:authorization|cookie))[ \t]*:[ \t]*"),
            _LINE,
        ),
        Pattern(re.compile(r"(?i)\b(?:bearer|basic)\s+"), _VALUE),
        # name=value, name: value, "name": "value", also escaped once more or URL-encoded.
        Pattern(
            re.compile(
                r"""(?<![\w.-])(?P<name>[\w.-]+)\\*["'`]?\s*(?:[=:：]|%(?:25)*3[ADad])\s*\\*["'`]?"""
            ),
            _QUOTED,
        ),
        # An element of XML, with a namespace or without.
        Pattern(
            re.compile(r"<(?P<name>[\w.:-]+)(?:\s[^<>]*)?>\s*(?:<!\[CDATA\[)?"),
            re.compile(r"(?:(?!\]\]>)[^<])+"),
        ),
        Pattern(re.compile(r"://(?=[^\s/@]+@)"), re.compile(r"[^\s/@]+")),
        # Credentials by their look: an appid, a JSON web token.
        Pattern(
            re.compile(r"(?<![0-9A-Za-z])(?=wx[0-9a-f]{16}(?![0-9A-Za-z]))"), re.compile(r"\w+")
        ),
        Pattern(
            re.compile(r"(?<![\w-])(?=eyJ[\w-]{8,}\.[\w-]+\.)"),
            re.compile(r"[\w-]+\.[\w-]+\.[\w-]*"),
        ),
    ),
)
"""The default rules."""
