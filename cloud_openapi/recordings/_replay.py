import threading
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import urlsplit

from cloud_openapi.catalogue import Catalogue, default_catalogue
from cloud_openapi.errors import (
    NetworkBlockedError,
    NoMatchError,
    NoRecordingsError,
    UsedUpError,
)
from cloud_openapi.forks import fork_safe
from cloud_openapi.known_names import nearest
from cloud_openapi.recordings._files import files_of, load_files
from cloud_openapi.recordings._interaction import Interaction, api_of
from cloud_openapi.recordings._redaction import Redactor
from cloud_openapi.recordings._request import Key, key_of, request_differences

_MOST_COMPARED = 1000
_FAR = 10
_BEGINNING = datetime.min.replace(tzinfo=timezone.utc)


class Replay:
    """Answers requests from recordings. Safe to share between threads.

    Two requests are equal if method, path, query and body are, secrets aside. JSON is compared by
    value, and a redacted value matches any text. Several recordings of one request are used once
    each, in order of recording; with ``repeat`` the last one is used again and again. With
    ``by_api`` an unknown request gets a recording of the same API.
    """

    def __init__(  # noqa: PLR0913 - each is a setting of its own
        self,
        interactions: Iterable[Interaction],
        *,
        repeat: bool = False,
        by_api: bool = False,
        redactor: Redactor | None = None,
        catalogue: Catalogue | None = None,
        place: str = "the given list",
    ) -> None:
        self._redactor = redactor or Redactor()
        self._catalogue = default_catalogue() if catalogue is None else catalogue
        self._repeat, self._by_api, self._place = repeat, by_api, place
        self._lock = fork_safe(threading.Lock())
        self._given: set[int] = set()
        self._recorded = sorted(interactions, key=lambda one: one.recorded_at or _BEGINNING)
        self._exact: dict[Key, list[int]] = defaultdict(list)
        self._masked: dict[tuple[str, str], list[Key]] = defaultdict(list)
        self._apis: dict[str, list[int]] = defaultdict(list)
        self._next: dict[Key | str, int] = defaultdict(int)
        self._hosts: set[str | None] = set()
        for number, one in enumerate(self._recorded):
            key = self._key(one.method, one.uri, one.request_body)
            if key.is_masked and key not in self._exact:
                self._masked[key.method, key.path].append(key)
            self._exact[key].append(number)
            self._hosts.add(urlsplit(one.uri).hostname)
            if one.api:
                self._apis[one.api].append(number)

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        repeat: bool = False,
        by_api: bool = False,
        catalogue: Catalogue | None = None,
    ) -> "Replay":
        """Load a cassette, or all cassettes below a folder.

        Raises NoRecordingsError if there are none, and RecordingError.
        """
        place = Path(path)
        catalogue = default_catalogue() if catalogue is None else catalogue
        files = files_of(place) if place.exists() else []
        if not files:
            raise NoRecordingsError(f"There are no recordings in {place}. {_HOW_TO_RECORD}")
        found = load_files(files, catalogue)
        return cls(found, repeat=repeat, by_api=by_api, catalogue=catalogue, place=str(place))

    def __len__(self) -> int:
        return len(self._recorded)

    def __repr__(self) -> str:
        return f"<Replay of {len(self)} recordings, {len(self._given)} of them given>"

    def find(self, method: str, uri: str, body: bytes = b"") -> Interaction:
        """Return the recording of a request; ``uri`` is a URL, or a path with its query.

        Raises one of the four kinds of ReplayError.
        """
        key = self._key(method, *self._redactor.request(uri, body))
        api = api_of(self._catalogue, key.method, key.path)
        with self._lock:
            key = self._recorded_key(key)
            if key in self._exact:
                number = self._take(key, self._exact[key])
            elif self._by_api and api in self._apis:
                number = self._take(api, self._apis[api])
            else:
                raise self._unmatched(key, urlsplit(uri).hostname)
            if number is None:
                raise UsedUpError(
                    f"All recordings of {_named(key)} are used up "
                    f"({len(self._exact.get(key, ()))} in {self._place}). Record more, or replay "
                    "with repeat=True."
                )
            self._given.add(number)
        return self._recorded[number]

    def peek(self, method: str, uri: str, body: bytes = b"") -> Interaction | None:
        """Return the recording of a request that is next, or the last one, without using it.

        None without a recording of just this request.
        """
        key = self._key(method, *self._redactor.request(uri, body))
        with self._lock:
            key = self._recorded_key(key)
            numbers = self._exact.get(key)
            if not numbers:
                return None
            left = (number for number in numbers if number not in self._given)
            return self._recorded[next(left, numbers[-1])]

    def recorded(self, api: str) -> list[Interaction]:
        """Return the recordings of an API, the oldest first."""
        return [self._recorded[number] for number in self._apis.get(api, ())]

    def unused(self) -> list[Interaction]:
        """Return the unused recordings."""
        return [one for number, one in enumerate(self._recorded) if number not in self._given]

    def reset(self) -> None:
        """Start again: make every recording available."""
        with self._lock:
            self._given.clear()
            self._next.clear()

    def _key(self, method: str, uri: str, body: bytes) -> Key:
        return key_of(method, uri, body, self._redactor.rules)

    def _recorded_key(self, asked: Key) -> Key:
        """Return the key of the matching recordings: the request's own, or a masked one."""
        if asked in self._exact:
            return asked
        masked = self._masked.get((asked.method, asked.path), ())
        return next((key for key in masked if not request_differences(asked, key)), asked)

    def _take(self, key: Key | str, numbers: list[int]) -> int | None:
        """Return the next unused recording; if none is left, the last with repeat, else None."""
        while self._next[key] < len(numbers):
            number = numbers[self._next[key]]
            self._next[key] += 1
            if number not in self._given:
                return number
        return numbers[-1] if self._repeat else None

    def _unmatched(
        self, key: Key, host: str | None
    ) -> NoRecordingsError | NoMatchError | NetworkBlockedError:
        if not self._recorded:
            return NoRecordingsError(f"There are no recordings in {self._place}. {_HOW_TO_RECORD}")
        known_path = any(key.path == outline.path for outline in self._catalogue.outlines.values())
        if host is not None and host not in self._hosts and not known_path:
            return NetworkBlockedError(
                f"{_named(key)} was not sent to {host}: only recordings answer, and none of them "
                f"is of {host}."
            )
        return NoMatchError(f"No recording matches {_named(key)}. {self._nearest(key)}")

    def _nearest(self, key: Key) -> str:
        same_path = [other for other in self._exact if other.path == key.path][:_MOST_COMPARED]
        if not same_path:
            paths = {other.path for other in self._exact}
            close = nearest(key.path, paths)
            known = f"The nearest path is {close}." if close else ""
            return f"No recording has this path. {known}".rstrip()
        compared: list[list[str]] = [request_differences(key, other) for other in same_path]
        fewest = min(compared, key=_distance)
        return f"In the nearest one, {'; '.join(fewest)}."


_HOW_TO_RECORD = (
    "Make some with `cloud-openapi record`; for the fixture `recording`, with `pytest --record`."
)


def _distance(words: list[str]) -> int:
    # A different body is further away than some different fields.
    return len(words) + sum(_FAR for word in words if word.startswith("body is "))


def _named(key: Key) -> str:
    return f"{key.method} {key.path}"
