"""The filters of the list of requests, as the parameters of its URL."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from cloud_openapi.emulator.console.texts import t
from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.emulator.state.journal import Entry, containing
from cloud_openapi.runtime import Ended

FORMS: Final = ("https", "gateway", "function")
UNKNOWN_PROGRAM: Final = "-"
"""The appid of requests whose mini program is unknown."""
_ON: Final = "1"
_GOOD: Final = 200


def outcome_of(ended: Ended) -> str:
    """Return the status of an invocation as the list shows it."""
    return "ok" if ended.status == _GOOD else str(ended.status)


# The outcome of a broken answer is "HTTP 503".
_HTTP: Final = "http "


class Filters(NamedTuple):
    """The filters of the list; an empty one selects everything."""

    text: str = ""
    api: str = ""
    function: str = ""
    via: str = ""
    code: str = ""
    appid: str = ""
    failed: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Filters":
        """Return the filters of a query. Raises InvalidInputError."""
        filters = cls(**{name: given.get(name, "").strip() for name in cls._fields})
        if filters.via not in ("", *FORMS):
            forms = ", ".join(FORMS)
            raise InvalidInputError(
                t(
                    f"via is one of {forms}, not {filters.via!r}",
                    f"via 应为 {forms} 之一，而不是 {filters.via!r}",
                )
            )
        if filters.failed not in ("", _ON):
            raise InvalidInputError(
                t(
                    f"failed is {_ON} or left out, not {filters.failed!r}",
                    f"failed 应为 {_ON} 或不填，而不是 {filters.failed!r}",
                )
            )
        return filters

    @property
    def given(self) -> dict[str, str]:
        """Return the filters that are not empty, as a query has them."""
        return {name: value for name, value in self._asdict().items() if value}

    def without_each(self) -> Iterator[tuple[str, "Filters"]]:
        """Yield the name of each filter that is not empty, and the other filters."""
        for name in self.given:
            yield name, self._replace(**{name: ""})

    def for_entries(self) -> list[Callable[[Entry], bool]]:
        """Return a test of an entry for each filter; the one that reads bodies is last."""
        code, api = self.code.lower().removeprefix(_HTTP), self.api.lower()
        tests: dict[str, Callable[[Entry], bool]] = {
            "via": lambda entry: entry.via == self.via,
            "failed": lambda entry: entry.failed,
            "function": lambda entry: entry.function == self.function,
            "appid": lambda entry: (entry.appid or UNKNOWN_PROGRAM) == self.appid,
            "code": lambda entry: entry.outcome.lower().removeprefix(_HTTP) == code,
            "api": lambda entry: any(
                api in each.lower() for each in (*entry.apis, entry.path, entry.name)
            ),
            "text": containing(self.text),
        }
        return [test for name, test in tests.items() if getattr(self, name)]

    def for_invocations(self) -> list[Callable[[Ended], bool]]:
        """Return a test of an invocation for each filter. It has neither an API nor an appid."""
        code = self.code.lower().removeprefix(_HTTP)
        tests: dict[str, Callable[[Ended], bool]] = {
            "via": lambda _ended: self.via == "function",
            "failed": lambda ended: ended.status != _GOOD,
            "function": lambda ended: ended.function == self.function,
            "appid": lambda _ended: False,
            "code": lambda ended: outcome_of(ended) == code,
            "api": lambda _ended: False,
            "text": lambda ended: ended.contains(self.text),
        }
        return [test for name, test in tests.items() if getattr(self, name)]
