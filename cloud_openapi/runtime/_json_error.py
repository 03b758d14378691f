"""Find the part of a result that is not JSON; a Python worker loads this when it needs it."""

from collections.abc import Callable, Iterator
from typing import Any

Write = Callable[[Any], str]


def json_error(result: Any, write: Write) -> Exception | None:
    """Return an error about the first part of a result that is not JSON, None if all of it is.

    ``write`` raises TypeError for a value that it cannot turn into a string.
    """
    return next(_errors(result, write, "result", ()), None)


def _errors(value: Any, write: Write, path: str, above: tuple[int, ...]) -> Iterator[Exception]:
    if not isinstance(value, (dict, list, tuple)):
        yield from _value_errors(value, write, path)
    elif id(value) in above:
        yield ValueError(f"{path} contains itself, which JSON cannot show")
    else:
        items: Any = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            if not isinstance(key, (str, int, float, type(None))):
                yield TypeError(f"{path} has a key of type {_kind(key)}, {key!r}; use a string")
            yield from _errors(item, write, f"{path}[{key!r}]", (*above, id(value)))


def _value_errors(value: Any, write: Write, path: str) -> Iterator[Exception]:
    if isinstance(value, float) and not -float("inf") < value < float("inf"):
        yield ValueError(f"{path} is {value!r}, which JSON does not have; return None instead")
    elif value is not None and not isinstance(value, (str, int, float)):
        try:
            write(value)
        except TypeError:
            kind, instead = _kind(value), _instead(value)
            yield TypeError(f"{path} is of type {kind}, not JSON; return {instead}")


def _kind(value: Any) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _instead(value: Any) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "a string: value.decode(), or base64.b64encode(value).decode()"
    if hasattr(value, "__await__"):
        return "asyncio.run(value) from a handler without async def"
    for method in ("isoformat", "tolist"):  # of datetime; of numpy's arrays and numbers
        if callable(getattr(value, method, None)):
            return f"value.{method}()"
    if hasattr(value, "__iter__"):
        return "a list: list(value)"
    return "a dict, list, string, number, bool or None"
