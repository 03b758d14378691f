"""Refuse lookups of the hosts of WeChat, CloudBase and Tencent Cloud, by name.

Python imports this file at its start, because its folder is in PYTHONPATH. Python may be older than
the package allows: annotations of newer syntax are quoted.
"""

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

_FOLDER = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib is slow to import
_LOOKUPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})


def main() -> None:
    """Add the hook, and run the sitecustomize module that this one hides."""
    if hasattr(sys, "addaudithook"):  # Python 3.8
        sys.addaudithook(_on_event)
    sys.path[:] = [path for path in sys.path if path != _FOLDER]
    hidden = PathFinder.find_spec("sitecustomize", sys.path)
    if hidden is not None and hidden.loader is not None:
        hidden.loader.exec_module(module_from_spec(hidden))


def _on_event(event: str, arguments: "tuple[object, ...]") -> None:
    if event in _LOOKUPS:
        host = arguments[0]
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
        _check(name.lower().rstrip("."))


def _check(host: str) -> None:
    """Raise ConnectionRefusedError for a host that must not be called."""
    import json  # noqa: PLC0415 - most programs look up no host

    with open(os.path.join(_FOLDER, "hosts.json"), encoding="utf-8") as file:  # noqa: PTH118, PTH123
        domains = json.load(file)
    real = os.environ.get("CLOUD_OPENAPI_REAL_HOSTS", "").lower()
    if host in real.replace(" ", "").split(","):
        return
    if _is_below(host, domains["weixin"] + domains["gateway"]):
        url = os.environ.get("CLOUD_OPENAPI_EMULATOR")
        raise ConnectionRefusedError(
            f"{host} is not called: the emulator answers for it. Use {url} as the base URL"
        )
    if _is_below(host, domains["refused"]):
        raise ConnectionRefusedError(
            f"{host} is not called: its service is not emulated. Replace the call in your tests, "
            f"or start the emulator with CLOUD_OPENAPI_REAL_HOSTS={host}"
        )


def _is_below(host: str, domains: "list[str]") -> bool:
    return any(f".{host}".endswith(f".{domain}") for domain in domains)


if __name__ == "sitecustomize":
    main()
