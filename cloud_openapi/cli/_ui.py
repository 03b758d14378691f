"""Open the console of a running emulator."""

import os
import sys
import webbrowser

import click

from cloud_openapi.cli._control_client import ControlClient, console_of, url_option
from cloud_openapi.cli._options import option

_DESKTOPS = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")


@click.command()
@url_option
@option("--print", "only_print", is_flag=True, help="Only print the address.")
def ui(url: str, only_print: bool) -> None:  # noqa: FBT001 - a flag
    """Open the console of a running emulator in the browser.

    The address is printed, too. Where there is no browser, it is only printed.
    """
    ControlClient(url).find()
    console = console_of(url)
    click.echo(console)
    if not only_print and not (_has_desktop() and webbrowser.open(console)):
        click.echo("No browser was found here: open this address in one.", err=True)


def _has_desktop() -> bool:
    """Return whether a browser can open a window; without one, webbrowser takes the terminal."""
    return sys.platform in ("darwin", "win32") or any(map(os.environ.get, _DESKTOPS))
