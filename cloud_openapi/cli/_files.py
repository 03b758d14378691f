"""Files on the command line: parameters that name one, and answers that are one."""

import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from cloud_openapi.catalogue import Operation
from cloud_openapi.drafts import write_whole

_LARGEST_MIB = 32


def with_files(operation: Operation, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters with each file in place of its path. Raises BadParameter."""
    return {
        name: _read(name, value) if name in operation.files and value is not None else value
        for name, value in params.items()
    }


def _read(name: str, path: Any) -> dict[str, Any]:
    if not isinstance(path, str):
        raise click.BadParameter(f"{name} is a file: give its path, not {type(path).__name__}")
    try:
        file = Path(path)
        if file.stat().st_size > _LARGEST_MIB * 2**20:
            raise click.BadParameter(f"{name}: {path} is larger than {_LARGEST_MIB} MiB")
        content = file.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise click.BadParameter(f"{name}: {path} cannot be read: {reason}") from None
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    return {"contentType": kind, "value": content}


def with_file_written(answer: Mapping[str, Any], output: Path | None) -> dict[str, Any]:
    """Return an answer that JSON can write, its file written to ``output`` or left out.

    Raises OSError.
    """
    content = answer.get("buffer")
    if not isinstance(content, bytes):
        return dict(answer)
    if output is None:
        return {**answer, "buffer": f"{len(content)} bytes; --output FILE writes them to a file"}
    write_whole(output, content)
    return {**answer, "buffer": f"{len(content)} bytes in {output}"}
