"""The environment variables that lead a program to an emulator."""

import json

from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.runtime import ENVIRONMENT


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
