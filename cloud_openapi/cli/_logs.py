import json
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

import click

from cloud_openapi.cli._options import option
from cloud_openapi.errors import CloudOpenAPIError

_PAUSE = 0.3
_WAIT = 10


@click.command()
@click.argument("name")
@option("--follow", is_flag=True, help="Go on until interrupted.")
@option(
    "--url",
    default="http://127.0.0.1:7070",
    show_default=True,
    help="The running emulator.",
)
def logs(name: str, url: str, follow: bool) -> None:  # noqa: FBT001 - a flag
    """Print the newest lines of a function's log in a running emulator."""
    address = f"{url.rstrip('/')}/_emulator/functions/{quote(name, safe='')}/log"
    newest = 0
    while True:
        answer = _get(f"{address}?since={newest}", url)
        newest = answer["next"]
        for line in answer["lines"]:
            click.echo(line)
        if not follow:
            return
        time.sleep(_PAUSE)


def _get(address: str, url: str) -> Any:
    # An emulator is on this machine, whatever proxy leads out of it.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=_WAIT) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            raise CloudOpenAPIError(_message(error)) from None
    except (urllib.error.URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise CloudOpenAPIError(
            f"no emulator answers at {url} ({reason}); start one with cloud-openapi serve, or "
            "name another with --url"
        ) from None


def _message(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["message"])
    except (ValueError, KeyError, TypeError):
        return f"{error.url} answered {error.code}: is it an emulator with functions?"
