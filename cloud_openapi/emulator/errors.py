"""WeChat's error codes with their exact texts, and the rid that ends them.

The texts are those of WeChat's current pages and of recorded answers; a text that WeChat documents
but that nobody has recorded with a rid gets one all the same.
"""

import random
from datetime import datetime
from typing import Final

TEXTS: Final = {
    40001: "invalid credential, access_token is invalid or not latest, could get access_token by "
    "getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r",
    40002: "invalid grant_type",
    40013: "invalid appid",
    40066: "invalid url",
    40125: "invalid appsecret",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    42001: "access_token expired",
    43001: "require GET method",
    43002: "require POST method",
    44002: "empty post data",
    45002: "content size out of limit",
    45009: "reach max api daily quota limit, could get access_token by getStableAccessToken, more "
    "details at https://mmbizurl.cn/s/JtxxFh33r",
    47001: "data format error",
    61500: "date format error",
    61501: "date range error",
    61503: "data not ready, please try later",
}

# The one text that was recorded with a comma before its rid.
_COMMA = frozenset({41004})


class RefusalError(Exception):
    """A request that WeChat answers with an error; ``check`` says which check refused it."""

    def __init__(self, code: int, check: str) -> None:
        super().__init__(code, check)
        self.code = code
        self.check = check


def error_body(code: int, rid: str) -> dict[str, int | str]:
    """Return the body of an error, ``{"errcode": …, "errmsg": "… rid: …"}``."""
    comma = "," if code in _COMMA else ""
    return {"errcode": code, "errmsg": f"{TEXTS[code]}{comma} rid: {rid}"}


def make_rid(now: datetime, chance: random.Random) -> str:
    """Return a request id: the time in seconds and two random numbers, eight hex digits each."""
    return f"{int(now.timestamp()):08x}-{chance.getrandbits(32):08x}-{chance.getrandbits(32):08x}"
