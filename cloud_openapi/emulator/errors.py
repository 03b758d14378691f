"""WeChat's error codes with their exact texts, and the rid at the end of each.

The texts are those of WeChat's current pages and of recorded answers. Documented texts get a rid
even if none was recorded with them.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from cloud_openapi.known_names import nearest

LARGEST: Final = 2**31 - 1
"""The largest of WeChat's numbers, which have 32 bits."""

TEXTS: Final = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest, could get access_token by "
    "getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r",
    40002: "invalid grant_type",
    40013: "invalid appid",
    40014: "invalid access_token",
    40066: "invalid url",
    40125: "invalid appsecret",
    40164: "invalid ip {ip} ipv6 ::ffff:{ip}, not in whitelist",
    40243: "AppSecret 已被冻结",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41005: "media data missing",
    42001: "access_token expired",
    43001: "require GET method",
    43002: "require POST method",
    44001: "empty media data",
    44002: "empty post data",
    45002: "content size out of limit",
    45009: "reach max api daily quota limit, could get access_token by getStableAccessToken, more "
    "details at https://mmbizurl.cn/s/JtxxFh33r",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    47001: "data format error",
    48001: "api unauthorized",
    48006: "forbid to clear quota because of reaching the limit",
    50004: "禁止使用 token 接口",
    50007: "账号已冻结",
    61007: "api is unauthorized to component",
    61500: "date format error",
    61501: "date range error",
    61502: "this is game miniprogram, data api is not supported",
    61503: "data not ready, please try later",
    61504: "system busy now , please try later",
    76001: "rid not found",
    76002: "rid is error",
    76003: "could not query this rid,no permission",
    76004: "rid time is error",
    76021: "cgi_path not found, please check",
    76022: "could not use this cgi_path, no permission",
    85105: "not authorized",
    85107: "URL不在白名单内,请前往「微信云托管控制台-服务管理-云调用-微信令牌」配置",
    85112: "cloudbase_secret not found",
    85113: "cloudbase_token is not ready yet, please try again later",
    89503: "此次调用需要管理员确认，请耐心等候",
    89506: "24小时内该IP被管理员拒绝调用两次，24小时内不可再使用该IP调用",
    89507: "1小时内该IP被管理员拒绝调用一次，1小时内不可再使用该IP调用",
}

_NONE: Final[Mapping[int, str]] = MappingProxyType({})
_API_QUOTA: Final = "reach max api daily quota limit"
STABLE_TOKEN: Final = "/cgi-bin/stable_token"  # noqa: S105 - a path
TOKEN_PATHS: Final = ("/cgi-bin/token", STABLE_TOKEN)
CLEAR_QUOTA_V2: Final = "/cgi-bin/clear_quota/v2"
# These take appid and secret, not a token.
CREDENTIAL_PATHS: Final = (*TOKEN_PATHS, CLEAR_QUOTA_V2)
MANAGEMENT_PATHS: Final = (
    "/cgi-bin/clear_quota",
    "/cgi-bin/openapi/quota/get",
    "/cgi-bin/openapi/quota/clear",
    "/cgi-bin/openapi/rid/get",
)

# Recorded with a comma before the rid.
_COMMA_CODE = 41004


class InvalidInputError(ValueError):
    """The input is invalid; the message names the valid values."""


class NotFoundError(KeyError):
    """The mini program, fault or pin does not exist."""


class RefusalError(Exception):
    """A request that WeChat answers with an error; ``check`` names the failed check.

    ``text`` replaces WeChat's text of the code. ``reason`` says why it was refused and what to do;
    without one, the advice on the code is shown.
    """

    def __init__(self, code: int, check: str, text: str | None = None, reason: str = "") -> None:
        super().__init__(code, check, text)
        self.code = code
        self.check = check
        self.text = text
        self.reason = reason


class SideCarError(Exception):
    """A request that Cloud Run's side-car answers with HTTP 502, before it reaches WeChat."""

    reason = (
        "Cloud Run's side-car forwards only the paths in api_whitelist of the mini program's "
        "cloud_run, without the query"
    )


class PlatformError(RefusalError):
    """A call that the CloudBase gateway refuses, before it reaches WeChat."""


def error_body(code: int, rid: str, text: str | None = None) -> dict[str, int | str]:
    """Return the body of an error, ``{"errcode": …, "errmsg": "… rid: …"}``."""
    text = TEXTS[code] if text is None else text
    comma = "," if code == _COMMA_CODE and text == TEXTS[code] else ""
    return {"errcode": code, "errmsg": f"{text}{comma} rid: {rid}"}


def quota_text(path: str) -> str:
    """Return the text of 45009 at a path; the token endpoints have a longer one."""
    return TEXTS[45009] if path in TOKEN_PATHS else _API_QUOTA


def has_text(code: Any, own: Mapping[int, str]) -> bool:
    """Return whether WeChat's text of a code is known, from ``own`` texts of an API too."""
    return isinstance(code, int) and (code in TEXTS or code in own)


def text_of(code: int, own: Mapping[int, str]) -> str:
    """Return WeChat's text of a code: the common one, else that of ``own``, an API's errors."""
    return TEXTS[code] if code in TEXTS else own[code]


def text_at(code: int, path: str, ip: str, own: Mapping[int, str] = _NONE) -> str:
    """Return WeChat's text of a code, for a request to ``path`` from the address ``ip``.

    ``own`` are the texts of the API at the path, for codes that are not common ones.
    """
    if code == 45009:  # noqa: PLR2004
        return quota_text(path)
    text = text_of(code, own)
    return text.format(ip=ip) if code in TEXTS else text


def make_rid(now: datetime, random_bytes: bytes) -> str:
    """Return a request id: the time in seconds and eight random bytes, in hex."""
    return f"{int(now.timestamp()):08x}-{random_bytes[:4].hex()}-{random_bytes[4:].hex()}"


def meant(wrong: Any, known: Iterable[str]) -> str:
    """Return " (did you mean …?)" with the name that is most like a wrong one, empty if none is."""
    found = nearest(str(wrong), known)
    return f" (did you mean {found}?)" if found else ""
