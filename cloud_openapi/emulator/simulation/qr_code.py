"""QR codes in place of the codes that only WeChat can make."""

import io
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode

import segno

from cloud_openapi.json_schema.values import is_number

_BORDER: Final = 4
_LONGEST: Final = 1000
"""Characters of a code; the largest holds twice as many."""
# Of the emulator's pictures, in pixels.
_NARROWEST, _USUAL, _WIDEST = 280, 430, 1280


def png(api: str, fields: Mapping[str, Any], width: Any) -> bytes:
    """Return a PNG, about so many pixels wide, with a QR code of an API and fields as its query.

    A long query is cut.
    """
    pixels = int(min(max(width, _NARROWEST), _WIDEST)) if is_number(width) else _USUAL
    # A request may have half a surrogate pair.
    query = urlencode(fields, safe="/", errors="surrogatepass")
    return _drawn(f"{api}?{query}"[:_LONGEST], pixels)


# The same code is often asked for again, and drawing one takes milliseconds.
@lru_cache(maxsize=256)
def _drawn(text: str, pixels: int) -> bytes:
    # With a mask given, segno need not try all eight for the one that scans best.
    code = segno.make(text, error="m", micro=False, mask=0)
    scale = max(1, pixels // (code.symbol_size(border=_BORDER)[0]))
    target = io.BytesIO()
    code.save(target, kind="png", scale=scale, border=_BORDER)
    return target.getvalue()
