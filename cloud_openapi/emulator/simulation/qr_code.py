"""QR codes in place of the codes that only WeChat can make."""

import io
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode

import segno

_BORDER: Final = 4
_NARROWEST, _WIDEST = 280, 1280


def png(fields: Mapping[str, Any], width: Any) -> bytes:
    """Return a PNG, about so many pixels wide, with a QR code of the fields as a query."""
    pixels = min(max(width if isinstance(width, int) else 0, _NARROWEST), _WIDEST)
    return _drawn(urlencode(fields) or "-", pixels)


# The same code is often asked for again, and drawing one takes milliseconds.
@lru_cache(maxsize=256)
def _drawn(text: str, pixels: int) -> bytes:
    # With a mask given, segno need not try all eight for the one that scans best.
    code = segno.make(text, error="m", micro=False, mask=0)
    scale = max(1, pixels // (code.symbol_size(border=_BORDER)[0]))
    target = io.BytesIO()
    code.save(target, kind="png", scale=scale, border=_BORDER)
    return target.getvalue()
