import json
from collections.abc import Mapping
from typing import Any

from cloud_openapi.catalogue import Operation
from cloud_openapi.redaction import mask_text


def encode(operation: Operation, params: Mapping[str, Any]) -> bytes:
    """Return the parameters as JSON. Raises TypeError."""
    try:
        text = json.dumps(params, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(
            f"{operation.name}: the parameters cannot be written as JSON: {error}"
        ) from error


def json_object(body: bytes) -> dict[str, Any] | None:
    """Return the object that a body is, its errcode a number; None for anything else."""
    try:
        value = json.loads(body)
        # A code that came as a string is the same code; one that is no number is no answer.
        if isinstance(value, dict) and "errcode" in value:
            value["errcode"] = int(value["errcode"])
    except (ValueError, TypeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def masked(answer: Mapping[str, Any], *secrets: str | None) -> dict[str, Any]:
    """Return an error of WeChat's; secrets that its errmsg repeats are masked."""
    return {**answer, "errmsg": mask_text(str(answer.get("errmsg", "")), secrets)}
