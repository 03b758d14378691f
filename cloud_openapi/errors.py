r"""Every error of the package, and WeChat's codes.

::

    CloudOpenAPIError
    ├── ConfigError            settings or a config.json that cannot be used
    │                          (also a ValueError)
    ├── RecordingError         a file of recordings that cannot be used (also a ValueError)
    ├── ReplayError            a request that no recording answers
    │   ├── NoRecordingsError  there are none at all
    │   ├── NoMatchError       none is of this request
    │   ├── UsedUpError        each that is of this request was given once
    │   └── NetworkBlockedError
    │                          a request to somebody else, which would have left this machine
    └── CloudSDKError          a cloud call that failed, as wx-server-sdk reports it
        └── UnknownAPIError    an API that is not in the catalogue (also an AttributeError)
"""

from typing import Final

SDK_TEXTS: Final = {
    -1: "unknown error",
    -501001: "resource system error",
    -601001: "system error",
    -604100: "API not found",
    -604101: "function has no permission to call this API",
    -604102: "call open API timeout",
}
"""wx-server-sdk's own text for a code, as far as this package raises it."""

_ADVICE: Final = {
    -1: "WeChat is busy, as it often is at night; call again later.",
    40001: "The access token was replaced or made up. One process should fetch it, or all should "
    "use stable_token.",
    40013: "Check the appid (CLOUD_OPENAPI_APPID).",
    40125: "Check the AppSecret (CLOUD_OPENAPI_SECRET); it may have been reset.",
    40164: "Add this machine's address to the IP whitelist of the mini program.",
    41002: "Set the appid (CLOUD_OPENAPI_APPID).",
    41004: "Set the AppSecret (CLOUD_OPENAPI_SECRET).",
    42001: "The access token ended, and so did a fresh one: check this machine's clock.",
    45009: "The day's quota of this API is used up.",
    45011: "The minute's quota of this API is used up; call again in a minute.",
    48001: "The mini program has not been granted this API.",
    61500: 'Dates are strings written yyyymmdd, such as "20170313".',
    61502: "Mini games have no analysis APIs.",
    61503: "The data of that day is not ready; it may take until the afternoon. Call again later.",
    61504: "WeChat is busy; call again later.",
}


def advice(code: int) -> str:
    """Return what a person can do about a code, or an empty string."""
    return _ADVICE.get(code, "")


class CloudOpenAPIError(Exception):
    """Base of every error that this package raises."""


class ConfigError(CloudOpenAPIError, ValueError):
    """Settings or a config.json that cannot be used; the message names the place."""


class RecordingError(CloudOpenAPIError, ValueError):
    """A file of recordings that cannot be used; the message names file, interaction and key."""


class ReplayError(CloudOpenAPIError):
    """A request that no recording answers."""


class NoRecordingsError(ReplayError):
    """There are no recordings; the message names the place where they should be."""


class NoMatchError(ReplayError):
    """No recording is of this request; the message says what differs in the nearest one."""


class UsedUpError(ReplayError):
    """Every recording of this request was given once already."""


class NetworkBlockedError(ReplayError):
    """A request to somebody of whom nothing was recorded; it was not sent."""


class CloudSDKError(CloudOpenAPIError):
    """A cloud call that failed.

    ``errCode`` and ``errMsg`` are those of wx-server-sdk. ``str()`` begins with the SDK's own
    message and goes on with what a person can do; ``hint`` is that second part alone.
    """

    def __init__(self, errCode: int, errMsg: str, hint: str = "") -> None:
        self.errCode = errCode
        self.errMsg = errMsg
        self.hint = hint
        super().__init__(errCode, errMsg, hint)

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
    """An API that is not in the catalogue; no request was made for it."""


def system_error(code: int, hint: str = "") -> CloudSDKError:
    """Return the error of a code that the platform gives without a text of the API."""
    return CloudSDKError(code, f"system error: error code: {code}", hint)
