"""The envelope of an error, which is the same for every API."""

from typing import Any, Final

from cloud_openapi.catalogue._operation import DIALECT, Form

_NAMES: Final = {"https": ("errcode", "errmsg"), "cloud": ("errCode", "errMsg")}
_TAILS: Final = (
    ("since August 2020", {"pattern": "^.+,? rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$"}),
    ("until then", {"pattern": r"^.+ hint: \[[^\]]+\]$"}),
    ("of 2017, sns mostly", {"pattern": r"^.+, hints: \[ req_id: \S+ \]$"}),
    ("without a tail", {"pattern": "^.", "not": {"pattern": "(rid|hints?):"}}),
)

# Recorded and documented errors of some APIs have these too. The SDKs drop them.
_FURTHER: Final[dict[Form, dict[str, Any]]] = {
    "https": {
        "qrcode_url": {"type": "string"},
        "delivery_resultcode": {"type": "integer"},
        "delivery_resultmsg": {"type": "string"},
        "waybill_data": {"type": "array"},
    },
    "cloud": {},
}


def error_schema(form: Form) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of an error in one form.

    HTTPS has ``errcode``, ``errmsg`` and rarely a field more; a cloud call's error has ``errCode``
    and ``errMsg`` alone, as `CloudSDKError.to_dict` gives them. The texts end like those of
    recorded answers.
    """
    code, text = _NAMES[form]
    return {
        "$schema": DIALECT,
        "$id": f"urn:cloud-openapi:error:{form}",
        "title": f"An error, {form} form",
        "type": "object",
        "additionalProperties": False,
        "$comment": "Closed: recorded errors have no other fields.",
        "required": [code, text],
        "properties": {
            code: {"type": "integer", "not": {"const": 0}},
            text: {
                "type": "string",
                "anyOf": [{"title": title, **tail} for title, tail in _TAILS],
            },
            **_FURTHER[form],
        },
    }
