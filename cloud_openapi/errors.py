r"""Every error of the package, and WeChat's codes.

::

    CloudOpenAPIError
    ├── ConfigError            settings or a config.json that cannot be used
    │                          (also a ValueError)
    ├── RecordingError         a file of recordings that cannot be used (also a ValueError)
    ├── ReplayError            a request that no recording answers
    │   ├── NoRecordingsError  no recordings exist
    │   ├── NoMatchError       no recording matches the request
    │   ├── UsedUpError        every matching recording was used already
    │   └── NetworkBlockedError
    │                          a request to a host without recordings; it was not sent
    └── CloudSDKError          a cloud call that failed, as wx-server-sdk reports it
        └── UnknownAPIError    an API that is not in the catalogue (also an AttributeError)
"""

import re
from typing import Final

LONGEST_REASON: Final = 300
"""The characters of a reason, which is one line."""

SDK_TEXTS: Final = {
    -1: "unknown error",
    -404001: "empty call result",
    -404002: "empty event id",
    -404003: "empty poll url",
    -404004: "empty poll result json",
    -404005: "exceed max poll retry",
    -404006: "empty poll result base resp",
    -404007: "error while polling for the result, poll result base resp ret %s",
    -404008: "error while polling for the result, polling server return a status code of %s",
    -404009: "error while polling for the result: %s",
    -601001: "system error",
    -601002: "system args error",
    -601003: "system network error",
    -601004: "api permission denied",
    -601005: "invalid cloudID",
    -601006: "cloudID expired",
    -601007: "cloudID and calling user does not match",
    -601008: "server-side request timedout",
    -601009: "missing mobile phone",
    -601010: "no write permission",
    -601011: "no privilege permission",
    -601012: "unauthorized env",
    -601013: "no multiend permission",
    -601015: "access denied (cloudfunction cloudbase_auth returns empty errCode)",
    -601016: "missing env auth info",
    -601017: "access denied (cloudbase_auth returns non-zero errCode)",
    -602018: "unauthorized API",
    -602001: "database query result size exceed limit (1MB)",
    -604001: "cloudfunction result size exceed limit (1MB)",
    -604100: "API not found",
    -604101: "function has no permission to call this API",
    -604102: "call open API timeout",
    -604103: "call open API system error",
    -604104: "illegal source of invocation",
    -501001: "resource system error",
    -501002: "resource server timeout",
    -501003: "exceed request limit",
    -501004: "exceed concurrent request limit",
    -501005: "invalid env",
    -501006: "invalid common parameters",
    -501007: "invalid parameters",
    -501008: "invalid request source",
    -501009: "resource not initialized",
    -502001: "database request fail",
    -502002: "database invalid command",
    -502003: "database permission denied",
    -502004: "database exceed collection limit",
    -502005: "database collection not exists",
    -503001: "storage request fail",
    -503002: "storage permission denied",
    -503003: "storage file not exists",
    -503004: "storage invalid sign parameter",
    -504001: "functions request fail",
    -504002: "functions execute fail",
}
"""The texts that wx-server-sdk 4.0.2 has for codes; WeChat's own codes have none there."""

_ADVICE: Final = {
    -1: "WeChat is busy, as it often is at night; call again later.",
    40001: "The access token was replaced or made up. One process should fetch it, or all should "
    "use stable_token.",
    40013: "Check the appid (CLOUD_OPENAPI_APPID).",
    40125: "Check the AppSecret (CLOUD_OPENAPI_SECRET); it may have been reset.",
    40164: "Add this machine's address to the IP whitelist of the mini program.",
    41002: "Set the appid (CLOUD_OPENAPI_APPID).",
    41004: "Set the AppSecret (CLOUD_OPENAPI_SECRET).",
    42001: "The access token expired, and so did a new one: check this machine's clock.",
    45009: "The day's quota of this API is used up.",
    45011: "The minute's quota of this API is used up; call again in a minute.",
    48001: "The mini program has not been granted this API.",
    61500: 'Dates are strings written yyyymmdd, such as "20170313".',
    61502: "Mini games have no analysis APIs.",
    61503: "The data of that day is not ready; it may take until the afternoon. Call again later.",
    61504: "WeChat is busy; call again later.",
    -502005: "Create the collection in CloudBase's console, or with db.createCollection(name).",
    -604101: "List the API in permissions.openapi of the function's config.json and upload it; "
    "the platform may take ten minutes to notice.",
    -604104: "This invocation may not call WeChat. Was the call made "
    "outside of an invocation, while the module was loaded or after the handler had returned? A "
    "timer needs an upload by developer tools of 1.02.1910182 or newer.",
}


def advice(code: int) -> str:
    """Return what a person can do about a code, or an empty string."""
    return _ADVICE.get(code, "")


def one_line(text: str) -> str:
    """Return a reason as one line of at most 300 characters, without a full stop at its end."""
    line = re.sub(r"\s+", " ", text).strip().removesuffix(".")
    return line if len(line) <= LONGEST_REASON else f"{line[: LONGEST_REASON - 1]}…"


def message_of(error: Exception) -> str:
    """Return an error's message; that of an error of the system begins with the path."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    # The second one is the target of a file that was to be moved.
    path = error.filename2 or error.filename
    return f"{path}: {error.strerror}." if path else f"{error.strerror}."


class CloudOpenAPIError(Exception):
    """Base of every error that this package raises."""


class ConfigError(CloudOpenAPIError, ValueError):
    """Settings or a config.json that cannot be used; the message names the place."""


class UsageError(ConfigError):
    """An argument with a value that can never be used; a command exits with 2 for it."""


class RecordingError(CloudOpenAPIError, ValueError):
    """A file of recordings that cannot be used; the message names file, interaction and key."""


class ReplayError(CloudOpenAPIError):
    """A request that no recording answers."""


class NoRecordingsError(ReplayError):
    """There are no recordings; the message names the place where they should be."""


class NoMatchError(ReplayError):
    """No recording matches this request; the message says what differs in the nearest one."""


class UsedUpError(ReplayError):
    """Every recording that matches this request was used already."""


class NetworkBlockedError(ReplayError):
    """A request to a host without recordings; it was not sent."""


class CloudSDKError(CloudOpenAPIError):
    """A cloud call that failed.

    ``errCode`` and ``errMsg`` are those of wx-server-sdk. ``str()`` begins with the SDK's own
    message and goes on with what a person can do; ``hint`` is that second part alone. ``code`` is
    the gateway's name of an error of its own, such as DATABASE_TRANSACTION_CONFLICT.
    """

    def __init__(self, errCode: int, errMsg: str, hint: str = "", code: str = "") -> None:
        self.errCode = errCode
        self.errMsg = errMsg
        self.hint = hint
        self.code = code
        super().__init__(errCode, errMsg, hint, code)

    @property
    def message(self) -> str:
        """Return the message that the SDK's error has in JavaScript."""
        return f"errCode: {self.errCode} {SDK_TEXTS.get(self.errCode, '')} | errMsg: {self.errMsg}"

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message

    def to_dict(self) -> dict[str, int | str]:
        """Return what a function answers for this error: ``{"errCode": …, "errMsg": …}``."""
        return {"errCode": self.errCode, "errMsg": self.errMsg}


class UnknownAPIError(CloudSDKError, AttributeError):
    """An API of an unknown name, or over HTTPS one without an entry; no request was made for it."""


def system_error(code: int, hint: str = "") -> CloudSDKError:
    """Return the error of a code for which the platform gives no text of its own."""
    return CloudSDKError(code, f"system error: error code: {code}", hint)
