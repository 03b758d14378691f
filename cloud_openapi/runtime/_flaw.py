"""What keeps a result from being JSON; loaded by a worker in Python when it is needed."""

from collections.abc import Callable, Iterator
from typing import Any

Write = Callable[[Any], str]


def flaw_of(result: Any, write: Write) -> Exception | None:
    """Return the error about the first part of a result that is no JSON, if there is one.

    ``write`` raises TypeError for what it cannot make a string of.
    """
    return next(_flaws(result, write, "result", ()), None)


def _flaws(value: Any, write: Write, path: str, above: tuple[int, ...]) -> Iterator[Exception]:
    if not isinstance(value, (dict, list, tuple)):
        yield from _flaws_of_one(value, write, path)
    elif id(value) in above:
        yield ValueError(f"{path} contains itself, which JSON cannot show")
    else:
        items: Any = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            if not isinstance(key, (str, int, float, type(None))):
                yield TypeError(f"{path} has a key of type {_kind(key)}, {key!r}; use a string")
            yield from _flaws(item, write, f"{path}[{key!r}]", (*above, id(value)))


def _flaws_of_one(value: Any, write: Write, path: str) -> Iterator[Exception]:
    if isinstance(value, float) and not -float("inf") < value < float("inf"):
        yield ValueError(f"{path} is {value!r}, which JSON does not have; return None instead")
    elif value is not None and not isinstance(value, (str, int, float)):
        try:
            write(value)
        except TypeError:
            kind, instead = _kind(value), _instead(value)
            yield TypeError(f"{path} is of type {kind}, which is no JSON; return {instead}")


def _kind(value: Any) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _instead(value: Any) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "a string: value.decode(), or base64.b64encode(value).decode()"
    if hasattr(value, "__await__"):
        return "asyncio.run(value) from a handler that is no async def"
    for method in ("isoformat", "tolist"):  # of datetime; of numpy's arrays and numbers
        if callable(getattr(value, method, None)):
            return f"value.{method}()"
    if hasattr(value, "__iter__"):
        return "a list: list(value)"
    return "a dict, list, string, number, bool or None"
