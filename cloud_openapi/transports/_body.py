import json
from collections.abc import Mapping
from typing import Any

from cloud_openapi.catalogue import Operation
from cloud_openapi.json_text import read_json_body
from cloud_openapi.masking import mask_text


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
    try:
        # Invalid UTF-8 becomes U+FFFD, as in Node.js.
        value = read_json_body(body.decode("utf-8", "replace"))
        # A numeric string is accepted as a code; any other string makes the body invalid.
        if isinstance(value, dict) and "errcode" in value:
            value["errcode"] = int(value["errcode"])
    except (ValueError, TypeError):
        return None
    return value if isinstance(value, dict) else None


def masked(answer: Mapping[str, Any], *secrets: str | None) -> dict[str, Any]:
    """Return an error of WeChat's; secrets that its errmsg repeats are masked."""
    return {**answer, "errmsg": mask_text(str(answer.get("errmsg", "")), secrets)}
