"""A request to the CloudBase gateway: its address, common fields and signed headers."""

import json
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from cloud_openapi import clocks
from cloud_openapi._version import __version__
from cloud_openapi.errors import ConfigError
from cloud_openapi.wire import signature

_NAME = f"cloud_openapi/{__version__}"
_HOST = "tcb-api.tencentcloudapi.com"
# The emulator's credentials for other programs: a word that messages hold.
_PUBLIC = "emulator"
_ENV = re.compile(r"[a-z0-9_-]{1,40}")


class NoCredentialsError(Exception):
    """Credentials to sign a request are missing; the text is the SDK's."""

    def __init__(self) -> None:
        super().__init__(
            "missing secretId or secretKey of tencent cloud, please set secretId and secretKey in "
            "config"
        )


def run_environment() -> str:
    """Return the SDK's name of the environment that this process runs in."""
    if os.environ.get("TENCENTCLOUD_RUNENV") == "SCF":
        return "scf"
    if os.environ.get("CBR_ENV_ID"):
        return "cbr"
    return "sumeru" if os.environ.get("SUMERU_ENV") in {"formal", "pre", "test"} else "unknown"


class Address(NamedTuple):
    """The gateway's URL: ``http://host``, its path, and the beginning of its query."""

    base: str
    path: str
    query: str


def gateway_address(env: str) -> Address:
    """Return the gateway's address. Raises ConfigError for an invalid TCB_CONTEXT_CNFG.

    The platform gives the URL in TCB_CONTEXT_CNFG. Without it the SDK's own rule gives the URL.
    """
    given = os.environ.get("TCB_CONTEXT_CNFG")
    url = _given_url(given) if given else ""
    if not url:
        region = os.environ.get("TENCENTCLOUD_REGION", "")
        url = _usual_url(env, region, run_environment() != "unknown")
    return _address(url)


@lru_cache(maxsize=16)
def _address(url: str) -> Address:
    found = urlsplit(url)
    return Address(f"{found.scheme}://{found.netloc}", found.path, found.query)


def _usual_url(env: str, region: str, internal: bool) -> str:  # noqa: FBT001 - the third of three parts
    parts = [env] if _ENV.fullmatch(env) else []
    parts += ["internal"] if internal else []
    parts += [region] if region else []
    return f"http{'' if internal else 's'}://{'.'.join((*parts, _HOST))}/admin"


@lru_cache(maxsize=16)
def _given_url(text: str) -> str:
    try:
        url = json.loads(text).get("URL") or ""
        if not url or (urlsplit(url).netloc and urlsplit(url).scheme in {"http", "https"}):
            return str(url)
    except (ValueError, TypeError, AttributeError):
        pass
    # The SDK would ignore the wrong setting and call the real gateway.
    raise ConfigError(
        'TCB_CONTEXT_CNFG must be JSON such as {"URL": "http://127.0.0.1:7070/admin"}'
    )


class Invocation(NamedTuple):
    """The common part of all requests of an invocation, from the platform's variables.

    Every request carries ``fields`` and ``headers``.
    """

    env: str
    address: Address
    fields: dict[str, str | bytes]
    headers: dict[str, str]
    secret_id: str
    secret_key: str

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return the tokens and the key, which no error may show."""
        tokens = (str(value) for name, value in self.fields.items() if name != "envName")
        return tuple(one for one in (*tokens, self.secret_key) if one != _PUBLIC)

    def __repr__(self) -> str:
        # The fields hold tokens and a secret.
        return f"<Invocation in {self.env} by {self.address.base}>"


def api_token() -> str:
    """Return the platform's token of the invocation, by which the gateway recognises it."""
    token = os.environ.get("WX_API_TOKEN", "")
    if os.environ.get("TRIGGER_SRC") == "timer":
        return os.environ.get("WX_TRIGGER_API_TOKEN_V0") or token
    return token


def read_invocation(env: str, token: str) -> Invocation:
    """Read the platform's variables. Raises NoCredentialsError, ConfigError."""
    variable = os.environ.get
    address = gateway_address(env)
    secret_id, secret_key = variable("TENCENTCLOUD_SECRETID"), variable("TENCENTCLOUD_SECRETKEY")
    if not secret_id or not secret_key:
        raise NoCredentialsError
    headers = {
        "user-agent": _NAME,
        "x-tcb-source": f"{variable('TCB_SOURCE', '')},{run_environment()}",
        "x-sdk-version": _NAME,
        "host": address.base.partition("//")[2],
    }
    optional = {
        "x-tcb-tracelog": variable("TCB_TRACELOG"),
        "x-tcb-region": variable("TENCENTCLOUD_REGION"),
    }
    headers |= {name: value for name, value in optional.items() if value}
    return Invocation(
        env=env,
        address=address,
        fields=_common_fields(env, token),
        headers=headers,
        secret_id=secret_id,
        secret_key=secret_key,
    )


def _common_fields(env: str, token: str) -> dict[str, str | bytes]:
    """Return the fields of every request, in the SDK's order."""
    variable = os.environ.get
    fields: dict[str, str | bytes] = {"envName": env, "wxCloudApiToken": token}
    if not token:
        fields["wxCloudbaseAccesstoken"] = variable("WX_CLOUDBASE_ACCESSTOKEN", "")
    fields["tcb_sessionToken"] = variable("TCB_SESSIONTOKEN", "")
    session = variable("TENCENTCLOUD_SESSIONTOKEN")
    if session is not None:
        fields["sessionToken"] = session
    fields["crossAuthorizationToken"] = ""
    return fields


def compact(value: Any) -> str:
    """Return a value as JSON without blanks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def json_bytes_of(value: Any) -> bytes:
    """Return a value as JSON; as by JSON.stringify, half a surrogate pair is escaped."""
    return compact(value).encode("utf-8", "backslashreplace")


def signed_headers(
    invocation: Invocation, query: str, kind: str, fields: Mapping[str, Any]
) -> dict[str, str]:
    """Return the headers of a request whose Content-Type is ``kind``, signature included."""
    now = clocks.now()
    headers = {
        **invocation.headers,
        "content-type": kind,
        "x-client-timestamp": str(int(now * 1000)),
    }
    route = os.environ.get("TCB_ROUTE_KEY") if kind == "application/json" else None
    if route:
        headers["x-tcb-route-key"] = route
    # An empty text is not signed.
    encoded = {name: _signed(field) for name, field in fields.items() if field not in ("", b"")}
    address = f"//{headers['host']}{invocation.address.path}"
    signed = signature.Signed(address, query, headers, encoded)
    timestamp = int(now) - 1
    headers["authorization"] = signature.sign(
        signed, invocation.secret_id, invocation.secret_key, timestamp
    )
    headers["x-signature-expires"] = str(signature.EXPIRES)
    headers["x-timestamp"] = str(timestamp)
    return headers


def _signed(field: Any) -> bytes:
    """Return the bytes of a field in the signature: a text as it is, any other value as JSON."""
    if isinstance(field, bytes):
        return field
    return field.encode() if isinstance(field, str) else json_bytes_of(field)
