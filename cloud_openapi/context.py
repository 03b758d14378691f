"""The variables that CloudBase sets for a running function."""

import os
import re
from typing import Any, Final

_PREFIX = "WX_"
_TOKENS = frozenset({"API_TOKEN", "TRIGGER_API_TOKEN_V0"})


class DynamicEnv:
    """The type of `DYNAMIC_CURRENT_ENV`."""

    def __repr__(self) -> str:
        return "cloud.DYNAMIC_CURRENT_ENV"


DYNAMIC_CURRENT_ENV: Final = DynamicEnv()
"""The environment that the function runs in at the time of a call."""


def current_env() -> str:
    """Return the id of the environment that the function runs in; empty if missing."""
    if os.environ.get("TENCENTCLOUD_RUNENV") == "WX_LOCAL_SCF":
        return ""
    return os.environ.get("TCB_ENV") or os.environ.get("SCF_NAMESPACE") or ""


def wx_context() -> dict[str, Any]:
    """Return the context of the caller, as ``getWXContext`` of wx-server-sdk 4.0.2 does.

    It has ``OPENID``, ``APPID`` and the other variables that WX_CONTEXT_KEYS lists, except tokens,
    and ``ENV`` and ``SOURCE``. Outside of an invocation it is empty.
    """
    keys = os.environ.get("WX_CONTEXT_KEYS")
    if not keys:
        return {}
    context: dict[str, Any] = {}
    for key in keys.split(","):
        name = key.removeprefix(_PREFIX) or key
        value = os.environ.get(key) if key else None
        if value is not None and name not in _TOKENS:
            context[name] = int(value) if re.fullmatch("-?[0-9]+", value) else value
    env = os.environ.get("TCB_ENV") or os.environ.get("SCF_NAMESPACE")
    if env is not None:
        context["ENV"] = env
    if os.environ.get("TCB_SOURCE"):
        context["SOURCE"] = os.environ["TCB_SOURCE"]
    return context
