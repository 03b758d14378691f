"""The variables by which a program finds the emulator's gateway, as a function on CloudBase."""

import json

SECRET_ID = "emulator."  # noqa: S105 - of no secret
"""What begins the secret id of a function."""

_ENV = "local"


def gateway_variables(url: str, function: str | None = None) -> dict[str, str]:
    """Return what wx-server-sdk and the facade read; ``url`` is the emulator's.

    For a function the secret id names it, so that another one's token is of no use to it.

    The credentials are public and open nothing. What is missing here is each invocation's own:
    WX_API_TOKEN, TRIGGER_SRC, TCB_SOURCE and so on. wx-server-sdk 4 reads of them only those that
    WX_CONTEXT_KEYS and TCB_CONTEXT_KEYS list.
    """
    return {
        "TCB_CONTEXT_CNFG": json.dumps({"URL": f"{url}/admin"}),
        "TENCENTCLOUD_RUNENV": "SCF",
        "TENCENTCLOUD_REGION": "ap-shanghai",
        "TENCENTCLOUD_SECRETID": "emulator" if function is None else f"{SECRET_ID}{function}",
        "TENCENTCLOUD_SECRETKEY": "emulator",
        "TENCENTCLOUD_SESSIONTOKEN": "emulator",
        "TCB_ENV": _ENV,
        "SCF_NAMESPACE": _ENV,
    }
