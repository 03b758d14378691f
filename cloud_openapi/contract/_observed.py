"""Collect the shapes, values and errors of each API's responses from recordings."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from cloud_openapi.catalogue import Catalogue
from cloud_openapi.contract._verify import read_recordings
from cloud_openapi.errors import RecordingError
from cloud_openapi.json_schema.fields import fields_of
from cloud_openapi.json_schema.paths import member
from cloud_openapi.json_schema.values import error_code, type_of
from cloud_openapi.recordings import Interaction

# Parts of error texts that differ each time, and their placeholders.
_VARYING = (
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"), "…"),
    (re.compile(r"rid: [0-9a-f]{8}(-[0-9a-f]{8}){2}$"), "rid: …"),
    (re.compile(r"(hints?): \[[^[]*\]$"), r"\1: […]"),
)
_TAIL = re.compile(r",? (?:rid: …|hints?: \[…\])$")
_SCALARS = (str, int, float, bool, type(None))


class Seen:
    """A summary of the responses of one API, which keeps none of them.

    ``[]`` in a path stands for every item of an array.
    """

    def __init__(self) -> None:
        self.answers = 0
        self.types: defaultdict[str, set[str]] = defaultdict(set)
        self.holders: Counter[str] = Counter()
        """The number of objects at a path."""
        self.present: Counter[str] = Counter()
        """The number of objects that have a member."""
        self.values: defaultdict[str, set[Any]] = defaultdict(set)
        """The values at paths whose values the catalogue lists."""
        self.errors: defaultdict[int, set[str]] = defaultdict(set)
        """Texts by code, with placeholders for varying parts."""
        self.statuses: set[int] = set()

    def add(self, interaction: Interaction, listed: Iterable[str]) -> None:
        """Add a recording; ``listed`` are the paths whose values are collected."""
        self.statuses.add(interaction.status)
        answer = interaction.response_json
        code = error_code(answer)
        if code:
            self.errors[code].add(text_kind(str(answer.get("errmsg", ""))))
        else:
            self.answers += 1
            self._walk("$", answer, frozenset(listed))

    def _walk(self, path: str, value: Any, listed: frozenset[str]) -> None:
        self.types[path].add(type_of(value))
        if path in listed and isinstance(value, _SCALARS):
            self.values[path].add(value)
        if isinstance(value, dict):
            self.holders[path] += 1
            for name, inner in value.items():
                self.present[path + member(name)] += 1
                self._walk(path + member(name), inner, listed)
        elif isinstance(value, list):
            for inner in value:
                self._walk(f"{path}[]", inner, listed)


class FileAge:
    """The number of recordings in a file, and their first and last time."""

    def __init__(self) -> None:
        self.count = self.undated = 0
        self._moments: tuple[datetime, datetime] | None = None

    def add(self, moment: datetime | None) -> None:
        """Add a recording."""
        self.count += 1
        if moment is None:
            self.undated += 1
        else:
            first, last = self._moments or (moment, moment)
            self._moments = min(first, moment), max(last, moment)

    def describe(self, now: datetime) -> str:
        """Return a description with the age in days."""
        what = f"{self.count} recording{'s' * (self.count != 1)}"
        if self._moments is None:
            return f"{what} of unknown age"
        first, last = self._moments
        since = f"recorded {age(first, now)}"
        if (last - first).days:
            since = f"recorded from {age(first, now)} to {age(last, now)}"
        undated = f", {self.undated} of unknown age" if self.undated else ""
        return f"{what}, {since}{undated}"


class Observed:
    """A set of recordings: a summary of each API's responses, and the age of each file."""

    def __init__(self, paths: Iterable[Path], catalogue: Catalogue) -> None:
        self.apis: defaultdict[str, Seen] = defaultdict(Seen)
        self.files: defaultdict[str, FileAge] = defaultdict(FileAge)
        listed = _listed(catalogue)
        for place, interaction in read_recordings(paths, catalogue):
            self.files[place.rpartition("#")[0]].add(interaction.recorded_at)
            # Only JSON has a shape that could change.
            if interaction.api is not None and not (
                catalogue[interaction.api].binary and interaction.response_json is None
            ):
                self.apis[interaction.api].add(interaction, listed(interaction.api))

    @classmethod
    def of_each(cls, paths: Iterable[Path], catalogue: Catalogue) -> list["Observed"]:
        """Return the set of recordings at each path.

        Raises RecordingError that names all files of all sets that cannot be used.
        """
        sets: list[Observed] = []
        unusable: list[str] = []
        for path in paths:
            try:
                sets.append(cls([path], catalogue))
            except RecordingError as error:  # noqa: PERF203 - the next set is read all the same
                unusable.append(str(error))
        if unusable:
            raise RecordingError("\n".join(dict.fromkeys(unusable)))
        return sets

    def ages(self, now: datetime) -> list[str]:
        """Return a line for each file with its age."""
        return [f"{file}: {seen.describe(now)}" for file, seen in self.files.items()]


def age(moment: datetime, now: datetime) -> str:
    """Return a day and its age: ``2022-05-03 (936 days ago)``."""
    return f"{moment.date()} ({(now - moment).days} days ago)"


def text_kind(text: str) -> str:
    """Return an error's text with placeholders for varying parts."""
    for varying, kind in _VARYING:
        text = varying.sub(kind, text)
    return text


def bare_text(text: str) -> str:
    """Return an error's text without rid and hints, with placeholders for varying parts."""
    return _TAIL.sub("", text_kind(text))


def _listed(catalogue: Catalogue) -> Callable[[str], frozenset[str]]:
    @cache
    def listed(api: str) -> frozenset[str]:
        found = fields_of(catalogue[api].schema("https", "response"))
        return frozenset(path for path, field in found.items() if field.known is not None)

    return listed
