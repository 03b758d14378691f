"""The run of one query: its limit of time, its variables, and the collections that it reads."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from cloud_openapi.documents._errors import ExecutionTimeout
from cloud_openapi.documents._values import Document

_T = TypeVar("_T")


class Scope:
    """Everything besides documents that a compiled query uses while it runs."""

    def __init__(
        self, seconds: float, monotonic: Callable[[], float], new_id: Callable[[], Any]
    ) -> None:
        self._monotonic = monotonic
        self.new_id = new_id
        self._end = monotonic() + seconds
        self.variables = Document()  # those that ``let`` of $lookup sets
        self.documents: Callable[[str], list[Document]] = lambda _: []  # by a collection's name

    def check(self) -> None:
        """Raise ExecutionTimeout after the limit of time."""
        if self._monotonic() > self._end:
            raise ExecutionTimeout("operation exceeded time limit", 50)

    def watch(self, values: Iterable[_T]) -> Iterator[_T]:
        """Yield the values, and check the time between them."""
        iterator = iter(values)
        while some := list(islice(iterator, 64)):
            self.check()
            yield from some
