"""Collections in files, as CloudBase's console imports and exports them.

JSON has one record after another, which may span lines; a list of records is read, too. CSV has the
names of the fields in its first row, with dots between those of nested fields, and texts only.
https://developers.weixin.qq.com/miniprogram/dev/wxcloud/guide/database/import.html
"""

import csv
import io
import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, Literal, get_args

from cloud_openapi.forks import fork_safe
from cloud_openapi.json_mistake import JSONMistakeError
from cloud_openapi.json_text import json_text
from cloud_openapi.wire.extended_json import Decoder, encode, write

Format = Literal["json", "csv"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
ENDINGS: Final[Mapping[str, Format]] = {".json": "json", ".jsonl": "json", ".csv": "csv"}
"""The formats by the endings of files' names, in lower case."""

Document = dict[str, Any]

_limiting: Final = fork_safe(threading.RLock())
_SPACE: Final = re.compile(r"[\s\ufeff]*")
_decoder: Final = Decoder()


def read_records(text: str, form: Format) -> list[Document]:
    """Return the records of a file's text. Raises ValueError with the place of a mistake."""
    if form == "csv":
        return list(_of_csv(text))
    return [decode_record(value, place) for value, place in _of_json(text)]


def decode_record(value: Any, place: str) -> Document:
    """Return a record with its types of Extended JSON decoded. Raises ValueError."""
    if not isinstance(value, dict):
        raise ValueError(f"{place}: a record is an object, not {json_text(value)[:40]}")  # noqa: TRY004
    try:
        decoded: Document = _decoder.decode(value)
    except (RecursionError, ValueError) as error:
        raise ValueError(f"{place}: {error or 'too many levels'}") from None
    return decoded


def write_records(documents: Iterable[Document], form: Format) -> str:
    """Return the text of a file with documents."""
    if form == "csv":
        return _csv(documents)
    return "".join(f"{write(each)}\n" for each in documents)


def _of_json(text: str) -> Iterator[tuple[Any, str]]:
    """Yield the records, each with its place for a message."""
    decoder = json.JSONDecoder(parse_constant=_refuse)
    at = _after_space(text, 0)
    is_list = text.startswith("[", at)
    line, counted = 1, 0
    while at < len(text):
        line, counted = line + text.count("\n", counted, at), at
        try:
            value, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise JSONMistakeError(error) from None
        except RecursionError:
            raise ValueError(f"line {line}: too many levels of arrays and objects") from None
        except ValueError as error:
            raise ValueError(f"line {line}: {error}") from None
        at = _after_space(text, at)
        if is_list:
            yield from ((each, f"record {number}") for number, each in enumerate(value, 1))
        else:
            yield value, f"line {line}"
        if is_list and at < len(text):
            raise ValueError("further text follows the list of records")


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def _of_csv(text: str) -> Iterator[Document]:
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    begin = 1
    with _fields_of(len(text)):
        try:
            names = next(rows, [])
            _check_names(names)
            begin = rows.line_num + 1
            for row in rows:
                if row:
                    yield _nested(names, row)
                begin = rows.line_num + 1
        except csv.Error as error:
            raise ValueError(_csv_mistake(error, begin, rows.line_num)) from None
        except ValueError as error:
            raise ValueError(f"line {rows.line_num}: {error}") from None


def _csv_mistake(error: csv.Error, begin: int, line: int) -> str:
    """Return the place of a mistake in a record, and what it is.

    A quote that is not closed takes the lines below it for its text, so that the mistake is noticed
    at a later quote, or at the end of the file.
    """
    if "end of data" in str(error):
        return f"line {begin}: a quote is not closed in the record that begins here"
    since = f", in the record that begins in line {begin}" if begin < line else ""
    return f"line {line}: {error}{since}"


@contextmanager
def _fields_of(size: int) -> Iterator[None]:
    """Let fields of CSV be as long as a text of ``size``; the limit belongs to the process."""
    with _limiting:
        former = csv.field_size_limit(max(size, 1))
        try:
            yield
        finally:
            csv.field_size_limit(former)


def _check_names(names: list[str]) -> None:
    for name in names:
        if not name or "" in name.split("."):
            raise ValueError(f"{name!r} is not a name: it is empty, or begins or ends with a dot")
    if len(set(names)) < len(names):
        raise ValueError("two fields have the same name")


def _nested(names: list[str], row: list[str]) -> Document:
    if len(row) > len(names):
        raise ValueError(f"it has {len(row)} fields, the first row has {len(names)} names")
    found: Document = {}
    for path, value in zip(names, row, strict=False):
        *above, name = path.split(".")
        inner = found
        for each in above:
            inner = inner.setdefault(each, {})
            if not isinstance(inner, dict):
                raise ValueError(f"{path}: {each} is a text already")  # noqa: TRY004
        inner[name] = value
    return found


def _csv(documents: Iterable[Document]) -> str:
    rows = [dict(_flat(each)) for each in documents]
    names = list(dict.fromkeys(name for row in rows for name in row))
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _flat(document: Document, above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in document.items():
        if isinstance(value, dict) and value and not any("." in each for each in value):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", _cell(value)


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    if value is None:
        return ""
    if isinstance(value, datetime):
        return str(encode(value)["$date"])
    return write(value)
