"""QR codes in place of the codes that only WeChat can make."""

import io
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import segno

_BORDER: Final = 4
_NARROWEST, _WIDEST = 280, 1280


def png(fields: Mapping[str, Any], width: Any) -> bytes:
    """Return a PNG, about so many pixels wide, with a QR code of the fields as a query."""
    code = segno.make(urlencode(fields) or "-", error="m", micro=False)
    pixels = min(max(width if isinstance(width, int) else 0, _NARROWEST), _WIDEST)
    scale = max(1, pixels // (code.symbol_size(border=_BORDER)[0]))
    target = io.BytesIO()
    code.save(target, kind="png", scale=scale, border=_BORDER)
    return target.getvalue()
