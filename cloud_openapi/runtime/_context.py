"""The event, the context and the variables of an invocation, as on the platform."""

import base64
import hmac
import json
import os
import secrets
import site
import socket
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from cloud_openapi.demo import DEMO_APPID, DEMO_OPENID
from cloud_openapi.periods import NOW_VARIABLE
from cloud_openapi.runtime._preload import isolated
from cloud_openapi.runtime._settings import Settings

# The name that the developer tools give the environment in local debugging.
ENVIRONMENT = "local"
_NUMBER = "0"
# No server listens there: without an emulator, a function must not reach the real gateway.
_NOWHERE = "http://127.0.0.1:9"
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
# The variables that programs need to run and to reach the network. As on the platform, functions
# inherit no others: those of a shell may hold real secrets.
_INHERITED = (
    "PATH",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "NODE_OPTIONS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    *_PROXIES,
    *map(str.upper, _PROXIES),
)
# https://cloud.tencent.com/document/product/583/30228
_DOCUMENTED = {
    "HOME": "/home/qcloud",
    "LANG": "en_US.UTF8",
    "LC_ALL": "en_US.UTF8",
    "LOGNAME": "qcloud",
    "PYTHONDONTWRITEBYTECODE": "x",
    "SCF_FUNCTIONVERSION": "$LATEST",
    "SHELL": "/bin/bash",
    "SHLVL": "3",
    "TENCENTCLOUD_RUNENV": "SCF",
    "TENCENTCLOUD_TZ": "UTC",
    "TZ": "UTC",
    "USER": "qcloud",
    "_SCF_SERVER_PORT": "28902",
}
# The bits of a UUID that hold its version and variant, and all the others.
_VERSION_4 = 0x4000_8000_0000_0000_0000
_RANDOM = (1 << 128) - 1 - 0xF000_C000_0000_0000_0000
_USER_SOURCES = frozenset({"wx_client", "wx_devtools"})
_ADDRESSES = {"WX_CLIENTIP": "127.0.0.1", "WX_CLIENTIPV6": "::1"}
_OF_HTTPS = frozenset({"CLOUD_OPENAPI_BASE_URL", "CLOUD_OPENAPI_APPID", "CLOUD_OPENAPI_SECRET"})


class StandIn(NamedTuple):
    """The token of an invocation and the key to sign with, for calls in a function's name."""

    request_id: str
    token: str
    secret_id: str
    secret_key: str

    def __repr__(self) -> str:
        return f"StandIn({self.request_id}, ***)"


class Credentials(NamedTuple):
    """The temporary credentials of an emulator's functions; they are valid there only.

    Each function has its own, derived from its name and from the emulator's secret ``key``, so
    that a function cannot sign as another one.
    """

    secret_id: str
    key: bytes

    @classmethod
    def new(cls) -> "Credentials":
        """Return random credentials."""
        return cls("AKID" + secrets.token_hex(16), secrets.token_bytes(32))

    def variables_for(self, function: str) -> dict[str, str]:
        """Return the environment variables with a function's credentials."""
        return {
            "TENCENTCLOUD_SECRETID": self.secret_id_of(function),
            "TENCENTCLOUD_SECRETKEY": self.secret_key_of(function),
            "TENCENTCLOUD_SESSIONTOKEN": self._derived("session token", function),
        }

    def secrets_of(self, function: str) -> tuple[str, str]:
        """Return a function's secret key and session token."""
        variables = self.variables_for(function)
        return variables["TENCENTCLOUD_SECRETKEY"], variables["TENCENTCLOUD_SESSIONTOKEN"]

    def function_of(self, secret_id: str) -> str | None:
        """Return the function that has a secret id, None if it is unknown."""
        mine, _, function = secret_id.partition(".")
        return function if mine == self.secret_id and function else None

    def secret_id_of(self, function: str) -> str:
        """Return the secret id that a function signs with."""
        return f"{self.secret_id}.{function}"

    def stand_in(self, function: str, request_id: str, token: str) -> StandIn:
        """Return what calls in a function's name need, for an invocation of it."""
        id_, key = self.secret_id_of(function), self.secret_key_of(function)
        return StandIn(request_id, token, id_, key)

    def secret_key_of(self, function: str) -> str:
        """Return the secret key that a function signs with."""
        return self._derived("secret key", function)[:32]

    def _derived(self, what: str, function: str) -> str:
        return hmac.digest(self.key, f"{what} {function}".encode(), "sha256").hex()

    def __repr__(self) -> str:
        return "Credentials(***)"


class Invocation(NamedTuple):
    """One run of a function; ``source`` is wx_client, wx_http, wx_trigger, "wx_client,scf" ….

    ``parent`` is the request id of the invocation that made it, at the ``depth`` below.
    """

    request_id: str
    function: str
    source: str
    parent: str = ""
    depth: int = 0


def new_request_id() -> str:
    """Return a random UUID, as the platform's ids are."""
    # uuid.uuid4 takes a fortieth of an invocation.
    random = int.from_bytes(os.urandom(16), "big")
    digits = f"{random & _RANDOM | _VERSION_4:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def new_token(request_id: str) -> tuple[str, str]:
    """Return an API token in the platform's form, and its ticket, which alone is secret."""
    ticket = os.urandom(32).hex()
    text = f'{{"Version":1,"KeyVersion":1,"eventId":"{request_id}","ticket":"{ticket}"}}'
    return base64.b64encode(text.encode()).decode(), ticket


def from_user(source: str) -> bool:
    """Return whether a user of the mini program began the chain of calls."""
    return source.partition(",")[0] in _USER_SOURCES


def event_of(event: Any, source: str, appid: str) -> Any:
    """Return the event; for a mini program's call with ``userInfo``, as the platform adds it."""
    if from_user(source) and isinstance(event, dict):
        return {**event, "userInfo": {"appId": appid, "openId": DEMO_OPENID}}
    return event


def context_of(
    invocation: Invocation, settings: Settings, variables: Mapping[str, str]
) -> dict[str, str | int]:
    """Return the context, with the platform's keys and types; account numbers are 0."""
    return {
        "request_id": invocation.request_id,
        "function_name": invocation.function,
        "function_version": "$LATEST",
        "namespace": ENVIRONMENT,
        "memory_limit_in_mb": settings.memory,
        "time_limit_in_ms": int(settings.timeout * 1000),
        "environment": orjson.dumps(variables).decode(),
        "environ": ";".join(map("=".join, variables.items())),
        "tencentcloud_region": ENVIRONMENT,
        "tencentcloud_appid": _NUMBER,
        "tencentcloud_uin": _NUMBER,
    }


def variables_of(
    invocation: Invocation,
    trigger: str | None,
    token: str,
    appid: str,
    now: datetime,
) -> dict[str, str]:
    """Return the variables of one invocation; a timer's name no user."""
    timer = (trigger or invocation.source) in ("timer", "wx_trigger")
    wx = {**_ADDRESSES, "WX_APPID": appid}
    if from_user(invocation.source):
        wx["WX_OPENID"] = DEMO_OPENID
    wx["WX_TRIGGER_API_TOKEN_V0" if timer else "WX_API_TOKEN"] = token
    tcb = {
        "TCB_ENV": ENVIRONMENT,
        "TCB_SEQID": f"{time.time_ns() // 1_000_000}_{invocation.request_id.replace('-', '')[:16]}",
        "TRIGGER_SRC": trigger or ("timer" if timer else "tcb"),
        "TCB_SESSIONTOKEN": os.urandom(32).hex(),  # never valid
        "TCB_SOURCE": invocation.source,
    }
    return {
        "SCF_NAMESPACE": ENVIRONMENT,
        **wx,
        "WX_CONTEXT_KEYS": ",".join(wx),
        **tcb,
        "TCB_CONTEXT_KEYS": ",".join(tcb),
        NOW_VARIABLE: now.isoformat(),
    }


def process_environment(
    settings: Settings, given: Mapping[str, str], credentials: Credentials, packages: list[Path]
) -> dict[str, str]:
    """Return the environment of a worker: the platform's variables, ``given``, the function's own.

    It inherits only those variables of this process that programs need to run.
    """
    base_url = given.get("CLOUD_OPENAPI_BASE_URL", _NOWHERE)
    # These would make a function call over HTTPS, which needs a secret on CloudBase.
    given = {name: value for name, value in given.items() if name not in _OF_HTTPS}
    folder = str(settings.folder)
    environment = {
        **{name: os.environ[name] for name in _INHERITED if name in os.environ},
        **_DOCUMENTED,
        **_user_packages(),
        "HOSTNAME": socket.gethostname(),
        "TENCENTCLOUD_REGION": ENVIRONMENT,
        "TENCENTCLOUD_APPID": _NUMBER,
        "TENCENTCLOUD_UIN": _NUMBER,
        "SCF_NAMESPACE": ENVIRONMENT,
        "SCF_RUNTIME": settings.runtime,
        "SCF_FUNCTIONNAME": settings.name,
        "TCB_ENV": ENVIRONMENT,
        "TCB_CONTEXT_CNFG": json.dumps({"URL": base_url + "/admin"}),
        "USER_CODE_ROOT": folder + os.sep,
        "PWD": folder,
        **credentials.variables_for(settings.name),
        **given,
        "CLOUD_OPENAPI_CONFIG": str(settings.folder / "config.json"),
        **settings.variables,
    }
    if settings.language == "node":
        # The platform has wx-server-sdk installed; here NODE_PATH says where it is.
        paths = [*map(str, packages), os.environ.get("NODE_PATH", "")]
        environment["NODE_PATH"] = os.pathsep.join(filter(None, paths))
    return isolated(environment, base_url)


def _user_packages() -> dict[str, str]:
    """Return PYTHONUSERBASE: the platform's HOME would hide the user's site-packages."""
    if not site.ENABLE_USER_SITE:
        return {}
    return {"PYTHONUSERBASE": site.getuserbase()}


def appid_of(given: Mapping[str, str]) -> str:
    """Return the mini program that the functions belong to."""
    return given.get("CLOUD_OPENAPI_APPID", DEMO_APPID)
