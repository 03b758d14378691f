"""Names of files in cloud storage.

https://developers.weixin.qq.com/minigame/dev/wxcloud/guide/storage/naming.html
"""

import mimetypes
import re
from functools import cache
from typing import Final
from urllib.parse import unquote

from cloud_openapi.emulator.errors import InvalidInputError

LONGEST: Final = 850
"""Bytes of a path in UTF-8."""

_FILE_ID: Final = re.compile(r"cloud://[^/]+/(.+)", re.DOTALL)
_SEPARATORS: Final = re.compile(r"[/\\]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_ACCOUNT: Final = "1250000000"
_UNKNOWN_TYPE: Final = "application/octet-stream"


def check_path(path: str) -> str:
    """Return a path that cloud storage accepts. Raises InvalidInputError, which names the rule.

    Beyond the documented rules, a path has no control characters and no segment ``.`` or ``..``,
    however they are spelt.
    """
    shown = f"{path[:100]!r}"
    if not path:
        raise InvalidInputError("the path is empty: give one such as images/a.png")
    if path.startswith("/"):
        raise InvalidInputError(f"the path begins with a slash: {shown}")
    if "//" in path:
        raise InvalidInputError(f"the path has two slashes in a row: {shown}")
    if _CONTROL.search(path):
        raise InvalidInputError(f"the path has a control character: {shown}")
    if not {".", ".."}.isdisjoint(_SEPARATORS.split(unquote(unquote(path)))):
        raise InvalidInputError(f"the path has a segment . or ..: {shown}")
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        raise InvalidInputError(f"the path has half of a surrogate pair: {shown}") from None
    if size > LONGEST:
        raise InvalidInputError(f"the path has {size} bytes, at most are {LONGEST}: {shown}")
    return path


def file_id(path: str, environment: str) -> str:
    """Return the fileID of a path, ``cloud://ENV.BUCKET/path``."""
    return f"cloud://{environment}.{bucket(environment)}/{path}"


def bucket(environment: str) -> str:
    """Return the name of an environment's bucket."""
    return f"{environment[:2].encode('ascii', 'replace').hex()}-{environment}-{_ACCOUNT}"


def path_of(fileid: str) -> str | None:
    """Return the path of a fileID of any environment, None if it is not a fileID."""
    found = _FILE_ID.fullmatch(fileid)
    return found and found[1]


def content_type(path: str) -> str:
    """Return the type of a file by the end of its name."""
    guessed, encoding = _types().guess_type(path, strict=False)
    return _UNKNOWN_TYPE if guessed is None or encoding else guessed


@cache
def _types() -> mimetypes.MimeTypes:
    # The tables of the machine would make a type depend on it.
    types = mimetypes.MimeTypes(filenames=())
    types.add_type("image/webp", ".webp")
    types.add_type("audio/silk", ".silk")
    return types
