"""The filters of the list of requests, as the parameters of its URL."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.emulator.state.journal import Entry
from cloud_openapi.runtime import Ended

FORMS: Final = ("https", "gateway", "function")
UNKNOWN_PROGRAM: Final = "-"
"""The appid of requests whose mini program is unknown."""
_ON: Final = "1"
_GOOD: Final = 200


def outcome_of(ended: Ended) -> str:
    """Return the status of an invocation as the list shows it."""
    return "ok" if ended.status == _GOOD else str(ended.status)


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
            raise InvalidInputError(f"via is one of {', '.join(FORMS)}, not {filters.via!r}")
        if filters.failed not in ("", _ON):
            raise InvalidInputError(f"failed is {_ON} or left out, not {filters.failed!r}")
        return filters

    @property
    def given(self) -> dict[str, str]:
        """Return the filters that are not empty, as a query has them."""
        return {name: value for name, value in self._asdict().items() if value}

    def without_each(self) -> Iterator[tuple[str, "Filters"]]:
        """Yield the name of each filter that is not empty, and the other filters."""
        for name in self.given:
            yield name, self._replace(**{name: ""})

    def take(self, item: Entry | Ended) -> bool:
        """Return whether all filters select a row."""
        return self._takes_entry(item) if isinstance(item, Entry) else self._takes_ended(item)

    def _takes_entry(self, entry: Entry) -> bool:
        api, code = self.api.lower(), self.code.lower()
        return (
            self.via in ("", entry.via)
            and (not self.failed or entry.failed)
            and self.function in ("", entry.function)
            and self.appid in ("", entry.appid or UNKNOWN_PROGRAM)
            and code in ("", entry.outcome.lower())
            and (not api or any(api in each.lower() for each in (*entry.apis, entry.path)))
            # Last, as it reads the bodies.
            and (not self.text or entry.contains(self.text))
        )

    def _takes_ended(self, ended: Ended) -> bool:
        # An invocation has neither an API nor an appid.
        text, code = self.text.lower(), self.code.lower()
        texts = (ended.function, ended.invocation, ended.source, ended.message, ended.reason)
        return (
            self.via in ("", "function")
            and not self.api
            and not self.appid
            and (not self.failed or ended.status != _GOOD)
            and self.function in ("", ended.function)
            and code in ("", outcome_of(ended))
            and (not text or any(text in each.lower() for each in texts))
        )
