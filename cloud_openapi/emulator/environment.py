"""The environment variables that lead a program to an emulator, and a first command."""

import json
import shlex
from typing import Any
from urllib.parse import quote_plus

from cloud_openapi.catalogue import Catalogue
from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.naming import to_camel_case
from cloud_openapi.runtime import ENVIRONMENT, Functions


def emulator_variables(url: str, emulator: Emulator) -> dict[str, str]:
    """Return the variables that make a program call this emulator for its first mini program."""
    return {
        "CLOUD_OPENAPI_BASE_URL": url,
        "CLOUD_OPENAPI_APPID": emulator.first_appid,
        "CLOUD_OPENAPI_SECRET": emulator.apps[emulator.first_appid],
    }


def gateway_variables(url: str) -> dict[str, str]:
    """Return the variables that make wx-server-sdk and the facade call the gateway at ``url``.

    They are for programs that the emulator does not start itself. The credentials are public and
    grant access to nothing else.
    """
    return {
        "TCB_CONTEXT_CNFG": json.dumps({"URL": f"{url}/admin"}),
        "TENCENTCLOUD_RUNENV": "SCF",
        "TENCENTCLOUD_REGION": "ap-shanghai",
        "TENCENTCLOUD_SECRETID": "emulator",
        "TENCENTCLOUD_SECRETKEY": "emulator",
        "TENCENTCLOUD_SESSIONTOKEN": "emulator",
        "TCB_ENV": ENVIRONMENT,
        "SCF_NAMESPACE": ENVIRONMENT,
    }


def first_command(
    url: str, functions: Functions | None, emulator: Emulator, secret: str | None = None
) -> str:
    """Return a command that makes a first call: of a function, else for a token.

    ``secret`` is shown in place of the mini program's own.
    """
    name = next(iter(functions or ()), None)
    if name is not None:
        event = json.dumps(documented_event(name, emulator.catalogue))
        return f"curl -d {shlex.quote(event)} {url}/v1/functions/{name}"
    appid = emulator.first_appid
    shown = quote_plus(emulator.apps[appid]) if secret is None else secret
    query = f"grant_type=client_credential&appid={appid}&secret={shown}"
    return f"curl '{url}/cgi-bin/token?{query}'"


def documented_event(function: str, catalogue: Catalogue) -> Any:
    """Return WeChat's example for an API with the function's name, else an empty event."""
    name = next((name for name in catalogue if name.rpartition(".")[2] == function), None)
    # The JSON of an event cannot carry a file.
    if name is None or catalogue[name].files:
        return {}
    return to_camel_case(catalogue[name].examples[0]["request"])
