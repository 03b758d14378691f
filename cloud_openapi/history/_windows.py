from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from cloud_openapi.errors import CloudSDKError
from cloud_openapi.history._series import Series
from cloud_openapi.periods import Period


class App(NamedTuple):
    """A mini program with its AppSecret."""

    appid: str
    secret: str

    def __repr__(self) -> str:
        # The secret must not reach a log.
        return f"<App {self.appid}>"


class Job(NamedTuple):
    """A window of one mini program to ask for."""

    app: App
    series: Series
    period: Period
    fresh: bool = False
    """Whether its answer needs the data of yesterday, which may not be ready."""
    refusal: CloudSDKError | None = None
    """The error of a window that need not be asked for."""
    tries: int = 0
    """How often it was asked for already."""

    @property
    def place(self) -> tuple[str, str]:
        """Return the mini program and the API, which have quotas and refusals of their own."""
        return self.app.appid, self.series.api


class Window(NamedTuple):
    """A window of one mini program, and WeChat's answer in its HTTPS form.

    ``answer`` is None for a window without an answer; ``error`` says why. ``asked`` is the time of
    the answer, in Beijing. ``due`` is the day from which a stored answer may have a further key,
    None if it is complete.
    """

    appid: str
    api: str
    period: Period
    answer: Mapping[str, Any] | None
    error: CloudSDKError | None = None
    asked: datetime | None = None
    params: str = ""
    due: date | None = None

    @property
    def ref(self) -> str:
        """Return the period as WeChat writes ``ref_date``."""
        return self.period.ref
