"""The parameters of a recorded request, in both forms."""

from typing import Any
from urllib.parse import urlsplit

from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from cloud_openapi.catalogue import Form, Operation
from cloud_openapi.emulator.errors import RefusalError
from cloud_openapi.emulator.weixin.request_fields import INVALID_JSON, read_fields
from cloud_openapi.naming import to_camel_case
from cloud_openapi.recordings import Interaction
from cloud_openapi.recordings._interaction import header


def params_of(operation: Operation, interaction: Interaction, form: Form = "https") -> Any:
    """Return the parameters of a recorded request, None if they cannot be read.

    A file is described as the emulator describes it, in the cloud form as a call has it.
    """
    params = _read(operation, interaction)
    if form == "https" or not isinstance(params, dict):
        return params
    files = {
        name: {"contentType": file["contentType"], "value": file["filename"]}
        for name, file in params.items()
        if name in operation.files and isinstance(file, dict)
    }
    return to_camel_case({**params, **files})


def _read(operation: Operation, interaction: Interaction) -> Any:
    if operation.takes_json:
        return interaction.request_json
    builder = EnvironBuilder(
        path=operation.path,
        method=operation.method,
        query_string=urlsplit(interaction.uri).query,
        data=interaction.request_body,
        content_type=header(interaction.request_headers, "content-type"),
    )
    try:
        return read_fields(Request(builder.get_environ()), operation, INVALID_JSON)[0]
    except RefusalError:
        return None
