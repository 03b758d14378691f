"""An environment whose programs reach the emulator, and never WeChat or Tencent Cloud.

Other programs load the files of this folder: ``preload.js`` Node.js, ``sitecustomize.py`` Python.
``hosts.json`` lists the domains for both.
"""

import json
import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

_FOLDER = Path(__file__).parent
_EMULATOR = "CLOUD_OPENAPI_EMULATOR"
_REAL_HOSTS = "CLOUD_OPENAPI_REAL_HOSTS"


def isolated(environment: Mapping[str, str], url: str) -> dict[str, str]:
    """Return an environment whose programs reach the emulator at ``url``, not the real services.

    The variable CLOUD_OPENAPI_REAL_HOSTS of this process names the exceptions. Requests for them,
    and for the rest of their listed domains, go to the proxy that the environment names.
    """
    real = os.environ.get(_REAL_HOSTS, "")
    exceptions = [host.strip() for host in real.split(",")]
    listed = [
        domain
        for domains in _domains().values()
        for domain in domains
        if not any(_is_below(host, [domain]) for host in exceptions)
    ]
    # Some clients take ".example.com" for the subdomains alone, some "example.com" for that host.
    direct = [urlsplit(url).hostname or "", "localhost", *listed, *(f".{each}" for each in listed)]
    given = {name: environment.get(name) for name in ("NO_PROXY", "no_proxy")}
    own = {name: value or next(filter(None, given.values()), "") for name, value in given.items()}
    return {
        **environment,
        **{name: _joined(value, direct) for name, value in own.items()},
        "NODE_OPTIONS": _node_options(environment.get("NODE_OPTIONS", "")),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_FOLDER), environment.get("PYTHONPATH")])),
        _EMULATOR: url,
        **({_REAL_HOSTS: real} if real else {}),
    }


def is_weixin_host(host: str) -> bool:
    """Return whether a host is one of WeChat's API, which the emulator answers for."""
    return _is_below(host, _domains()["weixin"])


def is_gateway_host(host: str) -> bool:
    """Return whether a host is one of CloudBase's gateway, which the emulator answers for."""
    return _is_below(host, _domains()["gateway"])


def _is_below(host: str, domains: Iterable[str]) -> bool:
    name = host.lower().removesuffix(".")
    return any(f".{name}".endswith(f".{domain}") for domain in domains)


@cache
def _domains() -> dict[str, list[str]]:
    domains: dict[str, list[str]] = json.loads((_FOLDER / "hosts.json").read_bytes())
    return domains


def _joined(no_proxy: str, hosts: Iterable[str]) -> str:
    """Return the hosts that no proxy gets, of both; "*" must stay alone."""
    own = [host.strip() for host in no_proxy.split(",") if host.strip()]
    return "*" if own == ["*"] else ",".join(dict.fromkeys([*own, *hosts]))


def _node_options(own: str) -> str:
    path = str(_FOLDER / "preload.js").replace("\\", "\\\\").replace('"', '\\"')
    option = f'--require "{path}"'
    return own if option in own else f"{option} {own}".rstrip()
