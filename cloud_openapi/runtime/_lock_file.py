"""The registries that a package-lock.json names.

npm asks the host that a lock file names, whatever the user's own registry is. The mirrors of npm
hold the same packages, some of them below other paths, and some do not exist any more; npm finds
a package without an address in the user's registry, and compares its hash.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

NPM = "registry.npmjs.org"
MIRRORS = frozenset(
    {
        "cdn.npmmirror.com",
        "mirrors.cloud.tencent.com",
        "mirrors.huaweicloud.com",
        "mirrors.tencent.com",
        "mirrors.tencentyun.com",
        "r.cnpmjs.org",
        "r.npm.taobao.org",
        "registry.cnpmjs.org",
        "registry.nlark.com",
        "registry.npm.taobao.org",
        "registry.npmmirror.com",
        "registry.yarnpkg.com",
        "skimdb.npmjs.com",
    }
)


class Registries(NamedTuple):
    """The hosts that a lock file names, beside npm's own: replaced ones and others."""

    replaced: tuple[str, ...]
    others: tuple[str, ...]


def use_own_registry(lock: Path, *, every: bool) -> Registries:
    """Remove the addresses of mirrors from a lock file, with ``every`` those of all registries.

    A file that is not JSON stays as it is, for npm to report.
    """
    try:
        content = json.loads(lock.read_bytes())
    except (OSError, ValueError, RecursionError):
        return Registries((), ())
    replaced: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for package in _packages(content):
        host = _host(package.get("resolved"))
        if host is None or (host == NPM and not every):
            continue
        if every or host in MIRRORS:
            del package["resolved"]
            replaced[host] += host != NPM
        else:
            others[host] += 1
    if replaced:
        lock.write_text(json.dumps(content), "utf-8")
    return Registries(tuple(sorted(+replaced)), tuple(sorted(others)))


def _packages(content: Any) -> Iterator[dict[str, Any]]:
    """Yield the packages of a lock file, of the versions 1 to 3."""
    waiting = [content]
    while waiting:
        value = waiting.pop()
        for key in ("packages", "dependencies"):
            inner = value.get(key) if isinstance(value, dict) else None
            found = (
                [each for each in inner.values() if isinstance(each, dict)]
                if isinstance(inner, dict)
                else []
            )
            yield from found
            waiting += found


def _host(address: Any) -> str | None:
    """Return the host of a registry's address, None for a file, a repository and so on."""
    if not isinstance(address, str) or not address.startswith(("http://", "https://")):
        return None
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
