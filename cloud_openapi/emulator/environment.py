"""The variables by which a program finds the emulator's gateway, as a function on CloudBase."""

import json

from cloud_openapi.runtime import ENVIRONMENT


def gateway_variables(url: str) -> dict[str, str]:
    """Return what wx-server-sdk and the facade read; ``url`` is the emulator's.

    They are for programs that the emulator does not start itself. The credentials are public and
    open nothing.
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
