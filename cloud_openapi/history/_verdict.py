"""The meaning of an outcome for the rest of a run."""

from enum import Enum
from typing import Any, Final

from cloud_openapi.errors import CloudSDKError, advice


class Verdict(Enum):
    """The consequence of an outcome."""

    ANSWERED = "answered"
    NOT_READY = "not ready"
    """The data of yesterday are not computed yet: other windows that need them wait too."""
    SLOWER = "slower"
    """The minute's quota is used up: the API of this mini program waits for the next minute."""
    BUSY = "busy"
    """WeChat is busy, or another process has replaced the token: ask again soon."""
    SILENT = "silent"
    """No usable response came: ask again soon."""
    UNTIL_TOMORROW = "until tomorrow"
    """The day's quota is used up: the API of this mini program stops until tomorrow."""
    NO_CREDENTIAL = "no credential"
    """WeChat grants no token: the mini program stops."""
    NOT_GRANTED = "not granted"
    """The mini program may not call the API at all: the API stops for it."""
    FAILED = "failed"
    """This window fails; the rest goes on."""

    @property
    def stops(self) -> bool:
        """Whether further calls of the mini program, or of the API for it, are useless today."""
        return self in _STOPS

    @property
    def passes(self) -> bool:
        """Whether the same call may succeed later in the same run."""
        return self in _PASSING


_STOPS: Final = frozenset({Verdict.UNTIL_TOMORROW, Verdict.NO_CREDENTIAL, Verdict.NOT_GRANTED})
_PASSING: Final = frozenset({Verdict.NOT_READY, Verdict.SLOWER, Verdict.BUSY, Verdict.SILENT})
_CODES: Final = {
    Verdict.NOT_READY: (61503,),
    Verdict.SLOWER: (45011,),
    Verdict.BUSY: (-1, 61504, 40001, 40014, 42001),
    Verdict.SILENT: (-501001, -601001, -604102, -604103),
    Verdict.UNTIL_TOMORROW: (45009,),
    Verdict.NO_CREDENTIAL: (
        *(40013, 40125, 40164, 40243, 41002, 41004),
        *(50004, 50007, 89501, 89503, 89506, 89507),
    ),
    Verdict.NOT_GRANTED: (48001, 61007, 61502, -604100, -604101),
}
_DATE_RANGE: Final = 61501
# A run asks only for periods that the API accepts on its own date.
_OTHER_DATE: Final = (
    "By the date here the API accepts this period: compare this machine's clock with the service's."
)
_VERDICTS: Final = {code: verdict for verdict, codes in _CODES.items() for code in codes}


def verdict_of(error: CloudSDKError | None) -> Verdict:
    """Return the verdict on an error, or on its absence."""
    return Verdict.ANSWERED if error is None else _VERDICTS.get(error.errCode, Verdict.FAILED)


def error_of(api: str, answer: dict[str, Any]) -> CloudSDKError | None:
    """Return the error that an answer of WeChat's is, None for a result."""
    code = answer.get("errcode")
    if not code:
        return None
    text = f"openapi.{api}:fail {answer.get('errmsg', '')}"
    return CloudSDKError(code, text, _OTHER_DATE if code == _DATE_RANGE else advice(code))
