import json
from collections.abc import Mapping
from typing import Any

from cloud_openapi.catalogue import Operation
from cloud_openapi.masking import mask_text
from cloud_openapi.transports._javascript import field_text, read_json, whole


def encode(operation: Operation, params: Mapping[str, Any]) -> bytes:
    """Return the parameters as JSON. Raises TypeError for other values."""
    try:
        text = json.dumps(params, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(
            f"{operation.name}: the parameters cannot be written as JSON: {error}"
        ) from error


def json_object(body: bytes) -> dict[str, Any] | None:
    """Return the JSON object of a body, its errcode as a number; None for any other body."""
    value = read_json(body)
    if not isinstance(value, dict) or isinstance(value.get("errcode"), list | dict):
        return None
    if value.get("errcode"):
        try:
            # A numeric string is accepted as a code; any other string makes the body invalid.
            code = value["errcode"]
            value["errcode"] = int(code) if isinstance(code, str) else whole(code)
        except ValueError:
            return None
    return value


def masked(answer: Mapping[str, Any], *secrets: str | None) -> dict[str, Any]:
    """Return an error of WeChat's, its errmsg as JavaScript's text; secrets in it are masked."""
    return {**answer, "errmsg": mask_text(field_text(answer, "errmsg"), secrets)}
