import time
from urllib.parse import quote

import click

from cloud_openapi.cli._completion import complete_function
from cloud_openapi.cli._control_client import ControlClient, url_option
from cloud_openapi.cli._options import option

_PAUSE = 0.3


@click.command()
@click.argument("name", shell_complete=complete_function)
@option("--follow", is_flag=True, help="Print new lines until interrupted.")
@url_option
def logs(name: str, url: str, follow: bool) -> None:  # noqa: FBT001 - a flag
    """Print the newest lines of a function's log in a running emulator."""
    client = ControlClient(url)
    newest = 0
    while True:
        answer = client.read(
            f"functions/{quote(name, safe='')}/log", {"next": int, "lines": list}, since=newest
        )
        newest = answer["next"]
        for line in answer["lines"]:
            click.echo(line)
        if not follow:
            return
        time.sleep(_PAUSE)
